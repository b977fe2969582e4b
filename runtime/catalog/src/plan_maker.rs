//! Makes the plan of one offer: the tables of a server, in TOML.

use std::collections::BTreeSet;

use sandgate_text::printable;
use toml_edit::Value;

use crate::entry::{Offer, Refusal, Runs, Secret};
use crate::plan::{Plan, PlanError, Wanted};
use crate::plan_inputs::Inputs;
use crate::rules;

impl Plan {
    /// Plans a server from the first of the entry's offers that can be taken.
    ///
    /// # Errors
    ///
    /// None can be taken, or a value that was given is none.
    pub fn of(wanted: &Wanted<'_>) -> Result<Self, PlanError> {
        let mut refused = Vec::new();
        for offer in &wanted.entry.offers {
            match offer {
                Ok(offer) => {
                    let mut plan = Maker::new(wanted, offer).make()?;
                    let why = |why: &String| format!("not taken: {why}");
                    plan.notes.extend(refused.iter().map(why));
                    return Ok(plan);
                }
                Err(refusal) => refused.push(refusal.to_string()),
            }
        }
        let lines: Vec<String> = refused.iter().map(|why| format!("  {why}")).collect();
        Err(PlanError::Refused(wanted.entry.title(), lines.join("\n")))
    }
}

/// Makes one plan.
pub(crate) struct Maker<'a> {
    pub(crate) wanted: &'a Wanted<'a>,
    pub(crate) offer: &'a Offer,
    inputs: Inputs<'a>,
    /// Whether the table of headers is begun.
    has_headers: bool,
}

impl<'a> Maker<'a> {
    pub(crate) fn new(wanted: &'a Wanted<'a>, offer: &'a Offer) -> Self {
        Self {
            wanted,
            offer,
            inputs: Inputs::new(offer, wanted.values),
            has_headers: false,
        }
    }

    fn make(mut self) -> Result<Plan, PlanError> {
        let (server, entry, offer) = (self.wanted.server, self.wanted.entry, self.offer);
        let title = entry.title();
        let mut text = String::new();
        comment(&mut text, &entry.description);
        let said: Vec<&String> = entry.notes.iter().chain(&offer.notes).collect();
        said.iter().for_each(|note| comment(&mut text, note));
        text.push_str(&format!("[servers.{server}]\n"));
        let is_remote = matches!(offer.runs, Runs::Remote(_));
        match &offer.runs {
            Runs::Package(package, bin) => {
                put(&mut text, "package", package.to_string());
                bin.iter()
                    .for_each(|bin| put(&mut text, "bin", bin.as_str()));
            }
            Runs::Image(image) => put(&mut text, "image", image.0.as_str()),
            Runs::Remote(url) => {
                let url = self.inputs.url(url)?;
                put(&mut text, "url", url);
            }
        }
        let origin = [
            ("name", Some(self.wanted.catalog)),
            ("entry", Some(entry.name.as_str())),
            ("version", entry.version.as_deref()),
        ];
        let origin = origin
            .iter()
            .filter_map(|(key, text)| Some((*key, Value::from((*text)?))));
        put(
            &mut text,
            "catalog",
            origin.collect::<toml_edit::InlineTable>(),
        );
        let mut reaches = Vec::new();
        if !is_remote {
            let args = self.inputs.arguments()?;
            if !args.is_empty() {
                put(&mut text, "args", args.iter().collect::<toml_edit::Array>());
            }
            let contain = self.contain()?;
            put(&mut text, "contain", contain);
            let hosts = offer.hosts.iter().map(ToString::to_string);
            let inject = offer
                .secrets
                .iter()
                .filter_map(|secret| secret.inject.as_ref());
            let inject = inject.flat_map(|inject| inject.hosts.clone());
            reaches = hosts
                .chain(inject)
                .collect::<BTreeSet<_>>()
                .into_iter()
                .collect();
            if reaches.is_empty() {
                comment(
                    &mut text,
                    "The catalog names no host, so that it reaches none. To learn what it needs, for a day:",
                );
                comment(
                    &mut text,
                    &format!(
                        "egress = {{ allow = [], audit-until = \"<a time in the next 24 hours>\" }}, then `sandgate egress {server}`"
                    ),
                );
            } else {
                put(
                    &mut text,
                    "egress",
                    reaches.iter().collect::<toml_edit::Array>(),
                );
            }
        }
        self.values(&mut text, if is_remote { "headers" } else { "env" })?;
        let mut secrets = Vec::new();
        let mut variables = Vec::new();
        for secret in &offer.secrets {
            match is_remote {
                true => variables.push(self.header(&mut text, secret)),
                false => secrets.push(self.secret(&mut text, secret)),
            }
        }
        self.inputs.unused()?;
        Ok(Plan {
            table: text,
            runs: match &offer.runs {
                Runs::Remote(url) => {
                    format!("{title}: a server elsewhere, {url}; nothing here contains it")
                }
                runs => format!("{title}: {runs}"),
            },
            reaches,
            secrets,
            variables,
            left: self.inputs.left,
            notes: said.into_iter().cloned().collect(),
            is_locked: !is_remote,
        })
    }

    fn contain(&mut self) -> Result<Value, PlanError> {
        if self.offer.mounts.is_empty() {
            return Ok(true.into());
        }
        let mut mounts = toml_edit::InlineTable::new();
        for mount in &self.offer.mounts {
            // A catalog chooses no place of this machine: its default is none.
            let given = self.inputs.given.get(&mount.input);
            let path = match given {
                Some(_) => self.inputs.value(&mount.input)?,
                None => self.inputs.unknown(&mount.input),
            };
            let access = if mount.writes { "rw" } else { "ro" };
            let table = [("path", path.as_str()), ("access", access)];
            mounts.insert(
                &mount.inside,
                table.into_iter().collect::<toml_edit::InlineTable>().into(),
            );
        }
        let contain = [("mounts", mounts)];
        Ok(contain
            .into_iter()
            .collect::<toml_edit::InlineTable>()
            .into())
    }

    /// Variables or headers with values, and in comments those that need none.
    pub(crate) fn values(&mut self, text: &mut String, key: &str) -> Result<(), PlanError> {
        let mut lines = String::new();
        for variable in &self.offer.variables {
            let given = self.inputs.given.get(&variable.name).cloned();
            let value = match &variable.value {
                Some(text) if self.inputs.is_needless(text) => given,
                Some(text) if given.is_none() || text.inputs().any(|it| it == variable.name) => {
                    Some(self.inputs.text(text)?)
                }
                Some(_) => {
                    let why = "has a value that the entry gives";
                    let name = rules::shown(&variable.name);
                    return Err(PlanError::Value(Refusal::of(format!("{name} {why}"))));
                }
                None => given,
            };
            self.inputs.used.insert(variable.name.clone());
            comment(&mut lines, &variable.description);
            match value {
                Some(value) => put(&mut lines, &variable.name, value),
                None => comment(&mut lines, &format!("{} = \"\"", variable.name)),
            }
        }
        if !lines.is_empty() {
            self.has_headers = key == "headers";
            text.push_str(&format!(
                "\n[servers.{}.{key}]\n{lines}",
                self.wanted.server
            ));
        }
        Ok(())
    }

    /// A secret of a program, which lies in the encrypted file.
    fn secret(&self, text: &mut String, secret: &Secret) -> String {
        let server = self.wanted.server;
        let name = format!("{server}.{}", secret.name);
        text.push('\n');
        comment(text, &secret.description);
        let give = match (&secret.inject, &self.offer.runs) {
            (Some(_), _) => "inject",
            (None, Runs::Image(_)) => {
                comment(
                    text,
                    &format!(
                        "The container finds it in the file that {}_FILE names. Where the server wants it in {} itself, write \
                     give = \"inject\", with `header` and `hosts`.",
                        secret.name, secret.name
                    ),
                );
                "file"
            }
            (None, _) => "env",
        };
        text.push_str(&format!("[servers.{server}.secrets.{}]\n", secret.name));
        let from = [("name", name.as_str())];
        put(
            text,
            "from-age",
            from.into_iter().collect::<toml_edit::InlineTable>(),
        );
        put(text, "give", give);
        if let Some(inject) = &secret.inject {
            put(text, "header", inject.header.as_str());
            inject
                .format
                .iter()
                .for_each(|format| put(text, "format", format.as_str()));
            put(
                text,
                "hosts",
                inject.hosts.iter().collect::<toml_edit::Array>(),
            );
        }
        name
    }

    /// A secret of a remote server, which is one of its headers.
    fn header(&mut self, text: &mut String, secret: &Secret) -> String {
        let server = self.wanted.server;
        let variable = sandgate_import::variable_name(&[server, &secret.name]);
        if !self.has_headers {
            text.push_str(&format!("\n[servers.{server}.headers]\n"));
            self.has_headers = true;
        }
        comment(text, &secret.description);
        let from = [("from-env", variable.as_str())];
        put(
            text,
            &secret.name,
            from.into_iter().collect::<toml_edit::InlineTable>(),
        );
        variable
    }
}

/// A stranger's words as one line of a comment; nothing, if there are none.
fn comment(text: &mut String, words: &str) {
    let words = printable(words);
    let words: Vec<&str> = words.split_whitespace().collect();
    let words: String = words.join(" ").chars().take(400).collect();
    if !words.is_empty() {
        text.push_str(&format!("# {words}\n"));
    }
}

/// A line with a key and its value, each as TOML quotes it.
fn put(text: &mut String, key: &str, value: impl Into<Value>) {
    let key = toml_edit::Key::new(key);
    text.push_str(&format!("{key} = {}\n", value.into()));
}
