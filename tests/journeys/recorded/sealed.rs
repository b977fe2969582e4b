//! A recording of calls as they came, for the owner of a key alone; and shares of calls.

use serde_json::json;

use crate::recorded::stand::{SCRUB, Stand, says};

/// A pair that the age format's own documents use.
const PUBLIC: &str = "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj";
const SECRET: &str = "AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX";

#[test]
fn raw_calls_are_for_the_owner_of_the_key() {
    let mut stand = Stand::recording(SCRUB, &["--record-raw-to", PUBLIC]);
    stand.call(
        "lookup",
        json!({ "note": "kingfisher" }),
        &says("write to ada@corp.example"),
    );
    stand.end();
    let lying = stand.recorded();
    for word in ["ada@corp.example", "kingfisher", "lookup"] {
        assert!(!lying.contains(word), "{lying}");
    }
    let config = stand.gateway.config_file();
    let refused = stand.replay(&config, &[]);
    assert_eq!(refused.code, Some(2));
    assert!(
        refused.log.contains("give --identity FILE"),
        "{}",
        refused.log
    );

    let keys = stand.config("keys.txt", "");
    std::fs::write(&keys, format!("# made for this journey\n{SECRET}\n")).unwrap();
    let keys = keys.to_str().unwrap();
    let replayed = stand.replayed(&config, &["--identity", keys, "--findings"]);
    assert_eq!(replayed["differing"], 0);
    let nothing = stand.config("none.toml", "");
    let replayed = stand.replayed(&nothing, &["--identity", keys]);
    let masked = &replayed["differences"][0];
    assert_eq!(
        (&masked["interceptor"], &masked["was"]),
        (&json!("scrub"), &json!("edit"))
    );
}

#[test]
fn a_share_of_the_calls_is_recorded_and_the_rest_is_not() {
    let mut stand = Stand::recording(SCRUB, &["--record-share", "20%"]);
    for n in 0..200 {
        stand.call("lookup", json!({ "row": n }), &says("open"));
    }
    let status = stand.gateway.command(&["status"]);
    assert!(
        status.output.contains("recording      "),
        "{}",
        status.output
    );
    stand.end();
    let count = stand.exchanges().len();
    assert!((15..=70).contains(&count), "{count}");
}
