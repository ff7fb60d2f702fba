// Loads from a mapping of three pages while the file has 10 bytes, two pages and none.
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

// ANCHOR: load
static sigjmp_buf before_the_load;

static void jump_back(int sig) {
    siglongjmp(before_the_load, sig);
}

static void load(const char *what, const volatile char *byte) {
    switch (sigsetjmp(before_the_load, 1)) {
    case 0: printf("  %-22s %d\n", what, *byte); break;
    case SIGBUS: printf("  %-22s SIGBUS\n", what); break;
    case SIGSEGV: printf("  %-22s SIGSEGV\n", what); break;
    }
}
// ANCHOR_END: load

static void must(int ok, const char *what) {
    if (!ok) {
        perror(what);
        exit(1);
    }
}

int main(void) {
    struct sigaction action = {.sa_handler = jump_back};
    must(!sigaction(SIGBUS, &action, NULL) && !sigaction(SIGSEGV, &action, NULL), "sigaction");
    FILE *named = tmpfile();
    must(named != NULL, "tmpfile");
    int fd = fileno(named);
    size_t page = (size_t)sysconf(_SC_PAGESIZE);

    // ANCHOR: main
    must(write(fd, "0123456789", 10) == 10, "write");
    char *map = mmap(NULL, 4 * page, PROT_READ, MAP_SHARED, fd, 0);
    must(map != MAP_FAILED, "mmap");
    must(!munmap(map + 3 * page, page), "munmap"); // three pages, and nothing mapped after them

    puts("the file has 10 bytes");
    load("byte 9", map + 9);
    load("byte 10", map + 10);
    load("page 0, last byte", map + page - 1);
    load("page 1, first byte", map + page);
    load("page 2, last byte", map + 3 * page - 1);
    load("past page 2", map + 3 * page);

    puts("ftruncate: two pages");
    must(!ftruncate(fd, (off_t)(2 * page)), "ftruncate");
    load("page 1, first byte", map + page);
    load("page 2, last byte", map + 3 * page - 1);

    puts("ftruncate: 0 bytes");
    must(!ftruncate(fd, 0), "ftruncate");
    load("byte 9", map + 9);
    // ANCHOR_END: main
    return 0;
}
