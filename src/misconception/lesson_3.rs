//! Lesson 3: shared against private.

use super::Misconception;

misconceptions! {
    LOADING_COPIES = "loading-copies",
        ("A private mapping is a snapshot of the file: each of its pages is a copy, at least once it was loaded from.",
         "私有映射是文件的快照：它的每一页都是副本，最迟读过一次就变成了副本。"),
        ("A load makes no copy. The first store to a page does, and only of that page: every other page is still the \
          file's page, and shows what other processes write there.",
         "读不会复制。第一次写某一页时才会，而且只复制那一页：其余的页仍然就是文件的页，别的进程写入的内容照样看得到。");
    EQUAL_BYTES_ARE_THE_PAGE = "equal-bytes-are-the-page",
        ("A page of a private mapping with the same bytes as the file is the file's page.",
         "私有映射里的某一页，只要字节与文件相同，就是文件的那一页。"),
        ("The store makes the copy, whatever is stored. A page with a copy no longer follows the file until the copy \
          is dropped (munmap, MADV_DONTNEED).",
         "造成复制的是写这个动作，与写入什么值无关。有了副本，这一页就不再跟着文件变，直到副本被丢弃（munmap、MADV_DONTNEED）为止。");
    STATUS_HOLDS_A_NUMBER = "status-holds-a-number",
        ("A child's exit status can carry its answer.",
         "子进程可以用退出状态带回答案。"),
        ("An exit status has 8 bits, and any code that calls exit(0) sets it to 0. Send the answer through a pipe, a \
          socket or shared memory.",
         "退出状态只有 8 位，而且任何代码调用 exit(0) 都会得到 0。答案要通过管道、套接字或共享内存传递。");
}
