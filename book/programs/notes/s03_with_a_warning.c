// The same two types: only an option that neither -Wall nor -Wextra turns on makes the compiler warn.
// flags: -Wconversion
// warns: yes
#include <sys/types.h>
#include <unistd.h>

int main(void)
{
    // ANCHOR: bug
    int len = lseek(0, 0, SEEK_CUR);
    // ANCHOR_END: bug
    return len > 0 ? 0 : 0;
}
