//! Messages of the national platform: who works on a project (ProjectWorker.Add), who came and left (WorkerEntryExit), who passed the gate
//! (WorkerAttendance). The first makes the entries; the others say when their workers were there.
//!
//! Fields that a register has no use for are passed over, and so are codes of dictionaries that are not known here.

use serde::{
    Deserialize, Deserializer,
    de::{Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor},
};

use super::{
    FormsError, RosterExpectation, Seen,
    entry::{Entry, Field},
    flaw::RosterFlaw,
    json,
    presence::{self, Presences},
};
use crate::{
    intake::{Flaw, OpenSheet, Place, Problem, cells::Cell, place::SHEETS_MAX},
    security::national::NationalSecret,
};

/// Bytes of one message, pictures included.
pub(super) const MESSAGE_MAX: u64 = 16 * 1024 * 1024;
/// Bytes of a whole upload.
pub(super) const UPLOAD_MAX: u64 = 256 * 1024 * 1024;
/// Workers or passages in one message: each becomes a larger value in memory than it was as text.
const LIST_MAX: usize = 50_000;

/// Takes each message, numbered from 1.
pub(super) type EachMessage<'a> = &'a mut dyn FnMut(u32, Message) -> Result<(), FormsError>;
/// Goes over all messages of an upload, from its beginning each time.
type Messages<'a> = &'a mut dyn FnMut(EachMessage<'_>) -> Result<(), FormsError>;

/// One message.
#[derive(Deserialize)]
pub(super) struct Message {
    pub(super) method: String,
    pub(super) data: Data,
}

/// What the three messages say, as far as a register needs it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Data {
    #[serde(default)]
    project_code: Scalar,
    #[serde(default)]
    team_name: Scalar,
    #[serde(default)]
    worker_list: List,
    #[serde(default)]
    data_list: List,
}

/// One worker or passage.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[derive(Default)]
pub(super) struct Person {
    worker_name: Scalar,
    pub(super) id_card_type: Scalar,
    pub(super) id_card_number: Scalar,
    work_role: Scalar,
    cell_phone: Scalar,
    pay_roll_bank_card_number: Scalar,
    bank_link_number: Scalar,
    pub(super) date: Scalar,
    #[serde(rename = "type")]
    pub(super) kind: Scalar,
    pub(super) direction: Scalar,
}

/// A message that a register reads.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Method {
    Workers,
    EntryExit,
    Attendance,
}

impl Method {
    fn of(name: &str) -> Option<Self> {
        match name.strip_suffix(".Add").unwrap_or(name) {
            "ProjectWorker" => Some(Self::Workers),
            "WorkerEntryExit" => Some(Self::EntryExit),
            "WorkerAttendance" => Some(Self::Attendance),
            _ => None,
        }
    }
}

/// Messages as plain JSON.
pub(super) fn messages(open: OpenSheet<'_>, each: EachMessage<'_>) -> Result<(), FormsError> {
    let mut number = 0;
    json::each::<Message>(open, [UPLOAD_MAX, MESSAGE_MAX], &mut |message| {
        number += 1;
        each(number, message)
    })
}

/// Reads all messages twice: when people were there, then who they are.
pub(super) fn read(
    messages: Messages<'_>,
    secret: &NationalSecret,
    expect: &RosterExpectation<'_>,
    visit: &mut dyn FnMut(Seen) -> Result<(), FormsError>,
) -> Result<(), FormsError> {
    let mut presences = Presences::default();
    messages(&mut |number, message| {
        let source = Source {
            secret,
            sheet: format!("{} ({number})", shown(&message.method)),
            number,
        };
        for problem in source.head(&message, expect) {
            visit(Seen::Problem(problem))?;
        }
        let take = match Method::of(&message.method) {
            Some(Method::EntryExit) => Presences::moved,
            Some(Method::Attendance) => Presences::passed,
            Some(Method::Workers) | None => return Ok(()),
        };
        let Data {
            worker_list,
            data_list,
            ..
        } = message.data;
        for (row, person) in (1..).zip(worker_list.0.iter().chain(&data_list.0)) {
            if let Err((column, flaw)) = take(&mut presences, secret, source.place(row), person) {
                visit(Seen::Problem(source.problem(row, column, flaw)))?;
            }
        }
        Ok(())
    })?;
    // Places count the messages that name workers: passages come in any number of messages, and none of them is a place.
    let mut naming = 0;
    messages(&mut |number, message| {
        if Method::of(&message.method) != Some(Method::Workers) {
            return Ok(());
        }
        naming += 1;
        if naming > SHEETS_MAX {
            return Err(FormsError::TooLarge);
        }
        let sheet = format!("{} ({number})", shown(&message.method));
        let source = Source {
            secret,
            sheet,
            number,
        };
        for (row, person) in (1..).zip(message.data.worker_list.0) {
            let place = Place { sheet: naming, row };
            let entry = source.entry(place, person, &message.data.team_name, &mut presences);
            visit(Seen::Worker(entry))?;
        }
        Ok(())
    })?;
    for place in presences.unlisted() {
        visit(Seen::Problem(Problem {
            sheet: format!("({})", place.sheet),
            row: place.row,
            column: "idCardNumber".into(),
            flaw: RosterFlaw::Unlisted.into(),
        }))?;
    }
    Ok(())
}

/// A method's name, as far as it is one.
fn shown(method: &str) -> String {
    let plain = |c: &char| c.is_ascii_alphanumeric() || *c == '.';
    method.chars().filter(plain).take(40).collect()
}

/// One message as the place of its people.
struct Source<'a> {
    secret: &'a NationalSecret,
    sheet: String,
    number: u32,
}

impl Source<'_> {
    fn place(&self, row: u32) -> Place {
        Place {
            sheet: self.number,
            row,
        }
    }

    fn problem(&self, row: u32, column: &str, flaw: Flaw) -> Problem {
        Problem {
            sheet: self.sheet.clone(),
            row,
            column: column.into(),
            flaw,
        }
    }

    /// What is wrong with a message before its list is read.
    fn head(&self, message: &Message, expect: &RosterExpectation<'_>) -> Vec<Problem> {
        let mut problems = Vec::new();
        if Method::of(&message.method).is_none() {
            problems.push(self.problem(0, "method", RosterFlaw::MethodUnread.into()));
        } else if message.data.project_code.0.text() != expect.project {
            problems.push(self.problem(0, "projectCode", Flaw::ProjectDiffers));
        }
        problems
    }

    fn entry(
        &self,
        place: Place,
        person: Person,
        team: &Scalar,
        presences: &mut Presences,
    ) -> Entry {
        let mut entry = Entry::new(place, &self.sheet);
        if let Err((column, flaw)) = presence::identity_card(&person) {
            entry.flaws.push((column.into(), flaw));
        }
        self.unsealed(
            &mut entry,
            Field::IdNumber,
            "idCardNumber",
            person.id_card_number,
        );
        self.unsealed(
            &mut entry,
            Field::Card,
            "payRollBankCardNumber",
            person.pay_roll_bank_card_number,
        );
        entry.say(Field::Name, "workerName", person.worker_name.0);
        entry.say(Field::Role, "workRole", person.work_role.0);
        entry.say(Field::Phone, "cellPhone", person.cell_phone.0);
        entry.say(Field::Cnaps, "bankLinkNumber", person.bank_link_number.0);
        entry.say(Field::Team, "teamName", team.0.clone());
        presences.tell(&mut entry);
        entry
    }

    fn unsealed(&self, entry: &mut Entry, field: Field, column: &str, sealed: Scalar) {
        if sealed.0.is_blank() {
            return entry.say(field, column, Cell::Empty);
        }
        match self.secret.open(sealed.0.text()) {
            Ok(clear) => entry.say(field, column, Cell::Text((*clear).clone())),
            Err(_) => {
                entry.say(field, column, Cell::Empty);
                entry
                    .flaws
                    .push((column.into(), RosterFlaw::Unopened.into()));
            }
        }
    }
}

/// Text or number; whatever else stands there is not looked into.
#[derive(Default)]
pub(super) struct Scalar(pub(super) Cell);

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ScalarVisitor).map(Self)
    }
}

struct ScalarVisitor;

impl<'de> Visitor<'de> for ScalarVisitor {
    type Value = Cell;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a value")
    }

    fn visit_str<E>(self, text: &str) -> Result<Cell, E> {
        Ok(Cell::Text(text.to_owned()))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Cell, E> {
        Ok(Cell::Number(number.to_string()))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Cell, E> {
        Ok(Cell::Number(number.to_string()))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Cell, E> {
        Ok(Cell::Rounded)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Cell, E> {
        Ok(Cell::Other)
    }

    fn visit_unit<E>(self) -> Result<Cell, E> {
        Ok(Cell::Empty)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<Cell, A::Error> {
        while array.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Cell::Other)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Cell, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Cell::Other)
    }
}

/// People up to a limit.
#[derive(Default)]
struct List(Vec<Person>);

impl<'de> Deserialize<'de> for List {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(ListVisitor).map(Self)
    }
}

struct ListVisitor;

impl<'de> Visitor<'de> for ListVisitor {
    type Value = Vec<Person>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<Vec<Person>, A::Error> {
        let mut people = Vec::new();
        while let Some(person) = array.next_element()? {
            people.push(person);
            if people.len() > LIST_MAX {
                return Err(A::Error::custom("too long"));
            }
        }
        Ok(people)
    }
}
