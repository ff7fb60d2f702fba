//! # 练习 7：算清开销
//!
//! 一页第一次被访问时，要付出一次缺页。[`resident`] 说明哪些页已经付过，[`warm`] 为将要用到的页预先付清，[`scan`] 读完一个比内存
//! 还大的文件，[`gather`] 从文件里只读非读不可的部分。这四个是核心，最多花两个小时。选做的 [`choose`] 负责测量。
//!
//! 先读 `lesson.rs`（注释是英文，书里引用的部分有中文注释）。可以使用 std、nix、libc（即 `nix::libc`），以及第 1 至 7 课里的
//! 一切。
//!
//! ```sh
//! cargo run -- check 7    # 哪些已经正确，哪些还不对
//! cargo run -- hint 7     # 下一个函数的提示；再运行一次，看下一条
//! ```
//!
//! 每个 unsafe 块都要有 `// SAFETY:` 注释，用一句话说明它为什么是可靠的。
//!
//! 检查的代码在同目录的 `checks/` 里，检查的要求这里全都写明了。在 `resident` 和 `warm` 里，`mapping` 是从文件第一个字节开始的
//! 映射，共享或私有，可读可写；进程有权写这个文件。页从 0 开始编号，没有别的线程使用这个映射。在所有函数里，没有人改变文件的大小，
//! 内存也不紧张。函数不需要特权，也不遗留映射和打开的描述符，出错时同样如此。

use std::fs::File;
use std::io;
use std::ops::Range;
use std::time::Duration;

use mmap_workbook::lesson_2::Mapping;
use mmap_workbook::lesson_7::Place;

/// 按顺序说明，映射的每一页对本进程来说在哪里。/proc/self/pagemap 为地址空间的每一页保存 64 位：第 63 位表示在内存中，
/// 第 62 位表示已换出，第 61 位表示是文件的页（proc_pid_pagemap(5)）。页缓存的情况由 mincore(2) 说明。
///
/// - `mapping.range()` 的每一页各有一项。
/// - 文件末尾之后的页是 `Absent`；已换出的副本仍是 `Copied`。
/// - 调用不访问任何一页：不产生缺页，也不把任何页读进内存。
/// - 在子进程里同样正确，子进程有自己的页表。
/// - 对超过 4 GiB 的映射同样正确。
///
/// # 错误
/// - 系统调用的错误，原样返回：进程不能再打开描述符时是 EMFILE。
///
/// # 示例
/// ```text
/// 三页的文件，全在页缓存里，私有映射；往第 1 页写入 'x'
/// resident(mapping) -> [Cached, Copied, Cached]
/// ```
pub fn resident(mapping: &Mapping) -> io::Result<Vec<Place>> {
    todo!("先问页表的项，再问页缓存")
}

/// 为一个范围内的页预先付清：调用之后，读这个范围里的任何字节都不再缺页。`file` 是被映射的文件。
///
/// - `range` 以字节计，从映射的起点算起，不超出映射，在页内任意位置开始和结束。
/// - 范围为空时返回 `Ok`。
/// - Linux 5.14 起，用 MADV_POPULATE_READ 调用 madvise(2) 就能做到。
/// - 如果它返回 EINVAL，就逐页读一遍。
/// - 不复制任何页，不改变任何字节。
/// - 文件末尾之后的页是错误，在哪种内核上都一样，绝不能让进程被信号终止。
/// - 文件超过 4 GiB 时同样正确。
///
/// # 错误
/// - 范围里有页在文件的最后一页之后：EFAULT；这时其余的页是否已预热，都可以。
/// - madvise(2) 除 EINVAL 以外的错误，原样返回。
///
/// # 示例
/// ```text
/// 两页的文件，映射四页：warm(mapping, file, 0..10) -> Ok
/// 同上，范围从第 1 页的第一个字节到第 3 页的第一个字节：EFAULT
/// ```
pub fn warm(mapping: &Mapping, file: &File, range: Range<usize>) -> io::Result<()> {
    todo!("让范围里的页都有页表项；内核做不到时，逐页读一遍")
}

/// 把文件从第一个字节到最后一个字节，一个映射接一个映射地展示给 `visit`。文件可以比内存还大：任何时候映射的文件内容都不超过
/// `limit` 字节，所以不管 `visit` 读什么，驻留的（Rss）也不会更多。
///
/// - 每个映射都是 `file` 的映射，可读，共享或私有均可，从前一个结束的地方开始。
/// - 长度取允许的最大值：`limit` 向下取整到整页，或者文件剩下的部分。
/// - 它的 [`Mapping::length`] 不包括文件末尾之后的字节。
/// - 即使 `limit` 不足一页，也要映射一页。
/// - 两次 visit 之间，映射的也不超过这些。
/// - 空文件不调用 `visit`，也不是错误。
/// - `visit` 一返回错误，就到此为止。
/// - `file` 只要可读就够了。
/// - `limit` 是多少都正确，文件超过 4 GiB 时也正确。
///
/// # 错误
/// - `visit` 的错误，原样返回。
/// - fstat(2) 和 mmap(2) 的错误，原样返回：`file` 不可读时是 EACCES。
///
/// # 示例
/// ```text
/// P 是页大小；文件有 2 * P + 10 字节
/// scan(file, P + 5, visit) -> 映射字节 0..P，P..2 * P，2 * P..2 * P + 10
/// scan(file, 9 * P, visit) -> 一个映射，字节 0..2 * P + 10
/// ```
pub fn scan(file: &File, limit: usize, visit: impl FnMut(&Mapping) -> io::Result<()>) -> io::Result<()> {
    todo!("映射文件的一部分，展示它，解除映射；然后是下一部分")
}

/// 从文件的每个偏移量起读 `record` 个字节，一条记录接一条记录，按 `offsets` 的顺序返回。文件可以很大，而且完全不在内存里：读入的
/// 只比这些记录所需的略多。
///
/// - `record` 至少是 1。
/// - 偏移量不一定有序；记录可以重叠，也可以跨几页。
/// - 文件不在页缓存里时，读入的页数不超过记录所在页数的两倍。
/// - 字节可以来自映射，也可以来自 pread(2)，两种都做得到。
/// - 用 pread(2) 要先用 posix_fadvise(2) 说明 POSIX_FADV_RANDOM。
/// - 没有偏移量时结果为空，文件为空时也一样。
/// - `file` 只要可读就够了。
/// - 偏移量超过 4 GiB，或者个数超过允许的映射数（max_map_count）时，同样正确。
///
/// # 错误
/// - 有记录不全在文件里，不管偏移量多大：`UnexpectedEof`、`InvalidInput` 或 EINVAL。
/// - 系统调用的错误，原样返回。
///
/// # 示例
/// ```text
/// 文件的内容是 "abcdefgh"
/// gather(file, &[6, 0, 1, 0], 2) -> "ghabbcab"
/// gather(file, &[0, 7], 2)       -> Err(UnexpectedEof)
/// ```
pub fn gather(file: &File, offsets: &[u64], record: usize) -> io::Result<Vec<u8>> {
    todo!("先确认所有记录都在文件里，再读它们，别的尽量不读")
}

// 选做：不写下面的函数，练习也算完成。它更费时间。

/// [`choose`] 测得的时间，以及结论。
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// 文件所有字节的和。
    pub sum: u64,
    /// 每一轮里用 read(2) 花了多长时间。
    pub read: Vec<Duration>,
    /// 每一轮里用映射花了多长时间。
    pub mapped: Vec<Duration>,
    /// 是否应当映射这个文件。
    pub map: bool,
}

/// 测量在这台机器上，这个文件是用 read(2) 读好，还是映射好：一轮又一轮，用两种方式把所有字节加起来。如果每一轮都是映射用时更少，
/// 就选映射，否则选更简单的 read(2)。
///
/// - 先用两种方式中的任意一种把文件读一遍，不计时，让它的页都进入页缓存。
/// - 每一轮把文件读两遍：一遍用 read(2) 或 pread(2)，一遍用整个文件的映射。
/// - 在第 0、2、4……轮，先用 read(2)；在其他各轮，先用映射。
/// - 每个时间是读一遍的时间，包括其中的系统调用，mmap(2) 和 munmap(2) 也在内。
/// - [`Choice::read`] 和 [`Choice::mapped`] 按顺序各有每一轮的时间。
/// - [`Choice::map`] 就是这些时间所说明的。
/// - 描述符的当前位置事先可能在任何地方，可以改变。
///
/// # 错误
/// - 文件为空，或者轮数为 0：EINVAL 或 `InvalidInput`。
/// - 系统调用的错误，原样返回。
///
/// # 示例
/// ```text
/// choose(file, 3) -> sum 1234, read [20µs, 21µs, 20µs], mapped [15µs, 90µs, 14µs], map false
/// ```
pub fn choose(file: &File, rounds: usize) -> io::Result<Choice> {
    todo!("先不计时地加一遍，再在每一轮里为两种方式计时，然后比较")
}
