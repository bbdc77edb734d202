//! Plain tables for terminals: Chinese characters take two columns, numbers stand to the right.

use std::fmt;

use unicode_width::UnicodeWidthStr;
use wagegate_domain::Fen;

/// A column's heading, and where its cells stand.
#[derive(Debug, Clone, Copy)]
pub(super) enum Column {
    Left(&'static str),
    Right(&'static str),
}

use Column::{Left, Right};

/// A table that grows by rows.
#[derive(Debug)]
pub(super) struct Table<const N: usize> {
    columns: [Column; N],
    rows: Vec<[String; N]>,
}

impl<const N: usize> Table<N> {
    pub(super) fn new(columns: [Column; N]) -> Self {
        Self {
            columns,
            rows: Vec::new(),
        }
    }

    pub(super) fn row(&mut self, cells: [String; N]) {
        self.rows.push(cells.map(|cell| tame(&cell)));
    }

    pub(super) fn of<T>(
        columns: [Column; N],
        things: impl IntoIterator<Item = T>,
        cells: impl Fn(T) -> [String; N],
    ) -> Self {
        let mut table = Self::new(columns);
        things.into_iter().for_each(|thing| table.row(cells(thing)));
        table
    }

    fn width(&self, index: usize) -> usize {
        let cells = self
            .rows
            .iter()
            .filter_map(|row| row.get(index))
            .map(|cell| cell.width());
        let heading = self
            .columns
            .get(index)
            .map_or(0, |column| column.heading().width());
        cells.max().unwrap_or(0).max(heading)
    }
}

impl Column {
    const fn heading(self) -> &'static str {
        match self {
            Left(heading) | Right(heading) => heading,
        }
    }
}

impl<const N: usize> fmt::Display for Table<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let widths: [usize; N] = std::array::from_fn(|index| self.width(index));
        let line = |cells: [&str; N]| {
            let cells = self
                .columns
                .iter()
                .zip(widths)
                .zip(cells)
                .map(|((column, width), cell)| padded(*column, width, cell));
            cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
        };
        writeln!(f, "{}", line(self.columns.map(Column::heading)))?;
        writeln!(f, "{}", widths.map(|width| "─".repeat(width)).join("  "))?;
        self.rows
            .iter()
            .try_for_each(|row| writeln!(f, "{}", line(row.each_ref().map(String::as_str))))
    }
}

fn padded(column: Column, width: usize, cell: &str) -> String {
    let room = " ".repeat(width.saturating_sub(cell.width()));
    match column {
        Left(_) => format!("{cell}{room}"),
        Right(_) => format!("{room}{cell}"),
    }
}

/// Text from outside must not move the cursor of a terminal or break a row.
pub(super) fn tame(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { '\u{FFFD}' } else { c })
        .collect()
}

/// Yuan with two decimals.
pub(super) fn yuan(fen: i64) -> String {
    Fen::new(fen).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chinese_takes_two_columns_and_numbers_stand_to_the_right() {
        let table = Table::of(
            [Left("项目 project"), Right("元 yuan"), Left("x")],
            [("临翔安置房", 123_456_i64), ("P2", 5)],
            |(name, fen)| [name.into(), yuan(fen), "\u{1b}[2J".into()],
        );
        assert_eq!(
            table.to_string(),
            "项目 project  元 yuan  x\n────────────  ───────  ────\n临翔安置房    1234.56  \u{FFFD}[2J\nP2               0.05  \u{FFFD}[2J\n"
        );
    }
}
