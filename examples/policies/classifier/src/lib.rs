//! Asks a service what it takes the texts of a call for, refuses what it calls unsafe, and remembers what it said.

use std::time::Duration;

use sandgate_sdk::http::{self, Failure};
use sandgate_sdk::{
    Context, Document, Error, Interceptor, Issues, PreDecision, export, finding, refuse, state,
};
use schemars::JsonSchema;
use serde::Deserialize;
use sha2::{Digest, Sha256};

#[derive(Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
struct Settings {
    /// Where the service listens.
    url: String,
    /// Milliseconds that it has to answer.
    #[schemars(range(min = 1, max = 10_000))]
    patience: u64,
    /// Seconds for which an answer is remembered.
    #[schemars(range(min = 1))]
    remember: u64,
    /// Whether a call goes on of which the service did not say what it is.
    fail_open: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            url: "https://classifier.example.com/v1/label".into(),
            patience: 200,
            remember: 3600,
            fail_open: false,
        }
    }
}

#[derive(Deserialize)]
struct Labelled {
    label: String,
}

struct Classifier(Settings);

impl Interceptor for Classifier {
    type Settings = Settings;

    fn configure(settings: Settings) -> Result<Self, Issues> {
        let mut issues = Issues::new();
        if !settings.url.starts_with("https://") && !settings.url.starts_with("http://") {
            issues.add("/url", "begins with http:// or https://");
        }
        issues.or(Self(settings))
    }

    fn pre_call(&self, _: &Context, params: &Document) -> Result<PreDecision, Error> {
        let texts = params.texts();
        if texts.is_empty() {
            return Ok(PreDecision::Proceed);
        }
        match self.label(texts.joined())? {
            Some(label) if label == "unsafe" => {
                Ok(refuse("content.unsafe", "The content of this call is not safe.").into())
            }
            Some(_) => Ok(PreDecision::Proceed),
            None if self.0.fail_open => Ok(PreDecision::Proceed),
            None => Ok(refuse("content.unjudged", "Nobody can judge this call now.").into()),
        }
    }
}

impl Classifier {
    /// What the service takes a text for; none where it does not say.
    fn label(&self, text: &str) -> Result<Option<String>, Error> {
        let key = format!("label:{:x}", Sha256::digest(text));
        if let Some(known) = state::get(&key)? {
            return Ok(Some(String::from_utf8(known)?));
        }
        let asked = serde_json::json!({ "text": text }).to_string();
        let request = http::post(&self.0.url, asked)
            .header("content-type", "application/json")
            .timeout(Duration::from_millis(self.0.patience));
        let why = match request.send() {
            Ok(reply) if reply.status == 200 => {
                let Labelled { label } = reply.json()?;
                let remember = Duration::from_secs(self.0.remember);
                state::set(&key, label.as_bytes(), Some(remember))?;
                return Ok(Some(label));
            }
            Ok(reply) => format!("status {}", reply.status),
            Err(Failure::Denied) => return Err(Failure::Denied.into()),
            Err(failure) => failure.to_string(),
        };
        finding("content.no-answer", why).warn().in_params().report();
        Ok(None)
    }
}

export!(Classifier: pre_call);

#[cfg(test)]
mod tests {
    use sandgate_sdk::http::Reply;
    use sandgate_sdk::testing::{self, Decision, Outcome, context, document};

    use super::*;

    const URL: &str = "https://classifier.example.com/v1/label";

    fn called(settings: &str) -> Outcome {
        let classifier: Classifier = testing::configure(settings).expect("settings that fit");
        let params = document(r#"{"name":"say","arguments":{"text":"hello"}}"#);
        testing::pre_call(&classifier, &context("tools/call").build(), &params)
    }

    #[test]
    fn an_answer_is_asked_for_once() {
        testing::answer_http(URL, Reply::new(200, r#"{"label":"unsafe"}"#));
        for _ in 0..2 {
            assert_eq!(called("{}").refusal.expect("refused").code, "content.unsafe");
        }
        assert_eq!(testing::http_requests().len(), 1);
    }

    #[test]
    fn a_service_that_is_late_or_down_is_the_settings_business() {
        testing::answer_http_late(URL, Duration::from_secs(1), Reply::new(200, "{}"));
        let outcome = called("{}");
        assert_eq!(outcome.refusal.expect("refused").code, "content.unjudged");
        assert_eq!(outcome.findings[0].rule, "content.no-answer");
        testing::fail_http(URL, Failure::Refused);
        assert_eq!(called(r#"{"fail-open":true}"#).decision, Decision::Proceed);
    }

    #[test]
    fn a_url_that_is_none_is_told() {
        let issues = testing::configure::<Classifier>(r#"{"url":"ftp://x"}"#).err();
        assert_eq!(issues.expect("wrong").iter().next().map(|one| one.pointer.as_str()), Some("/url"));
    }

    #[test]
    fn the_schema_is_that_of_the_settings() {
        testing::settings_schema::<Classifier>(env!("CARGO_MANIFEST_DIR"));
    }
}
