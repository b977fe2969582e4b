//! From a catalog to a contained server that answers, with the stand-in registry in the place of the real ones.

use std::path::Path;
use std::time::{Duration, Instant};

use harness::Process;
use serde_json::json;

use super::stand::{Stand, said};

const CATALOG: &str = r#"
format = "sandgate-catalog/1"

[servers.desk]
description = "Notes of the team."
version = "1.0.0"
package = "npm:notes@1.0.0"
args = ["{folder}", "more"]
inputs.folder = { description = "Where yours are." }
secrets.NOTES_TOKEN = { description = "Of your account." }
"#;

/// A fenced block of a page: what stands behind its fence, its text, and the file that it is.
fn blocks(page: &str) -> Vec<(String, String, Option<String>)> {
    let mut blocks = Vec::new();
    let mut named = None;
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        if let Some(kind) = line.strip_prefix("```") {
            let text: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
            blocks.push((kind.to_owned(), text.join("\n") + "\n", named.take()));
        } else if !line.is_empty() {
            let file = line
                .strip_prefix('`')
                .and_then(|rest| rest.strip_suffix("`:"));
            named = file.map(str::to_owned);
        }
    }
    blocks
}

/// The commands of a block, each with the lines that it prints among others.
fn commands(text: &str) -> Vec<(String, Vec<String>)> {
    let mut commands: Vec<(String, Vec<String>)> = Vec::new();
    for line in text.lines() {
        match line.strip_prefix("$ ") {
            Some(command) => commands.push((command.to_owned(), Vec::new())),
            None => commands.last_mut().unwrap().1.push(line.to_owned()),
        }
    }
    commands
}

#[test]
fn the_page_leads_to_a_contained_server_that_answers_as_it_stands_there() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/five-minutes.md");
    let page = std::fs::read_to_string(page).unwrap();
    let stand = Stand::new();
    let mut running = None;
    let mut count = 0;
    for (kind, text, file) in blocks(&page) {
        if let Some(file) = file {
            std::fs::write(stand.path(&file), text).unwrap();
            continue;
        }
        assert!(kind.starts_with("console"), "{kind}");
        for (typed, wanted) in commands(&text) {
            count += 1;
            if kind == "console,live" {
                // Tests run beside one another: not on the port of the default.
                let config = std::fs::read_to_string(stand.config()).unwrap();
                let free = format!("gateway.listen = \"127.0.0.1:0\"\n{config}");
                std::fs::write(stand.config(), free).unwrap();
                let gateway = Process::start(&mut stand.shell(&format!("exec {typed}")));
                let begun = Instant::now();
                while !gateway.log().contains("listening on") {
                    assert!(
                        begun.elapsed() < Duration::from_secs(60),
                        "{}",
                        gateway.log()
                    );
                    std::thread::sleep(Duration::from_millis(50));
                }
                running = Some(gateway);
                continue;
            }
            let done = stand.shell(&typed).output().unwrap();
            let printed = [done.stdout, done.stderr].concat();
            let printed = String::from_utf8(printed).unwrap();
            let told = format!("$ {typed}\n{printed}");
            assert_eq!(done.status.success(), kind != "console,fails", "{told}");
            for line in wanted {
                assert!(
                    printed.contains(&line),
                    "{told}\nwhere the page has\n{line}"
                );
            }
            if typed.starts_with("sandgate call") {
                // The stand-in says with which arguments it runs, and that it can change nothing of itself.
                let seen = ["--local-timezone", "Europe/Paris", "EROFS"];
                assert!(seen.iter().all(|words| printed.contains(words)), "{told}");
            }
        }
    }
    assert!(running.is_some() && count >= 9, "{count}");
    drop(running);
}

#[test]
fn what_is_added_says_what_is_still_to_be_filled_in_until_it_runs() {
    let stand = Stand::new();
    std::fs::write(stand.config(), "# Ours.\n[call-log]\nto = \"stderr\"\n").unwrap();
    let catalog = stand.path("catalog.toml");
    std::fs::write(&catalog, CATALOG).unwrap();
    let catalog = catalog.to_str().unwrap();
    said(
        &stand.sandgate(&["catalog", "add", "company", catalog]),
        0,
        &["1 entries", "format own"],
    );
    let before = std::fs::read_to_string(stand.config()).unwrap();
    let shown = stand.sandgate(&["add", "desk", "--dry-run"]);
    said(
        &shown,
        0,
        &[
            "[servers.desk]",
            "contain = true",
            "would be added",
            "fill in   folder  Where yours are.",
        ],
    );
    assert_eq!(std::fs::read_to_string(stand.config()).unwrap(), before);

    let added = stand.sandgate(&["add", "desk"]);
    said(
        &added,
        0,
        &[
            "is added",
            "sandgate secret key",
            "secret set desk.NOTES_TOKEN",
            "sandgate lock",
        ],
    );
    said(
        &stand.sandgate(&["check"]),
        2,
        &["`servers.desk.args[0]`: folder is still to be filled in"],
    );
    said(&stand.sandgate(&["run"]), 2, &["still to be filled in"]);
    let text = std::fs::read_to_string(stand.config()).unwrap();
    assert!(text.starts_with(&before), "{text}");
    let config = stand.config().display().to_string();
    std::fs::write(stand.config(), text.replace("<fill in: folder>", &config)).unwrap();

    said(
        &stand.sandgate(&["check"]),
        2,
        &["NOTES_TOKEN", "secrets.key"],
    );
    let typed = "sandgate secret key && echo a-value-that-nobody-sees | sandgate secret set desk.NOTES_TOKEN";
    assert!(stand.shell(typed).status().unwrap().success());
    said(&stand.sandgate(&["check"]), 2, &["run `sandgate lock`"]);
    said(&stand.sandgate(&["lock"]), 0, &["is written"]);
    said(
        &stand.sandgate(&["check"]),
        0,
        &["contained:", "network    none"],
    );
    let answer = stand.look(&[]);
    assert_eq!(
        (&answer["words"], &answer["change"]),
        (&json!("one"), &json!("EROFS")),
        "{answer}"
    );

    // The catalog names another version: the server stays, and it is said.
    let path = stand.path("catalog.toml");
    std::fs::write(&path, CATALOG.replace("notes@1.0.0", "notes@1.1.0")).unwrap();
    let updated = stand.sandgate(&["catalog", "update", "company"]);
    said(
        &updated,
        0,
        &[
            "~ desk@1.0.0: npm:notes@1.0.0 -> npm:notes@1.1.0",
            "The server desk came from it, and stays",
        ],
    );
    said(&stand.sandgate(&["lock", "--check"]), 0, &["agree"]);
    said(
        &stand.sandgate(&["add", "desk"]),
        2,
        &["there is a server desk already", "--as"],
    );
    said(
        &stand.sandgate(&["add", "desk", "--as", "two", "--set", "folder=/x"]),
        0,
        &["two is added"],
    );
    said(
        &stand.sandgate(&["catalog", "remove", "company"]),
        0,
        &["is removed"],
    );
    let text = std::fs::read_to_string(stand.config()).unwrap();
    assert!(
        !text.contains("[catalogs") && text.contains("npm:notes@1.1.0"),
        "{text}"
    );
    said(
        &stand.sandgate(&["catalog", "list"]),
        2,
        &["there is no catalog"],
    );
}
