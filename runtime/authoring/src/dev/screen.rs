//! The output of `dev`: on a terminal one status line that is rewritten in place, elsewhere a line for each version;
//! above it the text to read.

use std::io::{self, IsTerminal, Write};

use anstream::{AutoStream, ColorChoice};

/// Returns to the line's start and clears the line.
const ANEW: &str = "\r\x1b[2K";
/// Turns wrapping off, so that a long line is cut and stays one line.
const CUT: &str = "\x1b[?7l";
const WRAP: &str = "\x1b[?7h";

/// The output, for a person or a program.
pub(super) struct Screen<W: Write> {
    to: W,
    terminal: bool,
    colours: bool,
    /// Whether a status is shown whose line is not ended yet.
    open: bool,
}

impl Screen<io::Stdout> {
    pub(super) fn stdout() -> Self {
        let to = io::stdout();
        Self {
            terminal: to.is_terminal(),
            colours: AutoStream::choice(&to) != ColorChoice::Never,
            to,
            open: false,
        }
    }

    /// Whether the output is a terminal with colours.
    pub(super) fn shows_colours(&self) -> bool {
        self.terminal && self.colours
    }
}

impl<W: Write> Screen<W> {
    /// Shows what is going on. Only on a terminal, where the next status replaces it.
    pub(super) fn doing(&mut self, what: &str) -> io::Result<()> {
        match self.terminal {
            true => self.status(what),
            false => Ok(()),
        }
    }

    /// Shows the status. `text` is one line.
    pub(super) fn status(&mut self, text: &str) -> io::Result<()> {
        let text = self.dressed(text);
        if self.terminal {
            write!(self.to, "{ANEW}{CUT}{text}{WRAP}")?;
            self.open = true;
        } else {
            writeln!(self.to, "{text}")?;
        }
        self.to.flush()
    }

    /// Prints a text that stays, above the status line, which is then shown again.
    pub(super) fn above(&mut self, text: &str) -> io::Result<()> {
        if text.is_empty() {
            return Ok(());
        }
        if self.open {
            write!(self.to, "{ANEW}")?;
            self.open = false;
        }
        let text = self.dressed(text);
        writeln!(self.to, "{}", text.trim_end_matches('\n'))?;
        self.to.flush()
    }

    fn dressed(&self, text: &str) -> String {
        match self.colours {
            true => text.to_owned(),
            false => anstream::adapter::strip_str(text).to_string(),
        }
    }
}

impl<W: Write> Drop for Screen<W> {
    fn drop(&mut self) {
        // Whatever is printed next, such as a prompt, begins on a line of its own.
        if self.open {
            let _ = writeln!(self.to);
            let _ = self.to.flush();
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn shown(terminal: bool, colours: bool) -> String {
        let mut to = Vec::new();
        let mut screen = Screen {
            to: &mut to,
            terminal,
            colours,
            open: false,
        };
        screen.doing("building").unwrap();
        screen.above("error: \x1b[31mno\x1b[0m\n").unwrap();
        screen.status("version 2").unwrap();
        screen.status("version 3").unwrap();
        drop(screen);
        String::from_utf8(to).unwrap()
    }

    #[test]
    fn on_a_terminal_the_status_is_rewritten_and_ends_with_its_line() {
        let line = |text: &str| format!("\r\x1b[2K\x1b[?7l{text}\x1b[?7h");
        assert_eq!(
            shown(true, true),
            format!(
                "{}\r\x1b[2Kerror: \x1b[31mno\x1b[0m\n{}{}\n",
                line("building"),
                line("version 2"),
                line("version 3")
            )
        );
    }

    #[test]
    fn elsewhere_it_is_a_line_for_each_version_without_colours() {
        assert_eq!(shown(false, false), "error: no\nversion 2\nversion 3\n");
    }
}
