//! The line of the configuration that would allow what was refused, and its place in the file. Only the deciding key is
//! shown, with its value in the file: other settings may be secret.

use std::ops::Range;
use std::path::Path;

use sandgate_config::tree::{Entry, Node, Table};
use sandgate_config::{Files, LARGEST_FILE, Source};
use sandgate_message::pointer;
use serde::Serialize;
use serde_json::Value;

/// A line to paste into the configuration.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Paste {
    /// The line, `key = value`.
    pub(super) line: String,
    /// The place for people, for example `in place of line 9`.
    pub(super) place: String,
}

/// A configuration as far as it can be parsed.
pub(super) struct Written(Source);

impl Written {
    /// Reads the file. `None` if it cannot be read.
    pub(super) fn read(file: &Path) -> Option<Self> {
        let bytes = Files::in_folder(Path::new("")).read(file, LARGEST_FILE);
        let text = String::from_utf8(bytes.ok()?).ok()?;
        Some(Self(Source::parse(file, text).0))
    }

    /// The file's name.
    pub(super) fn name(&self) -> String {
        let path = self.0.path();
        let name = path.file_name().unwrap_or(path.as_os_str());
        name.to_string_lossy().into_owned()
    }

    /// The line that sets `value` at that place of the interceptor's settings. `None` if there is no such interceptor
    /// or no such place.
    pub(super) fn paste(&self, interceptor: &str, setting: &str, value: &Value) -> Option<Paste> {
        let segments = setting.split('/').skip(1);
        let path: Vec<String> = [String::from("settings")]
            .into_iter()
            .chain(segments.map(pointer::unescape))
            .collect();
        let named = |entry: &&Entry| {
            let name = entry.table().and_then(|table| table.get("name"));
            name.and_then(Entry::text) == Some(interceptor)
        };
        let all = self.0.tree().get("interceptors")?.list()?;
        let mut around = all.iter().find(named)?;
        // `home` is the table with a header or braces in which the line would stand; `dotted` holds the keys before the
        // last one, separated by dots.
        let (mut home, mut dotted) = (around, String::new());
        let mut rest = path.as_slice();
        // Descends as deep as the file goes, to the table in which the key stands or is missing.
        loop {
            let (name, behind) = rest.split_first()?;
            let Some((key, entry)) = around.table()?.member(name) else {
                let line = format!("{dotted}{}", assignment(name, &put(None, behind, value)?)?);
                return Some(self.added(home, line));
            };
            (around, rest) = match (&entry.node, behind) {
                (Node::Table(_), [_, ..]) => (entry, behind),
                (Node::List(list), [index, _, ..]) => {
                    (list.get(index.parse::<usize>().ok()?)?, &behind[1..])
                }
                _ => {
                    let new = put(Some(plain(entry)?), behind, value)?;
                    let line = format!("{dotted}{}", assignment(name, &new)?);
                    let place = self.instead(home, name, &key.span, entry);
                    return Some(Paste { line, place });
                }
            };
            match self.shape(around) {
                Shape::Dotted => dotted = format!("{dotted}{}.", bare(name)),
                Shape::Braces | Shape::Header => (home, dotted) = (around, String::new()),
            }
        }
    }

    /// A line that is new in this table.
    fn added(&self, home: &Entry, line: String) -> Paste {
        let at = self.line(home.span.start);
        if self.shape(home) != Shape::Braces {
            let place = format!("below line {at}");
            return Paste { line, place };
        }
        let is_alone = home.table().is_none_or(Table::is_empty);
        Paste {
            line: format!("{line}{}", if is_alone { "" } else { "," }),
            place: format!("behind the brace that opens the table on line {at}"),
        }
    }

    fn instead(&self, home: &Entry, name: &str, key: &Range<usize>, entry: &Entry) -> String {
        let elements = entry.list().into_iter().flatten();
        let headers: Vec<String> = elements
            .filter(|element| self.shape(element) == Shape::Header)
            .map(|element| self.line(element.span.start).to_string())
            .collect();
        let (first, last) = (self.line(key.start), self.line(entry.span.end));
        match headers.as_slice() {
            [] if first == last => format!("in place of `{name}` on line {first}"),
            [] => format!("in place of `{name}` on lines {first} to {last}"),
            headers => format!(
                "below line {}, in place of the tables whose headers stand on line {},",
                self.line(home.span.start),
                headers.join(", ")
            ),
        }
    }

    fn shape(&self, table: &Entry) -> Shape {
        match self.0.text().as_bytes().get(table.span.start) {
            Some(b'{') => Shape::Braces,
            Some(b'[') => Shape::Header,
            _ => Shape::Dotted,
        }
    }

    fn line(&self, offset: usize) -> usize {
        self.0.position(offset).line
    }
}

/// How a table is written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    Braces,
    Header,
    Dotted,
}

/// Puts the value at its place within `there`: into a list, or replacing what is there.
fn put(there: Option<Value>, path: &[String], value: &Value) -> Option<Value> {
    let Some((segment, rest)) = path.split_first() else {
        return Some(value.clone());
    };
    let index = segment.parse::<usize>().ok();
    Some(match there {
        Some(Value::Array(mut list)) => {
            let index = match segment.as_str() {
                "-" => list.len(),
                _ => index?,
            };
            if rest.is_empty() {
                list.insert(index.min(list.len()), value.clone());
            } else {
                let element = list.get_mut(index)?;
                *element = put(Some(element.take()), rest, value)?;
            }
            list.into()
        }
        Some(Value::Object(mut table)) => {
            let new = put(table.remove(segment), rest, value)?;
            table.insert(segment.clone(), new);
            table.into()
        }
        Some(_) => return None,
        None if segment == "-" || index.is_some() => vec![put(None, rest, value)?].into(),
        None => [(segment.clone(), put(None, rest, value)?)]
            .into_iter()
            .collect::<serde_json::Map<_, _>>()
            .into(),
    })
}

fn plain(entry: &Entry) -> Option<Value> {
    Some(match &entry.node {
        Node::Text(text) => text.as_str().into(),
        Node::Integer(number) => (*number)?.into(),
        Node::Float(number) => serde_json::Number::from_f64(*number)?.into(),
        Node::Truth(truth) => (*truth).into(),
        Node::Date => return None,
        Node::List(list) => list.iter().map(plain).collect::<Option<Vec<_>>>()?.into(),
        Node::Table(table) => {
            let members = table
                .iter()
                .map(|(key, entry)| Some((key.name.clone(), plain(entry)?)));
            members.collect::<Option<serde_json::Map<_, _>>>()?.into()
        }
    })
}

/// The assignment `key = value`, on one line.
fn assignment(key: &str, value: &Value) -> Option<String> {
    let value = value
        .serialize(toml_edit::ser::ValueSerializer::new())
        .ok()?;
    Some(format!("{} = {value}", bare(key)))
}

fn bare(key: &str) -> String {
    toml_edit::Key::new(key).display_repr().into_owned()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;

    fn pasted(text: &str, setting: &str, value: Value) -> Option<(String, String)> {
        let written = Written(Source::parse(Path::new("sandgate.toml"), text.to_owned()).0);
        let paste = written.paste("a", setting, &value)?;
        // The line is TOML by itself.
        let line = paste.line.trim_end_matches(',');
        line.parse::<toml::Table>().unwrap();
        Some((paste.line, paste.place))
    }

    fn told(line: &str, place: &str) -> Option<(String, String)> {
        Some((line.to_owned(), place.to_owned()))
    }

    const HEAD: &str = "[[interceptors]]\nname = \"other\"\n[[interceptors]]\nname = \"a\"\n";

    #[test]
    fn a_setting_that_is_not_there_is_added() {
        let add = |rest: &str| pasted(&format!("{HEAD}{rest}"), "/level", json!("record"));
        assert_eq!(
            add(""),
            told("settings = { level = \"record\" }", "below line 3")
        );
        assert_eq!(
            add("settings = { b = 1 }"),
            told(
                "level = \"record\",",
                "behind the brace that opens the table on line 5"
            )
        );
        assert_eq!(
            add("[interceptors.settings]\nb = 1"),
            told("level = \"record\"", "below line 5")
        );
        assert_eq!(
            add("settings.b = 1"),
            told("settings.level = \"record\"", "below line 3")
        );
    }

    #[test]
    fn a_setting_that_is_there_is_replaced_and_others_are_not_shown() {
        let replace = |rest: &str| pasted(&format!("{HEAD}{rest}"), "/level", json!("record"));
        let line = "level = \"record\"";
        let inline = "settings = { key = \"canary\", level = \"refuse\" }";
        assert_eq!(replace(inline), told(line, "in place of `level` on line 5"));
        assert_eq!(
            replace("[interceptors.settings]\nlevel = [\n1,\n]"),
            told(line, "in place of `level` on lines 6 to 8")
        );
        assert_eq!(
            replace("settings.level = \"refuse\""),
            told(
                "settings.level = \"record\"",
                "in place of `level` on line 5"
            )
        );
    }

    #[test]
    fn a_list_keeps_what_it_has() {
        let entry = || json!({ "who": ["*"], "allow": ["s/x"] });
        let rules = "settings = { rules = [{ who = [\"*\"], allow = [\"s/a\"] }] }";
        let text = format!("{HEAD}{rules}");
        assert_eq!(
            pasted(&text, "/rules/0/allow/-", json!("s/x")),
            told(
                "allow = [\"s/a\", \"s/x\"]",
                "in place of `allow` on line 5"
            )
        );
        assert_eq!(
            pasted(&text, "/rules/0", entry()),
            told(
                "rules = [{ who = [\"*\"], allow = [\"s/x\"] }, { who = [\"*\"], allow = [\"s/a\"] }]",
                "in place of `rules` on line 5"
            )
        );
        assert_eq!(
            pasted(HEAD, "/rules/0", entry()),
            told(
                "settings = { rules = [{ who = [\"*\"], allow = [\"s/x\"] }] }",
                "below line 3"
            )
        );
        let headed = "[[interceptors.settings.rules]]\nwho = [\"*\"]\nallow = []\n";
        assert_eq!(
            pasted(&format!("{HEAD}{headed}"), "/rules/-", json!(1)),
            told(
                "settings.rules = [{ who = [\"*\"], allow = [] }, 1]",
                "below line 3, in place of the tables whose headers stand on line 5,"
            )
        );
        assert_eq!(
            pasted(&format!("{HEAD}{headed}"), "/rules/0/allow/-", json!("x")),
            told("allow = [\"x\"]", "in place of `allow` on line 7")
        );
    }

    #[test]
    fn a_place_that_is_gone_is_none() {
        let text = format!("{HEAD}settings = {{ rules = [] }}");
        assert_eq!(pasted(&text, "/rules/3/allow/-", json!("x")), None);
        assert_eq!(pasted("", "/rules/-", json!("x")), None);
    }
}
