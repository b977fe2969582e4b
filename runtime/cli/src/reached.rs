//! The configuration that a verb uses, and the running gateway that it asks.

use std::path::PathBuf;

use clap::Args;
use sandgate_config::Environment;
use sandgate_daemon::locate::{Located, Unknown};

/// The configuration to use.
#[derive(Clone, Debug, Args)]
pub struct Configured {
    /// The configuration file
    #[arg(short, long, value_name = "FILE", default_value = "sandgate.toml")]
    pub config: PathBuf,
}

/// The running gateway to ask.
#[derive(Clone, Debug, Args)]
pub struct Reached {
    /// The configuration that it runs with.
    #[command(flatten)]
    pub configured: Configured,
    /// Its admin socket [default: where the configuration says]
    #[arg(long, value_name = "PATH")]
    pub admin: Option<PathBuf>,
}

impl Reached {
    /// Locates the gateway.
    ///
    /// # Errors
    ///
    /// The gateway's configuration cannot be read, and no socket is given.
    pub fn locate(&self, environment: &Environment) -> Result<Located, Unknown> {
        Located::of(&self.configured.config, self.admin.as_deref(), environment)
    }
}
