//! Programs that fetch packages and run them: `npx`, `uvx` and the like.

use std::path::Path;

/// Whether a program is one, by its name.
pub(crate) fn is_one(program: &Path) -> bool {
    let name = program.file_name().and_then(|name| name.to_str());
    matches!(name, Some("npx" | "uvx" | "uv" | "pipx" | "bunx"))
}

/// The variables that lead package runners to a folder, and without a network keep them from asking for one.
pub(crate) fn environment(
    cache: &Path,
    offline: bool,
    given: &[(String, String)],
) -> Vec<(String, String)> {
    let below = |name: &str| cache.join(name).display().to_string();
    let mut variables = vec![
        ("npm_config_cache", below("npm")),
        ("npm_config_update_notifier", "false".into()),
        ("npm_config_yes", "true".into()),
        ("UV_CACHE_DIR", below("uv")),
        ("UV_TOOL_DIR", below("uv-tools")),
        ("UV_PYTHON_INSTALL_DIR", below("uv-python")),
        ("PIPX_HOME", below("pipx")),
        ("XDG_CACHE_HOME", below("cache")),
    ];
    if offline {
        variables.push(("npm_config_offline", "true".into()));
        variables.push(("UV_OFFLINE", "1".into()));
    }
    let new = variables
        .into_iter()
        .filter(|(name, _)| !given.iter().any(|(own, _)| own == name));
    new.map(|(name, value)| (name.to_owned(), value)).collect()
}
