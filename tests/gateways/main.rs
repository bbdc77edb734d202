//! Several gateways of one database as their own processes: one dies, one stands still for longer than its lease, one loses its line to a bank, all in the
//! middle of paying. What the banks paid is what we say they paid, and nobody is paid twice.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "../banks/bank_process.rs"]
mod bank_process;
#[path = "../support/certificates.rs"]
mod certificates;
#[path = "../support/fresh_postgres.rs"]
mod fresh_postgres;
mod gateway_process;
#[path = "../banks/line.rs"]
mod line;
#[path = "../banks/people.rs"]
mod people;
mod street;

use std::time::Duration;

use street::{Blow, LEASE, Street};

/// Beyond the lease: one tick of a worker, and its turn on a machine that has other things to do.
const TURN: Duration = Duration::from_secs(4);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_gateways_lose_one_and_a_line_and_pay_everybody_once() {
    let mut street = Street::open().await;
    for number in 1..=6 {
        street.prepare(number).await;
    }
    street.release_all();
    street.until_sends(4).await;

    street.cut(2).await;
    let after_death = street.taken_over(0, Blow::Kill).await;
    street.mend(2);
    let after_freeze = street.taken_over(1, Blow::Freeze).await;
    street.comes_back(1, Blow::Freeze);
    street.comes_back(0, Blow::Kill);

    street.until_settled().await;
    street.prove().await;
    for (what, took) in [("killed", after_death), ("frozen", after_freeze)] {
        println!("work of the gateway that was {what} was taken over after {took:?}");
        assert!(took <= LEASE + TURN, "{what}: {took:?}");
    }
}
