// A number of four bytes is stored at the start of files of different sizes.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int main(void)
{
    const char *texts[] = {"abcdefgh", "abc", ""};
    for (int i = 0; i < 3; i++) {
        int fd = open("text", O_RDWR | O_CREAT | O_TRUNC, 0600);
        size_t size = strlen(texts[i]);
        if (write(fd, texts[i], size) != (ssize_t)size)
            return 1;
        // ANCHOR: bug
        int *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        if (p != MAP_FAILED)
            p[0] = 0x31323334;
        // ANCHOR_END: bug
        else
            printf("mmap of %zu bytes: %s\n", size, strerror(errno));
        char now[16] = "";
        printf("%zu bytes: \"%s\"\n", size, pread(fd, now, sizeof now - 1, 0) >= 0 ? now : "?");
        close(fd);
    }
    return 0;
}
