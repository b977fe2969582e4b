//! Why the call log cannot be opened.

use std::path::PathBuf;

use sandgate_audit::KeyError;
use sandgate_config::FileError;

/// Why the call log cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// A file cannot be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// The key is none.
    #[error("{}: {error}", .path.display())]
    Key {
        /// The key's file.
        path: PathBuf,
        /// What is wrong with it.
        error: KeyError,
    },
    /// Others can read the key.
    #[error("{} can be read by others than its owner (mode {mode:03o})", .path.display())]
    Mode {
        /// The key's file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// Another user can read the key.
    #[error(
        "{} belongs to the user {owner}, who can read it: it has to belong to the user of the gateway, or to root",
        .path.display()
    )]
    Owner {
        /// The key's file.
        path: PathBuf,
        /// Its owner's number.
        owner: u32,
    },
    /// A former key is none.
    #[error("`audit.former-keys[{index}]`: {error}")]
    FormerKey {
        /// Which one, from 0.
        index: usize,
        /// What is wrong with it.
        error: KeyError,
    },
    /// A sink cannot be used.
    #[error("`call-log.sinks[{index}]`: {why}")]
    Sink {
        /// Which one, from 0.
        index: usize,
        /// What is wrong with it.
        why: String,
    },
    /// The saved chain is another key's.
    #[error("{} is damaged, or another key's: the gateway's key did not sign it", .0.display())]
    AnotherKey(PathBuf),
    /// Another gateway has the log.
    #[error("{} is written by another gateway: with `audit`, each needs a call log of its own", .0.display())]
    Locked(PathBuf),
    /// The saved chain is none.
    #[error("{} is damaged: {why}; move it away, and the chain begins anew, which `sandgate audit verify` shows", .path.display())]
    Saved {
        /// The file beside the log.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
}
