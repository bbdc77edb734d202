//! Tries rows in the paying bank's own form: what would stop the instruction later stops the sheet now, with its row.

use std::io;

use wagegate_domain::{
    Fen, PayMonth,
    adapter::{Adapter, EncodeError, Order, Payment},
    batch::{ContentHash, WageRow},
    ids::BankAccount,
    plan::{bank_key, reference},
};

use super::problem::Words;
use crate::store::ProjectEntry;

/// The rows that the bank cannot take, by their place among them. They are written as one instruction; only where that fails, one by one.
pub(super) fn unfit(
    adapter: &dyn Adapter,
    project: &ProjectEntry,
    month: PayMonth,
    rows: &[WageRow],
) -> Vec<(usize, String, Words)> {
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
        if let Some(most) = most.filter(|_| above(row)) {
            return Some((at, "amount".into(), beyond(Fen::new(most))));
        }
        let tried = encode(adapter, project, month, std::slice::from_ref(row));
        tried.err().map(|(field, why)| (at, field, both(why)))
    });
    each.collect()
}

fn beyond(limit: Fen) -> Words {
    Words {
        zh: format!("超过该行单笔限额 {limit} 元"),
        en: format!("it is above this bank's limit of {limit} yuan for one payment"),
    }
}

/// What adapters say of a text or an amount, and the same for a clerk. What is not here stays in its English sentence alone.
#[rustfmt::skip]
const REASONS: &[(&str, &str)] = &[
    ("it is too long",                                        "太长"),
    ("it has more than",                                      "太长"),
    ("it has a control character",                            "含有控制字符"),
    ("it has a character that no bank file can hold",         "含有银行文件不能写入的字符"),
    ("it begins or ends with a space, which banks drop",      "首尾有空格"),
    ("it has the sign that this bank puts between columns",   "含有该行用作分隔的符号"),
    ("it ends in the sign that this bank pads with",          "末尾是该行用作填充的符号"),
    ("a character is not in this bank's encoding",            "含有该行编码中没有的字"),
    ("this bank needs it, and it is missing",                 "该行要求填写，现为空"),
    ("it is empty",                                           "为空"),
    ("it is not above nought",                                "必须大于零"),
    ("only amounts above nought are paid",                    "必须大于零"),
    ("the sum is",                                            "合计超出可表示的范围"),
    ("the project's account is not a number",                 "不是账号"),
];

fn both(en: String) -> Words {
    let known = REASONS.iter().find(|(said, _)| en.starts_with(said));
    let zh = known.map_or("不符合该行的格式", |(_, zh)| zh);
    Words { zh: zh.into(), en }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chinese_reason_holds_no_english_and_a_limit_is_named() {
        let limit = beyond(Fen::new(5_000_000));
        assert!(limit.zh.contains("50000.00") && limit.en.contains("50000.00"));
        for (said, zh) in REASONS {
            assert_eq!(both((*said).into()).zh, *zh);
        }
        let new = both("it rhymes".into());
        assert!(!new.zh.contains("rhymes") && new.en == "it rhymes");
    }
}
