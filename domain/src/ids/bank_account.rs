//! The account that a wage is paid to: a card number, or a passbook or social-security account.

use std::fmt;

use zeroize::Zeroizing;

/// A card or account number of 8–32 digits; cards are 16–19 digits that begin with 62, 60 or 81.
#[derive(Clone, PartialEq, Eq)]
pub struct BankAccount(Zeroizing<String>);

/// Why a text cannot be an account number; never shows the number.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AccountError {
    /// A spreadsheet turned the number into `6.2E+18` and its digits are gone.
    #[error(
        "the spreadsheet has turned the card number into scientific notation and its last digits are lost: format the column as text and type the number again"
    )]
    Scientific,
    /// Something other than digits.
    #[error("a card number has digits only")]
    NotDigits,
    /// Too short or too long for any account.
    #[error("a card number has 16 to 19 digits, another account 8 to 32")]
    Length,
}

/// Something odd that does not stop a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccountWarning {
    /// The Luhn digit of a card does not match. Sources disagree whether every UnionPay card keeps it, so it warns and never refuses.
    Luhn,
}

impl BankAccount {
    /// Keeps the digits; says when the number looks mistyped.
    pub fn parse(text: &str) -> Result<(Self, Option<AccountWarning>), AccountError> {
        let number = super::squeezed(text).replace('-', "");
        if number.contains(['E', 'e']) || number.contains('.') {
            return Err(AccountError::Scientific);
        }
        if number.is_empty() || !number.bytes().all(|b| b.is_ascii_digit()) {
            return Err(AccountError::NotDigits);
        }
        if !(8..=32).contains(&number.len()) {
            return Err(AccountError::Length);
        }
        let account = Self(Zeroizing::new(number));
        let warning = (account.is_card() && !luhn(&account.0)).then_some(AccountWarning::Luhn);
        Ok((account, warning))
    }

    /// True where length and prefix are those of a UnionPay card.
    pub fn is_card(&self) -> bool {
        (16..=19).contains(&self.0.len())
            && ["62", "60", "81"]
                .iter()
                .any(|prefix| self.0.starts_with(prefix))
    }

    /// The number in clear: for bank files and sealing only.
    pub fn clear(&self) -> &str {
        &self.0
    }

    /// Stars and the last four digits.
    pub fn masked(&self) -> String {
        format!(
            "****{}",
            self.0.get(self.0.len().saturating_sub(4)..).unwrap_or("")
        )
    }
}

impl fmt::Debug for BankAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.masked())
    }
}

/// ISO/IEC 7812-1 annex B.
fn luhn(digits: &str) -> bool {
    let sum: u32 = digits
        .bytes()
        .rev()
        .enumerate()
        .map(|(place, digit)| {
            let digit = u32::from(digit - b'0');
            match (place % 2, digit * 2) {
                (0, _) => digit,
                (_, doubled) if doubled > 9 => doubled - 9,
                (_, doubled) => doubled,
            }
        })
        .sum();
    sum.is_multiple_of(10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cards_and_other_accounts_are_told_apart_and_luhn_only_warns() {
        for (text, expected) in [
            ("6225881414207430", Ok(None)),
            ("6225 8814 1420 7430", Ok(None)),
            ("６２２５８８１４１４２０７４３０", Ok(None)),
            ("6225881414207431", Ok(Some(AccountWarning::Luhn))),
            ("12345678", Ok(None)),
            ("6.22588E+15", Err(AccountError::Scientific)),
            ("1234567", Err(AccountError::Length)),
            (
                "622588141420743012345678901234567",
                Err(AccountError::Length),
            ),
            ("6225ABCD14207430", Err(AccountError::NotDigits)),
            ("6225********7430", Err(AccountError::NotDigits)),
            ("", Err(AccountError::NotDigits)),
        ] {
            assert_eq!(
                BankAccount::parse(text).map(|(_, warning)| warning),
                expected,
                "{text}"
            );
        }
    }

    #[test]
    fn debug_output_shows_four_digits_at_most() {
        let (account, _) = BankAccount::parse("6225881414207430").unwrap();
        assert_eq!(format!("{account:?}"), "****7430");
    }
}
