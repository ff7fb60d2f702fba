//! The files of the FUSE server: a tree in memory, which knows nothing of the protocol.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{SystemTime, UNIX_EPOCH};

use nix::errno::Errno;

/// The number of the root directory in the protocol.
pub const ROOT: u64 = 1;

/// The size of a block: room is counted in blocks.
pub const BLOCK: u64 = 4096;

/// The most bytes of a file: its missing blocks take no memory, but the kernel's offsets end here.
const LONGEST: u64 = i64::MAX as u64;

/// Seconds since 1970, and nanoseconds.
pub type Time = (u64, u32);

/// The blocks of a file that were written, by their number in it.
type Blocks = BTreeMap<u64, Box<[u8]>>;

/// What a file is besides its attributes.
pub enum Content {
    /// A regular file: its size, and the blocks that were written.
    File(u64, Blocks),
    /// A directory: its names.
    Directory(BTreeMap<Vec<u8>, u64>),
    /// A symbolic link.
    Link(Vec<u8>),
    /// A FIFO, a socket or a device: the kernel does the rest.
    Special(u32),
}

/// A file of any kind.
pub struct Node {
    /// Its type and its permissions (`st_mode`).
    pub mode: u32,
    /// Its owner.
    pub uid: u32,
    /// Its group.
    pub gid: u32,
    /// The number of its names.
    pub links: u32,
    /// atime, mtime and ctime.
    pub times: [Time; 3],
    /// What it holds.
    pub content: Content,
    /// How often the kernel was told its number and has not forgotten it.
    known: u64,
}

/// All files.
pub struct Memory {
    nodes: BTreeMap<u64, Node>,
    next: u64,
    /// The number of blocks there is room for, and that of the blocks that are taken.
    pub room: [u64; 2],
    /// Files that have vanished: each use of one gives ESTALE.
    gone: BTreeSet<u64>,
}

impl Memory {
    /// An empty directory of this owner.
    pub fn new(room: u64, uid: u32, gid: u32) -> Memory {
        let mut memory = Memory { nodes: BTreeMap::new(), next: ROOT, room: [room, 0], gone: BTreeSet::new() };
        memory.add(0o40_777, uid, gid, Content::Directory(BTreeMap::new()));
        memory.nodes.entry(ROOT).and_modify(|root| root.known = 1);
        memory
    }

    fn add(&mut self, mode: u32, uid: u32, gid: u32, content: Content) -> u64 {
        let now = now();
        let links = if matches!(content, Content::Directory(_)) { 2 } else { 0 };
        let node = Node { mode, uid, gid, links, times: [now; 3], content, known: 0 };
        let number = self.next;
        self.nodes.insert(number, node);
        self.next += 1;
        number
    }

    /// The file of this number.
    ///
    /// # Errors
    /// ESTALE if it has vanished.
    pub fn node(&mut self, number: u64) -> Result<&mut Node, Errno> {
        match self.gone.contains(&number) {
            true => Err(Errno::ESTALE),
            false => self.nodes.get_mut(&number).ok_or(Errno::ESTALE),
        }
    }

    /// The names of a directory.
    ///
    /// # Errors
    /// ENOTDIR if it is none.
    pub fn names(&mut self, directory: u64) -> Result<&mut BTreeMap<Vec<u8>, u64>, Errno> {
        match &mut self.node(directory)?.content {
            Content::Directory(names) => Ok(names),
            _ => Err(Errno::ENOTDIR),
        }
    }

    /// The number of the file with this name, which the kernel now knows.
    ///
    /// # Errors
    /// ENOENT if there is none.
    pub fn look_up(&mut self, directory: u64, name: &[u8]) -> Result<u64, Errno> {
        let number = *self.names(directory)?.get(name).ok_or(Errno::ENOENT)?;
        self.node(number)?.known += 1;
        Ok(number)
    }

    /// A new file with this name.
    ///
    /// # Errors
    /// EEXIST if the name is taken.
    pub fn make(
        &mut self,
        directory: u64,
        name: &[u8],
        mode: u32,
        owner: (u32, u32),
        content: Content,
    ) -> Result<u64, Errno> {
        if self.names(directory)?.contains_key(name) {
            return Err(Errno::EEXIST);
        }
        let number = self.add(mode, owner.0, owner.1, content);
        self.link(number, directory, name)?;
        Ok(number)
    }

    /// One more name for a file, which the kernel now knows.
    ///
    /// # Errors
    /// EEXIST if the name is taken.
    pub fn link(&mut self, number: u64, directory: u64, name: &[u8]) -> Result<(), Errno> {
        if self.names(directory)?.contains_key(name) {
            return Err(Errno::EEXIST);
        }
        let node = self.node(number)?;
        node.known += 1;
        if !matches!(node.content, Content::Directory(_)) {
            node.links += 1;
        }
        node.times[2] = now();
        self.names(directory)?.insert(name.to_owned(), number);
        self.changed(directory)
    }

    /// Takes a name away.
    ///
    /// # Errors
    /// ENOENT if there is none, ENOTEMPTY for a directory that has names.
    pub fn unlink(&mut self, directory: u64, name: &[u8]) -> Result<(), Errno> {
        let number = *self.names(directory)?.get(name).ok_or(Errno::ENOENT)?;
        let node = self.node(number)?;
        match &node.content {
            Content::Directory(names) if !names.is_empty() => return Err(Errno::ENOTEMPTY),
            Content::Directory(_) => node.links = 0,
            _ => node.links -= 1,
        }
        node.times[2] = now();
        self.names(directory)?.remove(name);
        self.changed(directory)?;
        self.forget(number, 0);
        Ok(())
    }

    /// Gives a file another name, and takes it away from the file that had it, if there is one.
    ///
    /// # Errors
    /// As [`Memory::unlink`]; EEXIST if the name is taken and may not be.
    pub fn rename(&mut self, from: (u64, &[u8]), to: (u64, &[u8]), replace: bool) -> Result<(), Errno> {
        let number = *self.names(from.0)?.get(from.1).ok_or(Errno::ENOENT)?;
        match self.names(to.0)?.get(to.1).copied() {
            Some(_) if !replace => return Err(Errno::EEXIST),
            // Two names of one file: rename(2) does nothing.
            Some(other) if other == number => return Ok(()),
            Some(_) => self.unlink(to.0, to.1)?,
            None => {}
        }
        self.names(from.0)?.remove(from.1);
        self.names(to.0)?.insert(to.1.to_owned(), number);
        self.node(number)?.times[2] = now();
        self.changed(from.0)?;
        self.changed(to.0)
    }

    /// The file with this name in the root directory vanishes, as one does that another client of a server removes.
    ///
    /// # Errors
    /// ENOENT if there is none.
    pub fn vanish(&mut self, name: &[u8]) -> Result<(), Errno> {
        let number = self.names(ROOT)?.remove(name).ok_or(Errno::ENOENT)?;
        self.gone.insert(number);
        Ok(())
    }

    /// The kernel forgets that it was told a file's number so many times. A file without a name goes with the last.
    pub fn forget(&mut self, number: u64, times: u64) {
        let Some(node) = self.nodes.get_mut(&number) else { return };
        node.known = node.known.saturating_sub(times);
        if node.known > 0 || node.links > 0 && !self.gone.contains(&number) {
            return;
        }
        if let Some(Node { content: Content::File(_, blocks), .. }) = self.nodes.remove(&number) {
            self.room[1] -= blocks.len() as u64;
        }
        self.gone.remove(&number);
    }

    /// The file's bytes in a range: fewer where the file ends before.
    ///
    /// # Errors
    /// EINVAL if it is no regular file.
    pub fn read(&mut self, number: u64, at: u64, length: u64) -> Result<Vec<u8>, Errno> {
        let (size, blocks) = self.file(number)?;
        let end = at.saturating_add(length).min(*size);
        let mut bytes = Vec::new();
        for (block, from, to) in parts(at, end) {
            match blocks.get(&block) {
                Some(block) => bytes.extend_from_slice(&block[from..to]),
                None => bytes.resize(bytes.len() + to - from, 0),
            }
        }
        Ok(bytes)
    }

    /// Writes bytes, and lengthens the file where they end beyond its end.
    ///
    /// # Errors
    /// ENOSPC if there is no room for all of them; EFBIG.
    pub fn write(&mut self, number: u64, at: u64, bytes: &[u8]) -> Result<(), Errno> {
        let end = at.checked_add(bytes.len() as u64).filter(|end| *end <= LONGEST).ok_or(Errno::EFBIG)?;
        self.reserve(number, at, end)?;
        let (size, blocks) = self.file(number)?;
        let mut rest = bytes;
        for (block, from, to) in parts(at, end) {
            let (part, after) = rest.split_at(to - from);
            rest = after;
            if let Some(block) = blocks.get_mut(&block) {
                block[from..to].copy_from_slice(part);
            }
        }
        *size = end.max(*size);
        self.changed(number)
    }

    /// Sees to it that the blocks of a range are there.
    ///
    /// # Errors
    /// ENOSPC if there is no room for all of them.
    pub fn reserve(&mut self, number: u64, at: u64, end: u64) -> Result<(), Errno> {
        let [room, taken] = self.room;
        let (_, blocks) = self.file(number)?;
        let there = blocks.range(at / BLOCK..end.div_ceil(BLOCK).max(at / BLOCK)).count() as u64;
        let missing = end.div_ceil(BLOCK).saturating_sub(at / BLOCK) - there;
        if taken + missing > room {
            return Err(Errno::ENOSPC);
        }
        for (block, ..) in parts(at, end) {
            blocks.entry(block).or_insert_with(empty_block);
        }
        self.room[1] += missing;
        Ok(())
    }

    /// Makes a range zeros: blocks that lie in it are given up.
    ///
    /// # Errors
    /// EINVAL if it is no regular file.
    pub fn punch(&mut self, number: u64, at: u64, end: u64) -> Result<(), Errno> {
        let (_, blocks) = self.file(number)?;
        let before = blocks.len() as u64;
        blocks.retain(|block, _| at > block * BLOCK || end < (block + 1) * BLOCK);
        for (block, bytes) in blocks.range_mut(at / BLOCK..end.div_ceil(BLOCK).max(at / BLOCK)) {
            let inside = |edge: u64| usize::try_from(edge.saturating_sub(block * BLOCK).min(BLOCK)).unwrap_or(0);
            bytes[inside(at)..inside(end)].fill(0);
        }
        let given_up = before - blocks.len() as u64;
        self.room[1] -= given_up;
        self.changed(number)
    }

    /// Gives a file another size. What it loses is zeros when it grows again.
    ///
    /// # Errors
    /// EFBIG; EINVAL if it is no regular file.
    pub fn resize(&mut self, number: u64, to: u64) -> Result<(), Errno> {
        if to > LONGEST {
            return Err(Errno::EFBIG);
        }
        if to < *self.file(number)?.0 {
            self.punch(number, to, LONGEST / BLOCK * BLOCK)?;
        }
        *self.file(number)?.0 = to;
        self.changed(number)
    }

    /// The size and the blocks of a regular file.
    fn file(&mut self, number: u64) -> Result<(&mut u64, &mut Blocks), Errno> {
        match &mut self.node(number)?.content {
            Content::File(size, blocks) => Ok((size, blocks)),
            _ => Err(Errno::EINVAL),
        }
    }

    fn changed(&mut self, number: u64) -> Result<(), Errno> {
        let now = now();
        self.node(number)?.times[1..].fill(now);
        Ok(())
    }
}

/// The blocks that a range of a file has a part of, each with the range within it.
fn parts(at: u64, end: u64) -> impl Iterator<Item = (u64, usize, usize)> {
    let inside = |edge: u64, block: u64| usize::try_from(edge.saturating_sub(block * BLOCK).min(BLOCK)).unwrap_or(0);
    let blocks = if at < end { at / BLOCK..end.div_ceil(BLOCK) } else { 0..0 };
    blocks.map(move |block| (block, inside(at, block), inside(end, block)))
}

fn empty_block() -> Box<[u8]> {
    vec![0; usize::try_from(BLOCK).unwrap_or(0)].into()
}

/// The time of this moment.
pub fn now() -> Time {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    (since.as_secs(), since.subsec_nanos())
}
