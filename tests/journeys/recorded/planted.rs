//! Five hundred values of many kinds: each is found live, is nowhere in the recording, and what stands there instead is
//! found again.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use crate::recorded::stand::{SCRUB, Stand, says};

/// A value, and the text that a server has it in.
struct Planted {
    value: String,
    text: String,
    rule: &'static str,
}

/// All different.
fn planted() -> Vec<Planted> {
    let mut all = Vec::new();
    let mut plant = |rule, value: String, around: &str| {
        let text = around.replace('$', &value);
        all.push(Planted { value, text, rule });
    };
    for n in 0..130_u32 {
        let names = ["ada.lovelace", "o'neil", "kyo+crm", "J_Doe", "li-wei"];
        let name = names[n as usize % names.len()];
        plant(
            "pii.email",
            format!("{name}{n}@mail{n}.corp.co.uk"),
            "Please write to <$>, \"today\".",
        );
    }
    for n in 0..80_u32 {
        let spaced = |digits: String| {
            let parts = digits
                .as_bytes()
                .chunks(4)
                .map(|part| std::str::from_utf8(part).unwrap());
            parts.collect::<Vec<_>>().join(" ")
        };
        let card = match n % 4 {
            0 => luhn(&format!(
                "4539{:011}",
                17_000_000_000_u64 + u64::from(n) * 7_919
            )),
            1 => spaced(luhn(&format!(
                "5412{:011}",
                33_000_000_000_u64 + u64::from(n) * 6_133
            ))),
            2 => luhn(&format!(
                "3712{:010}",
                4_400_000_000_u64 + u64::from(n) * 5_557
            )),
            _ => spaced(luhn(&format!(
                "6011{:011}",
                55_000_000_000_u64 + u64::from(n) * 4_421
            ))),
        };
        plant("pii.credit-card", card, "The card $ was charged.");
    }
    for n in 0..70_u64 {
        let value = match n % 2 {
            0 => iban("DE", &format!("{:018}", 370_400_440_532_013_000 + n * 97)),
            _ => iban("GB", &format!("NWBK{:014}", 60_161_331_926_819 + n * 89)),
        };
        plant("pii.iban", value, "Pay to $ please");
    }
    for n in 0..80_u32 {
        let value = match n % 2 {
            0 => format!("+1 (415) 555-{:04}", 2_000 + n * 13),
            _ => format!("+44 20 7946 {:04}", 1_000 + n * 17),
        };
        plant("pii.phone", value, "call $ or come by");
    }
    for n in 0..60_u32 {
        let value = format!("{:03}-{:02}-{:04}", 200 + n * 3, 11 + n, 1_000 + n * 41);
        plant("pii.us-ssn", value, "SSN: $");
    }
    for n in 0..30_u64 {
        let value = my_number(&format!("{:011}", 12_345_678_901 + n * 9_973));
        plant("pii.jp-my-number", value, "マイナンバー：$ です");
    }
    for n in 0..50_u32 {
        let value = match n % 3 {
            0 => format!("203.{}.{}.{}", 10 + n, 20 + n * 2, 100 + n),
            1 => format!("93.184.{}.{}", 10 + n, 30 + n * 3),
            _ => format!("2a00:1450:{:x}::{:x}", 0x4001 + n, 0x8a2e + n * 3),
        };
        plant("pii.ip", value, "a login from $ at noon");
    }
    all
}

#[test]
fn five_hundred_planted_values_are_judged_alike_and_are_nowhere_in_the_recording() {
    let planted = planted();
    assert_eq!(planted.len(), 500);
    let mut stand = Stand::recording(SCRUB, &[]);
    for Planted { value, text, .. } in &planted {
        // Where no policy looks, in other spellings, and as a member's name.
        let arguments = json!({
            "note": format!("look up {value}"),
            "url": format!("https://x.example/?q={}", percent(value)),
            "token": STANDARD.encode(value),
            "cookie": URL_SAFE_NO_PAD.encode(format!("user={value}; theme=dark")),
            "inner": json!({ "who": value }).to_string(),
            value: { "upper": value.to_uppercase(), "bare": bare(value) },
        });
        let mut answer = says(text);
        answer["_meta"] = json!({ "journey/echo": value });
        let got = stand.call("lookup", arguments, &answer);
        let got = got["result"]["content"][0]["text"].as_str().unwrap();
        assert!(!got.contains(value), "not found live: {text}: {got}");
    }
    let status = stand.gateway.command(&["status", "--json"]);
    assert_eq!(status.code, Some(0), "{}", status.log);
    stand.end();

    let exchanges = stand.exchanges();
    let calls: Vec<&Value> = exchanges
        .iter()
        .filter(|one| one["method"] == "tools/call")
        .collect();
    assert_eq!(calls.len(), 500, "{}", stand.gateway.log());
    let lying = stand.recorded();
    let lower = lying.to_lowercase();
    for (Planted { value, rule, .. }, call) in planted.iter().zip(&calls) {
        for spelt in [
            value.to_lowercase(),
            percent(value).to_lowercase(),
            bare(value).to_lowercase(),
            json!(json!(value).to_string())
                .to_string()
                .trim_matches('"')
                .to_lowercase(),
        ] {
            assert!(!lower.contains(&spelt), "{value} lies there as {spelt}");
        }
        for coded in [
            STANDARD.encode(value),
            URL_SAFE_NO_PAD.encode(format!("user={value}; theme=dark")),
        ] {
            assert!(!lying.contains(&coded), "{value} lies there as {coded}");
        }
        let run = &call["trail"][1];
        assert_eq!(run["decision"], "edit", "{value}: {call}");
        assert_eq!(run["findings"][0]["rule"], *rule, "{value}");
    }
    // The same value is the same wherever it stood, in its spelling.
    let first = &calls[0]["params"]["arguments"];
    let name = first
        .as_object()
        .unwrap()
        .keys()
        .find(|name| name.contains('@'))
        .unwrap();
    assert_eq!(first["note"], format!("look up {name}"));
    assert_eq!(first["token"], STANDARD.encode(name));
    assert_eq!(calls[0]["reply"]["_meta"]["journey/echo"], *name);

    let replayed = stand.replayed(&stand.gateway.config_file(), &["--findings"]);
    assert_eq!(replayed["calls"], exchanges.len());
    assert_eq!(replayed["differences"], json!([]));
    // Something is there to be found: without the policy, every one of them differs.
    let replayed = stand.replayed(&stand.config("none.toml", ""), &[]);
    assert_eq!(replayed["differing"], 500);
}

fn bare(value: &str) -> String {
    value.replace([' ', '-'], "")
}

fn percent(value: &str) -> String {
    value
        .bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                char::from(byte).to_string()
            }
            byte => format!("%{byte:02X}"),
        })
        .collect()
}

fn luhn(digits: &str) -> String {
    let doubled = |(n, byte): (usize, u8)| {
        let digit = u32::from(byte - b'0') * if n % 2 == 0 { 2 } else { 1 };
        if digit > 9 { digit - 9 } else { digit }
    };
    let sum: u32 = digits.bytes().rev().enumerate().map(doubled).sum();
    format!("{digits}{}", (10 - sum % 10) % 10)
}

fn iban(country: &str, account: &str) -> String {
    let rest = format!("{account}{country}00")
        .chars()
        .fold(0, |rest: u32, c| {
            let value = c.to_digit(36).unwrap();
            (rest * if value > 9 { 100 } else { 10 } + value) % 97
        });
    format!("{country}{:02}{account}", 98 - rest)
}

fn my_number(digits: &str) -> String {
    let weights = [2, 3, 4, 5, 6, 7, 2, 3, 4, 5, 6];
    let weighed = digits.bytes().rev().zip(weights);
    let sum: u32 = weighed
        .map(|(byte, weight)| u32::from(byte - b'0') * weight)
        .sum();
    let check = match sum % 11 {
        0 | 1 => 0,
        rest => 11 - rest,
    };
    format!("{digits}{check}")
}
