//! Issues of a configuration: what is wrong, where, and what to do.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use serde::Serialize;

use super::source::{Position, Source};

/// How grave an issue is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The configuration cannot be used.
    Error,
    /// The configuration can be used, but probably does not do what was intended.
    Warning,
    /// Nothing is wrong. The note is good to know.
    Note,
}

/// An issue of a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issue {
    /// How grave the issue is.
    pub severity: Severity,
    /// The range of bytes in the file that the issue is about.
    pub span: Option<Range<usize>>,
    /// What is wrong. Names the key.
    pub message: String,
    /// A text at the marked place.
    pub label: Option<String>,
    /// What to do.
    pub help: Option<String>,
}

/// An issue for programs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DescribedIssue {
    /// How grave the issue is.
    pub severity: Severity,
    /// What is wrong. Names the key.
    pub message: String,
    /// Where the issue is, and what to do.
    #[serde(flatten)]
    pub details: IssueDetails,
}

/// Where an issue is, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct IssueDetails {
    /// The configuration's file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The line number, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
    /// The column in characters, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<usize>,
    /// A text about the place.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
}

/// All issues of one file.
#[derive(Clone, Debug)]
pub struct Report {
    source: Option<Arc<Source>>,
    /// The issues in the file's order. Those without a place come first.
    pub issues: Vec<Issue>,
}

impl Issue {
    /// An error at a place.
    pub fn error(span: Option<Range<usize>>, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            span,
            message: message.into(),
            label: None,
            help: None,
        }
    }

    /// A warning at a place.
    pub fn warning(span: Option<Range<usize>>, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Warning,
            ..Self::error(span, message)
        }
    }

    /// Adds what to do.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Adds a text at the marked place.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
        self
    }

    /// The issue as people read it: the message, `FILE:LINE:COLUMN`, the line with the place marked, and what to do.
    /// With `styled`, with ANSI colours. The text does not end in a line end.
    pub fn render(&self, source: Option<&Source>, styled: bool) -> String {
        let level = match self.severity {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
            Severity::Note => Level::NOTE,
        };
        // A file's key or a plugin's message may hold control characters, and this text goes to a terminal.
        let message = printable(&self.message);
        let (path, label, help);
        let mut group = Group::with_title(level.primary_title(&message));
        if let (Some(source), Some(span)) = (source, &self.span) {
            path = source.path().display().to_string();
            label = self.label.as_deref().map(printable);
            let end = span.end.min(source.shown().len());
            let annotation = AnnotationKind::Primary
                .span(span.start.min(end)..end)
                .label(label.as_deref());
            group = group.element(
                Snippet::source(source.shown())
                    .path(&path)
                    .annotation(annotation),
            );
        }
        if let Some(text) = &self.help {
            help = printable(text);
            group = group.element(Level::HELP.message(&help));
        }
        if styled {
            Renderer::styled()
        } else {
            Renderer::plain()
        }
        .render(&[group])
    }
}

impl Report {
    /// The report of these issues of a file.
    pub fn new(source: Option<Arc<Source>>, mut issues: Vec<Issue>) -> Self {
        issues.sort_by_key(|issue| issue.span.as_ref().map(|span| span.start));
        Self { source, issues }
    }

    /// Whether any issue makes the file unusable.
    pub fn has_errors(&self) -> bool {
        self.issues
            .iter()
            .any(|issue| issue.severity == Severity::Error)
    }

    /// The position of an issue. `None` if it has no place in the file.
    pub fn position(&self, issue: &Issue) -> Option<Position> {
        Some(self.source.as_ref()?.position(issue.span.as_ref()?.start))
    }

    /// The first error on one line, for a status: `FILE:LINE:COLUMN: message`, and how many more errors there are.
    pub fn summary(&self) -> String {
        let errors = || {
            self.issues
                .iter()
                .filter(|issue| issue.severity == Severity::Error)
        };
        let Some(first) = errors().next() else {
            return String::new();
        };
        let mut text = String::new();
        if let (Some(source), Some(at)) = (&self.source, self.position(first)) {
            text = format!("{}:{}:{}: ", source.path().display(), at.line, at.column);
        }
        text += &printable(&first.message);
        match errors().count() - 1 {
            0 => text,
            more => format!("{text} (and {more} more)"),
        }
    }

    /// All issues, for programs.
    pub fn described(&self) -> Vec<DescribedIssue> {
        let issues = self.issues.iter();
        issues
            .map(|issue| {
                let at = self.position(issue);
                let file = self.source.as_ref().filter(|_| at.is_some());
                DescribedIssue {
                    severity: issue.severity,
                    message: issue.message.clone(),
                    details: IssueDetails {
                        file: file.map(|source| source.path().display().to_string()),
                        line: at.map(|at| at.line),
                        column: at.map(|at| at.column),
                        label: issue.label.clone(),
                        help: issue.help.clone(),
                    },
                }
            })
            .collect()
    }

    /// All issues as people read them, separated by empty lines, with a line end at the end.
    pub fn render(&self, styled: bool) -> String {
        let texts: Vec<_> = self
            .issues
            .iter()
            .map(|issue| issue.render(self.source.as_deref(), styled))
            .collect();
        texts.join("\n\n") + "\n"
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.render(false).trim_end())
    }
}

impl std::error::Error for Report {}

fn printable(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { '\u{fffd}' } else { c })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_is_shown_as_one_and_is_no_error() {
        let note = Issue {
            severity: Severity::Note,
            ..Issue::error(None, "good to know")
        };
        assert_eq!(note.render(None, false), "note: good to know");
        let report = Report::new(None, vec![note]);
        assert!(!report.has_errors());
        assert_eq!(report.summary(), "");
    }
}
