//! The command line against a running gateway: what it prints and how it ends.

use std::{fs, os::unix::fs::PermissionsExt as _, process::Output};

use serde_json::{Value, json};

use crate::house::{House, sheet};

fn text(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn json_of(output: &Output) -> Value {
    serde_json::from_str(&text(output)).unwrap_or_else(|error| panic!("{error}: {output:?}"))
}

/// Who looks at what, and words that must be shown.
#[rustfmt::skip]
const LOOKS: &[(&str, &str, &str)] = &[
    ("clerk",      "batches",                    "12000.03"),
    ("supervisor", "rates --month 2026-10",      "甲市"),
    ("finance",    "failures --month 2026-10",   "原因 reason"),
    ("finance",    "accounts",                   "7999.97"),
    ("operator",   "outcomes",                   "待发 held"),
    ("operator",   "suspense",                   "原因 why"),
    ("operator",   "audit verify",               "whole"),
    ("operator",   "recount",                    "adds up"),
    ("operator",   "banks",                      "未用 new"),
    ("operator",   "tasks",                      "原因 why"),
    ("operator",   "metrics",                    "wagegate_store_reachable 1"),
    ("operator",   "health",                     "gateway at qingshan"),
    ("clerk",      "health",                     "正常 the gateway is well"),
    ("finance",    "rates --month 2026-10",      "P1"),
    ("clerk",      "batches --wide",             "待发 held"),
    ("clerk",      "items {code} --place held",  "3 人次"),
    ("clerk",      "batch {code}",               "no roster"),
    ("operator",   "batch {code}",               "12000.03"),
    ("clerk",      "projects",                   "2400000000000001"),
    ("supervisor", "regions",                    "530102"),
];

/// Exit codes, and words on standard error.
#[rustfmt::skip]
const ENDS: &[(&str, &str, i32, &str)] = &[
    ("operator", "failures --month 2026-10",                     1, "role"),
    ("clerk",    "batch B-none",                                 1, "no such thing"),
    ("clerk",    "frobnicate",                                   2, "frobnicate"),
    ("clerk",    "submit {bad} --project P1 --month 2026-10",    3, ""),
    ("clerk",    "batches --server https://localhost:1",         4, "nothing listens there"),
    ("clerk",    "batches --server http://localhost:1",          1, "https only"),
    ("clerk",    "batches --key {other key}",                    1, "does not belong to the certificate"),
    ("clerk",    "batches --ca {other ca}",                      4, "not vouched for by --ca"),
    ("clerk",    "submit / --project P1 --month 2026-10",        1, "a folder"),
    ("operator", "import regions {open quote}",                  1, "quotation mark"),
    ("operator", "import regions {no number}",                   1, "line 2: column 3"),
    ("clerk",    "watch --until-settled --within-s 0",           6, "ran out"),
    ("clerk",    "watch B-none",                                 1, "no such thing"),
    ("clerk",    "attach B-none",                                2, "<FILE>"),
    ("operator", "principal add x --role clerk",                 1, "give --project CODE"),
    ("operator", "principal add x --role supervisor",            1, "give --region CODE"),
];

#[tokio::test(flavor = "multi_thread")]
async fn the_whole_round_by_command_line() {
    let house = House::open().await;
    house
        .deposit("qingshan", "2400000000000001", 2_000_000)
        .await;
    let regions = house.write(
        "regions.csv",
        "code,name,base_projects\n530400,丁市,4\n530402,丁区,\n",
    );
    let imported = house.command(
        "operator",
        &["import", "regions", regions.to_str().unwrap()],
    );
    assert!(text(&imported).contains("2 regions"), "{imported:?}");

    let file = house.write("sheet.csv", sheet(3));
    let submitted = house.command(
        "clerk",
        &[
            "submit",
            file.to_str().unwrap(),
            "--project",
            "P1",
            "--month",
            "2026-10",
            "--json",
        ],
    );
    let batch = json_of(&submitted);
    let (code, content) = (
        batch["code"].as_str().unwrap(),
        batch["content"].as_str().unwrap(),
    );
    let card = text(&house.command("approver", &["batch", code]));
    assert!(
        card.contains(content) && card.contains("12000.03"),
        "{card}"
    );
    assert!(card.contains(&format!("wagegate review {code}")), "{card}");
    let table = house.write("signed.pdf", "%PDF-1.7 signed by all");
    let table = table.to_str().unwrap();
    let kept = house.write("contract.pdf", "%PDF-1.7 a contract");
    let kept = text(&house.command("clerk", &["evidence", kept.to_str().unwrap()]));
    let hash = kept.trim();
    for (user, arguments, words) in [
        ("clerk", vec!["attach", code, table], "signed_table"),
        (
            "reviewer",
            vec!["review", code, "--content", content],
            "wagegate release",
        ),
        (
            "clerk",
            vec!["attach", code, "--hash", hash, "--kind", "contract"],
            "contract",
        ),
        ("approver", vec!["changes", code], "新增 new"),
        ("approver", vec!["preview", code], "17:00"),
        (
            "approver",
            vec!["release", code, "--content", content],
            "批准 release",
        ),
        (
            "approver",
            vec!["undo", code, "--reason", "too early"],
            "too early",
        ),
        (
            "approver",
            vec!["release", code, "--content", content],
            "提示 warnings: 1, 剔除的行 rows left out: 0",
        ),
    ] {
        let output = house.command(user, &arguments);
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        assert!(text(&output).contains(words), "{arguments:?}: {output:?}");
    }

    for (user, arguments, words) in LOOKS {
        let arguments = arguments.replace("{code}", code);
        let arguments: Vec<&str> = arguments.split(' ').collect();
        let output = house.command(user, &arguments);
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        assert!(text(&output).contains(words), "{arguments:?}: {output:?}");
        json_of(&house.command(user, &[arguments.as_slice(), &["--json"]].concat()));
    }
    let csv = text(&house.command("finance", &["outcomes", "--csv"]));
    assert_eq!(
        csv.lines().next(),
        Some("batch,row,bank,bank_key,sequence,reference,amount_fen,outcome")
    );
    assert_eq!(
        csv.lines().nth(1),
        Some(format!("{code},2,,,0,,400000,held").as_str())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn how_a_command_ended_is_in_its_exit_code() {
    let house = House::open().await;
    let bad = house.write("bad.csv", sheet(2).replace("李一", ""));
    let bad = bad.to_str().unwrap();
    let good = house.write("good.csv", sheet(2));
    let written = |name: &str, text: &str| house.write(name, text).display().to_string();
    let files = [
        ("{bad}", bad.to_owned()),
        ("{other key}", house.certificate("user-finance.key")),
        ("{other ca}", house.certificate("bank-bishui-ca.pem")),
        (
            "{open quote}",
            written("open.csv", "code,name,base_projects\n\"530400,丁市,4\n"),
        ),
        (
            "{no number}",
            written("number.csv", "code,name,base_projects\n530400,丁市,many\n"),
        ),
    ];
    assert!(
        house
            .command(
                "clerk",
                &[
                    "submit",
                    good.to_str().unwrap(),
                    "--project",
                    "P1",
                    "--month",
                    "2026-09"
                ]
            )
            .status
            .success()
    );
    for (user, arguments, code, words) in ENDS {
        let arguments = files
            .iter()
            .fold((*arguments).to_owned(), |line, (name, path)| {
                line.replace(name, path)
            });
        let arguments: Vec<&str> = arguments.split(' ').collect();
        let output = house.command(user, &arguments);
        assert_eq!(
            output.status.code(),
            Some(*code),
            "{arguments:?}: {output:?}"
        );
        assert!(
            String::from_utf8_lossy(&output.stderr).contains(words),
            "{arguments:?}: {output:?}"
        );
    }
    let shown = text(&house.command(
        "clerk",
        &["submit", bad, "--project", "P1", "--month", "2026-10"],
    ));
    assert!(
        shown.contains("行 row") && shown.contains("姓名"),
        "{shown}"
    );
    let pointers = json_of(&house.command(
        "clerk",
        &[
            "submit",
            bad,
            "--project",
            "P1",
            "--month",
            "2026-10",
            "--json",
        ],
    ));
    assert_eq!(pointers["rows"][0]["row"], json!(2));
    let refused = house.command("clerk", &["batch", "B-none", "--json"]);
    assert_eq!(refused.status.code(), Some(1));
    assert_eq!(json_of(&refused)["type"], "urn:wagegate:denied");
    let help = text(&house.command("clerk", &["release", "--help"]));
    assert!(help.contains("Exit codes"), "{help}");
}

#[tokio::test(flavor = "multi_thread")]
async fn files_with_people_are_their_owners_only_even_where_there_was_another() {
    let house = House::open().await;
    let code = house.batch(2).await["code"].as_str().unwrap().to_owned();
    let bad = house.write("bad.csv", sheet(2).replace("李一", ""));
    let open = house.write("out", "anybody reads this");
    let [bad, out] = [bad, open].map(|path| path.display().to_string());
    for (user, line, status) in [
        (
            "approver",
            format!("preview {code} --part 1 --out {out}"),
            0,
        ),
        (
            "clerk",
            format!("template wages {out} --project P1 --month 2026-10"),
            0,
        ),
        ("clerk", format!("template roster {out}"), 0),
        (
            "clerk",
            format!("errors {bad} --project P1 --month 2026-10 --xlsx {out}"),
            3,
        ),
        ("finance", format!("outcomes --csv --out {out}"), 0),
    ] {
        let arguments: Vec<_> = line.split(' ').collect();
        fs::write(&out, "anybody's work").unwrap();
        let refused = house.command(user, &arguments);
        assert_eq!(refused.status.code(), Some(1), "{line}: {refused:?}");
        assert_eq!(fs::read(&out).unwrap(), b"anybody's work", "{line}");
        fs::write(&out, "").unwrap();
        fs::set_permissions(&out, fs::Permissions::from_mode(0o644)).unwrap();
        let output = house.command(user, &arguments);
        assert_eq!(output.status.code(), Some(status), "{line}: {output:?}");
        let mode = fs::metadata(&out).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{line}");
        assert!(!fs::read(&out).unwrap().starts_with(b"anybody"), "{line}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_decides_sees_warnings_and_the_rows_left_out_first() {
    let house = House::open().await;
    let bad = sheet(3).replace("4000.01", "五千");
    let taken = house
        .as_user("clerk")
        .post("/v1/batches?project=P1&month=2026-10&leave_out=3", bad)
        .await;
    let code = taken.json()["code"].as_str().unwrap().to_owned();
    let shown = text(&house.command("approver", &["batch", &code]));
    let at = |words: &str| {
        shown
            .find(words)
            .unwrap_or_else(|| panic!("{words}: {shown}"))
    };
    assert!(at("本项目尚无花名册") < at("下一步 next"), "{shown}");
    assert!(at("this project has no roster") < at("amount_not_number"));
    assert!(at("amount_not_number") < at("下一步 next"));
    let told = json_of(&house.command("approver", &["batch", &code, "--json"]));
    assert_eq!(told["left_out"][0]["row"], json!(3));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_configuration_is_checked_without_starting_anything() {
    let house = House::open().await;
    let config = house.write("other.toml", "[listen]\naddress = 'here'\n");
    let output = house.command(
        "operator",
        &["config", "check", "--config", config.to_str().unwrap()],
    );
    assert_eq!(output.status.code(), Some(1));
    assert!(
        String::from_utf8_lossy(&output.stderr).contains("other.toml"),
        "{output:?}"
    );
    let good = config.with_file_name("wagegate.toml");
    let output = house.command(
        "operator",
        &["config", "check", "--config", good.to_str().unwrap()],
    );
    assert!(
        output.status.success() && text(&output).contains("qingshan"),
        "{output:?}"
    );
}

#[test]
fn completions_need_no_gateway() {
    for (shell, word) in [("bash", "_wagegate()"), ("zsh", "#compdef wagegate")] {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_wagegate"))
            .args(["completions", shell])
            .output()
            .unwrap();
        assert!(
            output.status.success() && text(&output).contains(word),
            "{shell}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_told_gateway_stops_in_good_order() {
    let house = House::open().await;
    house.batch(1).await;
    assert!(house.stops_well());
}
