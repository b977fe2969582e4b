//! Shows everything that the context says.
//!
//! ```toml
//! [hooks.pre-call]
//! type = "mutation"
//! events = ["*"]
//! [hooks.post-call]
//! type = "mutation"
//! events = ["*"]
//! ```

use sandgate_sdk::{
    Context, Document, Error, Interceptor, Issues, NoSettings, PostDecision, PreDecision, export,
};

struct MirrorsContext;

impl Interceptor for MirrorsContext {
    type Settings = NoSettings;

    fn configure(_: NoSettings) -> Result<Self, Issues> {
        Ok(Self)
    }

    fn pre_call(&self, context: &Context, params: &Document) -> Result<PreDecision, Error> {
        Ok(PreDecision::Answer(mirror(context, params).to_string()))
    }

    fn post_call(&self, context: &Context, reply: &Document) -> Result<PostDecision, Error> {
        Ok(PostDecision::Replace(mirror(context, reply).to_string()))
    }
}

fn mirror(context: &Context, document: &Document) -> serde_json::Value {
    serde_json::json!({
        "id": context.id(),
        "method": context.method(),
        "direction": context.direction(),
        "server": context.server(),
        "target": context.target(),
        "session": context.session(),
        "principal": context.principal(),
        "definition": context.definition(),
        "params": context.params().map(|params| params.json()),
        "failed": context.failed(),
        "remaining-us": context.remaining().as_micros() as u64,
        "groups": context.attribute("groups"),
        "client.name": context.attribute("client.name"),
        "unknown": context.attribute("unknown"),
        "document": document.json(),
    })
}

export!(MirrorsContext);
