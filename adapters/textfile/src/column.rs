//! One column of a line, as the profile describes it: where its text comes from, and how wide and in which form it is written.

use serde::Deserialize;

/// Where a column's text comes from when it is written, and what it says when it is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Source {
    /// The instruction's key.
    Key,
    /// The special wage account.
    SpecialAccount,
    /// The name on it.
    AccountName,
    /// Number of payments.
    Count,
    /// Sum of the payments.
    Sum,
    /// The day on which the bank shall pay.
    ValueDate,
    /// When the instruction was made.
    Created,
    /// The payment's row number.
    Sequence,
    /// The payee's account.
    Account,
    /// The payee's name.
    Name,
    /// The payee bank's number.
    Cnaps,
    /// What is paid.
    Amount,
    /// What the worker reads on the statement.
    Remark,
    /// The payment's own reference.
    Reference,
    /// Only read: the bank's code for what became of a payment or a request; a status text is a code too.
    Code,
    /// Only read: the bank's words beside the code.
    Text,
    /// Only read: the bank's own reference.
    BankReference,
    /// Only read: number of payments that were paid.
    PaidCount,
    /// Only read: their sum.
    PaidSum,
    /// Only read: something that nobody needs.
    Unused,
}

/// What kind of text a source gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Digits.
    Number,
    /// An amount, in the column's unit.
    Money,
    /// A date or time, in the column's format.
    Day,
    /// Any words.
    Words,
}

/// Which lines may have a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// Lines about the whole instruction, and rows.
    Order,
    /// Rows only.
    Payment,
    /// Documents of the bank only.
    Bank,
}

impl Source {
    pub(crate) const fn kind(self) -> Kind {
        match self {
            Self::Sequence | Self::Count | Self::PaidCount => Kind::Number,
            Self::Amount | Self::Sum | Self::PaidSum => Kind::Money,
            Self::ValueDate | Self::Created => Kind::Day,
            Self::Key
            | Self::SpecialAccount
            | Self::AccountName
            | Self::Account
            | Self::Name
            | Self::Cnaps
            | Self::Remark
            | Self::Reference
            | Self::Code
            | Self::Text
            | Self::BankReference
            | Self::Unused => Kind::Words,
        }
    }

    pub(crate) const fn scope(self) -> Scope {
        match self {
            Self::Key
            | Self::SpecialAccount
            | Self::AccountName
            | Self::Count
            | Self::Sum
            | Self::ValueDate
            | Self::Created => Scope::Order,
            Self::Sequence
            | Self::Account
            | Self::Name
            | Self::Cnaps
            | Self::Amount
            | Self::Remark
            | Self::Reference => Scope::Payment,
            Self::Code
            | Self::Text
            | Self::BankReference
            | Self::PaidCount
            | Self::PaidSum
            | Self::Unused => Scope::Bank,
        }
    }

    /// The word that profiles and errors use.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Key => "key",
            Self::SpecialAccount => "special_account",
            Self::AccountName => "account_name",
            Self::Count => "count",
            Self::Sum => "sum",
            Self::ValueDate => "value_date",
            Self::Created => "created",
            Self::Sequence => "sequence",
            Self::Account => "account",
            Self::Name => "name",
            Self::Cnaps => "cnaps",
            Self::Amount => "amount",
            Self::Remark => "remark",
            Self::Reference => "reference",
            Self::Code => "code",
            Self::Text => "text",
            Self::BankReference => "bank_reference",
            Self::PaidCount => "paid_count",
            Self::PaidSum => "paid_sum",
            Self::Unused => "unused",
        }
    }
}

/// How an amount is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Unit {
    /// A whole number of fen.
    Fen,
    /// Yuan with two decimals.
    Yuan,
}

/// On which side of its cell a text stands; the padding is on the other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Align {
    #[default]
    Left,
    Right,
}

/// What a column says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum What {
    /// The same in every line.
    Constant(String),
    /// Something of the order, the payment or the bank.
    From(Source),
}

/// One column.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Written")]
pub(crate) struct Column {
    pub(crate) what: What,
    /// Bytes, neither more nor fewer.
    pub(crate) width: Option<usize>,
    /// Bytes, at most.
    pub(crate) max: usize,
    pub(crate) pad: u8,
    pub(crate) align: Align,
    /// Of an amount; nobody looks at it elsewhere.
    pub(crate) unit: Unit,
    /// Of a date; empty elsewhere.
    pub(crate) format: String,
    /// Stands before the text, always.
    pub(crate) prefix: String,
    /// Stands behind the text; a bank may leave it away.
    pub(crate) suffix: String,
    /// Written where there is nothing; without it, nothing is unfit.
    pub(crate) default: Option<String>,
}

impl Column {
    /// The source, where it is no constant.
    pub(crate) const fn source(&self) -> Option<Source> {
        match &self.what {
            What::Constant(_) => None,
            What::From(source) => Some(*source),
        }
    }

    /// The word for it in errors.
    pub(crate) const fn word(&self) -> &'static str {
        match &self.what {
            What::Constant(_) => "constant",
            What::From(source) => source.word(),
        }
    }
}

/// The column as it stands in the profile.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    from: Option<Source>,
    is: Option<String>,
    width: Option<usize>,
    max: Option<usize>,
    pad: Option<char>,
    align: Option<Align>,
    unit: Option<Unit>,
    format: Option<String>,
    #[serde(default)]
    prefix: String,
    #[serde(default)]
    suffix: String,
    default: Option<String>,
}

impl TryFrom<Written> for Column {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        written.check_form()?;
        let what = match (written.from, written.is.clone()) {
            (Some(source), None) => What::From(source),
            (None, Some(text)) => What::Constant(text),
            (Some(_), Some(_)) | (None, None) => {
                return Err("a column has either `from` or `is`".to_owned());
            }
        };
        Ok(Self {
            what,
            width: written.width,
            max: written.width.or(written.max).unwrap_or(usize::MAX),
            pad: written.padding()?,
            align: written.align.unwrap_or_default(),
            unit: written.unit.unwrap_or(Unit::Fen),
            format: written.format.unwrap_or_default(),
            prefix: written.prefix,
            suffix: written.suffix,
            default: written.default,
        })
    }
}

impl Written {
    fn check_form(&self) -> Result<(), String> {
        let kind = self.from.map(Source::kind);
        let word = self.from.map_or("constant", Source::word);
        if (kind == Some(Kind::Money)) != self.unit.is_some() {
            return Err(format!(
                "{word}: `unit` belongs to amounts, and every amount needs it"
            ));
        }
        if (kind == Some(Kind::Day)) != self.format.is_some() {
            return Err(format!(
                "{word}: `format` belongs to dates, and every date needs it"
            ));
        }
        if self.width == Some(0) || self.max == Some(0) {
            return Err(format!("{word}: a width is above nought"));
        }
        if self.width.is_some() && self.max.is_some() {
            return Err(format!("{word}: `width` says all that `max` would"));
        }
        if self.width.is_none() && (self.pad.is_some() || self.align.is_some()) {
            return Err(format!("{word}: `pad` and `align` need a `width`"));
        }
        if self.default.is_some() && self.from != Some(Source::Cnaps) {
            return Err(format!(
                "{word}: `default` is for what a payment may lack, its cnaps"
            ));
        }
        Ok(())
    }

    fn padding(&self) -> Result<u8, String> {
        let pad = self.pad.unwrap_or(' ');
        let word = self.from.map_or("constant", Source::word);
        let kind = self.from.map(Source::kind);
        let number = kind == Some(Kind::Number) || kind == Some(Kind::Money);
        match pad {
            ' ' => Ok(b' '),
            '0' if number && self.align == Some(Align::Right) && self.prefix.is_empty() => Ok(b'0'),
            '0' => Err(format!(
                "{word}: noughts pad only numbers without prefix, aligned right"
            )),
            other if other.is_ascii_punctuation() => u8::try_from(other).map_err(|_| String::new()),
            _ => Err(format!(
                "{word}: pad with a space, a nought or an ASCII sign"
            )),
        }
    }
}
