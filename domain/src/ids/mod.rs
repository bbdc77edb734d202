//! Numbers that name people, firms, accounts and places, each parsed with its published check.
//!
//! What names a person ([`IdNumber`], [`BankAccount`], [`PersonName`]) has no `Display`, and its `Debug` is masked: the clear text leaves only through
//! `clear()`, which bank files and sealing call, and nothing else should.

mod bank_account;
mod cnaps;
mod id_number;
mod person_name;
mod region;
mod uscc;

pub use bank_account::{AccountError, AccountWarning, BankAccount};
pub use cnaps::{Cnaps, CnapsError};
pub use id_number::{IdNumber, IdNumberError};
pub use person_name::{NameError, PersonName};
pub use region::{Region, RegionError};
pub use uscc::{Uscc, UsccError};

use crate::money::half_width;

/// Drops spaces and folds full-width characters: how numbers come out of spreadsheets and chat windows.
pub(crate) fn squeezed(text: &str) -> String {
    text.chars()
        .map(half_width)
        .filter(|c| !c.is_whitespace())
        .collect()
}
