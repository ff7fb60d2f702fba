// Misspelt protections: the names begin with PROT_.
// compiles: no
#include <sys/mman.h>

// ANCHOR: bug
int main(void)
{
    char *p = mmap(0, 1, PORT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return p == MAP_FAILED;
}
// ANCHOR_END: bug
