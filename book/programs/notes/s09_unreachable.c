// munmap(2) after a loop that never ends: gcc leaves the call out without a warning.
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

// ANCHOR: bug
static int talk(volatile char *p)
{
    while (1) {
        p[0]++;
        sleep(1);
    }
    return munmap((void *)p, 1);
}
// ANCHOR_END: bug

int main(int argc, char **argv)
{
    if (argc > 1)
        return talk(argv[1]);
    /* Put together at run time: as one literal it would itself be in the program. */
    char word[] = {'m' ^ 1, 'u' ^ 1, 'n' ^ 1, 'm' ^ 1, 'a' ^ 1, 'p' ^ 1};
    for (size_t i = 0; i < sizeof word; i++)
        *(volatile char *)&word[i] ^= 1;
    static char binary[1 << 20];
    FILE *self = fopen("/proc/self/exe", "rb");
    size_t length = self ? fread(binary, 1, sizeof binary, self) : 0;
    int found = 0;
    for (size_t at = 0; at + sizeof word <= length; at++)
        found |= memcmp(binary + at, word, sizeof word) == 0;
    printf("the call is in the program: %s\n", found ? "yes" : "no");
    return 0;
}
