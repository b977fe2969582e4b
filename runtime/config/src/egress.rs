//! `egress`: the hosts that a contained server may reach.

use std::time::SystemTime;

use sandgate_address::{AllowedHost, AllowedHostError, HostError};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use super::scalar::{Mistake, Scalar, scalar};

/// The hosts that a contained server may reach: a list, or a table with a list and the end of an audit.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(untagged)]
pub enum Egress {
    /// The list alone.
    Hosts(Vec<EgressHost>),
    /// The list, and more.
    Table(Box<EgressTable>),
}

/// The hosts that a contained server may reach, and until when others are let through so that the list can be learnt.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct EgressTable {
    /// The hosts.
    pub allow: Vec<EgressHost>,
    /// Until this time, at most 24 hours ahead, other public hosts are let through too, and told. Afterwards the list
    /// alone counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audit_until: Option<Moment>,
}

/// A host that may be reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EgressHost(pub AllowedHost);

/// A point in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(pub SystemTime);

impl Egress {
    /// The hosts.
    pub fn hosts(&self) -> &[EgressHost] {
        match self {
            Self::Hosts(hosts) => hosts,
            Self::Table(table) => &table.allow,
        }
    }

    /// When the audit ends; `None`: there is none.
    pub fn audit_until(&self) -> Option<SystemTime> {
        match self {
            Self::Hosts(_) => None,
            Self::Table(table) => table.audit_until.map(|moment| moment.0),
        }
    }
}

impl JsonSchema for Egress {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Egress".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let hosts = generator.subschema_for::<Vec<EgressHost>>();
        let table = generator.subschema_for::<EgressTable>();
        json_schema!({ "anyOf": [hosts, table] })
    }
}

impl Scalar for EgressHost {
    const KIND: &'static str = "a host such as \"api.github.com\"";

    fn read(text: &str) -> Result<Self, Mistake> {
        AllowedHost::parse(text).map(Self).map_err(|error| {
            let help = match &error {
                AllowedHostError::Scheme(_) | AllowedHostError::Path | AllowedHostError::User => {
                    "write the host alone, for example \"api.github.com\"; everything on it can be asked for"
                }
                AllowedHostError::Port => {
                    "write a port from 1 to 65535, or leave it out: it is then 443"
                }
                AllowedHostError::Everything | AllowedHostError::TopLevel => {
                    "name the hosts, or the names below one: \"*.example.com\""
                }
                AllowedHostError::Wildcard => {
                    "`*.` stands at the front and for whole parts, for example \"*.example.com\""
                }
                AllowedHostError::Brackets => "write \"[::1]:8443\"",
                AllowedHostError::NotPublic => {
                    "write `private:` before it, for example \"private:127.0.0.1:9000\", if the server may reach it"
                }
                AllowedHostError::Host(HostError::NotAscii) => {
                    "write the name's form in ASCII, for example \"xn--bcher-kva.example\""
                }
                AllowedHostError::Empty | AllowedHostError::Host(_) => {
                    "write `name`, `name:port`, `*.name` or an address, for example \"api.github.com\"; `private:` \
                     before it where it may lead to a private address"
                }
            };
            Mistake::new(error.to_string(), help)
        })
    }

    fn write(&self) -> String {
        self.0.to_string()
    }
}

impl Scalar for Moment {
    const KIND: &'static str = "a time in UTC such as \"2026-12-01T18:00:00Z\"";

    fn read(text: &str) -> Result<Self, Mistake> {
        let time = humantime::parse_rfc3339(text).map_err(|_| {
            Mistake::new(
                "is not a time in UTC",
                "write it as \"2026-12-01T18:00:00Z\"",
            )
        })?;
        Ok(Self(time))
    }

    fn write(&self) -> String {
        humantime::format_rfc3339_seconds(self.0).to_string()
    }
}

scalar!(EgressHost, Moment);

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[derive(Deserialize)]
    struct Line {
        egress: Egress,
    }

    fn egress(text: &str) -> Result<Egress, toml::de::Error> {
        toml::from_str::<Line>(text).map(|line| line.egress)
    }

    #[test]
    fn a_list_and_a_table_of_it_are_the_same() {
        let list = egress("egress = [\"api.github.com\", \"*.example.com:8443\"]").unwrap();
        let table = egress("egress = { allow = [\"api.github.com\", \"*.example.com:8443\"] }");
        assert_eq!(list.hosts(), table.unwrap().hosts());
        assert_eq!(list.audit_until(), None);
        let audit = egress("egress = { audit-until = \"2026-12-01T18:00:00Z\" }").unwrap();
        assert!(audit.hosts().is_empty());
        let until = audit.audit_until().unwrap();
        assert_eq!(Moment(until).write(), "2026-12-01T18:00:00Z");
        assert!(egress("egress = [\"https://api.github.com\"]").is_err());
        assert!(egress("egress = { audit = true }").is_err());
    }
}
