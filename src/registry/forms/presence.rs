//! When people of the national platform's messages were on site: entries and exits, and passages counted to days a month.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::civil::Date;
use wagegate_domain::{PayMonth, ids::IdNumber};

use super::{
    entry::{Entry, Field, Said},
    flaw::RosterFlaw,
    national::Person,
    row::date,
};
use crate::{
    intake::{Flaw, Place, cells::Cell, check::digest},
    security::national::NationalSecret,
};

/// A flaw with the key of its field.
type Keyed = (&'static str, Flaw);

/// What the messages say of each identity number.
#[derive(Default)]
pub(super) struct Presences(HashMap<[u8; 16], Presence>);

struct Presence {
    /// Where this worker was first spoken of.
    place: Place,
    entries: BTreeSet<Date>,
    exits: BTreeSet<Date>,
    /// Days with a passage in.
    days: BTreeSet<Date>,
    listed: bool,
}

impl Presences {
    /// An entry (type 1) or exit (type 0).
    pub(super) fn moved(
        &mut self,
        secret: &NationalSecret,
        place: Place,
        person: &Person,
    ) -> Result<(), Keyed> {
        let date = date(&person.date.0).map_err(|flaw| ("date", flaw))?;
        let presence = self.of(secret, place, person)?;
        match person.kind.0.text() {
            "1" => presence.entries.insert(date),
            "0" => presence.exits.insert(date),
            _ => false,
        };
        Ok(())
    }

    /// A passage, of which those in (01) count.
    pub(super) fn passed(
        &mut self,
        secret: &NationalSecret,
        place: Place,
        person: &Person,
    ) -> Result<(), Keyed> {
        let date = date(&person.date.0).map_err(|flaw| ("date", flaw))?;
        let presence = self.of(secret, place, person)?;
        if matches!(person.direction.0.text(), "01" | "1") {
            presence.days.insert(date);
        }
        Ok(())
    }

    fn of(
        &mut self,
        secret: &NationalSecret,
        place: Place,
        person: &Person,
    ) -> Result<&mut Presence, Keyed> {
        const KEY: &str = "idCardNumber";
        identity_card(person)?;
        let sealed = person.id_card_number.0.text();
        if sealed.is_empty() {
            return Err((KEY, Flaw::IdMissing));
        }
        let clear = secret
            .open(sealed)
            .map_err(|_| (KEY, RosterFlaw::Unopened.into()))?;
        let number = IdNumber::parse(&clear).map_err(|error| (KEY, error.into()))?;
        Ok(self.0.entry(digest(number.clear())).or_insert(Presence {
            place,
            entries: BTreeSet::new(),
            exits: BTreeSet::new(),
            days: BTreeSet::new(),
            listed: false,
        }))
    }

    /// Says of a worker when they were there. Whoever passed the gate before any entry was reported had entered by then.
    pub(super) fn tell(&mut self, entry: &mut Entry) {
        let number = IdNumber::parse(entry.cell(Field::IdNumber).text());
        let found = number
            .ok()
            .and_then(|number| self.0.get_mut(&digest(number.clear())));
        let Some(presence) = found else {
            return entry.say(Field::EnteredOn, "date", Cell::Empty);
        };
        presence.listed = true;
        let entered = presence.entries.first().or(presence.days.first());
        let entered = entered.map_or(Cell::Empty, |date| Cell::Date(*date));
        entry.say(Field::EnteredOn, "date", entered);
        // Who came back after leaving is there.
        let left = presence.exits.last();
        let left = left.filter(|left| presence.entries.last().is_none_or(|last| last <= *left));
        entry.say(
            Field::LeftOn,
            "date",
            left.map_or(Cell::Empty, |date| Cell::Date(*date)),
        );
        entry.attendance = presence.attendance();
    }

    /// Where those were spoken of whom no message names.
    pub(super) fn unlisted(self) -> Vec<Place> {
        let unlisted = self.0.into_values().filter(|presence| !presence.listed);
        let mut places: Vec<Place> = unlisted.map(|presence| presence.place).collect();
        places.sort_by_key(|place| (place.sheet, place.row));
        places
    }
}

impl Presence {
    fn attendance(&self) -> Vec<(Said, Said)> {
        let mut months: BTreeMap<PayMonth, u8> = BTreeMap::new();
        for month in self.days.iter().filter_map(|day| PayMonth::of(*day).ok()) {
            *months.entry(month).or_default() += 1;
        }
        let said = |cell: String| Said {
            column: "date".into(),
            cell: Cell::Text(cell),
        };
        months
            .into_iter()
            .map(|(month, days)| (said(month.to_string()), said(days.to_string())))
            .collect()
    }
}

/// Only the resident identity card has a number that can be checked and compared.
pub(super) fn identity_card(person: &Person) -> Result<(), Keyed> {
    match person.id_card_type.0.text() {
        "01" | "1" => Ok(()),
        _ => Err(("idCardType", RosterFlaw::IdTypeUnsupported.into())),
    }
}
