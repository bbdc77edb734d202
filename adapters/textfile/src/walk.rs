//! Walks a file line by line by its layout, ours or the bank's, holding one line at a time.

use wagegate_domain::adapter::DecodeError;

use crate::cells::Cells;
use crate::charset::Charset;
use crate::lines::Lines;
use crate::profile::Layout;
use crate::record::{Form, Record};

/// A layout ready to be walked by.
pub(crate) struct Walk<'a> {
    pub(crate) layout: &'a Layout,
    pub(crate) form: &'a Form,
    pub(crate) charset: Charset,
}

/// What one line is, in the file's order.
pub(crate) enum Piece {
    /// Says something of the whole; a later line's word adds to an earlier one's.
    Frame(Cells),
    /// A payment, and what is wrong with its line if it cannot be relied on.
    Row(Cells, Option<String>),
}

impl Walk<'_> {
    /// Goes from the first line, where `lines` stands, to the end of the file. A row that cannot be read does not stop it; a broken frame does.
    pub(crate) fn run(
        &self,
        lines: &mut Lines<'_>,
        each: &mut dyn FnMut(u64, Piece) -> Result<(), DecodeError>,
    ) -> Result<(), DecodeError> {
        each(lines.number(), Piece::Frame(self.header(lines)?))?;
        let first_trailer = self.layout.trailer.first();
        let trailer_mark = first_trailer.map(|record| record.mark(self.form, self.charset));
        let end_mark = self.layout.end.as_ref().map(String::as_bytes);
        while !lines.at_end() && !self.rows_end(lines.bytes(), trailer_mark.as_deref(), end_mark) {
            let (cells, fault) = self.layout.row.read(self.form, self.charset, lines.bytes());
            each(
                lines.number(),
                Piece::Row(cells, lines.fault().map(str::to_owned).or(fault)),
            )?;
            lines.advance()?;
        }
        for record in &self.layout.trailer {
            each(lines.number(), Piece::Frame(self.frame(record, lines)?))?;
            lines.advance()?;
        }
        self.close(lines, end_mark)
    }

    /// What the lines before the rows say together.
    pub(crate) fn header(&self, lines: &mut Lines<'_>) -> Result<Cells, DecodeError> {
        let mut stated = Cells::default();
        for record in &self.layout.header {
            stated = stated.or(self.frame(record, lines)?);
            lines.advance()?;
        }
        Ok(stated)
    }

    fn rows_end(&self, line: &[u8], trailer: Option<&[u8]>, end: Option<&[u8]>) -> bool {
        trailer.map_or_else(
            || end.is_some_and(|end| line == end),
            |mark| line.starts_with(mark),
        )
    }

    fn frame(&self, record: &Record, lines: &Lines<'_>) -> Result<Cells, DecodeError> {
        if lines.at_end() {
            return Err(malformed(lines, "the document ends before its last line"));
        }
        if lines.too_long() {
            return Err(malformed(
                lines,
                "the line is longer than any line of this bank",
            ));
        }
        match record.read(self.form, self.charset, lines.bytes()) {
            (cells, None) => Ok(cells),
            (_, Some(why)) => Err(malformed(lines, &why)),
        }
    }

    fn close(&self, lines: &mut Lines<'_>, end: Option<&[u8]>) -> Result<(), DecodeError> {
        if let Some(end) = end {
            if lines.at_end() || lines.bytes() != end {
                return Err(malformed(
                    lines,
                    "the closing line is missing: the document was cut off",
                ));
            }
            lines.advance()?;
        }
        while !lines.at_end() {
            if !lines.bytes().is_empty() {
                return Err(malformed(lines, "text behind the last line"));
            }
            lines.advance()?;
        }
        Ok(())
    }
}

/// An error at the line where the reading stands.
pub(crate) fn malformed(lines: &Lines<'_>, why: &str) -> DecodeError {
    DecodeError::Malformed {
        place: format!("line {}", lines.number()),
        why: why.to_owned(),
    }
}
