//! What somebody says that the rows come to, and what they do come to: of the file, of one sheet, and since the last subtotal.

use wagegate_domain::Fen;

use super::cells::{Cell, Line};

/// Count and sum as the submission states them; what is not stated is not checked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Declared {
    /// Number of rows.
    pub count: Option<u64>,
    /// Their sum.
    pub sum: Option<Fen>,
}

/// Number and sum of some rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Figure {
    pub(super) count: u64,
    pub(super) sum: Fen,
}

impl Figure {
    fn add(&mut self, amount: Fen) {
        self.count += 1;
        self.sum = self.sum.checked_add(amount).unwrap_or(self.sum);
    }
}

/// What the rows read so far come to: with those that are left out, as a total in the sheet may mean it, and without.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Figures {
    file: [Figure; 2],
    sheet: [Figure; 2],
    part: [Figure; 2],
}

impl Figures {
    pub(super) fn add(&mut self, amount: Fen, left_out: bool) {
        for [all, taken] in [&mut self.file, &mut self.sheet, &mut self.part] {
            all.add(amount);
            if !left_out {
                taken.add(amount);
            }
        }
    }

    /// Another sheet begins.
    pub(super) fn next_sheet(&mut self) {
        (self.sheet, self.part) = Default::default();
    }

    /// A total was read: what comes after it is another part.
    pub(super) fn close_part(&mut self) -> Self {
        let whole = *self;
        self.part = Default::default();
        whole
    }

    pub(super) fn has_sum(&self, sum: Fen) -> bool {
        self.each().any(|figure| figure.sum == sum)
    }

    pub(super) fn has_count(&self, count: u64) -> bool {
        self.each().any(|figure| figure.count == count)
    }

    /// The sheet's own.
    pub(super) const fn of_sheet(&self) -> Figure {
        self.sheet[1]
    }

    /// What is taken of the file.
    pub(super) const fn taken(&self) -> Figure {
        self.file[1]
    }

    fn each(&self) -> impl Iterator<Item = Figure> {
        [self.file, self.sheet, self.part].into_iter().flatten()
    }
}

/// The number of people that a total states, in the column where it does: `35人`, `共35人`, or the cell after 人数.
pub(super) fn people(line: &Line) -> Option<(usize, u64)> {
    (0..line.cells.len()).find_map(|at| {
        let stated = counted(line.cell(at).text())?;
        match stated {
            Stated::Count(count) => Some((at, count)),
            Stated::Label => {
                let next = (at + 1..line.cells.len()).find(|next| !line.cell(*next).is_blank())?;
                whole(line.cell(next)).map(|count| (next, count))
            }
        }
    })
}

/// True for a cell that states a number of people, or announces one.
pub(super) fn names_people(text: &str) -> bool {
    counted(text).is_some()
}

enum Stated {
    Count(u64),
    Label,
}

fn counted(text: &str) -> Option<Stated> {
    let text: String = text.split_whitespace().collect();
    let bare = ["合计人数", "总人数", "人数", "合计", "共计", "共"]
        .iter()
        .find_map(|label| text.strip_prefix(label).map(|rest| (*label, rest)));
    let (label, rest) = match bare {
        Some((label, rest)) => (label, rest.trim_start_matches([':', '：'])),
        None => ("", text.as_str()),
    };
    if rest.is_empty() {
        return label.ends_with("人数").then_some(Stated::Label);
    }
    let digits = ["人次", "人", "名"]
        .iter()
        .find_map(|unit| rest.strip_suffix(unit));
    let digits = digits.or_else(|| label.ends_with("人数").then_some(rest))?;
    digits.parse().ok().map(Stated::Count)
}

fn whole(cell: &Cell) -> Option<u64> {
    let text = cell.text().trim();
    text.trim_end_matches(['人', '名']).parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_total_states_its_people_in_one_cell_or_two() {
        for (text, expected) in [
            ("合计|35人||5432.10", Some((1, 35))),
            ("合计|共 35 人|", Some((1, 35))),
            ("合计|人数：35", Some((1, 35))),
            ("合计|人数|35|", Some((2, 35))),
            ("合计35人", Some((0, 35))),
            ("合计||5432.10", None),
            ("总计|本项目", None),
        ] {
            let line = Line {
                tab: std::rc::Rc::default(),
                row: 1,
                cells: text
                    .split('|')
                    .map(|text| Cell::Text(text.into()))
                    .collect(),
            };
            assert_eq!(people(&line), expected, "{text}");
        }
    }
}
