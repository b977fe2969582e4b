//! What one server may reach.

use std::time::SystemTime;

use sandgate_address::{AllowedHost, Host, Listed, listed};

use crate::reason::Reason;

/// What one server may reach: the hosts of a list, and until a time, for learning, other public hosts too.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// The list.
    pub hosts: Vec<AllowedHost>,
    /// When the audit ends; `None`: there is none.
    pub audit_until: Option<SystemTime>,
}

/// What lets a connection through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Admitted {
    /// The entry, of the list or made for this connection.
    pub(crate) by: AllowedHost,
    /// Whether it is the audit alone that lets it through.
    pub(crate) audited: bool,
}

impl Policy {
    /// Judges a host and a port, before anything is resolved.
    ///
    /// # Errors
    ///
    /// Neither the list nor the audit lets it through.
    pub(crate) fn judge(
        &self,
        host: &Host,
        port: u16,
        now: SystemTime,
    ) -> Result<Admitted, Reason> {
        let reason = match listed(&self.hosts, host, port) {
            Listed::By(by) => {
                let by = by.clone();
                return Ok(Admitted { by, audited: false });
            }
            Listed::OtherPort => Reason::PortNotListed,
            Listed::No => Reason::HostNotListed,
        };
        match self.audits(now) {
            true => Ok(Admitted {
                by: AllowedHost::exactly(host, port),
                audited: true,
            }),
            false => Err(reason),
        }
    }

    /// Whether the audit lasts.
    pub fn audits(&self, now: SystemTime) -> bool {
        self.audit_until.is_some_and(|until| now < until)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::time::Duration;

    use super::*;

    #[test]
    fn an_audit_lets_other_public_hosts_through_until_its_end() {
        let now = SystemTime::now();
        let policy = Policy {
            hosts: vec![AllowedHost::parse("api.example.com").unwrap()],
            audit_until: Some(now + Duration::from_secs(1)),
        };
        let (listed, other) = (Host::parse("api.example.com"), Host::parse("b.example.com"));
        let (listed, other) = (listed.unwrap(), other.unwrap());
        assert!(!policy.judge(&listed, 443, now).unwrap().audited);
        for (host, port) in [(&other, 443), (&listed, 8443)] {
            let admitted = policy.judge(host, port, now).unwrap();
            assert!(admitted.audited);
            assert!(admitted.by.admits("8.8.8.8".parse().unwrap()));
            for address in ["10.0.0.1", "127.0.0.1", "169.254.169.254"] {
                assert!(!admitted.by.admits(address.parse().unwrap()), "{address}");
            }
        }
        let later = now + Duration::from_secs(1);
        assert_eq!(policy.judge(&other, 443, later), Err(Reason::HostNotListed));
        assert_eq!(policy.judge(&listed, 22, later), Err(Reason::PortNotListed));
        assert!(policy.judge(&listed, 443, later).is_ok());
    }
}
