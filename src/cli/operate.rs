//! What operators ask: suspense, recount, health. The last two end with code 5 when all is not well.

use super::{
    Failure, Out,
    client::Client,
    table::{Column::Left, Column::Right, Table, yuan},
    words,
};
use crate::http::{
    health::{HealthAnswer, HealthWire, RunsOut, ShortAccountWire, WellWire},
    operations::{RecountWire, SuspenseWire},
};

pub(super) async fn suspense(client: &Client, out: Out) -> Result<(), Failure> {
    let suspense: Vec<SuspenseWire> = client.list(&["suspense"], &[]).await?;
    out.show(&suspense, |suspense| {
        let columns = [
            Right("号 id"),
            Left("银行 bank"),
            Left("自 since"),
            Right("金额 yuan"),
            Left("原因 why"),
            Left("文件 document"),
            Right("位置 place"),
        ];
        let table = Table::of(columns, suspense, |item| {
            [
                item.id.to_string(),
                item.bank.clone(),
                words::moment(&item.since),
                item.amount_fen.map_or_else(|| "—".into(), yuan),
                item.why.clone(),
                item.document.chars().take(12).collect(),
                item.ordinal.to_string(),
            ]
        });
        table.to_string()
    })
}

pub(super) async fn recount(client: &Client, out: Out) -> Result<(), Failure> {
    let recount: RecountWire = client.get(&["recount"], &[]).await?;
    out.show(&recount, |recount| {
        let verdict = if recount.adds_up {
            "账目相符 everything adds up"
        } else {
            "账目不符 NOT everything adds up"
        };
        format!(
            "{verdict}: {} batches\n{}",
            recount.batches,
            recount.differences.join("\n")
        )
    })?;
    well(recount.adds_up)
}

pub(super) async fn health(client: &Client, out: Out) -> Result<(), Failure> {
    let answer: HealthAnswer = client.get_in_need(&["health"]).await?;
    out.show(&answer, |answer| match answer {
        HealthAnswer::Whole(health) => whole(health),
        HealthAnswer::Well(WellWire { well: true }) => "正常 the gateway is well".into(),
        HealthAnswer::Well(WellWire { well: false }) => "不可用 the gateway is not well".into(),
    })?;
    well(match &answer {
        HealthAnswer::Whole(health) => health.status == "ok",
        HealthAnswer::Well(told) => told.well,
    })
}

fn whole(health: &HealthWire) -> String {
    let or_none =
        |value: &Option<String>| value.as_deref().map_or_else(|| "—".into(), words::moment);
    format!(
        "状态 status        {}\n数据库 store       {}{}\n存证 evidence      {}\n下一步 next due    {}\n最早存疑 in doubt  {}\n内容不符 differs   {} {}\n专户缺款 short     {}\n事件推送 webhooks  {} waiting, {} given up\n{}\n{}",
        health.status,
        health.engine,
        if health.store_reachable {
            ""
        } else {
            "，不可达 does not answer"
        },
        health.evidence_fault.as_deref().unwrap_or("可用 reachable"),
        or_none(&health.next_due),
        or_none(&health.oldest_in_doubt),
        health.content_differs,
        health.content_differs_in.join(" "),
        short(&health.accounts_short),
        health.webhooks_waiting,
        health.webhooks_given_up,
        troubles(health),
        ends(&health.runs_out)
    )
}

/// What does not go as it should, a line each.
fn troubles(health: &HealthWire) -> String {
    let away = health.banks_away.iter().map(|bank| {
        format!(
            "银行无应答 {} does not answer since {}, called again at {}: {}\n",
            bank.bank,
            words::moment(&bank.since),
            words::moment(&bank.until),
            bank.why
        )
    });
    let apart = health.clocks_apart.iter().map(|clock| {
        format!(
            "时钟不一致 the clock of {} and ours differ by {} ms\n",
            clock.bank, clock.skew_ms
        )
    });
    let failing = (health.failing_tasks > 0).then(|| {
        format!(
            "任务失败 {} tasks fail again and again: wagegate tasks\n",
            health.failing_tasks
        )
    });
    let full = health.disk_full_at.as_deref().map(|at| {
        format!(
            "磁盘已满 disk full at {}: free some space\n",
            words::moment(at)
        )
    });
    let ended = health
        .runs_out
        .iter()
        .filter(|seen| seen.days.is_some_and(|days| days < 0))
        .map(|seen| {
            format!(
                "已过期 {} has run out: put a new one in its place\n",
                seen.what
            )
        });
    away.chain(apart)
        .chain(failing)
        .chain(full)
        .chain(ended)
        .collect()
}

/// Special accounts that lack money: which, how much, since when.
fn short(accounts: &[ShortAccountWire]) -> String {
    let line = |account: &ShortAccountWire| {
        format!(
            "\n  {} {} 差 lacks {} 元 yuan, {} 批 batches, 自 since {}",
            account.project,
            account.bank,
            yuan(account.missing_fen),
            account.batches,
            words::moment(&account.since)
        )
    };
    let lines: String = accounts.iter().map(line).collect();
    format!("{}{lines}", accounts.len())
}

/// Certificates and lists with their ends.
pub(super) fn ends(items: &[RunsOut]) -> String {
    let table = Table::of(
        [
            Left("证书 certificate or list"),
            Left("到期 runs out"),
            Right("余天 days"),
        ],
        items,
        |item| {
            [
                item.what.clone(),
                item.at.as_deref().map_or_else(|| "?".into(), words::moment),
                item.days
                    .map_or_else(|| "?".into(), |days| days.to_string()),
            ]
        },
    );
    let faults = items.iter().filter_map(|item| {
        let fault = item.fault.as_ref()?;
        Some(format!("\n新文件不可用 {}: the changed file cannot be used, the one before it stays in force: {fault}", item.what))
    });
    table.to_string() + &faults.collect::<String>()
}

fn well(is_well: bool) -> Result<(), Failure> {
    if is_well {
        Ok(())
    } else {
        Err(Failure::NotWell)
    }
}
