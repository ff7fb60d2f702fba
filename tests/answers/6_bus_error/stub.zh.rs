//! # 练习 6：文件出了事，进程照样运行
//!
//! 有些时刻，映射会终止信任它的进程；下面的每个函数各应付其中一种。[`parts`] 算出映射显示文件的哪些内容；
//! [`count_guarded`] 读取随时可能被截断的文件；[`sum_of`] 要对付大小说明不了内容的文件；[`put`] 要对付写满的磁盘。
//! 这四个是核心，最多花两个小时。选做的 [`zeros_over`] 和 [`survive`] 合起来是一个 SIGBUS 处理函数，单是 `survive`
//! 就可能要花两个小时以上。
//!
//! 先读 `lesson.rs`（注释是英文，书里引用的部分有中文注释）。
//!
//! 可以使用 std、nix、libc（即 `nix::libc`）、memmap2，以及各课里的一切，例如 [`Mapping`] 和
//! `mmap_workbook::observe`。
//!
//! ```sh
//! cargo run -- check 6    # 哪些已经正确，哪些还不对
//! cargo run -- hint 6     # 下一个函数的提示；再运行一次，看下一条
//! ```
//!
//! 每个 unsafe 块都要有 `// SAFETY:` 注释，用一句话说明它为什么是可靠的。
//!
//! 检查的代码在同目录的 `checks/` 里，检查的要求这里全都写明了。

use std::fs::File;
use std::io;
use std::ops::Range;
use std::path::Path;

use mmap_workbook::lesson_2::Mapping;
use mmap_workbook::lesson_6::{GuardError, Guarded};
use nix::errno::Errno;

/// 文件的一个映射由哪几部分组成，以字节计，从映射的起点算起。各个范围首尾相接：`file` 从 0 开始，`no_page`
/// 到映射的终点为止。不存在的部分是空的范围。
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parts {
    /// 文件的字节：读到的是文件的内容，写入会改变文件。
    pub file: Range<usize>,
    /// 文件最后一页的剩余部分：在有进程往那里写之前，读到的是零。写入会成功，但文件的字节一个也不变。
    pub rest: Range<usize>,
    /// 文件没有的页：无论读写都触发 SIGBUS。
    pub no_page: Range<usize>,
}

/// 文件有 `file_size` 字节，从偏移量 `offset` 起建立 `length` 字节的共享映射：算出这个映射的各个部分。
/// 只做算术，既不打开文件，也不建立映射。
///
/// - 映射的终点是 `length` 向上取整到整页，在此之前的每个字节都属于某一部分。
/// - 任何 `file_size`、任何页对齐的 `offset`，直到 `u64::MAX`，结果都正确。
/// - 不考虑 mmap(2) 的其他限制：地址空间有多大、偏移量最大是多少，都不管。
/// - 绝不 panic。
/// - 数再大，也不会更费时间。
///
/// # 错误
/// - `length` 为 0，或 `offset` 不是页大小的整数倍：EINVAL，与 mmap(2) 一样。
/// - `length` 向上取整到整页后超出 `usize`：ENOMEM，与 mmap(2) 一样。
/// - 两种错误同时成立时返回 EINVAL。
///
/// # 示例
/// ```text
/// P 是页大小
/// parts(10, 0, 2 * P + 1) -> file 0..10，rest 10..P，no_page P..3 * P
/// parts(10, P, 1)         -> file 0..0，rest 0..0，no_page 0..P
/// parts(3 * P, 0, 10)     -> file 0..P，rest P..P，no_page P..P
/// parts(10, 0, 0)         -> Err(EINVAL)
/// ```
pub fn parts(file_size: u64, offset: u64, length: usize) -> Result<Parts, Errno> {
    todo!("算出映射中哪些字节属于文件，哪些是文件最后一页的剩余部分，哪些没有对应的页")
}

/// 在 `Guarded` 映射的 `range` 里，数一数有多少个字节等于 `byte`：例如日志有多少行，而别的进程随时可能截断这个日志。
/// 文件没有对应的页时，进程不会终止，而是返回 [`Guarded::read`] 的错误，其中写明是哪一页。
///
/// - `range` 从映射的起点算起，不包括终点处的字节。
/// - 终点不在起点之后，`range` 就是空的：结果是 0，无论它在哪里。
/// - 映射在其中显示的每个字节都算；文件末尾之后的也算，无论是零，还是别的进程写到那里的内容。
/// - `NoPage` 指明 `range` 中第一个读不到的字节所在的页。
/// - 只要读取的那一刻没有页，就是错误，即使之前之后都有。
/// - `range` 之外的页可以不存在。
/// - 无论 `range` 有多长、调用过多少次，堆上分配的内存始终不超过 64 KiB。
/// - `range` 满 16 KiB 时，每 1 KiB 最多一次 `Guarded::read`：它要好几次系统调用。
/// - 不往文件里写任何内容，哪怕写的是文件原有的字节。
///
/// # 错误
/// - `range` 中有页不存在：[`GuardError::NoPage`]。
/// - `range` 超出映射：[`GuardError::Outside`]；映射由整页组成。
/// - [`Guarded::read`] 的其他错误，原样返回。
/// - 几种错误同时成立时，返回哪一种都可以。
///
/// # 示例
/// ```text
/// P 是页大小；文件的内容是 "abcabc"，映射了两页
/// count_guarded(guarded, 1..6, b'a')     -> Ok(1)
/// count_guarded(guarded, 1..P + 1, b'a') -> Err(NoPage { page: 1, offset: P, file_size: 6 })
/// ```
pub fn count_guarded(guarded: &Guarded, range: Range<usize>, byte: u8) -> Result<usize, GuardError> {
    todo!("一块一块地读取，数每一块里的字节，出错就返回")
}

/// 返回 `path` 处的文件中所有字节之和，每个字节当作 0 到 255 的数。能映射的文件就映射；大小为 0，或者不支持 mmap(2)
/// 的文件，用 read(2) 读取。
///
/// - 能映射的文件，一个字节也不经过 read(2) 或别的会复制的调用。
/// - 只算文件的字节，哪怕最后一页在文件末尾之后另有内容。
/// - /proc 里的文件大多大小为 0 却有内容：要一直读到末尾。
/// - 空文件的和是 0。
/// - /sys 里的文件大多不能映射（只有 ENODEV 才说明这一点），内容比大小短：改为读取。
/// - 文件只以只读方式打开。
/// - 可以整个映射，也可以分段映射。
/// - 绝不等待别的进程，无论 `path` 处是什么，无论谁持有它的租约（lease）。
/// - 返回时，它建立的映射都已解除，打开的描述符都已关闭，出错时也一样。
/// - 在此期间，没有进程改变文件的大小。
///
/// # 错误
/// - 目录：`IsADirectory` 或 EISDIR。
/// - FIFO 或设备：`InvalidInput` 或 EINVAL，不从中读取任何内容。
/// - open(2) 要等待租约的持有者时：EWOULDBLOCK。
/// - mmap(2) 放不下要映射的部分：ENOMEM；分段映射也许就放得下。
/// - open(2)、mmap(2)、read(2) 的其他错误，原样返回，例如 ENOENT。
/// - 套接字：ENXIO、`InvalidInput` 或 EINVAL。
/// - read(2) 返回 EINTR 时可以重试。
///
/// # 示例
/// ```text
/// 文件的内容是 "\x01\x02\xff"：sum_of(path) -> 258
/// /dev/null：                  sum_of(path) -> Err(EINVAL)
/// ```
pub fn sum_of(path: &Path) -> io::Result<u64> {
    todo!("求出这个路径上的文件各字节之和，能映射就用映射")
}

/// 通过共享映射，把 `bytes` 写到文件的偏移量 `offset` 处。要么全部写入，要么返回错误，什么也不改变。
///
/// - `file` 以读写方式打开，在此期间没有别的进程改动它。
/// - `offset` 可以是任何数：在一页中间，在空洞里，在文件末尾之后。
/// - 文件不够长就变长到 `offset + bytes.len()`；够长则大小不变。
/// - 其他字节都不变。
/// - 原来的末尾与 `offset` 之间读出来是零，无论末尾之后以前写过什么。
/// - 其间完整的页不占磁盘空间。
/// - `bytes` 为空时什么也不改变，无论 `offset` 是多少都不算错误。
/// - 已有磁盘空间的页不再需要空间：磁盘满了也能写入。
/// - 有一处例外：原来的最后一页如果是空洞，把它的剩余部分清零时可以占用空间。
/// - 无论出了什么错，文件的大小和内容都和原来一样。
/// - 出错之后，磁盘空间可以仍然预留着，文件末尾之后写过的内容可以消失。
/// - `bytes` 不经过 write(2) 或别的会复制的调用；补零可以用 write(2)。
/// - 返回时，它建立的映射都已解除，出错时也一样。
/// - 它不遗留自己打开的描述符。
///
/// # 错误
/// - 磁盘空间不够：`StorageFull` 或 ENOSPC，绝不是信号。
/// - 新的末尾超过 2^63 - 1（文件大小的上限）：`FileTooLarge` 或 EFBIG。
/// - 超过 RLIMIT_FSIZE：与 ftruncate(2) 一样，SIGXFSZ；信号被忽略时是 EFBIG。
/// - 系统调用的其他错误，原样返回：例如 EDQUOT，映射太大时的 ENOMEM。
///
/// # 示例
/// ```text
/// 文件的内容是 "abcdef"：put(file, 2, "XY") -> Ok；文件变成 "abXYef"
/// 文件的内容是 "ab"：    put(file, 3, "XY") -> Ok；文件变成 "ab\0XY"
/// ```
pub fn put(file: &File, offset: u64, bytes: &[u8]) -> io::Result<()> {
    todo!("先确保磁盘空间，再通过映射写入")
}

// 选做：不写下面的函数，练习也算完成。它更费时间。

/// 把 `address` 所在的页换成一页私有的零页，可读可写，无论那里原来映射着什么。它是给信号处理函数用的。
///
/// - 相邻的页不变。
/// - 原来映射在那里的文件不变。
/// - 之后对这一页的写入不会进入那个文件。
/// - 恰好进行一次系统调用，即 mmap(2)，哪怕它失败。`page_size` 不进行系统调用，这里可以放心用。
/// - 因此，别的线程没有机会在中途占走这些地址。
///
/// # 错误
/// - mmap(2) 的错误，原样返回。
///
/// # 安全性
/// - `address` 在调用者自己的映射里，而且没有任何引用指向那一页的字节。
///
/// # 示例
/// ```text
/// 映射的内容是 "aaaa..."、"bbbb..."、"cccc..."，各占一页
/// zeros_over(第二页里的某个地址) -> Ok；映射变成 "aaaa..."、一页零、"cccc..."
/// ```
pub unsafe fn zeros_over(address: usize) -> Result<(), Errno> {
    todo!("把这个地址所在的页换成零页")
}

/// [`survive`] 为什么没有返回 `body` 的结果。
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Missed {
    /// 有一次访问找不到页：那一页在映射中的编号，从 0 开始。以第一次这样的访问为准。
    Page(usize),
    /// mmap(2) 或别的调用失败，或者另一个 `survive` 正在运行（EBUSY）。
    Call(Errno),
}

/// 共享映射 `file` 的前 `length` 字节，可读可写，无论文件有没有这么长，然后对这个映射执行 `body`。
/// 访问找不到页时，进程不会终止：那里换成零页，`body` 继续运行，结果是 `Missed::Page`；否则返回 `body` 的结果。
///
/// - `file` 以读写方式打开。
/// - 它运行期间，没有别的代码改变 SIGBUS 的处置方式或线程的信号掩码。
/// - `Missed::Page` 里的，是最早失败的那次访问所在的页。
/// - 访问的那一刻页不在就算数，哪怕在此之前和之后都在。
/// - 写入时因为磁盘已满而得不到页，同样算数。
/// - `body` 启动的线程所做的访问，与 `body` 自己的一样算数。
/// - 内核所做的访问不算：系统调用找不到页，返回 EFAULT。
/// - 只要每次访问都找到了页，就返回 `body` 的结果，无论文件有多大。
/// - `body` 可以读写零页，但写入绝不会进入文件。
/// - 两个线程同时在同一页落空时，其中一个的写入可以丢失。
/// - 其余的页仍然属于文件：读到的是别人写的内容，写入会进入文件。
/// - `survive` 自己既不改变文件的内容，也不改变文件的大小。
/// - 线程阻塞了 SIGBUS 时也有效：只解除对它的阻塞，未决的随即递达。
/// - 信号处理函数里不加锁，也不分配内存。
/// - 别的 SIGBUS，无论是进程发来的还是别的映射引起的，都交给先前的处置方式。
/// - 有的访问无法换成零页，它引起的 SIGBUS 同样交给先前的处置方式。
/// - 先前的处置方式是默认动作时，这两种 SIGBUS 都会杀死进程。
/// - 在此之后进程如果还活着，下一次找不到页可以像没有 `survive` 那样致命。
/// - 转交进程发来的 SIGBUS 时，先前的处置方式看到的发送者可以是本进程自己。
/// - 同一时刻只有一个 `survive` 运行：嵌套的不执行它的 `body`，外层的继续运行。
/// - 之后，它建立的映射都已解除，自己打开的描述符都已关闭。
/// - 之后，SIGBUS 的处置方式和线程的信号掩码都恢复原样。
/// - 出错之后、`body` panic 之后，以上各条都成立。
/// - `body` 的 panic 传给调用者，无论缺了哪一页；下一个 `survive` 照常工作。
///
/// # 错误
/// - 有访问找不到页：[`Missed::Page`]。
/// - 另一个正在运行，无论在哪个线程、`length` 是多少：`Missed::Call`，EBUSY。
/// - `length` 为 0：`Missed::Call`，EINVAL。
/// - `body` 运行之前有别的调用失败：`Missed::Call`，错误码是那个调用的。
///
/// # 示例
/// ```text
/// P 是页大小；文件的内容是 "abc"
/// survive(file, 2 * P, 读字节 1)         -> Ok(b'b')
/// survive(file, 2 * P, 读字节 P，再读 2) -> Err(Page(1))；读到的是 0 和 b'c'
/// ```
pub fn survive<T>(file: &File, length: usize, body: impl FnOnce(&Mapping) -> T) -> Result<T, Missed> {
    todo!("设置 SIGBUS 处理函数再执行 body：文件没有页的地方由它换上零页，并记录下来")
}
