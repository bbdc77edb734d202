//! A bank's files as its profile describes them. Unknown keys are errors; what the keys mean together is checked in [`crate::check`].

use std::collections::BTreeMap;

use serde::Deserialize;
use wagegate_domain::profile::BankProfile;

use crate::charset::Charset;
use crate::record::{Form, Record};
use crate::status::{Codes, ReplyCodes};

/// The whole profile.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Profile {
    /// Says that this is a profile of this family.
    #[serde(rename = "family")]
    _family: Family,
    pub(crate) bank: BankProfile,
    pub(crate) text: Text,
    /// The file that we hand in.
    pub(crate) instruction: Layout,
    /// The files that the bank gives.
    #[serde(rename = "document")]
    pub(crate) documents: Vec<Document>,
    /// The one-line answer to a request.
    pub(crate) reply: Reply,
    /// Code tables by name; the same letters may mean different things in two of them.
    pub(crate) codes: BTreeMap<String, Codes>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Family {
    Textfile,
}

/// What is the same in all files of the bank.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Text {
    pub(crate) charset: Charset,
    pub(crate) line_end: LineEnd,
    pub(crate) form: Form,
}

/// What ends the lines that we write; both are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum LineEnd {
    Crlf,
    Lf,
}

impl LineEnd {
    pub(crate) const fn bytes(self) -> &'static [u8] {
        match self {
            Self::Crlf => b"\r\n",
            Self::Lf => b"\n",
        }
    }
}

/// The lines of a file: some of the whole, one for each payment, some of the whole again, and perhaps a last one that says that this is all.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Layout {
    #[serde(default)]
    pub(crate) header: Vec<Record>,
    pub(crate) row: Record,
    #[serde(default)]
    pub(crate) trailer: Vec<Record>,
    pub(crate) end: Option<String>,
}

impl Layout {
    /// The lines about the whole.
    pub(crate) fn frame(&self) -> impl Iterator<Item = &Record> {
        self.header.iter().chain(&self.trailer)
    }
}

/// A kind of file that the bank gives.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Document {
    /// For errors.
    pub(crate) name: String,
    pub(crate) answers: Question,
    /// Name of the code table that its rows use.
    pub(crate) codes: String,
    pub(crate) lines: Layout,
    /// Where it differs from the bank's other files.
    pub(crate) form: Option<Form>,
}

impl Document {
    /// The bytes by which its first line is known.
    pub(crate) fn mark(&self, form: &Form, charset: Charset) -> Vec<u8> {
        self.lines
            .header
            .first()
            .map(|record| record.mark(form, charset))
            .unwrap_or_default()
    }
}

/// What a document answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Question {
    /// What became of an instruction.
    Query,
    /// What came back.
    Collect,
}

/// The bank's short answer: one line and nothing behind it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Reply {
    pub(crate) line: Record,
    pub(crate) form: Option<Form>,
    pub(crate) codes: ReplyCodes,
}
