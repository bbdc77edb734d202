//! First pass: every problem of every row, or count, sum and content hash of the whole sheet. What the store knows is asked a chunk at a time,
//! while the next chunk is read.

use std::{fmt, rc::Rc};

use wagegate_domain::{
    Fen,
    batch::{Content, ContentHasher, WageRow},
};

pub(crate) use super::sightings::{digest, first};
use super::{
    Answer, Expectation, IntakeError, OpenSheet,
    cells::{Line, Tab},
    declared::{Figures, people},
    header::{Columns, Field},
    judge::{Case, judge},
    place::Place,
    problem::{Flaw, Problem},
    report::{Report, Spot},
    row::{Flawed, Parts, parse, yuan},
    sightings::Sightings,
    title,
    walk::{Seen, Walked, walk},
};
use crate::store::{LeftOut, Standing};

/// Problems that an answer lists; the number of all is always given.
pub const LISTED: usize = 1_000;
/// Nobody under this age may be employed (labour law, article 15).
pub(crate) const AGE_MIN: i16 = 16;
/// Rows that the store and the bank's form are asked about together.
const CHUNK: usize = 1_000;

/// A sheet without problems.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    /// Count, sum and hash.
    pub content: Content,
    /// What is odd and does not stop it.
    pub warnings: Vec<Problem>,
    /// How many warnings there are; the list ends at a thousand.
    pub warnings_total: u64,
    /// Rows left out by name, with each of their problems.
    pub left_out: Vec<LeftOut>,
}

/// A sheet with problems: nothing of it is taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The first thousand, or as many as were wanted.
    pub problems: Vec<Problem>,
    /// How many there are.
    pub total: u64,
    /// What is odd beside them.
    pub warnings: Vec<Problem>,
}

/// Reads the whole sheet.
///
/// # Errors
/// [`IntakeError::Refused`] with every problem; or the file is no wage sheet or cannot be read.
pub fn check(open: OpenSheet<'_>, expect: &Expectation<'_>) -> Result<Checked, IntakeError> {
    let mut checker = Checker::new(expect);
    checker.submission();
    let walked = walk(open, expect.national, &mut |seen| checker.take(seen))?;
    checker.flush()?;
    checker.close(walked);
    checker.finish()
}

/// Rows whose answer is awaited.
struct Asked {
    rows: Vec<WageRow>,
    spots: Vec<Spot>,
    answer: Answer,
}

struct Checker<'a> {
    expect: &'a Expectation<'a>,
    hasher: ContentHasher,
    rows: u64,
    sightings: Sightings,
    figures: Figures,
    waiting: (Vec<WageRow>, Vec<Spot>),
    asked: Option<Asked>,
    /// The amount of some row could not be read, in this sheet or in any: no total can be compared with the rows.
    unread: [bool; 2],
    report: Report,
    /// Rows to be left out that were found: sheet, and number.
    found: Vec<(String, bool, u32)>,
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
            sightings: Sightings::default(),
            figures: Figures::default(),
            waiting: Default::default(),
            asked: None,
            unread: [false; 2],
            report: Report::new(expect.listed_max),
            found: Vec::new(),
        }
    }

    /// What is wrong before a row is read: the month, the very same file.
    fn submission(&mut self) {
        let expect = self.expect;
        let first = expect.month.first_day();
        if first > expect.today {
            self.report.whole("", 0, "", Flaw::MonthFuture);
        } else if (0..13).fold(first, |day, _| {
            day.last_of_month().tomorrow().unwrap_or(day)
        }) <= expect.today
        {
            self.report.whole("", 0, "", Flaw::MonthOld);
        }
        if let Some(batch) = expect.seen_as {
            let batch = batch.to_owned();
            self.report.whole("", 0, "", Flaw::SheetTwice { batch });
        }
        if expect.records.is_some() && !expect.has_roster {
            self.report.whole("", 0, "", Flaw::NoRoster);
        }
    }

    fn take(&mut self, seen: Seen) -> Result<(), IntakeError> {
        match seen {
            Seen::Sheet(tab) => self.sheet(&tab),
            Seen::Title(line) => self.title(&line),
            Seen::HeaderTwice { line, header } => {
                self.report.line(&line, (header, Flaw::HeaderTwice))
            }
            Seen::Row {
                line,
                columns,
                place,
            } => return self.row(&line, &columns, place),
            Seen::RowFlaw {
                line,
                columns,
                place,
                flaw,
            } => self.row_flaw(&line, &columns, place, flaw),
            Seen::Total { line, columns } => self.total(&line, &columns),
            Seen::Declared(declared) => self.declared(declared.count, declared.sum),
            Seen::Form { field, stated } => self.form(field, &stated),
        }
        Ok(())
    }

    fn sheet(&mut self, tab: &Tab) {
        self.figures.next_sheet();
        self.unread[0] = false;
        if tab.hidden {
            self.report.whole(&tab.name, 0, "", Flaw::SheetHidden);
        }
    }

    /// Everything that is wrong with one worker, not only the first thing.
    fn row(&mut self, line: &Line, columns: &Rc<Columns>, place: Place) -> Result<(), IntakeError> {
        self.rows += 1;
        let left_out = self.is_left_out(line, place);
        let (parts, mut flaws) = parse(line, columns);
        if parts.amount.is_none() && !left_out {
            self.unread = [true; 2];
        }
        self.figures
            .add(parts.amount.unwrap_or(Fen::ZERO), left_out);
        flaws.extend(self.person(&parts, columns, place, left_out));
        let mut spot = Spot {
            tab: Rc::clone(&line.tab),
            columns: Rc::clone(columns),
            place,
            left_out,
            flawed: false,
        };
        let whole = parts.whole(place.number());
        if let Some(row) = whole.as_ref().filter(|_| !left_out)
            && self.hasher.add(row).is_none()
        {
            flaws.push((columns.amount.header.clone(), Flaw::AmountTooLarge));
        }
        for (column, flaw) in flaws {
            self.report.row(&mut spot, (column, flaw));
        }
        let Some(row) = whole else {
            return Ok(());
        };
        let (rows, spots) = &mut self.waiting;
        rows.push(row);
        spots.push(spot);
        if rows.len() < CHUNK {
            return Ok(());
        }
        self.ask()
    }

    /// A row of a document that cannot be a worker's wage whatever its cells say.
    fn row_flaw(&mut self, line: &Line, columns: &Rc<Columns>, place: Place, flaw: Flawed) {
        self.rows += 1;
        let mut spot = Spot {
            tab: Rc::clone(&line.tab),
            columns: Rc::clone(columns),
            place,
            left_out: self.is_left_out(line, place),
            flawed: false,
        };
        self.report.row(&mut spot, flaw);
    }

    fn is_left_out(&mut self, line: &Line, place: Place) -> bool {
        let first = place.sheet <= 1;
        let named = self.expect.leave_out.names(&line.tab.name, first, line.row);
        if named {
            self.found.push((line.tab.name.clone(), first, line.row));
        }
        named
    }

    /// Too young, or in the sheet already, by whatever of the row could be read.
    fn person(
        &mut self,
        parts: &Parts,
        columns: &Columns,
        place: Place,
        left_out: bool,
    ) -> Vec<Flawed> {
        let mut flaws = Vec::new();
        if let Some(id_number) = &parts.id_number
            && is_under_age(id_number.birth_date(), self.expect.today)
        {
            flaws.push((Field::IdNumber, Flaw::UnderAge));
        }
        flaws.extend(self.sightings.see(parts, place, !left_out));
        flaws
            .into_iter()
            .map(|(field, flaw)| (columns.header(field).to_owned(), flaw))
            .collect()
    }

    /// Asks bank and store about the rows that wait; what they said of the chunk before is heard first.
    fn ask(&mut self) -> Result<(), IntakeError> {
        let (rows, mut spots) = std::mem::take(&mut self.waiting);
        for (at, field, why) in (self.expect.fits)(&rows) {
            if let Some(spot) = spots.get_mut(at) {
                let column = match field.as_str() {
                    "name" => spot.columns.header(Field::Name),
                    "account" => spot.columns.header(Field::Card),
                    "cnaps" => spot.columns.header(Field::Cnaps),
                    "amount" => spot.columns.header(Field::Amount),
                    _ => "",
                };
                let column = column.to_owned();
                let flaw = Flaw::UnfitForBank { field, why };
                self.report.row(spot, (column, flaw));
            }
        }
        let answer = self.expect.records.map(|records| records.begin(&rows));
        self.hear()?;
        match answer {
            Some(answer) => {
                self.asked = Some(Asked {
                    rows,
                    spots,
                    answer,
                })
            }
            None => self.report.settle(&spots),
        }
        Ok(())
    }

    /// Takes what the store says about the chunk asked last.
    fn hear(&mut self) -> Result<(), IntakeError> {
        let Some(Asked {
            rows,
            mut spots,
            answer,
        }) = self.asked.take()
        else {
            return Ok(());
        };
        let standings = answer()?;
        for ((row, spot), standing) in rows.iter().zip(&mut spots).zip(&standings) {
            self.judge(row, spot, standing);
        }
        self.report.settle(&spots);
        Ok(())
    }

    fn judge(&mut self, row: &WageRow, spot: &mut Spot, standing: &Standing) {
        if *standing == Standing::default() && !self.expect.has_roster {
            return;
        }
        let case = Case {
            amount: row.amount,
            named_alike: standing.registered_name.map(|registered| {
                self.expect
                    .records
                    .is_none_or(|records| records.name_blind(&row.name) == registered)
            }),
            standing,
            has_roster: self.expect.has_roster,
        };
        for (field, flaw) in judge(&case) {
            // Said once of the sheet, not of each of its rows.
            let said = self.expect.seen_as.is_some() && matches!(flaw, Flaw::AlreadyOwed { .. });
            if !said {
                self.report.field(spot, (field, flaw));
            }
        }
    }

    /// Nothing more will be read.
    fn flush(&mut self) -> Result<(), IntakeError> {
        self.ask()?;
        self.hear()
    }

    /// A total says the sum of the rows since the last one, of its sheet or of the file; one that says nothing is no mistake.
    fn total(&mut self, line: &Line, columns: &Columns) {
        let figures = self.figures.close_part();
        let counted = figures.of_sheet();
        if let Some((at, count)) = people(line)
            && at != columns.amount.at
            && !self.unread[0]
            && !figures.has_count(count)
        {
            let flaw = Flaw::CountDiffers {
                counted: counted.count,
            };
            self.report.line(line, ("人数".into(), flaw));
        }
        let cell = line.cell(columns.amount.at);
        let flaw = match yuan(cell) {
            _ if cell.is_blank() => return,
            Ok(total) if self.unread[0] || figures.has_sum(total) => return,
            Ok(_) => Flaw::TotalDiffers {
                counted: counted.sum.to_string(),
            },
            Err(flaw) => flaw,
        };
        self.report
            .line(line, (columns.amount.header.clone(), flaw));
    }

    /// Count and sum that stand over the rows and not among them.
    fn declared(&mut self, count: Option<u64>, sum: Option<Fen>) {
        let taken = self.figures.taken();
        if count.is_some_and(|count| count != taken.count) {
            self.report.whole(
                "",
                0,
                "count",
                Flaw::CountDiffers {
                    counted: taken.count,
                },
            );
        }
        if !self.unread[1] && sum.is_some_and(|sum| sum != taken.sum) {
            let counted = taken.sum.to_string();
            self.report
                .whole("", 0, "sum", Flaw::TotalDiffers { counted });
        }
    }

    /// The head of the national form.
    fn form(&mut self, field: &'static str, stated: &str) {
        let expect = self.expect;
        let agrees = match field {
            "projectCode" => stated == expect.project,
            "corpCode" => stated == expect.contractor_uscc,
            _ => stated == expect.month.to_string(),
        };
        if !agrees {
            self.report.whole("", 0, field, Flaw::FormDiffers { field });
        }
    }

    fn title(&mut self, line: &Line) {
        for month in title::months(line) {
            if month != self.expect.month {
                let title = month.to_string();
                self.report
                    .line(line, (String::new(), Flaw::MonthDiffers { title }));
            }
        }
        if title::project_code(line).is_some_and(|code| code != self.expect.project) {
            self.report
                .line(line, (String::new(), Flaw::ProjectDiffers));
        }
        if title::project_name(line)
            .is_some_and(|name| !title::alike(&name, self.expect.project_name))
        {
            self.report.line(line, (String::new(), Flaw::ProjectUnlike));
        }
    }

    /// What the file as a whole lacks, and the sheets that were not read. One that is a header short of a wage sheet may be a team's wages.
    fn close(&mut self, walked: Walked) {
        let declared = self.expect.declared;
        self.declared(declared.count, declared.sum);
        self.unknown_rows();
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
            return self.report.whole("", 0, "", Flaw::NoHeader { missing });
        }
        for sheet in walked
            .unheaded
            .into_iter()
            .filter(|sheet| !is_ours(&sheet.tab))
        {
            let flaw = match sheet.missing.as_slice() {
                [missing] => Flaw::NoHeader {
                    missing: (*missing).to_owned(),
                },
                _ => Flaw::SheetUnread,
            };
            self.report.whole(&sheet.tab.name, sheet.row, "", flaw);
        }
        if self.rows == 0 && self.report.is_clean() {
            self.report.whole("", 0, "", Flaw::NoRows);
        }
    }

    /// Rows to be left out that are not there.
    fn unknown_rows(&mut self) {
        let expect = self.expect;
        for (sheet, row) in expect.leave_out.all() {
            let found = self.found.iter().any(|(name, first, number)| {
                *number == row && sheet.map_or(*first, |sheet| sheet == name)
            });
            if !found {
                self.report
                    .whole(sheet.unwrap_or_default(), row, "", Flaw::LeaveUnknown);
            }
        }
    }

    fn finish(self) -> Result<Checked, IntakeError> {
        let report = self.report.close();
        let ((problems, total), (warnings, warnings_total)) = (report.problems, report.warnings);
        if total > 0 {
            return Err(IntakeError::Refused(Refused {
                problems,
                total,
                warnings,
            }));
        }
        Ok(Checked {
            content: self.hasher.finish(),
            warnings,
            warnings_total,
            left_out: report.left_out,
        })
    }
}

fn is_under_age(born: jiff::civil::Date, today: jiff::civil::Date) -> bool {
    use jiff::ToSpan as _;
    born.saturating_add(AGE_MIN.years()) > today
}

/// The sheet of our own template that explains the other, or of a returned workbook that lists what was wrong.
fn is_ours(tab: &Tab) -> bool {
    [super::GUIDANCE, super::PROBLEMS].contains(&tab.name.as_str())
}
