//! Edits the configuration's text so that a candidate takes its interceptor's place. Comments and layout stay as they
//! are. What else stood in the candidate's table is removed with it.

use toml_edit::{DocumentMut, Item, TableLike, Value};

/// The keys that a candidate may have of its own, and that become the interceptor's.
const KEYS: [&str; 4] = ["plugin", "digest", "settings", "grants"];

/// The text after the promotion. `None` if there is no such interceptor, or it has no candidate.
pub(super) fn promoted(text: &str, name: &str) -> Option<String> {
    edited(text, name, promote)
}

/// The text without the candidate. `None` if there is no such interceptor, or it has no candidate.
pub(super) fn rejected(text: &str, name: &str) -> Option<String> {
    edited(text, name, |interceptor| {
        interceptor.remove("candidate").map(drop)
    })
}

fn edited(
    text: &str,
    name: &str,
    edit: impl Fn(&mut dyn TableLike) -> Option<()>,
) -> Option<String> {
    let mut document: DocumentMut = text.parse().ok()?;
    let is_meant = |table: &dyn TableLike| table.get("name").and_then(Item::as_str) == Some(name);
    match document.get_mut("interceptors")? {
        Item::ArrayOfTables(tables) => {
            let mut tables = tables.iter_mut();
            edit(tables.find(|table| is_meant(*table))?)?;
        }
        Item::Value(Value::Array(array)) => {
            let mut tables = array.iter_mut().filter_map(Value::as_inline_table_mut);
            let table = tables.find(|table| is_meant(*table))?;
            // White space before the closing brace belongs to the last member.
            let last = |(_, value): (_, &Value)| value.decor().suffix().cloned();
            let end = table.iter().last().and_then(last);
            edit(table)?;
            if let (Some(end), Some((_, value))) = (end, table.iter_mut().last()) {
                value.decor_mut().set_suffix(end);
            }
        }
        _ => return None,
    }
    Some(document.to_string())
}

fn promote(interceptor: &mut dyn TableLike) -> Option<()> {
    let mut candidate = interceptor.remove("candidate")?;
    let candidate = candidate.as_table_like_mut()?;
    if candidate.contains_key("plugin") && !candidate.contains_key("digest") {
        // The digest was the other file's.
        interceptor.remove("digest");
    }
    for key in KEYS {
        if let Some(item) = candidate.remove(key) {
            put(interceptor, key, item);
        }
    }
    Some(())
}

/// Replaces a value, and keeps the comments around the old one.
fn put(interceptor: &mut dyn TableLike, key: &str, mut item: Item) {
    match (interceptor.get_mut(key), &mut item) {
        (Some(Item::Value(old)), Item::Value(new)) => {
            *new.decor_mut() = old.decor().clone();
            *old = new.clone();
        }
        (Some(Item::Table(old)), Item::Table(new)) => {
            *new.decor_mut() = old.decor().clone();
            new.set_position(old.position());
            *old = new.clone();
        }
        (_, item) => {
            if let Item::Value(value) = item {
                value.decor_mut().clear();
            }
            interceptor.insert(key, item.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn comments_and_layout_stay() {
        let text = "\
# Ours.
[servers.crm]
url = 'http://127.0.0.1:9000/mcp' # the old one

# What leaves the house.
[[interceptors]]
name    = \"scrub\"
plugin  = \"old.wasm\"   # reviewed by ada
digest  = \"sha256:00\"
servers = [ \"crm\" ]
settings = { entities = [\"email\"] } # more later
# Next week.
candidate = { plugin = \"new.wasm\", settings = { entities = [\"email\", \"iban\"] }, share = \"10%\" }
timeout = \"20ms\"

[[interceptors]]
name = \"last\"
plugin = \"builtin:allow-tools\"
# The end.
";
        let expected = "\
# Ours.
[servers.crm]
url = 'http://127.0.0.1:9000/mcp' # the old one

# What leaves the house.
[[interceptors]]
name    = \"scrub\"
plugin  = \"new.wasm\"   # reviewed by ada
servers = [ \"crm\" ]
settings = { entities = [\"email\", \"iban\"] } # more later
timeout = \"20ms\"

[[interceptors]]
name = \"last\"
plugin = \"builtin:allow-tools\"
# The end.
";
        assert_eq!(promoted(text, "scrub").unwrap(), expected);
        assert!(promoted(text, "last").is_none());
        let without = rejected(text, "scrub").unwrap();
        let kept = text
            .lines()
            .filter(|line| !line.starts_with("candidate") && *line != "# Next week.");
        assert_eq!(
            without.lines().collect::<Vec<_>>(),
            kept.collect::<Vec<_>>()
        );
        assert!(rejected(text, "last").is_none());
        assert!(promoted(text, "nobody").is_none());
    }

    #[test]
    fn tables_of_their_own_become_the_interceptors() {
        let text = "\
[[interceptors]]
name = \"a\"
plugin = \"a.wasm\"

# How strict.
[interceptors.settings]
level = 1

[interceptors.candidate]
plugin = \"b.wasm\"
digest = \"sha256:11\"

[interceptors.candidate.settings]
# As the law has it.
level = 2

[interceptors.grants]
state = true

[[interceptors]]
name = \"b\"
plugin = \"c.wasm\"
";
        let expected = "\
[[interceptors]]
name = \"a\"
plugin = \"b.wasm\"
digest = \"sha256:11\"

# How strict.
[interceptors.settings]
# As the law has it.
level = 2

[interceptors.grants]
state = true

[[interceptors]]
name = \"b\"
plugin = \"c.wasm\"
";
        assert_eq!(promoted(text, "a").unwrap(), expected);
    }

    #[test]
    fn the_pipeline_may_be_one_list() {
        let text = "interceptors = [\n  { name = \"a\", plugin = \"a.wasm\", candidate = { plugin = \"b.wasm\" } }, # one\n]\n";
        let expected = "interceptors = [\n  { name = \"a\", plugin = \"b.wasm\" }, # one\n]\n";
        assert_eq!(promoted(text, "a").unwrap(), expected);
    }

    #[test]
    fn what_was_written_in_parts_is_put_together() {
        let dotted = "[[interceptors]]\nname = \"a\"\nplugin = \"a.wasm\"\ncandidate.settings.level = 2\ncandidate.share = \"1%\"\n";
        let expected = "[[interceptors]]\nname = \"a\"\nplugin = \"a.wasm\"\nsettings.level = 2\n";
        assert_eq!(promoted(dotted, "a").unwrap(), expected);
        let inline = "[[interceptors]]\nname = \"a\"\nplugin = \"a.wasm\"\ncandidate = { settings = { level = 2 } }\n\n[interceptors.settings]\nlevel = 1\n";
        let expected =
            "[[interceptors]]\nname = \"a\"\nplugin = \"a.wasm\"\nsettings = { level = 2 }\n";
        assert_eq!(promoted(inline, "a").unwrap(), expected);
    }
}
