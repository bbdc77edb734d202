//! What the lines above the header say: the month, the project. Everything else up there is for people.

use wagegate_domain::PayMonth;

use super::cells::Line;

/// The months that a title line names.
pub(super) fn months(line: &Line) -> Vec<PayMonth> {
    line.cells
        .iter()
        .filter_map(|cell| month(cell.text()))
        .collect()
}

/// A month such as 2026年10月, or one written after 月份. A full date (2026年10月31日) is the day on which somebody signed.
fn month(text: &str) -> Option<PayMonth> {
    let text: String = text.split_whitespace().collect();
    if ["日期", "制表", "填报"]
        .iter()
        .any(|word| text.contains(word))
    {
        return None;
    }
    let labelled = || {
        let (_, after) = text.split_once("月份")?;
        PayMonth::parse(after.trim_start_matches([':', '：'])).ok()
    };
    written_out(&text).or_else(labelled)
}

fn written_out(text: &str) -> Option<PayMonth> {
    let (before, after) = text.split_once('年')?;
    let (month, after) = after.split_once('月')?;
    let digits = before.len() - before.trim_end_matches(|c: char| c.is_ascii_digit()).len();
    let year = before.get(before.len() - digits..)?;
    if digits != 4 || after.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    PayMonth::parse(&format!("{year}-{month}")).ok()
}

/// The project's code, where a title line gives one.
pub(crate) fn project_code(line: &Line) -> Option<String> {
    stated(line, &["项目编码", "项目编号", "项目代码"])
}

/// The project's name, where a title line gives one.
pub(super) fn project_name(line: &Line) -> Option<String> {
    stated(line, &["项目名称", "工程名称"])
}

/// True where one name holds the other: contractors shorten names.
pub(super) fn alike(one: &str, other: &str) -> bool {
    let plain = |name: &str| {
        name.chars()
            .filter(|c| c.is_alphanumeric())
            .collect::<String>()
    };
    let (one, other) = (plain(one), plain(other));
    one.contains(&other) || other.contains(&one)
}

/// What follows a label, up to a space: in its own cell or in the next one with something in it.
fn stated(line: &Line, labels: &[&str]) -> Option<String> {
    let mut texts = line.cells.iter().map(|cell| cell.text().trim());
    let after = texts.find_map(|text| {
        let (_, after) = labels.iter().find_map(|label| text.split_once(label))?;
        Some(after.trim_start_matches([':', '：', ' ', '\u{3000}']))
    })?;
    let value = if after.is_empty() {
        texts.find(|text| !text.is_empty())?
    } else {
        after
    };
    value.split_whitespace().next().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::intake::cells::Cell;

    fn line(text: &str) -> Line {
        Line {
            tab: std::rc::Rc::default(),
            row: 1,
            cells: text
                .split('|')
                .map(|text| Cell::Text(text.into()))
                .collect(),
        }
    }

    #[test]
    fn a_title_names_a_month_and_a_signature_a_day() {
        for (text, expected) in [
            ("2026年10月农民工工资表", Some("2026-10")),
            ("工资月份：2026 年 9 月", Some("2026-09")),
            ("所属期:2026年 9 月", Some("2026-09")),
            ("工资月份：2026-09", Some("2026-09")),
            ("制表日期：2026年11月5日", None),
            ("制表日期：2026年11月", None),
            ("2026年11月5日", None),
            ("二〇二六年十月", None),
            ("26年10月", None),
        ] {
            let found = months(&line(text)).first().map(ToString::to_string);
            assert_eq!(found.as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn a_title_names_its_project_in_one_cell_or_two() {
        for (text, expected) in [
            ("项目名称：滨河片区 月份：2026年10月", Some("滨河片区")),
            ("|项目名称||滨河片区|", Some("滨河片区")),
            ("项目名称：", None),
            ("农民工工资表", None),
        ] {
            assert_eq!(project_name(&line(text)).as_deref(), expected, "{text}");
        }
        assert_eq!(
            project_code(&line("项目编号:5309")).as_deref(),
            Some("5309")
        );
        assert!(alike("滨河片区", "临翔区滨河片区安置房项目"));
        assert!(!alike("滨河片区", "茶山小学"));
    }
}
