//! Figures for Prometheus, in its text form. All but the counters are asked of the store at each look, so that every gateway tells the same and
//! nothing has to be kept in step; a store that does not answer is itself a figure.

use std::fmt::{Display, Write as _};

use actix_web::HttpResponse;
use jiff::Timestamp;
use wagegate_domain::attempt::State;

use super::{
    ask::Ask,
    health::{evidence_fault, in_time},
    problem::Problem,
};
use crate::{
    security::access::Target,
    store::{AccountFigures, Figures, LinkView, StoreError, TaskFigures, TaskKind},
};

/// The text form of Prometheus.
const KIND: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Figures for Prometheus; they are told without a store too.
#[utoipa::path(
    get, path = "/v1/metrics",
    responses((status = 200, description = "Prometheus text, version 0.0.4", body = String, content_type = "text/plain"))
)]
pub(super) async fn show(ask: Ask) -> Result<HttpResponse, Problem> {
    ask.may(Target::Gateway)?;
    let now = ask.now();
    let told = in_time(look(&ask, now)).await;
    let kept = evidence_fault(&ask).await.is_none();
    let mut page = Exposition::default();
    let reached = [("", u8::from(told.is_some()))];
    page.gauge("store_reachable", "1 where the database answers", reached);
    let reached = [("", u8::from(kept))];
    page.gauge(
        "evidence_reachable",
        "1 where documents can be kept",
        reached,
    );
    of_this_process(&ask, now, &mut page);
    if let Some(told) = told {
        of_tasks(&told.figures.tasks, now, &mut page);
        of_money(&told.figures, now, &mut page);
        of_short(&told.short, now, &mut page);
        of_banks(&told.links, now, &mut page);
    }
    Ok(HttpResponse::Ok().content_type(KIND).body(page.0))
}

/// What the store says of all this.
struct Told {
    figures: Figures,
    links: Vec<LinkView>,
    short: Vec<AccountFigures>,
}

async fn look(ask: &Ask, now: Timestamp) -> Result<Told, StoreError> {
    let store = ask.store();
    Ok(Told {
        figures: store.figures(now).await?,
        links: store.links().await?,
        short: store.short_accounts().await?,
    })
}

fn of_this_process(ask: &Ask, now: Timestamp, page: &mut Exposition) {
    let vitals = &ask.api.gateway.vitals;
    for (name, count) in vitals.counts() {
        let help = match name {
            "sends" => "Instructions that this process began to send",
            "queries" => "Queries to banks by this process",
            "collects" => "Looks for returns by this process",
            _ => "Facts that this process recorded",
        };
        page.counter(&format!("{name}_total"), help, [("", count)]);
    }
    let failed = vitals.failed_steps();
    let failed = failed.map(|(kind, count)| (label("kind", kind.code()), count));
    page.counter(
        "steps_failed_total",
        "Steps of this process that failed on our side",
        failed,
    );
    let full = [("", u8::from(vitals.full_lately(now).is_some()))];
    page.gauge(
        "disk_full",
        "1 where a disk was found full in the last minutes",
        full,
    );
    let dated = ask.api.dated.iter().map(|dated| dated.look(now));
    let days = dated.filter_map(|seen| Some((label("what", &seen.what), seen.days?)));
    page.gauge(
        "certificate_days_left",
        "Whole days to the end of a certificate or revocation list",
        days,
    );
}

fn of_tasks(tasks: &[TaskFigures], now: Timestamp, page: &mut Exposition) {
    let of = |kind: TaskKind| tasks.iter().find(|figures| figures.kind == kind);
    let counts = TaskKind::ALL.into_iter().flat_map(|kind| {
        let (waiting, leased, failing) =
            of(kind).map_or((0, 0, 0), |of| (of.waiting, of.leased, of.failing));
        [
            ("waiting", waiting),
            ("leased", leased),
            ("failing", failing),
        ]
        .map(|(state, count)| {
            (
                format!("{},{}", label("kind", kind.code()), label("state", state)),
                count,
            )
        })
    });
    page.gauge(
        "tasks",
        "Tasks that wait, are in hand, or failed more than three times in a row",
        counts,
    );
    let oldest = tasks.iter().filter_map(|of| of.oldest_due).min();
    page.gauge(
        "oldest_due_seconds",
        "Age of the oldest task that is due and in nobody's hands",
        [("", age(oldest, now))],
    );
}

fn of_money(figures: &Figures, now: Timestamp, page: &mut Exposition) {
    let instructions = State::ALL.into_iter().map(|state| {
        let found = figures
            .instructions
            .iter()
            .find(|(other, _)| *other == state);
        (
            label("state", state.code()),
            found.map_or(0, |(_, count)| *count),
        )
    });
    page.gauge("instructions", "Instructions by state", instructions);
    let (open, oldest) = figures.suspense;
    for (name, help, value) in [
        (
            "in_doubt_oldest_seconds",
            "Age of the oldest instruction in doubt",
            age(figures.oldest_in_doubt, now),
        ),
        (
            "suspense_open",
            "What banks said that matches nothing",
            signed(open),
        ),
        (
            "suspense_oldest_seconds",
            "Age of the oldest of it",
            age(oldest, now),
        ),
        (
            "accounts_overdrawn",
            "Special accounts of which a bank took more than they held",
            signed(figures.overdrawn_accounts),
        ),
    ] {
        page.gauge(name, help, [("", value)]);
    }
}

fn of_short(short: &[AccountFigures], now: Timestamp, page: &mut Exposition) {
    let since = short.iter().filter_map(|account| account.waiting.as_ref());
    let oldest = since.map(|waiting| waiting.since).min();
    page.gauge(
        "accounts_short",
        "Special accounts that lack money for what was released; a hundred at most",
        [("", short.len())],
    );
    page.gauge(
        "short_oldest_seconds",
        "How long the first of them has waited",
        [("", age(oldest, now))],
    );
}

fn of_banks(links: &[LinkView], now: Timestamp, page: &mut Exposition) {
    let bank = |view: &LinkView| label("bank", &view.bank);
    let away = links
        .iter()
        .map(|view| (bank(view), u8::from(view.link.open.is_some())));
    page.gauge(
        "bank_away",
        "1 while a bank is left alone or tried because it did not answer",
        away,
    );
    let failures = links.iter().map(|view| (bank(view), view.link.failures));
    page.gauge(
        "bank_failures",
        "Calls in a row without an answer",
        failures,
    );
    let since = links
        .iter()
        .filter_map(|view| Some((bank(view), age(Some(view.link.last_success?), now))));
    page.gauge(
        "bank_seconds_since_success",
        "Since a bank answered last",
        since,
    );
    let skew = links
        .iter()
        .filter_map(|view| Some((bank(view), seconds(view.link.skew?.ms))));
    page.gauge("bank_clock_skew_seconds", "A bank's clock less ours", skew);
}

/// Whole seconds; nought where there is nothing that grows old.
fn age(since: Option<Timestamp>, now: Timestamp) -> i64 {
    since.map_or(0, |since| now.duration_since(since).as_secs().max(0))
}

fn signed(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// Milliseconds as seconds.
fn seconds(ms: i64) -> String {
    let sign = if ms < 0 { "-" } else { "" };
    let ms = ms.unsigned_abs();
    format!("{sign}{}.{:03}", ms / 1_000, ms % 1_000)
}

fn label(name: &str, value: &str) -> String {
    let value = value
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n");
    format!("{name}=\"{value}\"")
}

/// A page of figures as it grows.
#[derive(Default)]
struct Exposition(String);

impl Exposition {
    fn gauge<L: AsRef<str>, V: Display>(
        &mut self,
        name: &str,
        help: &str,
        samples: impl IntoIterator<Item = (L, V)>,
    ) {
        self.family((name, "gauge", help), samples);
    }

    fn counter<L: AsRef<str>, V: Display>(
        &mut self,
        name: &str,
        help: &str,
        samples: impl IntoIterator<Item = (L, V)>,
    ) {
        self.family((name, "counter", help), samples);
    }

    fn family<L: AsRef<str>, V: Display>(
        &mut self,
        (name, kind, help): (&str, &str, &str),
        samples: impl IntoIterator<Item = (L, V)>,
    ) {
        self.line(format_args!("# HELP wagegate_{name} {help}"));
        self.line(format_args!("# TYPE wagegate_{name} {kind}"));
        for (labels, value) in samples {
            match labels.as_ref() {
                "" => self.line(format_args!("wagegate_{name} {value}")),
                labels => self.line(format_args!("wagegate_{name}{{{labels}}} {value}")),
            }
        }
    }

    fn line(&mut self, text: std::fmt::Arguments<'_>) {
        writeln!(self.0, "{text}").expect("a text in memory takes every line");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_written_as_prometheus_reads_them() {
        let mut page = Exposition::default();
        let skews = [("a", -1_500), ("b\"\\", 61_005)];
        let skews = skews.map(|(bank, ms)| (label("bank", bank), seconds(ms)));
        page.gauge("skew_seconds", "How far", skews);
        page.counter("sends_total", "How many", [("", 3)]);
        assert_eq!(
            page.0,
            "# HELP wagegate_skew_seconds How far\n# TYPE wagegate_skew_seconds gauge\n\
             wagegate_skew_seconds{bank=\"a\"} -1.500\nwagegate_skew_seconds{bank=\"b\\\"\\\\\"} 61.005\n\
             # HELP wagegate_sends_total How many\n# TYPE wagegate_sends_total counter\nwagegate_sends_total 3\n"
        );
    }
}
