// The check that everybody gets wrong once: for NULL instead of MAP_FAILED.
// ends: killed by SIGSEGV
#include <stdio.h>
#include <sys/mman.h>

int main(void)
{
    // ANCHOR: bug
    char *p = mmap(NULL, 0, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == NULL) {
        perror("mmap");
        return 1;
    }
    // ANCHOR_END: bug
    printf("p is %ld\n", (long)p);
    fflush(stdout);
    *(volatile char *)p = 'x';
    return 0;
}
