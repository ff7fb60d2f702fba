// Two processes share a page. One stops in the middle of its work, and the other looks and stores.
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

struct page {
    char text[8];
    int count;
};

static int to_parent[2], to_child[2];

static void turn(int out, int in)
{
    char c = 0;
    if (write(out, &c, 1) != 1 || read(in, &c, 1) != 1)
        _exit(1);
}

int main(void)
{
    struct page *page = mmap(NULL, sizeof *page, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED || pipe(to_parent) || pipe(to_child)) {
        perror("setup");
        return 1;
    }
    memcpy(page->text, "AAAAAAAA", 8);
    pid_t child = fork();
    if (child == 0) {
        // ANCHOR: child
        memcpy(page->text, "BBBB", 4);
        int seen = page->count;            /* it is 0 */
        turn(to_parent[1], to_child[0]);   /* the parent runs here */
        page->count = seen + 1;
        memcpy(page->text + 4, "BBBB", 4);
        // ANCHOR_END: child
        _exit(0);
    }
    char c;
    if (read(to_parent[0], &c, 1) != 1)
        return 1;
    // ANCHOR: parent
    printf("A: text is %.8s\n", page->text);
    page->count = page->count + 1;
    // ANCHOR_END: parent
    if (write(to_child[1], &c, 1) != 1)
        return 1;
    waitpid(child, NULL, 0);
    printf("B: text is %.8s, count is %d\n", page->text, page->count);
    return 0;
}
