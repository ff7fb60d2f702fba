// A file that everybody may write to: the mode that results, and what others can do to the process that maps it.
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

int main(void)
{
    mode_t masks[] = {0, 022};
    for (int i = 0; i < 2; i++) {
        umask(masks[i]);
        unlink("shared");
        // ANCHOR: bug
        int fd = open("shared", O_RDWR | O_CREAT, 0777);
        // ANCHOR_END: bug
        struct stat st;
        fstat(fd, &st);
        printf("umask %03o: mode %03o\n", (unsigned)masks[i], (unsigned)st.st_mode & 07777);
        close(fd);
    }
    int fd = open("shared", O_RDWR);
    if (ftruncate(fd, 1))
        return 1;
    volatile char *p = mmap(NULL, 1, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (truncate("shared", 0)) /* any process that may write to it can do this */
        return 1;
    pid_t child = fork();
    if (child == 0)
        _exit(p[0]);
    int status;
    waitpid(child, &status, 0);
    printf("truncated, then a load: %s\n", WIFSIGNALED(status) ? strsignal(WTERMSIG(status)) : "ok");
    return 0;
}
