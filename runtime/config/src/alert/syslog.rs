//! Where messages of syslog go.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;

use crate::scalar::{Mistake, Scalar, scalar};

/// Where messages of syslog go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Syslog {
    /// By UDP, to an address and port.
    Udp(SocketAddr),
    /// By TCP (RFC 6587), to a host and port.
    Tcp(SyslogHost),
    /// By TLS (RFC 5425), to a host and port.
    Tls(SyslogHost),
    /// To a Unix datagram socket, by its absolute path.
    Socket(PathBuf),
}

/// A host name or address, and a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyslogHost {
    /// The name or address, without brackets.
    pub host: String,
    /// The port.
    pub port: u16,
}

impl SyslogHost {
    fn read(text: &str) -> Option<Self> {
        let authority: http::uri::Authority = text.parse().ok()?;
        let (host, port) = (authority.host(), authority.port_u16()?);
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let fits = port > 0 && !host.is_empty() && !text.contains('@');
        fits.then(|| Self {
            host: host.to_owned(),
            port,
        })
    }
}

impl fmt::Display for SyslogHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host.contains(':') {
            true => write!(f, "[{}]:{}", self.host, self.port),
            false => write!(f, "{}:{}", self.host, self.port),
        }
    }
}

impl fmt::Display for Syslog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Udp(address) => write!(f, "udp://{address}"),
            Self::Tcp(host) => write!(f, "tcp://{host}"),
            Self::Tls(host) => write!(f, "tls://{host}"),
            Self::Socket(path) => write!(f, "{}", path.display()),
        }
    }
}

impl Scalar for Syslog {
    const KIND: &'static str =
        "\"tls://log.example.com:6514\" or the path of a socket such as \"/dev/log\"";

    fn read(text: &str) -> Result<Self, Mistake> {
        let help = "write \"udp://127.0.0.1:514\", \"tcp://HOST:PORT\", \"tls://HOST:PORT\", or the absolute path of a \
                    Unix datagram socket";
        if let Some(address) = text.strip_prefix("udp://") {
            return address
                .parse()
                .map(Self::Udp)
                .map_err(|_| Mistake::new("names no IP address and port after `udp://`", help));
        }
        let host_after = |scheme: &str| {
            let host = text.strip_prefix(scheme)?;
            let why = format!("names no host and port after `{scheme}`");
            Some(SyslogHost::read(host).ok_or_else(|| Mistake::new(why, help)))
        };
        if let Some(host) = host_after("tcp://") {
            return host.map(Self::Tcp);
        }
        if let Some(host) = host_after("tls://") {
            return host.map(Self::Tls);
        }
        match text.strip_prefix("unix://").unwrap_or(text) {
            path if path.starts_with('/') => Ok(Self::Socket(path.into())),
            _ => Err(Mistake::new(
                "is neither an address nor the path of a socket",
                help,
            )),
        }
    }

    fn write(&self) -> String {
        self.to_string()
    }
}

scalar!(Syslog);

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn syslog_is_an_address_or_a_socket() {
        let udp = Syslog::Udp("[::1]:514".parse().unwrap());
        assert_eq!(Syslog::read("udp://[::1]:514").unwrap(), udp);
        let socket = Syslog::Socket("/dev/log".into());
        assert_eq!(Syslog::read("/dev/log").unwrap(), socket);
        assert_eq!(Syslog::read("unix:///dev/log").unwrap(), socket);
        for text in ["tcp://log.example.com:601", "tls://[::1]:6514"] {
            assert_eq!(Syslog::read(text).unwrap().write(), text);
        }
        for wrong in [
            "",
            "udp://",
            "udp://host:514",
            "udp://127.0.0.1",
            "tcp://127.0.0.1",
            "tls://log.example.com:0",
            "tls://a@log.example.com:6514",
            "tls://log.example.com:6514/path",
            "log",
        ] {
            assert!(Syslog::read(wrong).is_err(), "{wrong}");
        }
    }
}
