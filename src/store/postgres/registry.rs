//! The registry on PostgreSQL: each verb in the file that does it.

use async_trait::async_trait;
use jiff::Timestamp;
use jiff::civil::Date;
use wagegate_domain::ids::Region;

use super::{PostgresStore, cards, kept, register, roster, versions, workers};
use crate::store::cards::Replacement;
use crate::store::{
    CardRuling, CardView, ContractorEntry, KeptDocument, Registered, Registry, RosterFilter,
    RosterSource, SealedCard, Speaker, StoreError, VersionView, Within, WorkerRecord, WorkerView,
};

#[async_trait]
impl Registry for PostgresStore {
    async fn import_contractors(
        &self,
        contractors: &[ContractorEntry],
        by: &str,
        at: Timestamp,
    ) -> Result<Registered, StoreError> {
        register::import_contractors(&self.pool, contractors, by, at).await
    }
    async fn contractors(
        &self,
        within: &Within,
        after: &str,
        limit: u32,
    ) -> Result<Vec<ContractorEntry>, StoreError> {
        register::contractors(&self.pool, within, after, limit).await
    }
    async fn import_roster(
        &self,
        project: &str,
        rows: &mut dyn RosterSource,
        speaker: &Speaker<'_>,
    ) -> Result<Registered, StoreError> {
        roster::import(&self.pool, project, rows, speaker).await
    }
    async fn roster(
        &self,
        project: &str,
        filter: RosterFilter,
        after: i64,
        limit: u32,
    ) -> Result<Vec<WorkerView>, StoreError> {
        workers::roster(&self.pool, project, filter, after, limit).await
    }
    async fn worker(&self, project: &str, id: i64) -> Result<WorkerRecord, StoreError> {
        workers::worker(&self.pool, project, id).await
    }
    async fn card(
        &self,
        id: i64,
        since: Date,
    ) -> Result<(CardView, Vec<(String, Region)>), StoreError> {
        let mut reader = self.pool.acquire().await?;
        let card = workers::card(&mut reader, id).await?;
        let projects = workers::projects_of(&mut reader, card.worker, since).await?;
        Ok((card, projects))
    }
    async fn rule_on_card(&self, ruling: &CardRuling) -> Result<CardView, StoreError> {
        cards::rule(&self.pool, ruling).await
    }
    async fn replace_card(
        &self,
        project: &str,
        worker: i64,
        card: &SealedCard,
        speaker: &Speaker<'_>,
    ) -> Result<CardView, StoreError> {
        let replacement = Replacement {
            project,
            worker,
            card,
            speaker: *speaker,
        };
        cards::replace(&self.pool, &replacement).await
    }
    async fn keep_document(&self, document: &KeptDocument) -> Result<(), StoreError> {
        kept::keep(&self.pool, document).await
    }
    async fn kept_document(
        &self,
        hash: [u8; 32],
        within: &Within,
        by: &str,
    ) -> Result<Option<KeptDocument>, StoreError> {
        kept::find(&self.pool, hash, within, by).await
    }
    async fn versions(&self, kind: &str, subject: &str) -> Result<Vec<VersionView>, StoreError> {
        let mut reader = self.pool.acquire().await?;
        versions::of(&mut reader, &[(kind, subject.to_owned())]).await
    }
}
