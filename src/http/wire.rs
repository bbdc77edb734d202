//! Small parts that several wire types share.

use std::collections::BTreeMap;

use super::{problem::Problem, refusal::bad_request};
use actix_web::{HttpResponse, http::StatusCode};
use jiff::civil::Date;
use serde::{Deserialize, Deserializer, Serialize, de::Error as _};
use wagegate_domain::{PayMonth, indicator::Tally, outcome::Place};

/// Count and sum of some wage items.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Figures {
    pub count: u64,
    pub fen: i64,
}

/// Figures by the code of the place; all six are there.
pub type Places = BTreeMap<String, Figures>;

/// The tally for the wire.
pub fn places(tally: &Tally) -> Places {
    let figures = |place: Place| {
        let (count, fen) = tally.at(place);
        (
            place.code().to_owned(),
            Figures {
                count,
                fen: fen.get(),
            },
        )
    };
    Place::ALL.into_iter().map(figures).collect()
}

/// One page of a list; `next` goes into `after` of the next request and is absent on the last page.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Page<T> {
    pub items: Vec<T>,
    pub next: Option<String>,
}

impl<W> Page<W> {
    /// The first `limit` of what was found; one more than that shows that there is a next page.
    pub(super) fn of<T>(mut found: Vec<T>, limit: u32, cursor: impl Fn(&T) -> String) -> Self
    where
        W: From<T>,
    {
        let limit = limit as usize;
        let more = found.len() > limit;
        found.truncate(limit);
        Self {
            next: found.last().filter(|_| more).map(cursor),
            items: found.into_iter().map(W::from).collect(),
        }
    }
}

const PAGE: u32 = 200;
const PAGE_MAX: u32 = 1_000;

/// How many items a page has, from what was asked for.
pub(super) fn size(limit: Option<u32>) -> Result<u32, Problem> {
    match limit.unwrap_or(PAGE) {
        limit @ 1..=PAGE_MAX => Ok(limit),
        _ => Err(bad_request("limit is 1 to 1000")),
    }
}

/// Which page, of a list in the order of codes.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct AfterCode {
    /// The `next` of the page before.
    #[param(min_length = 1, max_length = 200)]
    pub(super) after: Option<String>,
    /// Items on the page, 1 to 1000; 200 where not given.
    #[param(minimum = 1, maximum = 1000)]
    pub(super) limit: Option<u32>,
}

/// Which page, of a list in the order of its keeping.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct AfterId {
    /// The `next` of the page before.
    #[param(value_type = Option<String>, pattern = "^[0-9]{1,18}$")]
    pub(super) after: Option<u64>,
    /// Items on the page, 1 to 1000; 200 where not given.
    #[param(minimum = 1, maximum = 1000)]
    pub(super) limit: Option<u32>,
}

/// The key after which a page begins.
pub(super) fn key(after: Option<u64>) -> Result<Option<i64>, Problem> {
    let key = after.map(i64::try_from).transpose();
    key.map_err(|_| bad_request("after is the `next` of the page before"))
}

pub(super) fn month<'de, D: Deserializer<'de>>(from: D) -> Result<PayMonth, D::Error> {
    PayMonth::parse(&String::deserialize(from)?).map_err(D::Error::custom)
}

pub(super) fn month_if_any<'de, D: Deserializer<'de>>(
    from: D,
) -> Result<Option<PayMonth>, D::Error> {
    month(from).map(Some)
}

pub(super) fn day_if_any<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Date>, D::Error> {
    let text = String::deserialize(from)?;
    let day = text.parse::<Date>().ok();
    let day = day.filter(|day| day.to_string() == text);
    day.map(Some)
        .ok_or_else(|| D::Error::custom("a day is written as 2026-10-01"))
}

/// 200 with JSON.
pub(super) fn ok(body: &impl Serialize) -> HttpResponse {
    with(StatusCode::OK, body)
}

pub(super) fn with(status: StatusCode, body: &impl Serialize) -> HttpResponse {
    HttpResponse::build(status).json(body)
}
