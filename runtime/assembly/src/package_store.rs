//! The store of packages that a configuration names.

use sandgate_config::{Environment, Issue, Loaded, Side};
use sandgate_supply::Store;

use crate::host_setup::cache_folder;

/// The store of installed packages of this configuration's gateway; `None`: the gateway has no cache.
pub fn store(loaded: &Loaded, environment: &Environment) -> Option<Store> {
    cache_folder(loaded, environment).map(|cache| Store::in_cache(&cache))
}

/// The error where there is no folder for packages.
pub fn no_store(loaded: &Loaded) -> Issue {
    let why = "there is no folder for packages: neither XDG_CACHE_HOME nor HOME is set";
    loaded
        .error("/gateway/cache", Side::Value, why)
        .help("write `cache`, a folder for what the gateway installs and compiles")
}
