//! What was odd in the sheet of a batch, for who decides about it: warnings, and rows that were left out.

use serde::Serialize;

use super::{
    Failure,
    batches::problems,
    client::Client,
    table::{Column::Left, Column::Right, Table},
};
use crate::http::{
    problem::RowProblem,
    sheets::{LeftOutWire, RemarksWire},
};

/// Warnings shown in full; of more, the numbers by kind are shown too.
const SHOWN: usize = 50;

/// The remarks of a batch; none for who may not see its rows.
#[derive(Debug, Default, Serialize)]
pub(super) struct Remarks {
    pub(super) warnings: Vec<RowProblem>,
    pub(super) left_out: Vec<LeftOutWire>,
}

/// Asks for the remarks of a batch; whose role does not see rows, such as an operator's, gets none.
pub(super) async fn of(client: &Client, code: &str) -> Result<Remarks, Failure> {
    match client.get(&["batches", code, "warnings"], &[]).await {
        Ok(RemarksWire { warnings, left_out }) => Ok(Remarks { warnings, left_out }),
        Err(Failure::Refused(told)) if told.r#type == "urn:wagegate:denied" => {
            Ok(Remarks::default())
        }
        Err(failure) => Err(failure),
    }
}

impl Remarks {
    /// All that was odd, as tables; nothing where nothing was.
    pub(super) fn shown(&self) -> String {
        [self.of_warnings(), self.of_left_out()].concat()
    }

    fn of_warnings(&self) -> String {
        let (all, shown) = (self.warnings.len(), self.warnings.len().min(SHOWN));
        if all == 0 {
            return String::new();
        }
        let first = problems(self.warnings.get(..shown).unwrap_or_default());
        let kinds = if all > shown {
            format!(
                "…… 共 {all} 条，按种类 {all} in all, by kind:\n{}",
                self.kinds()
            )
        } else {
            String::new()
        };
        format!("\n提示 warnings: {all}\n{first}{kinds}")
    }

    fn kinds(&self) -> Table<3> {
        let mut kinds: Vec<(&RowProblem, usize)> = Vec::new();
        for warning in &self.warnings {
            match kinds.iter_mut().find(|(kind, _)| kind.code == warning.code) {
                Some((_, count)) => *count += 1,
                None => kinds.push((warning, 1)),
            }
        }
        let columns = [Right("条 rows"), Left("种类 kind"), Left("提示 warning")];
        Table::of(columns, kinds, |(kind, count)| {
            let said = if kind.message_zh.is_empty() {
                &kind.message_en
            } else {
                &kind.message_zh
            };
            [count.to_string(), kind.code.clone(), said.clone()]
        })
    }

    fn of_left_out(&self) -> String {
        if self.left_out.is_empty() {
            return String::new();
        }
        let columns = [Right("表 sheet"), Right("行 row"), Left("原因 reason")];
        let table = Table::of(columns, &self.left_out, |left| {
            [
                left.sheet.to_string(),
                left.row.to_string(),
                left.code.clone(),
            ]
        });
        let all = self.left_out.len();
        format!("\n剔除的行，不发放 rows left out, which are not paid: {all}\n{table}")
    }

    /// How many there are, and where to see them; nothing where nothing was odd.
    pub(super) fn counted(&self, code: &str) -> String {
        let (warnings, left_out) = (self.warnings.len(), self.left_out.len());
        if warnings + left_out == 0 {
            return String::new();
        }
        format!(
            "\n提示 warnings: {warnings}, 剔除的行 rows left out: {left_out}; 查看 see: wagegate batch {code}"
        )
    }
}
