//! What the columns of one line said, each at its place.

use wagegate_domain::fact::ItemRefs;
use wagegate_domain::money::Fen;

use crate::column::{Column, Source, Unit, What};

/// Every source that a line may tell of; what the line does not tell stays empty.
#[derive(Default)]
pub(crate) struct Cells {
    pub(crate) key: Option<String>,
    pub(crate) special_account: Option<String>,
    pub(crate) count: Option<u64>,
    pub(crate) sum: Option<Fen>,
    pub(crate) paid_count: Option<u64>,
    pub(crate) paid_sum: Option<Fen>,
    pub(crate) sequence: Option<u32>,
    pub(crate) account: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) amount: Option<Fen>,
    pub(crate) reference: Option<String>,
    pub(crate) bank_reference: Option<String>,
    pub(crate) code: Option<String>,
    pub(crate) text: Option<String>,
}

impl Cells {
    /// Takes one column's text, stripped of its padding; the error says what is wrong without the text.
    pub(crate) fn take(&mut self, column: &Column, text: &str) -> Result<(), &'static str> {
        let text = text
            .strip_prefix(column.prefix.as_str())
            .ok_or("does not begin as this column must")?;
        let text = text.strip_suffix(column.suffix.as_str()).unwrap_or(text);
        let source = match &column.what {
            What::Constant(constant) if constant == text => return Ok(()),
            What::Constant(_) => return Err("is not what every line has here"),
            What::From(source) => *source,
        };
        let words = || Some(text.to_owned()).filter(|text| !text.is_empty());
        match source {
            Source::Sequence => self.sequence = Some(number(text)?),
            Source::Count => self.count = Some(number(text)?),
            Source::PaidCount => self.paid_count = Some(number(text)?),
            Source::Sum => self.sum = Some(money(text, column.unit)?),
            Source::PaidSum => self.paid_sum = Some(money(text, column.unit)?),
            Source::Amount => self.amount = Some(money(text, column.unit)?),
            Source::Key => self.key = words(),
            Source::SpecialAccount => self.special_account = words(),
            Source::Account => self.account = words(),
            Source::Name => self.name = words(),
            Source::Reference => self.reference = words(),
            Source::BankReference => self.bank_reference = words(),
            Source::Code => self.code = words(),
            Source::Text => self.text = words(),
            Source::AccountName
            | Source::ValueDate
            | Source::Created
            | Source::Cnaps
            | Source::Remark
            | Source::Unused => {}
        }
        Ok(())
    }

    /// The handles of a payment; the instruction is the line's, or else the document's.
    pub(crate) fn refs(&self, instruction: Option<&str>) -> ItemRefs {
        ItemRefs {
            instruction: self.key.clone().or_else(|| instruction.map(str::to_owned)),
            reference: self.reference.clone(),
            sequence: self.sequence,
            account: self.account.clone(),
            bank_reference: self.bank_reference.clone(),
        }
    }

    /// Adds what a later line says of the whole.
    pub(crate) fn or(self, later: Self) -> Self {
        Self {
            key: self.key.or(later.key),
            special_account: self.special_account.or(later.special_account),
            count: self.count.or(later.count),
            sum: self.sum.or(later.sum),
            paid_count: self.paid_count.or(later.paid_count),
            paid_sum: self.paid_sum.or(later.paid_sum),
            ..self
        }
    }
}

fn number<N: std::str::FromStr>(text: &str) -> Result<N, &'static str> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let number = digits.then(|| text.parse().ok()).flatten();
    number.ok_or("is not a number")
}

fn money(text: &str, unit: Unit) -> Result<Fen, &'static str> {
    let amount = match unit {
        Unit::Fen => Fen::parse_fen(text),
        Unit::Yuan => Fen::parse_yuan(text),
    };
    amount.map_err(|_| match unit {
        Unit::Fen => "is not a whole number of fen",
        Unit::Yuan => "is not an amount in yuan",
    })
}
