//! Lesson 4: processes that talk through a mapped file.

use super::Misconception;

misconceptions! {
    LOAD_AND_STORE_IS_ONE_STEP = "load-and-store-is-one-step",
        ("In shared memory, `n = n + 1` always increments by one, whatever other processes do.",
         "在共享内存里，不管别的进程在做什么，`n = n + 1` 总是加 1。"),
        ("It is a load and a store, and what others store in between is lost. An increment needs an atomic \
          read-modify-write: fetch_add or compare_exchange.",
         "这是一次读加一次写，别人夹在中间写入的内容会丢失。需要原子的读-改-写：fetch_add 或 compare_exchange。");
    OVERSHOOT_IS_REPAIRED = "overshoot-is-repaired",
        ("A counter that has gone too far can be set back, and no other process will notice.",
         "计数器加过头了，再减回来就行，没人会注意到。"),
        ("Between the two steps every process sees the wrong number, and a process that dies there leaves it for ever. \
          Compare and swap never goes too far.",
         "在这两步之间，谁都能看到错误的数；要是恰好死在那里，错误就永远留下了。用比较并交换，就从不会超过。");
    CREATED_IS_COMPLETE = "created-is-complete",
        ("A process that opens a file finds it complete, as its creator intended.",
         "打开一个文件，看到的就是创建者做好之后的样子。"),
        ("Once open(2) with O_CREAT has returned, every process sees the file, still empty, and it stays empty if its \
          creator dies. Complete it under another name, or without one, and then link it.",
         "带 O_CREAT 的 open(2) 一返回，所有人就都能看到这个空文件；创建者若此时死去，它就一直是空的。应先用别的名字（或不用名字）做完整，再链接到正式的名字上。");
    RENAME_KEEPS_THE_FIRST = "rename-keeps-the-first",
        ("When two processes rename their file to the same name, the second one fails.",
         "两个进程把各自的文件改成同一个名字时，后一个会失败。"),
        ("rename(2) replaces the existing file, and a process that has mapped it is left with a file without a name. \
          link(2) fails instead, and so does renameat2(2) with RENAME_NOREPLACE.",
         "rename(2) 会替换已有的文件，先前映射了它的进程手里就只剩一个没有名字的文件。会失败的是 link(2)，或带 RENAME_NOREPLACE 的 renameat2(2)。");
    A_PID_IS_A_PROCESS = "a-pid-is-a-process",
        ("A process id that is stored somewhere says which process is alive.",
         "记在某处的进程号就能说明谁还在。"),
        ("The id stays stored when the process is killed, and the kernel may give it to another process. A lock that \
          the kernel releases when its owner ends says whether the owner is alive.",
         "进程被杀死后，记下的进程号还在那里，内核还会把这个号给别的进程。要知道谁还在，应该用随进程结束由内核释放的锁。");
    FLOCK_IS_THE_PROCESSES = "flock-is-the-processes",
        ("A flock(2) lock belongs to the process that took it.",
         "flock(2) 的锁属于加锁的进程。"),
        ("It belongs to the open file description, which a forked child shares: the child \
          keeps the lock after its parent has died.",
         "它属于打开文件描述，而派生出的子进程同样持有它：父进程死后，锁仍由子进程保持。");
    COPIES_ARE_ATOMIC = "copies-are-atomic",
        ("A value of several machine words is stored or loaded in one step.",
         "由几个机器字组成的值可以一步写入或读出。"),
        ("Only a single aligned word is. Between two words another process may run, or the writer may die, and then \
          half of the value is old and half is new.",
         "只有单个对齐的机器字是这样；两个字之间，别的进程可能运行，写者也可能死掉，结果就是一半旧、一半新。");
    OTHERS_GO_ON = "others-go-on",
        ("Another process that has begun will finish in a moment: it is safe to wait for it.",
         "别的进程既然开始了，马上就会做完：等一下就好。"),
        ("It may be stopped for as long as the scheduler likes, or dead. A process that waits for it may wait for \
          ever.",
         "调度器想让它停多久它就停多久，它也可能已经死了。等它的进程可能永远等下去。");
    READERS_MAY_WRITE = "readers-may-write",
        ("A reader may leave a mark in the memory that it reads.",
         "读者可以在它读的内存里留个记号。"),
        ("A reader may lack permission: in a PROT_READ mapping the store raises SIGSEGV. And the mark of a reader that \
          dies stays there.",
         "它可能没有这个权限：PROT_READ 的映射一写就是 SIGSEGV。而且读者若死了，记号会一直留着。");
    A_WAKE_UP_IS_NEWS = "a-wake-up-is-news",
        ("When futex(2) returns, what the process was waiting for has happened.",
         "futex(2) 一返回，等的事就已经发生了。"),
        ("A signal may have interrupted it, it may have returned for no reason, or another process has changed the word, \
          but not far enough. Look at the word again, and sleep again: futex(2) is called in a loop.",
         "可能是信号打断了它，可能是虚假唤醒，也可能这个字变了，却还没到要等的值。要再看一次这个字，没到就继续睡：futex(2) 总是放在循环里调用。");
    ORDER_IS_KEPT = "order-is-kept",
        ("Loads and stores take effect in the order in which the code has them.",
         "读和写会按代码里的先后顺序生效。"),
        ("Only where their orderings say so. A compiler, and a processor other than x86, may move a Relaxed access. A \
          Release store or fence keeps what is before it there, an Acquire load or fence what is after it.",
         "只有内存序这样要求时才是。编译器以及 x86 之外的处理器都可能移动 Relaxed 访问。Release 的写入或屏障不让前面的访问推后，\
          Acquire 的读取或屏障不让后面的访问提前。");
}
