//! Recorded calls on disk, with surrogates for what policies find in them or sealed, and their replay.
#![allow(
    clippy::result_large_err,
    reason = "a report of what is wrong is made once, at a start or reload"
)]

mod capture;
mod detect;
mod draw;
mod exchange;
mod folder;
mod key;
mod kind;
mod left_out;
mod lineage;
mod number;
mod reading;
mod recording_status;
mod redact;
pub mod replay;
mod replayer;
mod seal;
mod shape;
mod surrogate;
mod tallies;
mod writer;

pub use capture::{Recording, Wanted};
pub use exchange::{Exchange, NotAnExchange, Noticed, RunId, Verdict, became, by_run, verdicts};
pub use folder::{Folder, FolderError, Written};
pub use left_out::LeftOut;
pub use reading::{Recorded, read};
pub use recording_status::RecordingStatus;
pub use replayer::{Input, Observation, Played, Replayer};
pub use seal::{Identities, Recipient, SealError};
