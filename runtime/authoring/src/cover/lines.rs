//! The lines of files that tests ran, and those that they did not.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::path::{Component, Path};

/// The most bytes of one report of a test runner.
const MOST_BYTES: u64 = 64 << 20;
/// The last line of a file that counts. Nobody wrote a longer one.
pub(super) const LAST_LINE: u32 = 1_000_000;

/// Lines by file. The names are paths within the project's folder.
pub type Files = BTreeMap<String, Lines>;

/// The lines of a file that have code, counted from 1, and whether each was run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lines(BTreeMap<u32, bool>);

/// What a language's test runner reports.
pub struct Ran {
    /// Whether all tests passed.
    pub passed: bool,
    /// The lines by file. Files of others, and tests, are left out.
    pub files: Files,
}

impl Lines {
    /// Notes a line with code. A line that ran once has been run. A line beyond [`LAST_LINE`] is left out.
    pub(crate) fn note(&mut self, line: u32, ran: bool) {
        if line > LAST_LINE {
            return;
        }
        *self.0.entry(line).or_default() |= ran;
    }

    /// The number of lines with code.
    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }

    /// The number of lines that were run.
    pub(crate) fn covered(&self) -> usize {
        self.0.values().filter(|ran| **ran).count()
    }

    /// The lines that were not run, as first and last of each stretch. Lines without code do not end a stretch.
    pub(crate) fn missed(&self) -> Vec<(u32, u32)> {
        let mut stretches: Vec<(u32, u32)> = Vec::new();
        let mut open = false;
        for (line, ran) in &self.0 {
            match stretches.last_mut() {
                _ if *ran => {}
                Some((_, last)) if open => *last = *line,
                _ => stretches.push((*line, *line)),
            }
            open = !ran;
        }
        stretches
    }

    /// The lines that were not run, for people: `7-9, 12`.
    pub(crate) fn missed_text(&self) -> String {
        let stretches = self
            .missed()
            .into_iter()
            .map(|(first, last)| match first == last {
                true => first.to_string(),
                false => format!("{first}-{last}"),
            });
        stretches.collect::<Vec<_>>().join(", ")
    }
}

/// Reads a report of a test runner.
///
/// # Errors
///
/// The file cannot be read, or has more than 64 MiB.
pub(crate) fn report(file: &Path) -> io::Result<Vec<u8>> {
    let mut report = Vec::new();
    let read = File::open(file)?
        .take(MOST_BYTES + 1)
        .read_to_end(&mut report)?;
    if read as u64 > MOST_BYTES {
        let why = format!("{} has more than {} MiB", file.display(), MOST_BYTES >> 20);
        return Err(io::Error::new(ErrorKind::FileTooLarge, why));
    }
    Ok(report)
}

/// Folders of a project that hold what others wrote, or a tool made.
const OTHERS: [&str; 5] = ["vendor", "third_party", "node_modules", "target", ".venv"];

/// The name of a file of the author's own: its path within the project's folder. `None`: it is another's, or made by a tool.
pub(super) fn own(folder: &Path, file: &Path) -> Option<String> {
    let path = match file.is_absolute() {
        true => file.strip_prefix(folder).ok()?,
        false => file,
    };
    let mut parts = path.components();
    let others = |part: Component<'_>| OTHERS.iter().any(|name| part.as_os_str() == *name);
    (!parts.any(|part| others(part) || part == Component::ParentDir))
        .then(|| path.display().to_string())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_report_and_a_file_have_bounds() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("report");
        let file = File::create(&path).unwrap();
        file.set_len(MOST_BYTES + 1).unwrap();
        assert_eq!(report(&path).unwrap_err().kind(), ErrorKind::FileTooLarge);
        let mut lines = Lines::default();
        for line in [LAST_LINE, LAST_LINE + 1, u32::MAX] {
            lines.note(line, true);
        }
        assert_eq!(lines.count(), 1);
    }

    #[test]
    fn lines_without_code_do_not_part_a_stretch_and_a_line_that_ran_once_has_been_run() {
        let mut lines = Lines::default();
        for (line, ran) in [
            (1, true),
            (3, false),
            (5, false),
            (6, true),
            (9, false),
            (9, true),
            (12, false),
        ] {
            lines.note(line, ran);
        }
        assert_eq!(lines.missed_text(), "3-5, 12");
        assert_eq!((lines.count(), lines.covered()), (6, 3));
    }

    #[test]
    fn files_of_others_are_left_out() {
        let folder = Path::new("/p");
        let own = |file: &str| own(folder, Path::new(file));
        assert_eq!(own("/p/src/lib.rs").as_deref(), Some("src/lib.rs"));
        assert_eq!(own("plugin.go").as_deref(), Some("plugin.go"));
        for others in [
            "/q/lib.rs",
            "/p/vendor/sdk/lib.rs",
            "/p/node_modules/a.js",
            "../a.go",
        ] {
            assert_eq!(own(others), None, "{others}");
        }
    }
}
