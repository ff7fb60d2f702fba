// A descriptor over fork(2) and execve(2): which program gets it, and under which number.
#include <fcntl.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

/* cat prints what descriptor 9 has, from its offset on. */
static const char *script = "exec 2>/dev/null; cat <&9 || echo 'there is no descriptor 9'";

int main(void)
{
    int fd = open("scratch", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0 || write(fd, "lent\n", 5) != 5)
        return 1;
    for (char run = 'A'; run <= 'C'; run++) {
        printf("%c: ", run);
        fflush(stdout);
        // ANCHOR: lend
        lseek(fd, 0, SEEK_SET);
        if (fork() == 0) {
            if (run != 'A')
                dup2(fd, 9);                      /* the child's 9, without FD_CLOEXEC */
            if (run == 'B')
                fcntl(9, F_SETFD, FD_CLOEXEC);    /* with it, execve(2) closes 9 */
            execl("/bin/sh", "sh", "-c", script, (char *)NULL);
            _exit(127);
        }
        wait(NULL);
        // ANCHOR_END: lend
    }
    printf("D: the offset is %ld\n", (long)lseek(fd, 0, SEEK_CUR));
    return 0;
}
