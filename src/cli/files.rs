//! Files that the gateway gives: people stand in them in clear, so they are their owner's only, and there only when they are whole.

use std::{
    fs,
    io::{self, Write},
    path::Path,
};

use reqwest::Response;

use super::{Failure, client::causes};

/// A file under way: a temporary one beside it, of mode 0600, that takes its name at the end. What is no file, such as a pipe, is written to as it is.
pub(super) struct Private<'a> {
    to: &'a Path,
    under_way: UnderWay,
}

enum UnderWay {
    Beside(tempfile::NamedTempFile),
    Straight(fs::File),
}

impl<'a> Private<'a> {
    /// A file with something in it is somebody's work: it is not written over.
    pub(super) fn begin(to: &'a Path) -> Result<Self, Failure> {
        let there = fs::metadata(to);
        if there
            .as_ref()
            .is_ok_and(|about| about.is_file() && about.len() > 0)
        {
            return Err(Failure::Here(format!(
                "{}：已有同名文件且有内容，未覆盖，请换一个文件名 there is a file with something in it already, it was left as it is: name another",
                to.display()
            )));
        }
        let is_other = there.is_ok_and(|about| !about.is_file() && !about.is_dir());
        let under_way = if is_other {
            let straight = fs::OpenOptions::new().write(true).open(to);
            straight.map(UnderWay::Straight)
        } else {
            let folder = to
                .parent()
                .filter(|folder| !folder.as_os_str().is_empty())
                .unwrap_or(Path::new("."));
            tempfile::NamedTempFile::new_in(folder).map(UnderWay::Beside)
        };
        let under_way = under_way.map_err(|error| here(to, &error))?;
        Ok(Self { to, under_way })
    }

    pub(super) fn write(&mut self, piece: &[u8]) -> io::Result<()> {
        match &mut self.under_way {
            UnderWay::Beside(file) => file.write_all(piece),
            UnderWay::Straight(file) => file.write_all(piece),
        }
    }

    pub(super) fn end(self) -> Result<(), Failure> {
        match self.under_way {
            UnderWay::Beside(file) => {
                let kept = file.persist(self.to);
                kept.map(drop).map_err(|error| here(self.to, &error.error))
            }
            UnderWay::Straight(_) => Ok(()),
        }
    }
}

/// Writes an answer to a file, piece by piece as it comes; gives its length.
pub(super) async fn keep(to: &Path, mut answer: Response) -> Result<u64, Failure> {
    let mut file = Private::begin(to)?;
    let mut length = 0;
    while let Some(piece) = answer.chunk().await.map_err(|error| {
        let why = causes(&error);
        Failure::Unreachable(format!("{}: the answer broke off: {why}", to.display()))
    })? {
        file.write(&piece).map_err(|error| here(to, &error))?;
        length += u64::try_from(piece.len()).unwrap_or(0);
    }
    file.end()?;
    Ok(length)
}

/// Only the kind: the system's own words name the temporary file, which nobody knows.
fn here(to: &Path, error: &io::Error) -> Failure {
    Failure::Here(format!("{}: {}", to.display(), error.kind()))
}
