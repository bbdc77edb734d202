//! From a peer's certificate to somebody with a role and a scope. Whom the store does not know is nobody: default deny.
//! What a role may do is in `access`; whether the certificate still counts is in `revocation`; who is known is in `store::identities`.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    str::FromStr,
};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use thiserror::Error;
use wagegate_domain::ids::Region;
use x509_parser::{
    certificate::X509Certificate,
    extensions::GeneralName,
    prelude::{FromDer, X509Error},
};

use super::revocation::{Fingerprint, Serial};

/// What sort of peer a certificate speaks for; the first part of its URI.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    User,
    Bank,
    Gateway,
}

/// A peer's name, `wagegate://{user|bank|gateway}/name`; the name is 1 to 63 of `a-z 0-9 . -`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PeerUri {
    /// What sort of peer.
    pub kind: Kind,
    /// Its name; for a bank, the bank's code.
    pub name: String,
}

/// Why a certificate names nobody.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum IdentityError {
    /// The bytes are not one X.509 certificate.
    #[error("the certificate cannot be read: {0}")]
    Unreadable(String),
    /// None or several URIs: which one counts would be a guess.
    #[error("the certificate carries {0} URIs in its SAN; it must carry exactly one")]
    NotOneUri(usize),
    /// The URI is not one of ours.
    #[error("the URI is not wagegate://user/NAME, wagegate://bank/CODE or wagegate://gateway/NAME")]
    ForeignUri,
}

/// What a verified peer certificate says; never read from the common name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The one URI of its SAN.
    pub uri: PeerUri,
    /// Its serial number, for the revocation list.
    pub serial: Serial,
    /// The name of its issuer, for the revocation list.
    pub issuer: Fingerprint,
    /// The first second at which it no longer counts.
    pub not_after: Timestamp,
}

impl PeerUri {
    /// The URI of the bank with this code.
    pub fn bank(code: &str) -> Self {
        Self {
            kind: Kind::Bank,
            name: code.to_owned(),
        }
    }
}

impl FromStr for PeerUri {
    type Err = IdentityError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let path = text
            .strip_prefix("wagegate://")
            .ok_or(IdentityError::ForeignUri)?;
        let (kind, name) = path.split_once('/').ok_or(IdentityError::ForeignUri)?;
        let kind = match kind {
            "user" => Kind::User,
            "bank" => Kind::Bank,
            "gateway" => Kind::Gateway,
            _ => return Err(IdentityError::ForeignUri),
        };
        let plain = |byte: u8| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'.' || byte == b'-'
        };
        if name.is_empty() || name.len() > 63 || !name.bytes().all(plain) {
            return Err(IdentityError::ForeignUri);
        }
        Ok(Self {
            kind,
            name: name.to_owned(),
        })
    }
}

impl fmt::Display for PeerUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.kind {
            Kind::User => "user",
            Kind::Bank => "bank",
            Kind::Gateway => "gateway",
        };
        write!(f, "wagegate://{kind}/{}", self.name)
    }
}

impl Identity {
    /// Reads a DER certificate; that it is genuine must have been verified by the handshake.
    ///
    /// # Errors
    /// Anything but one readable certificate with exactly one URI of ours.
    pub fn read(der: &[u8]) -> Result<Self, IdentityError> {
        let unreadable = |error: String| IdentityError::Unreadable(error);
        let (rest, certificate) =
            X509Certificate::from_der(der).map_err(|error| unreadable(error.to_string()))?;
        if !rest.is_empty() {
            return Err(unreadable("bytes follow it".into()));
        }
        let not_after = certificate.validity().not_after.timestamp();
        // X.509 counts the last second in; we name the first second out.
        let not_after = Timestamp::from_second(not_after.saturating_add(1))
            .map_err(|error| unreadable(error.to_string()))?;
        Ok(Self {
            uri: only_uri(&certificate)?,
            serial: Serial::new(certificate.raw_serial()),
            issuer: Fingerprint::of_name(certificate.issuer().as_raw()),
            not_after,
        })
    }
}

fn only_uri(certificate: &X509Certificate<'_>) -> Result<PeerUri, IdentityError> {
    let names = certificate
        .subject_alternative_name()
        .map_err(|error: X509Error| IdentityError::Unreadable(error.to_string()))?;
    let names = names.map_or(&[][..], |extension| {
        extension.value.general_names.as_slice()
    });
    let uris: Vec<&str> = names
        .iter()
        .filter_map(|name| {
            if let GeneralName::URI(uri) = name {
                Some(*uri)
            } else {
                None
            }
        })
        .collect();
    match uris.as_slice() {
        [one] => one.parse(),
        other => Err(IdentityError::NotOneUri(other.len())),
    }
}

/// What somebody works at; one principal has one role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    Operator,
    Clerk,
    Reviewer,
    Approver,
    Finance,
    Supervisor,
    Bank,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 7] = [
        Self::Operator,
        Self::Clerk,
        Self::Reviewer,
        Self::Approver,
        Self::Finance,
        Self::Supervisor,
        Self::Bank,
    ];

    /// As it is written, stored and shown.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Operator => "operator",
            Self::Clerk => "clerk",
            Self::Reviewer => "reviewer",
            Self::Approver => "approver",
            Self::Finance => "finance",
            Self::Supervisor => "supervisor",
            Self::Bank => "bank",
        }
    }

    /// The role of a code.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.code() == code)
    }
}

/// What part of the world somebody sees.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// Everything; only operators.
    All,
    /// These project codes.
    Projects(BTreeSet<String>),
    /// Every region whose GB/T 2260 code starts so: 2 digits a province, 4 a prefecture, 6 a county.
    Region(String),
    /// What concerns the bank with this code.
    Bank(String),
}

impl Scope {
    /// As it is stored: `"all"`, `{"projects":["P1"]}`, `{"region":"5301"}` or `{"bank":"qingshan"}`.
    pub fn stored(&self) -> String {
        // Strings and sets of strings: this always serialises, and an empty text would not be read back.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Back from what was stored.
    pub fn from_stored(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }
}

/// Somebody known, as every handler sees them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// The certificate's URI; the actor of audit entries.
    pub name: String,
    pub role: Role,
    pub scope: Scope,
}

/// One `[[principal]]` of the configuration, or one that is admitted over the API.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PrincipalEntry {
    /// `wagegate://user/NAME`.
    pub uri: String,
    pub role: Role,
    /// Project codes, for clerk, reviewer, approver and finance.
    #[serde(default)]
    pub projects: Vec<String>,
    /// GB/T 2260 code of the region, for a supervisor; trailing pairs of zeros may be left out.
    pub region: Option<String>,
}

/// An entry that cannot be meant.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("[[principal]] {uri}: {reason}")]
pub struct DirectoryError {
    pub uri: String,
    pub reason: &'static str,
}

impl PrincipalEntry {
    /// The person that is meant.
    ///
    /// # Errors
    /// A foreign URI, or a scope that does not fit the role.
    pub fn principal(&self) -> Result<Principal, DirectoryError> {
        let wrong = |reason| DirectoryError {
            uri: self.uri.clone(),
            reason,
        };
        let uri: PeerUri = self
            .uri
            .parse()
            .map_err(|_| wrong("not a wagegate://user/NAME"))?;
        if uri.kind != Kind::User {
            return Err(wrong(
                "only users are listed; banks come from the bank list",
            ));
        }
        Ok(Principal {
            name: self.uri.clone(),
            role: self.role,
            scope: scope_of(self).map_err(wrong)?,
        })
    }
}

/// Everybody whom the configuration names: the first whom the store gets to know. After that the store rules.
#[derive(Debug, Default)]
pub struct Directory(BTreeMap<String, Principal>);

impl Directory {
    /// People from the configuration, banks from the list of bank codes.
    ///
    /// # Errors
    /// The first entry with a foreign URI, a scope that does not fit its role, or a name that came before.
    pub fn new<'a>(
        people: &[PrincipalEntry],
        banks: impl IntoIterator<Item = &'a str>,
    ) -> Result<Self, DirectoryError> {
        let mut known: BTreeMap<_, _> = banks.into_iter().map(bank_principal).collect();
        for entry in people {
            let principal = entry.principal()?;
            if known.insert(entry.uri.clone(), principal).is_some() {
                return Err(DirectoryError {
                    uri: entry.uri.clone(),
                    reason: "listed twice",
                });
            }
        }
        Ok(Self(known))
    }

    /// Everybody, by name.
    pub fn principals(&self) -> Vec<Principal> {
        self.0.values().cloned().collect()
    }
}

fn bank_principal(code: &str) -> (String, Principal) {
    let uri = PeerUri::bank(code).to_string();
    let principal = Principal {
        name: uri.clone(),
        role: Role::Bank,
        scope: Scope::Bank(code.to_owned()),
    };
    (uri, principal)
}

fn scope_of(entry: &PrincipalEntry) -> Result<Scope, &'static str> {
    match (entry.role, entry.projects.as_slice(), &entry.region) {
        (Role::Operator, [], None) => Ok(Scope::All),
        (Role::Operator, ..) => Err("an operator has neither projects nor a region"),
        (Role::Clerk | Role::Reviewer | Role::Approver | Role::Finance, [_, ..], None) => {
            if !entry.projects.iter().all(|code| is_project_code(code)) {
                return Err("a project's code is 1 to 64 of A-Z a-z 0-9 . _ -");
            }
            Ok(Scope::Projects(entry.projects.iter().cloned().collect()))
        }
        (Role::Clerk | Role::Reviewer | Role::Approver | Role::Finance, ..) => {
            Err("needs projects = [..] and no region")
        }
        (Role::Supervisor, [], Some(region)) => Ok(Scope::Region(region_prefix(region)?)),
        (Role::Supervisor, ..) => Err("needs region = \"..\" and no projects"),
        (Role::Bank, ..) => Err("banks come from the bank list"),
    }
}

/// `530000` and `53` are the same province: GB/T 2260 fills the places below with zeros.
pub(crate) fn region_prefix(code: &str) -> Result<String, &'static str> {
    let mut prefix = code;
    while let Some(shorter) = prefix.strip_suffix("00") {
        prefix = shorter;
    }
    let fits = matches!(code.len(), 2 | 4 | 6) && matches!(prefix.len(), 2 | 4 | 6);
    let digits = fits && code.bytes().all(|byte| byte.is_ascii_digit());
    let without_code = Region::parse(code).is_ok_and(|region| region.to_string() == code);
    if digits || without_code && fits {
        Ok(prefix.to_owned())
    } else {
        Err(NO_REGION)
    }
}

const NO_REGION: &str =
    "region is not a GB/T 2260 code of 2, 4 or 6 digits, or a unit's without one such as 5309A1";

/// True for what can stand in an address and on a command line: 1 to 64 of `A-Z a-z 0-9 . _ -`, not `.` or `..`.
pub(crate) fn is_project_code(code: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    (1..=64).contains(&code.len()) && code.bytes().all(plain) && code != "." && code != ".."
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_uris_name_a_peer() {
        for good in [
            "wagegate://user/clerk",
            "wagegate://bank/qingshan",
            "wagegate://gateway/main",
        ] {
            assert_eq!(good.parse::<PeerUri>().unwrap().to_string(), good);
        }
        for bad in [
            "",
            "wagegate://user/",
            "wagegate://user",
            "wagegate://root/x",
            "https://user/clerk",
            "wagegate://user/a/b",
            "wagegate://user/Clerk",
            "wagegate://user/a\0b",
            "WAGEGATE://user/clerk",
            "wagegate://user/张",
        ] {
            assert_eq!(
                bad.parse::<PeerUri>(),
                Err(IdentityError::ForeignUri),
                "{bad}"
            );
        }
    }

    fn entry(text: &str) -> PrincipalEntry {
        toml::from_str(text).unwrap()
    }

    #[test]
    fn the_directory_takes_only_entries_that_fit_their_role() {
        for (text, reason) in [
            (
                "uri='wagegate://bank/qingshan'\nrole='clerk'\nprojects=['P1']",
                "only users are listed; banks come from the bank list",
            ),
            (
                "uri='wagegate://user/x'\nrole='bank'",
                "banks come from the bank list",
            ),
            (
                "uri='wagegate://user/x'\nrole='clerk'",
                "needs projects = [..] and no region",
            ),
            (
                "uri='wagegate://user/x'\nrole='operator'\nregion='53'",
                "an operator has neither projects nor a region",
            ),
            (
                "uri='wagegate://user/x'\nrole='supervisor'",
                "needs region = \"..\" and no projects",
            ),
            (
                "uri='wagegate://user/x'\nrole='supervisor'\nregion='5'",
                NO_REGION,
            ),
            (
                "uri='wagegate://user/x'\nrole='supervisor'\nregion='000000'",
                NO_REGION,
            ),
            (
                "uri='wagegate://user/x'\nrole='supervisor'\nregion='5309a1'",
                NO_REGION,
            ),
            (
                "uri='wagegate://user/x'\nrole='clerk'\nprojects=['P1', \"P\\u0000\"]",
                "a project's code is 1 to 64 of A-Z a-z 0-9 . _ -",
            ),
            (
                "uri='mailto:x'\nrole='clerk'\nprojects=['P1']",
                "not a wagegate://user/NAME",
            ),
        ] {
            assert_eq!(
                Directory::new(&[entry(text)], []).unwrap_err().reason,
                reason,
                "{text}"
            );
        }
        let twice = entry("uri='wagegate://user/x'\nrole='operator'");
        assert_eq!(
            Directory::new(&[twice.clone(), twice], [])
                .unwrap_err()
                .reason,
            "listed twice"
        );
    }

    #[test]
    fn a_role_and_a_scope_come_back_from_the_store_as_they_went() {
        for role in Role::ALL {
            assert_eq!(Role::from_code(role.code()), Some(role));
            assert_eq!(
                serde_json::to_string(&role).unwrap(),
                format!("\"{}\"", role.code())
            );
        }
        for (scope, text) in [
            (Scope::All, r#""all""#),
            (
                Scope::Projects(["P1".into(), "P2".into()].into()),
                r#"{"projects":["P1","P2"]}"#,
            ),
            (Scope::Region("5301".into()), r#"{"region":"5301"}"#),
            (Scope::Bank("qingshan".into()), r#"{"bank":"qingshan"}"#),
        ] {
            assert_eq!(scope.stored(), text);
            assert_eq!(Scope::from_stored(text), Some(scope));
        }
        assert_eq!(Scope::from_stored(""), None);
    }

    #[test]
    fn a_region_is_the_part_of_its_code_that_says_something() {
        for (code, prefix) in [
            ("530000", "53"),
            ("53", "53"),
            ("530100", "5301"),
            ("530112", "530112"),
            ("5300", "53"),
        ] {
            assert_eq!(region_prefix(code).unwrap(), prefix);
        }
    }
}
