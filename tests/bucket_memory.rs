//! A hundred megabytes into a bucket and back, in a process of its own, so that its memory can be measured.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "support/s3_server.rs"]
mod s3_server;

use std::{
    fs,
    io::{Read as _, Write as _},
    sync::Arc,
};

use s3_server::{ACCESS, BUCKET, SECRET, Server};
use sha2::{Digest as _, Sha256};
use wagegate::{
    evidence::{AccessKey, BucketAt, Evidence},
    security::seal::Vault,
};
use zeroize::Zeroizing;

const PIECE: usize = 64 * 1024;
const PIECES: u64 = 1_600;
const MEMORY_MAX_KIB: u64 = 64 * 1024;

/// Bytes that no compressor shrinks, always the same.
fn piece(number: u64) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(PIECE);
    for part in 0..(PIECE / 32) as u64 {
        bytes.extend_from_slice(&Sha256::digest((number << 32 | part).to_be_bytes()));
    }
    bytes
}

#[test]
fn a_hundred_megabytes_go_into_a_bucket_and_back_in_bounded_memory() {
    rustls::crypto::aws_lc_rs::default_provider()
        .install_default()
        .unwrap();
    let folder = tempfile::tempdir().unwrap();
    let keys = folder.path().join("keys.toml");
    Vault::create(&keys).unwrap();
    let server = Server::start(&folder.path().join("server"));
    let at = BucketAt {
        endpoint: server.endpoint(),
        region: "us-east-1".into(),
        bucket: BUCKET.into(),
        prefix: String::new(),
        bucket_in_host: false,
        key: AccessKey {
            id: ACCESS.into(),
            secret: Zeroizing::new(SECRET.into()),
        },
        ca: None,
        spool: folder.path().join("spool"),
    };
    let evidence = Evidence::in_bucket(&at, Arc::new(Vault::open(&keys).unwrap())).unwrap();

    let mut writer = evidence.writer().unwrap();
    for number in 0..PIECES {
        writer.write_all(&piece(number)).unwrap();
    }
    let kept = writer.keep().unwrap();
    assert_eq!(kept.size, PIECES * PIECE as u64);
    let mut reader = evidence.reader(&kept.hash).unwrap();
    let mut found = vec![0; PIECE];
    for number in 0..PIECES {
        reader.read_exact(&mut found).unwrap();
        assert!(found == piece(number), "piece {number}");
    }
    assert_eq!(reader.read(&mut found).unwrap(), 0);

    let peak = peak_kib();
    assert!(peak < MEMORY_MAX_KIB, "{peak} KiB");
}

/// The most memory that this process ever had.
fn peak_kib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let digits: String = line.unwrap().chars().filter(char::is_ascii_digit).collect();
    digits.parse().unwrap()
}
