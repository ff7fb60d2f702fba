//! Questions about small programs: what no scenario can say. The code that the learner reads is the code that runs, the
//! body of a function in `lesson_N.rs`.

mod lesson_1;
mod lesson_4;
mod lesson_5;
mod lesson_6;
mod lesson_7;
mod lesson_8;
mod vocabulary;

use std::io;
use std::time::Duration;

use crate::misconception::{self as m, Misconception};
use crate::process::Child;
use crate::text::{Language, Text};
use vocabulary::answer_of;

pub use vocabulary::{said, words_in};

/// A program, and the question what its last line gives.
#[derive(Debug)]
pub struct Program {
    /// The name of its function.
    pub name: &'static str,
    /// The lesson whose chapter teaches what it takes to answer.
    pub lesson: u8,
    /// What it gives on Linux.
    pub gives: &'static str,
    /// What one might expect instead, with the misconception that expects it, where one is known.
    pub others: &'static [(&'static str, Option<&'static Misconception>)],
    /// Why it gives that.
    pub why: Text,
    /// The heading of the chapter to read.
    pub heading: &'static str,
    source: &'static str,
    run: fn() -> io::Result<String>,
}

/// The comments of the programs that aren't only names, and their Chinese.
const COMMENTS: &[(&str, &str)] = &[
    ("SIGALRM has a handler without SA_RESTART", "SIGALRM 有处理函数，没有带 SA_RESTART"),
    ("a message of two words", "由两个机器字组成的消息"),
    ("all in the page cache", "都在页缓存里"),
    ("a later one", "后一次写入"),
    ("a store", "写内存"),
    ("all that may be left", "断电后可能留下的所有内容"),
    ("blocks of 512 bytes", "每块 512 字节"),
    ("how many different files", "有多少种不同的文件"),
    ("how many processes it wakes", "它唤醒多少个进程"),
    ("ftruncate(2): 1 GiB, all of it holes", "ftruncate(2)：1 GiB，全是空洞"),
    ("it has FD_CLOEXEC", "它带有 FD_CLOEXEC"),
    ("it has, too", "它也带有"),
    ("mprotect(2) of every other page, and back", "mprotect(2) 每隔一页，再改回来"),
    ("mmap(2) with MAP_POPULATE", "mmap(2) 带 MAP_POPULATE"),
    ("msync(2) with MS_SYNC", "msync(2)，MS_SYNC"),
    ("nothing is written", "什么也没写"),
    ("open(2) with O_CLOEXEC, as always in Rust", "open(2) 带 O_CLOEXEC，Rust 里总是这样"),
    ("open(2) with O_CREAT", "open(2) 带 O_CREAT"),
    ("open(2) with O_CREAT | O_EXCL", "open(2) 带 O_CREAT | O_EXCL"),
    ("open(2) with O_TRUNC", "open(2) 带 O_TRUNC"),
    ("open(2) with mode 666", "open(2)，权限 666"),
    ("punches a hole: the first page", "打洞：第一页"),
    ("pages of one byte", "每页一个字节"),
    ("pwrite(2), no fsync(2)", "pwrite(2)，没有 fsync(2)"),
    ("read(2) of a byte of another file", "read(2) 另一个文件的一个字节"),
    ("the file's bytes on the disk", "文件在磁盘上的字节"),
    ("who has seen that it is ready", "读者已经看到 ready"),
];

/// How long a program may take.
const LIMIT: Duration = Duration::from_secs(20);

impl Program {
    /// Its code, the lines that run.
    pub fn code(&self) -> String {
        let function = self.source.split_once(&format!("fn {}()", self.name)).map_or("", |(_, rest)| rest);
        let body = function.split_once('\n').map_or("", |(_, body)| body);
        let body = body.split_once("\n}").map_or("", |(body, _)| body);
        body.lines().map(|line| line.strip_prefix("    ").unwrap_or(line).to_owned() + "\n").collect()
    }

    /// The same with its comments in this language.
    pub fn code_in(&self, language: Language) -> String {
        let code = self.code();
        match language {
            Language::English => code,
            Language::Chinese => {
                COMMENTS.iter().fold(code, |code, (en, zh)| code.replace(&format!("// {en}\n"), &format!("// {zh}\n")))
            }
        }
    }

    /// What its last line gives on this machine: it runs in a child, in an empty directory.
    ///
    /// # Errors
    /// Those of fork(2) and of making the directory; `TimedOut` if the program waits for too long.
    pub fn happens(&self) -> io::Result<String> {
        let directory = tempfile::tempdir()?;
        let (child, peer) = Child::fork(|peer| {
            std::env::set_current_dir(directory.path())?;
            peer.send(answer_of((self.run)())?.as_bytes())
        })?;
        vocabulary::answer_of_child(child, &peer, LIMIT)
    }

    /// The possible answers.
    pub fn options(&self) -> impl Iterator<Item = &'static str> {
        self.others.iter().map(|(other, _)| *other).chain([self.gives])
    }

    /// The misconception that expects this.
    pub fn misconception(&self, answer: &str) -> Option<&'static Misconception> {
        self.others.iter().find(|(other, _)| *other == answer).and_then(|(_, misconception)| *misconception)
    }

    /// Whether it asks for all that may happen, and not what happens here.
    pub fn asks_what_is_allowed(&self) -> bool {
        ["values_that_a_reader_may_find", "after_a_power_cut"].iter().any(|model| self.code().contains(model))
    }

    /// The program with this name.
    pub fn of_name(name: &str) -> Option<&'static Program> {
        PROGRAMS.iter().find(|program| program.name == name)
    }
}

/// Makes the programs from their table: the lesson, the function in its file, what it gives, what else one might
/// expect (and whose misconception that is), the chapter's heading to read, and why it is so in each language.
macro_rules! programs {
    ($($lesson:ident $number:literal { $($name:ident gives $gives:literal
        not $($other:literal $(($misconception:ident))?),+;
        $heading:literal, $($why:literal),+;)* })*) => {
        /// All of them, lesson by lesson.
        pub static PROGRAMS: &[Program] = &[$($(Program {
            name: stringify!($name),
            lesson: $number,
            gives: $gives,
            others: &[$(($other, programs!(@known $($misconception)?))),+],
            why: Text::fixed($($why),+),
            heading: $heading,
            source: include_str!(concat!(stringify!($lesson), ".rs")),
            run: || $lesson::$name().map(|value| format!("{value:?}")),
        },)*)*];
    };
    (@known) => { None };
    (@known $misconception:ident) => { Some(&m::$misconception) };
}

programs! {
    lesson_1 1 {
        one_offset gives "\"cd\"" not "\"ab\"", "\"abcd\"";
            "calls",
            "A read(2) begins where the last one ended: the open file description keeps the offset.",
            "read(2) 从上一次读完的地方接着读：偏移量记在打开文件描述里。";
        two_opens gives "\"ab\"" not "\"cd\"", "\"\"";
            "calls",
            "Each open(2) makes an open file description, with an offset of its own that begins at 0.",
            "每次 open(2) 都会新建一个打开文件描述，它有自己的偏移量，从 0 开始。";
        a_duplicate gives "\"cd\"" not "\"ab\"", "\"\"";
            "calls",
            "dup(2) makes another descriptor of the same open file description: they share the offset.",
            "dup(2) 得到的是同一个打开文件描述的另一个描述符，两者共用偏移量。";
        pread_has_its_own_offset gives "\"ab\"" not "\"ef\"", "\"\"";
            "calls",
            "pread(2) reads at the offset in its argument, and leaves the one that read(2) uses as it was.",
            "pread(2) 从参数给出的偏移量读，不改变 read(2) 所用的偏移量。";
        to_the_end gives "(\"abc\", \"\")" not "(\"abc\", \"abc\")", "EINVAL", "(\"\", \"abc\")";
            "loops",
            "A read gives what there is, up to the end of the file. At the end it gives 0 bytes, and no error.",
            "文件里剩多少，最多就读到多少；到了末尾，返回 0 字节，不是错误。";
        renamed_over gives "(\"old\", \"new\")" not "(\"new\", \"new\")", "(\"old\", \"old\")", "(\"\", \"new\")";
            "replace",
            "A descriptor refers to the inode that the name led to at open(2). rename(2) gives the name to another inode.",
            "描述符指向打开那一刻名字所指的 inode；rename(2) 让这个名字改指另一个 inode。";
        emptied_by_name gives "\"\"" not "\"old\"", "EBADF";
            "through_memory",
            "O_TRUNC makes no new file: it empties the inode that has the name, and this descriptor refers to that one.",
            "O_TRUNC 不会新建文件：它清空名字所指的 inode，而这个描述符指向的正是它。";
        a_short_read gives "\"abc\"" not "waits" (SHORT_IS_THE_END), "\"\"", "EINVAL";
            "loops",
            "A read from a pipe returns what is there, however much was asked for: more may follow. Only 0 means the end.",
            "读管道时，有多少就返回多少，不管要求的是多少，后面可能还有。只有返回 0 才表示结束。";
        appending gives "\"abX\"" not "\"Xb\"", "EINVAL", "\"X\"";
            "differs",
            "On Linux an append always goes to the end of the file (O_APPEND), even by pwrite(2), whose offset is ignored.",
            "在 Linux 上，带 O_APPEND 的写总是写到文件末尾；pwrite(2) 也一样，给出的偏移量不起作用。";
        two_writers gives "\"bbaa\"" not "\"aaaabb\"", "\"bb\"", "\"aaaa\"";
            "calls",
            "Two open file descriptions have two offsets: the second writer begins at 0 as well, over what is there.",
            "两个打开文件描述有两个偏移量：第二个写者同样从 0 开始，盖掉已有的内容。";
        emptied_by_another gives "5" not "1", "0", "4";
            "through_memory",
            "Truncating the file moves no offset: the next write goes to offset 4, and the gap before it reads as zeros.",
            "截断文件不会移动任何偏移量：下一次仍写在偏移量 4 处，前面的空隙读出来是零。";
        a_child_reads_on gives "\"cd\"" not "\"ab\"", "\"\"";
            "calls",
            "A child inherits the descriptor, and with it the open file description: both use the same offset.",
            "子进程继承了描述符，两者指向同一个打开文件描述，用的是同一个偏移量。";
        another_hard_link gives "(\"new\", \"old\")" not "(\"new\", \"new\")",
            "(\"old\", \"old\")", "EEXIST";
            "replace",
            "rename(2) gives one name to the new inode. The other hard link still leads to the old one.",
            "rename(2) 让一个名字改指新的 inode，另一个硬链接仍指向旧的。";
        killed_halfway gives "\"ne\"" not "\"old\"" (REWRITING_IS_ONE_STEP), "\"\"", "\"new\"";
            "killed",
            "The file was empty as soon as it was truncated, and what was written is in the page cache, which survives \
             the process.",
            "一截断，文件就空了；已经写进去的在页缓存里，进程死了也还在。";
        both_add_one gives "8" not "9" (RENAME_IS_A_LOCK), "7";
            "turns",
            "Only the replacement is one step. Both processes had read 7, so both write 8: they have to take turns.",
            "只有替换是一步完成的。两个进程读到的都是 7，写的都是 8：它们必须轮流来。";
        locked_and_replaced gives "ok" not "EAGAIN" (A_LOCK_IS_ON_THE_NAME), "ENOENT";
            "turns",
            "The lock is on the inode that was opened. The name leads to another inode now, which nobody has locked.",
            "锁在当初打开的 inode 上。名字现在指向另一个 inode，没有谁锁住它。";
        a_power_cut gives "4" not "2" (A_SMALL_WRITE_IS_WHOLE), "3" (WRITES_ARRIVE_IN_ORDER), "1" (WRITTEN_IS_ON_THE_DISK);
            "power",
            "Each byte written since the last fsync(2) is kept or lost by itself: `--`, `a-`, `-b` or `ab`.",
            "上次 fsync(2) 之后写入的每个字节，各自可能留下，也可能丢失：`--`、`a-`、`-b` 或 `ab`。";
        interrupted gives "EINTR" not "\"\"", "waits", "\"x\"";
            "loops",
            "The signal's handler ran before the read had any bytes to return: that is EINTR. Call again.",
            "还没有读到任何字节，信号处理函数就运行了：这就是 EINTR。再调用一次即可。";
    }
    lesson_4 4 {
        lost_increment gives "1" not "2" (LOAD_AND_STORE_IS_ONE_STEP), "0";
            "exchange",
            "The parent loaded 0 before the child's turn and stored 1 after it: the child's increment is lost.",
            "父进程在子进程之前读到 0，在它之后写入 1：子进程加的那个 1 丢了。";
        one_step gives "(1, 2)" not "(1, 1)", "(2, 2)", "(0, 1)";
            "exchange",
            "fetch_add is one step and returns the old value. Each increment counts, and the child has seen the parent's.",
            "fetch_add 一步完成，返回旧值。每次加 1 都算数，子进程看到的是父进程加过之后的值。";
        compare_and_swap gives "(Err(7), 7)" not "(Ok(5), 15)" (LOAD_AND_STORE_IS_ONE_STEP), "(Ok(7), 21)", "(Err(5), 7)";
            "exchange",
            "compare_exchange stores only if the word still has the value that was loaded. It returns what it has found.",
            "compare_exchange 只在这个字仍是先前读到的值时才写入；它返回实际看到的值。";
        torn gives "(2, 1)" not "(1, 1)" (COPIES_ARE_ATOMIC), "(2, 2)";
            "naive",
            "Each machine word is stored in one step, the message isn't: a reader in between finds half of each.",
            "每个机器字都是一步写完的，整条消息却不是：夹在中间的读者看到新旧各一半。";
        the_flag_of_the_dead gives "1" not "0" (THE_DEAD_CLEAN_UP), "SIGKILL";
            "lock",
            "What the child stored stays in the page. A killed process clears no flag, and no other process does it for it.",
            "子进程写入的内容留在页里。被杀死的进程不会清除标志，也没有谁替它清除。";
        created_and_killed gives "\"\"" not "ENOENT", "\"ready\"" (CREATED_IS_COMPLETE);
            "writer",
            "The name is there as soon as open(2) has created the file. Its creator died before it was complete.",
            "open(2) 一创建文件，名字就在了；创建者还没把它做完整就死了。";
        nobody_sleeps gives "0" not "1", "EAGAIN", "waits";
            "bell",
            "A ring wakes only those who sleep at that moment, here 0 processes. It isn't kept for a later one.",
            "摇铃只唤醒此刻正在睡眠的进程，这里一个也没有；铃响不会留给后来者。";
        the_word_has_changed gives "EAGAIN" not "waits", "0";
            "bell",
            "futex(2) compares the word with the value that was heard, and does not sleep when they differ: no ring is missed.",
            "futex(2) 先把这个字与上次看到的值比较，不同就不睡：铃响不会漏掉。";
        ready_too_early gives "0 | 1" not "1" (ORDER_IS_KEPT), "0";
            "sequence_lock",
            "Release keeps earlier accesses before it. A later one may move up past it, and this store of `data` is later.",
            "Release 写入不让前面的访问移到它后面，却拦不住后面的访问提前；这里对 data 的写入就在它后面。";
        relaxed gives "0 | 1" not "1" (ORDER_IS_KEPT), "0";
            "sequence_lock",
            "Relaxed orders nothing: the compiler and the processor may reorder the stores, and the loads as well.",
            "Relaxed 不规定任何顺序：编译器和处理器既可以重排写入，也可以重排读取。";
        half_a_pair gives "0 | 1" not "1" (ORDER_IS_KEPT), "0";
            "sequence_lock",
            "It takes both: the Release of the writer, and an Acquire of the reader. A Relaxed load may be moved.",
            "两边缺一不可：写者要 Release，读者要 Acquire。Relaxed 的读取可能被重排。";
        release_and_acquire gives "1" not "0 | 1", "0";
            "sequence_lock",
            "A reader whose Acquire load sees the Release store sees everything that the writer stored before it.",
            "读者用 Acquire 看到了 Release 写入的值，也就看得到写者在此之前写入的一切。";
        lock_of_the_dead gives "ok" not "EAGAIN", "SIGKILL";
            "lock",
            "The kernel releases a process's lock when the process ends, however it ends.",
            "进程不论怎样结束，内核都会释放它的锁。";
        flock_in_one_process gives "EAGAIN" not "ok" (FLOCK_IS_THE_PROCESSES);
            "lock",
            "A lock of flock(2) belongs to the open file description, and these are two, even in one process.",
            "flock(2) 的锁属于打开文件描述；这里有两个，哪怕在同一个进程里。";
        flock_over_fork gives "ok" not "EAGAIN" (FLOCK_IS_THE_PROCESSES);
            "lock",
            "The child has inherited the open file description, and the lock of flock(2) belongs to that.",
            "子进程继承了同一个打开文件描述，而 flock(2) 的锁属于打开文件描述。";
        record_lock_over_fork gives "EAGAIN" not "ok";
            "lock",
            "A lock of F_SETLK belongs to the process. A child is another process, whatever it has inherited.",
            "F_SETLK 的锁属于进程。子进程是另一个进程，继承了什么都一样。";
        any_close gives "ok" not "EAGAIN";
            "lock",
            "A lock of F_SETLK is lost as soon as its process closes any descriptor of the file.",
            "进程只要关闭这个文件的任何一个描述符，F_SETLK 的锁就没了。";
        any_close_of_ofd gives "EAGAIN" not "ok";
            "lock",
            "A lock of F_OFD_SETLK belongs to the open file description. Closing a descriptor of another one changes nothing.",
            "F_OFD_SETLK 的锁属于打开文件描述。关闭另一个打开文件描述的描述符，对它没有影响。";
    }
    lesson_5 5 {
        one_link_less gives "1" not "0", "2";
            "idea",
            "unlink(2) removes one name, and st_nlink counts the names that are left.",
            "unlink(2) 去掉一个名字；st_nlink 是剩下的名字数。";
        no_link_left gives "(0, \"abc\")" not "ENOENT" (UNLINK_TAKES_THE_BYTES), "(1, \"abc\")", "(0, \"\")";
            "idea",
            "An open descriptor is a reference: the inode stays, with all its bytes, and no name leads to it.",
            "打开的描述符也是引用：inode 和内容都在，只是没有名字指向它。";
        the_name_is_taken_again gives "(\"old\", \"new\")" not "(\"new\", \"new\")" (A_MAPPING_FOLLOWS_ITS_NAME),
            "(\"\", \"new\")", "EEXIST";
            "idea",
            "The new file has another inode. The descriptor refers to the old one, which has no name now.",
            "新文件是另一个 inode。描述符指向的是旧的那个，它已经没有名字。";
        mapped_without_a_name gives "'a'" not "SIGBUS" (UNLINK_TAKES_THE_BYTES), "SIGSEGV" (CLOSE_UNMAPS), "'\\0'";
            "space",
            "A mapping is a reference like a descriptor: the file goes when the last of them is gone.",
            "映射和描述符一样是引用：最后一个引用消失，文件才消失。";
        never_named gives "(0, 0)" not "(1, 1)", "(1, 0)", "(0, 1)";
            "three_ways",
            "A file that is opened with O_TMPFILE has no name: st_nlink is 0, and the directory doesn't show it.",
            "用 O_TMPFILE 打开的文件没有名字：st_nlink 是 0，目录里也看不到它。";
        in_no_directory gives "0" not "1", "ENOENT";
            "three_ways",
            "A file of memfd_create(2) is in no directory. Its name is only for people who read /proc.",
            "memfd_create(2) 的文件不在任何目录里，它的名字只是给看 /proc 的人用的。";
        named_at_last gives "\"abc\"" not "ENOENT", "\"\"", "EEXIST";
            "three_ways",
            "linkat(2) can give a name to a file that was opened with O_TMPFILE.",
            "用 O_TMPFILE 打开的文件，可以用 linkat(2) 给它一个名字。";
        never_again gives "ENOENT" not "\"abc\"" (ANY_FILE_CAN_BE_NAMED), "\"\"";
            "three_ways",
            "A file whose last name was unlinked stays without one. Only one that was opened with O_TMPFILE can get a name.",
            "最后一个名字被 unlink 之后，文件再也得不到名字；只有用 O_TMPFILE 打开的文件可以。";
        left_behind gives "1" not "0" (THE_DEAD_CLEAN_UP), "2";
            "killed",
            "SIGKILL runs no destructor: the file that would have been removed stays in its directory. The other file \
             never had a name.",
            "SIGKILL 不会运行析构函数，本该被删除的文件留在目录里；另一个文件从来没有名字。";
        a_size_without_blocks gives "(1048576, 0)" not "(1048576, 2048)" (SIZE_RESERVES_ROOM), "(0, 0)";
            "holes",
            "ftruncate(2) sets the size and reserves nothing: no block is used until something is written.",
            "ftruncate(2) 只设大小，不预留空间：写入之前不占任何磁盘块。";
        written_zeros gives "(1048576, 2048)" not "(1048576, 0)" (ZEROS_ARE_A_HOLE), "(0, 0)";
            "holes",
            "Zeros that are written take as much space as any other bytes. A hole is a part without blocks.",
            "写进去的零和别的字节一样占空间；没有磁盘块的部分才是空洞。";
        a_hole_under_a_mapping gives "(0, 1)" not "(120, 1)", "SIGBUS", "(0, 0)";
            "holes",
            "A punched hole reads as zeros in every mapping, and the length stays: no access is fatal.",
            "打出的空洞在每个映射里读出来都是零，文件长度不变，所以访问不会出事。";
        a_mask gives "\"640\"" not "\"666\"" (OPEN_SETS_THE_MODE), "\"27\"", "\"627\"";
            "naming",
            "The umask takes bits away from the mode that open(2) is given: 027 from 666.",
            "umask 会从传给 open(2) 的权限中去掉一些位：从 666 里去掉 027。";
        lent gives "\"\"" not "\"cd\"", "\"ab\"";
            "exec",
            "cat has a duplicate of the descriptor, and with it the same open file description. It has read to the end.",
            "cat 拿到的是描述符的副本，指向同一个打开文件描述，而它已经读到了末尾。";
        not_inherited gives "false" not "true";
            "exec",
            "execve(2) closes a descriptor that has FD_CLOEXEC, and Rust opens every file with that flag.",
            "execve(2) 会关闭带有 FD_CLOEXEC 的描述符，而 Rust 打开的文件都带这个标志。";
        onto_another_number gives "true" not "false", "EBADF";
            "exec",
            "The flag belongs to the descriptor, and dup2(2) makes one without it.",
            "这个标志属于描述符，而 dup2(2) 得到的描述符没有它。";
        onto_itself gives "false" not "true" (DUP2_ALWAYS_CLEARS_CLOEXEC), "EINVAL";
            "exec",
            "When both numbers are the same, dup2(2) does nothing, and FD_CLOEXEC stays.",
            "两个编号相同时，dup2(2) 什么也不做，FD_CLOEXEC 仍在。";
        sealed_while_mapped gives "EBUSY" not "ok", "EPERM";
            "seals",
            "F_SEAL_WRITE promises that nobody writes to the file any more, so it is refused while a shared writable mapping exists.",
            "F_SEAL_WRITE 保证不再有人写入，所以只要还有可写的共享映射，就会被拒绝。";
        sealed_while_mapped_private gives "(120, [0])" not "EBUSY", "SIGSEGV", "(120, [120])" (PRIVATE_REACHES_THE_FILE);
            "seals",
            "No store to a private mapping reaches the file, so F_SEAL_WRITE has nothing to forbid there.",
            "写私有映射，什么也不会进入文件，所以 F_SEAL_WRITE 没有什么要禁止的。";
        the_number_is_used_again gives "\"new\"" not "\"old\"" (A_NUMBER_IS_THE_FILE), "ENOENT", "EBADF";
            "exec",
            "A descriptor is only a number. After close(2) the next open(2) gives the same number to another file.",
            "描述符只是一个编号。close(2) 之后，下一次 open(2) 会把同一个编号给别的文件。";
        sent gives "\"cd\"" not "\"ab\"" (EACH_DESCRIPTOR_HAS_ITS_OFFSET), "\"\"";
            "descriptor",
            "The socket carries the open file description, so sender and receiver share the offset.",
            "套接字传递的是打开文件描述，所以发送方和接收方共用偏移量。";
        opened_again gives "\"ab\"" not "\"cd\"" (TO_OPEN_AGAIN_IS_TO_DUP), "ENOENT";
            "wrong",
            "Opening /proc/self/fd/N opens the file once more, with an offset of its own. The name isn't needed for that.",
            "打开 /proc/self/fd/N 是把文件再打开一次，有自己的偏移量，不需要名字。";
    }
    lesson_6 6 {
        not_ignored gives "SIGBUS" not "0" (SIGBUS_CAN_BE_IGNORED), "waits", "EFAULT";
            "attempts",
            "The load can't complete, so the kernel ends the process although it ignores the signal.",
            "这次读取无法完成，所以即使忽略了信号，内核也会终止进程。";
        by_the_kernel gives "EFAULT" not "SIGBUS", "0", "ok";
            "kernel_accesses",
            "When the kernel accesses the missing page for a system call, the call fails with EFAULT. No signal is sent.",
            "内核替系统调用访问缺失的页时，调用返回 EFAULT，不会发信号。";
        back_to_its_size gives "0" not "120" (SIZE_AFTERWARDS_TELLS_ALL), "SIGBUS";
            "size",
            "Truncation took the page away. The page that the file has now is a new one, of zeros.",
            "截断把原来的页拿走了；文件现在的页是新的，内容全是零。";
        in_the_child_only gives "(SIGBUS, 0)" not "(0, 0)", "SIGBUS", "(SIGBUS, SIGBUS)";
            "size",
            "The size at the access counts. The child's access came before the file grew; its end is the child's only.",
            "起决定作用的是访问时的文件大小。子进程访问时文件还没有变长；死的也只是子进程。";
    }
    lesson_7 7 {
        once_and_again gives "(1, 0)" not "(0, 0)" (CACHED_IS_MAPPED), "(1, 1)";
            "idea",
            "The page is in the page cache, and not in this process's page table. The first fault makes the entry.",
            "页在页缓存里，却不在这个进程的页表里。第一次缺页建立了页表项。";
        private_stores gives "8" not "0" (CACHED_IS_MAPPED), "1";
            "count",
            "Each store is the first to its page, and makes a copy of it: no fault makes one for its neighbours.",
            "每次写入都是那一页的第一次，都要复制一份；缺页不会替相邻的页复制。";
        paid_in_advance gives "0" not "8", "1";
            "populate",
            "mmap(2) with MAP_POPULATE has made all entries before it returned.",
            "带 MAP_POPULATE 的 mmap(2) 返回之前，已经建立了全部页表项。";
        only_advised gives "1" not "0" (ADVICE_MAPS);
            "populate",
            "MADV_WILLNEED brings pages into the page cache. It makes no entry in the page table.",
            "MADV_WILLNEED 把页读进页缓存，并不建立页表项。";
        three_of_many gives "3" not "262144", "0";
            "memory",
            "Memory is taken by pages that are touched, and not by the length of the mapping.",
            "占用内存的是访问过的页，而不是映射的长度。";
        twice_resident gives "(8, 4)" not "(4, 4)", "(8, 8)";
            "memory",
            "Rss counts entries: 4 in each mapping. They lead to the same 4 pages of the page cache.",
            "Rss 数的是页表项：每个映射 4 个。它们指向页缓存里同样的 4 页。";
        still_in_the_cache gives "4" not "0";
            "memory",
            "munmap(2) takes the entries away. The pages are the file's, and stay in the page cache.",
            "munmap(2) 去掉的是页表项。页属于文件，仍在页缓存里。";
        every_other_page gives "[1, 8, 1]" not "[1, 1, 1]", "[1, 8, 8]", "[1, 4, 1]";
            "memory",
            "An area has one protection. With two in turn each page is an area of its own; with equal ones they merge.",
            "一个区域只有一种保护属性：两种交替，每页自成一个区域；恢复相同，又合并起来。";
    }
    lesson_8 8 {
        two_stores gives "4" not "3" (STORES_ARRIVE_IN_ORDER), "2", "1";
            "states",
            "Each page is the old one or the new one, whatever the other is: `ab`, `1b`, `a2` or `12`.",
            "每一页或旧或新，与另一页无关：`ab`、`1b`、`a2` 或 `12`。";
        the_first_is_synced gives "2" not "4", "1";
            "states",
            "The first store was on the disk before the second one was made: `1b` or `12`.",
            "第二次写入之前，第一次写入已在磁盘上：`1b` 或 `12`。";
        the_other_page gives "2" not "1" (MSYNC_LEAVES_THE_OTHERS), "4";
            "states",
            "Page 1 is new. Page 0 wasn't synced, and may have been written all the same: `a2` or `12`.",
            "第 1 页是新的。第 0 页没有同步，但也可能已经写了：`a2` 或 `12`。";
        three_stores_to_a_page gives "4" not "2", "1", "3";
            "states",
            "The page may have been written after any of the stores, or not at all.",
            "任何一次写入之后，这一页都可能写回过；也可能一直没有写回。";
        grown_and_stored gives "3" not "2", "1", "4";
            "states",
            "The size and the bytes arrive apart: the old file, two pages of which the second is a zero, or the new one.",
            "大小和内容各到各的：旧文件；两页，第二页是零；或新文件。";
        synced_and_renamed gives "2" not "1" (FSYNC_KEEPS_THE_NAME), "3";
            "ways",
            "The bytes of the new file are on the disk. Its name is the directory's, which nobody has synced: `old` or `new`.",
            "新文件的内容在磁盘上。名字属于目录，而目录没有同步：`old` 或 `new`。";
        renamed_unsynced gives "3" not "1", "2";
            "ways",
            "The name is on the disk, and leads to a file of which the size or the byte may be missing: empty, a zero, or `b`.",
            "名字在磁盘上，它指向的文件却可能缺大小或内容：空的，一个零，或 `b`。";
    }
}
