//! What two people decide of an instruction that a bank, which promises nothing, never got: its wages are sent once more, under another key, and once.

use jiff::SignedDuration;
use wagegate::{
    clock::Clock as _,
    dispatch::doubts::means,
    store::{DoubtSays, DoubtWord, Finding, Within},
};
use wagegate_domain::{attempt::State, outcome::Place};

use crate::{
    QUIET, proven,
    world::{Engine, World},
};

const LETTER: ([u8; 32], u64) = ([5; 32], 700);

/// Two people's word on the only instruction on the desk.
async fn decided(world: &World, finding: Finding) {
    let store = &world.gateway.store;
    let desk = store.doubt_page(&Within::All, None, 10).await.unwrap();
    assert_eq!(desk.len(), 1, "{desk:?}");
    let doubt = &desk[0];
    let means = means(&world.gateway, doubt, finding).await.unwrap();
    for (by, says) in [
        (
            "wagegate://user/finance",
            DoubtSays::Propose {
                finding,
                evidence: LETTER,
                reason: "清算中心来函".into(),
            },
        ),
        (
            "wagegate://user/approver",
            DoubtSays::Confirm {
                finding,
                evidence: LETTER,
                means,
            },
        ),
    ] {
        let word = DoubtWord {
            instruction: doubt.instruction.id,
            says,
            by: by.into(),
            at: world.clock.now(),
        };
        store.decide_doubt(&word).await.unwrap();
        world.check_places().await;
    }
}

/// The only instruction is in doubt, and so much time has passed that whatever left has turned up.
async fn in_doubt_for_long(world: &World) {
    while world.at(Place::InDoubt).await == 0 {
        world.step().await;
    }
    world.clock.advance(SignedDuration::from_hours(3));
    world.drain().await;
    world.check_places().await;
}

pub(crate) async fn what_never_arrived_is_sent_once_more_when_two_people_say_so(engine: Engine) {
    let world = World::start(engine, QUIET, QUIET).await;
    let project = world.project(1, 1, 2_000_000_000).await;
    let code = world.approved(&project, 1, 20).await;
    world.fault(1, "error_500", "submit", 1).await;
    in_doubt_for_long(&world).await;
    let old = world.instruction(&code).await;
    assert_eq!((old.state, old.sends), (State::InDoubt, 1));
    assert_eq!(world.at(Place::InDoubt).await, 20);
    decided(&world, Finding::NotArrived).await;
    assert_eq!(world.at(Place::InFlight).await, 20);
    proven(&world).await;
    let all = world.gateway.store.instructions(&code).await.unwrap();
    let ends: Vec<_> = all
        .iter()
        .map(|one| (one.generation, one.state, one.sends))
        .collect();
    assert_eq!(ends, [(1, State::Refused, 1), (2, State::Accepted, 1)]);
    assert_ne!(all[0].bank_key, all[1].bank_key);
    assert_eq!(world.at(Place::Paid).await, 20);
}

pub(crate) async fn what_arrived_after_all_is_followed_to_its_end(engine: Engine) {
    let world = World::start(engine, QUIET, QUIET).await;
    let project = world.project(1, 1, 2_000_000_000).await;
    let code = world.approved(&project, 1, 20).await;
    world.fault(1, "accept_then_drop", "submit", 1).await;
    while world.at(Place::InDoubt).await == 0 {
        world.step().await;
    }
    decided(&world, Finding::Arrived).await;
    proven(&world).await;
    let only = world.instruction(&code).await;
    assert_eq!((only.state, only.sends), (State::Accepted, 1));
    assert_eq!(world.at(Place::Paid).await, 20);
}

pub(crate) async fn what_a_lost_database_planned_anew_twice_is_not_sent_a_third_time(
    engine: Engine,
) {
    let mut world = World::start(engine, QUIET, QUIET).await;
    let project = world.project(1, 1, 2_000_000_000).await;
    let code = world.approved(&project, 1, 20).await;
    let planned = async |world: &World| {
        let instructions = world.gateway.store.instructions(&code).await;
        !instructions.unwrap().is_empty()
    };
    while !planned(&world).await {
        world.step().await;
    }
    let earlier = world.snapshot().await;
    for _ in 0..2 {
        world.fault(1, "error_500", "submit", 1).await;
        in_doubt_for_long(&world).await;
        decided(&world, Finding::NotArrived).await;
    }
    proven(&world).await;
    world.restart_on(earlier).await;
    world.clock.advance(SignedDuration::from_hours(3));
    world.drain().await;
    // The bank knows neither the first nor the second of the three, and the third has paid.
    let first = world.instruction(&code).await;
    assert_eq!((first.state, first.sends), (State::Planned, 0));
    assert!(first.held_since.is_some());
    assert_eq!(world.prove().await.double_paid, 0);
}
