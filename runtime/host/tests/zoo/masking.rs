//! A guest that hides a word.

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
