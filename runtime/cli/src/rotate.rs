//! `sandgate rotate`: another key or value in the place of one, at once and on the record.

use std::process::ExitCode;
use std::time::{Duration, SystemTime};

use clap::{Args, Subcommand};
use sandgate_config::{Loaded, Period, Scalar};
use sandgate_daemon::admin::{Ask, RotateKind, RotateReport};
use sandgate_daemon::status::Status;
use toml_edit::{DocumentMut, InlineTable, Item, TableLike, Value};

use crate::exit::{ask, complain, show};
use crate::reached::Reached;
use crate::terminal::print;
use crate::token::NewToken;

/// `sandgate rotate`.
#[derive(Clone, Debug, Subcommand)]
pub enum Rotate {
    /// Give a client another key, beside which the former one is good for a while: the configuration is changed and loaded
    Client(Client),
    /// Fetch a server's secret anew, now
    Secret(Secret),
    /// Have another key sign the call log from here on, as the former one signs
    AuditKey(AuditKey),
}

/// `sandgate rotate client`.
#[derive(Clone, Debug, Args)]
pub struct Client {
    /// The client's name in the configuration
    pub name: String,
    /// How long the former key stays good
    #[arg(long, value_name = "TIME", default_value = "7d")]
    pub overlap: Period,
    /// The former key is good no more, from now on: somebody else has it
    #[arg(long, conflicts_with = "overlap")]
    pub at_once: bool,
    /// The running gateway to ask.
    #[command(flatten)]
    pub reached: Reached,
    /// As JSON
    #[arg(long)]
    pub json: bool,
}

/// `sandgate rotate secret`.
#[derive(Clone, Debug, Args)]
pub struct Secret {
    /// The secret, as SERVER/NAME
    #[arg(value_name = "SERVER/NAME")]
    pub name: String,
    /// The running gateway to ask.
    #[command(flatten)]
    pub reached: Reached,
    /// As JSON
    #[arg(long)]
    pub json: bool,
}

/// `sandgate rotate audit-key`.
#[derive(Clone, Debug, Args)]
pub struct AuditKey {
    /// The file with the next key, which `sandgate audit key` makes
    #[arg(value_name = "FILE")]
    pub name: std::path::PathBuf,
    /// The running gateway to ask.
    #[command(flatten)]
    pub reached: Reached,
    /// As JSON
    #[arg(long)]
    pub json: bool,
}

/// Puts another key or value in force, and prints what came of it.
pub fn carry_out(asked: &Rotate) -> ExitCode {
    let (report, json) = match asked {
        Rotate::Client(asked) => (rotate_client(asked), asked.json),
        Rotate::Secret(asked) => (
            put(&asked.reached, RotateKind::Secret, &asked.name, None),
            asked.json,
        ),
        Rotate::AuditKey(asked) => {
            let path = std::path::absolute(&asked.name);
            let path = path.map(|path| path.display().to_string());
            let report = path
                .map_err(|error| format!("{}: {error}", asked.name.display()))
                .and_then(|path| put(&asked.reached, RotateKind::AuditKey, &path, None));
            (report, asked.json)
        }
    };
    match report {
        Ok(report) => {
            show(json, &report, || report.text());
            match report.changed {
                true => ExitCode::SUCCESS,
                false => ExitCode::FAILURE,
            }
        }
        Err(why) => {
            complain(&why);
            ExitCode::from(2)
        }
    }
}

fn put(
    reached: &Reached,
    kind: RotateKind,
    name: &str,
    hash: Option<String>,
) -> Result<RotateReport, String> {
    let question = Ask::Rotate {
        kind,
        name: name.to_owned(),
        hash,
    };
    ask(reached, question).map_err(|error| error.to_string())
}

fn rotate_client(asked: &Client) -> Result<RotateReport, String> {
    let path = &asked.reached.configured.config;
    // Before anything is changed: what is done is to be on the record.
    let _: Status = ask(&asked.reached, Ask::Status).map_err(|error| error.to_string())?;
    let loaded = Loaded::read(path).map_err(|_| {
        format!(
            "{} cannot be used; `sandgate check` says what is wrong with it",
            path.display()
        )
    })?;
    let Some(client) = loaded.config.clients.get(&asked.name) else {
        let names = loaded.config.clients.keys().map(String::as_str);
        let near = sandgate_text::nearest(&asked.name, names);
        return Err(format!("there is no client {:?}: {near}", asked.name));
    };
    let Some(former) = client.token_sha256 else {
        return Err(format!(
            "{} is known by its certificate and has no key: renew the certificate",
            asked.name
        ));
    };
    if let Some(previous) = &client.previous
        && previous.until.0 > SystemTime::now()
        && !asked.at_once
    {
        return Err(format!(
            "the key that {} had before is good until {}: wait until then, or remove `previous` from the configuration first, \
             so that nobody is locked out unawares",
            asked.name,
            previous.until.write()
        ));
    }
    let token = NewToken::random();
    let until = (!asked.at_once).then(|| moment(asked.overlap.0));
    let previous = until.as_deref().map(|until| (former.hex(), until));
    let before = loaded.source.text();
    let after = edited(before, &asked.name, &token.hash().hex(), previous).ok_or_else(|| {
        format!(
            "{} has the client in a form that is not changed here",
            path.display()
        )
    })?;
    let files = sandgate_config::Files::in_folder(std::path::Path::new(""));
    let replaced = files.replace(path, before, &after, None);
    replaced.map_err(|error| error.to_string())?;
    // It is printed whatever comes of the reload: the file has its hash.
    match asked.json {
        true => complain(&format!("the client sends: {}", token.header())),
        false => print(&format!("# The client sends: {}\n", token.header())),
    }
    let hash = Some(token.hash().hex());
    let put = put(&asked.reached, RotateKind::Client, &asked.name, hash);
    put.map_err(|why| {
        format!(
            "{} has the new key, and the running gateway has not: {why}",
            path.display()
        )
    })
}

/// The moment after this time, to the second.
fn moment(after: Duration) -> String {
    let at = SystemTime::now() + after;
    humantime::format_rfc3339_seconds(at).to_string()
}

/// The configuration's text with another hash of a client's key, and the former one as the previous key (its hash, and
/// until when). Comments and layout stay.
fn edited(text: &str, name: &str, hash: &str, previous: Option<(String, &str)>) -> Option<String> {
    let mut document: DocumentMut = text.parse().ok()?;
    let client = document.get_mut("clients")?.as_table_like_mut()?;
    let client: &mut dyn TableLike = client.get_mut(name)?.as_table_like_mut()?;
    let key = client.get_mut("token-sha256")?.as_value_mut()?;
    let mut fresh = Value::from(hash);
    *fresh.decor_mut() = key.decor().clone();
    *key = fresh;
    let Some((former, until)) = previous else {
        client.remove("previous");
        return Some(document.to_string());
    };
    let mut table = InlineTable::new();
    table.insert("token-sha256", former.into());
    table.insert("until", until.into());
    client.remove("previous");
    client.insert("previous", Item::Value(Value::InlineTable(table)));
    Some(document.to_string())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::path::Path;

    use super::*;

    #[test]
    fn a_clients_key_becomes_its_previous_one_and_comments_stay() {
        let (old, new) = ("11".repeat(32), "22".repeat(32));
        let until = "2100-01-01T00:00:00Z";
        let table = format!(
            "# Ours.\n[clients.\"ada@example.com\"]\ntoken-sha256 = \"{old}\" # since May\ngroups = [\"ops\"]\n"
        );
        let inline =
            format!("[clients]\nbob = {{ token-sha256 = \"{old}\", groups = [] }} # theirs\n");
        for (text, name) in [(&table, "ada@example.com"), (&inline, "bob")] {
            let after = edited(text, name, &new, Some((old.clone(), until))).unwrap();
            let loaded = Loaded::parse(Path::new("x.toml"), after.clone()).unwrap();
            let client = &loaded.config.clients[name];
            assert_eq!(client.token_sha256.unwrap().hex(), new, "{after}");
            let previous = client.previous.as_ref().unwrap();
            assert_eq!(
                (previous.token_sha256.hex(), previous.until.write()),
                (old.clone(), until.into())
            );
            assert!(after.contains('#'), "{after}");
            // At once: no key before it is good.
            let after = edited(&after, name, &old, None).unwrap();
            let loaded = Loaded::parse(Path::new("x.toml"), after.clone()).unwrap();
            assert!(loaded.config.clients[name].previous.is_none(), "{after}");
            assert_eq!(after.matches('#').count(), text.matches('#').count());
        }
        assert!(edited(&table, "eve", &new, None).is_none());
    }
}
