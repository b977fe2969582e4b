//! `sandgate plugin`: inspects a plugin, pushes it to a registry, and carries the verbs for its author.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use sandgate_assembly::inspect;
#[cfg(feature = "authoring")]
use sandgate_authoring::args::Author;

use sandgate_config::{PluginSource, Scalar};
use sandgate_supply::push_component;
use sandgate_text::escape::event;
use sandgate_text::printable;

#[cfg(feature = "authoring")]
use crate::author;
use crate::exit::complain;
use crate::terminal::print;

/// `sandgate plugin`.
#[derive(Clone, Debug, Subcommand)]
pub enum Plugin {
    /// What an author of plugins needs.
    #[cfg(feature = "authoring")]
    #[command(flatten)]
    Author(Author),
    /// Show what a plugin is and asks for, without running it
    Inspect(Inspect),
    /// Push a built plugin to a registry, and print the line for a configuration
    Push(Push),
}

/// `sandgate plugin push`.
#[derive(Clone, Debug, Args)]
pub struct Push {
    /// The component file, as `sandgate plugin build` writes it
    #[arg(value_name = "FILE")]
    pub plugin: PathBuf,
    /// Where to: `oci://REGISTRY/NAME:TAG`
    #[arg(value_name = "REFERENCE")]
    pub to: String,
}

/// `sandgate plugin inspect`.
#[derive(Clone, Debug, Args)]
pub struct Inspect {
    /// The component file, or `builtin:NAME`
    #[arg(value_name = "FILE")]
    pub plugin: String,
    /// As JSON
    #[arg(long)]
    pub json: bool,
}

/// Carries out the verb.
pub fn carry_out(asked: &Plugin) -> ExitCode {
    match asked {
        #[cfg(feature = "authoring")]
        Plugin::Author(asked) => author::carry_out(asked),
        Plugin::Inspect(asked) => shown(asked),
        Plugin::Push(asked) => match push(asked) {
            Ok(text) => {
                print(&text);
                ExitCode::SUCCESS
            }
            Err(why) => {
                // A registry's words are among it.
                complain(&event(&why, false));
                ExitCode::from(2)
            }
        },
    }
}

/// Pushes, and says what was pushed.
fn push(asked: &Push) -> Result<String, String> {
    let wrong = |why: &str| format!("{}: {why}", asked.to);
    let source = PluginSource::read(&asked.to)
        .map_err(|mistake| format!("{} {}; {}", asked.to, mistake.why, mistake.help))?;
    let PluginSource::Registry(reference) = source else {
        return Err(wrong("is of no registry; write oci://REGISTRY/NAME:TAG"));
    };
    if reference.0.contains('@') {
        return Err(wrong(
            "has a digest, which only what is there has; name a tag",
        ));
    }
    let path = asked.plugin.display().to_string();
    if path.starts_with("builtin:") {
        return Err(format!("{path}: a builtin plugin is part of the program"));
    }
    let file = inspect::read(&path)?;
    if file.is_development() {
        return Err(format!(
            "{path}: it is a build of `sandgate plugin dev`, and is not for others; build it with `sandgate plugin build`"
        ));
    }
    let manifest = file.manifest();
    let annotations = [
        ("org.opencontainers.image.title", &*manifest.name),
        ("org.opencontainers.image.version", &manifest.version),
        (
            "org.opencontainers.image.description",
            &manifest.description,
        ),
        ("org.opencontainers.image.licenses", &manifest.licence),
    ];
    let names = (file.imports(), file.exports());
    let pushed = push_component(&reference, file.bytes().clone(), &annotations, names)
        .map_err(|error| wrong(&error.to_string()))?;
    let (name, version) = (&manifest.name, &manifest.version);
    let moved = pushed.before.map(|before| {
        let before = printable(&before);
        format!("before    {before}, which has the tag no more\n")
    });
    Ok(format!(
        "pushed    {name} {version} to {}\ndigest    {}\n{}for the configuration:\n  plugin = \"{}@{}\"",
        asked.to,
        pushed.digest,
        moved.unwrap_or_default(),
        asked.to,
        pushed.digest
    ))
}

fn shown(asked: &Inspect) -> ExitCode {
    match inspect::read(&asked.plugin) {
        Ok(file) if asked.json => print(&format!("{:#}", inspect::as_json(&file))),
        Ok(file) => print(&inspect::as_text(&file)),
        Err(error) => {
            complain(&error);
            return ExitCode::from(2);
        }
    }
    ExitCode::SUCCESS
}
