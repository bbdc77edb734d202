//! Whom the gateway knows and which certificates no longer count. It is asked on every request, so that a suspension acts at once on every
//! gateway of one store; who may do what is `security::access`.

use async_trait::async_trait;
use jiff::Timestamp;

use super::{Recorded, StoreError};
use crate::security::{
    principal::{Identity, Principal, Role, Scope},
    revocation::{Fingerprint, Serial},
};

/// Whether somebody known is let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    Active,
    Suspended,
}

impl Standing {
    /// As it is stored and shown.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Suspended => "suspended",
        }
    }

    /// The standing of a code.
    pub fn from_code(code: &str) -> Option<Self> {
        [Self::Active, Self::Suspended]
            .into_iter()
            .find(|standing| standing.code() == code)
    }
}

/// Somebody the store knows, as they stand now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrincipalView {
    pub principal: Principal,
    pub standing: Standing,
    /// 1 when admitted; each change adds one.
    pub version: u32,
    /// Who made this version.
    pub by: String,
    pub at: Timestamp,
}

/// What becomes of somebody. The role is not among it: another job is another name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PrincipalChange {
    Suspend,
    Restore,
    Rescope(Scope),
}

/// One certificate, by its authority's name and its serial number.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CertificateKey {
    pub issuer: Fingerprint,
    pub serial: Serial,
}

impl CertificateKey {
    /// The key of a certificate that came.
    pub fn of(identity: &Identity) -> Self {
        Self {
            issuer: identity.issuer,
            serial: identity.serial.clone(),
        }
    }
}

/// What the store says of a caller: one look for each request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recognised {
    pub principal: Principal,
    /// As in [`PrincipalView`].
    pub version: u32,
    pub standing: Standing,
    /// The store's own word; an authority's list may say so too.
    pub revoked: bool,
    /// When this certificate was last noted.
    pub noted: Option<Timestamp>,
}

/// A certificate that was let in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenCertificate {
    pub key: CertificateKey,
    pub uri: String,
    pub not_after: Timestamp,
    pub at: Timestamp,
}

/// A certificate that no longer counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revocation {
    pub key: CertificateKey,
    pub reason: RevocationReason,
    pub by: String,
    pub at: Timestamp,
}

/// Why a certificate no longer counts: a word from a list, since free text invites names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RevocationReason {
    /// The key is lost, or somebody else may have it.
    KeyCompromise,
    /// Its holder left.
    Left,
    /// Its holder has a newer one.
    Superseded,
    Unspecified,
}

impl RevocationReason {
    /// Every reason.
    pub const ALL: [Self; 4] = [
        Self::KeyCompromise,
        Self::Left,
        Self::Superseded,
        Self::Unspecified,
    ];

    /// As it is stored and shown.
    pub const fn code(self) -> &'static str {
        match self {
            Self::KeyCompromise => "key-compromise",
            Self::Left => "left",
            Self::Superseded => "superseded",
            Self::Unspecified => "unspecified",
        }
    }

    /// The reason of a code.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.code() == code)
    }
}

/// A certificate that was seen, revoked, or both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateView {
    pub key: CertificateKey,
    /// Whose it is and since when it comes; `None` for one that was revoked before it ever came.
    pub seen: Option<Sight>,
    pub revoked: Option<Revocation>,
}

/// When a certificate came, and as whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sight {
    pub uri: String,
    pub not_after: Timestamp,
    pub first: Timestamp,
    /// True to the hour.
    pub last: Timestamp,
}

/// Principals and certificates; every change is in the audit log with who made it.
#[async_trait]
pub trait Identities: Send + Sync {
    /// Looks up a caller; `None` when nobody has this URI.
    async fn recognise(
        &self,
        uri: &str,
        certificate: &CertificateKey,
    ) -> Result<Option<Recognised>, StoreError>;
    /// Admits those of `principals` whom the store does not know, and leaves the others as they are; gives the names of the new.
    async fn admit_unknown(
        &self,
        principals: &[Principal],
        by: &str,
        at: Timestamp,
    ) -> Result<Vec<String>, StoreError>;
    /// Admits somebody new.
    async fn admit(
        &self,
        principal: &Principal,
        by: &str,
        at: Timestamp,
    ) -> Result<PrincipalView, StoreError>;
    /// Suspends, restores or moves somebody; what already is so stays as it is. The last active operator cannot be suspended.
    async fn change_principal(
        &self,
        uri: &str,
        change: &PrincipalChange,
        by: &str,
        at: Timestamp,
    ) -> Result<PrincipalView, StoreError>;
    /// Somebody.
    async fn principal(&self, uri: &str) -> Result<PrincipalView, StoreError>;
    /// Everybody after a URI, in order, at most `limit`.
    async fn principals(&self, after: &str, limit: u32) -> Result<Vec<PrincipalView>, StoreError>;
    /// Every version of somebody, oldest first.
    async fn principal_history(&self, uri: &str) -> Result<Vec<PrincipalView>, StoreError>;
    /// Notes that a certificate was let in.
    async fn note_certificate(&self, seen: &SeenCertificate) -> Result<(), StoreError>;
    /// Revokes a certificate; a second time changes nothing.
    async fn revoke_certificate(&self, revocation: &Revocation) -> Result<Recorded, StoreError>;
    /// Certificates after one, by issuer and serial, at most `limit`.
    async fn certificates(
        &self,
        after: Option<&CertificateKey>,
        limit: u32,
    ) -> Result<Vec<CertificateView>, StoreError>;
}

impl PrincipalView {
    /// The next version, or `None` when the change changes nothing.
    pub(super) fn changed(
        &self,
        change: &PrincipalChange,
        by: &str,
        at: Timestamp,
    ) -> Option<Self> {
        let mut next = Self {
            version: self.version.saturating_add(1),
            by: by.into(),
            at,
            ..self.clone()
        };
        match change {
            PrincipalChange::Suspend => next.standing = Standing::Suspended,
            PrincipalChange::Restore => next.standing = Standing::Active,
            PrincipalChange::Rescope(scope) => next.principal.scope = scope.clone(),
        }
        let same = next.standing == self.standing && next.principal == self.principal;
        (!same).then_some(next)
    }

    /// True when this stands for one of those who can let others in.
    pub(super) fn governs(&self) -> bool {
        self.standing == Standing::Active && self.principal.role == Role::Operator
    }

    /// The audit log's detail: role, scope and standing; no person's data is in them.
    pub(super) fn detail(&self) -> String {
        format!(
            "{}, {}, {}, version {}",
            self.principal.role.code(),
            self.principal.scope.stored(),
            self.standing.code(),
            self.version
        )
    }
}

impl PrincipalChange {
    /// The audit log's word for it.
    pub(super) const fn action(&self) -> &'static str {
        match self {
            Self::Suspend => "principal.suspend",
            Self::Restore => "principal.restore",
            Self::Rescope(_) => "principal.scope",
        }
    }
}

pub(super) fn unknown(uri: &str) -> StoreError {
    StoreError::NotFound {
        what: "principal",
        key: uri.into(),
    }
}
