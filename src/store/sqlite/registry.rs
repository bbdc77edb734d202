//! The registry on SQLite: each verb in the file that does it.

use async_trait::async_trait;
use jiff::Timestamp;
use jiff::civil::Date;
use wagegate_domain::ids::Region;

use super::{SqliteStore, cards, kept, register, roster, versions, workers};
use crate::store::cards::Replacement;
use crate::store::{
    CardRuling, CardView, ContractorEntry, KeptDocument, Registered, Registry, RosterFilter,
    RosterSource, SealedCard, Speaker, StoreError, VersionView, Within, WorkerRecord, WorkerView,
};

#[async_trait]
impl Registry for SqliteStore {
    async fn import_contractors(
        &self,
        contractors: &[ContractorEntry],
        by: &str,
        at: Timestamp,
    ) -> Result<Registered, StoreError> {
        register::import_contractors(&self.writer, contractors, by, at).await
    }
    async fn contractors(
        &self,
        within: &Within,
        after: &str,
        limit: u32,
    ) -> Result<Vec<ContractorEntry>, StoreError> {
        register::contractors(&self.readers, within, after, limit).await
    }
    async fn import_roster(
        &self,
        project: &str,
        rows: &mut dyn RosterSource,
        speaker: &Speaker<'_>,
    ) -> Result<Registered, StoreError> {
        roster::import(&self.writer, project, rows, speaker).await
    }
    async fn roster(
        &self,
        project: &str,
        filter: RosterFilter,
        after: i64,
        limit: u32,
    ) -> Result<Vec<WorkerView>, StoreError> {
        workers::roster(&self.readers, project, filter, after, limit).await
    }
    async fn worker(&self, project: &str, id: i64) -> Result<WorkerRecord, StoreError> {
        workers::worker(&self.readers, project, id).await
    }
    async fn card(
        &self,
        id: i64,
        since: Date,
    ) -> Result<(CardView, Vec<(String, Region)>), StoreError> {
        let mut reader = self.readers.acquire().await?;
        let card = workers::card(&mut reader, id).await?;
        let projects = workers::projects_of(&mut reader, card.worker, since).await?;
        Ok((card, projects))
    }
    async fn rule_on_card(&self, ruling: &CardRuling) -> Result<CardView, StoreError> {
        cards::rule(&self.writer, ruling).await
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
        cards::replace(&self.writer, &replacement).await
    }
    async fn keep_document(&self, document: &KeptDocument) -> Result<(), StoreError> {
        kept::keep(&self.writer, document).await
    }
    async fn kept_document(
        &self,
        hash: [u8; 32],
        within: &Within,
        by: &str,
    ) -> Result<Option<KeptDocument>, StoreError> {
        kept::find(&self.readers, hash, within, by).await
    }
    async fn versions(&self, kind: &str, subject: &str) -> Result<Vec<VersionView>, StoreError> {
        let mut reader = self.readers.acquire().await?;
        versions::of(&mut reader, &[(kind, subject.to_owned())]).await
    }
}
