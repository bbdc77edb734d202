//! A database that is restored from a copy of an earlier moment: what the lost one sent is asked about and never paid twice (invariant 14).

use jiff::SignedDuration;
use wagegate_domain::{attempt::State, outcome::Place};

use crate::world::{Engine, World};

/// Pays again whatever is sent again, and sends its results by itself to nobody.
const FORGETFUL: &str = "returns_after_polls = 1\ndeduplicates = false";
const ROWS: u32 = 100;
const FEW: u32 = 25;

/// Everything is settled, once.
async fn settled_once(world: &World, rows: u32) {
    world.settle().await;
    world.check_places().await;
    let proof = world.prove().await;
    assert_eq!(
        (proof.double_paid, proof.lost, proof.unsettled),
        (0, 0, 0),
        "{proof:?}"
    );
    assert_eq!(proof.bank_paid, proof.our_paid, "{proof:?}");
    assert_eq!(world.at(Place::Paid).await, u64::from(rows));
}

/// A batch whose every row is an instruction, none of which has left.
async fn planned(world: &World, project: &str, rows: u32) -> String {
    let code = world.approved(project, 1, rows).await;
    while world
        .gateway
        .store
        .instructions(&code)
        .await
        .unwrap()
        .is_empty()
    {
        world.step().await;
    }
    code
}

/// Steps until all instructions of the batch have left.
async fn all_sent(world: &World, code: &str) {
    for _ in 0..2_000 {
        let instructions = world.gateway.store.instructions(code).await.unwrap();
        if !instructions.is_empty() && instructions.iter().all(|sent| sent.sends > 0) {
            return;
        }
        world.step().await;
    }
    panic!("not all instructions are sent");
}

pub(crate) async fn a_database_that_went_back_in_time_asks_before_it_sends(engine: Engine) {
    let mut world = World::row_by_row(engine, FORGETFUL, FORGETFUL).await;
    let project = world.project(1, 1, 2_000_000_000).await;
    let code = planned(&world, &project, ROWS).await;
    let earlier = world.snapshot().await;
    all_sent(&world, &code).await;
    world.restart_on(earlier).await;
    let store = &world.gateway.store;
    let restored = store.restored().await.unwrap().unwrap();
    assert_eq!(
        (restored.found, restored.witnessed, restored.asking),
        (0, i64::from(ROWS), u64::from(ROWS))
    );
    settled_once(&world, ROWS).await;
    for instruction in world.gateway.store.instructions(&code).await.unwrap() {
        assert_eq!((instruction.state, instruction.sends), (State::Accepted, 0));
    }
    assert_eq!(
        world
            .gateway
            .store
            .restored()
            .await
            .unwrap()
            .unwrap()
            .asking,
        0
    );
}

pub(crate) async fn a_sheet_that_was_lost_with_the_database_is_asked_about_when_it_is_handed_in_again(
    engine: Engine,
) {
    let mut world = World::row_by_row(engine, FORGETFUL, FORGETFUL).await;
    let project = world.project(1, 1, 2_000_000_000).await;
    let earlier = world.snapshot().await;
    let code = world.approved(&project, 1, FEW).await;
    all_sent(&world, &code).await;
    world.restart_on(earlier).await;
    // What the bank tells of payments that this database does not know waits, and finds them when the sheet is there again.
    world.clock.advance(SignedDuration::from_hours(2));
    world.drain().await;
    world.approved(&project, 1, FEW).await;
    settled_once(&world, FEW).await;
}

pub(crate) async fn what_the_lost_database_had_not_sent_goes_out_once(engine: Engine) {
    let mut world = World::row_by_row(engine, FORGETFUL, FORGETFUL).await;
    let project = world.project(1, 1, 2_000_000_000).await;
    let code = planned(&world, &project, FEW).await;
    let earlier = world.snapshot().await;
    for _ in 0..12 {
        world.step().await;
    }
    let of = |instructions: Vec<wagegate::store::InstructionView>| {
        instructions.iter().filter(|sent| sent.sends > 0).count()
    };
    let before = of(world.gateway.store.instructions(&code).await.unwrap());
    assert!(0 < before && before < FEW as usize, "{before}");
    world.restart_on(earlier).await;
    settled_once(&world, FEW).await;
    let after = of(world.gateway.store.instructions(&code).await.unwrap());
    assert_eq!(before + after, FEW as usize);
}
