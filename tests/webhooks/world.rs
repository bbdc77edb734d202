//! A gateway without banks whose courier is driven step by step, with a clock that the tests move.

use std::{fs, sync::Arc, time::Duration};

use jiff::SignedDuration;
use tempfile::TempDir;
use wagegate::{
    audit::Witness,
    banks::Banks,
    clock::{Clock, ManualClock},
    dispatch::{Mark, Progress, Worker},
    evidence::Evidence,
    gateway::Gateway,
    security::{
        principal::{Principal, Role, Scope},
        seal::Vault,
        webhook::{Secret, fresh_code},
    },
    store::{
        DeliveryView, NewWebhook, Part, TaskKind, WebhookChange, WebhookView, sqlite::SqliteStore,
    },
    webhooks::{Allowed, Courier},
};

use crate::certificates::Certificates;

pub(crate) struct World {
    pub(crate) gateway: Arc<Gateway>,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) certificates: Certificates,
    courier: Worker,
    _folder: TempDir,
}

impl World {
    /// Deliveries may go to this machine itself.
    pub(crate) async fn open() -> Self {
        Self::open_to(&["127.0.0.0/8", "::1/128"]).await
    }

    pub(crate) async fn open_to(ranges: &[&str]) -> Self {
        // The first of several tests in this process.
        drop(rustls::crypto::aws_lc_rs::default_provider().install_default());
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str| folder.path().join(name);
        Vault::create(&file("keys")).unwrap();
        let vault = Arc::new(Vault::open(&file("keys")).unwrap());
        let ranges: Vec<_> = ranges.iter().map(ToString::to_string).collect();
        let clock = Arc::new(ManualClock::new("2026-11-02T01:00:00Z".parse().unwrap()));
        let url = format!("sqlite://{}", file("wagegate.db").display());
        let gateway = Arc::new(Gateway {
            store: Arc::new(SqliteStore::open(&url).await.unwrap()),
            evidence: Evidence::open(&file("evidence"), Arc::clone(&vault)).unwrap(),
            witness: Witness::open(&file("audit.witness"), Arc::clone(&vault)).unwrap(),
            mark: Mark::open(&file("audit.witness")).unwrap(),
            vault,
            banks: Arc::new(Banks::new([]).unwrap()),
            national: Default::default(),
            keys: Default::default(),
            approval: Default::default(),
            courier: Courier {
                allowed: Allowed::parse(&ranges).unwrap(),
                connect: Duration::from_secs(2),
                whole: Duration::from_secs(2),
            },
            clock: Arc::clone(&clock) as Arc<dyn Clock>,
            vitals: Default::default(),
            work: tokio::sync::Notify::new(),
        });
        let world = Self {
            courier: Worker::courier(Arc::clone(&gateway), Duration::from_secs(60)),
            gateway,
            clock,
            certificates: Certificates::fresh(),
            _folder: folder,
        };
        world.admit().await;
        world
    }

    async fn admit(&self) {
        let operator = Principal {
            name: "operator".into(),
            role: Role::Operator,
            scope: Scope::All,
        };
        let store = &self.gateway.store;
        store
            .admit(&operator, "test", self.clock.now())
            .await
            .unwrap();
    }

    /// The authority of the receivers' certificates.
    pub(crate) fn authority(&self) -> String {
        fs::read_to_string(self.certificates.file("people-ca.pem")).unwrap()
    }

    pub(crate) async fn subscribe(
        &self,
        url: &str,
        ca: impl Into<Option<String>>,
    ) -> (WebhookView, Secret) {
        let (code, secret) = (fresh_code(), Secret::fresh());
        let new = NewWebhook {
            code,
            part: Part::Everything,
            url: url.into(),
            kinds: vec![],
            ca: ca.into(),
            secret: self.gateway.vault.seal_webhook_secret(&code, &secret),
        };
        let kept = self
            .gateway
            .store
            .subscribe(&new, "operator", self.clock.now());
        (kept.await.unwrap(), secret)
    }

    pub(crate) async fn rotate(&self, webhook: &WebhookView) -> Secret {
        let secret = Secret::fresh();
        let rotate = WebhookChange::Rotate {
            secret: self
                .gateway
                .vault
                .seal_webhook_secret(&webhook.code, &secret),
            until: self.clock.now() + SignedDuration::from_hours(24),
        };
        let store = &self.gateway.store;
        let changed = store.change_webhook(&webhook.code, &rotate, "operator", self.clock.now());
        changed.await.unwrap();
        secret
    }

    pub(crate) async fn test(&self, webhook: &WebhookView) -> String {
        let store = &self.gateway.store;
        let id = store
            .try_webhook(&webhook.code, "operator", self.clock.now())
            .await;
        format!("msg_{}", id.unwrap())
    }

    /// One step of the courier; true while there was something to do.
    pub(crate) async fn step(&self) -> bool {
        match self.courier.step().await.unwrap() {
            Progress::Did(TaskKind::Announce | TaskKind::Deliver) => true,
            Progress::Did(other) => panic!("{other:?} is not the courier's"),
            Progress::Idle(_) => false,
        }
    }

    pub(crate) async fn idle(&self) {
        while self.step().await {}
    }

    pub(crate) async fn passes(&self, time: SignedDuration) {
        self.clock.advance(time);
        self.idle().await;
    }

    pub(crate) async fn log(&self, webhook: &WebhookView) -> Vec<DeliveryView> {
        let store = &self.gateway.store;
        store.deliveries(webhook.id, None, 100).await.unwrap()
    }
}
