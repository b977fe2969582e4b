//! A client on stdin and stdout that sends and reads lines as they are.

use std::io::Write;
use std::process::Command;
use std::time::Duration;

use crate::{Envelope, Process};

const REPLY: Duration = Duration::from_secs(60);

/// A program spoken to in lines. Killed on drop.
pub struct Pipe {
    /// The program.
    pub process: Process,
    read: usize,
    _folder: Option<tempfile::TempDir>,
}

impl Pipe {
    pub(crate) fn start(command: &mut Command, folder: Option<tempfile::TempDir>) -> Self {
        Self {
            process: Process::start(command),
            read: 0,
            _folder: folder,
        }
    }

    /// Writes one line.
    ///
    /// # Panics
    /// Where the program is gone.
    pub fn send(&mut self, line: &[u8]) {
        let input = self.process.child.stdin.as_mut().unwrap();
        let sent = input
            .write_all(line)
            .and_then(|()| input.write_all(b"\n"))
            .and_then(|()| input.flush());
        sent.unwrap_or_else(|error| panic!("{error}; its log:\n{}", self.process.log()));
    }

    /// Closes its input, as a client does that goes away.
    pub fn hang_up(&mut self) {
        self.process.child.stdin = None;
    }

    /// The next line.
    ///
    /// # Panics
    /// Where none comes within a minute.
    pub fn next_line(&mut self) -> Vec<u8> {
        let line = self.process.output_line(self.read, REPLY);
        self.read += 1;
        line.unwrap_or_else(|| panic!("no line came; its log:\n{}", self.process.log()))
    }

    /// Sends a message and gives every line up to the reply to it; nothing for a notification.
    pub fn say(&mut self, message: &[u8]) -> Vec<Vec<u8>> {
        let one_line = crate::without_line_ends(message);
        self.send(&one_line);
        let Some(id) = Envelope::of(&one_line).id else {
            return Vec::new();
        };
        let mut lines = Vec::new();
        loop {
            let line = self.next_line();
            let envelope = Envelope::of(&line);
            let last = envelope.method.is_none() && envelope.id.as_ref() == Some(&id);
            lines.push(line);
            if last {
                return lines;
            }
        }
    }
}
