//! Finds personal data in a text: e-mail addresses, telephone numbers, payment cards, bank accounts (IBAN), numbers
//! that a state gives to a person, IP addresses. The crate says what a value is and where it is. The policy decides
//! what happens to the value.
//!
//! Detection uses characters, check digits and the words around a value. The crate knows nothing of WebAssembly, the
//! gateway or JSON. It uses no regular expressions, because a run would have to fill the tables of their automaton.

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
