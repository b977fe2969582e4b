//! One HTTP request, bounded in time and bytes, by TLS or on this machine.
//!
//! The host's name is looked up once, its addresses are judged, and one of those that passed is dialled. So a name that
//! changes its address after it was judged leads nowhere. No redirect is followed: callers who follow one send another
//! request, and judge its address anew.

mod address;
mod error;
mod request;
mod trust;

pub use address::{Reach, addresses, is_permitted, look_up};
pub use error::FetchError;
pub use request::{Answer, Request};
pub use trust::client_config;
