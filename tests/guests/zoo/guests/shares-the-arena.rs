//! Has the arena for its allocator, and calls the C library for what the host hands over in lists.
//!
//! ```toml
//! [asks]
//! env = { REGION = "to read it" }
//! dirs = { "/rules" = { access = "ro", why = "to read them" } }
//! ```

use sandgate_sdk::{
    Context, Document, Error, Interceptor, Issues, NoSettings, PreDecision, bump_arena, export,
    random,
};

struct SharesTheArena;

impl Interceptor for SharesTheArena {
    type Settings = NoSettings;

    fn configure(_: NoSettings) -> Result<Self, Issues> {
        Ok(Self)
    }

    fn pre_call(&self, _: &Context, _: &Document) -> Result<PreDecision, Error> {
        let mut kept = Vec::new();
        for round in 0..50 {
            let mut drawn = vec![0; 40 + round];
            random::fill(&mut drawn);
            let region = std::env::var("REGION").unwrap_or_default();
            let rule = std::fs::read_to_string("/rules/a").unwrap_or_default();
            let names = std::fs::read_dir("/rules").map_or(0, |entries| entries.flatten().count());
            kept.push((drawn, region, rule, names));
        }
        let (_, region, rule, names) = &kept[0];
        let same = kept
            .iter()
            .all(|(_, r, f, n)| (r, f, n) == (region, rule, names));
        let drawn_anew = kept.windows(2).all(|two| two[0].0[..40] != two[1].0[..40]);
        let answer = serde_json::json!({ "same": same && drawn_anew, "region": region, "rule": rule, "names": names });
        Ok(PreDecision::Answer(answer.to_string()))
    }
}

export!(SharesTheArena: pre_call);
bump_arena!();
