//! The configuration: one TOML file, read strictly. All errors are reported at once, each with its place and a remedy.
//!
//! This crate knows what can be written, not what becomes of it: no server is started and no plugin is loaded here.
#![allow(
    clippy::result_large_err,
    reason = "a report of what is wrong is made once, at a start or reload"
)]

mod alert;
mod amount;
mod argument;
mod audit;
mod authorization;
mod authorization_rules;
mod call_log;
mod candidate;
mod catalog;
mod client;
mod client_rules;
mod condition;
mod console;
mod contain;
mod contain_rules;
mod contained;
mod egress;
mod exposure;
mod files;
mod fill_in;
mod gateway;
mod grants;
mod image;
mod interceptor;
mod interceptor_rules;
mod issue;
mod known_scalars;
mod package;
mod pattern;
mod plugin_source;
mod replace;
mod resolved;
mod rule;
mod rules;
mod scalar;
pub mod schema;
mod secret;
mod secret_rules;
mod server;
mod server_name;
mod server_rules;
mod server_secret;
mod settings;
mod settings_issue;
mod signed_by;
mod source;
mod syntax_issues;
mod telemetry;
pub mod tree;
mod url;
mod validate;
mod variable;
mod view;
mod wording;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use alert::{Alert, AlertKind, AlertTo, Receiver, Syslog, SyslogHost};
pub use amount::{Period, Size};
pub use argument::argument_content;
pub use audit::{Anchor, Audit};
pub use authorization::{
    Authorization, Introspection, Issuer, IssuerUrl, JsonPointer, Scopes, TokenAlgorithm, TokenType,
};
pub use call_log::{
    CallLog, CallLogSink, Destination, OnFailure, ResolvedSink, SinkFormat, SinkTarget,
};
pub use candidate::{Candidate, Share};
pub use catalog::{Catalog, CatalogEntry, CatalogSource};
pub use client::{Client, PreviousKey, TokenHash};
pub use condition::ConditionName;
pub use console::Console;
pub use contain::{Contain, Containing, Containment, Mount, ServerNetwork};
pub use egress::{Egress, EgressHost, EgressTable, Moment};
pub use files::{FileError, Files};
pub use fill_in::fill_in;
pub use gateway::{
    AdminSocket, Gateway, HostName, KnownMethod, Limits, Listen, MergedEra, Origin, PublicUrl, Tls,
};
pub use grants::{Access, DirGrant, Grants, GuestPath, HttpHost};
pub use image::Image;
pub use interceptor::Interceptor;
pub use issue::{DescribedIssue, Issue, IssueDetails, Report, Severity};
pub use package::{Ecosystem, Package};
pub use pattern::Pattern;
pub use plugin_source::{Digest, PluginSource};
pub use resolved::{Resolved, ResolvedInterceptor, ResolvedServer};
pub use scalar::{Mistake, Scalar};
pub use secret::{Environment, FetchError, Secret, SecretRef, Sources, ValueOrRef};
pub use server::{Exchange, Server, Sharing, is_loopback};
pub use server_secret::{AgeEntry, Give, InjectHost, ServerSecret, VaultKey};
pub use settings::{ResolvedSettings, Settings, share_a_piece};
pub use signed_by::{SignedBy, SignerIdentity};
pub use source::{Position, Side, Source, SyntaxError};
pub use telemetry::{Collector, Signal, Telemetry};
pub use url::Url;
pub use validate::validate;
pub use variable::is_plain_variable;
pub use view::{Target, TargetKind, View};

/// A whole configuration file.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(title = "Configuration of Sandgate")]
pub struct Config {
    /// The gateway itself.
    pub gateway: Gateway,
    /// The record of each call.
    pub call_log: CallLog,
    /// Proof of what the call log says. Left out: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audit: Option<Audit>,
    /// Metrics and traces.
    pub telemetry: Telemetry,
    /// What wakes somebody, and how.
    pub alerts: Vec<Alert>,
    /// The gateway in a browser. Left out: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub console: Option<Console>,
    /// Who may call, by name. None, and no `[authorization]`: anybody who reaches the gateway, which then listens on
    /// loopback only.
    pub clients: BTreeMap<String, Client>,
    /// Clients that come with tokens of the organisation's own issuers. Left out: no token is looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authorization: Option<Authorization>,
    /// Who sees and may use what, by name. None: every client sees everything.
    pub views: BTreeMap<String, View>,
    /// What stands behind the gateway, by name. A name is letters, digits, `-` and single `_`; on the merged endpoint
    /// tools are called `NAME__tool`.
    pub servers: BTreeMap<String, Server>,
    /// Which catalogs servers may come from.
    pub catalog: Catalog,
    /// Lists of servers that others keep, by name: `sandgate catalog` writes them, `sandgate add` takes servers from them.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub catalogs: BTreeMap<String, CatalogSource>,
    /// The pipeline: requests pass it in this order, replies the other way.
    pub interceptors: Vec<Interceptor>,
}

impl Config {
    /// Whether a plugin, or a candidate's, is of a registry.
    pub fn has_remote_plugins(&self) -> bool {
        self.interceptors.iter().any(|one| {
            let tried = one.candidate.as_ref().and_then(|one| one.plugin.as_ref());
            let all = [Some(&one.plugin), tried];
            all.into_iter()
                .flatten()
                .any(|plugin| matches!(plugin, PluginSource::Registry(_)))
        })
    }
}

/// A valid configuration, and the file that it came from.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The typed configuration.
    pub config: Config,
    /// The file as it was written.
    pub source: Arc<Source>,
    /// Opens the paths of the configuration.
    pub files: Files,
    /// Warnings about what is probably a mistake.
    pub warnings: Vec<Issue>,
}

/// The largest configuration file, in bytes. The file is written by hand: this is a bound, not a quota.
pub const LARGEST_FILE: u64 = 4 << 20;

impl Loaded {
    /// Reads and checks a file.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or it has errors. All errors are reported.
    pub fn read(path: &Path) -> Result<Self, Report> {
        let unreadable = |why: String| {
            let help = "give the file with --config FILE, or write one: `sandgate schema` prints what it may hold";
            Report::new(None, vec![Issue::error(None, why).help(help)])
        };
        let bytes = Files::in_folder(Path::new(""))
            .read(path, LARGEST_FILE)
            .map_err(|e| unreadable(e.to_string()))?;
        let text = String::from_utf8(bytes).map_err(|e| {
            unreadable(format!(
                "{} is not UTF-8 text (byte {})",
                path.display(),
                e.utf8_error().valid_up_to()
            ))
        })?;
        Self::parse(path, text)
    }

    /// Checks a text that came from `path`.
    ///
    /// # Errors
    ///
    /// The text has errors. All errors are reported.
    pub fn parse(path: &Path, text: String) -> Result<Self, Report> {
        let (source, syntax) = Source::parse(path, text);
        let source = Arc::new(source);
        if !syntax.is_empty() {
            let issues = source.syntax_issues(syntax);
            return Err(Report::new(Some(source), issues));
        }
        let mut issues = Vec::new();
        validate(&source, schema::value(), "the configuration", &mut issues);
        rules::check(&source, &mut issues);
        if issues.iter().any(|issue| issue.severity == Severity::Error) {
            return Err(Report::new(Some(source), issues));
        }
        // The shape was checked against the schema of these very types, so this succeeds. If the two ever differ, the
        // stricter one decides.
        match toml::from_str(source.text()) {
            Ok(config) => Ok(Self {
                config,
                files: Files::beside(path),
                warnings: issues,
                source,
            }),
            Err(error) => Err(Report::new(
                Some(source),
                vec![Issue::error(error.span(), error.message())],
            )),
        }
    }

    /// A report of these issues of the file.
    pub fn report(&self, issues: Vec<Issue>) -> Report {
        Report::new(Some(self.source.clone()), issues)
    }

    /// An error at a place of the file (RFC 6901, for example `/interceptors/0/digest`).
    pub fn error(&self, pointer: &str, side: Side, why: impl std::fmt::Display) -> Issue {
        Issue::error(
            self.source.locate(pointer, side),
            format!("{}: {why}", wording::named(pointer)),
        )
    }

    /// The destination of the call log.
    ///
    /// # Errors
    ///
    /// With `stdio`, stdout belongs to the client, so the log cannot go there.
    pub fn call_log_destination(&self, stdio: bool) -> Result<Destination, Report> {
        match (&self.config.call_log.to, stdio) {
            (None, false) => Ok(Destination::Stdout),
            (None, true) => Ok(Destination::Stderr),
            (Some(Destination::Stdout), true) => {
                let why = "with --stdio, stdout belongs to the client";
                let issue = self.error("/call-log/to", Side::Value, why);
                Err(self.report(vec![issue.help("write \"stderr\" or the path of a file")]))
            }
            (Some(to), _) => Ok(to.clone()),
        }
    }
}
