//! Lets pass the tools that a service knows.

use std::time::Duration;

use sandgate_sdk::http::{self, Failure};
use sandgate_sdk::{
    Context, Document, Error, Interceptor, Issues, NoSettings, PreDecision, export, finding, refuse,
};

struct Lookup;

impl Interceptor for Lookup {
    type Settings = NoSettings;

    fn configure(_: NoSettings) -> Result<Self, Issues> {
        Ok(Self)
    }

    // ANCHOR: http
    fn pre_call(&self, call: &Context, _: &Document) -> Result<PreDecision, Error> {
        let asked = serde_json::json!({ "tool": call.target() }).to_string();
        let request = http::post("https://tools.example.com/known", asked);
        match request.timeout(Duration::from_millis(50)).send() {
            Ok(reply) if reply.status == 200 => Ok(PreDecision::Proceed),
            Ok(_) => Ok(refuse("lookup.unknown", "This tool is not known.").into()),
            Err(Failure::TimedOut) => {
                finding("lookup.late", "nobody knew in time").warn().in_params().report();
                Ok(PreDecision::Proceed)
            }
            Err(Failure::Refused | Failure::Cut) => {
                Ok(refuse("lookup.down", "Nobody can say whether this tool is known.").into())
            }
            Err(other) => Err(other.into()),
        }
    }
    // ANCHOR_END: http
}

export!(Lookup: pre_call);

#[cfg(test)]
mod tests {
    use sandgate_sdk::http::Reply;
    use sandgate_sdk::testing::{self, Decision, context, document};

    use super::*;

    #[test]
    fn a_late_answer_lets_the_call_go_on() {
        let second = Duration::from_secs(1);
        testing::answer_http_late("https://tools.example.com/known", second, Reply::new(200, ""));
        let outcome = testing::pre_call(
            &Lookup,
            &context("tools/call").target("search").build(),
            &document(r#"{"name":"search"}"#),
        );
        assert_eq!(outcome.decision, Decision::Proceed, "{outcome:?}");
        assert_eq!(outcome.findings[0].rule, "lookup.late");
    }
}
