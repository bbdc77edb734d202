//! An instruction as the bank understands it, whichever dialect it came in, and the reasons to refuse it whole.

use std::fmt;

use crate::money::Fen;

/// One payment of an instruction.
#[derive(Clone, PartialEq, Eq)]
pub struct Row {
    /// Place in the file, from 1.
    pub number: u32,
    /// What the sender calls the row: `EndToEndId`, or the row number as written.
    pub row_ref: String,
    /// Payee's card or account.
    pub account: String,
    /// Payee's name.
    pub name: String,
    /// Amount.
    pub amount: Fen,
}

// People's names and accounts stay out of logs and panics.
impl fmt::Debug for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Row")
            .field("row_ref", &self.row_ref)
            .field("amount", &self.amount)
            .finish_non_exhaustive()
    }
}

/// A readable instruction; its totals are what the sender stated, not yet compared with the rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instruction {
    /// The sender's reference: `MsgId` or batch number.
    pub reference: String,
    /// The message name it came as, for the reports that quote it; empty in the text dialect.
    pub message_name: String,
    /// Account to be debited.
    pub debtor: String,
    /// Rows stated, at each level that states them.
    pub stated_rows: Vec<u64>,
    /// Sums stated, at each level that states them.
    pub stated_sums: Vec<Fen>,
    /// The payments.
    pub rows: Vec<Row>,
}

/// Why an instruction is refused whole. Nothing is debited.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It cannot be read; says where, without quoting people.
    Unreadable(String),
    /// The stated number of rows is not the number of rows.
    Count,
    /// The stated sum is not the sum of the rows.
    Sum,
    /// Not enough money on the account.
    Funds,
    /// The account to be debited is not kept here.
    UnknownAccount,
}

impl Refusal {
    /// Shorthand for an unreadable instruction.
    #[must_use]
    pub fn unreadable(what: impl Into<String>) -> Self {
        Self::Unreadable(what.into())
    }

    /// Words for the reply; never a person's.
    #[must_use]
    pub fn words(&self) -> &str {
        match self {
            Self::Unreadable(what) => what,
            Self::Count => "the stated number of rows is not the number of rows",
            Self::Sum => "the stated sum is not the sum of the rows",
            Self::Funds => "not enough money on the account",
            Self::UnknownAccount => "no such account",
        }
    }
}

impl Instruction {
    /// Compares the stated totals with the rows and gives the true sum.
    ///
    /// # Errors
    /// A total that differs, or a sum beyond what can be counted.
    pub fn checked_total(&self) -> Result<Fen, Refusal> {
        let count = u64::try_from(self.rows.len()).map_err(|_| Refusal::Count)?;
        if self.stated_rows.iter().any(|stated| *stated != count) {
            return Err(Refusal::Count);
        }
        let sum = Fen::sum(self.rows.iter().map(|row| row.amount)).ok_or(Refusal::Sum)?;
        if self.stated_sums.iter().any(|stated| *stated != sum) {
            return Err(Refusal::Sum);
        }
        Ok(sum)
    }
}

/// Whether a text is 1 to `longest` of the upper-case letters and digits that references are made of.
#[must_use]
pub fn is_reference(text: &str, longest: usize) -> bool {
    (1..=longest).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
}
