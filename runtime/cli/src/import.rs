//! `sandgate import`: makes a configuration from the files in which MCP clients list their servers.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use sandgate_import::{Request, run};
use sandgate_telemetry::logging::say;
use tracing::Level;

use crate::exit::complain;
use crate::terminal::print;

/// `sandgate import`.
#[derive(Clone, Debug, Args)]
pub struct Import {
    /// Files of MCP clients: claude_desktop_config.json, .mcp.json, .cursor/mcp.json, .vscode/mcp.json and the like
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
    /// Write the configuration here instead of to stdout
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Write over a file that is there
    #[arg(long, requires = "output")]
    pub force: bool,
    /// Print what the clients' own files should say, so that their calls go through the gateway; the configuration is
    /// printed only where --output says so
    #[arg(long)]
    pub client_config: bool,
}

/// Imports, and prints the result.
pub fn carry_out(asked: Import) -> ExitCode {
    let request = Request {
        files: asked.files,
        output: asked.output,
        force: asked.force,
        client_config: asked.client_config,
    };
    match run(&request) {
        Ok(imported) => {
            print(&imported.output);
            say(Level::WARN, &imported.report);
            ExitCode::SUCCESS
        }
        Err(error) => {
            complain(&error);
            ExitCode::from(2)
        }
    }
}
