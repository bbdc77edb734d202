//! Talking to the bank in both dialects: taken, refused, worked on, finished, returned; and the faults on demand.

mod common;

use common::{ACCOUNT, Running, gb, lines, pain};
use serde_json::json;

#[tokio::test]
async fn an_iso_instruction_is_taken_or_refused_for_the_reason_on_the_page() {
    let bank = Running::start("iso20022", "").await;
    let good = pain("A1", 3);
    let cases = [
        ("sum", good.replace("30.06", "30.05"), 422, "AM10"),
        (
            "count",
            good.replace("<NbOfTxs>3<", "<NbOfTxs>4<"),
            422,
            "AM18",
        ),
        (
            "one of two counts",
            good.replacen("<NbOfTxs>3<", "<NbOfTxs>4<", 1),
            422,
            "AM18",
        ),
        ("account", good.replace(ACCOUNT, "1"), 422, "AC01"),
        (
            "broken off",
            good[..good.len() - 20].to_owned(),
            422,
            "FF01",
        ),
        (
            "document type",
            good.replace("?>\n", "?>\n<!DOCTYPE Document>"),
            422,
            "FF01",
        ),
        ("currency", good.replace("CNY", "USD"), 422, "FF01"),
        ("same row twice", good.replace("A1E2", "A1E1"), 422, "FF01"),
        ("another reference", good.replace("A1<", "A2<"), 422, "FF01"),
        ("entity", good.replace("&amp;", "&who;"), 422, "FF01"),
        ("good", good.clone(), 202, "ACTC"),
        ("again", good.clone(), 409, "DU01"),
    ];
    for (name, body, status, code) in cases {
        let (got, text) = bank.post("/iso/instructions/A1", body).await.unwrap();
        assert_eq!(got, status, "{name}: {text}");
        assert!(text.contains(&format!(">{code}<")), "{name}: {text}");
    }
    assert_eq!(
        bank.post("/iso/instructions/A3", pain("A3", 99))
            .await
            .unwrap()
            .0,
        202
    );
}

#[tokio::test]
async fn money_held_for_taken_instructions_cannot_be_promised_twice() {
    let bank = Running::start("iso20022", "").await;
    for (reference, status) in [
        ("B1", 202),
        ("B2", 202),
        ("B3", 202),
        ("B4", 202),
        ("B5", 202),
        ("B6", 202),
        ("B7", 202),
    ] {
        assert_eq!(
            bank.post(
                &format!("/iso/instructions/{reference}"),
                pain(reference, 99)
            )
            .await
            .unwrap()
            .0,
            status
        );
    }
    for reference in ["B8", "B9"] {
        bank.post(
            &format!("/iso/instructions/{reference}"),
            pain(reference, 99),
        )
        .await
        .unwrap();
    }
    let (status, text) = bank
        .post("/iso/instructions/C1", pain("C1", 99))
        .await
        .unwrap();
    assert_eq!(status, 422);
    assert!(text.contains("AM04"), "{text}");
    assert_eq!(bank.get("/iso/instructions/C1").await.unwrap().0, 404);
    bank.control(
        "deposits",
        json!({"account": ACCOUNT, "amount_fen": 1_000_000, "reference": "D1"}),
    )
    .await;
    assert_eq!(
        bank.post("/iso/instructions/C1", pain("C1", 99))
            .await
            .unwrap()
            .0,
        202
    );
}

#[tokio::test]
async fn a_text_instruction_is_taken_or_refused_with_the_code_on_the_page() {
    let bank = Running::start("textfile", "").await;
    let good = lines("A1", 3);
    let poor = good.replace(
        "0000003|6222000000000003|张三|402731000018|1003",
        "0000003|6222000000000003|张三|402731000018|9999999",
    );
    let cases = [
        ("count", good.replace("|3|3006|", "|4|3006|"), 422, "0112"),
        ("sum", good.replace("|3|3006|", "|3|3007|"), 422, "0113"),
        (
            "money",
            poor.replace("|3|3006|", "|3|10002002|"),
            422,
            "0201",
        ),
        ("account", good.replace(ACCOUNT, "1"), 422, "0202"),
        ("unreadable", good.replace("########", "###"), 422, "0099"),
        ("good", good.clone(), 200, "0000"),
        ("again", good.clone(), 200, "0106"),
    ];
    for (name, text, status, code) in cases {
        let (got, reply) = bank.post("/text/batches/A1", gb(&text)).await.unwrap();
        assert_eq!((got, &reply[..4]), (status, code), "{name}");
        assert!(reply.ends_with("|\r\n"), "{name}");
    }
}

#[tokio::test]
async fn a_text_batch_is_worked_on_and_then_told_row_by_row() {
    let payees = "[[payee]]\naccount = \"6222000000000002\"\nreason = \"reported_lost\"\n\
                  [[payee]]\naccount = \"6222000000000003\"\nreason = \"closed\"\nlate = true\n";
    let bank = Running::start("textfile", payees).await;
    let told = |path| bank.get(path);
    assert_eq!(
        told("/text/batches/A1").await.unwrap(),
        (404, "0404|无此批次|\r\n".to_owned())
    );
    bank.post("/text/batches/A1", gb(&lines("A1", 3)))
        .await
        .unwrap();
    assert_eq!(
        told("/text/batches/A1").await.unwrap(),
        (202, "0002|处理中|\r\n".to_owned())
    );
    let result = "R|A1|3|3006|2|2004|\r\n0000001|6222000000000001|张三|1001|S000|成功|\r\n\
                  0000002|6222000000000002|张三|1002|F005|挂失|\r\n0000003|6222000000000003|张三|1003|S000|成功|\r\n########\r\n";
    assert_eq!(
        told("/text/batches/A1").await.unwrap(),
        (200, result.to_owned())
    );
    assert_eq!(told("/text/refunds?after=0").await.unwrap().0, 204);
    let response = bank
        .client
        .get(format!("{}/text/refunds?after=0", bank.base))
        .send()
        .await
        .unwrap();
    assert_eq!(response.headers()["next-cursor"], "1");
    let refund = gb("T|1|1003|\r\nA1|0000003|6222000000000003|1003|T003|已销户|\r\n########\r\n");
    assert_eq!(response.bytes().await.unwrap(), refund);
    assert_eq!(told("/text/refunds?after=1").await.unwrap().0, 204);
    let summary = bank.summary().await;
    assert_eq!(
        summary,
        json!({"instructions": 1, "debits": 2, "debit_fen": 2004, "returns": 1, "return_fen": 1003,
        "net_fen": 1001, "references_twice": 0})
    );
}

#[tokio::test]
async fn an_accepted_instruction_can_lose_its_answer_and_is_paid_all_the_same() {
    let bank = Running::start("iso20022", "").await;
    bank.control(
        "faults",
        json!({"fault": "accept_then_drop", "calls": "submit", "count": 1}),
    )
    .await;
    let error = bank
        .post("/iso/instructions/A1", pain("A1", 3))
        .await
        .unwrap_err();
    assert!(error.is_request() && error.status().is_none(), "{error:?}");
    assert_eq!(
        bank.post("/iso/instructions/A1", pain("A1", 3))
            .await
            .unwrap()
            .0,
        409
    );
    bank.control("settle", json!({})).await;
    assert_eq!(bank.summary().await["debit_fen"], 3006);
}

#[tokio::test]
async fn each_fault_shows_the_caller_what_it_says() {
    let bank = Running::start("iso20022", "").await;
    let fault = |name: &'static str, calls: &'static str| {
        bank.control("faults", json!({"fault": name, "calls": calls}))
    };
    let submit = |reference: &'static str| {
        bank.post(
            Box::leak(format!("/iso/instructions/{reference}").into_boxed_str()),
            pain(reference, 2),
        )
    };

    fault("drop_before_accept", "submit").await;
    assert!(submit("A1").await.unwrap_err().status().is_none());
    assert_eq!(bank.get("/iso/instructions/A1").await.unwrap().0, 404);

    fault("error_500", "submit").await;
    assert_eq!(submit("A1").await.unwrap().0, 500);
    assert_eq!(bank.get("/iso/instructions/A1").await.unwrap().0, 404);

    fault("error_503_after_accept", "submit").await;
    assert_eq!(submit("A1").await.unwrap().0, 503);
    assert_eq!(submit("A1").await.unwrap().0, 409);

    fault("garbage", "submit").await;
    let (status, text) = submit("A2").await.unwrap();
    assert!(
        status == 202 && !text.contains("pain.002"),
        "{status} {text}"
    );

    fault("wrong_reference", "submit").await;
    let (status, text) = submit("A3").await.unwrap();
    assert!(status == 202 && text.contains("<OrgnlMsgId>Z3<"), "{text}");

    fault("half_reply", "submit").await;
    let sent = bank
        .client
        .post(format!("{}/iso/instructions/A4", bank.base))
        .body(pain("A4", 2))
        .send()
        .await;
    let sent = sent.expect("the head arrives");
    assert_eq!(sent.status(), 202);
    assert!(sent.bytes().await.is_err(), "the body breaks off");
    assert_eq!(submit("A4").await.unwrap().0, 409);

    bank.control(
        "faults",
        json!({"fault": "slow", "calls": "query", "ms": 300}),
    )
    .await;
    let asked = std::time::Instant::now();
    assert_eq!(bank.get("/iso/instructions/A1").await.unwrap().0, 200);
    assert!(asked.elapsed() >= std::time::Duration::from_millis(300));
}

#[tokio::test]
async fn a_bank_that_does_not_look_for_duplicates_pays_twice_and_its_ledger_says_so() {
    let bank = Running::start("textfile", "deduplicates = false\nwork_polls = 0\n").await;
    for _ in 0..2 {
        let reply = bank
            .post("/text/batches/A1", gb(&lines("A1", 3)))
            .await
            .unwrap();
        assert_eq!(&reply.1[..4], "0000");
    }
    let summary = bank.summary().await;
    assert_eq!(
        (&summary["debits"], &summary["references_twice"]),
        (&json!(6), &json!(3))
    );
}

#[tokio::test]
async fn the_ledger_is_copied_to_the_journal_and_the_bank_stops_when_asked() {
    let authority = common::Authority::new();
    let bank = Running::start_with(
        authority,
        "iso20022",
        "work_polls = 0\n",
        &["--journal", "journal.jsonl"],
    )
    .await;
    bank.post("/iso/instructions/A1", pain("A1", 3))
        .await
        .unwrap();
    let ledger = bank.read("ledger").await;
    assert_eq!(ledger.lines().count(), 3);
    assert_eq!(
        std::fs::read_to_string(bank.authority.path("journal.jsonl")).unwrap(),
        ledger
    );
    assert!(bank.stop());
}

#[tokio::test]
async fn a_report_can_list_only_the_rejects_and_quotes_the_version_that_came() {
    let settings =
        "list = \"rejects\"\n[[payee]]\naccount = \"6222000000000002\"\nreason = \"wrong_type\"\n";
    let bank = Running::start("iso20022", settings).await;
    let old = pain("A1", 3).replace("pain.001.001.09", "pain.001.001.03");
    assert_eq!(bank.post("/iso/instructions/A1", old).await.unwrap().0, 202);
    let (status, working) = bank.get("/iso/instructions/A1").await.unwrap();
    assert!(
        status == 200 && working.contains("<GrpSts>ACSP<"),
        "{working}"
    );
    let (_, report) = bank.get("/iso/instructions/A1").await.unwrap();
    let expected = [
        "<OrgnlMsgNmId>pain.001.001.03<",
        "<OrgnlNbOfTxs>3<",
        "<OrgnlCtrlSum>30.06<",
        "<DtldNbOfTxs>2</DtldNbOfTxs><DtldSts>ACSC</DtldSts><DtldCtrlSum>20.04<",
        "<OrgnlEndToEndId>A1E2</OrgnlEndToEndId><TxSts>RJCT</TxSts><StsRsnInf><Rsn><Cd>AG01<",
    ];
    for part in expected {
        assert!(report.contains(part), "{part}: {report}");
    }
    assert_eq!(report.matches("<TxInfAndSts>").count(), 1);
}

#[tokio::test]
async fn a_file_with_more_rows_than_the_page_allows_is_refused() {
    let bank = Running::start("textfile", "").await;
    let (status, reply) = bank
        .post("/text/batches/A1", gb(&lines("A1", 1_001)))
        .await
        .unwrap();
    assert_eq!((status, &reply[..4]), (422, "0099"));
}

#[tokio::test]
async fn work_that_takes_time_is_done_without_being_asked_about() {
    let bank = Running::start("iso20022", "work_polls = 0\nwork_ms = 300\n").await;
    bank.post("/iso/instructions/A1", pain("A1", 3))
        .await
        .unwrap();
    let (_, early) = bank.get("/iso/instructions/A1").await.unwrap();
    assert!(early.contains("ACSP") || early.contains("ACSC"));
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while bank.summary().await["debits"] != 3 {
        assert!(
            std::time::Instant::now() < deadline,
            "the work was never done"
        );
    }
}

#[tokio::test]
async fn a_bank_that_is_asked_about_days_knows_only_what_came_on_them() {
    for (dialect, path, body) in [
        ("iso20022", "/iso/instructions", pain("N1", 2).into_bytes()),
        ("textfile", "/text/batches", gb(&lines("N1", 2))),
    ] {
        let bank = Running::start(dialect, "work_polls = 0").await;
        let day = async |day: &str| bank.control("today", json!({"day": day})).await;
        day("2026-11-02").await;
        assert!(bank.post(&format!("{path}/N1"), body).await.unwrap().0 < 300);
        // Midnight passes.
        day("2026-11-03").await;
        for (days, status) in [
            ("", 200),
            ("?from=2026-11-01&to=2026-11-03", 200),
            ("?from=2026-11-02&to=2026-11-02", 200),
            ("?from=2026-11-03&to=2026-11-04", 404),
            ("?from=2026-10-30&to=2026-11-01", 404),
            ("?from=2026-11-03&to=2026-11-01", 400),
            ("?from=2026-11-01", 400),
            ("?from=1.11.&to=2026-11-03", 400),
        ] {
            let (found, text) = bank.get(&format!("{path}/N1{days}")).await.unwrap();
            assert_eq!(found, status, "{dialect} {days}: {text}");
        }
    }
}
