// A seek and a byte give a file its size: what happens to files with contents, and what is reserved.
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SIZE = 1 << 20 };

int main(void)
{
    static char full[2 * SIZE];
    memset(full, 'x', sizeof full);
    size_t before[] = {sizeof full, 10};
    for (int i = 0; i < 2; i++) {
        int fd = open("mapped", O_RDWR | O_CREAT | O_TRUNC, 0600);
        if (write(fd, full, before[i]) != (ssize_t)before[i])
            return 1;
        // ANCHOR: bug
        lseek(fd, SIZE - 1, SEEK_SET);
        ssize_t written = write(fd, "", 1);
        // ANCHOR_END: bug
        char first, last;
        struct stat st;
        if (written != 1 || pread(fd, &first, 1, 0) != 1 || pread(fd, &last, 1, SIZE - 1) != 1 || fstat(fd, &st))
            return 1;
        printf("%zu bytes before: %lld now, first byte %d, byte %d is %d, all blocks there: %s\n", before[i],
               (long long)st.st_size, first, SIZE - 1, last, st.st_blocks * 512LL >= st.st_size ? "yes" : "no");
        close(fd);
    }
    return 0;
}
