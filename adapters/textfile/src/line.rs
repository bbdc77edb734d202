//! A line being written: every column checked, encoded and padded, and the delimiters between them.

use std::borrow::Cow;

use wagegate_domain::adapter::{Order, Payment};
use wagegate_domain::ids::Cnaps;
use wagegate_domain::money::Fen;

use crate::charset::Charset;
use crate::column::{Align, Column, Source, Unit, What};
use crate::record::{Bars, Form, Record};

/// A text that does not fit its column.
pub(crate) struct Unfit {
    pub(crate) field: &'static str,
    pub(crate) why: &'static str,
}

/// A line being written.
pub(crate) struct Line<'a> {
    pub(crate) bytes: Vec<u8>,
    /// Nothing where columns are fixed, and where there is but one.
    bars: Option<&'a Bars>,
    charset: Charset,
    columns: usize,
    written: usize,
}

impl<'a> Line<'a> {
    /// Begins a line in an empty buffer, which may have been used before.
    pub(crate) const fn new(
        record: &Record,
        form: &'a Form,
        charset: Charset,
        buffer: Vec<u8>,
    ) -> Self {
        let bars = match form {
            Form::Delimited(bars) if !record.is_bare() => Some(bars),
            Form::Delimited(_) | Form::Fixed {} => None,
        };
        Self {
            bytes: buffer,
            bars,
            charset,
            columns: record.columns.len(),
            written: 0,
        }
    }

    /// Adds the next column.
    pub(crate) fn push(&mut self, column: &Column, text: &str) -> Result<(), Unfit> {
        let unfit = |why| Unfit {
            field: column.word(),
            why,
        };
        let whole = match (column.prefix.as_str(), column.suffix.as_str()) {
            ("", "") => Cow::Borrowed(text),
            (prefix, suffix) => Cow::Owned(format!("{prefix}{text}{suffix}")),
        };
        if text.chars().any(char::is_control) {
            return Err(unfit("it has a control character"));
        }
        if self
            .bars
            .is_some_and(|bars| whole.contains(|c| bars.delimiter.contains(c)))
        {
            return Err(unfit("it has the sign that this bank puts between columns"));
        }
        let cell = self
            .charset
            .encode(&whole)
            .ok_or_else(|| unfit("a character is not in this bank's encoding"))?;
        if cell.len() > column.max {
            return Err(unfit("it is too long"));
        }
        if column.width.is_some() && unpadded(column, &whole) != whole {
            return Err(unfit("it ends in the sign that this bank pads with"));
        }
        self.put(column, &cell);
        Ok(())
    }

    fn put(&mut self, column: &Column, cell: &[u8]) {
        let padding = column.width.unwrap_or(cell.len()) - cell.len();
        let (before, behind) = match column.align {
            Align::Left => (0, padding),
            Align::Right => (padding, 0),
        };
        self.bar(self.written == 0 && self.bars.is_some_and(|bars| bars.leading));
        self.bytes.resize(self.bytes.len() + before, column.pad);
        self.bytes.extend_from_slice(cell);
        self.bytes.resize(self.bytes.len() + behind, column.pad);
        self.written += 1;
        self.bar(self.written < self.columns || self.bars.is_some_and(|bars| bars.trailing));
    }

    fn bar(&mut self, wanted: bool) {
        if let Some(bars) = self.bars.filter(|_| wanted) {
            self.bytes.extend_from_slice(bars.delimiter.as_bytes());
        }
    }
}

/// The text without its padding and without blanks around it, which files collect on their way; noughts stay, numbers are read with them.
pub(crate) fn unpadded<'t>(column: &Column, text: &'t str) -> &'t str {
    let pad = char::from(column.pad);
    let bare = match (
        column.width.is_some() && pad.is_ascii_punctuation(),
        column.align,
    ) {
        (true, Align::Left) => text.trim_end_matches(pad),
        (true, Align::Right) => text.trim_start_matches(pad),
        (false, _) => text,
    };
    bare.trim()
}

/// What the column says of the order and the payment; `None` where it says nothing and the bank takes no nothing.
pub(crate) fn text<'t>(
    column: &'t Column,
    order: &'t Order,
    payment: Option<&'t Payment>,
) -> Option<Cow<'t, str>> {
    let source = match &column.what {
        What::Constant(text) => return Some(Cow::Borrowed(text)),
        What::From(source) => *source,
    };
    let day =
        |moment: jiff::civil::DateTime| Cow::Owned(moment.strftime(&column.format).to_string());
    let money = |amount| Cow::Owned(in_unit(amount, column.unit));
    let text = match source {
        Source::Key => Cow::Borrowed(order.bank_key.as_str()),
        Source::SpecialAccount => Cow::Borrowed(order.account.clear()),
        Source::AccountName => Cow::Borrowed(order.account_name.as_str()),
        Source::Count => Cow::Owned(order.count.to_string()),
        Source::Sum => money(order.total),
        Source::ValueDate => day(order.value_date.at(0, 0, 0, 0)),
        Source::Created => day(order.created),
        Source::Sequence => Cow::Owned(payment?.sequence.to_string()),
        Source::Account => Cow::Borrowed(payment?.account.clear()),
        Source::Name => Cow::Borrowed(payment?.name.clear()),
        Source::Cnaps => {
            let known = payment?.cnaps.as_ref().map(Cnaps::as_str);
            Cow::Borrowed(known.or(column.default.as_deref())?)
        }
        Source::Amount => money(payment?.amount),
        Source::Remark => Cow::Borrowed(payment?.remark.as_str()),
        Source::Reference => Cow::Borrowed(payment?.reference.as_str()),
        Source::Code
        | Source::Text
        | Source::BankReference
        | Source::PaidCount
        | Source::PaidSum
        | Source::Unused => return None,
    };
    Some(text)
}

fn in_unit(amount: Fen, unit: Unit) -> String {
    match unit {
        Unit::Fen => amount.get().to_string(),
        Unit::Yuan => amount.to_string(),
    }
}
