// A file's size goes through an int on its way to mmap(2).
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int main(void)
{
    int fd = open("large", O_RDWR | O_CREAT | O_EXCL, 0600);
    for (long gib = 3; gib <= 5; gib++) {
        if (ftruncate(fd, gib << 30))
            return 1;
        // ANCHOR: bug
        int len = lseek(fd, 0, SEEK_END);
        char *p = mmap(NULL, len, PROT_READ, MAP_SHARED, fd, 0);
        // ANCHOR_END: bug
        printf("%ld GiB: len is %d, mmap: %s\n", gib, len, p == MAP_FAILED ? strerror(errno) : "ok");
        if (p != MAP_FAILED)
            munmap(p, len);
    }
    int len = lseek(-1, 0, SEEK_END);
    printf("no file: len is %d\n", len);
    return 0;
}
