//! Runs hooks as the gateway does, and judges what they decide.

use std::fmt;

use serde_json::Value;

use crate::bindings::contract::report::Finding;
use crate::context::{self, Context};
use crate::decision::{Edit, PostDecision, PreDecision, Refusal};
use crate::document::Document;
use crate::fault::Fault;
use crate::interceptor::{Error, Interceptor, Issues};
use crate::log::Level;
use crate::testing::document::Memory;
use crate::testing::exchange::Exchange;
use crate::testing::judge::{About, cut_refusal, judge};
use crate::testing::manifest::{Manifest, Role};
use crate::testing::recorder;
use crate::testing::stop::{Run, Stopped, within};

/// The word for what came of a hook run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// The document goes on as it was.
    Proceed,
    /// It goes on with edits.
    Edit,
    /// Another one goes on.
    Replace,
    /// This result stands in for the server's.
    Answer,
    /// The caller is refused.
    Refuse,
    /// The hook failed, or decided what the gateway cannot use.
    Fault,
}

/// What came of a hook run.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// What the gateway does.
    pub decision: Decision,
    /// The document as it was handed over.
    pub before: Value,
    /// The document as it goes on; with [`Decision::Answer`], the result. As it was, where the call is refused or the hook
    /// failed.
    pub after: Value,
    /// The changes, where there are any.
    pub edits: Vec<Edit>,
    /// Why not, where it is refused.
    pub refusal: Option<Refusal>,
    /// What went wrong, where the hook failed: the error's type, text and line, or, where the gateway cannot use what the
    /// hook decided, `malformed` or `quota` and why.
    pub fault: Option<String>,
    /// The note left for the post-call.
    pub carried: Option<Vec<u8>>,
    /// What the hook reported.
    pub findings: Vec<Finding>,
    /// Level and text of each line it logged.
    pub logs: Vec<(Level, String)>,
}

impl Decision {
    /// As fixtures write it, for example `proceed`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Proceed => "proceed",
            Self::Edit => "edit",
            Self::Replace => "replace",
            Self::Answer => "answer",
            Self::Refuse => "refuse",
            Self::Fault => "fault",
        }
    }
}

impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// Makes a policy of its settings, which are JSON text, as the gateway does: without state and HTTP. The gateway has
/// checked the settings against the plugin's schema before; this does not.
///
/// # Errors
/// What is wrong with them.
///
/// # Panics
/// Where the gateway would end the run.
pub fn configure<P: Interceptor>(settings: &str) -> Result<P, Issues> {
    let run = Run {
        configuring: true,
        ..Run::default()
    };
    let configured = within(run, || {
        let settings = serde_json::from_str(settings);
        P::configure(settings.map_err(|error| Issues::one("", error.to_string()))?)
    });
    configured.unwrap_or_else(|stopped| panic!("{stopped}"))
}

/// Runs the pre-call on these params. Where the manifest's hook is not for the context's method the call proceeds; without
/// a `plugin.toml` in the package every hook is a mutation of everything.
///
/// # Panics
/// `plugin.toml` has no such hook; and where the hook panics.
pub fn pre_call<P: Interceptor>(policy: &P, context: &Context, params: &Document) -> Outcome {
    run("pre-call", context, params, || {
        policy.pre_call(context, params)
    })
}

/// Runs the post-call on this reply; the rest as [`pre_call`].
///
/// # Panics
/// As [`pre_call`].
pub fn post_call<P: Interceptor>(policy: &P, context: &Context, reply: &Document) -> Outcome {
    run("post-call", context, reply, || {
        let decided = policy.post_call(context, reply)?;
        Ok(match decided {
            PostDecision::Proceed => PreDecision::Proceed,
            PostDecision::Edit(edits) => PreDecision::Edit(edits),
            PostDecision::Replace(json) => PreDecision::Replace(json),
            PostDecision::Refuse(refusal) => PreDecision::Refuse(refusal),
        })
    })
}

fn run(
    name: &str,
    context: &Context,
    document: &Document,
    hook: impl FnOnce() -> Result<PreDecision, Error>,
) -> Outcome {
    let (exchange, memory) = (memory_of(context), Memory::of(document));
    let manifest = Manifest::found();
    let marked = manifest.as_ref().map(|manifest| manifest.hook(name));
    let before: Value = serde_json::from_str(&memory.json()).expect("read when it was made");
    let mut outcome = Outcome {
        decision: Decision::Proceed,
        after: before.clone(),
        before,
        edits: Vec::new(),
        refusal: None,
        fault: None,
        carried: None,
        findings: Vec::new(),
        logs: Vec::new(),
    };
    let method = exchange.method();
    if marked.as_ref().is_some_and(|hook| !hook.sees(&method)) {
        return outcome;
    }
    let about = About {
        role: marked.map_or(Role::Mutation, |hook| hook.role),
        request: !method.starts_with("notifications/"),
        failed: exchange.failed(),
    };
    recorder::begin();
    exchange.begin();
    let run = Run {
        manifest,
        ..Run::default()
    };
    let judged = match within(run, hook) {
        Ok(Ok(decided)) => judge(about, memory, &decided)
            .map(|judged| (judged, decided))
            .map_err(|stopped| stopped.to_string()),
        Ok(Err(error)) => Err(told(error)),
        Err(stopped) => Err(Stopped::to_string(&stopped)),
    };
    match judged {
        Ok(((decision, after), decided)) => {
            (outcome.decision, outcome.after) = (decision, after);
            match decided {
                PreDecision::Edit(edits) => outcome.edits = edits,
                PreDecision::Refuse(refusal) => outcome.refusal = Some(cut_refusal(refusal)),
                _ => {}
            }
        }
        Err(why) => (outcome.decision, outcome.fault) = (Decision::Fault, Some(why)),
    }
    outcome.carried = exchange.left();
    (outcome.findings, outcome.logs) = (recorder::findings(), recorder::logs());
    outcome
}

fn memory_of<'c>(context: &'c Context) -> &'c Exchange {
    let context::Exchange::Memory(exchange, _) = &context.0 else {
        panic!("not made by `testing::context`")
    };
    exchange
}

fn told(error: Error) -> String {
    let Fault {
        kind,
        frames,
        detail,
    } = error.into();
    let frames: String = frames
        .iter()
        .map(|frame| format!("\n  at {frame}"))
        .collect();
    format!("{kind}: {detail}{frames}")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::testing::{context, document};
    use crate::{NoSettings, finding, state};

    /// Does what its test says.
    struct Does(fn(&Context, &Document) -> Result<PreDecision, Error>);

    impl Interceptor for Does {
        type Settings = NoSettings;

        fn configure(_: NoSettings) -> Result<Self, Issues> {
            state::get("x").map_err(|why| Issues::one("", format!("{why:?}")))?;
            Ok(Self(|_, _| Ok(PreDecision::Proceed)))
        }

        fn pre_call(&self, call: &Context, params: &Document) -> Result<PreDecision, Error> {
            self.0(call, params)
        }
    }

    fn outcome(does: fn(&Context, &Document) -> Result<PreDecision, Error>) -> Outcome {
        let call = context("tools/call").carried(b"before").build();
        pre_call(&Does(does), &call, &document(r#"{"name":"x"}"#))
    }

    #[test]
    fn an_edit_of_a_place_that_is_not_there_is_a_fault_in_the_gateways_words() {
        let came = outcome(|_, _| Ok(vec![Edit::Remove("/nope".into())].into()));
        assert_eq!(came.decision, Decision::Fault);
        let why = "malformed: edit 0: nothing stands there";
        assert_eq!(came.fault.as_deref(), Some(why));
        assert_eq!(came.after, came.before);
    }

    #[test]
    fn a_change_is_made_and_what_the_hook_reported_is_told() {
        let came = outcome(|call, _| {
            assert_eq!(call.carried().as_deref(), Some(&b"before"[..]));
            call.carry(b"after");
            assert_eq!(call.carried().as_deref(), Some(&b"before"[..]));
            finding("rule", "message").report();
            Ok(vec![Edit::Set(("/name".into(), "\"y\"".into()))].into())
        });
        assert_eq!((came.decision, came.edits.len()), (Decision::Edit, 1));
        assert_eq!(came.after["name"], "y");
        assert_eq!(came.carried.as_deref(), Some(&b"after"[..]));
        assert_eq!(came.findings[0].rule, "rule");
    }

    #[test]
    fn what_goes_over_a_quota_ends_the_run_whatever_the_hook_makes_of_it() {
        let came = outcome(|call, _| {
            call.carry(&vec![0; 64 << 10]);
            call.carry(&vec![0; (64 << 10) + 1]);
            Ok(PreDecision::Proceed)
        });
        let why = "quota: went over its quota of bytes carried to the post-call";
        assert_eq!(came.fault.as_deref(), Some(why));
        let came = outcome(|_, _| {
            finding("r", "m").details("x".repeat(5000)).report();
            Ok(PreDecision::Proceed)
        });
        let why = "quota: went over its quota of bytes of a finding's details";
        assert_eq!(came.fault.as_deref(), Some(why));
    }

    #[test]
    fn findings_and_lines_have_their_sizes() {
        let came = outcome(|_, _| {
            (0..258).for_each(|_| finding("r".repeat(2000), "m").report());
            (0..40).for_each(|_| crate::log(Level::Info, &"x".repeat(2000)));
            Ok(PreDecision::Proceed)
        });
        assert_eq!(came.findings.len(), 257);
        assert_eq!(came.findings[0].rule, format!("{}…", "r".repeat(1024)));
        assert_eq!(came.findings[256].rule, "sandgate.findings-cut");
        assert_eq!(came.logs.len(), 32);
        assert_eq!(
            came.logs[31].1,
            "… (the rest of this run's log is left out)"
        );
    }

    #[test]
    fn an_error_is_a_fault_with_its_type_and_line() {
        let came = outcome(|_, _| Ok(PreDecision::Replace("x".parse::<u8>()?.to_string())));
        let fault = came.fault.unwrap();
        let (first, at) = fault.split_once('\n').unwrap();
        assert_eq!(
            first,
            "core::num::error::ParseIntError: invalid digit found in string"
        );
        assert!(at.starts_with("  at src/testing/run.rs:"), "{at}");
    }

    #[test]
    fn configure_has_no_state_and_a_hook_what_the_operator_grants() {
        let issues = configure::<Does>("{}").err().unwrap();
        assert_eq!(issues.iter().next().unwrap().message, "Failure::Denied");
        let denied = |_: &Context, _: &Document| {
            Ok(PreDecision::Replace(format!(
                "{:?}",
                state::get("x").is_err()
            )))
        };
        crate::testing::grant_state(false);
        assert!(outcome(denied).fault.unwrap().contains("another JSON type"));
        assert!(state::set("x", b"1", None).is_err());
        crate::testing::grant_state(true);
        assert_eq!(
            state::set(&"k".repeat(1025), b"", None),
            Err(state::Failure::Quota)
        );
        assert_eq!(state::set("x", b"1", None), Ok(()));
    }
}
