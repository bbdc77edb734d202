//! The bank's files as facts: every row is told or parked as it comes, and at the end what was read is held against what the file states.

use std::io::BufRead;

use wagegate_domain::adapter::DecodeError;
use wagegate_domain::fact::{BankCode, ItemRefs, Told, Verdict};
use wagegate_domain::money::Fen;

use crate::cells::Cells;
use crate::lines::Lines;
use crate::profile::{Document, Profile};
use crate::record::Form;
use crate::walk::{Piece, Walk, malformed};

/// Reads a document of any kind that the profile knows, recognised by its first line.
pub(crate) fn decode(
    profile: &Profile,
    asked: Option<&str>,
    input: &mut dyn BufRead,
    tell: &mut dyn FnMut(Told),
) -> Result<(), DecodeError> {
    let mut lines = Lines::new(input);
    lines.advance()?;
    let Some((document, form)) = profile.recognise(lines.bytes()) else {
        return Err(malformed(
            &lines,
            "not the first line of any document of this bank",
        ));
    };
    let walk = Walk {
        layout: &document.lines,
        form,
        charset: profile.text.charset,
    };
    let mut reading = Reading::new(profile, document, asked);
    walk.run(&mut lines, &mut |line, piece| {
        match piece {
            Piece::Frame(cells) => reading.frame(line, cells, tell),
            Piece::Row(cells, fault) => tell(reading.row(line, cells, fault)),
        }
        Ok(())
    })?;
    if let Some(told) = reading.discrepancy() {
        tell(told);
    }
    Ok(())
}

impl Profile {
    /// The kind of document that begins with this line, and how its columns stand.
    pub(crate) fn recognise(&self, first_line: &[u8]) -> Option<(&Document, &Form)> {
        self.documents
            .iter()
            .map(|document| (document, self.form_of(document)))
            .find(|(document, form)| {
                let mark = document.mark(form, self.text.charset);
                !mark.is_empty() && first_line.starts_with(&mark)
            })
    }

    pub(crate) fn form_of<'a>(&'a self, document: &'a Document) -> &'a Form {
        document.form.as_ref().unwrap_or(&self.text.form)
    }
}

/// What was read of one document so far: sums, never rows.
struct Reading<'a> {
    profile: &'a Profile,
    document: &'a Document,
    asked: Option<&'a str>,
    stated: Cells,
    all: Tally,
    paid: Tally,
}

impl<'a> Reading<'a> {
    fn new(profile: &'a Profile, document: &'a Document, asked: Option<&'a str>) -> Self {
        Self {
            profile,
            document,
            asked,
            stated: Cells::default(),
            all: Tally::default(),
            paid: Tally::default(),
        }
    }

    fn frame(&mut self, line: u64, cells: Cells, tell: &mut dyn FnMut(Told)) {
        if let (Some(key), Some(asked)) = (&cells.key, self.asked)
            && key != asked
        {
            tell(Told::Remark(format!(
                "line {line}: the document is about another instruction than was asked for"
            )));
        }
        self.stated = std::mem::take(&mut self.stated).or(cells);
    }

    fn row(&mut self, line: u64, cells: Cells, fault: Option<String>) -> Told {
        let refs = cells.refs(self.instruction());
        let amount = cells.amount;
        let bank = self.bank_code(cells);
        let fault = fault.or_else(|| self.gap(&refs, amount, &bank).map(str::to_owned));
        if let Some(why) = fault {
            let why = format!("{}, line {line}: {why}", self.document.name);
            return Told::Parked {
                refs,
                amount,
                why,
                bank,
            };
        }
        let verdict = self
            .profile
            .codes
            .get(&self.document.codes)
            .map_or(Verdict::Unknown, |codes| codes.verdict(&bank.code));
        self.all.add(amount);
        if verdict == Verdict::Paid {
            self.paid.add(amount);
        }
        Told::Item {
            refs,
            verdict,
            amount,
            bank,
        }
    }

    /// What a row lacks that it cannot be told without.
    fn gap(&self, refs: &ItemRefs, amount: Option<Fen>, bank: &BankCode) -> Option<&'static str> {
        let placed = refs.sequence.is_some() || (refs.account.is_some() && amount.is_some());
        if bank.code.is_empty() {
            Some("there is no code")
        } else if refs.reference.is_none() && refs.instruction.is_none() {
            Some("nothing says which instruction it belongs to")
        } else if refs.reference.is_none() && !placed {
            Some("nothing says which payment it is about")
        } else {
            None
        }
    }

    fn instruction(&self) -> Option<&str> {
        self.stated.key.as_deref().or(self.asked)
    }

    fn bank_code(&self, cells: Cells) -> BankCode {
        BankCode {
            list: self.document.codes.clone(),
            code: cells.code.unwrap_or_default(),
            text: cells.text.unwrap_or_default(),
        }
    }

    /// The rows were told as they came; that they are not all, or not for this money, must be seen.
    fn discrepancy(&self) -> Option<Told> {
        let odd: Vec<String> = [
            self.all
                .against("payments", self.stated.count, self.stated.sum),
            self.paid.against(
                "paid payments",
                self.stated.paid_count,
                self.stated.paid_sum,
            ),
        ]
        .into_iter()
        .flatten()
        .collect();
        (!odd.is_empty()).then(|| Told::Parked {
            refs: Cells::default().refs(self.instruction()),
            amount: None,
            why: format!("{}: {}", self.document.name, odd.join("; ")),
            bank: BankCode {
                list: self.document.codes.clone(),
                ..BankCode::default()
            },
        })
    }
}

/// Count and sum of what was told; the sum is lost where a row named no amount, or past 64 bits.
struct Tally {
    count: u64,
    sum: Option<Fen>,
}

impl Default for Tally {
    fn default() -> Self {
        Self {
            count: 0,
            sum: Some(Fen::ZERO),
        }
    }
}

impl Tally {
    fn add(&mut self, amount: Option<Fen>) {
        self.count += 1;
        self.sum = self
            .sum
            .zip(amount)
            .and_then(|(sum, amount)| sum.checked_add(amount));
    }

    fn against(&self, what: &str, count: Option<u64>, sum: Option<Fen>) -> Option<String> {
        let count_differs = count.is_some_and(|stated| stated != self.count);
        let sum_differs = sum.is_some_and(|stated| Some(stated) != self.sum);
        let yuan =
            |sum: Option<Fen>| sum.map_or_else(|| "no sum".to_owned(), |sum| format!("{sum} yuan"));
        (count_differs || sum_differs).then(|| {
            let stated = count.map_or_else(|| "some".to_owned(), |count| count.to_string());
            format!(
                "it states {stated} {what} of {}, and {} of {} were read",
                yuan(sum),
                self.count,
                yuan(self.sum)
            )
        })
    }
}
