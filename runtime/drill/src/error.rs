//! Why a drill could not be done.

use std::io;

use sandgate_config::Report;

/// A drill could not be done. Nothing was found out about the configuration.
#[derive(Debug, thiserror::Error)]
pub enum DrillError {
    /// The second gateway does not start.
    #[error("{}", .0.summary())]
    Config(Box<Report>),
    /// The configuration lacks what the drill needs, or what was asked for is not in it.
    #[error("{0}")]
    Needs(String),
    /// A harmless call does not pass, so that nothing else would show anything.
    #[error(
        "a harmless call of {tool} does not pass: {why}. What is refused anyway shows nothing of the other policies: name tools \
         that the client may call with --read TOOL and --send TOOL, a server with --server NAME, a client with --as NAME"
    )]
    Control {
        /// What was called, as `SERVER/TOOL`.
        tool: String,
        /// Who refused it.
        why: String,
    },
    /// Something did not happen, and no decision in force says why.
    #[error(
        "{0}; no decision in force of an interceptor or of the gateway says why, so that it shows nothing"
    )]
    Unexplained(String),
    /// The drill was told to stop.
    #[error("the drill was stopped before its end; everything that it began is undone")]
    Stopped,
    /// The drill took longer than it may.
    #[error(
        "the drill took longer than the {0} s that it may take; everything that it began is undone"
    )]
    TooLong(u64),
    /// The machine says no.
    #[error("{0}")]
    Io(#[from] io::Error),
}

impl From<Report> for DrillError {
    fn from(report: Report) -> Self {
        Self::Config(Box::new(report))
    }
}
