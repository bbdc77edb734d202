//! Writes camt.054.001.08: payments that came back, as one booked credit entry with a detail for each.

use super::xml::Xml;
use crate::bank::{Notice, Returned};
use crate::clock::Stamp;

const NAMESPACE: &str = "urn:iso:std:iso:20022:tech:xsd:camt.054.001.08";

/// A notification of payments that came back onto one account.
#[must_use]
pub fn notice(notice: &Notice) -> Vec<u8> {
    let now = Stamp::now();
    Xml::document(NAMESPACE, |xml| {
        xml.within("BkToCstmrDbtCdtNtfctn", |xml| {
            let id = format!("RTN{:012}", notice.number);
            xml.within("GrpHdr", |xml| {
                xml.text("MsgId", &id).text("CreDtTm", now.date_time());
            });
            xml.within("Ntfctn", |xml| {
                xml.text("Id", &id)
                    .text("CreDtTm", now.date_time())
                    .text("Acct/Id/Othr/Id", &notice.account);
                xml.within("Ntry", |xml| entry(xml, notice, &now));
            });
        });
    })
}

fn entry(xml: &mut Xml, notice: &Notice, now: &Stamp) {
    xml.amount("Amt", notice.total())
        .text("CdtDbtInd", "CRDT")
        .text("Sts/Cd", "BOOK");
    xml.text("BookgDt/Dt", now.date())
        .text("ValDt/Dt", now.date());
    xml.within("BkTxCd", |xml| {
        xml.within("Domn", |xml| {
            xml.text("Cd", "PMNT").within("Fmly", |xml| {
                xml.text("Cd", "ICDT").text("SubFmlyCd", "RRTN");
            });
        });
    });
    xml.within("NtryDtls", |xml| {
        xml.text("Btch/NbOfTxs", notice.returns.len());
        notice
            .returns
            .iter()
            .for_each(|returned| details(xml, returned));
    });
}

fn details(xml: &mut Xml, returned: &Returned) {
    xml.within("TxDtls", |xml| {
        xml.within("Refs", |xml| {
            xml.text("PmtInfId", &returned.reference)
                .text("EndToEndId", &returned.row.row_ref);
        });
        xml.amount("Amt", returned.row.amount)
            .text("CdtDbtInd", "CRDT");
        xml.within("RtrInf", |xml| {
            xml.text("Rsn/Cd", returned.reason.iso_code())
                .text("AddtlInf", returned.reason.words());
        });
    });
}
