//! What a failed check says.

use std::fmt::Display;
use std::io;
use std::path::Path;
use std::time::Duration;

use nix::errno::Errno;
use serde::{Deserialize, Serialize};

use super::ask::{ask, moved};
use super::deadline;
use super::todo;
use crate::misconception::Misconception;
use crate::observe::{Area, page_size};
use crate::process::{Cause, Ended, Fault};
use crate::text;
use crate::text::Text;

/// The error of a child that ends and leaves a process.
pub(super) const LEFT_PROCESSES: &str = "a process that it had forked was still there";

/// How a check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The answer is right.
    Passed,
    /// A `todo!()` was reached.
    Todo,
    /// The answer is wrong.
    Failed,
    /// The answer panicked.
    Panicked,
    /// The answer ended its process instead of returning.
    Exited,
    /// A signal killed it.
    Killed,
    /// It exceeded a limit of time.
    TimedOut,
    /// It asked for more memory than it was allowed.
    OutOfMemory,
    /// It returned, but left a process that it had forked.
    LeftProcesses,
    /// The check failed itself.
    Broken,
    /// This machine doesn't allow what the check needs.
    Skipped,
}

/// A limit that the learner's code has exceeded.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Limit {
    /// For a call, the [`deadline`].
    Call,
    /// For an answer to the check, the deadline.
    Answer,
    /// For the end of a process that has no turn left, the deadline.
    End,
    /// From one stop of a traced process to the next, the deadline.
    Step,
    /// For a call, this number of machine instructions.
    Instructions(u64),
    /// For a call, this number of accesses to the page that is shared.
    Accesses(u64),
    /// For a check with all its calls.
    Check(Duration),
    /// For all that is graded of somebody's answers.
    Submission,
    /// For this number of other checks of the function: this one was not run.
    Others(usize),
}

/// What a failed check says: what was expected, what happened, and with which values.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Failure {
    /// How the learner's code ended.
    pub verdict: Verdict,
    /// What was expected of it.
    pub expected: Text,
    /// What happened instead.
    pub happened: Text,
    /// The values with which it happened: the shrunk counterexample.
    pub given: Option<Text>,
    /// The slug of the misconception that this looks like.
    pub misconception: Option<String>,
    /// The signal that killed it, by name.
    pub signal: Option<String>,
    /// Which rule it broke, where that isn't the check's own.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub breaks: Option<Box<Rule>>,
    #[serde(skip)]
    died_of: Option<Cause>,
}

/// A rule, and where it is taught.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Rule {
    /// An anchor of this lesson's lesson.rs, or of another lesson's with its number in front (`3:snapshot`).
    pub section: String,
    /// What always holds.
    pub rule: Text,
}

impl Failure {
    /// A wrong answer.
    pub fn new(expected: Text, happened: Text) -> Failure {
        Failure::of(Verdict::Failed, expected, happened)
    }

    pub(super) fn of(verdict: Verdict, expected: Text, happened: Text) -> Failure {
        Failure {
            verdict,
            expected,
            happened,
            given: None,
            misconception: None,
            signal: None,
            breaks: None,
            died_of: None,
        }
    }

    /// Says with which values it happened, unless that is known already.
    #[must_use]
    pub fn given(mut self, values: Text) -> Failure {
        self.given.get_or_insert(values);
        self
    }

    /// Names the misconception that it looks like.
    #[must_use]
    pub fn shows(mut self, misconception: &Misconception) -> Failure {
        self.misconception = Some(misconception.slug.to_owned());
        self
    }

    /// Names the rule that it broke and the section to read, where those aren't the check's own; unless they are known
    /// already.
    #[must_use]
    pub fn breaks(mut self, section: &str, rule: Text) -> Failure {
        self.breaks.get_or_insert_with(|| Box::new(Rule { section: section.to_owned(), rule }));
        self
    }

    /// Why the learner's code faulted, if it died of a fault.
    pub fn died_of(&self) -> Option<Cause> {
        self.died_of
    }

    /// The learner's code did not keep to this limit, and was killed.
    pub(crate) fn timed_out(limit: Limit) -> Failure {
        let seconds = deadline().as_secs();
        let (expected, happened) = match limit {
            Limit::Call => (
                text!("the call returns within {seconds} s", "函数在 {seconds} 秒内返回"),
                text!("it was still running then and was killed", "到时仍未返回，已被杀死"),
            ),
            Limit::Answer => (
                text!("the process answers within {seconds} s", "进程在 {seconds} 秒内应答"),
                text!("it did not answer and was killed", "到时没有应答，已被杀死"),
            ),
            Limit::End => (
                text!(
                    "the process ends within {seconds} s of its last turn",
                    "进程在最后一轮之后的 {seconds} 秒内结束"
                ),
                text!("it was still running then and was killed", "到时仍在运行，已被杀死"),
            ),
            Limit::Step => (
                text!(
                    "each system call, and the code between two of them, takes at most {seconds} s",
                    "每一次系统调用，以及两次系统调用之间的计算，都不超过 {seconds} 秒"
                ),
                text!("one of them took longer, and the process was killed", "到时没有进展，进程已被杀死"),
            ),
            Limit::Instructions(most) => (
                text!("the call returns within {most} machine instructions", "函数在 {most} 条机器指令之内返回"),
                text!("it was still running after them and was killed", "执行完这些指令仍未返回，已被杀死"),
            ),
            Limit::Accesses(most) => (
                text!(
                    "the call returns within {most} accesses to the shared page",
                    "函数在访问共享页 {most} 次之内返回"
                ),
                text!("it was still running after them and was killed", "达到这个次数仍未返回，已被杀死"),
            ),
            Limit::Check(limit) => {
                let seconds = limit.as_secs();
                (
                    text!("all calls of the check return within {seconds} s", "检查中的所有调用在 {seconds} 秒内返回"),
                    text!("the check was still running then and was killed", "到时检查仍在运行，已被杀死"),
                )
            }
            Limit::Submission => (
                text!("all checks of what was handed in end in time", "交来的答案在时限之内检查完"),
                text!("there was no time left for this one", "轮到这一项时，时间已经用完"),
            ),
            Limit::Others(stuck) => (
                text!("the function returns", "函数会返回"),
                text!(
                    "{stuck} checks before took too long, so that this one was not run",
                    "前面已有 {stuck} 项检查超时，这一项没有运行"
                ),
            ),
        };
        Failure::of(Verdict::TimedOut, expected, happened)
    }

    /// The learner's code returned and left a process.
    pub(super) fn left_processes() -> Failure {
        Failure::of(
            Verdict::LeftProcesses,
            text!("each process that it forks has ended and was waited for", "派生的每个子进程都已结束并被等待回收"),
            text!("it returned, and a process that it had forked was still there", "函数返回了，却留下了一个子进程"),
        )
    }

    /// A child that the learner's code had forked returned from it.
    pub(super) fn came_back() -> Failure {
        Failure::of(
            Verdict::LeftProcesses,
            text!("a child that it forks ends inside the function", "派生的子进程在函数内部结束"),
            text!(
                "the child returned from the function, too, as a second process",
                "子进程也从函数返回了，成了第二个进程"
            ),
        )
    }

    /// This machine doesn't allow what the check needs: why not, and what to do about it. That is neither right nor
    /// wrong.
    pub fn skipped(why: Text, remedy: Text) -> Failure {
        Failure::of(Verdict::Skipped, remedy, why)
    }

    /// No small disk can be mounted here, for this reason.
    pub fn without_a_small_disk(reason: &str) -> Failure {
        Failure::skipped(
            text!("no small disk can be mounted on this machine: {reason}", "本机不能挂载一个小磁盘：{reason}"),
            text!(
                "grade it as root, or where an ordinary user may make a user namespace (user_namespaces(7)); in a \
                 container: docker run --cap-add=SYS_ADMIN",
                "以 root 身份批改，或者在普通用户可以创建用户命名空间的机器上批改（user_namespaces(7)）；\
                 在容器里：docker run --cap-add=SYS_ADMIN"
            ),
        )
    }

    /// The kernel doesn't count the bytes that a process reads and writes; unless it does so where the learner's code has not
    /// run, which may hide /proc/self/io.
    pub fn not_counted() -> Failure {
        if matches!(ask(|| moved(|| ()).1.is_some()), Ok(true)) {
            return io::Error::other("/proc/self/io").into();
        }
        Failure::skipped(
            text!(
                "/proc/self/io is missing: nothing counts the bytes that a process reads and writes",
                "没有 /proc/self/io：无从得知进程读写了多少字节"
            ),
            text!(
                "grade it on a kernel with CONFIG_TASK_IO_ACCOUNTING, with /proc mounted (proc_pid_io(5))",
                "换用启用了 CONFIG_TASK_IO_ACCOUNTING 的内核，并挂载 /proc（proc_pid_io(5)）"
            ),
        )
    }

    /// A check that panicked itself.
    pub(crate) fn of_broken_check(printed: &str) -> Failure {
        let text = printed.split_once(" panicked at ").map_or(printed, |(_, text)| text).trim().replace('\n', " ");
        io::Error::other(text).into()
    }

    /// The learner's code asked for more memory than there is for it.
    pub(crate) fn out_of_memory(self) -> Failure {
        let happened = text!(
            "an allocation failed: more memory was asked for than the check allows",
            "内存分配失败：所需内存超出了检查允许的上限"
        );
        Failure { verdict: Verdict::OutOfMemory, happened, ..self }
    }

    /// The end of a process that ran the learner's code, where it wasn't the expected one.
    pub(crate) fn of_end(ended: Ended) -> Failure {
        let returns = text!("it returns", "函数正常返回");
        match ended {
            Ended::Panicked(panic) => match todo::task(&panic) {
                Some(task) => {
                    let expected = Text::new(task.to_owned(), task.to_owned());
                    Failure::of(Verdict::Todo, expected, text!("it is still to do", "尚未完成"))
                }
                None => {
                    let text = panic.to_string().replace('\n', " ");
                    let place = foreign_place(&panic.file);
                    Failure::of(
                        Verdict::Panicked,
                        returns,
                        text!("it {text}{place}", "发生 panic：{text}{place}"; place),
                    )
                }
            },
            Ended::Failed(text) if text == LEFT_PROCESSES => Failure::left_processes(),
            Ended::Failed(text) => Failure::new(returns, text!("it failed: {text}", "出错：{text}")),
            Ended::Exited(status) => Failure::of(
                Verdict::Exited,
                returns,
                text!("it ended the process with status {status}", "它以状态码 {status} 结束了整个进程"),
            ),
            Ended::Killed(signal) => {
                let happened = text!("{signal} killed the process", "进程被 {signal} 杀死");
                Failure { signal: Some(signal.to_string()), ..Failure::of(Verdict::Killed, returns, happened) }
            }
            Ended::Faulted(fault, area) => Failure {
                signal: Some(fault.signal.to_string()),
                died_of: fault.cause(),
                ..Failure::of(Verdict::Killed, returns, fault_in_words(fault, area))
            },
        }
    }
}

/// What this file is, where it isn't the learner's: the name alone would lead nowhere.
fn foreign_place(file: &str) -> Text {
    let whose = match file {
        _ if file.starts_with("src/") => text!("the course's own library", "课程自带的库"),
        _ if file.starts_with("/rustc/") || file.contains("/library/") => text!("the standard library", "标准库"),
        _ if file.starts_with('/') => text!("another crate", "别的 crate"),
        _ => return text!("", ""),
    };
    text!(" (that place is in {whose}, called from your code)", "（这个位置在{whose}里，由你的代码调用）"; whose)
}

/// A fault in the lesson's terms: the signal with its code, the mapping, its page, the file's size.
fn fault_in_words(fault: Fault, area: Option<Area>) -> Text {
    let Some(area) = area else {
        let address = fault.address;
        return match fault.cause() {
            Some(Cause::NotMapped) => text!(
                "the process died of {fault}: nothing is mapped at {address:#x}",
                "进程死于 {fault}：地址 {address:#x} 处没有映射"
            ),
            _ => text!("the process died of {fault} at {address:#x}", "进程死于 {fault}：访问的地址是 {address:#x}"),
        };
    };
    let at = fault.address - area.range().start;
    let (page, pages) = (at / page_size(), area.range().len() / page_size());
    let (offset, name, permissions) = (area.offset(), area.name(), area.permissions());
    if name.is_empty() {
        return text!(
            "the process died of {fault} at byte {at} of a mapping without a file, in page {page} of {pages} (counted \
             from 0)",
            "进程死于 {fault}：访问的是一个不属于任何文件的映射，偏移量 {at} 处，位于第 {page} 页（共 {pages} 页，从 0 数起）"
        );
    }
    let path = Path::new(&name);
    let (file_en, file_zh) = match path.metadata() {
        Ok(metadata) => {
            let (name, size) = (path.file_name().unwrap_or(path.as_os_str()).display(), metadata.len());
            (format!("{name}, which has {size} bytes"), format!(" {name}（{size} 字节）"))
        }
        Err(_) => ("a file that has no name any more".to_owned(), "已没有名字的文件".to_owned()),
    };
    let shared = if permissions.ends_with('s') { text!("shared", "共享") } else { text!("private", "私有") };
    let Text { en, zh } = shared;
    let protection = protection(&permissions);
    Text::new(
        format!(
            "the process died of {fault} at byte {at} of a {en} mapping ({protection}), in page {page} of {pages} \
             (counted from 0); the mapping shows {file_en}, from offset {offset} on"
        ),
        format!(
            "进程死于 {fault}：访问的是{zh}映射（{protection}）中偏移量 {at} 处的字节，位于第 {page} 页（共 {pages} 页，从 0 数起）；\
             映射的是{file_zh}，从偏移量 {offset} 起"
        ),
    )
}

/// The protection that mmap(2) was given, from the letters of /proc/self/maps: `rw-p`.
fn protection(permissions: &str) -> String {
    let names = [('r', "PROT_READ"), ('w', "PROT_WRITE"), ('x', "PROT_EXEC")];
    let allowed: Vec<_> =
        names.iter().filter(|(letter, _)| permissions.contains(*letter)).map(|(_, name)| *name).collect();
    if allowed.is_empty() { "PROT_NONE".to_owned() } else { allowed.join(" | ") }
}

/// The check could not be done, for a reason that has nothing to do with the learner's code.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Failure {
        Failure::of(
            Verdict::Broken,
            text!("the check can be done", "检查可以进行"),
            text!("the check itself failed: {error}", "检查本身出错：{error}"),
        )
    }
}

impl From<Errno> for Failure {
    fn from(errno: Errno) -> Failure {
        io::Error::from(errno).into()
    }
}

/// The text of an error, so that a process can send it to another.
pub fn error_text(error: impl Display) -> String {
    error.to_string()
}

/// The name of an error: of its errno (`ENOENT`), else of its [`io::ErrorKind`] (`InvalidInput`).
pub fn kind(error: io::Error) -> String {
    error.raw_os_error().map_or_else(|| format!("{:?}", error.kind()), |raw| format!("{:?}", Errno::from_raw(raw)))
}
