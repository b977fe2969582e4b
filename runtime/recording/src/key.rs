//! Keys and tokens of a known form, and their surrogates.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::draw::{Draw, HEX};

const BASE62: &str = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// The beginnings of known providers' keys: not secret, and what the keys are recognized by. Longer ones come first.
pub(super) const BEGINNINGS: [&str; 34] = [
    "github_pat_",
    "sk-ant-api03-",
    "sq0atp-",
    "sq0csp-",
    "dop_v1_",
    "sk_live_",
    "sk_test_",
    "rk_live_",
    "pk_live_",
    "pk_test_",
    "sk-ant-",
    "sk-proj-",
    "whsec_",
    "shpat_",
    "shpss_",
    "glpat-",
    "xoxb-",
    "xoxp-",
    "xoxa-",
    "xoxs-",
    "xapp-",
    "pypi-",
    "ya29.",
    "npm_",
    "AKIA",
    "ASIA",
    "AIza",
    "EAAC",
    "key-",
    "hf_",
    "SG.",
    "sk-",
    "AC",
    "SK",
];

pub(super) fn is_jwt(value: &str) -> bool {
    let parts: Vec<&str> = value.split('.').collect();
    let url_safe = |part: &&str| {
        part.bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'='))
    };
    matches!(parts.as_slice(), [head, body, _] if head.starts_with("eyJ") && body.len() > 2)
        && parts.iter().all(url_safe)
}

/// A JWT with claims and a signature of its own. The algorithm stays.
pub(super) fn jwt(value: &str, draw: &mut Draw<'_>) -> Option<String> {
    let mut parts = value.split('.');
    let (head, _, signature) = (parts.next()?, parts.next()?, parts.next()?);
    let said: Option<serde_json::Value> = URL_SAFE_NO_PAD
        .decode(head)
        .ok()
        .and_then(|head| serde_json::from_slice(&head).ok());
    let algorithm = said
        .as_ref()
        .and_then(|said| said["alg"].as_str())
        .filter(|alg| alg.len() <= 8 && alg.bytes().all(|byte| byte.is_ascii_alphanumeric()))
        .unwrap_or("HS256");
    let head = format!(r#"{{"alg":"{algorithm}","typ":"JWT"}}"#);
    let body = format!(r#"{{"sub":"{}","iat":1516239022}}"#, draw.some_of(HEX, 24));
    Some(format!(
        "{}.{}.{}",
        URL_SAFE_NO_PAD.encode(head),
        URL_SAFE_NO_PAD.encode(body),
        draw.some_of(BASE62, signature.len())
    ))
}

/// A private key whose marker lines stay, and so does the beginning, which tells the key's form.
pub(super) fn private_key(value: &str, draw: &mut Draw<'_>) -> String {
    let mut made = String::with_capacity(value.len());
    let mut rest = value;
    let mut kept = 4;
    while let Some(c) = rest.chars().next() {
        let line = match rest.strip_prefix("-----") {
            Some(after) => after.find("-----").map_or(rest.len(), |end| end + 10),
            None if rest.starts_with("\\n") || rest.starts_with("\\r") => 2,
            None => 0,
        };
        if line > 0 {
            made += &rest[..line];
            rest = &rest[line..];
            continue;
        }
        made.push(match c {
            c if c.is_ascii_alphanumeric() && kept == 0 => draw.one_of(BASE62),
            c => c,
        });
        if c.is_ascii_alphanumeric() && kept > 0 {
            kept -= 1;
        }
        rest = &rest[c.len_utf8()..];
    }
    made
}

pub(super) fn is_github(value: &str) -> bool {
    matches!(
        value.get(..4),
        Some("ghp_" | "gho_" | "ghu_" | "ghs_" | "ghr_")
    ) && value.len() == 40
        && value
            .bytes()
            .skip(4)
            .all(|byte| byte.is_ascii_alphanumeric())
}

/// A GitHub token with a valid checksum.
pub(super) fn github_token(value: &str, draw: &mut Draw<'_>) -> String {
    let random = draw.some_of(BASE62, 30);
    format!("{}{random}{}", &value[..4], github_check(&random))
}

/// The last six characters of a GitHub token: the CRC-32 of those before, in base 62.
pub(super) fn github_check(random: &str) -> String {
    let crc = random.bytes().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| match crc & 1 {
            1 => (crc >> 1) ^ 0xedb8_8320,
            _ => crc >> 1,
        })
    });
    let mut rest = !crc;
    let mut check = [b'0'; 6];
    for place in check.iter_mut().rev() {
        *place = BASE62.as_bytes()[(rest % 62) as usize];
        rest /= 62;
    }
    check.iter().map(|byte| char::from(*byte)).collect()
}
