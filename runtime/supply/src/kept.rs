//! What npm and pip need to install exactly what was resolved: npm's own lock, or requirements with hashes. Both are
//! checked before anything of them is fetched.

use std::collections::BTreeMap;

use sandgate_config::{Ecosystem, Package};
use serde_json::Value;

use crate::image::LockedImage;

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
    #[error("{name} {what}")]
    Odd { name: String, what: &'static str },
    #[error("line {line} is no requirement with a version and its hashes: {text:?}")]
    Requirement { line: usize, text: String },
}

/// What is installed, by name or place: its version and its hashes. Where another package lies under that name, its own
/// name stands before the version: `other@1.0.0`.
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
        Ecosystem::Image => image(package, text),
    }
}

fn image(package: &Package, text: &str) -> Result<Contents, KeptError> {
    let image = LockedImage::read(package, text);
    let image = image.ok_or_else(|| KeptError::OtherPackage(package.to_string()))?;
    let version = image.fetched.unwrap_or_else(|| "of this machine".into());
    let parts = image.volumes.into_iter().map(|volume| {
        let name = format!("volume {volume}");
        (name, (String::new(), String::new()))
    });
    let own = (image.reference, (version, image.id));
    Ok(parts.chain([own]).collect())
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
    let named = packages.get(&place).and_then(|own| own.get("name"));
    if named.is_some_and(|name| *name != package.name.as_str()) {
        return Err(KeptError::OtherPackage(package.to_string()));
    }
    if own.is_none_or(|all| all[&package.name] != package.version.as_str())
        || packages.get(&place).map(|own| &own["version"]) != Some(&package.version.as_str().into())
    {
        return Err(KeptError::OtherPackage(package.to_string()));
    }
    // Version 3 has none; npm reads those of older versions, which name other addresses.
    if lock.get("dependencies").is_some() {
        return Err(unreadable());
    }
    let mut contents = Contents::new();
    for (place, entry) in packages.iter().filter(|(place, _)| !place.is_empty()) {
        let name = place.strip_prefix("node_modules/").unwrap_or(place);
        contents.insert(name.into(), part(place, name, entry)?);
    }
    Ok(contents)
}

/// The version and the hashes of one package of npm's lock.
fn part(place: &str, name: &str, entry: &Value) -> Result<(String, String), KeptError> {
    let odd = |what: &'static str| KeptError::Odd {
        name: name.chars().take(200).collect(),
        what,
    };
    let own = last_name(place).ok_or_else(|| odd("does not lie in node_modules"))?;
    let link = match &entry["link"] {
        Value::Null | Value::Bool(false) => None,
        _ => Some("a folder".to_owned()),
    };
    // Where the registry itself has it, npm is told to leave the address out.
    let from = link.or_else(|| match &entry["resolved"] {
        Value::Null => None,
        Value::String(from) => Some(without_secrets(from)),
        _ => Some("somewhere".to_owned()),
    });
    if let Some(from) = from {
        let name = name.to_owned();
        return Err(KeptError::NotRegistry { name, from });
    }
    // What an archive's own lock names has not gone through this one.
    if !matches!(entry["hasShrinkwrap"], Value::Null | Value::Bool(false)) {
        return Err(odd("brings a lock of its own (npm-shrinkwrap.json)"));
    }
    let version = entry["version"].as_str().unwrap_or_default();
    if !is_version(version) {
        return Err(odd("has no exact version"));
    }
    let integrity = entry["integrity"].as_str().unwrap_or_default();
    // That a package lies in another's archive, under that one's hash, is the lock's word alone: where it does not lie
    // there, npm fetches it.
    if integrity.is_empty() && entry["inBundle"] == true {
        return Err(odd(
            "is bundled in another package and has no hash of its own (`integrity`)",
        ));
    }
    let mut hashes = integrity.split(' ').map(strength);
    let strong = hashes.try_fold(false, |strong, one| Some(strong | one?));
    if strong != Some(true) {
        return Err(KeptError::NoHash { name: name.into() });
    }
    let version = match &entry["name"] {
        Value::Null => version.to_owned(),
        Value::String(other) if other == own => version.to_owned(),
        // Under this name lies another package.
        Value::String(other) if is_name(other) => format!("{other}@{version}"),
        _ => return Err(odd("has a name that no package has")),
    };
    Ok((version, integrity.into()))
}

/// The name at the end of a place; `None`: it is not made of `node_modules/` and names alone.
fn last_name(place: &str) -> Option<&str> {
    let names = place.strip_prefix("node_modules/")?;
    let mut names = names.split("/node_modules/");
    names.try_fold("", |_, name| is_name(name).then_some(name))
}

/// Whether this may be a package's name. Old ones have capitals and other signs.
fn is_name(name: &str) -> bool {
    let plain = |part: &str| {
        let fits = |c: char| c.is_ascii_alphanumeric() || "-_.~!'()*".contains(c);
        !part.is_empty()
            && !part.starts_with('.')
            && part != "node_modules"
            && part.chars().all(fits)
    };
    match name.strip_prefix('@') {
        Some(scoped) => scoped
            .split_once('/')
            .is_some_and(|(scope, name)| plain(scope) && plain(name)),
        None => plain(name),
    }
}

/// Whether this is a version as registries have them: three numbers, and what may follow them.
fn is_version(version: &str) -> bool {
    let (core, more) = version.split_at(version.find(['-', '+']).unwrap_or(version.len()));
    let number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let fits = |c: char| c.is_ascii_alphanumeric() || "-.+".contains(c);
    version.len() <= 256
        && core.split('.').count() == 3
        && core.split('.').all(number)
        && more.chars().all(fits)
}

/// Whether a hash is of SHA-256 or better; `None`: it is no hash that is known, or not the whole of one.
fn strength(hash: &str) -> Option<bool> {
    let (kind, digest) = hash.split_once('-')?;
    let (length, padding, strong) = match kind {
        "sha1" => (28, 1, false),
        "sha256" => (44, 1, true),
        "sha384" => (64, 0, true),
        "sha512" => (88, 2, true),
        _ => return None,
    };
    let digits = digest.trim_end_matches('=');
    let whole = digest.len() == length
        && digits.len() == length - padding
        && digits
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/'));
    whole.then_some(strong)
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

/// The line at which requirements begin. It is the only comment in them: pip obeys some (`# coding: …`).
pub(crate) const HEADER: &str = "# Resolved by pip for `sandgate lock`. Not to be edited.";

/// What pip is given of requirements that were checked: what was read of them and nothing else, so that pip cannot read
/// them in another way.
///
/// # Errors
///
/// As for [`check`].
pub(crate) fn requirements(package: &Package, text: &str) -> Result<String, KeptError> {
    let contents = pypi(package, text)?;
    let line = |(name, (version, hashes)): (&String, &(String, String))| {
        format!("{name}=={version} {hashes}\n")
    };
    Ok(contents.iter().map(line).collect())
}

fn pypi(package: &Package, text: &str) -> Result<Contents, KeptError> {
    let mut contents = Contents::new();
    // Pip ends lines at more than `\n`: at a form feed, for example, and at U+2028.
    let lines = text.split('\n').enumerate();
    let plain = |line: &str| line.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    let wrong = |index: usize, line: &str| KeptError::Requirement {
        line: index + 1,
        text: line.chars().take(80).collect(),
    };
    if let Some((index, line)) = lines.clone().find(|(_, line)| !plain(line)) {
        return Err(wrong(index, line));
    }
    let mut lines = lines.peekable();
    while let Some((index, line)) = lines.next() {
        if line.is_empty() || (index == 0 && line == HEADER) {
            continue;
        }
        let wrong = || wrong(index, line);
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
        let one = (version.into(), hashes.join(" "));
        if contents.insert(plain_name(name), one).is_some() {
            return Err(wrong());
        }
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

    /// A hash of this algorithm and as many signs.
    fn hash(kind: &str, signs: usize, padding: usize) -> String {
        format!(
            "{kind}-{}{}",
            &"aB+/".repeat(22)[..signs - padding],
            "=".repeat(padding)
        )
    }

    fn sha512() -> String {
        hash("sha512", 88, 2)
    }

    fn lock(place: &str, other: &Value) -> String {
        json!({ "lockfileVersion": 3, "packages": {
            "": { "dependencies": { "a": "1.0.0" } },
            "node_modules/a": { "version": "1.0.0", "integrity": sha512() },
            (place): other,
        } })
        .to_string()
    }

    #[test]
    fn of_npm_every_package_has_a_hash_and_comes_from_the_registry() {
        const BELOW: &str = "node_modules/a/node_modules/b";
        let package = Package::read("npm:a@1.0.0").unwrap();
        let both = format!("{} {}", hash("sha1", 28, 1), sha512());
        for integrity in [hash("sha256", 44, 1), hash("sha384", 64, 0), sha512(), both] {
            let entry = json!({ "version": "2.0.0-beta.1+x", "integrity": integrity, "link": false, "resolved": null });
            let found = check(&package, &lock(BELOW, &entry));
            assert_eq!(found.map(|found| found.len()), Ok(2), "{entry}");
        }
        for integrity in [
            String::new(),
            hash("sha1", 28, 1),
            hash("md5", 24, 2),
            "sha512-x".into(),
            "sha512-".into(),
            hash("sha256", 88, 2),
            hash("sha512", 44, 1),
            hash("sha512", 88, 0),
            sha512().replace('+', "_"),
            format!("{} sha1-x", sha512()),
            format!("{}  {}", sha512(), sha512()),
            format!("{}\t", sha512()),
            format!("{}?option", sha512()),
        ] {
            let entry = json!({ "version": "2.0.0", "integrity": integrity });
            let said = why("npm:a@1.0.0", &lock(BELOW, &entry));
            assert!(said.contains("b has no hash"), "{integrity}: {said}");
        }
        let git = "git+ssh://git@github.com/a/b.git#1234";
        let file = "https://u:p@h.example/b.tgz?t=1";
        for (more, words) in [
            (json!({ "integrity": null }), "has no hash"),
            (
                json!({ "integrity": null, "inBundle": true }),
                "is bundled in another package and has no hash",
            ),
            (
                json!({ "resolved": git }),
                "comes from git+ssh://github.com/a/b.git, and not",
            ),
            (
                json!({ "resolved": file }),
                "comes from https://h.example/b.tgz, and not",
            ),
            (json!({ "resolved": ["x"] }), "comes from somewhere"),
            (
                json!({ "resolved": "../b", "link": true }),
                "comes from a folder",
            ),
            (json!({ "link": "true" }), "comes from a folder"),
            (json!({ "version": null }), "has no exact version"),
            (json!({ "version": "^2.0.0" }), "has no exact version"),
            (json!({ "version": git }), "has no exact version"),
            (json!({ "version": "file:../b" }), "has no exact version"),
            (json!({ "hasShrinkwrap": true }), "brings a lock of its own"),
            (json!({ "hasShrinkwrap": 1 }), "brings a lock of its own"),
            (json!({ "name": "../x" }), "has a name that no package has"),
            (json!({ "name": 1 }), "has a name that no package has"),
        ] {
            let mut entry = json!({ "version": "2.0.0", "integrity": sha512() });
            let all = entry.as_object_mut().unwrap();
            all.extend(more.as_object().unwrap().clone());
            let said = why("npm:a@1.0.0", &lock(BELOW, &entry));
            assert!(said.contains(words), "{words:?} is not in {said}");
        }
    }

    #[test]
    fn of_npm_everything_lies_in_node_modules_under_a_name() {
        let good = json!({ "version": "2.0.0", "integrity": sha512() });
        for place in [
            "node_modules/b",
            "node_modules/@s/b",
            "node_modules/@s/b/node_modules/JSONStream",
        ] {
            let package = Package::read("npm:a@1.0.0").unwrap();
            assert!(check(&package, &lock(place, &good)).is_ok(), "{place}");
        }
        for place in [
            "b",
            "/node_modules/b",
            "packages/b",
            "../node_modules/b",
            "node_modules/",
            "node_modules/..",
            "node_modules/../b",
            "node_modules/./b",
            "node_modules//b",
            "node_modules/b/",
            "node_modules/b/c",
            "node_modules/.bin/b",
            "node_modules/a/../../../b",
            "node_modules/a/node_modules",
            "node_modules/@s",
            "node_modules/b\\c",
            "node_modules/b\u{1b}[2K",
        ] {
            let said = why("npm:a@1.0.0", &lock(place, &good));
            assert!(
                said.contains("does not lie in node_modules"),
                "{place}: {said}"
            );
        }
    }

    #[test]
    fn of_npm_the_package_is_itself_and_another_under_a_name_is_shown() {
        let entry = |name: &str| json!({ "name": name, "version": "2.0.0", "integrity": sha512() });
        let package = Package::read("npm:a@1.0.0").unwrap();
        for (name, version) in [("b", "2.0.0"), ("@s/other", "@s/other@2.0.0")] {
            let found = check(&package, &lock("node_modules/b", &entry(name))).unwrap();
            assert_eq!(found["b"].0, version);
        }
        let own = json!({ "name": "evil", "version": "1.0.0", "integrity": sha512() });
        let said = why("npm:a@1.0.0", &lock("node_modules/a", &own));
        assert!(said.contains("does not lock npm:a@1.0.0"), "{said}");
        let text = lock("node_modules/b", &entry("b"));
        assert!(why("npm:a@1.0.1", &text).contains("does not lock npm:a@1.0.1"));
        assert!(why("npm:b@1.0.0", &text).contains("does not lock npm:b@1.0.0"));
        assert!(why("npm:a@1.0.0", "[]").contains("is not a lock of npm"));
        let older = text.replacen('{', "{\"dependencies\":{},", 1);
        assert!(why("npm:a@1.0.0", &older).contains("is not a lock of npm"));
    }

    #[test]
    fn of_pip_every_requirement_is_exact_and_hashed_and_nothing_else_is_there() {
        let hash = format!("    --hash=sha256:{}\n", "0a".repeat(32));
        let good = format!(
            "{HEADER}\nA.b_c==1.0 \\\n{hash}d==2 \\\n{}{hash}",
            hash.replace('\n', " \\\n")
        );
        let package = Package::read("pypi:a-b-c==1.0").unwrap();
        assert_eq!(check(&package, &good).unwrap().len(), 2);
        let hash = hash.trim();
        assert_eq!(
            requirements(&package, &good).unwrap(),
            format!("a-b-c==1.0 {hash}\nd==2 {hash} {hash}\n")
        );
        for (bad, words) in [
            (
                "--index-url https://h.example".to_owned(),
                "line 4 is no requirement",
            ),
            (
                "x @ https://h.example/x.whl \\".into(),
                "line 4 is no requirement",
            ),
            ("x>=1 \\".into(), "line 4 is no requirement"),
            ("-e==1 \\".into(), "line 4 is no requirement"),
            ("# coding: utf-7".into(), "line 4 is no requirement"),
            (HEADER.into(), "line 4 is no requirement"),
            ("x==1 \\\n    --hash=md5:00".into(), "x has no hash"),
            ("x==1 \\".into(), "x has no hash"),
            (
                format!("d==3 \\\n    {hash}\nd==2 \\\n    {hash}"),
                "line 6 is no requirement",
            ),
        ] {
            let text = good.replacen("d==2 \\", &format!("{bad}\nd==2 \\"), 1);
            let said = why("pypi:a-b-c==1.0", &text);
            assert!(said.contains(words), "{words:?} is not in {said}");
        }
        assert!(why("pypi:a-b-c==1.1", &good).contains("does not lock"));
    }

    #[test]
    fn of_pip_no_line_ends_where_another_reader_ends_it() {
        let hash = format!("    --hash=sha256:{}\n", "0a".repeat(32));
        let good = format!("{HEADER}\na==1.0 \\\n{hash}");
        let package = Package::read("pypi:a==1.0").unwrap();
        assert!(check(&package, &good).is_ok());
        for end in [
            '\r', '\t', '\u{b}', '\u{c}', '\u{1c}', '\u{1d}', '\u{1e}', '\u{85}', '\u{2028}',
            '\u{2029}', '\0', '\u{7f}', '\u{fffd}',
        ] {
            let text = good.replacen(
                "edited.",
                &format!("edited.{end}--index-url https://h.example"),
                1,
            );
            let said = why("pypi:a==1.0", &text);
            assert!(said.contains("line 1 is no requirement"), "{end:?}: {said}");
        }
        for first in ["# coding: utf-7", "# by pip", "#"] {
            let said = why("pypi:a==1.0", &good.replacen(HEADER, first, 1));
            assert!(said.contains("line 1 is no requirement"), "{first}: {said}");
        }
    }
}
