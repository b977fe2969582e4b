//! The arguments of an entry: for the program that is named, without a secret and without a shell.

use super::text::{plain, shown};
use crate::entry::{Offer, Refusal};

const SECRET_ARGUMENT: &str =
    "a secret stands in an argument, which every program of the machine can read";
/// Programs that run what their arguments say.
const SHELLS: &str = "\
    sh bash dash ash zsh ksh fish busybox env eval exec cmd cmd.exe powershell \
    pwsh sudo su doas nsenter chroot unshare xargs find awk gawk timeout nohup nice setsid stdbuf script ssh gosu su-exec";
/// Programs that run what stands behind their options.
const INTERPRETERS: &str = "node nodejs deno bun python pypy perl ruby php lua tclsh osascript";
/// Their options that say nothing of what runs, or name a module of theirs.
const HARMLESS_OPTIONS: &str = "-m -u -B -w --enable-source-maps --no-warnings";

pub(crate) fn is_one_of(words: &str, word: &str) -> bool {
    words.split_ascii_whitespace().any(|one| one == word)
}

pub(crate) fn arguments(offer: &Offer) -> Result<(), Refusal> {
    let mut whole = Vec::new();
    for text in &offer.args {
        plain("an argument", text)?;
        if offer.is_secret(text) {
            return Err(Refusal::of(SECRET_ARGUMENT));
        }
        whole.push(text.with_defaults(offer));
    }
    filled(&whole)?;
    // Which argument is one is told by the option before it, whatever stands for its value.
    for (at, text) in whole.iter().enumerate() {
        let next = whole.get(at + 1).filter(|next| !next.starts_with('-'));
        let is_open = |at: usize| offer.args[at].inputs().next().is_some();
        let named = match text.split_once('=') {
            Some((option, value)) => Some((option, Some(value).filter(|_| !is_open(at)))),
            None => next.map(|value| {
                let value = Some(value.as_str()).filter(|_| !is_open(at + 1));
                (text.as_str(), value)
            }),
        };
        let named = named.filter(|(option, _)| option.starts_with('-'));
        let is_secret = |(option, value): (&str, Option<&str>)| {
            sandgate_import::is_secret(option.trim_start_matches('-'), value)
        };
        if named.is_some_and(is_secret) || sandgate_import::is_secret("", Some(text)) {
            return Err(Refusal::of(SECRET_ARGUMENT));
        }
    }
    Ok(())
}

/// Judges arguments as the program gets them.
pub(crate) fn filled(args: &[String]) -> Result<(), Refusal> {
    let first = args.first().map(String::as_str).unwrap_or_default();
    let program = first.rsplit('/').next().unwrap_or_default();
    let program = program.to_ascii_lowercase();
    let failed = |text: &str, why: &str| {
        let text = shown(text);
        Err(Refusal::of(format!("the argument {text} {why}")))
    };
    let other = "starts another program than the one that is named";
    if is_one_of(SHELLS, &program) {
        return failed(first, other);
    }
    // `python3.12` is Python.
    let bare = program.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
    if is_one_of(INTERPRETERS, bare) {
        let options = args.iter().skip(1).take_while(|arg| arg.starts_with('-'));
        let code = |arg: &&String| !is_one_of(HARMLESS_OPTIONS, arg);
        if let Some(option) = options.take_while(|arg| *arg != "-m").find(code) {
            return failed(option, "may be code that an interpreter runs");
        }
        if args
            .get(1)
            .is_some_and(|word| ["eval", "exec", "x"].contains(&word.as_str()))
        {
            return failed(first, other);
        }
    }
    for whole in args {
        let words = ["$(", "`", "&&", "||", ";", ">(", "<(", "| "];
        if let Some(word) = words.iter().find(|word| whole.contains(**word)) {
            let why = format!("has `{word}`, a word of a shell, and no shell is asked");
            return failed(whole, &why);
        }
    }
    Ok(())
}

/// Judges a value that takes the place of an input in an argument.
pub(crate) fn argument_value(name: &str, value: &str) -> Result<(), Refusal> {
    match value.starts_with('-') {
        true => Err(Refusal::of(format!(
            "the value of {} begins with `-`, and would be read as an option",
            shown(name)
        ))),
        false => Ok(()),
    }
}
