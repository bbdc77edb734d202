//! One kind of line: its columns put together into bytes, and bytes taken apart into columns.

use std::borrow::Cow;

use serde::Deserialize;
use wagegate_domain::adapter::{Order, Payment};

use crate::cells::Cells;
use crate::charset::Charset;
use crate::column::{Column, Source, What};
use crate::line::{Line, Unfit, text, unpadded};

/// How columns stand side by side. A line of one column stands bare in either form: no bars, and padded only where it has a width.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Form {
    /// With a text between them.
    Delimited(Bars),
    /// Each of its own width in bytes.
    Fixed {},
}

/// The text between columns.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Bars {
    pub(crate) delimiter: String,
    /// One more before the first.
    #[serde(default)]
    pub(crate) leading: bool,
    /// One more behind the last.
    #[serde(default)]
    pub(crate) trailing: bool,
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
        let mut line = Line::new(self, form, charset, Vec::new());
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
        let mut open = Line::new(self, form, charset, std::mem::take(line));
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
            Form::Delimited(bars) if !self.is_bare() => {
                self.read_delimited(charset, line, bars, &mut cells)
            }
            Form::Fixed {} if !self.is_bare() => self.read_fixed(charset, line, &mut cells),
            Form::Delimited(_) | Form::Fixed {} => self.read_bare(charset, line, &mut cells),
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
        bars: &Bars,
        cells: &mut Cells,
    ) -> Result<(), String> {
        // The whole line first: in GB18030 the bar's byte is also the second byte of characters.
        let text = charset.decode(line).ok_or(NOT_TEXT)?;
        let mut inner = text.as_ref();
        if bars.leading {
            inner = inner
                .strip_prefix(&bars.delimiter)
                .ok_or("the line does not begin with the delimiter")?;
        }
        if bars.trailing {
            inner = inner
                .strip_suffix(&bars.delimiter)
                .ok_or("the line does not end with the delimiter")?;
        }
        let count = inner.split(&bars.delimiter).count();
        if count != self.columns.len() {
            return Err(format!(
                "{count} columns where {} belong",
                self.columns.len()
            ));
        }
        self.take_all(inner.split(&bars.delimiter), cells)
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
