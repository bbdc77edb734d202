//! Which form a roster comes in, by what the request says of it. It does not look into the file.

/// A form of roster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FormKind {
    /// A workbook or separated text with a header row.
    Sheet,
    /// A JSON array with one object a worker.
    Json,
    /// Messages of the national platform, as JSON: one `{"method": .., "data": ..}` or an array of them.
    National,
    /// The platform's own requests, signed: one form-urlencoded request a line.
    Envelope,
}

impl FormKind {
    /// Every form.
    pub const ALL: [Self; 4] = [Self::Sheet, Self::Json, Self::National, Self::Envelope];

    /// The name in `?form=`.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Sheet => "sheet",
            Self::Json => "json",
            Self::National => "national",
            Self::Envelope => "envelope",
        }
    }

    /// Reads back what [`Self::code`] wrote.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.code() == code)
    }

    /// The form that a Content-Type speaks of, where the request names none.
    pub fn of_content_type(content_type: &str) -> Self {
        let essence = content_type.split(';').next().unwrap_or_default().trim();
        match essence.to_ascii_lowercase().as_str() {
            "application/json" => Self::Json,
            "application/x-www-form-urlencoded" => Self::Envelope,
            _ => Self::Sheet,
        }
    }
}
