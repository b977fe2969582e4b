//! `sandgate rotate`: another key or value in force, at once, on the record, and what is left to do by hand.

use std::path::Path;

use sandgate_config::{Files, TokenHash};
use sandgate_telemetry::call_log::HandedOver;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::Handler;
use super::protocol::RotateKind;
use crate::actor::Actor;
use crate::reload_report::ReloadReport;

/// What was put in the place of what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RotateReport {
    /// What it is.
    pub kind: RotateKind,
    /// Its name.
    pub name: String,
    /// Whether another key or value is in force than before.
    pub changed: bool,
    /// What happened, a sentence.
    pub said: String,
    /// What is left to do by hand, in this order.
    pub left: Vec<String>,
}

impl RotateReport {
    /// The report for people.
    pub fn text(&self) -> String {
        let mut text = format!("{}\n", self.said);
        for (index, left) in self.left.iter().enumerate() {
            text.push_str(&format!("{}. {left}\n", index + 1));
        }
        text
    }
}

impl Handler {
    /// Puts another key or value in force. `hash`: the SHA-256 of a client's new key.
    ///
    /// # Errors
    ///
    /// There is no such thing, or it could not be put in force: what was in force is.
    pub(super) async fn rotate(
        &self,
        kind: RotateKind,
        name: &str,
        hash: Option<&str>,
        actor: &Actor,
    ) -> Result<RotateReport, String> {
        let (report, detail) = match kind {
            RotateKind::AuditKey => self.rotate_audit_key(name).await?,
            RotateKind::Secret => {
                let reloaded = self.reloaded(actor).await?;
                rotated_secret(name, &reloaded)?
            }
            RotateKind::Client => {
                self.reloaded(actor).await?;
                self.rotated_client(name, hash)?
            }
        };
        tracing::warn!(kind = ?kind, name, uid = actor.uid, changed = report.changed, "rotated");
        self.call_log().operator("rotate", actor.sign(detail));
        Ok(report)
    }

    async fn reloaded(&self, actor: &Actor) -> Result<ReloadReport, String> {
        let report = self.reload(actor).await?;
        match &report.error {
            None => Ok(report),
            Some(error) => Err(format!(
                "nothing is changed in the running gateway, since its configuration cannot be loaded:\n{error}"
            )),
        }
    }

    async fn rotate_audit_key(
        &self,
        path: &str,
    ) -> Result<(RotateReport, serde_json::Value), String> {
        let key = Path::new(path).to_owned();
        if !key.is_absolute() {
            return Err("the path of the next key is not absolute".to_owned());
        }
        let log = self.call_log().clone();
        let handed = tokio::task::spawn_blocking(move || {
            log.hand_over(&key, &Files::in_folder(Path::new("/")))
        });
        let handed = handed.await.map_err(|error| error.to_string())??;
        let HandedOver {
            before,
            after,
            trouble,
        } = handed;
        let trouble = trouble.map_or_else(String::new, |why| format!(" But {why}."));
        let config = self.config_file();
        let config = config.display();
        let report = RotateReport {
            kind: RotateKind::AuditKey,
            name: path.to_owned(),
            changed: true,
            said: format!("From now on {after} signs the call log, as {before} signed.{trouble}"),
            left: vec![
                format!(
                    "In {config} set `audit.key = {path:?}` and add {before:?} to `audit.former-keys`: with the former key the \
                     gateway does not start again."
                ),
                format!("Keep {after} apart from the log. `sandgate audit verify` follows from the former key to it."),
                "Remove the former signing key's file. Keep its verifying key as long as what it signed.".to_owned(),
            ],
        };
        let detail = json!({ "kind": "audit-key", "name": path, "before": before, "after": after });
        Ok((report, detail))
    }

    fn rotated_client(
        &self,
        name: &str,
        hash: Option<&str>,
    ) -> Result<(RotateReport, serde_json::Value), String> {
        let edition = self.gateway().current();
        let loaded = edition.clients().key(name);
        // What is in force is said, and not what was asked for.
        let until = loaded.and_then(|key| key.previous);
        let until = until.map(|(_, until)| sandgate_text::time(until));
        let key = loaded.and_then(|key| key.token_sha256);
        let key = key.map(|key| TokenHash(key).hex());
        if key.is_none() || key.as_deref() != hash {
            return Err(format!(
                "the client {name:?} has the key that it had: its configuration has no other one"
            ));
        }
        let report = RotateReport {
            kind: RotateKind::Client,
            name: name.to_owned(),
            changed: true,
            said: match &until {
                Some(until) => format!("{name} has another key. The former one is good until {until}."),
                None => format!("{name} has another key. The former one is good no more."),
            },
            left: vec![
                format!("Give {name} the new key; it was printed once and is kept nowhere."),
                "Have it use the new key before the former one ends; then remove `previous` from the configuration.".to_owned(),
            ],
        };
        let detail = json!({ "kind": "client", "name": name, "previous_until": until });
        Ok((report, detail))
    }
}

fn rotated_secret(
    name: &str,
    reloaded: &ReloadReport,
) -> Result<(RotateReport, serde_json::Value), String> {
    let Some(changed) = reloaded.secrets.get(name).copied() else {
        let near = sandgate_text::nearest(name, reloaded.secrets.keys().map(String::as_str));
        return Err(format!("no server has the secret {name:?}: {near}"));
    };
    let (said, left) = match changed {
        true => (
            format!("{name} is fetched anew: another value is in force."),
            vec![
                "Withdraw the former value where it was issued. A program that has it in its environment or a file is \
                 replaced after its calls, a minute later at most."
                    .to_owned(),
            ],
        ),
        false => (
            format!("{name} is fetched anew: its value is the same as before."),
            vec![
                "Change the value where it is kept, as the configuration says, and ask again. The gateway issues none."
                    .to_owned(),
            ],
        ),
    };
    let report = RotateReport {
        kind: RotateKind::Secret,
        name: name.to_owned(),
        changed,
        said,
        left,
    };
    Ok((
        report,
        json!({ "kind": "secret", "name": name, "changed": changed }),
    ))
}
