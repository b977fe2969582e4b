//! Asks what it is told to ask, and answers with what came of it.

use std::time::Duration;

use sandgate_sdk::http::{self, Failure};
use sandgate_sdk::{
    Context, Document, Error, Interceptor, Issues, NoSettings, PreDecision, export,
};
use serde::{Deserialize, Serialize};

struct Asks;

#[derive(Deserialize)]
struct Order {
    url: String,
    method: Option<String>,
    #[serde(default)]
    body: String,
    /// Milliseconds.
    timeout: Option<u64>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Told<'a> {
    Reply {
        status: u16,
        body: &'a str,
        r#type: Option<&'a str>,
    },
    None {
        failed: &'a str,
    },
}

impl Interceptor for Asks {
    type Settings = NoSettings;

    fn configure(_: NoSettings) -> Result<Self, Issues> {
        Ok(Self)
    }

    fn pre_call(&self, _: &Context, params: &Document) -> Result<PreDecision, Error> {
        let order: Order = serde_json::from_str(&params.get("/arguments").unwrap_or_default())?;
        let method = order.method.as_deref().unwrap_or("GET");
        let mut asked = http::request(method, &order.url, order.body)
            .header("x-asked", "yes")
            .limit(1000);
        if let Some(timeout) = order.timeout {
            asked = asked.timeout(Duration::from_millis(timeout));
        }
        let told = match asked.send() {
            Ok(reply) => serde_json::to_string(&Told::Reply {
                status: reply.status,
                body: &reply.text(),
                r#type: reply.header("content-type").as_deref(),
            }),
            Err(failure) => serde_json::to_string(&Told::None {
                failed: match failure {
                    Failure::Denied => "denied",
                    Failure::TooLarge(_) => "too-large",
                    Failure::TimedOut => "timed-out",
                    Failure::Refused => "refused",
                    Failure::Cut => "cut",
                    _ => "failed",
                },
            }),
        };
        Ok(PreDecision::Answer(told?))
    }
}

export!(Asks: pre_call);
