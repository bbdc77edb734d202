//! What hides people at rest (invariant 18): seals their names and numbers for the database, blinds them for look-up, and seals files.
//!
//! A sealed value is `form | key id | nonce | ciphertext | tag` under AES-256-GCM (form 1) or SM4-GCM (form 2), as its key says. Its blind index goes in as associated data, so that a
//! value moved to another row does not open. A blind index is a keyed hash, because whoever has a plain hash of an account number
//! or identity number finds the number by trying all of them. What may be shown to whom is not decided here.

mod cipher;
mod key_file;
mod keys;
mod people;
mod ring;
mod stream;
mod webhook;
mod witness;

use std::{
    fmt, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use arc_swap::ArcSwap;
use aws_lc_rs::{
    aead::{MAX_TAG_LEN, NONCE_LEN},
    hmac,
};
use wagegate_domain::{
    batch::WageRow,
    ids::{BankAccount, IdNumber, PersonName},
};
use zeroize::Zeroizing;

use self::keys::{Keys, SealingKey};
pub use self::{cipher::Algorithm, keys::Print, ring::KeyPrint};
pub(crate) use self::{
    ring::{SEALED_HEAD, key_id},
    stream::{Label, OpenReader, SealWriter, StreamError},
};
use crate::store::{RowKey, SealedRow};

/// Form and key id.
const HEAD_LEN: usize = 5;

/// A keyed hash that finds the same value again and says nothing else about it.
pub type Blind = [u8; 16];

/// Why keys cannot be used or something sealed cannot be opened; no variant holds what was sealed.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// There is a file already, and keys are never overwritten.
    #[error("{}: this file exists; keys are never overwritten, choose another name", path.display())]
    Exists {
        /// The key file.
        path: PathBuf,
    },
    /// Somebody else than the owner may read, write or run the file.
    #[error("{0}: others can use the keys (mode {mode:03o}); run `chmod 600 {0}`, and think of the keys as known to whoever could read them", path.display())]
    Exposed {
        /// The key file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The key file cannot be read or written.
    #[error("{}: {source}; the gateway's account must own this file (`wagegate keys new` makes one)", path.display())]
    Unusable {
        /// The key file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The key file is not as it should be.
    #[error("{}: {reason}; restore the file from its backup", path.display())]
    Malformed {
        /// The key file.
        path: PathBuf,
        /// Which line or entry, without its content.
        reason: String,
    },
    /// It was sealed with a key that the key file does not have.
    #[error(
        "sealed with key {id}, which the key file does not have: put that key back under its id"
    )]
    NoKey {
        /// The id.
        id: u32,
    },
    /// The key of this id here is not the one that is meant.
    #[error(
        "sealing key {id} of the key file is not the key of this id that the database knows: copy the one key file to every gateway"
    )]
    Foreign {
        /// The id.
        id: u32,
    },
    /// What is current seals new data, and cannot go.
    #[error("sealing key {id} is the current one: make another one current first")]
    Current {
        /// The id.
        id: u32,
    },
    /// A newer program sealed it, or it is nothing sealed.
    #[error("sealed in form {version}, which this program does not know")]
    Form {
        /// The first byte.
        version: u8,
    },
    /// It does not open: damaged, sealed with other keys of the same id, or taken from another row.
    #[error("a sealed value does not open: it is damaged, or not in the place it was sealed for")]
    Damaged,
}

impl VaultError {
    fn unusable(path: &Path, source: io::Error) -> Self {
        Self::Unusable {
            path: path.into(),
            source,
        }
    }

    fn malformed(path: &Path, reason: String) -> Self {
        Self::Malformed {
            path: path.into(),
            reason,
        }
    }
}

/// What a sealed value is: one that was sealed as one thing does not open as another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    IdNumber = 1,
    Binding = 2,
    Profile = 3,
    WebhookSecret = 16,
}

/// Seals and opens with the keys of one key file.
pub struct Vault {
    path: PathBuf,
    keys: ArcSwap<Keys>,
    /// Held while the keys are changed, so that no change is lost to another.
    changes: Mutex<()>,
    nonces: Mutex<Nonces>,
}

/// Shows which keys there are, never one of them.
impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys = self.keys.load();
        f.debug_struct("Vault")
            .field("current", &keys.current)
            .field("sealing", &keys.sealing.keys())
            .finish_non_exhaustive()
    }
}

impl Vault {
    /// Writes new random keys to a file that does not exist yet, for its owner only.
    ///
    /// # Errors
    /// `Exists`, or `Unusable` where the file cannot be written.
    pub fn create(path: &Path) -> Result<(), VaultError> {
        Self::create_with(path, Algorithm::default())
    }

    /// The same, with the cipher that its sealing key is for.
    ///
    /// # Errors
    /// As [`Self::create`].
    pub fn create_with(path: &Path, algorithm: Algorithm) -> Result<(), VaultError> {
        key_file::create(path, algorithm)
    }

    /// Takes the keys of a file into use.
    ///
    /// # Errors
    /// `Exposed` where others may read it; `Unusable`, `Malformed`.
    pub fn open(path: &Path) -> Result<Self, VaultError> {
        Ok(Self {
            path: path.into(),
            keys: ArcSwap::from_pointee(Keys::open(path)?),
            changes: Mutex::new(()),
            nonces: Mutex::new(Nonces::new()),
        })
    }

    /// One wage row as the store takes it: people sealed and blinded.
    pub fn seal_row(&self, row: &WageRow) -> SealedRow {
        let worker_blind = self.blind_id_number(&row.id_number);
        let binding_blind = self.blind_binding(row);
        SealedRow {
            row: row.row,
            worker_blind,
            worker_sealed: self.seal(
                Purpose::IdNumber,
                &worker_blind,
                &[row.id_number.clear().as_bytes()],
            ),
            binding_blind,
            account_blind: self.blind_of_account(&row.account),
            binding_sealed: self.seal_binding(&binding_blind, &row.name, &row.account),
            cnaps: row.cnaps.as_ref().map(ToString::to_string),
            amount: row.amount,
        }
    }

    /// Name and account of a binding, from its place.
    ///
    /// # Errors
    /// `NoKey`, `Form`, or `Damaged` where the value does not belong to this blind index.
    pub fn open_binding(
        &self,
        blind: &Blind,
        sealed: &[u8],
    ) -> Result<(PersonName, BankAccount), VaultError> {
        let clear = self.open_sealed(Purpose::Binding, blind, sealed)?;
        let (length, rest) = clear.split_first().ok_or(VaultError::Damaged)?;
        let (name, account) = rest
            .split_at_checked(usize::from(*length))
            .ok_or(VaultError::Damaged)?;
        let name = PersonName::parse(text(name)?).map_err(|_| VaultError::Damaged)?;
        let (account, _) = BankAccount::parse(text(account)?).map_err(|_| VaultError::Damaged)?;
        Ok((name, account))
    }

    /// A worker's identity number, from its place.
    ///
    /// # Errors
    /// As [`Self::open_binding`].
    pub fn open_id_number(&self, blind: &Blind, sealed: &[u8]) -> Result<IdNumber, VaultError> {
        let clear = self.open_sealed(Purpose::IdNumber, blind, sealed)?;
        IdNumber::parse(text(&clear)?).map_err(|_| VaultError::Damaged)
    }

    /// The blind index of an account number as a bank's document gives it; `None` where the text is no account number.
    pub fn blind_account(&self, account: &str) -> Option<Blind> {
        let (account, _) = BankAccount::parse(account).ok()?;
        Some(self.blind_of_account(&account))
    }

    /// The blind index of an identity number.
    pub fn blind_id_number(&self, id: &IdNumber) -> Blind {
        blind(&self.keys.load().blind.id_number, &[id.clear()])
    }

    /// The blind index of a registered name: in the normal form of names, so that another spelling of the middle dot is the same.
    pub fn blind_name(&self, name: &PersonName) -> Blind {
        // Two fields: no binding has so few, and none can come to the same bytes.
        blind(&self.keys.load().blind.binding, &["name", name.clear()])
    }

    /// The blind indexes of one row, and nothing sealed.
    pub fn row_key(&self, row: &WageRow) -> RowKey {
        RowKey {
            worker_blind: self.blind_id_number(&row.id_number),
            binding_blind: self.blind_binding(row),
            account_blind: self.blind_of_account(&row.account),
        }
    }

    fn blind_of_account(&self, account: &BankAccount) -> Blind {
        blind(&self.keys.load().blind.account, &[account.clear()])
    }

    fn blind_binding(&self, row: &WageRow) -> Blind {
        self.blind_card(&row.account, &row.name, row.cnaps.as_ref())
    }

    /// `length of name | name | account`.
    fn seal_binding(&self, blind: &Blind, name: &PersonName, account: &BankAccount) -> Vec<u8> {
        let name = name.clear().as_bytes();
        let length = u8::try_from(name.len()).expect("60 characters are at most 240 bytes");
        self.seal(
            Purpose::Binding,
            blind,
            &[&[length], name, account.clear().as_bytes()],
        )
    }

    /// The parts are copied once, into the buffer that is encrypted in place: no clear copy stays behind.
    fn seal(&self, purpose: Purpose, blind: &Blind, parts: &[&[u8]]) -> Vec<u8> {
        let keys = self.keys.load();
        let head = keys.head();
        let nonce = self.next_nonce();
        let length: usize = parts.iter().map(|part| part.len()).sum();
        let mut sealed = Vec::with_capacity(HEAD_LEN + NONCE_LEN + length + MAX_TAG_LEN);
        sealed.extend_from_slice(&head);
        sealed.extend_from_slice(&nonce);
        let clear_from = sealed.len();
        parts.iter().for_each(|part| sealed.extend_from_slice(part));
        let tag = keys.current().rows.seal(
            nonce,
            &associated(&head, purpose, blind),
            sealed.get_mut(clear_from..).unwrap_or_default(),
        );
        sealed.extend_from_slice(&tag);
        sealed
    }

    fn open_sealed(
        &self,
        purpose: Purpose,
        blind: &Blind,
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        let (head, rest) = sealed.split_first_chunk().ok_or(VaultError::Damaged)?;
        let (nonce, rest) = rest
            .split_first_chunk::<NONCE_LEN>()
            .ok_or(VaultError::Damaged)?;
        let mut clear = Zeroizing::new(rest.to_vec());
        let associated = associated(head, purpose, blind);
        let key = self.key_of(head)?;
        let length = key.rows.open(*nonce, &associated, &mut clear)?.len();
        clear.truncate(length);
        Ok(clear)
    }

    fn key_of(&self, head: &[u8; HEAD_LEN]) -> Result<Arc<SealingKey>, VaultError> {
        let [version, id @ ..] = *head;
        let algorithm = Algorithm::of_form(version).ok_or(VaultError::Form { version })?;
        let id = u32::from_be_bytes(id);
        let keys = self.keys.load();
        let key = keys.sealing.get(&id).ok_or(VaultError::NoKey { id })?;
        // A key is used with one cipher alone.
        if key.algorithm != algorithm {
            return Err(VaultError::Damaged);
        }
        Ok(Arc::clone(key))
    }

    fn changing(&self) -> MutexGuard<'_, ()> {
        self.changes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn next_nonce(&self) -> [u8; NONCE_LEN] {
        self.nonces
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .next()
    }
}

/// What is authenticated with a value and not stored with it: its form and key, what it is, and the row it belongs to.
fn associated(head: &[u8; HEAD_LEN], purpose: Purpose, blind: &Blind) -> [u8; HEAD_LEN + 1 + 16] {
    let mut bytes = [0; HEAD_LEN + 1 + 16];
    let purpose = [purpose as u8];
    let parts = head.iter().chain(&purpose).chain(blind);
    bytes
        .iter_mut()
        .zip(parts)
        .for_each(|(to, from)| *to = *from);
    bytes
}

/// HMAC-SHA-256, cut to 16 bytes; every field with its length first, so that no two lists of fields give the same bytes.
fn blind(key: &hmac::Key, fields: &[&str]) -> Blind {
    let mut context = hmac::Context::with_key(key);
    for field in fields {
        context.update(&(field.len() as u64).to_be_bytes());
        context.update(field.as_bytes());
    }
    *context
        .sign()
        .as_ref()
        .first_chunk()
        .expect("a SHA-256 tag has 32 bytes")
}

fn text(bytes: &[u8]) -> Result<&str, VaultError> {
    std::str::from_utf8(bytes).map_err(|_| VaultError::Damaged)
}

/// Random nonces, fetched many at a time: one call a nonce costs ten times as much. Good for some 2^32 values under one key.
struct Nonces {
    pool: [[u8; NONCE_LEN]; 256],
    used: usize,
}

impl Nonces {
    const fn new() -> Self {
        Self {
            pool: [[0; NONCE_LEN]; 256],
            used: 256,
        }
    }

    fn next(&mut self) -> [u8; NONCE_LEN] {
        if self.used == self.pool.len() {
            aws_lc_rs::rand::fill(self.pool.as_flattened_mut())
                .expect("the system gives random bytes");
            self.used = 0;
        }
        let nonce = self.pool[self.used];
        self.used += 1;
        nonce
    }
}

#[cfg(test)]
mod tests;
