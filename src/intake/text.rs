//! Reads comma, semicolon or tab separated text: UTF-8 with or without its mark, else GB18030. It streams; nothing but a record is held.

use std::{
    cell::Cell as StdCell,
    io::{self, BufRead, Read},
    rc::Rc,
};

use encoding_rs::{CoderResult, GB18030};

use super::{
    IntakeError, OpenSheet,
    cells::{Cell, Line, Tab, is_reason},
};

/// Bytes read from the end of one record to the end of the next, what is read ahead included; a quote left open must not swallow the file.
const AHEAD_MAX: usize = 256 * 1024;
const PIECE: usize = 64 * 1024;
const MARK: &[u8] = b"\xEF\xBB\xBF";

/// How a text file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Form {
    utf8: bool,
    delimiter: u8,
}

/// Calls `each` for every record with something in it, numbered as a spreadsheet shows it: line breaks inside quotation marks begin no row.
pub(crate) fn read(
    open: OpenSheet<'_>,
    each: &mut dyn FnMut(Line) -> Result<(), IntakeError>,
) -> Result<(), IntakeError> {
    let form = form(open)?;
    let input: Box<dyn Read> = if form.utf8 {
        Box::new(without_mark(open()?)?)
    } else {
        Box::new(Decoded::new(open()?))
    };
    let left = Rc::new(StdCell::new(AHEAD_MAX));
    let fenced = Fenced {
        // Every record ends with its line, the last one too.
        input: input.chain(b"\n".as_slice()),
        left: Rc::clone(&left),
    };
    let mut records = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(form.delimiter)
        // With both ends of line recognised, the line numbers of a file with CRLF would be off; the CR goes with the cell's spaces.
        .terminator(csv::Terminator::Any(b'\n'))
        .from_reader(fenced);
    let tab = Rc::new(Tab::default());
    let mut record = csv::ByteRecord::new();
    let mut breaks = 0;
    while records.read_byte_record(&mut record).map_err(broken)? {
        left.set(AHEAD_MAX);
        breaks += record
            .as_slice()
            .iter()
            .filter(|byte| **byte == b'\n')
            .count() as u64;
        // The reader stands on the line after the record.
        let row = records.position().line().saturating_sub(1 + breaks);
        each(Line {
            tab: Rc::clone(&tab),
            row: u32::try_from(row).map_err(|_| IntakeError::TooLarge)?,
            cells: record.iter().map(cell).collect(),
        })?;
    }
    Ok(())
}

/// Lets through what one record may need, and no more until the record has ended.
struct Fenced<R> {
    input: R,
    left: Rc<StdCell<usize>>,
}

impl<R: Read> Read for Fenced<R> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let length = self.input.read(to)?;
        let left = self.left.get().checked_sub(length).ok_or_else(|| {
            io::Error::new(
                io::ErrorKind::FileTooLarge,
                "a line is longer than any wage row: look for a quotation mark that is not closed",
            )
        })?;
        self.left.set(left);
        Ok(length)
    }
}

fn cell(field: &[u8]) -> Cell {
    let text = String::from_utf8_lossy(field);
    // What spreadsheets put before a number that shall stay text.
    let text = text
        .trim()
        .trim_start_matches('\'')
        .trim_start_matches("=\"")
        .trim_end_matches('"');
    if text.is_empty() || is_reason(text) {
        Cell::Empty
    } else {
        Cell::Text(text.to_owned())
    }
}

fn broken(error: csv::Error) -> IntakeError {
    match error.into_kind() {
        csv::ErrorKind::Io(error) if error.kind() == io::ErrorKind::FileTooLarge => {
            IntakeError::Unreadable(error.to_string())
        }
        csv::ErrorKind::Io(error) => error.into(),
        other => IntakeError::Unreadable(format!("{other:?}")),
    }
}

/// Looks at the whole file once, because a GB18030 file may begin with many lines of plain digits.
fn form(open: OpenSheet<'_>) -> Result<Form, IntakeError> {
    let mut input = open()?;
    let (mut utf8, mut gb18030) = (Utf8::default(), GB18030.new_decoder_without_bom_handling());
    let (mut gb_fits, mut head, mut piece) = (true, Vec::new(), vec![0; PIECE]);
    let mut sink = vec![0; PIECE * 3];
    loop {
        let length = input.read(&mut piece)?;
        let bytes = &piece[..length];
        if head.len() < PIECE {
            head.extend_from_slice(bytes);
        }
        utf8.take(bytes, length == 0);
        let (result, ..) =
            gb18030.decode_to_utf8_without_replacement(bytes, &mut sink, length == 0);
        gb_fits &= matches!(result, encoding_rs::DecoderResult::InputEmpty);
        if length == 0 || !(utf8.fits || gb_fits) {
            break;
        }
    }
    if head.contains(&0) || !(utf8.fits || gb_fits) {
        return Err(IntakeError::Unreadable(
            "neither a workbook (.xlsx) nor text in UTF-8 or GB18030: save it as .xlsx or .csv"
                .into(),
        ));
    }
    let count = |delimiter: u8| head.iter().filter(|byte| **byte == delimiter).count();
    let delimiter = [b',', b'\t', b';']
        .into_iter()
        .max_by_key(|delimiter| count(*delimiter));
    Ok(Form {
        utf8: utf8.fits,
        delimiter: delimiter.unwrap_or(b','),
    })
}

/// Checks UTF-8 piece by piece, with a character cut in two held over.
struct Utf8 {
    fits: bool,
    held: Vec<u8>,
}

impl Default for Utf8 {
    fn default() -> Self {
        Self {
            fits: true,
            held: Vec::new(),
        }
    }
}

impl Utf8 {
    fn take(&mut self, bytes: &[u8], last: bool) {
        self.held.extend_from_slice(bytes);
        let whole = match std::str::from_utf8(&self.held) {
            Ok(_) => self.held.len(),
            Err(error) if error.error_len().is_none() && !last => error.valid_up_to(),
            Err(_) => {
                self.fits = false;
                self.held.len()
            }
        };
        self.held.drain(..whole);
    }
}

fn without_mark(
    mut input: Box<dyn BufRead + Send>,
) -> Result<Box<dyn BufRead + Send>, IntakeError> {
    if input.fill_buf()?.starts_with(MARK) {
        input.consume(MARK.len());
    }
    Ok(input)
}

/// GB18030 as UTF-8; the file was checked before.
struct Decoded {
    input: Box<dyn BufRead + Send>,
    decoder: encoding_rs::Decoder,
    out: Vec<u8>,
    read: usize,
    ended: bool,
}

impl Decoded {
    fn new(input: Box<dyn BufRead + Send>) -> Self {
        Self {
            input,
            decoder: GB18030.new_decoder_without_bom_handling(),
            out: Vec::new(),
            read: 0,
            ended: false,
        }
    }

    fn refill(&mut self) -> io::Result<()> {
        let bytes = self.input.fill_buf()?;
        let last = bytes.is_empty();
        let mut out = vec![0; bytes.len() * 3 + 16];
        let (result, taken, written, _) = self.decoder.decode_to_utf8(bytes, &mut out, last);
        self.input.consume(taken);
        out.truncate(written);
        (self.out, self.read) = (out, 0);
        self.ended = last && matches!(result, CoderResult::InputEmpty);
        Ok(())
    }
}

impl Read for Decoded {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        while self.read == self.out.len() && !self.ended {
            self.refill()?;
        }
        let length = to.len().min(self.out.len() - self.read);
        to[..length].copy_from_slice(&self.out[self.read..self.read + length]);
        self.read += length;
        Ok(length)
    }
}
