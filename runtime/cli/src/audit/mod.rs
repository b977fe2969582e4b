//! `sandgate audit`: what proves the call log.

mod files;
mod hash;
mod key;
mod verify;

use std::process::ExitCode;

use clap::{Args, Subcommand, ValueEnum};
use sandgate_audit::export::{Exporter, Format};

use self::files::LogFiles;
pub(crate) use self::verify::of_configuration;
use crate::exit::fail;
use crate::terminal::print;

/// `sandgate audit`.
#[derive(Clone, Debug, Subcommand)]
pub enum Audit {
    /// Make a key that signs checkpoints of the call log, and print the one that verifies them
    Key(key::Key),
    /// Verify that no line of the call log was changed, moved, put in or removed [exit code 1: one was, 2: it cannot be
    /// read]
    Verify(verify::Verify),
    /// Print the hash that stands for a value where `call-log.hash-key` has payloads recorded as hashes
    Hash(hash::Hash),
    /// Print the calls of the call log in the format of another system
    Export(Export),
}

/// `sandgate audit export`.
#[derive(Clone, Debug, Args)]
pub struct Export {
    /// The call log.
    #[command(flatten)]
    pub files: LogFiles,
    /// Its format
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub format: FormatName,
}

/// The format of another system.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum FormatName {
    /// Open Cybersecurity Schema Framework 1.9: API Activity, JSON lines
    Ocsf,
    /// Elastic Common Schema 8.17, JSON lines
    Ecs,
    /// ArcSight Common Event Format, lines
    Cef,
}

/// Carries out a verb of the call log's proof.
pub fn carry_out(asked: &Audit) -> ExitCode {
    match asked {
        Audit::Key(asked) => key::carry_out(asked),
        Audit::Hash(asked) => hash::carry_out(asked),
        Audit::Verify(asked) => verify::carry_out(asked),
        Audit::Export(asked) => export(asked),
    }
}

fn export(asked: &Export) -> ExitCode {
    let files = match asked.files.locate() {
        Ok(files) => files,
        Err(error) => return fail(&error),
    };
    let format = match asked.format {
        FormatName::Ocsf => Format::Ocsf,
        FormatName::Ecs => Format::Ecs,
        FormatName::Cef => Format::Cef,
    };
    let mut exporter = Exporter::new(format, files.chained);
    for file in &files.paths {
        let read = files::each_line(file, |line| {
            if let Some(event) = exporter.line(line) {
                print(&event);
            }
        });
        if let Err(error) = read {
            return fail(&error);
        }
    }
    for event in exporter.finish() {
        print(&event);
    }
    ExitCode::SUCCESS
}
