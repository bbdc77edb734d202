//! The key file: made once, readable by its owner only, read at start and again when it changes. A sealing key is added to it or taken from it
//! in one move, so that a gateway never reads half a file. It knows nothing of what is sealed with the keys.

use std::{
    fmt::Write as _,
    fs::{self, File, OpenOptions},
    io::{self, Read as _, Write as _},
    os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _, fchown},
    path::Path,
};

use serde::{Deserialize, Deserializer, de::Error as _};
use tempfile::NamedTempFile;
use zeroize::Zeroizing;

use super::{VaultError, cipher::Algorithm};

/// No key file is larger than this many bytes, however often its sealing key was changed.
const LARGEST_FILE: u64 = 1024 * 1024;

/// A key file as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct KeyFile {
    /// The key that an empty database begins with; from then on the database says which one is current.
    pub(super) current: u32,
    /// The highest id that was ever given: that of a key which was removed is not given again.
    #[serde(default)]
    last: u32,
    pub(super) sealing: Vec<SealingEntry>,
    pub(super) blind: BlindEntry,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SealingEntry {
    pub(super) id: u32,
    #[serde(default)]
    pub(super) algorithm: Algorithm,
    pub(super) key: Secret,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct BlindEntry {
    pub(super) id_number: Secret,
    pub(super) account: Secret,
    pub(super) binding: Secret,
}

/// 256 bits, wiped when dropped.
pub(super) struct Secret(pub(super) Zeroizing<[u8; 32]>);

impl Secret {
    fn random() -> Self {
        let mut bytes = Zeroizing::new([0; 32]);
        aws_lc_rs::rand::fill(bytes.as_mut_slice()).expect("the system gives random bytes");
        Self(bytes)
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Zeroizing::new(String::deserialize(deserializer)?);
        let mut bytes = Zeroizing::new([0; 32]);
        hex::decode_to_slice(text.as_bytes(), bytes.as_mut_slice())
            .map_err(|_| D::Error::custom("a key has 64 hexadecimal digits"))?;
        Ok(Self(bytes))
    }
}

impl KeyFile {
    fn random(algorithm: Algorithm) -> Self {
        Self {
            current: 1,
            last: 1,
            sealing: vec![SealingEntry {
                id: 1,
                algorithm,
                key: Secret::random(),
            }],
            blind: BlindEntry {
                id_number: Secret::random(),
                account: Secret::random(),
                binding: Secret::random(),
            },
        }
    }

    fn last(&self) -> u32 {
        let ids = self.sealing.iter().map(|entry| entry.id);
        ids.fold(self.last, u32::max)
    }

    fn has(&self, id: u32) -> bool {
        self.sealing.iter().any(|entry| entry.id == id)
    }

    fn text(&self) -> Zeroizing<String> {
        // As large as it gets from the start: a string that grows leaves copies of keys behind.
        let room = 1024 + self.sealing.len() * 128;
        let mut text = Zeroizing::new(String::with_capacity(room));
        text.push_str(
            "# Wagegate's keys: with this file every name, number and document can be read, without it none. Back it up apart from the data.\n\
             # `wagegate keys add` and `wagegate keys remove` change it. Never change a key under [blind].\n",
        );
        let head = writeln!(text, "current = {}\nlast = {}", self.current, self.last());
        head.expect("a string takes all that is written");
        for entry in &self.sealing {
            let head = writeln!(
                text,
                "\n[[sealing]]\nid = {}\nalgorithm = \"{}\"",
                entry.id,
                entry.algorithm.code()
            );
            head.expect("a string takes all that is written");
            line(&mut text, "key", &entry.key);
        }
        text.push_str("\n[blind]\n");
        line(&mut text, "id_number", &self.blind.id_number);
        line(&mut text, "account", &self.blind.account);
        line(&mut text, "binding", &self.blind.binding);
        text
    }
}

fn line(text: &mut String, name: &str, secret: &Secret) {
    text.push_str(name);
    text.push_str(" = \"");
    for byte in secret.0.iter() {
        write!(text, "{byte:02x}").expect("a string takes all that is written");
    }
    text.push_str("\"\n");
}

/// Writes a new file of random keys and makes it durable.
pub(super) fn create(path: &Path, algorithm: Algorithm) -> Result<(), VaultError> {
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .map_err(|source| match source.kind() {
            io::ErrorKind::AlreadyExists => VaultError::Exists { path: path.into() },
            _ => VaultError::unusable(path, source),
        })?;
    file.write_all(KeyFile::random(algorithm).text().as_bytes())
        .and_then(|()| file.sync_all())
        .and_then(|()| sync_folder(folder_of(path)))
        .map_err(|source| VaultError::unusable(path, source))
}

/// Adds a random sealing key under the next id and gives the id; it is not current yet.
pub(super) fn add(path: &Path, algorithm: Algorithm) -> Result<u32, VaultError> {
    let mut file = read(path)?;
    let id = file
        .last()
        .checked_add(1)
        .ok_or_else(|| VaultError::malformed(path, "its highest id has no successor".to_owned()))?;
    file.sealing.push(SealingEntry {
        id,
        algorithm,
        key: Secret::random(),
    });
    replace(path, &file).map_err(|source| VaultError::unusable(path, source))?;
    Ok(id)
}

/// Takes a sealing key out of the file, which begins with `current` from then on.
pub(super) fn remove(path: &Path, id: u32, current: u32) -> Result<(), VaultError> {
    let mut file = read(path)?;
    for wanted in [id, current] {
        if !file.has(wanted) {
            return Err(VaultError::NoKey { id: wanted });
        }
    }
    if id == current {
        return Err(VaultError::Current { id });
    }
    file.current = current;
    file.last = file.last();
    file.sealing.retain(|entry| entry.id != id);
    replace(path, &file).map_err(|source| VaultError::unusable(path, source))
}

/// Puts another file in the place of this one, whole and durable, with the same owner.
fn replace(path: &Path, keys: &KeyFile) -> io::Result<()> {
    let folder = folder_of(path);
    let owner = fs::metadata(path)?;
    // For its owner alone from the first moment on: that is how this crate makes files.
    let mut fresh = NamedTempFile::new_in(folder)?;
    let own = fresh.as_file().metadata()?;
    if (own.uid(), own.gid()) != (owner.uid(), owner.gid()) {
        fchown(fresh.as_file(), Some(owner.uid()), Some(owner.gid()))?;
    }
    fresh.write_all(keys.text().as_bytes())?;
    fresh.as_file().sync_all()?;
    fresh.persist(path)?;
    sync_folder(folder)
}

fn folder_of(path: &Path) -> &Path {
    let folder = path.parent().filter(|folder| *folder != Path::new(""));
    folder.unwrap_or(Path::new("."))
}

fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Reads a key file, and refuses one that others can read.
pub(super) fn read(path: &Path) -> Result<KeyFile, VaultError> {
    let unusable = |source| VaultError::unusable(path, source);
    let mut file = File::open(path).map_err(unusable)?;
    // Asked of the open file, not of the path, which could name another one by now.
    let metadata = file.metadata().map_err(unusable)?;
    check_owner_only(path, &metadata)?;
    if metadata.len() > LARGEST_FILE {
        return Err(unusable(io::Error::other(
            "larger than 1 MiB: not a key file",
        )));
    }
    let mut text = Zeroizing::new(String::with_capacity(64 * 1024));
    file.read_to_string(&mut text).map_err(unusable)?;
    toml::from_str(&text).map_err(|error| malformed(path, &text, &error))
}

fn check_owner_only(path: &Path, metadata: &fs::Metadata) -> Result<(), VaultError> {
    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o077 == 0 {
        return Ok(());
    }
    Err(VaultError::Exposed {
        path: path.into(),
        mode,
    })
}

/// Says the line only: the parser's own message quotes it, key included.
fn malformed(path: &Path, text: &str, error: &toml::de::Error) -> VaultError {
    let before = error.span().and_then(|span| text.get(..span.start));
    let line = before.map_or(1, |before| before.matches('\n').count() + 1);
    VaultError::malformed(path, format!("line {line} is not as `keys new` writes it"))
}
