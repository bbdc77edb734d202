//! The one suite that every family passes, with both sample banks; their documents are written here by hand, as the banks would.
#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::fmt::Write as _;

use wagegate_conformance::{Bench, Said, Word, suite};
use wagegate_domain::Fen;
use wagegate_domain::adapter::{Adapter, Order, Payment};
use wagegate_domain::fact::Verdict;
use wagegate_domain::ids::PersonName;
use wagegate_domain::reason::Reason;
use wagegate_iso20022::Iso20022;

suite!(qingshan => Bank::qingshan(), bailu => Bank::bailu());

/// One bank's pen: which versions it writes, and whether it lists only what it refused.
struct Bank {
    adapter: Iso20022,
    report: &'static str,
    notification: &'static str,
    rejects_only: bool,
    name_max: usize,
}

impl Bank {
    fn qingshan() -> Self {
        Self {
            adapter: Iso20022::from_toml(include_str!("../banks/qingshan.toml")).unwrap(),
            report: "pain.002.001.10",
            notification: "camt.054.001.08",
            rejects_only: false,
            name_max: 60,
        }
    }

    fn bailu() -> Self {
        Self {
            adapter: Iso20022::from_toml(include_str!("../banks/bailu.toml")).unwrap(),
            report: "pain.002.001.03",
            notification: "camt.054.001.02",
            rejects_only: true,
            name_max: 30,
        }
    }

    fn document(&self, order: &Order, status: &str, inside: &str) -> Vec<u8> {
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Document xmlns=\"urn:iso:std:iso:20022:tech:xsd:{}\"><CstmrPmtStsRpt><GrpHdr><MsgId>STS1</MsgId><CreDtTm>2026-11-03T10:00:00</CreDtTm></GrpHdr>{}{inside}</CstmrPmtStsRpt></Document>\n",
            self.report,
            format_args!("<OrgnlGrpInfAndSts><OrgnlMsgId>{}</OrgnlMsgId><OrgnlMsgNmId>pain.001</OrgnlMsgNmId>{status}</OrgnlGrpInfAndSts>", order.bank_key),
        )
        .into_bytes()
    }

    fn group(&self, order: &Order, status: &str, reason: &str) -> Vec<u8> {
        let reason = if reason.is_empty() {
            String::new()
        } else {
            format!("<StsRsnInf><Rsn><Cd>{reason}</Cd></Rsn></StsRsnInf>")
        };
        self.document(order, &format!("<GrpSts>{status}</GrpSts>{reason}"), "")
    }
}

const fn status(said: Said) -> &'static str {
    match said {
        Said::Paid | Said::Returned => "ACSC",
        Said::Failed => "RJCT",
        Said::Working => "PDNG",
        Said::Strange => "ACCT",
    }
}

fn counts(rows: &[(Payment, Said)]) -> String {
    let mut text = String::new();
    for said in [Said::Paid, Said::Failed, Said::Working, Said::Strange] {
        let of: Vec<Fen> = rows
            .iter()
            .filter(|(_, one)| *one == said)
            .map(|(payment, _)| payment.amount)
            .collect();
        if !of.is_empty() {
            let sum = Fen::total(of.iter().copied()).unwrap();
            write!(text, "<NbOfTxsPerSts><DtldNbOfTxs>{}</DtldNbOfTxs><DtldSts>{}</DtldSts><DtldCtrlSum>{sum}</DtldCtrlSum></NbOfTxsPerSts>", of.len(), status(said)).unwrap();
        }
    }
    text
}

impl Bench for Bank {
    fn adapter(&self) -> &dyn Adapter {
        &self.adapter
    }

    fn result(&self, order: &Order, rows: &[(Payment, Said)]) -> Vec<u8> {
        let plain = rows
            .iter()
            .all(|(_, said)| matches!(said, Said::Paid | Said::Failed));
        let mut inside = format!(
            "<OrgnlPmtInfAndSts><OrgnlPmtInfId>{}</OrgnlPmtInfId><PmtInfSts>PART</PmtInfSts>{}",
            order.bank_key,
            counts(rows)
        );
        for (payment, said) in rows {
            if self.rejects_only && plain && *said == Said::Paid {
                continue;
            }
            let reason = if *said == Said::Failed {
                "<StsRsnInf><Rsn><Cd>AC04</Cd></Rsn><AddtlInf>已销户</AddtlInf></StsRsnInf>"
            } else {
                ""
            };
            write!(inside, "<TxInfAndSts><OrgnlEndToEndId>{}</OrgnlEndToEndId><TxSts>{}</TxSts>{reason}</TxInfAndSts>", payment.reference, status(*said)).unwrap();
        }
        self.document(
            order,
            "<GrpSts>PART</GrpSts>",
            &format!("{inside}</OrgnlPmtInfAndSts>"),
        )
    }

    fn returned(&self, order: &Order, rows: &[Payment]) -> Option<Vec<u8>> {
        let total = Fen::total(rows.iter().map(|payment| payment.amount)).unwrap();
        let mut details = String::new();
        for payment in rows {
            let amount = payment.amount;
            // Version 02 has no Amt in its details.
            let amount = if self.notification.ends_with("02") {
                format!(r#"<AmtDtls><TxAmt><Amt Ccy="CNY">{amount}</Amt></TxAmt></AmtDtls>"#)
            } else {
                format!(r#"<Amt Ccy="CNY">{amount}</Amt><CdtDbtInd>CRDT</CdtDbtInd>"#)
            };
            write!(details, "<TxDtls><Refs><PmtInfId>{}</PmtInfId><EndToEndId>{}</EndToEndId></Refs>{amount}<RtrInf><Rsn><Cd>AC04</Cd></Rsn></RtrInf></TxDtls>", order.bank_key, payment.reference).unwrap();
        }
        let booking = "<BkTxCd><Domn><Cd>PMNT</Cd><Fmly><Cd>ICDT</Cd><SubFmlyCd>RRTN</SubFmlyCd></Fmly></Domn></BkTxCd>";
        Some(format!(
            r#"<Document xmlns="urn:iso:std:iso:20022:tech:xsd:{}"><BkToCstmrDbtCdtNtfctn><GrpHdr><MsgId>RTN1</MsgId></GrpHdr><Ntfctn><Id>RTN1</Id><Ntry><Amt Ccy="CNY">{total}</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts>BOOK</Sts>{booking}<NtryDtls><Btch><NbOfTxs>{}</NbOfTxs></Btch>{details}</NtryDtls></Ntry></Ntfctn></BkToCstmrDbtCdtNtfctn></Document>"#,
            self.notification,
            rows.len()
        ).into_bytes())
    }

    fn code(&self, said: Said) -> (&'static str, Verdict) {
        match said {
            Said::Paid => ("ACSC", Verdict::Paid),
            Said::Failed => ("AC04", Verdict::Failed(Reason::Closed)),
            Said::Working => ("PDNG", Verdict::InProgress),
            Said::Strange => ("ACCT", Verdict::Unknown),
            Said::Returned => ("AC04", Verdict::Returned(Reason::Closed)),
        }
    }

    fn reply(&self, word: Word, order: &Order) -> Option<(u16, Vec<u8>)> {
        Some(match word {
            Word::Taken => (202, self.group(order, "ACTC", "")),
            Word::Refused => (422, self.group(order, "RJCT", "AM04")),
            Word::Duplicate => (409, self.group(order, "RJCT", "DU01")),
            Word::InProgress => (200, self.group(order, "ACSP", "")),
            Word::NotKnown => (404, Vec::new()),
            Word::Strange => (200, self.group(order, "ACCT", "")),
        })
    }

    fn holds(&self, _text: &str) -> bool {
        true
    }

    fn unfit(&self, good: &Payment) -> Vec<Payment> {
        let name = "李".repeat(self.name_max + 1);
        let mut cases = vec![
            Payment {
                amount: Fen::ZERO,
                ..good.clone()
            },
            Payment {
                reference: "lower case".to_owned(),
                ..good.clone()
            },
            Payment {
                reference: "A".repeat(36),
                ..good.clone()
            },
            Payment {
                remark: "工资\u{1}".to_owned(),
                ..good.clone()
            },
            Payment {
                remark: "工".repeat(141),
                ..good.clone()
            },
        ];
        // Names of more than 60 characters are none anywhere.
        cases.extend(PersonName::parse(&name).ok().map(|name| Payment {
            name,
            ..good.clone()
        }));
        cases
    }
}
