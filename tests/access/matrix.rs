//! Every door × every role × {own, foreign, absent}, compared with the table of access.

use serde_json::{Value, json};
use wagegate::{
    http::doors::{DOORS, Door},
    security::{access::Action, principal::Role},
};

use crate::{
    house::{Answer, Client, House, roster, sheet},
    ways::{Names, WAYS, Way},
};

fn way_of(door: &Door) -> Option<&'static Way> {
    WAYS.iter()
        .find(|way| (way.method, way.door) == (door.method, door.path))
}

#[test]
fn every_door_has_a_way_and_every_way_a_door() {
    let without = DOORS.iter().filter(|door| way_of(door).is_none());
    let without: Vec<_> = without
        .map(|door| format!("{} {}", door.method, door.path))
        .collect();
    assert!(
        without.is_empty(),
        "no line in tests/access/ways.rs says how to reach: {}",
        without.join(", ")
    );
    let is_door = |way: &&Way| {
        DOORS
            .iter()
            .any(|door| (way.method, way.door) == (door.method, door.path))
    };
    let idle: Vec<_> = WAYS
        .iter()
        .filter(|way| !is_door(way))
        .map(|way| way.door)
        .collect();
    assert!(
        idle.is_empty(),
        "lines of tests/access/ways.rs whose door is gone: {idle:?}"
    );
}

/// Everything named in own scope, outside it, and nowhere; the callers' scope is project P1, prefecture 530100, bank qingshan.
struct World {
    house: House,
    own: Names,
    foreign: Names,
    absent: Names,
}

impl World {
    async fn open() -> Self {
        let house = House::open().await;
        let own = house.batch(2).await;
        let foreign = house
            .as_user("contractor2")
            .post("/v1/batches?project=P2&month=2026-10", with_bank_numbers())
            .await;
        assert_eq!(foreign.status, 201, "{foreign:?}");
        let operator = house.as_user("operator");
        let about = async |project: &str| subscribed(&operator, project).await;
        let code = |batch: &Value| batch["code"].as_str().unwrap().to_owned();
        let [here, there] = [
            house.enrol("P1", &roster(1..=2)).await,
            house.enrol("P2", &roster(3..=4)).await,
        ];
        let instruction = async |batch: &Value| {
            let code = batch["code"].as_str().unwrap();
            house.in_doubt(code).await.to_string()
        };
        let worker = |worker: &Value| worker["id"].to_string();
        let card = |worker: &Value| worker["card"]["id"].to_string();
        Self {
            own: Names {
                batch: code(&own),
                project: "P1",
                account: "2400000000000001",
                bank: "qingshan",
                worker: worker(&here),
                card: card(&here),
                instruction: instruction(&own).await,
                webhook: about("P1").await,
            },
            foreign: Names {
                batch: code(&foreign.json()),
                project: "P2",
                account: "2400000000000002",
                bank: "bishui",
                worker: worker(&there),
                card: card(&there),
                instruction: instruction(&foreign.json()).await,
                webhook: about("P2").await,
            },
            absent: Names {
                batch: "B-none".into(),
                project: "P9",
                account: "2400000000000009",
                bank: "nobank",
                worker: "9000009".into(),
                card: "9000009".into(),
                instruction: "9000009".into(),
                webhook: format!("wh_{}", "0".repeat(32)),
            },
            house,
        }
    }

    /// The same, where only who made a subscription changes it.
    async fn own_of(&self, caller: &Client<'_>, role: Role) -> Names {
        let mut own = self.own.clone();
        if Action::ManageWebhooks.roles().contains(&role) {
            own.webhook = subscribed(caller, "P1").await;
        }
        own
    }

    fn caller(&self, role: Role) -> Client<'_> {
        match role {
            Role::Bank => self.house.as_bank("qingshan"),
            Role::Operator
            | Role::Clerk
            | Role::Reviewer
            | Role::Approver
            | Role::Finance
            | Role::Supervisor => self.house.as_user(role.code()),
        }
    }
}

async fn subscribed(caller: &Client<'_>, project: &str) -> String {
    let wanted = json!({"url": "https://127.0.0.1:9/", "project": project});
    let made = caller.post("/v1/webhooks", wanted.to_string()).await;
    made.json()["webhook"]["id"].as_str().unwrap().to_owned()
}

/// The bank of project P2 wants each card's bank number.
fn with_bank_numbers() -> String {
    let sheet = sheet(2);
    let lines = sheet.lines().enumerate();
    let column = |line| {
        if line == 0 {
            "联行号"
        } else {
            "402731000018"
        }
    };
    lines
        .map(|(line, text)| format!("{text},{}\n", column(line)))
        .collect()
}

async fn ask(caller: &Client<'_>, way: &Way, names: &Names) -> Answer {
    let headers = [("content-type", way.kind)];
    let headers = if way.kind.is_empty() {
        &headers[..0]
    } else {
        &headers
    };
    let (path, body) = (names.put_into(way.asks), names.put_into(way.body));
    caller.ask_with(way.method, &path, headers, body).await
}

/// Got past role and scope, to whatever the content deserves.
fn is_in(answer: &Answer) -> bool {
    !matches!(answer.status, 401 | 403 | 404 | 405 | 406 | 415) && answer.status < 500
}

/// What a refusal tells, without the names that the caller gave.
fn told(answer: &Answer, names: &Names) -> (u16, String) {
    (answer.status, names.taken_out_of(&answer.text))
}

fn short(answer: &Answer) -> String {
    let text: String = answer.text.chars().take(160).collect();
    format!("{} {text}", answer.status)
}

#[tokio::test]
async fn every_door_lets_in_whom_the_table_names_where_their_scope_is_and_nobody_else() {
    let world = World::open().await;
    let mut wrong = Vec::new();
    for role in Role::ALL {
        let caller = world.caller(role);
        let own = world.own_of(&caller, role).await;
        for door in DOORS {
            let Some(way) = way_of(door) else {
                continue; // named by the test above
            };
            for fault in faults(&world, &own, &caller, role, (door, way)).await {
                wrong.push(format!(
                    "{} {} as {}: {fault}",
                    door.method,
                    door.path,
                    role.code()
                ));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "{} doors stand wrong:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

/// What is wrong with one door for one role.
async fn faults(
    world: &World,
    names: &Names,
    caller: &Client<'_>,
    role: Role,
    (door, way): (&Door, &Way),
) -> Vec<String> {
    let mut faults = Vec::new();
    let own = ask(caller, way, names).await;
    if !door.action.roles().contains(&role) {
        for names in [names, &world.foreign, &world.absent] {
            let answer = ask(caller, way, names).await;
            if answer.status != 403 || !answer.text.contains("this role may not do this") {
                faults.push(format!("the table refuses the role; {}", short(&answer)));
            }
        }
        return faults;
    }
    if !is_in(&own) {
        faults.push(format!("the table lets it in; {}", short(&own)));
    }
    if way.names_something() {
        let foreign = ask(caller, way, &world.foreign).await;
        let absent = ask(caller, way, &world.absent).await;
        let sees_all = role == Role::Operator;
        if sees_all != is_in(&foreign) {
            faults.push(format!("outside its scope: {}", short(&foreign)));
        }
        if is_in(&absent) || absent.status >= 500 {
            faults.push(format!("what does not exist: {}", short(&absent)));
        }
        if !sees_all && told(&foreign, &world.foreign) != told(&absent, &world.absent) {
            faults.push(format!(
                "foreign and absent can be told apart: {}; {}",
                short(&foreign),
                short(&absent)
            ));
        }
    }
    faults
}

#[tokio::test]
async fn who_is_no_operator_is_told_that_all_is_well_and_no_more() {
    let house = House::open().await;
    for somebody in [house.as_bank("qingshan"), house.as_user("clerk")] {
        let told = somebody.get("/v1/health").await;
        assert_eq!((told.status, told.text.as_str()), (200, r#"{"well":true}"#));
    }
    let whole = house.as_user("operator").get("/v1/health").await.json();
    assert_eq!(whole["status"], "ok");
}
