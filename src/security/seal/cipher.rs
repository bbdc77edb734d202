//! The two ciphers that seal: AES-256-GCM, and SM4-GCM (GB/T 32907, RFC 8998) where the rules ask for it. Each sealing key has one of them, and the first
//! byte of whatever it sealed says which.

use aes_gcm::{
    AeadInOut as _, AesGcm, KeyInit as _,
    aead::{array::Array, consts::U12},
};
use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, LessSafeKey, MAX_TAG_LEN, NONCE_LEN, Nonce, UnboundKey},
    hkdf,
};
use clap::ValueEnum;
use serde::Deserialize;
use sm4::Sm4;
use zeroize::Zeroizing;

use super::VaultError;

type Sm4Gcm = AesGcm<Sm4, U12>;

/// With what a sealing key seals.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ValueEnum)]
pub enum Algorithm {
    /// AES with 256-bit keys, in GCM.
    #[default]
    #[serde(rename = "aes-256-gcm")]
    #[value(name = "aes-256-gcm")]
    Aes256Gcm,
    /// SM4 in GCM.
    #[serde(rename = "sm4-gcm")]
    #[value(name = "sm4-gcm")]
    Sm4Gcm,
}

impl Algorithm {
    const ALL: [Self; 2] = [Self::Aes256Gcm, Self::Sm4Gcm];

    /// As it is written in the key file.
    pub(crate) const fn code(self) -> &'static str {
        match self {
            Self::Aes256Gcm => "aes-256-gcm",
            Self::Sm4Gcm => "sm4-gcm",
        }
    }

    /// The first byte of everything sealed with it.
    pub(super) const fn form(self) -> u8 {
        match self {
            Self::Aes256Gcm => 1,
            Self::Sm4Gcm => 2,
        }
    }

    /// The algorithm of a first byte.
    pub(super) fn of_form(form: u8) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|algorithm| algorithm.form() == form)
    }
}

/// A cipher with its key.
pub(super) enum Cipher {
    Aes(LessSafeKey),
    Sm4(Box<Sm4Gcm>),
}

/// 128 bits out of HKDF.
struct Sm4Key;

impl hkdf::KeyType for Sm4Key {
    fn len(&self) -> usize {
        16
    }
}

impl Cipher {
    /// The key that `root` gives for a purpose.
    pub(super) fn derive(algorithm: Algorithm, root: &hkdf::Prk, purpose: &[&[u8]]) -> Self {
        const ENOUGH: &str = "HKDF-SHA-256 gives up to 8,160 bytes, and this asks for 32 at most";
        match algorithm {
            Algorithm::Aes256Gcm => {
                let key = root.expand(purpose, &AES_256_GCM).expect(ENOUGH);
                Self::Aes(LessSafeKey::new(UnboundKey::from(key)))
            }
            Algorithm::Sm4Gcm => {
                let mut key = Zeroizing::new([0; 16]);
                root.expand(purpose, Sm4Key)
                    .and_then(|bytes| bytes.fill(key.as_mut_slice()))
                    .expect(ENOUGH);
                Self::sm4(&key)
            }
        }
    }

    fn sm4(key: &[u8; 16]) -> Self {
        Self::Sm4(Box::new(Sm4Gcm::new(&Array::from(*key))))
    }

    /// Encrypts in place and gives the tag.
    pub(super) fn seal(
        &self,
        nonce: [u8; NONCE_LEN],
        associated: &[u8],
        clear: &mut [u8],
    ) -> [u8; MAX_TAG_LEN] {
        const SHORT: &str = "GCM seals whatever is shorter than 64 GiB";
        match self {
            Self::Aes(key) => {
                let nonce = Nonce::assume_unique_for_key(nonce);
                let tag = key
                    .seal_in_place_separate_tag(nonce, Aad::from(associated), clear)
                    .expect(SHORT);
                *tag.as_ref().first_chunk().expect("a GCM tag has 16 bytes")
            }
            Self::Sm4(key) => key
                .encrypt_inout_detached(&Array::from(nonce), associated, clear.into())
                .expect(SHORT)
                .into(),
        }
    }

    /// Decrypts in place what a tag follows.
    pub(super) fn open<'a>(
        &self,
        nonce: [u8; NONCE_LEN],
        associated: &[u8],
        sealed: &'a mut [u8],
    ) -> Result<&'a mut [u8], VaultError> {
        match self {
            Self::Aes(key) => {
                let nonce = Nonce::assume_unique_for_key(nonce);
                key.open_in_place(nonce, Aad::from(associated), sealed)
                    .map_err(|_| VaultError::Damaged)
            }
            Self::Sm4(key) => {
                let (clear, tag) = sealed
                    .split_last_chunk_mut::<MAX_TAG_LEN>()
                    .ok_or(VaultError::Damaged)?;
                key.decrypt_inout_detached(
                    &Array::from(nonce),
                    associated,
                    (&mut *clear).into(),
                    &Array::from(*tag),
                )
                .map_err(|_| VaultError::Damaged)?;
                Ok(clear)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 8998, appendix A.1.
    #[test]
    fn sm4_in_gcm_gives_what_the_standard_gives() {
        let hex = |text: &str| hex::decode(text).unwrap();
        let key: [u8; 16] = hex("0123456789abcdeffedcba9876543210").try_into().unwrap();
        let nonce: [u8; 12] = hex("00001234567800000000abcd").try_into().unwrap();
        let associated = hex("feedfacedeadbeeffeedfacedeadbeefabaddad2");
        let clear = hex(
            "aaaaaaaaaaaaaaaabbbbbbbbbbbbbbbbccccccccccccccccddddddddddddddddeeeeeeeeeeeeeeeeffffffffffffffffeeeeeeeeeeeeeeeeaaaaaaaaaaaaaaaa",
        );
        let expected = hex(
            "17f399f08c67d5ee19d0dc9969c4bb7d5fd46fd3756489069157b282bb200735d82710ca5c22f0ccfa7cbf93d496ac15a56834cbcf98c397b4024a2691233b8d",
        );
        let cipher = Cipher::sm4(&key);
        let mut text = clear.clone();
        let tag = cipher.seal(nonce, &associated, &mut text);
        assert_eq!(text, expected);
        assert_eq!(tag.to_vec(), hex("83de3541e4c2b58177e065a9bf7b62ec"));
        text.extend_from_slice(&tag);
        assert_eq!(
            cipher.open(nonce, &associated, &mut text.clone()).unwrap(),
            clear
        );
        for place in 0..text.len() {
            let mut flipped = text.clone();
            flipped[place] ^= 1;
            assert!(cipher.open(nonce, &associated, &mut flipped).is_err());
        }
        assert!(cipher.open(nonce, b"", &mut text.clone()).is_err());
        assert!(cipher.open(nonce, b"", &mut text[..15]).is_err());
    }
}
