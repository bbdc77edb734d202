//! What is true of a bucket only: several gateways, a server that dies, refuses or does not answer.

use std::{fs, process::Command, sync::Mutex};

use super::{s3_server::line, *};

const MIB: usize = 1024 * 1024;

/// One more gateway at a desk's bucket, with the same key file.
fn another(desk: &Desk, change: impl FnOnce(&mut BucketAt)) -> Evidence {
    let server = desk.server.as_ref().unwrap();
    let mut at = bucket_of(server, &desk.folder.path().join("another"));
    change(&mut at);
    Evidence::in_bucket(&at, vault(desk.folder.path())).unwrap()
}

#[test]
fn two_gateways_share_a_bucket() {
    let desk = Desk::in_a_bucket();
    let other = another(&desk, |_| {});
    let long = noise(200_000);
    let kept = desk.keep(&long);
    assert!(read(&other, &kept.hash).unwrap() == long);
    assert_eq!(keep(&other, &long).unwrap(), kept);
    assert_eq!(desk.names().len(), 1);

    let mut begun = desk.evidence.reader(&kept.hash).unwrap();
    let mut first = vec![0; 10];
    begun.read_exact(&mut first).unwrap();
    desk.rotate();
    take_up_the_newest_key(other.vault());
    assert_eq!(other.reseal_after("").unwrap().changed, 1);
    begun.read_to_end(&mut first).unwrap();
    assert!(first == long, "who reads reads on, whoever seals anew");
    assert_eq!(desk.by_key(), [(Some(2), 1)]);
}

#[test]
fn a_server_killed_in_mid_upload_leaves_nothing_named() {
    let mut desk = Desk::in_a_bucket();
    let server = desk.server.as_ref().unwrap();
    let id = server.id().to_string();
    let dies = move |passed: u64| {
        if passed > 12 * MIB as u64 {
            // The second time there is nobody to kill.
            Command::new("kill").args(["-9", &id]).output().unwrap();
        }
        true
    };
    let endpoint = line(server.address(), dies, |_| true);
    let other = another(&desk, |at| at.endpoint = endpoint);
    let long = noise(20 * MIB);
    let error = keep(&other, &long).unwrap_err();
    assert!(matches!(error, EvidenceError::Io { .. }), "{error}");
    assert!(error.to_string().contains("is not kept"), "{error}");

    desk.server.as_mut().unwrap().start_again();
    assert_eq!(desk.names(), [""; 0]);
    let missing = desk.evidence.reader(&hash_of(&long)).unwrap_err();
    assert!(
        matches!(missing, EvidenceError::Missing { .. }),
        "{missing}"
    );
    let kept = desk.keep(&long);
    assert!(desk.read(&kept.hash).unwrap() == long);
    assert_eq!(desk.waiting(), 0);
}

#[test]
fn a_line_cut_in_mid_read_is_an_error_and_never_a_short_read() {
    let desk = Desk::in_a_bucket();
    let long = noise(6 * MIB);
    let kept = desk.keep(&long);
    let address = desk.server.as_ref().unwrap().address();
    let endpoint = line(address, |_| true, |passed| passed < 2 * MIB as u64);
    let other = another(&desk, |at| at.endpoint = endpoint);
    let (found, error) = read(&other, &kept.hash).unwrap_err();
    assert!(found.len() < long.len() && long.starts_with(&found));
    assert!(!error.contains("damaged"), "{error}");
    assert!(error.contains("once the server answers"), "{error}");
}

#[test]
fn a_line_that_breaks_now_and_then_is_not_noticed() {
    let desk = Desk::in_a_bucket();
    let long = noise(10 * MIB);
    let kept = desk.keep(&long);
    let address = desk.server.as_ref().unwrap().address();
    let cuts = Mutex::new(vec![5 * MIB as u64, MIB as u64]);
    let whole = move |passed| {
        let mut cuts = cuts.lock().unwrap();
        cuts.pop_if(|at| passed > *at).is_none()
    };
    let endpoint = line(address, |_| true, whole);
    let other = another(&desk, |at| at.endpoint = endpoint);
    assert!(read(&other, &kept.hash).unwrap() == long);
}

#[test]
fn a_wrong_secret_is_named_with_what_to_do() {
    let desk = Desk::in_a_bucket();
    let kept = desk.keep(b"there");
    let other = another(&desk, |at| *at.key.secret = "another".into());
    let refused = [
        other.reach().unwrap_err(),
        other.reader(&kept.hash).unwrap_err(),
        keep(&other, b"more").unwrap_err(),
        other.files_by_key().unwrap_err(),
    ];
    for error in refused.map(|error| error.to_string()) {
        assert!(
            error.contains("refuses the access key (SignatureDoesNotMatch)"),
            "{error}"
        );
        assert!(error.contains("secret_key_file"), "{error}");
        assert!(!error.contains("another"), "{error}");
    }
}

#[test]
fn a_bucket_that_is_not_there_is_named() {
    let desk = Desk::in_a_bucket();
    let other = another(&desk, |at| at.bucket = "nowhere".into());
    for error in [
        other.reach().unwrap_err(),
        other.reseal_after("").unwrap_err(),
    ] {
        let error = error.to_string();
        assert!(
            error.contains("the evidence bucket nowhere at http://"),
            "{error}"
        );
        assert!(
            error.contains("no such bucket") && error.contains("make it"),
            "{error}"
        );
    }
}

#[test]
fn a_server_that_is_down_keeps_nothing_and_is_used_again_when_it_is_back() {
    let mut desk = Desk::in_a_bucket();
    let kept = desk.keep(b"before");
    desk.server.as_mut().unwrap().kill();
    let down = [
        desk.evidence.reach().unwrap_err(),
        keep(&desk.evidence, b"during").unwrap_err(),
        desk.evidence.reader(&kept.hash).unwrap_err(),
        desk.evidence.look_through(&kept.hash).unwrap_err(),
    ];
    for error in down {
        assert!(matches!(error, EvidenceError::Io { .. }), "{error}");
        assert!(error.to_string().contains("no answer"), "{error}");
    }
    desk.server.as_mut().unwrap().start_again();
    desk.evidence.reach().unwrap();
    assert_eq!(desk.read(&kept.hash).unwrap(), b"before");
    desk.keep(b"during");
    assert_eq!(desk.names().len(), 2);
}

#[test]
fn what_others_put_into_the_bucket_is_left_alone() {
    let desk = Desk::in_a_bucket();
    let kept = hex::encode(desk.keep(b"ours").hash);
    let bucket = desk.folder.path().join("server/evidence/wagegate");
    fs::create_dir_all(bucket.join("test/zz/deeper")).unwrap();
    for file in ["other", "test/README", "test/zz/deeper/file"] {
        fs::write(bucket.join(file), "theirs").unwrap();
    }
    assert_eq!(desk.names(), [kept]);
    desk.rotate();
    assert_eq!(desk.evidence.reseal_after("").unwrap().changed, 1);
    assert_eq!(fs::read(bucket.join("test/README")).unwrap(), b"theirs");
}

#[test]
fn an_evidence_folder_copied_into_a_bucket_is_read_there() {
    let folder = Desk::in_a_folder();
    let kept = folder.keep(&noise(100_000));
    let desk = Desk::in_a_bucket();
    let name = hex::encode(kept.hash);
    desk.overwrite(&name, &folder.sealed(&name));
    let server = desk.server.as_ref().unwrap();
    let at = bucket_of(server, &desk.folder.path().join("moved"));
    let moved = Evidence::in_bucket(&at, vault(folder.folder.path())).unwrap();
    assert!(read(&moved, &kept.hash).unwrap() == noise(100_000));
}

#[test]
fn more_names_than_one_page_are_all_walked_over() {
    let desk = Desk::in_a_bucket();
    let root = desk.folder.path().join("server/evidence/wagegate/test");
    let names: Vec<_> = (0..2_500_u32)
        .map(|number| hex::encode(hash_of(&number.to_be_bytes())))
        .collect();
    for name in &names {
        fs::create_dir_all(root.join(&name[..2])).unwrap();
        fs::write(root.join(&name[..2]).join(&name[2..]), "x").unwrap();
    }
    let mut sorted = names;
    sorted.sort_unstable();
    assert!(desk.names() == sorted);
    let rest = desk.evidence.place().names_after(&sorted[1_700]);
    assert_eq!(rest.count(), 799);
}
