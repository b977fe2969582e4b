//! Turns a plugin's issues with its settings into issues of the file.

use super::issue::Issue;
use sandgate_message::pointer::push;

use super::settings::ResolvedSettings;
use super::source::Side;
use super::tree::Entry;
use super::{Loaded, wording};
use serde_json::Value;

impl Loaded {
    /// The range of a setting in the file. `whose` is the place of an interceptor or its candidate, for example
    /// `/interceptors/0`; `pointer` is within its settings.
    pub fn locate_setting(&self, whose: &str, pointer: &str) -> Option<std::ops::Range<usize>> {
        self.source
            .locate(&format!("{whose}/settings{pointer}"), Side::Value)
    }

    /// Converts a plugin's issues with its settings, each `(pointer within the settings, message)`, to issues of the
    /// file. A message about a value from outside the file is not repeated, since it may quote the value. A key that
    /// only landed in the settings by TOML's order (below a `[interceptors.settings]` header, and not in `schema`, the
    /// plugin's settings schema) gets an issue that says so, even if the plugin had no complaint.
    pub fn settings_issues(
        &self,
        whose: &str,
        found: &[(String, String)],
        schema: &Value,
        settings: &ResolvedSettings,
    ) -> Vec<Issue> {
        let place = format!("{whose}/settings");
        let strays = self.strays(whose, schema);
        let mut issues = Vec::new();
        for (pointer, message) in found {
            let about_stray = strays.iter().any(|stray| {
                let (parent, key) = stray.pointer.rsplit_once('/').unwrap_or_default();
                *pointer == stray.pointer || (pointer == parent && message.contains(key))
            });
            if about_stray {
                continue;
            }
            let name = wording::named(&format!("{place}{pointer}"));
            let text = if settings.is_shown_by(message, pointer) {
                format!(
                    "{name}: the plugin does not accept this value (not shown, since it came from outside the file)"
                )
            } else {
                format!("{name}: {message}")
            };
            let help = "`sandgate plugin inspect` shows what the plugin's settings may be";
            issues.push(Issue::error(self.locate_setting(whose, pointer), text).help(help));
        }
        issues.extend(strays.into_iter().map(|stray| stray.issue));
        issues
    }

    fn strays(&self, whose: &str, schema: &Value) -> Vec<Stray> {
        let (kind, keys) = match whose.ends_with("/candidate") {
            true => ("candidate", "Candidate"),
            false => ("interceptor", "Interceptor"),
        };
        let keys = &crate::schema::value()["$defs"][keys]["properties"];
        let mut segments = whose.split('/').skip(1);
        let list = segments
            .next()
            .and_then(|name| self.source.tree().get(name));
        let index = segments
            .next()
            .and_then(|index| index.parse::<usize>().ok());
        let mut entry = list
            .and_then(Entry::list)
            .zip(index)
            .and_then(|(list, index)| list.get(index));
        for name in segments.chain(["settings"]) {
            entry = entry
                .and_then(Entry::table)
                .and_then(|table| table.get(name));
        }
        let mut strays = Vec::new();
        if let Some(table) = entry {
            self.look(table, schema, &mut String::new(), (kind, keys), &mut strays);
        }
        strays
    }

    fn look(
        &self,
        value: &Entry,
        schema: &Value,
        at: &mut String,
        (kind, keys): (&str, &Value),
        strays: &mut Vec<Stray>,
    ) {
        let Some(table) = value.table() else { return };
        if !self.source.has_header(value) {
            return;
        }
        let header = &self.source.text()[value.span.clone()];
        for (key, member) in table {
            let name = key.name.as_str();
            let length = at.len();
            push(at, name);
            match schema["properties"].get(name) {
                Some(inner) => self.look(member, inner, at, (kind, keys), strays),
                // Within a table of free keys, `name` or `timeout` may well be intended.
                None if keys.get(name).is_some()
                    && (length == 0 || schema["additionalProperties"] == false) =>
                {
                    let message =
                        format!("`{name}` is a key of the {kind}, but stands in its settings");
                    let help = format!(
                        "TOML puts every key after the header `{header}` into that table: move `{name}` above that header"
                    );
                    let issue = Issue::error(Some(key.span.clone()), message).help(help);
                    strays.push(Stray {
                        pointer: at.clone(),
                        issue,
                    });
                }
                None => {}
            }
            at.truncate(length);
        }
    }
}

struct Stray {
    pointer: String,
    issue: Issue,
}
