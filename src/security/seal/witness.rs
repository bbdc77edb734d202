//! Marks what the gateway wrote down as a witness of its own audit log: whoever edits the database cannot make the mark without the key file.

use aws_lc_rs::hmac;

use super::Vault;

impl Vault {
    /// The mark of a line: a keyed hash that only this key file makes. Its key comes from one that never changes, so that old marks stay good
    /// when the sealing key does not.
    pub fn witness_tag(&self, line: &str) -> [u8; 32] {
        // No list of fields that is blinded begins with this length.
        let key = hmac::sign(&self.keys.load().blind.binding, b"wagegate audit witness");
        let key = hmac::Key::new(hmac::HMAC_SHA256, key.as_ref());
        *hmac::sign(&key, line.as_bytes())
            .as_ref()
            .first_chunk()
            .expect("a SHA-256 tag has 32 bytes")
    }
}
