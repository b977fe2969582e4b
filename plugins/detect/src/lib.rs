//! Finds personal data in a text: mail addresses, telephone numbers, payment cards, bank accounts, numbers that a state
//! gives to a person, Internet addresses. It answers for what is such a value and where it stands; what becomes of the
//! value is the policy's matter.
//!
//! Detection looks at characters, check digits and the words around. It knows no WebAssembly, no gateway and no JSON, has
//! no automaton whose tables a run would fill, and allocates nothing.

mod candidate;
mod card;
pub mod checksum;
mod context;
mod email;
mod entity;
mod iban;
mod ip;
mod national;
mod number;
mod phone;
mod scan;
mod text;

#[cfg(test)]
mod oracle;

pub use candidate::position;
pub use entity::{Entities, Entity, Found};
pub use number::{Gap, Group, Number};
pub use scan::scan;
pub use text::{folded, is_word};
