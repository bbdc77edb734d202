//! The order and its payments as the bank's file, and the same file read back.

use std::io::{BufRead, Write};

use wagegate_domain::adapter::{DecodeError, EncodeError, Order, Payment, ReadBack, ReadBackOrder};
use wagegate_domain::money::Fen;

use crate::cells::Cells;
use crate::line::Unfit;
use crate::lines::Lines;
use crate::profile::Profile;
use crate::record::Record;
use crate::walk::{Piece, Walk, malformed};

/// Writes the file; a text of the order itself that does not fit is reported as row 0.
pub(crate) fn encode(
    profile: &Profile,
    order: &Order,
    payments: &mut dyn Iterator<Item = Payment>,
    out: &mut dyn Write,
) -> Result<(), EncodeError> {
    let layout = &profile.instruction;
    let mut pen = Pen {
        profile,
        order,
        out,
        line: Vec::new(),
    };
    for record in &layout.header {
        pen.write(record, None)?;
    }
    let (mut count, mut total) = (0_u32, Fen::ZERO);
    for payment in payments {
        count += 1;
        total = total.checked_add(payment.amount).ok_or(unfit(
            &payment,
            "amount",
            "the sum is past what money can be",
        ))?;
        if payment.sequence != count {
            return Err(unfit(
                &payment,
                "sequence",
                "rows are numbered from 1 without a gap",
            ));
        }
        if !payment.amount.is_positive() {
            return Err(unfit(
                &payment,
                "amount",
                "only amounts above nought are paid",
            ));
        }
        pen.write(&layout.row, Some(&payment))?;
    }
    if count != order.count || total != order.total {
        let (expected_count, expected_total) = (order.count, order.total);
        return Err(EncodeError::Totals {
            expected_count,
            expected_total,
            count,
            total,
        });
    }
    for record in &layout.trailer {
        pen.write(record, None)?;
    }
    pen.end()
}

struct Pen<'a> {
    profile: &'a Profile,
    order: &'a Order,
    out: &'a mut dyn Write,
    line: Vec<u8>,
}

impl Pen<'_> {
    fn write(&mut self, record: &Record, payment: Option<&Payment>) -> Result<(), EncodeError> {
        let text = &self.profile.text;
        record
            .render(
                &text.form,
                text.charset,
                self.order,
                payment,
                &mut self.line,
            )
            .map_err(|Unfit { field, why }| EncodeError::Unfit {
                sequence: payment.map_or(0, |payment| payment.sequence),
                field,
                why: why.to_owned(),
            })?;
        self.line.extend_from_slice(text.line_end.bytes());
        Ok(self.out.write_all(&self.line)?)
    }

    fn end(&mut self) -> Result<(), EncodeError> {
        if let Some(end) = &self.profile.instruction.end {
            self.out.write_all(end.as_bytes())?;
            self.out.write_all(self.profile.text.line_end.bytes())?;
        }
        Ok(self.out.flush()?)
    }
}

fn unfit(payment: &Payment, field: &'static str, why: &str) -> EncodeError {
    EncodeError::Unfit {
        sequence: payment.sequence,
        field,
        why: why.to_owned(),
    }
}

/// Reads the file by the way that documents of the bank are read, and takes nothing that is not exactly as it is written.
pub(crate) fn read_back(
    profile: &Profile,
    input: &mut dyn BufRead,
    each: &mut dyn FnMut(ReadBack),
) -> Result<ReadBackOrder, DecodeError> {
    let walk = Walk {
        layout: &profile.instruction,
        form: &profile.text.form,
        charset: profile.text.charset,
    };
    let mut lines = Lines::new(input);
    lines.advance()?;
    let (mut stated, mut sequence) = (Cells::default(), 0_u32);
    walk.run(&mut lines, &mut |line, piece| {
        match piece {
            Piece::Frame(cells) => stated = std::mem::take(&mut stated).or(cells),
            Piece::Row(cells, fault) => {
                sequence = sequence.saturating_add(1);
                let row = row(cells, fault, sequence).map_err(|why| DecodeError::Malformed {
                    place: format!("line {line}"),
                    why,
                })?;
                each(row);
            }
        }
        Ok(())
    })?;
    let Cells {
        key: Some(bank_key),
        special_account: Some(account),
        count: Some(count),
        sum: Some(total),
        ..
    } = stated
    else {
        return Err(malformed(
            &lines,
            "the file does not state its key, account, count and sum",
        ));
    };
    Ok(ReadBackOrder {
        bank_key,
        account,
        count,
        total,
    })
}

fn row(cells: Cells, fault: Option<String>, expected: u32) -> Result<ReadBack, String> {
    if let Some(why) = fault {
        return Err(why);
    }
    let sequence = cells.sequence.unwrap_or(expected);
    let (Some(account), Some(name), Some(amount)) = (cells.account, cells.name, cells.amount)
    else {
        return Err("the row lacks account, name or amount".to_owned());
    };
    if sequence == expected {
        Ok(ReadBack {
            sequence,
            account,
            name,
            amount,
        })
    } else {
        Err("rows are numbered from 1 without a gap".to_owned())
    }
}
