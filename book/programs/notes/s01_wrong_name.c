// The pointer has one name when it is mapped and another when it is unmapped.
// compiles: no
#include <sys/mman.h>

// ANCHOR: bug
int main(void)
{
    char *p = mmap(0, 1, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return munmap(mem, 1);
}
// ANCHOR_END: bug
