// errno is a macro: as the name of a parameter it turns the parameter into a pointer to a function.
// flags: -Wno-error=int-conversion
// warns: yes
// ends: killed by SIGSEGV
#include <errno.h>
#include <stdio.h>
#include <string.h>

// ANCHOR: bug
static void complain(const char *what, int errno)
{
    fprintf(stderr, "%s: %s\n", what, strerror(errno));
}

int main(void)
{
    complain("mmap", EACCES);
    return 0;
}
// ANCHOR_END: bug
