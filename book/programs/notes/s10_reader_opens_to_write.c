// A reader that asks for more than it needs, run by a user who may only read the file.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

int main(void)
{
    int fd = open("shared", O_RDWR | O_CREAT | O_EXCL, 0444);
    if (write(fd, "hello", 5) != 5 || chmod(".", 0755) || close(fd))
        return 1;
    if (geteuid() == 0 && setuid(65534)) /* root may open everything */
        return 1;
    // ANCHOR: bug
    fd = open("shared", O_RDWR);
    // ANCHOR_END: bug
    printf("O_RDWR: %s\n", fd == -1 ? strerror(errno) : "ok");
    fd = open("shared", O_RDONLY);
    char *p = mmap(NULL, 5, PROT_READ, MAP_SHARED, fd, 0);
    printf("O_RDONLY and PROT_READ: %.5s\n", p == MAP_FAILED ? "no" : p);
    return 0;
}
