//! What to change: for each step that was not stopped, the lines of configuration that would have.

use sandgate_config::{AlertKind, Config, Interceptor, Mode, PluginSource};
use serde::Serialize;

use crate::copy::Cast;
use crate::report::{Guard, Step, Verdict};

/// Something to change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Advice {
    /// What is missing, in plain words.
    pub why: String,
    /// The lines of configuration. Empty: there is none to copy.
    pub lines: String,
}

/// What a plugin needs to stop what a drill does.
struct Remedy {
    plugin: &'static str,
    /// The grants that it needs.
    state: bool,
    /// The setting that makes it refuse, where it only records by default.
    stricter: Option<&'static str>,
}

const REMEDIES: [Remedy; 7] = [
    Remedy {
        plugin: "secret-redactor",
        state: false,
        stricter: None,
    },
    Remedy {
        plugin: "pii-scrubber",
        state: false,
        stricter: None,
    },
    Remedy {
        plugin: "injection-classifier",
        state: false,
        stricter: Some("settings.action = \"refuse\""),
    },
    Remedy {
        plugin: "flow-guard",
        state: true,
        stricter: Some(
            "settings.refuse = [{ after = [\"untrusted\", \"private\"], then = [\"sink\"] }]",
        ),
    },
    Remedy {
        plugin: "tool-guard",
        state: true,
        stricter: Some("settings.poisoned = \"remove\""),
    },
    Remedy {
        plugin: "tool-pins",
        state: true,
        stricter: None,
    },
    Remedy {
        plugin: "argument-validator",
        state: false,
        stricter: None,
    },
];

/// Everything to change, each thing once, in the order of the steps.
pub(crate) fn advise(steps: &[Step], config: &Config, cast: &Cast) -> Vec<Advice> {
    let mut all: Vec<Advice> = Vec::new();
    let open = |step: &&Step| step.verdict != Verdict::Stopped;
    for step in steps.iter().filter(open) {
        let advice = match step.guard {
            Guard::Plugin(plugin) => for_plugin(plugin, config, cast),
            Guard::Keys => for_keys(),
            Guard::Stops => Advice {
                why: "A stop of the gateway's own had no effect: that is a fault of the gateway. Please report it with the drill's \
                      call log (--keep)."
                    .to_owned(),
                lines: String::new(),
            },
        };
        if !all.contains(&advice) {
            all.push(advice);
        }
    }
    all.extend(for_alerts(steps, config));
    all
}

fn for_plugin(name: &str, config: &Config, cast: &Cast) -> Advice {
    let is_it =
        |one: &&Interceptor| matches!(&one.plugin, PluginSource::Builtin(plugin) if plugin == name);
    let remedy = REMEDIES.iter().find(|remedy| remedy.plugin == name);
    let Some(there) = config.interceptors.iter().find(is_it) else {
        let mut lines =
            format!("[[interceptors]]\nname = \"{name}\"\nplugin = \"builtin:{name}\"\n");
        if remedy.is_some_and(|remedy| remedy.state) {
            lines += "grants = { state = true }\n";
        }
        if let Some(stricter) = remedy.and_then(|remedy| remedy.stricter) {
            lines += stricter;
        }
        return Advice {
            why: format!("No interceptor of {name} looks. Add one, before the servers:"),
            lines,
        };
    };
    if there.mode == Mode::Audit {
        return Advice {
            why: format!(
                "The interceptor {} is in audit: it records and decides nothing. Make it active:",
                there.name
            ),
            lines: format!(
                "[[interceptors]]\nname = \"{}\"\nmode = \"active\"",
                there.name
            ),
        };
    }
    Advice {
        why: format!(
            "The interceptor {} is active and let it pass: look at its servers, targets, events and exceptions, which may leave \
             {}/{} out, and at how strict its settings are{}",
            there.name,
            cast.server,
            cast.read,
            match remedy.and_then(|remedy| remedy.stricter) {
                Some(_) => ":",
                None => ".",
            }
        ),
        lines: match remedy.and_then(|remedy| remedy.stricter) {
            Some(stricter) => format!("[[interceptors]]\nname = \"{}\"\n{stricter}", there.name),
            None => String::new(),
        },
    }
}

fn for_keys() -> Advice {
    Advice {
        why: "Nobody needs a key, so nobody can be locked out. sandgate token NAME makes a key and prints these lines:".to_owned(),
        lines: "[clients.NAME]\ntoken-sha256 = \"…\"".to_owned(),
    }
}

/// A rule that tells somebody, where something happened that no alert told of.
fn for_alerts(steps: &[Step], config: &Config) -> Option<Advice> {
    let told = steps.iter().all(|step| !step.alerts.is_empty());
    let is_stop = |step: &Step| step.guard == Guard::Stops;
    let kinds: &[AlertKind] = match steps.iter().any(is_stop) {
        true => &[AlertKind::Stop],
        false => &[AlertKind::Finding, AlertKind::Refusals],
    };
    let has = |kind: &AlertKind| config.alerts.iter().any(|alert| alert.on.contains(kind));
    if told || kinds.iter().all(has) {
        return None;
    }
    let kinds: Vec<_> = kinds
        .iter()
        .map(|kind| format!("\"{}\"", kind.as_str()))
        .collect();
    Some(Advice {
        why:
            "Nobody was woken: no alert is about what happened. Add a rule, with your own receiver:"
                .to_owned(),
        lines: format!(
            "[[alerts]]\nname = \"drilled\"\non = [{}]\nto = {{ webhook = \"https://hooks.example.com/sandgate\" }}",
            kinds.join(", ")
        ),
    })
}
