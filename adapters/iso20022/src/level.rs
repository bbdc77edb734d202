//! What a status report says of payments that it does not list: of a whole instruction, or of the rest beside the rows it lists.

use wagegate_domain::Fen;
use wagegate_domain::fact::{BankCode, ItemRefs, Told, Verdict};

use crate::status::{Cause, Reasons, STATUS, Status, status};

/// More statuses than any code list has: beyond it nothing is concluded about the rest.
const MOST_STATUSES: usize = 64;

/// A message or a payment group in a report: its own status, its counts by status, and which rows were listed below it.
#[derive(Debug, Default)]
pub(crate) struct Level {
    /// By which key the bank names it.
    pub(crate) instruction: Option<String>,
    /// `OrgnlNbOfTxs`.
    pub(crate) rows: Option<u64>,
    /// `OrgnlCtrlSum`.
    pub(crate) total: Option<Fen>,
    /// `GrpSts` or `PmtInfSts`; empty where absent.
    pub(crate) status: String,
    pub(crate) causes: Vec<Cause>,
    /// `NbOfTxsPerSts`.
    pub(crate) counts: Vec<Counted>,
    pub(crate) listed: Listed,
}

/// One `NbOfTxsPerSts`.
#[derive(Debug, Default)]
pub(crate) struct Counted {
    pub(crate) status: String,
    pub(crate) rows: Option<u64>,
    pub(crate) total: Option<Fen>,
}

/// How many rows were listed, by status.
#[derive(Debug, Default)]
pub(crate) struct Listed {
    rows: u64,
    by_status: Vec<(String, u64)>,
}

impl Listed {
    pub(crate) fn add(&mut self, status: &str) {
        self.rows += 1;
        let known = self.by_status.iter_mut().find(|(known, _)| known == status);
        if let Some((_, count)) = known {
            *count += 1;
        } else if self.by_status.len() < MOST_STATUSES {
            self.by_status.push((status.to_owned(), 1));
        }
    }

    fn of(&self, status: &str) -> u64 {
        let found = self.by_status.iter().find(|(known, _)| known == status);
        found.map_or(0, |(_, rows)| *rows)
    }

    fn only(&self, status: &str) -> bool {
        self.of(status) == self.rows
    }
}

impl Level {
    /// Tells what follows for payments not listed; `true` where this level has said anything about them.
    pub(crate) fn conclude(&self, reasons: &Reasons, tell: &mut dyn FnMut(Told)) -> bool {
        if !self.counts.is_empty() {
            self.conclude_counts(reasons, tell);
            return true;
        }
        match (status(&self.status), self.listed.rows) {
            (Status::Absent, _) | (Status::Part, 1..) => false,
            (Status::Part, 0) => {
                tell(self.parked(
                    "only some have this status, and it neither lists nor counts them",
                    STATUS_ONLY,
                ));
                true
            }
            (Status::Refused | Status::Other(_), 0) => {
                self.tell_whole(reasons, tell);
                true
            }
            (Status::Refused | Status::Other(_), 1..) => {
                self.conclude_rest(reasons, tell);
                true
            }
        }
    }

    /// Rows are listed, the level has one status, and there are no counts: the status holds for the others only if it holds for all listed.
    fn conclude_rest(&self, reasons: &Reasons, tell: &mut dyn FnMut(Told)) {
        match self.rows.map(|rows| rows.checked_sub(self.listed.rows)) {
            Some(Some(0)) => {}
            Some(Some(unlisted)) if self.listed.only(&self.status) => {
                self.tell_rest(&self.status, unlisted, None, reasons, tell);
            }
            None if self.listed.only(&self.status) => {}
            Some(_) | None => tell(Told::Remark(format!(
                "the rows listed and the status {} above them do not agree: those not listed stay open",
                self.status
            ))),
        }
    }

    fn conclude_counts(&self, reasons: &Reasons, tell: &mut dyn FnMut(Told)) {
        let mut open = Vec::new();
        for counted in &self.counts {
            let listed = self.listed.of(&counted.status);
            match counted.rows.and_then(|rows| rows.checked_sub(listed)) {
                Some(0) => {}
                Some(unlisted) => open.push((counted, unlisted)),
                None => {
                    tell(self.parked(
                        "it counts fewer rows with this status than it lists",
                        &counted.status,
                    ));
                    return;
                }
            }
        }
        match open.as_slice() {
            [] => {}
            [(counted, unlisted)] => self.conclude_count(counted, *unlisted, reasons, tell),
            several => {
                for (counted, unlisted) in several {
                    let why = format!(
                        "{unlisted} rows with this status are not listed, and others are not listed either: nobody can tell which"
                    );
                    tell(self.parked(&why, &counted.status));
                }
            }
        }
    }

    fn conclude_count(
        &self,
        counted: &Counted,
        unlisted: u64,
        reasons: &Reasons,
        tell: &mut dyn FnMut(Told),
    ) {
        let whole = self.listed.rows == 0 && counted.status == self.status;
        let total = counted
            .total
            .filter(|_| self.listed.of(&counted.status) == 0);
        match status(&counted.status) {
            // A count can be checked against what was sent, a bare "all paid" cannot.
            Status::Other(Verdict::Paid) => {
                self.tell_rest(&counted.status, unlisted, total, reasons, tell)
            }
            _ if whole => self.tell_whole(reasons, tell),
            _ => self.tell_rest(&counted.status, unlisted, total, reasons, tell),
        }
    }

    fn tell_whole(&self, reasons: &Reasons, tell: &mut dyn FnMut(Told)) {
        let (verdict, bank) = reasons.of_status(&self.status, &self.causes);
        match (&self.instruction, verdict, self.rows) {
            (Some(_), Verdict::Paid, Some(rows)) => {
                self.tell_rest(&self.status, rows, self.total, reasons, tell)
            }
            (
                Some(instruction),
                Verdict::Paid | Verdict::Accepted | Verdict::InProgress | Verdict::Failed(_),
                _,
            ) => tell(Told::Whole {
                instruction: instruction.clone(),
                verdict,
                bank,
            }),
            (_, verdict, _) => tell(self.parked_whole(verdict, bank)),
        }
    }

    fn tell_rest(
        &self,
        code: &str,
        count: u64,
        total: Option<Fen>,
        reasons: &Reasons,
        tell: &mut dyn FnMut(Told),
    ) {
        let causes = if code == self.status {
            self.causes.as_slice()
        } else {
            &[]
        };
        let (verdict, bank) = reasons.of_status(code, causes);
        match (&self.instruction, verdict) {
            (
                Some(instruction),
                Verdict::Paid | Verdict::Accepted | Verdict::InProgress | Verdict::Failed(_),
            ) => tell(Told::Rest {
                instruction: instruction.clone(),
                verdict,
                count,
                total,
                bank,
            }),
            (_, verdict) => tell(self.parked_whole(verdict, bank)),
        }
    }

    /// A statement about many that may not take effect: no key of ours, an unknown code, or a duplicate (invariants 9 and 10).
    fn parked_whole(&self, verdict: Verdict, bank: BankCode) -> Told {
        let why = match (&self.instruction, verdict) {
            (None, _) => "it speaks of a whole instruction and does not name it",
            (Some(_), Verdict::Unknown) => {
                "it speaks of a whole instruction, and its code decides nothing: unknown, or a duplicate of what arrived before"
            }
            (
                Some(_),
                Verdict::Paid
                | Verdict::Accepted
                | Verdict::InProgress
                | Verdict::Failed(_)
                | Verdict::Returned(_),
            ) => "it speaks of a whole instruction in an unexpected way",
        };
        self.park(why, bank)
    }

    fn parked(&self, why: &str, code: &str) -> Told {
        self.park(
            why,
            BankCode {
                list: STATUS.to_owned(),
                code: code.to_owned(),
                text: String::new(),
            },
        )
    }

    fn park(&self, why: &str, bank: BankCode) -> Told {
        Told::Parked {
            refs: ItemRefs {
                instruction: self.instruction.clone(),
                ..ItemRefs::default()
            },
            amount: self.total,
            why: why.to_owned(),
            bank,
        }
    }
}

const STATUS_ONLY: &str = "PART";
