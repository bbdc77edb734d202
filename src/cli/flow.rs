//! What operators ask of the flow to the banks: lines, tasks that fail, figures for Prometheus.

use clap::Args;

use super::{
    Failure, Out,
    client::Client,
    print,
    table::{Column::Left, Column::Right, Table, yuan},
    words,
};
use crate::http::{banks::BankWire, tasks::TaskWire};

#[derive(Debug, Args)]
pub(super) struct Banks {
    /// All columns, however wide the table gets.
    #[arg(long)]
    wide: bool,
}

pub(super) async fn banks(client: &Client, of: &Banks, out: Out) -> Result<(), Failure> {
    let banks: Vec<BankWire> = client.list(&["banks"], &[]).await?;
    out.show(&banks, |banks| {
        let columns = [
            Left("代码 code"),
            Left("名称 name"),
            Left("线路 line"),
            Right("连败 failures"),
            Left("最近成功 last success"),
            Right("钟差 clock ms"),
            Left("截止 cut-off"),
            Right("并发 calls"),
            Right("每笔行数 rows"),
            Right("每笔上限 yuan"),
            Right("证书余天 days"),
        ];
        let table = Table::of(columns, banks, bank_cells).fitted(of.wide, &[9, 8, 7, 5, 1, 6]);
        table + &banks.iter().filter_map(trouble).collect::<String>()
    })
}

fn bank_cells(bank: &BankWire) -> [String; 11] {
    let or_dash = |value: Option<String>| value.unwrap_or_else(|| "—".into());
    [
        bank.code.clone(),
        bank.name.clone(),
        line(&bank.line).into(),
        bank.failures.to_string(),
        or_dash(bank.last_success.as_deref().map(words::moment)),
        or_dash(bank.clock_skew_ms.map(|ms| ms.to_string())),
        or_dash(bank.cut_off.clone()),
        bank.calls_max.to_string(),
        bank.rows_max.to_string(),
        or_dash(bank.total_fen_max.map(yuan)),
        or_dash(bank.certificate_days.map(|days| days.to_string())),
    ]
}

/// Codes that a newer gateway may send are shown as they are.
fn line(code: &str) -> &str {
    match code {
        "well" => "正常 well",
        "away" => "无应答 away",
        "tried" => "试探 tried",
        "new" => "未用 new",
        other => other,
    }
}

fn trouble(bank: &BankWire) -> Option<String> {
    let since = words::moment(bank.away_since.as_deref()?);
    let until = bank.away_until.as_deref().map(words::moment);
    Some(format!(
        "\n无应答 {} does not answer since {since}; called again at {}: {}",
        bank.code,
        until.unwrap_or_default(),
        bank.last_error.as_deref().unwrap_or_default()
    ))
}

pub(super) async fn tasks(client: &Client, out: Out) -> Result<(), Failure> {
    let tasks: Vec<TaskWire> = client.list(&["tasks"], &[]).await?;
    out.show(&tasks, |tasks| {
        let columns = [
            Right("号 id"),
            Left("任务 kind"),
            Left("对象 subject"),
            Left("银行 bank"),
            Right("连败 failures"),
            Left("再试 due"),
            Left("原因 why"),
        ];
        let table = Table::of(columns, tasks, |task| {
            [
                task.id.to_string(),
                task.kind.clone(),
                task.subject.clone(),
                task.bank.clone().unwrap_or_else(|| "—".into()),
                task.failures.to_string(),
                words::moment(&task.due),
                task.last_error.clone(),
            ]
        });
        table.to_string()
    })
}

pub(super) async fn metrics(client: &Client, out: Out) -> Result<(), Failure> {
    let answer = client.open(&["metrics"], &[]).await?;
    let text = answer.text().await.map_err(Failure::here)?;
    if out.json {
        return out.show(&text, String::clone);
    }
    print(text.trim_end())
}
