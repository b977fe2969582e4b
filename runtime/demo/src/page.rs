//! How the story looks: at most 100 columns, labels on the left, colours on a terminal only.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};
use sandgate_assembly::inspect;
use sandgate_config::PluginSource;
use sandgate_pipeline::Mode;
use serde::Serialize;
use serde_json::Value;

use super::records::Run;
use super::stage::Stage;

const WIDTH: usize = 100;
/// Where texts begin, right of their labels.
const TEXTS: usize = 19;
/// Names of interceptors.
const NAMES: usize = 15;

const STRONG: Style = Style::new().bold();
const FAINT: Style = Style::new().dimmed();
const GOOD: Style = AnsiColor::Green.on_default();
const BAD: Style = AnsiColor::Red.on_default();
const NOTED: Style = AnsiColor::Yellow.on_default();
const PLAIN: Style = Style::new();

/// Where the story is written.
pub(super) struct Page<W> {
    out: W,
}

impl<W: Write> Page<W> {
    pub(super) fn new(out: W) -> Self {
        Self { out }
    }

    /// Who plays, and by which policy.
    pub(super) fn prologue(&mut self, stage: &Stage) -> io::Result<()> {
        let out = &mut self.out;
        writeln!(
            out,
            "{STRONG}Sandgate: real MCP calls through sandboxed policies{STRONG:#}\n"
        )?;
        self.row(
            "server",
            &format!(
                "a support desk with made-up customers, http://{}/mcp",
                stage.desk_at
            ),
        )?;
        self.row(
            "gateway",
            &format!(
                "in front of it, http://{}/mcp/desk, up after {} ms",
                stage.gateway,
                stage.started_in.as_millis()
            ),
        )?;
        self.row("its files", &stage.folder().display().to_string())?;
        if let Some(cache) = &stage.cache {
            self.row("cache", &format!("compiled policies, {}", cache.display()))?;
        }
        if cfg!(debug_assertions) {
            self.row("build", "debug; a release build is faster")?;
        }
        for (n, interceptor) in stage.loaded.config.interceptors.iter().enumerate() {
            let PluginSource::Builtin(plugin) = &interceptor.plugin else {
                continue;
            };
            let described =
                inspect::read(&format!("builtin:{plugin}")).map_err(io::Error::other)?;
            let audit = match interceptor.mode {
                Mode::Active => "",
                Mode::Audit => " On trial: mode = \"audit\".",
            };
            let label = if n == 0 { "policies" } else { "" };
            let text = format!("{}{audit}", described.manifest().description);
            self.lines(label, &format!("{:NAMES$}", interceptor.name), &text, PLAIN)?;
        }
        self.out.flush()
    }

    pub(super) fn scene(&mut self, number: usize, title: &str, aside: &str) -> io::Result<()> {
        let title = format!("{number}  {title}");
        let gap = WIDTH.saturating_sub(width(&title) + width(aside)).max(2);
        writeln!(
            self.out,
            "\n{STRONG}{title}{STRONG:#}{:gap$}{FAINT}{aside}{FAINT:#}",
            ""
        )
    }

    /// A label and its text.
    pub(super) fn row(&mut self, label: &str, text: &str) -> io::Result<()> {
        self.lines(label, "", text, PLAIN)
    }

    /// What an interceptor did, and in how many microseconds.
    pub(super) fn run(&mut self, label: &str, run: &Run) -> io::Result<()> {
        let style = match (run.decision.as_str(), run.is_in_audit()) {
            ("proceed", _) => PLAIN,
            (_, true) => NOTED,
            ("refuse" | "fault", _) => BAD,
            _ => GOOD,
        };
        let lead = format!("{:NAMES$}{:>6} µs  ", run.interceptor, run.us);
        self.lines(label, &lead, &deed(run), style)
    }

    /// What was claimed and is so.
    pub(super) fn holds(&mut self, claim: &str) -> io::Result<()> {
        self.marked(GOOD, "✓", claim)
    }

    /// What was claimed and is not so.
    pub(super) fn fails(&mut self, claim: &str) -> io::Result<()> {
        self.marked(BAD, "✗", claim)
    }

    /// Text as it is, after an empty line.
    pub(super) fn text(&mut self, text: &str) -> io::Result<()> {
        writeln!(self.out, "\n{}", text.trim_end())?;
        self.out.flush()
    }

    /// A closing paragraph.
    pub(super) fn paragraph(&mut self, text: &str) -> io::Result<()> {
        writeln!(self.out)?;
        for line in wrapped(text, WIDTH) {
            writeln!(self.out, "{line}")?;
        }
        self.out.flush()
    }

    fn marked(&mut self, style: Style, mark: &str, claim: &str) -> io::Result<()> {
        for (n, line) in wrapped(claim, WIDTH - 5).iter().enumerate() {
            let mark = if n == 0 { mark } else { " " };
            writeln!(self.out, "   {style}{mark} {line}{style:#}")?;
        }
        self.out.flush()
    }

    /// `lead` stands before the text on the first line; the further ones begin below the text.
    fn lines(&mut self, label: &str, lead: &str, text: &str, style: Style) -> io::Result<()> {
        let hang = TEXTS + width(lead);
        write!(self.out, "   {FAINT}{label:<16}{FAINT:#}{lead}")?;
        for (n, line) in wrapped(text, WIDTH - hang).iter().enumerate() {
            if n > 0 {
                write!(self.out, "{:hang$}", "")?;
            }
            writeln!(self.out, "{style}{line}{style:#}")?;
        }
        Ok(())
    }
}

/// What an interceptor did, in words.
fn deed(run: &Run) -> String {
    let audit = run.is_in_audit();
    let code = run.code.as_deref().unwrap_or_default();
    let mut deed = match (run.decision.as_str(), audit) {
        ("proceed", _) => "let it pass".to_owned(),
        ("edit" | "replace", false) => "changed it".to_owned(),
        ("edit" | "replace", true) => "in audit: would have changed it".to_owned(),
        ("refuse", false) if run.applied => format!("refused it: {code}"),
        ("refuse", false) => format!("would have refused it too: {code}"),
        ("refuse", true) => format!("in audit: would have refused it: {code}"),
        ("fault", _) => format!("failed: {}", run.failure.as_deref().unwrap_or_default()),
        (other, _) => other.to_owned(),
    };
    let findings: Vec<_> = run
        .findings
        .iter()
        .map(|finding| &*finding.message)
        .collect();
    if !findings.is_empty() {
        deed += &format!("; found {}", findings.join(", "));
    }
    deed
}

/// JSON on one line, with a space after each comma and colon so that it can be wrapped.
pub(super) fn spaced(value: &Value) -> String {
    let mut text = Vec::new();
    let mut serializer = serde_json::Serializer::with_formatter(&mut text, Spaced);
    // Writing a tree to memory cannot fail.
    let _ = value.serialize(&mut serializer);
    String::from_utf8_lossy(&text).into_owned()
}

struct Spaced;

impl serde_json::ser::Formatter for Spaced {
    fn begin_array_value<W: ?Sized + Write>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        out.write_all(if first { b"" } else { b", " })
    }
    fn begin_object_key<W: ?Sized + Write>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        out.write_all(if first { b"" } else { b", " })
    }
    fn begin_object_value<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        out.write_all(b": ")
    }
}

fn width(text: &str) -> usize {
    text.chars().count()
}

/// Broken at spaces; a word longer than a line stays whole.
fn wrapped(text: &str, room: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let Some(line) = lines.last_mut() else { break };
        if !line.is_empty() && width(line) + 1 + width(word) > room {
            lines.push(word.to_owned());
        } else {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;

    fn written(write: impl FnOnce(&mut Page<&mut Vec<u8>>) -> io::Result<()>) -> String {
        let mut out = Vec::new();
        write(&mut Page::new(&mut out)).unwrap();
        anstream::adapter::strip_str(&String::from_utf8(out).unwrap()).to_string()
    }

    fn run() -> Run {
        serde_json::from_value(json!({
            "interceptor": "scrub", "hook": "post-call", "mode": "audit", "decision": "edit", "applied": false,
            "findings": [{ "message": "2 of the kind email" }], "us": 41,
        }))
        .unwrap()
    }

    #[test]
    fn long_texts_are_wrapped_under_their_beginning() {
        let text = written(|page| page.row("came back", &"word ".repeat(30)));
        let lines: Vec<_> = text.lines().collect();
        assert!(
            lines[0].starts_with("   came back       word word"),
            "{text}"
        );
        assert!(
            lines[1].starts_with(&format!("{:TEXTS$}word", "")),
            "{text}"
        );
        assert!(
            lines.iter().all(|line| line.chars().count() <= WIDTH),
            "{text}"
        );
    }

    #[test]
    fn what_an_interceptor_in_audit_did_is_said_as_what_it_would_have_done() {
        assert_eq!(
            written(|page| page.run("way out", &run())),
            format!(
                "   way out         scrub              41 µs  in audit: would have changed it; found 2 of the kind\n\
                 {:45}email\n",
                ""
            )
        );
    }

    #[test]
    fn json_can_be_wrapped() {
        assert_eq!(
            spaced(&json!({ "a": [1, "b,c:d"], "e": {} })),
            r#"{"a": [1, "b,c:d"], "e": {}}"#
        );
    }
}
