//! One kind of line: its columns put together into bytes, and bytes taken apart into columns.

use std::borrow::Cow;

use serde::Deserialize;
use wagegate_domain::adapter::{Order, Payment};
use wagegate_domain::money::Fen;

use crate::cells::Cells;
use crate::charset::Charset;
use crate::column::{Align, Column, Source, Unit, What};

/// How columns stand side by side. A line of one column stands bare in either form: no bars, and padded only where it has a width.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Form {
    /// With a text between them.
    Delimited {
        delimiter: String,
        /// One more before the first.
        #[serde(default)]
        leading: bool,
        /// One more behind the last.
        #[serde(default)]
        trailing: bool,
    },
    /// Each of its own width in bytes.
    Fixed {},
}

/// A text that does not fit its column.
pub(crate) struct Unfit {
    pub(crate) field: &'static str,
    pub(crate) why: &'static str,
}

/// The columns of one kind of line, in order.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub(crate) struct Record {
    pub(crate) columns: Vec<Column>,
}

impl Record {
    /// The bytes with which every such line begins: its leading constants. Empty where it begins with something else.
    pub(crate) fn mark(&self, form: &Form, charset: Charset) -> Vec<u8> {
        let leading = self.columns.iter().map_while(|column| match &column.what {
            What::Constant(text) => Some((column, text)),
            What::From(_) => None,
        });
        let mut line = Line::new(self, form, charset);
        for (column, text) in leading {
            if line.push(column, text).is_err() {
                break;
            }
        }
        line.bytes
    }

    /// Writes the line into `line`, which is emptied first; without its end.
    pub(crate) fn render(
        &self,
        form: &Form,
        charset: Charset,
        order: &Order,
        payment: Option<&Payment>,
        line: &mut Vec<u8>,
    ) -> Result<(), Unfit> {
        line.clear();
        let mut open = Line {
            bytes: std::mem::take(line),
            ..Line::new(self, form, charset)
        };
        for column in &self.columns {
            let text = text(column, order, payment).ok_or(Unfit {
                field: column.word(),
                why: "this bank needs it, and it is missing",
            })?;
            open.push(column, &text)?;
        }
        *line = open.bytes;
        Ok(())
    }

    /// Takes a line apart as far as it goes; beside the cells, what is wrong with the first column that cannot be read.
    pub(crate) fn read(
        &self,
        form: &Form,
        charset: Charset,
        line: &[u8],
    ) -> (Cells, Option<String>) {
        let mut cells = Cells::default();
        let fault = match form {
            _ if self.is_bare() => self.read_bare(charset, line, &mut cells),
            Form::Fixed {} => self.read_fixed(charset, line, &mut cells),
            Form::Delimited {
                delimiter,
                leading,
                trailing,
            } => {
                let bars = Bars {
                    delimiter,
                    leading: *leading,
                    trailing: *trailing,
                };
                self.read_delimited(charset, line, &bars, &mut cells)
            }
        };
        (cells, fault.err())
    }

    /// Every column but the constants and the unused.
    pub(crate) fn sources(&self) -> impl Iterator<Item = Source> {
        self.columns
            .iter()
            .filter_map(Column::source)
            .filter(|source| *source != Source::Unused)
    }

    pub(crate) fn has(&self, source: Source) -> bool {
        self.sources().any(|one| one == source)
    }

    pub(crate) const fn is_bare(&self) -> bool {
        self.columns.len() == 1
    }

    fn read_bare(&self, charset: Charset, line: &[u8], cells: &mut Cells) -> Result<(), String> {
        let text = charset.decode(line).ok_or(NOT_TEXT)?;
        self.take_all(std::iter::once(text.as_ref()), cells)
    }

    fn read_delimited(
        &self,
        charset: Charset,
        line: &[u8],
        bars: &Bars<'_>,
        cells: &mut Cells,
    ) -> Result<(), String> {
        // The whole line first: in GB18030 the bar's byte is also the second byte of characters.
        let text = charset.decode(line).ok_or(NOT_TEXT)?;
        let mut inner = text.as_ref();
        if bars.leading {
            inner = inner
                .strip_prefix(bars.delimiter)
                .ok_or("the line does not begin with the delimiter")?;
        }
        if bars.trailing {
            inner = inner
                .strip_suffix(bars.delimiter)
                .ok_or("the line does not end with the delimiter")?;
        }
        let count = inner.split(bars.delimiter).count();
        if count != self.columns.len() {
            return Err(format!(
                "{count} columns where {} belong",
                self.columns.len()
            ));
        }
        self.take_all(inner.split(bars.delimiter), cells)
    }

    fn read_fixed(&self, charset: Charset, line: &[u8], cells: &mut Cells) -> Result<(), String> {
        let width = self
            .columns
            .iter()
            .filter_map(|column| column.width)
            .sum::<usize>();
        if line.len() != width {
            return Err(format!("{} bytes where {width} belong", line.len()));
        }
        let mut rest = line;
        let mut texts = Vec::with_capacity(self.columns.len());
        for (place, column) in self.columns.iter().enumerate() {
            let (cell, behind) = rest
                .split_at_checked(column.width.unwrap_or(0))
                .unwrap_or((rest, &[]));
            rest = behind;
            let cell = charset.decode(cell).ok_or_else(|| {
                format!("column {} is not text in the bank's encoding", place + 1)
            })?;
            texts.push(cell);
        }
        self.take_all(texts.iter().map(Cow::as_ref), cells)
    }

    /// Takes every column, also behind a bad one: its handles help to find the payment.
    fn take_all<'t>(
        &self,
        texts: impl Iterator<Item = &'t str>,
        cells: &mut Cells,
    ) -> Result<(), String> {
        let mut fault = Ok(());
        for ((place, column), text) in self.columns.iter().enumerate().zip(texts) {
            if let Err(why) = cells.take(column, unpadded(column, text)) {
                fault = fault
                    .and_then(|()| Err(format!("column {} ({}) {why}", place + 1, column.word())));
            }
        }
        fault
    }
}

const NOT_TEXT: &str = "not text in the bank's encoding";

struct Bars<'a> {
    delimiter: &'a str,
    leading: bool,
    trailing: bool,
}

/// A line being written.
struct Line<'a> {
    bytes: Vec<u8>,
    form: &'a Form,
    charset: Charset,
    columns: usize,
    written: usize,
}

impl<'a> Line<'a> {
    const fn new(record: &Record, form: &'a Form, charset: Charset) -> Self {
        Self {
            bytes: Vec::new(),
            form,
            charset,
            columns: record.columns.len(),
            written: 0,
        }
    }

    fn push(&mut self, column: &Column, text: &str) -> Result<(), Unfit> {
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
        if let Form::Delimited { delimiter, .. } = self.form
            && self.columns > 1
            && whole.chars().any(|c| delimiter.contains(c))
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
        self.bar(true);
        let padding = column.width.unwrap_or(cell.len()) - cell.len();
        let (before, behind) = match column.align {
            Align::Left => (0, padding),
            Align::Right => (padding, 0),
        };
        self.bytes.resize(self.bytes.len() + before, column.pad);
        self.bytes.extend_from_slice(&cell);
        self.bytes.resize(self.bytes.len() + behind, column.pad);
        self.written += 1;
        self.bar(false);
        Ok(())
    }

    /// The delimiter before the first column (`opening`), behind the last, and behind all between.
    fn bar(&mut self, opening: bool) {
        let Form::Delimited {
            delimiter,
            leading,
            trailing,
        } = self.form
        else {
            return;
        };
        let wanted = match (opening, self.written) {
            _ if self.columns == 1 => false,
            (true, written) => *leading && written == 0,
            (false, written) => *trailing || written < self.columns,
        };
        if wanted {
            self.bytes.extend_from_slice(delimiter.as_bytes());
        }
    }
}

/// The text without its padding and without blanks around it, which files collect on their way; noughts stay, numbers are read with them.
fn unpadded<'t>(column: &Column, text: &'t str) -> &'t str {
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
fn text<'t>(
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
            let known = payment?
                .cnaps
                .as_ref()
                .map(wagegate_domain::ids::Cnaps::as_str);
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
