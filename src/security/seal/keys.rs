//! Keys ready for use. Sealing keys come by number, one of them current: new data takes the current one, old data finds its own. Blind keys do
//! not change: a blind index must be the same for ever, or the same worker would be two.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use aws_lc_rs::{hkdf, hmac};

use super::{
    HEAD_LEN, VaultError,
    cipher::{Algorithm, Cipher},
    key_file::{self, KeyFile, Secret},
};

/// Tells one key from another and says nothing else about it.
pub type Print = [u8; 16];

/// Everything in the key file, made ready for use.
#[derive(Clone)]
pub(super) struct Keys {
    pub(super) current: u32,
    pub(super) sealing: BTreeMap<u32, Arc<SealingKey>>,
    pub(super) blind: Arc<BlindKeys>,
}

/// One sealing key: never used itself, but to derive the key for rows and one key for each file.
pub(super) struct SealingKey {
    root: hkdf::Prk,
    pub(super) algorithm: Algorithm,
    pub(super) rows: Cipher,
    pub(super) print: Print,
}

/// One key for each field, so that indexes of different fields cannot be compared.
pub(super) struct BlindKeys {
    pub(super) id_number: hmac::Key,
    pub(super) account: hmac::Key,
    pub(super) binding: hmac::Key,
}

impl Keys {
    pub(super) fn open(path: &Path) -> Result<Self, VaultError> {
        Self::from_file(key_file::read(path)?).map_err(|reason| VaultError::malformed(path, reason))
    }

    fn from_file(file: KeyFile) -> Result<Self, String> {
        let mut sealing = BTreeMap::new();
        for entry in file.sealing {
            let key = Arc::new(SealingKey::new(entry.algorithm, &entry.key));
            if sealing.insert(entry.id, key).is_some() {
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
            blind: Arc::new(BlindKeys {
                id_number: blind(&file.blind.id_number),
                account: blind(&file.blind.account),
                binding: blind(&file.blind.binding),
            }),
        })
    }

    pub(super) fn current(&self) -> &SealingKey {
        self.sealing
            .get(&self.current)
            .expect("keys without their current one are refused")
    }

    /// How everything begins that is sealed now.
    pub(super) fn head(&self) -> [u8; HEAD_LEN] {
        let [a, b, c, d] = self.current.to_be_bytes();
        [self.current().algorithm.form(), a, b, c, d]
    }

    /// These keys as the successors of those in use, which keep their current one.
    ///
    /// # Errors
    /// A key that is in use is gone, or is another one under the same id.
    pub(super) fn after(self, before: &Self) -> Result<Self, String> {
        if self.blind.print() != before.blind.print() {
            return Err("a key under [blind] is not the one it was".into());
        }
        for (id, key) in &self.sealing {
            let known = before.sealing.get(id);
            if known.is_some_and(|known| known.print != key.print) {
                return Err(format!("sealing key {id} is not the one it was"));
            }
        }
        if !self.sealing.contains_key(&before.current) {
            return Err(format!(
                "sealing key {} is current and not there",
                before.current
            ));
        }
        Ok(Self {
            current: before.current,
            ..self
        })
    }
}

impl SealingKey {
    fn new(algorithm: Algorithm, secret: &Secret) -> Self {
        let root = hkdf::Salt::new(hkdf::HKDF_SHA256, b"").extract(secret.0.as_slice());
        let rows = Cipher::derive(algorithm, &root, &[b"wagegate rows"]);
        let print = print(algorithm, &root);
        Self {
            root,
            algorithm,
            rows,
            print,
        }
    }

    /// The key of one file, which has this salt to itself: nonces inside a file may then simply count.
    pub(super) fn file(&self, salt: &[u8; 32]) -> Cipher {
        Cipher::derive(self.algorithm, &self.root, &[b"wagegate file", salt])
    }
}

impl BlindKeys {
    /// Tells these keys from others.
    pub(super) fn print(&self) -> Print {
        let mut all = hmac::Context::with_key(&self.id_number);
        for key in [&self.account, &self.binding] {
            all.update(hmac::sign(key, b"wagegate print").as_ref());
        }
        *all.sign()
            .as_ref()
            .first_chunk()
            .expect("a SHA-256 tag has 32 bytes")
    }
}

/// Of the key and what it is used with: the same bits with another cipher are another key.
fn print(algorithm: Algorithm, root: &hkdf::Prk) -> Print {
    let mut bytes = [0; 32];
    let purpose = [b"wagegate print ".as_slice(), algorithm.code().as_bytes()];
    root.expand(&purpose, hkdf::HKDF_SHA256)
        .and_then(|print| print.fill(&mut bytes))
        .expect("HKDF-SHA-256 gives up to 8,160 bytes, and this asks for 32");
    *bytes.first_chunk().expect("32 bytes hold 16")
}
