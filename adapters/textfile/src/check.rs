//! What must hold between the parts of a profile, so that nothing can go wrong later that could have been seen when it was loaded.

use jiff::civil::date;
use jiff::fmt::strtime;
use wagegate_domain::money::Fen;
use wagegate_domain::profile::without_dates;

use crate::charset::Charset;
use crate::column::{Column, Kind, Scope, Source, What};
use crate::profile::{Document, Layout, Profile, Question};
use crate::record::{Bars, Form, Record};

/// Why a profile cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProfileError {
    /// Not TOML, or not a profile of this family: an unknown key, a missing one, a word that means nothing.
    #[error("the profile cannot be read: {0}")]
    Unreadable(String),
    /// Its parts do not fit together.
    #[error("{place}: {why}")]
    Wrong {
        /// Which part.
        place: String,
        /// What is wrong, and what would be right.
        why: String,
    },
}

type Checked = Result<(), String>;

/// Checks the whole profile, and stops at the first thing that is wrong.
pub(crate) fn check(profile: &Profile) -> Result<(), ProfileError> {
    let at = |place: &str, checked: Checked| {
        checked.map_err(|why| ProfileError::Wrong {
            place: place.to_owned(),
            why,
        })
    };
    at("bank", check_bank(profile))?;
    at("text", check_form(&profile.text.form))?;
    at("instruction", check_instruction(profile))?;
    at("reply", check_reply(profile))?;
    for document in &profile.documents {
        at(
            &format!("document {}", document.name),
            check_document(profile, document),
        )?;
    }
    at("document", check_marks(profile))?;
    for (name, codes) in &profile.codes {
        at(&format!("codes.{name}"), check_codes(codes.codes()))?;
    }
    at("reply.codes", check_codes(profile.reply.codes.codes()))
}

fn check_bank(profile: &Profile) -> Checked {
    let bank = &profile.bank;
    ensure(bank.limits.rows_max > 0, "limits.rows_max is above nought")?;
    ensure(
        (12..=28).contains(&bank.key.length),
        "key.length is 12 to 28",
    )?;
    let asks = bank.paths.query.as_ref();
    ensure(
        asks.is_none_or(|path| path.contains("{key}")),
        "paths.query needs `{key}`: without it the bank does not know what is asked",
    )?;
    ensure(
        asks.is_none_or(|path| without_dates(path).is_some()),
        "paths.query has both `{from}` and `{to}`, once each, or neither",
    )?;
    let collects = bank.paths.collect.as_ref();
    ensure(
        collects.is_none_or(|path| path.contains("{after}")),
        "paths.collect needs `{after}`",
    )
}

fn check_form(form: &Form) -> Checked {
    match form {
        Form::Fixed {} => Ok(()),
        Form::Delimited(Bars { delimiter, .. }) => {
            let sign = |c: char| c.is_ascii_punctuation() || c == '\t';
            ensure(
                !delimiter.is_empty() && delimiter.chars().all(sign),
                "a delimiter is made of ASCII signs, or is a tab",
            )
        }
    }
}

fn check_instruction(profile: &Profile) -> Checked {
    let (layout, form, charset) = (
        &profile.instruction,
        &profile.text.form,
        profile.text.charset,
    );
    check_layout(layout, form, charset)?;
    let columns = layout
        .frame()
        .chain([&layout.row])
        .flat_map(Record::sources);
    if let Some(source) = columns
        .into_iter()
        .find(|source| source.scope() == Scope::Bank)
    {
        return Err(format!(
            "`{}` comes from the bank and cannot be written",
            source.word()
        ));
    }
    for source in [
        Source::Key,
        Source::SpecialAccount,
        Source::Count,
        Source::Sum,
    ] {
        let stated = layout.frame().any(|record| record.has(source));
        ensure_with(stated, || {
            format!(
                "no header or trailer has `{}`: nothing could be read back and compared",
                source.word()
            )
        })?;
    }
    for source in [Source::Account, Source::Name, Source::Amount] {
        ensure_with(layout.row.has(source), || {
            format!("the row lacks `{}`", source.word())
        })?;
    }
    check_room(profile)
}

/// Keys and row numbers of every instruction that the limits allow must fit.
fn check_room(profile: &Profile) -> Checked {
    let layout = &profile.instruction;
    let rows = profile.bank.limits.rows_max.to_string().len();
    for column in layout
        .frame()
        .chain([&layout.row])
        .flat_map(|record| &record.columns)
    {
        let needed = match column.source() {
            Some(source) => needed(source, profile.bank.key.length, rows),
            None => 0,
        };
        ensure_with(needed <= column.max, || {
            format!(
                "`{}` may need {needed} bytes and has {}",
                column.word(),
                column.max
            )
        })?;
    }
    Ok(())
}

/// Bytes that a source may need, where that is known beforehand.
const fn needed(source: Source, key: usize, rows: usize) -> usize {
    match source {
        Source::Key => key,
        Source::Reference => key + 7,
        Source::Sequence | Source::Count => rows,
        Source::Cnaps => 12,
        Source::SpecialAccount
        | Source::AccountName
        | Source::Sum
        | Source::ValueDate
        | Source::Created
        | Source::Account
        | Source::Name
        | Source::Amount
        | Source::Remark
        | Source::Code
        | Source::Text
        | Source::BankReference
        | Source::PaidCount
        | Source::PaidSum
        | Source::Unused => 0,
    }
}

fn check_document(profile: &Profile, document: &Document) -> Checked {
    let form = profile.form_of(document);
    check_form(form)?;
    let layout = &document.lines;
    check_layout(layout, form, profile.text.charset)?;
    ensure(
        !document.mark(form, profile.text.charset).is_empty(),
        "the first header line begins with a constant (`is`): documents are told apart by it",
    )?;
    ensure_with(profile.codes.contains_key(&document.codes), || {
        format!("there is no table [codes.{}]", document.codes)
    })?;
    let row = &layout.row;
    ensure(
        row.has(Source::Code),
        "the row lacks `code`: nothing would say what became of a payment",
    )?;
    let placed = row.has(Source::Reference)
        || row.has(Source::Sequence)
        || row.has(Source::Account) && row.has(Source::Amount);
    ensure(
        placed,
        "the row has neither `reference` nor `sequence` nor `account` with `amount`: no payment could be found",
    )?;
    let in_header = layout.header.iter().any(|record| record.has(Source::Key));
    ensure(
        !layout.trailer.iter().any(|record| record.has(Source::Key)),
        "a `key` in the trailer comes too late for the rows",
    )?;
    match document.answers {
        Question::Query => ensure(
            !row.has(Source::Key),
            "a result is about one instruction: its `key` stands in the header",
        ),
        Question::Collect => ensure(
            in_header || row.has(Source::Key) || row.has(Source::Reference),
            "neither header nor row has `key`, and the row no `reference`: no instruction could be found",
        ),
    }?;
    let sums = layout
        .frame()
        .any(|record| record.has(Source::Sum) || record.has(Source::PaidSum));
    ensure(
        !sums || row.has(Source::Amount),
        "a sum is stated, but the row has no `amount` to add up",
    )
}

fn check_reply(profile: &Profile) -> Checked {
    let form = profile.reply.form.as_ref().unwrap_or(&profile.text.form);
    check_form(form)?;
    check_record(&profile.reply.line, form, profile.text.charset)?;
    ensure(
        profile.reply.line.has(Source::Code),
        "the line lacks `code`",
    )
}

/// Two documents must not begin alike.
fn check_marks(profile: &Profile) -> Checked {
    let marks: Vec<_> = profile
        .documents
        .iter()
        .map(|document| {
            (
                document,
                document.mark(profile.form_of(document), profile.text.charset),
            )
        })
        .collect();
    for (place, (one, mark)) in marks.iter().enumerate() {
        let twin = marks
            .iter()
            .skip(place + 1)
            .find(|(_, other)| other.starts_with(mark) || mark.starts_with(other));
        if let Some((other, _)) = twin {
            return Err(format!(
                "`{}` and `{}` begin alike and cannot be told apart",
                one.name, other.name
            ));
        }
    }
    Ok(())
}

fn check_codes<'c>(mut codes: impl Iterator<Item = &'c str>) -> Checked {
    let catch_all = codes.find(|code| matches!(code.trim(), "" | "*" | "default" | "else"));
    ensure(
        catch_all.is_none(),
        "a table has no word for the rest: a code that it does not hold is unknown, and waits",
    )
}

fn check_layout(layout: &Layout, form: &Form, charset: Charset) -> Checked {
    for record in layout.frame().chain([&layout.row]) {
        check_record(record, form, charset)?;
    }
    let of_rows = |source: &Source| {
        let about_one = matches!(source, Source::Code | Source::Text | Source::BankReference);
        about_one || source.scope() == Scope::Payment
    };
    if let Some(source) = layout.frame().flat_map(Record::sources).find(of_rows) {
        return Err(format!(
            "`{}` is said of one payment and has no place in header or trailer",
            source.word()
        ));
    }
    if let Some(trailer) = layout.trailer.first() {
        ensure(
            !trailer.mark(form, charset).is_empty(),
            "the first trailer line begins with a constant (`is`): it is told from a row by it",
        )?;
    }
    ensure(!layout.row.is_bare(), "a row has more than one column")?;
    let end = layout.end.as_deref();
    ensure(
        end.is_none_or(|end| !end.is_empty() && end.bytes().all(|byte| byte.is_ascii_graphic())),
        "`end` is made of ASCII signs",
    )
}

fn check_record(record: &Record, form: &Form, charset: Charset) -> Checked {
    ensure(!record.columns.is_empty(), "a line has at least one column")?;
    for (place, column) in record.columns.iter().enumerate() {
        check_column(column, record, form, charset)?;
        let source = column.source().filter(|source| *source != Source::Unused);
        let again = record
            .columns
            .iter()
            .skip(place + 1)
            .any(|other| source.is_some() && other.source() == source);
        ensure_with(!again, || {
            format!("`{}` stands twice in one line", column.word())
        })?;
    }
    Ok(())
}

fn check_column(column: &Column, record: &Record, form: &Form, charset: Charset) -> Checked {
    let word = column.word();
    if *form == (Form::Fixed {}) && !record.is_bare() {
        ensure_with(column.width.is_some(), || {
            format!("`{word}` needs a `width`: the columns are fixed")
        })?;
    }
    if let What::Constant(text) = &column.what {
        let whole = format!("{}{text}{}", column.prefix, column.suffix);
        check_constant(&whole, column, record, form, charset)
            .map_err(|why| format!("constant `{text}` {why}"))?;
    }
    if column.source().map(Source::kind) == Some(Kind::Day) {
        let sample = date(2026, 11, 2).at(9, 30, 0, 0);
        let written = strtime::format(&column.format, sample)
            .map_err(|error| format!("`{word}`: {error}"))?;
        ensure_with(written.len() <= column.max, || {
            format!("`{word}` is longer than {} bytes", column.max)
        })?;
    }
    if let Some(cnaps) = &column.default {
        let digits = cnaps.bytes().all(|byte| byte.is_ascii_digit());
        ensure(
            digits && cnaps.len() <= column.max,
            "`default` of cnaps is a bank number, or empty",
        )?;
    }
    if column.source().map(Source::kind) == Some(Kind::Money) && column.pad == b'0' {
        ensure_with(column.max >= Fen::new(1).to_string().len(), || {
            format!("`{word}` is too narrow for any amount")
        })?;
    }
    Ok(())
}

fn check_constant(
    text: &str,
    column: &Column,
    record: &Record,
    form: &Form,
    charset: Charset,
) -> Checked {
    let bytes = charset
        .encode(text)
        .ok_or("has a character that the encoding does not hold")?;
    ensure(bytes.len() <= column.max, "is longer than its width")?;
    ensure(
        text.trim() == text && !text.chars().any(char::is_control),
        "has blanks around it or control characters in it",
    )?;
    match form {
        Form::Delimited(Bars { delimiter, .. }) if !record.is_bare() => ensure(
            !text.chars().any(|c| delimiter.contains(c)),
            "has the delimiter in it",
        ),
        Form::Delimited(_) | Form::Fixed {} => Ok(()),
    }
}

fn ensure(holds: bool, why: &str) -> Checked {
    ensure_with(holds, || why.to_owned())
}

fn ensure_with(holds: bool, why: impl FnOnce() -> String) -> Checked {
    if holds { Ok(()) } else { Err(why()) }
}
