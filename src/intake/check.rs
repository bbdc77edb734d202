//! First pass: every problem of every row, or count, sum and content hash of the whole sheet.

use std::{collections::HashMap, fmt, rc::Rc};

use jiff::ToSpan as _;
use sha2::{Digest, Sha256};
use wagegate_domain::{
    Fen, PayMonth,
    batch::{Content, ContentHasher, WageRow},
};

use super::{
    Expectation, IntakeError, OpenSheet,
    cells::Line,
    header::Columns,
    problem::{Flaw, Problem},
    row::{Flawed, parse},
    walk::{Seen, walk},
};

/// Problems that an answer lists; the number of all is always given.
const LISTED: usize = 1_000;
/// Nobody under this age may be employed (labour law, article 15).
const AGE_MIN: i16 = 16;

/// A sheet without problems.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    /// Count, sum and hash.
    pub content: Content,
    /// What is odd and does not stop it.
    pub warnings: Vec<Problem>,
    /// How many warnings there are; the list ends at a thousand.
    pub warnings_total: u64,
}

/// A sheet with problems: nothing of it is taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The first thousand.
    pub problems: Vec<Problem>,
    /// How many there are.
    pub total: u64,
}

/// Reads the whole sheet.
///
/// # Errors
/// [`IntakeError::Refused`] with every problem; or the file is no wage sheet or cannot be read.
pub fn check(open: OpenSheet<'_>, expect: &Expectation<'_>) -> Result<Checked, IntakeError> {
    let mut checker = Checker::new(expect);
    let walked = walk(open, &mut |seen| {
        checker.take(seen);
        Ok(())
    })?;
    if walked.sheets == 0 {
        let missing = walked
            .missing
            .unwrap_or_else(|| vec!["姓名", "身份证号", "银行卡号", "实发工资"]);
        checker.whole(Flaw::NoHeader {
            missing: missing.join("、"),
        });
    } else if checker.rows == 0 && checker.stopping.total == 0 {
        checker.whole(Flaw::NoRows);
    }
    checker.finish()
}

/// Problems up to a limit, and their number.
#[derive(Default)]
struct List {
    listed: Vec<Problem>,
    total: u64,
}

struct Checker<'a> {
    expect: &'a Expectation<'a>,
    hasher: ContentHasher,
    rows: u64,
    workers: HashMap<[u8; 16], u32>,
    cards: HashMap<[u8; 16], u32>,
    /// Sum of this sheet's rows, and of those since the last subtotal.
    sheet_sum: Fen,
    part_sum: Fen,
    stopping: List,
    odd: List,
}

impl fmt::Debug for Checker<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Checker")
            .field("rows", &self.rows)
            .finish_non_exhaustive()
    }
}

impl<'a> Checker<'a> {
    fn new(expect: &'a Expectation<'a>) -> Self {
        Self {
            expect,
            hasher: ContentHasher::new(expect.project, expect.special_account, expect.month),
            rows: 0,
            workers: HashMap::new(),
            cards: HashMap::new(),
            sheet_sum: Fen::ZERO,
            part_sum: Fen::ZERO,
            stopping: List::default(),
            odd: List::default(),
        }
    }

    fn take(&mut self, seen: Seen) {
        match seen {
            Seen::Sheet => (self.sheet_sum, self.part_sum) = (Fen::ZERO, Fen::ZERO),
            Seen::Title(line) => self.title(&line),
            Seen::HeaderTwice { line, header } => self.note(&line, (header, Flaw::HeaderTwice)),
            Seen::Row { line, columns } => self.row(&line, &columns),
            Seen::Total {
                line,
                columns,
                amount,
            } => self.total(&line, &columns, amount),
        }
    }

    fn row(&mut self, line: &Line, columns: &Rc<Columns>) {
        match parse(line, columns) {
            Ok((row, odd)) => {
                odd.into_iter().for_each(|flaw| self.note(line, flaw));
                self.add(line, columns, &row);
            }
            Err(flaws) => {
                // What can be read of the amount still counts towards the total beneath, which is a problem of its own only then.
                let amount =
                    Fen::parse_yuan(line.cell(columns.amount.at).text()).unwrap_or(Fen::ZERO);
                self.sum(amount);
                flaws.into_iter().for_each(|flaw| self.note(line, flaw));
            }
        }
    }

    fn add(&mut self, line: &Line, columns: &Columns, row: &WageRow) {
        self.rows += 1;
        self.sum(row.amount);
        let mut flaws: Vec<Flawed> = Vec::new();
        let of_age = row.id_number.birth_date().saturating_add(AGE_MIN.years());
        if of_age > self.expect.today {
            flaws.push((columns.id_number.header.clone(), Flaw::UnderAge));
        }
        let worker = digest(row.id_number.clear());
        if let Some(first) = self.workers.insert(worker, row.row) {
            self.workers.insert(worker, first);
            flaws.push((
                columns.id_number.header.clone(),
                Flaw::WorkerTwice { first },
            ));
        } else if let Some(first) = self.cards.insert(digest(row.account.clear()), row.row) {
            flaws.push((columns.card.header.clone(), Flaw::CardOfTwo { first }));
        }
        if let Err((field, why)) = (self.expect.fits)(row) {
            flaws.push((String::new(), Flaw::UnfitForBank { field, why }));
        }
        if self.hasher.add(row).is_none() {
            flaws.push((columns.amount.header.clone(), Flaw::AmountTooLarge));
        }
        flaws.into_iter().for_each(|flaw| self.note(line, flaw));
    }

    fn total(&mut self, line: &Line, columns: &Columns, amount: Option<Fen>) {
        let part = std::mem::replace(&mut self.part_sum, Fen::ZERO);
        let agrees = amount.is_none_or(|amount| amount == self.sheet_sum || amount == part);
        if !agrees {
            let counted = self.sheet_sum.to_string();
            self.note(
                line,
                (
                    columns.amount.header.clone(),
                    Flaw::TotalDiffers { counted },
                ),
            );
        }
    }

    fn title(&mut self, line: &Line) {
        for cell in &line.cells {
            let Some(month) = month_in(cell.text()) else {
                continue;
            };
            if month != self.expect.month {
                let title = month.to_string();
                self.note(line, (String::new(), Flaw::MonthDiffers { title }));
            }
        }
    }

    fn sum(&mut self, amount: Fen) {
        let add = |sum: Fen| sum.checked_add(amount).unwrap_or(sum);
        (self.sheet_sum, self.part_sum) = (add(self.sheet_sum), add(self.part_sum));
    }

    fn note(&mut self, line: &Line, (column, flaw): Flawed) {
        self.list(Problem {
            sheet: line.sheet.to_string(),
            row: line.row,
            column,
            flaw,
        });
    }

    fn whole(&mut self, flaw: Flaw) {
        self.list(Problem {
            sheet: String::new(),
            row: 0,
            column: String::new(),
            flaw,
        });
    }

    fn list(&mut self, problem: Problem) {
        let list = if problem.flaw.stops() {
            &mut self.stopping
        } else {
            &mut self.odd
        };
        list.total += 1;
        if list.listed.len() < LISTED {
            list.listed.push(problem);
        }
    }

    fn finish(self) -> Result<Checked, IntakeError> {
        let List { listed, total } = self.stopping;
        if total > 0 {
            return Err(IntakeError::Refused(Refused {
                problems: listed,
                total,
            }));
        }
        Ok(Checked {
            content: self.hasher.finish(),
            warnings: self.odd.listed,
            warnings_total: self.odd.total,
        })
    }
}

/// Half a SHA-256: enough to tell a million rows apart, small enough to keep for each.
fn digest(text: &str) -> [u8; 16] {
    let whole: [u8; 32] = Sha256::digest(text).into();
    let mut half = [0; 16];
    half.copy_from_slice(&whole[..16]);
    half
}

/// A month such as 2026年10月 in a title; a full date (2026年10月31日) is the day on which somebody signed.
fn month_in(text: &str) -> Option<PayMonth> {
    let (before, after) = text.split_once('年')?;
    let digits = |c: &char| c.is_ascii_digit();
    let year: String = before
        .chars()
        .rev()
        .take_while(digits)
        .collect::<Vec<_>>()
        .into_iter()
        .rev()
        .collect();
    let (month, after) = after.split_once('月')?;
    let month = month.trim();
    let dated = after.trim_start().starts_with(|c: char| c.is_ascii_digit());
    if year.len() != 4 || dated || month.is_empty() || !month.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    PayMonth::parse(&format!("{year}-{month}")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_names_a_month_and_a_signature_a_day() {
        for (text, expected) in [
            ("2026年10月农民工工资表", Some("2026-10")),
            ("工资月份：2026 年 9 月", None),
            ("所属期:2026年 9 月", Some("2026-09")),
            ("制表日期：2026年11月5日", None),
            ("二〇二六年十月", None),
            ("26年10月", None),
        ] {
            assert_eq!(
                month_in(text).map(|month| month.to_string()).as_deref(),
                expected,
                "{text}"
            );
        }
    }
}
