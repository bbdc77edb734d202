//! Cards and the words on them: which one wages go to, how each stands, and what banks and people said of it.

use sqlx::{QueryBuilder, SqliteConnection, SqlitePool};

use super::facts::Source;
use super::people::{self, Card};
use super::roster::{self, list, project_id, refuse_shared};
use super::{CHUNK, audit, versions, workers, write};
use crate::store::booking::Booking;
use crate::store::cards::Replacement;
use crate::store::chain::Act;
use crate::store::columns::Columns;
use crate::store::enrolment::{CardChange, Known, NewWord, state_card, words_of};
use crate::store::versions::Versions;
use crate::store::{CardRuling, CardView, CardWord, Conflict, SealedCard, Speaker, StoreError};

impl<'a> Card<'a> {
    pub(super) fn of(worker: i64, card: &'a SealedCard) -> Self {
        Self {
            worker,
            blind: &card.blind,
            account_blind: &card.account_blind,
            sealed: &card.sealed,
            cnaps: card.cnaps.as_deref(),
        }
    }
}

/// Loads which card is whose, and every word on those and on the ones claimed.
pub(super) async fn known(
    tx: &mut SqliteConnection,
    known: &mut Known,
    workers: &[i64],
    claimed: &[i64],
) -> Result<(), StoreError> {
    let mut query =
        QueryBuilder::new("SELECT worker_id, binding_id FROM current_card WHERE worker_id IN (");
    list(&mut query, workers);
    for row in &query.push(")").build().fetch_all(&mut *tx).await? {
        known
            .current
            .insert(row.int("worker_id")?, row.int("binding_id")?);
    }
    let cards: Vec<i64> = known.current.values().chain(claimed).copied().collect();
    for word in words(tx, &cards).await? {
        known.words.entry(word.card).or_default().push(word);
    }
    Ok(())
}

/// Every word on some cards, in order.
pub(super) async fn words(
    connection: &mut SqliteConnection,
    cards: &[i64],
) -> Result<Vec<CardWord>, StoreError> {
    let mut query = QueryBuilder::new(
        "SELECT binding_id, version, kind, status, reason, evidence, by_whom, at FROM card_status WHERE binding_id IN (",
    );
    list(&mut query, cards);
    query.push(") ORDER BY binding_id, version");
    let rows = query.build().fetch_all(connection).await?;
    rows.iter().map(CardWord::read).collect()
}

/// Wages go to these cards from now on.
pub(super) async fn change(
    tx: &mut SqliteConnection,
    changes: &[(i64, CardChange)],
) -> Result<(), StoreError> {
    if changes.is_empty() {
        return Ok(());
    }
    QueryBuilder::new("INSERT INTO current_card (worker_id, binding_id) ")
        .push_values(changes, |mut values, (worker, change)| {
            values.push_bind(*worker).push_bind(change.to);
        })
        .push(" ON CONFLICT (worker_id) DO UPDATE SET binding_id = excluded.binding_id")
        .build()
        .execute(tx)
        .await?;
    Ok(())
}

/// Appends words, at most one on a card.
pub(super) async fn append(
    tx: &mut SqliteConnection,
    words: &[NewWord],
    by: &str,
    at: i64,
) -> Result<(), StoreError> {
    for part in words.chunks(CHUNK) {
        QueryBuilder::new("WITH new (card, kind, status, reason, evidence) AS (")
            .push_values(part, |mut values, word| {
                values
                    .push_bind(word.card)
                    .push_bind(word.kind.code())
                    .push_bind(word.status.code())
                    .push_bind(word.reason.map(|reason| reason.code()))
                    .push_bind(word.evidence.map(|hash| hash.to_vec()));
            })
            .push(
                ") INSERT INTO card_status (binding_id, version, kind, status, reason, evidence, by_whom, at)
                   SELECT card, 1 + COALESCE((SELECT max(version) FROM card_status s WHERE s.binding_id = new.card), 0),
                     kind, status, reason, evidence, ",
            )
            .push_bind(by)
            .push(", ")
            .push_bind(at)
            .push(" FROM new")
            .build()
            .execute(&mut *tx)
            .await?;
    }
    Ok(())
}

/// What a bank's document says of the cards that wages went to, with the document as evidence. A refusal stands whatever was before; a wage that
/// was paid verifies a card unless it was refused after that wage was planned, or replaced; a contradiction takes back what its one half said.
pub(super) async fn heard(
    tx: &mut SqliteConnection,
    source: Source,
    booking: &Booking,
) -> Result<(), StoreError> {
    for part in booking.card_sayings().chunks(CHUNK) {
        QueryBuilder::new("WITH told (card, planned_at, status, reason) AS (")
            .push_values(part, |mut values, saying| {
                values
                    .push_bind(saying.card)
                    .push_bind(saying.planned_at.as_millisecond())
                    .push_bind(saying.status.code())
                    .push_bind(saying.reason.map(|reason| reason.code()));
            })
            .push(
                ") INSERT INTO card_status (binding_id, version, kind, status, reason, evidence, by_whom, at)
                 SELECT told.card, COALESCE(s.version, 0) + 1, COALESCE(s.kind, 'unknown'), told.status, told.reason, r.hash,
                   'wagegate://bank/' || r.bank, ",
            )
            .push_bind(source.at.as_millisecond())
            .push(
                " FROM told CROSS JOIN raw_document r LEFT JOIN card_status s ON s.binding_id = told.card
                   AND s.version = (SELECT max(v.version) FROM card_status v WHERE v.binding_id = told.card)
                 WHERE (s.status IS NULL OR s.status = 'unverified'
                   OR (told.status = 'invalid' AND (s.status <> 'invalid' OR s.reason IS NOT told.reason))
                   OR (told.status = 'verified' AND s.status = 'invalid' AND s.at <= told.planned_at)
                   OR (told.status = 'unverified' AND (s.status = 'verified' OR (s.status = 'invalid' AND s.at > told.planned_at))))
                   AND (s.status IS NULL OR s.status <> told.status OR told.status = 'invalid') AND r.id = ",
            )
            .push_bind(source.raw)
            .build()
            .execute(&mut *tx)
            .await?;
    }
    Ok(())
}

pub(super) async fn rule(pool: &SqlitePool, ruling: &CardRuling) -> Result<CardView, StoreError> {
    let mut tx = write(pool).await?;
    let before = workers::card(&mut tx, ruling.card).await?;
    let words = words(&mut tx, &[ruling.card]).await?;
    if ruling.unsettles(before.status) {
        let (worker, within) = ([before.worker], &ruling.within);
        let others = roster::on_sites_of_others(&mut tx, &worker, within, ruling.today).await?;
        if !others.is_empty() {
            return Err(Conflict::by_hand().into());
        }
    }
    let Some(word) = ruling.word(before.kind, &words)? else {
        return Ok(before);
    };
    append(&mut tx, &[word], &ruling.by, ruling.at.as_millisecond()).await?;
    let (subject, detail) = (ruling.card.to_string(), ruling.detail(before.status));
    let after = workers::card(&mut tx, ruling.card).await?;
    let act = Act {
        at: ruling.at,
        who: &ruling.by,
        action: "card.status",
        subject: &subject,
        detail: &detail,
        before: Some(before.print()),
        after: Some(after.print()),
    };
    audit::record(&mut tx, &act).await?;
    tx.commit().await?;
    Ok(after)
}

pub(super) async fn replace(
    pool: &SqlitePool,
    replacement: &Replacement<'_>,
) -> Result<CardView, StoreError> {
    let Replacement {
        worker,
        card,
        speaker: Speaker { by, at, .. },
        ..
    } = *replacement;
    let mut tx = write(pool).await?;
    let project = project_id(&mut tx, replacement.project).await?;
    workers::must_be_on(&mut tx, project, worker).await?;
    let kept = people::keep_cards(&mut tx, &[Card::of(worker, card)]).await?;
    let mut cards = Known::default();
    known(&mut tx, &mut cards, &[worker], &kept).await?;
    let Speaker { within, today, .. } = replacement.speaker;
    cards.on_sites_of_others =
        roster::on_sites_of_others(&mut tx, &[worker], within, today).await?;
    let to = kept.first().copied().ok_or_else(people::lost)?;
    if cards.holds_card(worker, to) {
        return Err(Conflict::by_hand().into());
    }
    let change = CardChange {
        row: 0,
        from: cards.current.get(&worker).copied(),
        to,
        kind: cards.kind(to, card.kind),
    };
    let mut stated = Versions::default();
    state_card(&mut stated, worker, &change);
    let appended = versions::append(&mut tx, &stated, by, at.as_millisecond()).await?;
    if appended.is_empty() {
        return workers::card(&mut tx, to).await;
    }
    let before = match change.from {
        Some(former) => Some(workers::card(&mut tx, former).await?.print()),
        None => None,
    };
    self::change(&mut tx, &[(worker, change)]).await?;
    let words = words_of(&change, &cards);
    append(&mut tx, &words, by, at.as_millisecond()).await?;
    refuse_shared(&mut tx, &[(worker, 0)]).await?;
    let (subject, detail) = (worker.to_string(), replacement.detail(change.from, to));
    let after = workers::card(&mut tx, to).await?;
    let act = Act {
        at,
        who: by,
        action: "card.replace",
        subject: &subject,
        detail: &detail,
        before,
        after: Some(after.print()),
    };
    audit::record(&mut tx, &act).await?;
    tx.commit().await?;
    Ok(after)
}
