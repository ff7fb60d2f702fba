// A file loses its name, then its descriptor, and is still there.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

int main(void)
{
    // ANCHOR: predict
    int fd = open("scratch", O_RDWR | O_CREAT | O_EXCL, 0600);
    ssize_t written = write(fd, "hello", 5);
    char *p = mmap(NULL, 5, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    unlink("scratch");
    struct stat st;
    fstat(fd, &st);
    printf("A: %ld names, %ld bytes\n", (long)st.st_nlink, (long)st.st_size);
    close(fd);
    p[0] = 'j';
    printf("B: %.5s\n", p);
    fd = open("scratch", O_RDWR);
    printf("C: open gives %d, %s\n", fd, strerror(errno));
    fd = open("scratch", O_RDWR | O_CREAT | O_EXCL, 0600);
    fstat(fd, &st);
    printf("D: %ld names, %ld bytes; the mapping has %.5s\n", (long)st.st_nlink, (long)st.st_size, p);
    // ANCHOR_END: predict
    return written != 5;
}
