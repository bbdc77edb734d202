//! Transactions that meet: one stands still in the middle because a third connection holds what it needs next, and the other comes in between.

use crate::fresh_postgres::fresh_postgres;
use crate::house::{
    AT, BANK, LEASE_MS, WAGE, approve, claim, deposit, gateways_of, read_task, split, submit,
};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use std::sync::Arc;
use tokio::task::{JoinHandle, yield_now};
use wagegate::store::postgres::PostgresStore;
use wagegate::store::{
    Approvals as _, CardRuling, Claim, Decision, Registry as _, Saying, Says, Store, StoreError,
    Taken, TaskKind, Within,
};
use wagegate_domain::Fen;
use wagegate_domain::attempt::State;
use wagegate_domain::batch::BatchState;
use wagegate_domain::fact::{BankCode, ItemRefs, Told, Verdict};
use wagegate_domain::plan::reference;
use wagegate_domain::roster::CardStatus;

/// A connection that holds something until it is told to let go.
struct Third {
    connection: PgConnection,
    url: String,
}

impl Third {
    async fn that(url: &str, does: &str) -> Self {
        let mut connection = PgConnection::connect(url).await.unwrap();
        for statement in ["BEGIN", does] {
            let statement = AssertSqlSafe(statement.to_owned());
            sqlx::query(statement)
                .execute(&mut connection)
                .await
                .unwrap();
        }
        Self {
            connection,
            url: url.to_owned(),
        }
    }

    /// Until so many wait for a lock.
    async fn sees_waiting(&self, count: i64) {
        let mut looker = PgConnection::connect(&self.url).await.unwrap();
        let waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
        while sqlx::query_scalar::<_, i64>(waiting)
            .fetch_one(&mut looker)
            .await
            .unwrap()
            < count
        {
            yield_now().await;
        }
    }

    async fn lets_go(mut self) {
        sqlx::query("COMMIT")
            .execute(&mut self.connection)
            .await
            .unwrap();
    }
}

/// Two batches that were split and never sent, a bank's document that reports on the first wage of each, and the claim to send the first.
struct Restored {
    url: String,
    stores: Vec<Arc<PostgresStore>>,
    instructions: [(i64, String); 2],
    send: Claim,
    read: (i64, Claim),
}

async fn restored() -> Restored {
    let url = fresh_postgres().await;
    let stores = gateways_of(&url, 2).await;
    let store = &stores[0];
    for project in [1, 2] {
        let code = format!("B{project}");
        deposit(store, project, 3).await;
        submit(store, &code, project, "2026-10", 3).await.unwrap();
        approve(store, &code).await.unwrap();
    }
    let plans = [claim(store).await, claim(store).await];
    let instructions = [split(store, &plans[0]).await, split(store, &plans[1]).await];
    let read = read_task(store, 0, 0).await;
    let send = claim(store).await;
    assert_eq!(
        (send.kind, send.subject.clone()),
        (TaskKind::Send, instructions[0].0.to_string())
    );
    Restored {
        url,
        stores,
        instructions,
        send,
        read,
    }
}

impl Restored {
    fn reads(&self) -> JoinHandle<Result<Taken, StoreError>> {
        let paid = |key: &str| Told::Item {
            refs: ItemRefs {
                reference: Some(reference(key, 1)),
                ..ItemRefs::default()
            },
            verdict: Verdict::Paid,
            amount: Some(Fen::new(WAGE)),
            bank: BankCode::default(),
        };
        let said: Vec<Saying> = (0..)
            .zip(&self.instructions)
            .map(|(ordinal, (_, key))| Saying {
                ordinal,
                told: paid(key),
                account_blind: None,
            })
            .collect();
        let (store, (raw, claim)) = (Arc::clone(&self.stores[1]), self.read.clone());
        tokio::spawn(async move { store.record_facts(&claim, raw, &said, AT).await })
    }

    fn sends(&self) -> JoinHandle<Result<i64, StoreError>> {
        let (store, send) = (Arc::clone(&self.stores[0]), self.send.clone());
        let id = self.instructions[0].0;
        tokio::spawn(async move { store.record_intent(&send, id, ([7; 32], 100), 0, AT).await })
    }

    async fn state(&self) -> State {
        let (id, _) = self.instructions[0];
        self.stores[0].instruction(id).await.unwrap().state
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sender_that_waits_for_a_document_about_its_payments_sends_nothing() {
    let house = restored().await;
    let second = "SELECT id FROM batch WHERE code = 'B2' FOR UPDATE";
    let third = Third::that(&house.url, second).await;
    let reading = house.reads();
    third.sees_waiting(1).await;
    let sending = house.sends();
    third.sees_waiting(2).await;
    third.lets_go().await;
    let taken = reading.await.unwrap().unwrap();
    assert_eq!((taken.facts, taken.suspense), (0, 2));
    let sent = sending.await.unwrap();
    assert!(matches!(sent, Err(StoreError::Stale)), "{sent:?}");
    assert_eq!(house.state().await, State::Planned);
    let next = house.stores[0].claim_step(AT, LEASE_MS).await.unwrap();
    let next = next.map(|claim| claim.kind);
    assert_eq!(next, Some(TaskKind::Query), "the bank is asked first");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_that_waits_for_the_sender_of_its_payments_is_about_what_was_sent() {
    let house = restored().await;
    let first = "SELECT id FROM batch WHERE code = 'B1' FOR UPDATE";
    let third = Third::that(&house.url, first).await;
    let sending = house.sends();
    third.sees_waiting(1).await;
    let reading = house.reads();
    third.sees_waiting(2).await;
    third.lets_go().await;
    sending.await.unwrap().unwrap();
    let taken = reading.await.unwrap().unwrap();
    assert_eq!((taken.facts, taken.suspense), (1, 1));
    assert_eq!(house.state().await, State::Accepted);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_release_that_is_taken_back_while_its_batch_expires_is_taken_back() {
    let url = fresh_postgres().await;
    let stores = gateways_of(&url, 2).await;
    deposit(&stores[0], 1, 3).await;
    submit(&stores[0], "B1", 1, "2026-10", 3).await.unwrap();
    approve(&stores[0], "B1").await.unwrap();
    let far = "2101-01-01T00:00:00Z".parse().unwrap();
    let mut claims = Vec::new();
    while let Some(claim) = stores[0].claim_step(far, LEASE_MS).await.unwrap() {
        claims.push(claim);
    }
    let expiry = claims
        .into_iter()
        .find(|claim| claim.kind == TaskKind::Expire)
        .unwrap();
    let third = Third::that(&url, "SELECT id FROM special_account FOR UPDATE").await;
    let undo = Decision {
        batch: "B1".into(),
        says: Says::Undo {
            reason: None,
            expires_at: "2102-01-01T00:00:00Z".parse().unwrap(),
        },
        by: "approver".into(),
        at: AT,
    };
    let store = Arc::clone(&stores[0]);
    let undoing = tokio::spawn(async move { store.decide(&undo).await });
    third.sees_waiting(1).await;
    let store = Arc::clone(&stores[1]);
    let expiring = tokio::spawn(async move { store.expire_batch(&expiry, far).await });
    third.sees_waiting(2).await;
    third.lets_go().await;
    assert_eq!(
        undoing.await.unwrap().unwrap().state,
        BatchState::AwaitingRelease
    );
    assert_eq!(
        expiring.await.unwrap().unwrap(),
        BatchState::AwaitingRelease
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_word_on_a_card_follows_the_banks_word_of_the_same_moment() {
    let url = fresh_postgres().await;
    let stores = gateways_of(&url, 1).await;
    submit(&stores[0], "B1", 1, "2026-10", 1).await.unwrap();
    let banks_word = format!(
        "INSERT INTO card_status (binding_id, version, kind, status, by_whom, at) SELECT id, 1, 'unknown', 'verified', 'wagegate://bank/{BANK}', 5 FROM binding"
    );
    let third = Third::that(&url, &banks_word).await;
    let mut looker = PgConnection::connect(&url).await.unwrap();
    let card = sqlx::query_scalar("SELECT id FROM binding")
        .fetch_one(&mut looker)
        .await
        .unwrap();
    let ruling = CardRuling {
        card,
        status: CardStatus::Invalid,
        reason: None,
        evidence: None,
        by: "finance".into(),
        within: Within::All,
        today: jiff::civil::date(2026, 11, 2),
        at: AT,
    };
    let store = Arc::clone(&stores[0]);
    let ruled = tokio::spawn(async move { store.rule_on_card(&ruling).await });
    third.sees_waiting(1).await;
    third.lets_go().await;
    assert_eq!(ruled.await.unwrap().unwrap().status, CardStatus::Invalid);
    let versions: Vec<(i64, String)> =
        sqlx::query_as("SELECT version, status FROM card_status ORDER BY version")
            .fetch_all(&mut looker)
            .await
            .unwrap();
    assert_eq!(
        versions,
        [(1, "verified".to_owned()), (2, "invalid".to_owned())]
    );
}
