//! `sandgate add`: an entry of a catalog becomes a contained, pinned server of the configuration.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;

use clap::Args;
use sandgate_catalog::{Catalogs, Plan, Wanted};
use sandgate_text::printable;

use crate::catalog::{VerbError, name_of, printable_lines, read, replace};
use crate::reached::Configured;
use crate::terminal::print;

/// `sandgate add`.
#[derive(Clone, Debug, Args)]
pub struct Add {
    /// The configuration that it is written into.
    #[command(flatten)]
    pub configured: Configured,
    /// The entry
    #[arg(value_name = "NAME[@VERSION]")]
    pub entry: String,
    /// The server's name in the configuration [default: the entry's own, after its last `/`]
    #[arg(long = "as", value_name = "SERVER")]
    pub server: Option<String>,
    /// The catalog that it is in
    #[arg(long, value_name = "CATALOG")]
    pub from: Option<String>,
    /// A value that the entry asks for; never a secret
    #[arg(long, value_name = "NAME=VALUE", value_parser = pair)]
    pub set: Vec<(String, String)>,
    /// Show what would be written, and write nothing
    #[arg(long)]
    pub dry_run: bool,
}

fn pair(text: &str) -> Result<(String, String), String> {
    let pair = text.split_once('=');
    let (name, value) = pair.ok_or("write NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

/// Carries out the verb.
pub fn carry_out(asked: &Add) -> ExitCode {
    match add(asked) {
        Ok(text) => {
            print(&text);
            ExitCode::SUCCESS
        }
        Err(error) => error.exit(),
    }
}

fn add(asked: &Add) -> Result<String, VerbError> {
    let loaded = read(&asked.configured)?;
    let from = asked.from.as_deref();
    let catalogs = Catalogs::of(&loaded, from)?;
    let (catalog, entry) = catalogs.find(&loaded, &asked.entry, from)?;
    let server = asked.server.clone().unwrap_or_else(|| name_of(entry));
    if sandgate_import::server_name(&server) != server {
        let why = "a server's name is letters, digits, `-` and single `_`, at most 64";
        return Err(VerbError::Other(format!("{}: {why}", printable(&server))));
    }
    let mut values = BTreeMap::new();
    for (name, value) in &asked.set {
        if values.insert(name.clone(), value.clone()).is_some() {
            return Err(VerbError::Other(format!(
                "{} is set twice",
                printable(name)
            )));
        }
    }
    let plan = Plan::of(&Wanted {
        server: &server,
        catalog: &catalog.name,
        entry,
        values: &values,
    })?;
    let text = plan.written(&loaded, &server)?;
    let file = asked.configured.config.display();
    let done = match asked.dry_run {
        true => format!(
            "{}\n{server} would be added to {file}, from the catalog {}.\n",
            printable_lines(&plan.table),
            catalog.name
        ),
        false => {
            replace(&asked.configured, &loaded, &text)?;
            format!(
                "{server} is added to {file}, from the catalog {}.\n",
                catalog.name
            )
        }
    };
    Ok(done + &told(&plan, &server, &asked.configured))
}

/// What it comes to, and what to do next.
fn told(plan: &Plan, server: &str, configured: &Configured) -> String {
    let mut text = format!("\n  runs      {}\n", printable(&plan.runs));
    if plan.is_locked {
        text.push_str("  contained a private temporary folder, and what its tables give\n");
        let reaches = match plan.reaches.is_empty() {
            true => "no host: the catalog names none".to_owned(),
            false => plan.reaches.join(", "),
        };
        text.push_str(&format!("  reaches   {reaches}\n"));
    }
    for (name, what) in &plan.left {
        text.push_str(&format!(
            "  fill in   {}  {}\n",
            printable(name),
            printable(what)
        ));
    }
    for note in &plan.notes {
        text.push_str(&format!("  note      {}\n", printable(note)));
    }
    text.push_str("\nNext:\n");
    let folder = configured.config.parent().unwrap_or(Path::new(""));
    let is_here = folder.as_os_str().is_empty();
    let place = match is_here {
        true => String::new(),
        false => format!(
            " --key {0}/secrets.key --file {0}/secrets.age",
            folder.display()
        ),
    };
    let config = match is_here && configured.config == Path::new("sandgate.toml") {
        true => String::new(),
        false => format!(" --config {}", configured.config.display()),
    };
    if !plan.left.is_empty() {
        text.push_str(&format!(
            "  # write the values in the place of `<fill in: …>` in {}\n",
            configured.config.display()
        ));
    }
    if !plan.secrets.is_empty() && !folder.join("secrets.key").exists() {
        text.push_str(&format!("  sandgate secret key{place}\n"));
    }
    for secret in &plan.secrets {
        text.push_str(&format!("  sandgate secret set {secret}{place} < FILE\n"));
    }
    for variable in &plan.variables {
        text.push_str(&format!(
            "  export {variable}=…   # where the gateway is started\n"
        ));
    }
    if plan.is_locked {
        text.push_str(&format!("  sandgate lock{config}\n"));
    }
    text.push_str(&format!("  sandgate check{config}\n"));
    if plan.is_locked && plan.reaches.is_empty() {
        text.push_str(&format!(
            "  sandgate egress {server}{config}   # if it needs a network, while `audit-until` lets it through\n"
        ));
    }
    text
}
