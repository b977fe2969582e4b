//! The book as readers get it.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use crate::guide::page::root;

#[test]
fn the_book_builds_without_a_warning_and_no_link_in_it_leads_nowhere() {
    let mdbook = harness::sandgate().with_file_name("../tools/bin/mdbook");
    let book = tempfile::tempdir().unwrap();
    let output = Command::new(&mdbook)
        .arg("build")
        .arg(root().join("docs"))
        .arg("--dest-dir")
        .arg(book.path())
        .output()
        .unwrap_or_else(|error| panic!("{}: {error}; `make test` installs it", mdbook.display()));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    for bad in ["WARN", "ERROR"] {
        assert!(!said.contains(bad), "{said}");
    }

    let mut pages = BTreeMap::new();
    for entry in std::fs::read_dir(book.path()).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        // All pages once more; and what is shown where there is none.
        if name.ends_with(".html") && !["print.html", "404.html", "toc.html"].contains(&&*name) {
            pages.insert(name, std::fs::read_to_string(entry.path()).unwrap());
        }
    }
    assert!(pages.len() > 15, "{:?}", pages.keys());
    let ids: BTreeMap<&str, BTreeSet<&str>> = pages
        .iter()
        .map(|(name, html)| (name.as_str(), values(html, " id=\"").collect()))
        .collect();
    let mut dead = Vec::new();
    let mut checked = 0;
    for (page, html) in &pages {
        for link in values(html, " href=\"").filter(|link| !link.contains(':')) {
            checked += 1;
            let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
            let file = if file.is_empty() { page } else { file };
            let there = match ids.get(file) {
                Some(ids) => anchor.is_empty() || ids.contains(anchor),
                None => book.path().join(file).is_file() && !file.contains(".."),
            };
            if !there {
                dead.push(format!("{page}: {link}"));
            }
        }
        assert!(!html.contains("{{#"), "{page} shows a directive");
    }
    assert!(dead.is_empty(), "{}", dead.join("\n"));
    assert!(checked > 100, "only {checked} links were found");
}

/// What stands between each of these and the next quotation mark.
fn values<'a>(html: &'a str, before: &'a str) -> impl Iterator<Item = &'a str> {
    html.split(before)
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
}
