//! Proof of what a log says: each line holds the hash of the line before it, and signed checkpoints hold the root of a
//! Merkle tree over all lines (RFC 6962, C2SP tlog-checkpoint). Knows lines of text and no gateway.

mod anchored;
mod chain;
mod checkpoint;
pub mod export;
mod hash;
mod key;
mod keyed_hash;
mod keys;
mod merkle;
mod problem;
mod record;
mod summary;
mod verify;

pub use anchored::{AnchorError, Anchored};
pub use chain::{Chain, SavedChain, Stamped, Tail, each_line, first_number};
pub use checkpoint::{Checkpoint, CheckpointError};
pub use hash::Hash;
pub use key::{KeyError, SigningKey, VerifierKey};
pub use keyed_hash::HashKey;
pub use merkle::Tree;
pub use problem::{Place, Problem, ProblemKind};
pub use record::{MAX_LINE, Removed};
pub use summary::{KeyChange, Retention, Summary};
pub use verify::Verifier;
