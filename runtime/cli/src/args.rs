//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
#[cfg(feature = "authoring")]
use sandgate_authoring::args::{Author, RecordedFixture};
use sandgate_config::{Environment, Size};
use sandgate_daemon::operator::{Operator, Unknown};
use sandgate_telemetry::logging;
use serde::Deserialize;
use serde::de::IntoDeserializer;

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
    /// Tell the story of one call: who asked, what each interceptor decided, what was sent and what came back
    Why(Why),
    /// Run recorded calls through a configuration, or through two, and show where decisions differ: no server is started
    Replay(Replay),
    /// Put an interceptor's candidate in its place, in the configuration's file and in the running gateway [exit code
    /// 1: not promoted, 2: there is nothing that could be]
    Promote(Promote),
    /// Turn the file in which an MCP client lists its servers into a configuration
    Import(Import),
    /// Show real calls passing real policies, with a server and a client that come along
    #[cfg(feature = "demo")]
    Demo(Demo),
    /// Make plugins, and look at them
    #[command(subcommand)]
    Plugin(Plugin),
    /// Make a token for a client, and print what the configuration needs to know it
    Token(Token),
    /// Print the JSON Schema of the configuration
    Schema,
    /// Print a script that completes this program's words, for your shell to load
    Completions(Completions),
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

/// The configuration to use.
#[derive(Clone, Debug, Args)]
pub struct Configured {
    /// The configuration file
    #[arg(short, long, value_name = "FILE", default_value = "sandgate.toml")]
    pub config: PathBuf,
}

/// The running gateway to ask.
#[derive(Clone, Debug, Args)]
pub struct Reached {
    /// The configuration that it runs with.
    #[command(flatten)]
    pub configured: Configured,
    /// Its admin socket [default: where the configuration says]
    #[arg(long, value_name = "PATH")]
    pub admin: Option<PathBuf>,
}

impl Reached {
    /// Finds the gateway.
    ///
    /// # Errors
    /// Neither its configuration nor its socket says where it is.
    pub fn operator(&self, environment: &Environment) -> Result<Operator, Unknown> {
        Operator::of(&self.configured.config, self.admin.as_deref(), environment)
    }
}

/// `sandgate check`.
#[derive(Clone, Debug, Args)]
pub struct Check {
    /// The configuration to check.
    #[command(flatten)]
    pub configured: Configured,
    /// Exit with 1 where something is doubtful, too
    #[arg(long)]
    pub strict: bool,
    /// What is wrong and what is doubtful, as JSON
    #[arg(long)]
    pub json: bool,
}

/// `sandgate status`.
#[derive(Clone, Debug, Args)]
pub struct Status {
    /// The running gateway to ask.
    #[command(flatten)]
    pub reached: Reached,
    /// As JSON
    #[arg(long)]
    pub json: bool,
}

/// `sandgate reload`.
#[derive(Clone, Debug, Args)]
pub struct Reload {
    /// The running gateway to ask.
    #[command(flatten)]
    pub reached: Reached,
    /// As JSON
    #[arg(long)]
    pub json: bool,
}

/// `sandgate why`.
#[derive(Clone, Debug, Args)]
pub struct Why {
    /// The call's id, or the beginning of it; a refusal names its own as `callId`
    #[arg(
        value_name = "CALL-ID",
        required_unless_present = "last",
        conflicts_with = "last"
    )]
    pub call: Option<String>,
    /// The last call that ended
    #[arg(long)]
    pub last: bool,
    /// Look in this call log alone [default: the running gateway, then the configuration's call log]
    #[arg(long, value_name = "FILE")]
    pub log: Option<PathBuf>,
    /// The running gateway to ask.
    #[command(flatten)]
    pub reached: Reached,
    /// The call's records, as JSON
    #[arg(long)]
    pub json: bool,
}

/// `sandgate promote`.
#[derive(Clone, Debug, Args)]
pub struct Promote {
    /// The interceptor
    #[arg(value_name = "NAME")]
    pub name: String,
    /// The running gateway to ask.
    #[command(flatten)]
    pub reached: Reached,
    /// Show how the candidate did and what would change in the file, and change nothing
    #[arg(long, conflicts_with = "yes")]
    pub dry_run: bool,
    /// Ask nothing, whatever speaks against it
    #[arg(short, long)]
    pub yes: bool,
}

/// `sandgate import`.
#[derive(Clone, Debug, Args)]
pub struct Import {
    /// Files of MCP clients: claude_desktop_config.json, .mcp.json, .cursor/mcp.json, .vscode/mcp.json and the like
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
    /// Write the configuration here instead of to stdout
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Write over a file that is there
    #[arg(long, requires = "output")]
    pub force: bool,
    /// Print what the clients' own files should say, so that their calls go through the gateway; the configuration is
    /// printed only where --output says so
    #[arg(long)]
    pub client_config: bool,
}

/// `sandgate completions`.
#[derive(Clone, Copy, Debug, Args)]
pub struct Completions {
    /// The shell
    #[arg(value_enum, value_name = "SHELL")]
    pub shell: clap_complete::Shell,
}

/// `sandgate run`.
#[derive(Clone, Debug, Args)]
pub struct Run {
    /// The configuration to use.
    #[command(flatten)]
    pub configured: Configured,
    /// Serve one client on stdin and stdout instead of HTTP
    #[arg(long, conflicts_with = "listen")]
    pub stdio: bool,
    /// With --stdio: this server alone, its tools under their own names
    #[arg(long, value_name = "NAME", requires = "stdio")]
    pub server: Option<String>,
    /// With --stdio: the client that it is, by its name in [clients]; it needs no key
    #[arg(long, value_name = "NAME", requires = "stdio")]
    pub client: Option<String>,
    /// Listen here instead of where the configuration says
    #[arg(long, value_name = "ADDR")]
    pub listen: Option<SocketAddr>,
    /// What to record.
    #[command(flatten)]
    pub record: RecordCalls,
}

/// What `sandgate run` records.
#[derive(Clone, Debug, Args)]
pub struct RecordCalls {
    /// Record calls there, for `sandgate replay`; what policies find in them is replaced by surrogates. What no policy
    /// finds is recorded as it is
    #[arg(long, value_name = "DIR")]
    pub record: Option<PathBuf>,
    /// Of all calls, record so many
    #[arg(long, value_name = "PERCENT", default_value = "100%", value_parser = share, requires = "record")]
    pub record_share: u16,
    /// When so much is recorded, drop the oldest
    #[arg(long, value_name = "SIZE", default_value = "256MiB", value_parser = size, requires = "record")]
    pub record_max: Size,
    /// Record calls as they come, encrypted to this public key of age
    #[arg(long, value_name = "age1…", requires = "record")]
    pub record_raw_to: Option<String>,
}

/// Of 10,000.
fn share(text: &str) -> Result<u16, String> {
    let percent = text
        .strip_suffix('%')
        .and_then(|number| number.parse::<f64>().ok());
    match percent {
        Some(percent) if percent > 0.0 && percent <= 100.0 => {
            // At least one in ten thousand, and no more than all.
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
            Ok(((percent * 100.0).round() as u16).max(1))
        }
        _ => Err("write a share such as 10% or 0.5%, more than 0% and at most 100%".into()),
    }
}

fn size(text: &str) -> Result<Size, String> {
    let read =
        Size::deserialize(IntoDeserializer::<serde::de::value::Error>::into_deserializer(text));
    read.map_err(|error| error.to_string())
}

/// `sandgate replay`.
#[derive(Clone, Debug, Args)]
pub struct Replay {
    /// The recording
    #[arg(value_name = "DIR")]
    pub folder: PathBuf,
    /// The configuration to run it through.
    #[command(flatten)]
    pub configured: Configured,
    /// Compare with what this configuration decides [default: with what was decided live]
    #[arg(long, value_name = "FILE")]
    pub against: Option<PathBuf>,
    /// The file with the secret key of age to which it was recorded
    #[arg(long, value_name = "FILE")]
    pub identity: Option<PathBuf>,
    /// Compare what interceptors noticed, too
    #[arg(long)]
    pub findings: bool,
    /// Exit with 1 where a decision differs
    #[arg(long)]
    pub fail_on_difference: bool,
    /// As JSON
    #[arg(long)]
    pub json: bool,
    /// The call to write as a fixture.
    #[cfg(feature = "authoring")]
    #[command(flatten)]
    pub fixture: RecordedFixture,
}

/// `sandgate token`.
#[derive(Clone, Debug, Args)]
pub struct Token {
    /// The client's name
    #[arg(value_name = "NAME", default_value = "NAME")]
    pub client: String,
}

/// `sandgate demo`.
#[cfg(feature = "demo")]
#[derive(Clone, Copy, Debug, Args)]
pub struct Demo {
    /// Keep the gateway up afterwards, and print how to connect a client
    #[arg(long)]
    pub serve: bool,
}

/// `sandgate plugin`.
#[derive(Clone, Debug, Subcommand)]
pub enum Plugin {
    /// What an author of plugins needs.
    #[cfg(feature = "authoring")]
    #[command(flatten)]
    Author(Author),
    /// Show what a plugin is and asks for, without running it
    Inspect(Inspect),
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
