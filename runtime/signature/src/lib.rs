//! Whether an artifact is signed by whom it should be: by a key, or by an identity that Sigstore's authority
//! certified and its log recorded. Decided from what is at hand: nothing here opens a file or a connection, or asks
//! for the time.
//!
//! A signature of an identity counts when everything in it holds: what is there and does not verify is never left
//! aside. A key is trusted by itself, and what else lies beside its signature is not looked at.

mod certificate;
mod der;
mod error;
mod evidence;
mod key;
mod log_entry;
mod merkle;
mod payload;
mod timestamp;
mod trusted_root;
mod verify;
mod wire;

pub use error::SignatureError;
pub use evidence::{Evidence, MAX_EVIDENCE, SimpleSigning};
pub use key::{KeyError, PublicKey};
pub use trusted_root::{TrustedRoot, TrustedRootError};
pub use verify::{Identity, Signer, Wanted, verify};
