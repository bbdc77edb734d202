//! What is looked for: every planted value in every shape that it may take on its way, found in one pass over any bytes.

use std::collections::HashMap;

use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
use encoding_rs::GB18030;

use crate::crowd::Person;

/// So many first bytes choose the candidates.
const HEAD: usize = 6;

struct Needle {
    /// What it is, without the value itself.
    what: String,
    bytes: Vec<u8>,
}

/// Every value in every shape.
pub(crate) struct Needles {
    by_head: HashMap<[u8; HEAD], Vec<Needle>>,
    /// Pairs of first bytes that any needle has: most places are passed by at once.
    pairs: Vec<bool>,
}

impl Needles {
    pub(crate) fn of(people: &[Person]) -> Self {
        let mut all = Self {
            by_head: HashMap::new(),
            pairs: vec![false; 1 << 16],
        };
        for (number, person) in people.iter().enumerate() {
            for (kind, value) in person.stems() {
                for (shape, bytes) in shapes(value) {
                    all.add(format!("{kind} of person {number} as {shape}"), bytes);
                }
            }
        }
        all
    }

    fn add(&mut self, what: String, bytes: Vec<u8>) {
        let head = *bytes.first_chunk().unwrap();
        self.pairs[pair(&bytes)] = true;
        self.by_head
            .entry(head)
            .or_default()
            .push(Needle { what, bytes });
    }

    /// What is in the bytes, and where.
    pub(crate) fn found_in(&self, bytes: &[u8]) -> Vec<String> {
        let mut found = Vec::new();
        for (at, window) in bytes.windows(HEAD).enumerate() {
            if !self.pairs[pair(window)] {
                continue;
            }
            let candidates = window
                .first_chunk()
                .and_then(|head| self.by_head.get(head))
                .into_iter()
                .flatten();
            for needle in candidates.filter(|needle| bytes[at..].starts_with(&needle.bytes)) {
                let from = at.saturating_sub(80);
                let around = bytes[from..bytes.len().min(at + 120)].escape_ascii();
                found.push(format!("{} at byte {at}: …{around}…", needle.what));
            }
        }
        found
    }
}

fn pair(bytes: &[u8]) -> usize {
    usize::from(bytes[0]) << 8 | usize::from(bytes[1])
}

/// A value as bytes in each encoding, and each of those as text that programs make of bytes.
fn shapes(value: &str) -> Vec<(String, Vec<u8>)> {
    let utf8 = value.as_bytes().to_vec();
    let gb18030 = GB18030.encode(value).0.into_owned();
    let utf16: Vec<u16> = value.encode_utf16().collect();
    let mut all = vec![
        (
            "UTF-16LE".into(),
            utf16.iter().flat_map(|unit| unit.to_le_bytes()).collect(),
        ),
        (
            "UTF-16BE".into(),
            utf16.iter().flat_map(|unit| unit.to_be_bytes()).collect(),
        ),
    ];
    if !value.is_ascii() {
        let escapes = |digits: fn(&u16) -> String| utf16.iter().map(digits).collect::<String>();
        all.push((
            "JSON escapes".into(),
            escapes(|unit| format!("\\u{unit:04x}")).into(),
        ));
        all.push((
            "Rust escapes".into(),
            escapes(|unit| format!("\\u{{{unit:x}}}")).into(),
        ));
    }
    for (encoding, bytes) in [("UTF-8", utf8), ("GB18030", gb18030)] {
        let text = |how: &dyn Fn(&u8) -> String| bytes.iter().map(how).collect::<String>();
        all.push((
            format!("hex of {encoding}"),
            text(&|byte| format!("{byte:02x}")).into(),
        ));
        all.push((
            format!("HEX of {encoding}"),
            text(&|byte| format!("{byte:02X}")).into(),
        ));
        all.push((
            format!("numbers of {encoding}"),
            text(&|byte| format!("{byte}, "))
                .trim_end_matches(", ")
                .into(),
        ));
        if !value.is_ascii() {
            all.push((
                format!("escapes of {encoding}"),
                text(&|byte| format!("\\x{byte:02x}")).into(),
            ));
            all.push((
                format!("URL of {encoding}"),
                text(&|byte| format!("%{byte:02X}")).into(),
            ));
        }
        for shift in 0..3 {
            all.push((format!("Base64 of {encoding}"), base64(&bytes, shift)));
        }
        if encoding == "UTF-8" || !value.is_ascii() {
            all.push((encoding.into(), bytes));
        }
    }
    all
}

/// The middle of what Base64 makes of the bytes when so many others stand before them.
fn base64(bytes: &[u8], shift: usize) -> Vec<u8> {
    let mut padded = vec![0; shift];
    padded.extend_from_slice(bytes);
    let text = STANDARD_NO_PAD.encode(&padded);
    let from = (shift * 8).div_ceil(6);
    let to = padded.len() * 8 / 6;
    text.as_bytes()[from..to].to_vec()
}
