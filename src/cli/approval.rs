//! The approval on the command line: review, release, refuse, withdraw, undo, and the documents behind a batch.

use std::{
    collections::BTreeSet, fs::OpenOptions, io::Write as _, os::unix::fs::OpenOptionsExt as _,
    path::PathBuf,
};

use clap::Args;
use serde::Serialize;
use wagegate_domain::{batch::BatchState, outcome::Place};

use super::{
    Failure, Out,
    batches::card,
    client::{Client, causes},
    remarks::{self, Remarks},
    table::{Column::Left, Column::Right, Table},
    upload::Sent,
    words,
};
use crate::http::{
    approval::{EvidenceWire, RefusedWire, SeenWire, StepWire, TakenBackWire, WholeBatchWire},
    batches::BatchWire,
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
pub(super) struct Attach {
    /// Batch code.
    code: String,
    /// The document: a scan or a PDF.
    #[arg(required_unless_present = "hash", conflicts_with = "hash")]
    file: Option<PathBuf>,
    /// A document that the gateway has already, by the hash that `wagegate evidence FILE` prints.
    #[arg(long)]
    hash: Option<String>,
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
    // Asked first: once the step is taken, nothing may fail any more.
    let remarks = remarks::of(client, &seen.code).await?;
    let batch: WholeBatchWire = client
        .post(&["batches", &seen.code, step], &[], json(&word)?)
        .await?;
    let passed = Passed {
        batch,
        warnings_total: remarks.warnings.len(),
        left_out_total: remarks.left_out.len(),
    };
    out.show(&passed, |passed| {
        let remarks = remarks.counted(&passed.batch.batch.code);
        format!("{}{remarks}", whole(&passed.batch))
    })
}

/// A batch after a step, with what was odd in its sheet.
#[derive(Serialize)]
struct Passed {
    #[serde(flatten)]
    batch: WholeBatchWire,
    warnings_total: usize,
    left_out_total: usize,
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
    let path = ["batches", code, step];
    let batch: WholeBatchWire = client.post(&path, &[], json(word)?).await?;
    out.show(&batch, whole)
}

fn json(word: &impl Serialize) -> Result<Vec<u8>, Failure> {
    serde_json::to_vec(word).map_err(Failure::here)
}

fn whole(batch: &WholeBatchWire) -> String {
    with_remarks(batch, &Remarks::default())
}

/// A batch with its steps, its documents, what was odd in its sheet, and what comes next.
pub(super) fn with_remarks(batch: &WholeBatchWire, remarks: &Remarks) -> String {
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
        "{}\n\n{steps}{}{}\n下一步 next: {next}",
        card(&batch.batch),
        documents(&batch.evidence),
        remarks.shown()
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
        Some(BatchState::AwaitingFunds) => short(batch),
        Some(BatchState::Released) => format!(
            "编排后发送；在此之前可收回 it is split and sent; until then an approver can take it back:\n  wagegate undo {code}"
        ),
        Some(BatchState::Planned) => followed(batch),
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

/// What it waits for, and how to take it back meanwhile.
fn short(batch: &BatchWire) -> String {
    let waits = batch
        .shortage
        .as_ref()
        .map_or_else(String::new, |shortage| {
            let since = words::moment(&shortage.since);
            format!(
                "{}\n{}\n自 since: {since}\n",
                shortage.message_zh, shortage.message_en
            )
        });
    let code = &batch.code;
    format!(
        "{waits}跟踪或收回 follow it, or take it back:\n  wagegate watch {code}\n  wagegate undo {code}"
    )
}

/// Until every wage has its word, then to what failed.
fn followed(batch: &BatchWire) -> String {
    let count = |place: Place| words::at(&batch.places, place).count;
    let open: u64 = [Place::Held, Place::InFlight, Place::InDoubt]
        .map(count)
        .iter()
        .sum();
    let lost = count(Place::Failed) + count(Place::Returned);
    match (open, lost) {
        (1.., _) => format!(
            "跟踪到人 follow it to the last worker:\n  wagegate watch {}",
            batch.code
        ),
        (0, 1..) => format!(
            "已办结，{lost} 人未发到 settled, and {lost} were not paid: look at whose task each is, and mend the cards:\n  \
             wagegate failures --month {}\n  wagegate card replace",
            batch.month
        ),
        (0, 0) => "已办结 settled".into(),
    }
}

pub(super) async fn attach(client: &Client, attach: &Attach, out: Out) -> Result<(), Failure> {
    let path = ["batches", &attach.code, "evidence"];
    let mut query = vec![("kind", attach.kind.as_str())];
    query.extend(attach.hash.as_deref().map(|hash| ("hash", hash)));
    let document = match &attach.file {
        Some(file) => Sent::file(file, out),
        None => Sent::Bytes(Vec::new()),
    };
    let batch: WholeBatchWire = client.post(&path, &query, document).await?;
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
