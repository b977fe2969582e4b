//! What became of the calls to record, for `sandgate status`.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// The counts of calls to record by what became of them, for `sandgate status`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordingStatus {
    /// The folder of the recording.
    pub folder: PathBuf,
    /// Whether calls are kept as they came, encrypted.
    pub sealed: bool,
    /// Calls that were written. Some may have been deleted since.
    pub written: u64,
    /// Calls that were dropped because the recorder did not keep up.
    pub dropped: u64,
    /// Calls that continue calls that are not recorded.
    pub orphaned: u64,
    /// Calls in which a policy found something and does not say where.
    pub unplaced: u64,
    /// Calls that would have been judged otherwise with surrogates.
    pub unlike: u64,
    /// Calls that still had a value that was found.
    pub unclean: u64,
    /// Calls that are larger than the whole recording may be.
    pub too_large: u64,
    /// Calls that could not be written.
    pub failed: u64,
}

impl RecordingStatus {
    /// The status as text for people.
    pub fn text(&self) -> String {
        let mut text = format!("{}: {} calls", self.folder.display(), self.written);
        for (count, why) in [
            (self.dropped, "not recorded, too many at a time"),
            (
                self.orphaned,
                "not recorded, since they continue calls that are not",
            ),
            (
                self.unplaced,
                "not recorded, since a policy does not say where it found something",
            ),
            (
                self.unlike,
                "not recorded, since surrogates would be judged otherwise",
            ),
            (
                self.unclean,
                "not recorded, since a value could not be replaced",
            ),
            (self.too_large, "not recorded, too large"),
            (
                self.failed,
                "not recorded, since the folder cannot be written",
            ),
        ] {
            if count > 0 {
                text += &format!("; {count} {why}");
            }
        }
        text
    }
}
