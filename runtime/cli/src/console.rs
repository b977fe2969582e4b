//! `sandgate console`: prints a link into the console of the running gateway; and what the console leaves to other verbs.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use sandgate_config::{Environment, Loaded};
use sandgate_console::{
    ComparedPins, Desk, PinDifference, Promotion, Seen, SeenItem, SeenServer, Verified, digest,
};
use sandgate_daemon::admin::Ask;
use sandgate_daemon::invitation::Invitation;
use sandgate_daemon::locate::Located;
use serde_json::Value;
use serde_json::value::RawValue;
use tool_pins::change::Change;
use tool_pins::lock::{Fate, ToolDifference};

use crate::exit::{ask, fail, runtime, show};
use crate::promote::{self, Promote};
use crate::reached::{Configured, Reached};
use crate::seen::{self, Viewer};
use crate::{audit, pins, why};

/// The most bytes of a new tool's definition that are shown.
const DEFINITION: usize = 8 << 10;

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
        let (text, doubts) = (plan.text(), plan.doubts());
        Ok(Promotion {
            digest: what_changes(&text, doubts),
            doubts: doubts.to_vec(),
            plan: text,
        })
    }

    fn promote(&self, interceptor: &str, seen: &str) -> Result<String, String> {
        let plan = self.plan(interceptor)?;
        if what_changes(&plan.text(), plan.doubts()) != seen {
            return Err("it is another change than was shown: look at it again".to_owned());
        }
        plan.carry_out()
            .map(|promoted| promoted.text().to_owned())
            .map_err(|error| error.to_string())
    }

    fn reject(&self, interceptor: &str) -> Result<String, String> {
        let located = Located::of(&self.config, None, &Environment::of_process());
        let located = located.map_err(|error| error.to_string())?;
        let socket = located.socket().map_err(|error| error.to_string())?;
        promote::reject(&self.config, interceptor, socket).map_err(|error| error.to_string())
    }

    fn pins(&self, stopped: &[String]) -> Result<ComparedPins, String> {
        let differences = pins::differences(&self.config, stopped)?;
        let differences = differences.iter();
        let loaded = Loaded::read(&self.config).map_err(|report| report.summary())?;
        let servers = loaded.config.servers;
        let left_out = stopped.iter().filter(|name| servers.contains_key(*name));
        Ok(ComparedPins {
            differences: differences
                .map(|(one, now)| difference(one, now.as_ref()))
                .collect(),
            left_out: left_out.cloned().collect(),
        })
    }

    fn approve(&self, server: &str, tool: &str, seen: &str) -> Result<String, String> {
        let is_seen =
            |one: &ToolDifference, now: Option<&Value>| difference(one, now).digest() == seen;
        let lock = pins::approve_one(&self.config, (server, tool), is_seen)?;
        Ok(format!(
            "{server}/{tool} is approved in {} now.",
            lock.display()
        ))
    }

    fn seen(
        &self,
        client: &str,
        groups: Option<Vec<String>>,
        stopped: &[String],
    ) -> Result<Seen, String> {
        let loaded = Loaded::read(&self.config).map_err(|report| report.summary())?;
        let viewer = Viewer {
            name: client.to_owned(),
            groups,
        };
        let seen = seen::look(&loaded, &viewer, stopped).map_err(|error| error.words())?;
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

/// The digest of what a promotion changes: the candidate, the lines of the file, and the kinds of doubts. How often the
/// candidate ran changes with each call, and is no part of it.
fn what_changes(plan: &str, doubts: &[String]) -> String {
    let changes = plan.find("--- ").map_or(plan, |at| &plan[at..]);
    let candidate = plan
        .lines()
        .find(|line| line.starts_with("  candidate of "));
    let kinds = doubts.iter().map(|doubt| {
        let (count, kind) = doubt.split_once(' ').unwrap_or(("", doubt));
        match count.bytes().all(|byte| byte.is_ascii_digit()) {
            true => kind,
            false => doubt,
        }
    });
    let kinds: Vec<&str> = kinds.collect();
    digest(&format!(
        "{}\n{changes}\n{}",
        candidate.unwrap_or_default(),
        kinds.join("\n")
    ))
}

/// A difference for people. A new tool is shown whole, and may do harm: nobody has looked at it.
fn difference(one: &ToolDifference, now: Option<&Value>) -> PinDifference {
    let (dangerous, definition) = match &one.fate {
        Fate::Changed { change, .. } => (matches!(change, Change::Dangerous(_)), None),
        Fate::Added(_) => (true, now),
        Fate::Removed => (false, None),
    };
    let mut text = one.to_string();
    if let Some(definition) = definition {
        let whole = serde_json::to_string_pretty(definition).unwrap_or_default();
        let end = whole.floor_char_boundary(DEFINITION);
        text += &whole[..end];
        if end < whole.len() {
            text += &format!("\n… (cut: the definition has {} bytes)", whole.len());
        }
    }
    PinDifference {
        server: one.server.clone(),
        tool: one.tool.clone(),
        dangerous,
        text,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;
    use tool_pins::lock::{self, Lock};

    use super::*;

    #[test]
    fn a_promotion_is_known_by_its_change_and_not_by_its_counts() {
        let plan = |digest: &str, runs: u32, line: &str| {
            format!(
                "  candidate of scrub: p 1, {digest}, 100% of calls since t\n    {runs} runs: 7 the same\n--- f\n+++ f\n{line}\n"
            )
        };
        let of = |plan: &str, doubts: &[&str]| {
            let doubts: Vec<String> = doubts.iter().map(|one| (*one).to_owned()).collect();
            what_changes(plan, &doubts)
        };
        let shown = of(&plan("sha256:aa", 9, "+a"), &["2 of its runs failed"]);
        assert_eq!(
            of(&plan("sha256:aa", 10, "+a"), &["3 of its runs failed"]),
            shown
        );
        for (plan, doubts) in [
            (plan("sha256:bb", 9, "+a"), &["2 of its runs failed"][..]),
            (plan("sha256:aa", 9, "+b"), &["2 of its runs failed"]),
            (plan("sha256:aa", 9, "+a"), &["2 of its runs were dropped"]),
            (plan("sha256:aa", 9, "+a"), &[]),
        ] {
            assert_ne!(of(&plan, doubts), shown, "{plan} {doubts:?}");
        }
    }

    #[test]
    fn a_new_tool_is_shown_whole_and_may_do_harm() {
        let differs = |description: &str| {
            let tool = json!({ "name": "wipe", "description": description });
            let mut current = Lock::new();
            current.approve("crm", &tool);
            let found = lock::diff(&Lock::new(), &current);
            difference(&found[0], Some(&tool))
        };
        let new = differs("wipes the disk");
        assert!(
            new.dangerous && new.text.contains("wipes the disk"),
            "{new:?}"
        );
        assert_ne!(new.digest(), differs("reads the disk").digest());
        // What is cut off is told, and still is part of the digest.
        let long = |end: &str| differs(&("x".repeat(2 * DEFINITION) + end));
        assert!(long("a").text.len() < DEFINITION + 512, "it has a bound");
        assert!(long("a").text.contains("cut: the definition has"));
        assert_ne!(long("a").digest(), long("b").digest());
    }
}
