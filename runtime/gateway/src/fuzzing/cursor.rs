use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::merged::cursor::{Bound, Cursors};

const HERE: Bound<'static> = Bound {
    key: &[7; 32],
    list: "tools/list",
    principal: Some("ann"),
};

/// Checks merged cursors: what was sealed opens, and nothing else does. The first byte of `data` chooses the byte to
/// corrupt; the rest is a cursor, and also lines that alternately name a server and its cursor.
///
/// # Panics
///
/// A property does not hold.
pub fn cursor(data: &[u8]) {
    let Some((&at, text)) = data.split_first() else {
        return;
    };
    let text = String::from_utf8_lossy(text);
    assert_eq!(HERE.open(&text), None, "nobody sealed it");
    let mut lines = text.lines();
    let mut cursors = Cursors::new();
    while let (Some(server), Some(cursor)) = (lines.next(), lines.next()) {
        cursors.insert(server.to_owned(), cursor.to_owned());
    }
    let Some(sealed) = HERE.seal(&cursors) else {
        return;
    };
    assert_eq!(HERE.open(&sealed).as_ref(), Some(&cursors));
    let other = Bound {
        principal: None,
        ..HERE
    };
    assert_eq!(other.open(&sealed), None, "another caller's");
    let Ok(mut forged) = URL_SAFE_NO_PAD.decode(&sealed) else {
        return;
    };
    let at = usize::from(at) % forged.len();
    forged[at] ^= 1;
    let forged = URL_SAFE_NO_PAD.encode(forged);
    assert_eq!(HERE.open(&forged), None, "byte {at} was changed");
}
