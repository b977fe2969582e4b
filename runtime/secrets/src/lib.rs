//! Values that servers need and nobody else may see: fetched from where they are kept, held in memory that is
//! overwritten, and found in texts however they are spelt.
//!
//! The crate knows no server, no MCP and no configuration file.

mod age_file;
mod command;
mod decode;
mod json;
mod mark;
mod redactor;
mod spelling;
mod stream;
mod value;
mod vault;

pub use age_file::{AgeError, AgeFile, AgeKey};
pub use command::{CommandError, run};
pub use mark::MARK;
pub use redactor::{Redactor, RedactorError, SHORTEST};
pub use stream::StreamRedactor;
pub use value::Value;
pub use vault::{Vault, VaultError};
