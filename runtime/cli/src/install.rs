//! `sandgate install`: installs what is locked, as a start does for what is not installed yet.

use std::process::ExitCode;

use clap::Args;
use sandgate_assembly::RemotePlugin;
use sandgate_config::{Ecosystem, Environment, Loaded, Scalar};
use sandgate_supply::{FILE, InstallError, StoreError, ToolError};

use crate::reached::Configured;
use crate::supply::{Stand, SupplyError, fetch, one};
use crate::terminal::print;

/// `sandgate install`.
#[derive(Clone, Debug, Args)]
pub struct Install {
    /// The configuration whose locked packages are installed.
    #[command(flatten)]
    pub configured: Configured,
}

/// Carries out the verb.
pub fn carry_out(asked: &Install) -> ExitCode {
    let done = Stand::of(&asked.configured).and_then(|stand| all(&stand));
    done.unwrap_or_else(|error| error.exit())
}

fn all(stand: &Stand) -> Result<ExitCode, SupplyError> {
    for (name, package) in stand.packages() {
        let entry = stand.lock.servers.get(name);
        let Some(entry) = entry.filter(|entry| entry.package == package.write()) else {
            let why = format!(
                "{name}: {FILE} does not have {package}; run `sandgate lock --check`, which says what to do"
            );
            return Err(SupplyError::Other(why));
        };
        let kept = stand.locks.kept(name, &package, entry)?;
        stand.signed(name, &package, entry, &kept)?;
        one(stand, name, &package, entry, &kept)?;
    }
    for plugin in RemotePlugin::all(&stand.loaded) {
        stand.install_remote(&plugin)?;
        print(&format!("{}: {} is here.", plugin.name, plugin.written()));
    }
    Ok(ExitCode::SUCCESS)
}

/// Installs what is locked and not installed, before a gateway serves. Everything else that is wrong is told with the rest of
/// the configuration.
///
/// # Errors
///
/// A package cannot be installed.
pub(crate) fn before_serving(loaded: &Loaded) -> Result<(), SupplyError> {
    if loaded
        .config
        .servers
        .values()
        .all(|server| server.source().is_none())
    {
        return Ok(());
    }
    let Ok(stand) = Stand::beside(loaded.clone(), &Environment::of_process()) else {
        return Ok(());
    };
    for (name, package) in stand.packages() {
        let entry = stand.lock.servers.get(name);
        let Some(entry) = entry.filter(|entry| entry.package == package.write()) else {
            continue;
        };
        let Ok(kept) = stand.locks.kept(name, &package, entry) else {
            continue;
        };
        if package.ecosystem == Ecosystem::Image {
            // What is not signed as it must be is not fetched: that is told with the rest of the configuration.
            if stand.signed(name, &package, entry, &kept).is_err() {
                continue;
            }
            // One that is here is not fetched.
            fetch(&stand, name, &package, &kept)?;
            continue;
        }
        let found = stand.store.find(&package, entry);
        if !matches!(found, Err(StoreError::NotInstalled { .. })) {
            continue;
        }
        tracing::info!("{package} of the server {name:?} is installed, before the gateway serves");
        let done = stand.store.install(&package, entry, &kept);
        done.map_err(|error| SupplyError::Other(format!("{name}: {error}{}", help(&error))))?;
    }
    Ok(())
}

fn help(error: &StoreError) -> &'static str {
    let StoreError::Install { why, .. } = error else {
        return "";
    };
    match **why {
        InstallError::Tool(ToolError::Failed { .. } | ToolError::Slow { .. }) => {
            "\n`sandgate install` tries it again without a start"
        }
        _ => "",
    }
}
