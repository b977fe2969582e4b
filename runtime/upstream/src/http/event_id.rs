//! Event ids as clients see them. An id of visible ASCII stays as it is. Any other is sealed, so that it contains
//! nothing that a line parser could take for a line end, and is opened again when the client resumes from it.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::HeaderValue;

/// The prefix of a sealed id. A server's id with this prefix is sealed too, so that opening is exact.
const SEAL: &str = "sandgate~";
/// The longest id that stays as it is, in bytes.
const LONGEST_PLAIN: usize = 256;
/// The longest id that is sealed, in bytes: what a header can carry back.
const LONGEST: usize = 4096;

/// The id that the client sees; `None` for an id that no `Last-Event-ID` can carry back.
pub fn seal(id: &[u8]) -> Option<String> {
    let plain = id.len() <= LONGEST_PLAIN
        && id.iter().all(u8::is_ascii_graphic)
        && !id.starts_with(SEAL.as_bytes());
    if plain {
        return std::str::from_utf8(id).ok().map(str::to_owned);
    }
    let carried = id.len() <= LONGEST && HeaderValue::from_bytes(id).is_ok();
    carried.then(|| format!("{SEAL}{}", URL_SAFE_NO_PAD.encode(id)))
}

/// The server's id for a client's `Last-Event-ID`.
pub fn open(said: &HeaderValue) -> HeaderValue {
    let sealed = said.as_bytes().strip_prefix(SEAL.as_bytes());
    let id = sealed.and_then(|sealed| URL_SAFE_NO_PAD.decode(sealed).ok());
    id.and_then(|id| HeaderValue::from_bytes(&id).ok())
        .unwrap_or_else(|| said.clone())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn visible_ascii_passes_as_it_is() {
        for id in ["", "7", "a-b_c/9+=", "{\"x\":1}"] {
            assert_eq!(seal(id.as_bytes()).as_deref(), Some(id));
        }
    }

    #[test]
    fn an_id_that_no_header_can_carry_is_left_out() {
        assert_eq!(seal(b"a\x0bb"), None);
        assert_eq!(seal(&[b'a'; LONGEST + 1]), None);
    }

    proptest! {
        #[test]
        fn what_is_sealed_is_visible_ascii_and_opens_to_the_same(
            id in prop::collection::vec(prop_oneof![0x20u8..=0x7e, 0x80u8..], 0..300),
            prefixed in any::<bool>(),
        ) {
            let id = if prefixed { [SEAL.as_bytes(), &id].concat() } else { id };
            let sealed = seal(&id).unwrap();
            prop_assert!(sealed.bytes().all(|b| b.is_ascii_graphic()));
            let opened = open(&HeaderValue::from_str(&sealed).unwrap());
            prop_assert_eq!(opened.as_bytes(), &id[..]);
        }
    }
}
