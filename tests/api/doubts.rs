//! The desk of two people from outside: who sees it, what a voice needs, and what follows.

use serde_json::{Value, json};

use crate::house::{Answer, House};

/// A house with a batch of project P1 whose instruction is in doubt, and a letter of the bank's that finance kept.
async fn doubtful() -> (House, i64, String) {
    let house = House::open().await;
    let batch = house.batch(2).await;
    let instruction = house.in_doubt(batch["code"].as_str().unwrap()).await;
    let letter = letter(&house, "finance", "未收到该批次").await;
    (house, instruction, letter)
}

async fn letter(house: &House, who: &str, words: &str) -> String {
    let kept = house
        .as_user(who)
        .ask_with(
            "POST",
            "/v1/evidence?project=P1",
            &[("content-type", "text/plain")],
            words.to_owned(),
        )
        .await;
    assert_eq!(kept.status, 201, "{kept:?}");
    kept.json()["hash"].as_str().unwrap().to_owned()
}

async fn says(house: &House, who: &str, path: &str, word: &Value) -> Answer {
    house
        .as_user(who)
        .post(&format!("/v1/doubts/{path}"), word.to_string())
        .await
}

#[tokio::test]
async fn the_desk_shows_each_their_own_and_names_nobody() {
    let (house, instruction, _) = doubtful().await;
    for (who, seen) in [
        ("finance", true),
        ("approver", true),
        ("supervisor", true),
        ("operator", true),
        ("finance2", false),
        ("supervisor2", false),
    ] {
        let list = house.as_user(who).get("/v1/doubts").await;
        assert_eq!(list.status, 200, "{who}: {list:?}");
        let items = list.json()["items"].as_array().unwrap().clone();
        assert_eq!(items.len(), usize::from(seen), "{who}: {items:?}");
        assert!(!list.text.contains("李一"), "{list:?}");
    }
    let one = house
        .as_user("finance")
        .get(&format!("/v1/doubts/{instruction}"))
        .await
        .json();
    assert_eq!(
        (&one["question"], &one["state"], &one["generation"]),
        (&json!("in_doubt"), &json!("in_doubt"), &json!(1))
    );
    assert_eq!(one["bank_says"], json!("asked"));
    assert!(one["under_way_until"].is_string(), "{one}");
    let wages = house.as_user("finance").get("/v1/contradictions").await;
    assert_eq!(wages.json(), json!({"items": [], "next": null}));
}

#[tokio::test]
async fn a_voice_without_a_document_or_a_reason_is_refused() {
    let (house, instruction, letter) = doubtful().await;
    let path = format!("{instruction}/propose");
    let unknown = "0".repeat(64);
    #[rustfmt::skip]
    let words = [
        (json!({"verdict": "not_arrived", "reason": "银行答复"}), 422, "not in the form"),
        (json!({"verdict": "not_arrived", "evidence": letter}), 422, "not in the form"),
        (json!({"verdict": "not_arrived", "evidence": letter, "reason": " "}), 422, "who at the bank said what"),
        (json!({"verdict": "not_arrived", "evidence": unknown, "reason": "银行答复"}), 422, "upload it first"),
        (json!({"verdict": "not_arrived", "evidence": "letter", "reason": "银行答复"}), 422, "64 hexadecimal digits"),
        (json!({"verdict": "lost", "evidence": letter, "reason": "银行答复"}), 422, "`verdict`"),
        (json!({"verdict": "arrived", "evidence": letter, "reason": "卡6225880000000012"}), 422, "names a person"),
    ];
    for (word, status, told) in words {
        let answer = says(&house, "finance", &path, &word).await;
        assert_eq!(answer.status, status, "{word}: {answer:?}");
        assert!(answer.text.contains(told), "{word}: {answer:?}");
    }
    let elsewhere = json!({"verdict": "arrived", "evidence": letter, "reason": "银行答复"});
    let answer = says(&house, "finance2", &path, &elsewhere).await;
    assert_eq!(answer.status, 403, "{answer:?}");
    let answer = says(&house, "clerk", &path, &elsewhere).await;
    assert_eq!(answer.status, 403, "{answer:?}");
}

#[tokio::test]
async fn two_people_decide_and_what_follows_is_there_at_once() {
    let (house, instruction, letter) = doubtful().await;
    let word = json!({"verdict": "not_arrived", "evidence": letter, "reason": "清算中心书面答复"});
    let seen = json!({"verdict": "not_arrived", "evidence": letter});
    let proposed = says(&house, "finance", &format!("{instruction}/propose"), &word).await;
    assert_eq!(proposed.status, 200, "{proposed:?}");
    assert_eq!(proposed.json()["proposal"]["verdict"], "not_arrived");
    let confirm = format!("{instruction}/confirm");
    let alone = says(&house, "finance", &confirm, &seen).await;
    assert_eq!(
        (alone.status, &alone.json()["type"]),
        (409, &json!("urn:wagegate:same-person"))
    );
    let other = json!({"verdict": "arrived", "evidence": letter});
    let other = says(&house, "approver", &confirm, &other).await;
    assert_eq!(
        (other.status, &other.json()["type"]),
        (409, &json!("urn:wagegate:other-proposal"))
    );
    let key = [("idempotency-key", "decided-once")];
    let approver = house.as_user("approver");
    let mut answers = Vec::new();
    for _ in 0..2 {
        let path = format!("/v1/doubts/{confirm}");
        let answer = approver
            .ask_with("POST", &path, &key, seen.to_string())
            .await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answers.push(answer.json());
    }
    assert_eq!(answers[0], answers[1]);
    assert_eq!(answers[0]["state"], "refused");
    let batch = answers[0]["batch"].as_str().unwrap();
    let path = format!("/v1/batches/{batch}/instructions");
    let instructions = house.as_user("finance").get(&path).await.json();
    let states: Vec<_> = instructions
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["state"].clone())
        .collect();
    assert_eq!(states, ["refused", "planned"]);
    // The second person looks at the document through the batch.
    let path = format!("/v1/batches/{batch}/evidence/{letter}");
    let document = house.as_user("approver").get(&path).await;
    assert_eq!(document.text, "未收到该批次");
    let late = says(&house, "finance", &format!("{instruction}/propose"), &word).await;
    assert_eq!(
        (late.status, &late.json()["type"]),
        (409, &json!("urn:wagegate:no-doubt"))
    );
    assert!(late.text.contains("无须决定"), "{late:?}");
}

#[tokio::test]
async fn the_same_on_the_command_line() {
    let (house, instruction, letter) = doubtful().await;
    let number = instruction.to_string();
    #[rustfmt::skip]
    let steps: [(&str, Vec<&str>, i32, &str); 8] = [
        ("finance", vec!["doubts"], 0, "存疑 in doubt"),
        ("finance", vec!["doubts", "wages"], 0, "次 attempt"),
        ("finance", vec!["doubts", "show", &number], 0, "wagegate doubts propose"),
        ("finance", vec!["doubts", "propose", &number, "--verdict", "arrived", "--evidence", &letter, "--reason", "银行电话确认后发函"], 0, "wagegate doubts confirm"),
        ("finance", vec!["doubts", "confirm", &number, "--verdict", "arrived", "--evidence", &letter], 1, "提出人不能确认"),
        ("finance", vec!["doubts", "withdraw", &number, "--reason", "材料有误"], 0, "撤回 withdraw"),
        ("approver", vec!["doubts", "propose", &number, "--verdict", "arrived", "--evidence", &letter, "--reason", "银行来函"], 0, "已到达 arrived"),
        ("finance", vec!["doubts", "confirm", &number, "--verdict", "arrived", "--evidence", &letter], 0, "accepted"),
    ];
    for (user, arguments, code, words) in steps {
        let done = house.command(user, &arguments);
        let said = String::from_utf8_lossy(&[done.stdout, done.stderr].concat()).into_owned();
        assert_eq!(done.status.code(), Some(code), "{arguments:?}: {said}");
        assert!(said.contains(words), "{arguments:?}: {said}");
    }
}
