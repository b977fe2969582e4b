//! What interceptors of a drill reach that is real: by their grants, and through settings from outside.

use sandgate_config::{Access, Config, Interceptor, PluginSource};
use sandgate_text::printable;
use serde_json::Value;

/// What interceptors reach, each by its name: services, directories, environment variables and values from outside.
/// Empty: nothing that is real.
pub fn reached(config: &Config) -> Vec<String> {
    config.interceptors.iter().filter_map(reached_by).collect()
}

fn reached_by(one: &Interceptor) -> Option<String> {
    let grants = &one.grants;
    let http = grants.http.iter().map(|host| format!("http {}", host.0));
    let dirs = grants.dirs.values().map(|dir| match dir.access {
        Access::Ro => format!("directory {}", dir.path.display()),
        Access::Rw => format!("directory {}, read-only in a drill", dir.path.display()),
    });
    let env = grants.env.iter().map(|name| format!("env {name}"));
    let mut all: Vec<String> = http.chain(dirs).chain(env).collect();
    let mut settings = serde_json::to_value(&one.settings).unwrap_or_default();
    if matches!(&one.plugin, PluginSource::Builtin(name) if name == "tool-pins")
        && let Some(settings) = settings.as_object_mut()
    {
        // It is left out of the copy.
        settings.remove("lock");
    }
    if has_outside(&settings) {
        all.push("settings from outside".to_owned());
    }
    let shown = || printable(&format!("{} ({})", one.name, all.join("; ")));
    (!all.is_empty()).then(shown)
}

/// Whether a value of settings, or one in it, comes from the environment or a file.
fn has_outside(value: &Value) -> bool {
    match value {
        Value::Object(members) => {
            let is_outside = |name: &String| ["from-env", "from-file"].contains(&&**name);
            members.keys().any(is_outside) || members.values().any(has_outside)
        }
        Value::Array(items) => items.iter().any(has_outside),
        _ => false,
    }
}
