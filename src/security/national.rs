//! The secrets that projects share with the national platform of construction workers, and what that platform's data standard does with
//! them: AES-256-CBC over single values, SHA-256 over a whole request.
//!
//! Both are as the standard has them, and weak: the IV is part of the key, so that equal values look equal, and a request is signed in lower
//! case, so that the case of a sealed value is not covered. Values are opened on their way in and sealed by the vault like all others; no
//! platform's ciphertext is kept.

use std::{
    collections::BTreeMap,
    fmt,
    fs::File,
    io::{self, Read as _},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use aws_lc_rs::{
    cipher::{
        AES_256, DecryptionContext, EncryptionContext, PaddedBlockDecryptingKey,
        PaddedBlockEncryptingKey, UnboundCipherKey,
    },
    constant_time::verify_slices_are_equal,
    iv::FixedLength,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

const KEY: usize = 32;
const IV: usize = 16;
/// Longest sealed value taken: names and numbers of people fit in many times over.
const SEALED_MAX: usize = 4_096;

/// One project's secret (appsecret) of 32 characters, wiped when dropped.
pub struct NationalSecret(Zeroizing<[u8; KEY]>);

/// A value of the national platform could not be opened; it is not said which.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NationalError {
    /// Not Base64, or longer than any sealed value.
    #[error("not Base64 of a sealed value")]
    Form,
    /// Not sealed with this project's secret, or damaged on its way.
    #[error("does not open with this project's secret")]
    Sealed,
}

/// The text is no secret; the text itself is not shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a secret has 32 characters: letters, digits and signs")]
pub struct NotSecret;

impl NationalSecret {
    /// Takes the 32 characters; space around them does not count.
    ///
    /// # Errors
    /// There are more or fewer, or others than ASCII has.
    pub fn parse(text: &str) -> Result<Self, NotSecret> {
        let mut key = Zeroizing::new([0; KEY]);
        let bytes = text.trim().as_bytes();
        if bytes.len() != KEY || !bytes.iter().all(u8::is_ascii_graphic) {
            return Err(NotSecret);
        }
        key.copy_from_slice(bytes);
        Ok(Self(key))
    }

    /// Opens one value: Base64 of AES-256-CBC with PKCS#7 padding.
    ///
    /// # Errors
    /// It is not Base64, not of this secret, or not text.
    pub fn open(&self, base64: &str) -> Result<Zeroizing<String>, NationalError> {
        if base64.len() > SEALED_MAX {
            return Err(NationalError::Form);
        }
        let mut bytes = Zeroizing::new(
            STANDARD
                .decode(base64.trim())
                .map_err(|_| NationalError::Form)?,
        );
        let key =
            PaddedBlockDecryptingKey::cbc_pkcs7(self.key()).map_err(|_| NationalError::Sealed)?;
        let clear = key
            .decrypt(&mut bytes, DecryptionContext::Iv128(self.iv()))
            .map_err(|_| NationalError::Sealed)?;
        match std::str::from_utf8(clear) {
            Ok(text) => Ok(Zeroizing::new(text.to_owned())),
            Err(_) => Err(NationalError::Sealed),
        }
    }

    /// Seals one value as the platform does.
    pub fn seal(&self, clear: &str) -> String {
        let mut bytes = Zeroizing::new(clear.as_bytes().to_vec());
        PaddedBlockEncryptingKey::cbc_pkcs7(self.key())
            .and_then(|key| key.less_safe_encrypt(&mut *bytes, EncryptionContext::Iv128(self.iv())))
            .expect("AES-256-CBC takes any text with a key of 32 bytes and an IV of 16");
        STANDARD.encode(&*bytes)
    }

    /// The signature of a request: lower-case hexadecimal SHA-256 over its fields in order of their names, the secret last, all in lower case.
    pub fn signature(&self, fields: &BTreeMap<&str, &str>) -> String {
        let mut text = Zeroizing::new(String::new());
        for (name, value) in fields {
            text.extend([name, "=", value, "&"]);
        }
        text.push_str("appsecret=");
        text.extend(self.0.iter().copied().map(char::from));
        let lower = Zeroizing::new(text.to_lowercase());
        hex::encode(Sha256::digest(lower.as_bytes()))
    }

    /// Whether a request with these fields was signed with this secret; takes as long for a wrong signature as for a right one.
    pub fn has_signed(&self, fields: &BTreeMap<&str, &str>, sign: &str) -> bool {
        let right = self.signature(fields);
        verify_slices_are_equal(right.as_bytes(), sign.to_lowercase().as_bytes()).is_ok()
    }

    fn key(&self) -> UnboundCipherKey {
        UnboundCipherKey::new(&AES_256, self.0.as_slice()).expect("the key has 32 bytes")
    }

    fn iv(&self) -> FixedLength<IV> {
        let mut iv = [0; IV];
        iv.copy_from_slice(&self.0[..IV]);
        FixedLength::from(iv)
    }
}

impl fmt::Debug for NationalSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NationalSecret(…)")
    }
}

/// The secret of each project that has one.
#[derive(Debug, Default)]
pub struct NationalSecrets(BTreeMap<String, NationalSecret>);

/// A project's secret cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum NationalSecretsError {
    /// The file is not there, or not for us.
    #[error("{}: {source}", path.display())]
    Unusable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Others could read it.
    #[error("{}: others may read it (mode {mode:03o}); `chmod 600` it and ask for a new secret", path.display())]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// Not 32 characters.
    #[error("{}: {wrong}; write the project's appsecret and nothing else", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What it should be.
        wrong: NotSecret,
    },
    /// One project, two secrets.
    #[error("two [[national]] entries name the project {0}: leave one out")]
    Twice(String),
}

impl NationalSecrets {
    /// Reads the file of each project.
    ///
    /// # Errors
    /// A file cannot be read, is not its owner's alone, or holds no secret; or a project comes twice.
    pub fn open<'a>(
        files: impl IntoIterator<Item = (&'a str, &'a Path)>,
    ) -> Result<Self, NationalSecretsError> {
        let mut secrets = BTreeMap::new();
        for (project, path) in files {
            if secrets.insert(project.to_owned(), read(path)?).is_some() {
                return Err(NationalSecretsError::Twice(project.to_owned()));
            }
        }
        Ok(Self(secrets))
    }

    /// The secret of a project, where it has one.
    pub fn of(&self, project: &str) -> Option<&NationalSecret> {
        self.0.get(project)
    }
}

fn read(path: &Path) -> Result<NationalSecret, NationalSecretsError> {
    let unusable = |source| NationalSecretsError::Unusable {
        path: path.into(),
        source,
    };
    let file = File::open(path).map_err(unusable)?;
    // Asked of the open file, not of the path, which could name another one by now.
    let mode = file.metadata().map_err(unusable)?.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(NationalSecretsError::Exposed {
            path: path.into(),
            mode,
        });
    }
    let mut text = Zeroizing::new(String::with_capacity(4 * KEY));
    file.take(3 * KEY as u64)
        .read_to_string(&mut text)
        .map_err(unusable)?;
    NationalSecret::parse(&text).map_err(|wrong| NationalSecretsError::Malformed {
        path: path.into(),
        wrong,
    })
}

#[cfg(test)]
mod tests;
