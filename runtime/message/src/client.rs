//! What a client says of itself, in every modern request and in the `initialize` of a legacy session.

use crate::call::{Call, Era};
use crate::cut::cut;
use crate::json::Json;

/// The key of the client's description in `params._meta` of a modern request.
pub const CLIENT_KEY: &str = "io.modelcontextprotocol/clientInfo";

/// The longest name or version that is kept whole, in bytes. Policies, logs and metrics repeat both for every call.
const MAX_BYTES: usize = 256;
/// The attribute of a [`Call`] that holds the client's name.
const NAME: &str = "client.name";
const VERSION: &str = "client.version";

/// A client as it describes itself. Nobody has checked the description.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Client {
    /// The client's name, for example `inspector`.
    pub name: Option<String>,
    /// The client's version, not the protocol's.
    pub version: Option<String>,
}

impl Client {
    /// The client as these params describe it. `None` if params of this method cannot describe a client.
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

    /// The client's attributes in a [`Call`], without those that the client left out.
    pub fn attributes(self) -> impl Iterator<Item = (String, String)> {
        let said = [(NAME, self.name), (VERSION, self.version)];
        said.into_iter()
            .filter_map(|(name, value)| Some((name.to_owned(), value?)))
    }
}

impl Call {
    /// Replaces the client's attributes and leaves the others as they are.
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
    use crate::json_error::Limits;

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
