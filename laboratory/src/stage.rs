//! A directory on a file system of the laboratory.

use std::fs;
use std::io::{self, BufRead, BufReader, Write};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, ChildStdout, Command, Stdio};

use mmap_workbook::process::{Child, DEADLINE};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use crate::Kind;
use crate::hold::{BEFORE, BEFORE_SIZE, OLD};

/// A directory on a file system, which is there as long as this is.
pub struct Stage {
    /// The file system.
    pub kind: Kind,
    /// The directory. All processes of this user can use it.
    pub path: PathBuf,
    /// Its loop devices.
    pub loop_devices: Vec<PathBuf>,
    /// The process that holds it.
    pub holder: Child,
    commands: ChildStdin,
    answers: BufReader<ChildStdout>,
}

/// What became of a stage.
pub enum Setup {
    /// It is there.
    Ready(Box<Stage>),
    /// This machine lacks something.
    Missing(Kind, String),
}

impl Stage {
    /// Sets up a stage. `program` is the laboratory's, which is started with the argument `hold`.
    ///
    /// # Errors
    /// Those of starting it, and of an answer that doesn't come.
    pub fn set_up(program: &Path, kind: Kind) -> io::Result<Setup> {
        let mut command = Command::new(program);
        command.args(["hold", &kind.name()]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let (holder, pipes) = Child::spawn(&mut command)?;
        let (Some(commands), Some(answers)) = (pipes.stdin, pipes.stdout) else {
            return Err(io::Error::other("the holder has no pipes"));
        };
        let answers = BufReader::new(answers);
        let mut stage = Stage { kind, path: PathBuf::new(), loop_devices: Vec::new(), holder, commands, answers };
        loop {
            let line = stage.answer()?;
            match line.split_once(' ') {
                Some(("loop", device)) => stage.loop_devices.push(device.into()),
                Some(("stage", path)) => stage.path = path.into(),
                Some(("missing", reason)) => return Ok(Setup::Missing(kind, reason.to_owned())),
                _ => return Err(io::Error::other(format!("the holder says {line:?}"))),
            }
            if !stage.path.as_os_str().is_empty() {
                break;
            }
        }
        // The holder can't: it would wait for itself, where it is the server.
        let begun = match kind {
            Kind::Fuse | Kind::FuseDirect => {
                BEFORE.iter().try_for_each(|name| fs::write(stage.path.join(name), [OLD; BEFORE_SIZE]))
            }
            _ => fs::metadata(stage.path.join(BEFORE[0])).map(drop),
        };
        match begun {
            Ok(()) => Ok(Setup::Ready(Box::new(stage))),
            Err(error) => Ok(Setup::Missing(kind, format!("the directory of another process: {error}"))),
        }
    }

    /// The file of this name vanishes, as one on a server that another client removes. Only FUSE can do it.
    ///
    /// # Errors
    /// If there is none, or the file system is another.
    pub fn vanish(&mut self, name: &str) -> io::Result<()> {
        writeln!(self.commands, "vanish {name}")?;
        match self.answer()?.as_str() {
            "done" => Ok(()),
            other => Err(io::Error::other(format!("the holder says {other:?}"))),
        }
    }

    fn answer(&mut self) -> io::Result<String> {
        // Lines of one answer come together, and may be in the buffer already.
        if self.answers.buffer().is_empty() {
            let limit = PollTimeout::try_from(DEADLINE).map_err(io::Error::other)?;
            if poll(&mut [PollFd::new(self.answers.get_ref().as_fd(), PollFlags::POLLIN)], limit)? == 0 {
                return Err(io::Error::new(io::ErrorKind::TimedOut, "the holder says nothing"));
            }
        }
        let mut line = String::new();
        if self.answers.read_line(&mut line)? == 0 {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the holder has ended"));
        }
        Ok(line.trim_end().to_owned())
    }
}
