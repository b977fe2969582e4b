//! What wakes somebody: rules over what the gateway records, the alerts that last, and the messages to their receivers. Knows
//! records and no payload; nothing here holds up a call.

mod alerts;
mod event;
mod notice;
mod outbox;
mod rule;
mod sender;
mod shape;
mod sign;
mod status;
mod table;
mod window;

pub use alerts::Alerts;
pub use status::{AlertStatus, Delivery, FiringAlert, TestReport};
