//! What must hold of kept bytes, with a folder and keys of their own in every test.

use std::{
    io::{Read as _, Write as _},
    os::unix::fs::PermissionsExt as _,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;

use super::*;
use crate::security::seal::Algorithm;

struct Desk {
    folder: TempDir,
    evidence: Evidence,
}

impl Desk {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let keys = folder.path().join("keys.toml");
        Vault::create(&keys).unwrap();
        let vault = Arc::new(Vault::open(&keys).unwrap());
        let evidence = Evidence::open(&folder.path().join("evidence"), vault).unwrap();
        Self { folder, evidence }
    }

    fn keep(&self, bytes: &[u8]) -> Kept {
        let mut writer = self.evidence.writer().unwrap();
        writer.write_all(bytes).unwrap();
        writer.keep().unwrap()
    }

    fn read(&self, hash: &[u8; 32]) -> Result<Vec<u8>, (Vec<u8>, String)> {
        let mut found = Vec::new();
        let read = self
            .evidence
            .reader(hash)
            .map_err(|error| error.to_string())
            .and_then(|mut reader| reader.read_to_end(&mut found).map_err(|e| e.to_string()));
        match read {
            Ok(_) => Ok(found),
            Err(error) => Err((found, error)),
        }
    }

    /// Every file below the evidence folder but the lock.
    fn files(&self) -> Vec<PathBuf> {
        fs::read_dir(&self.evidence.place.root)
            .unwrap()
            .flat_map(|folder| fs::read_dir(folder.unwrap().path()).unwrap())
            .map(|file| file.unwrap().path())
            .filter(|file| !file.ends_with("incoming/lock"))
            .collect()
    }
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

#[test]
fn what_is_kept_comes_back_whatever_its_length() {
    let desk = Desk::new();
    for length in [0, 1, 65_535, 65_536, 65_537, 131_072, 400_000] {
        let bytes = noise(length);
        let kept = desk.keep(&bytes);
        assert_eq!(kept.size, length as u64);
        assert_eq!(kept.hash, <[u8; 32]>::from(Sha256::digest(&bytes)));
        assert_eq!(
            desk.evidence.reader(&kept.hash).unwrap().size(),
            length as u64
        );
        assert!(desk.read(&kept.hash).unwrap() == bytes, "{length}");
    }
}

#[test]
fn no_clear_text_is_anywhere_in_the_folder_and_nobody_else_can_look() {
    let desk = Desk::new();
    desk.keep(&wages(3));
    desk.keep(&noise(100_000));
    let mut unfinished = desk.evidence.writer().unwrap();
    unfinished.write_all(&wages(1)).unwrap();
    unfinished.flush().unwrap();
    let files = desk.files();
    assert_eq!(files.len(), 3);
    for path in files {
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o077, 0);
        let stored = fs::read(&path).unwrap();
        for clear in ["6225881414207430", "李晓明", "6543.21"].map(str::as_bytes) {
            assert!(!stored.windows(clear.len()).any(|part| part == clear));
        }
        let clear = noise(64);
        assert!(
            !stored
                .windows(16)
                .any(|part| clear.windows(16).any(|c| c == part))
        );
    }
    let mode = fs::metadata(&desk.evidence.place.root)
        .unwrap()
        .permissions();
    assert_eq!(mode.mode() & 0o077, 0);
}

#[test]
fn documents_are_kept_small() {
    let desk = Desk::new();
    desk.keep(&wages(10_000));
    let stored = fs::metadata(&desk.files()[0]).unwrap().len();
    assert!(stored < 10_000, "{stored}");
}

#[test]
fn the_same_bytes_are_kept_once() {
    let desk = Desk::new();
    let first = desk.keep(&wages(10));
    let stored = fs::read(&desk.files()[0]).unwrap();
    assert_eq!(desk.keep(&wages(10)), first);
    assert_eq!(desk.files().len(), 1);
    assert_eq!(fs::read(&desk.files()[0]).unwrap(), stored);
}

#[test]
fn many_who_keep_the_same_bytes_at_once_keep_one_whole_file() {
    let desk = Desk::new();
    let bytes = noise(200_000);
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| desk.keep(&bytes));
        }
    });
    assert_eq!(desk.files().len(), 1);
    assert!(desk.read(&Sha256::digest(&bytes).into()).unwrap() == bytes);
}

/// Where the first chunk begins: version and key id, salt, sealed label.
const CHUNKS_FROM: usize = 5 + 32 + 48 + 16;
const CHUNK: usize = 65_536 + 16;

#[test]
fn a_damaged_file_is_an_error_and_never_a_short_read() {
    type Damage = fn(&mut Vec<u8>);
    let table: &[(&str, Damage)] = &[
        ("version", |file| file[0] ^= 2),
        ("key id", |file| file[4] ^= 2),
        ("salt", |file| file[5] ^= 1),
        ("label", |file| file[40] ^= 1),
        ("first chunk", |file| file[CHUNKS_FROM] ^= 1),
        ("a tag", |file| file[CHUNKS_FROM + CHUNK - 1] ^= 1),
        ("last byte", |file| *file.last_mut().unwrap() ^= 1),
        ("emptied", Vec::clear),
        ("half a label", |file| file.truncate(50)),
        ("no chunk", |file| file.truncate(CHUNKS_FROM)),
        ("one byte cut off", |file| file.truncate(file.len() - 1)),
        ("last chunk cut off", |file| {
            file.truncate(CHUNKS_FROM + 3 * CHUNK)
        }),
        ("one byte added", |file| file.push(0)),
        ("a chunk added", |file| {
            file.extend_from_within(CHUNKS_FROM..CHUNKS_FROM + CHUNK)
        }),
        ("chunks swapped", |file| {
            let (one, two) = file[CHUNKS_FROM..].split_at_mut(CHUNK);
            one.swap_with_slice(&mut two[..CHUNK]);
        }),
        ("a chunk doubled", |file| {
            file.copy_within(CHUNKS_FROM..CHUNKS_FROM + CHUNK, CHUNKS_FROM + CHUNK)
        }),
        ("noughts", |file| file.fill(0)),
    ];
    let desk = Desk::new();
    let bytes = noise(3 * 65_536 + 1000);
    let kept = desk.keep(&bytes);
    let [path] = &desk.files()[..] else {
        panic!("one file")
    };
    let whole = fs::read(path).unwrap();
    for (name, damage) in table {
        let mut file = whole.clone();
        damage(&mut file);
        fs::write(path, file).unwrap();
        let (found, error) = desk.read(&kept.hash).expect_err(name);
        assert!(bytes.starts_with(&found), "{name}");
        assert!(
            error.contains("damaged") || error.contains("sealed with key"),
            "{name}: {error}"
        );
    }
}

#[test]
fn a_file_under_another_files_name_is_an_error_before_its_first_byte() {
    let desk = Desk::new();
    let [one, two] = [desk.keep(b"one"), desk.keep(b"two")];
    fs::copy(desk.evidence.path(&one.hash), desk.evidence.path(&two.hash)).unwrap();
    let error = desk.evidence.reader(&two.hash).unwrap_err();
    assert!(matches!(error, EvidenceError::Damaged { .. }), "{error}");
    assert!(error.to_string().contains("holds other bytes"), "{error}");
}

#[test]
fn keeping_the_bytes_again_mends_a_damaged_file() {
    let desk = Desk::new();
    let kept = desk.keep(&wages(5));
    fs::write(desk.evidence.path(&kept.hash), "").unwrap();
    assert!(desk.read(&kept.hash).is_err());
    desk.keep(&wages(5));
    assert_eq!(desk.read(&kept.hash).unwrap(), wages(5));
}

#[test]
fn what_was_never_kept_is_missing_and_what_others_sealed_does_not_open() {
    let [desk, stranger] = [Desk::new(), Desk::new()];
    let kept = stranger.keep(b"theirs");
    let missing = desk.evidence.reader(&kept.hash);
    assert!(matches!(missing, Err(EvidenceError::Missing { .. })));
    fs::copy(
        stranger.evidence.path(&kept.hash),
        desk.evidence.path(&kept.hash),
    )
    .unwrap();
    let foreign = desk.evidence.reader(&kept.hash);
    assert!(matches!(foreign, Err(EvidenceError::Damaged { .. })));
}

#[test]
fn a_writer_that_is_dropped_leaves_nothing_behind() {
    let desk = Desk::new();
    let mut writer = desk.evidence.writer().unwrap();
    writer.write_all(&noise(200_000)).unwrap();
    assert_eq!(desk.files().len(), 1);
    drop(writer);
    assert_eq!(desk.files().len(), 0);
}

#[test]
fn leftovers_of_a_crash_go_at_the_next_opening_but_not_from_under_a_living_writer() {
    let Desk { folder, evidence } = Desk::new();
    let root = evidence.place.root.clone();
    let vault = Arc::clone(&evidence.place.vault);
    let leftover = root.join(INCOMING).join(".tmpCrashed");
    fs::write(&leftover, "half").unwrap();
    let second = Evidence::open(&root, Arc::clone(&vault)).unwrap();
    assert!(leftover.exists(), "the first may be writing it");
    drop((evidence, second));
    Evidence::open(&root, vault).unwrap();
    assert!(!leftover.exists());
    drop(folder);
}

#[test]
fn a_full_disk_is_named_with_its_folder() {
    let desk = Desk::new();
    let error = desk.evidence.failed(io::ErrorKind::StorageFull.into());
    assert!(matches!(error, EvidenceError::Full { .. }), "{error}");
    assert!(
        error.to_string().contains("is full: nothing was kept"),
        "{error}"
    );
}

fn pieces(bytes: &[u8]) -> Vec<io::Result<Bytes>> {
    bytes
        .chunks(10_000)
        .map(|piece| Ok(Bytes::copy_from_slice(piece)))
        .collect()
}

#[tokio::test]
async fn a_stream_is_kept_and_streamed_back() {
    let desk = Desk::new();
    let bytes = noise(300_000);
    let kept = desk
        .evidence
        .keep_stream(stream::iter(pieces(&bytes)), 300_000)
        .await
        .unwrap();
    assert_eq!(kept, desk.keep(&bytes));
    let mut found = Vec::new();
    let mut back = desk.evidence.stream(kept.hash);
    while let Some(piece) = back.next().await {
        found.extend_from_slice(&piece.unwrap());
    }
    assert!(found == bytes);
    assert!(back.next().await.is_none());
}

#[tokio::test]
async fn a_stream_beyond_the_cap_or_broken_off_is_refused_and_leaves_nothing_behind() {
    let desk = Desk::new();
    // Shrinks to almost nothing: the cap counts what comes, not what is stored.
    let large = stream::iter(pieces(&wages(10_000)));
    let error = desk.evidence.keep_stream(large, 100_000).await.unwrap_err();
    assert!(
        matches!(error, EvidenceError::TooLarge { cap: 100_000 }),
        "{error}"
    );
    let mut broken = pieces(&noise(50_000));
    broken.push(Err(io::ErrorKind::ConnectionReset.into()));
    let error = desk
        .evidence
        .keep_stream(stream::iter(broken), 100_000)
        .await
        .unwrap_err();
    assert!(matches!(error, EvidenceError::Interrupted(_)), "{error}");
    assert_eq!(desk.files().len(), 0);
}

#[tokio::test]
async fn a_damaged_file_ends_its_stream_with_an_error() {
    let desk = Desk::new();
    let kept = desk.keep(&noise(200_000));
    let path = desk.evidence.path(&kept.hash);
    let mut file = fs::read(&path).unwrap();
    *file.last_mut().unwrap() ^= 1;
    fs::write(&path, file).unwrap();
    for hash in [kept.hash, [0; 32]] {
        let items: Vec<_> = desk.evidence.stream(hash).collect().await;
        let (last, before) = items.split_last().unwrap();
        assert!(last.is_err());
        assert!(before.iter().all(Result::is_ok));
    }
}

#[tokio::test]
async fn keeping_a_stream_holds_only_a_few_pieces_of_it_at_a_time() {
    static ALIVE: AtomicUsize = AtomicUsize::new(0);
    static MOST: AtomicUsize = AtomicUsize::new(0);
    struct Tracked(Vec<u8>);
    impl Tracked {
        fn new() -> Self {
            MOST.fetch_max(ALIVE.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            Self(noise(1000))
        }
    }
    impl Drop for Tracked {
        fn drop(&mut self) {
            ALIVE.fetch_sub(1, Ordering::SeqCst);
        }
    }
    impl AsRef<[u8]> for Tracked {
        fn as_ref(&self) -> &[u8] {
            &self.0
        }
    }
    let desk = Desk::new();
    let many = stream::iter(0..500).map(|_| Ok(Bytes::from_owner(Tracked::new())));
    desk.evidence.keep_stream(many, u64::MAX).await.unwrap();
    let most = MOST.load(Ordering::SeqCst);
    assert!(
        most <= 6,
        "{most} pieces at once: four under way, one at each end"
    );
    assert_eq!(ALIVE.load(Ordering::SeqCst), 0);
}

impl Desk {
    /// Another key, for the other cipher, is current from now on.
    fn rotate(&self) {
        let keys = self.folder.path().join("keys.toml");
        Vault::add_key(&keys, Algorithm::Sm4Gcm).unwrap();
        let vault = &self.evidence.place.vault;
        vault.reread().unwrap();
        vault
            .make_current(*vault.known_keys().last().unwrap())
            .unwrap();
    }

    fn by_key(&self) -> Vec<(Option<u32>, u64)> {
        self.evidence.files_by_key().unwrap().into_iter().collect()
    }
}

#[test]
fn kept_files_are_sealed_anew_and_who_reads_the_old_one_reads_to_its_end() {
    let desk = Desk::new();
    let texts: Vec<_> = (0..9).map(|number| noise(100_000 + number)).collect();
    let kept: Vec<_> = texts.iter().map(|text| desk.keep(text)).collect();
    let mut begun = desk.evidence.reader(&kept[0].hash).unwrap();
    let mut first = vec![0; 10];
    begun.read_exact(&mut first).unwrap();

    desk.rotate();
    desk.keep(b"written after");
    assert_eq!(desk.by_key(), [(Some(1), 9), (Some(2), 1)]);
    let looked = desk.evidence.reseal_after("").unwrap();
    assert_eq!(looked.changed, 9);
    let end = desk.evidence.reseal_after(&looked.last.unwrap()).unwrap();
    assert_eq!((end.last, end.changed), (None, 0));
    assert_eq!(desk.evidence.reseal_after("").unwrap().changed, 0);
    assert_eq!(desk.by_key(), [(Some(2), 10)]);
    assert_eq!(desk.files().len(), 10, "nothing is left beside them");

    begun.read_to_end(&mut first).unwrap();
    assert!(first == texts[0]);
    for (text, kept) in texts.iter().zip(kept) {
        assert!(desk.read(&kept.hash).unwrap() == *text);
    }
}

#[test]
fn a_walk_goes_on_where_it_ended() {
    let desk = Desk::new();
    let mut names: Vec<_> = (0..20_u8)
        .map(|number| hex::encode(desk.keep(&[number]).hash))
        .collect();
    names.sort();
    desk.rotate();
    let rest = desk.evidence.reseal_after(&names[11]).unwrap();
    assert_eq!((rest.changed, rest.last.as_ref()), (8, names.last()));
    assert_eq!(desk.by_key(), [(Some(1), 12), (Some(2), 8)]);
}

#[test]
fn a_damaged_file_stays_as_it_is_and_is_still_counted() {
    let desk = Desk::new();
    desk.keep(b"whole");
    let kept = desk.keep(&noise(1_000));
    let path = desk.evidence.path(&kept.hash);
    let mut bytes = fs::read(&path).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&path, &bytes).unwrap();
    desk.rotate();
    assert_eq!(desk.evidence.reseal_after("").unwrap().changed, 1);
    assert_eq!(desk.by_key(), [(Some(1), 1), (Some(2), 1)]);
    assert!(fs::read(&path).unwrap() == bytes);
}
