//! Words that may not stand in code, each with what to use instead and the few files that may.

use std::collections::{BTreeMap, BTreeSet};

use super::{TREE, code, has_word, is_test, none, rust, without_tests};

struct Ban {
    /// Words of which none may stand in code.
    words: &'static [&'static str],
    /// Where the ban holds.
    holds: fn(&str) -> bool,
    /// What to do instead.
    instead: &'static str,
    /// Files that may, each with its reason.
    but: &'static [(&'static str, &'static str)],
}

fn is_pure(path: &str) -> bool {
    path.starts_with("domain/") || path.starts_with("adapters/")
}

fn is_gateway(path: &str) -> bool {
    is_pure(path) || path.starts_with("src/")
}

const BANS: &[Ban] = &[
    Ban {
        words: &["SystemTime::now", "Timestamp::now", "Zoned::now"],
        holds: |_| true,
        instead: "take a `Clock`, so that simulated time reaches every decision",
        but: &[
            (
                "src/clock.rs",
                "the one place where the machine's time enters",
            ),
            (
                "banksim/src/clock.rs",
                "the simulated bank's own such place",
            ),
        ],
    },
    Ban {
        words: &["thread::sleep", "time::sleep", "sleep_until"],
        holds: |path| is_pure(path) || is_test(path),
        instead: "drive `step()` to idle, or await what should happen",
        but: &[
            (
                "banksim/tests/common/mod.rs",
                "waits for another process to start",
            ),
            (
                "banksim/tests/pushing.rs",
                "waits for another process to push",
            ),
        ],
    },
    Ban {
        words: &["f32", "f64"],
        holds: is_gateway,
        instead: "amounts are `Fen`, rates `rust_decimal::Decimal`",
        but: &[(
            "src/registry/forms/national.rs",
            "what a reader of JSON calls when a number has a fraction, to refuse it",
        )],
    },
    Ban {
        words: &["println!", "print!", "eprintln!", "eprint!"],
        holds: |path| {
            is_gateway(path)
                && !path.contains("/tests/")
                && path != "src/main.rs"
                && !path.starts_with("src/cli/")
        },
        instead: "return it, or log it by `tracing`; only main.rs and cli/ speak to a terminal",
        but: &[],
    },
    Ban {
        words: &[
            "backon",
            "backoff",
            "tokio_retry",
            "reqwest_middleware",
            "reqwest_retry",
        ],
        holds: |path| path.starts_with("src/dispatch") || path.starts_with("src/transport"),
        instead: "one claim makes one send (invariant 7): what got no answer is in doubt and is asked about",
        but: &[(
            "src/dispatch/query.rs",
            "reckons how long to wait before a bank is asked once more",
        )],
    },
    Ban {
        words: &[
            "use aws_lc_rs",
            "aws_lc_rs::aead",
            "aws_lc_rs::hmac",
            "aws_lc_rs::hkdf",
        ],
        holds: |path| is_gateway(path) && !path.starts_with("src/security/"),
        instead: "all sealing is in src/security/seal: ask the `Vault`",
        but: &[],
    },
    Ban {
        words: &["#[allow(", "#![allow("],
        // What several test programs share is unused in some of them, and an expectation would fail in the others.
        holds: |path| !path.contains("tests/common/") && !path.contains("tests/support/"),
        instead: "`#[expect(.., reason = \"..\")]`, which says why and goes when it is not needed",
        but: &[],
    },
    Ban {
        words: &["#[ignore"],
        holds: |_| true,
        instead: "a test that does not run proves nothing: mend it or take it out",
        but: &[],
    },
];

#[test]
fn banned_words_are_nowhere() {
    let found = BANS.iter().flat_map(|ban| {
        let sources = rust().filter(|source| {
            (ban.holds)(&source.path)
                && !source.path.starts_with("tests/tidy/")
                && ban.but.iter().all(|(path, _)| *path != source.path)
        });
        sources.flat_map(move |source| {
            banned(ban, &source.text).map(move |(number, word)| {
                format!("{}:{number}: {word}: {}", source.path, ban.instead)
            })
        })
    });
    none("not in this house", found);
}

fn banned(ban: &Ban, text: &'static str) -> impl Iterator<Item = (usize, &'static str)> {
    code(text).flat_map(|(number, line)| {
        let words = ban.words.iter().filter(move |word| has_word(line, word));
        words.map(move |word| (number, *word))
    })
}

#[test]
fn no_unit_test_waits_by_sleeping() {
    let sleeping = rust().filter(|source| {
        let tests = &source.text[without_tests(source).len()..];
        source.path.starts_with("src/")
            && code(tests)
                .any(|(_, line)| has_word(line, "thread::sleep") || has_word(line, "time::sleep"))
    });
    none(
        "a test that sleeps: drive `step()` to idle, or await what should happen",
        sleeping.map(|source| source.path.clone()),
    );
}

#[test]
fn every_client_that_sends_says_that_it_never_retries() {
    let builders = rust().filter(|source| {
        source.path.starts_with("src/") && without_tests(source).contains("Client::builder()")
    });
    let silent = builders.filter(|source| !source.text.contains(".retry(retry::never())"));
    none(
        "an HTTP client without `.retry(retry::never())`: reqwest repeats some requests by itself",
        silent.map(|source| source.path.clone()),
    );
}

#[test]
fn domain_and_adapters_cannot_touch_the_world() {
    const CRATES: [&str; 16] = [
        "tokio",
        "sqlx",
        "actix-web",
        "actix-rt",
        "reqwest",
        "hyper",
        "rand",
        "getrandom",
        "fastrand",
        "uuid",
        "rustls",
        "aws-lc-rs",
        "openssl",
        "tempfile",
        "tracing",
        "async-trait",
    ];
    const PATHS: [&str; 7] = [
        "std::fs",
        "std::net",
        "std::env",
        "std::process",
        "std::thread",
        "std::time",
        "std::os",
    ];
    let manifests = TREE
        .iter()
        .filter(|s| is_pure(&s.path) && s.path.ends_with("Cargo.toml"));
    let crates = manifests.flat_map(|manifest| {
        let parsed: toml::Table = manifest.text.parse().expect("cargo reads it too");
        let names: BTreeSet<String> = parsed["dependencies"]
            .as_table()
            .expect("a table")
            .keys()
            .cloned()
            .collect();
        CRATES
            .iter()
            .filter(move |name| names.contains(**name))
            .map(|name| format!("{}: depends on {name}", manifest.path))
    });
    let paths = rust()
        .filter(|source| is_pure(&source.path))
        .flat_map(|source| {
            code(without_tests(source)).flat_map(move |(number, line)| {
                let used = PATHS.iter().filter(move |path| has_word(line, path));
                used.map(move |path| format!("{}:{number}: {path}", source.path))
            })
        });
    none(
        "pure crates take bytes, time and ids as arguments; src/ does the I/O",
        crates.chain(paths),
    );
}

#[test]
fn every_exception_to_a_ban_is_still_needed() {
    let texts: BTreeMap<&str, &'static str> =
        rust().map(|s| (s.path.as_str(), s.text.as_str())).collect();
    let idle = BANS.iter().flat_map(|ban| {
        ban.but.iter().filter_map(|(path, _)| {
            let used = texts
                .get(path)
                .is_some_and(|text| banned(ban, text).next().is_some());
            (!used).then(|| format!("{path}: {}", ban.words.join(", ")))
        })
    });
    none("take the exception out", idle);
}

#[test]
fn bans_see_code_and_not_comments_or_longer_words() {
    let lines =
        "let x: f64 = 1;\n// f64\nlet pf64 = f64x;\nsee(\"http://f64\");\nprintln!(\"\");\n";
    let found = |index: usize| {
        banned(&BANS[index], lines)
            .map(|(line, _)| line)
            .collect::<Vec<_>>()
    };
    assert_eq!(found(2), [1, 4]);
    assert_eq!(found(3), [5]);
}
