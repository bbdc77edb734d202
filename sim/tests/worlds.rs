//! What the worlds themselves promise, and worlds that once went wrong.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use sim::{
    house::House,
    runs::{Many, live, runtime},
    world::{Settings, Verdict},
};

fn lived(seed: u64, told: bool) -> Verdict {
    let mut house = House::new().unwrap();
    let settings = Settings {
        seed,
        told,
        only: None,
    };
    runtime()
        .unwrap()
        .block_on(live(&mut house, &settings))
        .unwrap()
}

#[test]
fn the_same_seed_makes_the_same_events() {
    for seed in 1..12 {
        let (one, other) = (lived(seed, true), lived(seed, true));
        assert_eq!(one.story, other.story, "{seed}");
        assert_eq!(
            (one.print, one.steps, one.injected),
            (other.print, other.steps, other.injected)
        );
    }
}

#[test]
fn whatever_goes_wrong_the_books_come_to_the_banks_ledgers() {
    let many = Many {
        worlds: 60,
        seed: 7,
        jobs: 2,
        within: None,
        failures_max: 1,
    };
    let sum = many.run().unwrap();
    assert!(sum.failed.is_empty(), "{:#?}", sum.failed);
    assert!(sum.faults_total() > 1_000, "{}", sum.report());
}
