//! Rows under the header that are no worker's: totals, signatures, remarks. In doubt a row is a worker's, so that no wage is passed over.

use wagegate_domain::Fen;

use super::{cells::Line, declared::names_people, header::Columns};

const TOTALS: [&str; 6] = ["合计", "总计", "小计", "共计", "累计", "total"];

const SIGNED: [&str; 20] = [
    "制表",
    "制单",
    "编制",
    "填表",
    "填报",
    "审核",
    "复核",
    "审批",
    "签字",
    "签名",
    "签章",
    "盖章",
    "负责人",
    "劳资专管员",
    "经办",
    "项目经理",
    "班组长",
    "日期",
    "说明",
    "注:",
];

/// A total: a word for it, and nobody's name or number.
pub(super) fn is_total(line: &Line, columns: &Columns) -> bool {
    let nobody = columns.of_person().all(|column| {
        let cell = line.cell(column.at);
        cell.is_blank() || names_total(cell.text()) || names_people(cell.text())
    });
    nobody && line.cells.iter().any(|cell| names_total(cell.text()))
}

pub(crate) fn names_total(text: &str) -> bool {
    let text = squeezed(text).to_lowercase();
    text.chars().count() <= 12 && TOTALS.iter().any(|word| text.contains(word))
}

/// Who made, checked and signed the sheet, a date or a sentence: whichever columns it was typed into, each holds a remark or nothing.
pub(super) fn is_remark(line: &Line, columns: &Columns) -> bool {
    if Fen::parse_yuan(line.cell(columns.amount.at).text()).is_ok() {
        return false;
    }
    columns
        .of_person()
        .chain([&columns.amount])
        .all(|column| line.cell(column.at).is_blank() || stands_for_remark(line, column.at))
}

/// The cell is a remark itself, or what is written beside one: the name after 制表人.
pub(crate) fn stands_for_remark(line: &Line, at: usize) -> bool {
    let text = line.cell(at).text();
    if is_remark_text(text) {
        return true;
    }
    let left = line.cells.iter().take(at).rev();
    let label = left
        .map(|cell| squeezed(cell.text()))
        .find(|text| !text.is_empty());
    !text.is_empty()
        && !text.contains(|c: char| c.is_ascii_digit())
        && label.is_some_and(|label| is_signed(&label) && label.ends_with([':', '人', '核', '员']))
}

fn is_remark_text(text: &str) -> bool {
    let text = squeezed(text);
    let date = text.contains('年') && text.contains('月') && text.ends_with('日');
    let sentence = text.contains(['，', '。', '；', ':']);
    date || sentence || is_signed(&text)
}

fn is_signed(text: &str) -> bool {
    SIGNED.iter().any(|word| text.contains(word))
}

fn squeezed(text: &str) -> String {
    text.split_whitespace()
        .collect::<String>()
        .replace('：', ":")
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use super::*;
    use crate::intake::{
        cells::{Cell, Tab},
        header::{Found, find},
    };

    fn line(text: &str) -> Line {
        let cell = |text: &str| match text {
            "" => Cell::Empty,
            text => Cell::Text(text.into()),
        };
        Line {
            tab: Rc::new(Tab::default()),
            row: 1,
            cells: text.split('|').map(cell).collect(),
        }
    }

    #[test]
    fn totals_and_remarks_are_told_from_workers() {
        let Found::Header(columns) = find(&line("序号|姓名|身份证号|银行卡号|实发工资|备注"))
        else {
            panic!("a header");
        };
        for (text, total, remark) in [
            ("合　计||||5432.10|", true, false),
            ("|合计|||5432.10|", true, false),
            ("本页小计（元）||||5432.10|", true, false),
            ("1|李明|||5432.10|共计20天", false, false),
            ("制表人：甲||审核：乙|||2026年11月3日", false, true),
            ("制表人：|段晓样||审核：|罗玉例|", false, true),
            ("||2026年11月3日|||", false, true),
            ("|以上工资由本人签字领取，特此确认|||  |", false, true),
            ("7|李明||||日期待定", false, false),
            ("7|李明||||说明", false, false),
            ("项目经理部|李明||||", false, false),
            ("班组长|李明|11010519491231002X|||", false, false),
            ("|||6225881414207430||制表", false, false),
            ("||||5432.10|说明", false, false),
        ] {
            let line = line(text);
            assert_eq!(is_total(&line, &columns), total, "{text}");
            assert_eq!(is_remark(&line, &columns), remark, "{text}");
        }
    }
}
