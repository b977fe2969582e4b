//! A call: established by the gateway, read by interceptors, written to the call log.

use std::fmt;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::account::Account;
use crate::json::Json;

/// A call's id in the log, to interceptors and in refusals. Ids sort by time.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CallId(pub Arc<str>);

impl fmt::Display for CallId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The protocol's two ways of working; a message belongs to one of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Era {
    /// Versions 2024-11-05 to 2025-11-25: `initialize` and sessions.
    Legacy,
    /// Version 2026-07-28: stateless, with everything in `_meta`.
    Modern,
}

impl Era {
    /// The era's name: `legacy` or `modern`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Legacy => "legacy",
            Self::Modern => "modern",
        }
    }
}

/// Which way the request or notification goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs)]
pub enum Direction {
    ClientToServer,
    ServerToClient,
}

impl Direction {
    /// The direction's name in the plugin contract.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ClientToServer => "client-to-server",
            Self::ServerToClient => "server-to-client",
        }
    }

    /// The direction of the reply.
    pub fn opposite(self) -> Self {
        match self {
            Self::ClientToServer => Self::ServerToClient,
            Self::ServerToClient => Self::ClientToServer,
        }
    }
}

/// One request or notification, without its payload.
#[derive(Clone, Debug)]
pub struct Call {
    /// The call's id, the same for the request and its reply.
    pub id: CallId,
    /// The method as on the wire, for example `tools/call`.
    pub method: Arc<str>,
    /// The direction of the request.
    pub direction: Direction,
    /// The era of the side that asked.
    pub era: Era,
    /// The server's name in the configuration.
    pub server: Arc<str>,
    /// The tool or prompt name, or the resource URI, by the server's own name for it.
    pub target: Option<Arc<str>>,
    /// The name that the client used, if it differs (`server__tool` on the merged endpoint).
    pub client_target: Option<Arc<str>>,
    /// A keyed pseudonym of the conversation. Never the wire's session id.
    pub session: Option<Arc<str>>,
    /// The authenticated caller. `None` for an anonymous one.
    pub principal: Option<Arc<str>>,
    /// The account whose share of the gateway's limits the call counts against.
    pub account: Account,
    /// The caller's groups.
    pub groups: Arc<[String]>,
    /// The server's definition of the target.
    pub definition: Option<Json>,
    /// Further attributes by name, for example `client.name`, `client.version`, `protocol.version`.
    pub attributes: Arc<[(String, String)]>,
}

impl Call {
    /// A modern request of an anonymous client to this server, without a target.
    pub fn anonymous(id: CallId, server: impl Into<Arc<str>>, method: impl Into<Arc<str>>) -> Self {
        Self {
            id,
            method: method.into(),
            direction: Direction::ClientToServer,
            era: Era::Modern,
            server: server.into(),
            target: None,
            client_target: None,
            session: None,
            principal: None,
            account: Account::Local,
            groups: Arc::new([]),
            definition: None,
            attributes: Arc::new([]),
        }
    }

    /// A `tools/call` of the tool `lookup` of the server `crm`, by nobody known: for tests and benches.
    #[doc(hidden)]
    pub fn example() -> Self {
        Self {
            target: Some("lookup".into()),
            ..Self::anonymous(CallId("1".into()), "crm", "tools/call")
        }
    }

    /// The value of an attribute.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes
            .iter()
            .find(|(n, _)| n == name)
            .map(|(_, v)| v.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attribute_is_found_by_its_whole_name() {
        let call = Call {
            server: "time".into(),
            target: None,
            attributes: Arc::from([("client.name".into(), "inspector".into())]),
            ..Call::example()
        };
        assert_eq!(call.attribute("client.name"), Some("inspector"));
        assert_eq!(call.attribute("client"), None);
    }
}
