//! Batches on the command line: look.

use clap::Args;
use serde::Serialize;

use super::{
    Failure, Out,
    approval::whole,
    client::Client,
    table::{Column::Left, Column::Right, Table, yuan},
    words,
};
use crate::http::{
    approval::WholeBatchWire,
    batches::{BatchWire, InstructionWire},
    problem::RowProblem,
};

#[derive(Debug, Args)]
pub(super) struct List {
    /// Of one pay month only.
    #[arg(long)]
    month: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct Show {
    /// Batch code.
    code: String,
}

/// A batch with its instructions.
#[derive(Serialize)]
struct Whole {
    #[serde(flatten)]
    batch: WholeBatchWire,
    instructions: Vec<InstructionWire>,
}

pub(super) async fn list(client: &Client, list: &List, out: Out) -> Result<(), Failure> {
    let query: Vec<_> = list
        .month
        .iter()
        .map(|month| ("month", month.as_str()))
        .collect();
    let batches: Vec<BatchWire> = client.list(&["batches"], &query).await?;
    out.show(&batches, |batches| overview(batches))
}

pub(super) async fn show(client: &Client, show: &Show, out: Out) -> Result<(), Failure> {
    let batch = client.get(&["batches", &show.code], &[]).await?;
    let instructions = client
        .get(&["batches", &show.code, "instructions"], &[])
        .await?;
    out.show(
        &Whole {
            batch,
            instructions,
        },
        |Whole {
             batch,
             instructions,
         }| {
            let places = words::conservation(&batch.batch.places);
            format!(
                "{}\n\n{places}\n{}",
                whole(batch),
                instruction_table(instructions)
            )
        },
    )
}

/// A refusal that points at rows is shown as a table first (as JSON for scripts); the exit code says the rest.
pub(super) fn or_rows<T>(answer: Result<T, Failure>, out: Out) -> Result<T, Failure> {
    if let Err(Failure::Refused { rows, .. }) = &answer
        && !rows.is_empty()
    {
        out.show(rows, |rows| problems(rows))?;
    }
    answer
}

/// Each problem takes two lines, Chinese and English, so that the table fits a terminal.
pub(super) fn problems(rows: &[RowProblem]) -> String {
    let mut table = Table::new([
        Left("表 sheet"),
        Right("行 row"),
        Left("列 column"),
        Left("问题与处理 what is wrong, and how to fix it"),
    ]);
    for problem in rows {
        let RowProblem {
            sheet, row, column, ..
        } = problem;
        let row = if *row == 0 {
            "—".into()
        } else {
            row.to_string()
        };
        if !problem.message_zh.is_empty() {
            let chinese = format!("{}：{}", problem.message_zh, problem.fix_zh);
            table.row([sheet.clone(), row.clone(), column.clone(), chinese]);
        }
        let english = format!("{}: {}", problem.message_en, problem.fix_en);
        if problem.message_zh.is_empty() {
            table.row([sheet.clone(), row, column.clone(), english]);
        } else {
            table.row([String::new(), String::new(), String::new(), english]);
        }
    }
    table.to_string()
}

pub(super) fn card(batch: &BatchWire) -> String {
    [
        ("批次 batch", batch.code.as_str()),
        (
            "项目 project",
            &format!("{} {}", batch.project, batch.project_name),
        ),
        ("月份 month", &batch.month),
        ("状态 state", &words::state(&batch.state)),
        ("人次 wages", &batch.rows.to_string()),
        ("金额 yuan", &yuan(batch.total_fen)),
        ("编制 prepared", &batch.prepared_by),
        ("内容 content", &batch.content),
    ]
    .map(|(name, value)| {
        format!(
            "{name}{}{}",
            " ".repeat(15_usize.saturating_sub(unicode_width::UnicodeWidthStr::width(name))),
            super::table::tame(value)
        )
    })
    .join("\n")
}

fn overview(batches: &[BatchWire]) -> String {
    use wagegate_domain::outcome::Place;
    let table = Table::of(
        [
            Left("批次 batch"),
            Left("项目 project"),
            Left("月份 month"),
            Left("状态 state"),
            Right("人次 wages"),
            Right("金额 yuan"),
            Right("已付 paid"),
            Right("失败 failed"),
            Right("退票 returned"),
            Right("在途 in flight"),
            Right("存疑 in doubt"),
            Right("待发 held"),
        ],
        batches,
        |batch| {
            let count = |place| words::at(&batch.places, place).count.to_string();
            [
                batch.code.clone(),
                batch.project.clone(),
                batch.month.clone(),
                words::state(&batch.state),
                batch.rows.to_string(),
                yuan(batch.total_fen),
                count(Place::Paid),
                count(Place::Failed),
                count(Place::Returned),
                count(Place::InFlight),
                count(Place::InDoubt),
                count(Place::Held),
            ]
        },
    );
    table.to_string()
}

fn instruction_table(instructions: &[InstructionWire]) -> String {
    let columns = [
        Right("部分 part"),
        Left("银行 bank"),
        Left("银行参考号 key"),
        Left("状态 state"),
        Right("人次 wages"),
        Right("金额 yuan"),
        Right("未决 open"),
    ];
    let table = Table::of(columns, instructions, |instruction| {
        [
            instruction.part.to_string(),
            instruction.bank.clone(),
            instruction.bank_key.clone(),
            instruction.state.clone(),
            instruction.rows.to_string(),
            yuan(instruction.total_fen),
            instruction.open.to_string(),
        ]
    });
    table.to_string()
}
