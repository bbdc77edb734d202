//! What many worlds share: keys, evidence, adapters, and databases that are migrated and filled once and copied for each world.

use std::{
    collections::BTreeMap,
    error::Error,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use banksim::{behaviour::Listing, dialect::Dialect};
use bytes::Bytes;
use futures_util::stream;
use jiff::Timestamp;
use sqlx::{AssertSqlSafe, Connection as _, SqliteConnection, sqlite::SqliteConnectOptions};
use tempfile::TempDir;
use wagegate::{
    audit::Witness,
    banks::{self, Bank, Banks},
    clock::{Clock, ManualClock, china_date},
    dispatch::Mark,
    evidence::Evidence,
    gateway::Gateway,
    intake,
    security::seal::Vault,
    store::{Deposit, ProjectEntry, RegionEntry, Store, TaskKind, sqlite::SqliteStore},
};
use wagegate_domain::{
    Fen, PayMonth,
    adapter::Adapter,
    batch::ContentHash,
    ids::Region,
    sabotage::{self, Switch},
};

use crate::{
    bank::Nature,
    chance::Chance,
    faults::Faults,
    hub::{Hub, SimLine},
    people,
};

/// What cannot be told apart here: the house itself failed, and no world is to blame.
pub type Failure = Box<dyn Error + Send + Sync>;

const QINGSHAN: &str = include_str!("../../adapters/iso20022/banks/qingshan.toml");
const BISHUI: &str = include_str!("../../adapters/textfile/banks/bishui.toml");

/// The four banks: two dialects, with and without an eye for duplicates.
pub const NATURES: [Nature; 4] = [
    Nature {
        code: "qingshan",
        dialect: Dialect::Iso20022,
        refuses_duplicates: true,
        listing: Listing::All,
    },
    Nature {
        code: "qingsong",
        dialect: Dialect::Iso20022,
        refuses_duplicates: false,
        listing: Listing::Rejects,
    },
    Nature {
        code: "bishui",
        dialect: Dialect::Textfile,
        refuses_duplicates: true,
        listing: Listing::All,
    },
    Nature {
        code: "bihu",
        dialect: Dialect::Textfile,
        refuses_duplicates: false,
        listing: Listing::All,
    },
];

/// When every world begins, milliseconds since 1970.
pub const START: i64 = 1_793_584_800_000;
/// How many different databases worlds begin with.
const SHAPES: u64 = 48;
const OPERATOR: &str = "wagegate://user/operator";

/// A batch that waits for its review.
#[derive(Clone, Debug)]
pub struct Waiting {
    /// Its code.
    pub code: String,
    /// Its project, which may have others.
    pub project: String,
    /// What approvals bind.
    pub content: ContentHash,
    /// Its place among [`NATURES`].
    pub bank: usize,
    /// The special account.
    pub account: String,
    /// Its wages, in order: card and fen.
    pub wages: Vec<(String, i64)>,
    /// Their sum.
    pub total: i64,
    /// In how many pieces the money arrives.
    pub pieces: u32,
}

/// A database to begin with.
#[derive(Clone, Debug)]
pub struct Template {
    /// The file's bytes.
    pub bytes: Arc<Vec<u8>>,
    /// The batches in it.
    pub batches: Vec<Waiting>,
    /// The banks that they are paid through, as places in [`NATURES`].
    pub banks: Vec<usize>,
}

/// What every gateway of every world is made with.
#[derive(Debug)]
pub struct Fittings {
    vault: Arc<Vault>,
    witness: Witness,
    adapters: Vec<Arc<dyn Adapter>>,
}

/// What lies beside the database of a world and outlives it.
#[derive(Clone, Debug)]
pub struct Beside {
    evidence: Evidence,
    mark: Mark,
}

impl Beside {
    /// The number of the newest send that was noted.
    pub fn newest_send(&self) -> i64 {
        self.mark.noted()
    }
}

impl Fittings {
    /// Empty evidence, and a mark that says that nothing was sent.
    pub fn beside(&self) -> Beside {
        Beside {
            evidence: Evidence::in_memory(Arc::clone(&self.vault)),
            mark: Mark::in_memory(),
        }
    }

    /// A gateway over a store, whose calls wait in the hub.
    ///
    /// # Errors
    /// Two banks with one code.
    pub fn gateway(
        &self,
        store: Arc<dyn Store>,
        hub: &Arc<Hub>,
        clock: Arc<ManualClock>,
        beside: &Beside,
    ) -> Result<Arc<Gateway>, Failure> {
        let bank = |(nature, adapter): (&Nature, &Arc<dyn Adapter>)| Bank {
            adapter: Arc::clone(adapter),
            client: Arc::new(SimLine {
                bank: nature.code,
                hub: Arc::clone(hub),
            }),
        };
        let known = Banks::new(NATURES.iter().zip(&self.adapters).map(bank))?;
        Ok(Arc::new(Gateway {
            store,
            evidence: beside.evidence.clone(),
            vault: Arc::clone(&self.vault),
            keys: Default::default(),
            banks: Arc::new(known),
            national: Default::default(),
            approval: Default::default(),
            witness: self.witness.clone(),
            mark: beside.mark.clone(),
            courier: Default::default(),
            clock: clock as Arc<dyn Clock>,
            vitals: Default::default(),
            work: tokio::sync::Notify::new(),
        }))
    }
}

/// One thread's house.
#[derive(Debug)]
pub struct House {
    folder: TempDir,
    /// For gateways.
    pub fittings: Arc<Fittings>,
    templates: BTreeMap<u64, Template>,
    /// An empty database with the newest schema.
    empty: Option<Vec<u8>>,
}

impl House {
    /// Makes one in memory, where the machine has such a place.
    ///
    /// # Errors
    /// Keys, folders or profiles cannot be made.
    pub fn new() -> Result<Self, Failure> {
        let memory = Path::new("/dev/shm");
        let folder = if memory.is_dir() {
            tempfile::Builder::new()
                .prefix("wagegate-sim")
                .tempdir_in(memory)?
        } else {
            tempfile::tempdir()?
        };
        let keys = folder.path().join("keys.toml");
        Vault::create(&keys)?;
        let vault = Arc::new(Vault::open(&keys)?);
        let witness = Witness::open(&folder.path().join("audit.witness"), Arc::clone(&vault))?;
        let adapters = NATURES
            .iter()
            .map(|nature| Ok(banks::adapter(&profile(nature))?));
        let adapters = adapters.collect::<Result<_, Failure>>()?;
        Ok(Self {
            fittings: Arc::new(Fittings {
                vault,
                witness,
                adapters,
            }),
            templates: BTreeMap::new(),
            empty: None,
            folder,
        })
    }

    /// Where a world's database lies.
    pub fn database(&self) -> PathBuf {
        self.folder.path().join("world.db")
    }

    /// The database that a world with this seed begins with; made when it is first asked for.
    ///
    /// # Errors
    /// It cannot be made.
    pub async fn template(&mut self, seed: u64) -> Result<Template, Failure> {
        let shape = Chance::new(seed).at(0, 0).below(SHAPES);
        if let Some(template) = self.templates.get(&shape) {
            return Ok(template.clone());
        }
        let template = self.make(shape).await?;
        self.templates.insert(shape, template.clone());
        Ok(template)
    }

    /// Writes an empty database: migrated once, and copied ever after.
    async fn empty(&mut self, path: &Path) -> Result<(), Failure> {
        if let Some(bytes) = &self.empty {
            return Ok(fs::write(path, bytes)?);
        }
        SqliteStore::open(&url(path)).await?.close().await;
        self.empty = Some(fs::read(path)?);
        Ok(())
    }

    async fn make(&mut self, shape: u64) -> Result<Template, Failure> {
        let mut draw = Chance::new(shape).at(1, 0);
        let path = self.folder.path().join("template.db");
        self.empty(&path).await?;
        let store = Arc::new(SqliteStore::open(&url(&path)).await?);
        let hub = Hub::new(Faults::new(Chance::new(0), 0, None));
        let clock = Arc::new(ManualClock::new(Timestamp::from_millisecond(START)?));
        let beside = self.fittings.beside();
        let gateway =
            self.fittings
                .gateway(Arc::clone(&store) as Arc<dyn Store>, &hub, clock, &beside)?;
        let first = draw.index(NATURES.len());
        let banks = if draw.hits(400) {
            vec![
                first,
                (first + 1 + draw.index(NATURES.len() - 1)) % NATURES.len(),
            ]
        } else {
            vec![first]
        };
        found(&gateway, &banks).await?;
        let mut batches = Vec::new();
        for number in 1..=u32::try_from(draw.between(1, 3))? {
            let bank = banks[draw.index(banks.len())];
            let rows = u32::try_from(draw.between(1, 6))?;
            let shares = draw.hits(400);
            let beside = batches.last().filter(|_| shares);
            batches.push(submit(&gateway, (number, rows), bank, beside).await?);
        }
        store.close().await;
        if sabotage::on(Switch::PlannedTwice) {
            without_constraint(&path).await?;
        }
        let bytes = Arc::new(fs::read(&path)?);
        fs::remove_file(&path)?;
        Ok(Template {
            bytes,
            batches,
            banks,
        })
    }
}

/// Makes the table of attempts anew without the constraint that gives each wage one attempt of a number.
async fn without_constraint(path: &Path) -> Result<(), Failure> {
    const CONSTRAINT: &str =
        "CONSTRAINT one_attempt_of_a_number UNIQUE (batch_id, row_no, attempt_no),";
    let options = SqliteConnectOptions::new()
        .filename(path)
        .foreign_keys(false);
    let mut books = SqliteConnection::connect_with(&options).await?;
    let made: Vec<String> = sqlx::query_scalar(
        "SELECT sql FROM sqlite_schema WHERE tbl_name = 'attempt' AND sql IS NOT NULL ORDER BY type DESC",
    )
    .fetch_all(&mut books)
    .await?;
    if !made.iter().any(|sql| sql.contains(CONSTRAINT)) {
        return Err("the constraint has another form than this program knows".into());
    }
    sqlx::query("DROP TABLE attempt")
        .execute(&mut books)
        .await?;
    for sql in made {
        let sql = AssertSqlSafe(sql.replace(CONSTRAINT, ""));
        sqlx::query(sql).execute(&mut books).await?;
    }
    Ok(books.close().await?)
}

/// The URL of a database file.
pub fn url(path: &Path) -> String {
    format!("sqlite://{}", path.display())
}

/// So long after it was sent an instruction may still arrive, as the banks' profiles say: longer than anything is on its way here.
pub const ARRIVES_WITHIN_S: i64 = 3_600;

/// The sample bank's own profile under another name, with so small a limit that small batches have several parts, and with promises that the bank keeps.
fn profile(nature: &Nature) -> String {
    let (text, code) = match nature.dialect {
        Dialect::Iso20022 => (QINGSHAN, "qingshan"),
        Dialect::Textfile => (BISHUI, "bishui"),
    };
    let line = |line: &str| match line.split_once(" = ") {
        Some(("code", value)) if value == format!("\"{code}\"") => {
            format!("code = \"{}\"\n", nature.code)
        }
        Some(("limits", _)) => "limits = { rows_max = 3 }\n".to_owned(),
        Some(("arrival", _)) => format!(
            "arrival = {{ within_s = {ARRIVES_WITHIN_S}, refuses_duplicates = {} }}\n",
            nature.refuses_duplicates
        ),
        Some(_) | None => format!("{line}\n"),
    };
    text.lines().map(line).collect()
}

/// Regions, and a look for returns at each bank.
async fn found(gateway: &Gateway, banks: &[usize]) -> Result<(), Failure> {
    let now = gateway.clock.now();
    let region = |code, name: &str| {
        Ok::<_, Failure>(RegionEntry {
            code: Region::parse(code).map_err(|error| error.to_string())?,
            name: name.into(),
            base_projects: Some(10),
        })
    };
    let regions = [region("530100", "昆明市")?, region("530102", "五华区")?];
    gateway
        .store
        .import_regions(&regions, OPERATOR, now)
        .await?;
    for bank in banks {
        let code = NATURES[*bank].code;
        gateway
            .store
            .ensure_task(TaskKind::Collect, code, now)
            .await?;
    }
    Ok(())
}

/// A batch that waits for its review, of a new project or of an earlier batch's. The money is not there yet.
async fn submit(
    gateway: &Gateway,
    (number, rows): (u32, u32),
    bank: usize,
    beside: Option<&Waiting>,
) -> Result<Waiting, Failure> {
    let (code, account, bank) = match beside {
        Some(batch) => (batch.project.clone(), batch.account.clone(), batch.bank),
        None => (format!("P{number}"), format!("53000000{number:04}"), bank),
    };
    if beside.is_none() {
        project(gateway, &code, &account, bank).await?;
    }
    let month = format!("2026-{:02}", 11 - number);
    let month = PayMonth::parse(&month).map_err(|error| error.to_string())?;
    let upload = stream::iter([Ok(Bytes::from(people::sheet(number, rows)))]);
    let submission = intake::Submission::plain(&code, month, "wagegate://user/clerk");
    let desk = intake::Desk::of(gateway);
    let batch = intake::submit(&desk, Box::pin(upload), &submission)
        .await?
        .batch;
    Ok(Waiting {
        code: batch.code,
        project: code,
        content: batch.content,
        bank,
        account,
        wages: (1..=rows)
            .map(|n| (people::card(number, n), people::wage(n)))
            .collect(),
        total: batch.total.get(),
        pieces: 1,
    })
}

/// A project with its special account.
async fn project(gateway: &Gateway, code: &str, account: &str, bank: usize) -> Result<(), Failure> {
    let entry = ProjectEntry {
        code: code.to_owned(),
        name: format!("第{code}项目"),
        region: Region::parse("530102").map_err(|error| error.to_string())?,
        contractor_uscc: "91530902MA6K004010".into(),
        contractor: "示例建设有限公司".into(),
        bank: NATURES[bank].code.into(),
        account: account.to_owned(),
        account_name: "示例建设有限公司农民工工资专用账户".into(),
        aliases: vec![],
    };
    let now = gateway.clock.now();
    gateway
        .store
        .import_projects(&[entry], OPERATOR, now)
        .await?;
    Ok(())
}

/// One piece of what arrives on a batch's special account: equal ones, and the last with the rest.
pub fn deposit(batch: &Waiting, piece: u32, at: Timestamp) -> Deposit {
    let (pieces, part) = (
        i64::from(batch.pieces),
        batch.total / i64::from(batch.pieces),
    );
    let amount = match piece + 1 == batch.pieces {
        true => batch.total - part * (pieces - 1),
        false => part,
    };
    Deposit {
        bank: NATURES[batch.bank].code.into(),
        account: batch.account.clone(),
        reference: format!("OPEN{}-{piece}", batch.code),
        amount: Fen::new(amount),
        value_date: china_date(at),
    }
}
