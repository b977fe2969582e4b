//! What operators see of it.

use harness::{Client, Gateway, Part, Parts, Plan, request};

use crate::candidate::{ask, candidate, desk, is, settled, text};

const METRICS: &str = "[telemetry]\nmetrics = \"127.0.0.1:0\"\n\n";
const LIVE: &str = "[[interceptors]]\nname = \"scrub\"\nplugin = \"builtin:pii-scrubber\"\nhooks = [\"post-call\"]\ntimeout = \"20s\"\n\
                    settings = { entities = [\"email\"] }\n";
const TRIED: &str = "candidate = { settings = { entities = [\"email\", \"phone\"] } }\n";

#[test]
fn its_differences_are_in_status_why_metrics_and_log_and_in_no_answer() {
    let (server, alone) = (desk(), desk());
    let gateway = Gateway::start(&format!("{METRICS}{}{LIVE}{TRIED}", server.config("desk")));
    let without = Gateway::start(&format!("{}{LIVE}", alone.config("desk")));
    for tool in ["mail", "phone", "open", "phone"] {
        assert_eq!(ask(&gateway, tool), ask(&without, tool), "{tool}");
    }
    // Beside these the gateway asks for the tools by itself, under numbers of its own.
    let calls = |server: &harness::FakeServer| -> Vec<String> {
        let bodies = server.heard().into_iter().map(|heard| heard.body);
        let bodies = bodies.map(|body| String::from_utf8(body).unwrap());
        bodies.filter(|body| body.contains("tools/call")).collect()
    };
    assert_eq!(calls(&server), calls(&alone));
    assert_eq!(calls(&server).len(), 4);

    let seen = settled(&gateway, "scrub", 4);
    is(
        &seen,
        [("same", 2), ("differs", 2), ("failed", 0), ("dropped", 0)],
    );
    assert_eq!(seen["share"], 100.0);
    let differing = &seen["differences"][0];
    assert_eq!(
        differing,
        &serde_json::json!({
            "hook": "post-call", "live": "proceed", "candidate": "edit", "differs_in": "decision", "count": 2,
        })
    );
    let call = seen["recent"][0]["id"].as_str().unwrap();

    let status = gateway.command(&["status"]).output;
    for words in [
        "candidate of scrub: pii-scrubber ",
        "4 runs: 2 the same, 2 differ, 0 failed; 0 dropped; median ",
        "2 × post-call proceed → edit, differs in its decision",
        call,
    ] {
        assert!(status.contains(words), "{words}:\n{status}");
    }
    let story = gateway.command(&["why", call]);
    assert_eq!(story.code, Some(0), "{story:?}");
    for words in [
        "tools/call phone of desk",
        "candidate of scrub  post-call edit, differs from the live one's proceed in its decision",
    ] {
        assert!(story.output.contains(words), "{words}:\n{}", story.output);
    }
    let log = gateway.log();
    assert!(log.contains("its candidate differs"), "{log}");
    assert!(!log.contains("1234-5678") && !seen.to_string().contains("1234-5678"));

    let start = log.find("metrics on http://").unwrap() + "metrics on ".len();
    let end = log[start..].find("/metrics").unwrap() + "/metrics".len();
    let page = request("GET", &log[start..start + end], &[], b"").body();
    let page = String::from_utf8(page).unwrap();
    for sample in [
        "sandgate_candidate_runs_total{interceptor=\"scrub\",hook=\"post-call\",outcome=\"same\"} 2\n",
        "sandgate_candidate_runs_total{interceptor=\"scrub\",hook=\"post-call\",outcome=\"differs\"} 2\n",
        "sandgate_candidate_differences_total{interceptor=\"scrub\",hook=\"post-call\",live=\"proceed\",\
         candidate=\"edit\",differs_in=\"decision\"} 2\n",
    ] {
        assert!(page.contains(sample), "{sample}\n{page}");
    }
    let checked = gateway.command(&["check"]).output;
    assert!(
        checked.contains("beside scrub, without effect: builtin:pii-scrubber"),
        "{checked}"
    );
}

#[test]
fn a_reload_that_leaves_it_as_it_is_lets_it_count_on() {
    let server = desk();
    let config = |tried: &str, rest: &str| {
        let text = format!("{}{LIVE}{tried}{rest}", server.config("desk"));
        format!("[gateway]\nlisten = \"127.0.0.1:0\"\nwatch = false\n\n{text}")
    };
    let gateway = Gateway::start(&config(TRIED, ""));
    let reload = |text: String| {
        std::fs::write(gateway.config_file(), text).unwrap();
        let told = gateway.command(&["reload"]);
        assert_eq!(told.code, Some(0), "{told:?}");
        told.output
    };
    ask(&gateway, "phone");
    settled(&gateway, "scrub", 1);
    reload(config(
        TRIED,
        "\n[servers.other]\nurl = \"http://127.0.0.1:9/mcp\"\n",
    ));
    ask(&gateway, "phone");
    let seen = settled(&gateway, "scrub", 2);
    assert_eq!(seen["differs"], 2, "{seen}");

    let told = reload(config(&TRIED.replace("\"email\", ", ""), ""));
    assert!(
        told.contains("interceptor scrub: changed (candidate)"),
        "{told}"
    );
    assert_eq!(
        candidate(&gateway, "scrub")["runs"],
        0,
        "another one begins anew"
    );
    reload(config("", ""));
    assert!(candidate(&gateway, "scrub").is_null());
    assert_eq!(text(&ask(&gateway, "phone")), "call +81 3-1234-5678");
}

#[test]
fn real_clients_see_of_real_servers_what_they_see_without_it() {
    let folder = tempfile::tempdir().unwrap();
    let masks = folder.path().join("masks.wasm");
    std::fs::write(&masks, sandgate_guests::find("masks-a-word").unwrap().bytes).unwrap();
    let policy = format!(
        "[[interceptors]]\nname = \"mask\"\nplugin = {masks:?}\ntimeout = \"20s\"\nsettings = {{ word = \"first\" }}\n"
    );
    let tried = "candidate = { settings = { word = \"o\" } }\n";
    let parts = Parts::new();
    let servers: String = [Part::Time, Part::Git]
        .map(|part| parts.config(part))
        .concat();
    let with = Gateway::start(&format!("{servers}{policy}{tried}"));
    let without = Gateway::start(&format!("{servers}{policy}"));
    for (client, part) in [(Client::FastMcp, Part::Git), (Client::NodeSdk, Part::Time)] {
        let sees = |gateway: &Gateway| {
            let plan = Plan::http(&gateway.mcp(part.name())).and(&parts.errand(part));
            client.run(&plan).unwrap_or_else(|wrong| panic!("{wrong}"))
        };
        assert_eq!(sees(&with), sees(&without), "{client:?} with {part:?}");
    }
    let seen = settled(&with, "mask", 10);
    assert!(seen["differs"].as_u64().unwrap() > 4, "{seen}");
    assert_eq!(seen["failed"], 0, "{seen}");
}
