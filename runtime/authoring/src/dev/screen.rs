//! The output of `dev`: a page at a terminal, elsewhere a line for each version, with the text to read above it.

use std::io::{self, Write};
use std::path::Path;

use anstream::{AutoStream, ColorChoice};
use serde_json::value::RawValue;
use tokio::sync::mpsc::Receiver;
use tokio_util::sync::CancellationToken;

use super::page::{Command, Page};
use crate::test::Tested;

/// The output, for a person or a program.
pub(super) enum Screen {
    Page(Page),
    Lines(Lines<io::Stdout>),
}

/// Lines, one after the other.
pub(super) struct Lines<W: Write> {
    to: W,
    colours: bool,
}

impl Screen {
    /// The page where there is a terminal, and what its keys ask for; else lines.
    ///
    /// # Errors
    ///
    /// The terminal cannot be set up.
    pub(super) fn open(
        title: &str,
        config: Option<&Path>,
        stop: &CancellationToken,
    ) -> io::Result<(Self, Option<Receiver<Command>>)> {
        if Page::has_room() {
            let (page, asked) = Page::open(title, config, stop.clone())?;
            return Ok((Self::Page(page), Some(asked)));
        }
        let to = io::stdout();
        let colours = AutoStream::choice(&to) != ColorChoice::Never;
        Ok((Self::Lines(Lines { to, colours }), None))
    }

    /// Whether the output is a terminal with colours.
    pub(super) fn shows_colours(&self) -> bool {
        matches!(self, Self::Page(_)) && AutoStream::choice(&io::stdout()) != ColorChoice::Never
    }

    /// Shows what is going on. Only on the page, where the next one replaces it.
    pub(super) fn doing(&self, what: &str) -> io::Result<()> {
        match self {
            Self::Page(page) => page.doing(what),
            Self::Lines(_) => Ok(()),
        }
    }

    /// Shows the status. `text` is one line.
    pub(super) fn status(&mut self, text: &str) -> io::Result<()> {
        match self {
            Self::Page(page) => page.status(text),
            Self::Lines(lines) => lines.print(text),
        }
    }

    /// Begins a version.
    pub(super) fn anew(&self) {
        if let Self::Page(page) = self {
            page.anew();
        }
    }

    /// Shows a text to read.
    pub(super) fn above(&mut self, text: &str) -> io::Result<()> {
        match self {
            _ if text.is_empty() => Ok(()),
            Self::Page(page) => page.above(text),
            Self::Lines(lines) => lines.print(text),
        }
    }

    /// Shows what to do as long as no call has come.
    pub(super) fn hint(&mut self, text: &str) -> io::Result<()> {
        match self {
            Self::Page(page) => page.hint(text),
            Self::Lines(lines) => lines.print(text),
        }
    }

    /// Shows what came of a key.
    pub(super) fn notice(&self, text: &str) -> io::Result<()> {
        match self {
            Self::Page(page) => page.notice(text),
            Self::Lines(_) => Ok(()),
        }
    }

    /// Shows the fixtures: on the page all of them, elsewhere those that fail.
    pub(super) fn tested(&mut self, tested: &Tested) -> io::Result<()> {
        match self {
            Self::Page(page) => page.tested(tested),
            Self::Lines(_) => self.above(&tested.failures()),
        }
    }

    /// Shows the last calls, on the page.
    pub(super) fn calls(
        &self,
        records: &[Box<RawValue>],
        interceptors: &[String],
    ) -> io::Result<()> {
        match self {
            Self::Page(page) => page.calls(records, interceptors),
            Self::Lines(_) => Ok(()),
        }
    }

    /// Whether calls are shown.
    pub(super) fn shows_calls(&self) -> bool {
        matches!(self, Self::Page(_))
    }

    /// Gives the terminal back.
    pub(super) fn close(&mut self) {
        if let Self::Page(page) = self {
            page.close();
        }
    }
}

impl<W: Write> Lines<W> {
    fn print(&mut self, text: &str) -> io::Result<()> {
        let text = text.trim_end_matches('\n');
        match self.colours {
            true => writeln!(self.to, "{text}")?,
            false => writeln!(self.to, "{}", anstream::adapter::strip_str(text))?,
        }
        self.to.flush()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn where_no_terminal_is_it_is_a_line_for_each_version_without_colours() {
        let mut lines = Lines {
            to: Vec::new(),
            colours: false,
        };
        for text in ["error: \x1b[31mno\x1b[0m\n", "version 2", "version 3"] {
            lines.print(text).unwrap();
        }
        assert_eq!(lines.to, b"error: no\nversion 2\nversion 3\n");
    }
}
