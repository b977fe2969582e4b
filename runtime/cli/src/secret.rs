//! `sandgate secret`: values for servers in an encrypted file.

use std::fs::OpenOptions;
use std::io::{self, IsTerminal, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand};
use sandgate_config::Files;
use sandgate_secrets::{AgeFile, AgeKey, Value};
use sandgate_telemetry::logging::say;
use tracing::Level;

use crate::terminal::print;

/// The largest file, and the largest value, in bytes.
const LARGEST: u64 = 1 << 20;

/// `sandgate secret`.
#[derive(Clone, Debug, Subcommand)]
pub enum Secret {
    /// Make the key of a file, readable by you alone; it is not printed
    Key(Place),
    /// Set a value, which is read from stdin: `pass mcp/github | sandgate secret set GITHUB_TOKEN`
    Set(Named),
    /// List the names
    List(Place),
    /// Remove a value
    Remove(Named),
}

/// Where the values are.
#[derive(Clone, Debug, Args)]
pub struct Place {
    /// The encrypted file
    #[arg(long, value_name = "FILE", default_value = "secrets.age")]
    pub file: PathBuf,
    /// The file with its secret key, as age-keygen writes it
    #[arg(long, value_name = "FILE", default_value = "secrets.key")]
    pub key: PathBuf,
}

/// One of the values.
#[derive(Clone, Debug, Args)]
pub struct Named {
    /// Its name
    #[arg(value_name = "NAME")]
    pub name: String,
    /// Where the values are.
    #[command(flatten)]
    pub place: Place,
}

/// Carries it out.
pub fn carry_out(asked: &Secret) -> ExitCode {
    let done = match asked {
        Secret::Key(place) => make_key(&place.key),
        Secret::List(place) => list(place),
        Secret::Set(named) => set(named),
        Secret::Remove(named) => remove(named),
    };
    match done {
        Ok(text) => {
            print(&text);
            ExitCode::SUCCESS
        }
        Err(why) => {
            say(Level::ERROR, &why);
            ExitCode::FAILURE
        }
    }
}

fn make_key(path: &Path) -> Result<String, String> {
    create(path, &AgeKey::generate().text())?;
    Ok(format!(
        "{} is made. Whoever can read it can read the values; keep it out of version control.",
        path.display()
    ))
}

fn list(place: &Place) -> Result<String, String> {
    let (file, _) = open(place)?;
    Ok(file
        .names()
        .fold(String::new(), |text, name| text + name + "\n"))
}

fn set(named: &Named) -> Result<String, String> {
    if named.name.is_empty() || named.name.chars().any(char::is_control) {
        return Err("a name has at least one character, and no control characters".into());
    }
    // Before the value is read, so that nobody types one in vain.
    let key = key(&named.place.key)?;
    if io::stdin().is_terminal() {
        let name = &named.name;
        return Err(format!(
            "the value is read from stdin, so that no terminal shows it: `pass mcp/github | sandgate secret set {name}`"
        ));
    }
    let mut text = String::new();
    let read = io::stdin().take(LARGEST).read_to_string(&mut text);
    read.map_err(|error| format!("stdin: {error}"))?;
    let value = Value::of(text);
    if value.expose().is_empty() {
        return Err("stdin had no value".into());
    }
    let (mut file, before) = match named.place.file.exists() {
        true => open(&named.place)?,
        false => Default::default(),
    };
    let replaced = file.set(&named.name, value);
    write(&named.place.file, &before, &file, &key)?;
    Ok(format!(
        "{} is {} in {}.",
        named.name,
        if replaced { "replaced" } else { "set" },
        named.place.file.display()
    ))
}

fn remove(named: &Named) -> Result<String, String> {
    let (mut file, before) = open(&named.place)?;
    if !file.remove(&named.name) {
        let place = named.place.file.display();
        return Err(format!(
            "there is no {:?} in {place}; `sandgate secret list` shows what is",
            named.name
        ));
    }
    write(&named.place.file, &before, &file, &key(&named.place.key)?)?;
    Ok(format!(
        "{} is removed from {}.",
        named.name,
        named.place.file.display()
    ))
}

/// The values, and the file as it is.
fn open(place: &Place) -> Result<(AgeFile, String), String> {
    let key = key(&place.key)?;
    let before =
        read(&place.file).map_err(|why| format!("{why}; `sandgate secret set NAME` makes it"))?;
    let file = AgeFile::open(before.as_bytes(), &key);
    let file = file.map_err(|why| format!("{}: {why}", place.file.display()))?;
    Ok((file, before))
}

fn key(path: &Path) -> Result<AgeKey, String> {
    let text = read(path).map_err(|why| format!("{why}; `sandgate secret key` makes one"))?;
    AgeKey::read(&text).map_err(|why| format!("{}: {why}", path.display()))
}

fn read(path: &Path) -> Result<String, String> {
    let bytes = Files::in_folder(Path::new("")).read(path, LARGEST);
    let bytes = bytes.map_err(|error| error.to_string())?;
    String::from_utf8(bytes).map_err(|_| {
        format!(
            "{} is no text (age writes one with --armor)",
            path.display()
        )
    })
}

/// Puts the new file in the place of the one that was read, or makes it.
fn write(path: &Path, before: &str, file: &AgeFile, key: &AgeKey) -> Result<(), String> {
    let sealed = file
        .seal(key)
        .map_err(|why| format!("{}: {why}", path.display()))?;
    if before.is_empty() {
        return create(path, &sealed);
    }
    let files = Files::in_folder(Path::new(""));
    let replaced = files.replace(path, before, &sealed, None);
    replaced.map(drop).map_err(|error| error.to_string())
}

fn create(path: &Path, text: &str) -> Result<(), String> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(0o600);
    let made = options
        .open(path)
        .and_then(|mut file| file.write_all(text.as_bytes()));
    made.map_err(|error| format!("{} cannot be made: {error}", path.display()))
}
