//! What npm and pip need to install exactly what was resolved: npm's own lock, or requirements with hashes. Both are
//! checked before anything of them is fetched.

use std::collections::BTreeMap;

use sandgate_config::{Ecosystem, Package};
use serde_json::Value;

/// Why what was resolved may not be installed.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs)]
pub enum KeptError {
    #[error("it is not {0}")]
    Unreadable(&'static str),
    #[error("it does not lock {0}")]
    OtherPackage(String),
    #[error(
        "{name} has no hash of SHA-256 or better (`integrity`), so that nobody could tell what is fetched"
    )]
    NoHash { name: String },
    #[error("{name} comes from {from}, and not from the registry")]
    NotRegistry { name: String, from: String },
    #[error("line {line} is no requirement with a version and its hashes: {text:?}")]
    Requirement { line: usize, text: String },
}

/// What is installed, by name or place: its version and its hashes.
pub(crate) type Contents = BTreeMap<String, (String, String)>;

/// Checks what a package was resolved to.
///
/// # Errors
///
/// It is of another package, or a part of it has no hash or does not come from the registry.
pub(crate) fn check(package: &Package, text: &str) -> Result<Contents, KeptError> {
    match package.ecosystem {
        Ecosystem::Npm => npm(package, text),
        Ecosystem::PyPi => pypi(package, text),
    }
}

fn npm(package: &Package, text: &str) -> Result<Contents, KeptError> {
    let unreadable = || KeptError::Unreadable("a lock of npm (lockfileVersion 3)");
    let lock: Value = serde_json::from_str(text).map_err(|_| unreadable())?;
    let packages = lock["packages"].as_object().ok_or_else(unreadable)?;
    if lock["lockfileVersion"] != 3 {
        return Err(unreadable());
    }
    let root = packages.get("").ok_or_else(unreadable)?;
    let wanted = root["dependencies"].as_object();
    let own = wanted.filter(|all| all.len() == 1 && all.get(&package.name).is_some());
    let place = format!("node_modules/{}", package.name);
    if own.is_none_or(|all| all[&package.name] != package.version.as_str())
        || packages.get(&place).map(|own| &own["version"]) != Some(&package.version.as_str().into())
    {
        return Err(KeptError::OtherPackage(package.to_string()));
    }
    let mut contents = Contents::new();
    for (place, entry) in packages.iter().filter(|(place, _)| !place.is_empty()) {
        let name = place.strip_prefix("node_modules/").unwrap_or(place);
        // Where the registry itself has it, npm is told to leave the address out.
        let resolved = entry["resolved"].as_str();
        let from = match (resolved, entry["link"] == true) {
            (_, true) => Some("a folder".to_owned()),
            (Some(from), false) => Some(without_secrets(from)),
            (None, false) => None,
        };
        if let Some(from) = from {
            let name = name.to_owned();
            return Err(KeptError::NotRegistry { name, from });
        }
        // What lies in another package's archive is under that one's hash.
        let bundled = entry["inBundle"] == true && place.contains("/node_modules/");
        let integrity = entry["integrity"].as_str().unwrap_or_default();
        let mut hashes = integrity.split_whitespace();
        let strong = |hash: &str| {
            ["sha256-", "sha384-", "sha512-"]
                .iter()
                .any(|kind| hash.starts_with(kind))
        };
        if !bundled && (integrity.is_empty() || !hashes.all(strong)) {
            return Err(KeptError::NoHash { name: name.into() });
        }
        let version = entry["version"].as_str().unwrap_or_default();
        contents.insert(name.into(), (version.into(), integrity.into()));
    }
    Ok(contents)
}

/// An address without a user, a password and a query.
fn without_secrets(from: &str) -> String {
    let from = from.split(['?', '#']).next().unwrap_or_default();
    let Some((scheme, rest)) = from.split_once("://") else {
        return from.to_owned();
    };
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let host = authority.rsplit('@').next().unwrap_or_default();
    format!("{scheme}://{host}{path}")
}

fn pypi(package: &Package, text: &str) -> Result<Contents, KeptError> {
    let mut contents = Contents::new();
    let mut lines = text.lines().enumerate().peekable();
    while let Some((index, line)) = lines.next() {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let wrong = || KeptError::Requirement {
            line: index + 1,
            text: line.chars().take(80).collect(),
        };
        let requirement = line.strip_suffix(" \\").ok_or_else(wrong)?;
        let (name, version) = requirement.split_once("==").ok_or_else(wrong)?;
        let plain = |text: &str, more: &str| {
            let fits = |c: char| c.is_ascii_alphanumeric() || more.contains(c);
            !text.is_empty() && text.chars().all(fits)
        };
        if !plain(name, "-_.") || !plain(version, ".+!-_") || name.starts_with('-') {
            return Err(wrong());
        }
        let mut hashes = Vec::new();
        while let Some((_, next)) = lines.next_if(|(_, next)| next.starts_with("    --hash=")) {
            let hash = next.trim_end_matches(" \\").trim_start();
            let digits = hash.strip_prefix("--hash=sha256:").unwrap_or_default();
            if digits.len() != 64 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
                return Err(KeptError::NoHash { name: name.into() });
            }
            hashes.push(hash.to_owned());
        }
        if hashes.is_empty() {
            return Err(KeptError::NoHash { name: name.into() });
        }
        contents.insert(plain_name(name), (version.into(), hashes.join(" ")));
    }
    match contents.get(&plain_name(&package.name)) {
        Some((version, _)) if *version == package.version => Ok(contents),
        _ => Err(KeptError::OtherPackage(package.to_string())),
    }
}

/// A name of PyPI as indexes compare them: small letters, and `-` for each run of `-`, `_` and `.`.
pub(crate) fn plain_name(name: &str) -> String {
    let parts = name.split(['-', '_', '.']).filter(|part| !part.is_empty());
    parts.collect::<Vec<_>>().join("-").to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use sandgate_config::Scalar;
    use serde_json::json;

    use super::*;

    fn why(package: &str, text: &str) -> String {
        check(&Package::read(package).unwrap(), text)
            .unwrap_err()
            .to_string()
    }

    #[test]
    fn of_npm_every_package_has_a_hash_and_comes_from_the_registry() {
        let lock = |other: Value| {
            json!({ "lockfileVersion": 3, "packages": {
                "": { "dependencies": { "a": "1.0.0" } },
                "node_modules/a": { "version": "1.0.0", "integrity": "sha512-x" },
                "node_modules/a/node_modules/b": other,
            } })
            .to_string()
        };
        let good = json!({ "version": "2.0.0", "integrity": "sha256-x" });
        let bundled = json!({ "version": "2.0.0", "inBundle": true });
        let package = Package::read("npm:a@1.0.0").unwrap();
        for entry in [&good, &bundled] {
            assert!(check(&package, &lock(entry.clone())).is_ok(), "{entry}");
        }
        let git = "git+ssh://git@github.com/a/b.git#1234";
        let file = json!({ "version": "1.0.0", "integrity": "sha512-x", "resolved": "https://u:p@h.example/b.tgz?t=1" });
        for (entry, words) in [
            (json!({ "version": "2.0.0" }), "has no hash"),
            (
                json!({ "version": "2.0.0", "integrity": "sha1-x" }),
                "has no hash",
            ),
            (
                json!({ "version": "2.0.0", "integrity": "sha512-x sha1-x" }),
                "has no hash",
            ),
            (
                json!({ "version": "1.0.0", "resolved": git }),
                "comes from git+ssh://github.com/a/b.git, and not",
            ),
            (file, "comes from https://h.example/b.tgz, and not"),
            (
                json!({ "resolved": "../b", "link": true }),
                "comes from a folder",
            ),
        ] {
            let said = why("npm:a@1.0.0", &lock(entry));
            assert!(said.contains(words), "{words:?} is not in {said}");
        }
        assert!(why("npm:a@1.0.1", &lock(good.clone())).contains("does not lock npm:a@1.0.1"));
        assert!(why("npm:b@1.0.0", &lock(good)).contains("does not lock npm:b@1.0.0"));
        assert!(why("npm:a@1.0.0", "[]").contains("is not a lock of npm"));
    }

    #[test]
    fn of_pip_every_requirement_is_exact_and_hashed_and_nothing_else_is_there() {
        let hash = format!("    --hash=sha256:{}\n", "0a".repeat(32));
        let good = format!(
            "# by pip\nA.b_c==1.0 \\\n{hash}d==2 \\\n{}{hash}",
            hash.replace('\n', " \\\n")
        );
        let package = Package::read("pypi:a-b-c==1.0").unwrap();
        assert_eq!(check(&package, &good).unwrap().len(), 2);
        for (bad, words) in [
            (
                "--index-url https://h.example".to_owned(),
                "line 5 is no requirement",
            ),
            (
                "x @ https://h.example/x.whl \\".into(),
                "line 5 is no requirement",
            ),
            ("x>=1 \\".into(), "line 5 is no requirement"),
            ("-e==1 \\".into(), "line 5 is no requirement"),
            ("x==1 \\\n    --hash=md5:00".into(), "x has no hash"),
            ("x==1 \\".into(), "x has no hash"),
        ] {
            let said = why(
                "pypi:a-b-c==1.0",
                &good
                    .replacen("d==2 \\", &format!("{bad}\nd==2 \\"), 1)
                    .replace("# by pip\n", "\n\n"),
            );
            assert!(said.contains(words), "{words:?} is not in {said}");
        }
        assert!(why("pypi:a-b-c==1.1", &good).contains("does not lock"));
    }
}
