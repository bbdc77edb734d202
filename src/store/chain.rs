//! The links of the audit chain: each entry's hash covers its own fields and the hash before it, so that no entry can be changed, dropped or
//! put in without breaking every later one. What is kept beside the chain (its head) and outside the database (heads that were witnessed) shows
//! a tail that was cut and a chain that was written anew.

use jiff::Timestamp;
use sha2::{Digest, Sha256};

use super::{AuditHead, ChainCheck, ChainFault};

/// What stands before the first entry.
pub(super) const START: [u8; 32] = [0; 32];
/// How hashes are made now; entries of form 1 have no before and after.
pub(super) const FORM: i64 = 2;

/// One act on its way into the log.
#[derive(Clone, Copy, Debug)]
pub(super) struct Act<'a> {
    pub(super) at: Timestamp,
    pub(super) who: &'a str,
    pub(super) action: &'a str,
    pub(super) subject: &'a str,
    pub(super) detail: &'a str,
    pub(super) before: Option<[u8; 32]>,
    pub(super) after: Option<[u8; 32]>,
}

impl<'a> Act<'a> {
    /// An act without an object of which something could be said before and after.
    pub(super) const fn plain(
        at: Timestamp,
        who: &'a str,
        action: &'a str,
        subject: &'a str,
        detail: &'a str,
    ) -> Self {
        Self {
            at,
            who,
            action,
            subject,
            detail,
            before: None,
            after: None,
        }
    }
}

/// An entry as it is stored, whatever somebody may have made of it.
#[derive(Clone, Debug)]
pub(super) struct Link {
    pub(super) number: i64,
    pub(super) form: i64,
    pub(super) at: i64,
    /// Who, action, subject, detail.
    pub(super) texts: [String; 4],
    pub(super) before: Vec<u8>,
    pub(super) after: Vec<u8>,
    pub(super) previous: Vec<u8>,
    pub(super) hash: Vec<u8>,
}

impl Link {
    /// The next entry after a head.
    pub(super) fn after(head: AuditHead, act: &Act<'_>) -> Self {
        let bytes = |print: Option<[u8; 32]>| print.map(Vec::from).unwrap_or_default();
        let mut link = Self {
            number: head.number + 1,
            form: FORM,
            at: act.at.as_millisecond(),
            texts: [act.who, act.action, act.subject, act.detail].map(str::to_owned),
            before: bytes(act.before),
            after: bytes(act.after),
            previous: head.hash.to_vec(),
            hash: Vec::new(),
        };
        link.hash = link.made(link.number, &link.previous).to_vec();
        link
    }

    /// The hash that this content has under a number and after a hash; lengths stand before whatever has no fixed length, so that no two entries
    /// give the same bytes.
    fn made(&self, number: i64, previous: &[u8]) -> [u8; 32] {
        let mut digest = Sha256::new();
        let field = |digest: &mut Sha256, bytes: &[u8]| {
            digest.update((bytes.len() as u64).to_be_bytes());
            digest.update(bytes);
        };
        if self.form != 1 {
            digest.update(b"wagegate audit");
            digest.update(self.form.to_be_bytes());
        }
        digest.update(previous);
        digest.update(number.to_be_bytes());
        digest.update(self.at.to_be_bytes());
        for text in &self.texts {
            field(&mut digest, text.as_bytes());
        }
        if self.form != 1 {
            field(&mut digest, &self.before);
            field(&mut digest, &self.after);
        }
        digest.finalize().into()
    }

    fn is(&self, number: i64, previous: &[u8], hash: &[u8]) -> bool {
        self.made(number, previous) == *hash
    }

    /// Whether it is what was written under its number, whatever stands before it.
    fn holds(&self) -> bool {
        self.is(self.number, &self.previous, &self.hash)
    }
}

/// Hashes what an object is at some moment, field by field, in the order in which they are given.
#[derive(Debug, Default)]
pub(super) struct Print(Sha256);

impl Print {
    pub(super) fn add(&mut self, fields: &[&str]) {
        for field in fields {
            self.0.update((field.len() as u64).to_be_bytes());
            self.0.update(field);
        }
    }

    pub(super) fn end(self) -> [u8; 32] {
        self.0.finalize().into()
    }

    /// The print of a few fields.
    pub(super) fn of(fields: &[&str]) -> [u8; 32] {
        let mut print = Self::default();
        print.add(fields);
        print.end()
    }
}

/// What a step of the walk found.
#[derive(Debug)]
pub(super) enum Found {
    /// It follows.
    Next,
    /// It does not, and that is all there is to say.
    Broken(ChainCheck),
    /// It does not; whether it was edited or moved shows only in the others.
    Suspect(Box<Search>),
}

/// Walks over the entries as they are stored, in the order of their numbers.
#[derive(Debug)]
pub(super) struct Walk<'a> {
    last: i64,
    previous: Vec<u8>,
    witnessed: &'a [AuditHead],
}

impl<'a> Walk<'a> {
    pub(super) fn new(witnessed: &'a [AuditHead]) -> Self {
        Self {
            last: 0,
            previous: START.to_vec(),
            witnessed,
        }
    }

    /// Takes the next entry; `None` is one that cannot even be read.
    pub(super) fn step(&mut self, number: i64, link: Option<Link>) -> Found {
        let next = self.last + 1;
        if number > next {
            return Found::Broken(broken(next, ChainFault::Missing));
        }
        let Some(link) = link.filter(|_| number == next) else {
            let fault = if number == next {
                ChainFault::Edited
            } else {
                ChainFault::OutOfOrder
            };
            return Found::Broken(broken(number, fault));
        };
        if !link.holds() {
            return Found::Suspect(Box::new(Search::of(link)));
        }
        if link.previous != self.previous {
            // This one is as it was written, so the one before it is not: its hash was made anew.
            return Found::Broken(broken(self.last.max(1), ChainFault::Edited));
        }
        if !self.as_witnessed(number, &link.hash) {
            return Found::Broken(broken(number, ChainFault::WitnessDiffers));
        }
        (self.last, self.previous) = (number, link.hash);
        Found::Next
    }

    fn as_witnessed(&mut self, number: i64, hash: &[u8]) -> bool {
        let (seen, later) = self
            .witnessed
            .split_at(self.witnessed.partition_point(|head| head.number <= number));
        self.witnessed = later;
        seen.iter()
            .all(|head| head.number != number || head.hash == *hash)
    }

    /// No entry is left, and none was broken: does the chain end where it should?
    pub(super) fn end(self, head: Option<AuditHead>) -> ChainCheck {
        let beyond = self.last + 1;
        match head {
            Some(head) if head.number > self.last => broken(beyond, ChainFault::CutTail),
            Some(head) if head.number < self.last => {
                broken(head.number + 1, ChainFault::HeadDiffers)
            }
            Some(head) if head.hash == *self.previous => match self.witnessed {
                [] => ChainCheck::Whole {
                    entries: self.last.unsigned_abs(),
                },
                [_, ..] => broken(beyond, ChainFault::WitnessDiffers),
            },
            Some(_) | None => broken(self.last.max(1), ChainFault::HeadDiffers),
        }
    }
}

/// Looks through all entries for where a broken one's content came from.
#[derive(Debug)]
pub(super) struct Search {
    broken: Link,
    moved: bool,
    followed_something: bool,
}

impl Search {
    fn of(broken: Link) -> Self {
        // The last of those that moved up into a gap has no other's number.
        let moved = broken.is(broken.number + 1, &broken.previous, &broken.hash);
        Self {
            followed_something: broken.previous == START,
            moved,
            broken,
        }
    }

    pub(super) fn see(&mut self, other: &Link) {
        let broken = &self.broken;
        self.followed_something |= other.hash == broken.previous;
        self.moved |= other.number != broken.number
            && (broken.is(other.number, &broken.previous, &broken.hash)
                || broken.is(other.number, &other.previous, &other.hash));
    }

    pub(super) fn verdict(self) -> ChainCheck {
        let fault = match (self.moved, self.followed_something) {
            (true, true) => ChainFault::OutOfOrder,
            // It came from another place, and what it followed there is gone.
            (true, false) => ChainFault::Missing,
            (false, _) => ChainFault::Edited,
        };
        broken(self.broken.number, fault)
    }
}

const fn broken(number: i64, fault: ChainFault) -> ChainCheck {
    ChainCheck::Broken { number, fault }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Entries of the first form were hashed so; whoever changes that breaks every log there is.
    #[test]
    fn entries_of_both_forms_have_the_hashes_that_they_always_had() {
        let mut link = Link::after(
            AuditHead {
                number: 6,
                hash: [7; 32],
            },
            &Act {
                at: Timestamp::from_millisecond(1_790_000_000_000).unwrap(),
                who: "wagegate://user/operator",
                action: "regions.import",
                subject: "",
                detail: "3 regions",
                before: None,
                after: Some([9; 32]),
            },
        );
        assert!(link.holds());
        link.form = 1;
        let first = hex::encode(link.made(7, &[7; 32]));
        link.form = 2;
        let second = hex::encode(link.made(7, &[7; 32]));
        assert_eq!([first, second], [FIRST, SECOND]);
        link.after.clear();
        assert!(!link.holds());
    }

    // Made by another program.
    const FIRST: &str = "41f9573b2d65f663c519a3c26532b67f00b3e1d0548988541e7b945885baa97e";
    const SECOND: &str = "03faa1aaec30f89ac254047dcfb44fe9a274d8bae381d9fd474c35d3d6b7eae7";
}
