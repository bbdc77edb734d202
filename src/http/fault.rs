//! What is wrong with the lines of an import: all of it, each with its line, its column and the key of the thing it is about.

use std::collections::HashMap;

use super::{
    problem::{Problem, RowProblem},
    refusal::unprocessable,
};
use crate::store::{ProjectEntry, ProjectFault, ProjectFlaw};

/// Characters of a key that are repeated.
const KEY_SHOWN: usize = 40;
/// Problems listed, at most.
const LISTED: usize = 1_000;
/// Lines of one import: a province has fewer projects.
const LINES_MAX: usize = 100_000;

/// What is wrong with one column: the fault in Chinese and English, and the remedy in both.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) column: &'static str,
    pub(super) zh: String,
    pub(super) en: String,
    pub(super) fix: [&'static str; 2],
}

/// The faults of one line as they are found.
#[derive(Debug, Default)]
pub(super) struct Faults(pub(super) Vec<Fault>);

impl Faults {
    /// The value, or its fault is noted.
    pub(super) fn or<T>(&mut self, read: Result<T, Fault>) -> Option<T> {
        read.map_err(|fault| self.0.push(fault)).ok()
    }
}

/// All lines made into entries, or every fault of every line. A line is its place in the list, from 1; no key comes twice.
pub(super) fn all_or_problems<L, E>(
    lines: &[L],
    (column, key): (&'static str, fn(&L) -> &str),
    entry: impl Fn(&L) -> Result<E, Vec<Fault>>,
) -> Result<Vec<E>, Problem> {
    if lines.len() > LINES_MAX {
        let detail = format!(
            "{} lines are more than the {LINES_MAX} that one import takes; nothing was imported: split it",
            lines.len()
        );
        return Err(unprocessable(detail, Vec::new()));
    }
    let mut entries = Vec::with_capacity(lines.len());
    let (mut problems, mut count, mut broken) = (Vec::new(), 0_usize, 0_u64);
    let mut seen = HashMap::new();
    for (row, line) in (1..).zip(lines) {
        let mut faults = match entry(line) {
            Ok(entry) => {
                entries.push(entry);
                Vec::new()
            }
            Err(faults) => faults,
        };
        let first = *seen.entry(key(line).trim()).or_insert(row);
        if first != row {
            faults.push(twice(column, first));
        }
        broken += u64::from(!faults.is_empty());
        count += faults.len();
        let room = LISTED - problems.len();
        problems.extend(
            faults
                .into_iter()
                .take(room)
                .map(|fault| problem(row, key(line), fault)),
        );
    }
    if problems.is_empty() {
        return Ok(entries);
    }
    let all = lines.len();
    let more = if count > LISTED {
        "; the first 1,000 are listed"
    } else {
        ""
    };
    let detail = format!(
        "{broken} of {all} lines cannot be taken, for {count} reasons; nothing was imported{more}"
    );
    Err(unprocessable(detail, problems))
}

/// Why the store does not take some projects, by the lines that they came in.
pub(super) fn refused(flaws: &[ProjectFlaw], projects: &[ProjectEntry]) -> Vec<RowProblem> {
    let lines: HashMap<&str, u32> = projects
        .iter()
        .map(|project| project.code.as_str())
        .zip(1..)
        .collect();
    flaws
        .iter()
        .take(LISTED)
        .map(|flaw| {
            let line = lines.get(&*flaw.project).copied().unwrap_or_default();
            problem(line, &flaw.project, of_project(&flaw.fault))
        })
        .collect()
}

fn of_project(fault: &ProjectFault) -> Fault {
    match fault {
        ProjectFault::UnknownRegion(region) => Fault {
            column: "region",
            zh: format!("区划 {region} 尚未导入"),
            en: format!("there is no region {region}"),
            fix: [
                "先导入该区划，或改正代码",
                "import the region first, or correct the code",
            ],
        },
        ProjectFault::OtherAccount => Fault {
            column: "account",
            zh: "该项目已登记其他银行或专户，专户不可改".into(),
            en: "the project is registered with another bank or special account, which never changes".into(),
            fix: [
                "填写原登记的银行和专户账号",
                "write the bank and account that are registered",
            ],
        },
        ProjectFault::AccountOfAnother(other) => Fault {
            column: "account",
            zh: format!("该专户已属项目 {other}，一个专户只属一个项目"),
            en: format!("this special account is that of project {other}; there is one for each project"),
            fix: ["核对专户账号", "check the account"],
        },
        ProjectFault::Twice => Fault {
            column: "code",
            zh: "同一项目出现两次".into(),
            en: "the project comes twice".into(),
            fix: ["只保留一行", "keep one of them"],
        },
    }
}

fn twice(column: &'static str, first: u32) -> Fault {
    Fault {
        column,
        zh: format!("与第 {first} 项重复"),
        en: format!("the same as line {first}"),
        fix: ["只保留一项", "keep one of them"],
    }
}

fn problem(row: u32, key: &str, fault: Fault) -> RowProblem {
    let key: String = key
        .chars()
        .filter(|character| !character.is_control())
        .take(KEY_SHOWN)
        .collect();
    let [fix_zh, fix_en] = fault.fix.map(str::to_owned);
    RowProblem {
        sheet: String::new(),
        row,
        column: fault.column.into(),
        code: "import".into(),
        message_zh: format!("{key}：{}", fault.zh),
        message_en: format!("{key}: {}", fault.en),
        fix_zh,
        fix_en,
    }
}
