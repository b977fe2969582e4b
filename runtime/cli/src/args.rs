//! The command line.

use clap::{Parser, Subcommand, ValueEnum};
use sandgate_telemetry::logging;

use crate::add::Add;
use crate::alerts::Alerts;
use crate::audit::Audit;
use crate::call::Call;
use crate::catalog::Catalog;
use crate::check::Check;
use crate::completions::Completions;
use crate::console::Console;
#[cfg(feature = "demo")]
use crate::demo::Demo;
use crate::drill::Drill;
use crate::egress::Egress;
use crate::import::Import;
use crate::init::Init;
use crate::install::Install;
use crate::lock::LockPackages;
use crate::manual::Manual;
use crate::pins::Pins;
use crate::plugin::Plugin;
use crate::promote::Promote;
use crate::reload::Reload;
use crate::replay::Replay;
use crate::rotate::Rotate;
use crate::run::Run;
use crate::secret::Secret;
use crate::status::Status;
use crate::stop::{Resume, Stop, Stops};
use crate::token::Token;
use crate::why::Why;

/// An MCP gateway whose every policy is a sandboxed WebAssembly component.
#[derive(Clone, Debug, Parser)]
#[command(
    name = "sandgate",
    version,
    arg_required_else_help = true,
    max_term_width = 100
)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub verb: Verb,
    /// What the gateway's own log shows: error, warn, info, debug, trace, or filters such as `info,sandgate_host=debug`
    /// [default: info; of the demo: warn]
    #[arg(long, global = true, value_name = "LEVEL")]
    pub log_level: Option<String>,
    /// How it is written, to stderr
    #[arg(
        long,
        global = true,
        value_enum,
        value_name = "FORMAT",
        default_value_t
    )]
    pub log_format: LogFormat,
}

/// What to do.
#[derive(Clone, Debug, Subcommand)]
pub enum Verb {
    /// Serve the configured servers through the configured interceptors, until told to stop
    Run(Run),
    /// Check the configuration and every plugin in it, print the pipeline, and serve nothing [exit code 2: it cannot be
    /// used, 1: with --strict, something in it is doubtful]
    Check(Check),
    /// Show how the running gateway is: what is in force, its interceptors, servers and calls
    Status(Status),
    /// Have the running gateway read its configuration and plugins anew, now
    Reload(Reload),
    /// Stop a server, client, tool or plugin of the running gateway, from the next call on [exit code 1: it is not stopped,
    /// or not as it should be]
    Stop(Stop),
    /// Lift a stop
    Resume(Resume),
    /// Show what is stopped, since when and why
    Stops(Stops),
    /// Put another key of a client or of the call log, or another value of a secret in force, on the record [exit code 1: the
    /// value is the same as before, 2: nothing is changed]
    #[command(subcommand)]
    Rotate(Rotate),
    /// Show what wakes somebody: the rules of [[alerts]], what lasts, and how messages fare [exit code 1: a test was not
    /// taken]
    Alerts(Alerts),
    /// Rehearse an attack or an operator's deed before a stand-in server, and report what was stopped, noticed and not
    /// seen; `list` shows the drills [exit code 1: something passed unseen, 2: it could not be done]
    Drill(Drill),
    /// Print a link into the console of the running gateway: its pages in a browser, good once, for a minute
    Console(Console),
    /// Tell the story of one call: who asked, what each interceptor decided, what was sent and what came back
    Why(Why),
    /// Show what a contained server reached, what it was refused and why, and the list that it needed
    Egress(Egress),
    /// Call a tool through the running gateway, as a client would [exit code 1: it answers with an error]
    Call(Call),
    /// Run recorded calls through a configuration, or through two, and show where decisions differ: no server is started
    Replay(Replay),
    /// Put an interceptor's candidate in its place, in the configuration's file and in the running gateway [exit code
    /// 1: not promoted, 2: there is nothing that could be]
    Promote(Promote),
    /// Write a configuration to begin with, in which every builtin policy has its place
    Init(Init),
    /// Turn the file in which an MCP client lists its servers into a configuration
    Import(Import),
    /// Look through lists of servers that others keep [exit code 2: not done]
    #[command(subcommand)]
    Catalog(Catalog),
    /// Add a server from a catalog: contained, pinned, its secrets as references [exit code 2: nothing was written]
    Add(Add),
    /// Lock the packages of servers, and plugins, in sandgate.lock; install the packages; show what differs
    Lock(LockPackages),
    /// Install the packages that sandgate.lock has, ahead of a start
    Install(Install),
    /// Approve tools as they are, so that the policy tool-pins notices when one changes
    #[command(subcommand)]
    Pins(Pins),
    /// Prove what the call log says: keys, verification, formats of other systems
    #[command(subcommand)]
    Audit(Audit),
    /// Show real calls passing real policies, with a server and a client that come along
    #[cfg(feature = "demo")]
    Demo(Demo),
    /// Make plugins, and look at them
    #[command(subcommand)]
    Plugin(Plugin),
    /// Keep values for servers in an encrypted file [exit code 1: not done]
    #[command(subcommand)]
    Secret(Secret),
    /// Make a token for a client, and print what the configuration needs to know it
    Token(Token),
    /// Print the JSON Schema of the configuration
    Schema,
    /// Print a script that completes this program's words, for your shell to load
    Completions(Completions),
    /// Write the manual pages into a directory
    Manual(Manual),
}

impl Verb {
    /// Whether a gateway serves in this process.
    pub fn serves(&self) -> bool {
        match self {
            Self::Run(_) => true,
            #[cfg(feature = "demo")]
            Self::Demo(_) => true,
            _ => false,
        }
    }
}

/// How the gateway's own log is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people
    #[default]
    Text,
    /// One JSON object a line
    Json,
}

impl From<LogFormat> for logging::LogFormat {
    fn from(format: LogFormat) -> Self {
        match format {
            LogFormat::Text => Self::Text,
            LogFormat::Json => Self::Json,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use clap::CommandFactory;

    use super::*;
    use std::path::PathBuf;

    fn parse(line: &str) -> Result<Arguments, clap::Error> {
        Arguments::try_parse_from(line.split_whitespace())
    }

    #[test]
    fn the_command_line_is_sound() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn run_takes_the_file_here_unless_told_otherwise() {
        let Verb::Run(run) = parse("sandgate run").unwrap().verb else {
            panic!()
        };
        assert_eq!(run.configured.config, PathBuf::from("sandgate.toml"));
        let Verb::Run(run) = parse("sandgate run -c a.toml --listen [::1]:0")
            .unwrap()
            .verb
        else {
            panic!()
        };
        assert_eq!(
            (run.configured.config, run.listen),
            ("a.toml".into(), Some("[::1]:0".parse().unwrap()))
        );
        let Verb::Run(run) = parse("sandgate run --stdio --server time --log-format json")
            .unwrap()
            .verb
        else {
            panic!()
        };
        assert_eq!((run.stdio, run.server.as_deref()), (true, Some("time")));
    }

    #[test]
    fn what_makes_no_sense_together_is_refused() {
        for line in [
            "sandgate",
            "sandgate run --server time",
            "sandgate run --client ada",
            "sandgate run --stdio --listen 127.0.0.1:1",
            "sandgate run --listen here",
            "sandgate plugin",
            "sandgate run --record-share 10%",
            "sandgate run --record d --record-share 0%",
            "sandgate run --record d --record-max 10",
            "sandgate replay",
            "sandgate replay d --fixture 1",
            "sandgate replay d --to x.toml",
            "sandgate serve",
        ] {
            assert!(parse(line).is_err(), "{line}");
        }
    }

    #[test]
    fn a_share_is_a_percentage() {
        let share = |line: &str| match parse(line).unwrap().verb {
            Verb::Run(run) => (run.record.record_share, run.record.record_max.0),
            _ => panic!(),
        };
        assert_eq!(share("sandgate run --record d"), (10_000, 256 << 20));
        let line = "sandgate run --record d --record-share 2.5% --record-max 1GiB";
        assert_eq!(share(line), (250, 1 << 30));
    }

    #[test]
    fn inspect_and_demo_take_their_switches() {
        let Verb::Plugin(Plugin::Inspect(inspect)) =
            parse("sandgate plugin inspect a.wasm --json").unwrap().verb
        else {
            panic!()
        };
        assert_eq!((inspect.plugin.as_str(), inspect.json), ("a.wasm", true));
        let Verb::Demo(demo) = parse("sandgate --log-level debug demo --serve")
            .unwrap()
            .verb
        else {
            panic!()
        };
        assert!(demo.serve);
    }
}
