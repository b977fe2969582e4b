//! Calls that are kept on disk, with surrogates for what policies find in them or sealed, and what becomes of them when
//! they are played again.
#![allow(
    clippy::result_large_err,
    reason = "a report of what is wrong is made once, at a start or reload"
)]

mod capture;
mod continued;
mod exchange;
mod folder;
mod found;
mod key;
mod kind;
mod number;
mod playing;
mod reading;
mod replacing;
pub mod replay;
mod seal;
mod shape;
mod surrogate;
mod writer;

pub use capture::{Recording, RecordingStatus, Wanted};
pub use exchange::{Exchange, NotAnExchange, Noticed, Place, Verdict, became, placed, verdicts};
pub use folder::{Folder, FolderError, Written};
pub use playing::{Played, Scene, Sight, Theatre};
pub use reading::{Recorded, read};
pub use seal::{Identities, Recipient, SealError};
