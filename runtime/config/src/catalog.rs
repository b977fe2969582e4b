//! `[catalog]`, `[catalogs.NAME]` and `[servers.NAME] catalog`: lists of servers that others keep, which of them may be
//! used, and the servers that came from one.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::issue::Issue;
use super::rule::wrong;
use super::server_name;
use super::tree::{Entry, Table};
use crate::plugin_source::Digest;

/// Which catalogs may be used.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Catalog {
    /// The names of the catalogs that servers may come from: nothing is added from another, and a server that came from
    /// another is an error. Left out: from all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub only: Option<Vec<String>>,
}

/// A catalog: a list of servers that somebody else keeps, and of which a copy was taken.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct CatalogSource {
    /// Where it is: an `https` URL, an `http` URL of this machine's loopback, or a file, relative to this one.
    #[schemars(length(min = 1))]
    pub source: String,
    /// The SHA-256 of the copy in `sandgate.catalogs.d`, which `sandgate catalog add` and `update` write.
    pub digest: Digest,
}

/// The entry of a catalog that a server came from: written by `sandgate add`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct CatalogEntry {
    /// The catalog's name.
    pub name: String,
    /// The entry's name in it.
    pub entry: String,
    /// The entry's version, where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
}

impl Catalog {
    /// Whether servers may come from this catalog.
    pub fn permits(&self, name: &str) -> bool {
        let only = self.only.as_ref();
        only.is_none_or(|only| only.iter().any(|one| one == name))
    }
}

/// Reports names that no catalog can have, and servers of catalogs that may not be used.
pub(crate) fn check(tree: &Table, issues: &mut Vec<Issue>) {
    for (name, _) in tree.table("catalogs").into_iter().flatten() {
        if let Err(mistake) = server_name::check_name(&name.name) {
            let what = format!("the catalog name {:?}", name.name);
            issues.push(wrong(name.span.clone(), what, mistake));
        }
    }
    let only = tree.table("catalog").and_then(|table| table.get("only"));
    let Some(only) = only.and_then(Entry::list) else {
        return;
    };
    let permits = |name: &str| only.iter().any(|one| one.text() == Some(name));
    for (server, entry) in tree.table("servers").into_iter().flatten() {
        let origin = entry.table().and_then(|table| table.table("catalog"));
        let Some(value) = origin.and_then(|origin| origin.get("name")) else {
            continue;
        };
        if let Some(catalog) = value.text().filter(|name| !permits(name)) {
            let why = format!(
                "the server {:?} came from the catalog {catalog:?}, which `catalog.only` does not have",
                server.name
            );
            let help = "add the server from one of those catalogs, or take it out";
            issues.push(Issue::error(Some(value.span.clone()), why).help(help));
        }
    }
}
