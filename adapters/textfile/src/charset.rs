//! The three encodings of bank files, both ways without replacement: a character that does not fit is refused, never swapped for another.

use std::borrow::Cow;

use encoding_rs::{GB18030, GBK};
use serde::Deserialize;

/// How a bank writes text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub(crate) enum Charset {
    /// The national standard; holds every character.
    #[serde(rename = "gb18030")]
    Gb18030,
    /// Code page 936: no 䶮, no 㛃, no 𠮷.
    #[serde(rename = "gbk")]
    Gbk,
    #[serde(rename = "utf-8")]
    Utf8,
}

impl Charset {
    /// The text's bytes, or `None` where a character has none.
    pub(crate) fn encode(self, text: &str) -> Option<Cow<'_, [u8]>> {
        let encoding = match self {
            Self::Utf8 => return Some(Cow::Borrowed(text.as_bytes())),
            Self::Gb18030 => GB18030,
            Self::Gbk => GBK,
        };
        let (bytes, _, lossy) = encoding.encode(text);
        let fits = !lossy
            && (self != Self::Gbk || in_code_page_936(&bytes) && !text.chars().any(is_private));
        fits.then_some(bytes)
    }

    /// The bytes' text, or `None` where they are not of this encoding; a character cut in two is an error.
    pub(crate) fn decode(self, bytes: &[u8]) -> Option<Cow<'_, str>> {
        match self {
            Self::Utf8 => str::from_utf8(bytes).ok().map(Cow::Borrowed),
            Self::Gb18030 => GB18030.decode_without_bom_handling_and_without_replacement(bytes),
            Self::Gbk => GBK.decode_without_bom_handling_and_without_replacement(bytes),
        }
    }

    /// The media type of a file in it.
    pub(crate) const fn media_type(self) -> &'static str {
        match self {
            Self::Gb18030 => "text/plain; charset=gb18030",
            Self::Gbk => "text/plain; charset=gbk",
            Self::Utf8 => "text/plain; charset=utf-8",
        }
    }
}

/// The web's GBK, which `encoding_rs` speaks, also has the characters that GB 18030 put into GBK's user-defined corners, and a one-byte euro sign.
/// A bank that says GBK means code page 936, where those bytes are empty.
fn in_code_page_936(bytes: &[u8]) -> bool {
    let mut rest = bytes.iter();
    while let Some(&lead) = rest.next() {
        if lead.is_ascii() {
            continue;
        }
        let trail = rest.next().copied().unwrap_or_default();
        let empty = match lead {
            0x80 => true,
            0xFE => (0x50..=0xA0).contains(&trail),
            0xA6 => matches!(trail, 0xD9..=0xDF | 0xEC | 0xED | 0xF3),
            0xA8 => matches!(trail, 0xBC | 0xBF),
            0xA9 => (0x89..=0x95).contains(&trail),
            _ => false,
        };
        if empty {
            return false;
        }
    }
    true
}

/// Private-use characters mean something else at every firm.
const fn is_private(c: char) -> bool {
    matches!(c, '\u{E000}'..='\u{F8FF}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_encoding_holds_what_its_standard_holds() {
        for (text, gb18030, gbk) in [
            ("张三·买买提", true, true),
            ("䶮", true, false),
            ("㛃", true, false),
            ("𠮷", true, false),
            ("€", true, false),
            ("\u{E5E5}", false, false),
        ] {
            assert_eq!(Charset::Gb18030.encode(text).is_some(), gb18030, "{text}");
            assert_eq!(Charset::Gbk.encode(text).is_some(), gbk, "{text}");
            assert!(Charset::Utf8.encode(text).is_some());
        }
    }

    #[test]
    fn half_a_character_is_no_text() {
        for charset in [Charset::Gb18030, Charset::Gbk, Charset::Utf8] {
            let bytes = charset.encode("工资").unwrap();
            assert_eq!(charset.decode(&bytes).as_deref(), Some("工资"));
            assert_eq!(charset.decode(&bytes[..bytes.len() - 1]), None);
        }
    }
}
