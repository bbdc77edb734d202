//! Every way by which people come in: each function takes people from the crowd and sends them in whole. A new input is one more function here and
//! one more line in [`everything`].

use std::fmt::Write as _;

use encoding_rs::GB18030;
use rust_xlsxwriter::Workbook;
use serde_json::{Value, json};

use crate::{
    crowd::{Crowd, Person},
    house::House,
};

const HEADER: [&str; 7] = [
    "姓名",
    "身份证号",
    "银行卡号",
    "手机号",
    "联行号",
    "实发工资",
    "备注",
];

/// Who came to a bank, by bank.
pub(crate) struct Paid {
    pub(crate) qingshan: Vec<Person>,
    pub(crate) bishui: Vec<Person>,
}

/// All inputs, one after the other; the wages are settled in between.
pub(crate) async fn everything(house: &House, crowd: &Crowd) -> Paid {
    let paid = Paid {
        qingshan: crowd.next(60),
        bishui: crowd.next(60),
    };
    let batch = csv_sheet(house, &paid.qingshan).await;
    house.release(&batch).await;
    house.release(&xlsx_sheet(house, &paid.bishui)).await;
    sheets_with_mistakes(house, &crowd.next(30)).await;
    sheets_that_cannot_be_read(house, &crowd.next(20)).await;
    refused_batch(house, &crowd.next(10)).await;
    misdirected_requests(house, &crowd.next(20)).await;
    misspelt_commands(house, &crowd.next(20));
    // From here on nobody is paid by the first project who is not on its roster.
    rosters(house, &crowd.next(20)).await;
    other_cards(house, &crowd.next(10)).await;
    subscriptions(house, &crowd.next(10)).await;
    house.settled();
    for bank in &house.banks {
        bank.control("settle", &Value::Null).await;
    }
    house
        .until("/v1/batches", |batches| {
            let batches = batches["items"].as_array().unwrap().iter();
            batches
                .filter(|batch| batch["places"]["returned"]["count"].as_u64() > Some(0))
                .count()
                == 2
        })
        .await;
    documents_of_banks(house, &batch, &crowd.next(30)).await;
    house
        .until("/v1/suspense", |found| {
            found["items"].as_array().unwrap().len() >= 6
        })
        .await;
    paid
}

pub(crate) fn csv(people: &[Person]) -> String {
    let mut text = HEADER.join(",") + "\n";
    for (person, fen) in people.iter().zip(10..) {
        let Person {
            name,
            id_number,
            card,
            phone,
        } = person;
        writeln!(
            text,
            "{name},{id_number},{card},{phone},313731010015,4321.{fen},班组 {name} {phone}"
        )
        .unwrap();
    }
    text
}

fn xlsx(people: &[Person]) -> Vec<u8> {
    let mut workbook = Workbook::new();
    let sheet = workbook.add_worksheet();
    for (line, row) in csv(people).lines().zip(0..) {
        for (cell, column) in line.split(',').zip(0..) {
            sheet.write(row, column, cell).unwrap();
        }
    }
    workbook.save_to_buffer().unwrap()
}

async fn csv_sheet(house: &House, people: &[Person]) -> Value {
    let path = "/v1/batches?project=P1&month=2026-10";
    let answer = house.ask("user-clerk", "POST", path, csv(people)).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    answer.json()
}

fn xlsx_sheet(house: &House, people: &[Person]) -> Value {
    let file = house.outside("sheet.xlsx", xlsx(people));
    house.does(
        "clerk",
        &["submit", &file, "--project", "P2", "--month", "2026-10"],
    )
}

/// Workers as JSON for the registry, and as the file that somebody uploads.
async fn rosters(house: &House, people: &[Person]) {
    let (here, file) = people.split_at(10);
    let rows = register(house, here).await;
    assert_eq!(register(house, here).await, rows);
    let header = "姓名,身份证号,手机号,银行卡号,进场日期\n";
    let text = file.iter().fold(header.to_owned(), |text, person| {
        let Person {
            name,
            id_number,
            card,
            phone,
        } = person;
        text + &format!("{name},{id_number},{phone},{card},2026-03-01\n")
    });
    let file = house.outside("roster.csv", text);
    house.does("clerk", &["import", "workers", &file, "--project", "P1"]);
    // Whoever is not well written down is refused.
    let mut wrong = rows.clone();
    for row in wrong.as_array_mut().unwrap() {
        row["id_number"] = row["phone"].take();
    }
    let answer = house.send_json("user-clerk", ROSTER, &wrong).await;
    assert_eq!(answer.status, 422, "{answer:?}");
}

const ROSTER: &str = "/v1/projects/P1/workers";

/// Enrols people, each with a card; gives the roster that was sent.
pub(crate) async fn register(house: &House, people: &[Person]) -> Value {
    let rows: Value = people
        .iter()
        .map(|person| {
            json!({"name": person.name, "id_number": person.id_number, "phone": person.phone, "card": person.card, "cnaps": "313731010015",
                "entered_on": "2025-12-01"})
        })
        .collect();
    let answer = house.send_json("user-clerk", ROSTER, &rows).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    rows
}

/// Workers of the roster name other cards.
async fn other_cards(house: &House, people: &[Person]) {
    let workers = house.ask("user-finance", "GET", ROSTER, "").await.json();
    for (worker, person) in workers["items"].as_array().unwrap().iter().zip(people) {
        let path = format!("{ROSTER}/{}/card", worker["id"]);
        let answer = house
            .send_json("user-finance", &path, &json!({"account": person.card}))
            .await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let wrong = json!({"account": person.phone, "cnaps": person.id_number});
        house.send_json("user-finance", &path, &wrong).await;
    }
}

/// Somebody wants to be told.
pub(crate) async fn subscribe(house: &House) {
    let wanted = json!({"url": "https://127.0.0.1:9/", "project": "P1"});
    let answer = house
        .send_json("user-finance", "/v1/webhooks", &wanted)
        .await;
    assert_eq!(answer.status, 201, "{answer:?}");
}

/// People where an address to tell is asked for.
async fn subscriptions(house: &House, people: &[Person]) {
    subscribe(house).await;
    for person in people {
        for wrong in [
            json!({"url": format!("http://127.0.0.1:9/{}", person.card)}),
            json!({"url": person.name, "kinds": [person.phone]}),
            json!({"url": "https://127.0.0.1:9/", "project": person.id_number}),
        ] {
            let answer = house
                .send_json("user-finance", "/v1/webhooks", &wrong)
                .await;
            assert!((400..500).contains(&answer.status), "{answer:?}");
        }
    }
}

/// Each row has another mistake; all its other values are as they should be.
fn mistaken(people: &[Person]) -> Vec<Person> {
    let spoilt = people.iter().zip(0..).map(|(person, number)| {
        let mut person = person.clone();
        let last = |text: &str| if text.ends_with('3') { "4" } else { "3" };
        match number % 5 {
            0 => {
                let end = last(&person.id_number);
                person.id_number.replace_range(17.., end);
            }
            1 => {
                let end = last(&person.card);
                person.card.replace_range(18.., end);
            }
            2 => person.name = format!("{}{}", person.name, person.phone),
            3 => person.card = format!("{} {}", person.card, person.phone),
            _ => person.id_number = person.phone.clone(),
        }
        person
    });
    spoilt.collect()
}

async fn sheets_with_mistakes(house: &House, people: &[Person]) {
    let people = mistaken(people);
    let sheet = csv(&people);
    let file = house.outside("mistakes.csv", &sheet);
    let book = house.outside("mistakes.xlsx", xlsx(&people));
    for sheet in [
        sheet.clone().into_bytes(),
        xlsx(&people),
        GB18030.encode(&sheet).0.into_owned(),
    ] {
        for path in ["/v1/batches", "/v1/batches/check"] {
            let path = format!("{path}?project=P1&month=2026-09");
            let answer = house.ask("user-clerk", "POST", &path, sheet.clone()).await;
            assert!([200, 422].contains(&answer.status), "{answer:?}");
        }
        // The clerk's own workbook with the reasons: shown to the clerk, and kept nowhere.
        let path = "/v1/batches/check?project=P1&month=2026-09&answer=xlsx";
        house
            .ask_in_private("user-clerk", "POST", path, sheet)
            .await;
    }
    for file in [&file, &book] {
        for command in ["submit", "errors"] {
            let refused = house.command(
                "clerk",
                &[command, file, "--project", "P1", "--month", "2026-09"],
            );
            assert!(!refused.status.success(), "{refused:?}");
        }
    }
    // Twice in one sheet, and again in a later sheet of the month.
    let twice = csv(&[&people[..1], &people[..1]].concat());
    let path = "/v1/batches?project=P1&month=2026-09";
    house.ask("user-clerk", "POST", path, twice).await;
}

async fn sheets_that_cannot_be_read(house: &House, people: &[Person]) {
    let text = csv(people);
    let whole = xlsx(people);
    let objects: Vec<Value> = people
        .iter()
        .map(|person| json!({"name": person.name, person.id_number.clone(): person.card, "phone": person.phone}))
        .collect();
    let sheets: Vec<Vec<u8>> = vec![
        text.lines().skip(1).collect::<Vec<_>>().join("\n").into(),
        text.replace(',', "\t\"").into(),
        whole[..whole.len() / 2].to_vec(),
        [b"PK\x03\x04", text.as_bytes()].concat(),
        json!(objects).to_string().into(),
        json!({"rows": objects, people[0].name.clone(): people[0].card})
            .to_string()
            .into(),
        text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
    ];
    for (sheet, number) in sheets.into_iter().zip(0..) {
        let path = "/v1/batches?project=P1&month=2026-08";
        let answer = house.ask("user-clerk", "POST", path, sheet.clone()).await;
        assert!((400..500).contains(&answer.status), "{answer:?}");
        let extension = if number < 4 { "csv" } else { "json" };
        let file = house.outside(&format!("unreadable-{number}.{extension}"), sheet);
        house.command(
            "clerk",
            &["errors", &file, "--project", "P1", "--month", "2026-08"],
        );
    }
    house
        .ask(
            "user-operator",
            "POST",
            "/v1/projects",
            json!(objects).to_string(),
        )
        .await;
    house
        .ask("user-operator", "POST", "/v1/regions", text)
        .await;
}

/// A batch is refused, and the reasons given name its people.
async fn refused_batch(house: &House, people: &[Person]) {
    let path = "/v1/batches?project=P1&month=2026-07";
    let batch = house
        .ask("user-clerk", "POST", path, csv(people))
        .await
        .json();
    let code = batch["code"].as_str().unwrap();
    for person in people {
        for value in [&person.name, &person.id_number, &person.card, &person.phone] {
            let word = json!({"reason": format!("{value}已离场,请核实")}).to_string();
            for (user, step) in [
                ("user-approver", "refuse"),
                ("user-reviewer", "refuse"),
                ("user-clerk", "withdraw"),
            ] {
                let path = format!("/v1/batches/{code}/{step}");
                let answer = house.ask(user, "POST", &path, word.clone()).await;
                assert_eq!(answer.status, 422, "{answer:?}");
            }
            house.command(
                "approver",
                &["refuse", code, "--reason", &format!("{value}: 不发")],
            );
        }
    }
    // In other words it is refused.
    house.does("approver", &["refuse", code, "--reason", "第3行已离场"]);
}

/// What callers put where it does not belong.
async fn misdirected_requests(house: &House, people: &[Person]) {
    for person in people {
        let Person {
            name,
            id_number,
            card,
            phone,
        } = person;
        for path in [
            format!("/v1/batches/{id_number}"),
            format!("/v1/batches/{card}/items"),
            format!("/v1/batches/{name}"),
            format!("/v1/failures?month=2026-10&after={phone}"),
            format!("/v1/batches?month={id_number}"),
            format!("/v1/{card}"),
            format!("/v1/rates?month=2026-10&{name}={phone}"),
        ] {
            for user in ["user-clerk", "user-operator"] {
                house.ask(user, "GET", &path, "").await;
            }
        }
        for path in [
            format!("/v1/principals/{id_number}"),
            format!("/v1/principals/{name}"),
        ] {
            house.ask("user-operator", "GET", &path, "").await;
        }
        for path in [
            format!("/v1/batches?project={id_number}&month=2026-10"),
            format!("/v1/batches?project=P1&month=2026-10&sum={card}x&leave_out={name}{phone}"),
            "/v1/batches/B-none/release".to_owned(),
            "/v1/principals".to_owned(),
        ] {
            let wrong = json!({"approve": name, id_number: card, "phone": phone});
            for user in ["user-clerk", "user-approver", "user-operator"] {
                house.ask(user, "POST", &path, wrong.to_string()).await;
            }
        }
        let deposit =
            json!({"account": card, "amount_fen": 1, "reference": name, "value_date": phone});
        let path = "/v1/bank/deposits";
        house
            .ask("bank-bishui-client", "POST", path, deposit.to_string())
            .await;
    }
}

/// The program is told of people where it wants something else.
fn misspelt_commands(house: &House, people: &[Person]) {
    for person in people {
        let Person {
            name,
            id_number,
            card,
            phone,
        } = person;
        for arguments in [
            vec!["batch", id_number],
            vec!["release", name, "--content", card],
            vec!["failures", "--month", phone],
            vec!["refuse", card, "--reason", name],
        ] {
            let refused = house.command("approver", &arguments);
            assert!(!refused.status.success(), "{arguments:?}: {refused:?}");
        }
    }
}

/// What banks push, with people in every place that has room for text.
async fn documents_of_banks(house: &House, batch: &Value, people: &[Person]) {
    let (lines, messages) = people.split_at(10);
    let mut rows = String::new();
    for (person, row) in lines.iter().zip(1..) {
        write!(
            rows,
            "{row:07}|{}|{}|100|F001|{}户名不符|\r\n",
            person.card, person.name, person.name
        )
        .unwrap();
    }
    let result = format!(
        "R|UNKNOWN1|{0}|{1}|0|0|\r\n{rows}########\r\n",
        lines.len(),
        lines.len() * 100
    );
    let broken = format!("R|UNKNOWN2|3|300|0|0|\r\n{rows}{rows}{}", people[0].card);
    let refund: String = lines.iter().fold(String::new(), |text, person| {
        text + &format!(
            "UNKNOWN3|{}|{}|100|T009|{}|\r\n",
            person.phone, person.card, person.name
        )
    });
    let refund = format!(
        "T|{}|{}|\r\n{refund}########\r\n",
        lines.len(),
        lines.len() * 100
    );
    for text in [
        result,
        broken,
        refund,
        format!("{}|{}", people[1].name, people[1].card),
    ] {
        let bytes = GB18030.encode(&text).0.into_owned();
        let path = "/v1/bank/returns";
        house.ask("bank-bishui-client", "POST", path, bytes).await;
    }
    let path = format!(
        "/v1/batches/{}/instructions",
        batch["code"].as_str().unwrap()
    );
    let sent = house.ask("user-clerk", "GET", &path, "").await.json();
    let key = sent[0]["bank_key"].as_str().unwrap().to_owned();
    let (ours, others) = messages.split_at(10);
    let right = camt(&key, ours);
    for document in [
        camt("UNKNOWN4", others),
        right.replace("</Document>", ""),
        right.replace("RtrInf", &format!("{}x", "RtrInf")),
        right,
    ] {
        house
            .ask("bank-qingshan-client", "POST", "/v1/bank/returns", document)
            .await;
    }
}

/// A notification of returns that says of each whose it is.
fn camt(key: &str, people: &[Person]) -> String {
    let details = people.iter().zip(1..).fold(String::new(), |text, (person, row)| {
        let Person {
            name,
            id_number,
            card,
            phone,
        } = person;
        text + &format!(
            "<TxDtls><Refs><PmtInfId>{key}</PmtInfId><EndToEndId>{key}{row:07}</EndToEndId></Refs><Amt Ccy=\"CNY\">4321.{:02}</Amt>\
             <CdtDbtInd>CRDT</CdtDbtInd><RltdPties><Cdtr><Pty><Nm>{name}</Nm></Pty></Cdtr><CdtrAcct><Id><Othr><Id>{card}</Id></Othr></Id></CdtrAcct></RltdPties>\
             <RtrInf><Rsn><Cd>BE01</Cd></Rsn><AddtlInf>{name} {card}</AddtlInf><AddtlInf>证件{id_number} 电话{phone}</AddtlInf></RtrInf>\
             <AddtlTxInf>{name},{card}</AddtlTxInf></TxDtls>",
            9 + row
        )
    });
    let sum: usize = people.iter().zip(10..).map(|(_, fen)| 432_100 + fen).sum();
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Document xmlns=\"urn:iso:std:iso:20022:tech:xsd:camt.054.001.08\"><BkToCstmrDbtCdtNtfctn>\
         <GrpHdr><MsgId>M{key}</MsgId><CreDtTm>2026-11-20T10:00:00</CreDtTm></GrpHdr><Ntfctn><Id>N</Id><Acct><Id><Othr><Id>2400000000000001</Id></Othr></Id></Acct>\
         <Ntry><Amt Ccy=\"CNY\">{}.{:02}</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts><BookgDt><Dt>2026-11-20</Dt></BookgDt>\
         <BkTxCd><Domn><Cd>PMNT</Cd><Fmly><Cd>ICDT</Cd><SubFmlyCd>RRTN</SubFmlyCd></Fmly></Domn></BkTxCd>\
         <NtryDtls><Btch><NbOfTxs>{}</NbOfTxs></Btch>{details}</NtryDtls></Ntry></Ntfctn></BkToCstmrDbtCdtNtfctn></Document>",
        sum / 100,
        sum % 100,
        people.len()
    )
}
