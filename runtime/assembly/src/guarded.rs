//! What no contained server may be given: homes, and the gateway's own files.

use std::path::PathBuf;

use sandgate_config::{Environment, Loaded};
use sandgate_contain::Guarded;

/// The homes of this machine and the gateway's own files, none of which a server may have.
pub(super) fn guarded(loaded: &Loaded, environment: &Environment) -> Guarded {
    let mut guarded = Guarded::here(environment.get("HOME"));
    let gateway = &loaded.config.gateway;
    guarded.own(loaded.source.path(), "the gateway's configuration");
    if let Some(path) = &gateway.state {
        guarded.own(&loaded.files.path(path), "the gateway's state");
    }
    if let Some(tls) = &gateway.tls {
        guarded.own(&loaded.files.path(&tls.key), "the gateway's private key");
    }
    match &gateway.admin {
        Some(sandgate_config::AdminSocket::Path(path)) => {
            guarded.own(&loaded.files.path(path), "the gateway's admin socket");
        }
        Some(sandgate_config::AdminSocket::None) => {}
        None => {
            let user = rustix::process::geteuid().as_raw();
            let runtime = environment.get("XDG_RUNTIME_DIR").map(PathBuf::from);
            let folder = match runtime.filter(|folder| folder.is_absolute()) {
                Some(runtime) => runtime.join("sandgate"),
                None => PathBuf::from(format!("/tmp/sandgate-{user}")),
            };
            guarded.own(&folder, "the folder of the gateway's admin socket");
        }
    }
    if let Some(folder) = crate::host_setup::cache_folder(loaded, environment) {
        guarded.own(&folder, "the gateway's compiled plugins");
    }
    if let Some(sandgate_config::Destination::File(path)) = &loaded.config.call_log.to {
        guarded.own(&loaded.files.path(path), "the gateway's call log");
    }
    let audit = loaded.config.audit.as_ref().map(|audit| &audit.key);
    for path in audit.into_iter().chain(&loaded.config.call_log.hash_key) {
        guarded.own(&loaded.files.path(path), "a key of the gateway's call log");
    }
    for path in loaded.other_files() {
        let what = "a file that the gateway's configuration names";
        guarded.own(&loaded.files.path(&path), what);
    }
    for one in &loaded.config.interceptors {
        for grant in one.grants.dirs.values() {
            guarded.own(&loaded.files.path(&grant.path), "a plugin's folder");
        }
    }
    guarded
}
