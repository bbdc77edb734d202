//! The audit log on the command line: its entries, and whether anybody changed it.

use clap::{Args, Subcommand};

use super::{
    Failure, Out,
    client::Client,
    principals::short,
    table::{Column::Left, Column::Right, Table},
    words,
};
use crate::{
    http::{
        audit::{AuditEntryWire, AuditWire},
        wire::Page,
    },
    store::ChainFault,
};

#[derive(Debug, Subcommand)]
pub(super) enum Audit {
    /// Walk the hash chain of the audit log and hold it against the witness; code 5 when anything was changed.
    Verify,
    /// Show acts, newest first.
    List(List),
}

#[derive(Debug, Args)]
pub(super) struct List {
    /// Of one object only, such as a batch's code.
    #[arg(long)]
    object: Option<String>,
    /// Of one principal only: NAME of a user, or bank:CODE.
    #[arg(long, visible_alias = "principal")]
    who: Option<String>,
    /// Acts on the page.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1000))]
    limit: u32,
    /// The number under the page before: go on from there.
    #[arg(long)]
    after: Option<String>,
}

pub(super) async fn run(client: &Client, what: &Audit, out: Out) -> Result<(), Failure> {
    match what {
        Audit::Verify => verify(client, out).await,
        Audit::List(what) => list(client, what, out).await,
    }
}

async fn verify(client: &Client, out: Out) -> Result<(), Failure> {
    let found: AuditWire = client.get(&["audit", "check"], &[]).await?;
    out.show(&found, |found| [chain(found), witness(found)].concat())?;
    if found.whole {
        Ok(())
    } else {
        Err(Failure::NotWell)
    }
}

fn chain(found: &AuditWire) -> String {
    let Some(number) = found.broken_at else {
        let entries = found.entries.unwrap_or(0);
        return format!("审计链完整 the audit chain is whole: {entries} entries\n");
    };
    let fault = found.fault.as_deref().and_then(ChainFault::from_code);
    let what = match fault {
        Some(ChainFault::Edited) => "被改动 was edited",
        Some(ChainFault::Missing) => "缺失 is missing",
        Some(ChainFault::OutOfOrder) => "被调换 stands where another belongs",
        Some(ChainFault::CutTail) => "及其后被截断 and all after it are gone",
        Some(ChainFault::HeadDiffers) => "与链头不符 is not what the head of the chain says",
        Some(ChainFault::WitnessDiffers) => {
            "与见证不符 is not what was witnessed: it, or an entry since the witness before, was written anew"
        }
        None => "不符 is not as it was written",
    };
    format!("审计链断裂 the audit chain is BROKEN: entry {number} {what}\n")
}

fn witness(found: &AuditWire) -> String {
    let seen = match (found.witnessed, &found.witnessed_at) {
        (Some(number), Some(at)) => format!(
            "见证至 witnessed to entry {number}, {}\n",
            words::moment(at)
        ),
        (_, None) | (None, _) => "尚无见证 nothing was witnessed yet\n".into(),
    };
    let broken = found.witness_broken_line.map(|line| {
        format!("见证文件被改 the witness file was CHANGED: line {line} is not the gateway's\n")
    });
    seen + &broken.unwrap_or_default()
}

async fn list(client: &Client, what: &List, out: Out) -> Result<(), Failure> {
    let limit = what.limit.to_string();
    let who = what.who.as_deref().map(uri);
    let query: Vec<_> = [
        ("object", what.object.as_deref()),
        ("who", who.as_deref()),
        ("after", what.after.as_deref()),
        ("limit", Some(limit.as_str())),
    ]
    .into_iter()
    .filter_map(|(name, value)| Some((name, value?)))
    .collect();
    let page: Page<AuditEntryWire> = client.get(&["audit"], &query).await?;
    out.show(&page, |page| {
        let columns = [
            Right("号 no."),
            Left("时间 when"),
            Left("谁 who"),
            Left("做了 did"),
            Left("对 to"),
            Left("详情 detail"),
        ];
        let table = Table::of(columns, &page.items, |entry| {
            [
                entry.number.to_string(),
                words::moment(&entry.at),
                short(&entry.who),
                entry.action.clone(),
                short(&entry.object).chars().take(36).collect(),
                entry.detail.clone(),
            ]
        });
        let more = page
            .next
            .as_ref()
            .map(|next| format!("\n还有更早的 there are earlier ones: --after {next}"));
        table.to_string() + &more.unwrap_or_default()
    })
}

/// A URI as it is, a name of a user or `bank:CODE` as the URI that it stands for.
fn uri(name: &str) -> String {
    match name.split_once(':') {
        Some(("wagegate", _)) => name.to_owned(),
        Some((kind, name)) => format!("wagegate://{kind}/{name}"),
        None if name == "gateway" || name == "configuration" => name.to_owned(),
        None => format!("wagegate://user/{name}"),
    }
}
