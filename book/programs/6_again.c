// A handler for SIGBUS that returns: twice it changes nothing, then it gives the file its page.
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

// ANCHOR: handler
static int fd;
static volatile sig_atomic_t runs;

static void on_sigbus(int sig) {
    (void)sig;
    if (++runs == 3 && ftruncate(fd, 1) != 0)
        _exit(1);
}
// ANCHOR_END: handler

int main(void) {
    struct sigaction action = {.sa_handler = on_sigbus};
    FILE *empty = tmpfile();
    if (empty == NULL || sigaction(SIGBUS, &action, NULL) != 0)
        return 1;
    fd = fileno(empty);
    // ANCHOR: main
    volatile char *map = mmap(NULL, 1, PROT_READ, MAP_SHARED, fd, 0);
    if (map == MAP_FAILED)
        return 1;
    int byte = map[0]; // the file is empty
    printf("loaded %d, after %d runs of the handler\n", byte, (int)runs);
    // ANCHOR_END: main
    return 0;
}
