//! Puts a gateway together from its configuration: who is trusted, whom we call, what runs out. It opens files, and no connection.

use std::{collections::HashMap, fs, sync::Arc};

use super::Failure;
use crate::{
    banks::{self, Bank, Banks},
    clock::{Clock, SystemClock},
    config::{BankEntry, Config},
    http::health::Dated,
    security::{
        principal::Directory,
        revocation::{Authority, Revocations},
    },
    transport::{
        https::BankClient,
        tls::{BankTrust, OwnCertificate, Trust, client_config, own_certificate},
    },
};

/// Everything that comes out of the configuration's files.
pub(super) struct Parts {
    pub(super) clock: Arc<dyn Clock>,
    pub(super) own: Arc<OwnCertificate>,
    pub(super) trust: Arc<Trust>,
    pub(super) revocations: Revocations,
    pub(super) directory: Directory,
    pub(super) banks: Arc<Banks>,
    pub(super) dated: Arc<Vec<Dated>>,
}

impl Parts {
    pub(super) fn open(config: &Config) -> Result<Self, Failure> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let own = own_certificate(&config.listen.own()).map_err(Failure::here)?;
        let people = Arc::new(Authority::open(&config.people).map_err(Failure::here)?);
        let mut dated = vec![
            Dated::certificate("gateway", Arc::clone(&own)),
            Dated::list("people, revocation list", Arc::clone(&people)),
        ];
        let mut banks = Vec::new();
        let mut authorities = HashMap::new();
        for entry in &config.banks {
            let (bank, trust) = open_bank(entry, &clock)?;
            dated.push(
                Dated::certificate(format!("gateway at {}", trust.code), trust.own)
                    .at_bank(&trust.code),
            );
            dated.push(Dated::list(
                format!("{}, revocation list", trust.code),
                Arc::clone(&trust.authority),
            ));
            authorities.insert(trust.code, trust.authority);
            banks.push(bank);
        }
        let banks = Banks::new(banks).map_err(|code| {
            Failure::Here(format!(
                "two [[bank]] entries have profiles with the code {code}: leave one out"
            ))
        })?;
        let banks = banks.working_by(config.calendar.calendar().map_err(Failure::here)?);
        let trust = Trust {
            people,
            banks: authorities,
        };
        let revocations = Revocations::new(trust.authorities())
            .map_err(|name| Failure::Here(format!("two authorities have one name (fingerprint {name:?}): give each [[bank]] its own ca")))?;
        let directory = Directory::new(&config.principals, banks.codes()).map_err(Failure::here)?;
        Ok(Self {
            clock,
            own,
            trust: Arc::new(trust),
            revocations,
            directory,
            banks: Arc::new(banks),
            dated: Arc::new(dated),
        })
    }
}

fn open_bank(entry: &BankEntry, clock: &Arc<dyn Clock>) -> Result<(Bank, BankTrust), Failure> {
    let of_profile = |error: &dyn std::fmt::Display| {
        Failure::Here(format!("{}: {error}", entry.profile.display()))
    };
    let text = fs::read_to_string(&entry.profile).map_err(|error| of_profile(&error))?;
    let adapter = banks::adapter(&text).map_err(|error| of_profile(&error))?;
    let code = adapter.profile().code.clone();
    let trust = BankTrust {
        code: code.clone(),
        authority: Arc::new(Authority::open(&entry.authority()).map_err(Failure::here)?),
        own: own_certificate(&entry.own()).map_err(Failure::here)?,
    };
    let tls = client_config(&trust, Arc::clone(clock)).map_err(Failure::here)?;
    let client = Arc::new(BankClient::new(entry.endpoint(&code), tls).map_err(Failure::here)?);
    Ok((Bank { adapter, client }, trust))
}
