//! Rosters in all their forms: the same people come out of each, every mistake is named at its row and column, and what is hostile gets a
//! clear refusal.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod flaws;
mod samples;

use std::io::{self, BufRead, Cursor};

use jiff::civil::date;
use proptest::prelude::*;
use wagegate::{
    registry::forms::{self, FormKind, FormsError, Read, RosterExpectation},
    security::national::NationalSecret,
};
use wagegate_domain::roster::{CardKind, RosterRow, WorkRole};

use samples::{SECRET, envelopes, good_csv, good_json, good_national, good_xlsx, secret};

fn read_with(
    kind: FormKind,
    bytes: &[u8],
    secret: Option<&NationalSecret>,
) -> Result<(Read, Vec<RosterRow>), FormsError> {
    let open =
        || -> io::Result<Box<dyn BufRead + Send>> { Ok(Box::new(Cursor::new(bytes.to_vec()))) };
    let expect = RosterExpectation {
        project: "P1",
        today: date(2026, 11, 2),
    };
    let mut rows = Vec::new();
    let read = forms::read(kind, &open, secret, &expect, &mut |row| {
        rows.push(row);
        Ok(())
    })?;
    Ok((read, rows))
}

fn read(kind: FormKind, bytes: &[u8]) -> Result<(Read, Vec<RosterRow>), FormsError> {
    read_with(kind, bytes, Some(&secret()))
}

/// Row, column and code of everything that is said; `!` before what stops the roster.
fn said(kind: FormKind, bytes: &[u8]) -> Vec<String> {
    let problems = match read(kind, bytes) {
        Ok((read, _)) => read.warnings,
        Err(FormsError::Refused(refused)) => refused.problems,
        Err(error) => panic!("{error}"),
    };
    let told = |problem: &wagegate::intake::Problem| {
        let mark = if problem.flaw.stops() { "!" } else { "" };
        let code = problem.flaw.code();
        format!("{mark}{} {} {code}", problem.row, problem.column)
    };
    problems.iter().map(told).collect()
}

/// The rows without their places; the kind of card, which the national platform does not tell, aside.
fn people(rows: Vec<RosterRow>, with_kind: bool) -> Vec<RosterRow> {
    let plain = |mut row: RosterRow| {
        row.row = 0;
        if let Some(card) = row.card.as_mut().filter(|_| !with_kind) {
            card.kind = CardKind::Unknown;
        }
        row
    };
    rows.into_iter().map(plain).collect()
}

#[test]
fn the_same_people_come_out_of_every_form() {
    let (csv, rows) = read(FormKind::Sheet, &good_csv()).unwrap();
    assert_eq!((csv.rows, csv.warnings_total), (2, 0));
    let [li, wang] = rows.as_slice() else {
        panic!("two workers");
    };
    assert_eq!(
        (li.row, li.role, li.entered_on),
        (2, WorkRole::Manager, date(2026, 3, 1))
    );
    assert_eq!(
        (wang.row, wang.role, wang.left_on),
        (3, WorkRole::Worker, Some(date(2026, 10, 20)))
    );
    assert_eq!(wang.attendance.len(), 1);
    let expected = people(rows, true);
    let gb18030 = encoding_rs::GB18030
        .encode(str::from_utf8(&good_csv()).unwrap())
        .0
        .into_owned();
    let marked = [b"\xEF\xBB\xBF".as_slice(), &good_csv()].concat();
    for (form, kind, bytes) in [
        ("GB18030", FormKind::Sheet, gb18030),
        ("BOM", FormKind::Sheet, marked),
        ("xlsx", FormKind::Sheet, good_xlsx()),
        ("JSON", FormKind::Json, good_json()),
    ] {
        let (_, rows) = read(kind, &bytes).unwrap();
        assert_eq!(people(rows, true), expected, "{form}");
    }
    let expected = people(expected, false);
    for (form, kind, bytes) in [
        ("national", FormKind::National, good_national()),
        ("envelope", FormKind::Envelope, envelopes(&secret(), |_| {})),
    ] {
        let (national, rows) = read(kind, &bytes).unwrap();
        assert_eq!(people(rows, false), expected, "{form}");
        let codes: Vec<_> = national.warnings.iter().map(|w| w.flaw.code()).collect();
        assert_eq!(codes, ["method_unread"], "{form}");
    }
}

#[test]
fn a_request_is_read_only_when_it_is_signed_by_the_project() {
    let other = NationalSecret::parse(&SECRET.replace('0', "9")).unwrap();
    let refused = |bytes: &[u8]| read(FormKind::Envelope, bytes).unwrap_err().to_string();
    assert!(refused(&envelopes(&other, |_| {})).contains("line 1: the signature"));
    for (field, value, expected) in [
        ("data", "{}", "line 1: the signature"),
        ("timestamp", "20261102080001", "line 1: the signature"),
        ("extra", "1", "line 1: a request has appid"),
        ("sign", "0", "line 1: a field comes twice"),
    ] {
        let bytes = envelopes(&secret(), |fields| {
            fields.insert(field, value);
        });
        assert!(
            refused(&bytes).contains(expected),
            "{field}: {}",
            refused(&bytes)
        );
    }
    assert!(refused(b"appid=P1").contains("line 1: the request has no sign"));
    for kind in [FormKind::National, FormKind::Envelope] {
        let error = read_with(kind, b"[]", None).unwrap_err().to_string();
        assert!(error.contains("add a [[national]] entry"), "{error}");
    }
}

#[test]
fn what_is_hostile_or_broken_gets_a_refusal_that_quotes_nobody() {
    let deep = "[".repeat(1_000_000);
    let long = format!("[{{\"name\": \"{}", "李".repeat(100_000));
    for (kind, bytes, expected) in [
        (FormKind::Json, deep.as_bytes(), "line 1, column"),
        (FormKind::Json, long.as_bytes(), "too large"),
        (
            FormKind::Json,
            b"[{\"name\": \"\xE6\x9D\x8E\"} 3]".as_slice(),
            "line 1, column",
        ),
        (FormKind::Json, b"\"\xE6\x9D\x8E\"", "line 1, column"),
        (FormKind::Json, b"", "line 1, column"),
        (
            FormKind::National,
            b"[{\"method\": \"\xE6\x9D\x8E\", \"data\": 3}]",
            "line 1, column",
        ),
        (FormKind::Sheet, b"", "empty"),
        (
            FormKind::Sheet,
            b"PK\x03\x04nonsense",
            "cannot be read as a roster",
        ),
        (FormKind::Envelope, b"\xFF%FF&=&=&", "line 1"),
    ] {
        let error = read(kind, bytes).unwrap_err().to_string();
        assert!(error.contains(expected) && !error.contains('李'), "{error}");
    }
    let open = || -> io::Result<Box<dyn BufRead + Send>> { Err(io::Error::other("gone")) };
    let expect = RosterExpectation {
        project: "P1",
        today: date(2026, 11, 2),
    };
    let error = forms::read(FormKind::Sheet, &open, None, &expect, &mut |_| Ok(())).unwrap_err();
    assert!(matches!(error, FormsError::Io(_)));
    let stopped = {
        let bytes = good_csv();
        let open =
            || -> io::Result<Box<dyn BufRead + Send>> { Ok(Box::new(Cursor::new(bytes.clone()))) };
        forms::read(FormKind::Sheet, &open, None, &expect, &mut |_| {
            Err(FormsError::Stopped)
        })
    };
    assert!(matches!(stopped, Err(FormsError::Stopped)));
}

#[test]
fn the_template_is_read_as_it_is_made_and_offers_its_choices() {
    let template = wagegate::registry::template().unwrap();
    assert_eq!(said(FormKind::Sheet, &template), ["!0  no_rows"]);
    let mut parts = zip::ZipArchive::new(Cursor::new(template)).unwrap();
    let mut sheet = String::new();
    let mut part = parts.by_name("xl/worksheets/sheet1.xml").unwrap();
    io::Read::read_to_string(&mut part, &mut sheet).unwrap();
    for choice in ["本行卡,他行卡,社保卡,云建宝卡", "建筑工人,管理人员"] {
        assert!(sheet.contains(choice), "{choice}");
    }
}

#[test]
fn the_form_is_named_or_told_by_the_content_type() {
    for kind in FormKind::ALL {
        assert_eq!(FormKind::from_code(kind.code()), Some(kind));
    }
    for (content_type, expected) in [
        ("application/json; charset=utf-8", FormKind::Json),
        ("application/x-www-form-urlencoded", FormKind::Envelope),
        ("text/csv", FormKind::Sheet),
        ("application/octet-stream", FormKind::Sheet),
        ("", FormKind::Sheet),
    ] {
        assert_eq!(FormKind::of_content_type(content_type), expected);
    }
}

#[test]
fn the_sample_rosters_are_taken_with_the_workers_of_their_wage_sheets() {
    for (file, project, workers) in [
        ("530902202610001.xlsx", "530902202610001", 412),
        ("530302202610001.csv", "530302202610001", 307),
    ] {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("examples/rosters")
            .join(file);
        let open = || -> io::Result<Box<dyn BufRead + Send>> {
            Ok(Box::new(io::BufReader::new(std::fs::File::open(&path)?)))
        };
        let expect = RosterExpectation {
            project,
            today: date(2026, 11, 2),
        };
        let mut cards = 0;
        let read = forms::read(FormKind::Sheet, &open, None, &expect, &mut |row| {
            cards += u64::from(row.card.is_some());
            Ok(())
        });
        let read = read.unwrap();
        assert_eq!(
            (read.rows, read.warnings, cards),
            (workers, vec![], workers),
            "{file}"
        );
    }
}

/// A good roster in one of its forms, cut, with bytes changed.
fn damaged() -> impl Strategy<Value = (FormKind, Vec<u8>)> {
    let good = prop_oneof![
        Just((FormKind::Sheet, good_csv())),
        Just((FormKind::Sheet, good_xlsx())),
        Just((FormKind::Json, good_json())),
        Just((FormKind::National, good_national())),
        Just((FormKind::Envelope, envelopes(&secret(), |_| {}))),
    ];
    let changes = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4);
    (good, changes, any::<prop::sample::Index>(), any::<bool>()).prop_map(
        |((kind, mut bytes), changes, cut, whole)| {
            for (at, byte) in changes {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
            if !whole {
                bytes.truncate(cut.index(bytes.len()));
            }
            (kind, bytes)
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn a_damaged_roster_is_read_whole_or_not_at_all((kind, bytes) in damaged()) {
        let mut rows = 0;
        let open = || -> io::Result<Box<dyn BufRead + Send>> {
            Ok(Box::new(Cursor::new(bytes.clone())))
        };
        let expect = RosterExpectation { project: "P1", today: date(2026, 11, 2) };
        let done = forms::read(kind, &open, Some(&secret()), &expect, &mut |_| {
            rows += 1;
            Ok(())
        });
        match done {
            Ok(read) => prop_assert_eq!(read.rows, rows),
            Err(error) => prop_assert_eq!(rows, 0, "{}", error),
        }
    }
}

/// What `scripts/fuzz` begins with: good rosters, small ones.
#[test]
fn the_seeds_of_fuzzing_are_good_rosters() {
    let seeds = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds/roster_forms");
    for (name, kind) in [
        ("roster.csv", FormKind::Sheet),
        ("roster.json", FormKind::Json),
        ("messages.json", FormKind::National),
        ("requests.txt", FormKind::Envelope),
    ] {
        let bytes = std::fs::read(seeds.join(name)).unwrap();
        assert_eq!(read(kind, &bytes).unwrap().0.rows, 1, "{name}");
    }
}

#[test]
fn passages_come_in_any_number_of_messages_and_workers_in_a_bounded_one() {
    let mut messages: Vec<serde_json::Value> = serde_json::from_slice(&good_national()).unwrap();
    let passages = messages[0].clone();
    messages.splice(0..0, std::iter::repeat_n(passages, 450));
    let (_, rows) = read(FormKind::National, &serde_json::to_vec(&messages).unwrap()).unwrap();
    let places: Vec<u32> = rows.iter().map(|row| row.row).collect();
    assert_eq!(places, [1, 20_000_001]);
    let worker = messages[451].clone();
    let many = serde_json::to_vec(&vec![worker; 440]).unwrap();
    let refused = read(FormKind::National, &many);
    assert!(matches!(refused, Err(FormsError::TooLarge)), "{refused:?}");
}
