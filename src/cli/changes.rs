//! What an approver looks at on the command line: what changed since the last month, and the dry run.

use std::path::{Path, PathBuf};

use clap::Args;

use super::{
    Failure, Out, calendar,
    client::Client,
    files::keep,
    table::{Column::Left, Column::Right, Table, yuan},
    words,
};
use crate::http::{
    calendar::BeforeHolidayWire,
    changes::{ChangedWire, ChangesWire, DifferenceWire, PreviewWire},
};

#[derive(Debug, Args)]
pub(super) struct ChangesOf {
    /// Batch code.
    code: String,
    /// List only those: new, gone, amount or card.
    #[arg(long, value_parser = ["new", "gone", "amount", "card"])]
    kind: Option<String>,
    /// List so many workers at most.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1000))]
    limit: u32,
}

#[derive(Debug, Args)]
pub(super) struct PreviewOf {
    /// Batch code.
    code: String,
    /// Fetch the exact bytes of this part, people in clear; recorded.
    #[arg(long, requires = "out")]
    part: Option<u32>,
    /// Where to write them; the file appears only when it is whole.
    #[arg(long, requires = "part")]
    out: Option<PathBuf>,
}

pub(super) async fn changes(client: &Client, of: &ChangesOf, out: Out) -> Result<(), Failure> {
    let limit = of.limit.to_string();
    let mut query = vec![("limit", limit.as_str())];
    query.extend(of.kind.as_deref().map(|kind| ("kind", kind)));
    let changes: ChangesWire = client
        .get(&["batches", &of.code, "changes"], &query)
        .await?;
    out.show(&changes, |changes| {
        let against = changes.against.as_deref().unwrap_or("—");
        format!(
            "对比 against {against}: {} 人次 wages {} 元 yuan → {} 人次 wages {} 元 yuan\n\n{}\n{}",
            changes.before.count,
            yuan(changes.before.fen),
            changes.now.count,
            yuan(changes.now.fen),
            sums(changes),
            workers(&changes.workers.items, changes.workers.next.is_some())
        )
    })
}

fn sums(changes: &ChangesWire) -> String {
    let kinds: [(&str, &DifferenceWire); 4] = [
        ("new", &changes.new),
        ("gone", &changes.gone),
        ("amount", &changes.amount),
        ("card", &changes.card),
    ];
    let columns = [
        Left("变化 change"),
        Right("人次 workers"),
        Right("上次 before yuan"),
        Right("本次 now yuan"),
    ];
    let table = Table::of(columns, kinds, |(kind, sums)| {
        [
            words::difference(kind),
            sums.count.to_string(),
            yuan(sums.before_fen),
            yuan(sums.now_fen),
        ]
    });
    table.to_string()
}

fn workers(workers: &[ChangedWire], more: bool) -> String {
    let or_dash = |text: Option<String>| text.unwrap_or_else(|| "—".into());
    let columns = [
        Left("变化 change"),
        Right("行 row"),
        Left("姓名 name"),
        Left("原卡 card before"),
        Left("现卡 card now"),
        Right("上次 before"),
        Right("本次 now"),
    ];
    let table = Table::of(columns, workers, |worker| {
        [
            words::difference(&worker.kind),
            or_dash(worker.row.map(|row| row.to_string())),
            worker.name.clone(),
            or_dash(worker.account_before.clone()),
            or_dash(worker.account_now.clone()),
            or_dash(worker.before_fen.map(yuan)),
            or_dash(worker.now_fen.map(yuan)),
        ]
    });
    let more = if more {
        "…… 用 --limit、--kind 看更多 see more with --limit and --kind\n"
    } else {
        ""
    };
    format!("{table}{more}")
}

pub(super) async fn preview(client: &Client, of: &PreviewOf, out: Out) -> Result<(), Failure> {
    if let (Some(part), Some(to)) = (of.part, &of.out) {
        return fetch(client, &of.code, part, to, out).await;
    }
    let preview: PreviewWire = client.get(&["batches", &of.code, "preview"], &[]).await?;
    out.show(&preview, shown)
}

fn shown(preview: &PreviewWire) -> String {
    let columns = [
        Right("部分 part"),
        Left("银行参考号 key"),
        Right("人次 wages"),
        Right("金额 yuan"),
        Right("字节 bytes"),
        Left("SHA-256"),
    ];
    let table = Table::of(columns, &preview.parts, |part| {
        [
            part.part.to_string(),
            part.bank_key.clone(),
            part.rows.to_string(),
            yuan(part.total_fen),
            part.size.to_string(),
            part.hash.chars().take(16).collect(),
        ]
    });
    let or_none = |limit: Option<i64>| limit.map_or_else(|| "—".into(), yuan);
    let held = match preview.held.count {
        0 => String::new(),
        count => format!(
            "\n超过银行限额、留待处理 beyond the bank's limits, they stay held: {count} wages, {} yuan",
            yuan(preview.held.fen)
        ),
    };
    let holiday = preview.before_holiday.as_ref().map(before_holiday);
    let holiday = holiday.unwrap_or_default();
    let unknown = if preview.calendar_known {
        String::new()
    } else {
        format!("（{}）", calendar::UNKNOWN)
    };
    format!(
        "{holiday}银行 bank          {} {}\n每批 one file      {} 人次 wages, {} 元 yuan; 单笔 one wage {} 元 yuan\n\
         截止 cut-off       {}\n日期 day           {}\n预计到账 arrives   {}{unknown}\n内容 content       {}\n\n{table}{held}\n\
         逐字节下载 the exact bytes: wagegate preview CODE --part N --out FILE",
        preview.bank,
        preview.bank_name,
        preview.rows_max,
        or_none(preview.total_fen_max),
        or_none(preview.item_fen_max),
        preview.cut_off.as_deref().unwrap_or("—"),
        preview.day,
        preview.arrives,
        preview.content,
    )
}

/// Until when a release has the wages on the cards before a holiday, or that it comes too late for that.
fn before_holiday(before: &BeforeHolidayWire) -> String {
    let (name, until) = (
        calendar::holiday(&before.holiday),
        words::moment(&before.release_before),
    );
    if before.missed {
        format!(
            "注意 warning: 节前到账须在 {until} 前批准，已过；工资将在放假开始后到账 too late for the cards before the holiday, a release was due before {until}: {name}\n"
        )
    } else {
        format!(
            "节前到账须在 {until} 前批准 release before then to be on the cards by {}: {name}\n",
            before.pay_by
        )
    }
}

async fn fetch(client: &Client, code: &str, part: u32, to: &Path, out: Out) -> Result<(), Failure> {
    let number = part.to_string();
    let path = ["batches", code, "preview", &number];
    let size = keep(to, client.open(&path, &[]).await?).await?;
    let saved = serde_json::json!({"part": part, "file": to, "size": size});
    out.show(&saved, |_| {
        format!(
            "第 {part} 部分 part {part}: {size} bytes in {}",
            to.display()
        )
    })
}
