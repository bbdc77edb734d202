//! Contractors, workers and cards on the command line. People are masked; a new card's number is read from standard input, where no list of
//! processes shows it.

use std::{io::BufRead as _, path::PathBuf};

use clap::{Args, Subcommand};
use serde::{Serialize, de::DeserializeOwned};

use super::{
    Failure, Out,
    client::Client,
    table::{Column::Left, Column::Right, Table},
    upload::Sent,
    words,
};
use crate::http::{
    cards::{CardHistoryWire, CardRulingWire, CardWire, KeptWire, NewCardWire},
    register::{ContractorWire, ProjectWire, RegionWire},
    roster::{StayWire, VersionWire, WorkerRecordWire, WorkerWire},
    wire::Page,
};

#[derive(Debug, Args)]
pub(super) struct Workers {
    /// Project code.
    #[arg(long)]
    project: String,
    /// Only those on site on that day, such as 2026-10-28.
    #[arg(long, value_name = "DAY")]
    on_site: Option<String>,
    /// Only those whose card stands so: unverified, verified or invalid.
    #[arg(long, value_name = "STATUS")]
    card: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct Worker {
    /// The worker's number, as `workers` shows it.
    id: i64,
    /// Project code.
    #[arg(long)]
    project: String,
}

#[derive(Debug, Subcommand)]
pub(super) enum Card {
    /// Say how a card stands; a card that was refused is verified again only with evidence.
    Status {
        /// The card's number, as `worker` shows it.
        id: i64,
        /// unverified, verified or invalid.
        status: String,
        /// Why, for invalid: a code such as CLOSED.
        #[arg(long)]
        reason: Option<String>,
        /// Hash of a document, as `wagegate evidence FILE` prints it.
        #[arg(long, value_name = "HASH")]
        evidence: Option<String>,
    },
    /// Register another card for a worker, whose number is read from standard input. Any kind is taken.
    Replace {
        /// The worker's number, as `workers` shows it.
        worker: i64,
        /// Project code.
        #[arg(long)]
        project: String,
        /// The card's bank number, 12 digits.
        #[arg(long)]
        cnaps: Option<String>,
        /// own_bank, other_bank, social_security or yunjianbao.
        #[arg(long)]
        kind: Option<String>,
    },
}

#[derive(Debug, Args)]
pub(super) struct Evidence {
    /// The document, as it is; at most 16 MiB.
    file: PathBuf,
    /// Project that it is about: its people may name the hash then.
    #[arg(long)]
    project: Option<String>,
}

pub(super) async fn contractors(client: &Client, out: Out) -> Result<(), Failure> {
    let all: Vec<ContractorWire> = pages(client, &["contractors"], Vec::new()).await?;
    out.show(&all, |all| {
        let columns = [Left("统一社会信用代码 code"), Left("企业 contractor")];
        Table::of(columns, all, |one| [one.uscc.clone(), one.name.clone()]).to_string()
    })
}

pub(super) async fn projects(client: &Client, out: Out) -> Result<(), Failure> {
    let all: Vec<ProjectWire> = pages(client, &["projects"], Vec::new()).await?;
    out.show(&all, |all| {
        let columns = [
            Left("项目 project"),
            Left("名称 name"),
            Left("地区 region"),
            Left("企业 contractor"),
            Left("银行 bank"),
            Left("专户 account"),
        ];
        let table = Table::of(columns, all, |one| {
            [
                one.code.clone(),
                one.name.clone(),
                one.region.clone(),
                one.contractor.clone(),
                one.bank.clone(),
                one.account.clone(),
            ]
        });
        format!("{table}{} 个 projects", all.len())
    })
}

pub(super) async fn regions(client: &Client, out: Out) -> Result<(), Failure> {
    let all: Vec<RegionWire> = pages(client, &["regions"], Vec::new()).await?;
    out.show(&all, |all| {
        let columns = [Left("代码 code"), Left("名称 name"), Right("在建 projects")];
        let table = Table::of(columns, all, |one| {
            let base = one.base_projects.map(|base| base.to_string());
            [
                one.code.clone(),
                one.name.clone(),
                base.unwrap_or_else(|| "—".into()),
            ]
        });
        table.to_string()
    })
}

pub(super) async fn workers(client: &Client, wanted: &Workers, out: Out) -> Result<(), Failure> {
    let mut query = Vec::new();
    query.extend(wanted.on_site.clone().map(|day| ("on_site", day)));
    query.extend(wanted.card.clone().map(|status| ("card", status)));
    let path = ["projects", &wanted.project, "workers"];
    let all: Vec<WorkerWire> = pages(client, &path, query).await?;
    out.show(&all, |all| {
        let columns = [
            Right("编号 id"),
            Left("姓名 name"),
            Left("班组 team"),
            Left("进场 entered"),
            Left("退场 left"),
            Left("工资卡 card"),
            Left("状态 status"),
        ];
        let table = Table::of(columns, all, |one| {
            let card = one.card.as_ref();
            [
                one.id.to_string(),
                name(one),
                one.stay.team.clone(),
                one.stay.entered_on.clone(),
                one.stay.left_on.clone().unwrap_or_default(),
                card.map(|card| card.account.clone()).unwrap_or_default(),
                card.map(stands).unwrap_or_default(),
            ]
        });
        format!("{table}{} 人 workers", all.len())
    })
}

/// Every page of a list.
async fn pages<T: DeserializeOwned>(
    client: &Client,
    path: &[&str],
    mut query: Vec<(&str, String)>,
) -> Result<Vec<T>, Failure> {
    query.push(("limit", "1000".into()));
    let mut all = Vec::new();
    let mut after: Option<String> = None;
    loop {
        let mut pairs: Vec<_> = query
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        pairs.extend(after.as_deref().map(|after| ("after", after)));
        let page: Page<T> = client.get(path, &pairs).await?;
        all.extend(page.items);
        after = page.next;
        if after.is_none() {
            return Ok(all);
        }
    }
}

pub(super) async fn worker(client: &Client, wanted: &Worker, out: Out) -> Result<(), Failure> {
    let id = wanted.id.to_string();
    let path = ["projects", &wanted.project, "workers", &id];
    let record: WorkerRecordWire = client.get(&path, &[]).await?;
    out.show(&record, |record| {
        let WorkerRecordWire {
            worker,
            stays,
            attendance,
            cards,
            versions,
        } = record;
        let months: Vec<_> = attendance
            .iter()
            .map(|one| format!("{} {}", one.month, one.days))
            .collect();
        [
            format!(
                "{} {}  证件 identity {}  电话 phone {}",
                worker.id,
                name(worker),
                worker.id_number,
                worker.phone.as_deref().unwrap_or("—")
            ),
            of_stays(stays),
            format!("考勤天数 days attended: {}\n", months.join(", ")),
            of_cards(cards),
            of_versions(versions),
        ]
        .join("\n")
    })
}

fn of_stays(stays: &[StayWire]) -> String {
    let columns = [
        Left("进场 entered"),
        Left("退场 left"),
        Left("岗位 role"),
        Left("班组 team"),
    ];
    let table = Table::of(columns, stays, |stay| {
        [
            stay.entered_on.clone(),
            stay.left_on.clone().unwrap_or_default(),
            format!("{} {}", stay.role_zh, stay.role),
            stay.team.clone(),
        ]
    });
    table.to_string()
}

fn of_cards(cards: &[CardHistoryWire]) -> String {
    let columns = [
        Right("卡 card"),
        Left("账号 account"),
        Left("状态 status"),
        Left("原因 reason"),
        Left("由 by"),
        Left("时间 at"),
    ];
    let mut table = Table::new(columns);
    for CardHistoryWire { card, words } in cards {
        let now = if card.current { "*" } else { "" };
        for word in words {
            table.row([
                format!("{now}{}", card.id),
                card.account.clone(),
                format!("{} {}", word.status_zh, word.status),
                word.reason.clone().unwrap_or_default(),
                short(&word.by),
                words::moment(&word.at),
            ]);
        }
    }
    table.to_string()
}

fn of_versions(versions: &[VersionWire]) -> String {
    let columns = [
        Left("变更 changed"),
        Right("版本 version"),
        Left("由 by"),
        Left("时间 at"),
    ];
    let table = Table::of(columns, versions, |version| {
        [
            version.kind.clone(),
            version.version.to_string(),
            short(&version.by),
            words::moment(&version.at),
        ]
    });
    table.to_string()
}

/// `wagegate://user/clerk` as `user/clerk`.
fn short(by: &str) -> String {
    by.strip_prefix("wagegate://").unwrap_or(by).to_owned()
}

pub(super) async fn card(client: &Client, card: &Card, out: Out) -> Result<(), Failure> {
    let now: CardWire = match card {
        Card::Status {
            id,
            status,
            reason,
            evidence,
        } => {
            let ruling = CardRulingWire {
                status: status.clone(),
                reason: reason.clone(),
                evidence: evidence.clone(),
            };
            let path = ["cards", &id.to_string(), "status"];
            client.post(&path, &[], json(&ruling)?).await?
        }
        Card::Replace {
            worker,
            project,
            cnaps,
            kind,
        } => {
            let new = NewCardWire {
                account: account()?,
                cnaps: cnaps.clone(),
                kind: kind.clone(),
            };
            let path = ["projects", project, "workers", &worker.to_string(), "card"];
            client.post(&path, &[], json(&new)?).await?
        }
    };
    out.show(&now, |card| {
        format!("{} {}  {}", card.id, card.account, stands(card))
    })
}

fn json(body: &impl Serialize) -> Result<Vec<u8>, Failure> {
    serde_json::to_vec(body).map_err(Failure::here)
}

fn account() -> Result<String, Failure> {
    let mut line = String::new();
    std::io::stdin()
        .lock()
        .read_line(&mut line)
        .map_err(Failure::here)?;
    match line.trim() {
        "" => Err(Failure::Here(
            "write the card's number to standard input".into(),
        )),
        number => Ok(number.to_owned()),
    }
}

pub(super) async fn evidence(client: &Client, what: &Evidence, out: Out) -> Result<(), Failure> {
    let body = Sent::file(&what.file, out);
    let query: Vec<_> = what
        .project
        .as_deref()
        .map(|code| ("project", code))
        .into_iter()
        .collect();
    let kept: KeptWire = client.post(&["evidence"], &query, body).await?;
    out.show(&kept, |kept| kept.hash.clone())
}

fn name(worker: &WorkerWire) -> String {
    worker.name.clone().unwrap_or_else(|| "—".into())
}

fn stands(card: &CardWire) -> String {
    format!("{} {}", card.status_zh, card.status)
}
