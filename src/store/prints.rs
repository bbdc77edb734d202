//! What the audit log keeps of an object before and after an act: one hash over all that an act of a person can change in it. Never over clear
//! values of people: whoever has a plain hash of a number finds the number.

use super::chain::Print;
use super::identities::{PrincipalView, Revocation};
use super::{BatchView, Deposit, NewRaw, ProjectEntry, RegionEntry};

impl BatchView {
    /// All but its tally, which no act of a person moves.
    pub(super) fn print(&self) -> [u8; 32] {
        Print::of(&[
            &self.code,
            &self.project,
            &self.month.to_string(),
            &self.content.to_string(),
            &self.rows.to_string(),
            &self.total.get().to_string(),
            self.state.code(),
            &self.prepared_by,
            self.decided_by.as_deref().unwrap_or_default(),
        ])
    }
}

impl RegionEntry {
    /// Of a whole list, which is one object; it comes in the order of the codes.
    pub(super) fn print(list: &[Self]) -> [u8; 32] {
        let mut print = Print::default();
        for region in list {
            let base = region.base_projects.map(|base| base.to_string());
            print.add(&[
                &region.code.to_string(),
                &region.name,
                &base.unwrap_or_default(),
            ]);
        }
        print.end()
    }
}

impl ProjectEntry {
    /// Of a whole list, which is one object; it comes in the order of the codes.
    pub(super) fn print(list: &[Self]) -> [u8; 32] {
        let mut print = Print::default();
        for project in list {
            print.add(&[
                &project.code,
                &project.name,
                &project.region.to_string(),
                &project.contractor_uscc,
                &project.contractor,
                &project.bank,
                &project.account,
                &project.account_name,
            ]);
        }
        print.end()
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
