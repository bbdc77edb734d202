//! First pass: every problem of every row, or count, sum and content hash of the whole sheet.

use std::{
    collections::{HashMap, hash_map::Entry},
    fmt,
};

use jiff::ToSpan as _;
use sha2::{Digest, Sha256};
use wagegate_domain::{
    Fen,
    batch::{Content, ContentHasher},
};

use super::{
    Expectation, IntakeError, OpenSheet,
    cells::{Line, Tab},
    header::Columns,
    place::Place,
    problem::{Flaw, Problem},
    row::{Flawed, Parts, parse, yuan},
    title,
    walk::{Seen, Walked, walk},
};

/// Problems that an answer lists; the number of all is always given.
pub(crate) const LISTED: usize = 1_000;
/// Nobody under this age may be employed (labour law, article 15).
pub(crate) const AGE_MIN: i16 = 16;

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
    checker.close(walked);
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
    /// Sum of the file's rows, of this sheet's, and of those since the last subtotal.
    sums: [Fen; 3],
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
            sums: [Fen::ZERO; 3],
            stopping: List::default(),
            odd: List::default(),
        }
    }

    fn take(&mut self, seen: Seen) {
        match seen {
            Seen::Sheet(tab) => self.sheet(&tab),
            Seen::Title(line) => self.title(&line),
            Seen::HeaderTwice { line, header } => self.note(&line, (header, Flaw::HeaderTwice)),
            Seen::Row {
                line,
                columns,
                place,
            } => self.row(&line, &columns, place),
            Seen::Total { line, columns } => self.total(&line, &columns),
        }
    }

    fn sheet(&mut self, tab: &Tab) {
        let [file, ..] = self.sums;
        self.sums = [file, Fen::ZERO, Fen::ZERO];
        if tab.hidden {
            self.whole(&tab.name, 0, Flaw::SheetHidden);
        }
    }

    /// Everything that is wrong with one worker, not only the first thing.
    fn row(&mut self, line: &Line, columns: &Columns, place: Place) {
        self.rows += 1;
        let (parts, mut flaws) = parse(line, columns);
        let amount = parts.amount.unwrap_or(Fen::ZERO);
        self.sums = self.sums.map(|sum| sum.checked_add(amount).unwrap_or(sum));
        flaws.extend(self.person(&parts, columns, place));
        if let Some(row) = parts.whole(place.number()) {
            if let Err((field, why)) = (self.expect.fits)(&row) {
                flaws.push((String::new(), Flaw::UnfitForBank { field, why }));
            }
            if self.hasher.add(&row).is_none() {
                flaws.push((columns.amount.header.clone(), Flaw::AmountTooLarge));
            }
        }
        flaws.into_iter().for_each(|flaw| self.note(line, flaw));
    }

    /// Too young, or in the sheet already, by whatever of the row could be read.
    fn person(&mut self, parts: &Parts, columns: &Columns, place: Place) -> Vec<Flawed> {
        let mut flaws = Vec::new();
        let mut again = false;
        if let Some(id_number) = &parts.id_number {
            let header = &columns.id_number.header;
            let of_age = id_number.birth_date().saturating_add(AGE_MIN.years());
            if of_age > self.expect.today {
                flaws.push((header.clone(), Flaw::UnderAge));
            }
            if let Some(first) = first(&mut self.workers, id_number.clear(), place) {
                again = true;
                flaws.push((header.clone(), Flaw::WorkerTwice { first }));
            }
        }
        if let Some(account) = &parts.account
            && let Some(first) = first(&mut self.cards, account.clear(), place)
            && !again
        {
            flaws.push((columns.card.header.clone(), Flaw::CardOfTwo { first }));
        }
        flaws
    }

    /// A total says the sum of the rows since the last one, of its sheet or of the file; one that says nothing is no mistake.
    fn total(&mut self, line: &Line, columns: &Columns) {
        let sums = self.sums;
        let [file, sheet, _] = sums;
        self.sums = [file, sheet, Fen::ZERO];
        let cell = line.cell(columns.amount.at);
        let flaw = match yuan(cell) {
            _ if cell.is_blank() => return,
            Ok(total) if sums.contains(&total) => return,
            Ok(_) => Flaw::TotalDiffers {
                counted: sheet.to_string(),
            },
            Err(flaw) => flaw,
        };
        self.note(line, (columns.amount.header.clone(), flaw));
    }

    fn title(&mut self, line: &Line) {
        for month in title::months(line) {
            if month != self.expect.month {
                let title = month.to_string();
                self.note(line, (String::new(), Flaw::MonthDiffers { title }));
            }
        }
        if title::project_code(line).is_some_and(|code| code != self.expect.project) {
            self.note(line, (String::new(), Flaw::ProjectDiffers));
        }
        if title::project_name(line)
            .is_some_and(|name| !title::alike(&name, self.expect.project_name))
        {
            self.note(line, (String::new(), Flaw::ProjectUnlike));
        }
    }

    /// What the file as a whole lacks, and the sheets that were not read. One that is a header short of a wage sheet may be a team's wages.
    fn close(&mut self, walked: Walked) {
        if walked.sheets == 0 {
            let nearest = walked
                .unheaded
                .into_iter()
                .map(|sheet| sheet.missing)
                .filter(|missing| !missing.is_empty())
                .min_by_key(Vec::len);
            let missing = nearest
                .unwrap_or_else(|| vec!["姓名", "身份证号", "银行卡号", "实发工资"])
                .join("、");
            return self.whole("", 0, Flaw::NoHeader { missing });
        }
        for sheet in walked.unheaded {
            let flaw = match sheet.missing.as_slice() {
                [missing] => Flaw::NoHeader {
                    missing: (*missing).to_owned(),
                },
                _ => Flaw::SheetUnread,
            };
            self.whole(&sheet.tab.name, sheet.row, flaw);
        }
        if self.rows == 0 && self.stopping.total == 0 {
            self.whole("", 0, Flaw::NoRows);
        }
    }

    fn note(&mut self, line: &Line, (column, flaw): Flawed) {
        self.list(Problem {
            sheet: line.tab.name.clone(),
            row: line.row,
            column,
            flaw,
        });
    }

    fn whole(&mut self, sheet: &str, row: u32, flaw: Flaw) {
        self.list(Problem {
            sheet: sheet.to_owned(),
            row,
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

/// Where the same number stood first, if it did.
pub(crate) fn first(
    seen: &mut HashMap<[u8; 16], u32>,
    number: &str,
    place: Place,
) -> Option<Place> {
    match seen.entry(digest(number)) {
        Entry::Occupied(first) => Some(Place::of(*first.get())),
        Entry::Vacant(free) => {
            free.insert(place.number());
            None
        }
    }
}

/// Half a SHA-256: enough to tell a million rows apart, small enough to keep for each.
pub(crate) fn digest(text: &str) -> [u8; 16] {
    let whole: [u8; 32] = Sha256::digest(text).into();
    let mut half = [0; 16];
    half.copy_from_slice(&whole[..16]);
    half
}
