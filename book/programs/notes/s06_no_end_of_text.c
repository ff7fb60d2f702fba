// A file of exactly one page without a NUL, printed with %s: the reader reads on, and here nothing is mapped after it.
// ends: killed by SIGSEGV
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int main(void)
{
    size_t page = sysconf(_SC_PAGESIZE);
    int fd = open("text", O_RDWR | O_CREAT | O_EXCL, 0600);
    char *room = mmap(NULL, 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (ftruncate(fd, page) || room == MAP_FAILED)
        return 1;
    char *p = mmap(room, page, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0);
    memset(p, 'x', page);
    printf("the last byte is '%c'\n", p[page - 1]);
    fflush(stdout);
    // ANCHOR: bug
    printf("%s\n", p);
    // ANCHOR_END: bug
    return 0;
}
