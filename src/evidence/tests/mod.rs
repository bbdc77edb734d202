//! What must hold of kept bytes, wherever they lie, with a place and keys of their own in every test.

mod bucket;
mod folder;
#[path = "../../../tests/support/s3_server.rs"]
mod s3_server;
mod suite;

use std::{
    io::{Read as _, Write as _},
    path::{Path, PathBuf},
    sync::Arc,
};

use sha2::{Digest as _, Sha256};
use tempfile::TempDir;
use zeroize::Zeroizing;

use self::s3_server::{ACCESS, BUCKET, SECRET, Server};
use super::{folder::INCOMING, *};
use crate::security::seal::Algorithm;

/// Every test of the suite in every place.
macro_rules! everywhere {
    ($($name:ident),* $(,)?) => {
        mod in_a_folder { $(#[test] fn $name() { super::suite::$name(super::Desk::in_a_folder()); })* }
        mod in_memory { $(#[test] fn $name() { super::suite::$name(super::Desk::in_memory()); })* }
        mod in_a_bucket { $(#[test] fn $name() { super::suite::$name(super::Desk::in_a_bucket()); })* }
    };
}

everywhere! {
    what_is_kept_comes_back_whatever_its_length,
    no_clear_text_is_in_the_place,
    documents_are_kept_small,
    the_same_bytes_are_kept_once,
    many_who_keep_the_same_bytes_at_once_keep_one_whole_file,
    a_damaged_file_is_an_error_and_never_a_short_read,
    a_file_under_another_files_name_is_an_error_before_its_first_byte,
    keeping_the_bytes_again_mends_a_damaged_file,
    what_was_never_kept_is_missing_and_what_others_sealed_does_not_open,
    a_writer_that_is_dropped_leaves_nothing_behind,
    a_stream_is_kept_and_streamed_back,
    a_stream_beyond_the_cap_or_broken_off_is_refused_and_leaves_nothing_behind,
    a_damaged_file_ends_its_stream_with_an_error,
    kept_files_are_sealed_anew_and_who_reads_the_old_one_reads_to_its_end,
    a_walk_goes_on_where_it_ended,
    a_damaged_file_stays_as_it_is_and_is_still_counted,
    a_place_that_is_there_can_be_reached,
}

struct Desk {
    folder: TempDir,
    /// Of a bucket.
    server: Option<Server>,
    evidence: Evidence,
    /// Where bytes wait until they have a name, in places that have such a folder.
    waiting: Option<PathBuf>,
}

impl Desk {
    fn in_a_folder() -> Self {
        Self::with(|folder, vault| {
            let root = folder.join("evidence");
            let waiting = root.join(INCOMING);
            (None, Evidence::open(&root, vault).unwrap(), Some(waiting))
        })
    }

    fn in_memory() -> Self {
        Self::with(|_, vault| (None, Evidence::in_memory(vault), None))
    }

    fn in_a_bucket() -> Self {
        Self::with(|folder, vault| {
            let server = Server::start(&folder.join("server"));
            let at = bucket_of(&server, &folder.join("spool"));
            let evidence = Evidence::in_bucket(&at, vault).unwrap();
            (Some(server), evidence, Some(at.spool))
        })
    }

    fn with(
        open: impl FnOnce(&Path, Arc<Vault>) -> (Option<Server>, Evidence, Option<PathBuf>),
    ) -> Self {
        // Once in a process; whoever comes second finds it done.
        rustls::crypto::aws_lc_rs::default_provider()
            .install_default()
            .ok();
        let folder = tempfile::tempdir().unwrap();
        Vault::create(&folder.path().join("keys.toml")).unwrap();
        let vault = vault(folder.path());
        let (server, evidence, waiting) = open(folder.path(), vault);
        Self {
            folder,
            server,
            evidence,
            waiting,
        }
    }

    fn keep(&self, bytes: &[u8]) -> Kept {
        keep(&self.evidence, bytes).unwrap()
    }

    fn read(&self, hash: &[u8; 32]) -> Result<Vec<u8>, (Vec<u8>, String)> {
        read(&self.evidence, hash)
    }

    fn names(&self) -> Vec<String> {
        let names = self.evidence.place().names_after("");
        names.map(Result::unwrap).collect()
    }

    /// What lies under a name, sealed as it is.
    fn sealed(&self, name: &str) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut stored = self.evidence.place().get(name).unwrap().unwrap();
        stored.bytes.read_to_end(&mut bytes).unwrap();
        bytes
    }

    /// Puts other bytes under a name, past everything that seals and checks.
    fn overwrite(&self, name: &str, bytes: &[u8]) {
        let place = self.evidence.place();
        let mut incoming = place.incoming().unwrap();
        incoming.write_all(bytes).unwrap();
        place.put(name, incoming).unwrap();
    }

    /// Files that wait for a name.
    fn waiting(&self) -> usize {
        let Some(waiting) = &self.waiting else {
            return 0;
        };
        let files = std::fs::read_dir(waiting).unwrap();
        files
            .filter(|file| file.as_ref().unwrap().file_name() != "lock")
            .count()
    }

    /// Another key, for the other cipher, is current from now on.
    fn rotate(&self) {
        let keys = self.folder.path().join("keys.toml");
        Vault::add_key(&keys, Algorithm::Sm4Gcm).unwrap();
        take_up_the_newest_key(self.evidence.vault());
    }

    fn by_key(&self) -> Vec<(Option<u32>, u64)> {
        self.evidence.files_by_key().unwrap().into_iter().collect()
    }
}

fn bucket_of(server: &Server, spool: &Path) -> BucketAt {
    BucketAt {
        endpoint: server.endpoint(),
        region: "us-east-1".into(),
        bucket: BUCKET.into(),
        prefix: "wagegate/test".into(),
        bucket_in_host: false,
        key: AccessKey {
            id: ACCESS.into(),
            secret: Zeroizing::new(SECRET.into()),
        },
        ca: None,
        spool: spool.into(),
    }
}

fn vault(folder: &Path) -> Arc<Vault> {
    Arc::new(Vault::open(&folder.join("keys.toml")).unwrap())
}

fn take_up_the_newest_key(vault: &Vault) {
    vault.reread().unwrap();
    vault
        .make_current(*vault.known_keys().last().unwrap())
        .unwrap();
}

fn keep(evidence: &Evidence, bytes: &[u8]) -> Result<Kept, EvidenceError> {
    let mut writer = evidence.writer()?;
    writer.write_all(bytes).unwrap();
    writer.keep()
}

/// The bytes, or what came of them before an error.
fn read(evidence: &Evidence, hash: &[u8; 32]) -> Result<Vec<u8>, (Vec<u8>, String)> {
    let mut found = Vec::new();
    let read = evidence
        .reader(hash)
        .map_err(|error| error.to_string())
        .and_then(|mut reader| reader.read_to_end(&mut found).map_err(|e| e.to_string()));
    match read {
        Ok(_) => Ok(found),
        Err(error) => Err((found, error)),
    }
}

fn hash_of(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// Bytes that no compressor shrinks, always the same.
fn noise(length: usize) -> Vec<u8> {
    (0u64..)
        .flat_map(|number| Sha256::digest(number.to_be_bytes()).to_vec())
        .take(length)
        .collect()
}

fn wages(rows: usize) -> Vec<u8> {
    "李晓明|6225881414207430|6543.21\n"
        .repeat(rows)
        .into_bytes()
}
