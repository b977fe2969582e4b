//! The report of an import, for people.

use std::fmt::Write;

use sandgate_text::printable;

use crate::Import;

pub(super) fn report(import: &Import) -> String {
    let mut text = String::new();
    let mut line = |indent: usize, said: &str| {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{:indent$}{}", "", printable(said));
    };
    for file in &import.files {
        line(
            0,
            &format!(
                "{} ({}): {} listed",
                file.path.display(),
                file.client.title(),
                file.servers.len()
            ),
        );
    }
    for server in &import.servers {
        let at = match (&server.url, &server.command) {
            (Some(url), _) => url.as_str(),
            (None, command) => command.as_deref().unwrap_or_default(),
        };
        let off = match server.disabled {
            true => ", switched off and written as a comment",
            false => "",
        };
        line(0, &format!("{}: {at}{off}", server.name));
        for note in &server.notes {
            line(2, note);
        }
    }
    for left_out in &import.left_out {
        line(0, &format!("{:?}: NOT taken over", left_out.name));
        line(2, &left_out.why);
    }
    let mut variables = import.variables.iter().peekable();
    if variables.peek().is_some() {
        line(0, "To be set in the gateway's environment:");
        for (name, what) in variables {
            line(2, &format!("{name}: {what}"));
        }
    }
    line(
        0,
        "Next: set what is to be set, `sandgate check`, `sandgate run`; `--client-config` prints what the client's file should say instead.",
    );
    text
}
