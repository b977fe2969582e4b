//! npm's own lock: every package by its hash, and from the registry.

use sandgate_config::Package;
use serde_json::Value;

use super::contents::Contents;
use super::error::KeptError;

pub(crate) fn npm(package: &Package, text: &str) -> Result<Contents, KeptError> {
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use crate::kept::check;
    use sandgate_config::Scalar;
    use serde_json::json;

    use super::*;
    use crate::kept::tests::why;

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
}
