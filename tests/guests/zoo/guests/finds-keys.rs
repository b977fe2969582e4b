//! Puts `[key]` in the place of every key that can be told by its form (the beginning of a known provider's, a JWT, a
//! private key, a GitHub token whose check holds), and says where each stood.
//!
//! ```toml
//! [hooks.pre-call]
//! type = "mutation"
//! events = ["elicitation/create"]
//! [hooks.post-call]
//! type = "mutation"
//! events = ["tools/call", "elicitation/create"]
//! ```

use sandgate_sdk::{
    Context, Document, Edit, Error, Interceptor, Issues, NoSettings, PostDecision, PreDecision,
    export, finding,
};

const BEGINNINGS: [&str; 8] = [
    "AKIA", "AIza", "sk_live_", "xoxb-", "glpat-", "npm_", "hf_", "sk-ant-",
];
/// Characters after a beginning.
const FEWEST: usize = 16;
const BEGIN: &str = "-----BEGIN ";
const END: &str = "-----END ";
const BASE62: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

struct FindsKeys;

/// Bytes of a text, and what stands there.
struct Key {
    start: usize,
    end: usize,
    entity: &'static str,
}

impl Interceptor for FindsKeys {
    type Settings = NoSettings;

    fn configure(_: NoSettings) -> Result<Self, Issues> {
        Ok(Self)
    }

    fn pre_call(&self, _: &Context, params: &Document) -> Result<PreDecision, Error> {
        Ok(masked(params, true).into())
    }

    fn post_call(&self, _: &Context, reply: &Document) -> Result<PostDecision, Error> {
        Ok(masked(reply, false).into())
    }
}

fn masked(document: &Document, params: bool) -> Vec<Edit> {
    let mut edits = Vec::new();
    for (index, text) in (0..).zip(document.texts().iter()) {
        let keys = keys(text);
        let Some(pointer) = document.text_pointer(index).filter(|_| !keys.is_empty()) else {
            continue;
        };
        let (mut new, mut done) = (String::new(), 0);
        for Key { start, end, entity } in keys {
            new.push_str(&text[done..start]);
            new.push_str("[key]");
            done = end;
            let details = serde_json::json!({ "entity": entity, "start": start, "end": end });
            let found = finding(format!("keys.{entity}"), "a key")
                .at(&pointer)
                .details(details.to_string());
            match params {
                true => found.in_params().report(),
                false => found.report(),
            }
        }
        new.push_str(&text[done..]);
        edits.push(Edit::Set((
            pointer,
            serde_json::Value::from(new).to_string(),
        )));
    }
    edits
}

fn keys(text: &str) -> Vec<Key> {
    let mut keys = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let rest = &text[at..];
        if let Some(length) = private_key(rest) {
            let (start, end) = (at, at + length);
            keys.push(Key {
                start,
                end,
                entity: "private-key",
            });
            at = end;
            continue;
        }
        let part = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
        let length = rest.find(|c| !part(c)).unwrap_or(rest.len());
        let word = rest[..length].trim_end_matches('.');
        if let Some(entity) = entity(word) {
            let (start, end) = (at, at + word.len());
            keys.push(Key { start, end, entity });
        }
        at += length.max(rest.chars().next().map_or(1, char::len_utf8));
    }
    keys
}

fn private_key(text: &str) -> Option<usize> {
    let rest = text.strip_prefix(BEGIN)?;
    let end = BEGIN.len() + rest.find(END)? + END.len();
    let line = text[end..].find("-----")?;
    Some(end + line + "-----".len())
}

fn entity(word: &str) -> Option<&'static str> {
    let parts: Vec<&str> = word.split('.').collect();
    if word.starts_with("eyJ") && parts.len() == 3 && parts.iter().all(|part| !part.is_empty()) {
        return Some("jwt");
    }
    if let Some(token) = word.strip_prefix("ghp_") {
        let is_token = token.len() == 36 && check(&token[..30]) == token.as_bytes()[30..];
        return is_token.then_some("github-token");
    }
    let known = BEGINNINGS
        .iter()
        .find_map(|beginning| word.strip_prefix(beginning))?;
    (known.len() >= FEWEST).then_some("api-key")
}

/// What GitHub's tokens end in: the CRC-32 of the rest, in base 62.
fn check(random: &str) -> [u8; 6] {
    let mut crc = u32::MAX;
    for byte in random.bytes() {
        crc ^= u32::from(byte);
        for _ in 0..8 {
            crc = (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg());
        }
    }
    let mut rest = !crc;
    let mut check = [b'0'; 6];
    for place in check.iter_mut().rev() {
        *place = BASE62[(rest % 62) as usize];
        rest /= 62;
    }
    check
}

export!(FindsKeys);
