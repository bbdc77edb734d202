//! Plain tables for terminals: Chinese characters take two columns, numbers stand to the right.

use std::fmt;

use console::Term;
use unicode_width::UnicodeWidthStr;
use wagegate_domain::Fen;

/// What a table may take where nobody has a terminal.
const PIPED: usize = 120;
/// Between two columns.
const GAP: &str = "  ";

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

    /// As much of it as fits the terminal, or 120 columns where none is there: columns go in this order until it does.
    pub(super) fn fitted(&self, wide: bool, go: &[usize]) -> String {
        let room = Term::stdout().size_checked();
        let room = room.map_or(PIPED, |(_, columns)| usize::from(columns));
        let room = if wide { usize::MAX } else { room };
        self.within(room, go)
    }

    fn within(&self, room: usize, go: &[usize]) -> String {
        let mut gone = Vec::new();
        let mut go = go.iter();
        while self.whole_width(&gone) > room
            && let Some(next) = go.next()
        {
            gone.push(*next);
        }
        let mut text = self.lines(&gone);
        if !gone.is_empty() {
            gone.sort_unstable();
            let names = gone.iter().filter_map(|at| self.columns.get(*at));
            let names: Vec<_> = names.map(|column| column.heading()).collect();
            text += &format!("另有列 more with --wide: {}\n", names.join(", "));
        }
        text
    }

    /// Columns on the screen, without those that are gone.
    fn whole_width(&self, gone: &[usize]) -> usize {
        let widths = (0..N).filter(|at| !gone.contains(at));
        widths.map(|at| self.width(at) + GAP.len()).sum::<usize>() - GAP.len()
    }

    fn lines(&self, gone: &[usize]) -> String {
        let widths: [usize; N] = std::array::from_fn(|index| self.width(index));
        let line = |cells: [&str; N]| {
            let cells = self.columns.iter().zip(widths).zip(cells).enumerate();
            let cells = cells
                .filter(|(at, _)| !gone.contains(at))
                .map(|(_, ((column, width), cell))| padded(*column, width, cell));
            cells.collect::<Vec<_>>().join(GAP).trim_end().to_owned() + "\n"
        };
        let rules = widths.map(|width| "─".repeat(width));
        let head = [
            line(self.columns.map(Column::heading)),
            line(rules.each_ref().map(String::as_str)),
        ];
        let rows = self.rows.iter();
        head.into_iter()
            .chain(rows.map(|row| line(row.each_ref().map(String::as_str))))
            .collect()
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
        f.write_str(&self.lines(&[]))
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
    fn what_does_not_fit_goes_in_its_order_and_is_named() {
        let table = Table::of(
            [Left("项目 project"), Right("元 yuan"), Left("x")],
            [("P1", "1.00", "a")],
            |row| [row.0.into(), row.1.into(), row.2.into()],
        );
        let whole = table.to_string();
        assert_eq!(table.within(24, &[2, 1]), whole);
        for (room, gone) in [(23, "x"), (20, "元 yuan, x"), (1, "元 yuan, x")] {
            let text = table.within(room, &[2, 1]);
            let told = format!("more with --wide: {gone}\n");
            assert!(
                text.ends_with(&told) && text.starts_with("项目 project"),
                "{text}"
            );
        }
    }

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
