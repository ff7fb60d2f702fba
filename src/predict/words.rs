//! The lines of a scenario in words, for those who don't know the language yet.

use crate::scenario::{
    Access, Advice, Amount, Bytes, Contents, Flag, Line, Operation, Protection, Range, Sharing, Source,
};
use crate::text::Text;

/// What a line does, in words.
pub fn in_words(line: &Line) -> Text {
    let who = line.process;
    Text::new(
        format!("{who} {}.", english::operation(&line.operation)),
        format!("{who} {}。", chinese::operation(&line.operation)),
    )
}

mod english {
    use super::*;

    pub fn operation(operation: &Operation) -> String {
        match operation {
            Operation::Create(file, Contents::Zeros(size)) => {
                format!("makes a file {file}: {} of zeros", amount(*size))
            }
            Operation::Create(file, Contents::Bytes(contents)) => format!("makes a file {file}: {}", bytes(contents)),
            Operation::Memfd(descriptor, size) => format!(
                "makes a file in memory (memfd_create(2)): {} of zeros; {descriptor} is its descriptor",
                amount(*size)
            ),
            Operation::Open(descriptor, file, access, flag) => {
                let access = match access {
                    Access::ReadOnly => "for reading",
                    Access::WriteOnly => "for writing",
                    Access::ReadWrite => "for reading and writing",
                };
                let emptied = match flag {
                    Some(Flag::Truncate) => ", and empties it (O_TRUNC)",
                    None => "",
                };
                format!("opens {file} {access}{emptied}; {descriptor} is the descriptor")
            }
            Operation::Close(descriptor) => format!("closes {descriptor}"),
            Operation::Read(descriptor, offset, length) => {
                format!("reads from {descriptor} at {}, at most {} (pread(2))", place(*offset), amount(*length))
            }
            Operation::Write(descriptor, offset, text) => {
                format!("writes {} to {descriptor} at {} (pwrite(2))", bytes(text), place(*offset))
            }
            Operation::Truncate(descriptor, size) => {
                format!("makes the file behind {descriptor} {} long (ftruncate(2))", amount(*size))
            }
            Operation::Punch(descriptor, offset, length) => format!(
                "punches a hole of {} into the file behind {descriptor}, at {} (fallocate(2))",
                amount(*length),
                place(*offset)
            ),
            Operation::Rename(from, to) => format!("renames {from} to {to}"),
            Operation::Unlink(file) => format!("removes the name {file} (unlink(2))"),
            Operation::Seal(descriptor, seal) => format!("seals the file behind {descriptor}: {seal} (F_ADD_SEALS)"),
            Operation::Map(mapping, request) => {
                let (length, flags) = (amount(request.length), flags(request.sharing, request.protection));
                let what = match request.source {
                    Source::File(descriptor, offset) => {
                        format!("the file behind {descriptor}, from {} on", place(offset))
                    }
                    Source::Anonymous => "memory without a file".to_owned(),
                };
                format!("maps {length} of {what} ({flags}); the mapping is called {mapping}")
            }
            Operation::Load(mapping, at, length) => {
                format!("loads {} from the mapping {mapping}, at {}", amount(*length), place(*at))
            }
            Operation::Store(mapping, at, text) => {
                format!("stores {} to the mapping {mapping}, at {}", bytes(text), place(*at))
            }
            Operation::Unmap(mapping, None) => format!("unmaps all of {mapping} (munmap(2))"),
            Operation::Unmap(mapping, Some(Range { place: at, length })) => {
                format!("unmaps {} of {mapping}, at {} (munmap(2))", amount(*length), place(*at))
            }
            Operation::Protect(mapping, protection) => {
                format!("gives the mapping {mapping} the protection {} (mprotect(2))", flag(*protection))
            }
            Operation::Advise(mapping, Advice::DontNeed) => {
                format!("says that it doesn't need {mapping} (madvise(2), MADV_DONTNEED)")
            }
            Operation::Sync(mapping) => format!("calls msync(2) with MS_SYNC on {mapping}"),
            Operation::Fork(child) => format!("forks {child}"),
            Operation::Exit => "ends (_exit(2))".to_owned(),
            Operation::Kill(other) => format!("kills {other} with SIGKILL"),
        }
    }

    /// In pages and bytes: 2 pages and 1 byte.
    fn amount(Amount { pages, bytes }: Amount) -> String {
        let many = |count: u32, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
        match (pages, bytes) {
            (0, bytes) => many(bytes.unsigned_abs(), "byte"),
            (pages, 0) => many(pages, "page"),
            (pages, ..0) => format!("{} less than {}", many(bytes.unsigned_abs(), "byte"), many(pages, "page")),
            (pages, _) => format!("{} and {}", many(pages, "page"), many(bytes.unsigned_abs(), "byte")),
        }
    }

    fn place(at: Amount) -> String {
        match (at.pages, at.bytes) {
            (0, 0) => "the start".to_owned(),
            _ => format!("an offset of {}", amount(at)),
        }
    }

    fn bytes(bytes: &Bytes) -> String {
        match bytes {
            Bytes::Text(text) => format!("\"{text}\""),
            Bytes::Fill(letter, length) => format!("{} of '{letter}'", amount(*length)),
        }
    }
}

mod chinese {
    use super::*;

    pub fn operation(operation: &Operation) -> String {
        match operation {
            Operation::Create(file, Contents::Zeros(size)) => format!("创建文件 {file}：{}，全是零", amount(*size)),
            Operation::Create(file, Contents::Bytes(contents)) => {
                format!("创建文件 {file}，内容是 {}", bytes(contents))
            }
            Operation::Memfd(descriptor, size) => {
                format!("创建内存文件（memfd_create(2)）：{}，全是零；{descriptor} 是它的描述符", amount(*size))
            }
            Operation::Open(descriptor, file, access, flag) => {
                let access = match access {
                    Access::ReadOnly => "只读",
                    Access::WriteOnly => "只写",
                    Access::ReadWrite => "可读可写",
                };
                let emptied = match flag {
                    Some(Flag::Truncate) => "，并清空它（O_TRUNC）",
                    None => "",
                };
                format!("以{access}方式打开 {file}{emptied}；{descriptor} 是描述符")
            }
            Operation::Close(descriptor) => format!("关闭 {descriptor}"),
            Operation::Read(descriptor, offset, length) => {
                format!("从 {descriptor} 的{}读取，最多 {}（pread(2)）", place(*offset), amount(*length))
            }
            Operation::Write(descriptor, offset, text) => {
                format!("在 {descriptor} 的{}写入 {}（pwrite(2)）", place(*offset), bytes(text))
            }
            Operation::Truncate(descriptor, size) => {
                format!("把 {descriptor} 所指文件的大小改为 {}（ftruncate(2)）", amount(*size))
            }
            Operation::Punch(descriptor, offset, length) => {
                format!("在 {descriptor} 所指文件的{}打一个 {}的空洞（fallocate(2)）", place(*offset), amount(*length))
            }
            Operation::Rename(from, to) => format!("把 {from} 改名为 {to}（rename(2)）"),
            Operation::Unlink(file) => format!("删除文件名 {file}（unlink(2)）"),
            Operation::Seal(descriptor, seal) => format!("给 {descriptor} 所指文件加上密封 {seal}（F_ADD_SEALS）"),
            Operation::Map(mapping, request) => {
                let (length, flags) = (amount(request.length), flags(request.sharing, request.protection));
                let what = match request.source {
                    Source::File(descriptor, offset) => format!("{descriptor} 所指的文件，从{}起", place(offset)),
                    Source::Anonymous => "匿名内存".to_owned(),
                };
                format!("映射 {length}：{what}（{flags}）；这个映射叫 {mapping}")
            }
            Operation::Load(mapping, at, length) => {
                format!("从映射 {mapping} 的{}读取 {}", place(*at), amount(*length))
            }
            Operation::Store(mapping, at, text) => format!("在映射 {mapping} 的{}写入 {}", place(*at), bytes(text)),
            Operation::Unmap(mapping, None) => format!("解除整个映射 {mapping}（munmap(2)）"),
            Operation::Unmap(mapping, Some(Range { place: at, length })) => {
                format!("解除映射 {mapping} 从{}起的 {}（munmap(2)）", place(*at), amount(*length))
            }
            Operation::Protect(mapping, protection) => {
                format!("把映射 {mapping} 的保护属性改为 {}（mprotect(2)）", flag(*protection))
            }
            Operation::Advise(mapping, Advice::DontNeed) => {
                format!("声明不再需要 {mapping}（madvise(2)，MADV_DONTNEED）")
            }
            Operation::Sync(mapping) => format!("对 {mapping} 调用 msync(2)，带 MS_SYNC"),
            Operation::Fork(child) => format!("派生子进程 {child}（fork(2)）"),
            Operation::Exit => "结束（_exit(2)）".to_owned(),
            Operation::Kill(other) => format!("用 SIGKILL 杀死 {other}"),
        }
    }

    /// In pages and bytes: 2 页零 1 字节.
    fn amount(Amount { pages, bytes }: Amount) -> String {
        match (pages, bytes) {
            (0, bytes) => format!("{bytes} 字节"),
            (pages, 0) => format!("{pages} 页"),
            (pages, ..0) => format!("{pages} 页少 {} 字节", bytes.unsigned_abs()),
            (pages, _) => format!("{pages} 页零 {bytes} 字节"),
        }
    }

    fn place(at: Amount) -> String {
        match (at.pages, at.bytes) {
            (0, 0) => "起点".to_owned(),
            _ => format!("偏移 {}处", amount(at)),
        }
    }

    fn bytes(bytes: &Bytes) -> String {
        match bytes {
            Bytes::Text(text) => format!("\"{text}\""),
            Bytes::Fill(letter, length) => format!("{}的 '{letter}'", amount(*length)),
        }
    }
}

/// As mmap(2) is given them.
fn flags(sharing: Sharing, protection: Protection) -> String {
    let sharing = match sharing {
        Sharing::Shared => "MAP_SHARED",
        Sharing::Private => "MAP_PRIVATE",
    };
    format!("{sharing}, {}", flag(protection))
}

fn flag(protection: Protection) -> &'static str {
    match protection {
        Protection::None => "PROT_NONE",
        Protection::Read => "PROT_READ",
        Protection::Write => "PROT_WRITE",
        Protection::ReadWrite => "PROT_READ | PROT_WRITE",
    }
}
