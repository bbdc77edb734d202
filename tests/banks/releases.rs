//! What was released is what is sent, to the byte; what somebody changed in the database since is not sent at all.

use std::io::Read as _;

use futures_util::stream;
use jiff::SignedDuration;
use serde_json::Value;
use wagegate::{
    dispatch::{Progress, preview},
    store::{AuditFilter, BatchView, Step, TaskKind},
};
use wagegate_domain::{attempt::State, batch::BatchState, outcome::Place};

use crate::world::{Engine, World};

const QUIET: &str = "returns_after_polls = 1";

/// Number of instructions that a bank ever got.
async fn taken_by(world: &World, bank: usize) -> u64 {
    let settled = world.banks[bank].control("settle", &Value::Null).await;
    settled["summary"]["instructions"].as_u64().unwrap()
}

/// The batch is held, everybody is told, and no step spins over it.
async fn is_held(world: &World, code: &str, words: &str) {
    let store = &world.gateway.store;
    let before = store.instructions(code).await.unwrap();
    world.drain().await;
    let batch = store.batch(code).await.unwrap();
    assert_eq!(batch.state, BatchState::ContentDiffers);
    assert_eq!(store.differing_batches().await.unwrap(), [code]);
    let entries = store
        .audit_page(&AuditFilter::default(), None, 100)
        .await
        .unwrap();
    let told = entries
        .iter()
        .find(|entry| entry.action == "batch.content-differs")
        .unwrap();
    assert_eq!(
        (told.subject.as_str(), told.who.as_str()),
        (code, "gateway")
    );
    assert!(told.detail.contains(words), "{}", told.detail);
    let story = store.story(code).await.unwrap().steps;
    assert_eq!(story.last().unwrap().step, Step::Differ);
    // Hours later: only looks for returns have been due.
    for _ in 0..20 {
        world.clock.advance(SignedDuration::from_mins(10));
        let step = world.step().await;
        let quiet = matches!(
            step,
            Progress::Idle(_) | Progress::Did(TaskKind::Collect | TaskKind::Read)
        );
        assert!(quiet, "{step:?}");
    }
    let after = store.instructions(code).await.unwrap();
    assert_eq!(after.len(), before.len());
    for (after, before) in after.iter().zip(&before) {
        assert_eq!((after.state, after.bytes), (State::Planned, before.bytes));
    }
    for bank in [0, 1] {
        assert_eq!(taken_by(world, bank).await, 0);
    }
}

pub(crate) async fn a_batch_changed_by_one_fen_after_its_release_is_not_sent(engine: Engine) {
    let world = World::start(engine, QUIET, QUIET).await;
    for (number, bank, change) in [
        (1, 0, "amount_fen = amount_fen + 1"),
        (2, 1, "binding_id = binding_id + 1"),
    ] {
        let project = world.project(number, bank, 2_000_000_000).await;
        let batch = world.submitted(&project, number, 20).await;
        world.released(&batch).await;
        world
            .sql(&format!(
                "UPDATE wage_item SET {change} WHERE batch_id = {id} AND row_no = (SELECT min(row_no) + 7 FROM wage_item WHERE batch_id = {id})",
                id = batch.id
            ))
            .await;
        if number == 1 {
            let sum = batch
                .total
                .checked_add(wagegate_domain::Fen::new(1))
                .unwrap();
            is_held(&world, &batch.code, "found").await;
            let story = world.gateway.store.story(&batch.code).await.unwrap().steps;
            let reason = story.last().unwrap().reason.clone().unwrap();
            assert!(
                reason.contains(&batch.total.to_string()) && reason.contains(&sum.to_string()),
                "{reason}"
            );
            // The next one is looked at by itself.
            let back = "UPDATE batch SET state = 'refused' WHERE code = ";
            world.sql(&format!("{back}'{}'", batch.code)).await;
        } else {
            is_held(&world, &batch.code, &batch.content.to_string()).await;
        }
    }
}

pub(crate) async fn a_batch_changed_after_it_was_split_is_not_sent(engine: Engine) {
    for change in [
        "UPDATE wage_item SET amount_fen = amount_fen + 1 WHERE row_no = (SELECT max(row_no) FROM wage_item)",
        "UPDATE attempt SET amount_fen = amount_fen + 1 WHERE sequence = 3",
        "UPDATE instruction SET total_fen = total_fen + 1",
        "UPDATE worker SET sealed = (SELECT sealed FROM worker ORDER BY id LIMIT 1) WHERE id = (SELECT max(id) FROM worker)",
    ] {
        let world = World::start(engine, QUIET, QUIET).await;
        let project = world.project(1, 1, 2_000_000_000).await;
        let batch = world.submitted(&project, 1, 20).await;
        world.released(&batch).await;
        while world.step().await != Progress::Did(TaskKind::Plan) {}
        world.sql(change).await;
        is_held(&world, &batch.code, "part 1").await;
    }
}

/// Puts the eighth row's wage on the ninth's card and back.
const SWAP: [&str; 2] = ["binding_id = binding_id + 1", "binding_id = binding_id - 1"];

async fn swap(world: &World, change: &str) {
    world
        .sql(&format!(
            "UPDATE wage_item SET {change} WHERE row_no = (SELECT min(row_no) + 7 FROM wage_item)"
        ))
        .await;
}

async fn planned(engine: Engine, rows: u32) -> (World, BatchView) {
    let world = World::start(engine, QUIET, QUIET).await;
    world.at_noon();
    let project = world.project(1, 1, 2_000_000_000).await;
    let batch = world.submitted(&project, 1, rows).await;
    world.released(&batch).await;
    while world.step().await != Progress::Did(TaskKind::Plan) {}
    (world, batch)
}

pub(crate) async fn a_part_whose_content_was_taken_away_is_held_against_the_whole_batch(
    engine: Engine,
) {
    let (world, batch) = planned(engine, 20).await;
    swap(&world, SWAP[0]).await;
    world.sql("UPDATE instruction SET content = NULL").await;
    is_held(&world, &batch.code, &batch.content.to_string()).await;
}

pub(crate) async fn what_an_earlier_program_split_is_sent_once_it_is_what_was_released(
    engine: Engine,
) {
    let (world, batch) = planned(engine, 20).await;
    world.sql("UPDATE instruction SET content = NULL").await;
    world.settle().await;
    assert_eq!(world.at(Place::Paid).await, 20, "{}", batch.code);
}

pub(crate) async fn bytes_that_were_put_in_by_hand_are_not_sent(engine: Engine) {
    let (world, batch) = planned(engine, 20).await;
    // A document that the bank would take: the batch's own, with one wage on another card.
    swap(&world, SWAP[0]).await;
    let gateway = &world.gateway;
    let now = gateway.clock.now();
    let pieces = preview::bytes(gateway, &batch, 1, now).await.unwrap();
    let pieces = stream::unfold(pieces, async |mut pieces| {
        pieces.recv().await.map(|piece| (piece, pieces))
    });
    let forged = gateway.evidence.keep_stream(pieces, 1 << 20).await.unwrap();
    swap(&world, SWAP[1]).await;
    let hash = match engine {
        Engine::Sqlite => format!("X'{}'", hex::encode(forged.hash)),
        Engine::Postgres => format!("'\\x{}'", hex::encode(forged.hash)),
    };
    let size = forged.size;
    world
        .sql(&format!(
            "UPDATE instruction SET bytes_hash = {hash}, bytes_size = {size}, intent_at = 1"
        ))
        .await;
    is_held(&world, &batch.code, "the bytes kept for it").await;
}

pub(crate) async fn a_release_without_its_money_waits_and_is_paid_after_a_top_up(engine: Engine) {
    let world = World::start(engine, QUIET, QUIET).await;
    let project = world.project(1, 0, 100).await;
    let batch = world.submitted(&project, 1, 20).await;
    world.released(&batch).await;
    for _ in 0..20 {
        world.step().await;
        world.check_places().await;
    }
    let state = async || world.gateway.store.batch(&batch.code).await.unwrap().state;
    assert_eq!(state().await, BatchState::AwaitingFunds);
    assert_eq!(taken_by(&world, 0).await, 0);
    world.top_up(1, 0, batch.total.get() - 100).await;
    world.settle().await;
    assert_eq!(world.at(Place::Paid).await, 20);
    let proof = world.prove().await;
    assert_eq!(proof.bank_paid, batch.total.get());
}

pub(crate) async fn what_was_previewed_is_what_is_sent(engine: Engine) {
    let world = World::start(engine, QUIET, QUIET).await;
    world.at_noon();
    for (number, bank, rows, parts) in [(1, 0, 40, 1), (2, 1, 2_300, 3)] {
        let project = world.project(number, bank, 20_000_000_000).await;
        let batch = world.submitted(&project, number, rows).await;
        let gateway = &world.gateway;
        let now = gateway.clock.now();
        let shown = preview::preview(gateway, &batch, now).await.unwrap();
        assert_eq!(shown.content.hash, batch.content);
        assert_eq!((shown.parts.len(), shown.unseated.0), (parts, 0));
        // Hours later on the same day.
        world.clock.advance(SignedDuration::from_mins(200));
        world.released(&batch).await;
        world.settle().await;
        let sent = gateway.store.instructions(&batch.code).await.unwrap();
        assert_eq!(sent.len(), parts);
        for (previewed, sent) in shown.parts.iter().zip(&sent) {
            assert_eq!(previewed.bank_key, sent.bank_key);
            assert_eq!(Some((previewed.hash, previewed.size)), sent.bytes);
            assert_eq!(Some(previewed.part.content.hash), sent.content);
            let mut file = Vec::new();
            let number = previewed.part.number;
            let mut pieces = preview::bytes(gateway, &batch, number, now).await.unwrap();
            while let Some(piece) = pieces.recv().await {
                file.extend_from_slice(&piece.unwrap());
            }
            let mut kept = Vec::new();
            let reader = gateway.evidence.reader(&previewed.hash);
            reader.unwrap().read_to_end(&mut kept).unwrap();
            assert!(file == kept, "part {number} is sent as it was previewed");
        }
        let missing = preview::bytes(gateway, &batch, 9, now).await;
        assert!(missing.is_err());
        // Planned on another day, it would say so.
        let tomorrow = now + SignedDuration::from_hours(24);
        let other = preview::preview(gateway, &batch, tomorrow).await.unwrap();
        assert_ne!(other.parts[0].hash, shown.parts[0].hash);
        assert_eq!(other.parts[0].bank_key, shown.parts[0].bank_key);
    }
}

pub(crate) async fn a_batch_that_nobody_releases_expires_by_itself(engine: Engine) {
    let world = World::start(engine, QUIET, QUIET).await;
    let project = world.project(1, 0, 2_000_000_000).await;
    let batch = world.submitted(&project, 1, 20).await;
    let state = async || {
        let store = &world.gateway.store;
        store.batch(&batch.code).await.unwrap().state
    };
    world.drain().await;
    assert_eq!(state().await, BatchState::AwaitingReview);
    world.clock.advance(SignedDuration::from_hours(30 * 24));
    world.drain().await;
    assert_eq!(state().await, BatchState::Expired);
    let again = world.submitted(&project, 1, 20).await;
    assert_eq!(again.state, BatchState::AwaitingReview);
}
