//! The two dialects side by side: which reader, which writer, which limits. The wire forms themselves are in `iso` and `text`.

use clap::ValueEnum;

use crate::bank::{Notice, Outcome, Progress, Taking};
use crate::behaviour::Listing;
use crate::instruction::{Instruction, Refusal};
use crate::{iso, text};

/// What a bank speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Dialect {
    /// pain.001, pain.002, camt.054.
    Iso20022,
    /// Lines of text joined by bars, GB18030.
    Textfile,
}

/// An answer of the bank before it becomes HTTP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    /// The document, or a short text.
    pub body: Vec<u8>,
    /// `Next-Cursor`, for notices.
    pub cursor: Option<u64>,
}

impl Reply {
    pub(crate) fn new(status: u16, body: Vec<u8>) -> Self {
        Self {
            status,
            body,
            cursor: None,
        }
    }
}

impl Dialect {
    /// Rows an instruction may have, by the interface page.
    #[must_use]
    pub fn row_limit(self) -> u32 {
        match self {
            Self::Iso20022 => 3_000,
            Self::Textfile => 1_000,
        }
    }

    /// Media type of every document of the dialect.
    #[must_use]
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Iso20022 => "application/xml",
            Self::Textfile => "text/plain; charset=gb18030",
        }
    }

    /// Path of instructions; a reference follows it.
    #[must_use]
    pub fn instructions_path(self) -> &'static str {
        match self {
            Self::Iso20022 => "/iso/instructions",
            Self::Textfile => "/text/batches",
        }
    }

    /// Path of what came back.
    #[must_use]
    pub fn notices_path(self) -> &'static str {
        match self {
            Self::Iso20022 => "/iso/notifications",
            Self::Textfile => "/text/refunds",
        }
    }

    /// Reads an instruction of at most `limit` rows.
    ///
    /// # Errors
    /// It is not what the interface page describes.
    pub fn read(self, body: &[u8], limit: u32) -> Result<Instruction, Refusal> {
        match self {
            Self::Iso20022 => iso::read(body, limit),
            Self::Textfile => text::read(body, limit),
        }
    }

    /// The answer to an instruction.
    #[must_use]
    pub fn taking(self, reference: &str, taking: &Taking) -> Reply {
        match self {
            Self::Iso20022 => iso::taking(reference, taking),
            Self::Textfile => text::taking(taking),
        }
    }

    /// The answer to a status query.
    #[must_use]
    pub fn progress(self, reference: &str, progress: &Progress, listing: Listing) -> Reply {
        match self {
            Self::Iso20022 => iso::progress(reference, progress, listing),
            Self::Textfile => text::progress(progress),
        }
    }

    /// A result document.
    #[must_use]
    pub fn result(self, outcome: &Outcome, listing: Listing) -> Vec<u8> {
        match self {
            Self::Iso20022 => iso::result(outcome, listing),
            Self::Textfile => text::result(outcome),
        }
    }

    /// A document of payments that came back.
    #[must_use]
    pub fn notice(self, notice: &Notice) -> Vec<u8> {
        match self {
            Self::Iso20022 => iso::notice(notice),
            Self::Textfile => text::notice(notice),
        }
    }
}
