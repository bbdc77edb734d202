//! Change of sealing keys while the gateway runs: keys of the file are taken into use, another one becomes current, and what was sealed with an
//! older one is sealed anew. When, and who must know the key before, is `rotation`'s to say.

use std::{path::Path, sync::Arc};

use super::{Algorithm, Blind, HEAD_LEN, Print, Purpose, Vault, VaultError, key_file, keys::Keys};

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
    pub fn add_key(path: &Path, algorithm: Algorithm) -> Result<u32, VaultError> {
        Keys::open(path)?;
        key_file::add(path, algorithm)
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
        if sealed.starts_with(&self.keys.load().head()) {
            return Ok(None);
        }
        let clear = self.open_sealed(purpose, blind, sealed)?;
        Ok(Some(self.seal(purpose, blind, &[&clear])))
    }
}

/// So many first bytes of anything sealed tell its key.
pub(crate) const SEALED_HEAD: usize = HEAD_LEN;

/// The id of the key that something was sealed with, from its first bytes; `None` where it is nothing that this program sealed.
pub(crate) fn key_id(sealed: &[u8]) -> Option<u32> {
    let [form, id @ ..] = *sealed.first_chunk::<SEALED_HEAD>()?;
    Algorithm::of_form(form).map(|_| u32::from_be_bytes(id))
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt as _};

    use tempfile::TempDir;

    use super::*;

    const BLIND: Blind = [5; 16];

    struct Folder(TempDir);

    impl Folder {
        fn new() -> Self {
            let folder = Self(tempfile::tempdir().unwrap());
            Vault::create(&folder.keys()).unwrap();
            folder
        }

        fn keys(&self) -> std::path::PathBuf {
            self.0.path().join("keys.toml")
        }

        fn vault(&self) -> Vault {
            Vault::open(&self.keys()).unwrap()
        }
    }

    fn ids(vault: &Vault) -> Vec<u32> {
        vault.known_keys().iter().map(|key| key.id).collect()
    }

    #[test]
    fn a_key_is_added_known_made_current_and_taken_away_while_the_vault_is_in_use() {
        let folder = Folder::new();
        let vault = folder.vault();
        let old = vault.seal(Purpose::Binding, &BLIND, &[b"clear"]);
        assert_eq!(
            Vault::add_key(&folder.keys(), Algorithm::Sm4Gcm).unwrap(),
            2
        );
        assert_eq!(ids(&vault), [1], "nobody has looked yet");
        vault.reread().unwrap();
        assert_eq!((ids(&vault), vault.current_key().id), (vec![1, 2], 1));

        vault.make_current(vault.known_keys()[1]).unwrap();
        let new = vault.reseal(Purpose::Binding, &BLIND, &old).unwrap();
        let new = new.unwrap();
        assert_eq!((key_id(&old), key_id(&new)), (Some(1), Some(2)));
        assert_eq!(vault.reseal(Purpose::Binding, &BLIND, &new).unwrap(), None);

        Vault::remove_key(&folder.keys(), 1, 2).unwrap();
        vault.reread().unwrap();
        for vault in [vault, folder.vault()] {
            assert_eq!((ids(&vault), vault.current_key().id), (vec![2], 2));
            let opened = vault.open_sealed(Purpose::Binding, &BLIND, &new).unwrap();
            assert_eq!(opened.as_slice(), b"clear");
            let gone = vault.open_sealed(Purpose::Binding, &BLIND, &old);
            assert!(matches!(gone, Err(VaultError::NoKey { id: 1 })));
        }
    }

    #[test]
    fn the_file_stays_the_owners_and_nothing_is_left_beside_it() {
        let folder = Folder::new();
        let blind = folder.vault().blind_print();
        for _ in 0..3 {
            Vault::add_key(&folder.keys(), Algorithm::Aes256Gcm).unwrap();
        }
        Vault::remove_key(&folder.keys(), 3, 1).unwrap();
        let mode = fs::metadata(folder.keys()).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(fs::read_dir(folder.0.path()).unwrap().count(), 1);
        assert_eq!(folder.vault().blind_print(), blind);
        assert_eq!(ids(&folder.vault()), [1, 2, 4]);
        assert_eq!(
            Vault::add_key(&folder.keys(), Algorithm::Aes256Gcm).unwrap(),
            5
        );
    }

    #[test]
    fn the_id_of_a_key_that_was_taken_away_is_never_given_again() {
        let folder = Folder::new();
        let add = || Vault::add_key(&folder.keys(), Algorithm::Aes256Gcm).unwrap();
        assert_eq!((add(), add()), (2, 3));
        Vault::remove_key(&folder.keys(), 3, 1).unwrap();
        Vault::remove_key(&folder.keys(), 2, 1).unwrap();
        assert_eq!(add(), 4);
        // A file from before does not say what was given.
        let text = fs::read_to_string(folder.keys()).unwrap();
        fs::write(folder.keys(), text.replace("last = 4\n", "")).unwrap();
        assert_eq!(add(), 5);
    }

    #[test]
    fn a_key_that_is_current_or_not_there_is_not_taken_away() {
        let folder = Folder::new();
        let text = fs::read(folder.keys()).unwrap();
        let current = Vault::remove_key(&folder.keys(), 1, 1);
        assert!(matches!(current, Err(VaultError::Current { id: 1 })));
        for (id, current) in [(9, 1), (1, 9)] {
            let refused = Vault::remove_key(&folder.keys(), id, current);
            assert!(matches!(refused, Err(VaultError::NoKey { id: 9 })));
        }
        assert!(fs::read(folder.keys()).unwrap() == text);
    }

    #[test]
    fn a_file_that_would_lose_what_is_sealed_is_not_taken_into_use() {
        let (folder, other) = (Folder::new(), Folder::new());
        let vault = folder.vault();
        let before = vault.known_keys();
        let own = fs::read_to_string(folder.keys()).unwrap();
        let foreign = fs::read_to_string(other.keys()).unwrap();
        let key_of = |text: &str| {
            text.lines()
                .find(|line| line.starts_with("key"))
                .map(str::to_owned)
                .unwrap()
        };
        for (bad, why) in [
            (foreign.clone(), "[blind]"),
            (
                own.replace(&key_of(&own), &key_of(&foreign)),
                "sealing key 1 is not the one it was",
            ),
            (
                own.replace("id = 1", "id = 7")
                    .replace("current = 1", "current = 7"),
                "sealing key 1 is current and not there",
            ),
            (own.replace("current", "curent"), "line"),
        ] {
            fs::write(folder.keys(), bad).unwrap();
            let error = vault.reread().unwrap_err().to_string();
            assert!(error.contains(why), "{error}");
            assert_eq!(vault.known_keys(), before);
        }
        let stranger = KeyPrint {
            id: 1,
            print: [0; 16],
        };
        assert!(matches!(
            vault.make_current(stranger),
            Err(VaultError::Foreign { id: 1 })
        ));
    }
}
