//! Verdicts that are remembered, in the interceptor's state. A key is an HMAC over the classifier, the caller and the
//! text, so that neither the state's reader nor another caller can find out what was sent.

use std::time::Duration;

use sandgate_sdk::{Context, Level, log, state};

use crate::secret::Secret;
use crate::settings::Settings;
use crate::verdict::Verdict;

/// The longest verdict that is kept, in bytes. Longer ones are asked for again.
const LONGEST: usize = 32 << 10;

/// The verdicts of one caller.
pub(crate) struct Cache<'s> {
    secret: Option<&'s Secret>,
    classifier: &'s str,
    caller: String,
    ttl: Duration,
}

/// What makes another classifier of it: verdicts of other settings do not count.
pub(crate) fn classifier(settings: &Settings, least: f64) -> String {
    serde_json::json!([
        settings.url,
        settings.model,
        settings.categories,
        settings.labels,
        settings.safe_labels,
        settings.language,
        settings.entities,
        format!("{:?} {least}", settings.kind),
    ])
    .to_string()
}

impl<'s> Cache<'s> {
    /// Without a secret nothing is kept.
    pub(crate) fn of(
        secret: Option<&'s Secret>,
        classifier: &'s str,
        context: &Context,
        ttl: Duration,
    ) -> Self {
        let caller = match (context.principal(), context.session()) {
            (Some(principal), _) => format!("principal {principal}"),
            (None, Some(session)) => format!("session {session}"),
            (None, None) => "anonymous".into(),
        };
        Self {
            secret,
            classifier,
            caller,
            ttl,
        }
    }

    fn key(&self, input: &str) -> Option<String> {
        let parts = [
            b"verdict".as_slice(),
            self.classifier.as_bytes(),
            self.caller.as_bytes(),
            input.as_bytes(),
        ];
        self.secret?.digest(&parts, 40)
    }

    /// The verdict on this input, where one is kept. State that is not granted or cannot be read has none.
    pub(crate) fn get(&self, input: &str) -> Option<Verdict> {
        let kept = state::get(&self.key(input)?).ok()??;
        Verdict::read(&kept, input)
    }

    /// Keeps a verdict. Where it cannot be kept, the classifier is asked again the next time.
    pub(crate) fn keep(&self, input: &str, verdict: &Verdict) {
        let Some(key) = self.key(input) else {
            return;
        };
        let written = verdict.written();
        if written.len() > LONGEST {
            return;
        }
        match state::set(&key, written.as_bytes(), Some(self.ttl)) {
            Ok(()) | Err(state::Failure::Denied) => {}
            Err(_) => log(Level::Warn, "a verdict could not be kept in the state"),
        }
    }
}
