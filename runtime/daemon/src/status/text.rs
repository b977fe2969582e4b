//! The status as text for people.

use std::fmt::Write;
use std::time::Duration;

use sandgate_alerts::AlertStatus;
use sandgate_telemetry::conditions::ConditionStatus;
use sandgate_telemetry::recent_calls::Calls;
use sandgate_text::printable;

use super::{IssuerStatus, Status};
use crate::stops::StopStatus;

/// The number of lines of an error that are shown to people. Programs get all of it.
const FIRST_LINES: usize = 6;

impl Status {
    /// The status as text for people.
    pub fn text(&self) -> String {
        let mut text = String::new();
        let up = humantime::format_duration(Duration::from_secs(self.uptime_s));
        let mut line = |key: &str, value: String| {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{key:<15}{}", printable(&value));
        };
        line(
            "sandgate",
            format!("{}, process {}, up {up}", self.version, self.process),
        );
        line(
            "configuration",
            format!(
                "{}, version {} since {}",
                self.config.display(),
                self.edition.number,
                self.edition.since
            ),
        );
        line("listening on", self.listeners.join(", "));
        let Calls {
            forwarded,
            refused,
            answered,
            failed,
            overloaded,
            cancelled,
        } = self.calls;
        line(
            "calls",
            format!(
                "{forwarded} forwarded, {refused} refused, {answered} answered by interceptors, {failed} failed, {overloaded} turned away, {cancelled} cancelled; {} under way, {} of them waiting",
                self.under_way, self.waiting
            ),
        );
        line(
            "clients",
            format!(
                "{} connections, {} sessions",
                self.connections, self.sessions
            ),
        );
        if let Some(recording) = &self.recording {
            line("recording", recording.text());
        }
        for issuer in &self.issuers {
            let IssuerStatus {
                issuer,
                keys,
                answered,
                failing_since,
                error,
            } = issuer;
            let keys = match keys {
                0 => String::new(),
                1 => "1 key, ".to_owned(),
                many => format!("{many} keys, "),
            };
            let answered = match answered {
                Some(at) => format!("answered at {at}"),
                None => "has not answered yet".to_owned(),
            };
            let failing = match (failing_since, error) {
                (Some(since), Some(error)) => format!("; failing since {since}: {error}"),
                _ => String::new(),
            };
            line("issuer", format!("{issuer}: {keys}{answered}{failing}"));
        }
        if let Some(until) = &self.certificate_until {
            line("certificate", format!("until {until}"));
        }
        if !self.alerts.is_empty() {
            line("alerts", AlertStatus::summary(&self.alerts));
        }
        if self.unwritten_records > 0 {
            let count = self.unwritten_records;
            line("call log", format!("{count} records could not be written"));
        }
        for one in &self.call_log_sinks {
            let mut text = format!("{}: {} records sent", one.sink, one.sent);
            if one.lost > 0 {
                let _ = write!(text, ", {} lost", one.lost);
            }
            if one.waiting_bytes > 0 {
                let _ = write!(text, ", {} KiB wait", one.waiting_bytes.div_ceil(1024));
            }
            if let (Some(since), Some(error)) = (&one.failing_since, &one.error) {
                let _ = write!(text, "; failing since {since}: {error}");
            }
            line("sink", text);
        }
        if self.log.dropped > 0 {
            line("log", format!("{} lines lost", self.log.dropped));
        }
        // A refused reload is shown below, in more words.
        let shown = |wrong: &&ConditionStatus| wrong.unready || wrong.condition != "reload";
        for wrong in self.conditions.iter().filter(shown) {
            let unready = match wrong.unready {
                true => " (not ready)",
                false => "",
            };
            let text = format!("{}{unready}: {}", wrong.condition, wrong.detail);
            line("wrong", text);
        }
        if !self.needs_restart.is_empty() {
            line("at next start", self.needs_restart.join(", "));
        }
        if let Some(failed) = &self.failed_reload {
            let mended = match failed.mended {
                true => "mended since",
                false => "what was in force stays so",
            };
            line("failed reload", format!("{}, {mended}:", failed.at));
            self.first_lines(&failed.error, &mut text);
        }
        if !self.stops.is_empty() {
            text.push('\n');
            text += &StopStatus::table(&self.stops);
        }
        text.push('\n');
        self.interceptors(&mut text);
        text.push('\n');
        self.servers(&mut text);
        text
    }

    fn first_lines(&self, error: &str, text: &mut String) {
        for line in error.trim_end().lines().take(FIRST_LINES) {
            let _ = writeln!(text, "  {}", printable(line));
        }
        if error.trim_end().lines().count() > FIRST_LINES {
            text.push_str("  (more: `sandgate check` shows everything)\n");
        }
    }
}

#[cfg(test)]
mod tests {
    use sandgate_pipeline::Mode;
    use sandgate_telemetry::call_log::RemoteSinkStatus;
    use sandgate_telemetry::recent_calls::Tally;
    use sandgate_telemetry::recent_connections::EgressTally;

    use super::super::{
        EditionStatus, EgressStatus, FailedReload, InterceptorStatus, LastError, LogStatus,
        ServerStatus,
    };
    use super::*;
    use crate::candidate::CandidateStatus;

    fn status() -> Status {
        Status {
            version: "0.1.0".into(),
            process: 42,
            config: "sandgate.toml".into(),
            started: "2026-11-22T10:00:00Z".into(),
            uptime_s: 3_725,
            edition: EditionStatus {
                number: 3,
                since: "2026-11-22T10:30:00Z".into(),
            },
            failed_reload: Some(FailedReload {
                at: "2026-11-22T10:40:00Z".into(),
                error: "error: a\nb\nc\nd\ne\nf\ng\n".into(),
                mended: false,
            }),
            needs_restart: vec!["call-log.to".into(), "gateway.listen".into()],
            listeners: vec!["127.0.0.1:8808".into()],
            calls: Calls {
                forwarded: 12,
                refused: 2,
                ..Calls::default()
            },
            connections: 3,
            sessions: 1,
            under_way: 1,
            waiting: 0,
            recording: None,
            stops: Vec::new(),
            alerts: Vec::new(),
            conditions: vec![ConditionStatus {
                condition: "call-log".into(),
                detail: "cannot be written: No space left on device".into(),
                unready: true,
            }],
            issuers: vec![IssuerStatus {
                issuer: "https://id.example.com".into(),
                keys: 2,
                answered: Some("2026-11-22T10:45:00Z".into()),
                failing_since: Some("2026-11-22T11:00:10Z".into()),
                error: Some("https://id.example.com/jwks: no answer in 10 s".into()),
            }],
            certificate_until: Some("2027-01-01T00:00:00Z".into()),
            unwritten_records: 5,
            call_log_sinks: vec![RemoteSinkStatus {
                sink: "syslog tls://log.example.com:6514".into(),
                sent: 41,
                lost: 2,
                waiting_bytes: 3000,
                failing_since: Some("2026-11-22T11:00:10Z".into()),
                error: Some("Connection refused (os error 111)".into()),
            }],
            log: LogStatus {
                dropped: 3,
                failing: None,
            },
            interceptors: vec![InterceptorStatus {
                name: "scrub".into(),
                plugin: "pii-scrubber".into(),
                plugin_version: "0.1.0".into(),
                digest: "sha256:0123456789abcdef".into(),
                reference: Some("oci://ghcr.io/example/mask:1@sha256:00".into()),
                signed_by: Some("key sha256:00".into()),
                memory: 1_234_567,
                mode: Mode::Audit,
                fail_open: false,
                tally: Tally {
                    runs: 14,
                    refusals: 2,
                    faults: 0,
                },
                candidate: Some(CandidateStatus {
                    plugin: "pii-scrubber".into(),
                    plugin_version: "0.2.0".into(),
                    digest: "sha256:fedcba9876543210".into(),
                    share: 12.5,
                    since: "2026-11-22T10:30:00Z".into(),
                    runs: 10,
                    same: 7,
                    differs: 2,
                    failed: 1,
                    dropped: 4,
                    differences: vec![crate::candidate::Differing {
                        hook: "post-call".into(),
                        live: "proceed".into(),
                        candidate: "edit".into(),
                        differs_in: "decision".into(),
                        count: 2,
                    }],
                    failures: [("trap".to_owned(), 1)].into(),
                    median_us: Some(41),
                    live_median_us: Some(40),
                    recent: vec![crate::candidate::CandidateResult {
                        record: "candidate".into(),
                        time: "2026-11-22T10:31:00Z".into(),
                        id: "0a11".into(),
                        interceptor: "scrub".into(),
                        digest: "sha256:fedcba9876543210".into(),
                        hook: "post-call".into(),
                        live: "proceed".into(),
                        candidate: "edit".into(),
                        differs_in: Some("decision".into()),
                        code: None,
                        failure: None,
                    }],
                }),
            }],
            servers: vec![ServerStatus {
                name: "crm".into(),
                transport: "http".into(),
                at: "http://127.0.0.1:9000/mcp".into(),
                eras: vec!["legacy".into()],
                availability: "unknown".into(),
                down_since: None,
                hidden_from_modern: false,
                failing_since: Some("2026-11-22T10:41:00Z".into()),
                last_error: Some(LastError {
                    at: "2026-11-22T10:42:00Z".into(),
                    error: "it answered \u{1b}503".into(),
                }),
                children: 0,
                under_way: 1,
                contained: None,
                signed_by: None,
                egress: Some(EgressStatus {
                    hosts: vec!["api.github.com".into(), "*.example.com:8443".into()],
                    audit_until: Some("2026-11-22T11:00:00Z".into()),
                    tally: EgressTally {
                        allowed: 5,
                        audited: 2,
                        refused: 1,
                        failed: 0,
                    },
                }),
                lookalikes: Vec::new(),
                dropped: 0,
            }],
        }
    }

    #[test]
    fn people_see_everything_at_a_glance() {
        let expected = "\
sandgate       0.1.0, process 42, up 1h 2m 5s
configuration  sandgate.toml, version 3 since 2026-11-22T10:30:00Z
listening on   127.0.0.1:8808
calls          12 forwarded, 2 refused, 0 answered by interceptors, 0 failed, 0 turned away, 0 cancelled; 1 under way, 0 of them waiting
clients        3 connections, 1 sessions
issuer         https://id.example.com: 2 keys, answered at 2026-11-22T10:45:00Z; failing since 2026-11-22T11:00:10Z: https://id.example.com/jwks: no answer in 10 s
certificate    until 2027-01-01T00:00:00Z
call log       5 records could not be written
sink           syslog tls://log.example.com:6514: 41 records sent, 2 lost, 3 KiB wait; failing since 2026-11-22T11:00:10Z: Connection refused (os error 111)
log            3 lines lost
wrong          call-log (not ready): cannot be written: No space left on device
at next start  call-log.to, gateway.listen
failed reload  2026-11-22T10:40:00Z, what was in force stays so:
  error: a
  b
  c
  d
  e
  f
  (more: `sandgate check` shows everything)

  interceptor  plugin              mode   runs  refusals  faults  memory  digest
  scrub        pii-scrubber 0.1.0  audit  14    2         0       1.3 MB  sha256:0123456789ab
  scrub: oci://ghcr.io/example/mask:1@sha256:00, signed by key sha256:00
  candidate of scrub: pii-scrubber 0.2.0, sha256:fedcba987654, 12.5% of calls since 2026-11-22T10:30:00Z
    10 runs: 7 the same, 2 differ, 1 failed; 4 dropped; median 41 µs, 40 µs live
    2 × post-call proceed → edit, differs in its decision
    1 × failed: trap
    the last of them (`sandgate why`): 0a11

  server  state                               eras    children  under way  at
  crm     failing since 2026-11-22T10:41:00Z  legacy  0         1          http://127.0.0.1:9000/mcp
  crm reaches api.github.com, *.example.com:8443: 5 connections allowed, 1 refused, 0 failed
  crm: 2 connections were let through by the audit alone
  crm: AUDIT, every public host is let through until 2026-11-22T11:00:00Z
  last error of crm, 2026-11-22T10:42:00Z: it answered \u{fffd}503
";
        assert_eq!(status().text(), expected);
    }
}
