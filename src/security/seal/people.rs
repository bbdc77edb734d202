//! What a roster says of people, sealed for the registry: name and telephone number together, and the card that a worker names.

use wagegate_domain::{
    ids::{BankAccount, Cnaps, PersonName},
    roster::{CardClaim, Phone, RosterRow},
};

use super::{Blind, Purpose, Vault, VaultError, blind, text};
use crate::store::{SealedCard, SealedProfile, SealedWorker};

impl Vault {
    /// One worker of a roster as the store takes it.
    pub fn seal_worker(&self, row: &RosterRow) -> SealedWorker {
        let worker = self.blind_id_number(&row.id_number);
        let id_number = row.id_number.clear().as_bytes();
        SealedWorker {
            row: row.row,
            blind: worker,
            sealed: self.seal(Purpose::IdNumber, &worker, &[id_number]),
            profile: self.seal_profile(&worker, &row.name, row.phone.as_ref()),
            role: row.role,
            team: row.team.clone(),
            entered_on: row.entered_on,
            left_on: row.left_on,
            attendance: row.attendance.clone(),
            card: row
                .card
                .as_ref()
                .map(|claim| self.seal_card(&row.name, claim)),
        }
    }

    /// A card in the name of its worker.
    pub fn seal_card(&self, name: &PersonName, claim: &CardClaim) -> SealedCard {
        let blind = self.blind_card(&claim.account, name, claim.cnaps.as_ref());
        SealedCard {
            blind,
            account_blind: self.blind_of_account(&claim.account),
            sealed: self.seal_binding(&blind, name, &claim.account),
            cnaps: claim.cnaps.as_ref().map(ToString::to_string),
            kind: claim.kind,
        }
    }

    /// Name and telephone number of a worker, from the place of the worker with this blind index.
    ///
    /// # Errors
    /// As [`Self::open_binding`].
    pub fn open_profile(
        &self,
        worker: &Blind,
        sealed: &[u8],
    ) -> Result<(PersonName, Option<Phone>), VaultError> {
        let clear = self.open_sealed(Purpose::Profile, worker, sealed)?;
        let (length, rest) = clear.split_first().ok_or(VaultError::Damaged)?;
        let (name, phone) = rest
            .split_at_checked(usize::from(*length))
            .ok_or(VaultError::Damaged)?;
        let name = PersonName::parse(text(name)?).map_err(|_| VaultError::Damaged)?;
        let phone = match text(phone)? {
            "" => None,
            digits => Some(Phone::parse(digits).map_err(|_| VaultError::Damaged)?),
        };
        Ok((name, phone))
    }

    /// `length of name | name | telephone number`.
    fn seal_profile(
        &self,
        worker: &Blind,
        name: &PersonName,
        phone: Option<&Phone>,
    ) -> SealedProfile {
        let digits = phone.map_or("", Phone::clear);
        let bytes = name.clear().as_bytes();
        let length = u8::try_from(bytes.len()).expect("60 characters are at most 240 bytes");
        SealedProfile {
            name_blind: self.blind_name(name),
            sealed: self.seal(
                Purpose::Profile,
                worker,
                &[&[length], bytes, digits.as_bytes()],
            ),
            // Four fields: neither a binding nor a name has as many.
            digest: blind(
                &self.keys.load().blind.binding,
                &["profile", name.clear(), digits, ""],
            ),
            has_phone: phone.is_some(),
        }
    }

    /// Account, name and bank number together: a change of any of them is another binding version.
    pub(super) fn blind_card(
        &self,
        account: &BankAccount,
        name: &PersonName,
        cnaps: Option<&Cnaps>,
    ) -> Blind {
        let cnaps = cnaps.map_or("", Cnaps::as_str);
        blind(
            &self.keys.load().blind.binding,
            &[account.clear(), name.clear(), cnaps],
        )
    }
}
