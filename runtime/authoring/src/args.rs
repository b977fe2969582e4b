//! The command line of `sandgate plugin`, for authors.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

/// How long runs may take.
#[derive(Clone, Copy, Debug, Args)]
pub struct RunTime {
    /// Allow a run this many times the plugin's timeout, on a slow machine
    #[arg(long, value_name = "N", env = "SANDGATE_TIME_FACTOR", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub time_factor: u32,
}

/// A language, on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LanguageName {
    /// Rust
    #[value(alias = "rs")]
    Rust,
    /// Python
    #[value(alias = "py")]
    Python,
    /// TypeScript or JavaScript
    #[value(aliases = ["typescript", "js", "javascript"])]
    Ts,
    /// Go
    #[value(alias = "golang")]
    Go,
    /// C
    C,
}

/// What `sandgate plugin` does for authors.
#[derive(Clone, Debug, Subcommand)]
pub enum Author {
    /// Make a small, complete project that builds and passes its tests at once
    New(NewPlugin),
    /// Put the SDK that this program brings in the place of the one in a project; the author's files stay as they are
    Upgrade(UpgradePlugin),
    /// Build the plugin in a folder to one file for an operator, and check it
    Build(Build),
    /// Run one hook of a plugin and show everything that comes of it [exit code 10: refused, 20: the plugin failed]
    Run(RunPlugin),
    /// Build a plugin and run its fixtures, without a gateway
    Test(TestPlugin),
    /// Build, test and reload a plugin at every save, until Ctrl-C
    Dev(DevPlugin),
    /// One build of `dev`, in a process that it can end
    #[command(hide = true)]
    Compile(CompilePlugin),
    /// Measure what runs of a plugin cost on this machine
    Bench(BenchPlugin),
    /// Count what a plugin finds, misses and flags wrongly in labelled data
    Eval(EvalPlugin),
    /// Write a plugin's page in Markdown, from what it says of itself
    Doc(DocPlugin),
}

/// `sandgate plugin new`.
#[derive(Clone, Debug, Args)]
pub struct NewPlugin {
    /// Its name and folder: lower-case letters, digits and hyphens
    #[arg(value_name = "NAME")]
    pub name: String,
    /// What it is to be written in
    #[arg(long, value_enum, value_name = "LANGUAGE")]
    pub lang: LanguageName,
    /// Which hooks it has
    #[arg(long, value_enum, value_name = "HOOK", default_value = "both")]
    pub hook: NewHooks,
    /// A call of a recording becomes fixtures of the project: the folder and the call's id, whose beginning is enough
    #[arg(long, value_name = "DIR/CALL-ID")]
    pub from_recording: Option<PathBuf>,
    /// With --from-recording: the age identity of a recording that is encrypted
    #[arg(long, value_name = "FILE", requires = "from_recording")]
    pub identity: Option<PathBuf>,
}

/// The hooks of a new plugin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum NewHooks {
    /// Before a request goes on
    Pre,
    /// On the reply
    Post,
    /// Both
    Both,
}

/// `sandgate plugin upgrade`.
#[derive(Clone, Debug, Args)]
pub struct UpgradePlugin {
    /// The plugin's folder, with its plugin.toml
    #[arg(value_name = "DIR", default_value = ".")]
    pub folder: PathBuf,
    /// Its language, where the folder does not show it
    #[arg(long, value_enum, value_name = "LANGUAGE")]
    pub lang: Option<LanguageName>,
    /// Show what would change, and write nothing
    #[arg(long)]
    pub dry_run: bool,
}

/// `sandgate plugin build`.
#[derive(Clone, Debug, Args)]
pub struct Build {
    /// The plugin's folder, with its plugin.toml
    #[arg(value_name = "DIR", default_value = ".")]
    pub folder: PathBuf,
    /// Its language, where the folder does not show it
    #[arg(long, value_enum, value_name = "LANGUAGE")]
    pub lang: Option<LanguageName>,
    /// As JSON
    #[arg(long)]
    pub json: bool,
}

/// `sandgate plugin run`.
#[derive(Clone, Debug, Args)]
pub struct RunPlugin {
    /// The component file, or `builtin:NAME`
    #[arg(value_name = "FILE")]
    pub plugin: String,
    /// Which hook; may be left out where the plugin has one
    #[arg(long, value_enum, value_name = "HOOK")]
    pub hook: Option<HookName>,
    /// The MCP method [default: the first that the hook asks for]
    #[arg(long, value_name = "METHOD")]
    pub event: Option<String>,
    /// The request's params: JSON, @FILE, or - for stdin
    #[arg(long, value_name = "JSON")]
    pub params: Option<String>,
    /// The reply, for a post-call: JSON, @FILE, or - for stdin
    #[arg(long, value_name = "JSON")]
    pub reply: Option<String>,
    /// The reply is an error object
    #[arg(long, requires = "reply")]
    pub failed: bool,
    /// The note that the pre-call left
    #[arg(long, value_name = "TEXT")]
    pub carried: Option<String>,
    /// The plugin's settings: JSON, @FILE, or - for stdin
    #[arg(long, value_name = "JSON")]
    pub settings: Option<String>,
    /// A part of the context: server, target, principal, groups (with commas), …; may be repeated
    #[arg(long, value_name = "KEY=VALUE")]
    pub context: Vec<String>,
    /// The run of this fixture, in the world that it describes
    #[arg(long, value_name = "FILE", conflicts_with_all = ["hook", "event", "params", "reply", "failed", "carried", "settings", "context"])]
    pub fixture: Option<PathBuf>,
    /// How long runs may take
    #[command(flatten)]
    pub time: RunTime,
    /// As JSON
    #[arg(long)]
    pub json: bool,
}

/// A hook, on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum HookName {
    /// Before a request goes on
    PreCall,
    /// On the reply
    PostCall,
}

/// `sandgate plugin test`.
#[derive(Clone, Debug, Args)]
pub struct TestPlugin {
    /// The plugin's folder, with its plugin.toml and fixtures/ [default: .], then names of fixtures [default: all];
    /// a name may be a pattern such as 'masks-*'
    #[arg(value_name = "DIR] [NAME")]
    pub targets: Vec<String>,
    /// Its language, where the folder does not show it
    #[arg(long, value_enum, value_name = "LANGUAGE")]
    pub lang: Option<LanguageName>,
    /// Fixtures elsewhere
    #[arg(long, value_name = "DIR")]
    pub fixtures: Option<PathBuf>,
    /// Build for operators first, as `build` does; without it, the plugin is built as quickly as `dev` does
    #[arg(long, conflicts_with = "no_build")]
    pub release: bool,
    /// Test what `build` or `dev` made
    #[arg(long)]
    pub no_build: bool,
    /// Test this component
    #[arg(long, value_name = "FILE", conflicts_with_all = ["no_build", "release", "lang"])]
    pub plugin: Option<String>,
    /// Write what came of each fixture into it, as what is expected from now on
    #[arg(long)]
    pub bless: bool,
    /// Write the results there, in JUnit's XML
    #[arg(long, value_name = "FILE")]
    pub junit: Option<PathBuf>,
    /// Run the project's own tests instead of its fixtures, and show which lines they ran
    #[arg(long, conflicts_with_all = ["fixtures", "release", "no_build", "plugin", "bless", "junit"])]
    pub coverage: bool,
    /// As JSON
    #[arg(long)]
    pub json: bool,
    /// How long runs may take
    #[command(flatten)]
    pub time: RunTime,
}

/// `sandgate plugin dev`.
#[derive(Clone, Debug, Args)]
pub struct DevPlugin {
    /// The plugin's folder, with its plugin.toml and fixtures/
    #[arg(value_name = "DIR", default_value = ".")]
    pub folder: PathBuf,
    /// Its language, where the folder does not show it
    #[arg(long, value_enum, value_name = "LANGUAGE")]
    pub lang: Option<LanguageName>,
    /// The gateway that runs on this configuration gets each version that passes
    #[arg(long, value_name = "CONFIG")]
    pub gateway: Option<PathBuf>,
    /// A gateway of its own, before this server: `demo`, which comes along, or one of DIR/sandgate.toml. Where there is no
    /// such file, it is written
    #[arg(long, value_name = "NAME", conflicts_with = "gateway")]
    pub server: Option<String>,
    /// How long runs may take
    #[command(flatten)]
    pub time: RunTime,
}

/// `sandgate plugin compile`.
#[derive(Clone, Debug, Args)]
pub struct CompilePlugin {
    /// The plugin's folder
    #[arg(value_name = "DIR")]
    pub folder: PathBuf,
    /// Its language, where the folder does not show it
    #[arg(long, value_enum, value_name = "LANGUAGE")]
    pub lang: Option<LanguageName>,
    /// Where the component goes
    #[arg(long, value_name = "FILE")]
    pub into: PathBuf,
}

/// `sandgate plugin bench`.
#[derive(Clone, Debug, Args)]
pub struct BenchPlugin {
    /// The component file, or `builtin:NAME`
    #[arg(value_name = "FILE")]
    pub plugin: String,
    /// The run of this fixture, instead of documents of several sizes
    #[arg(long, value_name = "FILE")]
    pub fixture: Option<PathBuf>,
    /// The plugin's settings: JSON, @FILE, or - for stdin
    #[arg(long, value_name = "JSON", conflicts_with = "fixture")]
    pub settings: Option<String>,
    /// As JSON
    #[arg(long)]
    pub json: bool,
}

/// `sandgate plugin eval`.
#[derive(Clone, Debug, Args)]
pub struct EvalPlugin {
    /// The component file, or `builtin:NAME`
    #[arg(value_name = "FILE")]
    pub plugin: String,
    /// Labelled data: a JSON object a line, {"label": …, "kind": …, "text": …}. May be given several times
    #[arg(long, value_name = "FILE.jsonl", required = true)]
    pub corpus: Vec<PathBuf>,
    /// The plugin's settings
    #[arg(long, value_name = "JSON")]
    pub settings: Option<String>,
    /// Where the texts are put, instead of where their kinds live
    #[arg(long, value_enum, value_name = "PLACE")]
    pub place: Option<Place>,
    /// Show each row that is missed or flagged wrongly
    #[arg(long)]
    pub misses: bool,
    /// As JSON
    #[arg(long)]
    pub json: bool,
}

/// Where the text of a row is put.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Place {
    /// In the result of a tool
    Result,
    /// In an argument of a tool
    Argument,
    /// It is calls of tools
    Calls,
    /// It is the definition of a tool
    Definition,
    /// It is a definition before and after a change
    Change,
    /// It is the name of a tool, in a list with the names it may imitate
    Names,
    /// It is the tools of one conversation, in order
    Sequence,
}

/// `sandgate plugin doc`.
#[derive(Clone, Debug, Args)]
pub struct DocPlugin {
    /// The component file, or `builtin:NAME`
    #[arg(value_name = "FILE")]
    pub plugin: String,
    /// As JSON: everything that the plugin says of itself
    #[arg(long)]
    pub json: bool,
}

/// The recorded call that `sandgate replay` writes as a fixture.
#[derive(Clone, Debug, Args)]
pub struct RecordedFixture {
    /// Write the call of this id as a fixture for `sandgate plugin test`; the beginning of the id is enough
    #[arg(long, value_name = "CALL-ID", requires_all = ["interceptor", "to"], conflicts_with_all = ["against", "json", "findings", "fail_on_difference"])]
    pub fixture: Option<String>,
    /// With --fixture: what this interceptor met
    #[arg(long, value_name = "NAME", requires = "fixture")]
    pub interceptor: Option<String>,
    /// With --fixture: at this hook [default: where it did something]
    #[arg(long, value_enum, value_name = "HOOK", requires = "fixture")]
    pub hook: Option<HookName>,
    /// With --fixture: the file to write; must not be there
    #[arg(long, value_name = "FILE", requires = "fixture")]
    pub to: Option<PathBuf>,
}
