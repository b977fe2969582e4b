//! From an entry to a server of the configuration: contained, pinned, told no more than it needs. What a person must still
//! say stands in it as `<fill in: …>`, which nothing starts with.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use sandgate_config::{Config, Loaded, fill_in};
use sandgate_text::printable;
use toml_edit::Value;

use crate::entry::{Entry, Input, Offer, Part, Refusal, Runs, Secret, Text};
use crate::rules;

/// What is to be added, and what the operator said of it.
#[derive(Clone, Debug)]
pub struct Wanted<'a> {
    /// The server's name.
    pub server: &'a str,
    /// The catalog's name.
    pub catalog: &'a str,
    /// The entry.
    pub entry: &'a Entry,
    /// Values of its inputs and variables, by name.
    pub values: &'a BTreeMap<String, String>,
}

/// A server to be added.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Its tables, in TOML.
    pub table: String,
    /// What runs.
    pub runs: String,
    /// The hosts that it may reach.
    pub reaches: Vec<String>,
    /// The secrets to be set, by their names in the encrypted file.
    pub secrets: Vec<String>,
    /// The variables of the gateway's environment that must be set.
    pub variables: Vec<String>,
    /// What is to be filled in, and what it is.
    pub left: Vec<(String, String)>,
    /// What the operator should know.
    pub notes: Vec<String>,
    /// Whether it must be locked.
    pub is_locked: bool,
}

/// Why nothing can be added.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)]
pub enum PlanError {
    #[error("{0} cannot be added:\n{1}")]
    Refused(String, String),
    #[error("{0}")]
    Value(Refusal),
    #[error("there is a server {0} already; name another with --as")]
    Taken(String),
    #[error("{0} cannot be written into this configuration: {1}")]
    Unusable(String, String),
}

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

    /// The configuration's text with the server behind it.
    ///
    /// # Errors
    ///
    /// The name is taken, or the whole would be no configuration.
    pub fn written(&self, loaded: &Loaded, server: &str) -> Result<String, PlanError> {
        if loaded.config.servers.contains_key(server) {
            return Err(PlanError::Taken(server.to_owned()));
        }
        let before = loaded.source.text();
        let end = if before.ends_with('\n') || before.is_empty() {
            ""
        } else {
            "\n"
        };
        let text = format!("{before}{end}\n{}", self.table);
        let unusable = |why: String| PlanError::Unusable(server.to_owned(), why);
        let after = Loaded::parse(Path::new("sandgate.toml"), text.clone()).map_err(|report| {
            unusable(
                report
                    .issues
                    .first()
                    .map_or_else(String::new, |issue| issue.message.clone()),
            )
        })?;
        // All else is as it was.
        let mut rest = after.config;
        let is_there = rest.servers.remove(server).is_some();
        let same = || Some(json(&rest)? == json(&loaded.config)?);
        match is_there && same() == Some(true) {
            true => Ok(text),
            false => Err(unusable(
                "it would add something else than one server".into(),
            )),
        }
    }
}

/// Makes one plan.
struct Maker<'a> {
    wanted: &'a Wanted<'a>,
    offer: &'a Offer,
    left: Vec<(String, String)>,
    used: BTreeSet<String>,
    /// Whether the table of headers is begun.
    has_headers: bool,
}

impl<'a> Maker<'a> {
    fn new(wanted: &'a Wanted<'a>, offer: &'a Offer) -> Self {
        Self {
            wanted,
            offer,
            left: Vec::new(),
            used: BTreeSet::new(),
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
                let url = self.url(url)?;
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
            let args = self.arguments()?;
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
        self.unused()?;
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
            left: self.left,
            notes: said.into_iter().cloned().collect(),
            is_locked: !is_remote,
        })
    }

    /// The value of an input: what the operator gave, its default, or what stands for it.
    fn value(&mut self, name: &str) -> Result<String, PlanError> {
        let none = Input::default();
        let input = self.offer.input(name).unwrap_or(&none);
        self.used.insert(name.to_owned());
        let Some(value) = self.wanted.values.get(name).or(input.default.as_ref()) else {
            return Ok(self.unknown(name));
        };
        let failed = |why: String| Err(PlanError::Value(Refusal::of(why)));
        if !input.choices.is_empty() && !input.choices.contains(value) {
            let choices = rules::shown(&input.choices.join(", "));
            return failed(format!("{} is one of {choices}", rules::shown(name)));
        }
        if value.len() > rules::LONGEST_TEXT || *value != printable(value) {
            return failed(format!(
                "the value of {} is too long, or has characters that are not seen",
                rules::shown(name)
            ));
        }
        Ok(value.clone())
    }

    /// What stands for an input that has no value.
    fn unknown(&mut self, name: &str) -> String {
        self.used.insert(name.to_owned());
        if !self.left.iter().any(|(left, _)| left == name) {
            let input = self.offer.input(name).cloned().unwrap_or_default();
            let choices = match input.choices.is_empty() {
                true => String::new(),
                false => format!(" (one of {})", input.choices.join(", ")),
            };
            let what = format!("{}{choices}", input.description);
            self.left.push((name.to_owned(), what));
        }
        fill_in(name)
    }

    fn text(&mut self, text: &Text) -> Result<String, PlanError> {
        let mut whole = String::new();
        for part in &text.0 {
            match part {
                Part::Plain(text) => whole.push_str(text),
                Part::Input(name) => whole.push_str(&self.value(name)?),
            }
        }
        Ok(whole)
    }

    fn arguments(&mut self) -> Result<Vec<String>, PlanError> {
        let mut args = Vec::new();
        for text in &self.offer.args {
            let arg = self.text(text)?;
            if let Some(Part::Input(name)) = text.0.first() {
                rules::argument_value(name, &arg).map_err(PlanError::Value)?;
            }
            args.push(arg);
        }
        rules::filled(&args).map_err(PlanError::Value)?;
        Ok(args)
    }

    /// The URL. It is judged whole, so that nothing of it can be left to fill in.
    fn url(&mut self, url: &Text) -> Result<String, PlanError> {
        let whole = self.text(url)?;
        for name in url.inputs() {
            // It may end neither the host nor the path.
            let fits = |c: char| c.is_ascii_alphanumeric() || "-._~".contains(c);
            let value = self.value(name)?;
            if self.left.is_empty() && (value.is_empty() || !value.chars().all(fits)) {
                let why = "is letters, digits, `-`, `.`, `_` and `~`, since it stands in a URL";
                return Err(PlanError::Value(Refusal::of(format!(
                    "{} {why}",
                    rules::shown(name)
                ))));
            }
        }
        if let Some((name, what)) = self.left.first() {
            let why = format!(
                "its URL needs {name} ({}): --set {name}=VALUE",
                rules::shown(what)
            );
            return Err(PlanError::Value(Refusal::of(why)));
        }
        rules::remote(&Text::plain(whole.as_str())).map_err(PlanError::Value)?;
        Ok(whole)
    }

    fn contain(&mut self) -> Result<Value, PlanError> {
        if self.offer.mounts.is_empty() {
            return Ok(true.into());
        }
        let mut mounts = toml_edit::InlineTable::new();
        for mount in &self.offer.mounts {
            // A catalog chooses no place of this machine: its default is none.
            let given = self.wanted.values.get(&mount.input);
            let path = match given {
                Some(_) => self.value(&mount.input)?,
                None => self.unknown(&mount.input),
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
    fn values(&mut self, text: &mut String, key: &str) -> Result<(), PlanError> {
        let mut lines = String::new();
        for variable in &self.offer.variables {
            let given = self.wanted.values.get(&variable.name).cloned();
            let value = match &variable.value {
                Some(text) if self.is_needless(text) => given,
                Some(text) if given.is_none() || text.inputs().any(|it| it == variable.name) => {
                    Some(self.text(text)?)
                }
                Some(_) => {
                    let why = "has a value that the entry gives";
                    let name = rules::shown(&variable.name);
                    return Err(PlanError::Value(Refusal::of(format!("{name} {why}"))));
                }
                None => given,
            };
            self.used.insert(variable.name.clone());
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

    /// Whether a text has an input without a value that needs none.
    fn is_needless(&mut self, text: &Text) -> bool {
        let needless = |name: &&str| {
            let input = self.offer.input(name);
            let bare = |input: &Input| input.is_optional && input.default.is_none();
            input.is_some_and(bare) && !self.wanted.values.contains_key(*name)
        };
        let found = text.inputs().any(|name| needless(&name));
        if found {
            self.used.extend(text.inputs().map(str::to_owned));
        }
        found
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

    /// Refuses values that nothing asks for.
    fn unused(&self) -> Result<(), PlanError> {
        let Some(name) = self
            .wanted
            .values
            .keys()
            .find(|name| !self.used.contains(*name))
        else {
            return Ok(());
        };
        let secret = self.offer.secrets.iter().any(|secret| secret.name == *name);
        let why = match secret {
            true => "is a secret, and no command line has one: `sandgate secret set` reads it from stdin".to_owned(),
            false => {
                let known: Vec<&str> = self.used.iter().map(String::as_str).collect();
                format!("is nothing that it asks for; it asks for {}", rules::shown(&known.join(", ")))
            }
        };
        Err(PlanError::Value(Refusal::of(format!(
            "{} {why}",
            rules::shown(name)
        ))))
    }
}

/// A configuration as a value, to be compared.
fn json(config: &Config) -> Option<serde_json::Value> {
    serde_json::to_value(config).ok()
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
