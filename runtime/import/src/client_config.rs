//! The entries for a client's `mcp.json`, which are printed when the gateway starts.

use std::fmt::Write;
use std::net::SocketAddr;

use serde_json::{Value, json};

/// Where clients reach the gateway, and how.
#[derive(Clone, Copy, Debug)]
pub struct Front {
    /// The address that the gateway is bound to.
    pub address: SocketAddr,
    /// Whether the gateway serves by TLS.
    pub https: bool,
    /// Whether clients need keys.
    pub keyed: bool,
}

impl Front {
    /// A gateway that serves in the clear and without keys.
    pub fn plain(address: SocketAddr) -> Self {
        Self {
            address,
            https: false,
            keyed: false,
        }
    }

    /// The scheme and address, for example `http://0.0.0.0:8808`.
    pub fn scheme_and_address(&self) -> String {
        let scheme = if self.https { "https" } else { "http" };
        format!("{scheme}://{}", self.address)
    }
}

/// The entries as text for people: the whole gateway as one server, then each server alone.
pub fn text(front: Front, servers: &[&str]) -> String {
    let base = base(front);
    let mut text = format!(
        "Listening on {base}/mcp. For a client's mcp.json:\n\n{:#}\n",
        all(&base, front.keyed)
    );
    if !servers.is_empty() {
        text.push_str("\nOr one server alone, its tools under their own names:\n\n");
        for name in servers {
            // Each entry is on one line, so that a person can copy the wanted ones.
            let _ = writeln!(
                text,
                "  {}: {}",
                Value::from(*name),
                entry(&format!("{base}/mcp/{name}"), front.keyed)
            );
        }
    }
    text
}

/// The entry of the whole gateway, `{"mcpServers": {"sandgate": …}}`: every server, names prefixed.
pub fn json(front: Front) -> Value {
    all(&base(front), front.keyed)
}

fn all(base: &str, keyed: bool) -> Value {
    json!({ "mcpServers": { "sandgate": entry(&format!("{base}/mcp"), keyed) } })
}

fn entry(url: &str, keyed: bool) -> Value {
    match keyed {
        false => json!({ "type": "http", "url": url }),
        true => {
            json!({ "type": "http", "url": url, "headers": { "Authorization": "Bearer TOKEN" } })
        }
    }
}

/// The base URL for clients. The unspecified address is replaced by loopback, since clients cannot connect to it.
fn base(front: Front) -> String {
    let mut front = front;
    let address = &mut front.address;
    if address.ip().is_unspecified() {
        address.set_ip(if address.is_ipv4() {
            [127, 0, 0, 1].into()
        } else {
            std::net::Ipv6Addr::LOCALHOST.into()
        });
    }
    front.scheme_and_address()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_snippet_is_what_clients_read() {
        let json = json(Front::plain("127.0.0.1:8808".parse().unwrap()));
        assert_eq!(
            json.to_string(),
            r#"{"mcpServers":{"sandgate":{"type":"http","url":"http://127.0.0.1:8808/mcp"}}}"#
        );
    }

    #[test]
    fn a_client_with_a_key_is_shown_where_it_goes() {
        let front = Front {
            address: "[::1]:443".parse().unwrap(),
            https: true,
            keyed: true,
        };
        let entry = &json(front)["mcpServers"]["sandgate"];
        assert_eq!(entry["url"], "https://[::1]:443/mcp");
        assert_eq!(entry["headers"]["Authorization"], "Bearer TOKEN");
    }

    #[test]
    fn every_server_is_named() {
        let text = text(Front::plain("[::]:80".parse().unwrap()), &["time", "crm"]);
        assert!(text.contains("Listening on http://[::1]:80/mcp."));
        assert!(
            text.contains(r#"  "crm": {"type":"http","url":"http://[::1]:80/mcp/crm"}"#),
            "{text}"
        );
    }
}
