//! A release on an account that holds too little waits for the money, reserves nothing meanwhile, and goes on by itself when there is enough.

use wagegate::store::{
    Claim, Conflict, Decision, Funding, Level, Next, Says, Step, StoreError, TaskKind,
};
use wagegate_domain::Fen;
use wagegate_domain::batch::{Act, BatchState, NotNow};
use wagegate_domain::fact::Verdict;

use crate::engines::Bench;
use crate::lists::Lists as _;
use crate::world::*;

impl Bench {
    /// A released batch of `P1` with one wage of a worker of its own.
    async fn released(&self, code: &str, person: u32, fen: i64) -> BatchState {
        self.submit(code, "P1", vec![row(1, person, fen)])
            .await
            .unwrap();
        self.approve(code).await.unwrap().state
    }

    async fn state(&self, code: &str) -> BatchState {
        self.store.batch(code).await.unwrap().state
    }

    async fn tries(&self, claim: &Claim, now: i64) -> Funding {
        let funding = self.store.fund_batch(claim, at(now), at(now)).await;
        funding.unwrap()
    }

    /// The tasks of batches that are to be looked at for their money by a moment; every other task is put back.
    async fn looks(&self, now: i64) -> Vec<Claim> {
        let (mut looks, mut others) = (Vec::new(), Vec::new());
        while let Some(claim) = self.store.claim_step(at(now), LEASE_MS).await.unwrap() {
            if claim.kind == TaskKind::Fund {
                looks.push(claim);
            } else {
                others.push(claim);
            }
        }
        for other in others {
            let again = Next::Again(at(0));
            self.store.finish(&other, again).await.unwrap();
        }
        looks
    }

    /// Looks at all that are due, and tells what came of it.
    async fn looked(&self, now: i64) -> Vec<(String, Funding)> {
        let mut told = Vec::new();
        for claim in self.looks(now).await {
            let funding = self.tries(&claim, now).await;
            told.push((claim.subject, funding));
        }
        self.adds_up().await;
        told
    }
}

fn told(looked: &[(&str, Funding)]) -> Vec<(String, Funding)> {
    let owned = |(code, funding): &(&str, Funding)| ((*code).to_owned(), *funding);
    looked.iter().map(owned).collect()
}

fn short(fen: i64) -> Funding {
    Funding::Short(Fen::new(fen))
}

fn undoing(code: &str) -> Decision {
    let expires_at = at(200_000);
    let reason = None;
    said_of(code, "approver", Says::Undo { reason, expires_at })
}

pub(crate) async fn an_account_that_holds_too_little_lets_the_release_wait(bench: Bench) {
    bench.settle().await;
    bench.deposit("P1", 350).await;
    bench.submit("B1", "P1", wages(&[100, 200])).await.unwrap();
    bench.approve("B1").await.unwrap();
    assert_eq!(
        bench.released("B2", 11, 51).await,
        BatchState::AwaitingFunds
    );
    let batch = bench.store.batch("B2").await.unwrap();
    assert_eq!(batch.missing(), Some(Fen::new(1)));
    assert_eq!(batch.shortage.unwrap().since, at(1));
    assert_eq!(bench.account("P1").await, (350, 300, 0));
    assert_eq!(counts(&batch), [0, 0, 0, 0, 0, 1]);
    let newest = &bench.audit_tail(1).await.unwrap()[0];
    assert_eq!(newest.action, "batch.release");
    assert!(newest.detail.contains("lacks 0.01 yuan"), "{newest:?}");
    assert_eq!(
        bench.looked(600).await,
        [],
        "nothing told of money, and the net is ten minutes wide"
    );

    bench.deposit("P1", 1).await;
    assert_eq!(bench.looked(30).await, told(&[("B2", Funding::Funded)]));
    assert_eq!(bench.account("P1").await, (351, 351, 0));
    let batch = bench.store.batch("B2").await.unwrap();
    assert_eq!((batch.state, batch.missing()), (BatchState::Released, None));
    let story = bench.store.story("B2").await.unwrap().steps;
    let steps: Vec<_> = story
        .iter()
        .map(|taken| (taken.step, taken.by.as_str()))
        .collect();
    assert_eq!(
        steps,
        [
            (Step::Prepare, "clerk"),
            (Step::Review, "reviewer"),
            (Step::Release, "approver"),
            (Step::Fund, "gateway")
        ]
    );
    let newest = &bench.audit_tail(1).await.unwrap()[0];
    assert_eq!(
        (newest.who.as_str(), newest.action.as_str()),
        ("gateway", "batch.fund")
    );
    assert_eq!(bench.plan(WIDE).await.len(), 1);
    assert_eq!(bench.plan(WIDE).await.len(), 1);
    assert_eq!(bench.account("P1").await, (351, 351, 0));
    bench.adds_up().await;
}

pub(crate) async fn one_fen_too_little_still_waits_and_exactly_enough_does_not(bench: Bench) {
    bench.settle().await;
    bench.released("B1", 1, 300).await;
    bench.deposit("P1", 299).await;
    assert_eq!(bench.looked(30).await, told(&[("B1", short(1))]));
    assert_eq!(bench.account("P1").await, (299, 0, 0));
    // Looked at again of itself, to no other end.
    assert_eq!(bench.looked(629).await, []);
    assert_eq!(bench.looked(630).await, told(&[("B1", short(1))]));
    bench.deposit("P1", 1).await;
    assert_eq!(bench.looked(640).await, told(&[("B1", Funding::Funded)]));
    assert_eq!(bench.account("P1").await, (300, 300, 0));
}

pub(crate) async fn the_older_release_is_paid_first_and_blocks_no_smaller_one(bench: Bench) {
    bench.settle().await;
    bench.released("B1", 1, 300).await;
    bench.released("B2", 2, 50).await;
    bench.released("B3", 3, 60).await;
    bench.deposit("P1", 60).await;
    assert_eq!(
        bench.looked(30).await,
        told(&[
            ("B1", short(240)),
            ("B2", Funding::Funded),
            ("B3", short(50))
        ])
    );
    // Whoever is looked at first: what the older one can take is not given to the younger.
    bench.deposit("P1", 310).await;
    let looks = bench.looks(30).await;
    assert_eq!(looks.len(), 2);
    assert_eq!(bench.tries(&looks[1], 30).await, short(40));
    assert_eq!(bench.tries(&looks[0], 30).await, Funding::Funded);
    assert_eq!(bench.account("P1").await, (370, 350, 0));
    // A release does not pass those who wait either, where they fit.
    bench.deposit("P1", 40).await;
    assert_eq!(bench.released("B4", 4, 5).await, BatchState::AwaitingFunds);
    assert_eq!(
        bench.looked(30).await,
        told(&[("B3", Funding::Funded)]),
        "the new one waits until something more comes, or ten minutes"
    );
    assert_eq!(bench.looked(700).await, told(&[("B4", short(5))]));
}

pub(crate) async fn a_release_that_waits_is_taken_back_with_nothing_to_give_back(bench: Bench) {
    bench.settle().await;
    bench.deposit("P1", 299).await;
    bench.released("B1", 1, 300).await;
    let claim = bench.looks(700).await.remove(0);
    let back = bench.store.decide(&undoing("B1")).await.unwrap();
    assert_eq!((back.state, back.round), (BatchState::AwaitingRelease, 2));
    assert_eq!(back.missing(), None);
    assert_eq!(bench.account("P1").await, (299, 0, 0));
    bench.deposit("P1", 1).await;
    let late = bench.store.fund_batch(&claim, at(2), at(2)).await;
    assert!(matches!(late, Err(StoreError::Stale)), "{late:?}");
    assert_eq!(bench.looked(1_000).await, []);
    let again = bench.store.decide(&releasing("B1")).await.unwrap();
    assert_eq!(again.state, BatchState::Released);
    assert_eq!(bench.account("P1").await, (300, 300, 0));
    bench.adds_up().await;
}

pub(crate) async fn nobody_refuses_withdraws_or_lets_expire_what_waits_for_money(bench: Bench) {
    bench.settle().await;
    bench.released("B1", 1, 300).await;
    let state = BatchState::AwaitingFunds;
    for (says, act) in [
        (refusing("B1").says, Act::Refuse),
        (Says::Withdraw { reason: None }, Act::Withdraw),
    ] {
        let refused = bench.store.decide(&said_of("B1", "other", says)).await;
        let expected = Conflict::NotNow(NotNow { state, act });
        match refused {
            Err(StoreError::Conflict(found)) => assert_eq!(found, expected),
            other => panic!("{other:?}"),
        }
    }
    let expire = loop {
        let claim = bench.store.claim_step(at(100_000), LEASE_MS).await;
        let claim = claim.unwrap().unwrap();
        if claim.kind == TaskKind::Expire {
            break claim;
        }
    };
    let after = bench.store.expire_batch(&expire, at(100_000)).await;
    assert_eq!(after.unwrap(), state);
    bench.adds_up().await;
}

pub(crate) async fn money_that_a_release_gives_back_goes_to_whoever_waits(bench: Bench) {
    bench.settle().await;
    bench.deposit("P1", 300).await;
    assert_eq!(bench.released("B1", 1, 300).await, BatchState::Released);
    bench.released("B2", 2, 200).await;
    bench.released("B3", 3, 100).await;
    bench.store.decide(&undoing("B1")).await.unwrap();
    assert_eq!(
        bench.looked(30).await,
        told(&[("B2", Funding::Funded), ("B3", Funding::Funded)])
    );
    // One whose rows differ keeps its money until it is refused.
    let plan = bench.claim(TaskKind::Plan).await;
    bench.released("B4", 4, 50).await;
    let held = bench
        .store
        .hold_differing(&plan, &plan.subject, "1 row", at(2));
    held.await.unwrap();
    assert_eq!(bench.looked(30).await, []);
    bench.refuse(&plan.subject).await;
    assert_eq!(bench.looked(30).await, told(&[("B4", Funding::Funded)]));
}

pub(crate) async fn wages_that_fail_or_come_back_pay_for_whoever_waits(bench: Bench) {
    bench.settle().await;
    let sent = bench.sent("B1", &[100, 200]).await;
    bench.released("B2", 12, 200).await;
    bench.released("B3", 13, 100).await;
    let paid = item(&sent.bank_key, 1, Verdict::Paid);
    bench.hears(vec![paid]).await;
    assert_eq!(bench.looked(30).await, [], "what is paid is gone");
    bench.hears(vec![item(&sent.bank_key, 2, CLOSED)]).await;
    assert_eq!(
        bench.looked(30).await,
        told(&[("B2", Funding::Funded), ("B3", short(100))])
    );
    bench.hears(vec![item(&sent.bank_key, 1, BACK)]).await;
    assert_eq!(bench.looked(30).await, told(&[("B3", Funding::Funded)]));
    assert_eq!(bench.account("P1").await, (300, 300, 0));
}

pub(crate) async fn what_differs_while_it_waits_frees_nobodys_money(bench: Bench) {
    bench.settle().await;
    bench.deposit("P1", 300).await;
    bench.released("B1", 1, 300).await;
    bench.released("B2", 2, 50).await;
    let claim = bench.looks(700).await.remove(0);
    let held = bench.store.hold_differing(&claim, "B2", "1 row", at(2));
    held.await.unwrap();
    assert_eq!(bench.state("B2").await, BatchState::ContentDiffers);
    assert_eq!(bench.account("P1").await, (300, 300, 0));
    bench.adds_up().await;
    bench.refuse("B2").await;
    assert_eq!(bench.account("P1").await, (300, 300, 0));
    bench.adds_up().await;
}

pub(crate) async fn the_database_itself_refuses_a_release_without_its_money(bench: Bench) {
    bench.settle().await;
    bench.released("B1", 1, 300).await;
    let rule = "nothing_is_sent_without_its_money";
    for (statement, names) in [
        ("UPDATE batch SET state = 'released'", [rule, rule]),
        ("UPDATE batch SET state = 'planned'", [rule, rule]),
        ("UPDATE batch SET short_since = NULL", [rule, rule]),
        (
            "INSERT INTO approval (batch_id, round, step, after_step, by_whom, at, content)
               SELECT id, 2, 'fund', 'release', 'gateway', 1, content FROM batch",
            ["no_step_is_skipped", "FOREIGN KEY"],
        ),
        (
            "INSERT INTO approval (batch_id, round, step, by_whom, at, content)
               SELECT id, 1, 'fund', 'gateway', 1, content FROM batch",
            ["steps_follow_each_other", "steps_follow_each_other"],
        ),
    ] {
        let said = bench.sql(statement).await.unwrap_err();
        assert!(
            names.iter().any(|name| said.contains(name)),
            "{statement}: {said}"
        );
    }
}

pub(crate) async fn what_waits_for_money_is_owed_and_its_account_says_so(bench: Bench) {
    bench.settle().await;
    bench.deposit("P1", 100).await;
    assert_eq!(bench.store.short_accounts().await.unwrap(), []);
    bench.released("B1", 1, 300).await;
    bench.released("B2", 2, 150).await;
    let short = bench.store.short_accounts().await.unwrap();
    assert_eq!(short.len(), 1);
    let waiting = short[0].waiting.unwrap();
    assert_eq!(
        (short[0].project.as_str(), waiting.batches, waiting.since),
        ("P1", 2, at(1))
    );
    assert_eq!(waiting.missing(short[0].free()), Fen::new(350));
    let accounts = bench.store.accounts().await.unwrap();
    let listed: Vec<bool> = accounts
        .iter()
        .map(|account| account.waiting.is_some())
        .collect();
    assert_eq!(listed, [true, false, false]);
    let lines = bench.store.rates(month(MONTH), Level::Project).await;
    let line = lines.unwrap().remove(0);
    assert_eq!(line.tally.all(), Some((2, Fen::new(450))));
    assert_eq!((line.awaiting.0, line.projects), (0, 1));
}

/// Numbers without order, the same in every run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: i64) -> i64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        i64::try_from(self.0 >> 33).unwrap() % end
    }
}

pub(crate) async fn in_whatever_order_money_comes_no_more_is_reserved_than_is_there(bench: Bench) {
    bench.settle().await;
    let mut numbers = Numbers(7);
    let mut codes: Vec<String> = Vec::new();
    for turn in 1_u32..60 {
        match numbers.below(5) {
            0 | 1 => {
                let code = format!("B{turn}");
                bench.released(&code, turn, 1 + numbers.below(400)).await;
                codes.push(code);
            }
            2 => bench.deposit("P1", 1 + numbers.below(300)).await,
            3 if !codes.is_empty() => {
                let last = i64::try_from(codes.len()).unwrap();
                let code = &codes[usize::try_from(numbers.below(last)).unwrap()];
                // Taken back from wherever it stands; one that was taken back before is released again.
                if bench.store.decide(&undoing(code)).await.is_err() {
                    bench.store.decide(&releasing(code)).await.unwrap();
                }
            }
            _ => {
                let mut looks = bench.looks(30).await;
                if numbers.below(2) == 0 {
                    looks.reverse();
                }
                for claim in looks {
                    bench.tries(&claim, 30).await;
                }
            }
        }
        let (balance, reserved, overdrawn) = bench.account("P1").await;
        assert!(reserved <= balance && overdrawn == 0, "turn {turn}");
        bench.adds_up().await;
    }
    // In the end nobody waits who fits into what is free, and enough money lets all go.
    bench.looked(2_000).await;
    let (balance, reserved, _) = bench.account("P1").await;
    for code in &codes {
        let batch = bench.store.batch(code).await.unwrap();
        let waits = batch.state == BatchState::AwaitingFunds;
        assert!(!waits || batch.total.get() > balance - reserved, "{code}");
    }
    bench.deposit("P1", 100_000).await;
    bench.looked(2_000).await;
    assert_eq!(bench.store.short_accounts().await.unwrap(), []);
}
