//! The host functions that guests import by `wit/`, with the quotas of their use.

use sandgate_message::{
    Account, Call, Finding, Json, Method, Part, Severity, TextRun, canonical_uri, is_canonical_uri,
};
use wasmtime::component::Resource;

use crate::bindings::{call, decision, log, report, state};
use crate::failure::StopReason;
use crate::fault_report::FaultReport;
use crate::handles::{ContextHandle, DOCUMENT, DocumentHandle, SENT};
use crate::meter;
use crate::sandbox::{Sandbox, Task};
use crate::state::table::{StateFailure, Table};

/// Calls of host functions by one run. A guest that reads 20,000 texts one by one with their pointers needs 40,000.
const MAX_CALLS: u64 = 1_000_000;
/// Findings of one run. Further ones are dropped, and one more finding says so.
const MAX_FINDINGS: usize = 256;
/// Bytes of one text of a finding or log line; the rest is cut off.
const MAX_TEXT: usize = 1 << 10;
/// Bytes of a finding's details.
const MAX_DETAILS: usize = 4 << 10;
/// Bytes of all log lines of one run; further lines are dropped.
const MAX_LOG: usize = 32 << 10;
/// Bytes of the note that a pre-call carries to the post-call.
const MAX_NOTE: usize = 64 << 10;

impl Sandbox {
    /// Counts one call of a host function. The error stops the guest.
    fn count(&mut self) -> wasmtime::Result<()> {
        self.calls += 1;
        if self.calls > MAX_CALLS {
            return Err(self.stop(StopReason::Quota("calls into the gateway")));
        }
        Ok(())
    }

    fn document(&self, handle: &Resource<DocumentHandle>) -> wasmtime::Result<&Json> {
        let Task::Hook(run) = &self.task else {
            wasmtime::bail!("no document outside a hook")
        };
        match handle.rep() {
            DOCUMENT => Some(&run.document),
            SENT => run.sent.as_ref(),
            _ => None,
        }
        .ok_or_else(|| wasmtime::format_err!("no such document"))
    }

    fn call(&self) -> wasmtime::Result<&Call> {
        match &self.task {
            Task::Hook(run) => Ok(&run.call),
            Task::Configure => Err(wasmtime::format_err!("no call outside a hook")),
        }
    }
}

impl call::Host for Sandbox {}

impl call::HostDocument for Sandbox {
    fn size(&mut self, this: Resource<DocumentHandle>) -> wasmtime::Result<u64> {
        self.count()?;
        Ok(self.document(&this)?.as_str().len() as u64)
    }
    fn json(&mut self, this: Resource<DocumentHandle>) -> wasmtime::Result<String> {
        self.count()?;
        Ok(self.document(&this)?.as_str().to_owned())
    }
    fn get(
        &mut self,
        this: Resource<DocumentHandle>,
        pointer: String,
    ) -> wasmtime::Result<Option<String>> {
        self.count()?;
        Ok(self
            .document(&this)?
            .root()
            .at(&pointer)
            .map(|node| node.as_str().to_owned()))
    }
    fn texts(&mut self, this: Resource<DocumentHandle>) -> wasmtime::Result<call::TextRun> {
        self.count()?;
        Ok(text_run(self.document(&this)?.texts()))
    }
    fn strings(&mut self, this: Resource<DocumentHandle>) -> wasmtime::Result<call::TextRun> {
        self.count()?;
        Ok(text_run(self.document(&this)?.strings()))
    }
    fn keys(&mut self, this: Resource<DocumentHandle>) -> wasmtime::Result<call::TextRun> {
        self.count()?;
        Ok(text_run(self.document(&this)?.keys()))
    }
    fn text_pointer(
        &mut self,
        this: Resource<DocumentHandle>,
        index: u32,
    ) -> wasmtime::Result<Option<String>> {
        self.count()?;
        Ok(self.document(&this)?.text_pointer(index))
    }
    fn string_pointer(
        &mut self,
        this: Resource<DocumentHandle>,
        index: u32,
    ) -> wasmtime::Result<Option<String>> {
        self.count()?;
        Ok(self.document(&this)?.string_pointer(index))
    }
    fn drop(&mut self, _: Resource<DocumentHandle>) -> wasmtime::Result<()> {
        Ok(())
    }
}

impl call::HostContext for Sandbox {
    fn id(&mut self, _: Resource<ContextHandle>) -> wasmtime::Result<String> {
        self.count()?;
        Ok(self.call()?.id.to_string())
    }
    fn method(&mut self, _: Resource<ContextHandle>) -> wasmtime::Result<String> {
        self.count()?;
        Ok(self.call()?.method.to_string())
    }
    fn direction(&mut self, _: Resource<ContextHandle>) -> wasmtime::Result<String> {
        self.count()?;
        Ok(self.call()?.direction.as_str().into())
    }
    fn server(&mut self, _: Resource<ContextHandle>) -> wasmtime::Result<String> {
        self.count()?;
        Ok(self.call()?.server.to_string())
    }
    fn target(&mut self, _: Resource<ContextHandle>) -> wasmtime::Result<Option<String>> {
        self.count()?;
        Ok(self.call()?.target.as_deref().map(Into::into))
    }
    fn session(&mut self, _: Resource<ContextHandle>) -> wasmtime::Result<Option<String>> {
        self.count()?;
        Ok(self.call()?.session.as_deref().map(Into::into))
    }
    fn principal(&mut self, _: Resource<ContextHandle>) -> wasmtime::Result<Option<String>> {
        self.count()?;
        Ok(self.call()?.principal.as_deref().map(Into::into))
    }
    fn definition(&mut self, _: Resource<ContextHandle>) -> wasmtime::Result<Option<String>> {
        self.count()?;
        Ok(self
            .call()?
            .definition
            .as_ref()
            .map(|json| json.as_str().to_owned()))
    }
    fn params(
        &mut self,
        _: Resource<ContextHandle>,
    ) -> wasmtime::Result<Option<Resource<DocumentHandle>>> {
        self.count()?;
        Ok(self
            .run()
            .and_then(|run| run.sent.as_ref())
            .map(|_| Resource::new_own(SENT)))
    }
    fn failed(&mut self, _: Resource<ContextHandle>) -> wasmtime::Result<bool> {
        self.count()?;
        Ok(self.run().is_some_and(|run| run.failed))
    }
    fn remaining_us(&mut self, _: Resource<ContextHandle>) -> wasmtime::Result<u64> {
        self.count()?;
        let told = self
            .capabilities
            .simulation
            .as_ref()
            .and_then(|simulation| simulation.remaining);
        if let Some(told) = told {
            return Ok(u64::try_from(told.as_micros()).unwrap_or(u64::MAX));
        }
        Ok(meter::remaining().map_or(0, |left| {
            u64::try_from(left.as_micros()).unwrap_or(u64::MAX)
        }))
    }
    fn carry(&mut self, _: Resource<ContextHandle>, note: Vec<u8>) -> wasmtime::Result<()> {
        self.count()?;
        if note.len() > MAX_NOTE {
            return Err(self.stop(StopReason::Quota("bytes carried to the post-call")));
        }
        self.carry = Some(note.into());
        Ok(())
    }
    fn carried(&mut self, _: Resource<ContextHandle>) -> wasmtime::Result<Option<Vec<u8>>> {
        self.count()?;
        Ok(self
            .run()
            .and_then(|run| run.carried.as_deref())
            .map(Into::into))
    }
    fn attribute(
        &mut self,
        _: Resource<ContextHandle>,
        name: String,
    ) -> wasmtime::Result<Option<String>> {
        self.count()?;
        let call = self.call()?;
        if name == "groups" {
            return Ok(Some(serde_json::to_string(&*call.groups)?));
        }
        if name == "target.canonical" {
            return Ok(canonical_target(call));
        }
        if name == "interceptor.key" {
            return Ok(self.capabilities.key.as_deref().map(Into::into));
        }
        Ok(call.attribute(&name).map(Into::into))
    }
    fn drop(&mut self, _: Resource<ContextHandle>) -> wasmtime::Result<()> {
        Ok(())
    }
}

/// The canonical form of a target that is a URI in another spelling. Empty: the URI has no canonical form. `None`: the
/// target is no URI, or is canonical.
fn canonical_target(call: &Call) -> Option<String> {
    let target = call.target.as_deref()?;
    if !Method::new(&call.method).addresses_uri() || is_canonical_uri(target) {
        return None;
    }
    Some(canonical_uri(target).unwrap_or_default().into_owned())
}

impl decision::Host for Sandbox {}

impl report::Host for Sandbox {
    fn find(&mut self, finding: report::Finding) -> wasmtime::Result<()> {
        self.count()?;
        if self.findings.len() >= MAX_FINDINGS {
            if self.findings.len() == MAX_FINDINGS {
                self.findings.push(Finding {
                    rule: "sandgate.findings-cut".into(),
                    severity: Severity::Warn,
                    part: Part::Params,
                    pointer: None,
                    message: format!("more than {MAX_FINDINGS} findings; the rest is left out"),
                    details: None,
                });
            }
            return Ok(());
        }
        let details = match finding.details {
            Some(text) if text.len() <= MAX_DETAILS => {
                match Json::parse(text, &self.capabilities.document) {
                    Ok(json) => Some(json),
                    Err(why) => {
                        return Err(
                            self.stop(StopReason::Malformed(format!("a finding's details: {why}")))
                        );
                    }
                }
            }
            Some(_) => return Err(self.stop(StopReason::Quota("bytes of a finding's details"))),
            None => None,
        };
        self.findings.push(Finding {
            rule: cut(finding.rule),
            severity: match finding.severity {
                report::Severity::Info => Severity::Info,
                report::Severity::Warn => Severity::Warn,
                report::Severity::Error => Severity::Error,
            },
            part: match finding.part {
                report::Part::Params => Part::Params,
                report::Part::Reply => Part::Reply,
            },
            pointer: finding.pointer.map(cut),
            message: cut(finding.message),
            details,
        });
        Ok(())
    }
    fn last_words(&mut self, fault: decision::Fault) -> wasmtime::Result<()> {
        self.count()?;
        self.last_words = Some(Box::new(FaultReport::of(fault)));
        Ok(())
    }
}

impl log::Host for Sandbox {
    fn log(&mut self, level: log::Level, message: String) -> wasmtime::Result<()> {
        self.count()?;
        if self.logged > MAX_LOG {
            return Ok(());
        }
        self.logged += message.len().min(MAX_TEXT) + 16;
        let message = if self.logged > MAX_LOG {
            "… (the rest of this run's log is left out)".into()
        } else {
            cut(message)
        };
        let interceptor = &*self.capabilities.interceptor;
        let call = self.run().map_or("-", |run| &*run.call.id.0);
        let message = one_line(&message);
        match level {
            log::Level::Trace => {
                tracing::trace!(target: "sandgate::plugin", interceptor, call, "{message}")
            }
            log::Level::Debug => {
                tracing::debug!(target: "sandgate::plugin", interceptor, call, "{message}")
            }
            log::Level::Info => {
                tracing::info!(target: "sandgate::plugin", interceptor, call, "{message}")
            }
            log::Level::Warn => {
                tracing::warn!(target: "sandgate::plugin", interceptor, call, "{message}")
            }
            log::Level::Error => {
                tracing::error!(target: "sandgate::plugin", interceptor, call, "{message}")
            }
        }
        Ok(())
    }
}

impl Sandbox {
    /// The state table of the run, and the account whose share of the quota its writes use. The inner error: the run
    /// has no state.
    fn state(&mut self) -> wasmtime::Result<Result<(&Table, &Account), state::Failure>> {
        self.count()?;
        Ok(match &self.task {
            Task::Hook(run) if self.capabilities.grants.state => {
                let table = match run.shadow {
                    true => &self.capabilities.shadow,
                    false => &self.capabilities.state,
                };
                Ok((&**table, &run.call.account))
            }
            _ => Err(state::Failure::Denied),
        })
    }
}

impl state::Host for Sandbox {
    fn get(&mut self, key: String) -> wasmtime::Result<Result<Option<Vec<u8>>, state::Failure>> {
        Ok(self.state()?.map(|(table, _)| table.get(&key)))
    }
    fn set(
        &mut self,
        key: String,
        value: Vec<u8>,
        ttl_ms: Option<u64>,
    ) -> wasmtime::Result<Result<(), state::Failure>> {
        Ok(self
            .state()?
            .and_then(|(table, account)| Ok(table.set(&key, value, ttl_ms, account)?)))
    }
    fn delete(&mut self, key: String) -> wasmtime::Result<Result<(), state::Failure>> {
        Ok(self.state()?.and_then(|(table, _)| Ok(table.delete(&key)?)))
    }
    fn increment(
        &mut self,
        key: String,
        by: i64,
        ttl_ms: Option<u64>,
    ) -> wasmtime::Result<Result<i64, state::Failure>> {
        Ok(self
            .state()?
            .and_then(|(table, account)| Ok(table.increment(&key, by, ttl_ms, account)?)))
    }
    fn compare_and_set(
        &mut self,
        key: String,
        expected: Option<Vec<u8>>,
        value: Vec<u8>,
        ttl_ms: Option<u64>,
    ) -> wasmtime::Result<Result<bool, state::Failure>> {
        let table = self.state()?;
        Ok(table.and_then(|(table, account)| {
            Ok(table.compare_and_set(&key, expected.as_deref(), value, ttl_ms, account)?)
        }))
    }
}

impl From<StateFailure> for state::Failure {
    fn from(failure: StateFailure) -> Self {
        match failure {
            StateFailure::Quota => Self::Quota,
            StateFailure::Unavailable(why) => Self::Unavailable(why),
        }
    }
}

fn text_run(texts: TextRun) -> call::TextRun {
    call::TextRun {
        text: texts.text,
        ends: texts.ends,
    }
}

/// Escapes control characters, so that a guest cannot write log lines of its own. Quotes stay as they are.
fn one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '"' | '\'' => line.push(c),
            _ => line.extend(c.escape_debug()),
        }
    }
    line
}

/// Cuts a text off after [`MAX_TEXT`] bytes, and marks the cut.
fn cut(mut text: String) -> String {
    if text.len() > MAX_TEXT {
        text.truncate(text.floor_char_boundary(MAX_TEXT));
        text.push('…');
    }
    text
}
