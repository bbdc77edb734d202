//! What the store promises, by what it is about.

pub(crate) mod approval;
pub(crate) mod auditing;
pub(crate) mod cards;
pub(crate) mod differing;
pub(crate) mod documents;
pub(crate) mod doubts;
pub(crate) mod facts;
pub(crate) mod flow;
pub(crate) mod funds;
pub(crate) mod identities;
pub(crate) mod intake;
pub(crate) mod keeping;
pub(crate) mod late_words;
pub(crate) mod lost;
pub(crate) mod matching;
pub(crate) mod pages;
pub(crate) mod planning;
pub(crate) mod reading;
pub(crate) mod registry;
pub(crate) mod requests;
pub(crate) mod roster;
pub(crate) mod rotation;
pub(crate) mod standing;
pub(crate) mod talking;
pub(crate) mod tasks;
pub(crate) mod webhooks;
