//! Small parts that several wire types share.

use std::collections::BTreeMap;

use actix_web::{HttpResponse, http::StatusCode};
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

/// A page of at most `limit` out of one more than that.
pub(super) fn page<T, W: From<T>>(
    mut found: Vec<T>,
    limit: u32,
    cursor: impl Fn(&T) -> String,
) -> Page<W> {
    let more = found.len() > limit as usize;
    found.truncate(limit as usize);
    Page {
        next: found.last().filter(|_| more).map(cursor),
        items: found.into_iter().map(W::from).collect(),
    }
}

pub(super) fn month<'de, D: Deserializer<'de>>(from: D) -> Result<PayMonth, D::Error> {
    PayMonth::parse(&String::deserialize(from)?).map_err(D::Error::custom)
}

pub(super) fn month_if_any<'de, D: Deserializer<'de>>(
    from: D,
) -> Result<Option<PayMonth>, D::Error> {
    month(from).map(Some)
}

/// 200 with JSON.
pub(super) fn ok(body: &impl Serialize) -> HttpResponse {
    with(StatusCode::OK, body)
}

pub(super) fn with(status: StatusCode, body: &impl Serialize) -> HttpResponse {
    HttpResponse::build(status).json(body)
}
