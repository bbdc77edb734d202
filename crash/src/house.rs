//! Where everything of a run is, and the gateway put together from it: the real store, evidence, keys, workers and TLS, without listener or command line.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
    time::Duration,
};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;
use wagegate::{
    audit::Witness,
    banks::{self, Bank, Banks},
    clock::{Clock, ManualClock, SystemClock, china_date},
    dispatch::Mark,
    evidence::Evidence,
    gateway::Gateway,
    security::{
        revocation::{Authority, AuthorityFiles},
        seal::Vault,
    },
    store::{
        Deposit, ProjectEntry, RegionEntry, Store, TaskKind, postgres::PostgresStore,
        sqlite::SqliteStore,
    },
    transport::{
        https::{BankClient, Endpoint},
        tls::{BankTrust, KeyFiles, client_config, own_certificate},
    },
};
use wagegate_domain::{Fen, ids::Region};

use crate::{
    Failure,
    bank::BankAt,
    wages::{PROJECTS, account, project_code},
};

const QINGSHAN: &str = include_str!("../../adapters/iso20022/banks/qingshan.toml");
const BISHUI: &str = include_str!("../../adapters/textfile/banks/bishui.toml");
const OPERATOR: &str = "wagegate://user/operator";
/// More than all months of a project come to.
const BALANCE_FEN: i64 = 1_000_000_000_000;

/// One run's house.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct House {
    /// Keys, banks and logs.
    pub(crate) folder: PathBuf,
    /// Evidence and, on SQLite, the database: what a power cut strikes.
    pub(crate) data: PathBuf,
    /// URL of the store.
    pub(crate) store: String,
    pub(crate) certificates: PathBuf,
    pub(crate) banks: Vec<BankAt>,
}

impl House {
    pub(crate) fn file(&self) -> PathBuf {
        self.folder.join("house.json")
    }

    pub(crate) fn write(&self) -> Result<(), Failure> {
        Ok(fs::write(self.file(), serde_json::to_vec(self)?)?)
    }

    pub(crate) fn read(file: &Path) -> Result<Self, Failure> {
        Ok(serde_json::from_slice(&fs::read(file)?)?)
    }

    /// Makes throw-away certificates.
    pub(crate) fn make_certificates(folder: &Path) -> Result<PathBuf, Failure> {
        let made = folder.join("certificates");
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../certs-example/make");
        let output = Command::new(script).arg(&made).output()?;
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into());
        }
        Ok(made)
    }

    /// The gateway on this house, with a clock that shows `clock` to all but the certificates.
    pub(crate) async fn gateway(&self, clock: &Arc<ManualClock>) -> Result<Arc<Gateway>, Failure> {
        let vault = Arc::new(Vault::open(&self.folder.join("keys.toml"))?);
        let evidence = Evidence::open(&self.data.join("evidence"), Arc::clone(&vault))?;
        let witness = Witness::open(&self.folder.join("audit.witness"), Arc::clone(&vault))?;
        let banks = self.banks.iter().map(|at| bank(&self.certificates, at));
        let banks = Banks::new(banks.collect::<Result<Vec<_>, _>>()?)?;
        Ok(Arc::new(Gateway {
            store: self.open_store().await?,
            evidence,
            vault,
            keys: Default::default(),
            banks: Arc::new(banks),
            national: Default::default(),
            approval: Default::default(),
            witness,
            mark: Mark::open(&self.folder.join("audit.witness"))?,
            vitals: Default::default(),
            courier: Default::default(),
            clock: Arc::clone(clock) as Arc<dyn Clock>,
            work: Default::default(),
        }))
    }

    async fn open_store(&self) -> Result<Arc<dyn Store>, Failure> {
        Ok(if self.store.starts_with("sqlite:") {
            Arc::new(SqliteStore::open(&self.store).await?)
        } else {
            Arc::new(PostgresStore::open(&self.store).await?)
        })
    }

    /// The first day: keys, schema, regions, projects with money on their accounts, at the banks too.
    pub(crate) async fn set_up(&self, now: Timestamp) -> Result<(), Failure> {
        Vault::create(&self.folder.join("keys.toml"))?;
        let gateway = self.gateway(&Arc::new(ManualClock::new(now))).await?;
        let store = &gateway.store;
        let region = |code, name: &str| {
            Ok::<_, Failure>(RegionEntry {
                code: Region::parse(code)?,
                name: name.into(),
                base_projects: Some(10),
            })
        };
        let regions = [region("530100", "昆明市")?, region("530102", "五华区")?];
        store.import_regions(&regions, OPERATOR, now).await?;
        for n in 0..PROJECTS {
            let at = self.bank_of(n)?;
            let entry = project(n, &at.code)?;
            store.import_projects(&[entry], OPERATOR, now).await?;
            let open = json!({"account": account(n), "name": "示例", "balance_fen": BALANCE_FEN});
            at.control("accounts", &open)?;
            let deposit = Deposit {
                bank: at.code.clone(),
                account: account(n),
                reference: format!("OPEN{}", account(n)),
                amount: Fen::new(BALANCE_FEN),
                value_date: china_date(now),
            };
            store.record_deposit(&deposit, now).await?;
        }
        for at in &self.banks {
            store.ensure_task(TaskKind::Collect, &at.code, now).await?;
        }
        Ok(())
    }

    fn bank_of(&self, project: u32) -> Result<&BankAt, Failure> {
        let place = project as usize % self.banks.len().max(1);
        self.banks.get(place).ok_or_else(|| "no bank".into())
    }
}

fn project(n: u32, bank: &str) -> Result<ProjectEntry, Failure> {
    Ok(ProjectEntry {
        code: project_code(n),
        name: format!("第{n}项目"),
        region: Region::parse("530102")?,
        contractor_uscc: "91530902MA6K004010".into(),
        contractor: "示例建设有限公司".into(),
        bank: bank.into(),
        account: account(n),
        account_name: "示例建设有限公司农民工工资专用账户".into(),
        aliases: vec![],
    })
}

/// The bank's own profile, but with small instructions, so that one sheet makes several.
pub(crate) fn profile(code: &str) -> Result<String, Failure> {
    let (text, usual) = match code {
        "qingshan" => (QINGSHAN, "rows_max = 3000"),
        _ => (BISHUI, "rows_max = 1000"),
    };
    if !text.contains(usual) {
        return Err(format!("the profile of {code} has other limits than it had").into());
    }
    Ok(text.replace(usual, "rows_max = 6"))
}

fn bank(certificates: &Path, at: &BankAt) -> Result<Bank, Failure> {
    let code = &at.code;
    let file = |name: String| certificates.join(name);
    let authority = AuthorityFiles {
        ca: file(format!("bank-{code}-ca.pem")),
        crl: file(format!("bank-{code}.crl.pem")),
    };
    let own = KeyFiles {
        certificate: file(format!("gateway-at-{code}.pem")),
        key: file(format!("gateway-at-{code}.key")),
    };
    let trust = BankTrust {
        code: code.clone(),
        authority: Arc::new(Authority::open(&authority)?),
        own: own_certificate(&own)?,
    };
    let endpoint = Endpoint {
        bank: code.clone(),
        base: at.base.clone(),
        connect: Duration::from_secs(5),
        whole: Duration::from_secs(20),
        reply_cap: 64 * 1024 * 1024,
    };
    // Certificates live by the machine's time: the run's own clock passes weeks.
    let tls = client_config(&trust, Arc::new(SystemClock))?;
    Ok(Bank {
        adapter: banks::adapter(&profile(code)?)?,
        client: Arc::new(BankClient::new(endpoint, tls)?),
    })
}
