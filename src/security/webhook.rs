//! Secrets shared with receivers of webhooks, and the signatures made with them, in the form of Standard Webhooks. Where they are kept sealed is
//! the `Vault`'s.

use std::fmt;

use aws_lc_rs::hmac;
use base64::{Engine, engine::general_purpose::STANDARD};
use jiff::Timestamp;
use zeroize::Zeroizing;

/// Bytes of a new secret.
const LENGTH: usize = 32;

/// A secret that one receiver and the gateway know.
pub struct Secret(Zeroizing<Vec<u8>>);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

impl Secret {
    /// A new one.
    pub fn fresh() -> Self {
        Self(Zeroizing::new(random::<LENGTH>().to_vec()))
    }

    pub(super) fn from_bytes(bytes: Zeroizing<Vec<u8>>) -> Self {
        Self(bytes)
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// As its receiver gets it, once: `whsec_` and base64.
    pub fn shown(&self) -> String {
        format!("whsec_{}", STANDARD.encode(&*self.0))
    }

    /// The signature of one try: `v1,` and the HMAC-SHA256 of `id.timestamp.body` in base64.
    pub fn sign(&self, id: &str, at: Timestamp, body: &str) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &self.0);
        let signed = format!("{id}.{}.{body}", at.as_second());
        let tag = hmac::sign(&key, signed.as_bytes());
        format!("v1,{}", STANDARD.encode(tag.as_ref()))
    }
}

/// A number that nobody guesses, for the public name of a subscription.
pub fn fresh_code() -> [u8; 16] {
    random()
}

fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    aws_lc_rs::rand::fill(&mut bytes).expect("the system gives random bytes");
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example that the Standard Webhooks specification and its libraries test with.
    #[test]
    fn a_signature_is_the_one_of_the_specification() {
        let bytes = STANDARD.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let secret = Secret::from_bytes(Zeroizing::new(bytes));
        assert_eq!(secret.shown(), "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
        let at = Timestamp::from_second(1_614_265_330).unwrap();
        assert_eq!(
            secret.sign(
                "msg_p5jXN8AQM9LWM0D4loKWxJek",
                at,
                r#"{"test": 2432232314}"#
            ),
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
        );
    }

    #[test]
    fn no_two_secrets_are_alike_and_none_shows_itself() {
        let (one, other) = (Secret::fresh(), Secret::fresh());
        assert_ne!(one.shown(), other.shown());
        assert_eq!(format!("{one:?}"), "Secret");
    }
}
