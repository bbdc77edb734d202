//! Sealing keys as the store knows them: which one is current, which ones each gateway has, what is sealed with which, and values sealed anew.
//! It holds no key. Gateways of one store agree here: a key becomes current when all of them have it.

use std::collections::BTreeMap;

use async_trait::async_trait;
use jiff::Timestamp;

use super::columns::Columns;
use super::{Claim, Conflict, Next, StoreError};
use crate::security::seal::{Blind, KeyPrint, Print, Purpose};

/// One column that holds sealed values. A new one is added here and is counted and sealed anew from then on.
#[derive(Clone, Copy, Debug)]
pub struct SealedPlace {
    /// As it is spoken of.
    pub name: &'static str,
    /// Its table, called `s` in what follows.
    pub(super) table: &'static str,
    pub(super) column: &'static str,
    /// Which rows of the table hold sealed values.
    pub(super) only: &'static str,
    /// The blind index, or the like, that a value is sealed to; `join` brings it where it stands in another table.
    pub(super) blind: &'static str,
    pub(super) join: &'static str,
    pub(super) key: RowKeyColumns,
    /// What the values are.
    pub(crate) purpose: Purpose,
}

/// How a row is named, and the order in which rows are walked.
#[derive(Clone, Copy, Debug)]
pub(super) enum RowKeyColumns {
    /// One whole number.
    Int(&'static str),
    /// A text, and a whole number within it.
    TextAndInt(&'static str, &'static str),
}

/// Every column with sealed values, in the order in which they are sealed anew.
pub static SEALED: &[SealedPlace] = &[
    SealedPlace {
        name: "worker",
        table: "worker",
        column: "sealed",
        only: "1 = 1",
        blind: "s.blind",
        join: "",
        key: RowKeyColumns::Int("s.id"),
        purpose: Purpose::IdNumber,
    },
    SealedPlace {
        name: "binding",
        table: "binding",
        column: "sealed",
        only: "1 = 1",
        blind: "s.blind",
        join: "",
        key: RowKeyColumns::Int("s.id"),
        purpose: Purpose::Binding,
    },
    SealedPlace {
        name: "worker_profile",
        table: "worker_profile",
        column: "sealed",
        only: "1 = 1",
        blind: "w.blind",
        join: " JOIN worker w ON w.id = s.worker_id",
        key: RowKeyColumns::Int("s.worker_id"),
        purpose: Purpose::Profile,
    },
    SealedPlace {
        name: "register_version",
        table: "register_version",
        column: "content",
        only: "s.kind = 'worker'",
        blind: "w.blind",
        join: " JOIN worker w ON w.id = CASE WHEN s.kind = 'worker' THEN CAST(s.subject AS BIGINT) END",
        key: RowKeyColumns::TextAndInt("s.subject", "s.version"),
        purpose: Purpose::Profile,
    },
    SealedPlace {
        name: "webhook",
        table: "webhook",
        column: "secret",
        only: "1 = 1",
        blind: "s.code",
        join: "",
        key: RowKeyColumns::Int("s.id"),
        purpose: Purpose::WebhookSecret,
    },
    SealedPlace {
        name: "webhook_former",
        table: "webhook",
        column: "former",
        only: "s.former IS NOT NULL",
        blind: "s.code",
        join: "",
        key: RowKeyColumns::Int("s.id"),
        purpose: Purpose::WebhookSecret,
    },
];

impl SealedPlace {
    /// The place of a name.
    pub fn named(name: &str) -> Option<&'static Self> {
        SEALED.iter().find(|place| place.name == name)
    }

    /// Reads values of the place in order after `$1` and `$2`, at most `$3`.
    pub(super) fn select(&self) -> String {
        let Self {
            table,
            column,
            only,
            blind,
            join,
            ..
        } = self;
        let (columns, after, order) = match self.key {
            RowKeyColumns::Int(int) => (
                format!("'' AS text_key, {int} AS int_key"),
                format!("$1 = '' AND {int} > $2"),
                int.to_owned(),
            ),
            RowKeyColumns::TextAndInt(text, int) => (
                format!("{text} AS text_key, {int} AS int_key"),
                format!("({text}, {int}) > ($1, $2)"),
                format!("{text}, {int}"),
            ),
        };
        format!(
            "SELECT {columns}, {blind} AS blind, s.{column} AS sealed FROM {table} s{join} WHERE {only} AND {after} ORDER BY {order} LIMIT $3"
        )
    }

    /// Says that a row of the place is the one of `new`, and holds what it held.
    pub(super) fn unchanged(&self) -> String {
        let Self { only, column, .. } = self;
        let key = match self.key {
            RowKeyColumns::Int(int) => format!("{int} = new.int_key"),
            RowKeyColumns::TextAndInt(text, int) => {
                format!("{text} = new.text_key AND {int} = new.int_key")
            }
        };
        format!("{only} AND {key} AND s.{column} = new.old")
    }

    /// Counts values of the place by their first bytes.
    pub(super) fn count(&self) -> String {
        let Self {
            table,
            column,
            only,
            ..
        } = self;
        format!(
            "SELECT substr(s.{column}, 1, 5) AS head, count(*) AS number FROM {table} s WHERE {only} GROUP BY 1"
        )
    }
}

impl SealedValue {
    pub(super) fn read(row: &impl Columns) -> Result<Self, StoreError> {
        Ok(Self {
            mark: RowMark {
                text: row.text("text_key")?,
                int: row.int("int_key")?,
            },
            blind: row.array("blind")?,
            sealed: row.bytes("sealed")?,
        })
    }
}

impl CurrentKey {
    /// The row of `sealing_key`; `None` until the first gateway begins.
    pub(super) fn read(row: &impl Columns) -> Result<Option<Self>, StoreError> {
        let Some(id) = row.maybe_number("id")? else {
            return Ok(None);
        };
        Ok(Some(Self {
            key: KeyPrint {
                id,
                print: row.array("print")?,
            },
            blind: row.array("blind")?,
            by: row.text("by_whom")?,
            since: row.moment("since")?,
        }))
    }
}

impl GatewayKeys {
    /// Rows of `gateway_key`, in the order of gateways.
    pub(super) fn gather<R: Columns>(rows: &[R]) -> Result<Vec<Self>, StoreError> {
        let mut all: Vec<Self> = Vec::new();
        for row in rows {
            let gateway = row.text("gateway")?;
            if all.last().is_none_or(|last| last.gateway != gateway) {
                all.push(Self {
                    gateway,
                    seals: None,
                    known: Vec::new(),
                    seen: row.moment("seen_at")?,
                });
            }
            let Some(last) = all.last_mut() else { continue };
            let (id, print) = (row.number("id")?, row.array("print")?);
            last.known.push(KeyPrint { id, print });
            if row.int("seals")? != 0 {
                last.seals = Some(id);
            }
        }
        Ok(all)
    }
}

impl Resealing {
    pub(super) fn read(row: &impl Columns) -> Result<Self, StoreError> {
        Ok(Self {
            key: row.number("key_id")?,
            place: row.text("place")?,
            after: RowMark {
                text: row.text("after_text")?,
                int: row.int("after_int")?,
            },
            changed: row.number("changed")?,
            rows: row.number("row_count")?,
            files: row.number("file_count")?,
        })
    }
}

/// What a gateway says of itself every few seconds.
#[derive(Clone, Debug)]
pub struct KeyReport {
    /// Which gateway.
    pub gateway: String,
    /// The key it seals with.
    pub seals: u32,
    /// Every sealing key it has.
    pub known: Vec<KeyPrint>,
    /// Tells its blind keys from others.
    pub blind: Print,
}

/// The key that seals now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CurrentKey {
    pub key: KeyPrint,
    /// Tells the blind keys from others.
    pub blind: Print,
    /// Who made it current.
    pub by: String,
    pub since: Timestamp,
}

/// What a gateway said of itself last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GatewayKeys {
    pub gateway: String,
    /// The key it seals with.
    pub seals: Option<u32>,
    pub known: Vec<KeyPrint>,
    pub seen: Timestamp,
}

/// A row's key, as a place to go on from.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct RowMark {
    pub text: String,
    pub int: i64,
}

/// One sealed value in its place.
#[derive(Debug)]
pub struct SealedValue {
    pub mark: RowMark,
    pub blind: Blind,
    pub sealed: Vec<u8>,
}

/// A value sealed anew, with what it was when it was read: a value that changed meanwhile stays.
#[derive(Debug)]
pub struct SealedAnew {
    pub mark: RowMark,
    pub old: Vec<u8>,
    pub new: Vec<u8>,
}

/// How far sealing anew has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resealing {
    /// With which key.
    pub key: u32,
    /// Name of a place, or of the evidence.
    pub place: String,
    /// The last row or file looked at there.
    pub after: RowMark,
    /// Sealed anew since this walk over everything began.
    pub changed: u64,
    /// Rows sealed anew since the key became current.
    pub rows: u64,
    /// Files of evidence, likewise.
    pub files: u64,
}

/// How many values of a place are sealed with which key; `None` where they are in a form that this program does not know.
pub type RowsByKey = BTreeMap<(&'static str, Option<u32>), u64>;

/// Sealing keys and what is sealed with them.
#[async_trait]
pub trait Rotation: Send + Sync {
    /// Notes what a gateway says of its keys and forgets gateways that were last heard before `forget`. The first one's key becomes current.
    async fn report_keys(
        &self,
        report: &KeyReport,
        at: Timestamp,
        forget: Timestamp,
    ) -> Result<CurrentKey, StoreError>;
    /// A gateway that stops is not asked for any more.
    async fn forget_gateway(&self, gateway: &str) -> Result<(), StoreError>;
    /// The current key, and what every gateway said last.
    async fn keyring(&self) -> Result<(Option<CurrentKey>, Vec<GatewayKeys>), StoreError>;
    /// Makes a key current and what is sealed with others a task, if every gateway heard since `live` has it. The current one again: looks again.
    async fn make_key_current(
        &self,
        key: KeyPrint,
        by: &str,
        at: Timestamp,
        live: Timestamp,
    ) -> Result<CurrentKey, StoreError>;
    /// Counts sealed values by the key they are sealed with: a walk over every row, by a reader.
    async fn sealed_by_key(&self) -> Result<RowsByKey, StoreError>;
    /// Sealed values after a row, in order.
    async fn sealed_after(
        &self,
        place: &SealedPlace,
        after: &RowMark,
        limit: u32,
    ) -> Result<Vec<SealedValue>, StoreError>;
    /// Puts values sealed anew in the place of what they were, notes how far it has come and gives the task back. A value that somebody else is
    /// just changing is passed over. Where another key became current meanwhile, the task is due at once.
    async fn reseal(
        &self,
        claim: &Claim,
        values: Option<(&SealedPlace, &[SealedAnew])>,
        stands: &Resealing,
        next: Next,
    ) -> Result<(), StoreError>;
    /// How far sealing anew has come; `None` where no key was ever changed.
    async fn resealing(&self) -> Result<Option<Resealing>, StoreError>;
}

impl KeyReport {
    /// The current key of a store that has none yet: what the first gateway seals with.
    pub(super) fn first(&self, at: Timestamp) -> Result<CurrentKey, StoreError> {
        let key = self.known.iter().find(|key| key.id == self.seals);
        let key = *key.ok_or_else(|| {
            StoreError::Broken("a gateway does not have the key it seals with".into())
        })?;
        Ok(CurrentKey {
            key,
            blind: self.blind,
            by: self.gateway.clone(),
            since: at,
        })
    }
}

impl CurrentKey {
    pub(super) fn followed_by(&self, key: KeyPrint, by: &str, at: Timestamp) -> Self {
        Self {
            key,
            blind: self.blind,
            by: by.to_owned(),
            since: at,
        }
    }
}

impl Resealing {
    pub(super) fn with_rows(&self, rows: u64) -> Self {
        Self {
            changed: self.changed + rows,
            rows: self.rows + rows,
            ..self.clone()
        }
    }

    /// What becomes of the task: with another key current by now, nothing is done yet.
    pub(super) fn settled(&self, current: &CurrentKey, next: Next) -> Next {
        if current.key.id == self.key {
            next
        } else {
            Next::Again(Timestamp::UNIX_EPOCH)
        }
    }
}

pub(super) fn unbegun() -> StoreError {
    StoreError::Broken("no gateway has ever said which key it seals with".into())
}

pub(super) fn lacked(key: KeyPrint, gateways: Vec<String>) -> StoreError {
    Conflict::KeyUnknown {
        id: key.id,
        gateways,
    }
    .into()
}

/// Gateways that are in the way of a key, by name: they do not have it, or have another under its id.
pub(super) fn without(gateways: &[GatewayKeys], key: KeyPrint, live: Timestamp) -> Vec<String> {
    gateways
        .iter()
        .filter(|gateway| gateway.seen >= live && !gateway.known.contains(&key))
        .map(|gateway| gateway.gateway.clone())
        .collect()
}

/// The one task that seals anew.
pub(super) const RESEAL_SUBJECT: &str = "sealed";
