//! One roster in all its forms over the API: whichever comes first registers the workers, and every other finds them registered just so.

use std::io::Cursor;

use calamine::{Reader as _, Xlsx};
use serde_json::json;

use crate::{
    house::{Answer, House, NATIONAL_SECRET},
    samples,
};

const ROSTER: &str = "/v1/projects/P1/workers";
const XLSX: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

async fn import(house: &House, path: &str, content_type: &str, body: Vec<u8>) -> Answer {
    let headers = [("content-type", content_type)];
    house
        .as_user("operator")
        .ask_with("POST", path, &headers, body)
        .await
}

#[tokio::test]
async fn the_same_roster_in_any_form_is_the_same_registry() {
    assert_eq!(samples::SECRET, NATIONAL_SECRET);
    let house = House::open().await;
    let workers = async || house.as_user("finance").get(ROSTER).await.json();
    let json_form = "application/json";
    let first = import(&house, ROSTER, "text/csv", samples::good_csv()).await;
    assert_eq!(first.status, 200, "{first:?}");
    assert_eq!(first.json()["new"], json!(2));
    let registered = workers().await;
    assert_eq!(registered["items"][0]["card"]["kind"], json!("yunjianbao"));
    for (form, path, content_type, body) in [
        ("csv", ROSTER, "text/csv", samples::good_csv()),
        ("xlsx", ROSTER, XLSX, samples::good_xlsx()),
        (
            "xlsx by its bytes",
            ROSTER,
            "application/octet-stream",
            samples::good_xlsx(),
        ),
        ("JSON", ROSTER, json_form, samples::good_json()),
        (
            "national",
            "/v1/projects/P1/workers?form=national",
            json_form,
            samples::good_national(),
        ),
        (
            "envelope",
            ROSTER,
            "application/x-www-form-urlencoded",
            samples::envelopes(&samples::secret(), |_| {}),
        ),
    ] {
        let again = import(&house, path, content_type, body).await;
        assert_eq!(again.status, 200, "{form}: {again:?}");
        let told = again.json();
        let counts = [&told["new"], &told["changed"], &told["same"]].map(|n| n.as_u64().unwrap());
        assert_eq!(counts, [0, 0, 2], "{form}");
        assert_eq!(workers().await, registered, "{form}");
    }
}

#[tokio::test]
async fn a_roster_with_a_problem_registers_nobody_and_names_nobody() {
    let house = House::open().await;
    let bad = String::from_utf8(samples::good_csv())
        .unwrap()
        .replace("2026/3/1", "2026/2/30");
    let refused = import(&house, ROSTER, "text/csv", bad.into_bytes()).await;
    assert_eq!(refused.status, 422, "{refused:?}");
    let row = &refused.json()["rows"][0];
    assert_eq!(
        (&row["row"], &row["column"], &row["code"]),
        (&json!(3), &json!("进场日期"), &json!("date_form"))
    );
    assert!(!refused.text.contains("王芳") && !refused.text.contains(samples::WANG));
    let list = house.as_user("finance").get(ROSTER).await.json();
    assert_eq!(list["items"], json!([]));
    let foreign = "/v1/projects/P2/workers?form=national";
    let unsealed = import(
        &house,
        foreign,
        "application/json",
        samples::good_national(),
    )
    .await;
    assert_eq!(unsealed.status, 422, "{unsealed:?}");
    assert!(unsealed.text.contains("[[national]]"), "{unsealed:?}");
    let unsigned = samples::envelopes(&samples::secret(), |fields| {
        fields.insert("nonce", "0");
    });
    let form = "application/x-www-form-urlencoded";
    let unsigned = import(&house, ROSTER, form, unsigned).await;
    assert_eq!(unsigned.status, 422, "{unsigned:?}");
    assert!(unsigned.text.contains("signature"), "{unsigned:?}");
}

#[tokio::test]
async fn the_template_comes_over_the_api_and_from_the_command_line() {
    let house = House::open().await;
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("roster.xlsx");
    let output = house.command("clerk", &["template", "roster", file.to_str().unwrap()]);
    assert!(output.status.success(), "{output:?}");
    let mut workbook: Xlsx<_> = Xlsx::new(Cursor::new(std::fs::read(&file).unwrap())).unwrap();
    assert_eq!(workbook.sheet_names(), ["花名册", "填写说明"]);
    let headers = workbook.worksheet_range("花名册").unwrap();
    assert_eq!(headers.get_value((0, 2)).unwrap().to_string(), "身份证号*");
    let answer = house.as_user("clerk").get("/v1/templates/roster").await;
    assert_eq!((answer.status, answer.kind.as_str()), (200, XLSX));
}
