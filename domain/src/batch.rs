//! A batch: one project, one pay month, one submission; and the hash that approvals bind (invariant 5).

use sha2::{Digest, Sha256};

use crate::ids::{BankAccount, Cnaps, IdNumber, PersonName};
use crate::money::Fen;
use crate::period::PayMonth;

/// One worker's line of a wage sheet, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WageRow {
    /// Row in the sheet, counted from 1 as the spreadsheet shows it; the batch's key for the item.
    pub row: u32,
    /// Name as on the bank account.
    pub name: PersonName,
    /// Identity number.
    pub id_number: IdNumber,
    /// Where the wage goes.
    pub account: BankAccount,
    /// The payee bank's number; absent where the sheet does not give one.
    pub cnaps: Option<Cnaps>,
    /// Net wage owed.
    pub amount: Fen,
}

/// Where a batch stands before its wages are sent; afterwards it is what its rows say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BatchState {
    /// Stored whole; awaits a second person.
    AwaitingApproval,
    /// Approved, funds reserved; awaits being split into instructions.
    Approved,
    /// Split into instructions.
    Planned,
    /// A second person said no: nothing of it will be sent.
    Rejected,
}

impl BatchState {
    /// Every state.
    pub const ALL: [Self; 4] = [
        Self::AwaitingApproval,
        Self::Approved,
        Self::Planned,
        Self::Rejected,
    ];

    /// The name kept in the store and shown by the API.
    pub const fn code(self) -> &'static str {
        match self {
            Self::AwaitingApproval => "awaiting_approval",
            Self::Approved => "approved",
            Self::Planned => "planned",
            Self::Rejected => "rejected",
        }
    }

    /// Reads back what [`Self::code`] wrote.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.code() == code)
    }
}

/// SHA-256 over everything that will be paid, in row order: what an approver approves.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ContentHash(pub [u8; 32]);

impl std::fmt::Display for ContentHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl std::fmt::Debug for ContentHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self, f)
    }
}

/// Takes the rows of a batch one by one and gives count, sum and hash at the end; never holds the rows.
#[derive(Clone, Debug)]
pub struct ContentHasher {
    digest: Sha256,
    rows: u64,
    total: Fen,
}

/// What a [`ContentHasher`] ends with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Content {
    /// Number of wage items.
    pub rows: u64,
    /// Their sum.
    pub total: Fen,
    /// What approvals bind.
    pub hash: ContentHash,
}

impl ContentHasher {
    /// Begins with what stands over the rows: the project's code, the account that pays, and the month.
    pub fn new(project: &str, special_account: &str, month: PayMonth) -> Self {
        let mut hasher = Self {
            digest: Sha256::new(),
            rows: 0,
            total: Fen::ZERO,
        };
        hasher.field(b"wagegate batch content, version 1");
        hasher.field(project.as_bytes());
        hasher.field(special_account.as_bytes());
        hasher.field(month.to_string().as_bytes());
        hasher
    }

    /// Adds the next row; `None` when the sum leaves 64 bits.
    pub fn add(&mut self, row: &WageRow) -> Option<()> {
        self.total = self.total.checked_add(row.amount)?;
        self.rows += 1;
        self.digest.update(row.row.to_be_bytes());
        self.field(row.id_number.clear().as_bytes());
        self.field(row.name.clear().as_bytes());
        self.field(row.account.clear().as_bytes());
        self.field(row.cnaps.as_ref().map_or("", Cnaps::as_str).as_bytes());
        self.digest.update(row.amount.get().to_be_bytes());
        Some(())
    }

    /// Closes the hash over the rows with their number and sum.
    pub fn finish(mut self) -> Content {
        self.digest.update(self.rows.to_be_bytes());
        self.digest.update(self.total.get().to_be_bytes());
        Content {
            rows: self.rows,
            total: self.total,
            hash: ContentHash(self.digest.finalize().into()),
        }
    }

    /// Length first, so that no two different lists of fields give the same bytes.
    fn field(&mut self, bytes: &[u8]) {
        self.digest.update((bytes.len() as u64).to_be_bytes());
        self.digest.update(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(number: u32, account: &str, fen: i64) -> WageRow {
        WageRow {
            row: number,
            name: PersonName::parse("李晓明").unwrap(),
            id_number: IdNumber::parse("11010519491231002X").unwrap(),
            account: BankAccount::parse(account).unwrap().0,
            cnaps: None,
            amount: Fen::new(fen),
        }
    }

    fn content(rows: &[WageRow]) -> Content {
        let mut hasher =
            ContentHasher::new("P1", "1234567890", PayMonth::parse("2026-10").unwrap());
        rows.iter().for_each(|row| hasher.add(row).unwrap());
        hasher.finish()
    }

    #[test]
    fn whatever_changes_what_is_paid_changes_the_hash() {
        let base = content(&[
            row(1, "6225881414207430", 100),
            row(2, "6225881414207430", 200),
        ]);
        assert_eq!((base.rows, base.total), (2, Fen::new(300)));
        for other in [
            vec![row(1, "6225881414207430", 100)],
            vec![
                row(1, "6225881414207430", 200),
                row(2, "6225881414207430", 100),
            ],
            vec![
                row(1, "6225881414207430", 100),
                row(3, "6225881414207430", 200),
            ],
            vec![
                row(1, "6225881414207448", 100),
                row(2, "6225881414207430", 200),
            ],
        ] {
            assert_ne!(content(&other).hash, base.hash);
        }
    }
}
