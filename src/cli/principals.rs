//! Who is known and which certificates count, on the command line: look, admit, suspend, restore, move, revoke.

use std::{fs, path::PathBuf};

use clap::{Args, Subcommand, ValueEnum};
use serde::{Serialize, de::DeserializeOwned};

use super::{
    Failure, Out,
    client::Client,
    table::{Column::Left, Column::Right, Table},
    words,
};
use crate::{
    http::{
        principals::{
            CertificateWire, MeWire, PrincipalWire, RevokeDoneWire, RevokeWire, ScopeWire,
        },
        wire::Page,
    },
    security::principal::{PrincipalEntry, Role},
};

#[derive(Debug, Subcommand)]
pub(super) enum Principal {
    /// Admit somebody: the certificate then lets them in.
    Add(Add),
    /// Show every version of somebody.
    Show(Named),
    /// Refuse somebody from the next request on, on every gateway.
    Suspend(Named),
    /// Let a suspended principal in again.
    Restore(Named),
    /// Give somebody other projects or another region.
    Scope(Move),
}

#[derive(Debug, Args)]
pub(super) struct Named {
    /// NAME of a user, or bank:CODE.
    name: String,
}

#[derive(Debug, Args)]
pub(super) struct Add {
    /// NAME of a user, as in the certificate's wagegate://user/NAME.
    name: String,
    /// What they work at: clerk, reviewer, approver, finance, supervisor or operator.
    #[arg(long, value_parser = role)]
    role: Role,
    #[command(flatten)]
    place: Place,
}

#[derive(Debug, Args)]
pub(super) struct Move {
    /// NAME of a user.
    name: String,
    #[command(flatten)]
    place: Place,
}

#[derive(Debug, Args)]
pub(super) struct Place {
    /// Project codes, for clerk, reviewer, approver and finance.
    #[arg(long = "project", value_name = "CODE")]
    projects: Vec<String>,
    /// Region code (GB/T 2260), for a supervisor.
    #[arg(long)]
    region: Option<String>,
}

impl Place {
    /// What the gateway would refuse, in the words of the command line.
    fn fits(&self, role: Role) -> Result<(), Failure> {
        let wrong = match (role, self.projects.is_empty(), self.region.is_some()) {
            (Role::Operator, true, false)
            | (Role::Supervisor, true, true)
            | (Role::Clerk | Role::Reviewer | Role::Approver | Role::Finance, false, false) => {
                return Ok(());
            }
            (Role::Operator, _, _) => {
                "an operator sees everything: leave out --project and --region"
            }
            (Role::Supervisor, _, _) => {
                "a supervisor has a region: give --region CODE and no --project"
            }
            (Role::Clerk | Role::Reviewer | Role::Approver | Role::Finance, _, _) => {
                "this role has projects: give --project CODE, once for each, and no --region"
            }
            (Role::Bank, _, _) => "banks come from the [[bank]] entries of the configuration",
        };
        Err(Failure::here(wrong))
    }
}

#[derive(Debug, Subcommand)]
pub(super) enum Certificate {
    /// Revoke a certificate for ever, on every gateway at once.
    Revoke(Revoke),
}

#[derive(Debug, Args)]
pub(super) struct Revoke {
    /// The certificate, PEM.
    #[arg(long, required_unless_present = "serial", conflicts_with_all = ["issuer", "serial"])]
    pem: Option<PathBuf>,
    /// The issuer as `certificates` shows it with --json.
    #[arg(long, requires = "serial")]
    issuer: Option<String>,
    /// The serial number, hex.
    #[arg(long, requires = "issuer")]
    serial: Option<String>,
    /// Why.
    #[arg(long, value_enum)]
    reason: Reason,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Reason {
    /// The key is lost, or somebody else may have it.
    KeyCompromise,
    /// Its holder left.
    Left,
    /// Its holder has a newer one.
    Superseded,
    Unspecified,
}

pub(super) async fn list(client: &Client, out: Out) -> Result<(), Failure> {
    let all: Vec<PrincipalWire> = every(client, "principals").await?;
    out.show(&all, |all| versions(all))
}

pub(super) async fn run(client: &Client, what: Principal, out: Out) -> Result<(), Failure> {
    let changed: PrincipalWire = match what {
        Principal::Show(Named { name }) => {
            let history: Vec<PrincipalWire> = client.get(&["principals", &name], &[]).await?;
            return out.show(&history, |history| versions(history));
        }
        Principal::Add(add) => {
            add.place.fits(add.role)?;
            let entry = PrincipalEntry {
                uri: format!("wagegate://user/{}", add.name),
                role: add.role,
                projects: add.place.projects,
                region: add.place.region,
            };
            client.post(&["principals"], &[], json(&entry)?).await?
        }
        Principal::Suspend(Named { name }) => act(client, &name, "suspend", String::new()).await?,
        Principal::Restore(Named { name }) => act(client, &name, "restore", String::new()).await?,
        Principal::Scope(Move { name, place }) => {
            let scope = ScopeWire {
                projects: place.projects,
                region: place.region,
            };
            act(client, &name, "scope", json(&scope)?).await?
        }
    };
    out.show(&changed, |changed| versions(std::slice::from_ref(changed)))
}

async fn act(
    client: &Client,
    name: &str,
    act: &str,
    body: String,
) -> Result<PrincipalWire, Failure> {
    client.post(&["principals", name, act], &[], body).await
}

pub(super) async fn certificates(client: &Client, out: Out) -> Result<(), Failure> {
    let all: Vec<CertificateWire> = every(client, "certificates").await?;
    out.show(&all, |all| {
        let columns = [
            Left("主体 whose"),
            Left("序列号 serial"),
            Left("到期 runs out"),
            Left("吊销 revoked"),
        ];
        let table = Table::of(columns, all, |one| {
            [
                one.uri.as_deref().map_or_else(|| "—".into(), short),
                one.serial.clone(),
                or_dash(&one.not_after),
                one.revoked.as_ref().map_or_else(
                    || "—".into(),
                    |gone| format!("{} {}", words::day(&gone.at), gone.reason),
                ),
            ]
        });
        table.to_string()
    })
}

pub(super) async fn revoke(
    client: &Client,
    Certificate::Revoke(what): Certificate,
    out: Out,
) -> Result<(), Failure> {
    let pem = what.pem.map(|file| {
        fs::read_to_string(&file)
            .map_err(|error| Failure::Here(format!("{}: {error}", file.display())))
    });
    let wire = RevokeWire {
        issuer: what.issuer,
        serial: what.serial,
        pem: pem.transpose()?,
        reason: what
            .reason
            .to_possible_value()
            .map(|value| value.get_name().to_owned())
            .unwrap_or_default(),
    };
    let done: RevokeDoneWire = client
        .post(&["certificates", "revoke"], &[], json(&wire)?)
        .await?;
    out.show(&done, |done| {
        let word = if done.new {
            "已吊销 revoked"
        } else {
            "早已吊销 was revoked before"
        };
        format!("{word}: {}", done.serial)
    })
}

pub(super) async fn whoami(client: &Client, out: Out) -> Result<(), Failure> {
    let me: MeWire = client.get(&["me"], &[]).await?;
    out.show(&me, |me| {
        let bank = me.bank.clone();
        let place = bank.unwrap_or_else(|| scope(me.role, &me.projects, me.region.as_deref()));
        format!(
            "身份 who       {}\n角色 role      {}\n范围 scope     {place}\n证书 runs out  {}\n可做 may       {}",
            me.uri,
            words::role(me.role),
            or_dash(&me.not_after),
            me.actions.join("\n               ")
        )
    })
}

/// Every page of a list that is never long.
async fn every<T: DeserializeOwned>(client: &Client, path: &str) -> Result<Vec<T>, Failure> {
    let mut all = Vec::new();
    let mut after = None::<String>;
    loop {
        let query: Vec<_> = after
            .iter()
            .map(|after| ("after", after.as_str()))
            .collect();
        let page: Page<T> = client.get(&[path], &query).await?;
        all.extend(page.items);
        let Some(next) = page.next else {
            return Ok(all);
        };
        after = Some(next);
    }
}

fn versions(versions: &[PrincipalWire]) -> String {
    let columns = [
        Left("主体 who"),
        Left("角色 role"),
        Left("范围 scope"),
        Left("状态 state"),
        Right("版 v"),
        Left("经手 by"),
    ];
    let table = Table::of(columns, versions, |one| {
        let state = match one.state.as_str() {
            "active" => "有效 active",
            "suspended" => "停用 suspended",
            other => other,
        };
        [
            short(&one.uri),
            words::role(one.role).into(),
            scope(one.role, &one.projects, one.region.as_deref()),
            state.into(),
            one.version.to_string(),
            short(&one.by),
        ]
    });
    table.to_string()
}

/// As `principal` takes it.
pub(super) fn short(uri: &str) -> String {
    match uri
        .strip_prefix("wagegate://")
        .and_then(|rest| rest.split_once('/'))
    {
        Some(("user", name)) => name.to_owned(),
        Some((kind, name)) => format!("{kind}:{name}"),
        None => uri.to_owned(),
    }
}

/// The first projects by name, the rest by number: somebody may have hundreds.
fn scope(role: Role, projects: &[String], region: Option<&str>) -> String {
    if role == Role::Operator {
        return "全部 all".into();
    }
    if let Some(region) = region {
        return region.to_owned();
    }
    let named: Vec<_> = projects.iter().take(3).cloned().collect();
    match projects.len().saturating_sub(named.len()) {
        0 if named.is_empty() => "—".into(),
        0 => named.join(" "),
        more => format!("{} +{more}", named.join(" ")),
    }
}

fn or_dash(moment: &Option<String>) -> String {
    moment.as_deref().map_or_else(|| "—".into(), words::moment)
}

fn role(text: &str) -> Result<Role, String> {
    Role::from_code(text).ok_or_else(|| {
        let known: Vec<_> = Role::ALL.iter().map(|role| role.code()).collect();
        format!("one of {}", known.join(", "))
    })
}

fn json(body: &impl Serialize) -> Result<String, Failure> {
    serde_json::to_string(body).map_err(Failure::here)
}
