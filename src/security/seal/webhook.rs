//! Seals the secrets of webhooks, each to its subscription.

use super::{Blind, Purpose, Vault, VaultError};
use crate::security::webhook::Secret;

impl Vault {
    /// Seals a secret to the code of its subscription.
    pub fn seal_webhook_secret(&self, code: &Blind, secret: &Secret) -> Vec<u8> {
        self.seal(Purpose::WebhookSecret, code, &[secret.bytes()])
    }

    /// Opens the secret of a subscription.
    ///
    /// # Errors
    /// `NoKey`, `Form`, or `Damaged` where it is not this subscription's.
    pub fn open_webhook_secret(&self, code: &Blind, sealed: &[u8]) -> Result<Secret, VaultError> {
        self.open_sealed(Purpose::WebhookSecret, code, sealed)
            .map(Secret::from_bytes)
    }
}
