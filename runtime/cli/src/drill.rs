//! `sandgate drill`: rehearses what the gateway is for, before a stand-in server, and reports.

use std::io::{BufRead as _, IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use sandgate_config::{Environment, Loaded};
use sandgate_daemon::admin::{self, Ask, AskError};
use sandgate_daemon::drills::DrillLease;
use sandgate_daemon::locate::Located;
use sandgate_daemon::until_told;
use sandgate_drill::{Drill as Rehearsed, DrillError, Report, ReportFile, Wanted, reached, sweep};
use sandgate_text::grid;
use tokio_util::sync::CancellationToken;

use crate::exit::{complain, refuse, runtime, show};
use crate::reached::Reached;

/// How long a drill may take to end, beside what it takes.
const ENDING_MS: u64 = 30_000;
/// The exit code of a drill that could not be done.
const NOT_DONE: u8 = 2;

/// `sandgate drill`.
#[derive(Clone, Debug, Args)]
pub struct Drill {
    /// The drill, or `list`
    pub name: String,
    /// Write the report there, as Markdown or HTML by the name's end
    #[arg(long, value_name = "FILE.md|FILE.html", value_parser = report_file)]
    pub report: Option<PathBuf>,
    /// Do not ask before it begins
    #[arg(long)]
    pub yes: bool,
    /// The server that the stand-in stands for [default: the first of the configuration]
    #[arg(long, value_name = "NAME")]
    pub server: Option<String>,
    /// The client that calls, with a key made for the drill [default: the first of the configuration; with none, somebody
    /// without a key]
    #[arg(long = "as", value_name = "CLIENT")]
    pub client: Option<String>,
    /// The name of the tool that reads, where policies name tools [default: read_ticket]
    #[arg(long, value_name = "TOOL")]
    pub read: Option<String>,
    /// The name of the tool that sends [default: send_email]
    #[arg(long, value_name = "TOOL")]
    pub send: Option<String>,
    /// Keep the drill's call log in this folder as `drill-NAME-TIME.jsonl`, for `sandgate why --log`
    #[arg(long, value_name = "FOLDER")]
    pub keep: Option<PathBuf>,
    /// The running gateway, which records the drill.
    #[command(flatten)]
    pub reached: Reached,
    /// As JSON
    #[arg(long)]
    pub json: bool,
}

/// Parses the name of a report's file.
fn report_file(text: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(text);
    match path.extension().and_then(|end| end.to_str()) {
        Some("md" | "html") => Ok(path),
        _ => Err("name a file that ends in .md or .html".to_owned()),
    }
}

/// Lists drills, or does one.
pub fn carry_out(asked: &Drill) -> ExitCode {
    if asked.name == "list" {
        list(asked.json);
        return ExitCode::SUCCESS;
    }
    let Some(drill) = Rehearsed::named(&asked.name) else {
        let names = Rehearsed::ALL.map(|one| one.plan().name);
        let near = sandgate_text::nearest(&asked.name, names.into_iter());
        return not_done(&format!(
            "there is no drill {:?}: {near}; `sandgate drill list` says what each does",
            asked.name
        ));
    };
    let loaded = match Loaded::read(&asked.reached.configured.config) {
        Ok(loaded) => loaded,
        Err(report) => return refuse(&report),
    };
    if let Some(keep) = asked.keep.as_deref().filter(|keep| !keep.is_dir()) {
        return not_done(&format!("--keep: {} is no folder", keep.display()));
    }
    if !asked.yes && !agreed(drill, asked, &loaded) {
        return not_done("not begun: nothing was done");
    }
    let report_file = match asked.report.as_deref().map(ReportFile::open).transpose() {
        Ok(file) => file,
        Err(error) => return not_done(&format!("--report: {error}")),
    };
    sweep();
    let lease = match Lease::begin(asked, drill) {
        Ok(lease) => lease,
        Err(why) => return not_done(&why),
    };
    let rehearsed = rehearse(drill, asked, &loaded);
    let outcome = match &rehearsed {
        Ok(report) => report.outcome(),
        Err(DrillError::Stopped) => "stopped before its end".to_owned(),
        Err(_) => "could not be done".to_owned(),
    };
    let recorded = lease.end(&outcome);
    match rehearsed {
        Ok(mut report) => {
            report.recorded = recorded;
            tell(asked, report_file, &report)
        }
        Err(DrillError::Config(report)) => refuse(&report),
        Err(error) => not_done(&error.to_string()),
    }
}

fn list(json: bool) {
    let plans = Rehearsed::ALL.map(Rehearsed::plan);
    show(json, &plans, || {
        let row = |cells: [&str; 3]| cells.map(ToOwned::to_owned).to_vec();
        let rows = plans
            .iter()
            .map(|plan| row([plan.name, plan.does, plan.needs]));
        let mut text = String::new();
        grid(
            std::iter::once(row(["drill", "does", "needs"]))
                .chain(rows)
                .collect(),
            &mut text,
        );
        text + &format!(
            "Each takes {} s at most and disturbs {}.\n",
            plans[0].at_most_s,
            sandgate_drill::DISTURBS
        )
    });
}

/// Says what the drill will do, and asks.
fn agreed(drill: Rehearsed, asked: &Drill, loaded: &Loaded) -> bool {
    let plan = drill.plan();
    let reached = reached(&loaded.config);
    let reached = match reached.is_empty() {
        true => String::new(),
        false => format!("\nReal in it: {}.", reached.join(", ")),
    };
    let mut stderr = std::io::stderr();
    let stdin = std::io::stdin();
    let said = writeln!(
        stderr,
        "Drill {}: {}.\nIt starts a second gateway in this process, on loopback, by {}, with a stand-in in the place of every server. \
         It takes {} s at most, and disturbs {}. The running gateway records it.{reached}",
        plan.name,
        plan.does,
        asked.reached.configured.config.display(),
        plan.at_most_s,
        sandgate_drill::DISTURBS
    );
    if said.is_err() {
        return false;
    }
    if !stdin.is_terminal() {
        complain("nobody can be asked here: --yes begins it");
        return false;
    }
    let mut answer = String::new();
    let _ = write!(stderr, "Begin? [y/N] ");
    stdin.lock().read_line(&mut answer).is_ok() && ["y", "yes"].contains(&answer.trim())
}

fn rehearse(drill: Rehearsed, asked: &Drill, loaded: &Loaded) -> Result<Report, DrillError> {
    let wanted = Wanted {
        server: asked.server.clone(),
        client: asked.client.clone(),
        read: asked.read.clone(),
        send: asked.send.clone(),
        keep: asked.keep.clone(),
    };
    let runtime = runtime(None)?;
    let report = runtime.block_on(async {
        let told = CancellationToken::new();
        let signals = tokio::spawn(until_told(told.clone()));
        let report = Box::pin(drill.rehearse(loaded, &wanted, told)).await;
        signals.abort();
        report
    });
    runtime.shutdown_background();
    report
}

/// Prints the report, and writes it where it is wanted.
fn tell(asked: &Drill, file: Option<ReportFile>, report: &Report) -> ExitCode {
    show(asked.json, report, || report.markdown());
    if let Some(Err(error)) = file.map(|file| file.write(report)) {
        return not_done(&format!("--report: {error}"));
    }
    match report.is_as_expected() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}

fn not_done(why: &str) -> ExitCode {
    complain(why);
    ExitCode::from(NOT_DONE)
}

/// The running gateway's word that it has recorded the drill, where one runs.
struct Lease {
    /// The gateway and the drill's number there. The error: nobody records it.
    kept: Result<(Located, u64), String>,
}

impl Lease {
    /// # Errors
    ///
    /// The gateway refuses.
    fn begin(asked: &Drill, drill: Rehearsed) -> Result<Self, String> {
        let plan = drill.plan();
        let begin = Ask::DrillBegin {
            name: plan.name.to_owned(),
            for_ms: plan.at_most_s * 1000 + ENDING_MS,
        };
        let located = match asked.reached.locate(&Environment::of_process()) {
            Ok(located) => located,
            Err(why) => {
                return Ok(Self {
                    kept: Err(why.to_string()),
                });
            }
        };
        let told = match located.socket() {
            Ok(socket) => admin::ask::<DrillLease>(socket, begin),
            Err(why) => {
                return Ok(Self {
                    kept: Err(why.to_string()),
                });
            }
        };
        match told {
            Ok(lease) => Ok(Self {
                kept: Ok((located, lease.id)),
            }),
            Err(error @ AskError::NotRunning { .. }) => Ok(Self {
                kept: Err(error.to_string()),
            }),
            Err(error) => Err(error.to_string()),
        }
    }

    /// Tells the gateway that the drill has ended. The error is why it has not recorded it.
    fn end(self, outcome: &str) -> Result<(), String> {
        let (located, id) = self.kept?;
        let end = Ask::DrillEnd {
            id,
            outcome: outcome.to_owned(),
        };
        let socket = located.socket().map_err(|error| error.to_string())?;
        let told = admin::ask::<DrillLease>(socket, end);
        told.map(drop).map_err(|error| error.to_string())
    }
}
