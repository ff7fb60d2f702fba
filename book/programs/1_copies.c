// A buffer is a copy, and a write(2) may be short.
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

int main(void)
{
    int fd = open("text", O_RDWR | O_CREAT | O_EXCL, 0600);
    if (fd == -1 || write(fd, "old bytes\n", 10) != 10) {
        perror("text");
        return 1;
    }
    // ANCHOR: predict
    char buffer[10];
    pread(fd, buffer, 10, 0);
    pwrite(fd, "NEW", 3, 0);
    printf("A: the buffer has %.9s\n", buffer);
    pread(fd, buffer, 10, 0);
    printf("B: the buffer has %.9s\n", buffer);
    // ANCHOR_END: predict

    // A limit on the size of files stands for a disk that is nearly full.
    struct rlimit before;
    getrlimit(RLIMIT_FSIZE, &before);
    // ANCHOR: short
    struct rlimit limit = {16, before.rlim_max};
    setrlimit(RLIMIT_FSIZE, &limit);
    signal(SIGXFSZ, SIG_IGN); /* beyond the limit it kills */
    ssize_t first = pwrite(fd, "0123456789", 10, 10); /* there is room up to byte 16 */
    ssize_t then = pwrite(fd, "6789", 4, 16);
    // ANCHOR_END: short
    int why = errno;
    setrlimit(RLIMIT_FSIZE, &before);
    printf("C: the first pwrite gives %zd\n", first);
    printf("D: the next one gives %zd: %s\n", then, strerror(why));
    return 0;
}
