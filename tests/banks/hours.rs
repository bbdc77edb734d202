//! Midnight, opening hours and days of payment, against banks as their own processes. Every day is a business day here, so that no test depends on the
//! day on which it runs.

use jiff::{SignedDuration, ToSpan as _, civil::Date};
use serde_json::json;
use wagegate::clock::china_date;
use wagegate_domain::{attempt::State, calendar::Calendar, outcome::Place};

use crate::{
    QUIET,
    world::{BISHUI, Engine, QINGSHAN, World},
};

const EVERY_DAY: &str = "weekend = \"works\"\n[bank.paths]";

/// A world whose second bank has more in its profile.
async fn world(engine: Engine, more: &str) -> World {
    let qingshan = QINGSHAN.replace("[bank.paths]", EVERY_DAY);
    let bishui = BISHUI.replace("[bank.paths]", &format!("{more}\n{EVERY_DAY}"));
    let profiles = [qingshan.as_str(), bishui.as_str()];
    World::with_profiles(engine, [QUIET, QUIET], profiles, Calendar::by_the_week()).await
}

/// What bishui was sent as the day of payment.
fn day_sent(world: &World, key: &str) -> String {
    let file = std::fs::read(world.banks[1].received.join(key)).unwrap();
    let first = file.split(|byte| *byte == b'\n').next().unwrap();
    let head = String::from_utf8_lossy(first).into_owned();
    head.split('|').nth(5).unwrap().to_owned()
}

fn digits(day: Date) -> String {
    day.strftime("%Y%m%d").to_string()
}

pub(crate) async fn an_instruction_sent_just_before_midnight_is_found_after_it(engine: Engine) {
    let days = "?from={from}&to={to}\"\n";
    let qingshan = QINGSHAN
        .replace(
            "instructions/{key}\"\ncollect",
            &format!("instructions/{{key}}{days}collect"),
        )
        .replace("[bank.paths]", EVERY_DAY);
    let bishui = BISHUI
        .replace(
            "batches/{key}\"\ncollect",
            &format!("batches/{{key}}{days}collect"),
        )
        .replace("[bank.paths]", EVERY_DAY);
    assert!(qingshan.contains("{from}") && bishui.contains("{from}"));
    let profiles = [qingshan.as_str(), bishui.as_str()];
    let calendar = Calendar::by_the_week();
    let world = World::with_profiles(engine, [QUIET, QUIET], profiles, calendar).await;
    let day = world.tomorrow();
    // One bank's day ends when ours does; the other's is over already, and a third instruction was never there on these days.
    for (number, bank, banks_day) in [(1, 0, day), (2, 1, day.tomorrow().unwrap())] {
        let today = json!({"day": banks_day.to_string()});
        world.banks[bank].control("today", &today).await;
        let project = world.project(number, bank, 2_000_000_000).await;
        world.move_to(day, "23:59:50");
        world.approved(&project, number, 20).await;
        world.fault(bank, "accept_then_drop", "submit", 1).await;
    }
    world.drain().await;
    assert_eq!(world.at(Place::InDoubt).await, 40);
    let after = day.tomorrow().unwrap();
    for bank in &world.banks {
        let today = json!({"day": after.to_string()});
        bank.control("today", &today).await;
    }
    world.move_to(after, "00:00:30");
    world.settle().await;
    assert_eq!(world.at(Place::Paid).await, 40);
    let before = day.saturating_sub(3.days());
    let today = json!({"day": before.to_string()});
    world.banks[0].control("today", &today).await;
    let project = world.project(3, 0, 2_000_000_000).await;
    world.approved(&project, 3, 20).await;
    world.fault(0, "accept_then_drop", "submit", 1).await;
    for _ in 0..30 {
        world.step().await;
    }
    assert_eq!(world.at(Place::InDoubt).await, 20, "asked about other days");
}

pub(crate) async fn a_bank_that_is_closed_gets_its_instruction_when_it_opens(engine: Engine) {
    let world = world(engine, "opens = \"08:30\"\ntakes = \"in_window\"").await;
    let (day, project) = (world.tomorrow(), world.project(1, 1, 2_000_000_000).await);
    // The cut-off itself is too late.
    world.move_to(day, "16:30:00");
    let batch = world.approved(&project, 1, 20).await;
    world.drain().await;
    let after = day.tomorrow().unwrap();
    for time in ["00:00:00", "08:29:59"] {
        world.move_to(after, time);
        world.drain().await;
        let waiting = world.instruction(&batch).await;
        assert_eq!(
            (waiting.state, waiting.bytes, waiting.value_date),
            (State::Planned, None, after),
            "{time}"
        );
    }
    world.move_to(after, "08:30:00");
    world.drain().await;
    let sent = world.instruction(&batch).await;
    assert_ne!(sent.state, State::Planned);
    assert_eq!(day_sent(&world, &sent.bank_key), digits(after));
    assert_eq!(sent.intent_at, Some(world.clock_now()));
    world.settle().await;
    assert_eq!(world.at(Place::Paid).await, 20);
}

/// Split at ten in the morning; the send task is still there to be taken.
async fn split(world: &World) -> (String, Date) {
    let (day, project) = (world.tomorrow(), world.project(1, 1, 2_000_000_000).await);
    world.move_to(day, "10:00:00");
    world.drain().await;
    let batch = world.approved(&project, 1, 20).await;
    world.step().await;
    let planned = world.instruction(&batch).await;
    assert_eq!((planned.state, planned.value_date), (State::Planned, day));
    (batch, day)
}

pub(crate) async fn a_day_of_payment_that_has_passed_is_renewed_before_bytes_are_fixed(
    engine: Engine,
) {
    let world = world(engine, "takes = \"in_window\"").await;
    let (batch, day) = split(&world).await;
    // Nobody came to send it before the cut-off, nor that day.
    world.move_to(day, "16:30:00");
    world.drain().await;
    let after = day.tomorrow().unwrap();
    world.move_to(after, "09:00:00");
    world.settle().await;
    let sent = world.instruction(&batch).await;
    assert_eq!(sent.value_date, after);
    assert_eq!(day_sent(&world, &sent.bank_key), digits(after));
    assert_eq!(world.at(Place::Paid).await, 20);
}

pub(crate) async fn bytes_that_are_fixed_keep_their_day(engine: Engine) {
    let world = world(engine, "").await;
    let (batch, day) = split(&world).await;
    world.lines[1].cut();
    world.drain().await;
    let before = world.instruction(&batch).await;
    assert_eq!(before.state, State::Planned);
    assert!(
        before.bytes.is_some(),
        "intent was committed and nothing left"
    );
    world.lines[1].mend();
    world.move_to(day.tomorrow().unwrap(), "09:00:00");
    world.clock.advance(SignedDuration::from_mins(1));
    assert_eq!(china_date(world.clock_now()), day.tomorrow().unwrap());
    world.settle().await;
    let sent = world.instruction(&batch).await;
    assert_eq!((sent.value_date, sent.bytes), (day, before.bytes));
    assert_eq!(day_sent(&world, &sent.bank_key), digits(day));
    assert_eq!(world.at(Place::Paid).await, 20);
}
