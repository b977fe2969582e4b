//! Credentials of registries, from the files of the engines: `podman login` and `docker login` write them.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

/// The largest file, in bytes.
const LARGEST: u64 = 1 << 20;

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Written {
    auths: BTreeMap<String, Entry>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Entry {
    auth: String,
}

/// The value of `Authorization: Basic` for an image's name, such as `ghcr.io/example/notes`; `None`: nobody is logged
/// in. The first file that has the registry counts, and in it the longest beginning of the name.
pub(crate) fn find(name: &str, variable: impl Fn(&str) -> Option<String>) -> Option<String> {
    files(variable).iter().find_map(|file| in_file(file, name))
}

/// Where Podman and Docker keep them, in the order in which Podman looks.
fn files(variable: impl Fn(&str) -> Option<String>) -> Vec<PathBuf> {
    let below = |name: &str, rest: &str| {
        let folder = variable(name).filter(|folder| folder.starts_with('/'))?;
        Some(Path::new(&folder).join(rest))
    };
    [
        below("REGISTRY_AUTH_FILE", ""),
        below("XDG_RUNTIME_DIR", "containers/auth.json"),
        below("XDG_CONFIG_HOME", "containers/auth.json"),
        below("HOME", ".config/containers/auth.json"),
        below("DOCKER_CONFIG", "config.json"),
        below("HOME", ".docker/config.json"),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn in_file(file: &Path, name: &str) -> Option<String> {
    // A path that ends with `/` would name a folder.
    let file: PathBuf = file.components().collect();
    let mut text = String::new();
    let opened = std::fs::File::open(file).ok()?;
    opened.take(LARGEST).read_to_string(&mut text).ok()?;
    let written: Written = serde_json::from_str(&text).ok()?;
    let fits = |key: &str| {
        let bare = key.split_once("://").map_or(key, |(_, rest)| rest);
        let bare = match bare.trim_end_matches('/') {
            // Docker's own name for its registry.
            "index.docker.io/v1" | "index.docker.io" | "registry-1.docker.io" => "docker.io",
            bare => bare.strip_suffix("/v2").unwrap_or(bare),
        };
        let rest = name.strip_prefix(bare)?;
        (rest.is_empty() || rest.starts_with('/')).then_some(bare.len())
    };
    let fitting = written
        .auths
        .into_iter()
        .filter(|(_, entry)| !entry.auth.is_empty());
    let longest = fitting.filter_map(|(key, entry)| Some((fits(&key)?, entry)));
    let (_, entry) = longest.max_by_key(|(long, _)| *long)?;
    let plain = STANDARD.decode(&entry.auth).ok()?;
    let is_pair = plain.contains(&b':') && !plain.contains(&b'\n');
    is_pair.then_some(entry.auth)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_longest_beginning_of_a_name_counts_and_no_other_host_is_given_any() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("auth.json");
        let auth = |text: &str| STANDARD.encode(text);
        let written = serde_json::json!({ "auths": {
            "ghcr.io": { "auth": auth("all:1") },
            "ghcr.io/example": { "auth": auth("own:2") },
            "https://index.docker.io/v1/": { "auth": auth("hub:3") },
            "https://registry.example.com/v2/": { "auth": auth("old:4") },
            "helped.example.com": {},
            "odd.example.com": { "auth": "????" },
        } });
        std::fs::write(&file, written.to_string()).unwrap();
        let variable =
            |name: &str| (name == "REGISTRY_AUTH_FILE").then(|| file.display().to_string());
        for (name, expected) in [
            ("ghcr.io/other/notes", Some("all:1")),
            ("ghcr.io/example/notes", Some("own:2")),
            ("ghcr.io/examples/notes", Some("all:1")),
            ("docker.io/mcp/time", Some("hub:3")),
            ("registry.example.com/a/b", Some("old:4")),
            ("ghcr.io.example.com/example/notes", None),
            ("quay.io/a/b", None),
            ("helped.example.com/a", None),
            ("odd.example.com/a", None),
        ] {
            assert_eq!(find(name, variable), expected.map(auth), "{name}");
        }
        assert_eq!(find("ghcr.io/a", |_| None), None);
    }
}
