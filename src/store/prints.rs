//! What the audit log keeps of an object before and after an act: one hash over all that an act of a person can change in it. Never over clear
//! values of people: whoever has a plain hash of a number finds the number.

use super::chain::Print;
use super::identities::{PrincipalView, Revocation};
use super::{BatchView, CardView, CurrentKey, Deposit, NewRaw};

impl BatchView {
    /// All but its tally, which no act of a person moves.
    pub(super) fn print(&self) -> [u8; 32] {
        let expires = self.expires_at.map(|at| at.to_string());
        Print::of(&[
            &self.code,
            &self.project,
            &self.month.to_string(),
            &self.content.to_string(),
            &self.rows.to_string(),
            &self.total.get().to_string(),
            self.state.code(),
            &self.prepared_by,
            &self.round.to_string(),
            &expires.unwrap_or_default(),
        ])
    }
}

impl CardView {
    /// Whose, which, of what sort and how it stands; the number only as its blind index.
    pub(super) fn print(&self) -> [u8; 32] {
        Print::of(&[
            &self.worker.to_string(),
            &hex::encode(self.blind),
            if self.current { "current" } else { "former" },
            self.kind.code(),
            self.status.code(),
        ])
    }
}

impl CurrentKey {
    /// Which key seals, by its number and its fingerprint.
    pub(super) fn print(&self) -> [u8; 32] {
        Print::of(&[&self.key.id.to_string(), &hex::encode(self.key.print)])
    }
}

impl Deposit {
    /// As it is booked.
    pub(super) fn print(&self) -> [u8; 32] {
        Print::of(&[
            &self.bank,
            &self.account,
            &self.reference,
            &self.amount.get().to_string(),
            &self.value_date.to_string(),
        ])
    }
}

impl NewRaw {
    /// The bytes have a hash already.
    pub(super) fn print(&self) -> [u8; 32] {
        Print::of(&[&self.bank, self.origin, &hex::encode(self.hash)])
    }
}

impl PrincipalView {
    /// Role, scope, standing and version.
    pub(super) fn print(&self) -> [u8; 32] {
        Print::of(&[
            &self.principal.name,
            self.principal.role.code(),
            &self.principal.scope.stored(),
            self.standing.code(),
            &self.version.to_string(),
        ])
    }
}

impl Revocation {
    /// As it is kept.
    pub(super) fn print(&self) -> [u8; 32] {
        Print::of(&[
            &hex::encode(self.key.issuer.bytes()),
            &hex::encode(self.key.serial.bytes()),
            self.reason.code(),
        ])
    }
}
