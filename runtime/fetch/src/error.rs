//! Why a request has no answer.

use std::time::Duration;

/// Why a request has no answer that can be used. The texts begin with no name: callers put the URL before them.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)]
pub enum FetchError {
    #[error("it has no host")]
    NoHost,
    #[error("it has no port")]
    NoPort,
    #[error("its {0} is odd")]
    Odd(&'static str),
    #[error("its name cannot be looked up: {0}")]
    LookUp(std::io::Error),
    #[error("none of its addresses may be asked")]
    NotPermitted,
    /// What a caller says who judges addresses by rules of its own.
    #[error("{0}")]
    Refused(String),
    #[error("{0}")]
    Connect(std::io::Error),
    #[error("TLS: {0}")]
    Tls(std::io::Error),
    #[error("{0}")]
    Http(#[from] hyper::Error),
    #[error("no answer in {} s", .0.as_secs())]
    Time(Duration),
    #[error("the answer has more than {0} bytes")]
    TooLarge(usize),
    #[error("the answer broke off: {0}")]
    BrokeOff(String),
}
