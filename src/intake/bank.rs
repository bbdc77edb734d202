//! Tries rows in the paying bank's own form: what would stop the instruction later stops the sheet now, with its row.

use std::io;

use wagegate_domain::{
    Fen, PayMonth,
    adapter::{Adapter, EncodeError, Order, Payment},
    batch::{ContentHash, WageRow},
    ids::BankAccount,
    plan::{bank_key, reference},
};

use crate::store::ProjectEntry;

/// The rows that the bank cannot take, by their place among them. They are written as one instruction; only where that fails, one by one.
pub(super) fn unfit(
    adapter: &dyn Adapter,
    project: &ProjectEntry,
    month: PayMonth,
    rows: &[WageRow],
) -> Vec<(usize, String, String)> {
    let limits = adapter.profile().limits;
    let most = [limits.item_fen_max, limits.total_fen_max]
        .into_iter()
        .flatten()
        .min();
    let above = |row: &WageRow| most.is_some_and(|most| row.amount > Fen::new(most));
    if !rows.iter().any(above) && encode(adapter, project, month, rows).is_ok() {
        return Vec::new();
    }
    let each = rows.iter().enumerate().filter_map(|(at, row)| {
        let tried = if above(row) {
            Err(("amount".into(), "above the bank's limit".into()))
        } else {
            encode(adapter, project, month, std::slice::from_ref(row))
        };
        tried.err().map(|(field, why)| (at, field, why))
    });
    each.collect()
}

fn encode(
    adapter: &dyn Adapter,
    project: &ProjectEntry,
    month: PayMonth,
    rows: &[WageRow],
) -> Result<(), (String, String)> {
    let unfit = |field: &str, why: String| Err((field.to_owned(), why));
    let Ok((account, _)) = BankAccount::parse(&project.account) else {
        return unfit(
            "special account",
            "the project's account is not a number".into(),
        );
    };
    let total = Fen::total(rows.iter().map(|row| row.amount));
    let (Some(total), Ok(count)) = (total, u32::try_from(rows.len())) else {
        return unfit("amount", "the sum is past what money can be".into());
    };
    let key = bank_key(&ContentHash([0; 32]), 1, 1, adapter.profile().key);
    let day = jiff::civil::date(2026, 1, 1);
    let order = Order {
        bank_key: key.clone(),
        created: day.at(0, 0, 0, 0),
        value_date: day,
        account,
        account_name: project.account_name.clone(),
        count,
        total,
    };
    let remark = format!("{month}工资");
    let mut payments = (1..).zip(rows).map(|(sequence, row)| Payment {
        sequence,
        reference: reference(&key, sequence),
        name: row.name.clone(),
        account: row.account.clone(),
        cnaps: row.cnaps.clone(),
        amount: row.amount,
        remark: remark.clone(),
    });
    match adapter.encode(&order, &mut payments, &mut io::sink()) {
        Ok(()) => Ok(()),
        Err(EncodeError::Unfit { field, why, .. }) => unfit(field, why),
        Err(error @ (EncodeError::Totals { .. } | EncodeError::Io(_))) => {
            unfit("row", error.to_string())
        }
    }
}
