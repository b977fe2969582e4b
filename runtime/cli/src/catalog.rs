//! `sandgate catalog`: lists of servers that others keep, of which copies are taken and looked through.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use sandgate_catalog::{
    Catalog as Kept, CatalogError, Catalogs, Contents, Entry, FetchError, FindError, FormatError,
    Plan, PlanError, Refusal, Wanted, copy, difference, digest, fetch, forget, is_url, keep,
};
use sandgate_config::{FileError, Files, Loaded, Report, Scalar};
use sandgate_text::{grid, printable};
use toml_edit::DocumentMut;

use crate::args::Configured;
use crate::exit::{complain, refuse};
use crate::terminal::print;

/// The most entries and differences that are shown.
const LINES: usize = 100;

/// `sandgate catalog`.
#[derive(Clone, Debug, Subcommand)]
pub enum Catalog {
    /// Take a copy of a catalog, and write it into the configuration
    Add(Added),
    /// Take another copy, and show what differs from the former one
    Update(Named),
    /// List the catalogs, or what is in one and why some of it cannot be added
    List(Listed),
    /// Remove a catalog and its copy; servers that came from it stay
    Remove(Named),
    /// Show the entries in which every word stands
    Search(Searched),
    /// Show what an entry asks for, and what would be written
    Show(Shown),
}

/// `sandgate catalog add`.
#[derive(Clone, Debug, Args)]
pub struct Added {
    /// The configuration.
    #[command(flatten)]
    pub configured: Configured,
    /// Its name in the configuration
    #[arg(value_name = "NAME")]
    pub name: String,
    /// Where it is: an https URL, an http URL of this machine's loopback, or a file
    #[arg(value_name = "SOURCE")]
    pub source: String,
}

/// One catalog.
#[derive(Clone, Debug, Args)]
pub struct Named {
    /// The configuration.
    #[command(flatten)]
    pub configured: Configured,
    /// Its name in the configuration
    #[arg(value_name = "NAME")]
    pub name: String,
}

/// `sandgate catalog list`.
#[derive(Clone, Debug, Args)]
pub struct Listed {
    /// The configuration.
    #[command(flatten)]
    pub configured: Configured,
    /// What is in this catalog
    #[arg(value_name = "NAME")]
    pub name: Option<String>,
}

/// `sandgate catalog search`.
#[derive(Clone, Debug, Args)]
pub struct Searched {
    /// The configuration.
    #[command(flatten)]
    pub configured: Configured,
    /// Words of names and descriptions
    #[arg(value_name = "WORD", required = true)]
    pub words: Vec<String>,
    /// Only this catalog
    #[arg(long, value_name = "CATALOG")]
    pub from: Option<String>,
}

/// `sandgate catalog show`.
#[derive(Clone, Debug, Args)]
pub struct Shown {
    /// The configuration.
    #[command(flatten)]
    pub configured: Configured,
    /// The entry
    #[arg(value_name = "NAME[@VERSION]")]
    pub entry: String,
    /// The catalog that it is in
    #[arg(long, value_name = "CATALOG")]
    pub from: Option<String>,
}

/// Why a verb of catalogs came to nothing.
#[derive(Debug, thiserror::Error)]
pub(crate) enum VerbError {
    #[error("the configuration cannot be used")]
    Config(Box<Report>),
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    #[error(transparent)]
    Fetch(#[from] FetchError),
    #[error(transparent)]
    File(#[from] FileError),
    #[error(transparent)]
    Find(#[from] FindError),
    #[error(transparent)]
    Plan(#[from] PlanError),
    #[error("{0}: {1}")]
    Format(String, FormatError),
    #[error("{0}")]
    Other(String),
}

impl VerbError {
    /// Reports it. Nothing was changed.
    pub(crate) fn exit(&self) -> ExitCode {
        match self {
            Self::Config(report) => refuse(report),
            _ => {
                complain(self);
                ExitCode::from(2)
            }
        }
    }
}

/// Carries out the verb.
pub fn carry_out(asked: &Catalog) -> ExitCode {
    let done = match asked {
        Catalog::Add(asked) => add(asked),
        Catalog::Update(asked) => update(asked),
        Catalog::List(asked) => list(asked),
        Catalog::Remove(asked) => remove(asked),
        Catalog::Search(asked) => search(asked),
        Catalog::Show(asked) => show(asked),
    };
    match done {
        Ok(text) => {
            print(&text);
            ExitCode::SUCCESS
        }
        Err(error) => error.exit(),
    }
}

pub(crate) fn read(configured: &Configured) -> Result<Loaded, VerbError> {
    Loaded::read(&configured.config).map_err(|report| VerbError::Config(Box::new(report)))
}

/// Puts another text in the place of the configuration that was read.
pub(crate) fn replace(
    configured: &Configured,
    loaded: &Loaded,
    text: &str,
) -> Result<(), VerbError> {
    let files = Files::in_folder(Path::new(""));
    files.replace(&configured.config, loaded.source.text(), text, None)?;
    Ok(())
}

fn add(asked: &Added) -> Result<String, VerbError> {
    let loaded = read(&asked.configured)?;
    let name = &asked.name;
    if sandgate_import::server_name(name) != *name {
        let why = "a catalog's name is letters, digits, `-` and single `_`, at most 64";
        return Err(VerbError::Other(format!("{}: {why}", printable(name))));
    }
    if loaded.config.catalogs.contains_key(name) {
        let why = format!(
            "there is a catalog {name} already; `sandgate catalog update {name}` takes another copy of it"
        );
        return Err(VerbError::Other(why));
    }
    if !loaded.config.catalog.permits(name) {
        return Err(FindError::Forbidden(name.clone()).into());
    }
    let source = match is_url(&asked.source) {
        true => asked.source.clone(),
        false => seen_from(&asked.configured, &asked.source)?,
    };
    let text = fetch(&source, &loaded.files)?;
    let contents =
        Contents::read(&text).map_err(|error| VerbError::Format(asked.source.clone(), error))?;
    let mut table = toml_edit::Table::new();
    table.insert("source", toml_edit::value(&source));
    table.insert("digest", toml_edit::value(digest(&text)));
    let before = loaded.source.text();
    let end = if before.ends_with('\n') || before.is_empty() {
        ""
    } else {
        "\n"
    };
    let config = format!("{before}{end}\n[catalogs.{name}]\n{table}");
    parsed(&config)?;
    put(&asked.configured, &loaded, name, &text, &config)?;
    Ok(format!(
        "{name} is added to {}: {}",
        asked.configured.config.display(),
        told(&contents)
    ))
}

/// Keeps a copy, and puts the configuration that has its digest in place: both or neither.
fn put(
    configured: &Configured,
    loaded: &Loaded,
    name: &str,
    copy: &str,
    config: &str,
) -> Result<(), VerbError> {
    keep(&loaded.files, name, copy)?;
    replace(configured, loaded, config).inspect_err(|_| {
        let new = digest(copy);
        // Another command may have put the same catalog in place meanwhile: its configuration names this copy.
        let is_free = read(configured).is_ok_and(|now| {
            let known = now.config.catalogs.get(name);
            known.is_none_or(|known| known.digest.write() != new)
        });
        if is_free {
            let _ = forget(&loaded.files, name, &new);
        }
    })
}

/// A file's path as the configuration writes it: relative to its folder, or whole.
fn seen_from(configured: &Configured, path: &str) -> Result<String, VerbError> {
    let folder = configured.config.parent().unwrap_or(Path::new(""));
    if folder.as_os_str().is_empty() || Path::new(path).is_absolute() {
        return Ok(path.to_owned());
    }
    let whole = std::fs::canonicalize(path);
    let whole = whole.map_err(|error| VerbError::Other(format!("{}: {error}", printable(path))))?;
    Ok(whole.display().to_string())
}

fn parsed(text: &str) -> Result<(), VerbError> {
    let parsed = Loaded::parse(Path::new("sandgate.toml"), text.to_owned());
    parsed
        .map(drop)
        .map_err(|report| VerbError::Config(Box::new(report)))
}

fn update(asked: &Named) -> Result<String, VerbError> {
    let loaded = read(&asked.configured)?;
    let name = &asked.name;
    let Some(known) = loaded.config.catalogs.get(name) else {
        return Err(FindError::UnknownCatalog(printable(name)).into());
    };
    if !loaded.config.catalog.permits(name) {
        return Err(FindError::Forbidden(name.clone()).into());
    }
    let text = fetch(&known.source, &loaded.files)?;
    let now =
        Contents::read(&text).map_err(|error| VerbError::Format(known.source.clone(), error))?;
    let new = digest(&text);
    if new == known.digest.write() && copy(&loaded, name).is_ok() {
        return Ok(format!("{name} is what it was: {}", told(&now)));
    }
    // A copy that cannot be used any more has nothing to compare with.
    let lines = match copy(&loaded, name) {
        Ok(before) => difference(&before, &now),
        Err(error) => vec![error.to_string()],
    };
    let edit = |text: &str| -> Option<String> {
        let mut document: DocumentMut = text.parse().ok()?;
        let table = document.get_mut("catalogs")?.as_table_like_mut()?;
        let value = table
            .get_mut(name)?
            .as_table_like_mut()?
            .get_mut("digest")?
            .as_value_mut()?;
        let mut other = toml_edit::Value::from(new.as_str());
        *other.decor_mut() = value.decor().clone();
        *value = other;
        Some(document.to_string())
    };
    let config = edit(loaded.source.text()).ok_or_else(|| unedited(name))?;
    parsed(&config)?;
    put(&asked.configured, &loaded, name, &text, &config)?;
    let old = known.digest.write();
    if old != new {
        forget(&loaded.files, name, &old)?;
    }
    let mut said = format!("{name}: {}\n", told(&now));
    for line in lines.iter().take(LINES) {
        said.push_str(&format!("  {}\n", printable(line)));
    }
    if lines.len() > LINES {
        said.push_str(&format!("  and {} more\n", lines.len() - LINES));
    }
    for (server, table) in &loaded.config.servers {
        let Some(origin) = table.catalog.as_ref().filter(|origin| origin.name == *name) else {
            continue;
        };
        let about = |line: &&String| {
            let title = line[2..].split([':', '@']).next();
            title == Some(origin.entry.as_str())
        };
        if let Some(line) = lines.iter().find(about) {
            said.push_str(&format!(
                "The server {server} came from it, and stays as it is: {}\n",
                printable(line)
            ));
        }
    }
    Ok(said)
}

fn unedited(name: &str) -> VerbError {
    VerbError::Other(format!(
        "the configuration has [catalogs.{name}] in a form that cannot be edited"
    ))
}

fn told(contents: &Contents) -> String {
    let (entries, refused) = (contents.entries.len(), contents.refused.len());
    let unusable = match refused {
        0 => String::new(),
        _ => format!(", and {refused} cannot be read"),
    };
    format!(
        "{entries} entries{unusable}, in the format {}.",
        contents.format
    )
}

fn list(asked: &Listed) -> Result<String, VerbError> {
    let loaded = read(&asked.configured)?;
    if let Some(name) = &asked.name {
        if !loaded.config.catalogs.contains_key(name) {
            return Err(FindError::UnknownCatalog(printable(name)).into());
        }
        return Ok(entries(name, &copy(&loaded, name)?));
    }
    if loaded.config.catalogs.is_empty() {
        return Err(FindError::NoCatalog.into());
    }
    let lines = loaded.config.catalogs.iter().map(|(name, known)| {
        let state = match copy(&loaded, name) {
            _ if !loaded.config.catalog.permits(name) => "may not be used".to_owned(),
            Ok(contents) => told(&contents),
            Err(error) => error.to_string(),
        };
        vec![name.clone(), known.source.clone(), state]
    });
    let mut text = String::new();
    grid(lines.collect(), &mut text);
    Ok(text)
}

/// Every entry with what would run, or why it cannot be added.
fn entries(catalog: &str, contents: &Contents) -> String {
    let mut lines = Vec::new();
    let mut refused = contents.refused.len();
    for entry in &contents.entries {
        let state = match tried(catalog, entry) {
            Ok(runs) => runs,
            Err(why) => {
                refused += 1;
                format!("refused: {}", why.replace('\n', "; "))
            }
        };
        lines.push(vec![entry.title(), state]);
    }
    let unusable = contents.refused.iter();
    lines.extend(unusable.map(|why| vec!["?".to_owned(), format!("refused: {why}")]));
    let all = lines.len();
    let mut text = String::new();
    grid(lines, &mut text);
    text.push_str(&format!(
        "{all} entries: {} can be added, {refused} cannot.\n",
        all - refused
    ));
    text
}

/// What an entry would run, or why it cannot be added to any configuration.
fn tried(catalog: &str, entry: &Entry) -> Result<String, String> {
    let server = name_of(entry);
    let values = BTreeMap::new();
    let wanted = Wanted {
        server: &server,
        catalog,
        entry,
        values: &values,
    };
    match Plan::of(&wanted) {
        Ok(plan) => {
            let empty = Loaded::parse(Path::new("sandgate.toml"), String::new());
            let empty = empty.map_err(|report| report.summary())?;
            plan.written(&empty, &server)
                .map_err(|error| error.to_string())?;
            let runs = entry.offers.iter().flatten().next();
            Ok(runs.map_or_else(String::new, |offer| offer.runs.to_string()))
        }
        // It asks for a value first.
        Err(PlanError::Value(Refusal(why))) => Ok(why),
        Err(PlanError::Refused(_, why)) => Err(why.trim().replace("\n  ", "\n")),
        Err(error) => Err(error.to_string()),
    }
}

/// The name that an entry's server has where nobody gives another.
pub(crate) fn name_of(entry: &Entry) -> String {
    sandgate_import::server_name(entry.name.rsplit('/').next().unwrap_or_default())
}

fn remove(asked: &Named) -> Result<String, VerbError> {
    let loaded = read(&asked.configured)?;
    let name = &asked.name;
    let Some(known) = loaded.config.catalogs.get(name) else {
        return Err(FindError::UnknownCatalog(printable(name)).into());
    };
    let edit = |text: &str| -> Option<String> {
        let mut document: DocumentMut = text.parse().ok()?;
        let table = document.get_mut("catalogs")?.as_table_like_mut()?;
        table.remove(name)?;
        if table.is_empty() {
            document.remove("catalogs");
        }
        Some(document.to_string())
    };
    let config = edit(loaded.source.text()).ok_or_else(|| unedited(name))?;
    parsed(&config)?;
    replace(&asked.configured, &loaded, &config)?;
    forget(&loaded.files, name, &known.digest.write())?;
    Ok(format!(
        "{name} is removed from {}.",
        asked.configured.config.display()
    ))
}

fn search(asked: &Searched) -> Result<String, VerbError> {
    let loaded = read(&asked.configured)?;
    let catalogs = Catalogs::of(&loaded, asked.from.as_deref())?;
    if catalogs.0.is_empty() {
        return Err(FindError::NoCatalog.into());
    }
    let found = catalogs.search(&asked.words);
    if found.is_empty() {
        return Ok("Nothing is found.".into());
    }
    let line = |(catalog, entry): &(&Kept, &Entry)| {
        let offers = entry.offers.iter().flatten().next();
        let runs = offers.map_or_else(|| "refused".to_owned(), |offer| offer.runs.to_string());
        let words: String = entry.description.chars().take(60).collect();
        vec![catalog.name.clone(), entry.title(), runs, words]
    };
    let mut text = String::new();
    grid(found.iter().take(LINES).map(line).collect(), &mut text);
    if found.len() > LINES {
        text.push_str(&format!(
            "and {} more; name more words\n",
            found.len() - LINES
        ));
    }
    Ok(text)
}

fn show(asked: &Shown) -> Result<String, VerbError> {
    let loaded = read(&asked.configured)?;
    let catalogs = Catalogs::of(&loaded, asked.from.as_deref())?;
    let (catalog, entry) = catalogs.find(&loaded, &asked.entry, asked.from.as_deref())?;
    let mut text = format!("{} of the catalog {}\n", entry.title(), catalog.name);
    if !entry.description.is_empty() {
        text.push_str(&format!("{}\n", printable(&entry.description)));
    }
    for offer in &entry.offers {
        match offer {
            Ok(offer) => {
                text.push_str(&format!("\n  {}\n", printable(&offer.runs.to_string())));
                for input in &offer.inputs {
                    let default = input
                        .default
                        .as_ref()
                        .map(|text| format!(" [default: {text}]"));
                    let line = format!(
                        "--set {}=…  {}{}",
                        input.name,
                        input.description,
                        default.unwrap_or_default()
                    );
                    text.push_str(&format!("    {}\n", printable(&line)));
                }
                for secret in &offer.secrets {
                    let line = format!("secret {}  {}", secret.name, secret.description);
                    text.push_str(&format!("    {}\n", printable(&line)));
                }
            }
            Err(refusal) => text.push_str(&format!(
                "\n  refused: {}\n",
                printable(&refusal.to_string())
            )),
        }
    }
    let server = name_of(entry);
    let values = BTreeMap::new();
    let plan = Plan::of(&Wanted {
        server: &server,
        catalog: &catalog.name,
        entry,
        values: &values,
    });
    if let Ok(plan) = plan {
        let table = printable_lines(&plan.table);
        text.push_str(&format!("\nIt would be written as:\n\n{table}"));
    }
    Ok(text)
}

/// A text of several lines as a terminal may have it.
pub(crate) fn printable_lines(text: &str) -> String {
    text.lines().map(|line| printable(line) + "\n").collect()
}
