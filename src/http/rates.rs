//! The payment rate (工资代发率) of a month by prefecture, county or project.

use actix_web::HttpResponse;
use serde::{Deserialize, Serialize};
use wagegate_domain::{Fen, PayMonth, indicator::Tally};

use super::{
    ask::Ask,
    problem::Problem,
    wire::{self, Figures, Places, ok, places},
};
use crate::{
    report::{self, Rates},
    security::{
        access::{Denied, Target},
        principal::Scope,
    },
    store::{Level, RateLine},
};

/// The report.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct RatesWire {
    pub month: String,
    pub level: LevelWire,
    /// The figures are those of this moment.
    pub as_of: String,
    /// The formula, with its version.
    pub definition: String,
    pub lines: Vec<RateWire>,
    /// The sum of the lines.
    pub total: RateWire,
}

/// One line of it.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct RateWire {
    /// Region or project code; empty for the total.
    pub code: String,
    pub name: String,
    /// Projects with a released batch in the month.
    pub projects: u64,
    /// Projects under construction there, by the department's count.
    pub base_projects: Option<u32>,
    /// Released wages: what the rates are of.
    pub all: Figures,
    pub places: Places,
    /// Wages on sheets that await review or release, beside all that.
    pub awaiting: Figures,
    /// Percent with two decimals, as text; absent without items.
    pub rate_by_count: Option<String>,
    pub rate_by_amount: Option<String>,
}

/// What a line stands for.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum, utoipa::ToSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum LevelWire {
    Prefecture,
    County,
    Project,
}

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct Query {
    /// A pay month, such as 2026-10.
    #[param(value_type = String, pattern = "^2[01][0-9]{2}-(0[1-9]|1[0-2])$", example = "2026-10")]
    #[serde(deserialize_with = "wire::month")]
    month: PayMonth,
    /// What the lines are: prefecture, county or project.
    #[param(inline)]
    level: LevelWire,
}

/// The payment rate of a month.
#[utoipa::path(
    get, path = "/v1/rates", params(Query), responses((status = 200, body = RatesWire))
)]
pub(super) async fn show(ask: Ask) -> Result<HttpResponse, Problem> {
    let query: Query = ask.query()?;
    let level = match query.level {
        LevelWire::Prefecture => Level::Prefecture,
        LevelWire::County => Level::County,
        LevelWire::Project => Level::Project,
    };
    let of_projects = matches!(ask.caller.scope, Scope::Projects(_));
    if of_projects && level != Level::Project {
        return Err(Denied::Scope.into());
    }
    let sees = |line: &RateLine| match level {
        Level::Project => ask.may_project(&line.code, line.region).is_ok(),
        Level::County | Level::Prefecture => {
            ask.may(Target::Region(&line.region.to_string())).is_ok()
        }
    };
    let rates = report::rates(ask.store(), query.month, level, ask.now(), sees).await?;
    Ok(ok(&wire(&rates, query.level)))
}

fn wire(rates: &Rates, level: LevelWire) -> RatesWire {
    RatesWire {
        month: rates.month.to_string(),
        level,
        as_of: rates.as_of.to_string(),
        definition: rates.definition.into(),
        lines: rates
            .lines
            .iter()
            .map(|line| {
                rate(
                    &line.code,
                    &line.name,
                    line.projects,
                    line.base_projects,
                    line.awaiting,
                    &line.tally,
                )
            })
            .collect(),
        total: rate(
            "",
            "合计",
            rates.total.projects,
            rates.total.base_projects,
            rates.total.awaiting,
            &rates.total.tally,
        ),
    }
}

fn rate(
    code: &str,
    name: &str,
    projects: u64,
    base_projects: Option<u32>,
    (awaiting, awaiting_fen): (u64, Fen),
    tally: &Tally,
) -> RateWire {
    let (count, fen) = tally.all().unwrap_or_default();
    RateWire {
        code: code.into(),
        name: name.into(),
        projects,
        base_projects,
        all: Figures {
            count,
            fen: fen.get(),
        },
        places: places(tally),
        awaiting: Figures {
            count: awaiting,
            fen: awaiting_fen.get(),
        },
        rate_by_count: tally.rate_by_count().map(|rate| format!("{rate:.2}")),
        rate_by_amount: tally.rate_by_amount().map(|rate| format!("{rate:.2}")),
    }
}
