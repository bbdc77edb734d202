//! Change of sealing keys while the gateway runs: keys of the file are taken into use, another one becomes current, and what was sealed with an
//! older one is sealed anew. When, and who must know the key before, is `rotation`'s to say.

use std::{path::Path, sync::Arc};

use super::{Blind, Print, Purpose, Vault, VaultError, head, key_file, keys::Keys};

/// One sealing key as it is spoken of: never the key itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyPrint {
    /// Its number in the key file.
    pub id: u32,
    /// The same wherever it is the same key.
    pub print: Print,
}

impl Vault {
    /// Adds a random sealing key to a key file under the next id, and gives the id. It is not current yet.
    ///
    /// # Errors
    /// As [`Self::open`], or where the file cannot be replaced; then it is as it was.
    pub fn add_key(path: &Path) -> Result<u32, VaultError> {
        Keys::open(path)?;
        key_file::add(path)
    }

    /// Takes a sealing key out of a key file whose `current` is another one from then on. Whether nothing needs the key any more is the caller's to know.
    ///
    /// # Errors
    /// `NoKey`, `Current`, or as [`Self::add_key`].
    pub fn remove_key(path: &Path, id: u32, current: u32) -> Result<(), VaultError> {
        Keys::open(path)?;
        key_file::remove(path, id, current)
    }

    /// Takes the keys of the file as it is now; the current one stays current. Where the file cannot be used, the keys in use stay.
    ///
    /// # Errors
    /// As [`Self::open`]; `Malformed` also where a key in use is gone or another one.
    pub fn reread(&self) -> Result<(), VaultError> {
        let fresh = Keys::open(&self.path)?;
        let _alone = self.changing();
        let fresh = fresh
            .after(&self.keys.load())
            .map_err(|reason| VaultError::malformed(&self.path, reason))?;
        self.keys.store(Arc::new(fresh));
        Ok(())
    }

    /// Seals with another key from now on.
    ///
    /// # Errors
    /// `NoKey`; `Foreign` where the key of this id is another one here.
    pub fn make_current(&self, key: KeyPrint) -> Result<(), VaultError> {
        let _alone = self.changing();
        let keys = self.keys.load();
        let own = keys.sealing.get(&key.id);
        let own = own.ok_or(VaultError::NoKey { id: key.id })?;
        if own.print != key.print {
            return Err(VaultError::Foreign { id: key.id });
        }
        if keys.current != key.id {
            let mut fresh = Keys::clone(&keys);
            fresh.current = key.id;
            self.keys.store(Arc::new(fresh));
        }
        Ok(())
    }

    /// The key that seals now.
    pub fn current_key(&self) -> KeyPrint {
        let keys = self.keys.load();
        KeyPrint {
            id: keys.current,
            print: keys.current().print,
        }
    }

    /// Every sealing key there is, by id.
    pub fn known_keys(&self) -> Vec<KeyPrint> {
        let keys = self.keys.load();
        let known = keys.sealing.iter().map(|(id, key)| KeyPrint {
            id: *id,
            print: key.print,
        });
        known.collect()
    }

    /// Tells the blind keys from those of another installation.
    pub fn blind_print(&self) -> Print {
        self.keys.load().blind.print()
    }

    /// The same value sealed with the current key; `None` where it is already.
    ///
    /// # Errors
    /// As [`Self::open_binding`].
    pub(crate) fn reseal(
        &self,
        purpose: Purpose,
        blind: &Blind,
        sealed: &[u8],
    ) -> Result<Option<Vec<u8>>, VaultError> {
        if sealed.starts_with(&head(self.keys.load().current)) {
            return Ok(None);
        }
        let clear = self.open_sealed(purpose, blind, sealed)?;
        Ok(Some(self.seal(purpose, blind, &[&clear])))
    }
}

/// So many first bytes of anything sealed tell its key.
pub(crate) const SEALED_HEAD: usize = super::HEAD_LEN;

/// The id of the key that something was sealed with, from its first bytes; `None` where it is nothing that this program sealed.
pub(crate) fn key_id(sealed: &[u8]) -> Option<u32> {
    let [version, id @ ..] = *sealed.first_chunk::<SEALED_HEAD>()?;
    (version == super::VERSION).then(|| u32::from_be_bytes(id))
}
