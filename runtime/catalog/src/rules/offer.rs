//! A whole offer, once it is read.

use super::address::{host, remote};
use super::arguments::arguments;
use super::name::header;
use super::text::{LONGEST_NAME, plain, shown, within};
use super::variable::variable;
use crate::entry::{Offer, Refusal, Runs, Text};

/// Judges a whole offer, once it is read.
pub(crate) fn offer(offer: &Offer) -> Result<(), Refusal> {
    let counts = [
        ("arguments", offer.args.len()),
        ("variables", offer.variables.len()),
        ("secrets", offer.secrets.len()),
        ("hosts", offer.hosts.len()),
        ("mounts", offer.mounts.len()),
        ("inputs", offer.inputs.len()),
    ];
    for (what, count) in counts {
        within(what, count)?;
    }
    let is_remote = matches!(offer.runs, Runs::Remote(_));
    arguments(offer)?;
    let mut names = Vec::new();
    let variables = offer.variables.iter().map(|one| &one.name);
    for name in variables.chain(offer.secrets.iter().map(|one| &one.name)) {
        match is_remote {
            true => header(name)?,
            false => variable(name)?,
        }
        let name = name.to_ascii_uppercase();
        if names.contains(&name) {
            return Err(Refusal::of(format!("{} is there twice", shown(&name))));
        }
        names.push(name);
    }
    for one in &offer.variables {
        for text in one.value.iter() {
            plain(&one.name, text)?;
        }
    }
    for input in &offer.inputs {
        let fits = |byte: u8| byte == b' ' || byte.is_ascii_graphic();
        if input.name.len() > LONGEST_NAME || !input.name.bytes().all(fits) {
            let why = "has a name with characters that nobody types";
            return Err(Refusal::of(format!(
                "the value {} {why}",
                shown(&input.name)
            )));
        }
        within("choices", input.choices.len())?;
        if let Some(default) = &input.default {
            plain(&input.name, &Text::plain(default))?;
        }
    }
    for secret in &offer.secrets {
        for inject in secret.inject.iter() {
            within("hosts", inject.hosts.len())?;
            for one in &inject.hosts {
                host(one)?;
            }
            header(&inject.header)?;
            if let Some(format) = &inject.format {
                plain(&secret.name, &Text::plain(format))?;
            }
        }
    }
    for mount in &offer.mounts {
        inside(&mount.inside)?;
    }
    if let Runs::Package(_, Some(bin)) = &offer.runs {
        let fits = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        if !(1..=LONGEST_NAME).contains(&bin.len()) || !bin.chars().all(fits) {
            let why = "is no name of a program";
            return Err(Refusal::of(format!("{} {why}", shown(bin))));
        }
    }
    if let Runs::Remote(url) = &offer.runs {
        if offer.is_secret(url) {
            return Err(Refusal::of(
                "a secret stands in its URL, which logs and proxies read",
            ));
        }
        remote(url)?;
    }
    Ok(())
}

/// Judges where a container sees a folder.
fn inside(path: &str) -> Result<(), Refusal> {
    let parts = path.split('/').skip(1);
    let plain = |part: &str| {
        let fits = |c: char| c.is_ascii_alphanumeric() || "-_. ".contains(c);
        !part.is_empty() && part != "." && part != ".." && part.chars().all(fits)
    };
    let own = ["/proc", "/sys", "/dev"];
    let in_own = own
        .iter()
        .any(|own| path == *own || path.starts_with(&format!("{own}/")));
    match path.starts_with('/') && parts.clone().all(plain) && !in_own && !path.ends_with(".sock") {
        true => Ok(()),
        false => Err(Refusal::of(format!(
            "the mount at {} is at no place for one",
            shown(path)
        ))),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::entry::MOST;
    use crate::rules::LONGEST_TEXT;
    use crate::rules::package;

    #[test]
    fn an_argument_is_for_the_program_that_is_named() {
        let run = |args: &[&str]| {
            let mut made = Offer::of(package("npm", "x", Some("1.2.3")).unwrap());
            made.args = args.iter().map(|text| Text::plain(*text)).collect();
            offer(&made)
        };
        run(&["--db-path", "/mcp/db.sqlite", "--tools=all"]).unwrap();
        run(&["python3.12", "-u", "-m", "server", "-c", "x"]).unwrap();
        run(&["node", "--enable-source-maps", "server.js", "--eval", "x"]).unwrap();
        run(&["--max-tokens", "4096", "--key-file", "/mcp/key"]).unwrap();
        let long = "x".repeat(LONGEST_TEXT + 1);
        for args in [
            &["sh", "-c", "x"][..],
            &["/bin/BASH", "-c", "x"],
            &["busybox", "sh"],
            &["xargs", "x"],
            &["node", "-e", "x"],
            &["/usr/bin/node", "--no-warnings", "--eval=x"],
            &["python3", "-uc", "x"],
            &["perl", "-e", "x"],
            &["ruby", "-ex"],
            &["deno", "eval", "x"],
            &["--api-key", "x"],
            &["--token=x"],
            &["serve", "ghp_0123456789abcdef"],
            &["<fill in: x>"],
            &["serve", "$(id)"],
            &["a && b"],
            &["`id`"],
            &["a\nb"],
            &["\u{202e}a"],
            &[long.as_str()],
            &["x"; MOST + 1],
        ] {
            assert!(run(args).is_err(), "{args:?}");
        }
    }
}
