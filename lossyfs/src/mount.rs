//! The disk at a place in the tree, by the kernel's FUSE. What the kernel keeps for itself is gone when the place is left, so a power cut is leaving,
//! forgetting and coming back. Locks and access rights are the kernel's own affair.

use std::{
    ffi::OsStr,
    fmt, io,
    path::{Path, PathBuf},
    process::Command,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use fuser::{
    BackgroundSession, BsdFileFlags, Config, Errno, FileAttr, FileHandle, FileType, Filesystem,
    FopenFlags, Generation, INodeNo, LockOwner, MountOption, OpenFlags, RenameFlags, ReplyAttr,
    ReplyCreate, ReplyData, ReplyDirectory, ReplyEmpty, ReplyEntry, ReplyStatfs, ReplyWrite,
    Request, TimeOrNow, WriteFlags,
};

use crate::disk::{Body, Disk, File, Folder, ROOT, Wrong};

/// The kernel may believe names and sizes for as long: only through it are they changed.
const TTL: Duration = Duration::from_secs(3600);

/// A disk that can be seen at a folder; it is taken away when dropped.
pub struct Mounted {
    at: PathBuf,
    disk: Arc<Mutex<Disk>>,
    session: Option<BackgroundSession>,
}

impl fmt::Debug for Mounted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mounted")
            .field("at", &self.at)
            .finish_non_exhaustive()
    }
}

impl Mounted {
    /// Shows the disk at a folder.
    ///
    /// # Errors
    /// The system lets us not: it takes /dev/fuse, and being root or having fusermount3.
    pub fn new(disk: Disk, at: &Path) -> io::Result<Self> {
        let disk = Arc::new(Mutex::new(disk));
        let session = show(&disk, at)?;
        Ok(Self {
            at: at.to_owned(),
            disk,
            session: Some(session),
        })
    }

    /// Everything that there is, is on the disk from now on.
    pub fn sync_all(&self) {
        locked(&self.disk).sync_all();
    }

    /// Cuts the power, and comes back with what is left. Whoever had files open must be dead by now.
    ///
    /// # Errors
    /// Somebody still has a file open, or the disk cannot be shown again.
    pub fn cut_power(&mut self, kept: impl FnMut() -> bool) -> io::Result<()> {
        self.leave()?;
        locked(&self.disk).cut_power(kept);
        self.session = Some(show(&self.disk, &self.at)?);
        Ok(())
    }

    fn leave(&mut self) -> io::Result<()> {
        self.session
            .take()
            .map_or(Ok(()), BackgroundSession::umount_and_join)
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        // Who still has a file open keeps it until then; for all others it is gone.
        if self.leave().is_err()
            && let Err(error) = Command::new("umount").arg("--lazy").arg(&self.at).status()
        {
            eprintln!("lossyfs: {}: {error}", self.at.display());
        }
    }
}

fn show(disk: &Arc<Mutex<Disk>>, at: &Path) -> io::Result<BackgroundSession> {
    let mut config = Config::default();
    config.mount_options = vec![MountOption::FSName("lossyfs".into())];
    fuser::spawn_mount(Shown(Arc::clone(disk)), at, &config)
}

/// A thread that died holding it is a fault that the test shows elsewhere.
fn locked(disk: &Mutex<Disk>) -> MutexGuard<'_, Disk> {
    disk.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Shown(Arc<Mutex<Disk>>);

impl Shown {
    fn disk(&self) -> MutexGuard<'_, Disk> {
        locked(&self.0)
    }

    fn attributes(&self, inode: u64) -> Result<FileAttr, Wrong> {
        attributes(&self.disk(), inode)
    }

    fn make(
        &self,
        folder: INodeNo,
        name: &OsStr,
        mode: u32,
        body: Body,
    ) -> Result<FileAttr, Wrong> {
        let mut disk = self.disk();
        let inode = disk.make(folder.0, name, mode & 0o7777, body)?;
        attributes(&disk, inode)
    }
}

fn attributes(disk: &Disk, inode: u64) -> Result<FileAttr, Wrong> {
    let node = disk.node(inode)?;
    let (kind, size) = match &node.body {
        Body::File(file) => (FileType::RegularFile, file.now.len() as u64),
        Body::Folder(_) => (FileType::Directory, 4096),
    };
    Ok(FileAttr {
        ino: INodeNo(inode),
        size,
        blocks: size.div_ceil(512),
        atime: UNIX_EPOCH,
        mtime: UNIX_EPOCH,
        ctime: UNIX_EPOCH,
        crtime: UNIX_EPOCH,
        kind,
        perm: u16::try_from(node.mode & 0o7777).unwrap_or(0o600),
        nlink: 1,
        uid: rustix::process::getuid().as_raw(),
        gid: rustix::process::getgid().as_raw(),
        rdev: 0,
        blksize: 4096,
        flags: 0,
    })
}

fn number(wrong: Wrong) -> Errno {
    match wrong {
        Wrong::Missing => Errno::ENOENT,
        Wrong::Exists => Errno::EEXIST,
        Wrong::NotAFolder => Errno::ENOTDIR,
        Wrong::IsAFolder => Errno::EISDIR,
        Wrong::NotEmpty => Errno::ENOTEMPTY,
    }
}

fn done(result: Result<(), Wrong>, reply: ReplyEmpty) {
    match result {
        Ok(()) => reply.ok(),
        Err(wrong) => reply.error(number(wrong)),
    }
}

fn entry(result: Result<FileAttr, Wrong>, reply: ReplyEntry) {
    match result {
        Ok(found) => reply.entry(&TTL, &found, Generation(0)),
        Err(wrong) => reply.error(number(wrong)),
    }
}

fn shown(result: Result<FileAttr, Wrong>, reply: ReplyAttr) {
    match result {
        Ok(found) => reply.attr(&TTL, &found),
        Err(wrong) => reply.error(number(wrong)),
    }
}

impl Filesystem for Shown {
    fn lookup(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEntry) {
        let inode = self.disk().find(parent.0, name);
        entry(inode.and_then(|inode| self.attributes(inode)), reply);
    }

    fn getattr(&self, _: &Request, inode: INodeNo, _: Option<FileHandle>, reply: ReplyAttr) {
        shown(self.attributes(inode.0), reply);
    }

    fn setattr(
        &self,
        _: &Request,
        inode: INodeNo,
        mode: Option<u32>,
        _: Option<u32>,
        _: Option<u32>,
        size: Option<u64>,
        _: Option<TimeOrNow>,
        _: Option<TimeOrNow>,
        _: Option<SystemTime>,
        _: Option<FileHandle>,
        _: Option<SystemTime>,
        _: Option<SystemTime>,
        _: Option<SystemTime>,
        _: Option<BsdFileFlags>,
        reply: ReplyAttr,
    ) {
        let mut disk = self.disk();
        let set = mode
            .map_or(Ok(()), |mode| disk.set_mode(inode.0, mode & 0o7777))
            .and_then(|()| size.map_or(Ok(()), |size| disk.resize(inode.0, size)));
        shown(set.and_then(|()| attributes(&disk, inode.0)), reply);
    }

    fn mkdir(
        &self,
        _: &Request,
        parent: INodeNo,
        name: &OsStr,
        mode: u32,
        umask: u32,
        reply: ReplyEntry,
    ) {
        let body = Body::Folder(Folder::default());
        entry(self.make(parent, name, mode & !umask, body), reply);
    }

    fn unlink(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        done(self.disk().remove(parent.0, name), reply);
    }

    fn rmdir(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        done(self.disk().remove(parent.0, name), reply);
    }

    fn rename(
        &self,
        _: &Request,
        parent: INodeNo,
        name: &OsStr,
        new_parent: INodeNo,
        new_name: &OsStr,
        flags: RenameFlags,
        reply: ReplyEmpty,
    ) {
        if !flags.is_empty() {
            return reply.error(Errno::EINVAL);
        }
        let moved = self
            .disk()
            .rename((parent.0, name), (new_parent.0, new_name));
        done(moved, reply);
    }

    fn create(
        &self,
        _: &Request,
        parent: INodeNo,
        name: &OsStr,
        mode: u32,
        umask: u32,
        _: i32,
        reply: ReplyCreate,
    ) {
        let body = Body::File(File::default());
        match self.make(parent, name, mode & !umask, body) {
            Ok(made) => reply.created(
                &TTL,
                &made,
                Generation(0),
                FileHandle(0),
                FopenFlags::empty(),
            ),
            Err(wrong) => reply.error(number(wrong)),
        }
    }

    fn read(
        &self,
        _: &Request,
        inode: INodeNo,
        _: FileHandle,
        offset: u64,
        size: u32,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyData,
    ) {
        let disk = self.disk();
        match disk.file(inode.0) {
            Ok(file) => {
                let length = file.now.len();
                let start = usize::try_from(offset).unwrap_or(length).min(length);
                let end = start.saturating_add(size as usize).min(length);
                reply.data(file.now.get(start..end).unwrap_or_default());
            }
            Err(wrong) => reply.error(number(wrong)),
        }
    }

    fn write(
        &self,
        _: &Request,
        inode: INodeNo,
        _: FileHandle,
        offset: u64,
        data: &[u8],
        _: WriteFlags,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyWrite,
    ) {
        match self.disk().write(inode.0, offset, data) {
            Ok(()) => reply.written(u32::try_from(data.len()).unwrap_or(u32::MAX)),
            Err(wrong) => reply.error(number(wrong)),
        }
    }

    fn flush(&self, _: &Request, _: INodeNo, _: FileHandle, _: LockOwner, reply: ReplyEmpty) {
        reply.ok();
    }

    fn fsync(&self, _: &Request, inode: INodeNo, _: FileHandle, _: bool, reply: ReplyEmpty) {
        done(self.disk().sync(inode.0), reply);
    }

    fn fsyncdir(&self, _: &Request, inode: INodeNo, _: FileHandle, _: bool, reply: ReplyEmpty) {
        done(self.disk().sync(inode.0), reply);
    }

    fn readdir(
        &self,
        _: &Request,
        inode: INodeNo,
        _: FileHandle,
        offset: u64,
        mut reply: ReplyDirectory,
    ) {
        let disk = self.disk();
        let folder = match disk.folder(inode.0) {
            Ok(folder) => folder,
            Err(wrong) => return reply.error(number(wrong)),
        };
        let skip = usize::try_from(offset).unwrap_or(usize::MAX);
        for ((name, inode), place) in folder.now.iter().zip(1_u64..).skip(skip) {
            let kind = match disk.node(*inode).map(|node| &node.body) {
                Ok(Body::Folder(_)) => FileType::Directory,
                Ok(Body::File(_)) | Err(_) => FileType::RegularFile,
            };
            if reply.add(INodeNo(*inode), place, kind, name) {
                break;
            }
        }
        reply.ok();
    }

    fn statfs(&self, _: &Request, _: INodeNo, reply: ReplyStatfs) {
        reply.statfs(1 << 30, 1 << 29, 1 << 29, 1 << 20, 1 << 19, 4096, 255, 4096);
    }
}

const _: () = assert!(ROOT == 1, "FUSE's own number for the root");
