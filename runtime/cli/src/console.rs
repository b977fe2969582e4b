//! `sandgate console`: prints a link into the console of the running gateway; and what the console leaves to other verbs.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use sandgate_config::{Environment, Loaded};
use sandgate_console::{Desk, PinDifference, Promotion, Seen, SeenItem, SeenServer, Verified};
use sandgate_daemon::admin::Ask;
use sandgate_daemon::locate::Located;
use sandgate_daemon::operator::Invitation;
use serde_json::value::RawValue;
use tool_pins::change::Change;
use tool_pins::lock::{Fate, ToolDifference};

use crate::args::{Configured, Reached};
use crate::exit::{ask, fail, runtime, show};
use crate::promote::{self, Promote};
use crate::seen::{self, Viewer};
use crate::{audit, pins, why};

/// `sandgate console`.
#[derive(Clone, Debug, Args)]
pub struct Console {
    /// The running gateway to ask.
    #[command(flatten)]
    pub reached: Reached,
    /// A link for somebody who may only look
    #[arg(long)]
    pub read_only: bool,
    /// As JSON
    #[arg(long)]
    pub json: bool,
}

/// Asks the gateway for a link, and prints it.
pub fn carry_out(asked: &Console) -> ExitCode {
    let question = Ask::Console {
        read_only: asked.read_only,
    };
    match ask::<Invitation>(&asked.reached, question) {
        Ok(invitation) => {
            show(asked.json, &invitation, || {
                let Invitation {
                    url,
                    by_address,
                    seconds,
                } = &invitation;
                format!(
                    "{url}\n\nGood once, for {seconds} s. Where the browser does not find it: {by_address}\n"
                )
            });
            ExitCode::SUCCESS
        }
        Err(error) => fail(&*error),
    }
}

/// What verbs do, for the console of a gateway with this configuration.
pub(crate) struct Verbs {
    /// The configuration's file.
    pub(crate) config: PathBuf,
}

impl Verbs {
    fn reached(&self) -> Reached {
        Reached {
            configured: Configured {
                config: self.config.clone(),
            },
            admin: None,
        }
    }

    fn plan(&self, interceptor: &str) -> Result<promote::Plan, String> {
        let asked = Promote {
            name: interceptor.to_owned(),
            reached: self.reached(),
            dry_run: false,
            yes: true,
        };
        let runtime = runtime(None).map_err(|error| error.to_string())?;
        let planned = runtime.block_on(promote::plan(&asked, &Environment::of_process()));
        planned.map_err(|error| error.to_string())
    }
}

impl Desk for Verbs {
    fn story(&self, records: Vec<Box<RawValue>>) -> Result<String, String> {
        why::told(records, self.config.clone()).map_err(|error| error.to_string())
    }

    fn promotion(&self, interceptor: &str) -> Result<Promotion, String> {
        let plan = self.plan(interceptor)?;
        Ok(Promotion {
            plan: plan.text(),
            doubts: plan.doubts().to_vec(),
        })
    }

    fn promote(&self, interceptor: &str) -> Result<String, String> {
        let promoted = self.plan(interceptor)?.carry_out();
        promoted
            .map(|promoted| promoted.text().to_owned())
            .map_err(|error| error.to_string())
    }

    fn reject(&self, interceptor: &str) -> Result<String, String> {
        let located = Located::of(&self.config, None, &Environment::of_process());
        let located = located.map_err(|error| error.to_string())?;
        let socket = located.socket().map_err(|error| error.to_string())?;
        promote::reject(&self.config, interceptor, socket).map_err(|error| error.to_string())
    }

    fn pins(&self) -> Result<Vec<PinDifference>, String> {
        let differences = pins::differences(&self.config)?;
        Ok(differences.iter().map(difference).collect())
    }

    fn approve(&self, server: &str, tool: &str, seen: &str) -> Result<String, String> {
        let is_seen = |one: &ToolDifference| difference(one).digest() == seen;
        let lock = pins::approve_one(&self.config, (server, tool), is_seen)?;
        Ok(format!(
            "{server}/{tool} is approved in {} now.",
            lock.display()
        ))
    }

    fn seen(&self, client: &str, groups: Option<Vec<String>>) -> Result<Seen, String> {
        let loaded = Loaded::read(&self.config).map_err(|report| report.summary())?;
        let viewer = Viewer {
            name: client.to_owned(),
            groups,
        };
        let seen = seen::look(&loaded, &viewer).map_err(|error| error.words())?;
        let servers = seen.servers.into_iter().map(|server| SeenServer {
            server: server.server,
            shown: server.shown,
            items: server
                .items
                .into_iter()
                .map(|item| SeenItem {
                    kind: item.kind.to_owned(),
                    name: item.name,
                    seen: item.seen,
                    why: item.why,
                })
                .collect(),
            unasked: server.unasked.map(|unasked| unasked.why),
            judged_by: server.judged_by,
        });
        Ok(Seen {
            groups: seen.groups,
            views: seen.views,
            servers: servers.collect(),
        })
    }

    fn verify(&self) -> Result<Verified, String> {
        let (verified, text) = audit::of_configuration(&self.config)?;
        Ok(Verified { verified, text })
    }
}

fn difference(one: &ToolDifference) -> PinDifference {
    let dangerous = match &one.fate {
        Fate::Changed { change, .. } => matches!(change, Change::Dangerous(_)),
        Fate::Added(_) | Fate::Removed => false,
    };
    PinDifference {
        server: one.server.clone(),
        tool: one.tool.clone(),
        dangerous,
        text: one.to_string(),
    }
}
