//! Evidence in a local folder: `ab/cdef…` by name. Several processes may have it open.

use std::{
    fmt,
    fs::{self, File},
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
};

use tempfile::NamedTempFile;

use crate::killpoints::killpoint;

use super::{
    place::{Incoming, Names, Place, Stored},
    spool::{Spool, private_folders},
};

/// Where a process writes before a file has its name; on the same file system, so that a rename moves it whole.
pub(super) const INCOMING: &str = "incoming";

pub(super) struct Folder {
    root: PathBuf,
    spool: Spool,
}

impl Folder {
    /// Makes all folders beforehand, so that keeping a file needs one folder to be made durable and not two.
    pub(super) fn open(root: &Path) -> io::Result<Self> {
        let folders = private_folders();
        folders.create(root)?;
        for folder in 0..=u8::MAX {
            folders.create(root.join(hex::encode([folder])))?;
        }
        let spool = Spool::open(&root.join(INCOMING))?;
        File::open(root)?.sync_all()?;
        Ok(Self {
            root: root.into(),
            spool,
        })
    }

    fn path(&self, name: &str) -> PathBuf {
        let (folder, file) = split(name);
        self.root.join(folder).join(file)
    }

    fn names_in(&self, folder: &str) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(self.root.join(folder))? {
            let file = entry?.file_name();
            // What is not a name of ours is not evidence.
            names.extend(file.to_str().map(|file| format!("{folder}{file}")));
        }
        names.sort_unstable();
        Ok(names)
    }
}

/// A name as the folder and the file in it.
pub(super) fn split(name: &str) -> (&str, &str) {
    name.split_at_checked(2).unwrap_or((name, ""))
}

impl fmt::Display for Folder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the evidence folder {}", self.root.display())
    }
}

impl Place for Folder {
    fn incoming(&self) -> io::Result<Incoming> {
        self.spool.incoming()
    }

    fn put(&self, name: &str, bytes: Incoming) -> io::Result<()> {
        let path = self.path(name);
        match bytes {
            Incoming::File(file) => {
                killpoint("before_evidence_sync");
                file.as_file().sync_all()?;
                killpoint("before_evidence_name");
                file.persist(&path)?;
                killpoint("before_evidence_folder_sync");
            }
            Incoming::Memory(memory) => {
                let mut file = self.incoming()?;
                file.write_all(&memory.into_inner())?;
                return self.put(name, file);
            }
        }
        self.settle(name)
    }

    fn settle(&self, name: &str) -> io::Result<()> {
        let (folder, _) = split(name);
        File::open(self.root.join(folder))?.sync_all()
    }

    fn get(&self, name: &str) -> io::Result<Option<Stored>> {
        let file = match File::open(self.path(name)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            opened => opened?,
        };
        Ok(Some(Stored {
            length: file.metadata()?.len(),
            bytes: Box::new(file),
        }))
    }

    fn beginning(&self, name: &str, length: usize) -> io::Result<Vec<u8>> {
        let mut beginning = Vec::with_capacity(length);
        File::open(self.path(name))?
            .take(length as u64)
            .read_to_end(&mut beginning)?;
        Ok(beginning)
    }

    /// Folder by folder.
    fn names_after<'a>(&'a self, after: &str) -> Names<'a> {
        let after = after.to_owned();
        let first = after.get(..2).unwrap_or_default().to_owned();
        let folders = (0..=u8::MAX).map(|folder| hex::encode([folder]));
        let rest = folders.skip_while(move |folder| *folder < first);
        Box::new(rest.flat_map(move |folder| {
            match self.names_in(&folder) {
                Ok(names) => names
                    .into_iter()
                    .filter(|name| *name > after)
                    .map(Ok)
                    .collect(),
                Err(error) => vec![Err(error)],
            }
        }))
    }

    /// Tried with some bytes that are not kept, so that a full disk shows before the next document meets it.
    fn reach(&self) -> io::Result<()> {
        let mut tried = NamedTempFile::new_in(self.root.join(INCOMING))?;
        tried.write_all(&[0; 4096])
    }
}
