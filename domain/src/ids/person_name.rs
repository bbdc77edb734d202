//! Names of people, kept as the bank knows them and compared in one normal form.

use std::fmt;

use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroizing;

/// A person's name in Unicode NFC, as it stands on the account: no folding, no transliteration, rare characters kept.
#[derive(Clone, PartialEq, Eq)]
pub struct PersonName(Zeroizing<String>);

/// Why a text cannot be a name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Nothing there.
    #[error("the name is missing")]
    Empty,
    /// More than 60 characters: the national payment system carries no more (names are Max60Text there).
    #[error("the name has more than 60 characters, which no bank can take")]
    TooLong,
    /// A control character, a separator of file formats, a digit, a star from a masked list, or the sign for a lost character.
    #[error(
        "the name has a character that no name has (a control character, a digit, or one of * ? | = @ < > \u{FFFD}): type it as on the bank card"
    )]
    BadCharacter,
}

impl PersonName {
    /// Trims, composes (NFC) and brings the middle dot of minority names to U+00B7, the only one that bank encodings hold.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let name: String = text
            .trim_matches(|c: char| c.is_whitespace() || c == '\u{FEFF}')
            .nfc()
            .map(middle_dot)
            .collect();
        if name.is_empty() {
            return Err(NameError::Empty);
        }
        if name.chars().count() > 60 {
            return Err(NameError::TooLong);
        }
        if name.chars().any(is_foreign_to_names) {
            return Err(NameError::BadCharacter);
        }
        Ok(Self(Zeroizing::new(name)))
    }

    /// The name in clear: for bank files and sealing only.
    pub fn clear(&self) -> &str {
        &self.0
    }

    /// The first character and stars.
    pub fn masked(&self) -> String {
        self.0.chars().take(1).chain("**".chars()).collect()
    }
}

impl fmt::Debug for PersonName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.masked())
    }
}

fn middle_dot(c: char) -> char {
    match c {
        '\u{2022}' | '\u{30FB}' | '\u{2027}' | '\u{FF65}' | '\u{22C5}' | '\u{2219}' => '\u{00B7}',
        other => other,
    }
}

fn is_foreign_to_names(c: char) -> bool {
    c.is_control()
        || c.is_ascii_digit()
        || "*?|=@<>;\"\u{FFFD}＊？".contains(c)
        || ('\u{FF10}'..='\u{FF19}').contains(&c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_kept_as_on_the_card_and_nonsense_is_refused() {
        for (text, expected) in [
            ("李晓明", Ok("李晓明")),
            (" 王 秀英 ", Ok("王 秀英")),
            ("阿卜杜拉•买买提", Ok("阿卜杜拉·买买提")),
            ("\u{20BB7}田光", Ok("\u{20BB7}田光")),
            ("Andre\u{301}", Ok("Andr\u{e9}")),
            ("张*明", Err(NameError::BadCharacter)),
            ("李|明", Err(NameError::BadCharacter)),
            ("=CMD()", Err(NameError::BadCharacter)),
            ("李\u{FFFD}", Err(NameError::BadCharacter)),
            ("李\n明", Err(NameError::BadCharacter)),
            ("  ", Err(NameError::Empty)),
        ] {
            assert_eq!(
                PersonName::parse(text).map(|n| n.clear().to_owned()),
                expected.map(str::to_owned),
                "{text:?}"
            );
        }
        assert_eq!(PersonName::parse(&"李".repeat(61)), Err(NameError::TooLong));
        assert_eq!(
            format!("{:?}", PersonName::parse("李晓明").unwrap()),
            "李**"
        );
    }
}
