//! The lines of a scenario in words, for a reader who doesn't know the language yet.

use alloc::format;
use alloc::string::{String, ToString};

use super::{
    Access, Advice, Amount, Bytes, CODE_RETURNS, Contents, Flag, Line, Name, Operation, Protection, Range, Request,
    Sharing, Source, Syncing,
};
use crate::text;
use crate::text::Text;

/// What a line does, in words.
pub fn in_words(line: &Line) -> Text {
    let (process, what) = (line.process, operation(&line.operation));
    text!("{process} {what}.", "{process} {what}。"; what)
}

fn operation(operation: &Operation) -> Text {
    match operation {
        Operation::Create(file, Contents::Zeros(size)) => {
            let size = amount(*size);
            text!("creates a file {file}: {size} of zeros", "创建文件 {file}：{size}，全是零"; size)
        }
        Operation::Create(file, Contents::Bytes(contents)) => {
            let contents = bytes(contents);
            text!("creates a file {file}: {contents}", "创建文件 {file}，内容是 {contents}"; contents)
        }
        Operation::Memfd(descriptor, size) => {
            let size = amount(*size);
            text!(
                "creates a file in memory (memfd_create(2)): {size} of zeros; {descriptor} is its descriptor",
                "创建内存文件（memfd_create(2)）：{size}，全是零；{descriptor} 是它的描述符";
                size
            )
        }
        Operation::Open(descriptor, file, access, flag) => {
            let access = access_in_words(*access);
            let emptied = match flag {
                Some(Flag::Truncate) => Text::fixed(", and empties it (O_TRUNC)", "，并清空它（O_TRUNC）"),
                Some(Flag::Append) => Text::fixed(", to append to it (O_APPEND)", "，只追加（O_APPEND）"),
                None => Text::fixed("", ""),
            };
            text!(
                "opens {file} {access}{emptied}; {descriptor} is the descriptor",
                "以{access}方式打开 {file}{emptied}；{descriptor} 是描述符";
                access, emptied
            )
        }
        Operation::Reopen(descriptor, of, access) => {
            let access = access_in_words(*access);
            text!(
                "opens the file of {of} once more {access} (/proc/self/fd); {descriptor} is the descriptor",
                "把 {of} 所指的文件再以{access}方式打开一次（/proc/self/fd）；{descriptor} 是描述符";
                access
            )
        }
        Operation::Close(descriptor) => text!("closes {descriptor}", "关闭 {descriptor}"),
        Operation::Read(descriptor, offset, length) => {
            let (at, length) = (place(*offset), amount(*length));
            text!(
                "reads from {descriptor} at {at}, at most {length} (pread(2))",
                "从 {descriptor} 的{at}读取，最多 {length}（pread(2)）";
                at, length
            )
        }
        Operation::Write(descriptor, offset, contents) => {
            let (at, contents) = (place(*offset), bytes(contents));
            text!(
                "writes {contents} to {descriptor} at {at} (pwrite(2))",
                "在 {descriptor} 的{at}写入 {contents}（pwrite(2)）";
                at, contents
            )
        }
        Operation::ReadInto(descriptor, offset, mapping, at, length) => {
            let (from, at, length) = (place(*offset), place(*at), amount(*length));
            text!(
                "reads from {descriptor} at {from}, at most {length}, into the mapping {mapping} at {at} (pread(2))",
                "从 {descriptor} 的{from}读取，最多 {length}，直接读进映射 {mapping} 的{at}（pread(2)）";
                from, at, length
            )
        }
        Operation::WriteFrom(descriptor, offset, mapping, at, length) => {
            let (to, at, length) = (place(*offset), place(*at), amount(*length));
            text!(
                "writes {length} of the mapping {mapping}, at {at}, to {descriptor} at {to} (pwrite(2))",
                "把映射 {mapping} 从{at}起的 {length} 写到 {descriptor} 的{to}（pwrite(2)）";
                to, at, length
            )
        }
        Operation::Truncate(descriptor, size) => {
            let size = amount(*size);
            text!(
                "sets the size of the file open as {descriptor} to {size} (ftruncate(2))",
                "把 {descriptor} 所指文件的大小改为 {size}（ftruncate(2)）";
                size
            )
        }
        Operation::Punch(descriptor, offset, length) => {
            let (at, length) = (place(*offset), amount(*length));
            text!(
                "punches a hole of {length} into the file open as {descriptor}, at {at} (fallocate(2))",
                "在 {descriptor} 所指文件的{at}打一个 {length}的空洞（fallocate(2)）";
                at, length
            )
        }
        Operation::Reserve(descriptor, offset, length) => {
            let (at, length) = (place(*offset), amount(*length));
            text!(
                "makes room for {length} of the file open as {descriptor}, at {at} (fallocate(2))",
                "为 {descriptor} 所指文件从{at}起的 {length} 预留空间（fallocate(2)）";
                at, length
            )
        }
        Operation::Zero(descriptor, offset, length) => {
            let (at, length) = (place(*offset), amount(*length));
            text!(
                "zeroes {length} of the file open as {descriptor}, at {at} (fallocate(2), FALLOC_FL_ZERO_RANGE)",
                "把 {descriptor} 所指文件从{at}起的 {length} 清零（fallocate(2)，FALLOC_FL_ZERO_RANGE）";
                at, length
            )
        }
        Operation::Collapse(descriptor, offset, length) => {
            let (at, length) = (place(*offset), amount(*length));
            text!(
                "takes {length} out of the file open as {descriptor}, at {at} (fallocate(2), FALLOC_FL_COLLAPSE_RANGE)",
                "从 {descriptor} 所指文件中去掉从{at}起的 {length}（fallocate(2)，FALLOC_FL_COLLAPSE_RANGE）";
                at, length
            )
        }
        Operation::Mtime(descriptor) => text!(
            "asks whether st_mtime of the file open as {descriptor} has moved (fstat(2)), and puts it back",
            "查看 {descriptor} 所指文件的 st_mtime 变过没有（fstat(2)），然后把它改回去"
        ),
        Operation::Fsync(descriptor, extent) => {
            let call = if extent.is_some() { "fdatasync(2)" } else { "fsync(2)" };
            text!("syncs the file open as {descriptor} ({call})", "同步 {descriptor} 所指的文件（{call}）")
        }
        Operation::FsyncDirectory => {
            text!("syncs the directory with its names (fsync(2))", "同步目录，也就是其中的名字（fsync(2)）")
        }
        Operation::Seals(descriptor) => text!(
            "asks for the seals of the file open as {descriptor} (F_GET_SEALS)",
            "查询 {descriptor} 所指文件的密封（F_GET_SEALS）"
        ),
        Operation::Rename(from, to) => {
            text!("renames {from} to {to} (rename(2))", "把 {from} 改名为 {to}（rename(2)）")
        }
        Operation::Unlink(file) => text!("removes the name {file} (unlink(2))", "去掉名字 {file}（unlink(2)）"),
        Operation::Seal(descriptor, seal) => text!(
            "seals the file open as {descriptor}: {seal} (F_ADD_SEALS)",
            "给 {descriptor} 所指文件加上密封 {seal}（F_ADD_SEALS）"
        ),
        Operation::Map(mapping, request) => {
            let (length, flags, what) = (amount(request.length), flags(request, ""), mapped(request));
            text!(
                "maps {length} of {what} ({flags}); the mapping is called {mapping}",
                "映射 {length}：{what}（{flags}）；这个映射叫 {mapping}";
                length, what
            )
        }
        Operation::MapAt(mapping, at, request, placing) => {
            let fixed = if placing.is_some() { " | MAP_FIXED_NOREPLACE" } else { " | MAP_FIXED" };
            let (at, length) = (place(*at), amount(request.length));
            let (flags, what) = (flags(request, fixed), mapped(request));
            text!(
                "maps {length} of {what} ({flags}), where the mapping {mapping} is, at {at}",
                "在映射 {mapping} 的{at}映射 {length}：{what}（{flags}）";
                at, length, what
            )
        }
        Operation::Load(mapping, at, length) => {
            let (at, length) = (place(*at), amount(*length));
            text!("loads {length} from the mapping {mapping}, at {at}", "从映射 {mapping} 的{at}读取 {length}"; at, length)
        }
        Operation::Store(mapping, at, contents) => {
            let (at, contents) = (place(*at), bytes(contents));
            text!(
                "stores {contents} to the mapping {mapping}, at {at}",
                "在映射 {mapping} 的{at}写入 {contents}";
                at, contents
            )
        }
        Operation::Unmap(mapping, part) => {
            let part = part_of(*mapping, *part);
            text!("unmaps {part} (munmap(2))", "解除{part}（munmap(2)）"; part)
        }
        Operation::Remap(mapping, length) => {
            let length = amount(*length);
            text!(
                "sets the length of the mapping {mapping} to {length} (mremap(2))",
                "把映射 {mapping} 的长度改为 {length}（mremap(2)）";
                length
            )
        }
        Operation::Move(mapping, to) => text!(
            "moves the mapping {mapping} to where {to} is (mremap(2), MREMAP_FIXED); it is called {to} then",
            "把映射 {mapping} 移到 {to} 的地址（mremap(2)，MREMAP_FIXED），从此叫 {to}"
        ),
        Operation::Duplicate(mapping, to) => text!(
            "makes another mapping of what {mapping} shows (mremap(2) with an old length of 0), which is called {to}",
            "给 {mapping} 映射的内容再建一个映射（旧长度为 0 的 mremap(2)），叫 {to}"
        ),
        Operation::Call(mapping, at) => {
            let at = place(*at);
            text!("calls the code in the mapping {mapping} at {at}", "调用映射 {mapping} 的{at}的代码"; at)
        }
        Operation::Lock(mapping, part) => {
            let part = part_of(*mapping, *part);
            text!("locks {part} (mlock(2))", "锁住{part}（mlock(2)）"; part)
        }
        Operation::Unlock(mapping, part) => {
            let part = part_of(*mapping, *part);
            text!("unlocks {part} (munlock(2))", "解锁{part}（munlock(2)）"; part)
        }
        Operation::Resident(mapping, part) => {
            let part = part_of(*mapping, *part);
            text!(
                "asks which pages of {part} are in memory (mincore(2))",
                "查询{part}有哪些页在内存里（mincore(2)）";
                part
            )
        }
        Operation::Protect(mapping, protection, part) => {
            let (flag, part) = (flag(*protection), part_of(*mapping, *part));
            text!(
                "sets the protection of {part} to {flag} (mprotect(2))",
                "把{part}的保护属性改为 {flag}（mprotect(2)）";
                part
            )
        }
        Operation::Advise(mapping, Advice::DontNeed, part) => {
            let part = part_of(*mapping, *part);
            text!(
                "says that it no longer needs {part} (madvise(2), MADV_DONTNEED)",
                "声明不再需要{part}（madvise(2)，MADV_DONTNEED）";
                part
            )
        }
        Operation::Advise(mapping, Advice::WillNeed, part) => {
            let part = part_of(*mapping, *part);
            text!(
                "says that it will soon need {part} (madvise(2), MADV_WILLNEED)",
                "声明很快要用{part}（madvise(2)，MADV_WILLNEED）";
                part
            )
        }
        Operation::Advise(mapping, Advice::PopulateRead, part) => {
            let part = part_of(*mapping, *part);
            text!(
                "has the kernel load from each page of {part} (madvise(2), MADV_POPULATE_READ)",
                "让内核把{part}的每一页读一遍（madvise(2)，MADV_POPULATE_READ）";
                part
            )
        }
        Operation::Advise(mapping, Advice::PopulateWrite, part) => {
            let part = part_of(*mapping, *part);
            text!(
                "has the kernel touch each page of {part} as a store does (madvise(2), MADV_POPULATE_WRITE)",
                "让内核像写一样访问{part}的每一页（madvise(2)，MADV_POPULATE_WRITE）";
                part
            )
        }
        Operation::Advise(mapping, advice, part) => {
            let (what, part) = (advice_in_words(*advice), part_of(*mapping, *part));
            text!("calls madvise(2) with {what} on {part}", "对{part}调用 madvise(2)，带 {what}"; part)
        }
        Operation::Sync(mapping, how, part) => {
            let part = part_of(*mapping, *part);
            let flags = match how {
                Syncing::Sync => "MS_SYNC",
                Syncing::Async => "MS_ASYNC",
                Syncing::Invalidate => "MS_SYNC | MS_INVALIDATE",
            };
            text!("calls msync(2) with {flags} on {part}", "对{part}调用 msync(2)，带 {flags}"; part)
        }
        Operation::Fork(child) => text!("forks {child} (fork(2))", "创建子进程 {child}（fork(2)）"),
        Operation::Exit => text!("exits (_exit(2))", "退出（_exit(2)）"),
        Operation::Kill(other) => text!("kills {other} with SIGKILL", "用 SIGKILL 杀死 {other}"),
        Operation::Fail(descriptor) => text!(
            "is out of luck: the disk refuses the next write of the file open as {descriptor}",
            "运气不好：磁盘将拒绝 {descriptor} 所指文件的下一次写入"
        ),
        Operation::Cut => text!(
            "cuts the power; when the machine is back, there is one new process, A, and of the files what the disk has",
            "切断电源；机器重新启动后，只有一个新的进程 A，文件则只剩磁盘上的内容"
        ),
    }
}

/// What is mapped, and from where.
fn mapped(request: &Request) -> Text {
    match request.source {
        Source::File(descriptor, offset) => {
            let at = place(offset);
            text!("the file open as {descriptor}, from {at}", "{descriptor} 所指的文件，从{at}起"; at)
        }
        Source::Anonymous => Text::fixed("anonymous memory", "匿名内存"),
    }
}

/// As madvise(2) takes it.
fn advice_in_words(advice: Advice) -> String {
    format!("MADV_{}", advice.to_string().to_uppercase())
}

fn access_in_words(access: Access) -> Text {
    match access {
        Access::ReadOnly => Text::fixed("for reading", "只读"),
        Access::WriteOnly => Text::fixed("for writing", "只写"),
        Access::ReadWrite => Text::fixed("for reading and writing", "可读可写"),
    }
}

/// A mapping, or a part of it.
fn part_of(mapping: Name, part: Option<Range>) -> Text {
    let Some(Range { place: at, length }) = part else {
        return text!("the mapping {mapping}", "映射 {mapping} 整体");
    };
    let (at, length) = (place(at), amount(length));
    text!("{length} of the mapping {mapping}, at {at}", "映射 {mapping} 从{at}起的 {length}"; at, length)
}

/// In pages and bytes.
fn amount(Amount { pages, bytes }: Amount) -> Text {
    let plural = |count: u32| if count == 1 { "" } else { "s" };
    let (count, s, pages_s) = (bytes.unsigned_abs(), plural(bytes.unsigned_abs()), plural(pages));
    match (pages, bytes) {
        (0, _) => text!("{count} byte{s}", "{count} 字节"),
        (_, 0) => text!("{pages} page{pages_s}", "{pages} 页"),
        (_, ..0) => text!("{count} byte{s} less than {pages} page{pages_s}", "{pages} 页少 {count} 字节"),
        (_, _) => text!("{pages} page{pages_s} and {count} byte{s}", "{pages} 页加 {count} 字节"),
    }
}

fn place(at: Amount) -> Text {
    let offset = amount(at);
    match (at.pages, at.bytes) {
        (0, 0) => Text::fixed("the start", "起点"),
        _ => text!("an offset of {offset}", "偏移量 {offset}处"; offset),
    }
}

fn bytes(bytes: &Bytes) -> Text {
    match bytes {
        Bytes::Text(text) => text!("\"{text}\"", "\"{text}\""),
        Bytes::Fill(letter, length) => {
            let length = amount(*length);
            text!("{length} of '{letter}'", "{length}的 '{letter}'"; length)
        }
        Bytes::Code => {
            text!("the code of a function that returns {CODE_RETURNS}", "一个函数的机器码（返回 {CODE_RETURNS}）")
        }
    }
}

/// As mmap(2) takes them.
fn flags(request: &Request, placing: &str) -> String {
    let sharing = match request.sharing {
        Sharing::Shared => "MAP_SHARED",
        Sharing::Private => "MAP_PRIVATE",
    };
    let populate = if request.populate { " | MAP_POPULATE" } else { "" };
    format!("{sharing}{placing}{populate}, {}", flag(request.protection))
}

fn flag(protection: Protection) -> &'static str {
    match protection {
        Protection::None => "PROT_NONE",
        Protection::Read => "PROT_READ",
        Protection::Write => "PROT_WRITE",
        Protection::ReadWrite => "PROT_READ | PROT_WRITE",
        Protection::ReadExecute => "PROT_READ | PROT_EXEC",
    }
}
