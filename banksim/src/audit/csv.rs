//! Reads CSV records one at a time: quoted fields, doubled quotes, line breaks inside quotes. The first line names the fields.

use std::io::{self, BufRead};

// One wage row is far shorter; a quote left open must not swallow the whole file.
const LONGEST_RECORD: u64 = 64 << 10;

/// Records of a CSV text, by the names of the first line.
#[derive(Debug)]
pub(super) struct Records<R> {
    input: R,
    names: Vec<String>,
    /// Records read so far, the line of names included.
    pub(super) read: u64,
}

impl<R: BufRead> Records<R> {
    /// Reads the names. A leading byte order mark is skipped.
    pub(super) fn new(mut input: R) -> io::Result<Self> {
        let mut names = record(&mut input)?.unwrap_or_default();
        if let Some(first) = names.first_mut() {
            *first = first.trim_start_matches('\u{feff}').to_owned();
        }
        Ok(Self {
            input,
            names,
            read: 1,
        })
    }

    /// Where a field of this name is.
    pub(super) fn column(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|known| known == name)
    }

    /// The next record; `None` at the end.
    pub(super) fn next(&mut self) -> io::Result<Option<Vec<String>>> {
        self.read += 1;
        let fields = record(&mut self.input)?;
        match &fields {
            Some(fields) if fields.len() != self.names.len() => {
                let text = format!(
                    "{} fields where the first line has {}",
                    fields.len(),
                    self.names.len()
                );
                Err(io::Error::new(io::ErrorKind::InvalidData, text))
            }
            Some(_) | None => Ok(fields),
        }
    }
}

fn record(input: &mut impl BufRead) -> io::Result<Option<Vec<String>>> {
    let mut text = String::new();
    loop {
        let left = LONGEST_RECORD.saturating_sub(text.len() as u64);
        let read = io::Read::take(&mut *input, left).read_line(&mut text)?;
        let open = text.matches('"').count() % 2 == 1;
        if read == 0 && (open || left == 0) {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "a quote is left open, or the record is too long",
            ));
        }
        if read == 0 && text.is_empty() {
            return Ok(None);
        }
        if !open && (read == 0 || text.ends_with('\n')) {
            return Ok(Some(fields(text.trim_end_matches(['\r', '\n']))));
        }
    }
}

fn fields(text: &str) -> Vec<String> {
    let (mut fields, mut field, mut quoted) = (Vec::new(), String::new(), false);
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '"' if quoted && characters.peek() == Some(&'"') => field.extend(characters.next()),
            '"' => quoted = !quoted,
            ',' if !quoted => fields.push(std::mem::take(&mut field)),
            other => field.push(other),
        }
    }
    fields.push(field);
    fields
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_keep_commas_quotes_and_line_breaks_inside_quotes() {
        let text = "\u{feff}a,b\r\n1,\"x, \"\"y\"\"\r\nz\"\r\n,2";
        let mut records = Records::new(text.as_bytes()).unwrap();
        assert_eq!(records.column("a"), Some(0));
        assert_eq!(records.next().unwrap().unwrap(), ["1", "x, \"y\"\r\nz"]);
        assert_eq!(records.next().unwrap().unwrap(), ["", "2"]);
        assert_eq!(records.next().unwrap(), None);
    }

    #[test]
    fn an_open_quote_or_a_missing_field_is_an_error() {
        let long = format!("a,b\n\"{}", "x".repeat(200_000));
        for text in ["a,b\n\"1,2\n", "a,b\n1\n", long.as_str()] {
            assert!(Records::new(text.as_bytes()).unwrap().next().is_err());
        }
    }
}
