//! Errors with words of the workbook's own, which are shown in the reader's language.
//!
//! What the system says of an error (strerror(3)) stays as it is.

use std::error::Error;
use std::fmt::{self, Display};
use std::io::{self, ErrorKind};

use crate::text;
use crate::text::Text;

/// The text that an [`io::Error`] of [`told`] carries. As any other error it is displayed in English.
#[derive(Debug, Clone)]
pub struct Told(pub Text);

impl Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(&self.0.en)
    }
}

impl Error for Told {}

/// An error of this kind, with this text.
pub fn told(kind: ErrorKind, text: Text) -> io::Error {
    io::Error::new(kind, Told(text))
}

/// An error of no particular kind.
pub fn other(text: Text) -> io::Error {
    told(ErrorKind::Other, text)
}

/// The same error, with the name of what it is about in front.
pub fn named(name: impl Display, error: &io::Error) -> io::Error {
    let Text { en, zh } = in_words(error);
    told(error.kind(), text!("{name}: {en}", "{name}: {zh}"))
}

/// The error in words: those that it was [`told`] in, else the system's.
pub fn in_words(error: &io::Error) -> Text {
    let mut inner = error.get_ref().map(|inner| inner as &(dyn Error + 'static));
    while let Some(one) = inner {
        if let Some(Told(text)) = one.downcast_ref() {
            return text.clone();
        }
        inner = one.source();
    }
    match error.raw_os_error() {
        None if error.get_ref().is_none() => kind_in_words(error.kind()),
        _ => Text::new(error.to_string(), error.to_string()),
    }
}

/// The kind of an error, where there is nothing else to say of it.
pub fn kind_in_words(kind: ErrorKind) -> Text {
    let en = kind.to_string();
    let zh = match kind {
        ErrorKind::NotFound => "找不到",
        ErrorKind::PermissionDenied => "没有权限",
        ErrorKind::ResourceBusy => "正被占用",
        ErrorKind::AlreadyExists => "已经存在",
        ErrorKind::NotADirectory => "不是目录",
        ErrorKind::IsADirectory => "是目录",
        ErrorKind::ReadOnlyFilesystem => "文件系统是只读的",
        ErrorKind::StorageFull => "没有剩余空间",
        ErrorKind::QuotaExceeded => "超出配额",
        ErrorKind::FileTooLarge => "文件过大",
        ErrorKind::InvalidInput => "参数无效",
        ErrorKind::InvalidData => "数据无效",
        ErrorKind::UnexpectedEof => "数据提前结束",
        ErrorKind::OutOfMemory => "内存不足",
        ErrorKind::TimedOut => "超时",
        _ => return Text::new(en.clone(), en),
    };
    Text::new(en, zh)
}
