//! Three steps by three people over the API, and what an approver looks at before.

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::house::{House, passing, sheet};

const P1_ACCOUNT: &str = "2400000000000001";

async fn step(house: &House, who: &str, batch: &Value, step: &str, word: Value) -> (u16, Value) {
    let code = batch["code"].as_str().unwrap();
    let path = format!("/v1/batches/{code}/{step}");
    let answer = house.as_user(who).post(&path, word.to_string()).await;
    (answer.status, answer.json())
}

async fn look(house: &House, who: &str, batch: &Value, what: &str) -> Value {
    let code = batch["code"].as_str().unwrap();
    let path = format!("/v1/batches/{code}{what}");
    house.as_user(who).get(&path).await.json()
}

#[tokio::test]
async fn a_sheet_is_reviewed_and_released_by_a_second_and_a_third_person() {
    let house = House::open().await;
    house.deposit("qingshan", P1_ACCOUNT, 2_000_000).await;
    let batch = house.batch(3).await;
    assert_eq!(
        (&batch["state"], &batch["rows"], &batch["total_fen"]),
        (&json!("awaiting_review"), &json!(3), &json!(1_200_003))
    );
    assert_eq!(batch["next"], json!({"step": "review", "role": "reviewer"}));
    assert!(batch["expires_at"].is_string(), "{batch}");
    for (who, path, word) in passing(&batch) {
        let answer = house.as_user(who).post(&path, word.clone()).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let again = house.as_user(who).post(&path, word).await;
        assert_eq!(
            (again.status, &again.json()["type"]),
            (409, &json!("urn:wagegate:not-now"))
        );
    }
    let released = look(&house, "clerk", &batch, "").await;
    assert_eq!(
        (
            &released["state"],
            &released["next"],
            &released["expires_at"]
        ),
        (&json!("released"), &Value::Null, &Value::Null)
    );
    let steps: Vec<_> = released["steps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|taken| {
            (
                taken["step"].as_str().unwrap(),
                taken["by"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        steps,
        [
            ("prepare", "wagegate://user/clerk"),
            ("review", "wagegate://user/reviewer"),
            ("release", "wagegate://user/approver"),
        ]
    );
    let accounts = house.as_user("finance").get("/v1/accounts").await.json()["items"].take();
    assert_eq!(accounts[0]["reserved_fen"], json!(1_200_003));
    assert_eq!(accounts[0]["free_fen"], json!(799_997));
}

#[tokio::test]
async fn a_word_binds_the_content() {
    let house = House::open().await;
    house.deposit("qingshan", P1_ACCOUNT, 1_200_003).await;
    let batch = house.batch(3).await;
    let seen = json!({"content": batch["content"]});
    let other = json!({"content": "00".repeat(32)});
    for (who, what, word, status, expected) in [
        (
            "reviewer",
            "review",
            &other,
            409,
            "urn:wagegate:content-differs",
        ),
        ("reviewer", "review", &seen, 200, ""),
        (
            "approver",
            "release",
            &other,
            409,
            "urn:wagegate:content-differs",
        ),
        ("approver", "release", &seen, 200, ""),
    ] {
        let (found, answer) = step(&house, who, &batch, what, word.clone()).await;
        let kind = answer["type"].as_str().unwrap_or_default();
        assert_eq!((found, kind), (status, expected), "{answer}");
    }
}

/// A batch that was released while its account lacked three fen.
async fn three_fen_short(house: &House) -> Value {
    house.deposit("qingshan", P1_ACCOUNT, 1_200_000).await;
    let batch = house.batch(3).await;
    let seen = json!({"content": batch["content"]});
    let (status, _) = step(house, "reviewer", &batch, "review", seen.clone()).await;
    assert_eq!(status, 200);
    let (status, released) = step(house, "approver", &batch, "release", seen).await;
    assert_eq!(status, 200);
    released
}

#[tokio::test]
async fn a_release_that_lacks_funds_waits_for_them_and_says_so_in_both_languages() {
    let house = House::open().await;
    let released = three_fen_short(&house).await;
    let shortage = &released["shortage"];
    assert_eq!(
        (&released["state"], &shortage["missing_fen"]),
        (&json!("awaiting_funds"), &json!(3))
    );
    let says = |field: &str, words: &str| shortage[field].as_str().unwrap().contains(words);
    assert!(says("message_zh", "工资专户尚差 0.03 元"), "{shortage}");
    assert!(
        says("message_en", "waits for 0.03 yuan on the special account"),
        "{shortage}"
    );
    assert_eq!(
        released["next"],
        json!({"step": "deposit", "role": "approver"})
    );
    let reason = released["steps"][2]["reason"].as_str().unwrap();
    assert!(reason.contains("lacks 0.03 yuan"), "{reason}");

    let account = async || {
        let accounts = house.as_user("finance").get("/v1/accounts").await.json();
        let account = &accounts["items"][0];
        assert_eq!(account["reserved_fen"], json!(0));
        assert_eq!(account["short_since"], shortage["since"]);
        (
            account["short_fen"].clone(),
            account["short_batches"].clone(),
        )
    };
    assert_eq!(account().await, (json!(3), json!(1)));
    let health = house.as_user("operator").get("/v1/health").await.json();
    let named = &health["accounts_short"][0];
    assert_eq!(
        (&health["status"], &named["project"], &named["missing_fen"]),
        (&json!("attention"), &json!("P1"), &json!(3))
    );
    house.deposit("qingshan", P1_ACCOUNT, 3).await;
    assert_eq!(account().await, (json!(0), json!(1)));
    let (status, back) = step(&house, "approver", &released, "undo", json!({})).await;
    assert_eq!(
        (status, &back["state"], &back["shortage"]),
        (200, &json!("awaiting_release"), &Value::Null)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_for_money_is_shown_on_the_command_line() {
    let house = House::open().await;
    let released = three_fen_short(&house).await;
    let code = released["code"].as_str().unwrap();
    for (user, line, status, words) in [
        ("approver", "batch CODE", 0, "已批准待资金 awaiting funds"),
        ("approver", "batch CODE", 0, "尚差 0.03 元"),
        ("approver", "batch CODE", 0, "wagegate undo"),
        ("finance", "accounts", 0, "0.03"),
        ("operator", "health", 5, "差 lacks 0.03 元 yuan"),
        (
            "clerk",
            "watch CODE --until-settled --within-s 0",
            6,
            "awaiting funds · 差 lacks 0.03 元 yuan",
        ),
    ] {
        let line = line.replace("CODE", code);
        let arguments: Vec<_> = line.split(' ').collect();
        let output = house.command(user, &arguments);
        assert_eq!(output.status.code(), Some(status), "{line}: {output:?}");
        let shown = [output.stdout, output.stderr].concat();
        let shown = String::from_utf8(shown).unwrap();
        assert!(shown.contains(words), "{line}: {shown}");
    }
}

#[tokio::test]
async fn a_refused_batch_says_why_and_frees_its_workers_for_another_sheet() {
    let house = House::open().await;
    let batch = house.batch(2).await;
    let clerk = house.as_user("clerk");
    let twice = clerk
        .post("/v1/batches?project=P1&month=2026-10", sheet(2))
        .await;
    assert_eq!(
        (twice.status, &twice.json()["type"]),
        (422, &json!("urn:wagegate:content"))
    );
    let word = json!({"reason": "工时不符"});
    let (status, _) = step(&house, "reviewer", &batch, "refuse", word).await;
    assert_eq!(status, 200);
    let refused = look(&house, "clerk", &batch, "").await;
    assert_eq!(
        (
            &refused["state"],
            &refused["steps"][1]["reason"],
            &refused["places"]["held"]["count"]
        ),
        (&json!("refused"), &json!("工时不符"), &json!(0))
    );
    let second = house.batch(2).await;
    let (status, withdrawn) = step(&house, "clerk", &second, "withdraw", json!({})).await;
    assert_eq!((status, &withdrawn["state"]), (200, &json!("withdrawn")));
}

#[tokio::test]
async fn a_release_is_taken_back_and_given_again() {
    let house = House::open().await;
    house.deposit("qingshan", P1_ACCOUNT, 2_000_000).await;
    let batch = house.batch(2).await;
    let seen = json!({"content": batch["content"]});
    for (who, what) in [("reviewer", "review"), ("approver", "release")] {
        assert_eq!(step(&house, who, &batch, what, seen.clone()).await.0, 200);
    }
    let word = json!({"reason": "等甲方"});
    let (status, back) = step(&house, "approver", &batch, "undo", word).await;
    assert_eq!(
        (
            status,
            &back["state"],
            &back["round"],
            &back["next"]["step"]
        ),
        (
            200,
            &json!("awaiting_release"),
            &json!(2),
            &json!("release")
        )
    );
    let accounts = house.as_user("finance").get("/v1/accounts").await.json()["items"].take();
    assert_eq!(accounts[0]["reserved_fen"], json!(0));
    let (status, again) = step(&house, "approver", &batch, "release", seen).await;
    assert_eq!((status, &again["steps"][4]["round"]), (200, &json!(2)));
}

#[tokio::test]
async fn the_approver_sees_what_changed_and_the_very_bytes() {
    let house = House::open().await;
    house.deposit("qingshan", P1_ACCOUNT, 20_000_000).await;
    let before = house.batch_of("2026-09", &sheet(3)).await;
    for (who, path, word) in passing(&before) {
        assert_eq!(house.as_user(who).post(&path, word).await.status, 200);
    }
    let now = sheet(4).replace("4000.01", "4100.01");
    let now: String = now
        .lines()
        .filter(|line| !line.contains("4000.02"))
        .fold(String::new(), |text, line| text + line + "\n");
    let batch = house.batch_of("2026-10", &now).await;
    let changes = look(&house, "approver", &batch, "/changes").await;
    let count = |kind: &str| changes[kind]["count"].as_u64().unwrap();
    assert_eq!(changes["against"], json!("2026-09"));
    assert_eq!(["new", "gone", "amount", "card"].map(count), [1, 1, 1, 0]);
    let workers = changes["workers"]["items"].as_array().unwrap();
    assert_eq!(
        (
            &workers[1]["kind"],
            &workers[1]["name"],
            &workers[1]["row"],
            &workers[1]["before_fen"]
        ),
        (
            &json!("gone"),
            &json!("李**"),
            &Value::Null,
            &json!(400_002)
        )
    );
    let page = look(&house, "approver", &batch, "/changes?limit=1").await;
    let next = page["workers"]["next"].as_str().unwrap();
    let page = look(
        &house,
        "approver",
        &batch,
        &format!("/changes?limit=1&after={next}"),
    )
    .await;
    assert_eq!(page["workers"]["items"][0], workers[1]);

    let preview = look(&house, "reviewer", &batch, "/preview").await;
    assert_eq!(
        (&preview["content"], &preview["cut_off"]),
        (&batch["content"], &json!("17:00"))
    );
    assert!(
        preview["arrives"].as_str() >= preview["day"].as_str() && preview["day"].is_string(),
        "{preview}"
    );
    let part = &preview["parts"][0];
    assert_eq!(
        (&part["rows"], &part["total_fen"]),
        (&batch["rows"], &batch["total_fen"])
    );
    let path = format!("/v1/batches/{}/preview/1", batch["code"].as_str().unwrap());
    let file = house.as_user("approver").get(&path).await;
    assert_eq!(file.kind, "application/octet-stream");
    assert_eq!(json!(hex::encode(Sha256::digest(&file.text))), part["hash"]);
    assert!(file.text.contains("李一"), "in clear, as the bank gets it");
    let refused = house.as_user("finance").get(&path).await;
    assert_eq!(refused.status, 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_stands_behind_a_batch_by_its_hash() {
    let house = House::open().await;
    let batch = house.batch(1).await;
    let path = format!(
        "/v1/batches/{}/evidence?kind=",
        batch["code"].as_str().unwrap()
    );
    let clerk = house.as_user("clerk");
    let taken = clerk
        .post(&format!("{path}signed_table"), "scan of the table")
        .await;
    assert_eq!(taken.status, 201, "{taken:?}");
    let hash = hex::encode(Sha256::digest("scan of the table"));
    let evidence = taken.json()["evidence"].clone();
    assert_eq!(
        (&evidence[0]["hash"], &evidence[0]["size"]),
        (&json!(hash), &json!(17))
    );
    // The same bytes behind it once more, as something else, from the store.
    let again = clerk
        .post(&format!("{path}attendance&hash={hash}"), "")
        .await;
    assert_eq!(
        again.json()["evidence"].as_array().unwrap().len(),
        2,
        "{again:?}"
    );
    // Who reads the batch reads the document, and the look is recorded.
    let code = batch["code"].as_str().unwrap();
    let document = format!("/v1/batches/{code}/evidence/{hash}");
    for (who, status) in [("approver", 200), ("supervisor", 200), ("contractor2", 403)] {
        let read = house.as_user(who).get(&document).await;
        assert_eq!(read.status, status, "{who}: {read:?}");
        assert_eq!(read.text == "scan of the table", status == 200, "{who}");
    }
    let absent = format!("/v1/batches/{code}/evidence/{}", "00".repeat(32));
    assert_eq!(clerk.get(&absent).await.status, 404);
    let looks = house.as_user("operator").get("/v1/audit").await;
    assert!(
        looks.text.contains("people.reveal") && looks.text.contains(&hash),
        "{looks:?}"
    );
    let to = house.file("document.bin");
    let to = to.to_str().unwrap();
    let fetched = house.command("reviewer", &["document", code, &hash[..16], to]);
    assert!(fetched.status.success(), "{fetched:?}");
    assert_eq!(std::fs::read(to).unwrap(), b"scan of the table");
    let mode =
        std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(to).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
}
