//! The whole job against banks as their own processes, over real mutual TLS, on both engines: whatever a bank does on the line, what it
//! paid is what we say it paid.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod bank_process;
#[path = "../support/certificates.rs"]
mod certificates;
mod decisions;
#[path = "../support/fresh_postgres.rs"]
mod fresh_postgres;
mod hours;
mod line;
#[path = "../support/lists.rs"]
mod lists;
mod lost;
mod people;
mod releases;
mod world;

use crate::lists::Lists as _;
use jiff::SignedDuration;
use wagegate::clock::Clock as _;
use wagegate_domain::{attempt::State, outcome::Place};
use world::{Engine, World};

const QUIET: &str = "returns_after_polls = 1";
const FAILING: &str = "returns_after_polls = 3\nwork_polls = 2\nresult_order = \"shuffled\"\n[fail]\nname_mismatch = 60\nclosed = 30\nover_limit = 20\n[late_return]\nno_account = 40\nclosed = 20\n";

async fn proven(world: &World) {
    world.settle().await;
    world.check_places().await;
    let proof = world.prove().await;
    assert_eq!(
        (proof.double_paid, proof.lost, proof.unsettled),
        (0, 0, 0),
        "{proof:?}"
    );
    assert_eq!(proof.bank_paid, proof.our_paid, "{proof:?}");
}

async fn two_batches(engine: Engine, qingshan: &str, bishui: &str) -> World {
    let world = World::start(engine, qingshan, bishui).await;
    for (number, bank) in [(1, 0), (2, 1)] {
        let project = world.project(number, bank, 2_000_000_000).await;
        world.approved(&project, number, 300).await;
    }
    world
}

macro_rules! on_both_engines {
    ($($name:ident)*) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() { super::$name(super::Engine::Sqlite).await })*
        }
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() { super::$name(super::Engine::Postgres).await })*
        }
    };
}

on_both_engines! {
    every_wage_has_an_outcome_and_the_ledgers_agree
    whatever_breaks_on_the_line_nobody_is_paid_twice_and_nothing_is_lost
    what_never_arrived_goes_again_only_where_the_bank_pays_nothing_twice
    a_bank_that_cannot_be_reached_gets_the_same_bytes_later
}

macro_rules! releases_on_both_engines {
    ($($name:ident)*) => {
        mod releases_on_sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() { crate::releases::$name(super::Engine::Sqlite).await })*
        }
        mod releases_on_postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() { crate::releases::$name(super::Engine::Postgres).await })*
        }
    };
}

releases_on_both_engines! {
    a_batch_changed_by_one_fen_after_its_release_is_not_sent
    a_batch_changed_after_it_was_split_is_not_sent
    a_part_whose_content_was_taken_away_is_held_against_the_whole_batch
    what_an_earlier_program_split_is_sent_once_it_is_what_was_released
    bytes_that_were_put_in_by_hand_are_not_sent
    a_release_without_its_money_waits_and_is_paid_after_a_top_up
    what_was_previewed_is_what_is_sent
    a_batch_that_nobody_releases_expires_by_itself
}

macro_rules! hours_on_both_engines {
    ($($name:ident)*) => {
        mod hours_on_sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() { crate::hours::$name(super::Engine::Sqlite).await })*
        }
        mod hours_on_postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() { crate::hours::$name(super::Engine::Postgres).await })*
        }
    };
}

hours_on_both_engines! {
    an_instruction_sent_just_before_midnight_is_found_after_it
    a_bank_that_is_closed_gets_its_instruction_when_it_opens
    a_day_of_payment_that_has_passed_is_renewed_before_bytes_are_fixed
    bytes_that_are_fixed_keep_their_day
}

async fn every_wage_has_an_outcome_and_the_ledgers_agree(engine: Engine) {
    let world = two_batches(engine, FAILING, FAILING).await;
    proven(&world).await;
    assert!(world.at(Place::Failed).await > 0);
    assert!(world.at(Place::Returned).await > 0);
    let all = world.at(Place::Paid).await
        + world.at(Place::Failed).await
        + world.at(Place::Returned).await;
    assert_eq!(all, 600);
}

async fn whatever_breaks_on_the_line_nobody_is_paid_twice_and_nothing_is_lost(engine: Engine) {
    let world = World::start(engine, FAILING, FAILING).await;
    let mut number = 0;
    for fault in [
        "accept_then_drop",
        "error_503_after_accept",
        "garbage",
        "wrong_reference",
        "half_reply",
        "slow",
    ] {
        for bank in [0, 1] {
            number += 1;
            let project = world.project(number, bank, 2_000_000_000).await;
            world.approved(&project, number, 40).await;
            world.fault(bank, fault, "submit", 1).await;
            world.fault(bank, fault, "query", 1).await;
            world.fault(bank, fault, "collect", 1).await;
            proven(&world).await;
        }
    }
}

async fn what_never_arrived_goes_again_only_where_the_bank_pays_nothing_twice(engine: Engine) {
    let world = World::start(engine, QUIET, QUIET).await;
    for (number, bank, fault) in [(1, 0, "drop_before_accept"), (2, 1, "error_500")] {
        let project = world.project(number, bank, 2_000_000_000).await;
        world.approved(&project, number, 20).await;
        world.fault(bank, fault, "submit", 1).await;
    }
    for batch in world.gateway.store.batches(None).await.unwrap() {
        while world
            .gateway
            .store
            .instructions(&batch.code)
            .await
            .unwrap()
            .is_empty()
        {
            world.step().await;
        }
    }
    let start = world.clock.now();
    let sent = async || {
        let batches = world.gateway.store.batches(None).await.unwrap();
        // The newest comes first.
        let first = world.instruction(&batches[1].code).await;
        let second = world.instruction(&batches[0].code).await;
        [first, second]
    };
    // Before the bank's word is its last one, nothing goes again.
    while world.clock.now() < start + SignedDuration::from_mins(60) {
        world.drain().await;
        world.check_places().await;
        assert_eq!(sent().await.map(|instruction| instruction.sends), [1, 1]);
        world.clock.advance(SignedDuration::from_mins(5));
    }
    assert_eq!(world.at(Place::InDoubt).await, 40);
    let bytes = sent().await.map(|instruction| instruction.bytes);
    for _ in 0..30 {
        world.clock.advance(SignedDuration::from_hours(1));
        world.drain().await;
        world.check_places().await;
    }
    let after = sent().await;
    assert_eq!([after[0].sends, after[1].sends], [2, 1]);
    assert_eq!([after[0].bytes, after[1].bytes], bytes);
    assert_eq!(
        [after[0].state, after[1].state],
        [State::Accepted, State::InDoubt]
    );
    let proof = world.prove().await;
    assert_eq!((proof.double_paid, proof.lost), (0, 0), "{proof:?}");
    assert_eq!(proof.bank_paid, proof.our_paid, "{proof:?}");
    assert_eq!(proof.unsettled, 20, "{proof:?}");
    assert_eq!(world.at(Place::Paid).await, 20);
}

async fn a_bank_that_cannot_be_reached_gets_the_same_bytes_later(engine: Engine) {
    let world = World::start(engine, QUIET, QUIET).await;
    let project = world.project(1, 0, 2_000_000_000).await;
    world.approved(&project, 1, 20).await;
    world.lines[0].cut();
    for _ in 0..12 {
        world.step().await;
    }
    assert_eq!(world.at(Place::InFlight).await, 20);
    let batch = world.gateway.store.batches(None).await.unwrap().remove(0);
    let before = world.instruction(&batch.code).await;
    assert_eq!(before.state, State::Planned);
    world.lines[0].mend();
    proven(&world).await;
    let after = world.instruction(&batch.code).await;
    assert_eq!(
        (after.bytes, &after.bank_key),
        (before.bytes, &before.bank_key)
    );
    let received = world.banks[0].received.join(&after.bank_key);
    let size = std::fs::metadata(received).unwrap().len();
    assert_eq!(after.bytes.map(|(_, size)| size), Some(size));
    assert_eq!(world.at(Place::Paid).await, 20);
}

macro_rules! lost_on_both_engines {
    ($($name:ident)*) => {
        mod lost_on_sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() { crate::lost::$name(super::Engine::Sqlite).await })*
        }
        mod lost_on_postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() { crate::lost::$name(super::Engine::Postgres).await })*
        }
    };
}

lost_on_both_engines! {
    a_database_that_went_back_in_time_asks_before_it_sends
    a_sheet_that_was_lost_with_the_database_is_asked_about_when_it_is_handed_in_again
    what_the_lost_database_had_not_sent_goes_out_once
}

macro_rules! decisions_on_both_engines {
    ($($name:ident)*) => {
        mod decisions_on_sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() { crate::decisions::$name(super::Engine::Sqlite).await })*
        }
        mod decisions_on_postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() { crate::decisions::$name(super::Engine::Postgres).await })*
        }
    };
}

decisions_on_both_engines! {
    what_never_arrived_is_sent_once_more_when_two_people_say_so
    what_arrived_after_all_is_followed_to_its_end
    what_a_lost_database_planned_anew_twice_is_not_sent_a_third_time
}
