//! The approval on the command line: review, release, refuse, withdraw, undo; what changed, the dry run, and the documents behind a batch.

use std::{
    collections::BTreeSet, fs::OpenOptions, io::Write as _, os::unix::fs::OpenOptionsExt as _,
    path::PathBuf,
};

use clap::Args;
use serde::Serialize;
use wagegate_domain::batch::BatchState;

use super::{
    Failure, Out,
    batches::card,
    client::{Client, causes},
    table::{Column::Left, Column::Right, Table, yuan},
    words,
};
use crate::http::{
    approval::{EvidenceWire, RefusedWire, SeenWire, StepWire, TakenBackWire, WholeBatchWire},
    batches::BatchWire,
    changes::{ChangedWire, ChangesWire, DifferenceWire, PreviewWire},
};

#[derive(Debug, Args)]
pub(super) struct Seen {
    /// Batch code.
    code: String,
    /// Content hash, as `wagegate batch CODE` shows it: what you have seen.
    #[arg(long)]
    content: String,
}

#[derive(Debug, Args)]
pub(super) struct Refuse {
    /// Batch code.
    code: String,
    /// Why, for the clerk who has to mend it; no numbers of people.
    #[arg(long)]
    reason: String,
}

#[derive(Debug, Args)]
pub(super) struct TakeBack {
    /// Batch code.
    code: String,
    /// Why; no numbers of people.
    #[arg(long)]
    reason: Option<String>,
}

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

#[derive(Debug, Args)]
pub(super) struct Attach {
    /// Batch code.
    code: String,
    /// The document: a scan or a PDF.
    file: PathBuf,
    /// What it is.
    #[arg(long, default_value = "signed_table", value_parser = ["signed_table", "attendance", "contract", "other"])]
    kind: String,
}

#[derive(Debug, Args)]
pub(super) struct DocumentOf {
    /// Batch code.
    code: String,
    /// SHA-256 of the document, or its beginning as `wagegate batch CODE` shows it.
    hash: String,
    /// Where to write it: a file that is not there yet, for your eyes only.
    out: PathBuf,
}

/// The step that a [`Seen`] takes.
#[derive(Debug, Clone, Copy)]
pub(super) enum Passing {
    Review,
    Release,
}

/// The step that a [`TakeBack`] takes.
#[derive(Debug, Clone, Copy)]
pub(super) enum TakingBack {
    Withdraw,
    Undo,
}

pub(super) async fn pass(
    client: &Client,
    step: Passing,
    seen: Seen,
    out: Out,
) -> Result<(), Failure> {
    let step = match step {
        Passing::Review => "review",
        Passing::Release => "release",
    };
    let word = SeenWire {
        content: seen.content,
    };
    say(client, &seen.code, step, &word, out).await
}

pub(super) async fn refuse(client: &Client, refuse: Refuse, out: Out) -> Result<(), Failure> {
    let word = RefusedWire {
        reason: refuse.reason,
    };
    say(client, &refuse.code, "refuse", &word, out).await
}

pub(super) async fn take_back(
    client: &Client,
    step: TakingBack,
    back: TakeBack,
    out: Out,
) -> Result<(), Failure> {
    let step = match step {
        TakingBack::Withdraw => "withdraw",
        TakingBack::Undo => "undo",
    };
    let word = TakenBackWire {
        reason: back.reason,
    };
    say(client, &back.code, step, &word, out).await
}

async fn say(
    client: &Client,
    code: &str,
    step: &str,
    word: &impl Serialize,
    out: Out,
) -> Result<(), Failure> {
    let body = serde_json::to_vec(word).map_err(Failure::here)?;
    let batch: WholeBatchWire = client.post(&["batches", code, step], &[], body).await?;
    out.show(&batch, whole)
}

/// A batch with its steps, its documents and what comes next.
pub(super) fn whole(batch: &WholeBatchWire) -> String {
    let steps = Table::of(
        [
            Right("轮 round"),
            Left("步骤 step"),
            Left("何人 who"),
            Left("何时 when"),
            Left("原因 reason"),
        ],
        &batch.steps,
        |taken: &StepWire| {
            [
                taken.round.to_string(),
                words::step(&taken.step),
                words::person(&taken.by),
                words::moment(&taken.at),
                taken.reason.clone().unwrap_or_default(),
            ]
        },
    );
    let next = next_step(&batch.batch);
    format!(
        "{}\n\n{steps}{}\n下一步 next: {next}",
        card(&batch.batch),
        documents(&batch.evidence)
    )
}

fn documents(evidence: &[EvidenceWire]) -> String {
    if evidence.is_empty() {
        return String::new();
    }
    let table = Table::of(
        [
            Left("附件 document"),
            Left("何人 who"),
            Left("何时 when"),
            Right("字节 bytes"),
            Left("SHA-256"),
        ],
        evidence,
        |document| {
            [
                document.kind.clone(),
                words::person(&document.by),
                words::moment(&document.at),
                document.size.to_string(),
                document.hash.chars().take(16).collect(),
            ]
        },
    );
    format!("\n{table}")
}

/// What comes next, and the command for whoever may do it.
pub(super) fn next_step(batch: &BatchWire) -> String {
    let (code, content) = (&batch.code, &batch.content);
    let expires = batch.expires_at.as_deref().map(words::moment);
    let expires = expires.map_or_else(String::new, |at| format!("\n过期 expires: {at}"));
    match BatchState::from_code(&batch.state) {
        Some(BatchState::AwaitingReview) => format!(
            "劳资专管员复核，须非编制人 a reviewer, not who prepared it:\n  wagegate review {code} --content {content}{expires}"
        ),
        Some(BatchState::AwaitingRelease) => format!(
            "总包批准发放，须非编制人、复核人 an approver, neither who prepared nor who reviewed it:\n  wagegate changes {code}\n  \
             wagegate preview {code}\n  wagegate release {code} --content {content}{expires}"
        ),
        Some(BatchState::Released) => format!(
            "编排后发送；在此之前可收回 it is split and sent; until then an approver can take it back:\n  wagegate undo {code}"
        ),
        Some(BatchState::Planned) => format!("跟踪到人 follow it to the last worker:\n  wagegate watch {code}"),
        Some(BatchState::ContentDiffers) => {
            "数据库内容与批准的不符，已停发，请运维核查 the rows are not those that were released: nothing more is sent; the operator must look".into()
        }
        Some(BatchState::Refused | BatchState::Withdrawn | BatchState::Expired) => {
            "改好后重新提交 mend the sheet and submit it again:\n  wagegate submit SHEET --project P --month M".into()
        }
        None => batch
            .next
            .as_ref()
            .map_or_else(|| "—".into(), |next| format!("{} ({})", next.step, next.role)),
    }
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
    format!(
        "银行 bank          {} {}\n每批 one file      {} 人次 wages, {} 元 yuan; 单笔 one wage {} 元 yuan\n\
         截止 cut-off       {}\n日期 day           {}\n预计到账 arrives   {}\n内容 content       {}\n\n{table}{held}\n\
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

async fn fetch(
    client: &Client,
    code: &str,
    part: u32,
    to: &PathBuf,
    out: Out,
) -> Result<(), Failure> {
    let number = part.to_string();
    let answer = client
        .open(&["batches", code, "preview", &number], &[])
        .await?;
    let bytes = answer
        .bytes()
        .await
        .map_err(|error| Failure::Unreachable(causes(&error)))?;
    std::fs::write(to, &bytes)
        .map_err(|error| Failure::Here(format!("{}: {error}", to.display())))?;
    let saved = serde_json::json!({"part": part, "file": to, "size": bytes.len()});
    out.show(&saved, |_| {
        format!(
            "第 {part} 部分 part {part}: {} bytes in {}",
            bytes.len(),
            to.display()
        )
    })
}

pub(super) async fn attach(client: &Client, attach: &Attach, out: Out) -> Result<(), Failure> {
    let file = &attach.file;
    let document = std::fs::read(file)
        .map_err(|error| Failure::Here(format!("{}: {error}", file.display())))?;
    let path = ["batches", &attach.code, "evidence"];
    let batch: WholeBatchWire = client
        .post(&path, &[("kind", &attach.kind)], document)
        .await?;
    out.show(&batch, whole)
}

/// A document behind a batch, which may name people, into a file that only its owner reads.
pub(super) async fn document(client: &Client, of: &DocumentOf, out: Out) -> Result<(), Failure> {
    let batch: WholeBatchWire = client.get(&["batches", &of.code], &[]).await?;
    let meant: BTreeSet<&str> = batch
        .evidence
        .iter()
        .map(|document| document.hash.as_str())
        .filter(|hash| hash.starts_with(&of.hash.to_lowercase()))
        .collect();
    let hash = match (meant.first(), meant.len()) {
        (Some(hash), 1) => *hash,
        _ => {
            let why =
                "one document of the batch has a hash that begins so: look at `wagegate batch`";
            return Err(Failure::Here(format!("not exactly {why}")));
        }
    };
    let path = ["batches", &of.code, "evidence", hash];
    let answer = client.open(&path, &[]).await?;
    let bytes = answer
        .bytes()
        .await
        .map_err(|error| Failure::Unreachable(causes(&error)))?;
    let failed = |error| Failure::Here(format!("{}: {error}", of.out.display()));
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&of.out)
        .map_err(failed)?;
    file.write_all(&bytes).map_err(failed)?;
    let saved = serde_json::json!({"hash": hash, "file": of.out, "size": bytes.len()});
    out.show(&saved, |_| {
        format!("{} bytes in {}", bytes.len(), of.out.display())
    })
}
