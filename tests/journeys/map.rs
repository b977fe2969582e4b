//! The map: ARCHITECTURE.md and CONTRIBUTING.md name what is there, and leave nothing out that they promise to name.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn page(name: &str) -> String {
    std::fs::read_to_string(root().join(name)).unwrap()
}

fn crates() -> BTreeSet<String> {
    let folders = std::fs::read_dir(root().join("runtime")).unwrap();
    let folders = folders.map(|entry| entry.unwrap().path());
    let names = folders.filter(|folder| folder.join("Cargo.toml").is_file());
    names
        .map(|folder| folder.file_name().unwrap().to_str().unwrap().to_owned())
        .collect()
}

/// What stands between backticks.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// Modules below this folder, as `folder/file`: neither faces nor tests.
fn modules(folder: &Path, prefix: &str, found: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap();
        if matches!(name, "lib" | "main" | "mod" | "tests") {
            continue;
        }
        if path.is_dir() {
            modules(&path, &format!("{prefix}{name}/"), found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.insert(format!("{prefix}{name}"));
        }
    }
}

/// The lines of the glossary that are about this crate, and whether they are to name each of its modules.
fn glossary(page: &str, name: &str) -> Option<(String, bool)> {
    let (_, glossary) = page.split_once("\n## Glossary\n").unwrap();
    if let Some((_, own)) = glossary.split_once(&format!("\n### `{name}`\n")) {
        let own = own.split("\n### ").next().unwrap();
        return Some((first_column(own), true));
    }
    let (_, others) = glossary.split_once("\n### The other crates\n").unwrap();
    let begins = format!("| `{name}` | ");
    let mut lines = others.lines().skip_while(|line| !line.starts_with(&begins));
    let first = lines.next()?;
    let more = lines.take_while(|line| line.starts_with("| | "));
    Some((
        std::iter::once(first)
            .chain(more)
            .collect::<Vec<_>>()
            .join("\n"),
        false,
    ))
}

fn first_column(table: &str) -> String {
    let rows = table.lines().filter_map(|line| line.strip_prefix("| `"));
    let cells = rows.filter_map(|row| Some(format!("`{}", row.split_once(" |")?.0)));
    cells.collect::<Vec<_>>().join("\n")
}

#[test]
fn each_crate_and_each_module_that_the_glossary_promises_has_its_line() {
    let page = page("ARCHITECTURE.md");
    let mut missing = Vec::new();
    for name in crates() {
        let (lines, promises) = glossary(&page, &name).unwrap_or_else(|| {
            panic!("ARCHITECTURE.md has no lines for {name}: add a row to \"The other crates\"")
        });
        if !promises {
            continue;
        }
        let mut there = BTreeSet::new();
        modules(&root().join(format!("runtime/{name}/src")), "", &mut there);
        // A name stands for a file, a folder, or a file of the folder that its row names.
        let named: BTreeSet<&str> = quoted(&lines).flat_map(|name| name.split('/')).collect();
        for module in there {
            let folder = module.split('/').next().unwrap();
            let file = module.rsplit('/').next().unwrap();
            if !named.contains(file) && !named.contains(folder) {
                missing.push(format!("{name}: {module}"));
            }
        }
        for known in quoted(&lines) {
            let at = root().join(format!("runtime/{name}/src"));
            let last = known.trim_end_matches('/').rsplit('/').next().unwrap();
            assert!(
                stands_below(&at, last),
                "ARCHITECTURE.md: {name} has no module {known}"
            );
        }
    }
    assert!(
        missing.is_empty(),
        "ARCHITECTURE.md's glossary has no line for {missing:#?}"
    );
}

fn stands_below(folder: &Path, name: &str) -> bool {
    std::fs::read_dir(folder).unwrap().any(|entry| {
        let path = entry.unwrap().path();
        path.file_stem().unwrap() == name || path.is_dir() && stands_below(&path, name)
    })
}

#[test]
fn the_table_of_crates_is_the_order_that_manifests_are_held_to() {
    let page = page("ARCHITECTURE.md");
    let (_, table) = page.split_once("\n## The crates\n").unwrap();
    let table = table.split("\nBeside them:").next().unwrap();
    for name in crates() {
        let begins = format!("| `{name}` | ");
        let row = table.lines().find_map(|line| line.strip_prefix(&begins));
        let row = row.unwrap_or_else(|| panic!("ARCHITECTURE.md has no row for {name}"));
        // The binary depends on all of them.
        if name == "cli" {
            continue;
        }
        // `wit` is a folder that the host reads, and no crate.
        let written = quoted(row.split(" |").next().unwrap());
        let written = written.map(|path| path.rsplit('/').next().unwrap());
        let written: BTreeSet<&str> = written.filter(|name| *name != "wit").collect();
        let package = format!("sandgate-{name}");
        let floor = super::FLOORS.iter().find(|(floor, _)| *floor == package);
        let below = floor.unwrap().1.iter();
        let below = below.map(|name| name.strip_prefix("sandgate-").unwrap_or(name));
        assert_eq!(written, below.collect::<BTreeSet<_>>(), "{name}");
    }
}

#[test]
fn each_verb_of_the_command_line_is_named() {
    let page = page("ARCHITECTURE.md");
    let (lines, _) = glossary(&page, "cli").unwrap();
    let named: BTreeSet<&str> = quoted(&lines)
        .map(|name| name.trim_end_matches('/'))
        .collect();
    for entry in std::fs::read_dir(root().join("runtime/cli/src")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap();
        assert!(
            matches!(name, "lib" | "main") || named.contains(name),
            "ARCHITECTURE.md does not name `{name}` of the command line"
        );
    }
}

#[test]
fn each_path_that_the_map_names_is_there() {
    let mut seen = 0;
    for name in ["ARCHITECTURE.md", "CONTRIBUTING.md", "plugins/README.md"] {
        let page = page(name);
        // Below stand old names.
        let page = page.split("\n## Open branches").next().unwrap();
        for path in quoted(page) {
            let ours = [
                "runtime/",
                "tests/",
                "plugins/",
                "sdk/",
                "docs/",
                "examples/",
            ];
            let placeholder = path.contains(['*', ' ', '<', '…', '{'])
                || path.contains("NAME")
                || path.contains("NEW");
            if placeholder || !ours.iter().any(|folder| path.starts_with(folder)) {
                continue;
            }
            seen += 1;
            assert!(root().join(path).exists(), "{name}: there is no {path}");
        }
    }
    assert!(seen > 100, "only {seen} paths");
}

#[test]
fn each_built_in_plugin_stands_where_people_look_for_it() {
    let (readme, list) = (page("README.md"), page("plugins/README.md"));
    let init = page("runtime/cli/src/init/sandgate.toml");
    let performance = page("docs/performance.md");
    let (_, costs) = performance.split_once("<!-- policies:").unwrap();
    let (costs, _) = costs.split_once("<!-- end of policies -->").unwrap();
    let mut seen = 0;
    for entry in std::fs::read_dir(root().join("plugins")).unwrap() {
        let folder = entry.unwrap().path();
        if !folder.join("plugin.toml").is_file() {
            continue;
        }
        seen += 1;
        let name = folder.file_name().unwrap().to_str().unwrap();
        let link = format!("{name}/README.md)");
        assert!(
            folder.join("README.md").is_file(),
            "plugins/{name} has no README.md"
        );
        assert!(
            readme.contains(&format!("(plugins/{link}")),
            "README.md has no row for {name}"
        );
        assert!(
            list.contains(&format!("({link}")),
            "plugins/README.md has no row for {name}"
        );
        // What `model-bridge` costs is the classifier's time.
        assert!(
            name == "model-bridge" || costs.contains(&format!("\n| {name} | ")),
            "the table of `make policy-costs` in docs/performance.md has no row for {name}"
        );
        assert!(
            init.contains(&format!("plugin = \"builtin:{name}\"")),
            "`sandgate init` (runtime/cli/src/init/sandgate.toml) does not write {name}"
        );
    }
    assert!(seen >= 10, "only {seen} policies");
}
