//! Webhooks on the command line: subscribe, look at deliveries, send again.

use std::{fs, path::PathBuf};

use clap::{Args, Subcommand};

use super::{
    Failure, Out,
    client::Client,
    principals::short,
    table::{Column::Left, Column::Right, Table},
    words,
};
use crate::http::{
    webhooks::{
        DeliveryWire, ReplayWire, ReplayedWire, SubscribeWire, TestWire, WebhookWire,
        WithSecretWire,
    },
    wire::Page,
};

#[derive(Debug, Subcommand)]
pub(super) enum Webhooks {
    /// Show subscriptions.
    List,
    /// Subscribe an address to events; its secret is shown once.
    Add(Add),
    /// Show one subscription with its newest deliveries.
    Show(Named),
    /// Deliver nothing for now; events wait.
    Pause(Named),
    /// Deliver again, what waits at once.
    Resume(Named),
    /// Give another secret; for a day the one before signs too.
    Rotate(Named),
    /// Deliver an event, or everything since a moment, once more.
    Replay(Again),
    /// Send a test event.
    Test(Named),
}

#[derive(Debug, Args)]
pub(super) struct Named {
    /// As `webhooks list` shows it.
    id: String,
}

#[derive(Debug, Args)]
pub(super) struct Add {
    /// https://host[:port]/path
    url: String,
    /// A kind of event, such as batch.settled; all where none is given.
    #[arg(long = "kind", value_name = "KIND")]
    kinds: Vec<String>,
    /// About one project.
    #[arg(long, conflicts_with = "region")]
    project: Option<String>,
    /// About a region (GB/T 2260 code).
    #[arg(long)]
    region: Option<String>,
    /// Authority of the receiver's certificate, PEM; not to be mixed up with --ca, the gateway's.
    #[arg(long)]
    receiver_ca: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct Again {
    /// As `webhooks list` shows it.
    id: String,
    #[command(flatten)]
    what: What,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(super) struct What {
    /// One event, as `webhooks show` shows it.
    #[arg(long)]
    event: Option<String>,
    /// A moment, such as 2026-11-02T01:00:00Z.
    #[arg(long)]
    since: Option<String>,
}

pub(super) async fn run(client: &Client, what: Webhooks, out: Out) -> Result<(), Failure> {
    match what {
        Webhooks::List => list(client, out).await,
        Webhooks::Add(add) => subscribe(client, add, out).await,
        Webhooks::Show(named) => show(client, &named.id, out).await,
        Webhooks::Pause(named) => act(client, &named.id, "pause", out).await,
        Webhooks::Resume(named) => act(client, &named.id, "resume", out).await,
        Webhooks::Rotate(named) => {
            let rotated: WithSecretWire = post(client, &named.id, "rotate", String::new()).await?;
            out.show(&rotated, with_secret)
        }
        Webhooks::Replay(again) => replay(client, again, out).await,
        Webhooks::Test(named) => {
            let sent: TestWire = post(client, &named.id, "test", String::new()).await?;
            out.show(&sent, |sent| {
                format!("已发出测试 a test is on its way: {}", sent.event)
            })
        }
    }
}

async fn list(client: &Client, out: Out) -> Result<(), Failure> {
    let mut all = Vec::new();
    let mut after = None::<String>;
    loop {
        let query: Vec<_> = after
            .iter()
            .map(|after| ("after", after.as_str()))
            .collect();
        let page: Page<WebhookWire> = client.get(&["webhooks"], &query).await?;
        all.extend(page.items);
        match page.next {
            Some(next) => after = Some(next),
            None => break,
        }
    }
    out.show(&all, |all| table(all))
}

async fn subscribe(client: &Client, add: Add, out: Out) -> Result<(), Failure> {
    let ca = add.receiver_ca.map(|file| {
        fs::read_to_string(&file)
            .map_err(|error| Failure::Here(format!("{}: {error}", file.display())))
    });
    let wanted = SubscribeWire {
        url: add.url,
        kinds: add.kinds,
        project: add.project,
        region: add.region,
        ca: ca.transpose()?,
    };
    let body = serde_json::to_string(&wanted).map_err(Failure::here)?;
    let made: WithSecretWire = client.post(&["webhooks"], &[], body).await?;
    out.show(&made, with_secret)
}

async fn show(client: &Client, id: &str, out: Out) -> Result<(), Failure> {
    let webhook: WebhookWire = client.get(&["webhooks", id], &[]).await?;
    let path = ["webhooks", id, "deliveries"];
    let page: Page<DeliveryWire> = client.get(&path, &[("limit", "20")]).await?;
    out.show(&(&webhook, &page.items), |(webhook, deliveries)| {
        let head = format!(
            "订阅 webhook  {}\n地址 url      {}\n事件 kinds    {}\n范围 about    {}\n状态 state    {}\n经手 by       {}\n\n",
            webhook.id,
            webhook.url,
            if webhook.kinds.is_empty() { "全部 all".into() } else { webhook.kinds.join(" ") },
            about(webhook),
            state(webhook),
            short(&webhook.owner),
        );
        head + &log(deliveries)
    })
}

async fn act(client: &Client, id: &str, act: &str, out: Out) -> Result<(), Failure> {
    let webhook: WebhookWire = post(client, id, act, String::new()).await?;
    out.show(&webhook, |webhook| table(std::slice::from_ref(webhook)))
}

async fn replay(client: &Client, again: Again, out: Out) -> Result<(), Failure> {
    let wanted = ReplayWire {
        event: again.what.event,
        since: again.what.since,
    };
    let body = serde_json::to_string(&wanted).map_err(Failure::here)?;
    let done: ReplayedWire = post(client, &again.id, "replay", body).await?;
    out.show(&done, |done| {
        format!(
            "重发 {0} 个事件 {0} events are delivered once more",
            done.events
        )
    })
}

async fn post<T: serde::de::DeserializeOwned>(
    client: &Client,
    id: &str,
    act: &str,
    body: String,
) -> Result<T, Failure> {
    client.post(&["webhooks", id, act], &[], body).await
}

fn with_secret(made: &WithSecretWire) -> String {
    format!(
        "密钥（仅显示一次） secret, shown only now:\n  {}\n\n{}",
        made.secret,
        table(std::slice::from_ref(&made.webhook))
    )
}

fn table(webhooks: &[WebhookWire]) -> String {
    let columns = [
        Left("订阅 webhook"),
        Left("范围 about"),
        Left("状态 state"),
        Left("地址 url"),
    ];
    let table = Table::of(columns, webhooks, |webhook| {
        [
            webhook.id.clone(),
            about(webhook),
            state(webhook),
            webhook.url.chars().take(34).collect(),
        ]
    });
    table.to_string()
}

fn log(deliveries: &[DeliveryWire]) -> String {
    let columns = [
        Left("事件 event"),
        Left("种类 kind"),
        Left("状态 state"),
        Right("次 tries"),
        Left("最近 last"),
        Left("答复 answer"),
    ];
    let table = Table::of(columns, deliveries, |delivery| {
        let last = delivery.tries.last();
        let told = last.map(|last| match last.status {
            Some(status) => format!("{status} {}", last.answer),
            None => last.answer.clone(),
        });
        [
            delivery.event.clone(),
            delivery.kind.clone(),
            match delivery.state.as_str() {
                "waiting" => "等待 waiting".into(),
                "delivered" => "送达 delivered".into(),
                "given_up" => "放弃 given up".into(),
                other => other.to_owned(),
            },
            delivery.tries.len().to_string(),
            last.map_or_else(|| "—".into(), |last| words::moment(&last.at)),
            told.unwrap_or_default().chars().take(20).collect(),
        ]
    });
    table.to_string()
}

fn about(webhook: &WebhookWire) -> String {
    let project = webhook.project.clone();
    project
        .or_else(|| webhook.region.clone())
        .unwrap_or_else(|| "全部 all".into())
}

fn state(webhook: &WebhookWire) -> String {
    match (webhook.state.as_str(), webhook.failures) {
        ("paused", _) => "暂停 paused".into(),
        ("active", 0) => "正常 active".into(),
        ("active", failures) => format!("失败 failing ×{failures}"),
        (other, _) => other.to_owned(),
    }
}
