//! Resident identity card numbers (公民身份号码), GB 11643-1999.

use std::fmt;

use jiff::civil::Date;
use zeroize::Zeroizing;

/// A checked 18-character identity number; the check character is an upper-case `X` where it is ten.
#[derive(Clone, PartialEq, Eq)]
pub struct IdNumber(Zeroizing<String>);

/// What is wrong with an identity number; the number itself is never part of the message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdNumberError {
    /// Not eighteen characters of which the first seventeen are digits.
    #[error("an identity number has 18 characters: 17 digits and a digit or X")]
    Form,
    /// Positions 7–14 are not a day of the calendar.
    #[error("positions 7 to 14 of the identity number are not a date of birth")]
    BirthDate,
    /// The last character does not follow from the others.
    #[error(
        "the last character of the identity number does not match the others: look for a typing error"
    )]
    Check,
}

const WEIGHTS: [u32; 17] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
const CHECK: &[u8; 11] = b"10X98765432";

impl IdNumber {
    /// Checks form, date and check character. Abolished region codes pass: people keep the number they were given.
    pub fn parse(text: &str) -> Result<Self, IdNumberError> {
        let number = super::squeezed(text).to_ascii_uppercase();
        let (body, check) = number.split_at_checked(17).ok_or(IdNumberError::Form)?;
        if check.len() != 1 || !body.bytes().all(|b| b.is_ascii_digit()) {
            return Err(IdNumberError::Form);
        }
        birth_date(body)?;
        let sum: u32 = body
            .bytes()
            .zip(WEIGHTS)
            .map(|(digit, weight)| u32::from(digit - b'0') * weight)
            .sum();
        let expected = CHECK.get(sum as usize % 11);
        if expected == check.as_bytes().first() {
            Ok(Self(Zeroizing::new(number)))
        } else {
            Err(IdNumberError::Check)
        }
    }

    /// Day of birth, from positions 7–14.
    pub fn birth_date(&self) -> Date {
        birth_date(&self.0).unwrap_or(Date::MIN)
    }

    /// The number in clear: for bank files and sealing only.
    pub fn clear(&self) -> &str {
        &self.0
    }

    /// First and last character, the rest starred.
    pub fn masked(&self) -> String {
        let first = self.0.get(..1).unwrap_or("*");
        let last = self.0.get(17..).unwrap_or("*");
        format!("{first}****************{last}")
    }
}

impl fmt::Debug for IdNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.masked())
    }
}

fn birth_date(number: &str) -> Result<Date, IdNumberError> {
    let part = |range: std::ops::Range<usize>| {
        number
            .get(range)
            .and_then(|digits| digits.parse::<i16>().ok())
    };
    let (Some(year), Some(month), Some(day)) = (part(6..10), part(10..12), part(12..14)) else {
        return Err(IdNumberError::Form);
    };
    let small = |n: i16| i8::try_from(n).map_err(|_| IdNumberError::BirthDate);
    Date::new(year, small(month)?, small(day)?).map_err(|_| IdNumberError::BirthDate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_standards_examples_pass_and_each_kind_of_fault_is_named() {
        for (text, expected) in [
            ("11010519491231002X", Ok(())),
            ("11010519491231002x", Ok(())),
            ("440524188001010014", Ok(())),
            ("４４０５２４１８８００１０１００１４", Ok(())),
            (" 440524 18800101 0014", Ok(())),
            ("440524188001010015", Err(IdNumberError::Check)),
            ("440524188013010014", Err(IdNumberError::BirthDate)),
            ("440524188002300014", Err(IdNumberError::BirthDate)),
            ("44052418800101001", Err(IdNumberError::Form)),
            ("4405241880010100144", Err(IdNumberError::Form)),
            ("44052418800101001é", Err(IdNumberError::Form)),
            ("4.40524E+17", Err(IdNumberError::Form)),
            ("", Err(IdNumberError::Form)),
        ] {
            assert_eq!(IdNumber::parse(text).map(|_| ()), expected, "{text}");
        }
    }

    #[test]
    fn debug_output_never_shows_the_number() {
        let id = IdNumber::parse("11010519491231002X").unwrap();
        assert_eq!(format!("{id:?}"), "1****************X");
    }

    proptest::proptest! {
        #[test]
        fn one_changed_digit_never_passes(position in 0usize..6, digit in 0u8..10) {
            let good = "440524188001010014";
            let mut bytes = good.as_bytes().to_vec();
            bytes[position] = b'0' + digit;
            let text = String::from_utf8(bytes).unwrap();
            proptest::prop_assert_eq!(IdNumber::parse(&text).is_ok(), text == good);
        }
    }
}
