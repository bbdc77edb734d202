//! A JSON array with one object a worker, read one object at a time. No error repeats what the file says.

use std::{
    cell::Cell as StdCell,
    io::{self, BufReader, Read},
    marker::PhantomData,
    rc::Rc,
};

use serde::{
    Deserialize, Deserializer as _,
    de::{
        DeserializeOwned, Error as _, MapAccess, SeqAccess, Visitor, value::MapAccessDeserializer,
    },
};
use serde_json::{Map, Value};

use super::{
    FormsError, Seen,
    entry::{Entry, Field, Said},
    flaw::RosterFlaw,
};
use crate::intake::{OpenSheet, Place, cells::Cell};

/// Bytes of one worker: a missing quotation mark must not swallow the file.
const WORKER_MAX: u64 = 64 * 1024;
/// Bytes of the whole file.
const FILE_MAX: u64 = 64 * 1024 * 1024;
/// Characters of an unknown key that are repeated.
const KEY_SHOWN: usize = 40;

/// The keys of a worker, as the API documents them.
const KEYS: [(&str, Field); 11] = [
    ("name", Field::Name),
    ("id_number", Field::IdNumber),
    ("phone", Field::Phone),
    ("role", Field::Role),
    ("trade", Field::Trade),
    ("team", Field::Team),
    ("entered_on", Field::EnteredOn),
    ("left_on", Field::LeftOn),
    ("card", Field::Card),
    ("cnaps", Field::Cnaps),
    ("card_kind", Field::CardKind),
];

pub(super) fn read(
    open: OpenSheet<'_>,
    visit: &mut dyn FnMut(Seen) -> Result<(), FormsError>,
) -> Result<(), FormsError> {
    let mut row = 0;
    each::<Value>(open, [FILE_MAX, WORKER_MAX], &mut |worker| {
        row += 1;
        visit(Seen::Worker(entry(row, &worker)))
    })
}

fn entry(row: u32, worker: &Value) -> Entry {
    let mut entry = Entry::new(Place { sheet: 1, row }, "");
    let Some(worker) = worker.as_object() else {
        entry
            .flaws
            .push((String::new(), RosterFlaw::NotAWorker.into()));
        return entry;
    };
    for (key, field) in KEYS {
        entry.say(field, key, worker.get(key).map_or(Cell::Empty, cell));
    }
    match worker.get("attendance") {
        None | Some(Value::Null) => {}
        Some(Value::Array(months)) => {
            for month in months {
                attended(&mut entry, month);
            }
        }
        Some(_) => unknown(&mut entry, "attendance"),
    }
    let known = |key: &str| key == "attendance" || KEYS.iter().any(|(known, _)| *known == key);
    for key in worker.keys().filter(|key| !known(key)) {
        unknown(&mut entry, key);
    }
    entry
}

fn attended(entry: &mut Entry, month: &Value) {
    let nothing = Map::new();
    let object = month.as_object().unwrap_or(&nothing);
    let said = |key: &str| Said {
        column: format!("attendance.{key}"),
        cell: object.get(key).map_or(Cell::Empty, cell),
    };
    entry.attendance.push((said("month"), said("days")));
    if object.is_empty() || object.keys().any(|key| key != "month" && key != "days") {
        unknown(entry, "attendance");
    }
}

fn unknown(entry: &mut Entry, key: &str) {
    let shown = key.chars().take(KEY_SHOWN).collect();
    entry.flaws.push((shown, RosterFlaw::FieldUnknown.into()));
}

/// A value as a spreadsheet would have it.
fn cell(value: &Value) -> Cell {
    match value {
        Value::Null => Cell::Empty,
        Value::String(text) => Cell::Text(text.clone()),
        Value::Number(number) if number.is_f64() => Cell::Rounded,
        Value::Number(number) => Cell::Number(number.to_string()),
        Value::Bool(_) | Value::Array(_) | Value::Object(_) => Cell::Other,
    }
}

/// Calls `visit` with each element of an array, or with the one object that the file is. At most so many bytes in all, and in each.
pub(super) fn each<T: DeserializeOwned>(
    open: OpenSheet<'_>,
    [most, most_each]: [u64; 2],
    visit: &mut dyn FnMut(T) -> Result<(), FormsError>,
) -> Result<(), FormsError> {
    let left = Rc::new(StdCell::new(most_each));
    let mut input = BufReader::new(open()?);
    skip_mark(&mut input)?;
    let fenced = Fenced {
        input,
        whole: most,
        left: Rc::clone(&left),
    };
    let mut stopped = None;
    let mut elements = serde_json::Deserializer::from_reader(fenced);
    let read = elements
        .deserialize_any(Elements {
            visit: &mut |element| {
                left.set(most_each);
                visit(element).map_err(|error| stopped = Some(error))
            },
            of: PhantomData,
        })
        .and_then(|()| elements.end());
    match (stopped, read) {
        (Some(error), _) => Err(error),
        (None, Ok(())) => Ok(()),
        (None, Err(error)) => Err(broken(&error)),
    }
}

fn skip_mark(input: &mut impl io::BufRead) -> io::Result<()> {
    const MARK: &[u8] = b"\xEF\xBB\xBF";
    if input.fill_buf()?.starts_with(MARK) {
        input.consume(MARK.len());
    }
    Ok(())
}

/// Where it broke, without the parser's own words, which quote the file.
pub(super) fn broken(error: &serde_json::Error) -> FormsError {
    match error.io_error_kind() {
        Some(io::ErrorKind::FileTooLarge) => FormsError::TooLarge,
        Some(kind) => FormsError::Io(kind.into()),
        None => FormsError::Unreadable(format!(
            "line {}, column {}: not the JSON that a roster is written in",
            error.line(),
            error.column()
        )),
    }
}

/// Lets through what one element may need, and no more until the element has ended.
struct Fenced<R> {
    input: R,
    whole: u64,
    left: Rc<StdCell<u64>>,
}

impl<R: Read> Read for Fenced<R> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let length = self.input.read(to)?;
        let taken = u64::try_from(length).unwrap_or(u64::MAX);
        let rest = |left: u64| left.checked_sub(taken).ok_or(io::ErrorKind::FileTooLarge);
        self.whole = rest(self.whole)?;
        self.left.set(rest(self.left.get())?);
        Ok(length)
    }
}

struct Elements<'a, T> {
    visit: &'a mut dyn FnMut(T) -> Result<(), ()>,
    of: PhantomData<T>,
}

impl<'de, T: Deserialize<'de>> Visitor<'de> for Elements<'_, T> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an array of objects, or one object")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<(), A::Error> {
        while let Some(element) = array.next_element()? {
            (self.visit)(element).map_err(|()| A::Error::custom("stopped"))?;
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<(), A::Error> {
        let element = T::deserialize(MapAccessDeserializer::new(map))?;
        (self.visit)(element).map_err(|()| A::Error::custom("stopped"))
    }
}
