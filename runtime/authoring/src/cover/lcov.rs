//! Reads LCOV's tracefiles, which test runners of several languages write.

use std::path::Path;

use super::lines::{Files, own};

/// The lines of the author's files in a tracefile.
pub(crate) fn read(text: &str, folder: &Path) -> Files {
    let mut files = Files::new();
    let mut name = None;
    for line in text.lines() {
        if let Some(file) = line.strip_prefix("SF:") {
            name = own(folder, Path::new(file));
        } else if let (Some(name), Some(data)) = (&name, line.strip_prefix("DA:")) {
            // The line's number, how often it ran, and perhaps a checksum.
            let mut parts = data.split(',').map(str::parse::<u64>);
            if let (Some(Ok(number)), Some(Ok(times))) = (parts.next(), parts.next()) {
                let number = u32::try_from(number).unwrap_or(u32::MAX);
                files
                    .entry(name.clone())
                    .or_default()
                    .note(number, times > 0);
            }
        }
    }
    files
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lines_of_own_files_are_read() {
        let text = "TN:\nSF:/p/src/lib.rs\nFN:1,f\nDA:1,4\nDA:2,0,abc\nend_of_record\nSF:/other.rs\nDA:1,0\nend_of_record\n";
        let files = read(text, Path::new("/p"));
        assert_eq!(files.len(), 1, "{files:?}");
        assert_eq!(files["src/lib.rs"].missed(), [(2, 2)]);
        assert_eq!(files["src/lib.rs"].count(), 2);
    }
}
