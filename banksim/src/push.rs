//! Sends what waits in the outbox to the gateway, oldest first, with the bank's own client certificate. What is not answered
//! with 202 stays and is sent again later.

use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use reqwest::{Certificate, Client, Identity, redirect, tls};
use thiserror::Error;

use crate::bank::Bank;

/// Which of the gateway's two doors a document goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PushPath {
    /// Results and returns.
    Returns,
    /// Money arriving on a special account.
    Deposits,
}

/// A document waiting to be pushed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Push {
    /// Where it goes.
    pub path: PushPath,
    /// Its media type.
    pub content_type: &'static str,
    /// The document.
    pub body: Vec<u8>,
}

/// Why a push did not arrive.
#[derive(Debug, Error)]
pub enum PushError {
    /// A certificate or key file cannot be used.
    #[error("cannot read {0}: {1}")]
    File(String, std::io::Error),
    /// The client could not be made, or the gateway not be reached.
    #[error("push: {0}")]
    Client(#[from] reqwest::Error),
    /// The gateway did not say 202.
    #[error("the gateway answered a push with {0}; it is pushed again later")]
    Answer(u16),
}

/// The way to the gateway.
#[derive(Clone, Debug)]
pub struct Pusher {
    client: Client,
    base: String,
}

impl Pusher {
    /// A client for the gateway at `base` that trusts `ca` only and shows the certificate and key given.
    ///
    /// # Errors
    /// A file is missing or is not PEM.
    pub fn new(base: &str, ca: &Path, certificate: &Path, key: &Path) -> Result<Self, PushError> {
        let roots = Certificate::from_pem_bundle(&read(ca)?)?;
        let identity =
            Identity::from_pem(&[read(certificate)?, b"\n".to_vec(), read(key)?].concat())?;
        let client = Client::builder()
            .tls_certs_only(roots)
            .identity(identity)
            .tls_version_min(tls::Version::TLS_1_3)
            .https_only(true)
            .no_proxy()
            .redirect(redirect::Policy::none())
            .timeout(Duration::from_secs(30))
            .build()?;
        Ok(Self {
            client,
            base: base.trim_end_matches('/').to_owned(),
        })
    }

    /// Sends until the outbox is empty; how many were sent.
    ///
    /// # Errors
    /// The first push that did not arrive; it and those behind it stay in the outbox.
    pub async fn send_waiting(&self, bank: &Mutex<Bank>) -> Result<u32, PushError> {
        let mut sent = 0;
        loop {
            let next = bank
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .outbox
                .pop_front();
            let Some(push) = next else { return Ok(sent) };
            if let Err(error) = self.send(&push).await {
                bank.lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .outbox
                    .push_front(push);
                return Err(error);
            }
            sent += 1;
        }
    }

    async fn send(&self, push: &Push) -> Result<(), PushError> {
        let path = match push.path {
            PushPath::Returns => "/v1/bank/returns",
            PushPath::Deposits => "/v1/bank/deposits",
        };
        let request = self
            .client
            .post(format!("{}{path}", self.base))
            .header("content-type", push.content_type);
        let status = request
            .body(push.body.clone())
            .send()
            .await?
            .status()
            .as_u16();
        if status == 202 {
            Ok(())
        } else {
            Err(PushError::Answer(status))
        }
    }
}

fn read(path: &Path) -> Result<Vec<u8>, PushError> {
    std::fs::read(path).map_err(|error| PushError::File(path.display().to_string(), error))
}
