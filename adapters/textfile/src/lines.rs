//! Lines of a bank's document, one at a time, none longer than a cap; what is longer is passed over without being held.

use std::io::{self, BufRead, ErrorKind};

/// No layout has lines of this many bytes.
const LINE_BYTES_MAX: usize = 8_192;

/// U+FEFF in UTF-8, which some editors put before everything.
const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// A cursor that stands on one line.
pub(crate) struct Lines<'a> {
    input: &'a mut dyn BufRead,
    bytes: Vec<u8>,
    number: u64,
    ended: bool,
    too_long: bool,
    at_end: bool,
}

impl<'a> Lines<'a> {
    /// Stands before the first line.
    pub(crate) fn new(input: &'a mut dyn BufRead) -> Self {
        Self {
            input,
            bytes: Vec::new(),
            number: 0,
            ended: false,
            too_long: false,
            at_end: false,
        }
    }

    /// Goes to the next line; false after the last.
    pub(crate) fn advance(&mut self) -> io::Result<bool> {
        self.bytes.clear();
        (self.ended, self.too_long) = (false, false);
        let mut any = false;
        while !self.ended {
            let available = match self.input.fill_buf() {
                Ok(available) => available,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            if available.is_empty() {
                break;
            }
            any = true;
            let end = available.iter().position(|&byte| byte == b'\n');
            let part = available
                .get(..end.unwrap_or(available.len()))
                .unwrap_or(available);
            self.too_long |= self.bytes.len() + part.len() > LINE_BYTES_MAX;
            if !self.too_long {
                self.bytes.extend_from_slice(part);
            }
            let used = part.len() + usize::from(end.is_some());
            self.ended = end.is_some();
            self.input.consume(used);
        }
        self.number += u64::from(!self.at_end);
        self.at_end = !any;
        Ok(any)
    }

    /// True behind the last line.
    pub(crate) const fn at_end(&self) -> bool {
        self.at_end
    }

    /// The line's bytes without its end and without a byte order mark; LF is taken for CRLF, as files come through many hands.
    pub(crate) fn bytes(&self) -> &[u8] {
        let line = self.bytes.strip_suffix(b"\r").unwrap_or(&self.bytes);
        match line.strip_prefix(BYTE_ORDER_MARK) {
            Some(text) if self.number == 1 => text,
            Some(_) | None => line,
        }
    }

    /// From 1.
    pub(crate) const fn number(&self) -> u64 {
        self.number
    }

    /// What is wrong with the line as a line: a cut one may have lost half of its last column.
    pub(crate) const fn fault(&self) -> Option<&'static str> {
        if self.too_long {
            Some("the line is longer than any line of this bank")
        } else if self.ended {
            None
        } else {
            Some("the line has no end: the document was cut off here")
        }
    }

    /// True where the line is too long to be held; its bytes are not all there.
    pub(crate) const fn too_long(&self) -> bool {
        self.too_long
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(input: &[u8]) -> Vec<(Vec<u8>, bool)> {
        let mut input = io::BufReader::with_capacity(3, input);
        let mut lines = Lines::new(&mut input);
        let mut all = Vec::new();
        while lines.advance().unwrap() {
            all.push((lines.bytes().to_vec(), lines.fault().is_none()));
        }
        all
    }

    #[test]
    fn lines_end_in_lf_or_crlf_and_a_cut_one_is_marked() {
        assert_eq!(
            all(b"\xEF\xBB\xBFone\r\ntwo\n\nfour"),
            [
                (b"one".to_vec(), true),
                (b"two".to_vec(), true),
                (Vec::new(), true),
                (b"four".to_vec(), false)
            ]
        );
        assert_eq!(all(b""), []);
    }

    #[test]
    fn an_endless_line_is_passed_over_and_the_next_one_read() {
        let mut input = vec![b'9'; LINE_BYTES_MAX * 3];
        input.extend_from_slice(b"\nnext\n");
        let lines = all(&input);
        assert_eq!(lines.len(), 2);
        assert!(lines[0].0.len() <= LINE_BYTES_MAX && !lines[0].1);
        assert_eq!(lines[1], (b"next".to_vec(), true));
    }
}
