//! What is registered, as versions: each says what a thing is now. Appended where it differs from the last one, so that the same import again
//! appends nothing.

use std::collections::{BTreeMap, HashMap};

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::chain::Print;
use super::columns::Columns;
use super::{
    ContractorEntry, ProjectEntry, RegionEntry, StoreError, VersionView, registry::SealedProfile,
};

/// What a version is of: kind and subject.
pub(super) type Subject = (&'static str, String);

/// Versions that were appended because they say something new, by kind and subject.
pub(super) type Appended = HashMap<(String, String), u32>;

/// Content of a version, and a digest that is the same for the same.
#[derive(Debug)]
pub(super) struct Content {
    pub(super) digest: Vec<u8>,
    pub(super) bytes: Vec<u8>,
}

/// Versions to append, one of a subject; in the order of their keys, so that two gateways never wait for each other in a circle.
#[derive(Debug, Default)]
pub(super) struct Versions(BTreeMap<Subject, Content>);

impl Versions {
    /// States in clear what a thing is; the last statement stands.
    pub(super) fn state(&mut self, kind: &'static str, subject: String, content: &Value) {
        let bytes = content.to_string().into_bytes();
        let digest = Sha256::digest(&bytes).to_vec();
        self.0.insert((kind, subject), Content { digest, bytes });
    }

    /// States who a worker is, sealed.
    pub(super) fn state_worker(&mut self, worker: i64, profile: &SealedProfile) {
        let content = Content {
            digest: profile.digest.to_vec(),
            bytes: profile.sealed.clone(),
        };
        self.0.insert(("worker", worker.to_string()), content);
    }

    pub(super) fn of_regions(regions: &[RegionEntry]) -> Self {
        let mut versions = Self::default();
        for region in regions {
            let content = json!({"name": region.name, "base_projects": region.base_projects});
            versions.state("region", region.code.to_string(), &content);
        }
        versions
    }

    pub(super) fn of_contractors(contractors: &[ContractorEntry]) -> Self {
        let mut versions = Self::default();
        for contractor in contractors {
            let content = json!({"name": contractor.name});
            versions.state("contractor", contractor.uscc.clone(), &content);
        }
        versions
    }

    /// A project with its special account and its contractor.
    pub(super) fn of_projects(projects: &[ProjectEntry]) -> Self {
        let mut versions = Self::default();
        for project in projects {
            let account = format!("{}/{}", project.bank, project.account);
            let content = json!({
                "name": project.name, "region": project.region.to_string(),
                "contractor_uscc": project.contractor_uscc, "account": account,
            });
            versions.state("project", project.code.clone(), &content);
            let content = json!({"name": project.account_name, "aliases": project.aliases});
            versions.state("account", account, &content);
            let content = json!({"name": project.contractor});
            versions.state("contractor", project.contractor_uscc.clone(), &content);
        }
        versions
    }

    /// These, and what is stated after them: the last statement stands.
    pub(super) fn then(mut self, later: Self) -> Self {
        self.0.extend(later.0);
        self
    }

    /// What the audit log keeps of them.
    pub(super) fn print(&self) -> [u8; 32] {
        let mut print = Print::default();
        self.add_to(&mut print);
        print.end()
    }

    /// Adds them to the print of a longer list.
    pub(super) fn add_to(&self, print: &mut Print) {
        for ((kind, subject), content) in &self.0 {
            print.add(&[kind, subject, &hex::encode(&content.digest)]);
        }
    }

    pub(super) fn rows(&self) -> Vec<(&Subject, &Content)> {
        self.0.iter().collect()
    }
}

/// One appended version, as the statement that appends returns it.
pub(super) fn appended(row: &impl Columns) -> Result<((String, String), u32), StoreError> {
    Ok((
        (row.text("kind")?, row.text("subject")?),
        row.number("version")?,
    ))
}

impl VersionView {
    pub(super) fn read(row: &impl Columns) -> Result<Self, StoreError> {
        let kind = row.text("kind")?;
        let content = if kind == "worker" {
            None
        } else {
            let clear = String::from_utf8(row.bytes("content")?);
            Some(clear.map_err(|_| StoreError::Broken("a version is not text".into()))?)
        };
        Ok(Self {
            version: row.number("version")?,
            content,
            by: row.text("by_whom")?,
            at: row.moment("at")?,
            kind,
        })
    }
}
