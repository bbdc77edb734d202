//! Wage sheets as JSON: our own form, and the national platform's `Payroll.Add`, bare or under `method` and `data`. Both stream; a row is held, and nothing else.
//!
//! A row's number is its place in the list, from 1. Amounts are read from their digits as they stand: no float comes near them.

use std::{
    cell::Cell as Left,
    fmt,
    io::{self, BufRead, BufReader, Read},
    rc::Rc,
};

use serde::{
    Deserialize, Deserializer,
    de::{DeserializeSeed, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use serde_json::value::RawValue;
use wagegate_domain::Fen;

use super::{
    IntakeError, National,
    cells::{Cell, Line, Tab},
    declared::Declared,
    header::{Column, Columns},
    place::Place,
    problem::Flaw,
    walk::Seen,
};

/// Bytes that one row may need, what is read ahead included.
const AHEAD_MAX: usize = 256 * 1024;
/// Rows in one document.
const ROWS_MAX: u32 = 1_048_576;
/// A value with more characters is no name, number or amount.
const VALUE_MAX: usize = 1_024;

type Visit<'a> = &'a mut dyn FnMut(Seen) -> Result<(), IntakeError>;

/// True for bytes with which an object begins.
pub(super) fn begins(start: &[u8]) -> bool {
    let start = start.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(start);
    start.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{')
}

/// Reads a document and tells its rows, then what it states over them.
pub(super) fn read(
    mut input: Box<dyn BufRead + Send>,
    national: Option<&dyn National>,
    visit: Visit<'_>,
) -> Result<(), IntakeError> {
    if input.fill_buf()?.starts_with(b"\xEF\xBB\xBF") {
        input.consume(3);
    }
    let left = Rc::new(Left::new(AHEAD_MAX));
    let fenced = Fenced {
        input,
        left: Rc::clone(&left),
    };
    let mut document = Document {
        national,
        visit,
        left,
        tab: Rc::new(Tab::default()),
        failed: None,
        head: Head::default(),
    };
    let mut json =
        serde_json::Deserializer::from_reader(BufReader::with_capacity(8 * 1024, fenced));
    let read = json
        .deserialize_map(&mut document)
        .and_then(|()| json.end());
    match (document.failed.take(), read) {
        (Some(error), _) => Err(error),
        (None, Err(error)) if error.is_io() => Err(unreadable(
            &error,
            "a value is longer than any of a wage row, or reading failed",
        )),
        (None, Err(error)) => Err(unreadable(&error, "not the JSON of a wage sheet")),
        (None, Ok(())) => document.close(),
    }
}

/// Only place and kind of the fault: the document may hold what must not be repeated.
fn unreadable(error: &serde_json::Error, what: &str) -> IntakeError {
    IntakeError::Unreadable(format!(
        "{what}: {:?} fault at line {}, column {}; the form is {{\"declared\": {{\"count\": 2, \"sum\": \"100.00\"}}, \"rows\": [{{\"name\", \"id_number\", \"account\", \"cnaps\", \"amount\"}}]}}",
        error.classify(),
        error.line(),
        error.column()
    ))
}

/// Lets through what one row may need, and no more until the row has ended.
struct Fenced<R> {
    input: R,
    left: Rc<Left<usize>>,
}

impl<R: Read> Read for Fenced<R> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let length = self.input.read(to)?;
        let left = self.left.get().checked_sub(length);
        self.left.set(left.ok_or(io::ErrorKind::FileTooLarge)?);
        Ok(length)
    }
}

/// What a document states beside its rows.
#[derive(Default)]
struct Head {
    declared: Declared,
    form: Vec<(&'static str, String)>,
    has_rows: bool,
    national: bool,
}

struct Document<'a> {
    national: Option<&'a dyn National>,
    visit: Visit<'a>,
    left: Rc<Left<usize>>,
    tab: Rc<Tab>,
    failed: Option<IntakeError>,
    head: Head,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Stated {
    count: Option<u64>,
    sum: Option<String>,
}

impl<'de> Visitor<'de> for &mut Document<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a wage sheet as an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        self.fields(&mut map)?;
        if self.head.has_rows {
            Ok(())
        } else {
            Err(A::Error::custom("no rows"))
        }
    }
}

/// What lies under `data` of a message of the national platform.
struct Inside<'d, 'a>(&'d mut Document<'a>);

impl<'de> DeserializeSeed<'de> for Inside<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Inside<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a wage sheet as an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        self.0.fields(&mut map)
    }
}

impl Document<'_> {
    fn fields<'de, A: MapAccess<'de>>(&mut self, map: &mut A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "declared" => self.head.declared = declared::<A>(map.next_value()?)?,
                "rows" | "detailList" if self.head.has_rows => {
                    return Err(A::Error::custom("rows come twice"));
                }
                "rows" => map.next_value_seed(Rows {
                    document: self,
                    national: false,
                })?,
                "detailList" => map.next_value_seed(Rows {
                    document: self,
                    national: true,
                })?,
                "method" => {
                    let method: String = map.next_value()?;
                    if !is_wages(&method) {
                        return Err(A::Error::custom("another message than Payroll.Add"));
                    }
                }
                "data" => map.next_value_seed(Inside(self))?,
                "projectCode" => self.head.form.push(("projectCode", map.next_value()?)),
                "corpCode" => self.head.form.push(("corpCode", map.next_value()?)),
                "payMonth" => self.head.form.push(("payMonth", map.next_value()?)),
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(())
    }
}

fn is_wages(method: &str) -> bool {
    method.strip_suffix(".Add").unwrap_or(method) == "Payroll"
}

fn declared<'de, A: MapAccess<'de>>(stated: Stated) -> Result<Declared, A::Error> {
    let sum = stated.sum.as_deref().map(Fen::parse_yuan).transpose();
    Ok(Declared {
        count: stated.count,
        sum: sum.map_err(A::Error::custom)?,
    })
}

impl Document<'_> {
    /// What is stated over the rows is told after them; a field that the national form must have counts as differing where it is missing.
    fn close(self) -> Result<(), IntakeError> {
        if self.head.national {
            for field in ["projectCode", "corpCode", "payMonth"] {
                let stated = self.head.form.iter().find(|(name, _)| *name == field);
                let stated = stated.map(|(_, value)| value.clone()).unwrap_or_default();
                (self.visit)(Seen::Form { field, stated })?;
            }
        }
        (self.visit)(Seen::Declared(self.head.declared))
    }
}

/// The list of rows, in either form.
struct Rows<'d, 'a> {
    document: &'d mut Document<'a>,
    national: bool,
}

impl<'de> DeserializeSeed<'de> for Rows<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Rows<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of rows")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let Self { document, national } = self;
        (document.head.has_rows, document.head.national) = (true, national);
        let columns = Rc::new(if national {
            columns(NATIONAL)
        } else {
            columns(OWN)
        });
        let mut row = 0;
        loop {
            let seen = if national {
                let next = list.next_element::<NationalRow>()?;
                next.map(|next| next.seen(document.national))
            } else {
                list.next_element::<OwnRow>()?
                    .map(|next| (next.cells(), None))
            };
            let Some((cells, flaw)) = seen else {
                return Ok(());
            };
            row += 1;
            document.left.set(AHEAD_MAX);
            let told = if row > ROWS_MAX {
                Err(IntakeError::TooLarge)
            } else {
                let line = Line {
                    tab: Rc::clone(&document.tab),
                    row,
                    cells,
                };
                (document.visit)(seen_row(line, &columns, flaw))
            };
            if let Err(error) = told {
                document.failed = Some(error);
                return Err(A::Error::custom("stopped"));
            }
        }
    }
}

fn seen_row(line: Line, columns: &Rc<Columns>, flaw: Option<(&'static str, Flaw)>) -> Seen {
    let place = Place {
        sheet: 1,
        row: line.row,
    };
    let columns = Rc::clone(columns);
    match flaw {
        None => Seen::Row {
            line,
            columns,
            place,
        },
        Some((column, flaw)) => Seen::RowFlaw {
            line,
            columns,
            place,
            flaw: (column.to_owned(), flaw),
        },
    }
}

const OWN: [&str; 5] = ["name", "id_number", "account", "cnaps", "amount"];
const NATIONAL: [&str; 5] = [
    "workerName",
    "idCardNumber",
    "payRollBankCardNumber",
    "bankLinkNumber",
    "actualAmount",
];

fn columns(names: [&str; 5]) -> Columns {
    let column = |at: usize| Column {
        at,
        header: names.get(at).copied().unwrap_or_default().to_owned(),
    };
    Columns {
        name: column(0),
        id_number: column(1),
        card: column(2),
        cnaps: Some(column(3)),
        amount: column(4),
    }
}

/// A value as it stands in the document.
type Raw = Option<Box<RawValue>>;

#[derive(Deserialize)]
struct OwnRow {
    name: Raw,
    id_number: Raw,
    account: Raw,
    cnaps: Raw,
    amount: Raw,
}

impl OwnRow {
    fn cells(self) -> Vec<Cell> {
        [
            self.name,
            self.id_number,
            self.account,
            self.cnaps,
            self.amount,
        ]
        .map(|raw| cell(raw.as_deref()))
        .into()
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct NationalRow {
    worker_name: Raw,
    id_card_number: Raw,
    pay_roll_bank_card_number: Raw,
    actual_amount: Raw,
    is_back_pay: Raw,
}

impl NationalRow {
    /// Its cells with the sealed ones opened, and what makes it nobody's wage of this month.
    fn seen(self, national: Option<&dyn National>) -> (Vec<Cell>, Option<(&'static str, Flaw)>) {
        let opened = |raw: Raw| match (cell(raw.as_deref()), national) {
            (Cell::Text(sealed), Some(national)) => national.open(&sealed).map(Cell::Text),
            (Cell::Empty, _) => Some(Cell::Empty),
            (
                Cell::Text(_)
                | Cell::Number(_)
                | Cell::Rounded
                | Cell::Error
                | Cell::Date(_)
                | Cell::Other,
                _,
            ) => None,
        };
        let (id_number, card) = (
            opened(self.id_card_number),
            opened(self.pay_roll_bank_card_number),
        );
        let flaw = match (&id_number, &card, cell(self.is_back_pay.as_deref()).text()) {
            (_, _, "1" | "true") => Some(("isBackPay", Flaw::BackPay)),
            (None, _, _) => Some(("idCardNumber", Flaw::FieldSealed)),
            (_, None, _) => Some(("payRollBankCardNumber", Flaw::FieldSealed)),
            (Some(_), Some(_), _) => None,
        };
        let (id_number, card) = (id_number.unwrap_or_default(), card.unwrap_or_default());
        let registered = national.and_then(|national| national.name(id_number.text(), card.text()));
        let (name, cnaps) = registered.map_or((Cell::Empty, None), |(name, cnaps)| {
            (Cell::Text(name), cnaps)
        });
        let given = cell(self.worker_name.as_deref());
        let cells = vec![
            if given.is_blank() { name } else { given },
            id_number,
            card,
            cnaps.map_or(Cell::Empty, Cell::Text),
            cell(self.actual_amount.as_deref()),
        ];
        (cells, flaw)
    }
}

/// A value as a cell: a text, a number by its digits, nothing; an object or list is no cell.
fn cell(raw: Option<&RawValue>) -> Cell {
    let text = raw.map_or("null", |raw| raw.get().trim());
    match text.as_bytes().first() {
        Some(b'"') => match serde_json::from_str::<String>(text) {
            Ok(text) if text.trim().is_empty() => Cell::Empty,
            Ok(text) => Cell::Text(text.chars().take(VALUE_MAX).collect()),
            Err(_) => Cell::Other,
        },
        Some(b'-' | b'0'..=b'9') => number(text),
        Some(b'n') => Cell::Empty,
        Some(b't') => Cell::Text("true".into()),
        Some(_) | None => Cell::Other,
    }
}

/// Beyond fifteen digits, or with an exponent, whoever wrote the number may have lost some of it.
fn number(text: &str) -> Cell {
    if text.contains(['e', 'E']) || text.bytes().filter(u8::is_ascii_digit).count() > 15 {
        Cell::Rounded
    } else {
        Cell::Number(text.to_owned())
    }
}
