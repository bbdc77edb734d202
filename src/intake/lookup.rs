//! The records of a running gateway, asked from the thread that checks: a chunk is looked up while the next one is read.

use std::{collections::HashMap, sync::Arc};

use tokio::runtime::Handle;
use wagegate_domain::{
    batch::WageRow,
    ids::{BankAccount, IdNumber, PersonName},
};

use super::{Answer, IntakeError, National, Records};
use crate::{
    security::{
        national::NationalSecrets,
        seal::{Blind, Vault},
    },
    store::{Asked, ProjectEntry, Store, StoreError},
};
use wagegate_domain::PayMonth;

/// Workers that are read from the roster at a time.
const PAGE: u32 = 1_000;

/// Store and keys, for one sheet.
pub(super) struct Lookup {
    pub(super) store: Arc<dyn Store>,
    pub(super) vault: Arc<Vault>,
    pub(super) asked: Asked,
    pub(super) runtime: Handle,
}

impl Records for Lookup {
    fn begin(&self, rows: &[WageRow]) -> Answer {
        let keys: Vec<_> = rows.iter().map(|row| self.vault.row_key(row)).collect();
        let (store, asked) = (Arc::clone(&self.store), self.asked.clone());
        let found = self
            .runtime
            .spawn(async move { store.standings(&asked, &keys).await });
        let runtime = self.runtime.clone();
        Box::new(move || match runtime.block_on(found) {
            Ok(standings) => Ok(standings?),
            Err(ended) => Err(IntakeError::Io(std::io::Error::other(ended))),
        })
    }

    fn name_blind(&self, name: &PersonName) -> [u8; 16] {
        self.vault.blind_name(name)
    }
}

/// One registered worker's card: sealed name and account with their blind index, and the bank's number.
type Card = (Blind, Vec<u8>, Option<String>);

/// A project's secret of the national platform and the cards on its roster, sealed as they are in the store.
pub(super) struct Platform {
    pub(super) project: String,
    pub(super) secrets: Arc<NationalSecrets>,
    pub(super) vault: Arc<Vault>,
    pub(super) cards: HashMap<Blind, Card>,
}

impl Platform {
    /// For a project and month.
    pub(super) async fn of(
        store: &dyn Store,
        vault: &Arc<Vault>,
        secrets: &Arc<NationalSecrets>,
        project: &ProjectEntry,
        month: PayMonth,
    ) -> Result<Self, StoreError> {
        let mut platform = Self {
            project: project.code.clone(),
            secrets: Arc::clone(secrets),
            vault: Arc::clone(vault),
            cards: HashMap::new(),
        };
        let mut after = 0;
        loop {
            let page = store.roster_page(&project.code, month, after, PAGE).await?;
            let Some(last) = page.last() else {
                return Ok(platform);
            };
            after = last.worker;
            platform.cards.extend(
                page.into_iter()
                    .filter_map(|worker| Some((worker.id_number.0, worker.card?))),
            );
        }
    }
}

impl National for Platform {
    fn open(&self, sealed: &str) -> Option<String> {
        let opened = self.secrets.of(&self.project)?.open(sealed).ok()?;
        Some(opened.as_str().to_owned())
    }

    fn name(&self, id_number: &str, account: &str) -> Option<(String, Option<String>)> {
        let id_number = IdNumber::parse(id_number).ok()?;
        let (blind, sealed, cnaps) = self.cards.get(&self.vault.blind_id_number(&id_number))?;
        let (name, registered) = self.vault.open_binding(blind, sealed).ok()?;
        let same = BankAccount::parse(account).is_ok_and(|(account, _)| account == registered);
        Some((name.clear().to_owned(), cnaps.clone().filter(|_| same)))
    }
}
