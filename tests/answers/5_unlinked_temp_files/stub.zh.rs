//! # 练习 5：一个临时文件的一生
//!
//! 一个程序把中间数据放在没有名字的文件里，并且映射着它。前三个函数是核心：[`give_back`] 释放不再需要的数据所占的空间；
//! [`grow`] 在映射还在使用的时候让文件变长；[`publish`] 等文件完整了才给它名字。这三个最多需要两个小时，多半花在看手册页上。
//! 后两个选做：[`hand_down`] 把文件传给要启动的程序；[`receive_sealed`] 从不可信的进程那里接收文件。每个函数都只有几行。
//!
//! 每个函数最多做 50 次系统调用，十来次就足够了，与文件长度无关；`fill` 和子进程的系统调用不计在内。进程无论何时被 `kill -9`
//! 杀死，都不能留下需要清理的东西。同一个进程可能多次调用这些函数，每次的文件可能不同。
//!
//! 先读 `lesson.rs`（注释是英文，书里引用的部分有中文注释）。
//!
//! 可以使用 std、nix、libc（即 `nix::libc`），以及第 1 至 5 课的全部代码，例如
//! `mmap_workbook::lesson_2::Mapping` 和 `mmap_workbook::lesson_5::o_tmpfile`。`/proc` 已经挂载。约定中写明的错误，
//! 指 `io::Error` 的 `io::ErrorKind` 或 errno；其他错误原样返回，保留内核给出的 errno。
//! 同时符合两种错误时，返回哪一种都可以，除非约定指明了是哪一种。
//!
//! ```sh
//! cargo run -- check 5    # 哪些已经正确，哪些还没有
//! cargo run -- hint 5     # 给出下一个函数的提示，再运行一次给出下一条
//! ```
//!
//! 每个 unsafe 块都要有 `// SAFETY:` 注释，用一句话说明它为什么是可靠的。
//!
//! 检查在旁边的 `checks/` 里；这里没有写的要求，它们一概不查。

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::fd::RawFd;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::Command;

use mmap_workbook::lesson_2::Mapping;

/// 释放 `range` 内的字节所占的磁盘空间，此后它们读出来都是零。文件长度不变。执行期间，别的进程可能映射着这个文件。
///
/// - `file` 以读写方式打开。本进程和别的进程都可能以共享方式映射着它。
/// - 文件的长度任何时刻都不变，所以通过映射访问它，绝不会引发 SIGBUS。
/// - `range` 内的字节变成零，用 read(2) 读是这样，从每个共享映射看也是这样。
/// - 其余字节保持原值，包括别的进程在此期间写入的值。
/// - 整个落在 `range` 内的页都要释放磁盘空间（st_blocks），直到再次被访问。
/// - 原来的空洞仍是空洞：任何一步都不需要空闲的磁盘空间。
/// - `file` 的偏移量一刻也不能动，因为别的进程可能共用它。
/// - `range` 的两端不必对齐到页边界。
/// - 两端都可能超过 4 GiB。
/// - 返回时不留下自己打开的描述符或自己建立的映射，出错时也不例外。
/// - 空范围在文件之内或恰在末尾时，不算错误，什么也不变，文件是否密封都一样。
///
/// # 错误
/// - `InvalidInput`：`range` 的终点在起点之前。此时什么也不变。
/// - `InvalidInput`：`range`（哪怕是空的）的终点超出文件末尾。此时什么也不变。
/// - EPERM：文件不许改动（F_SEAL_WRITE、F_SEAL_FUTURE_WRITE）。
/// - EOPNOTSUPP：文件系统不支持空洞。
///
/// # 示例
/// ```text
/// 文件内容为 "abcdef"：give_back(file, 1..4) -> Ok；文件变成 "a\0\0\0ef"
///                      give_back(file, 5..7) -> Err(InvalidInput)
/// ```
pub fn give_back(file: &File, range: Range<u64>) -> io::Result<()> {
    todo!("释放这些字节所占的空间，文件长度和其余字节保持不变")
}

/// 把 `file` 变成 `length` 字节长，并把 `mapping` 换成整个文件的映射。别的进程若已映射这个文件，它们的映射继续有效，
/// 大家继续共用文件的内容。
///
/// - `file` 以读写方式打开，至少有一个字节。
/// - `mapping` 是整个文件的共享映射，可读可写：调用前如此，调用后也如此。
/// - 没有进程在最后一页里、文件末尾之后写过东西。
/// - 原有的字节保持原值，新增的字节是零。
/// - 全部 `length` 字节都预留磁盘空间，原来是空洞的地方也要预留。
/// - `length` 就是文件现在的长度时，也要如此。
/// - 在各自映射的部分里，每个进程都看得到别的进程写入的内容。
/// - 文件任何时刻都不短于调用之前。
/// - 在此期间，别的进程不改变文件长度，也不移动偏移量；偏移量保持不动。
/// - 返回后，这次调用只留下文件的一个映射：被换下的映射要解除。
/// - 返回时不留下自己打开的描述符，出错时也不例外。
/// - 出错后，文件恢复原来的长度；`mapping` 仍是共享的，长度和内容不变。
/// - 即使 fallocate(2) 在失败之前已让文件变长（如 ext4），也要恢复。
/// - 文件不许变短（F_SEAL_SHRINK）时，同样如此。预留的空间可以留着。
/// - 不许变短的只有内存文件，fallocate(2) 对内存文件要么全做，要么不做。
///
/// # 错误
/// - `InvalidInput`：`length` 小于文件长度。
/// - ENOSPC：磁盘空间不足。
/// - ENOMEM：没有这么长的空闲地址范围。磁盘空间同时也不足时，返回的仍是它。
/// - EPERM：`length` 大于文件长度，而文件不许变长（F_SEAL_GROW）。
/// - EOPNOTSUPP：文件系统不能预留；glibc 的 posix_fallocate(3) 会覆盖别人的写入。
///
/// # 示例
/// ```text
/// 文件内容为 "abc"：grow(file, mapping, 5) -> Ok；从映射看到 "abc\0\0"
///                   grow(file, mapping, 2) -> Err(InvalidInput)
/// ```
pub fn grow(file: &File, mapping: &mut Mapping, length: usize) -> io::Result<()> {
    todo!("映射变长后的文件，预留空间；两步中有一步失败，就恢复到调用之前")
}

/// 在 `path` 处创建文件，内容由 `fill` 写入，权限为 `mode`。文件完整之后，才以这个名字出现。
///
/// - `fill` 得到一个空文件，以读写方式打开，与 `path` 的目录在同一个文件系统。
/// - `fill` 运行期间，文件没有名字：st_nlink 为 0，哪个目录里都没有它。
/// - 进程无论何时被杀死，要么留下完整的文件和它的权限，要么什么也不留。
/// - 权限恰好是 `mode` 的 12 个位（最大 0o7777），与 umask 和 `fill` 的设置无关。
/// - 进程的 umask 和当前目录一刻也不能变。`fill` 也不会改变它们。
/// - 内容和权限先落盘（fsync(2)），文件然后才得到名字。
/// - `publish` 返回之前，目录也要落盘（用 fsync(2)，不能用 fdatasync(2)）。
/// - `path` 可以是相对路径，也可以只是当前目录下的文件名；不必是 UTF-8。
/// - 它以文件名结尾，而不是 `/` 或 `..`。
/// - 它的目录可读可写，文件系统不限，只要支持 O_TMPFILE。
/// - 返回时不留下自己打开的描述符，出错时也不例外。
/// - 得到名字之前出错（例如 `fill` 失败），目录里的内容与调用之前相同。
///
/// # 错误
/// - `AlreadyExists`：`path` 已存在，悬空的符号链接也算。`fill` 之前或之后返回都行。
/// - 这时原来的东西保持不变。
/// - `fill` 的错误，原样返回。
/// - ENOENT：目录不存在；`publish` 不创建目录。
/// - 对文件 fsync(2) 失败，返回它的错误：这时文件不能得到名字。
/// - 对目录 fsync(2) 失败，返回它的错误：这时名字可以留下。
///
/// # 示例
/// ```text
/// umask 为 022：publish("report", 0o666, 写入 "done") -> Ok；`report` 的内容是 "done"，权限是 0666
/// 再来一次：    publish("report", 0o666, 写入 "more") -> Err(AlreadyExists)；`report` 仍是 "done"
/// ```
pub fn publish(path: &Path, mode: u32, fill: impl FnOnce(&File) -> io::Result<()>) -> io::Result<()> {
    todo!("创建没有名字的文件，让 `fill` 写入，完整之后再给它名字")
}

// 选做：不做下面的函数，练习也算完成。它们要花更多时间。

/// 让 `command` 此后启动的每个程序都得到 `file`：程序一运行，描述符 `number` 就已经打开着这个文件。
///
/// - 描述符指向同一个打开文件描述，如同 dup(2)：偏移量是共用的。
/// - 程序不会得到这个文件的其他描述符。
/// - 本进程启动的其他程序，任何时候都得不到它的描述符。
/// - `command` 启动程序之前，`file` 可能已被 drop。
/// - `number` 在本进程中可能空闲，可能是 `file` 的编号，也可能属于另一个打开的文件。
/// - 那另一个文件在本进程中保持打开，编号不变。
/// - `number` 可能是 RLIMIT_NOFILE 允许的最大编号。本进程的标准输入可能已关闭。
/// - 调用 `hand_down` 时 `number` 若空闲，`command` 存在期间不能让别的描述符占用它。
/// - 这种情况下，启动不存在的程序时，仍然返回错误。
/// - fork 与 exec 之间运行的代码不分配内存，也不获取别的线程可能持有的锁。
/// - `command` 的程序得到的其他一切照旧：环境变量、标准流、其余描述符。
/// - `command` 被 drop 之后，这次调用产生的描述符都已关闭。
/// - 对每个 `command` 最多调用一次 `hand_down`，失败也算。`command` 可以有多个。
/// - 启动程序用 `spawn`、`output` 或 `status`，不用 `exec`。
/// - `file` 带有 FD_CLOEXEC，与 Rust 打开的所有文件一样。
///
/// # 错误
/// - `InvalidInput`：`number` 小于 3；0、1、2 由 `Command` 自己设置。
/// - `number` 太大（RLIMIT_NOFILE）：任何错误都可以，在这里或在启动程序时返回。
///
/// # 示例
/// ```text
/// command：sh -c "cat <&9"
/// hand_down(command, file, 9) -> Ok；程序从偏移量处开始输出文件内容
/// ```
pub fn hand_down(command: &mut Command, file: &File, number: RawFd) -> io::Result<()> {
    todo!("在子进程里，fork 与 exec 之间，把文件放到这个编号上")
}

/// 从 `socket` 另一端的进程接收一个文件，映射它的全部内容，用于读取。发送方调用 `lesson_5::send_file`，但不可信：
/// 它可能发来任何文件，可能留着文件的描述符和映射，凡是内核允许的事都可能对文件做。
///
/// - 无论发送方以后做什么，访问映射都不会引发 SIGBUS，映射中的字节也不会改变。
/// - 所以文件必须来自 memfd_create(2)，并有 F_SEAL_SHRINK 和 F_SEAL_WRITE。
/// - 可读且两种密封都有的文件就接受，不管还有或没有哪些别的密封。
/// - 长度以查过密封（F_GET_SEALS）之后查到的为准：在那之前，发送方还能改它。
/// - 映射的是文件本身，不是副本，而且只有一个映射。
/// - 它是私有的只读映射；在 Linux 6.7 之前，共享映射会返回 EPERM。
/// - 文件的密封不变。
/// - 偏移量也一刻都不能动，因为发送方与你共用它。
/// - `socket` 的设置（例如超时）不变。只接收一条消息，什么也不发送。
/// - 不留下这个文件的任何描述符。
/// - 出错时，也不留下任何映射。
///
/// # 错误
/// - `InvalidData`：文件不是来自 memfd_create(2)，或者缺少两种密封之一。
/// - `InvalidData` 或 EBADF：查询不了密封（open(2) 的 O_PATH）。
/// - `InvalidData`：文件为空，或者超过 `at_most` 字节。
/// - EACCES：发来的描述符不可读。
/// - ENOMEM：没有这么长的空闲地址范围。
/// - `lesson_5::receive_file` 的错误，原样返回，如对方已退出的 `UnexpectedEof`。
///
/// # 示例
/// ```text
/// "abc"，带 F_SEAL_SHRINK 和 F_SEAL_WRITE：receive_sealed(socket, 3) -> 映射，内容为 "abc"
///                                          receive_sealed(socket, 2) -> Err(InvalidData)
/// "abc"，只带 F_SEAL_SHRINK：              receive_sealed(socket, 3) -> Err(InvalidData)
/// ```
pub fn receive_sealed(socket: &UnixStream, at_most: usize) -> io::Result<Mapping> {
    todo!("接收文件，确认内核保证它不再改变，然后映射它")
}
