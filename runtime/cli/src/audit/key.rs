//! `sandgate audit key`: a key that signs checkpoints.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use sandgate_audit::SigningKey;

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
}

/// Makes the key, and prints what verifies its checkpoints.
pub(super) fn carry_out(asked: &Key) -> ExitCode {
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
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(0o600);
    let written = options
        .open(&asked.file)
        .and_then(|mut file| file.write_all(format!("{}\n", &*key.text()).as_bytes()));
    if let Err(error) = written {
        complain(&format!(
            "{} cannot be written: {error}",
            asked.file.display()
        ));
        return ExitCode::from(2);
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
