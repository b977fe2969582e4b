//! Draws random numbers in `configure` and in every run, and shows both.

use std::collections::HashMap;
use std::hash::BuildHasher;

use sandgate_sdk::{
    Context, Document, Error, Interceptor, Issues, NoSettings, PreDecision, export, random,
};

struct RemembersRandomness {
    drawn: u64,
    map: HashMap<u8, u8>,
}

impl Interceptor for RemembersRandomness {
    type Settings = NoSettings;

    fn configure(_: NoSettings) -> Result<Self, Issues> {
        Ok(Self {
            drawn: random::u64(),
            map: HashMap::new(),
        })
    }

    fn pre_call(&self, _: &Context, _: &Document) -> Result<PreDecision, Error> {
        let answer = serde_json::json!({
            "configured": self.drawn.to_string(),
            "configured-map": self.map.hasher().hash_one(1).to_string(),
            "run": random::u64().to_string(),
            "run-again": random::u64().to_string(),
            "run-map": HashMap::<u8, u8>::new().hasher().hash_one(1).to_string(),
            "wasi": wasip2::random::random::get_random_u64().to_string(),
            "wasi-insecure-seed": format!("{:?}", wasip2::random::insecure_seed::insecure_seed()),
        });
        Ok(PreDecision::Answer(answer.to_string()))
    }
}

export!(RemembersRandomness: pre_call);
