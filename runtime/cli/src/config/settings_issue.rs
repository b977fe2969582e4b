//! What a plugin's schema says of its settings, at the key that it is about.

use super::issue::Issue;
use super::settings::{ResolvedSettings, push};
use super::source::Side;
use super::tree::Entry;
use super::{Loaded, wording};
use serde_json::Value;

impl Loaded {
    /// Where a setting of an interceptor stands: `index` in the file's order, `pointer` within its settings.
    pub fn locate_setting(&self, index: usize, pointer: &str) -> Option<std::ops::Range<usize>> {
        self.source.locate(
            &format!("/interceptors/{index}/settings{pointer}"),
            Side::Value,
        )
    }

    /// The issues that a plugin has with its settings, each `(pointer within the settings, message)`, as issues of the
    /// file. A message about a value from outside the file is not repeated, since it may quote the value. A key that
    /// only landed in the settings by TOML's order (below a `[interceptors.settings]` header, and not in `schema`, the
    /// plugin's settings schema) gets an issue that says so, also where the plugin had no complaint.
    pub fn settings_issues(
        &self,
        index: usize,
        found: &[(String, String)],
        schema: &Value,
        settings: &ResolvedSettings,
    ) -> Vec<Issue> {
        let place = format!("/interceptors/{index}/settings");
        let strays = self.strays(index, schema);
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
            issues.push(Issue::error(self.locate_setting(index, pointer), text).help(help));
        }
        issues.extend(strays.into_iter().map(|stray| stray.issue));
        issues
    }

    fn strays(&self, index: usize, schema: &Value) -> Vec<Stray> {
        let keys = &crate::schema::value()["$defs"]["Interceptor"]["properties"];
        let interceptors = self.source.tree().get("interceptors").and_then(Entry::list);
        let entry = interceptors
            .and_then(|list| list.get(index))
            .and_then(Entry::table);
        let mut strays = Vec::new();
        if let Some(table) = entry.and_then(|entry| entry.get("settings")) {
            self.look(table, schema, &mut String::new(), keys, &mut strays);
        }
        strays
    }

    fn look(
        &self,
        value: &Entry,
        schema: &Value,
        at: &mut String,
        keys: &Value,
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
                Some(inner) => self.look(member, inner, at, keys, strays),
                // Within a table of free keys, `name` or `timeout` may well be meant.
                None if keys.get(name).is_some()
                    && (length == 0 || schema["additionalProperties"] == false) =>
                {
                    let message =
                        format!("`{name}` is a key of the interceptor, but stands in its settings");
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
