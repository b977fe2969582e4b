//! Decides which values may stand in a configuration file. In doubt a value is a secret: a needless variable costs a
//! line, a token in a file costs more.

/// A part of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// Plain text.
    Text(String),
    /// A variable: `${NAME}`, `${env:NAME}`, `${NAME:-default}`, `{env:NAME}`.
    Variable {
        name: String,
        default: Option<String>,
    },
    /// An input of VS Code, `${input:ID}`.
    Input(String),
    /// A file of Windsurf, `${file:PATH}`.
    File(String),
    /// A place that only the client knows, such as `${workspaceFolder}`.
    Place(String),
}

/// Whether a value by itself looks like a secret.
pub(super) fn looks_secret(value: &str) -> bool {
    const BEGINNINGS: &[&str] = &[
        "sk-",
        "sk_",
        "pk_",
        "rk_",
        "ghp_",
        "gho_",
        "ghu_",
        "ghs_",
        "ghr_",
        "github_pat_",
        "glpat-",
        "xoxb-",
        "xoxp-",
        "xapp-",
        "AKIA",
        "ASIA",
        "AIza",
        "ya29.",
        "ntn_",
        "secret_",
        "lin_api_",
        "hf_",
        "npm_",
        "pypi-",
        "dop_v1_",
        "figd_",
        "tvly-",
        "fc-",
        "BSA",
        "pat-",
        "eyJ",
        "Bearer ",
        "bearer ",
        "Basic ",
        "basic ",
        "Token ",
        "-----BEGIN",
    ];
    let begins = BEGINNINGS
        .iter()
        .any(|beginning| value.starts_with(beginning) && value.len() >= beginning.len() + 8);
    begins || has_password(value) || (value.len() >= 24 && random(value))
}

/// Whether a name says that its value is a secret. `value` tells counts and paths from secrets.
pub(super) fn named_secret(name: &str, value: &str) -> bool {
    let name = name.to_ascii_uppercase().replace('-', "_");
    let place = [
        "_FILE",
        "_PATH",
        "_DIR",
        "_URL",
        "_URI",
        "_ENDPOINT",
        "_HOST",
    ]
    .iter()
    .any(|end| name.ends_with(end));
    let plain = matches!(value, "" | "true" | "false" | "0" | "1");
    if has_password(value) {
        return true;
    }
    if plain || place {
        return false;
    }
    const ALWAYS: &[&str] = &[
        "PASSWORD",
        "PASSWD",
        "PASSPHRASE",
        "PWD",
        "SECRET",
        "CREDENTIAL",
        "APIKEY",
        "API_KEY",
        "ACCESS_KEY",
        "PRIVATE_KEY",
        "AUTHORIZATION",
        "COOKIE",
        "BEARER",
        "CONNECTION_STRING",
        "DSN",
        "WEBHOOK",
    ];
    if ALWAYS.iter().any(|word| name.contains(word)) {
        return true;
    }
    let count = value.len() < 10 && value.bytes().all(|byte| byte.is_ascii_digit());
    let words = || name.split('_');
    !count
        && words().any(|word| {
            matches!(
                word,
                "TOKEN" | "TOKENS" | "KEY" | "KEYS" | "AUTH" | "PAT" | "JWT" | "PIN"
            )
        })
}

/// Whether the value is a URL with a password, `scheme://user:password@host`.
pub(super) fn has_password(value: &str) -> bool {
    value.split_once("://").is_some_and(|(_, rest)| {
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        authority
            .rsplit_once('@')
            .is_some_and(|(user, _)| user.contains(':'))
    })
}

/// Whether letters and digits are mixed as in no word, path or address.
fn random(value: &str) -> bool {
    let fits = |byte: u8| {
        byte.is_ascii_alphanumeric()
            || matches!(byte, b'-' | b'_' | b'+' | b'=' | b'.' | b':' | b'~')
    };
    if !value.bytes().all(fits) || value.contains("://") {
        return false;
    }
    let digits = value.bytes().filter(u8::is_ascii_digit).count();
    let letters = value.bytes().filter(u8::is_ascii_alphabetic).count();
    let mut counts = [0_u32; 256];
    value
        .bytes()
        .for_each(|byte| counts[usize::from(byte)] += 1);
    let all = value.len() as f64;
    let entropy: f64 = counts
        .iter()
        .filter(|&&count| count > 0)
        .map(|&count| f64::from(count) / all)
        .map(|share| -share * share.log2())
        .sum();
    digits >= 3 && letters >= 3 && entropy >= 3.0
}

/// Splits a value into its parts.
pub(super) fn parts(value: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut text = String::new();
    let mut rest = value;
    while let Some(at) = rest.find(['$', '{']) {
        let (before, from) = rest.split_at(at);
        text.push_str(before);
        let inner = from.strip_prefix("${").or_else(|| {
            from.strip_prefix('{')
                .filter(|inner| inner.starts_with("env:") || inner.starts_with("file:"))
        });
        let reference = inner.and_then(|inner| inner.split_once('}'));
        match reference.and_then(|(inside, after)| Some((referred(inside)?, after))) {
            Some((part, after)) => {
                if !text.is_empty() {
                    parts.push(Part::Text(std::mem::take(&mut text)));
                }
                parts.push(part);
                rest = after;
            }
            None => {
                text.push_str(&from[..1]);
                rest = &from[1..];
            }
        }
    }
    text.push_str(rest);
    if !text.is_empty() || parts.is_empty() {
        parts.push(Part::Text(text));
    }
    parts
}

fn referred(inside: &str) -> Option<Part> {
    const PLACES: &[&str] = &[
        "workspaceFolder",
        "workspaceFolderBasename",
        "userHome",
        "pathSeparator",
        "/",
        "cwd",
    ];
    if PLACES.contains(&inside)
        || inside.starts_with("workspaceFolder:")
        || inside.starts_with("command:")
        || inside.starts_with("config:")
    {
        return Some(Part::Place(inside.to_owned()));
    }
    if let Some(id) = inside.strip_prefix("input:") {
        return Some(Part::Input(id.to_owned()));
    }
    if let Some(path) = inside.strip_prefix("file:") {
        return Some(Part::File(path.to_owned()));
    }
    let inside = inside.strip_prefix("env:").unwrap_or(inside);
    let (name, default) = match inside.split_once(":-") {
        Some((name, default)) => (name, Some(default.to_owned())),
        None => (inside, None),
    };
    let fits = !name.is_empty()
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    fits.then(|| Part::Variable {
        name: name.to_owned(),
        default,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_known_by_their_names() {
        for (name, value) in [
            ("GITHUB_PERSONAL_ACCESS_TOKEN", "abc"),
            ("OPENAI_API_KEY", "abc"),
            ("DB_PASSWORD", "12345"),
            ("X-Api-Key", "abc"),
            ("Authorization", "abc"),
            ("NOTION_KEY", "abc"),
            ("DATABASE_URL", "postgres://u:p@h/d"),
        ] {
            assert!(named_secret(name, value), "{name}");
        }
        for (name, value) in [
            ("MAX_TOKENS", "4096"),
            ("TOKEN_FILE", "/run/token"),
            ("AUTH_URL", "https://example.com/auth"),
            ("USE_KEY", "true"),
            ("KEYBOARD", "de"),
            ("PATH_STYLE", "posix"),
            ("API_KEY", ""),
        ] {
            assert!(!named_secret(name, value), "{name}");
        }
    }

    #[test]
    fn secrets_are_known_by_themselves() {
        for value in [
            "sk-proj-0123456789",
            "ghp_0123456789abcdef",
            "eyJhbGciOiJIUzI1NiJ9.e30.abc",
            "postgres://user:word@db/x",
            "Bearer 0123456789",
            "4f9d1c77a0e84b6c9a51d2e3f4a5b6c7",
        ] {
            assert!(looks_secret(value), "{value}");
        }
        for value in [
            "production",
            "/home/anna/projects/notes-2024-archive",
            "https://api.example.com/v1/endpoint-123",
            "@modelcontextprotocol/server-filesystem",
            "postgres://db.example.com/desk",
            "europe-west-4-production-cluster",
            "2026-11-22",
            "sk-",
        ] {
            assert!(!looks_secret(value), "{value}");
        }
    }

    #[test]
    fn a_value_is_taken_apart_at_its_references() {
        let variable = |name: &str, default: Option<&str>| Part::Variable {
            name: name.into(),
            default: default.map(str::to_owned),
        };
        let text = |text: &str| Part::Text(text.into());
        for (value, expected) in [
            ("plain", vec![text("plain")]),
            ("", vec![text("")]),
            ("${env:A_B}", vec![variable("A_B", None)]),
            ("${A:-b c}", vec![variable("A", Some("b c"))]),
            ("{env:A}", vec![variable("A", None)]),
            (
                "Bearer ${input:key}",
                vec![text("Bearer "), Part::Input("key".into())],
            ),
            ("${file:/run/x}", vec![Part::File("/run/x".into())]),
            (
                "${workspaceFolder}/x",
                vec![Part::Place("workspaceFolder".into()), text("/x")],
            ),
            (
                "$5 {a} ${not a name} ${",
                vec![text("$5 {a} ${not a name} ${")],
            ),
        ] {
            assert_eq!(parts(value), expected, "{value}");
        }
    }
}
