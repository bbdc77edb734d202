//! `[evidence]`: where uploaded sheets, instructions and banks' documents are kept, sealed: a local folder, or a bucket for several gateways.

use std::{
    env,
    fs::{self, File},
    io::Read as _,
    net::IpAddr,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    sync::Arc,
};

use reqwest::Url;
use serde::Deserialize;
use zeroize::Zeroizing;

use super::Wrong;
use crate::{
    evidence::{AccessKey, BucketAt, Evidence, EvidenceError},
    security::seal::Vault,
};

/// Where the access key is looked for when no file is named.
const FROM_ENVIRONMENT: [&str; 2] = ["WAGEGATE_S3_ACCESS_KEY", "WAGEGATE_S3_SECRET_KEY"];
/// No access key is longer.
const KEY_MAX: u64 = 4 * 1024;

/// Exactly one of the two.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EvidenceEntry {
    /// A folder; made when it is missing.
    pub folder: Option<PathBuf>,
    /// `[evidence.bucket]`
    pub bucket: Option<BucketEntry>,
}

/// A bucket of an S3-compatible server.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BucketEntry {
    /// `https://host[:port]`.
    pub endpoint: String,
    #[serde(default = "any_region")]
    pub region: String,
    /// The bucket's name.
    pub bucket: String,
    /// What every name in it begins with.
    #[serde(default)]
    pub prefix: String,
    /// How the server wants the bucket named.
    #[serde(default)]
    pub addressing: Addressing,
    /// Holds the id of the access key; the environment does where not written.
    pub access_key_file: Option<PathBuf>,
    /// Holds its secret, for the gateway's account only.
    pub secret_key_file: Option<PathBuf>,
    /// Vouches for the server; the system's authorities where not written.
    pub ca: Option<PathBuf>,
    /// Takes an endpoint without TLS, on this machine only.
    #[serde(default)]
    pub allow_http: bool,
    /// A local folder where sealed bytes wait until they are in the bucket; made when it is missing.
    pub spool: PathBuf,
}

/// How a request names the bucket.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Addressing {
    /// `https://host/bucket/…`, as most servers that one runs oneself.
    #[default]
    Path,
    /// `https://bucket.host/…`, as most clouds.
    Host,
}

fn any_region() -> String {
    "us-east-1".into()
}

impl EvidenceEntry {
    pub(super) fn anchor(&mut self, folder: &Path) -> Result<(), Wrong> {
        let local = match (&mut self.folder, &mut self.bucket) {
            (Some(local), None) => local,
            (None, Some(bucket)) => &mut bucket.spool,
            (Some(_), Some(_)) | (None, None) => {
                return Err(Wrong::new(
                    "evidence",
                    "names not exactly one place",
                    "write either folder = \"evidence\" or a table [evidence.bucket]",
                ));
            }
        };
        *local = folder.join(&*local);
        Ok(())
    }

    /// The evidence folder, or the bucket's spool: what else lies locally lies beside it.
    pub fn local(&self) -> &Path {
        let spool = self.bucket.as_ref().map(|bucket| &bucket.spool);
        self.folder
            .as_ref()
            .or(spool)
            .map_or(Path::new(""), PathBuf::as_path)
    }

    pub(super) fn files(&mut self) -> Vec<(String, &mut PathBuf)> {
        let Some(bucket) = &mut self.bucket else {
            return Vec::new();
        };
        let files = [
            ("ca", &mut bucket.ca),
            ("access_key_file", &mut bucket.access_key_file),
            ("secret_key_file", &mut bucket.secret_key_file),
        ];
        let named = files.into_iter().filter_map(|(key, file)| {
            let file = file.as_mut()?;
            Some((format!("evidence.bucket.{key}"), file))
        });
        named.collect()
    }

    pub(super) fn check(&self) -> Result<(), Wrong> {
        self.bucket.as_ref().map_or(Ok(()), BucketEntry::check)
    }

    /// Opens the folder, or takes the bucket; connects to nothing.
    ///
    /// # Errors
    /// The folder, a file or the access key cannot be used.
    pub fn open(&self, vault: Arc<Vault>) -> Result<Evidence, UnusableEvidence> {
        match (&self.bucket, &self.folder) {
            (Some(bucket), _) => Ok(Evidence::in_bucket(&bucket.at()?, vault)?),
            (None, Some(folder)) => Ok(Evidence::open(folder, vault)?),
            (None, None) => Err(UnusableEvidence::Nowhere),
        }
    }
}

/// Why evidence cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum UnusableEvidence {
    #[error(transparent)]
    Evidence(#[from] EvidenceError),
    /// A file or variable of the access key, or the authority.
    #[error("{what}: {wrong}")]
    Key {
        /// The key of the configuration, or the variable.
        what: String,
        /// What is wrong and what to do.
        wrong: String,
    },
    #[error("[evidence] names no place: write folder = \"evidence\" or a table [evidence.bucket]")]
    Nowhere,
}

fn key_fault(what: &str, wrong: impl ToString) -> UnusableEvidence {
    UnusableEvidence::Key {
        what: what.into(),
        wrong: wrong.to_string(),
    }
}

impl BucketEntry {
    /// Reads the access key and the authority.
    ///
    /// # Errors
    /// One of them is missing, empty or not for us alone.
    pub fn at(&self) -> Result<BucketAt, UnusableEvidence> {
        let [id, secret] = FROM_ENVIRONMENT;
        let key = AccessKey {
            id: self
                .word("access_key_file", self.access_key_file.as_deref(), id)?
                .to_string(),
            secret: self.word("secret_key_file", self.secret_key_file.as_deref(), secret)?,
        };
        let ca = self.ca.as_ref().map(fs::read).transpose();
        Ok(BucketAt {
            endpoint: self.endpoint.clone(),
            region: self.region.clone(),
            bucket: self.bucket.clone(),
            prefix: self.prefix.clone(),
            bucket_in_host: self.addressing == Addressing::Host,
            key,
            ca: ca.map_err(|error| key_fault("evidence.bucket.ca", error))?,
            spool: self.spool.clone(),
        })
    }

    fn word(
        &self,
        key: &str,
        file: Option<&Path>,
        variable: &str,
    ) -> Result<Zeroizing<String>, UnusableEvidence> {
        let what = format!("evidence.bucket.{key}");
        let text = match file {
            Some(file) => private_text(&what, file)?,
            None => Zeroizing::new(env::var(variable).map_err(|_| {
                key_fault(
                    &what,
                    format!("not written, and {variable} is not set: write one of them"),
                )
            })?),
        };
        let word = text.trim();
        if word.is_empty() || word.contains(char::is_whitespace) {
            return Err(key_fault(
                &what,
                "is not one word: write the key and nothing else",
            ));
        }
        Ok(Zeroizing::new(word.to_owned()))
    }

    fn check(&self) -> Result<(), Wrong> {
        let url = Url::parse(&self.endpoint).ok();
        let url = url.filter(|url| url.has_host() && matches!(url.path(), "/" | ""));
        let Some(url) = url else {
            return Err(Wrong::new(
                "evidence.bucket.endpoint",
                "no address of a server",
                "write https://host or https://host:port, without a path",
            ));
        };
        let by_tls = url.scheme() == "https";
        let plain = url.scheme() == "http" && self.allow_http && is_this_machine(&url);
        if !by_tls && !plain {
            return Err(Wrong::new(
                "evidence.bucket.endpoint",
                "a server is spoken to over TLS only",
                "write https://…; http:// is for this machine alone, with allow_http = true",
            ));
        }
        let plain = |text: &str, more: &str| {
            text.chars()
                .all(|c| c.is_ascii_alphanumeric() || more.contains(c))
        };
        if self.bucket.len() < 3 || !plain(&self.bucket, "-._") {
            return Err(Wrong::new(
                "evidence.bucket.bucket",
                "no name of a bucket",
                "write its name: 3 or more of letters, digits, `-`, `.` and `_`",
            ));
        }
        if !plain(&self.prefix, "-._/") || self.prefix.split('/').any(|part| part == "..") {
            return Err(Wrong::new(
                "evidence.bucket.prefix",
                "has characters that do not belong there",
                "write letters, digits, `-`, `.`, `_` and `/`, such as \"wagegate\"",
            ));
        }
        Ok(())
    }
}

fn is_this_machine(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let ip = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || ip.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// The text of a file that is its owner's alone.
fn private_text(what: &str, file: &Path) -> Result<Zeroizing<String>, UnusableEvidence> {
    let unusable = |error| key_fault(what, format!("{}: {error}", file.display()));
    let open = File::open(file).map_err(unusable)?;
    // Asked of the open file, not of the path, which could name another one by now.
    let mode = open.metadata().map_err(unusable)?.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        let file = file.display();
        return Err(key_fault(
            what,
            format!(
                "{file}: others may read it (mode {mode:03o}); `chmod 600` it and ask for a new key"
            ),
        ));
    }
    let mut text = Zeroizing::new(String::new());
    open.take(KEY_MAX)
        .read_to_string(&mut text)
        .map_err(unusable)?;
    Ok(text)
}
