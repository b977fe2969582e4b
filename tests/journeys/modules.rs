//! Which modules of a crate import which, one a file, and where they do so in a circle. A module is what `crate::…` and
//! `super::…` name in its code; a name that a `mod.rs` re-exports belongs to the module that defines it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Source by module path (`call::admit`; empty for the crate's root), without comments and unit tests.
type Sources = BTreeMap<String, String>;

/// The modules that import each other in a circle, each circle in alphabetical order.
pub(crate) fn circles(root: &Path) -> Vec<Vec<String>> {
    let mut sources = Sources::new();
    read(root, root, &mut sources);
    let imports = sources
        .keys()
        .map(|module| (module.clone(), imports_of(module, &sources)))
        .collect::<BTreeMap<_, _>>();
    let reached = imports
        .keys()
        .map(|module| (module.clone(), reach(module, &imports)))
        .collect::<BTreeMap<_, _>>();
    let mut circles = BTreeSet::new();
    for (module, all) in &reached {
        let circle = all
            .iter()
            .filter(|other| reached[*other].contains(module))
            .cloned()
            .collect::<Vec<_>>();
        if circle.len() > 1 {
            circles.insert(circle);
        }
    }
    circles.into_iter().collect()
}

fn read(root: &Path, folder: &Path, sources: &mut Sources) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if path.is_dir() && name != "tests" {
            read(root, &path, sources);
        }
        let Some(stem) = name.strip_suffix(".rs").filter(|stem| *stem != "tests") else {
            continue;
        };
        let mut parts: Vec<_> = folder
            .strip_prefix(root)
            .unwrap()
            .iter()
            .map(|part| part.to_str().unwrap())
            .collect();
        if stem != "mod" && (stem != "lib" || !parts.is_empty()) {
            parts.push(stem);
        }
        sources.insert(
            parts.join("::"),
            code(&std::fs::read_to_string(&path).unwrap()),
        );
    }
}

/// Without comments, and without what is compiled for tests alone.
fn code(text: &str) -> String {
    let mut code = String::new();
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        let for_tests = line.starts_with("#[cfg(") && line.contains("test");
        if for_tests && lines.peek().is_some_and(|next| next.ends_with('{')) {
            break;
        }
        code += line.split("//").next().unwrap_or_default();
        code.push('\n');
    }
    code
}

fn imports_of(module: &str, sources: &Sources) -> BTreeSet<String> {
    let parent = module.rsplit_once("::").map_or("", |(parent, _)| parent);
    let code = &sources[module];
    let mut imports = BTreeSet::new();
    for (keyword, base) in [("crate::", ""), ("super::", parent)] {
        for (at, _) in code.match_indices(keyword) {
            // `pub(in crate::…)` names a module and imports nothing.
            if code[..at].ends_with("in ") {
                continue;
            }
            for path in paths(&code[at + keyword.len()..]) {
                imports.extend(resolve(&joined(base, &path), sources));
            }
        }
    }
    imports.remove(module);
    // The crate's root is its face: what it re-exports belongs to other modules.
    imports.remove("");
    imports
}

fn joined(base: &str, path: &str) -> String {
    match base {
        "" => path.to_owned(),
        base => format!("{base}::{path}"),
    }
}

/// The paths that a path in code stands for: `a::{b, c::d}` stands for two.
fn paths(text: &str) -> Vec<String> {
    let is_path = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
    let end = text.find(|c| !is_path(c)).unwrap_or(text.len());
    let (path, rest) = text.split_at(end);
    if !rest.starts_with('{') || !path.is_empty() && !path.ends_with("::") {
        return vec![path.to_owned()];
    }
    let (mut depth, mut items, mut item) = (0, Vec::new(), String::new());
    for c in rest.chars() {
        depth += i32::from(c == '{') - i32::from(c == '}');
        match c {
            '{' if depth == 1 => {}
            ',' if depth == 1 => items.push(std::mem::take(&mut item)),
            _ if depth == 0 => break,
            c => item.push(c),
        }
    }
    items.push(item);
    items
        .iter()
        .flat_map(|item| paths(item.trim()))
        .map(|item| format!("{path}{item}"))
        .collect()
}

/// The module to which a path belongs.
fn resolve(path: &str, sources: &Sources) -> Option<String> {
    let parts: Vec<_> = path.split("::").collect();
    let known = (0..=parts.len())
        .rev()
        .find(|&n| sources.contains_key(&parts[..n].join("::")))?;
    let module = parts[..known].join("::");
    let Some(name) = parts.get(known) else {
        return Some(module);
    };
    for (at, _) in sources[&module].match_indices("use ") {
        let text = sources[&module][at + 4..].trim_start_matches("self::");
        if !sources[&module][..at].trim_end().ends_with(['b', ')']) || text.starts_with("crate") {
            continue;
        }
        for path in paths(text) {
            if path.rsplit("::").next() == Some(name) && path.contains("::") {
                return resolve(&joined(&module, &path), sources);
            }
        }
    }
    Some(module)
}

fn reach(module: &str, imports: &BTreeMap<String, BTreeSet<String>>) -> BTreeSet<String> {
    let mut reached = BTreeSet::new();
    let mut next: Vec<_> = imports[module].iter().collect();
    while let Some(module) = next.pop() {
        if reached.insert(module.clone()) {
            next.extend(&imports[module]);
        }
    }
    reached
}
