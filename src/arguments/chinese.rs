//! The help and the complaints about arguments in Chinese: clap has only English.
//!
//! A help is what clap prints, with each of its texts exchanged. A complaint is written anew, from what clap knows of it.

use std::error::Error as _;
use std::fmt::Write as _;

use clap::Error;
use clap::error::{ContextKind, ContextValue, ErrorKind};

use crate::error::Told;
use crate::scenario::{TOUR, TOUR_IN_CHINESE};

/// The texts of the help and their Chinese: those of the commands, then clap's own.
const TEXTS: &[(&str, &str)] = &[
    ("What mmap(2) does under Linux, answered by the kernel", "mmap(2) 在 Linux 上究竟做了什么，由内核来回答"),
    ("Run a lesson's demonstration, or one of lesson 4's two programs", "运行一课的演示，或第 4 课的两个程序之一"),
    (
        "Grade the exercise of a lesson; the next unsolved one if no lesson is given",
        "批改一课的练习；不指定时批改下一个还没完成的",
    ),
    ("Grade an exercise each time it is saved", "每次保存都自动批改练习"),
    ("Show the next hint for an exercise", "显示练习的下一条提示"),
    ("Show the solution of a solved exercise", "练习完成之后显示参考答案"),
    ("Run a scenario on the model and on the kernel, side by side", "在模型和内核上同时运行一个脚本，对照结果"),
    (
        "Predict what the last line of a scenario or a program gives, then see the kernel's answer",
        "先预测一段脚本或程序最后一行的结果，再看内核的回答",
    ),
    ("Compare the model with the kernel on random scenarios", "用随机脚本比较模型与内核"),
    (
        "Restore an exercise's original text; a backup keeps what you wrote",
        "把练习恢复成最初的样子；你写的内容会留一份备份",
    ),
    (
        "Write the course without its solutions and other answers to a new directory, for a class",
        "把不含参考答案和其他答案的课程写到一个新目录里，发给学生",
    ),
    ("The directory, new or empty", "新目录或空目录"),
    (
        "Merge what is new in the exercises into your files; a backup keeps what you wrote",
        "把练习的新内容合并到你的文件里；你写的内容会留一份备份",
    ),
    ("A newer handout, whose other files are brought as well", "较新的学生版课程，其余文件也一并更新"),
    ("Put your answers in an archive, to hand them in", "把你的答案打成归档文件，用来提交"),
    ("The archive; by convention your name and `.tar`", "归档文件；习惯上是你的名字加 `.tar`"),
    ("Grade a class: other people's answers, each in a sandbox", "批改一个班级：在沙箱里批改别人的答案"),
    ("Put the results of several `grade` together", "合并多次 `grade` 的结果"),
    ("Directories with results, or files of results", "放有结果的目录，或结果文件"),
    ("The directory for all results", "存放全部结果的目录"),
    (
        "Directories in which each student has a directory or an archive (.tar)",
        "每个学生一个子目录或一个归档文件（.tar）的目录",
    ),
    (
        "The directory for the results; what is graded there is not graded again",
        "存放结果的目录；其中已有成绩的不再批改",
    ),
    (
        "The lessons whose exercises are graded; if not given, those for which anybody has handed in something",
        "批改哪几课的练习；不指定时，批改有人交了的那些",
    ),
    (
        "The number of submissions graded at the same time; one for each core if not given",
        "同时批改几份提交；不指定时每个核心一份",
    ),
    ("Grade only part I of N, for example on one of N machines", "只批改 N 份中的第 I 份，例如由 N 台机器分担时"),
    (
        "Seconds that a submission may take with all its exercises, the compiler included",
        "一份提交的全部练习最多用几秒，包括编译",
    ),
    (
        "A table of points: lines such as `2 byte_at 3`; each function is worth 1 point if not given",
        "分数表，每行形如 `2 byte_at 3`；不指定时每个函数 1 分",
    ),
    (
        "Run the answers as yourself, one after another, without a sandbox: they can do all that you can",
        "不用沙箱，以你的身份逐份运行答案：你能做的，它们都能做",
    ),
    ("The number of the lesson", "第几课"),
    ("The number of the lesson; the next unsolved one if not given", "第几课；不指定时取下一个还没完成的"),
    ("Show it even if the exercise isn't solved", "练习没有完成也显示"),
    ("Grade all exercises", "批改所有练习"),
    ("Plain text, one JSON object per exercise, or JUnit XML", "纯文本、每个练习一个 JSON 对象，或 JUnit XML"),
    ("The file with the scenario, or `-` for standard input", "脚本文件；`-` 表示标准输入"),
    (
        "Show the state after each line (the page cache, the mappings, the private copies), and the rule that applied",
        "显示每一行之后的状态（页缓存、映射、私有副本）和所依据的规则",
    ),
    ("Plain text, or one JSON object", "纯文本，或一个 JSON 对象"),
    (
        "Run the scenario in a temporary directory under DIR, to use DIR's file system",
        "在 DIR 下的临时目录里运行脚本，也就是使用 DIR 所在的文件系统",
    ),
    (
        "The lesson that the questions are about; all lessons, one after another, if not given",
        "出哪一课的题；不指定时从第一课到最后一课依次出题",
    ),
    ("Ask random questions without end; the same N asks the same questions", "不断出随机题；相同的 N 得到相同的题目"),
    ("Difficulty, from 1 to 3", "难度，从 1 到 3"),
    ("Stop after this number of operations on each file system", "在每种文件系统上做多少次操作之后停止"),
    (
        "The seed of the random scenarios; the same N plays the same scenarios",
        "随机脚本的种子；相同的 N 得到相同的脚本",
    ),
    ("Use only DIR's file system instead of all that are available", "只用 DIR 所在的文件系统，而不是所有可用的"),
    (
        "The function to get a hint for; the first one that isn't right if not given",
        "要哪个函数的提示；不指定时取第一个还不对的函数",
    ),
    ("Show the hint of this level; level 1 is a question", "显示这一级提示；第 1 级是一个问题"),
    ("Lesson 4 only: the program to run instead of the demonstration", "仅限第 4 课：不运行演示，改为运行这个程序"),
    ("Writes hello0, hello1, ... into the channel", "向通道依次写入 hello0、hello1……"),
    ("Prints each message that it reads from the channel", "从通道读消息，读到一条打印一条"),
    ("The file through which lesson 4's programs talk", "第 4 课的两个程序借以通信的文件"),
    ("Run the demonstration on a copy of this file", "在这个文件的副本上运行演示"),
    (
        "Run the demonstration on the file itself, and restore the file afterwards",
        "直接在文件本身上运行演示，之后恢复原样",
    ),
    ("Seconds between two messages of lesson 4's writer", "第 4 课的写者每隔几秒写一条消息"),
    ("The number of messages after which lesson 4's program ends", "第 4 课的程序在多少条消息之后结束"),
    ("Plain text, or what lesson 7 measures as one JSON object", "纯文本，或把第 7 课的测量结果写成一个 JSON 对象"),
    ("Print this message or the help of the given subcommand(s)", "显示本帮助，或所给命令的帮助"),
    ("Print help (see more with '--help')", "显示帮助（用 '--help' 查看更多）"),
    ("Print help (see a summary with '-h')", "显示帮助（用 '-h' 查看摘要）"),
    ("Print help", "显示帮助"),
    ("Print version", "显示版本"),
    // A full-width colon needs no space after it; on a terminal the style ends in between.
    ("Usage: ", "用法："),
    ("Usage:\u{1b}[0m ", "用法：\u{1b}[0m"),
    ("Usage:", "用法："),
    ("Commands:", "命令："),
    ("Arguments:", "参数："),
    ("Options:", "选项："),
    ("Possible values:", "可选的值："),
    ("[possible values: ", "[可选的值："),
    ("[default: ", "[默认："),
    ("[OPTIONS]", "[选项]"),
    ("[COMMAND]", "[命令]"),
    ("<COMMAND>", "<命令>"),
];

/// A help, or another text of clap's, in Chinese.
pub(super) fn exchanged(text: &str) -> String {
    let mut texts = TEXTS.to_vec();
    // Some begin like longer ones.
    texts.sort_by_key(|(en, _)| std::cmp::Reverse(en.len()));
    let text = text.replace(TOUR.trim_end(), TOUR_IN_CHINESE.trim_end());
    texts.iter().fold(text, |text, (en, zh)| text.replace(en, zh))
}

/// What is wrong with the arguments, in Chinese.
pub(super) fn complaint(error: &Error) -> String {
    let get = |kind| match error.get(kind) {
        Some(ContextValue::String(one)) => one.clone(),
        Some(ContextValue::Strings(several)) => several.join("、"),
        Some(ContextValue::Number(number)) => number.to_string(),
        _ => String::new(),
    };
    let (argument, value) = (get(ContextKind::InvalidArg), get(ContextKind::InvalidValue));
    let mut text = match error.kind() {
        ErrorKind::InvalidValue if value.is_empty() => format!("'{argument}' 后面缺少值"),
        ErrorKind::InvalidValue => format!("'{argument}' 的值不能是 '{value}'"),
        ErrorKind::ValueValidation => {
            let why = error.source().and_then(|source| source.downcast_ref());
            let why = why.map_or("应当是一个非负整数", |Told(why)| &*why.zh);
            format!("'{argument}' 的值不能是 '{value}'：{why}")
        }
        ErrorKind::UnknownArgument => format!("没有参数 '{argument}'"),
        ErrorKind::InvalidSubcommand => format!("没有命令 '{}'", get(ContextKind::InvalidSubcommand)),
        ErrorKind::MissingRequiredArgument => format!("缺少必需的参数：{argument}"),
        ErrorKind::ArgumentConflict => match get(ContextKind::PriorArg) {
            prior if prior.is_empty() || prior == argument => format!("参数 '{argument}' 只能出现一次"),
            prior => format!("参数 '{argument}' 不能与 '{prior}' 同时使用"),
        },
        ErrorKind::TooManyValues => format!("'{argument}' 不需要值，却得到了 '{value}'"),
        ErrorKind::InvalidUtf8 => "有参数不是 UTF-8".to_owned(),
        _ => format!("参数有误：{argument}"),
    };
    text.insert_str(0, "错误：");
    for (kind, label) in [
        (ContextKind::ValidValue, "可选的值"),
        (ContextKind::SuggestedSubcommand, "相近的命令"),
        (ContextKind::SuggestedArg, "相近的参数"),
    ] {
        let known = get(kind);
        if !known.is_empty() {
            let _ = write!(text, "\n  {label}：{known}");
        }
    }
    if let Some(ContextValue::StyledStr(usage)) = error.get(ContextKind::Usage) {
        let _ = write!(text, "\n\n{}", exchanged(&usage.to_string()));
    }
    text + "\n\n用 '--help' 查看更多说明。\n"
}
