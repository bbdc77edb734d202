//! Finds the header row by the names that contractors use, in any order.

use super::cells::Line;

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    Name,
    IdNumber,
    Card,
    Cnaps,
    Amount,
}

/// Names of each field, best first: where a sheet has both 实发工资 and 金额, the first is what is owed. What is due before deductions (应发) is
/// never what is paid.
const NAMES: [(Field, &[&str]); 5] = [
    (
        Field::Name,
        &[
            "姓名",
            "工人姓名",
            "人员姓名",
            "员工姓名",
            "收款人姓名",
            "收款人",
            "收款户名",
            "户名",
            "名字",
            "name",
        ],
    ),
    (
        Field::IdNumber,
        &[
            "身份证号",
            "身份证号码",
            "身份证",
            "公民身份号码",
            "证件号码",
            "证件号",
            "身份证件号码",
            "id",
        ],
    ),
    (
        Field::Card,
        &[
            "银行卡号",
            "工资卡号",
            "工资卡账号",
            "银行账号",
            "银行卡账号",
            "收款账号",
            "收款卡号",
            "银行帐号",
            "收款帐号",
            "卡号",
            "账号",
            "帐号",
            "工资卡",
            "card",
        ],
    ),
    (
        Field::Cnaps,
        &[
            "联行号",
            "开户行联行号",
            "开户行行号",
            "银行联行号",
            "支付行号",
            "行号",
            "cnaps",
        ],
    ),
    (
        Field::Amount,
        &[
            "实发工资",
            "实发金额",
            "实发合计",
            "实发",
            "代发金额",
            "本次发放金额",
            "发放金额",
            "工资金额",
            "金额",
            "amount",
        ],
    ),
];

/// Where each field stands, with its header as written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Columns {
    pub(super) name: Column,
    pub(super) id_number: Column,
    pub(super) card: Column,
    pub(super) cnaps: Option<Column>,
    pub(super) amount: Column,
}

impl Columns {
    /// The header of a field's column; nothing where the sheet has none.
    pub(super) fn header(&self, field: Field) -> &str {
        let column = match field {
            Field::Name => &self.name,
            Field::IdNumber => &self.id_number,
            Field::Card => &self.card,
            Field::Amount => &self.amount,
            Field::Cnaps => return self.cnaps.as_ref().map_or("", |column| &column.header),
        };
        &column.header
    }

    /// The columns that say who is paid, and where.
    pub(super) fn of_person(&self) -> impl Iterator<Item = &Column> {
        [&self.name, &self.id_number, &self.card]
            .into_iter()
            .chain(&self.cnaps)
    }
}

/// One column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Column {
    pub(super) at: usize,
    pub(super) header: String,
}

/// What a row looks like to somebody in search of a header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// It is one.
    Header(Box<Columns>),
    /// It would be one, but two columns are called the same.
    Twice(String),
    /// Some of it: what is missing.
    Partly(Vec<&'static str>),
    /// No header.
    Nothing,
}

/// Looks for the header's names in a row.
pub(super) fn find(line: &Line) -> Found {
    let names: Vec<String> = line.cells.iter().map(|cell| plain(cell.text())).collect();
    let mut missing = Vec::new();
    let mut twice = None;
    let mut column = |field: Field| {
        let (_, synonyms) = NAMES.iter().find(|(other, _)| *other == field)?;
        let best = synonyms
            .iter()
            .find(|synonym| names.iter().any(|name| name == *synonym));
        let Some(best) = best else {
            missing.extend(synonyms.first().filter(|_| field != Field::Cnaps).copied());
            return None;
        };
        let mut places = (0..).zip(&names).filter(|(_, name)| name == best);
        let at = places.next().map(|(at, _)| at)?;
        let header = line.cell(at).text().split_whitespace().collect::<String>();
        if places.next().is_some() {
            twice = Some(header.clone());
        }
        Some(Column { at, header })
    };
    let [name, id_number, card, cnaps, amount] = [
        Field::Name,
        Field::IdNumber,
        Field::Card,
        Field::Cnaps,
        Field::Amount,
    ]
    .map(&mut column);
    match (name, id_number, card, amount, twice) {
        (Some(_), Some(_), Some(_), Some(_), Some(header)) => Found::Twice(header),
        (Some(name), Some(id_number), Some(card), Some(amount), None) => {
            Found::Header(Box::new(Columns {
                name,
                id_number,
                card,
                cnaps,
                amount,
            }))
        }
        _ if missing.len() <= 2 => Found::Partly(missing),
        _ => Found::Nothing,
    }
}

/// Two rows as one: each cell of the lower, and of the upper where the lower has none.
pub(super) fn joined(upper: &Line, lower: &Line) -> Line {
    let width = upper.cells.len().max(lower.cells.len());
    let cells = (0..width).map(|at| match lower.cell(at) {
        blank if blank.is_blank() => upper.cell(at).clone(),
        cell => cell.clone(),
    });
    Line {
        cells: cells.collect(),
        ..lower.clone()
    }
}

/// A header without what people put around it: spaces and line breaks, units in brackets, colons, stars.
pub(crate) fn plain(text: &str) -> String {
    let mut depth = 0_u32;
    text.chars()
        .map(half_width)
        .filter(|c| {
            match c {
                '(' | '[' => depth += 1,
                ')' | ']' => {
                    depth = depth.saturating_sub(1);
                    return false;
                }
                _ => {}
            }
            depth == 0 && !c.is_whitespace() && !matches!(c, ':' | '*' | '、' | '.')
        })
        .flat_map(char::to_lowercase)
        .collect()
}

pub(crate) fn half_width(c: char) -> char {
    match c {
        '\u{FF01}'..='\u{FF5E}' => char::from_u32(u32::from(c) - 0xFEE0).unwrap_or(c),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::intake::cells::Cell;

    fn line(headers: &str) -> Line {
        let cells = headers
            .split('|')
            .map(|text| Cell::Text(text.into()))
            .collect();
        Line {
            tab: std::rc::Rc::default(),
            row: 1,
            cells,
        }
    }

    #[test]
    fn headers_are_found_by_name_in_any_order() {
        for (headers, expected) in [
            (
                "序号|姓名|身份证号|银行卡号|联行号|实发工资",
                Some([1, 2, 3, 5]),
            ),
            (
                "实发金额（元）|工人\n姓名|身份证号码 |工资卡号|备注",
                Some([1, 2, 3, 0]),
            ),
            (
                "收款人|收款账号|证件号码|金额|实发工资（元）",
                Some([0, 2, 1, 4]),
            ),
            ("姓 名*|身份证号：|卡号|应发金额|实发", Some([0, 1, 2, 4])),
            ("序号|班组|工种", None),
            ("姓名|身份证号|银行卡号|应发工资", None),
            ("姓名|身份证号|银行卡号", None),
        ] {
            let found = match find(&line(headers)) {
                Found::Header(c) => Some([c.name.at, c.id_number.at, c.card.at, c.amount.at]),
                Found::Twice(_) | Found::Partly(_) | Found::Nothing => None,
            };
            assert_eq!(found, expected, "{headers}");
        }
        let merged = joined(&line("姓名|身份证号|工资||银行卡号"), &line("||应发|实发|"));
        assert!(matches!(find(&merged), Found::Header(columns) if columns.amount.at == 3));
        assert_eq!(
            find(&line("姓名|身份证号|银行卡号|实发工资|实发工资")),
            Found::Twice("实发工资".into())
        );
        assert_eq!(
            find(&line("姓名|身份证号|银行卡号")),
            Found::Partly(vec!["实发工资"])
        );
    }
}
