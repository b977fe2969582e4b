use harness::{Canary, Era, FakeServer, Gateway, Script, Speaker};

use crate::telemetry::collector::Collector;
use crate::telemetry::scrape;

const WORD: &str = "canaryQ7xK2vR9";

#[test]
fn what_a_policy_masks_is_in_neither_metrics_nor_traces() {
    let canary = Canary::new(WORD);
    let collector = Collector::new();
    let reply = format!(
        r#"{{"jsonrpc":"2.0","id":@ID@,"result":{{"content":[{{"type":"text","text":"{WORD}"}}],"contents":[]}}}}"#
    );
    let broken =
        format!(r#"{{"jsonrpc":"2.0","id":@ID@,"error":{{"code":-32000,"message":"{WORD}"}}}}"#);
    let script = Script::new().on("breaks", &[&broken]);
    let server = FakeServer::http(script.on("\"id\":1", &[&reply]));
    let folder = tempfile::tempdir().unwrap();
    let plugin = folder.path().join("mask.wasm");
    std::fs::write(
        &plugin,
        sandgate_guests::find("masks-a-word").unwrap().bytes,
    )
    .unwrap();
    let config = format!(
        "[gateway]\nlisten = \"127.0.0.1:0\"\nknown-methods = [\"*\"]\n\n[telemetry]\nmetrics = \"127.0.0.1:0\"\notlp = {:?}\n\n{}[[interceptors]]\nname = \"mask\"\nplugin = {plugin:?}\n\
         timeout = \"5s\"\nsettings = {{ word = {{ from-env = \"WORD\" }} }}\n",
        collector.url(),
        server.config("fake"),
    );
    let gateway = Gateway::start_as(&config, |command| {
        command.env("WORD", WORD);
    });
    let client = Speaker::open(&gateway.mcp("fake"), Era::Legacy);
    let calls = [
        (
            "tools/call",
            r#"{"name":"$","arguments":{"$":"$"},"_meta":{"$":"$"}}"#,
        ),
        ("tools/call", r#"{"name":"breaks","arguments":{"a":"$"}}"#),
        ("resources/read", r#"{"uri":"note:$/a?b=$"}"#),
        ("prompts/get", r#"{"name":"$","arguments":{"a":"$"}}"#),
        // No policy can mask a method's name, so it is no label and no attribute.
        ("$/what", r#"{"$":"$"}"#),
    ];
    for (method, params) in calls {
        let text = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{params}}}"#);
        client.say(text.replace('$', WORD).as_bytes());
    }
    // Each a span of the call and one of what the server did, beside the runs.
    collector.spans(2 * calls.len());
    let page = scrape(&gateway);
    let mut gateway = gateway;
    gateway.stop(std::time::Duration::from_secs(20)).unwrap();

    let sent = collector.bodies().concat();
    let shown = String::from_utf8_lossy(&sent);
    assert!(shown.contains("note:[masked]/a?b=[masked]"), "{shown}");
    let mut found = canary.find("the metrics", page.as_bytes());
    found.extend(canary.find("the traces", &sent));
    assert!(found.is_empty(), "{}", found.join("\n"));
}
