//! `sandgate audit hash`: the hash that stands for a value in the call log.

use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use sandgate_audit::HashKey;
use sandgate_config::{Files, Loaded};
use zeroize::Zeroizing;

use crate::exit::complain;
use crate::reached::Configured;
use crate::terminal::print;

/// The longest file of a key, in bytes.
const MAX_KEY: u64 = 4096;
/// The longest value that is read from stdin, in bytes.
const MAX_VALUE: u64 = 1 << 20;

/// `sandgate audit hash`.
#[derive(Clone, Debug, Args)]
pub struct Hash {
    /// The configuration that names the key.
    #[command(flatten)]
    pub configured: Configured,
    /// The file with the key [default: that of the configuration]
    #[arg(long, value_name = "FILE")]
    pub key: Option<PathBuf>,
    /// The text or number, as it stood in the payload; `-`: read from stdin, so that other users of this machine do not see
    /// it. One line end at its end is none of it
    #[arg(value_name = "VALUE", allow_hyphen_values = true)]
    pub value: String,
}

/// Prints the hash of a value.
pub(super) fn carry_out(asked: &Hash) -> ExitCode {
    match hash(asked) {
        Ok(hash) => {
            print(&hash);
            ExitCode::SUCCESS
        }
        Err(why) => {
            complain(&why);
            ExitCode::from(2)
        }
    }
}

fn hash(asked: &Hash) -> Result<String, String> {
    let key = match &asked.key {
        Some(path) => read_key(&Files::in_folder(Path::new("")), path)?,
        None => {
            let config = &asked.configured.config;
            let loaded = Loaded::read(config).map_err(|_| {
                format!(
                    "the configuration {} cannot be used, so name the key with --key FILE; `sandgate check` says what is \
                     wrong with it",
                    config.display()
                )
            })?;
            let path = loaded.config.call_log.hash_key.as_ref().ok_or_else(|| {
                format!(
                    "{} names no `call-log.hash-key`; name the key with --key FILE",
                    config.display()
                )
            })?;
            read_key(&loaded.files, path)?
        }
    };
    if asked.value != "-" {
        return Ok(key.hash(&asked.value));
    }
    let mut value = Zeroizing::new(String::new());
    let mut input = std::io::stdin().take(MAX_VALUE + 1);
    input
        .read_to_string(&mut value)
        .map_err(|error| format!("the value cannot be read: {error}"))?;
    if value.len() as u64 > MAX_VALUE {
        return Err(format!("the value is longer than {MAX_VALUE} bytes"));
    }
    let bare = value.strip_suffix('\n').unwrap_or(&value);
    Ok(key.hash(bare.strip_suffix('\r').unwrap_or(bare)))
}

fn read_key(files: &Files, path: &Path) -> Result<HashKey, String> {
    let shown = files.path(path);
    let shown = shown.display();
    let stat = std::fs::metadata(files.path(path));
    let mode = stat.map_or(0, |stat| stat.mode()) & 0o777;
    if mode & 0o077 != 0 {
        return Err(format!(
            "{shown} can be read by others than its owner (mode {mode:03o}): chmod 600"
        ));
    }
    let text = Zeroizing::new(
        files
            .read(path, MAX_KEY)
            .map_err(|error| error.to_string())?,
    );
    let text = std::str::from_utf8(&text).unwrap_or_default();
    HashKey::from_text(text)
        .map_err(|error| format!("{shown}: {error}; `sandgate audit key FILE --hash` makes one"))
}
