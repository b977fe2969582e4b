//! Guests that hide a word, or keys.

use sandgate_message::{Json, Limits, PostDecision, PreDecision, apply};
use serde_json::{Value, json};

use crate::stand::{post, pre, prepare, spec};

pub(crate) mod masks_a_word {
    use super::*;

    async fn masked(document: Value) -> Value {
        let mut spec = spec("masks-a-word");
        spec.settings = json!({ "word": "canary" });
        let plugin = prepare(spec).await.unwrap();
        let sent = match pre(&plugin, document.clone()).await.unwrap() {
            PreDecision::Edit(edits) => {
                let document = Json::of(&document).unwrap();
                apply(&document, &edits, &Limits::default())
                    .unwrap()
                    .to()
                    .unwrap()
            }
            PreDecision::Replace(whole) => whole.to().unwrap(),
            other => panic!("{other:?}"),
        };
        let answered = post(&plugin, document).await.unwrap();
        assert!(matches!(
            answered,
            PostDecision::Edit(_) | PostDecision::Replace(_)
        ));
        sent
    }

    #[tokio::test]
    async fn in_strings_names_and_addresses() {
        assert_eq!(
            masked(json!({ "uri": "file:///a/canary?canary", "n": 1, "list": ["canary"] })).await,
            json!({ "uri": "file:///a/[masked]?[masked]", "n": 1, "list": ["[masked]"] })
        );
        assert_eq!(
            masked(json!({ "a": { "my-canary": [1, "canary"] } })).await,
            json!({ "a": { "my-[masked]": [1, "[masked]"] } })
        );
    }

    #[tokio::test]
    async fn and_leaves_everything_else_alone() {
        let mut spec = spec("masks-a-word");
        spec.settings = json!({ "word": "canary" });
        let plugin = prepare(spec).await.unwrap();
        let decision = pre(&plugin, json!({ "name": "finch" })).await.unwrap();
        assert_eq!(decision, PreDecision::Proceed);
    }
}

pub(crate) mod finds_keys {
    use super::*;

    #[tokio::test]
    async fn in_every_text_by_their_form() {
        let plugin = prepare(spec("finds-keys")).await.unwrap();
        let text = |text: &str| json!({ "content": [{ "type": "text", "text": text }] });
        let masked = async |given: &str| {
            let document = text(given);
            match post(&plugin, document.clone()).await.unwrap() {
                PostDecision::Edit(edits) => {
                    let document = Json::of(&document).unwrap();
                    let edited = apply(&document, &edits, &Limits::default()).unwrap();
                    edited.to::<Value>().unwrap()
                }
                _ => document,
            }
        };
        for (given, left) in [
            ("use AKIAIOSFODNN7EXAMPLE.", "use [key]."),
            (
                "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbg, ok",
                "[key], ok",
            ),
            ("-----BEGIN X-----\nMIIB\n-----END X-----", "[key]"),
            // The check of this one does not hold, and the other is too short.
            (
                "ghp_000000000000000000000000000000000000",
                "ghp_000000000000000000000000000000000000",
            ),
            ("AKIA1234", "AKIA1234"),
        ] {
            assert_eq!(masked(given).await, text(left));
        }
    }
}
