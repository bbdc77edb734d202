//! Evidence in a bucket of an S3-compatible server, which several gateways share: `prefix/ab/cdef…` by name, so that the files of an evidence folder
//! may be copied into a bucket as they are.
//!
//! Bytes wait in a local spool until all of them are there. They are uploaded in parts, and nothing has the name before the server has acknowledged
//! the whole. No conditional write is needed: whatever is put under a name has the same clear content, and an upload takes the name in one move.

mod fault;
mod line;
mod listing;
mod reading;

use std::{fmt, io, path::PathBuf, sync::Arc};

use bytes::Bytes;
use object_store::{
    BackoffConfig, MultipartUpload, ObjectStoreExt as _, RetryConfig,
    aws::{AmazonS3, AmazonS3Builder},
    path::Path,
};
use zeroize::Zeroizing;

use self::{
    fault::{fault, unusable},
    line::{Line, Runner},
    listing::Listing,
    reading::{FIRST, Reading},
};
use super::{
    folder::split,
    place::{Incoming, Names, Place, Stored},
    spool::Spool,
};

/// Bytes of one part of an upload; a file that is no longer goes in one request. S3 takes parts from 5 MiB, and 10,000 of them.
const PART: u64 = 8 * 1024 * 1024;
/// How often a request that failed is made again, for so long. All of them can be repeated: they read, or put the same bytes under the same name.
const TRIES: usize = 3;
const TRIES_FOR: std::time::Duration = std::time::Duration::from_secs(20);

/// Which bucket of which server, and how to get there.
#[derive(Clone, Debug)]
pub struct BucketAt {
    /// `https://host[:port]`; `http` only to this machine.
    pub endpoint: String,
    /// As the server names it; many servers take any.
    pub region: String,
    pub bucket: String,
    /// What all names begin with; may be empty.
    pub prefix: String,
    /// Whether the bucket's name is part of the host's (`https://bucket.host`) and not of the path.
    pub bucket_in_host: bool,
    pub key: AccessKey,
    /// PEM of the authority that vouches for the server; the system's where absent.
    pub ca: Option<Vec<u8>>,
    /// Local folder where bytes wait until they are in the bucket.
    pub spool: PathBuf,
}

impl fmt::Display for BucketAt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the evidence bucket {} at {}",
            self.bucket, self.endpoint
        )
    }
}

/// Who the gateway is to the server.
#[derive(Clone)]
pub struct AccessKey {
    pub id: String,
    pub secret: Zeroizing<String>,
}

impl fmt::Debug for AccessKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AccessKey(…)")
    }
}

pub(super) struct Bucket {
    names: Named,
    spool: Spool,
    said: String,
}

/// The bucket as names in it and requests to it.
#[derive(Clone)]
struct Named {
    prefix: String,
    store: Arc<AmazonS3>,
    runner: Arc<Runner>,
}

impl Named {
    fn path(&self, name: &str) -> Path {
        Path::from(self.key(name))
    }

    fn key(&self, name: &str) -> String {
        let (folder, file) = split(name);
        format!("{}{folder}/{file}", self.prefix)
    }

    /// The name behind a key, where it is one of ours.
    fn name(&self, key: &str) -> Option<String> {
        let (folder, file) = key.strip_prefix(&self.prefix)?.split_once('/')?;
        let ours = folder.len() == 2 && !file.is_empty() && !file.contains('/');
        ours.then(|| format!("{folder}{file}"))
    }
}

impl Bucket {
    pub(super) fn open(at: &BucketAt) -> io::Result<Self> {
        let prefix = at.prefix.trim_matches('/');
        let prefix = match prefix {
            "" => String::new(),
            prefix => format!("{prefix}/"),
        };
        let retry = RetryConfig {
            backoff: BackoffConfig::default(),
            max_retries: TRIES,
            retry_timeout: TRIES_FOR,
        };
        let store = AmazonS3Builder::new()
            .with_endpoint(endpoint(at)?)
            .with_virtual_hosted_style_request(at.bucket_in_host)
            .with_region(&at.region)
            .with_bucket_name(&at.bucket)
            .with_access_key_id(&at.key.id)
            .with_secret_access_key(at.key.secret.as_str())
            .with_retry(retry)
            .with_http_connector(Line::to(at)?)
            .build()
            .map_err(|error| unusable(error.to_string()))?;
        Ok(Self {
            names: Named {
                prefix,
                store: Arc::new(store),
                runner: Arc::new(Runner::start()?),
            },
            spool: Spool::open(&at.spool)?,
            said: at.to_string(),
        })
    }

    fn upload(&self, path: Path, mut bytes: Incoming) -> io::Result<()> {
        let Stored {
            bytes: mut from,
            length,
        } = bytes.again()?;
        let store = Arc::clone(&self.names.store);
        let runner = &self.names.runner;
        if length <= PART {
            let whole = part(&mut *from, length)?;
            runner.wait(async move { store.put(&path, whole.into()).await })?;
            return Ok(());
        }
        let mut upload = runner.wait(async move { store.put_multipart(&path).await })?;
        match self.parts(&mut *upload, &mut *from, length) {
            Ok(()) => runner.wait(async move { upload.complete().await.map(drop) }),
            Err(error) => {
                // Where this fails too, what was uploaded has no name, and the bucket's lifecycle rule clears it away.
                runner.wait(async move { upload.abort().await }).ok();
                Err(error)
            }
        }
    }

    /// One part at a time: memory holds no more.
    fn parts(
        &self,
        upload: &mut dyn MultipartUpload,
        from: &mut (dyn io::Read + Send),
        length: u64,
    ) -> io::Result<()> {
        let mut left = length;
        while left > 0 {
            let next = part(from, left)?;
            left -= next.len() as u64;
            self.names.runner.wait(upload.put_part(next.into()))?;
        }
        Ok(())
    }
}

/// The next part of what is left.
fn part(from: &mut (dyn io::Read + Send), left: u64) -> io::Result<Bytes> {
    let length = left.min(PART);
    let mut part = vec![0; usize::try_from(length).unwrap_or_default()];
    from.read_exact(&mut part)?;
    Ok(part.into())
}

fn endpoint(at: &BucketAt) -> io::Result<String> {
    let whole = at.endpoint.trim_end_matches('/');
    if !at.bucket_in_host {
        return Ok(whole.to_owned());
    }
    let (scheme, host) = whole
        .split_once("://")
        .ok_or_else(|| unusable(format!("{whole} is no URL")))?;
    Ok(format!("{scheme}://{}.{host}", at.bucket))
}

impl fmt::Display for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.said)
    }
}

impl Place for Bucket {
    fn incoming(&self) -> io::Result<Incoming> {
        self.spool.incoming()
    }

    fn put(&self, name: &str, bytes: Incoming) -> io::Result<()> {
        self.upload(self.names.path(name), bytes)
    }

    /// What the server acknowledged once is durable.
    fn settle(&self, _name: &str) -> io::Result<()> {
        Ok(())
    }

    fn get(&self, name: &str) -> io::Result<Option<Stored>> {
        let Some(reading) = Reading::begin(&self.names, self.names.path(name), FIRST)? else {
            return Ok(None);
        };
        Ok(Some(Stored {
            length: reading.length(),
            bytes: Box::new(reading),
        }))
    }

    fn beginning(&self, name: &str, length: usize) -> io::Result<Vec<u8>> {
        let reading = Reading::begin(&self.names, self.names.path(name), length as u64)?;
        let reading = reading.ok_or(io::ErrorKind::NotFound)?;
        let mut beginning = Vec::with_capacity(length);
        io::Read::read_to_end(&mut io::Read::take(reading, length as u64), &mut beginning)?;
        Ok(beginning)
    }

    fn names_after<'a>(&'a self, after: &str) -> Names<'a> {
        Box::new(Listing::after(&self.names, after))
    }

    fn reach(&self) -> io::Result<()> {
        Listing::reach(&self.names)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(bucket_in_host: bool) -> BucketAt {
        BucketAt {
            endpoint: "https://oss.example:9000/".into(),
            region: "cn-kunming".into(),
            bucket: "wages".into(),
            prefix: String::new(),
            bucket_in_host,
            key: AccessKey {
                id: "id".into(),
                secret: Zeroizing::new("very-secret".into()),
            },
            ca: None,
            spool: PathBuf::new(),
        }
    }

    #[test]
    fn the_bucket_is_named_in_the_path_or_in_the_host() {
        assert_eq!(endpoint(&at(false)).unwrap(), "https://oss.example:9000");
        assert_eq!(
            endpoint(&at(true)).unwrap(),
            "https://wages.oss.example:9000"
        );
    }

    #[test]
    fn the_secret_is_never_shown() {
        let shown = format!("{:?} {}", at(false), at(false));
        assert!(!shown.contains("very-secret"), "{shown}");
    }
}
