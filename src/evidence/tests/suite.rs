//! The same in every place.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};

use super::*;

pub(super) fn what_is_kept_comes_back_whatever_its_length(desk: Desk) {
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

pub(super) fn no_clear_text_is_in_the_place(desk: Desk) {
    desk.keep(&wages(3));
    desk.keep(&noise(100_000));
    let mut unfinished = desk.evidence.writer().unwrap();
    unfinished.write_all(&wages(1)).unwrap();
    unfinished.flush().unwrap();
    let names = desk.names();
    assert_eq!(names.len(), 2);
    let mut places: Vec<_> = names.iter().map(|name| desk.sealed(name)).collect();
    for file in desk
        .waiting
        .iter()
        .flat_map(|at| std::fs::read_dir(at).unwrap())
    {
        places.push(std::fs::read(file.unwrap().path()).unwrap());
    }
    for stored in places {
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
}

pub(super) fn documents_are_kept_small(desk: Desk) {
    desk.keep(&wages(10_000));
    let stored = desk.sealed(&desk.names()[0]).len();
    assert!(stored < 10_000, "{stored}");
}

pub(super) fn the_same_bytes_are_kept_once(desk: Desk) {
    let first = desk.keep(&wages(10));
    let stored = desk.sealed(&desk.names()[0]);
    assert_eq!(desk.keep(&wages(10)), first);
    assert_eq!(desk.names().len(), 1);
    assert_eq!(desk.sealed(&desk.names()[0]), stored);
}

pub(super) fn many_who_keep_the_same_bytes_at_once_keep_one_whole_file(desk: Desk) {
    let bytes = noise(200_000);
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| desk.keep(&bytes));
        }
    });
    assert_eq!(desk.names().len(), 1);
    assert!(desk.read(&Sha256::digest(&bytes).into()).unwrap() == bytes);
}

/// Where the first chunk begins: version and key id, salt, sealed label.
const CHUNKS_FROM: usize = 5 + 32 + 48 + 16;
const CHUNK: usize = 65_536 + 16;

pub(super) fn a_damaged_file_is_an_error_and_never_a_short_read(desk: Desk) {
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
    let bytes = noise(3 * 65_536 + 1000);
    let kept = desk.keep(&bytes);
    let [name_of_it] = &desk.names()[..] else {
        panic!("one file")
    };
    let whole = desk.sealed(name_of_it);
    for (name, damage) in table {
        let mut file = whole.clone();
        damage(&mut file);
        desk.overwrite(name_of_it, &file);
        let (found, error) = desk.read(&kept.hash).expect_err(name);
        assert!(bytes.starts_with(&found), "{name}");
        assert!(
            error.contains("damaged") || error.contains("sealed with key"),
            "{name}: {error}"
        );
    }
}

pub(super) fn a_file_under_another_files_name_is_an_error_before_its_first_byte(desk: Desk) {
    let [one, two] = [desk.keep(b"one"), desk.keep(b"two")];
    let [one, name] = [one, two].map(|kept| hex::encode(kept.hash));
    desk.overwrite(&name, &desk.sealed(&one));
    let error = desk.evidence.reader(&two.hash).unwrap_err();
    assert!(matches!(error, EvidenceError::Damaged { .. }), "{error}");
    assert!(error.to_string().contains("holds other bytes"), "{error}");
}

pub(super) fn keeping_the_bytes_again_mends_a_damaged_file(desk: Desk) {
    let kept = desk.keep(&wages(5));
    desk.overwrite(&hex::encode(kept.hash), b"");
    assert!(desk.read(&kept.hash).is_err());
    desk.keep(&wages(5));
    assert_eq!(desk.read(&kept.hash).unwrap(), wages(5));
}

pub(super) fn what_was_never_kept_is_missing_and_what_others_sealed_does_not_open(desk: Desk) {
    let stranger = Desk::in_memory();
    let kept = stranger.keep(b"theirs");
    let missing = desk.evidence.reader(&kept.hash);
    assert!(matches!(missing, Err(EvidenceError::Missing { .. })));
    let name = hex::encode(kept.hash);
    desk.overwrite(&name, &stranger.sealed(&name));
    let foreign = desk.evidence.reader(&kept.hash);
    assert!(matches!(foreign, Err(EvidenceError::Damaged { .. })));
}

pub(super) fn a_writer_that_is_dropped_leaves_nothing_behind(desk: Desk) {
    let mut writer = desk.evidence.writer().unwrap();
    writer.write_all(&noise(200_000)).unwrap();
    assert_eq!(desk.waiting(), usize::from(desk.waiting.is_some()));
    drop(writer);
    assert_eq!((desk.waiting(), desk.names().len()), (0, 0));
}

fn pieces(bytes: &[u8]) -> Vec<io::Result<Bytes>> {
    bytes
        .chunks(10_000)
        .map(|piece| Ok(Bytes::copy_from_slice(piece)))
        .collect()
}

#[tokio::main(flavor = "current_thread")]
pub(super) async fn a_stream_is_kept_and_streamed_back(desk: Desk) {
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

#[tokio::main(flavor = "current_thread")]
pub(super) async fn a_stream_beyond_the_cap_or_broken_off_is_refused_and_leaves_nothing_behind(
    desk: Desk,
) {
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
    assert_eq!((desk.waiting(), desk.names().len()), (0, 0));
}

#[tokio::main(flavor = "current_thread")]
pub(super) async fn a_damaged_file_ends_its_stream_with_an_error(desk: Desk) {
    let kept = desk.keep(&noise(200_000));
    let name = hex::encode(kept.hash);
    let mut file = desk.sealed(&name);
    *file.last_mut().unwrap() ^= 1;
    desk.overwrite(&name, &file);
    for hash in [kept.hash, [0; 32]] {
        assert_eq!(desk.evidence.look_through(&hash).unwrap(), None);
        let items: Vec<_> = desk.evidence.stream(hash).collect().await;
        let (last, before) = items.split_last().unwrap();
        assert!(last.is_err());
        assert!(before.iter().all(Result::is_ok));
    }
}

pub(super) fn kept_files_are_sealed_anew_and_who_reads_the_old_one_reads_to_its_end(desk: Desk) {
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
    assert_eq!((desk.names().len(), desk.waiting()), (10, 0));

    begun.read_to_end(&mut first).unwrap();
    assert!(first == texts[0]);
    for (text, kept) in texts.iter().zip(kept) {
        assert!(desk.read(&kept.hash).unwrap() == *text);
    }
}

pub(super) fn a_walk_goes_on_where_it_ended(desk: Desk) {
    let mut names: Vec<_> = (0..20_u8)
        .map(|number| hex::encode(desk.keep(&[number]).hash))
        .collect();
    names.sort();
    desk.rotate();
    let rest = desk.evidence.reseal_after(&names[11]).unwrap();
    assert_eq!((rest.changed, rest.last.as_ref()), (8, names.last()));
    assert_eq!(desk.by_key(), [(Some(1), 12), (Some(2), 8)]);
}

pub(super) fn a_damaged_file_stays_as_it_is_and_is_still_counted(desk: Desk) {
    desk.keep(b"whole");
    let kept = desk.keep(&noise(1_000));
    let name = hex::encode(kept.hash);
    let mut bytes = desk.sealed(&name);
    *bytes.last_mut().unwrap() ^= 1;
    desk.overwrite(&name, &bytes);
    desk.rotate();
    assert_eq!(desk.evidence.reseal_after("").unwrap().changed, 1);
    assert_eq!(desk.by_key(), [(Some(1), 1), (Some(2), 1)]);
    assert!(desk.sealed(&name) == bytes);
}

pub(super) fn a_place_that_is_there_can_be_reached(desk: Desk) {
    desk.evidence.reach().unwrap();
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
    let desk = Desk::in_memory();
    let many = stream::iter(0..500).map(|_| Ok(Bytes::from_owner(Tracked::new())));
    desk.evidence.keep_stream(many, u64::MAX).await.unwrap();
    let most = MOST.load(Ordering::SeqCst);
    assert!(
        most <= 6,
        "{most} pieces at once: four under way, one at each end"
    );
    assert_eq!(ALIVE.load(Ordering::SeqCst), 0);
}
