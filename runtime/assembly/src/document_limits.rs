//! The limits of one message.

use sandgate_config::Loaded;
use sandgate_message::Limits;

/// The limits of one message.
pub fn document_limits(loaded: &Loaded) -> Limits {
    let limits = &loaded.config.gateway.limits;
    Limits {
        bytes: usize::try_from(limits.max_body.0).unwrap_or(usize::MAX),
        depth: usize::from(limits.max_depth),
    }
}
