//! `sandgate audit verify`: holds the call log against its chain, its checkpoints and its anchor.

use std::fmt::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use sandgate_audit::{Anchored, SigningKey, Summary, Verifier, VerifierKey};
use sandgate_config::Anchor;
use sandgate_text::printable;
use serde::Serialize;

use super::files::{Located, LogFiles, each_line};
use crate::exit::{complain, show};
use crate::reached::Configured;

/// The longest file of a key, and of an anchor, in bytes.
const MAX_KEY: u64 = 4096;
const MAX_ANCHOR: u64 = 256 << 20;

/// `sandgate audit verify`.
#[derive(Clone, Debug, Args)]
pub struct Verify {
    /// The call log.
    #[command(flatten)]
    pub files: LogFiles,
    /// A key that verifies checkpoints, or a file with it; several where the key was changed [default: that of the
    /// configuration]
    #[arg(long, value_name = "KEY")]
    pub key: Vec<String>,
    /// A file with the checkpoints that were kept elsewhere [default: that of the configuration]
    #[arg(long, value_name = "FILE")]
    pub anchor: Option<PathBuf>,
    /// As JSON
    #[arg(long)]
    pub json: bool,
}

/// What was found, for programs.
#[derive(Serialize)]
struct Found {
    verified: bool,
    files: Vec<String>,
    first: Option<u64>,
    lines: u64,
    size: u64,
    unchained: u64,
    torn: u64,
    checkpoints: u64,
    last_checkpoint: Option<LastCheckpoint>,
    anchored: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    removed: Option<FoundRemoved>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    keys: Vec<FoundKey>,
    problems: Vec<FoundProblem>,
}

/// The lines that retention removed: all up to `to`, which is the last one before the first line at hand, or an earlier one.
#[derive(Serialize)]
struct FoundRemoved {
    to: u64,
    said_at: u64,
    why: String,
    checkpoint: u64,
}

/// Where another key begins.
#[derive(Serialize)]
struct FoundKey {
    line: u64,
    time: String,
    from: String,
    to: String,
}

#[derive(Serialize)]
struct LastCheckpoint {
    time: String,
    lines: u64,
}

#[derive(Serialize)]
struct FoundProblem {
    file: String,
    line: u64,
    problem: String,
}

/// Verifies the log, and prints what was found.
pub(super) fn carry_out(asked: &Verify) -> ExitCode {
    match verify(asked) {
        Ok((located, anchored, summary)) => {
            for packed in &located.packed {
                complain(&format!(
                    "{} is packed and was not read: unpack it beside the others",
                    packed.display()
                ));
            }
            let verified = summary.problems.is_empty() && summary.lines > 0;
            let found = found(&located, anchored, &summary, verified);
            show(asked.json, &found, || text(&located, anchored, &summary));
            match verified {
                true => ExitCode::SUCCESS,
                false => ExitCode::FAILURE,
            }
        }
        Err(error) => {
            complain(&*error);
            ExitCode::from(2)
        }
    }
}

/// Verifies the log of a configuration. Returns whether all is as it was written, and what was found, for people.
///
/// # Errors
///
/// The log, the key or the anchor cannot be read.
pub(crate) fn of_configuration(config: &std::path::Path) -> Result<(bool, String), String> {
    let asked = Verify {
        files: LogFiles {
            configured: Configured {
                config: config.to_owned(),
            },
            files: Vec::new(),
        },
        key: Vec::new(),
        anchor: None,
        json: false,
    };
    let (located, anchored, summary) = verify(&asked).map_err(|error| error.to_string())?;
    let verified = summary.problems.is_empty() && summary.lines > 0;
    Ok((verified, text(&located, anchored, &summary)))
}

type Verified = (Located, Option<usize>, Summary);

fn verify(asked: &Verify) -> Result<Verified, Box<dyn std::error::Error>> {
    let located = asked.files.locate()?;
    let keys = keys(asked, &located)?;
    let config = located.loaded.as_ref().and_then(|loaded| {
        let audit = loaded.config.audit.as_ref()?;
        match audit.anchor.as_ref()? {
            Anchor::File(path) => Some(loaded.files.path(path)),
            Anchor::Url(_) => None,
        }
    });
    let own = asked.files.files.is_empty();
    let anchor = asked.anchor.clone().or(config.filter(|_| own));
    let anchored = match &anchor {
        None => None,
        Some(path) => {
            let text = read(path, MAX_ANCHOR)?;
            let anchored = Anchored::read(&text, &keys);
            Some(anchored.map_err(|error| format!("the anchor {}: {error}", path.display()))?)
        }
    };
    let count = anchored.as_ref().map(Anchored::len);
    if let Some(fragments) = anchored
        .as_ref()
        .map(|it| it.fragments)
        .filter(|count| *count > 0)
    {
        complain(&format!(
            "the anchor has {fragments} texts that are no checkpoints, cut off perhaps; they were passed over"
        ));
    }
    let current = keys.first().filter(|_| asked.key.is_empty()).cloned();
    let mut verifier = Verifier::new(keys, anchored.unwrap_or_default());
    if let Some(current) = current {
        // The former keys of the configuration stand for what came before its own alone.
        verifier = verifier.ending_with(current);
    }
    for path in &located.paths {
        verifier.begin_file(&path.display().to_string());
        each_line(path, |line| verifier.line(line))?;
    }
    Ok((located, count, verifier.finish()))
}

/// The keys that were given, else that of the configuration.
fn keys(asked: &Verify, located: &Located) -> Result<Vec<VerifierKey>, Box<dyn std::error::Error>> {
    let mut keys = Vec::new();
    for key in &asked.key {
        let text = match VerifierKey::from_text(key) {
            Ok(key) => {
                keys.push(key);
                continue;
            }
            Err(_) => read(&PathBuf::from(key), MAX_KEY)?,
        };
        let last = text
            .lines()
            .rfind(|line| !line.trim().is_empty())
            .unwrap_or_default();
        let read = VerifierKey::from_text(last);
        keys.push(read.map_err(|error| format!("--key {key}: {error}"))?);
    }
    let config = located.loaded.as_ref().and_then(|loaded| {
        let audit = loaded.config.audit.as_ref()?;
        Some(loaded.files.path(&audit.key))
    });
    if keys.is_empty() {
        let path = config.ok_or(
            "no key verifies the checkpoints: give --key KEY, as `sandgate audit key` printed it",
        )?;
        let key = SigningKey::from_text(&read(&path, MAX_KEY)?);
        let key = key.map_err(|error| format!("{}: {error}", path.display()))?;
        keys.push(key.verifier().clone());
        let loaded = located.loaded.as_ref();
        let audit = loaded.and_then(|loaded| loaded.config.audit.as_ref());
        for text in audit.into_iter().flat_map(|audit| &audit.former_keys) {
            let former = VerifierKey::from_text(text);
            keys.push(former.map_err(|error| format!("`audit.former-keys`: {text}: {error}"))?);
        }
    }
    Ok(keys)
}

fn read(path: &std::path::Path, limit: u64) -> Result<String, Box<dyn std::error::Error>> {
    let bytes = sandgate_config::Files::in_folder("".as_ref()).read(path, limit)?;
    Ok(String::from_utf8(bytes).map_err(|_| format!("{} is no text", path.display()))?)
}

fn found(located: &Located, anchored: Option<usize>, summary: &Summary, verified: bool) -> Found {
    let problem = |problem: &sandgate_audit::Problem| FoundProblem {
        file: problem.place.file.clone(),
        line: problem.place.line,
        problem: problem.kind.to_string(),
    };
    Found {
        verified,
        files: located
            .paths
            .iter()
            .map(|path| path.display().to_string())
            .collect(),
        first: summary.first,
        lines: summary.lines,
        size: summary.size,
        unchained: summary.unchained,
        torn: summary.torn,
        checkpoints: summary.checkpoints,
        last_checkpoint: summary
            .last_checkpoint
            .clone()
            .map(|(time, lines)| LastCheckpoint { time, lines }),
        anchored: anchored.map(|_| summary.anchors_met),
        removed: removed(summary),
        keys: summary
            .key_changes
            .iter()
            .map(|change| FoundKey {
                line: change.line,
                time: change.time.clone(),
                from: change.from.to_string(),
                to: change.to.to_string(),
            })
            .collect(),
        problems: summary.problems.iter().map(problem).collect(),
    }
}

/// Which of the lines that are not at hand retention removed. `None`: all are at hand, or nothing vouches for it.
fn removed(summary: &Summary) -> Option<FoundRemoved> {
    let missing = summary.first?.checked_sub(1)?;
    let retention = summary.retention.as_ref()?;
    Some(FoundRemoved {
        to: retention.to.min(missing),
        said_at: retention.said_at,
        why: retention.why.clone(),
        checkpoint: retention.checkpoint,
    })
}

/// What was found, for people.
fn text(located: &Located, anchored: Option<usize>, summary: &Summary) -> String {
    let mut text = String::new();
    let Summary { first, size, .. } = summary;
    let plural = |count: u64, one: &str| match count {
        1 => format!("1 {one}"),
        count => format!("{count} {one}s"),
    };
    let files = plural(located.paths.len() as u64, "file");
    let _ = match first {
        None => writeln!(
            text,
            "{files}: no line is part of a chain; `[audit]` of the configuration makes one"
        ),
        Some(first) => writeln!(
            text,
            "lines        {first} to {} of the log, in {files}",
            size.saturating_sub(1)
        ),
    };
    let _ = match &summary.last_checkpoint {
        None if first.is_none() => Ok(()),
        None => writeln!(
            text,
            "checkpoints  none: a log without one can be written anew by whoever can write it"
        ),
        Some((time, lines)) => {
            let after = size.saturating_sub(lines + 1);
            let after = match after {
                0 => String::new(),
                count => format!(
                    "; {} after it held by the chain alone",
                    plural(count, "line")
                ),
            };
            let checkpoints = plural(summary.checkpoints, "checkpoint");
            writeln!(
                text,
                "checkpoints  {checkpoints}, the last of {time} over {lines} lines{after}"
            )
        }
    };
    let _ = match (anchored, first) {
        (_, None) => Ok(()),
        (None, _) => writeln!(
            text,
            "anchor       none: that lines at the end were cut off cannot be seen"
        ),
        (Some(count), _) => writeln!(
            text,
            "anchor       {} of {count} fit these lines",
            summary.anchors_met
        ),
    };
    let removed = removed(summary);
    if let Some(FoundRemoved {
        to,
        said_at,
        why,
        checkpoint,
    }) = &removed
    {
        let _ = writeln!(
            text,
            "removed      lines 0 to {to} by retention ({why}), as line {said_at} says, covered by the checkpoint over {checkpoint} lines"
        );
    }
    let from = removed.as_ref().map_or(0, |removed| removed.to + 1);
    if let Some(first) = first.filter(|first| *first > from) {
        let said = match removed {
            Some(_) => ", and nothing says that retention removed them",
            None => "",
        };
        let _ = writeln!(
            text,
            "not at hand  lines {from} to {}, for which the next checkpoint stands too{said}",
            first - 1
        );
    }
    for change in &summary.key_changes {
        let _ = writeln!(
            text,
            "key          from line {} on ({}) {} signs, as {} signed",
            change.line + 1,
            change.time,
            change.to,
            change.from
        );
    }
    if summary.unchained > 0 {
        let lines = plural(summary.unchained, "line");
        let _ = writeln!(
            text,
            "before       {lines} from before the chain began, which nothing vouches for"
        );
    }
    if summary.torn > 0 {
        let lines = plural(summary.torn, "line");
        let _ = writeln!(
            text,
            "cut off      {lines} where a process was killed, as the next line says"
        );
    }
    for problem in &summary.problems {
        let _ = writeln!(text, "error: {}", printable(&problem.to_string()));
    }
    let verdict = match (summary.problems.is_empty(), first) {
        (true, Some(_)) => "verified",
        _ => "not verified",
    };
    let _ = writeln!(text, "{verdict}");
    text
}
