//! No code in the book that nothing builds.

use crate::guide::page::{Block, pages, root};

#[test]
fn every_block_of_code_in_the_book_is_a_file_that_is_built_or_is_read_as_what_it_is() {
    let (guide, reference) = pages();
    let mut wrong = Vec::new();
    let mut seen = 0;
    for page in guide.iter().chain(&reference) {
        for block in &page.blocks {
            seen += 1;
            if let Err(why) = checked(block) {
                wrong.push(format!("docs/{}, line {}: {why}", page.name, block.line));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(seen > 50, "only {seen} blocks were found");
}

fn checked(block: &Block) -> Result<(), String> {
    // The journeys beside this one build these two folders, in every language.
    let built = root().join("examples/guide");
    match block.language.as_str() {
        // The journey of alerts runs it.
        "python" if block.text.contains("def is_ours(headers, body, secret)") => Ok(()),
        "rust" | "python" | "ts" | "js" | "go" | "c" | "cpp" | "zig" => match &block.from {
            Some(file) if file.starts_with(&built) => Ok(()),
            _ => Err(format!(
                "{} that is no file of examples/guide",
                block.language
            )),
        },
        "toml" => block
            .text
            .parse::<toml::Table>()
            .map(drop)
            .map_err(|error| error.to_string()),
        "json" => serde_json::from_str::<serde_json::Value>(&block.text)
            .map(drop)
            .map_err(|error| error.to_string()),
        // Commands: those of the guide are run; the reference's name places that are nowhere.
        "console" => Ok(()),
        "text" | "yaml" | "" => Ok(()),
        other => Err(format!("nothing checks {other}")),
    }
}
