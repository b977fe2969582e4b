//! What to change: for each step that was not stopped, the lines of configuration that would have.

use sandgate_config::{AlertKind, Config, Interceptor, PluginSource};
use sandgate_pipeline::Mode;
use serde::Serialize;

use crate::cast::Cast;
use crate::step::{Guard, Step, Verdict};

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
            Guard::Keys => vec![for_keys()],
            Guard::Log if step.verdict == Verdict::Noticed => vec![Advice {
                why: "Calls go on without a record while the log cannot be written. Where each call has to be on record:"
                    .to_owned(),
                lines: "[call-log]\non-failure = \"refuse\"".to_owned(),
            }],
            Guard::Hangs | Guard::Log => vec![Advice {
                why: "A bound of the gateway's own did not hold. On a machine with time to spare that is a fault of the gateway: \
                      please report it with the drill's call log (--keep)."
                    .to_owned(),
                lines: String::new(),
            }],
            Guard::Stops => vec![Advice {
                why: "A stop of the gateway's own had no effect: that is a fault of the gateway. Please report it with the drill's \
                      call log (--keep)."
                    .to_owned(),
                lines: String::new(),
            }],
        };
        for one in advice {
            if !all.contains(&one) {
                all.push(one);
            }
        }
    }
    all.extend(for_alerts(steps, config));
    all
}

/// For each interceptor of the plugin, or for a first one.
fn for_plugin(name: &str, config: &Config, cast: &Cast) -> Vec<Advice> {
    let is_it =
        |one: &&Interceptor| matches!(&one.plugin, PluginSource::Builtin(plugin) if plugin == name);
    let remedy = REMEDIES.iter().find(|remedy| remedy.plugin == name);
    let there = config.interceptors.iter().filter(is_it);
    let advice: Vec<_> = there
        .map(|one| for_interceptor(one, remedy, cast))
        .collect();
    if !advice.is_empty() {
        return advice;
    }
    let own = unused(name, |name| {
        config.interceptors.iter().any(|one| one.name == name)
    });
    let mut lines = format!("[[interceptors]]\nname = \"{own}\"\nplugin = \"builtin:{name}\"\n");
    if remedy.is_some_and(|remedy| remedy.state) {
        lines += "grants = { state = true }\n";
    }
    if let Some(stricter) = remedy.and_then(|remedy| remedy.stricter) {
        lines += stricter;
    }
    vec![Advice {
        why: format!("No interceptor of {name} looks. Add one, before the servers:"),
        lines,
    }]
}

/// For one that is there: the keys alone, for its own table.
fn for_interceptor(there: &Interceptor, remedy: Option<&Remedy>, cast: &Cast) -> Advice {
    let name = &there.name;
    if there.mode == Mode::Audit {
        return Advice {
            why: format!(
                "The interceptor {name} is in audit: it records and decides nothing. Make it active, in the table that has its name:"
            ),
            lines: "mode = \"active\"".to_owned(),
        };
    }
    let stricter = remedy.and_then(|remedy| remedy.stricter);
    Advice {
        why: format!(
            "The interceptor {name} is active and let it pass: look at its servers, targets, events and exceptions, which may leave \
             {}/{} out, and at how strict its settings are{}",
            cast.server,
            cast.read,
            match stricter {
                Some(_) => ". In the table that has its name:",
                None => ".",
            }
        ),
        lines: stricter.unwrap_or_default().to_owned(),
    }
}

/// The name, or where it is taken, the name with the first number that is not.
fn unused(name: &str, is_taken: impl Fn(&str) -> bool) -> String {
    let numbered = (2..).map(|n| format!("{name}-{n}"));
    let mut names = std::iter::once(name.to_owned()).chain(numbered);
    names.find(|name| !is_taken(name)).unwrap_or_default()
}

fn for_keys() -> Advice {
    Advice {
        why: "Nobody needs a key, so nobody can be locked out. sandgate token NAME makes a key and prints these lines:".to_owned(),
        lines: "[clients.NAME]\ntoken-sha256 = \"…\"".to_owned(),
    }
}

/// A rule that tells somebody, where something happened that no alert told of.
fn for_alerts(steps: &[Step], config: &Config) -> Option<Advice> {
    // An alert is raised once: later steps that it covers raise none.
    let told = steps.iter().any(|step| !step.alerts.is_empty());
    let has_guard = |guard| steps.iter().any(|step| step.guard == guard);
    let kinds: &[AlertKind] = match () {
        () if has_guard(Guard::Stops) => &[AlertKind::Stop],
        () if has_guard(Guard::Log) => &[AlertKind::Audit],
        // A server that hangs is slow calls, and how slow is too slow is the operator's to say.
        () if has_guard(Guard::Hangs) => &[],
        () => &[AlertKind::Finding, AlertKind::Refusals],
    };
    let has = |kind: &AlertKind| config.alerts.iter().any(|alert| alert.on.contains(kind));
    let missing = kinds.iter().filter(|kind| !has(kind));
    let missing: Vec<_> = missing
        .map(|kind| format!("\"{}\"", kind.as_str()))
        .collect();
    if told || missing.is_empty() {
        return None;
    }
    let name = unused("drilled", |name| {
        config.alerts.iter().any(|one| one.name == name)
    });
    Some(Advice {
        why:
            "Nobody was woken: no alert is about what happened. Add a rule, with your own receiver:"
                .to_owned(),
        lines: format!(
            "[[alerts]]\nname = \"{name}\"\non = [{}]\nto = {{ webhook = \"https://hooks.example.com/sandgate\" }}",
            missing.join(", ")
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Wanted;
    use sandgate_config::Loaded;

    fn step(alerts: &[&str]) -> Step {
        Step {
            done: String::new(),
            expected: "",
            seen: String::new(),
            verdict: Verdict::Noticed,
            by: Vec::new(),
            alerts: alerts.iter().map(|&it| it.to_owned()).collect(),
            us: 0,
            call: None,
            guard: Guard::Plugin("secret-redactor"),
        }
    }

    fn advice(text: &str, steps: &[Step]) -> Result<Vec<Advice>, Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("sandgate.toml");
        std::fs::write(&file, text)?;
        let loaded = Loaded::read(&file).map_err(|report| report.summary())?;
        let cast = Cast::of(&loaded, &Wanted::default())?;
        Ok(advise(steps, &loaded.config, &cast))
    }

    #[test]
    fn each_interceptor_of_the_plugin_is_looked_at_and_none_is_added_twice()
    -> Result<(), Box<dyn std::error::Error>> {
        let one = |name: &str, mode: &str| {
            format!(
                "[[interceptors]]\nname = \"{name}\"\nplugin = \"builtin:secret-redactor\"\nmode = \"{mode}\"\n"
            )
        };
        let text = one("first", "active") + &one("second", "audit");
        let advice = advice(&text, &[step(&["told"]), step(&[])])?;
        assert_eq!(advice.len(), 2, "{advice:?}");
        assert!(advice[0].why.contains("first is active"), "{advice:?}");
        assert!(advice[1].why.contains("second is in audit"), "{advice:?}");
        assert_eq!(advice[1].lines, "mode = \"active\"");
        Ok(())
    }

    #[test]
    fn a_rule_for_what_no_rule_is_about_has_a_name_of_its_own()
    -> Result<(), Box<dyn std::error::Error>> {
        let text = "[[alerts]]\nname = \"drilled\"\non = [\"finding\"]\nto = { webhook = \"http://127.0.0.1:9/hook\" }\n\
                    [[interceptors]]\nname = \"secret-redactor\"\nplugin = \"builtin:pii-scrubber\"\n";
        let advice = advice(text, &[step(&[])])?;
        assert_eq!(advice.len(), 2, "{advice:?}");
        assert!(
            advice[0].lines.contains("name = \"secret-redactor-2\""),
            "{advice:?}"
        );
        assert!(
            advice[1]
                .lines
                .contains("name = \"drilled-2\"\non = [\"refusals\"]"),
            "{advice:?}"
        );
        Ok(())
    }
}
