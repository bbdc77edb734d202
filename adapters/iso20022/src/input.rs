//! Brings a bank's bytes to UTF-8 and hands them on in bounded pieces. It knows nothing of XML but its first line.

use std::io::{self, BufRead, Cursor, Read};

use encoding_rs::{DecoderResult, Encoding, UTF_8};

/// The XML declaration stands within so many bytes, or there is none.
const DECLARATION_WITHIN: u64 = 1024;
const CHUNK: usize = 16 * 1024;

/// A fault of the bytes themselves, carried through [`io::Error`] so that a broken document is told from a broken disk.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct BadBytes(pub(crate) &'static str);

/// Whole input in UTF-8, without byte order mark, whatever encoding it declares.
pub(crate) fn utf8<'a>(input: &'a mut dyn BufRead) -> io::Result<Box<dyn BufRead + 'a>> {
    let mut head = Vec::new();
    (&mut *input)
        .take(DECLARATION_WITHIN)
        .read_until(b'>', &mut head)?;
    let (encoding, mark) = match Encoding::for_bom(&head) {
        Some(found) => found,
        None => (declared(&head)?, 0),
    };
    let mut head = Cursor::new(head);
    head.set_position(mark as u64);
    let whole = head.chain(input);
    if encoding == UTF_8 {
        Ok(Box::new(whole))
    } else {
        Ok(Box::new(Transcoded::new(whole, encoding)))
    }
}

/// The encoding of `<?xml … encoding="GB18030"?>`. GB2312 and GBK are read as GB18030, which holds both.
fn declared(head: &[u8]) -> io::Result<&'static Encoding> {
    let text = String::from_utf8_lossy(head);
    let Some((_, after)) = text
        .strip_prefix("<?xml")
        .and_then(|declaration| declaration.split_once("encoding"))
    else {
        return Ok(UTF_8);
    };
    let label = after
        .trim_start_matches(['=', ' ', '\t', '\r', '\n'])
        .split(['"', '\''])
        .nth(1)
        .unwrap_or_default();
    Encoding::for_label(label.as_bytes())
        .ok_or_else(|| bad("the encoding that it declares is not known"))
}

fn bad(why: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, BadBytes(why))
}

struct Transcoded<R> {
    inner: R,
    decoder: encoding_rs::Decoder,
    out: Vec<u8>,
    from: usize,
    to: usize,
    finished: bool,
}

impl<R: BufRead> Transcoded<R> {
    fn new(inner: R, encoding: &'static Encoding) -> Self {
        Self {
            inner,
            decoder: encoding.new_decoder_without_bom_handling(),
            out: vec![0; CHUNK],
            from: 0,
            to: 0,
            finished: false,
        }
    }

    fn refill(&mut self) -> io::Result<()> {
        while self.from == self.to && !self.finished {
            let source = self.inner.fill_buf()?;
            let last = source.is_empty();
            let (result, read, written) =
                self.decoder
                    .decode_to_utf8_without_replacement(source, &mut self.out, last);
            self.inner.consume(read);
            (self.from, self.to) = (0, written);
            match result {
                DecoderResult::InputEmpty => self.finished = last,
                DecoderResult::OutputFull => {}
                DecoderResult::Malformed(..) => {
                    return Err(bad("a byte that its declared encoding does not have"));
                }
            }
        }
        Ok(())
    }
}

impl<R: BufRead> Read for Transcoded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.fill_buf()?.read(buffer)?;
        self.consume(read);
        Ok(read)
    }
}

impl<R: BufRead> BufRead for Transcoded<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.refill()?;
        Ok(self.out.get(self.from..self.to).unwrap_or_default())
    }

    fn consume(&mut self, amount: usize) {
        self.from = self.to.min(self.from + amount);
    }
}

/// Hands on at most an allowance of bytes until it is renewed: no tag, text or comment can fill the memory.
pub(crate) struct Rationed<'a> {
    inner: Box<dyn BufRead + 'a>,
    left: usize,
}

impl<'a> Rationed<'a> {
    pub(crate) const fn new(inner: Box<dyn BufRead + 'a>) -> Self {
        Self { inner, left: 0 }
    }

    /// Renews the allowance.
    pub(crate) const fn allow(&mut self, bytes: usize) {
        self.left = bytes;
    }
}

impl Read for Rationed<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.fill_buf()?.read(buffer)?;
        self.consume(read);
        Ok(read)
    }
}

impl BufRead for Rationed<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        let ready = self.inner.fill_buf()?;
        if self.left == 0 && !ready.is_empty() {
            return Err(bad("a tag, text or comment longer than any bank writes"));
        }
        Ok(ready.get(..self.left.min(ready.len())).unwrap_or_default())
    }

    fn consume(&mut self, amount: usize) {
        self.left = self.left.saturating_sub(amount);
        self.inner.consume(amount);
    }
}
