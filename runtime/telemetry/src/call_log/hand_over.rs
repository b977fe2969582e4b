//! What the key signs: checkpoints, and that another key signs from here on.

use std::io;
use std::path::Path;

use sandgate_config::Files;

use super::CallLogWriter;
use super::audit::{self, Signed};

/// The log was handed over to another key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HandedOver {
    /// The key that verifies what was signed before.
    pub before: String,
    /// The key that verifies what is signed from here on.
    pub after: String,
    /// What went wrong after it. `None`: nothing.
    pub trouble: Option<String>,
}

impl CallLogWriter {
    /// Signs a checkpoint over all lines so far, and writes it. `None`: there are no new lines, or no chain.
    pub(super) fn checkpoint(&self) -> io::Result<Option<Signed>> {
        let signed = loop {
            let target = self.target.load();
            let (Some(sink), Some(auditor)) = (&target.sink, &self.auditor) else {
                return Ok(None);
            };
            let mut sink = sink.lock();
            if !sink.retired {
                break auditor.checkpoint(&mut sink)?;
            }
        };
        self.sync_moved()?;
        if let Some(signed) = &signed {
            // What is signed survives a power cut, so that an anchor never knows more than the log.
            rustix::fs::fdatasync(&signed.file)?;
        }
        Ok(signed)
    }

    /// Hands the log over to the key of this file, which signs from here on.
    ///
    /// # Errors
    ///
    /// There is no chain, the key cannot be used or is the same, or the log cannot be written.
    pub fn hand_over(&self, key: &Path, files: &Files) -> Result<HandedOver, String> {
        let auditor = self
            .auditor
            .as_ref()
            .ok_or("the call log has no chain: `[audit]` makes one")?;
        let next = audit::signing_key(key, files).map_err(|error| error.to_string())?;
        let (before, after) = (auditor.verifier(), next.verifier().to_string());
        if before == after {
            return Err(format!(
                "{} has the key that signs already",
                files.path(key).display()
            ));
        }
        let signed = loop {
            let target = self.target.load();
            let sink = target.sink.as_ref().ok_or("the call log is in no file")?;
            let mut sink = sink.lock();
            if !sink.retired {
                break auditor.hand_over(&mut sink, next);
            }
        };
        let signed = signed.map_err(|error| format!("the call log cannot be written: {error}"))?;
        // The next key signs from here on, whatever happens to the file.
        let synced = self
            .sync_moved()
            .and_then(|()| Ok(rustix::fs::fdatasync(&signed.file)?));
        let unsynced = synced
            .err()
            .map(|error| format!("the record of it may not be on disk: {error}"));
        let unsaved = signed
            .unsaved
            .map(|error| format!("the end of the chain cannot be kept beside the log: {error}"));
        Ok(HandedOver {
            before,
            after,
            trouble: unsaved.or(unsynced),
        })
    }
}
