//! What happens is told: written with what it tells, put before those who may see it, tried until it arrives or is given up.

use serde_json::{Value, json};
use wagegate::security::principal::{Principal, Role, Scope};
use wagegate::store::identities::PrincipalChange;
use wagegate::store::*;
use wagegate_domain::attempt::Event;
use wagegate_domain::fact::Verdict;
use wagegate_domain::reason::Reason;

use crate::engines::Bench;
use crate::world::*;

fn operator() -> Principal {
    Principal {
        name: "operator".into(),
        role: Role::Operator,
        scope: Scope::All,
    }
}

impl Bench {
    async fn admitted(&self, principal: &Principal) {
        let principals = std::slice::from_ref(principal);
        self.store
            .admit_unknown(principals, "configuration", at(0))
            .await
            .unwrap();
    }

    async fn subscribed(&self, owner: &Principal, part: Part, kinds: &[NoticeKind]) -> WebhookView {
        self.admitted(owner).await;
        let mut code = [0; 16];
        code[..4].copy_from_slice(&fresh().to_be_bytes());
        let new = NewWebhook {
            code,
            part,
            url: "https://hooks.example/robot?access_token=SECRET".into(),
            kinds: kinds.to_vec(),
            ca: None,
            secret: vec![1; 60],
        };
        self.store
            .subscribe(&new, &owner.name, at(0))
            .await
            .unwrap()
    }

    /// Puts every notice before those who subscribed, and gives the tasks to deliver.
    async fn announced(&self, now: i64) -> Vec<Claim> {
        let mut deliver = Vec::new();
        while let Some(claim) = self.store.claim_post(at(now), LEASE_MS).await.unwrap() {
            match claim.kind {
                TaskKind::Announce => {
                    let notice = claim.subject.parse().unwrap();
                    self.store.announce(&claim, notice, at(now)).await.unwrap();
                }
                TaskKind::Deliver => deliver.push(claim),
                TaskKind::Fund
                | TaskKind::Plan
                | TaskKind::Send
                | TaskKind::Query
                | TaskKind::Collect
                | TaskKind::Read
                | TaskKind::Expire
                | TaskKind::Reseal => {
                    panic!("{claim:?} is not for the post")
                }
            }
        }
        deliver
    }

    async fn due(&self, webhook: &WebhookView, now: i64) -> Round {
        let round = self.store.due_deliveries(webhook.id, at(now), 100).await;
        round.unwrap()
    }

    /// Kinds and data of what is due.
    async fn told(&self, webhook: &WebhookView, now: i64) -> Vec<(&'static str, Value)> {
        let round = self.due(webhook, now).await;
        let told = |due: &Due| {
            let data = serde_json::from_str(&due.notice.data).unwrap();
            (due.notice.kind.code(), data)
        };
        round.due.iter().map(told).collect()
    }

    async fn tried(&self, claim: &Claim, delivery: i64, now: i64, then: Then) {
        let tried = Tried {
            at: at(now),
            status: (then == Then::Delivered).then_some(204),
            answer: "answer".into(),
            then,
        };
        self.store
            .record_try(claim, delivery, &tried)
            .await
            .unwrap();
    }

    async fn ends(&self, claim: &Claim, webhook: &WebhookView, now: i64) {
        let too_old = at(now - 1_000);
        let ended = self.store.end_round(claim, webhook.id, at(now), too_old);
        ended.await.unwrap();
    }
}

pub(crate) async fn what_happens_is_told_in_order_with_sums_and_without_people(bench: Bench) {
    bench.settle().await;
    let all = bench.subscribed(&operator(), Part::Everything, &[]).await;
    let sent = bench.sent("B1", &[100, 200, 300, 400]).await;
    let told = vec![
        item(&sent.bank_key, 1, Verdict::Paid),
        item(&sent.bank_key, 2, CLOSED),
        item(&sent.bank_key, 3, Verdict::Failed(Reason::Channel)),
    ];
    bench.hears(told).await;
    bench
        .hears(vec![item(&sent.bank_key, 4, Verdict::Paid)])
        .await;
    bench.hears(vec![item(&sent.bank_key, 4, BACK)]).await;
    // The same again is nothing new.
    bench.hears(vec![item(&sent.bank_key, 4, BACK)]).await;
    let deliver = bench.announced(100).await;
    assert_eq!(
        deliver.len(),
        1,
        "one task for all that waits for one subscription"
    );
    let told = bench.told(&all, 100).await;
    let head =
        json!({"batch": "B1", "month": MONTH, "project": "P1", "region": "530902", "bank": BANK});
    let with = |more: Value| {
        let mut data = head.clone();
        data.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        data
    };
    let whole = with(json!({"rows": 4, "fen": 1_000}));
    let instruction =
        with(json!({"instruction": sent.bank_key, "part": 1, "rows": 4, "fen": 1_000}));
    let kinds: Vec<_> = told.iter().map(|(kind, _)| *kind).collect();
    assert_eq!(
        kinds,
        [
            "batch.submitted",
            "batch.reviewed",
            "batch.released",
            "instruction.sent",
            "instruction.accepted",
            "card.invalid",
            "wage.failed",
            "batch.settled",
            "card.invalid",
            "wage.returned",
        ]
    );
    let data: Vec<_> = told.into_iter().map(|(_, data)| data).collect();
    assert_eq!(
        [&data[0], &data[1], &data[2], &data[3], &data[4]],
        [&whole, &whole, &whole, &instruction, &instruction]
    );
    assert_eq!(
        data[5],
        with(json!({"count": 1, "fen": 200, "reasons": {"CLOSED": 1}}))
    );
    assert_eq!(
        data[6],
        with(json!({"count": 2, "fen": 500, "reasons": {"CLOSED": 1, "CHANNEL": 1}}))
    );
    assert_eq!(data[7]["places"]["paid"], json!({"count": 2, "fen": 500}));
    assert_eq!(
        data[9],
        with(json!({"count": 1, "fen": 400, "reasons": {"NAME_MISMATCH": 1}}))
    );
}

pub(crate) async fn what_is_not_done_is_not_told_and_a_shortage_is_told_once(bench: Bench) {
    bench.settle().await;
    let all = bench.subscribed(&operator(), Part::Everything, &[]).await;
    let rows = wages(&[100, 200]);
    let head = head("B0", "P1", &rows);
    let mut source = Source::that_breaks(rows, 1);
    let broken = bench.store.accept_batch(&head, &mut source);
    assert!(broken.await.is_err());
    bench.submit("B1", "P1", wages(&[100, 200])).await.unwrap();
    bench.deposit("P1", 250).await;
    bench.approve("B1").await.unwrap();
    let look = bench.claim(TaskKind::Fund).await;
    bench.store.fund_batch(&look, at(1), at(1)).await.unwrap();
    bench.deposit("P1", 50).await;
    let look = bench.claim(TaskKind::Fund).await;
    bench.store.fund_batch(&look, at(1), at(1)).await.unwrap();
    let (reason, expires_at) = (None, at(200_000));
    let undo = said_of("B1", "approver", Says::Undo { reason, expires_at });
    bench.store.decide(&undo).await.unwrap();
    bench.refuse("B1").await;
    bench.announced(100).await;
    let told = bench.told(&all, 100).await;
    let kinds: Vec<_> = told.iter().map(|(kind, _)| *kind).collect();
    assert_eq!(
        kinds,
        [
            "batch.submitted",
            "batch.reviewed",
            "batch.released",
            "account.short",
            "batch.funded",
            "batch.undone",
            "batch.refused"
        ]
    );
    assert_eq!(
        (&told[3].1["short_fen"], &told[3].1["available_fen"]),
        (&json!(50), &json!(250))
    );
    assert_eq!(
        (&told[3].1["project"], &told[3].1["bank"]),
        (&json!("P1"), &json!(BANK))
    );
    // As subscriptions of an earlier program called it.
    assert_eq!(
        NoticeKind::from_code("funds.short"),
        Some(NoticeKind::AccountShort)
    );
    // Doubt is told once, however often the bank has no answer, and so is the word that clears it.
    bench.submit("B2", "P1", wages(&[100])).await.unwrap();
    bench.approve("B2").await.unwrap();
    bench.plan(WIDE).await;
    let (mut claim, id) = bench.intend().await;
    for event in [
        Event::Unclear,
        Event::Unclear,
        Event::NotKnown,
        Event::Known,
    ] {
        let next = Next::Again(at(0));
        bench
            .store
            .record_event(&claim, id, &happening(event), next)
            .await
            .unwrap();
        claim = bench.claim(TaskKind::Send).await;
    }
    bench.announced(200).await;
    let kinds: Vec<_> = bench
        .told(&all, 200)
        .await
        .into_iter()
        .map(|(kind, _)| kind)
        .collect();
    assert_eq!(
        kinds[7..],
        [
            "batch.submitted",
            "batch.reviewed",
            "batch.released",
            "instruction.sent",
            "instruction.in_doubt",
            "instruction.accepted",
        ]
    );
}

pub(crate) async fn each_sees_their_part_of_the_world_and_only_while_they_may(bench: Bench) {
    bench.settle().await;
    let somebody = |name: &str, role, scope| Principal {
        name: name.into(),
        role,
        scope,
    };
    let projects = |codes: [&str; 2]| Scope::Projects(codes.map(str::to_owned).into());
    let finance = somebody("finance", Role::Finance, projects(["P1", "P3"]));
    let supervisor = somebody("supervisor", Role::Supervisor, Scope::Region("5309".into()));
    let clerk = somebody("clerk2", Role::Clerk, projects(["P1", "P2"]));
    let of = |code: &str, region: &str| Part::Project {
        code: code.into(),
        region: region.into(),
    };
    let all = bench.subscribed(&operator(), Part::Everything, &[]).await;
    let first = bench.subscribed(&finance, of("P1", "530902"), &[]).await;
    let foreign = bench.subscribed(&finance, of("P2", "530923"), &[]).await;
    let region = bench
        .subscribed(&supervisor, Part::Region("5309".into()), &[])
        .await;
    let wide = bench
        .subscribed(&supervisor, Part::Everything, &[NoticeKind::BatchSubmitted])
        .await;
    let settled = bench
        .subscribed(&operator(), Part::Everything, &[NoticeKind::BatchSettled])
        .await;
    // A role that may not manage webhooks is told nothing, whatever stands in the table.
    let never = bench.subscribed(&clerk, of("P1", "530902"), &[]).await;
    for (batch, project, person) in [("B1", "P1", 1), ("B2", "P2", 2), ("B3", "P3", 3)] {
        let rows = vec![row(1, person, 100)];
        bench.submit(batch, project, rows).await.unwrap();
    }
    bench.announced(100).await;
    for (webhook, batches) in [
        (&all, vec!["B1", "B2", "B3"]),
        (&first, vec!["B1"]),
        (&foreign, vec![]),
        (&region, vec!["B1", "B2"]),
        (&wide, vec!["B1", "B2"]),
        (&settled, vec![]),
        (&never, vec![]),
    ] {
        let told = bench.told(webhook, 100).await;
        let told: Vec<_> = told
            .iter()
            .map(|(_, data)| data["batch"].as_str().unwrap())
            .collect();
        assert_eq!(told, batches, "{webhook:?}");
    }
    // Whoever is suspended or moved away meanwhile is told no more, not even what waits.
    let change = async |uri: &str, change| {
        bench
            .store
            .change_principal(uri, &change, "operator", at(50))
            .await
            .unwrap();
    };
    change("finance", PrincipalChange::Rescope(projects(["P2", "P3"]))).await;
    change("supervisor", PrincipalChange::Suspend).await;
    for webhook in [&first, &region] {
        let round = bench.due(webhook, 100).await;
        assert!(!round.subscriber.sees(&round.due[0].notice), "{webhook:?}");
    }
}

pub(crate) async fn a_receiver_that_is_not_well_rests_and_what_waits_too_long_is_given_up(
    bench: Bench,
) {
    bench.settle().await;
    let all = bench.subscribed(&operator(), Part::Everything, &[]).await;
    let one = bench
        .store
        .try_webhook(&all.code, "operator", at(0))
        .await
        .unwrap();
    let other = bench
        .store
        .try_webhook(&all.code, "operator", at(1))
        .await
        .unwrap();
    let claim = bench.announced(1).await.remove(0);
    let round = bench.due(&all, 1).await;
    let ids: Vec<_> = round.due.iter().map(|due| due.notice.id).collect();
    assert_eq!(ids, [one, other]);
    let unwell = |again, until| Then::Again {
        at: at(again),
        rests_until: Some(at(until)),
    };
    bench
        .tried(&claim, round.due[0].delivery, 2, unwell(7, 20))
        .await;
    bench.ends(&claim, &all, 2).await;
    assert_eq!(bench.store.webhook(&all.code).await.unwrap().failures, 1);
    // Neither what waits nor what comes meanwhile ends its rest.
    bench
        .store
        .try_webhook(&all.code, "operator", at(3))
        .await
        .unwrap();
    assert_eq!(bench.store.next_post().await.unwrap(), Some(at(20)));
    assert_eq!(bench.announced(19).await, []);
    let claim = bench.announced(20).await.remove(0);
    let due = bench.due(&all, 20).await.due;
    assert_eq!(
        due.iter().map(|due| due.tries).collect::<Vec<_>>(),
        [0, 0, 1]
    );
    bench
        .tried(&claim, due[0].delivery, 21, Then::Delivered)
        .await;
    bench
        .tried(&claim, due[1].delivery, 21, unwell(30, 30))
        .await;
    bench.ends(&claim, &all, 1_005).await;
    // Two of the three were older than may be; the first had arrived.
    let log = bench.store.deliveries(all.id, None, 10).await.unwrap();
    let states: Vec<_> = log
        .iter()
        .map(|one| (one.state.as_str(), one.tries.len()))
        .collect();
    assert_eq!(states, [("given_up", 1), ("delivered", 1), ("given_up", 1)]);
    assert_eq!(log[1].tries[0].status, Some(204));
    assert_eq!(bench.store.next_post().await.unwrap(), None);
    let post = bench.store.post().await.unwrap();
    assert_eq!(
        post,
        Post {
            waiting: 0,
            given_up: 2
        }
    );
    let page = bench
        .store
        .deliveries(all.id, Some(log[0].id), 1)
        .await
        .unwrap();
    assert_eq!(page[0].id, log[1].id);
}

pub(crate) async fn what_is_paused_waits_and_what_was_told_can_be_told_again(bench: Bench) {
    bench.settle().await;
    // Nobody has subscribed yet: what happens is kept all the same.
    bench.submit("B1", "P1", wages(&[100])).await.unwrap();
    assert_eq!(bench.store.next_post().await.unwrap(), None);
    let all = bench.subscribed(&operator(), Part::Everything, &[]).await;
    let change = async |change| {
        let changed = bench
            .store
            .change_webhook(&all.code, &change, "operator", at(5));
        changed.await.unwrap()
    };
    assert!(change(WebhookChange::Pause).await.paused);
    bench
        .submit("B2", "P2", vec![row(1, 2, 100)])
        .await
        .unwrap();
    // A courier looks, finds it paused and goes: nothing is due any more.
    let looks = bench.announced(10).await.remove(0);
    assert_eq!(bench.due(&all, 10).await.due.len(), 1);
    bench.ends(&looks, &all, 10).await;
    assert_eq!(bench.store.next_post().await.unwrap(), None);
    // Resumed between the look and its end, it is due all the same.
    change(WebhookChange::Resume).await;
    change(WebhookChange::Pause).await;
    let looks = bench.announced(10).await.remove(0);
    assert!(bench.due(&all, 10).await.subscriber.webhook.paused);
    assert!(!change(WebhookChange::Resume).await.paused);
    bench.ends(&looks, &all, 10).await;
    let resumed = bench.announced(10).await.remove(0);
    assert_eq!(bench.due(&all, 10).await.due.len(), 1);
    bench.ends(&resumed, &all, 10).await;
    let replay = async |what| {
        let done = bench.store.replay(&all.code, what, "operator", at(20));
        done.await.unwrap()
    };
    assert_eq!(replay(Replay::Since(at(0))).await, 2);
    assert_eq!(replay(Replay::Since(at(1))).await, 0);
    let first = bench.due(&all, 20).await.due[1].notice.id;
    assert_eq!(replay(Replay::Notice(first)).await, 1);
    assert_eq!(replay(Replay::Notice(9_999)).await, 0);
    let told: Vec<_> = bench
        .told(&all, 20)
        .await
        .into_iter()
        .map(|(_, data)| data["batch"].clone())
        .collect();
    assert_eq!(told, ["B2", "B1", "B2", "B1"]);
    let acts = bench.audit_tail(5).await.unwrap();
    let acts: Vec<_> = acts
        .iter()
        .map(|act| (act.action.as_str(), act.detail.as_str()))
        .collect();
    assert_eq!(acts[0], ("webhook.replay", "0 notices"));
    assert_eq!(acts[3], ("webhook.replay", "2 notices"));
    assert_eq!(acts[4], ("webhook.resume", "hooks.example"));
    // What was told is never changed.
    let said = bench
        .sql("UPDATE notice SET data = '{}'")
        .await
        .unwrap_err();
    assert!(said.contains("what was told is never changed"), "{said}");
}

pub(crate) async fn what_waits_while_paused_is_not_given_up(bench: Bench) {
    let all = bench.subscribed(&operator(), Part::Everything, &[]).await;
    let store = &bench.store;
    store
        .try_webhook(&all.code, "operator", at(0))
        .await
        .unwrap();
    let claim = bench.announced(1).await.remove(0);
    let delivery = bench.due(&all, 1).await.due[0].delivery;
    let unwell = Then::Again {
        at: at(20),
        rests_until: Some(at(20)),
    };
    bench.tried(&claim, delivery, 1, unwell).await;
    bench.ends(&claim, &all, 1).await;
    let pause = WebhookChange::Pause;
    let paused = store.change_webhook(&all.code, &pause, "operator", at(2));
    assert!(paused.await.unwrap().paused);
    let looks = bench.announced(5_000).await.remove(0);
    bench.ends(&looks, &all, 5_000).await;
    let log = store.deliveries(all.id, None, 10).await.unwrap();
    assert_eq!(log[0].state, "waiting");
}

pub(crate) async fn a_secret_that_was_changed_signs_beside_the_new_one_until_its_end(bench: Bench) {
    let all = bench.subscribed(&operator(), Part::Everything, &[]).await;
    let rotate = WebhookChange::Rotate {
        secret: vec![2; 60],
        until: at(100),
    };
    let changed = bench
        .store
        .change_webhook(&all.code, &rotate, "operator", at(5))
        .await;
    assert_eq!(changed.unwrap().former_until, Some(at(100)));
    let secrets = async |now| bench.due(&all, now).await.secrets;
    assert_eq!(secrets(99).await, [vec![2; 60], vec![1; 60]]);
    assert_eq!(secrets(100).await, [vec![2; 60]]);
}

pub(crate) async fn two_couriers_never_tell_twice(bench: Bench) {
    bench.settle().await;
    let all = bench.subscribed(&operator(), Part::Everything, &[]).await;
    bench.submit("B1", "P1", wages(&[100])).await.unwrap();
    let late = bench
        .store
        .claim_post(at(1), LEASE_MS)
        .await
        .unwrap()
        .unwrap();
    let after_lease = at(1) + jiff::SignedDuration::from_millis(LEASE_MS);
    let taken_over = bench
        .store
        .claim_post(after_lease, LEASE_MS)
        .await
        .unwrap()
        .unwrap();
    assert!(taken_over.taken_over);
    let notice = late.subject.parse().unwrap();
    let told = bench.store.announce(&late, notice, at(2)).await;
    assert!(matches!(told, Err(StoreError::Stale)), "{told:?}");
    assert_eq!(
        bench
            .store
            .announce(&taken_over, notice, at(2))
            .await
            .unwrap(),
        1
    );
    assert_eq!(bench.due(&all, 10).await.due.len(), 1);
    // Work of the banks is never the post's, nor the other way round.
    bench
        .store
        .ensure_task(TaskKind::Collect, BANK, at(0))
        .await
        .unwrap();
    let claim = bench
        .store
        .claim_step(at(10), LEASE_MS)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(claim.kind, TaskKind::Collect);
    assert!(
        bench
            .store
            .claim_step(at(10), LEASE_MS)
            .await
            .unwrap()
            .is_none()
    );
}
