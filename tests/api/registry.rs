//! Who is who over the API and the command line: contractors, projects, rosters, workers and cards.

use serde_json::{Value, json};

use crate::house::{Answer, House, roster};

const JSON: (&str, &str) = ("content-type", "application/json");
const WORKERS: &str = "/v1/projects/P1/workers";

async fn import(house: &House, user: &str, roster: &Value) -> Answer {
    let body = roster.to_string();
    house
        .as_user(user)
        .ask_with("POST", WORKERS, &[JSON], body)
        .await
}

/// New, changed, same.
async fn counted(house: &House, roster: &Value) -> Value {
    let answer = import(house, "clerk", roster).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let told = answer.json();
    json!([told["new"], told["changed"], told["same"]])
}

#[tokio::test]
async fn a_roster_is_registered_and_every_change_is_a_version_with_who_and_when() {
    let house = House::open().await;
    let mut workers = roster(1..=3);
    assert_eq!(counted(&house, &workers).await, json!([3, 0, 0]));
    assert_eq!(counted(&house, &workers).await, json!([0, 0, 3]));
    workers[0]["left_on"] = json!("2026-06-30");
    workers[0]["attendance"] = json!([{"month": "2026-06", "days": 22}]);
    workers[1]["name"] = json!("李改名");
    assert_eq!(counted(&house, &workers).await, json!([0, 2, 1]));
    let list = house.as_user("supervisor").get(WORKERS).await;
    for clear in ["李一", "李改名", "53010219900101", "13900000001", "622588"] {
        assert!(!list.text.contains(clear), "{clear}: {}", list.text);
    }
    let first = &list.json()["items"][0];
    assert_eq!(
        (&first["name"], &first["phone"], &first["card"]["status"]),
        (&json!("李**"), &json!("****01"), &json!("unverified"))
    );
    let here = house
        .as_user("supervisor")
        .get(&format!("{WORKERS}?on_site=2026-07-01&limit=1"))
        .await
        .json();
    assert_ne!(here["items"][0]["id"], first["id"]);
    let next = here["next"].as_str().unwrap();
    let rest = format!("{WORKERS}?on_site=2026-07-01&limit=1&after={next}");
    let rest = house.as_user("supervisor").get(&rest).await.json();
    assert_eq!(
        (rest["items"].as_array().unwrap().len(), &rest["next"]),
        (1, &json!(null))
    );
    let record = house
        .as_user("supervisor")
        .get(&format!("{WORKERS}/{}", first["id"]))
        .await
        .json();
    assert_eq!(
        record["attendance"],
        json!([{"month": "2026-06", "days": 22}])
    );
    assert_eq!(record["stays"][0]["left_on"], json!("2026-06-30"));
    let versions: Vec<_> = record["versions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["kind"].as_str().unwrap(), one["by"].as_str().unwrap()))
        .collect();
    let by = "wagegate://user/clerk";
    assert_eq!(
        versions,
        [
            ("card", by),
            ("presence", by),
            ("worker", by),
            ("attendance", by),
            ("presence", by)
        ]
    );
}

#[tokio::test]
async fn a_roster_with_problems_is_refused_with_all_of_them_and_a_card_is_one_workers() {
    let house = House::open().await;
    let mut workers = roster(1..=2);
    workers[0]["id_number"] = json!("530102199001010011");
    workers[0]["entered_on"] = json!("yesterday");
    workers[1]["colour"] = json!("red");
    let refused = import(&house, "clerk", &workers).await;
    assert_eq!(refused.status, 422, "{refused:?}");
    let rows: Vec<_> = refused.json()["rows"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| (row["row"].clone(), row["column"].clone()))
        .collect();
    assert!(rows.contains(&(json!(1), json!("id_number"))), "{rows:?}");
    assert!(rows.contains(&(json!(1), json!("entered_on"))), "{rows:?}");
    assert!(rows.contains(&(json!(2), json!("colour"))), "{rows:?}");

    assert_eq!(counted(&house, &roster(1..=2)).await, json!([2, 0, 0]));
    let mut another = roster(3..=4);
    another[1]["card"] = roster(1..=1)[0]["card"].clone();
    let refused = import(&house, "clerk", &another).await;
    let told = refused.json();
    assert_eq!(
        (refused.status, &told["type"], &told["rows"][0]["row"]),
        (409, &json!("urn:wagegate:card-of-another"), &json!(2))
    );
    let list = house.as_user("clerk").get(WORKERS).await.json();
    assert_eq!(list["items"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn a_roster_comes_as_text_too() {
    let house = House::open().await;
    let text =
        "姓名,身份证号,进场日期,银行卡号,卡类型\n李一,53010219900101001X,2026-03-01,,社保卡\n";
    let id = roster(1..=1)[0]["id_number"].as_str().unwrap().to_owned();
    let text = text.replace("53010219900101001X", &id);
    let kind = ("content-type", "text/csv");
    let clerk = house.as_user("clerk");
    let taken = clerk.ask_with("POST", WORKERS, &[kind], text).await;
    assert_eq!(
        (taken.status, &taken.json()["new"]),
        (200, &json!(1)),
        "{taken:?}"
    );
    let broken = clerk.ask_with("POST", WORKERS, &[kind], "a,b\n1,2\n").await;
    assert_eq!(broken.status, 422, "{broken:?}");
}

#[tokio::test]
async fn a_card_is_refused_shown_to_work_and_replaced() {
    let house = House::open().await;
    let worker = house.enrol("P1", &roster(1..=2)).await;
    let card = worker["card"]["id"].clone();
    let finance = house.as_user("finance");
    let status = format!("/v1/cards/{card}/status");
    let refusals = [
        (json!({"status": "invalid"}), 422, "`reason`"),
        (json!({"status": "replaced"}), 422, "new one"),
        (json!({"status": "good"}), 422, "verified"),
        (
            json!({"status": "invalid", "reason": "BECAUSE"}),
            422,
            "CLOSED",
        ),
        (
            json!({"status": "verified", "evidence": "00"}),
            422,
            "64 hexadecimal",
        ),
        (
            json!({"status": "verified", "evidence": "00".repeat(32)}),
            422,
            "upload it first",
        ),
    ];
    for (body, code, words) in refusals {
        let answer = finance.post(&status, body.to_string()).await;
        assert_eq!(answer.status, code, "{body}: {answer:?}");
        assert!(answer.text.contains(words), "{body}: {answer:?}");
    }
    let refused = json!({"status": "invalid", "reason": "CLOSED"}).to_string();
    let answer = finance.post(&status, refused).await;
    assert_eq!(
        (answer.status, &answer.json()["status"]),
        (200, &json!("invalid"))
    );
    let bare = json!({"status": "verified"}).to_string();
    let answer = finance.post(&status, bare).await;
    assert_eq!(
        (answer.status, &answer.json()["type"]),
        (409, &json!("urn:wagegate:evidence-missing"))
    );
    let kept = finance.post("/v1/evidence", "a letter of the bank").await;
    assert_eq!(kept.status, 201, "{kept:?}");
    let shown = json!({"status": "verified", "evidence": kept.json()["hash"]}).to_string();
    let answer = finance.post(&status, shown).await;
    assert_eq!(
        (answer.status, &answer.json()["status"]),
        (200, &json!("verified"))
    );

    let path = format!("{WORKERS}/{}", worker["id"]);
    let other = roster(9..=9)[0]["card"].clone();
    let new = json!({"account": other, "kind": "social_security"}).to_string();
    let answer = finance.post(&format!("{path}/card"), new).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.json()["kind"], json!("social_security"));
    let taken = roster(2..=2)[0]["card"].clone();
    let taken = json!({"account": taken}).to_string();
    let answer = finance.post(&format!("{path}/card"), taken).await;
    assert_eq!(
        (answer.status, &answer.json()["type"]),
        (409, &json!("urn:wagegate:card-of-another"))
    );
    let record = finance.get(&path).await.json();
    let words: Vec<_> = record["cards"][0]["words"]
        .as_array()
        .unwrap()
        .iter()
        .map(|word| word["status"].as_str().unwrap())
        .collect();
    assert_eq!(words, ["unverified", "invalid", "verified", "replaced"]);
    assert_eq!(record["cards"][1]["card"]["current"], json!(true));
}

#[tokio::test]
async fn an_import_tells_every_fault_of_every_line_with_its_key_in_both_languages() {
    let house = House::open().await;
    let operator = house.as_user("operator");
    let contractor = json!([
        {"uscc": "91530902MA6K004010", "name": "某建设公司"},
        {"uscc": "91530902MA6K004011", "name": " "},
        {"uscc": "91530902MA6K004010", "name": "又一次"},
    ]);
    let answer = operator
        .post("/v1/contractors", contractor.to_string())
        .await;
    assert_eq!(answer.status, 422, "{answer:?}");
    let told = answer.json();
    let rows: Vec<_> = told["rows"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| {
            (
                row["row"].as_u64().unwrap(),
                row["column"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(rows, [(2, "uscc"), (2, "name"), (3, "uscc")]);
    let first = &told["rows"][0];
    for field in ["message_zh", "message_en"] {
        let words = first[field].as_str().unwrap();
        assert!(words.starts_with("91530902MA6K004011"), "{words}");
    }
    assert!(told["detail"].as_str().unwrap().starts_with("2 of 3 lines"));

    let project = |code: &str, region: &str, account: &str| {
        json!({"code": code, "name": "项目", "region": region, "contractor_uscc": "91530902MA6K004010", "contractor": "某建设公司",
            "bank": "qingshan", "account": account, "account_name": "专户", "aliases": ["短名"]})
    };
    let projects = json!([
        project("P7", "5301A1", "2400000000000007"),
        project("P1", "530102", "2400000000000008"),
        project("P8", "530102", "2400000000000001"),
    ]);
    let answer = operator.post("/v1/projects", projects.to_string()).await;
    let told = answer.json();
    assert_eq!(
        (answer.status, &told["type"]),
        (409, &json!("urn:wagegate:projects-refused"))
    );
    let rows: Vec<_> = told["rows"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| {
            (
                row["row"].as_u64().unwrap(),
                row["column"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(rows, [(1, "region"), (2, "account"), (3, "account")]);
    let park = json!([{"code": "5301A1", "name": "某工业园区", "base_projects": null}]);
    let answer = operator.post("/v1/regions", park.to_string()).await;
    assert_eq!(answer.json()["new"], json!(1), "{answer:?}");
    let good = json!([project("P7", "5301A1", "2400000000000007")]).to_string();
    let answer = operator.post("/v1/projects", good).await;
    assert_eq!(answer.json()["new"], json!(1), "{answer:?}");
    let seen = house.as_user("supervisor").get("/v1/projects").await.json()["items"].take();
    assert_eq!(
        (&seen[1]["code"], &seen[1]["aliases"]),
        (&json!("P7"), &json!(["短名"]))
    );
}

#[tokio::test]
async fn contractors_are_shown_to_whom_their_projects_are() {
    let house = House::open().await;
    let new = json!([{"uscc": "91530100MA6K00402W", "name": "别家"}]).to_string();
    let answer = house.as_user("operator").post("/v1/contractors", new).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    for (user, count) in [("operator", 2), ("clerk", 1), ("supervisor", 1)] {
        let page = house.as_user(user).get("/v1/contractors").await.json();
        assert_eq!(
            page["items"].as_array().unwrap().len(),
            count,
            "{user}: {page}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_registry_by_command_line() {
    let house = House::open().await;
    let file = house.write("roster.json", roster(1..=3).to_string());
    let text = |user: &str, arguments: &[&str]| {
        let output = house.command(user, arguments);
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let file = file.to_str().unwrap();
    let import = ["import", "workers", "--project", "P1", file];
    assert!(text("clerk", &import).contains("new 3"));
    assert!(text("clerk", &import).contains("same 3"));
    let shown = text("clerk", &["workers", "--project", "P1"]);
    assert!(shown.contains("李**") && shown.contains("3 人"), "{shown}");
    let list: Value =
        serde_json::from_str(&text("clerk", &["workers", "--project", "P1", "--json"])).unwrap();
    let (worker, card) = (list[0]["id"].to_string(), list[0]["card"]["id"].to_string());
    let letter = house.write("letter.txt", "the bank says that it works");
    let hash = text("finance", &["evidence", letter.to_str().unwrap()]);
    text(
        "finance",
        &["card", "status", &card, "invalid", "--reason", "LOST"],
    );
    let shown = text(
        "finance",
        &[
            "card",
            "status",
            &card,
            "verified",
            "--evidence",
            hash.trim(),
        ],
    );
    assert!(shown.contains("已核验 verified"), "{shown}");
    let shown = text("finance", &["worker", &worker, "--project", "P1"]);
    for words in ["LOST", "user/finance", "presence", "2026-03-01"] {
        assert!(shown.contains(words), "{words}: {shown}");
    }
    assert!(
        shown.lines().all(|line| line.chars().count() <= 100),
        "{shown}"
    );
    assert!(text("operator", &["contractors"]).contains("某建设公司"));
    let bad = house.write("bad.csv", "姓名,身份证号,进场日期\n李一,1,2026-03-01\n");
    let bad = bad.to_str().unwrap();
    let refused = house.command("clerk", &["import", "workers", "--project", "P1", bad]);
    assert_eq!(refused.status.code(), Some(3), "{refused:?}");
}

#[tokio::test]
async fn a_worker_on_anothers_site_keeps_name_and_verified_card() {
    let house = House::open().await;
    let worker = house.enrol("P1", &roster(1..=1)).await;
    let status = format!("/v1/cards/{}/status", worker["card"]["id"]);
    let finance = house.as_user("finance");
    let verified = json!({"status": "verified"}).to_string();
    assert_eq!(finance.post(&status, verified).await.status, 200);
    let (clerk2, theirs) = (house.as_user("contractor2"), "/v1/projects/P2/workers");
    let mut stolen = roster(1..=1);
    stolen[0]["name"] = json!("张冒名");
    stolen[0]["entered_on"] = json!("2026-02-01");
    stolen[0]["left_on"] = json!("2026-02-02");
    stolen[0]["card"] = roster(9..=9)[0]["card"].clone();
    let refused = clerk2
        .ask_with("POST", theirs, &[JSON], stolen.to_string())
        .await;
    let told = refused.json();
    assert_eq!(
        (refused.status, &told["type"], &told["rows"][0]["row"]),
        (409, &json!("urn:wagegate:on-site-elsewhere"), &json!(1)),
        "{refused:?}"
    );
    assert_eq!(
        (&told["rows"][0]["column"], &told["rows"][1]["column"]),
        (&json!("姓名"), &json!("银行卡号"))
    );
    for words in ["运维", "operator"] {
        assert!(refused.text.contains(words), "{words}: {refused:?}");
    }
    // That the worker was on their site too, long ago, gives them no say on the card.
    stolen[0]["name"] = roster(1..=1)[0]["name"].clone();
    stolen[0].as_object_mut().unwrap().remove("card");
    let taken = clerk2
        .ask_with("POST", theirs, &[JSON], stolen.to_string())
        .await;
    assert_eq!(taken.status, 200, "{taken:?}");
    let invalid = json!({"status": "invalid", "reason": "CLOSED"}).to_string();
    assert_eq!(clerk2.post(&status, invalid).await.status, 403);
    let new = json!({"account": roster(9..=9)[0]["card"]}).to_string();
    let replaced = clerk2
        .post(&format!("{theirs}/{}/card", worker["id"]), new)
        .await;
    assert_eq!(replaced.status, 422, "{replaced:?}");
    assert!(replaced.text.contains("180 days"), "{replaced:?}");
    let list = house.as_user("clerk").get(WORKERS).await.json();
    assert_eq!(
        (
            &list["items"][0]["name"],
            &list["items"][0]["card"]["status"]
        ),
        (&json!("李**"), &json!("verified"))
    );
}

#[tokio::test]
async fn a_document_of_another_project_is_no_evidence_here() {
    let house = House::open().await;
    let worker = house.enrol("P1", &roster(1..=1)).await;
    let status = format!("/v1/cards/{}/status", worker["card"]["id"]);
    let finance = house.as_user("finance");
    let theirs = house
        .as_user("contractor2")
        .post("/v1/evidence?project=P2", "a letter")
        .await;
    let mine = house
        .as_user("clerk")
        .post("/v1/evidence?project=P1", "another letter")
        .await;
    let foreign = house
        .as_user("clerk")
        .post("/v1/evidence?project=P2", "a third letter")
        .await;
    assert_eq!(
        (theirs.status, mine.status, foreign.status),
        (201, 201, 403)
    );
    for (kept, expected) in [(theirs, 422), (mine, 200)] {
        let shown = json!({"status": "verified", "evidence": kept.json()["hash"]}).to_string();
        let answer = finance.post(&status, shown).await;
        assert_eq!(answer.status, expected, "{answer:?}");
    }
}

#[tokio::test]
async fn an_import_of_too_many_lines_or_of_codes_that_nobody_reaches_is_refused() {
    let house = House::open().await;
    let operator = house.as_user("operator");
    let line = json!({"code": "", "name": "", "base_projects": null});
    let many = json!(vec![line.clone(); 100_001]).to_string();
    let answer = operator.post("/v1/regions", many).await;
    assert_eq!(answer.status, 422, "{answer:?}");
    assert!(answer.text.contains("100000") && answer.text.contains("split it"));
    let answer = operator
        .post("/v1/regions", json!(vec![line; 2_000]).to_string())
        .await;
    assert_eq!(answer.json()["rows"].as_array().unwrap().len(), 1_000);
    for code in ["A/1", "..", "项目一", "P\u{0}"] {
        let project = json!([{"code": code, "name": "项目", "region": "530102", "contractor_uscc": "91530902MA6K004010",
            "contractor": "某建设公司", "bank": "qingshan", "account": "2400000000000007", "account_name": "专户"}]);
        let answer = operator.post("/v1/projects", project.to_string()).await;
        assert_eq!(
            (answer.status, &answer.json()["rows"][0]["column"]),
            (422, &json!("code")),
            "{code}: {answer:?}"
        );
    }
    for (place, expected) in [
        (json!({"projects": ["NOSUCHPROJECT"]}), 422),
        (json!({"projects": ["P1", "P\u{0}"]}), 422),
        (json!({"projects": ["P1"]}), 200),
    ] {
        let answer = operator
            .post("/v1/principals/contractor2/scope", place.to_string())
            .await;
        assert_eq!(answer.status, expected, "{place}: {answer:?}");
    }
}
