// The exit status that a parent sees after exit(errno).
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static int status_of(int code)
{
    int status;
    pid_t child = fork();
    if (child == 0)
        _exit(code);
    waitpid(child, &status, 0);
    return WEXITSTATUS(status);
}

int main(void)
{
    errno = 0;
    // ANCHOR: bug
    char *text = getenv("A_VARIABLE_THAT_IS_NOT_SET"); /* fails, and sets no errno */
    int code = text == NULL ? errno : 0;
    // ANCHOR_END: bug
    printf("a failure without errno: status %d\n", status_of(code));
    printf("exit(256): status %d\n", status_of(256));
    printf("exit(-1): status %d\n", status_of(-1));
    return 0;
}
