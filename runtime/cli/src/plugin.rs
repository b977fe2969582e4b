//! `sandgate plugin`: inspects a plugin, pushes it to a registry, and carries the verbs for its author.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand, ValueEnum as _};
use sandgate_assembly::inspect;
use sandgate_assembly::package::package;
#[cfg(feature = "authoring")]
use sandgate_authoring::args::Author;

use sandgate_config::{Loaded, PluginSource, Scalar};
use sandgate_supply::push_component;
use sandgate_text::escape::event;
use sandgate_text::printable;

#[cfg(feature = "authoring")]
use crate::author;
use crate::exit::{complain, runtime};
use crate::init::Profile;
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
    /// Compile the built-in plugins, for a package that brings their machine code beside the program
    #[command(hide = true)]
    CompileBuiltins(CompileBuiltins),
}

/// `sandgate plugin compile-builtins`.
#[derive(Clone, Debug, Args)]
pub struct CompileBuiltins {
    /// The folder of the machine code, which is made
    #[arg(long, value_name = "DIR")]
    pub to: PathBuf,
    /// A copy of this program, which takes that machine code for its own from then on
    #[arg(long, value_name = "FILE")]
    pub program: PathBuf,
    /// These alone; all without a name
    #[arg(value_name = "NAME")]
    pub names: Vec<String>,
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
        Plugin::CompileBuiltins(asked) => match compile_builtins(asked) {
            Ok(text) => {
                print(&text);
                ExitCode::SUCCESS
            }
            Err(why) => {
                complain(&why);
                ExitCode::from(2)
            }
        },
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

/// Compiles for the configurations that `sandgate init` writes.
fn compile_builtins(asked: &CompileBuiltins) -> Result<String, String> {
    let configurations = Profile::value_variants().iter().map(|profile| {
        Loaded::parse(Path::new("sandgate.toml"), profile.configuration())
            .map_err(|report| report.to_string())
    });
    let configurations = configurations.collect::<Result<_, _>>()?;
    let package = package(configurations, &asked.names, &asked.to, &asked.program);
    let runtime = runtime(None).map_err(|error| error.to_string())?;
    let count = runtime.block_on(package)?;
    Ok(format!(
        "{count} components in {}, whose digest is in {}",
        asked.to.display(),
        asked.program.display()
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
