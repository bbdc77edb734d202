//! What is on the disk, and what only looks as if it were.

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::{OsStr, OsString},
};

/// The unit in which unsynced bytes reach a disk by themselves.
const PAGE: u64 = 4096;
/// The root folder.
pub(crate) const ROOT: u64 = 1;

/// What an fsync does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fsync {
    /// What it says.
    Honest,
    /// Nothing, and it says that it did: for showing that a test would notice.
    Lies,
}

/// Files and folders, each with what a power cut would leave of it.
#[derive(Debug)]
pub struct Disk {
    nodes: BTreeMap<u64, Node>,
    next: u64,
    fsync: Fsync,
}

#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) mode: u32,
    pub(crate) body: Body,
}

#[derive(Debug)]
pub(crate) enum Body {
    File(File),
    Folder(Folder),
}

#[derive(Debug, Default)]
pub(crate) struct File {
    pub(crate) now: Vec<u8>,
    synced: Vec<u8>,
    /// Pages that differ, perhaps.
    dirty: BTreeSet<u64>,
}

#[derive(Debug, Default)]
pub(crate) struct Folder {
    pub(crate) now: BTreeMap<OsString, u64>,
    synced: BTreeMap<OsString, u64>,
}

/// Why something cannot be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wrong {
    Missing,
    Exists,
    NotAFolder,
    IsAFolder,
    NotEmpty,
}

impl Disk {
    /// An empty one.
    pub fn new(fsync: Fsync) -> Self {
        let root = Node {
            mode: 0o755,
            body: Body::Folder(Folder::default()),
        };
        Self {
            nodes: BTreeMap::from([(ROOT, root)]),
            next: ROOT + 1,
            fsync,
        }
    }

    /// Everything that there is, is on the disk.
    pub fn sync_all(&mut self) {
        for node in self.nodes.values_mut() {
            node.body.sync();
        }
    }

    /// The power goes: what was not synced is gone, but for the pages of files that `kept` says had reached the disk by themselves.
    pub fn cut_power(&mut self, mut kept: impl FnMut() -> bool) {
        for node in self.nodes.values_mut() {
            match &mut node.body {
                Body::File(file) => file.cut(&mut kept),
                Body::Folder(folder) => folder.now.clone_from(&folder.synced),
            }
        }
        let mut reached = BTreeSet::new();
        let mut next = vec![ROOT];
        while let Some(inode) = next.pop() {
            if reached.insert(inode)
                && let Some(Body::Folder(folder)) = self.nodes.get(&inode).map(|node| &node.body)
            {
                next.extend(folder.now.values());
            }
        }
        self.nodes.retain(|inode, _| reached.contains(inode));
    }

    pub(crate) fn node(&self, inode: u64) -> Result<&Node, Wrong> {
        self.nodes.get(&inode).ok_or(Wrong::Missing)
    }

    pub(crate) fn set_mode(&mut self, inode: u64, mode: u32) -> Result<(), Wrong> {
        self.nodes.get_mut(&inode).ok_or(Wrong::Missing)?.mode = mode;
        Ok(())
    }

    pub(crate) fn find(&self, folder: u64, name: &OsStr) -> Result<u64, Wrong> {
        let entries = &self.folder(folder)?.now;
        entries.get(name).copied().ok_or(Wrong::Missing)
    }

    pub(crate) fn folder(&self, inode: u64) -> Result<&Folder, Wrong> {
        match &self.node(inode)?.body {
            Body::Folder(folder) => Ok(folder),
            Body::File(_) => Err(Wrong::NotAFolder),
        }
    }

    pub(crate) fn file(&self, inode: u64) -> Result<&File, Wrong> {
        match &self.node(inode)?.body {
            Body::File(file) => Ok(file),
            Body::Folder(_) => Err(Wrong::IsAFolder),
        }
    }

    pub(crate) fn make(
        &mut self,
        folder: u64,
        name: &OsStr,
        mode: u32,
        body: Body,
    ) -> Result<u64, Wrong> {
        let inode = self.next;
        let entries = self.entries(folder)?;
        if entries.contains_key(name) {
            return Err(Wrong::Exists);
        }
        entries.insert(name.to_owned(), inode);
        self.next += 1;
        self.nodes.insert(inode, Node { mode, body });
        Ok(inode)
    }

    /// Takes a name away; the file itself stays, for those who have it open and for a power cut that brings the name back.
    pub(crate) fn remove(&mut self, folder: u64, name: &OsStr) -> Result<(), Wrong> {
        let inode = self.find(folder, name)?;
        if let Body::Folder(inner) = &self.node(inode)?.body
            && !inner.now.is_empty()
        {
            return Err(Wrong::NotEmpty);
        }
        self.entries(folder)?.remove(name);
        Ok(())
    }

    /// Moves a name, over another if there is one.
    pub(crate) fn rename(
        &mut self,
        (from, name): (u64, &OsStr),
        (to, new_name): (u64, &OsStr),
    ) -> Result<(), Wrong> {
        let inode = self.find(from, name)?;
        self.folder(to)?;
        self.entries(from)?.remove(name);
        self.entries(to)?.insert(new_name.to_owned(), inode);
        Ok(())
    }

    pub(crate) fn write(&mut self, inode: u64, offset: u64, bytes: &[u8]) -> Result<(), Wrong> {
        self.file_mut(inode)?.write(offset, bytes);
        Ok(())
    }

    pub(crate) fn resize(&mut self, inode: u64, size: u64) -> Result<(), Wrong> {
        self.file_mut(inode)?.resize(size);
        Ok(())
    }

    pub(crate) fn sync(&mut self, inode: u64) -> Result<(), Wrong> {
        let node = self.nodes.get_mut(&inode).ok_or(Wrong::Missing)?;
        match self.fsync {
            Fsync::Honest => node.body.sync(),
            Fsync::Lies => {}
        }
        Ok(())
    }

    fn entries(&mut self, folder: u64) -> Result<&mut BTreeMap<OsString, u64>, Wrong> {
        match &mut self.nodes.get_mut(&folder).ok_or(Wrong::Missing)?.body {
            Body::Folder(folder) => Ok(&mut folder.now),
            Body::File(_) => Err(Wrong::NotAFolder),
        }
    }

    fn file_mut(&mut self, inode: u64) -> Result<&mut File, Wrong> {
        match &mut self.nodes.get_mut(&inode).ok_or(Wrong::Missing)?.body {
            Body::File(file) => Ok(file),
            Body::Folder(_) => Err(Wrong::IsAFolder),
        }
    }
}

impl Body {
    fn sync(&mut self) {
        match self {
            Self::File(file) => file.sync(),
            Self::Folder(folder) => folder.synced.clone_from(&folder.now),
        }
    }
}

impl File {
    fn write(&mut self, offset: u64, bytes: &[u8]) {
        let end = offset + bytes.len() as u64;
        if end > self.now.len() as u64 {
            self.resize(end);
        }
        if let Some(place) = self.now.get_mut(place(offset)..place(end)) {
            place.copy_from_slice(bytes);
        }
        self.touch(offset, end);
    }

    fn resize(&mut self, size: u64) {
        let before = self.now.len() as u64;
        self.now.resize(place(size), 0);
        self.touch(before.min(size), before.max(size));
    }

    fn touch(&mut self, from: u64, to: u64) {
        self.dirty.extend(from / PAGE..to.div_ceil(PAGE));
    }

    fn sync(&mut self) {
        for page in std::mem::take(&mut self.dirty) {
            copy(page, &self.now, &mut self.synced);
        }
        self.synced.resize(self.now.len(), 0);
    }

    fn cut(&mut self, kept: &mut impl FnMut() -> bool) {
        let dirty = std::mem::take(&mut self.dirty);
        for page in &dirty {
            if kept() {
                copy(*page, &self.now, &mut self.synced);
            }
        }
        for page in &dirty {
            copy(*page, &self.synced, &mut self.now);
        }
        self.now.resize(self.synced.len(), 0);
    }
}

/// Brings one page over, as far as there is one; the other end grows where it is too short.
fn copy(page: u64, from: &[u8], to: &mut Vec<u8>) {
    let start = place(page * PAGE);
    let end = place((page + 1) * PAGE).min(from.len());
    let Some(bytes) = from.get(start..end) else {
        return;
    };
    if to.len() < end {
        to.resize(end, 0);
    }
    if let Some(place) = to.get_mut(start..end) {
        place.copy_from_slice(bytes);
    }
}

fn place(offset: u64) -> usize {
    usize::try_from(offset).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> &OsStr {
        OsStr::new(text)
    }

    fn made(disk: &mut Disk, file: &str) -> u64 {
        let body = Body::File(File::default());
        disk.make(ROOT, name(file), 0o600, body).unwrap()
    }

    fn text(disk: &Disk, file: &str) -> Option<String> {
        let inode = disk.find(ROOT, name(file)).ok()?;
        String::from_utf8(disk.file(inode).unwrap().now.clone()).ok()
    }

    #[test]
    fn what_was_synced_stays_and_what_was_not_is_gone() {
        let mut disk = Disk::new(Fsync::Honest);
        let inode = made(&mut disk, "a");
        disk.write(inode, 0, b"one").unwrap();
        disk.sync(inode).unwrap();
        disk.sync(ROOT).unwrap();
        disk.write(inode, 3, b" two").unwrap();
        disk.cut_power(|| false);
        assert_eq!(text(&disk, "a").as_deref(), Some("one"));
    }

    #[test]
    fn a_name_is_there_only_after_its_folder_was_synced() {
        let mut disk = Disk::new(Fsync::Honest);
        let inode = made(&mut disk, "a");
        disk.write(inode, 0, b"one").unwrap();
        disk.sync(inode).unwrap();
        disk.cut_power(|| false);
        assert_eq!(text(&disk, "a"), None);
        let inode = made(&mut disk, "b");
        disk.sync(inode).unwrap();
        disk.sync(ROOT).unwrap();
        disk.rename((ROOT, name("b")), (ROOT, name("c"))).unwrap();
        disk.cut_power(|| false);
        assert!(text(&disk, "b").is_some() && text(&disk, "c").is_none());
        disk.remove(ROOT, name("b")).unwrap();
        disk.cut_power(|| false);
        assert!(text(&disk, "b").is_some());
    }

    #[test]
    fn pages_may_reach_the_disk_by_themselves_and_others_not() {
        let mut disk = Disk::new(Fsync::Honest);
        let inode = made(&mut disk, "a");
        disk.sync(ROOT).unwrap();
        disk.write(inode, 0, &[b'x'; 4 * 4096]).unwrap();
        let mut turn = 0;
        disk.cut_power(|| {
            turn += 1;
            turn % 2 == 0
        });
        let found = text(&disk, "a").unwrap();
        assert_eq!(found.len(), 4 * 4096);
        assert_eq!(found.matches('x').count(), 2 * 4096);
        assert!(found.starts_with('\0'));
    }

    #[test]
    fn a_file_that_was_cut_short_is_long_again_unless_it_was_synced() {
        let mut disk = Disk::new(Fsync::Honest);
        let inode = made(&mut disk, "a");
        disk.write(inode, 0, &[b'x'; 10_000]).unwrap();
        disk.sync_all();
        disk.resize(inode, 10).unwrap();
        disk.cut_power(|| false);
        assert_eq!(text(&disk, "a").unwrap(), "x".repeat(10_000));
        disk.resize(inode, 10).unwrap();
        disk.sync(inode).unwrap();
        disk.resize(inode, 9_000).unwrap();
        disk.cut_power(|| false);
        assert_eq!(text(&disk, "a").unwrap(), "x".repeat(10));
    }

    #[test]
    fn a_disk_that_lies_keeps_nothing() {
        let mut disk = Disk::new(Fsync::Lies);
        let inode = made(&mut disk, "a");
        disk.sync(inode).unwrap();
        disk.sync(ROOT).unwrap();
        disk.cut_power(|| false);
        assert_eq!(text(&disk, "a"), None);
    }
}
