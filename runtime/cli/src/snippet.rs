//! What a client's `mcp.json` needs: printed when the gateway starts.

use std::fmt::Write;
use std::net::SocketAddr;

use serde_json::{Value, json};

/// The text for people: the whole gateway as one server, then each server alone.
pub fn text(listening: SocketAddr, servers: &[&str]) -> String {
    let base = base(listening);
    let mut text = format!(
        "Listening on {base}/mcp. For a client's mcp.json:\n\n{:#}\n",
        all(&base)
    );
    if !servers.is_empty() {
        text.push_str("\nOr one server alone, its tools under their own names:\n\n");
        for name in servers {
            // One a line, so that a person copies the ones that are wanted.
            let _ = writeln!(
                text,
                "  {}: {}",
                Value::from(*name),
                entry(&format!("{base}/mcp/{name}"))
            );
        }
    }
    text
}

/// `{"mcpServers": {"sandgate": …}}`: every server, names prefixed.
pub fn json(listening: SocketAddr) -> Value {
    all(&base(listening))
}

fn all(base: &str) -> Value {
    json!({ "mcpServers": { "sandgate": entry(&format!("{base}/mcp")) } })
}

fn entry(url: &str) -> Value {
    json!({ "type": "http", "url": url })
}

/// An address that means "every one of this machine" is no address to connect to.
fn base(listening: SocketAddr) -> String {
    let mut address = listening;
    if address.ip().is_unspecified() {
        address.set_ip(if address.is_ipv4() {
            [127, 0, 0, 1].into()
        } else {
            std::net::Ipv6Addr::LOCALHOST.into()
        });
    }
    format!("http://{address}")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_snippet_is_what_clients_read() {
        let json = json("127.0.0.1:8808".parse().unwrap());
        assert_eq!(
            json.to_string(),
            r#"{"mcpServers":{"sandgate":{"type":"http","url":"http://127.0.0.1:8808/mcp"}}}"#
        );
    }

    #[test]
    fn every_server_is_named() {
        let text = text("[::]:80".parse().unwrap(), &["time", "crm"]);
        assert!(text.contains("Listening on http://[::1]:80/mcp."));
        assert!(
            text.contains(r#"  "crm": {"type":"http","url":"http://[::1]:80/mcp/crm"}"#),
            "{text}"
        );
    }
}
