//! Why a connection was not let through, for the program, the operator and the log.

use crate::verdict::Verdict;

/// Why a connection was not let through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Reason {
    /// The host is not on the list.
    HostNotListed,
    /// The host is on the list with other ports.
    PortNotListed,
    /// The name leads to addresses that are not public, or the address is none.
    PrivateAddress,
    /// It is a plain request, without `CONNECT`.
    PlainHttp,
    /// It is no request of HTTP/1.1 for a host and a port.
    Malformed,
    /// The request's head is too large.
    HeadTooLarge,
    /// The request's head took too long.
    HeadTooSlow,
    /// The server has too many connections, or makes too many in a short time.
    TooMany,
    /// What follows is not TLS.
    NotTls,
    /// The hello of TLS is too large.
    HelloTooLarge,
    /// The hello of TLS took too long.
    HelloTooSlow,
    /// The hello of TLS names no host.
    NoSni,
    /// The hello of TLS names another host.
    SniMismatch,
    /// The host's certificate is not trusted, where the gateway ends the TLS.
    Untrusted,
    /// Its record cannot be written.
    Unlogged,
    /// The name does not resolve.
    Unresolved,
    /// No connection could be made.
    Unreachable,
    /// The program went away before it had asked.
    ClientLeft,
}

/// Every reason.
const ALL: [Reason; 18] = [
    Reason::HostNotListed,
    Reason::PortNotListed,
    Reason::PrivateAddress,
    Reason::PlainHttp,
    Reason::Malformed,
    Reason::HeadTooLarge,
    Reason::HeadTooSlow,
    Reason::TooMany,
    Reason::NotTls,
    Reason::HelloTooLarge,
    Reason::HelloTooSlow,
    Reason::NoSni,
    Reason::SniMismatch,
    Reason::Untrusted,
    Reason::Unlogged,
    Reason::Unresolved,
    Reason::Unreachable,
    Reason::ClientLeft,
];

impl Reason {
    /// The word in logs.
    pub fn as_str(self) -> &'static str {
        self.words().0
    }

    /// What it means, for people. Continues "it was refused: …".
    pub fn meaning(self) -> &'static str {
        self.words().1
    }

    /// The reason with this word.
    pub fn of(word: &str) -> Option<Self> {
        ALL.into_iter().find(|reason| reason.as_str() == word)
    }

    fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::HostNotListed => ("host-not-listed", "the host is not on the server's list"),
            Self::PortNotListed => (
                "port-not-listed",
                "the host is on the server's list with other ports",
            ),
            Self::PrivateAddress => (
                "private-address",
                "the host is or leads to an address that is not public",
            ),
            Self::PlainHttp => ("plain-http", "plain HTTP is not let through; use https"),
            Self::Malformed => (
                "malformed",
                "it is no request for a host and a port (CONNECT host:port)",
            ),
            Self::HeadTooLarge => ("head-too-large", "the request's head is too large"),
            Self::HeadTooSlow => ("head-too-slow", "the request's head took too long"),
            Self::TooMany => (
                "too-many",
                "the server has too many connections, or makes too many in a short time",
            ),
            Self::NotTls => ("not-tls", "what follows CONNECT is not TLS"),
            Self::HelloTooLarge => ("hello-too-large", "the hello of TLS is too large"),
            Self::HelloTooSlow => ("hello-too-slow", "the hello of TLS took too long"),
            Self::NoSni => ("no-sni", "the hello of TLS names no host"),
            Self::SniMismatch => (
                "sni-mismatch",
                "the hello of TLS names another host than CONNECT",
            ),
            Self::Untrusted => (
                "untrusted",
                "the host's certificate is not trusted, or it speaks no TLS",
            ),
            Self::Unlogged => ("unlogged", "its record cannot be written to the call log"),
            Self::Unresolved => ("unresolved", "the name does not resolve"),
            Self::Unreachable => ("unreachable", "no connection could be made"),
            Self::ClientLeft => ("client-left", "the program left before it had asked"),
        }
    }

    /// Refused by a rule or a bound, or failed without one.
    pub(crate) fn verdict(self) -> Verdict {
        match self {
            Self::Unresolved | Self::Unreachable | Self::ClientLeft => Verdict::Failed,
            _ => Verdict::Refused,
        }
    }

    /// The status of the answer.
    pub(crate) fn status(self) -> &'static str {
        match self {
            Self::Malformed => "400 Bad Request",
            Self::HeadTooSlow => "408 Request Timeout",
            Self::HeadTooLarge => "431 Request Header Fields Too Large",
            Self::Unresolved | Self::Unreachable => "502 Bad Gateway",
            Self::TooMany | Self::Unlogged => "503 Service Unavailable",
            _ => "403 Forbidden",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_a_word_of_its_own() {
        for reason in ALL {
            assert_eq!(Reason::of(reason.as_str()), Some(reason));
        }
    }
}
