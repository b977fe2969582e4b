//! Finds in a text what a policy looks for. The crate says what a value is and where it is. The policy decides what
//! happens to the value.
//!
//! - [`scan()`]: personal data. E-mail addresses, telephone numbers, payment cards, bank accounts, numbers that a state
//!   gives to a person, documents, dates of birth, IP addresses and more.
//! - [`secret`]: keys of providers, private keys, tokens, passwords.
//! - [`injection`]: instructions to the model that reads the text, by a score.
//! - [`hidden`]: characters and parts that a reader does not see.
//! - [`confusable`]: names that look alike.
//! - [`poisoning`]: texts in definitions of tools that speak to the model.
//!
//! The crate is plain Rust. It knows nothing of WebAssembly or the gateway, and has no JSON parser. It uses no regular
//! expressions, because a run would have to fill the tables of their automaton. The work is linear in the text.

mod birth;
mod candidate;
mod card;
mod check;
pub mod checksum;
pub mod confusable;
mod context;
mod crypto;
mod email;
mod entity;
pub mod hidden;
mod iban;
pub mod injection;
mod ip;
mod labelled;
mod mac;
mod national;
mod number;
mod phone;
pub mod poisoning;
mod postal;
mod scan;
pub mod secret;
mod text;
mod token;
mod words;

#[cfg(test)]
mod oracle;

pub use candidate::position;
pub use entity::{Entities, Entity, Found};
pub use ip::is_private;
pub use number::{Gap, Group, Number};
pub use scan::scan;
pub use text::{folded, is_word};
