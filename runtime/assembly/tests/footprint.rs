//! Bounds the memory pages that a run of a built-in policy writes. Each written page is restored after the run, and
//! after every later run in the same slot of the pool, which is most of the cost of an instance for each run. The tests
//! count pages, so they do not depend on the speed of the machine.
#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use sandgate_assembly::builtin;
use sandgate_host::{EngineConfig, Grants, Host, Plugin, PluginFile, Spec, State, StateQuota};
use sandgate_message::{Call, Edit, HookRequest, Interceptor, Json, Limits, PostDecision};
use serde_json::json;

/// Bytes in a page.
const PAGE: usize = 4096;

/// A host and one plugin of it.
struct Stand {
    host: Arc<Host>,
    plugin: Plugin,
}

impl Stand {
    async fn new(name: &str) -> Self {
        let config = EngineConfig {
            instances: 4,
            ..EngineConfig::default()
        };
        let host = Host::new(config, None, None, State::in_memory(StateQuota::default())).unwrap();
        let bytes = builtin::find(name).unwrap().bytes();
        let spec = Spec {
            interceptor: name.into(),
            file: Arc::new(PluginFile::read(bytes).unwrap()),
            settings: json!({}),
            settings_private: false,
            grants: Grants::default(),
            memory: None,
            concurrency: None,
            document: Limits::default(),
            fault_detail: true,
        };
        let plugin = host.prepare(spec).await.unwrap();
        Self { host, plugin }
    }

    /// Runs the `post-call` hook on a reply with this text. Returns whether the plugin changed the text.
    async fn reply(&self, text: &str) -> bool {
        let document = json!({ "content": [{ "type": "text", "text": text }] });
        let timeout = Duration::from_secs(10);
        let run = HookRequest {
            call: Arc::new(call()),
            document: Json::of(&document).unwrap(),
            sent: None,
            failed: false,
            carried: None,
            timeout,
            deadline: Instant::now() + HookRequest::wall_limit(timeout),
            shadow: false,
        };
        match self.plugin.post_call(run).await.decision.unwrap() {
            PostDecision::Proceed => false,
            PostDecision::Edit(edits) => {
                assert!(matches!(edits[..], [Edit::Text { .. }]), "{edits:?}");
                true
            }
            other => panic!("{other:?}"),
        }
    }

    /// The pages that the slot keeps: those that any run has written so far.
    fn pages(&self) -> usize {
        let idle = self.host.idle_slots().unwrap();
        assert_eq!(idle.count, 1, "one run at a time takes one slot");
        idle.resident / PAGE
    }
}

fn call() -> Call {
    Call {
        server: "server".into(),
        target: Some("tool".into()),
        ..Call::example()
    }
}

/// Plain text of `bytes` bytes that begins with `addresses` e-mail addresses.
fn text(bytes: usize, addresses: usize) -> String {
    let plain = "The customer asked twice about the invoice of last month. ";
    let mut text = "Write to ada@example.com or call back tomorrow at noon. ".repeat(addresses);
    while text.len() < bytes {
        text += plain;
    }
    text.truncate(bytes);
    text
}

#[tokio::test]
async fn a_scrubbed_reply_writes_few_pages() {
    for (addresses, most) in [(0, 5), (2, 6), (20, 8)] {
        let stand = Stand::new("pii-scrubber").await;
        for _ in 0..3 {
            assert_eq!(stand.reply(&text(2048, addresses)).await, addresses > 0);
        }
        let pages = stand.pages();
        assert!(pages <= most, "{pages} pages with {addresses} addresses");
    }
}

/// A page of the initial memory that was written once is restored after every later run.
#[tokio::test]
async fn long_replies_leave_little_to_those_after_them() {
    let stand = Stand::new("pii-scrubber").await;
    for bytes in [512 << 10, 48 << 10] {
        for _ in 0..3 {
            assert!(stand.reply(&text(bytes, bytes / 100)).await);
        }
    }
    assert!(stand.reply(&text(2048, 2)).await);
    let pages = stand.pages();
    // The arena's 128 KiB, and eight pages for the stack and other memory outside the arena.
    assert!(pages <= (128 << 10) / PAGE + 8, "{pages} pages");
}
