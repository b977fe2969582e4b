//! The thread that writes a recording: it turns captured calls into lines.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use sandgate_gateway::{CapturedCall, ReplaySession};
use sandgate_host::{State, StateQuota};
use sandgate_message::{Json, Limits};
use sandgate_pipeline::Chain;
use tokio::sync::{Notify, mpsc};

use super::detect;
use super::detect::Value;
use super::exchange::{Exchange, Noticed, RunId, Verdict, by_run};
use super::folder::{Folder, Written};
use super::lineage::Lineage;
use super::redact::Redactor;
use super::replayer::{Input, Played, Replayer};
use super::surrogate::Surrogates;
use crate::tallies::{Tallies, size};

pub(super) struct Writer {
    folder: Folder,
    tallies: Arc<Tallies>,
    surrogates: Surrogates,
    /// The questions and tasks of earlier calls: as they came, and with surrogates.
    rehearsals: Option<[ReplaySession; 2]>,
    continued: Lineage,
    /// The replayer of the chain that the last call passed. Most calls pass the same chain.
    replayer: Option<(Arc<Chain>, Replayer)>,
    said: bool,
}

/// Why a captured call is not written. The texts hold nothing of the call.
#[derive(Debug, thiserror::Error)]
enum Not {
    #[error("{0}")]
    Unplaced(detect::Unplaced),
    #[error("it continues a call that is not in the recording")]
    Orphaned,
    #[error("with surrogates in place of what was found, the interceptors judge it otherwise")]
    Unlike,
    /// The line still has something that was found, or cannot be made.
    #[error("a value that was found could not be replaced everywhere")]
    Left,
}

/// A line that may be written.
struct Line {
    text: String,
    /// Whether other calls may continue this one.
    carries: bool,
    found: Vec<Value>,
}

/// Selects one of the two replay sessions.
#[derive(Clone, Copy)]
enum World {
    AsItCame,
    Surrogates,
}

impl Line {
    fn of(exchange: &Exchange, found: Vec<Value>) -> Result<Self, Not> {
        let mut text = serde_json::to_string(exchange).map_err(|_| Not::Left)?;
        // A payload keeps its own white space. A line end can only stand between its tokens.
        text.retain(|c| !matches!(c, '\n' | '\r'));
        Ok(Self {
            text,
            carries: exchange.carries,
            found,
        })
    }
}

impl Writer {
    pub(super) fn new(folder: Folder, tallies: Arc<Tallies>) -> Self {
        Self {
            folder,
            tallies,
            surrogates: Surrogates::default(),
            rehearsals: None,
            continued: Lineage::default(),
            replayer: None,
            said: false,
        }
    }

    /// Runs until the recording is dropped, or until it is closed and what waits is written.
    pub(super) fn run(
        mut self,
        mut waits: mpsc::Receiver<Box<CapturedCall>>,
        waiting: &AtomicUsize,
        closing: &Notify,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        let Ok(runtime) = runtime else {
            tracing::error!("nothing is recorded: there is no thread for it");
            return;
        };
        runtime.block_on(async {
            let mut open = true;
            loop {
                let taken = tokio::select! {
                    biased;
                    () = closing.notified(), if open => {
                        waits.close();
                        open = false;
                        continue;
                    }
                    taken = waits.recv() => taken,
                };
                let Some(taken) = taken else { break };
                let size = size(&taken);
                self.one(*taken).await;
                waiting.fetch_sub(size, Ordering::Relaxed);
            }
        });
    }

    async fn one(&mut self, taken: CapturedCall) {
        let count = |counter: &std::sync::atomic::AtomicU64| {
            counter.fetch_add(1, Ordering::Relaxed);
        };
        let tallies = self.tallies.clone();
        let line = match self.line(&taken).await {
            Ok(line) => line,
            Err(not) => {
                let id = &taken.call.id;
                let why = not.to_string();
                tracing::debug!(call = %id, "not recorded: {why}");
                self.folder.leave_out(&id.0, &why);
                count(match not {
                    Not::Unplaced(_) => &tallies.unplaced,
                    Not::Orphaned => &tallies.orphaned,
                    Not::Unlike => &tallies.unlike,
                    Not::Left => &tallies.left,
                });
                return;
            }
        };
        let Line {
            text,
            carries,
            found,
        } = line;
        match self.folder.add(&text) {
            Ok(Written::Yes) => {
                count(&tallies.written);
                if carries {
                    self.continued.put(&taken.call.id.0, found);
                }
            }
            Ok(Written::TooLarge) => count(&tallies.large),
            Err(error) => {
                count(&tallies.failed);
                if !std::mem::replace(&mut self.said, true) {
                    tracing::error!("calls are not recorded, and go on: {error}");
                }
            }
        }
    }

    async fn line(&mut self, taken: &CapturedCall) -> Result<Line, Not> {
        let raw = self.raw(taken).ok_or(Not::Left)?;
        let before = self.continued.by(&raw.follows);
        let before = before.filter(|_| !taken.carried().orphaned);
        let before = before.ok_or(Not::Orphaned)?;
        match self.folder.is_sealed() {
            true => Line::of(&raw, Vec::new()),
            false => self.replaced(taken, raw, before).await,
        }
    }

    fn raw(&self, taken: &CapturedCall) -> Option<Exchange> {
        let session = taken.call.session.as_deref();
        Exchange::of(
            taken,
            session.map(|session| self.surrogates.session(session)),
        )
        .ok()
    }

    /// The line with surrogates in place of all that was found, in the call and in those that it continues.
    async fn replaced(
        &mut self,
        taken: &CapturedCall,
        raw: Exchange,
        before: Vec<Value>,
    ) -> Result<Line, Not> {
        let limits = *taken.chain.limits();
        let first = self.play(taken, &raw, World::AsItCame).await;
        let first = first.ok_or(Not::Left)?;
        let again = first.verdicts();
        if !repeats(&raw.trail, &again) {
            return Err(Not::Unlike);
        }
        let mut found = detect::values(&first.observations, &limits).map_err(Not::Unplaced)?;
        for value in before {
            if !found.iter().any(|known| known.text == value.text) {
                found.push(value);
            }
        }
        if found.is_empty() {
            if raw.carries {
                // Calls that continue this one may need it in the session with surrogates.
                self.play(taken, &raw, World::Surrogates).await;
            }
            return Line::of(&raw, found);
        }
        let pairs: Option<Vec<(String, String)>> = found
            .iter()
            .map(|value| {
                let surrogate = self.surrogates.of(&value.kind, &value.text)?;
                Some((value.text.clone(), surrogate))
            })
            .collect();
        let replacing = Redactor::of(&pairs.ok_or(Not::Left)?).ok_or(Not::Left)?;
        let whole = Json::parse(
            Line::of(&raw, Vec::new())?.text,
            &Limits {
                bytes: usize::MAX >> 1,
                depth: 1 << 10,
            },
        )
        .map_err(|_| Not::Left)?;
        let mut line = String::with_capacity(whole.as_str().len());
        replacing.document(whole.root(), &mut line);
        if is_left(&replacing, &found, &line) {
            return Err(Not::Left);
        }
        let mut new: Exchange = serde_json::from_str(&line).map_err(|_| Not::Left)?;
        let second = self.play(taken, &new, World::Surrogates).await;
        let second = second.ok_or(Not::Left)?;
        let played = second.verdicts();
        let expected: Vec<Verdict> = again
            .into_iter()
            .map(|verdict| with_pointers(verdict, &replacing))
            .collect();
        if !alike(&expected, &played) || second.became != first.became {
            return Err(Not::Unlike);
        }
        // The record of the live runs stays. Where they found something, the findings are those of the replay.
        new.id = raw.id;
        let live = new.trail.clone();
        let now: BTreeMap<RunId<'_>, &Verdict> = by_run(&played).collect();
        for (verdict, (run, _)) in new.trail.iter_mut().zip(by_run(&live)) {
            if let Some(now) = now.get(&run)
                && now.decision == verdict.decision
            {
                verdict.findings.clone_from(&now.findings);
            }
        }
        Line::of(&new, found)
    }

    /// Replays the exchange with an empty state.
    async fn play(
        &mut self,
        taken: &CapturedCall,
        exchange: &Exchange,
        world: World,
    ) -> Option<Played> {
        let limits = taken.chain.limits();
        let input = Input {
            call: exchange.call(limits).ok()?,
            message: exchange.message(limits).ok()?,
            reply: exchange.answer(limits).ok()?,
            at: exchange.came().ok()?,
        };
        let known = |(chain, _): &&mut (Arc<Chain>, Replayer)| Arc::ptr_eq(chain, &taken.chain);
        if self.replayer.as_mut().filter(known).is_none() {
            let replayer = Replayer::of(&taken.chain, true);
            self.replayer = Some((taken.chain.clone(), replayer));
        }
        let (_, replayer) = self.replayer.as_ref()?;
        let rehearsals = self
            .rehearsals
            .get_or_insert_with(|| [*limits; 2].map(ReplaySession::new));
        let state = Arc::new(State::by_a_clock(StateQuota::default()));
        Some(
            replayer
                .play(input, &state, &rehearsals[world as usize])
                .await,
        )
    }
}

/// Whether everything that was found live was found again. Otherwise what was found is not known to the character.
fn repeats(live: &[Verdict], again: &[Verdict]) -> bool {
    live.iter()
        .filter(|verdict| verdict.found())
        .all(|verdict| {
            let same = |now: &&Verdict| {
                now.of == verdict.of
                    && now.hook == verdict.hook
                    && now.interceptor == verdict.interceptor
                    && now.decision == verdict.decision
            };
            let mut rules: BTreeMap<(&str, &Option<String>), usize> = BTreeMap::new();
            for finding in again.iter().filter(same).flat_map(|now| &now.findings) {
                *rules.entry((&finding.rule, &finding.pointer)).or_default() += 1;
            }
            let ran = again.iter().any(|now| same(&now));
            ran && verdict.findings.iter().all(|finding| {
                let left = rules.get_mut(&(finding.rule.as_str(), &finding.pointer));
                left.is_some_and(|left| {
                    let there = *left > 0;
                    *left = left.saturating_sub(1);
                    there
                })
            })
        })
}

/// Whether two replays have the same runs with the same decisions and findings.
fn alike(one: &[Verdict], other: &[Verdict]) -> bool {
    let sorted = |verdicts: &[Verdict]| {
        let mut verdicts = verdicts.to_vec();
        for verdict in &mut verdicts {
            verdict.findings.sort();
        }
        verdicts.sort_by(|one, other| {
            (&one.of, &one.hook, &one.interceptor).cmp(&(
                &other.of,
                &other.hook,
                &other.interceptor,
            ))
        });
        verdicts
    };
    sorted(one) == sorted(other)
}

/// Replaces values in the pointers of findings, where members are named by what was found.
fn with_pointers(mut verdict: Verdict, replacing: &Redactor) -> Verdict {
    for Noticed { pointer, .. } in &mut verdict.findings {
        if let Some(pointer) = pointer {
            *pointer = replacing.text(pointer);
        }
    }
    verdict
}

/// Whether anything that was found still stands in the line, as it is or within one of its texts.
fn is_left(replacing: &Redactor, found: &[Value], line: &str) -> bool {
    if found.iter().any(|value| line.contains(&value.text)) {
        return true;
    }
    let Ok(json) = Json::parse(
        line.to_owned(),
        &Limits {
            bytes: usize::MAX >> 1,
            depth: 1 << 10,
        },
    ) else {
        return true;
    };
    let (texts, names) = (json.strings(), json.keys());
    replacing.stands_in(&texts.text) || replacing.stands_in(&names.text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(decision: &str, rules: &[&str]) -> Verdict {
        Verdict {
            of: None,
            interceptor: "pii".into(),
            digest: "sha256:x".into(),
            hook: "post-call".into(),
            audit: false,
            decision: decision.into(),
            applied: true,
            code: None,
            failure: None,
            findings: rules
                .iter()
                .map(|rule| Noticed {
                    rule: (*rule).into(),
                    severity: "info".into(),
                    part: "reply".into(),
                    pointer: None,
                })
                .collect(),
        }
    }

    #[test]
    fn what_was_found_live_must_be_found_again() {
        let live = [verdict("edit", &["pii.email", "pii.email"])];
        assert!(repeats(
            &live,
            &[verdict("edit", &["pii.email", "pii.ip", "pii.email"])]
        ));
        assert!(!repeats(&live, &[verdict("edit", &["pii.email"])]));
        assert!(!repeats(
            &live,
            &[verdict("refuse", &["pii.email", "pii.email"])]
        ));
        assert!(!repeats(&live, &[]));
        // A refusal that depends on earlier calls says nothing of this one.
        assert!(repeats(&[verdict("refuse", &[])], &[]));
    }

    #[test]
    fn runs_are_alike_in_any_order_of_findings() {
        let one = [verdict("edit", &["a", "b"])];
        assert!(alike(&one, &[verdict("edit", &["b", "a"])]));
        assert!(!alike(&one, &[verdict("edit", &["a"])]));
        assert!(!alike(&one, &[verdict("proceed", &["a", "b"])]));
    }
}
