//! Reads the tree and holds it to the house rules: sizes, bans with what to use instead, migrations alike, documents that name what is there.
//! It runs nothing of the gateway; what a compiler or clippy can see is theirs.

mod bans;
mod documents;

use std::{collections::BTreeSet, fs, path::PathBuf, process::Command, sync::LazyLock};

/// Lines in a Rust file, at most; 100 to 300 are usual.
const FILE_LINES_MAX: usize = 600;
/// Lines in a function from `fn` to its closing brace, at most; around ten are usual.
const FUNCTION_LINES_MAX: usize = 70;

/// One file of the tree; bytes that are no text are replaced.
struct Source {
    path: String,
    text: String,
}

/// All files that git knows or would take: what is ignored is not part of the project.
static TREE: LazyLock<Vec<Source>> = LazyLock::new(|| {
    let listed = Command::new("git")
        .args([
            "-c",
            "safe.directory=*",
            "ls-files",
            "-z",
            "--cached",
            "--others",
        ])
        .arg("--exclude-standard")
        .current_dir(root())
        .output()
        .expect("git lists the tree");
    assert!(
        listed.status.success(),
        "tidy reads what git lists: run it in a clone"
    );
    let names = String::from_utf8(listed.stdout).expect("file names are UTF-8");
    names
        .split_terminator('\0')
        .filter_map(|path| {
            let bytes = fs::read(root().join(path)).ok()?; // deleted, but not yet so in the index
            let text = String::from_utf8_lossy(&bytes).into_owned();
            Some(Source {
                path: path.into(),
                text,
            })
        })
        .collect()
});

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn rust() -> impl Iterator<Item = &'static Source> {
    TREE.iter().filter(|source| source.path.ends_with(".rs"))
}

#[track_caller]
fn none(rule: &str, found: impl IntoIterator<Item = String>) {
    let found: Vec<_> = found.into_iter().collect();
    assert!(found.is_empty(), "{rule}:\n  {}", found.join("\n  "));
}

/// The lines of a file without their comments, numbered from 1.
fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines().enumerate().map(|(index, line)| {
        let comment = line
            .match_indices("//")
            .find(|(at, _)| !line[..*at].ends_with(':')); // not the `//` of a URL
        (index + 1, comment.map_or(line, |(at, _)| &line[..at]))
    })
}

/// Whether `word` stands in `line` and not inside a longer word.
fn has_word(line: &str, word: &str) -> bool {
    let part_of_word = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].ends_with(part_of_word) && word.starts_with(part_of_word);
        let after =
            line[at + word.len()..].starts_with(part_of_word) && word.ends_with(part_of_word);
        !before && !after
    })
}

fn is_test(path: &str) -> bool {
    path.starts_with("tests/") || path.contains("/tests/") || path.ends_with("/tests.rs")
}

/// The part of a file before its own tests.
fn without_tests(source: &Source) -> &str {
    if is_test(&source.path) {
        return "";
    }
    source
        .text
        .split("\n#[cfg(test)]")
        .next()
        .unwrap_or_default()
}

// Sizes and openings.

#[test]
fn no_rust_file_is_too_long() {
    let long = rust().filter_map(|source| {
        let lines = source.text.lines().count();
        (lines > FILE_LINES_MAX).then(|| format!("{}: {lines} lines", source.path))
    });
    none(
        &format!("over {FILE_LINES_MAX} lines: split by what changes together"),
        long,
    );
}

/// A table test is mostly its table, which is data.
fn function_lines_max(path: &str) -> usize {
    if is_test(path) {
        FUNCTION_LINES_MAX + 30
    } else {
        FUNCTION_LINES_MAX
    }
}

#[test]
fn no_function_is_too_long() {
    let long = rust().flat_map(|source| {
        functions(&source.text)
            .into_iter()
            .filter(|(_, lines)| *lines > function_lines_max(&source.path))
            .map(|(line, lines)| format!("{}:{line}: {lines} lines", source.path))
    });
    none(
        &format!("over {FUNCTION_LINES_MAX} lines in a function: give its parts names"),
        long,
    );
}

/// Line and length of every function, by rustfmt's shape: from `fn` to the brace at the same indent.
fn functions(text: &str) -> Vec<(usize, usize)> {
    let lines: Vec<&str> = text.lines().collect();
    let starts = lines
        .iter()
        .enumerate()
        .filter(|(_, line)| starts_function(line));
    starts
        .filter_map(|(start, line)| {
            let header = lines[start..]
                .iter()
                .position(|line| line.ends_with(['{', '}', ';']))?;
            if !lines[start + header].ends_with('{') {
                return None; // no body, or all on one line
            }
            let indent = &line[..line.len() - line.trim_start().len()];
            let end = lines[start..].iter().position(|line| {
                line.strip_prefix(indent)
                    .is_some_and(|rest| rest.starts_with('}'))
            })?;
            Some((start + 1, end + 1))
        })
        .collect()
}

fn starts_function(line: &str) -> bool {
    let mut words = line.trim_start().split(' ');
    words.find(|word| {
        let modifier = word.starts_with("pub") || word.starts_with('"');
        !modifier && !["const", "async", "unsafe", "extern", "in"].contains(word)
    }) == Some("fn")
}

#[test]
fn every_module_begins_with_what_it_is_for() {
    let silent = rust().filter(|source| !source.text.starts_with("//!"));
    none(
        "the first line is not `//!`: say what the module is for and what it does not do",
        silent.map(|source| source.path.clone()),
    );
}

#[test]
fn names_say_what_a_thing_is_and_not_that_it_helps() {
    const EMPTY: [&str; 3] = ["manager", "helper", "util"];
    let empty = |name: &str| EMPTY.iter().any(|word| name.to_lowercase().contains(word));
    let files = TREE
        .iter()
        .filter(|source| empty(&source.path))
        .map(|source| source.path.clone());
    let types = rust().flat_map(|source| {
        code(&source.text).filter_map(move |(number, line)| {
            let words: Vec<&str> = line.split([' ', '<', '(', '{', ';', ':']).collect();
            let named = words.windows(2).find(|pair| {
                ["struct", "enum", "trait", "type", "mod"].contains(&pair[0]) && empty(pair[1])
            })?;
            Some(format!("{}:{number}: {}", source.path, named[1]))
        })
    });
    none(
        "a word that says nothing (Manager, Helper, Util): use the trade's",
        files.chain(types),
    );
}

#[test]
fn functions_are_measured_from_fn_to_the_closing_brace() {
    let body = "    pub(crate) async fn a(\n        &self,\n    ) -> u8 {\n        if x {\n        }\n        1\n    }\n";
    let text = format!(
        "impl X {{\n{body}    fn none(&self) -> u8;\n    const fn short() {{}}\n}}\n// fn not(\n"
    );
    assert_eq!(functions(&text), [(2, 7)]);
}

// Shapes.

#[test]
fn both_engines_have_the_same_migrations_numbered_without_gaps() {
    let names = |engine: &str| -> Vec<&'static str> {
        let folder = format!("migrations/{engine}/");
        let mut names: Vec<_> = TREE
            .iter()
            .filter_map(|s| s.path.strip_prefix(&folder))
            .collect();
        names.sort_unstable();
        names
    };
    let (sqlite, postgres) = (names("sqlite"), names("postgres"));
    assert_eq!(
        sqlite, postgres,
        "a migration is written for both engines, under one number and name"
    );
    assert!(!sqlite.is_empty(), "there are migrations");
    for (index, name) in sqlite.iter().enumerate() {
        let number = format!("{:04}_", index + 1);
        assert!(
            name.starts_with(&number) && name.ends_with(".sql"),
            "{name}: expected {number}name.sql"
        );
    }
}

#[test]
fn every_adapter_has_the_same_file_names() {
    let families: BTreeSet<&str> = TREE
        .iter()
        .filter_map(|source| source.path.strip_prefix("adapters/")?.split_once('/'))
        .map(|(family, _)| family)
        .filter(|family| *family != "conformance")
        .collect();
    let missing = families.iter().flat_map(|family| {
        let has = move |start: &str, end: &str| {
            let start = format!("adapters/{family}/{start}");
            TREE.iter()
                .any(|s| s.path.starts_with(&start) && s.path.ends_with(end))
        };
        let modules = ["lib", "encode", "decode", "status"]
            .into_iter()
            .filter_map(move |module| {
                let found = has(&format!("src/{module}.rs"), "")
                    || has(&format!("src/{module}/mod.rs"), "");
                (!found).then(|| format!("adapters/{family}/src/{module}.rs"))
            });
        let banks = (!has("banks/", ".toml")).then(|| format!("adapters/{family}/banks/*.toml"));
        modules.chain(banks)
    });
    none(
        "missing: who knows one adapter finds their way in all",
        missing,
    );
}

// What has no place in a public tree. Each word is put together here, so that this file does not hold it.

#[test]
fn no_private_key_is_in_the_tree() {
    let keys = TREE.iter().filter(|source| {
        let named = [".key", ".pem", ".p12", ".pfx"]
            .iter()
            .any(|end| source.path.ends_with(end));
        let mut lines = source.text.lines();
        named
            || lines.any(|line| {
                line.contains("-----BEGIN") && line.contains(concat!("PRIVATE ", "KEY"))
            })
    });
    none(
        "keys are made by certs-example/make and never kept",
        keys.map(|source| source.path.clone()),
    );
}

#[test]
fn nothing_of_the_workshop_is_in_the_tree() {
    const WORDS: [&str; 6] = [
        concat!("/wo", "rk/"),
        concat!("issue ", "#"),
        concat!("crates", ".io"),
        concat!("pypi", ".org"),
        concat!("registry", ".npmjs"),
        concat!("static.", "rust-lang"),
    ];
    let sources = TREE
        .iter()
        .filter(|source| !source.path.ends_with("Cargo.lock"));
    let found = sources.flat_map(|source| {
        source
            .text
            .lines()
            .enumerate()
            .flat_map(move |(index, line)| {
                let words = WORDS
                    .into_iter()
                    .filter(move |word| line.to_lowercase().contains(word));
                words.map(move |word| format!("{}:{}: {word}", source.path, index + 1))
            })
    });
    none(
        "a path, host or number that means nothing to a reader of this tree",
        found,
    );
}
