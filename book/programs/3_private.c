// One file with a shared and a private mapping, two calls of pwrite(2) and a store between them.
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

int main(void)
{
    int fd = open("two", O_RDWR | O_CREAT | O_EXCL, 0600);
    if (fd == -1 || write(fd, "ab", 2) != 2) {
        perror("two");
        return 1;
    }
    volatile char *s = mmap(NULL, 2, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    volatile char *p = mmap(NULL, 2, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    if (s == MAP_FAILED || p == MAP_FAILED) {
        perror("mmap");
        return 1;
    }
    // ANCHOR: predict
    pwrite(fd, "1", 1, 0);
    printf("A: p is %c%c\n", p[0], p[1]);
    p[1] = 'x';
    printf("B: p is %c%c\n", p[0], p[1]);
    pwrite(fd, "2", 1, 0);
    printf("C: p is %c%c, s is %c%c\n", p[0], p[1], s[0], s[1]);
    s[1] = 'y';
    printf("D: p is %c%c, s is %c%c\n", p[0], p[1], s[0], s[1]);
    // ANCHOR_END: predict
    return 0;
}
