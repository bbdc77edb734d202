//! Reports on the command line: rates, failures, accounts, outcomes.

use std::{collections::BTreeMap, io::Write, path::PathBuf};

use clap::Args;
use serde::Serialize;
use wagegate_domain::outcome::Place;

use super::{
    Failure, Out,
    client::{Client, causes},
    files::Private,
    table::{Column::Left, Column::Right, Table, yuan},
    words,
};
use crate::http::{
    accounts::AccountWire,
    items::ItemWire,
    principals::MeWire,
    rates::{LevelWire, RateWire, RatesWire},
    wire::Figures,
};

#[derive(Debug, Args)]
pub(super) struct RatesOf {
    /// Pay month, such as 2026-10.
    #[arg(long)]
    month: String,
    /// What one line stands for; where not given, the widest that you may see: a project's people see projects, a county's its county.
    #[arg(long, value_enum)]
    level: Option<LevelWire>,
    /// All columns, however wide the table gets.
    #[arg(long)]
    wide: bool,
}

#[derive(Debug, Args)]
pub(super) struct FailuresOf {
    /// Pay month, such as 2026-10.
    #[arg(long)]
    month: String,
    /// The sums by reason only.
    #[arg(long)]
    by_reason: bool,
    /// All columns, however wide the table gets.
    #[arg(long)]
    wide: bool,
}

#[derive(Debug, Args)]
pub(super) struct Accounts {
    /// All columns, however wide the table gets.
    #[arg(long)]
    wide: bool,
}

#[derive(Debug, Args)]
pub(super) struct Outcomes {
    /// Write every attempt as CSV instead of the summary.
    #[arg(long)]
    csv: bool,
    /// Write the CSV to this file, which appears only when it is whole.
    #[arg(long, requires = "csv")]
    out: Option<PathBuf>,
}

pub(super) async fn rates(client: &Client, of: &RatesOf, out: Out) -> Result<(), Failure> {
    let level = match of.level {
        Some(level) => level,
        None => level_of(&client.get(&["me"], &[]).await?),
    };
    let level = match level {
        LevelWire::Prefecture => "prefecture",
        LevelWire::County => "county",
        LevelWire::Project => "project",
    };
    let rates: RatesWire = client
        .get(&["rates"], &[("month", &of.month), ("level", level)])
        .await?;
    out.show(&rates, |rates| {
        let title = format!(
            "工资代发率 payment rate · {} · 截至 as of {}",
            rates.month,
            words::moment(&rates.as_of)
        );
        let table = Table::of(
            [
                Left("代码 code"),
                Left("名称 name"),
                Right("在建 base"),
                Right("项目 projects"),
                Right("人次 wages"),
                Right("已付 paid"),
                Right("失败 failed"),
                Right("退票 returned"),
                Right("未决 open"),
                Right("待批 awaiting"),
                Right("应付 owed yuan"),
                Right("已付 paid yuan"),
                Right("按人次 %"),
                Right("按金额 %"),
            ],
            rates.lines.iter().chain([&rates.total]),
            rate_cells,
        );
        let table = table.fitted(of.wide, &[3, 2, 10, 9, 7, 13, 6, 5, 8]);
        format!("{title}\n\n{table}\n口径 definition: {}", rates.definition)
    })
}

/// The widest level of which the caller sees whole lines.
fn level_of(me: &MeWire) -> LevelWire {
    let region = me.region.as_deref().unwrap_or_default();
    match region.trim_end_matches("00").len() {
        0 => LevelWire::Project,
        1..=4 => LevelWire::Prefecture,
        _ => LevelWire::County,
    }
}

fn rate_cells(line: &RateWire) -> [String; 14] {
    let at = |place| words::at(&line.places, place);
    let open: u64 = [Place::InFlight, Place::InDoubt, Place::Held]
        .map(|place| at(place).count)
        .iter()
        .sum();
    let or_dash = |value: Option<String>| value.unwrap_or_else(|| "—".into());
    [
        line.code.clone(),
        line.name.clone(),
        or_dash(line.base_projects.map(|base| base.to_string())),
        line.projects.to_string(),
        line.all.count.to_string(),
        at(Place::Paid).count.to_string(),
        at(Place::Failed).count.to_string(),
        at(Place::Returned).count.to_string(),
        open.to_string(),
        line.awaiting.count.to_string(),
        yuan(line.all.fen),
        yuan(at(Place::Paid).fen),
        or_dash(line.rate_by_count.clone()),
        or_dash(line.rate_by_amount.clone()),
    ]
}

pub(super) async fn failures(client: &Client, of: &FailuresOf, out: Out) -> Result<(), Failure> {
    let items = client.list(&["failures"], &[("month", &of.month)]).await?;
    if of.by_reason {
        return out.show(&by_reason(&items), |causes| cause_table(causes));
    }
    out.show(&items, |items| {
        format!(
            "{}\n{}",
            cause_table(&by_reason(items)),
            failure_table(items, of.wide)
        )
    })
}

/// Wages that failed or came back for one reason.
#[derive(Serialize)]
struct Cause {
    reason: String,
    reason_zh: String,
    fix_by: String,
    fix_by_zh: String,
    #[serde(flatten)]
    figures: Figures,
}

fn by_reason(items: &[ItemWire]) -> Vec<Cause> {
    let mut causes: BTreeMap<&str, Cause> = BTreeMap::new();
    for item in items {
        let text = |value: &Option<String>| value.clone().unwrap_or_default();
        let cause = causes
            .entry(item.reason.as_deref().unwrap_or_default())
            .or_insert_with(|| Cause {
                reason: text(&item.reason),
                reason_zh: text(&item.reason_zh),
                fix_by: text(&item.fix_by),
                fix_by_zh: text(&item.fix_by_zh),
                figures: Figures::default(),
            });
        add(&mut cause.figures, item.amount_fen);
    }
    let mut causes: Vec<Cause> = causes.into_values().collect();
    causes.sort_by_key(|cause| std::cmp::Reverse(cause.figures.count));
    causes
}

fn cause_table(causes: &[Cause]) -> String {
    let columns = [
        Left("原因 reason"),
        Left("由谁处理 who fixes"),
        Right("人次 wages"),
        Right("金额 yuan"),
    ];
    let table = Table::of(columns, causes, |cause| {
        let Figures { count, fen } = cause.figures;
        [
            format!("{} {}", cause.reason_zh, cause.reason),
            format!("{} {}", cause.fix_by_zh, cause.fix_by),
            count.to_string(),
            yuan(fen),
        ]
    });
    table.to_string()
}

fn failure_table(items: &[ItemWire], wide: bool) -> String {
    let columns = [
        Left("批次 batch"),
        Right("行 row"),
        Left("姓名 name"),
        Left("账号 account"),
        Right("金额 yuan"),
        Left("去向 place"),
        Left("原因 reason"),
        Left("银行 bank"),
        Left("银行代码 code"),
        Left("由谁处理 who fixes"),
    ];
    let table = Table::of(columns, items, |item| {
        let text = |value: &Option<String>| value.clone().unwrap_or_default();
        [
            item.batch.clone(),
            item.row.to_string(),
            item.name.clone(),
            item.account.clone(),
            yuan(item.amount_fen),
            words::place_of(&item.place),
            text(&item.reason_zh),
            item.bank.clone(),
            text(&item.bank_code),
            text(&item.fix_by_zh),
        ]
    });
    table.fitted(wide, &[8, 7, 3])
}

pub(super) async fn accounts(client: &Client, of: &Accounts, out: Out) -> Result<(), Failure> {
    let accounts: Vec<AccountWire> = client.list(&["accounts"], &[]).await?;
    out.show(&accounts, |accounts| {
        let columns = [
            Left("项目 project"),
            Left("银行 bank"),
            Left("专户 account"),
            Right("累计入账 deposited"),
            Right("余额 balance"),
            Right("已占用 reserved"),
            Right("可用 free"),
            Right("透支 overdrawn"),
            Right("缺款 short"),
            Left("自 since"),
        ];
        let table = Table::of(columns, accounts, |account| {
            [
                account.project.clone(),
                account.bank.clone(),
                account.account.clone(),
                yuan(account.deposited_fen),
                yuan(account.balance_fen),
                yuan(account.reserved_fen),
                yuan(account.free_fen),
                yuan(account.overdrawn_fen),
                yuan(account.short_fen),
                account
                    .short_since
                    .as_deref()
                    .map_or_else(String::new, words::moment),
            ]
        });
        table.fitted(of.wide, &[3, 1, 7, 9])
    })
}

/// Attempts of one bank with one outcome.
#[derive(Serialize)]
struct Sum {
    bank: String,
    outcome: String,
    #[serde(flatten)]
    figures: Figures,
}

pub(super) async fn outcomes(
    client: &Client,
    outcomes: &Outcomes,
    out: Out,
) -> Result<(), Failure> {
    if outcomes.csv {
        return export(client, outcomes.out.as_ref()).await;
    }
    let mut lines = Lines::default();
    let mut sums: BTreeMap<(String, String), Figures> = BTreeMap::new();
    pass(client, |piece| {
        lines.feed(piece, |line| {
            if let [_, _, bank, _, _, _, fen, outcome] = line.split(',').collect::<Vec<_>>()[..]
                && let Ok(fen) = fen.parse()
            {
                add(sums.entry((bank.into(), outcome.into())).or_default(), fen);
            }
        });
        Ok(())
    })
    .await?;
    let sums: Vec<Sum> = sums
        .into_iter()
        .map(|((bank, outcome), figures)| Sum {
            bank,
            outcome,
            figures,
        })
        .collect();
    out.show(&sums, |sums| {
        let table = Table::of(
            [
                Left("银行 bank"),
                Left("去向 outcome"),
                Right("人次 attempts"),
                Right("金额 yuan"),
            ],
            sums,
            |sum| {
                [
                    sum.bank.clone(),
                    words::place_of(&sum.outcome),
                    sum.figures.count.to_string(),
                    yuan(sum.figures.fen),
                ]
            },
        );
        table.to_string()
    })
}

/// Complete lines out of pieces that end anywhere.
#[derive(Default)]
struct Lines(Vec<u8>);

impl Lines {
    fn feed(&mut self, piece: &[u8], mut each: impl FnMut(&str)) {
        self.0.extend_from_slice(piece);
        let whole = self
            .0
            .iter()
            .rposition(|byte| *byte == b'\n')
            .map_or(0, |at| at + 1);
        let lines: Vec<u8> = self.0.drain(..whole).collect();
        String::from_utf8_lossy(&lines).lines().for_each(&mut each);
    }
}

async fn export(client: &Client, file: Option<&PathBuf>) -> Result<(), Failure> {
    let Some(file) = file else {
        let mut out = std::io::stdout().lock();
        return pass(client, |piece| out.write_all(piece)).await;
    };
    let mut private = Private::begin(file)?;
    pass(client, |piece| private.write(piece)).await?;
    private.end()
}

/// Hands over the export piece by piece as it comes; one that breaks off is an error.
async fn pass(
    client: &Client,
    mut take: impl FnMut(&[u8]) -> std::io::Result<()>,
) -> Result<(), Failure> {
    let mut response = client.open(&["outcomes"], &[]).await?;
    while let Some(piece) = response.chunk().await.map_err(|error| {
        Failure::Unreachable(format!("the export broke off: {}", causes(&error)))
    })? {
        match take(&piece) {
            Ok(()) => {}
            // Whoever reads has seen enough (`| head`).
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => return Ok(()),
            Err(error) => return Err(Failure::here(error)),
        }
    }
    Ok(())
}

fn add(figures: &mut Figures, fen: i64) {
    *figures = Figures {
        count: figures.count.saturating_add(1),
        fen: figures.fen.saturating_add(fen),
    };
}
