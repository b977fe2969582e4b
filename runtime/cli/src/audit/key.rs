//! `sandgate audit key`: a key that signs checkpoints, or one of hashes.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use sandgate_audit::{HashKey, SigningKey};

use crate::exit::complain;
use crate::terminal::print;

/// `sandgate audit key`.
#[derive(Clone, Debug, Args)]
pub struct Key {
    /// The file to write. It must not be there yet
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// The key's name, which stands in every checkpoint [default: this machine's name]
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// A key of hashes instead, for `call-log.hash-key`: payloads are recorded with hashes in the place of values
    #[arg(long, conflicts_with = "name")]
    pub hash: bool,
}

/// Makes the key, and prints what verifies its checkpoints.
pub(super) fn carry_out(asked: &Key) -> ExitCode {
    if asked.hash {
        return make_hash_key(asked);
    }
    let machine = || {
        let name = rustix::system::uname();
        name.nodename().to_string_lossy().into_owned()
    };
    let name = asked.name.clone().unwrap_or_else(machine);
    let key = match SigningKey::generate(&name) {
        Ok(key) => key,
        Err(error) => {
            complain(&format!("{name:?}: {error}; give another with --name NAME"));
            return ExitCode::from(2);
        }
    };
    if let Err(code) = write(asked, &key.text()) {
        return code;
    }
    print(&format!(
        "# The gateway signs with {}. Whoever can read that file can sign as this gateway.\n\
         # Keep the line below apart from the log; it verifies: sandgate audit verify --key KEY FILE\n\
         {}\n\n\
         [audit]\nkey = {:?}\n",
        asked.file.display(),
        key.verifier(),
        asked.file.display().to_string(),
    ));
    ExitCode::SUCCESS
}

fn make_hash_key(asked: &Key) -> ExitCode {
    let key = match HashKey::generate() {
        Ok(key) => key,
        Err(error) => {
            complain(&error);
            return ExitCode::from(2);
        }
    };
    if let Err(code) = write(asked, &key.text()) {
        return code;
    }
    let file = asked.file.display();
    print(&format!(
        "# Whoever can read {file} can try values until one has a hash of the log. It is not printed.\n\
         # A value is looked up by its hash: sandgate audit hash VALUE\n\n\
         [call-log]\npayloads = true\nhash-key = {:?}\n",
        file.to_string(),
    ));
    ExitCode::SUCCESS
}

/// Writes a key to a file that is not there yet, for its owner alone.
fn write(asked: &Key, text: &str) -> Result<(), ExitCode> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(0o600);
    let written = options
        .open(&asked.file)
        .and_then(|mut file| file.write_all(format!("{text}\n").as_bytes()));
    written.map_err(|error| {
        complain(&format!(
            "{} cannot be written: {error}",
            asked.file.display()
        ));
        ExitCode::from(2)
    })
}
