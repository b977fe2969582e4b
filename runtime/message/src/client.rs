//! What a client says of itself: in every modern request, and in the `initialize` of a legacy session.

use crate::call::{Call, Era};
use crate::cut::cut;
use crate::json::Json;

/// Where a modern request says who sent it, in `params._meta`.
pub const CLIENT_KEY: &str = "io.modelcontextprotocol/clientInfo";

/// The longest name or version that is kept as it is, in bytes: policies, logs and metrics repeat it for every call.
const MAX_BYTES: usize = 256;
/// The names of the attributes under which a [`Call`] has it.
const NAME: &str = "client.name";
const VERSION: &str = "client.version";

/// A client, by its own word. Nobody has checked it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Client {
    /// For example `inspector`.
    pub name: Option<String>,
    /// Of the client, not of the protocol.
    pub version: Option<String>,
}

impl Client {
    /// As these params say it; none where params of this method have no room for it.
    pub fn said_in(params: &Json, era: Era, method: &str) -> Option<Self> {
        let root = params.root();
        let info = match era {
            Era::Modern => root.get("_meta").and_then(|meta| meta.get(CLIENT_KEY)),
            Era::Legacy if method == "initialize" => root.get("clientInfo"),
            Era::Legacy => return None,
        };
        let said = |member: &str| {
            let text = info?.get(member)?.string()?;
            Some(cut(&text, MAX_BYTES).into_owned())
        };
        Some(Self {
            name: said("name"),
            version: said("version"),
        })
    }

    /// As attributes of a [`Call`]: those that it has.
    pub fn attributes(self) -> impl Iterator<Item = (String, String)> {
        let said = [(NAME, self.name), (VERSION, self.version)];
        said.into_iter()
            .filter_map(|(name, value)| Some((name.to_owned(), value?)))
    }
}

impl Call {
    /// Of another client than it was, its other attributes as they were.
    pub fn introduce(&mut self, client: Client) {
        let others = self.attributes.iter();
        let others = others.filter(|(name, _)| !matches!(name.as_str(), NAME | VERSION));
        self.attributes = client.attributes().chain(others.cloned()).collect();
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::json::Limits;

    fn said(params: &'static str, era: Era, method: &str) -> Option<Client> {
        Client::said_in(
            &Json::parse(params, &Limits::default()).unwrap(),
            era,
            method,
        )
    }

    #[test]
    fn what_a_client_says_of_itself_is_bounded() {
        let params = format!(r#"{{"clientInfo":{{"name":"{}"}}}}"#, "n".repeat(4_000_000));
        let params = Json::parse(params, &Limits::default()).unwrap();
        let client = Client::said_in(&params, Era::Legacy, "initialize").unwrap();
        assert!(client.name.unwrap().ends_with("nn… (4000000 bytes)"));
    }
    #[test]
    fn a_client_is_where_its_era_has_it() {
        let name = |name: &str| {
            Some(Client {
                name: Some(name.into()),
                version: None,
            })
        };
        let params = r#"{"clientInfo":{"name":"old"},"_meta":{"io.modelcontextprotocol/clientInfo":{"name":"n\u0065w","version":2}}}"#;
        assert_eq!(said(params, Era::Legacy, "initialize"), name("old"));
        assert_eq!(said(params, Era::Legacy, "tools/call"), None);
        assert_eq!(said(params, Era::Modern, "tools/call"), name("new"));
        assert_eq!(said("{}", Era::Modern, "ping"), Some(Client::default()));
        assert_eq!(
            said("[]", Era::Legacy, "initialize"),
            Some(Client::default())
        );
    }
}
