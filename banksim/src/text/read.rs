//! Reads an instruction file. It is strict: a bank's counter takes no line that merely looks like one.

use encoding_rs::GB18030;

use crate::instruction::{Instruction, Refusal, Row, is_reference};
use crate::money::Fen;

const END: &str = "########";

/// Reads an instruction file of at most `limit` rows.
///
/// # Errors
/// The first line that is not as the interface page says, by its number.
pub fn read(body: &[u8], limit: u32) -> Result<Instruction, Refusal> {
    let text = GB18030
        .decode_without_bom_handling_and_without_replacement(body)
        .ok_or_else(|| Refusal::unreadable("the file is not GB18030"))?;
    let lines = text
        .strip_suffix("\r\n")
        .ok_or_else(|| Refusal::unreadable("the last line does not end in CRLF"))?;
    let lines = lines
        .strip_suffix(END)
        .ok_or_else(|| Refusal::unreadable("the closing line is missing"))?;
    let mut lines = lines.split_terminator("\r\n").zip(1_u32..);
    let header = lines
        .next()
        .ok_or_else(|| Refusal::unreadable("the file is empty"))?;
    let mut instruction = read_header(header.0)?;
    for (line, number) in lines {
        if number - 1 > limit {
            return Err(Refusal::unreadable(format!("more than {limit} rows")));
        }
        let row = read_row(line, number - 1)
            .ok_or_else(|| Refusal::unreadable(format!("line {number} is not a row")))?;
        instruction.rows.push(row);
    }
    if instruction.rows.is_empty() {
        Err(Refusal::unreadable("no rows"))
    } else {
        Ok(instruction)
    }
}

fn read_header(line: &str) -> Result<Instruction, Refusal> {
    header_of(line).ok_or_else(|| Refusal::unreadable("line 1 is not a heading"))
}

fn header_of(line: &str) -> Option<Instruction> {
    let ["P", batch, debtor, rows, sum, date] = fields(line)? else {
        return None;
    };
    let dated = date.len() == 8 && date.bytes().all(|b| b.is_ascii_digit());
    if !dated || !is_reference(batch, 20) || debtor.is_empty() {
        return None;
    }
    Some(Instruction {
        reference: batch.to_owned(),
        message_name: String::new(),
        debtor: debtor.to_owned(),
        stated_rows: vec![u64::try_from(Fen::from_fen(rows)?.0).ok()?],
        stated_sums: vec![Fen::from_fen(sum)?],
        rows: Vec::new(),
    })
}

fn read_row(line: &str, number: u32) -> Option<Row> {
    let [row_ref, account, name, bank, fen, _remark] = fields(line)?;
    let numbered = row_ref == format!("{number:07}");
    let banked = bank.len() == 12 && bank.bytes().all(|b| b.is_ascii_digit());
    let amount = Fen::from_fen(fen).filter(|amount| *amount > Fen::ZERO)?;
    let filled = !account.is_empty() && account.len() <= 40 && !name.is_empty();
    (numbered && banked && filled).then(|| Row {
        number,
        row_ref: row_ref.to_owned(),
        account: account.to_owned(),
        name: name.to_owned(),
        amount,
    })
}

/// The six fields of a line that ends in a bar.
fn fields(line: &str) -> Option<[&str; 6]> {
    let mut fields = line.strip_suffix('|')?.split('|');
    let six = [(); 6].map(|()| fields.next());
    let [Some(a), Some(b), Some(c), Some(d), Some(e), Some(f)] = six else {
        return None;
    };
    fields.next().is_none().then_some([a, b, c, d, e, f])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str) -> Vec<u8> {
        GB18030.encode(text).0.into_owned()
    }

    const GOOD: &str = "P|B1|9001|2|300|20261102|\r\n\
        0000001|6222000000000001|张三|402731000018|100|工资|\r\n\
        0000002|6222000000000002|李四|402731000018|200||\r\n########\r\n";

    #[test]
    fn a_good_file_is_read() {
        let read = read(&file(GOOD), 1000).unwrap();
        assert_eq!(
            (read.reference.as_str(), read.debtor.as_str()),
            ("B1", "9001")
        );
        assert_eq!(read.rows[1].name, "李四");
        assert_eq!(read.checked_total(), Ok(Fen(300)));
    }

    #[test]
    fn anything_but_the_described_form_is_unreadable() {
        let cases = [
            GOOD.replace("########\r\n", ""),
            GOOD.replace("\r\n", "\n"),
            GOOD.replace("P|B1", "P|b1"),
            GOOD.replace("20261102", "2026"),
            GOOD.replace("0000002|", "0000003|"),
            GOOD.replace("|200||", "|0||"),
            GOOD.replace("|200||", "|2.00||"),
            GOOD.replace("|200||", "|200|"),
            GOOD.replace("402731000018|200", "40273|200"),
            String::new(),
        ];
        for text in cases {
            assert!(
                matches!(read(&file(&text), 1000), Err(Refusal::Unreadable(_))),
                "{text}"
            );
        }
        assert!(matches!(
            read(b"\xff\xff\xff", 1000),
            Err(Refusal::Unreadable(_))
        ));
        assert!(matches!(read(&file(GOOD), 1), Err(Refusal::Unreadable(_))));
    }
}
