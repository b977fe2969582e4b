//! What isolation costs: a hook run in an instance of its own, beside the floor (store, instance, reset; nothing on,
//! nothing run) and a real policy. All in one run, in turns, so that the ratios hold on a noisy machine.
#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout)]

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use sandgate_embed::{Compiler, embed, manifest};
use sandgate_host::{EngineConfig, Grants, Host, Plugin, PluginFile, Spec, State, StateQuota};
use sandgate_message::{
    Call, CallId, HookRequest, Interceptor, Json, Limits, PostDecision, PreDecision,
};

/// Rounds, and runs of each kind in a round.
const ROUNDS: usize = 41;
const RUNS: u32 = 1_000;

fn main() {
    let scrubber = scrubber();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    for (name, pagemap_scan) in [
        ("pagemap_scan on", Some(true)),
        ("pagemap_scan off", Some(false)),
    ] {
        if pagemap_scan == Some(true) && !sandgate_host::pagemap_scan_available() {
            println!("{name}: not here, this kernel has none (Linux 6.7 has)");
            continue;
        }
        let config = EngineConfig {
            pagemap_scan,
            ..EngineConfig::default()
        };
        runtime.block_on(measure(name, config, &scrubber));
    }
}

async fn measure(name: &str, config: EngineConfig, scrubber: &Bytes) {
    let host = Host::new(config, None, None, State::in_memory(StateQuota::default())).unwrap();
    let noop = prepare(
        &host,
        Bytes::from_static(sandgate_guests::find("noop").unwrap().bytes),
    )
    .await;
    let scrub = prepare(&host, scrubber.clone()).await;
    let (params, reply) = (document(&plain(2048)), document(&personal(2048)));

    let mut rounds: [Vec<f64>; 3] = Default::default();
    for _ in 0..ROUNDS {
        let started = Instant::now();
        for _ in 0..RUNS {
            noop.floor().await.unwrap();
        }
        rounds[0].push(each(started));

        let started = Instant::now();
        for _ in 0..RUNS {
            let outcome = noop.pre_call(run(&params)).await;
            assert_eq!(outcome.decision, Ok(PreDecision::Proceed));
        }
        rounds[1].push(each(started));

        let started = Instant::now();
        for _ in 0..RUNS {
            let outcome = scrub.post_call(run(&reply)).await;
            assert!(
                matches!(outcome.decision, Ok(PostDecision::Edit(ref edits)) if edits.len() == 2)
            );
        }
        rounds[2].push(each(started));
    }
    println!("{name}, median of {ROUNDS} rounds of {RUNS}:");
    let [floor, noop, scrub] = [0, 1, 2].map(|kind| median(rounds[kind].clone()));
    let ratio = |a: usize, b: usize| {
        median(
            rounds[a]
                .iter()
                .zip(&rounds[b])
                .map(|(a, b)| a / b)
                .collect(),
        )
    };
    println!("  floor (store, instance, reset)       {floor:7.2} µs");
    println!(
        "  no-op hook, everything on            {noop:7.2} µs   {:5.2} × floor (goal: 2 at most)",
        ratio(1, 0)
    );
    println!(
        "  PII scrub of 2 KiB, two edits        {scrub:7.2} µs   {:5.2} × no-op (goal: 10 at most)",
        ratio(2, 1)
    );
}

async fn prepare(host: &Arc<Host>, bytes: Bytes) -> Plugin {
    let spec = Spec {
        interceptor: "measured".into(),
        file: Arc::new(PluginFile::read(bytes).unwrap()),
        settings: serde_json::json!({}),
        settings_private: false,
        grants: Grants::default(),
        memory: None,
        concurrency: None,
        document: Limits::default(),
        fault_detail: false,
    };
    host.prepare(spec).await.unwrap()
}

fn scrubber() -> Bytes {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .canonicalize()
        .unwrap();
    let out = tempfile::tempdir_in(workspace.join("target")).unwrap();
    let built = Compiler::within(&workspace, out.path())
        .build(["-p", "pii-scrubber"])
        .unwrap();
    let mut component = std::fs::read(built.join("pii_scrubber.wasm")).unwrap();
    embed(
        &mut component,
        &manifest(&workspace.join("plugins/pii-scrubber")).unwrap(),
    );
    component.into()
}

fn run(document: &Json) -> HookRequest {
    HookRequest {
        call: Arc::new(Call {
            id: CallId("0123456789abcdef".into()),
            ..Call::example()
        }),
        document: document.clone(),
        sent: None,
        failed: false,
        carried: None,
        deadline: Instant::now() + Duration::from_secs(5),
        timeout: Duration::from_millis(50),
        shadow: false,
    }
}

/// A tool result with this text in three blocks.
fn document(text: &str) -> Json {
    let third = text.len() / 3;
    let blocks: Vec<_> = [&text[..third], &text[third..2 * third], &text[2 * third..]]
        .iter()
        .map(|text| serde_json::json!({ "type": "text", "text": text }))
        .collect();
    Json::of(&serde_json::json!({ "content": blocks })).unwrap()
}

fn plain(bytes: usize) -> String {
    "The customer called about the order of last week and asked for a refund. "
        .chars()
        .cycle()
        .take(bytes)
        .collect()
}

/// Prose with an address and a card number in it, in different blocks.
fn personal(bytes: usize) -> String {
    let mut text = plain(bytes);
    text.replace_range(100..100 + 23, " jane.doe@example.com, ");
    text.replace_range(1600..1600 + 21, " 4111 1111 1111 1111 ");
    text
}

fn each(started: Instant) -> f64 {
    started.elapsed().as_secs_f64() * 1e6 / f64::from(RUNS)
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}
