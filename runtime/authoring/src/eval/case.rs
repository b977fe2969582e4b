//! One row before a plugin, and what the plugin did.

use std::sync::Arc;
use std::time::Duration;

use sandgate_host::{Plugin, PluginFile, Simulation};
use sandgate_message::{Hook, Json, Limits, Severity};
use sandgate_pipeline::Globs;
use sandgate_pipeline::Judged;
use serde_json::Value;

use super::corpus::Row;
use super::placing::{Exchange, Names, exchanges, place_of};
use crate::args::Place;
use crate::context::call;
use crate::trial::{Exercise, Seen, UNLIMITED};

/// The hook runs of a row.
pub(super) struct Case {
    runs: Vec<Run>,
    /// Where the row's text stands in the reply, if a reply holds it.
    text: Option<&'static str>,
}

struct Run {
    exercise: Exercise,
    counts: bool,
    /// Whether the run gets the note that the run before it left.
    follows: bool,
}

/// What a plugin did with a row.
pub(super) enum Outcome {
    /// The row is nothing that the plugin's hooks look at.
    NotSeen,
    /// A run failed, with the reason.
    Failed(String),
    Done(Done),
}

/// What a plugin did.
pub(super) struct Done {
    /// It changed or refused something, or reported a finding of the severity `warn` or `error`.
    pub(super) flagged: bool,
    /// The rules of its findings and the code of its refusal.
    pub(super) rules: Vec<String>,
    /// The row's text afterwards. `None`: a person no longer sees any of it, or it is in no reply.
    pub(super) text: Option<String>,
    /// Whether the message with the text was refused.
    pub(super) refused: bool,
    /// The time of the runs that count.
    pub(super) took: Duration,
}

impl Case {
    /// The runs that bring the row before the plugin. `None`: its hooks do not look at such a message.
    pub(super) fn of(
        row: &Row,
        place: Option<Place>,
        names: &Names,
        file: &PluginFile,
    ) -> Option<Self> {
        let place = place.unwrap_or_else(|| place_of(&row.kind));
        let hooks = file.manifest().hooks();
        let looks_at = |hook: Hook, method: &str| {
            hooks.iter().any(|(own, _, events)| {
                *own == hook && Globs::new(events).is_ok_and(|globs| globs.matches(method))
            })
        };
        let mut runs = Vec::new();
        for exchange in exchanges(row, place, names)? {
            let (pre, post) = exercises(row, &exchange)?;
            let before = looks_at(Hook::PreCall, exchange.method);
            // A reply is judged with its own call only where the calls themselves tell something.
            let follows = before && place == Place::Sequence;
            if before && (post.is_none() || follows) {
                runs.push(Run {
                    exercise: pre,
                    counts: exchange.counts,
                    follows: false,
                });
            }
            if let Some(post) = post.filter(|_| looks_at(Hook::PostCall, exchange.method)) {
                runs.push(Run {
                    exercise: post,
                    counts: exchange.counts,
                    follows,
                });
            }
        }
        let text = (place == Place::Result).then_some("/content/0/text");
        (!runs.is_empty()).then_some(Self { runs, text })
    }

    /// Runs them one after another.
    pub(super) async fn run(self, plugin: &mut Plugin) -> Outcome {
        let mut done = Done {
            flagged: false,
            rules: Vec::new(),
            text: None,
            refused: false,
            took: Duration::ZERO,
        };
        let mut note = None;
        for Run {
            mut exercise,
            counts,
            follows,
        } in self.runs
        {
            if follows {
                exercise.carried = note.take();
            }
            let seen = exercise.run(plugin, Simulation::default(), UNLIMITED).await;
            if let Err(failure) = &seen.decided {
                return Outcome::Failed(failure.to_string());
            }
            if counts {
                done.add(&seen);
                done.text = self.text.and_then(|at| {
                    let document = seen.document().cloned();
                    text_at(&document.unwrap_or_else(|| exercise.document()), at)
                });
            }
            note = seen.carry;
        }
        Outcome::Done(done)
    }
}

impl Done {
    fn add(&mut self, seen: &Seen) {
        let grave = |severity: Severity| severity != Severity::Info;
        self.flagged |= !matches!(seen.decided, Ok(Judged::Proceed))
            || seen.findings.iter().any(|finding| grave(finding.severity));
        self.rules
            .extend(seen.findings.iter().map(|finding| finding.rule.clone()));
        if let Ok(Judged::Refuse(refusal)) = &seen.decided {
            self.refused = true;
            self.rules.push(refusal.code.clone());
        }
        self.took += seen.took;
    }
}

fn text_at(document: &Json, pointer: &str) -> Option<String> {
    let value: Value = serde_json::from_str(document.as_str()).ok()?;
    Some(value.pointer(pointer)?.as_str()?.to_owned())
}

/// The two hook runs of an exchange. Each row has a server and a session of its own.
fn exercises(row: &Row, exchange: &Exchange) -> Option<(Exercise, Option<Exercise>)> {
    let json = |value: &Value| Json::parse(value.to_string(), &Limits::default()).ok();
    let mut call = call(exchange.method);
    let own: Arc<str> = match row.id.is_empty() {
        true => "row".into(),
        false => row.id.as_str().into(),
    };
    call.server = own.clone();
    call.session = Some(own);
    call.target = exchange.target.as_deref().map(Into::into);
    call.definition = exchange.definition.as_ref().and_then(json);
    let params = json(&exchange.params)?;
    let pre = Exercise {
        hook: Hook::PreCall,
        call,
        params: Some(params),
        reply: None,
        failed: false,
        carried: None,
    };
    let post = match &exchange.reply {
        None => None,
        Some(reply) => Some(Exercise {
            hook: Hook::PostCall,
            reply: Some(json(reply)?),
            ..pre.clone()
        }),
    };
    Some((pre, post))
}
