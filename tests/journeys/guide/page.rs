//! The pages of the book as they are written, and the blocks in them.

use std::path::{Path, PathBuf};

/// A fenced block.
#[derive(Debug)]
pub(crate) struct Block {
    /// What it is in: `rust`, `console`.
    pub(crate) language: String,
    /// What else is said of it behind a comma: `install`, `fails`.
    pub(crate) flag: String,
    /// What a reader sees in it.
    pub(crate) text: String,
    /// The file that it is a part of, where it is.
    pub(crate) from: Option<PathBuf>,
    /// The file that the reader is told to make of it.
    pub(crate) path: Option<String>,
    pub(crate) line: usize,
}

/// A page.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) name: String,
    pub(crate) blocks: Vec<Block>,
}

/// The repository.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("..")
        .canonicalize()
        .unwrap()
}

/// The pages that the summary names, in its order: those of the guide, and those of the reference.
pub(crate) fn pages() -> (Vec<Page>, Vec<Page>) {
    let summary = std::fs::read_to_string(root().join("docs/SUMMARY.md")).unwrap();
    let (guide, reference) = summary.split_once("# Reference").unwrap();
    let read = |part: &str| -> Vec<Page> {
        let names = part.lines().filter_map(|line| {
            let (_, rest) = line.split_once("](")?;
            Some(rest.strip_suffix(')')?.to_owned())
        });
        names.map(|name| Page::read(&name)).collect()
    };
    (read(guide), read(reference))
}

impl Page {
    /// The page of this name in `docs`.
    pub(crate) fn read(name: &str) -> Self {
        let path = root().join("docs").join(name);
        let text = std::fs::read_to_string(&path)
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        Self {
            name: name.to_owned(),
            blocks: blocks(&text, name),
        }
    }
}

/// What a page, or a part of one, is a copy of: `<!-- from PATH -->`, from `docs` on.
pub(crate) fn origin(line: &str) -> Option<&str> {
    line.strip_prefix("<!-- from ")?.strip_suffix(" -->")
}

fn blocks(text: &str, name: &str) -> Vec<Block> {
    let mut all = Vec::new();
    let (mut named, mut from) = (None, None);
    let mut lines = text.lines().enumerate();
    while let Some((index, line)) = lines.next() {
        let Some(info) = line.strip_prefix("```") else {
            if let Some(file) = origin(line) {
                from = Some(file.split(':').next().unwrap().to_owned());
            } else if !line.is_empty() {
                from = None;
                named = line
                    .strip_prefix('`')
                    .and_then(|rest| rest.strip_suffix("`:"))
                    .map(str::to_owned);
            }
            continue;
        };
        let (language, flag) = info.split_once(',').unwrap_or((info, ""));
        let inner: Vec<_> = lines
            .by_ref()
            .map(|(_, line)| line)
            .take_while(|line| *line != "```")
            .collect();
        all.push(Block {
            language: language.to_owned(),
            flag: flag.to_owned(),
            text: inner.join("\n") + "\n",
            from: from.take().map(|file| {
                let file = root().join("docs").join(file);
                file.canonicalize()
                    .unwrap_or_else(|error| panic!("{name}: {}: {error}", file.display()))
            }),
            path: named.take(),
            line: index + 1,
        });
    }
    all
}

/// The whole file, what stands between an anchor and its end, or the lines from a number on.
pub(crate) fn fragment(file: &Path, part: Option<&str>) -> String {
    let text = std::fs::read_to_string(file).unwrap();
    let Some(part) = part else { return text };
    let within: Vec<_> = match part.strip_suffix(':') {
        Some(first) => text
            .lines()
            .skip(first.parse::<usize>().unwrap() - 1)
            .collect(),
        None => text
            .lines()
            .skip_while(|line| !line.ends_with(&format!("ANCHOR: {part}")))
            .skip(1)
            .take_while(|line| !line.ends_with(&format!("ANCHOR_END: {part}")))
            .collect(),
    };
    assert!(!within.is_empty(), "{} has no {part}", file.display());
    within.join("\n") + "\n"
}
