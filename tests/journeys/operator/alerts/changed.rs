//! Rules change while the gateway runs: nothing is lost, and nothing is told twice.

use harness::{Gateway, Save};
use serde_json::json;

use super::{bodies, call, client, desk, receiver, rule, told, url};

#[test]
fn a_reload_loses_nothing_and_tells_nothing_twice() {
    let (desk, wakes) = (desk(), receiver());
    let (ada, let_ada) = client("ada");
    let base = format!(
        "[gateway]\nlisten = \"127.0.0.1:0\"\nwatch = false\n[call-log]\nto = \"calls.jsonl\"\n{let_ada}\n[views.all]\nclients = [\"ada\"]\n\
         allow = [\"desk/look\"]\n{}",
        desk.config("desk")
    );
    let gateway = Gateway::start(&base);
    let reload = |rules: &str| {
        Save::RenameOver.write(&gateway.config_file(), format!("{base}{rules}").as_bytes());
        let told = gateway.command(&["reload"]);
        assert_eq!(told.code, Some(0), "{told:?}");
        told.output
    };
    let refused = || drop(call(&gateway, Some(&ada), "desk", "drop"));
    refused();
    let kept = rule("kept", "on = [\"refusals\"]\nwithin = \"1h\"", &wakes);
    let stop = rule("stop", "on = [\"stop\"]", &wakes);
    let said = reload(&kept);
    assert!(said.contains("alert kept: added"), "{said}");
    refused();
    assert_eq!(told(&wakes, 1), ["kept firing"]);

    // What lasts already is told by a rule that is new, and the other goes on as it was.
    let stopped = gateway.command(&["stop", "server", "desk", "--why", "x", "--for", "1h"]);
    assert_eq!(stopped.code, Some(0), "{stopped:?}");
    let said = reload(&format!("{kept}{stop}"));
    assert!(
        said.contains("alert stop: added") && !said.contains("alert kept"),
        "{said}"
    );
    assert_eq!(told(&wakes, 2)[1..], ["stop firing"]);
    refused();
    assert_eq!(gateway.command(&["resume", "server", "desk"]).code, Some(0));
    assert_eq!(told(&wakes, 3)[2..], ["stop resolved"]);

    // A rule that changes ends its alerts, and begins anew.
    let other = kept.replace("within", "more-than = 1\nwithin");
    let said = reload(&format!("{stop}{other}"));
    assert!(said.contains("alert kept: changed (more-than)"), "{said}");
    assert_eq!(told(&wakes, 4)[3..], ["kept resolved"]);
    assert_eq!(bodies(&wakes)[3]["data"]["more"], 1);
    refused();
    refused();
    assert_eq!(told(&wakes, 5)[4..], ["kept firing"]);

    // A mistake changes nothing.
    let wrong = format!("{base}{stop}{}", other.replace("refusals", "refusal"));
    Save::RenameOver.write(&gateway.config_file(), wrong.as_bytes());
    assert_eq!(gateway.command(&["reload"]).code, Some(1));
    refused();
    let said = reload("");
    assert!(
        said.contains("alert kept: removed") && said.contains("alert stop: removed"),
        "{said}"
    );
    let all = told(&wakes, 6);
    assert_eq!(all[5..], ["kept resolved"]);
    assert_eq!(bodies(&wakes)[5]["data"]["more"], 1);
    refused();
    assert_eq!(super::recorded(&gateway), all);
    assert_eq!(
        gateway.command(&["alerts"]).output,
        "No alerts: nothing wakes anybody.\n"
    );
}

#[test]
fn each_key_of_a_rule_that_changes_is_named() {
    let (desk, wakes) = (desk(), receiver());
    let base = format!(
        "[gateway]\nlisten = \"127.0.0.1:0\"\nwatch = false\n{}[[alerts]]\nname = \"one\"\n",
        desk.config("desk")
    );
    let to = format!("{{ webhook = \"{}\" }}", url(&wakes));
    let plain = [("on", "[\"refusals\"]"), ("to", &*to)];
    let text = |changed: Option<(&str, &str)>| {
        let mut keys = plain.to_vec();
        keys.retain(|(key, _)| changed.is_none_or(|(other, _)| other != *key));
        keys.extend(changed);
        let lines = keys.iter().map(|(key, value)| format!("{key} = {value}\n"));
        format!("{base}{}", lines.collect::<String>())
    };
    let gateway = Gateway::start(&text(None));
    let schema = gateway.command(&["schema"]).output;
    let schema: serde_json::Value = serde_json::from_str(&schema).unwrap();
    let mut there: Vec<&String> = schema["$defs"]["Alert"]["properties"]
        .as_object()
        .unwrap()
        .keys()
        .collect();
    let other = to.replace("/mcp", "/other");
    let changes = [
        ("on", "[\"refusals\", \"finding\"]"),
        ("rule", "\"view.*\""),
        ("servers", "[\"desk\"]"),
        ("tools", "[\"look\"]"),
        ("clients", "[\"ada\"]"),
        ("more-than", "5"),
        ("within", "\"5m\""),
        ("repeat-after", "\"5m\""),
        ("to", &*other),
    ];
    for change in changes {
        Save::RenameOver.write(&gateway.config_file(), text(Some(change)).as_bytes());
        let said = gateway.command(&["reload"]);
        assert!(
            said.output
                .contains(&format!("alert one: changed ({})", change.0)),
            "{said:?}"
        );
        Save::RenameOver.write(&gateway.config_file(), text(None).as_bytes());
        assert_eq!(gateway.command(&["reload"]).code, Some(0));
    }
    // The name makes another rule, and `slower-than` comes with `latency`.
    there.retain(|key| !["name", "slower-than"].contains(&key.as_str()));
    let mut changed: Vec<_> = changes.iter().map(|(key, _)| (*key).to_owned()).collect();
    changed.sort();
    there.sort();
    assert_eq!(json!(there), json!(changed));
}
