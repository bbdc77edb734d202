//! Batches on the command line: look.

use clap::Args;
use serde::Serialize;

use super::{
    Failure, Out,
    approval::with_remarks,
    client::Client,
    remarks::{self, Remarks},
    table::{Column::Left, Column::Right, Table, yuan},
    words,
};
use crate::http::{
    approval::WholeBatchWire,
    batches::{BatchWire, InstructionWire},
    items::ItemWire,
    problem::RowProblem,
};

#[derive(Debug, Args)]
pub(super) struct List {
    /// Of one pay month only.
    #[arg(long)]
    month: Option<String>,
    /// All columns, however wide the table gets.
    #[arg(long)]
    wide: bool,
}

#[derive(Debug, Args)]
pub(super) struct Show {
    /// Batch code.
    code: String,
}

#[derive(Debug, Args)]
pub(super) struct Items {
    /// Batch code.
    code: String,
    /// Only those here.
    #[arg(long, value_parser = ["paid", "failed", "returned", "in_flight", "in_doubt", "held"])]
    place: Option<String>,
    /// All columns, however wide the table gets.
    #[arg(long)]
    wide: bool,
}

/// A batch with what was odd in its sheet, and its instructions.
#[derive(Serialize)]
struct Whole {
    #[serde(flatten)]
    batch: WholeBatchWire,
    #[serde(flatten)]
    remarks: Remarks,
    instructions: Vec<InstructionWire>,
}

pub(super) async fn list(client: &Client, list: &List, out: Out) -> Result<(), Failure> {
    let query: Vec<_> = list
        .month
        .iter()
        .map(|month| ("month", month.as_str()))
        .collect();
    let batches: Vec<BatchWire> = client.list(&["batches"], &query).await?;
    out.show(&batches, |batches| overview(batches, list.wide))
}

pub(super) async fn show(client: &Client, show: &Show, out: Out) -> Result<(), Failure> {
    let batch = client.get(&["batches", &show.code], &[]).await?;
    let remarks = remarks::of(client, &show.code).await?;
    let instructions = client
        .get(&["batches", &show.code, "instructions"], &[])
        .await?;
    out.show(
        &Whole {
            batch,
            remarks,
            instructions,
        },
        |Whole {
             batch,
             remarks,
             instructions,
         }| {
            let places = words::conservation(&batch.batch.places);
            format!(
                "{}\n\n{places}\n{}",
                with_remarks(batch, remarks),
                instruction_table(instructions)
            )
        },
    )
}

pub(super) async fn items(client: &Client, items: &Items, out: Out) -> Result<(), Failure> {
    let query: Vec<_> = items
        .place
        .iter()
        .map(|place| ("place", place.as_str()))
        .collect();
    let path = ["batches", &items.code, "items"];
    let all: Vec<ItemWire> = client.list(&path, &query).await?;
    out.show(&all, |all| item_table(all, items.wide))
}

fn item_table(items: &[ItemWire], wide: bool) -> String {
    let columns = [
        Right("行 row"),
        Left("姓名 name"),
        Left("账号 account"),
        Right("金额 yuan"),
        Left("去向 place"),
        Left("原因 reason"),
        Left("由谁处理 who fixes"),
        Right("次 attempt"),
        Left("银行 bank"),
        Left("银行参考号 key"),
        Left("银行代码 code"),
    ];
    let table = Table::of(columns, items, |item| {
        let text = |value: &Option<String>| value.clone().unwrap_or_default();
        [
            item.row.to_string(),
            item.name.clone(),
            item.account.clone(),
            yuan(item.amount_fen),
            words::place_of(&item.place),
            text(&item.reason_zh),
            text(&item.fix_by_zh),
            item.attempt.to_string(),
            item.bank.clone(),
            item.bank_key.clone(),
            text(&item.bank_code),
        ]
    });
    let table = table.fitted(wide, &[9, 7, 10, 8, 6]);
    format!("{table}{} 人次 wages", items.len())
}

/// A refusal that points at rows is shown as a table first; scripts get the whole problem, and the exit code says the rest.
pub(super) fn or_rows<T>(answer: Result<T, Failure>, out: Out) -> Result<T, Failure> {
    if let Err(Failure::Refused(told)) = &answer
        && !told.rows.is_empty()
        && !out.json
    {
        out.show(&told.rows, |rows| problems(rows))?;
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

fn overview(batches: &[BatchWire], wide: bool) -> String {
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
    table.fitted(wide, &[11, 10, 8, 9, 7, 2])
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
