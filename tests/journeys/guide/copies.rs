//! What the pages show of files is what stands in these, so that a page can be read without the book: `BLESS=1` copies it anew.

use std::path::Path;

use crate::guide::page::{fragment, origin, root};

#[test]
fn what_a_page_copies_is_what_stands_in_the_file() {
    let docs = root().join("docs");
    let mut copies = 0;
    let mut differ = Vec::new();
    // Shared parts first: pages copy them with what they copy.
    for folder in [docs.join("first"), docs.clone()] {
        for entry in std::fs::read_dir(folder).unwrap() {
            let page = entry.unwrap().path();
            if page.extension().is_none_or(|ending| ending != "md") {
                continue;
            }
            let text = std::fs::read_to_string(&page).unwrap();
            let (anew, count) = copied(&docs, &text);
            copies += count;
            if anew == text {
                continue;
            }
            if std::env::var_os("BLESS").is_some() {
                std::fs::write(&page, anew).unwrap();
            } else {
                differ.push(page.display().to_string());
            }
        }
    }
    assert!(
        differ.is_empty(),
        "BLESS=1 copies anew into {}",
        differ.join(", ")
    );
    assert!(copies > 50, "only {copies} copies were found");
}

/// The text with each copy made anew, and their number.
fn copied(docs: &Path, text: &str) -> (String, usize) {
    let (mut anew, mut count) = (String::new(), 0);
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        anew += &format!("{line}\n");
        let Some(from) = origin(line) else { continue };
        count += 1;
        let (file, part) = from
            .split_once(':')
            .map_or((from, None), |(file, part)| (file, Some(part)));
        let fresh = fragment(&docs.join(file), part);
        let end = match file.ends_with(".md") {
            true => format!("<!-- end of {from} -->"),
            false => {
                let fence = lines.next().unwrap_or_default();
                assert!(fence.starts_with("```"), "{from}: no block of code follows");
                anew += &format!("{fence}\n");
                "```".to_owned()
            }
        };
        assert!(lines.any(|line| line == end), "{from}: no {end} follows");
        anew += &format!("{}\n{end}\n", fresh.trim_end_matches('\n'));
    }
    (anew, count)
}

#[test]
fn a_copy_that_is_old_is_made_anew_and_the_rest_stays() {
    let docs = tempfile::tempdir().unwrap();
    std::fs::write(
        docs.path().join("a.py"),
        "x = 1\n# ANCHOR: b\ny = 2\n# ANCHOR_END: b\n",
    )
    .unwrap();
    let page = "Before.\n<!-- from a.py:b -->\n```python\ny = 1\nz\n```\nAfter.\n";
    let (anew, count) = copied(docs.path(), page);
    assert_eq!(anew, page.replace("y = 1\nz", "y = 2"));
    assert_eq!(count, 1);
}
