//! Lesson 5: unlinked temporary files.

use super::Misconception;

misconceptions! {
    TRUNCATION_ONLY_FREES = "truncation-only-frees",
        ("Truncating a file frees its space and does no harm to other processes.",
         "想释放文件的空间，截断就行：只是磁盘块没了，对别人没有影响。"),
        ("Truncation removes the pages from every mapping, and the next access to one raises SIGBUS. A hole \
          (fallocate(2), FALLOC_FL_PUNCH_HOLE) frees the blocks; the length stays, and reading gives zeros.",
         "截断会抽走所有映射背后的页，下一次访问就是 SIGBUS；打洞（fallocate(2) 的 FALLOC_FL_PUNCH_HOLE）只释放磁盘块，文件长度不变，读到的是零。");

    ZEROS_ARE_A_HOLE = "zeros-are-a-hole",
        ("A range of a file that is all zeros takes no space.",
         "文件中全是零的范围不占空间。"),
        ("Zeros that were written have blocks like any other bytes. A hole is a range without blocks; reading it gives \
          zeros.",
         "写进去的零和别的字节一样要占磁盘块；空洞是没有分配块的地方，只是读出来为零。");

    DONTNEED_FREES_THE_FILE = "dontneed-frees-the-file",
        ("madvise(MADV_DONTNEED) frees the memory and the disk space of a shared mapping.",
         "madvise(MADV_DONTNEED) 能释放共享映射背后的内存和空间。"),
        ("It removes the pages from this process's page tables; in a shared file mapping the file keeps every byte. \
          MADV_REMOVE frees both: it punches a hole, as fallocate(2) does.",
         "它只是把页从本进程的页表中摘掉；对共享文件映射而言，文件一个字节也不会少。真正释放的是 MADV_REMOVE，也就是换了个名字的 fallocate(2) 打洞。");

    A_HOLE_IS_OF_WHOLE_PAGES = "a-hole-is-of-whole-pages",
        ("Only whole pages can be punched out of a file, so the range has to be rounded.",
         "只能整页地打洞，所以范围要先取整到页边界。"),
        ("fallocate(2) takes any offset and length: it frees the whole blocks inside and sets the rest of the range to \
          zero. Rounding outward destroys the bytes beside the range, rounding inward leaves its ends unchanged.",
         "fallocate(2) 接受任意的偏移量和长度：范围内的整块释放，其余部分清零。向外取整会毁掉相邻的字节，向内取整则两端的内容原样留下。");

    AN_ERROR_UNDOES = "an-error-undoes",
        ("When a call fails, the steps before it are undone.",
         "调用失败了，之前做过的事也就作废了。"),
        ("At most the failed call itself is undone. Of two steps, first take the reversible one, and undo it yourself \
          if the other one fails.",
         "内核至多撤销失败的那一个调用。要做两步，就把能撤销的那一步放在前面，并在失败时亲手撤销。");

    A_MAPPING_GROWS_WITH_ITS_FILE = "a-mapping-grows-with-its-file",
        ("When a file grows, its mapping grows with it.",
         "文件变长，它的映射也会跟着变长。"),
        ("A mapping has the length that mmap(2) was given; what the file has beyond it needs another mmap(2), or \
          mremap(2).",
         "映射的长度在 mmap(2) 时就定下了；文件多出来的部分，要再次 mmap(2) 或者用 mremap(2) 才看得到。");

    A_COPY_IS_STILL_SHARED = "a-copy-is-still-shared",
        ("For other processes it makes no difference whether a shared file grows or is replaced by a longer copy.",
         "共享的文件是就地变长，还是换成一个更长的副本，对别的进程没有区别。"),
        ("A mapping belongs to an inode, not to a name or to contents: processes that have the old file mapped see \
          nothing of what is stored to another file.",
         "映射绑定的是 inode，而不是名字或内容：映射着旧文件的进程，看不到写入新文件的任何东西。");

    ANY_FILE_CAN_BE_NAMED = "any-file-can-be-named",
        ("A file without a name can be given one, as long as a descriptor of it is open.",
         "只要还有描述符，没有名字的文件都可以再给它一个名字。"),
        ("linkat(2) fails with ENOENT when the link count is 0, except for a file opened with O_TMPFILE and without \
          O_EXCL. A file that was unlinked, or was opened with both flags, stays without a name, and so does a memory \
          file, which is in another file system than every directory (EXDEV).",
         "名字数（st_nlink）为 0 时 linkat(2) 返回 ENOENT，只有用 O_TMPFILE（且不带 O_EXCL）创建的文件例外。被 unlink 过的文件，以及同时带这两个标志打开的文件，再也得不到名字；内存文件也一样，它与任何目录都不在同一个文件系统（EXDEV）。");

    A_PROC_LINK_IS_THE_FILE = "a-proc-link-is-the-file",
        ("Linking /proc/self/fd/N links the file that it leads to.",
         "给 /proc/self/fd/N 建硬链接，就是给它指向的文件建链接。"),
        ("link(2) does not follow a symbolic link: it would link the entry of /proc itself, in another file system \
          (EXDEV). linkat(2) follows it with AT_SYMLINK_FOLLOW.",
         "link(2) 不跟随符号链接：它要链接的是 /proc 里的那个目录项，而那在另一个文件系统中（EXDEV）。linkat(2) 加上 AT_SYMLINK_FOLLOW 才会跟随。");

    AN_ODD_NAME_IS_NONE = "an-odd-name-is-none",
        ("An unpredictable name is as good as none.",
         "名字只要没人猜得到，就等于没有名字。"),
        ("Listing the directory shows it, and a process that is killed leaves it there for ever. A file opened with \
          O_TMPFILE has no name.",
         "列一下目录就能看到它，而且进程被杀死后它会一直留在那里；O_TMPFILE 的文件才真正没有名字。");

    A_MOMENT_IS_NO_TIME = "a-moment-is-no-time",
        ("Nothing happens between two consecutive calls.",
         "紧挨着的两个调用之间不会发生任何事。"),
        ("SIGKILL, a crash or another process may come at any moment. Prepare what must not be seen half done where no \
          other process sees it, and make it appear with a single call.",
         "SIGKILL、崩溃和别的进程随时可能插进来。不该被人看到半成品的东西，要在没人看得到的地方准备好，再用一个调用让它出现。");

    OPEN_SETS_THE_MODE = "open-sets-the-mode",
        ("A new file has the mode that open(2) was given.",
         "新文件的权限就是传给 open(2) 的 mode。"),
        ("The umask removes bits from it; fchmod(2) doesn't look at the umask.",
         "umask 会从中去掉一些位；fchmod(2) 则不看 umask。");

    A_NAME_IS_DURABLE = "a-name-is-durable",
        ("When linkat(2) or rename(2) has returned, the file is on the disk.",
         "linkat(2) 或 rename(2) 一返回，文件就已经落盘了。"),
        ("Both change memory first. The bytes need an fsync(2) of the file, before it gets its name; the name needs an \
          fsync(2) of the directory.",
         "两者都先只改内存。数据要在得到名字之前对文件 fsync(2)；名字则要对目录 fsync(2)。");

    DUP2_ALWAYS_CLEARS_CLOEXEC = "dup2-always-clears-cloexec",
        ("The next program always inherits the descriptor that dup2(2) makes.",
         "dup2(2) 之后的描述符，下一个程序一定会继承。"),
        ("When both numbers are the same, dup2(2) does nothing, and FD_CLOEXEC stays as it was.",
         "两个编号相同时，dup2(2) 什么也不做，FD_CLOEXEC 保持原样。");

    A_NUMBER_IS_THE_FILE = "a-number-is-the-file",
        ("The number of a descriptor is enough to keep the file.",
         "记住了文件描述符的编号，就等于拿着那个文件。"),
        ("The number is an index in this process's table. Once it is closed, the next open(2) puts another file there. \
          A descriptor of your own (dup(2)) keeps the file.",
         "编号只是本进程描述符表里的一个位置。关闭之后，下一次 open(2) 就会把别的文件放进去；要留住文件，得有自己的描述符（dup(2)）。");

    TO_OPEN_AGAIN_IS_TO_DUP = "to-open-again-is-to-dup",
        ("Opening /proc/self/fd/N gives another descriptor of the same open file description.",
         "打开 /proc/self/fd/N，得到的是同一个打开文件描述的另一个描述符。"),
        ("It opens the file again, with an offset and flags of its own. Descriptors from dup(2), fork(2) and \
          SCM_RIGHTS share both.",
         "那是重新打开一次，有自己的偏移量和标志；dup(2)、fork(2) 和 SCM_RIGHTS 才共享它们。");

    EACH_DESCRIPTOR_HAS_ITS_OFFSET = "each-descriptor-has-its-offset",
        ("A descriptor that was received has an offset of its own.",
         "收到的描述符有自己独立的偏移量。"),
        ("SCM_RIGHTS passes the open file description, as dup(2) does: an lseek(2) here moves the sender's offset as \
          well. fstat(2) and pread(2) do not.",
         "SCM_RIGHTS 传递的是打开文件描述，和 dup(2) 一样：这边 lseek(2)，发送方的偏移量也跟着动。fstat(2) 和 pread(2) 不影响它。");

    CLOEXEC_IS_OF_ONE_PROGRAM = "cloexec-is-of-one-program",
        ("Clearing FD_CLOEXEC in this process passes the file to the intended program only.",
         "在本进程中清除 FD_CLOEXEC，就只会把文件传给想传的那个程序。"),
        ("The flag belongs to the descriptor, and whichever program is executed next, by any thread, inherits the \
          descriptor. Cleared in the child, between fork and exec, it affects that program only.",
         "这个标志属于描述符，接下来执行的任何程序都会继承它，不管是哪个线程启动的；在子进程里、fork 与 exec 之间清除，才只影响那一个程序。");

    ANY_SEAL_WILL_DO = "any-seal-will-do",
        ("A sealed file can be trusted.",
         "密封过的文件就可以信任。"),
        ("Each seal forbids one kind of change: without F_SEAL_SHRINK the file can be truncated (SIGBUS), without \
          F_SEAL_WRITE its bytes can change while they are read.",
         "每种密封只禁止一类改动：没有 F_SEAL_SHRINK，文件可能被截断（SIGBUS）；没有 F_SEAL_WRITE，内容可能在读的时候被改。");

    FUTURE_WRITE_IS_WRITE = "future-write-is-write",
        ("F_SEAL_FUTURE_WRITE keeps the bytes from being changed.",
         "F_SEAL_FUTURE_WRITE 能保证内容不再被改。"),
        ("It forbids write(2) and new writable mappings, but existing writable mappings can still be stored to. \
          F_SEAL_WRITE is refused with EBUSY while one exists.",
         "它禁止 write(2) 和新建可写映射，但已经存在的可写映射照样能写。F_SEAL_WRITE 则在还有可写映射时返回 EBUSY。");

    A_LENGTH_STAYS = "a-length-stays",
        ("A file keeps the length that fstat(2) has returned.",
         "查过一次长度，之后文件就是这个长度。"),
        ("Any process with a descriptor may truncate the file right afterwards. Only the kernel can promise \
          something: the file doesn't get shorter than it is found once F_SEAL_SHRINK is set.",
         "任何持有描述符的进程都可能紧接着截断文件。确认有 F_SEAL_SHRINK 之后再查长度，文件才不会比查到的短：这是内核的保证。");
}
