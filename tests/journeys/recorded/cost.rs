//! What it costs a call that it is recorded, and that a candidate is tried on it: both are off its path.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::recorded::stand::{SCRUB, Stand, says};

const BLOCKS: usize = 4;
const CALLS: usize = 60;

/// Half of the calls took less.
fn median(times: &mut [Duration]) -> Duration {
    times.sort();
    times[times.len() / 2]
}

#[test]
fn to_be_recorded_or_tried_costs_a_call_next_to_nothing_timed() {
    let with = |share: &str| {
        let beside =
            format!("candidate = {{ settings = {{ action = \"mask\" }}, share = \"{share}\" }}\n");
        format!("{SCRUB}{beside}")
    };
    let stands = [
        ("neither", Stand::with(SCRUB)),
        (
            "recorded, 0.01%",
            Stand::recording(SCRUB, &["--record-share", "0.01%"]),
        ),
        ("recorded, all", Stand::recording(SCRUB, &[])),
        ("candidate, 0.01%", Stand::with(&with("0.01%"))),
        ("candidate, all", Stand::with(&with("100%"))),
    ];
    let answer = says("write to <ada@corp.example>, she knows");
    let mut times = vec![Vec::new(); stands.len()];
    // In turns, so that what else the machine does is everybody's; the first block warms up.
    for block in 0..=BLOCKS {
        for ((_, stand), times) in stands.iter().zip(&mut times) {
            for n in 0..CALLS {
                let began = Instant::now();
                stand.call("lookup", json!({ "row": n }), &answer);
                if block > 0 {
                    times.push(began.elapsed());
                }
            }
        }
    }
    let medians: Vec<Duration> = times.iter_mut().map(|times| median(times)).collect();
    for ((name, _), median) in stands.iter().zip(&medians) {
        println!("{name:<18} {:>6} µs", median.as_micros());
    }
    for ((name, _), median) in stands.iter().zip(&medians) {
        let most = medians[0] * 2 + Duration::from_millis(2);
        assert!(
            *median <= most,
            "{name}: {median:?}, and {:?} with neither",
            medians[0]
        );
    }
}
