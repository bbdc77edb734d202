//! Cards and the words on them: which one wages go to, how each stands, and what banks and people said of it.

use std::collections::HashSet;

use sqlx::{PgConnection, PgPool};

use super::columns::Columns;
use super::facts::Source;
use super::roster::{self, project_id, refuse_shared};
use super::{audit, people, versions, workers};
use crate::store::booking::Booking;
use crate::store::cards::Replacement;
use crate::store::chain::Act;
use crate::store::enrolment::{CardChange, Known, NewWord, state_card, words_of};
use crate::store::versions::Versions;
use crate::store::{CardRuling, CardView, CardWord, Conflict, Speaker, StoreError};

/// Loads which card is whose, and every word on those and on the ones claimed.
pub(super) async fn known(
    tx: &mut PgConnection,
    known: &mut Known,
    workers: &[i64],
    claimed: &[i64],
) -> Result<(), StoreError> {
    let rows =
        sqlx::query("SELECT worker_id, binding_id FROM current_card WHERE worker_id = ANY ($1)")
            .bind(workers)
            .fetch_all(&mut *tx)
            .await?;
    for row in &rows {
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
    connection: &mut PgConnection,
    cards: &[i64],
) -> Result<Vec<CardWord>, StoreError> {
    let rows = sqlx::query(
        "SELECT binding_id, version, kind, status, reason, evidence, by_whom, at FROM card_status
         WHERE binding_id = ANY ($1) ORDER BY binding_id, version",
    )
    .bind(cards)
    .fetch_all(connection)
    .await?;
    rows.iter().map(CardWord::read).collect()
}

/// Wages go to these cards from now on.
pub(super) async fn change(
    tx: &mut PgConnection,
    changes: &[(i64, CardChange)],
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO current_card (worker_id, binding_id)
         SELECT worker_id, binding_id FROM unnest($1::bigint[], $2::bigint[]) AS new (worker_id, binding_id)
         ON CONFLICT (worker_id) DO UPDATE SET binding_id = excluded.binding_id",
    )
    .bind(changes.iter().map(|(worker, _)| *worker).collect::<Vec<_>>())
    .bind(changes.iter().map(|(_, change)| change.to).collect::<Vec<_>>())
    .execute(tx)
    .await?;
    Ok(())
}

/// Appends words, at most one on a card. Where a bank's word came at the same moment, ours follows it.
pub(super) async fn append(
    tx: &mut PgConnection,
    words: &[NewWord],
    by: &str,
    at: i64,
) -> Result<(), StoreError> {
    let mut unsaid: Vec<&NewWord> = words.iter().collect();
    while !unsaid.is_empty() {
        let said = say(tx, &unsaid, by, at).await?;
        unsaid.retain(|word| !said.contains(&word.card));
    }
    Ok(())
}

/// Appends what has a version of its own; gives the cards of those.
async fn say(
    tx: &mut PgConnection,
    words: &[&NewWord],
    by: &str,
    at: i64,
) -> Result<HashSet<i64>, StoreError> {
    let rows = sqlx::query(
        "INSERT INTO card_status (binding_id, version, kind, status, reason, evidence, by_whom, at)
         SELECT card, 1 + COALESCE((SELECT max(version) FROM card_status s WHERE s.binding_id = new.card), 0), kind, status, reason, evidence, $1, $2
         FROM unnest($3::bigint[], $4::text[], $5::text[], $6::text[], $7::bytea[]) AS new (card, kind, status, reason, evidence) ORDER BY card
         ON CONFLICT (binding_id, version) DO NOTHING RETURNING binding_id",
    )
    .bind(by)
    .bind(at)
    .bind(words.iter().map(|word| word.card).collect::<Vec<_>>())
    .bind(words.iter().map(|word| word.kind.code()).collect::<Vec<_>>())
    .bind(words.iter().map(|word| word.status.code()).collect::<Vec<_>>())
    .bind(words.iter().map(|word| word.reason.map(|reason| reason.code())).collect::<Vec<_>>())
    .bind(words.iter().map(|word| word.evidence.map(|hash| hash.to_vec())).collect::<Vec<_>>())
    .fetch_all(tx)
    .await?;
    rows.iter().map(|row| row.int("binding_id")).collect()
}

/// What a bank's document says of the cards that wages went to, with the document as evidence. A refusal stands whatever was before; a wage that
/// was paid verifies a card unless it was refused after that wage was planned, or replaced; a contradiction takes back what its one half said.
/// Where somebody else says something of a card at the same moment, that stands.
pub(super) async fn heard(
    tx: &mut PgConnection,
    source: Source,
    booking: &Booking,
) -> Result<(), StoreError> {
    let sayings = booking.card_sayings();
    if sayings.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "INSERT INTO card_status (binding_id, version, kind, status, reason, evidence, by_whom, at)
         SELECT told.card, COALESCE(s.version, 0) + 1, COALESCE(s.kind, 'unknown'), told.status, told.reason, r.hash, 'wagegate://bank/' || r.bank, $2
         FROM raw_document r CROSS JOIN unnest($3::bigint[], $4::bigint[], $5::text[], $6::text[]) AS told (card, planned_at, status, reason)
         LEFT JOIN LATERAL (SELECT * FROM card_status v WHERE v.binding_id = told.card ORDER BY v.version DESC LIMIT 1) s ON TRUE
         WHERE r.id = $1 AND (s.status IS NULL OR s.status = 'unverified'
           OR (told.status = 'invalid' AND (s.status <> 'invalid' OR s.reason IS DISTINCT FROM told.reason))
           OR (told.status = 'verified' AND s.status = 'invalid' AND s.at <= told.planned_at)
           OR (told.status = 'unverified' AND (s.status = 'verified' OR (s.status = 'invalid' AND s.at > told.planned_at))))
           AND (s.status IS NULL OR s.status <> told.status OR told.status = 'invalid')
         ORDER BY told.card
         ON CONFLICT (binding_id, version) DO NOTHING",
    )
    .bind(source.raw)
    .bind(source.at.as_millisecond())
    .bind(sayings.iter().map(|saying| saying.card).collect::<Vec<_>>())
    .bind(sayings.iter().map(|saying| saying.planned_at.as_millisecond()).collect::<Vec<_>>())
    .bind(sayings.iter().map(|saying| saying.status.code()).collect::<Vec<_>>())
    .bind(sayings.iter().map(|saying| saying.reason.map(|reason| reason.code())).collect::<Vec<_>>())
    .execute(tx)
    .await?;
    Ok(())
}

pub(super) async fn rule(pool: &PgPool, ruling: &CardRuling) -> Result<CardView, StoreError> {
    let mut tx = pool.begin().await?;
    versions::lock(&mut tx).await?;
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
    pool: &PgPool,
    replacement: &Replacement<'_>,
) -> Result<CardView, StoreError> {
    let Replacement {
        worker,
        card,
        speaker: Speaker { by, at, .. },
        ..
    } = *replacement;
    let mut tx = pool.begin().await?;
    versions::lock(&mut tx).await?;
    let project = project_id(&mut tx, replacement.project).await?;
    workers::must_be_on(&mut tx, project, worker).await?;
    let kept = people::keep_cards(&mut tx, &[(worker, card)]).await?;
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
