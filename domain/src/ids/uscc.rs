//! Unified social credit codes (统一社会信用代码), GB 32100-2015.

use std::fmt;

/// A checked 18-character code of a firm.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Uscc(String);

/// Why a text is no unified social credit code.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UsccError {
    /// Wrong length, or one of the letters I, O, Z, S, V, which the code does not use.
    #[error(
        "a unified social credit code has 18 digits and capital letters, without I, O, Z, S and V"
    )]
    Form,
    /// The last character does not follow from the others.
    #[error(
        "the last character of the unified social credit code does not match the others: look for a typing error"
    )]
    Check,
}

const ALPHABET: &[u8; 31] = b"0123456789ABCDEFGHJKLMNPQRTUWXY";
const WEIGHTS: [usize; 17] = [
    1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28,
];

impl Uscc {
    /// Checks alphabet, length and check character.
    pub fn parse(text: &str) -> Result<Self, UsccError> {
        let code = super::squeezed(text).to_ascii_uppercase();
        let values: Vec<usize> = code
            .bytes()
            .map(value)
            .collect::<Option<_>>()
            .ok_or(UsccError::Form)?;
        let [body @ .., check] = values.as_slice() else {
            return Err(UsccError::Form);
        };
        if body.len() != 17 {
            return Err(UsccError::Form);
        }
        let sum: usize = body
            .iter()
            .zip(WEIGHTS)
            .map(|(value, weight)| value * weight)
            .sum();
        if (31 - sum % 31) % 31 == *check {
            Ok(Self(code))
        } else {
            Err(UsccError::Check)
        }
    }

    /// All eighteen characters.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Uscc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn value(byte: u8) -> Option<usize> {
    ALPHABET.iter().position(|&letter| letter == byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_codes_pass_also_where_the_remainder_is_nought() {
        for code in [
            "91350100M000100Y43",
            "91100000100003962T",
            "91530902MA6K004010",
        ] {
            assert_eq!(Uscc::parse(code).map(|c| c.to_string()), Ok(code.into()));
        }
        assert_eq!(Uscc::parse("91350100M000100Y44"), Err(UsccError::Check));
        assert_eq!(Uscc::parse("91350100M000100I43"), Err(UsccError::Form));
        assert_eq!(Uscc::parse("91350100M000100Y4"), Err(UsccError::Form));
        assert_eq!(Uscc::parse(""), Err(UsccError::Form));
    }
}
