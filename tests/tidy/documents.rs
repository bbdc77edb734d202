//! Documents that name what is there: folders, tests of invariants, files behind links.

use std::{collections::BTreeSet, path::Path};

use super::{TREE, is_test, none, root, rust};

fn document(name: &str) -> &'static str {
    let found = TREE.iter().find(|source| source.path == name);
    &found
        .unwrap_or_else(|| panic!("{name} is missing: write it"))
        .text
}

fn folders(below: &str) -> BTreeSet<&'static str> {
    let paths = TREE
        .iter()
        .filter_map(|source| source.path.strip_prefix(below));
    let folders = paths
        .filter_map(|path| path.split_once('/'))
        .map(|(folder, _)| folder);
    folders.filter(|folder| !folder.starts_with('.')).collect()
}

#[test]
fn the_documents_name_every_folder() {
    // The map names every room; the README, which is for users, every floor.
    let top = || folders("").into_iter().map(|folder| format!("{folder}/"));
    let modules = folders("src/")
        .into_iter()
        .map(|folder| format!("{folder}/"));
    let map = top()
        .chain(modules)
        .map(|folder| ("ARCHITECTURE.md", folder));
    let unnamed = map
        .chain(top().map(|folder| ("README.md", folder)))
        .filter(|(name, folder)| !document(name).contains(folder))
        .map(|(name, folder)| format!("{name} does not name {folder}"));
    none("say in a line what the folder is for", unnamed);
}

/// Its functions are the tests that every adapter family runs.
const SUITE: &str = "adapters/conformance/src/";

/// The names of all tests in the tree.
fn tests() -> BTreeSet<&'static str> {
    let mut names = BTreeSet::new();
    for source in rust() {
        let mut announced = false;
        for line in source.text.lines().map(str::trim) {
            announced |= line.starts_with("#[") && line.contains("test") && !line.contains("cfg(");
            if let Some((_, rest)) = line.split_once("fn ")
                && !line.starts_with("//")
            {
                let name = rest.split(['(', '<']).next().unwrap_or_default();
                if announced || is_test(&source.path) || source.path.starts_with(SUITE) {
                    names.insert(name);
                }
                announced = false;
            }
        }
    }
    names
}

#[test]
fn every_invariant_names_a_test_that_exists() {
    let text = document("ARCHITECTURE.md");
    let tests = tests();
    let wrong = (1..=19).filter_map(|number| {
        let start = format!("| {number} |");
        let Some(row) = text.lines().find(|line| line.starts_with(&start)) else {
            return Some(format!("no row begins with `{start}`"));
        };
        let named: Vec<&str> = backticked(row)
            .filter(|name| name.matches('_').count() >= 2)
            .collect();
        let gone: Vec<_> = named.iter().filter(|name| !tests.contains(*name)).collect();
        if let Some(name) = gone.first() {
            return Some(format!("invariant {number}: there is no test `{name}`"));
        }
        named
            .is_empty()
            .then(|| format!("invariant {number} names no test in backticks"))
    });
    none(
        "ARCHITECTURE.md, the table of invariants, one row each with the name of its test",
        wrong,
    );
}

/// What stands in backticks; of a path, its last part.
fn backticked(line: &str) -> impl Iterator<Item = &str> {
    let quoted = line.split('`').skip(1).step_by(2);
    quoted.filter_map(|text| text.rsplit("::").next())
}

#[test]
fn every_link_in_a_document_leads_somewhere() {
    let documents = TREE.iter().filter(|source| source.path.ends_with(".md"));
    let dead = documents.flat_map(|source| {
        let folder = root()
            .join(&source.path)
            .parent()
            .unwrap_or(Path::new(""))
            .to_owned();
        links(&source.text)
            .filter(move |link| !folder.join(link).exists())
            .map(|link| format!("{}: {link}", source.path))
    });
    let mentioned = TREE
        .iter()
        .filter(|s| !s.path.starts_with("tests/tidy/"))
        .flat_map(|source| {
            mentions(&source.text)
                .filter(|path| !root().join(path).exists())
                .map(|path| format!("{}: {path}", source.path))
        });
    none("a link to nothing", dead.chain(mentioned));
}

/// Targets of links to files, without the place in the file.
fn links(text: &str) -> impl Iterator<Item = &str> {
    text.split("](").skip(1).filter_map(|rest| {
        let target = rest.split([')', '#']).next()?;
        (!target.is_empty() && !target.contains("://") && !target.starts_with("mailto:"))
            .then_some(target)
    })
}

/// Documents that code, settings or documents speak of by their path.
fn mentions(text: &str) -> impl Iterator<Item = &str> {
    text.match_indices("docs/").filter_map(|(at, _)| {
        let length = text[at..].find(|c: char| !c.is_ascii_alphanumeric() && !"/._-".contains(c));
        let path = &text[at..length.map_or(text.len(), |length| at + length)];
        let path = path.trim_end_matches('.');
        path.ends_with(".md").then_some(path)
    })
}

#[test]
fn links_and_mentions_are_found() {
    let text = "[a](docs/a.md#x) [b](https://h/b.md) [c](#c) see docs/adr/0001-x.md.";
    assert_eq!(links(text).collect::<Vec<_>>(), ["docs/a.md"]);
    assert_eq!(
        mentions(text).collect::<Vec<_>>(),
        ["docs/a.md", "docs/adr/0001-x.md"]
    );
    assert_eq!(
        backticked("| 8 | x | `a::b::no_way_back`, `c` |").collect::<Vec<_>>(),
        ["no_way_back", "c"]
    );
}
