//! The lines of a gateway's configuration that use a plugin.

use sandgate_host::{Access, PluginFile};
use serde_json::Value;
use toml_edit::{Array, DocumentMut, InlineTable, Item, Table};

use crate::settings;
use crate::test::inline;

/// An `[[interceptors]]` entry of the plugin at this path: with everything that it asks for, and with a value for each
/// setting that must be given. `digest` pins the file.
pub(crate) fn config_lines(file: &PluginFile, path: &str, digest: Option<&str>) -> String {
    let manifest = file.manifest();
    let mut entry = Table::new();
    entry.insert("name", toml_edit::value(&manifest.name));
    entry.insert("plugin", toml_edit::value(path));
    if let Some(digest) = digest {
        entry.insert("digest", toml_edit::value(digest));
    }
    let grants = grants(file);
    if !grants.is_empty() {
        entry.insert("grants", toml_edit::value(grants));
    }
    if let Value::Object(settings) = settings::least(&manifest.settings).settings
        && !settings.is_empty()
    {
        let mut table = Table::new();
        for (name, value) in &settings {
            table.insert(name, Item::Value(inline(value)));
            if let Some(mut key) = table.key_mut(name) {
                key.leaf_decor_mut()
                    .set_prefix("# An example: give your own.\n");
            }
        }
        entry.insert("settings", Item::Table(table));
    }
    let mut all = toml_edit::ArrayOfTables::new();
    all.push(entry);
    let mut document = DocumentMut::new();
    document.insert("interceptors", Item::ArrayOfTables(all));
    document.to_string()
}

/// Everything that the plugin asks for. Of directories and of hosts that the operator chooses, an example.
fn grants(file: &PluginFile) -> InlineTable {
    let asks = &file.manifest().asks;
    let mut grants = InlineTable::new();
    if asks.state.is_some() {
        grants.insert("state", true.into());
    }
    if let Some(http) = &asks.http {
        let host = |host: &String| match host.as_str() {
            "*" => "api.example.com".to_owned(),
            host => host.to_owned(),
        };
        let hosts: Array = http.hosts.iter().map(host).collect();
        grants.insert("http", hosts.into());
    }
    let mut dirs = InlineTable::new();
    for (guest, dir) in &asks.dirs {
        let access = match dir.access {
            Access::Ro => "ro",
            Access::Rw => "rw",
        };
        let own = guest.trim_matches('/').replace('/', "-");
        let grant = InlineTable::from_iter([("path", own.as_str()), ("access", access)]);
        dirs.insert(guest, grant.into());
    }
    if !dirs.is_empty() {
        grants.insert("dirs", dirs.into());
    }
    if !asks.env.is_empty() {
        let names: Array = asks.env.keys().map(String::as_str).collect();
        grants.insert("env", names.into());
    }
    grants
}
