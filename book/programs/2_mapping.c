// Two stores, a close(2) and a munmap(2): what of them is in the file afterwards.
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

int main(void)
{
    int fd = open("digits", O_RDWR | O_CREAT | O_EXCL, 0600);
    if (fd == -1 || write(fd, "0123456789", 10) != 10) {
        perror("digits");
        return 1;
    }
    // ANCHOR: predict
    volatile char *p = mmap(NULL, 10, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (p == MAP_FAILED) {
        perror("mmap");
        return 1;
    }
    close(fd);
    p[3] = '#';
    p[20] = '!';
    printf("in the mapping: p[3] is '%c', p[20] is '%c'\n", p[3], p[20]);
    munmap((void *)p, 10);
    // ANCHOR_END: predict
    fflush(stdout);

    // In a child, since the access may be fatal.
    pid_t child = fork();
    if (child == 0)
        _exit(p[3]);
    int status;
    waitpid(child, &status, 0);
    if (WIFSIGNALED(status))
        printf("after munmap: p[3] is %s\n", strsignal(WTERMSIG(status)));

    char text[64] = "";
    fd = open("digits", O_RDONLY);
    printf("in the file: %zd bytes, ", read(fd, text, sizeof text - 1));
    printf("\"%s\"\n", text);
    return 0;
}
