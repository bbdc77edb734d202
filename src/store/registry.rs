//! Who is who: contractors, projects' workers with their stays and cards. What is kept and what is read of them; people are sealed throughout.

use std::fmt;

use async_trait::async_trait;
use jiff::Timestamp;
use jiff::civil::Date;
use wagegate_domain::PayMonth;
use wagegate_domain::ids::Region;
use wagegate_domain::reason::Reason;
use wagegate_domain::roster::{CardKind, CardStatus, WorkRole};

use super::{KeptDocument, StoreError, Within};

/// What an import came to, counted in the things that it named.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Registered {
    /// Not known before.
    pub new: u64,
    /// Known, and something about it is another than it was.
    pub changed: u64,
    /// Known just so.
    pub same: u64,
}

/// A contractor as imported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContractorEntry {
    /// Credit code.
    pub uscc: String,
    /// Name.
    pub name: String,
}

/// A worker on a project as a roster states it: people sealed, the rest in clear.
#[derive(Clone)]
pub struct SealedWorker {
    /// Row in the roster.
    pub row: u32,
    /// Keyed blind index of the identity number.
    pub blind: [u8; 16],
    /// Identity number, sealed.
    pub sealed: Vec<u8>,
    /// Name and telephone number.
    pub profile: SealedProfile,
    /// Manager or worker.
    pub role: WorkRole,
    /// Team; empty where not given.
    pub team: String,
    /// First day on site.
    pub entered_on: Date,
    /// Last day on site; absent while there.
    pub left_on: Option<Date>,
    /// Days attended, by month.
    pub attendance: Vec<(PayMonth, u8)>,
    /// The card the worker named; absent where none is known yet.
    pub card: Option<SealedCard>,
}

impl fmt::Debug for SealedWorker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SealedWorker")
            .field("row", &self.row)
            .finish_non_exhaustive()
    }
}

/// A registered name and telephone number, sealed together.
#[derive(Clone)]
pub struct SealedProfile {
    /// Keyed blind index of the name.
    pub name_blind: [u8; 16],
    /// Both, sealed.
    pub sealed: Vec<u8>,
    /// Keyed digest of both: the same for the same.
    pub digest: [u8; 16],
    /// False where no telephone number was given, which says nothing about one that is known.
    pub has_phone: bool,
}

impl fmt::Debug for SealedProfile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SealedProfile").finish_non_exhaustive()
    }
}

/// A card as a worker names it, sealed.
#[derive(Clone)]
pub struct SealedCard {
    /// Keyed blind index of account, name and bank number together.
    pub blind: [u8; 16],
    /// Keyed blind index of the account alone.
    pub account_blind: [u8; 16],
    /// Name and account, sealed.
    pub sealed: Vec<u8>,
    /// The card's bank number.
    pub cnaps: Option<String>,
    /// What sort of card.
    pub kind: CardKind,
}

impl fmt::Debug for SealedCard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SealedCard")
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}

/// Who speaks of a project's workers, and of whose workers besides: what others registered of a worker who is on a site of theirs, nobody else changes.
#[derive(Clone, Copy, Debug)]
pub struct Speaker<'a> {
    /// Principal.
    pub by: &'a str,
    /// The projects that are the speaker's.
    pub within: &'a Within,
    /// The day in China: who left before it is nobody's any more.
    pub today: Date,
    /// When.
    pub at: Timestamp,
}

/// Hands over a roster in chunks; an empty chunk ends it.
#[async_trait]
pub trait RosterSource: Send {
    /// The next chunk, at most a thousand workers.
    async fn next_chunk(&mut self) -> Result<Vec<SealedWorker>, StoreError>;
}

/// Which of a project's workers a list shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RosterFilter {
    /// Only those on site on that day.
    pub on_site: Option<Date>,
    /// Only those whose card stands so; a worker without a card has none of them.
    pub card: Option<CardStatus>,
}

/// A worker of a project, sealed, with the last stay and the card that wages go to.
#[derive(Clone)]
pub struct WorkerView {
    /// Store key, which is also the worker's public number.
    pub id: i64,
    /// Identity number: blind index and sealed value.
    pub id_number: ([u8; 16], Vec<u8>),
    /// Name and telephone number, sealed under the blind index of the identity number; absent for who is known by wage sheets only.
    pub profile: Option<Vec<u8>>,
    /// The last stay.
    pub stay: Stay,
    /// The card that wages go to.
    pub card: Option<CardView>,
}

impl fmt::Debug for WorkerView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WorkerView")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// One stay on a project.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stay {
    /// First day on site.
    pub entered_on: Date,
    /// Last day on site; absent while there.
    pub left_on: Option<Date>,
    /// Manager or worker.
    pub role: WorkRole,
    /// Team; empty where not given.
    pub team: String,
}

impl Stay {
    /// True where the worker was there on that day or later.
    pub fn lasts_to(&self, day: Date) -> bool {
        self.left_on.is_none_or(|left| left >= day)
    }
}

/// A card and how it stands.
#[derive(Clone)]
pub struct CardView {
    /// Store key of the binding, which is also the card's public number.
    pub id: i64,
    /// Whose.
    pub worker: i64,
    /// Blind index that the binding was sealed under.
    pub blind: [u8; 16],
    /// Name and account, sealed.
    pub sealed: Vec<u8>,
    /// The card's bank number.
    pub cnaps: Option<String>,
    /// Wages are to go to this one.
    pub current: bool,
    /// What sort of card.
    pub kind: CardKind,
    /// How it stands.
    pub status: CardStatus,
}

impl fmt::Debug for CardView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CardView")
            .field("id", &self.id)
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}

/// One word on a card, appended; the last one stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CardWord {
    /// Which card.
    pub card: i64,
    /// Number of the word, from 1.
    pub version: u32,
    /// What sort of card.
    pub kind: CardKind,
    /// How it stands.
    pub status: CardStatus,
    /// Why, where it was refused.
    pub reason: Option<Reason>,
    /// Hash of what shows it, in the evidence store.
    pub evidence: Option<[u8; 32]>,
    /// Who said so.
    pub by: String,
    /// When.
    pub at: Timestamp,
}

/// What somebody says of a card.
#[derive(Clone, Debug)]
pub struct CardRuling {
    /// Which card.
    pub card: i64,
    /// How it stands from now on; never `replaced`, which only another card can make it.
    pub status: CardStatus,
    /// Why.
    pub reason: Option<Reason>,
    /// Hash of what shows it.
    pub evidence: Option<[u8; 32]>,
    /// Principal.
    pub by: String,
    /// The projects that are the principal's; a verified card of somebody who is on another's site is not ruled on from here.
    pub within: Within,
    /// The day in China.
    pub today: Date,
    /// When.
    pub at: Timestamp,
}

/// Everything about one worker of one project.
#[derive(Debug)]
pub struct WorkerRecord {
    /// As in the list.
    pub view: WorkerView,
    /// Every stay on the project, in order.
    pub stays: Vec<Stay>,
    /// Days attended on the project, by month.
    pub attendance: Vec<(PayMonth, u8)>,
    /// Every card, in the order in which they became known.
    pub cards: Vec<CardView>,
    /// Every word on them, in order.
    pub words: Vec<CardWord>,
    /// Every version of what is registered, in the order of time.
    pub versions: Vec<VersionView>,
}

/// Who made what another, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VersionView {
    /// `region`, `contractor`, `project`, `account`, `worker`, `presence`, `attendance` or `card`.
    pub kind: String,
    /// Number of the version, from 1.
    pub version: u32,
    /// What it came to, as JSON; absent for a person's name and number, which are sealed.
    pub content: Option<String>,
    /// Principal.
    pub by: String,
    /// When.
    pub at: Timestamp,
}

/// The registry's part of the store.
#[async_trait]
pub trait Registry: Send + Sync {
    /// Adds or renames contractors.
    async fn import_contractors(
        &self,
        contractors: &[ContractorEntry],
        by: &str,
        at: Timestamp,
    ) -> Result<Registered, StoreError>;
    /// Contractors in the order of their codes, after one of them; all for who sees everything, else those of the projects in sight.
    async fn contractors(
        &self,
        within: &Within,
        after: &str,
        limit: u32,
    ) -> Result<Vec<ContractorEntry>, StoreError>;
    /// Takes a project's roster whole, or nothing of it. Who is not in it stays as registered; who is on a site of others keeps name and verified card.
    async fn import_roster(
        &self,
        project: &str,
        rows: &mut dyn RosterSource,
        speaker: &Speaker<'_>,
    ) -> Result<Registered, StoreError>;
    /// A project's workers by number, after one of them.
    async fn roster(
        &self,
        project: &str,
        filter: RosterFilter,
        after: i64,
        limit: u32,
    ) -> Result<Vec<WorkerView>, StoreError>;
    /// Everything about one worker of one project.
    async fn worker(&self, project: &str, id: i64) -> Result<WorkerRecord, StoreError>;
    /// A card, and the projects on whose sites its worker was on that day or later: code and county.
    async fn card(
        &self,
        id: i64,
        since: Date,
    ) -> Result<(CardView, Vec<(String, Region)>), StoreError>;
    /// Says how a card stands; the same again changes nothing. A card that was refused stands verified again only on evidence.
    async fn rule_on_card(&self, ruling: &CardRuling) -> Result<CardView, StoreError>;
    /// Makes another card the one that a worker's wages go to; the same again changes nothing.
    async fn replace_card(
        &self,
        project: &str,
        worker: i64,
        card: &SealedCard,
        speaker: &Speaker<'_>,
    ) -> Result<CardView, StoreError>;
    /// Notes that somebody kept a document, once for each keeper and project; its bytes lie in the evidence store.
    async fn keep_document(&self, document: &KeptDocument) -> Result<(), StoreError>;
    /// A document that was kept for one of these projects, or by this principal.
    async fn kept_document(
        &self,
        hash: [u8; 32],
        within: &Within,
        by: &str,
    ) -> Result<Option<KeptDocument>, StoreError>;
    /// Every version of a region, contractor, project or special account, by its code, credit code, project code or `bank/number`.
    async fn versions(&self, kind: &str, subject: &str) -> Result<Vec<VersionView>, StoreError>;
}
