//! What the bank tells of its own accord: deposits, results and returns, until the gateway says 202.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot set the scene has failed"
)]

mod common;

use std::sync::Mutex;

use actix_web::web::{self, Bytes, Data};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer};
use common::{Authority, GATEWAY, Running, gb, lines, pain};
use serde_json::json;

/// What a gateway heard, and how many times more it will turn a push away.
#[derive(Default)]
struct Ear {
    heard: Mutex<Vec<(String, String, String)>>,
    refusals: Mutex<u32>,
}

async fn hear(ear: Data<Ear>, request: HttpRequest, body: Bytes) -> HttpResponse {
    let mut refusals = ear.refusals.lock().unwrap();
    if *refusals > 0 {
        *refusals -= 1;
        return HttpResponse::ServiceUnavailable().finish();
    }
    let media = request
        .headers()
        .get("content-type")
        .unwrap()
        .to_str()
        .unwrap()
        .to_owned();
    let text = String::from_utf8(body.to_vec())
        .unwrap_or_else(|_| encoding_rs::GB18030.decode(&body).0.into_owned());
    ear.heard
        .lock()
        .unwrap()
        .push((request.path().to_owned(), media, text));
    HttpResponse::Accepted().finish()
}

async fn bank_and_gateway(dialect: &str, behaviour: &str) -> (Running, Data<Ear>) {
    common::provider();
    let authority = Authority::new();
    authority.sign("gateway", GATEWAY);
    let [cert, key, ca] = ["gateway.pem", "gateway.key", "ca.pem"].map(|name| authority.path(name));
    let config = banksim::tls::server_config(&cert, &key, &ca, None).unwrap();
    let ear = Data::new(Ear::default());
    let shared = ear.clone();
    let app = move || {
        App::new()
            .app_data(shared.clone())
            .default_service(web::to(hear))
    };
    let server = HttpServer::new(app).workers(1).disable_signals();
    let server = server.bind_rustls_0_23("127.0.0.1:0", config).unwrap();
    let url = format!("https://{}", server.addrs()[0]);
    actix_web::rt::spawn(server.run());
    let more = [
        "--push-url",
        &url,
        "--push-ca",
        "ca.pem",
        "--push-cert",
        "bank.pem",
        "--push-key",
        "bank.key",
    ];
    (
        Running::start_with(authority, dialect, behaviour, &more).await,
        ear,
    )
}

impl Ear {
    fn documents(&self) -> Vec<String> {
        let heard = self.heard.lock().unwrap();
        heard
            .iter()
            .filter(|(path, ..)| path == "/v1/bank/returns")
            .map(|(.., text)| text.clone())
            .collect()
    }
}

#[actix_web::test]
async fn deposits_are_told_with_a_reference_of_their_own() {
    let (bank, ear) = bank_and_gateway("iso20022", "").await;
    bank.control(
        "deposits",
        json!({"account": common::ACCOUNT, "amount_fen": 5, "reference": "D1"}),
    )
    .await;
    bank.control("settle", json!({})).await;
    let heard = ear.heard.lock().unwrap().clone();
    let told: Vec<serde_json::Value> = heard
        .iter()
        .map(|(.., text)| serde_json::from_str(text).unwrap())
        .collect();
    assert!(heard.iter().all(|(path, ..)| path == "/v1/bank/deposits"));
    assert_eq!(
        (&told[0]["amount_fen"], &told[1]["reference"]),
        (&json!(1_000_000), &json!("D1"))
    );
    assert_ne!(told[0]["reference"], told[1]["reference"]);
    assert_eq!(told[1]["value_date"].as_str().unwrap().len(), 10);
}

#[actix_web::test]
async fn a_push_that_is_turned_away_comes_again() {
    let (bank, ear) = bank_and_gateway("textfile", "push_results = true\nwork_polls = 0\n").await;
    bank.control("settle", json!({})).await;
    *ear.refusals.lock().unwrap() = 2;
    bank.post("/text/batches/A1", gb(&lines("A1", 2)))
        .await
        .unwrap();
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while ear.documents().is_empty() {
        assert!(std::time::Instant::now() < deadline, "never pushed again");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    assert_eq!(ear.documents().len(), 1);
    assert!(ear.documents()[0].starts_with("R|A1|2|2003|2|2003|\r\n"));
}

#[actix_web::test]
async fn a_result_can_come_in_parts_out_of_order_and_twice() {
    let settings = "push_results = true\nsplit_results = 3\nduplicate_results = true\n";
    let (bank, ear) = bank_and_gateway("iso20022", settings).await;
    bank.post("/iso/instructions/A1", pain("A1", 4))
        .await
        .unwrap();
    bank.control("settle", json!({})).await;
    let documents = ear.documents();
    assert_eq!(documents.len(), 6);
    assert!(documents.iter().all(|text| text.contains("<GrpSts>PART<")));
    let listed = |text: &String| -> Vec<bool> {
        (1..=4)
            .map(|row| text.contains(&format!(">A1E{row}<")))
            .collect()
    };
    assert_eq!(listed(&documents[0]), [false, false, true, false]);
    assert_eq!(documents[0], documents[1]);
    assert_eq!(listed(&documents[4]), [true, false, false, true]);
    assert!(documents[4].contains("<DtldNbOfTxs>2</DtldNbOfTxs><DtldSts>PDNG<"));
    let (_, whole) = bank.get("/iso/instructions/A1").await.unwrap();
    assert!(whole.contains("<GrpSts>ACSC<"), "{whole}");
}

#[actix_web::test]
async fn returns_are_pushed_and_can_still_be_collected() {
    let settings = "push_returns = true\nreturns_after_polls = 5\n[late_return]\nclosed = 1000\n";
    let (bank, ear) = bank_and_gateway("iso20022", settings).await;
    bank.post("/iso/instructions/A1", pain("A1", 2))
        .await
        .unwrap();
    bank.control("advance", json!({"polls": 4})).await;
    assert!(ear.documents().is_empty());
    bank.control("settle", json!({})).await;
    let documents = ear.documents();
    assert!(documents[0].contains("<NbOfTxs>2<") && documents[0].contains("<Cd>AC04<"));
    assert_eq!(
        bank.get("/iso/notifications?after=0").await.unwrap(),
        (200, documents[0].clone())
    );
    assert_eq!(bank.summary().await["net_fen"], 0);
}
