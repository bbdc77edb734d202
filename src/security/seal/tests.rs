//! What must hold of sealing, blinding and the key file.

use std::{fs, io::Write as _, os::unix::fs::PermissionsExt as _, path::PathBuf};

use tempfile::TempDir;
use wagegate_domain::{
    Fen,
    ids::Cnaps,
    roster::{CardClaim, CardKind, Phone, RosterRow, WorkRole},
};

use super::*;

const CARD: &str = "6225881414207430";

struct KeyFolder(TempDir);

impl KeyFolder {
    fn new() -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        Vault::create(&folder.path()).unwrap();
        folder
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("keys.toml")
    }

    fn vault(&self) -> Vault {
        Vault::open(&self.path()).unwrap()
    }

    fn edit(&self, change: impl FnOnce(String) -> String) {
        let text = fs::read_to_string(self.path()).unwrap();
        fs::write(self.path(), change(text)).unwrap();
    }

    /// As an operator would: a second sealing key, made current.
    fn add_current_key(&self) {
        let key = "5a".repeat(32);
        self.edit(|text| {
            text.replace("current = 1", "current = 2")
                + &format!("\n[[sealing]]\nid = 2\nkey = \"{key}\"\n")
        });
    }
}

fn row(account: &str) -> WageRow {
    WageRow {
        row: 7,
        name: PersonName::parse("阿依古丽·买买提").unwrap(),
        id_number: IdNumber::parse("11010519491231002X").unwrap(),
        account: BankAccount::parse(account).unwrap().0,
        cnaps: None,
        amount: Fen::new(654_321),
    }
}

#[test]
fn what_is_sealed_opens_again_in_its_place() {
    let vault = KeyFolder::new().vault();
    let sealed = vault.seal_row(&row(CARD));
    let (name, account) = vault
        .open_binding(&sealed.binding_blind, &sealed.binding_sealed)
        .unwrap();
    assert_eq!((name, account), (row(CARD).name, row(CARD).account));
    let id = vault.open_id_number(&sealed.worker_blind, &sealed.worker_sealed);
    assert_eq!(id.unwrap(), row(CARD).id_number);
    assert_eq!((sealed.row, sealed.amount), (7, Fen::new(654_321)));
}

#[test]
fn no_clear_text_is_in_what_is_sealed_and_the_same_row_never_seals_alike() {
    let vault = KeyFolder::new().vault();
    let [one, two] = [(); 2].map(|()| vault.seal_row(&row(CARD)));
    assert_ne!(one.binding_sealed, two.binding_sealed);
    assert_ne!(one.worker_sealed, two.worker_sealed);
    for (sealed, clear) in [
        (&one.binding_sealed, CARD),
        (&one.binding_sealed, "阿依古丽"),
        (&one.worker_sealed, "11010519491231002X"),
    ] {
        let found = sealed
            .windows(clear.len())
            .any(|part| part == clear.as_bytes());
        assert!(!found);
    }
}

#[test]
fn a_value_moved_to_another_row_is_refused() {
    let vault = KeyFolder::new().vault();
    let one = vault.seal_row(&row(CARD));
    let other = vault.seal_row(&row("6225881414207448"));
    let moved = vault.open_binding(&other.binding_blind, &one.binding_sealed);
    assert!(matches!(moved, Err(VaultError::Damaged)));
    // Nor does one kind of value open as another, even under its own index.
    let as_id = vault.open_id_number(&one.binding_blind, &one.binding_sealed);
    assert!(matches!(as_id, Err(VaultError::Damaged)));
}

#[test]
fn a_flipped_bit_anywhere_is_refused_and_so_is_every_shorter_value() {
    let vault = KeyFolder::new().vault();
    let sealed = vault.seal_row(&row(CARD));
    for place in 0..sealed.binding_sealed.len() {
        let mut flipped = sealed.binding_sealed.clone();
        flipped[place] ^= 1;
        assert!(
            vault.open_binding(&sealed.binding_blind, &flipped).is_err(),
            "{place}"
        );
        let cut = &sealed.binding_sealed[..place];
        assert!(
            vault.open_binding(&sealed.binding_blind, cut).is_err(),
            "{place}"
        );
    }
}

#[test]
fn errors_name_the_form_and_the_key_that_are_missing() {
    let vault = KeyFolder::new().vault();
    let sealed = vault.seal_row(&row(CARD));
    for (head, expected) in [
        ([3, 0, 0, 0, 1], "sealed in form 3"),
        ([2, 0, 0, 0, 1], "does not open"),
        ([1, 0, 0, 0, 9], "sealed with key 9"),
    ] {
        let mut other = sealed.binding_sealed.clone();
        other[..5].copy_from_slice(&head);
        let error = vault
            .open_binding(&sealed.binding_blind, &other)
            .unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
    }
}

#[test]
fn old_values_open_after_a_new_current_key_and_their_indexes_stay() {
    let keys = KeyFolder::new();
    let before = keys.vault().seal_row(&row(CARD));
    keys.add_current_key();
    let vault = keys.vault();
    assert!(
        vault
            .open_binding(&before.binding_blind, &before.binding_sealed)
            .is_ok()
    );
    let after = vault.seal_row(&row(CARD));
    assert_eq!(after.binding_sealed[..5], [1, 0, 0, 0, 2]);
    assert_eq!(
        (after.worker_blind, after.binding_blind, after.account_blind),
        (
            before.worker_blind,
            before.binding_blind,
            before.account_blind
        )
    );
}

#[test]
fn two_vaults_of_one_file_blind_alike_and_two_files_differ() {
    let keys = KeyFolder::new();
    let [one, same, foreign] = [keys.vault(), keys.vault(), KeyFolder::new().vault()];
    let index = one.blind_account(CARD).unwrap();
    assert_eq!(same.blind_account(CARD), Some(index));
    assert_ne!(foreign.blind_account(CARD), Some(index));
    let sealed = one.seal_row(&row(CARD));
    assert!(
        same.open_binding(&sealed.binding_blind, &sealed.binding_sealed)
            .is_ok()
    );
    assert!(
        foreign
            .open_binding(&sealed.binding_blind, &sealed.binding_sealed)
            .is_err()
    );
}

#[test]
fn an_account_is_found_however_a_bank_writes_it() {
    let vault = KeyFolder::new().vault();
    let index = vault.seal_row(&row(CARD)).account_blind;
    for (text, expected) in [
        (CARD, Some(index)),
        (" 6225 8814 1420 7430 ", Some(index)),
        ("６２２５８８１４１４２０７４３０", Some(index)),
        ("6225****7430", None),
        ("", None),
    ] {
        assert_eq!(vault.blind_account(text), expected, "{text}");
    }
    assert_ne!(vault.blind_account("6225881414207448"), Some(index));
}

#[test]
fn a_change_of_name_account_or_bank_number_is_another_binding() {
    let vault = KeyFolder::new().vault();
    let base = vault.seal_row(&row(CARD)).binding_blind;
    let renamed = WageRow {
        name: PersonName::parse("李晓明").unwrap(),
        ..row(CARD)
    };
    let with_bank = WageRow {
        cnaps: Cnaps::parse("102100099996").ok(),
        ..row(CARD)
    };
    for other in [renamed, with_bank, row("6225881414207448")] {
        assert_ne!(vault.seal_row(&other).binding_blind, base);
    }
    assert_eq!(
        vault
            .seal_row(&WageRow {
                row: 8,
                ..row(CARD)
            })
            .binding_blind,
        base
    );
}

#[test]
fn keys_are_made_for_the_owner_only_and_never_overwritten() {
    let keys = KeyFolder::new();
    let mode = fs::metadata(keys.path()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let before = fs::read(keys.path()).unwrap();
    let again = Vault::create(&keys.path());
    assert!(matches!(again, Err(VaultError::Exists { .. })));
    assert_eq!(fs::read(keys.path()).unwrap(), before);
}

#[test]
fn keys_that_others_can_use_are_refused_with_the_remedy() {
    let keys = KeyFolder::new();
    for mode in [0o640, 0o604, 0o620, 0o601, 0o660] {
        fs::set_permissions(keys.path(), fs::Permissions::from_mode(mode)).unwrap();
        let error = Vault::open(&keys.path()).unwrap_err();
        assert!(matches!(error, VaultError::Exposed { .. }), "{mode:o}");
        assert!(error.to_string().contains("chmod 600"), "{error}");
    }
    fs::set_permissions(keys.path(), fs::Permissions::from_mode(0o400)).unwrap();
    keys.vault();
}

#[test]
fn a_bad_key_file_is_refused_without_showing_a_key() {
    for (from, to, expected) in [
        ("\nkey = \"", "\nkey = \"xx", "line 9"),
        ("aes-256-gcm", "aes-128-ecb", "line 8"),
        ("current = 1", "current = 3", "names sealing key 3"),
        (
            "\n[blind]",
            "\n[[sealing]]\nid = 1\nkey = \"KEY\"\n[blind]",
            "key 1 is there twice",
        ),
        ("account", "acount", "line 13"),
        ("\n[blind]", "\n[blind", "line 11"),
    ] {
        let keys = KeyFolder::new();
        let key = "5a".repeat(32);
        keys.edit(|text| text.replacen(from, &to.replace("KEY", &key), 1));
        let text = fs::read_to_string(keys.path()).unwrap();
        let error = Vault::open(&keys.path()).unwrap_err();
        let shown = format!("{error} {error:?}");
        assert!(shown.contains(expected), "{shown}");
        let quoted = text.split('"').skip(1).step_by(2);
        assert!(
            quoted.into_iter().all(|key| !shown.contains(key)),
            "{shown}"
        );
    }
}

#[test]
fn debug_output_shows_no_key_and_no_person() {
    let keys = KeyFolder::new();
    keys.add_current_key();
    let vault = keys.vault();
    assert_eq!(
        format!("{vault:?}"),
        "Vault { current: 2, sealing: [1, 2], .. }"
    );
    let shown = format!("{:?}", vault.seal_row(&row(CARD)));
    assert!(
        !shown.contains("7430") && !shown.contains("002X"),
        "{shown}"
    );
}

#[test]
fn a_file_with_a_failed_write_is_never_finished() {
    /// Takes so many bytes and then is full.
    struct Small(io::Cursor<Vec<u8>>, usize);
    impl io::Write for Small {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if self.0.get_ref().len() + bytes.len() > self.1 {
                return Err(io::ErrorKind::StorageFull.into());
            }
            self.0.write(bytes)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    impl io::Seek for Small {
        fn seek(&mut self, to: io::SeekFrom) -> io::Result<u64> {
            self.0.seek(to)
        }
    }
    let vault = KeyFolder::new().vault();
    let small = Small(io::Cursor::default(), 100_000);
    let mut writer = vault.seal_stream(small).unwrap();
    let error = writer.write_all(&[7; 200_000]).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::StorageFull);
    assert!(
        writer
            .finish(Label {
                hash: [0; 32],
                size: 200_000
            })
            .is_err()
    );
}

/// The worker of [`row`] on a roster, with the same card.
fn on_roster(phone: Option<&str>) -> RosterRow {
    let wage = row(CARD);
    RosterRow {
        row: 7,
        name: wage.name,
        id_number: wage.id_number,
        phone: phone.map(|digits| Phone::parse(digits).unwrap()),
        role: WorkRole::Worker,
        team: String::new(),
        entered_on: jiff::civil::date(2026, 3, 1),
        left_on: None,
        attendance: vec![],
        card: Some(CardClaim {
            account: wage.account,
            cnaps: wage.cnaps,
            kind: CardKind::Unknown,
        }),
    }
}

#[test]
fn a_worker_and_card_of_a_roster_are_those_of_a_wage_sheet() {
    let vault = KeyFolder::new().vault();
    let wage = vault.seal_row(&row(CARD));
    let worker = vault.seal_worker(&on_roster(None));
    let card = worker.card.unwrap();
    assert_eq!(worker.blind, wage.worker_blind);
    assert_eq!(
        (card.blind, card.account_blind),
        (wage.binding_blind, wage.account_blind)
    );
    assert_eq!(worker.profile.name_blind, vault.blind_name(&row(CARD).name));
}

#[test]
fn a_profile_opens_for_its_worker_only_and_its_digest_is_that_of_its_content() {
    let vault = KeyFolder::new().vault();
    let with = vault.seal_worker(&on_roster(Some("139-0000 0001")));
    let (name, phone) = vault
        .open_profile(&with.blind, &with.profile.sealed)
        .unwrap();
    assert!(name == row(CARD).name && phone.unwrap().clear() == "13900000001");
    assert!(matches!(
        vault.open_profile(&[0; 16], &with.profile.sealed),
        Err(VaultError::Damaged)
    ));
    let without = vault.seal_worker(&on_roster(None));
    let (_, phone) = vault
        .open_profile(&without.blind, &without.profile.sealed)
        .unwrap();
    assert!(phone.is_none() && with.profile.has_phone && !without.profile.has_phone);
    assert_ne!(with.profile.digest, without.profile.digest);
    let again = vault.seal_worker(&on_roster(Some("13900000001")));
    assert_eq!(with.profile.digest, again.profile.digest);
    assert_ne!(with.profile.sealed, again.profile.sealed);
}
