//! Cursors of merged lists. One cursor for the client holds a cursor per server and is sealed, so that it cannot be
//! forged, used by another caller, or used for another list.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// The longest cursor of one server, in bytes; those of real servers are a number or a key. A list with a longer one is
/// cut off there, with a warning in the log.
pub(crate) const LONGEST: usize = 4096;
/// The length of the seal, in bytes: 128 bits.
const SEAL: usize = 16;

/// The cursor of each server that has more entries, by the server's name.
pub(crate) type Cursors = BTreeMap<String, String>;

/// What a cursor is bound to. A cursor does not outlive the process, since the key is random.
pub(crate) struct Bound<'a> {
    pub(crate) key: &'a [u8; 32],
    /// The method of the list.
    pub(crate) list: &'a str,
    pub(crate) principal: Option<&'a str>,
}

impl Bound<'_> {
    /// Seals the cursors into an opaque one for the client.
    pub(crate) fn seal(&self, cursors: &Cursors) -> Option<String> {
        let text = serde_json::to_vec(cursors).ok()?;
        let mut whole = self.mac(&text)?.finalize().into_bytes()[..SEAL].to_vec();
        whole.extend(text);
        Some(URL_SAFE_NO_PAD.encode(whole))
    }

    /// Opens a cursor. `None` if it was not sealed with this key, for this list and this caller.
    pub(crate) fn open(&self, cursor: &str) -> Option<Cursors> {
        let whole = URL_SAFE_NO_PAD.decode(cursor).ok()?;
        let (seal, text) = whole.split_at_checked(SEAL)?;
        self.mac(text)?.verify_truncated_left(seal).ok()?;
        serde_json::from_slice(text).ok()
    }

    fn mac(&self, text: &[u8]) -> Option<Hmac<Sha256>> {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.key).ok()?;
        // Each part is preceded by its length, so that no two lists of parts run together.
        let principal = self.principal.map_or(&b""[..], str::as_bytes);
        for part in [self.list.as_bytes(), principal, text] {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        }
        mac.update(&[u8::from(self.principal.is_some())]);
        Some(mac)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn bound<'a>(list: &'a str, principal: Option<&'a str>) -> Bound<'a> {
        Bound {
            key: &[7; 32],
            list,
            principal,
        }
    }

    fn cursors() -> Cursors {
        Cursors::from([
            ("crm".to_owned(), "p2".to_owned()),
            ("time".to_owned(), "\"odd\"".to_owned()),
        ])
    }

    #[test]
    fn a_cursor_says_where_each_server_goes_on() {
        let here = bound("tools/list", Some("ann"));
        assert_eq!(here.open(&here.seal(&cursors()).unwrap()), Some(cursors()));
    }

    #[test]
    fn a_cursor_is_good_for_its_list_and_its_caller_alone() {
        let cursor = bound("tools/list", Some("ann")).seal(&cursors()).unwrap();
        for other in [
            bound("prompts/list", Some("ann")),
            bound("tools/list", Some("bob")),
            bound("tools/list", None),
            Bound {
                key: &[8; 32],
                ..bound("tools/list", Some("ann"))
            },
        ] {
            assert_eq!(other.open(&cursor), None);
        }
        assert_ne!(
            bound("x", None).seal(&cursors()),
            bound("x", Some("")).seal(&cursors())
        );
    }

    #[test]
    fn a_forged_cursor_is_none() {
        let here = bound("tools/list", None);
        let whole = URL_SAFE_NO_PAD
            .decode(here.seal(&cursors()).unwrap())
            .unwrap();
        for at in 0..whole.len() {
            let mut forged = whole.clone();
            forged[at] ^= 1;
            assert_eq!(here.open(&URL_SAFE_NO_PAD.encode(forged)), None, "{at}");
        }
        let unsealed = URL_SAFE_NO_PAD.encode(r#"{"crm":"p2"}"#);
        for cursor in ["", "2", "!", &unsealed] {
            assert_eq!(here.open(cursor), None, "{cursor}");
        }
    }
}
