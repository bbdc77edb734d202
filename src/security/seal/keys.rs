//! The key file: made once, readable by its owner only, read at start. It knows nothing of what is sealed with the keys.
//!
//! Sealing keys come by number, one of them current: new data takes the current one, old data finds its own. Blind keys do not change:
//! a blind index must be the same for ever, or the same worker would be two.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs::{self, File, OpenOptions},
    io::{self, Read as _, Write as _},
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::Path,
};

use aws_lc_rs::{
    aead::{AES_256_GCM, LessSafeKey, UnboundKey},
    hkdf, hmac,
};
use serde::{Deserialize, Deserializer, de::Error as _};
use zeroize::Zeroizing;

use super::VaultError;

/// No key file is larger than this many bytes, however often its sealing key was changed.
const LARGEST_FILE: u64 = 1024 * 1024;

/// Everything in the key file, made ready for use.
pub(super) struct Keys {
    pub(super) current: u32,
    pub(super) sealing: BTreeMap<u32, SealingKey>,
    pub(super) blind: BlindKeys,
}

/// One sealing key: never used itself, but to derive the key for rows and one key for each file.
pub(super) struct SealingKey {
    root: hkdf::Prk,
    pub(super) rows: LessSafeKey,
}

/// One key for each field, so that indexes of different fields cannot be compared.
pub(super) struct BlindKeys {
    pub(super) id_number: hmac::Key,
    pub(super) account: hmac::Key,
    pub(super) binding: hmac::Key,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyFile {
    current: u32,
    sealing: Vec<SealingEntry>,
    blind: BlindEntry,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SealingEntry {
    id: u32,
    key: Secret,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BlindEntry {
    id_number: Secret,
    account: Secret,
    binding: Secret,
}

/// 256 bits, wiped when dropped.
struct Secret(Zeroizing<[u8; 32]>);

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Zeroizing::new(String::deserialize(deserializer)?);
        let mut bytes = Zeroizing::new([0; 32]);
        hex::decode_to_slice(text.as_bytes(), bytes.as_mut_slice())
            .map_err(|_| D::Error::custom("a key has 64 hexadecimal digits"))?;
        Ok(Self(bytes))
    }
}

/// Writes a new file of random keys and makes it durable.
pub(super) fn create(path: &Path) -> Result<(), VaultError> {
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .map_err(|source| match source.kind() {
            io::ErrorKind::AlreadyExists => VaultError::Exists { path: path.into() },
            _ => VaultError::unusable(path, source),
        })?;
    file.write_all(random_file().as_bytes())
        .and_then(|()| file.sync_all())
        .and_then(|()| sync_folder_of(path))
        .map_err(|source| VaultError::unusable(path, source))
}

fn random_file() -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(1024));
    text.push_str(
        "# Wagegate's keys: with this file every name, number and document can be read, without it none. Back it up apart from the data.\n\
         # A new sealing key: add a [[sealing]] with a new id and make it current. Keep the old ones. Never change a key under [blind].\n",
    );
    let mut line = |head: &str| {
        let mut key = Zeroizing::new([0; 32]);
        aws_lc_rs::rand::fill(key.as_mut_slice()).expect("the system gives random bytes");
        text.push_str(head);
        text.push_str(" = \"");
        for byte in key.iter() {
            write!(text, "{byte:02x}").expect("a string takes all that is written");
        }
        text.push_str("\"\n");
    };
    line("current = 1\n\n[[sealing]]\nid = 1\nkey");
    line("\n[blind]\nid_number");
    line("account");
    line("binding");
    text
}

fn sync_folder_of(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| *folder != Path::new(""));
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

/// Reads a key file, and refuses one that others can read.
pub(super) fn open(path: &Path) -> Result<Keys, VaultError> {
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
    let parsed = toml::from_str(&text).map_err(|error| malformed(path, &text, &error))?;
    Keys::from_file(parsed).map_err(|reason| VaultError::Malformed {
        path: path.into(),
        reason,
    })
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
    VaultError::Malformed {
        path: path.into(),
        reason: format!("line {line} is not as `keys new` writes it"),
    }
}

impl Keys {
    fn from_file(file: KeyFile) -> Result<Self, String> {
        let mut sealing = BTreeMap::new();
        for entry in file.sealing {
            if sealing
                .insert(entry.id, SealingKey::new(&entry.key))
                .is_some()
            {
                return Err(format!("sealing key {} is there twice", entry.id));
            }
        }
        if !sealing.contains_key(&file.current) {
            return Err(format!(
                "`current` names sealing key {}, which is not there",
                file.current
            ));
        }
        let blind = |secret: &Secret| hmac::Key::new(hmac::HMAC_SHA256, secret.0.as_slice());
        Ok(Self {
            current: file.current,
            sealing,
            blind: BlindKeys {
                id_number: blind(&file.blind.id_number),
                account: blind(&file.blind.account),
                binding: blind(&file.blind.binding),
            },
        })
    }
}

impl SealingKey {
    fn new(secret: &Secret) -> Self {
        let root = hkdf::Salt::new(hkdf::HKDF_SHA256, b"").extract(secret.0.as_slice());
        let rows = derive(&root, &[b"wagegate rows"]);
        Self { root, rows }
    }

    /// The key of one file, which has this salt to itself: nonces inside a file may then simply count.
    pub(super) fn file(&self, salt: &[u8; 32]) -> LessSafeKey {
        derive(&self.root, &[b"wagegate file", salt])
    }
}

fn derive(root: &hkdf::Prk, purpose: &[&[u8]]) -> LessSafeKey {
    let key = root
        .expand(purpose, &AES_256_GCM)
        .expect("HKDF-SHA-256 gives up to 8,160 bytes, and this asks for 32");
    LessSafeKey::new(UnboundKey::from(key))
}
