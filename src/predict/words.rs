//! The lines of a scenario in words, for those who don't know the language yet.

use crate::grade::Words;
use crate::say;
use crate::scenario::{Access, Advice, Contents, Flag, Line, Operation, Protection, Range, Sharing, Source};

/// What a line does, in words.
pub fn in_words(line: &Line) -> Words {
    let who = line.process;
    match &line.operation {
        Operation::Create(name, Contents::Zeros(size)) => {
            say!("{who} makes a file {name}: {size}, all zeros.", "{who} 创建文件 {name}：大小 {size}，全是零。")
        }
        Operation::Create(name, Contents::Bytes(bytes)) => {
            say!("{who} makes a file {name} with {bytes} in it.", "{who} 创建文件 {name}，内容是 {bytes}。")
        }
        Operation::Memfd(name, size) => say!(
            "{who} makes a file in memory (memfd_create(2)), {size} of zeros; {name} is its descriptor.",
            "{who} 创建内存文件（memfd_create(2)），大小 {size}，全是零；{name} 是它的描述符。"
        ),
        Operation::Open(descriptor, file, access, flag) => {
            let (en, zh) = match access {
                Access::ReadOnly => ("for reading", "只读"),
                Access::WriteOnly => ("for writing", "只写"),
                Access::ReadWrite => ("for reading and writing", "可读可写"),
            };
            let (emptied, empties) = match flag {
                Some(Flag::Truncate) => (", and empties it (O_TRUNC)", "，并清空它（O_TRUNC）"),
                None => ("", ""),
            };
            say!(
                "{who} opens {file} {en}{emptied}; {descriptor} is the descriptor.",
                "{who} 以{zh}方式打开 {file}{empties}；{descriptor} 是描述符。"
            )
        }
        Operation::Close(name) => say!("{who} closes {name}.", "{who} 关闭 {name}。"),
        Operation::Read(name, at, length) => say!(
            "{who} reads from {name} at offset {at}, up to {length} (pread(2)).",
            "{who} 从 {name} 的偏移 {at} 处读取，最多 {length}（pread(2)）。"
        ),
        Operation::Write(name, at, bytes) => {
            say!(
                "{who} writes {bytes} to {name} at offset {at} (pwrite(2)).",
                "{who} 往 {name} 的偏移 {at} 处写入 {bytes}（pwrite(2)）。"
            )
        }
        Operation::Truncate(name, size) => {
            say!(
                "{who} gives the file of {name} the size {size} (ftruncate(2)).",
                "{who} 把 {name} 的文件大小改成 {size}（ftruncate(2)）。"
            )
        }
        Operation::Punch(name, at, length) => say!(
            "{who} punches a hole of {length} into the file of {name}, at offset {at} (fallocate(2)).",
            "{who} 在 {name} 的文件偏移 {at} 处打一个 {length} 的洞（fallocate(2)）。"
        ),
        Operation::Rename(from, to) => say!("{who} renames {from} to {to}.", "{who} 把 {from} 改名为 {to}。"),
        Operation::Unlink(name) => {
            say!("{who} removes the name {name} (unlink(2)).", "{who} 删除名字 {name}（unlink(2)）。")
        }
        Operation::Seal(name, seal) => {
            say!(
                "{who} seals the file of {name}: {seal} (F_ADD_SEALS).",
                "{who} 给 {name} 的文件加密封：{seal}（F_ADD_SEALS）。"
            )
        }
        Operation::Map(name, request) => {
            let (prot, length) = (flags(request.protection), request.length);
            let sharing = match request.sharing {
                Sharing::Shared => "MAP_SHARED",
                Sharing::Private => "MAP_PRIVATE",
            };
            match request.source {
                Source::File(file, offset) => say!(
                    "{who} maps {length} of the file of {file} from offset {offset} on ({sharing}, {prot}); the mapping is called {name}.",
                    "{who} 从偏移 {offset} 起映射 {file} 的文件，长度 {length}（{sharing}，{prot}）；这个映射叫 {name}。"
                ),
                Source::Anonymous => say!(
                    "{who} maps {length} of memory without a file ({sharing}, {prot}); the mapping is called {name}.",
                    "{who} 映射没有文件的内存，长度 {length}（{sharing}，{prot}）；这个映射叫 {name}。"
                ),
            }
        }
        Operation::Load(name, at, length) => say!(
            "{who} loads from the mapping {name}, at {at} from its start: {length}, byte by byte.",
            "{who} 从映射 {name} 起点之后 {at} 处逐字节读取，共 {length}。"
        ),
        Operation::Store(name, at, bytes) => say!(
            "{who} stores {bytes} to the mapping {name}, at {at} from its start.",
            "{who} 往映射 {name} 起点之后 {at} 处写入 {bytes}。"
        ),
        Operation::Unmap(name, None) => {
            say!("{who} unmaps all of {name} (munmap(2)).", "{who} 解除整个映射 {name}（munmap(2)）。")
        }
        Operation::Unmap(name, Some(Range { place: at, length })) => say!(
            "{who} unmaps {length} of {name}, at {at} from its start (munmap(2)).",
            "{who} 解除映射 {name} 起点之后 {at} 处的 {length}（munmap(2)）。"
        ),
        Operation::Protect(name, protection) => {
            let prot = flags(*protection);
            say!(
                "{who} gives the mapping {name} the protection {prot} (mprotect(2)).",
                "{who} 把映射 {name} 的保护属性改成 {prot}（mprotect(2)）。"
            )
        }
        Operation::Advise(name, Advice::DontNeed) => {
            say!(
                "{who} says that it doesn't need {name} (madvise(2), MADV_DONTNEED).",
                "{who} 声明不需要 {name}（madvise(2)，MADV_DONTNEED）。"
            )
        }
        Operation::Sync(name) => {
            say!("{who} calls msync(2) with MS_SYNC on {name}.", "{who} 对 {name} 调用 msync(2)，带 MS_SYNC。")
        }
        Operation::Fork(child) => say!("{who} forks {child}.", "{who} 派生子进程 {child}。"),
        Operation::Exit => say!("{who} ends (_exit(2)).", "{who} 结束（_exit(2)）。"),
        Operation::Kill(other) => say!("{who} kills {other} with SIGKILL.", "{who} 用 SIGKILL 杀死 {other}。"),
    }
}

fn flags(protection: Protection) -> &'static str {
    match protection {
        Protection::None => "PROT_NONE",
        Protection::Read => "PROT_READ",
        Protection::Write => "PROT_WRITE",
        Protection::ReadWrite => "PROT_READ | PROT_WRITE",
    }
}
