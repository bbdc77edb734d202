//! The suite that every family passes, on each sample profile. The banks' documents are written here by hand, from their interface pages.
#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use encoding_rs::{GB18030, GBK};
use wagegate_conformance::{Bench, Said, Word, making, suite};
use wagegate_domain::adapter::{Adapter, Order, Payment};
use wagegate_domain::fact::Verdict;
use wagegate_domain::money::Fen;
use wagegate_domain::reason::Reason;
use wagegate_textfile::Textfile;

suite!(
    bishui => Bishui(load(include_str!("../banks/bishui.toml"))),
    cangling => Cangling(load(include_str!("../banks/cangling.toml"))),
    lanhe => Lanhe(load(include_str!("../banks/lanhe.toml"))),
);

fn load(profile: &str) -> Textfile {
    Textfile::from_toml(profile).unwrap_or_else(|error| panic!("{error}"))
}

fn total<'p>(payments: impl Iterator<Item = &'p Payment>) -> Fen {
    Fen::total(payments.map(|payment| payment.amount)).unwrap()
}

fn paid(rows: &[(Payment, Said)]) -> impl Iterator<Item = &Payment> + Clone {
    rows.iter()
        .filter(|(_, said)| *said == Said::Paid)
        .map(|(payment, _)| payment)
}

fn with_name(good: &Payment, name: &str) -> Payment {
    Payment {
        name: making::name(name),
        ..good.clone()
    }
}

fn with_remark(good: &Payment, remark: &str) -> Payment {
    Payment {
        remark: remark.to_owned(),
        ..good.clone()
    }
}

/// What no text file can carry.
fn unfit_anywhere(good: &Payment) -> Vec<Payment> {
    vec![
        with_remark(good, "工资\r\n0000009"),
        with_remark(good, "工\u{7}资"),
        Payment {
            amount: Fen::ZERO,
            ..good.clone()
        },
    ]
}

struct Bishui(Textfile);

impl Bench for Bishui {
    fn adapter(&self) -> &dyn Adapter {
        &self.0
    }

    fn result(&self, order: &Order, rows: &[(Payment, Said)]) -> Vec<u8> {
        let sum = total(rows.iter().map(|(payment, _)| payment)).get();
        let mut text = format!(
            "R|{}|{}|{sum}|{}|{}|\r\n",
            order.bank_key,
            rows.len(),
            paid(rows).count(),
            total(paid(rows)).get()
        );
        for (payment, said) in rows {
            let (code, _) = self.code(*said);
            text += &format!(
                "{:07}|{}|{}|{}|{code}|银行附言|\r\n",
                payment.sequence,
                payment.account.clear(),
                payment.name.clear(),
                payment.amount.get()
            );
        }
        GB18030.encode(&(text + "########\r\n")).0.into_owned()
    }

    fn returned(&self, order: &Order, rows: &[Payment]) -> Option<Vec<u8>> {
        let mut text = format!("T|{}|{}|\r\n", rows.len(), total(rows.iter()).get());
        for payment in rows {
            text += &format!(
                "{}|{:07}|{}|{}|T003|已销户|\r\n",
                order.bank_key,
                payment.sequence,
                payment.account.clear(),
                payment.amount.get()
            );
        }
        Some(GB18030.encode(&(text + "########\r\n")).0.into_owned())
    }

    fn code(&self, said: Said) -> (&'static str, Verdict) {
        match said {
            Said::Paid => ("S000", Verdict::Paid),
            Said::Failed => ("F001", Verdict::Failed(Reason::NameMismatch)),
            Said::Working => ("P001", Verdict::InProgress),
            Said::Strange => ("F777", Verdict::Unknown),
            Said::Returned => ("T003", Verdict::Returned(Reason::Closed)),
        }
    }

    fn reply(&self, word: Word, _order: &Order) -> Option<(u16, Vec<u8>)> {
        let (status, line) = match word {
            Word::Taken => (200, "0000|受理成功|\r\n"),
            Word::Refused => (422, "0201|余额不足|\r\n"),
            Word::Duplicate => (200, "0106|批次号重复|\r\n"),
            Word::InProgress => (202, "0002|处理中|\r\n"),
            Word::NotKnown => (404, "0404|无此批次|\r\n"),
            Word::Strange => (200, "0777|其他|\r\n"),
        };
        Some((status, GB18030.encode(line).0.into_owned()))
    }

    fn holds(&self, _text: &str) -> bool {
        true
    }

    fn unfit(&self, good: &Payment) -> Vec<Payment> {
        let mut cases = unfit_anywhere(good);
        cases.push(with_remark(good, "十月|工资"));
        cases.push(Payment {
            cnaps: None,
            ..good.clone()
        });
        cases
    }
}

struct Cangling(Textfile);

/// A cell of so many bytes.
fn cell(text: &str, width: usize) -> Vec<u8> {
    let mut bytes = GB18030.encode(text).0.into_owned();
    assert!(bytes.len() <= width, "{text} is wider than {width}");
    bytes.resize(width, b' ');
    bytes
}

fn line(cells: &[(&str, usize)]) -> Vec<u8> {
    let mut line: Vec<u8> = cells
        .iter()
        .flat_map(|(text, width)| cell(text, *width))
        .collect();
    line.push(b'\n');
    line
}

impl Bench for Cangling {
    fn adapter(&self) -> &dyn Adapter {
        &self.0
    }

    fn result(&self, order: &Order, rows: &[(Payment, Said)]) -> Vec<u8> {
        let mut file = line(&[("H02", 3), (&order.bank_key, 16), ("2026-11-03", 10)]);
        for (payment, said) in rows {
            file.extend(line(&[
                ("D", 1),
                (&format!("{:08}", payment.sequence), 8),
                (self.code(*said).0, 2),
                (&format!("{:0>15}", payment.amount.to_string()), 15),
                ("CL20261103", 20),
                ("附言", 40),
            ]));
        }
        file.extend(line(&[
            ("T", 1),
            (&format!("{:08}", rows.len()), 8),
            (
                &total(rows.iter().map(|(payment, _)| payment)).to_string(),
                18,
            ),
            (&format!("{:08}", paid(rows).count()), 8),
            (&total(paid(rows)).to_string(), 18),
        ]));
        file
    }

    fn returned(&self, order: &Order, rows: &[Payment]) -> Option<Vec<u8>> {
        let mut file = line(&[("H03", 3), ("2026-11-09", 10)]);
        for payment in rows {
            file.extend(line(&[
                ("D", 1),
                (&order.bank_key, 16),
                (&format!("{:08}", payment.sequence), 8),
                (&payment.amount.to_string(), 15),
                ("11", 2),
                ("", 20),
                ("户名不符", 40),
            ]));
        }
        file.extend(line(&[
            ("T", 1),
            (&rows.len().to_string(), 8),
            (&total(rows.iter()).to_string(), 18),
        ]));
        Some(file)
    }

    fn code(&self, said: Said) -> (&'static str, Verdict) {
        match said {
            Said::Paid => ("00", Verdict::Paid),
            Said::Failed => ("11", Verdict::Failed(Reason::NoAccount)),
            Said::Working => ("02", Verdict::InProgress),
            Said::Strange => ("77", Verdict::Unknown),
            Said::Returned => ("11", Verdict::Returned(Reason::NameMismatch)),
        }
    }

    fn reply(&self, word: Word, order: &Order) -> Option<(u16, Vec<u8>)> {
        let (status, code) = match word {
            Word::Taken => (202, "AAAA"),
            Word::Refused => (400, "FUND"),
            Word::Duplicate => (409, "DUPL"),
            Word::InProgress => (200, "WAIT"),
            Word::NotKnown => (200, "NONE"),
            Word::Strange => (200, "ZZZZ"),
        };
        Some((
            status,
            line(&[("A", 1), (&order.bank_key, 16), (code, 4), ("附言", 40)]),
        ))
    }

    fn holds(&self, _text: &str) -> bool {
        true
    }

    fn unfit(&self, good: &Payment) -> Vec<Payment> {
        let mut cases = unfit_anywhere(good);
        cases.push(with_name(good, &"长".repeat(31)));
        cases.push(with_name(good, &"𠮷".repeat(16)));
        cases.push(with_remark(good, "2026年10月份农民工工资（含加班）第二次"));
        cases
    }
}

struct Lanhe(Textfile);

impl Bench for Lanhe {
    fn adapter(&self) -> &dyn Adapter {
        &self.0
    }

    fn result(&self, order: &Order, rows: &[(Payment, Said)]) -> Vec<u8> {
        let mut text = format!(
            "批次,{},笔数,{}\r\n收款账号,收款户名,金额,交易状态,备注\r\n",
            order.bank_key,
            rows.len()
        );
        for (payment, said) in rows {
            let (code, _) = self.code(*said);
            let (account, name) = (payment.account.clear(), payment.name.clear());
            text += &format!("{account},{name},{}元,{code},\r\n", payment.amount);
        }
        text += &format!("成功,{},{}\r\n", paid(rows).count(), total(paid(rows)));
        GBK.encode(&text).0.into_owned()
    }

    fn returned(&self, _order: &Order, _rows: &[Payment]) -> Option<Vec<u8>> {
        None
    }

    fn code(&self, said: Said) -> (&'static str, Verdict) {
        match said {
            Said::Paid => ("交易成功", Verdict::Paid),
            Said::Failed => ("账号已冻结", Verdict::Failed(Reason::Frozen)),
            Said::Working => ("处理中", Verdict::InProgress),
            Said::Strange => ("交易成功待确认", Verdict::Unknown),
            Said::Returned => ("", Verdict::Unknown),
        }
    }

    fn reply(&self, word: Word, order: &Order) -> Option<(u16, Vec<u8>)> {
        let code = match word {
            Word::Taken => "OK",
            Word::Refused => "NOMONEY",
            Word::Duplicate => "REPEAT",
            Word::InProgress => "BUSY",
            Word::NotKnown => "NORECORD",
            Word::Strange => "LATER",
        };
        Some((
            200,
            GBK.encode(&format!("{}={code}=附言\r\n", order.bank_key))
                .0
                .into_owned(),
        ))
    }

    fn holds(&self, text: &str) -> bool {
        !text.contains(['䶮', '㛃', '𠮷'])
    }

    fn unfit(&self, good: &Payment) -> Vec<Payment> {
        let mut cases = unfit_anywhere(good);
        cases.push(with_remark(good, "a|::|b"));
        cases.push(with_remark(good, "工资:"));
        cases.push(with_remark(good, "2026年10月份农民工工资"));
        cases.push(with_name(good, "㛃洁"));
        cases
    }
}
