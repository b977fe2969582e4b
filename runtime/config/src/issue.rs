//! What is wrong with a configuration, where, and what to do.

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
    /// It can, but likely does not do what was meant.
    Warning,
    /// Nothing is wrong; good to know.
    Note,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issue {
    /// How grave.
    pub severity: Severity,
    /// The bytes of the file that it is about.
    pub span: Option<Range<usize>>,
    /// What is wrong; names the key.
    pub message: String,
    /// Said at the marked place.
    pub label: Option<String>,
    /// What to do.
    pub help: Option<String>,
}

/// An issue for programs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DescribedIssue {
    /// How grave.
    pub severity: Severity,
    /// What is wrong; names the key.
    pub message: String,
    /// Where, and what to do.
    #[serde(flatten)]
    pub details: IssueDetails,
}

/// Where an issue is, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct IssueDetails {
    /// The configuration's file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// From 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
    /// From 1, in characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<usize>,
    /// What is said of the place.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
}

/// All that is wrong with one file.
#[derive(Clone, Debug)]
pub struct Report {
    source: Option<Arc<Source>>,
    /// In the file's order; those without a place come first.
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

    /// With what to do.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// With a word at the marked place.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
        self
    }

    /// As people read it: the message, `FILE:LINE:COLUMN`, the line with the place marked, what to do. With `styled`, ANSI
    /// colours. No line end at its end.
    pub fn render(&self, source: Option<&Source>, styled: bool) -> String {
        let level = match self.severity {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
            Severity::Note => Level::NOTE,
        };
        // What a file's key or a plugin says may hold control characters, and this goes to a terminal.
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
    /// Of the issues with this file.
    pub fn new(source: Option<Arc<Source>>, mut issues: Vec<Issue>) -> Self {
        issues.sort_by_key(|issue| issue.span.as_ref().map(|span| span.start));
        Self { source, issues }
    }

    /// Whether any of them makes the file unusable.
    pub fn has_errors(&self) -> bool {
        self.issues
            .iter()
            .any(|issue| issue.severity == Severity::Error)
    }

    /// Where an issue is.
    pub fn position(&self, issue: &Issue) -> Option<Position> {
        Some(self.source.as_ref()?.position(issue.span.as_ref()?.start))
    }

    /// The first error on one line, for a status: `FILE:LINE:COLUMN: message`, and how many more there are.
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

    /// All of them, for programs.
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

    /// All of them, one after another, an empty line between, a line end at the end.
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
