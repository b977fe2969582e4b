//! Keys of many kinds, found by a plugin that tells them by their form: found live, nowhere in the recording, and what
//! stands there instead is found again by the same plugin.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::json;

use crate::recorded::stand::{Stand, interceptor, says};

/// What GitHub's tokens begin with and go on with, but for their check.
const GITHUB: [&str; 2] = [
    "ghp_0123456789ABCDEFGHIJabcdefghij",
    "ghp_aZ9bY8cX7dW6eV5fU4gT3hS2iR1jQ0",
];

/// Keys, each with the rule by which it is found; all different.
fn planted() -> Vec<(String, &'static str)> {
    let letters = "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8s9T0";
    let mut all = Vec::new();
    for n in 0..10_usize {
        let tail = |length: usize| format!("{}{n}", &letters[n..n + length]);
        for beginning in [
            "sk_live_", "glpat-", "npm_", "hf_", "sk-ant-", "xoxb-", "AIza",
        ] {
            all.push((format!("{beginning}{}", tail(24)), "keys.api-key"));
        }
        all.push((format!("AKIA{}", tail(15).to_uppercase()), "keys.api-key"));
        let part = |json: serde_json::Value| URL_SAFE_NO_PAD.encode(json.to_string());
        let (head, claims) = (
            part(json!({ "alg": "HS256", "typ": "JWT" })),
            part(json!({ "sub": format!("user-{n}"), "iat": 1_700_000_000 + n })),
        );
        let signature = URL_SAFE_NO_PAD.encode(tail(29));
        all.push((format!("{head}.{claims}.{signature}"), "keys.jwt"));
        let lines = [tail(20), tail(21)].map(|line| STANDARD.encode(line.repeat(2)));
        all.push((
            format!(
                "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----",
                lines.join("\n")
            ),
            "keys.private-key",
        ));
    }
    for token in GITHUB {
        all.push((
            format!("{token}{}", check(&token[4..])),
            "keys.github-token",
        ));
    }
    all
}

#[test]
fn a_hundred_planted_keys_are_judged_alike_and_are_nowhere_in_the_recording() {
    let folder = tempfile::tempdir().unwrap();
    let policy = interceptor(folder.path(), "keys", "finds-keys", "");
    let planted = planted();
    assert_eq!(planted.len(), 102);
    let mut stand = Stand::recording(&policy, &[]);
    for (key, _) in &planted {
        let arguments = json!({
            "note": format!("with {key}"),
            "token": STANDARD.encode(format!("user:{key}")),
            "inner": json!({ "key": key }).to_string(),
        });
        let got = stand.call("lookup", arguments, &says(&format!("use {key} for it")));
        assert_eq!(
            got["result"]["content"][0]["text"], "use [key] for it",
            "{key}"
        );
    }
    stand.end();
    let exchanges = stand.exchanges();
    let calls: Vec<_> = exchanges
        .iter()
        .filter(|one| one["method"] == "tools/call")
        .collect();
    assert_eq!(calls.len(), planted.len(), "{}", stand.gateway.log());
    let lying = stand.recorded();
    for ((key, rule), call) in planted.iter().zip(&calls) {
        let escaped = |text: &str| json!(text).to_string().trim_matches('"').to_owned();
        for spelt in [
            key.clone(),
            escaped(key),
            STANDARD.encode(format!("user:{key}")),
        ] {
            assert!(!lying.contains(&spelt), "{key} lies there as {spelt}");
        }
        assert_eq!(
            call["trail"][0]["findings"][0]["rule"], *rule,
            "{key}: {call}"
        );
    }
    let replayed = stand.replayed(&stand.gateway.config_file(), &["--findings"]);
    assert_eq!(replayed["differences"], json!([]));
    let replayed = stand.replayed(&stand.config("none.toml", ""), &[]);
    assert_eq!(replayed["differing"], planted.len());
}

/// The CRC-32 of a token's middle, in base 62.
fn check(random: &str) -> String {
    let digits: Vec<char> = ('0'..='9').chain('A'..='Z').chain('a'..='z').collect();
    let crc = !random.bytes().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| {
            (crc >> 1) ^ if crc % 2 == 1 { 0xedb8_8320 } else { 0 }
        })
    });
    (0..6_u32)
        .rev()
        .map(|place| digits[(u64::from(crc) / 62_u64.pow(place) % 62) as usize])
        .collect()
}
