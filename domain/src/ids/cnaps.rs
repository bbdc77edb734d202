//! Bank numbers of the national payment system (联行号): 3 digits bank, 4 city, 4 branch, 1 check.

use std::fmt;

/// A checked 12-digit CNAPS number.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cnaps(String);

/// Why a text is no CNAPS number.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CnapsError {
    /// Not twelve digits.
    #[error("a bank number (联行号) has 12 digits")]
    Form,
    /// The last digit does not follow from the others.
    #[error(
        "the last digit of the bank number (联行号) does not match the others: look for a typing error"
    )]
    Check,
}

impl Cnaps {
    /// Checks length and check digit: ISO 7064 MOD 11,10, which held for every one of some 200 published numbers.
    pub fn parse(text: &str) -> Result<Self, CnapsError> {
        let number = super::squeezed(text);
        if number.len() != 12 || !number.bytes().all(|b| b.is_ascii_digit()) {
            return Err(CnapsError::Form);
        }
        let product = number.bytes().take(11).fold(10, |product, digit| {
            let sum = (product + u32::from(digit - b'0')) % 10;
            (if sum == 0 { 10 } else { sum }) * 2 % 11
        });
        let check = number
            .bytes()
            .last()
            .map_or(0, |digit| u32::from(digit - b'0'));
        if (product + check) % 10 == 1 {
            Ok(Self(number))
        } else {
            Err(CnapsError::Check)
        }
    }

    /// All twelve digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The bank's three digits; 313, 314 and 402 are shared by many banks, so these name a kind, not a bank.
    pub fn bank_code(&self) -> &str {
        self.0.get(..3).unwrap_or("")
    }
}

impl fmt::Display for Cnaps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_numbers_pass_and_changed_ones_do_not() {
        for number in [
            "402731057238",
            "313731010015",
            "313736000019",
            "313741095715",
            "102100099996",
            "103100000026",
            "104100000004",
            "105100000017",
            "403100000004",
        ] {
            assert_eq!(
                Cnaps::parse(number).map(|c| c.to_string()),
                Ok(number.into())
            );
        }
        assert_eq!(Cnaps::parse("402731057239"), Err(CnapsError::Check));
        assert_eq!(Cnaps::parse("40273105723"), Err(CnapsError::Form));
        assert_eq!(Cnaps::parse("40273105723X"), Err(CnapsError::Form));
    }
}
