//! The sample banks' documents, a line at a time: every second payment refused, or every payment returned.

use std::io::{self, Read};
use std::iter::once;

use encoding_rs::GB18030;
use wagegate_conformance::making;
use wagegate_domain::adapter::{Order, Payment};
use wagegate_domain::money::Fen;

/// Pieces of a document, made when they are asked for.
pub(crate) type Lines = Box<dyn Iterator<Item = Vec<u8>>>;

/// What the family's sample bank answers to a query.
pub(crate) fn result(family: &str, order: &Order) -> Lines {
    let paid = making::payments(order).filter(|payment| payment.sequence.is_multiple_of(2));
    let (paid, paid_sum) = paid.fold((0, Fen::ZERO), |(count, sum), payment| {
        (
            count + 1,
            sum.checked_add(payment.amount)
                .expect("made-up wages add up"),
        )
    });
    match family {
        "iso20022" => xml_result(order, paid, paid_sum),
        _ => text_result(order, paid, paid_sum),
    }
}

/// What it sends when payments come back.
pub(crate) fn returns(family: &str, order: &Order) -> Lines {
    match family {
        "iso20022" => xml_returns(order),
        _ => text_returns(order),
    }
}

fn document(
    head: String,
    row: impl Fn(Payment) -> String + 'static,
    order: &Order,
    tail: &'static str,
) -> Lines {
    let rows = making::payments(order).map(row);
    let pieces = once(head).chain(rows).chain(once(tail.to_owned()));
    Box::new(pieces.map(String::into_bytes))
}

fn gb18030(lines: Lines) -> Lines {
    Box::new(lines.map(|line| {
        let text = String::from_utf8(line).expect("written as text");
        GB18030.encode(&text).0.into_owned()
    }))
}

fn text_result(order: &Order, paid: u32, paid_sum: Fen) -> Lines {
    let (key, count, total) = (&order.bank_key, order.count, order.total.get());
    let head = format!("R|{key}|{count}|{total}|{paid}|{}|\r\n", paid_sum.get());
    let row = |payment: Payment| {
        let (code, words) = if payment.sequence.is_multiple_of(2) {
            ("S000", "成功")
        } else {
            ("F003", "已销户")
        };
        let (account, name, fen) = (
            payment.account.clear(),
            payment.name.clear(),
            payment.amount.get(),
        );
        format!(
            "{:07}|{account}|{name}|{fen}|{code}|{words}|\r\n",
            payment.sequence
        )
    };
    gb18030(document(head, row, order, "########\r\n"))
}

fn text_returns(order: &Order) -> Lines {
    let key = order.bank_key.clone();
    let head = format!("T|{}|{}|\r\n", order.count, order.total.get());
    let row = move |payment: Payment| {
        let (account, fen) = (payment.account.clear(), payment.amount.get());
        format!(
            "{key}|{:07}|{account}|{fen}|T003|已销户|\r\n",
            payment.sequence
        )
    };
    gb18030(document(head, row, order, "########\r\n"))
}

fn xml_result(order: &Order, paid: u32, paid_sum: Fen) -> Lines {
    let (key, count, total) = (&order.bank_key, order.count, order.total);
    let refused = count - paid;
    let refused_sum = total.checked_sub(paid_sum).expect("a part of the whole");
    let of = |status: &str, count: u32, sum: Fen| {
        format!(
            "<NbOfTxsPerSts><DtldNbOfTxs>{count}</DtldNbOfTxs><DtldSts>{status}</DtldSts><DtldCtrlSum>{sum}</DtldCtrlSum></NbOfTxsPerSts>"
        )
    };
    let head = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Document xmlns=\"urn:iso:std:iso:20022:tech:xsd:pain.002.001.10\"><CstmrPmtStsRpt><GrpHdr><MsgId>R1</MsgId></GrpHdr>\
        <OrgnlGrpInfAndSts><OrgnlMsgId>{key}</OrgnlMsgId><OrgnlNbOfTxs>{count}</OrgnlNbOfTxs><OrgnlCtrlSum>{total}</OrgnlCtrlSum><GrpSts>PART</GrpSts></OrgnlGrpInfAndSts>\
        <OrgnlPmtInfAndSts><OrgnlPmtInfId>{key}</OrgnlPmtInfId><PmtInfSts>PART</PmtInfSts>{}{}",
        of("ACSC", paid, paid_sum),
        of("RJCT", refused, refused_sum),
    );
    let row = |payment: Payment| {
        let (status, reason) = if payment.sequence.is_multiple_of(2) {
            ("ACSC", "")
        } else {
            (
                "RJCT",
                "<StsRsnInf><Rsn><Cd>AC04</Cd></Rsn><AddtlInf>已销户</AddtlInf></StsRsnInf>",
            )
        };
        let reference = payment.reference;
        format!(
            "<TxInfAndSts><OrgnlEndToEndId>{reference}</OrgnlEndToEndId><TxSts>{status}</TxSts>{reason}</TxInfAndSts>\n"
        )
    };
    document(
        head,
        row,
        order,
        "</OrgnlPmtInfAndSts></CstmrPmtStsRpt></Document>",
    )
}

fn xml_returns(order: &Order) -> Lines {
    let key = order.bank_key.clone();
    let head = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Document xmlns=\"urn:iso:std:iso:20022:tech:xsd:camt.054.001.08\"><BkToCstmrDbtCdtNtfctn><GrpHdr><MsgId>N1</MsgId></GrpHdr>\
        <Ntfctn><Id>N1</Id><Ntry><Amt Ccy=\"CNY\">{}</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts>\
        <BkTxCd><Domn><Cd>PMNT</Cd><Fmly><Cd>ICDT</Cd><SubFmlyCd>RRTN</SubFmlyCd></Fmly></Domn></BkTxCd><NtryDtls><Btch><NbOfTxs>{}</NbOfTxs></Btch>",
        order.total, order.count,
    );
    let row = move |payment: Payment| {
        format!(
            "<TxDtls><Refs><PmtInfId>{key}</PmtInfId><EndToEndId>{}</EndToEndId></Refs><Amt Ccy=\"CNY\">{}</Amt><CdtDbtInd>CRDT</CdtDbtInd>\
            <RtrInf><Rsn><Cd>AC04</Cd></Rsn></RtrInf></TxDtls>\n",
            payment.reference, payment.amount
        )
    };
    document(
        head,
        row,
        order,
        "</NtryDtls></Ntry></Ntfctn></BkToCstmrDbtCdtNtfctn></Document>",
    )
}

/// Reads the pieces as one stream, holding one.
pub(crate) struct Lazy {
    lines: Lines,
    ready: Vec<u8>,
    at: usize,
}

impl Lazy {
    pub(crate) const fn new(lines: Lines) -> Self {
        Self {
            lines,
            ready: Vec::new(),
            at: 0,
        }
    }
}

impl Read for Lazy {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.at == self.ready.len() {
            (self.ready, self.at) = (self.lines.next().unwrap_or_default(), 0);
        }
        let mut left = self.ready.get(self.at..).unwrap_or_default();
        let read = left.read(into)?;
        self.at += read;
        Ok(read)
    }
}
