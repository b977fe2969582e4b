//! A refusal is explained, and the line that `why` prints allows the call: for whatever each built-in policy refuses.

use harness::{Era, FakeServer, Gateway, Save, Script, Speaker};
use serde_json::{Value, json};

/// What is refused by what, and the words with which it is explained.
struct Refused {
    /// The plugin and the rest of its interceptor's table.
    policy: (&'static str, &'static str),
    method: &'static str,
    params: Value,
    code: &'static str,
    told: &'static [&'static str],
}

fn tool(name: &str, arguments: Value) -> Value {
    json!({ "name": name, "arguments": arguments })
}

fn refusals() -> Vec<Refused> {
    let of = |policy, method, params, code, told| Refused {
        policy,
        method,
        params,
        code,
        told,
    };
    let call = |policy, params, code, told| of(policy, "tools/call", params, code, told);
    let arguments = |rest| ("argument-validator", rest);
    vec![
        call(
            (
                "allow-tools",
                "settings = { rules = [{ who = [\"*\"], allow = [\"desk/look*\"] }] }",
            ),
            tool("read", json!({})),
            "allow-tools.not-allowed",
            &[
                "rule 1 does not allow it",
                "/name",
                "name of a tool",
                "settings/rules/0/allow/-",
            ],
        ),
        call(
            (
                "allow-tools",
                "[[interceptors.settings.rules]]\nwho = [\"client:ada\"]\nallow = [\"*\"]",
            ),
            tool("read", json!({})),
            "allow-tools.not-allowed",
            &["no rule fits the caller", "settings/rules/-"],
        ),
        of(
            (
                "allow-tools",
                "settings.kinds = [\"resources\"]\nsettings.rules = [{ who = [\"client:ada\"], allow = [\"*\"] }]",
            ),
            "resources/read",
            json!({ "uri": "note://ada:canary@home/a?token=canary" }),
            "allow-tools.not-allowed",
            &["/uri", "URI of a resource", "desk/note://*@home/a*"],
        ),
        call(
            arguments(""),
            tool("unlisted", json!({})),
            "arguments.no-definition",
            &["tool without a known definition", "no-definition"],
        ),
        call(
            arguments(""),
            tool("read", json!({ "lines": "canary" })),
            "arguments.schema",
            &["schema keyword: type", "/arguments/lines", "argument"],
        ),
        call(
            arguments(""),
            tool("broken", json!({})),
            "arguments.unusable-schema",
            &["inputSchema that cannot be used"],
        ),
        call(
            arguments(""),
            tool(
                "read",
                json!({ "paths": ["a", "../canary", "../../canary"] }),
            ),
            "arguments.path-traversal",
            &[
                "path that leaves its folder",
                "/arguments/paths/1",
                "taken for   path",
                "argument = \"paths\"",
            ],
        ),
        call(
            arguments(""),
            tool("read", json!({ "branch": "canary; curl http://x" })),
            "arguments.command-injection",
            &["command of its own", "/arguments/branch", "plain"],
        ),
        call(
            ("pii-scrubber", "settings = {}"),
            tool("read", json!({ "to": "[email~jjsfkk]" })),
            "pii.mask-in-arguments",
            &["mask: email", "/arguments/to", "text of an argument"],
        ),
        call(
            ("pii-scrubber", "[interceptors.settings]\naction = \"mask\""),
            tool("contact", json!({})),
            "pii.no-room-for-a-mask",
            &[
                "pattern: email",
                "/structuredContent/mail",
                "text of a result",
            ],
        ),
    ]
}

fn server() -> FakeServer {
    let tools = json!([
        { "name": "read", "inputSchema": { "type": "object", "properties": { "lines": { "type": "integer" } } } },
        { "name": "broken", "inputSchema": { "$ref": "https://example.com/schema" } },
        { "name": "contact", "inputSchema": { "type": "object" }, "outputSchema": {
            "type": "object", "properties": { "mail": { "type": "string", "const": "canary@example.org" } },
        } },
    ]);
    let result = |result: Value| json!({ "jsonrpc": "2.0", "id": "@ID@", "result": result });
    let answer = |it: Value| result(it).to_string().replace("\"@ID@\"", "@ID@");
    let said = |text: &str| json!([{ "type": "text", "text": text }]);
    let contact =
        json!({ "content": said("there"), "structuredContent": { "mail": "canary@example.org" } });
    FakeServer::http(
        Script::new()
            .on("\"tools/list\"", &[&answer(json!({ "tools": tools }))])
            .on(
                "\"resources/read\"",
                &[&answer(
                    json!({ "contents": [{ "uri": "note://x", "text": "it is done" }] }),
                )],
            )
            .on("\"contact\"", &[&answer(contact)])
            .on(
                "\"tools/call\"",
                &[&answer(json!({ "content": said("it is done") }))],
            ),
    )
}

#[test]
fn the_line_that_why_prints_allows_what_was_refused() {
    let server = server();
    let config = |(plugin, rest): (&str, &str)| {
        format!(
            "[gateway]\nlisten = \"127.0.0.1:0\"\nwatch = false\n[call-log]\nto = \"calls.jsonl\"\n{}\n\
             [[interceptors]]\nname = \"guard\"\nplugin = \"builtin:{plugin}\"\ntimeout = \"20s\"\n{rest}\n",
            server.config("desk")
        )
    };
    let refusals = refusals();
    let gateway = Gateway::start(&config(refusals[0].policy));
    let reload = |text: &str| {
        Save::RenameOver.write(&gateway.config_file(), text.as_bytes());
        let told = gateway.command(&["reload"]);
        assert_eq!(told.code, Some(0), "{told:?}\n{text}");
    };
    for refused in refusals {
        let text = config(refused.policy);
        reload(&text);
        let reply = ask(&gateway, refused.method, &refused.params);
        assert!(reply.contains(refused.code), "{reply}");
        // The asker is not told how to get round a policy.
        assert!(!reply.contains("explanation"), "{reply}");

        let told = gateway.command(&["why", "--last"]).output;
        for words in refused.told {
            assert!(told.contains(words), "{words} in\n{told}");
        }
        assert!(!told.contains("canary"), "{told}");
        reload(&pasted(&text, &told));

        let reply = ask(&gateway, refused.method, &refused.params);
        assert!(!reply.contains(refused.code), "{reply}\nafter\n{told}");
        assert!(
            reply.contains("it is done") || reply.contains("canary@"),
            "{reply}"
        );
    }
    let log = gateway.config_file().with_file_name("calls.jsonl");
    let log = std::fs::read_to_string(log).unwrap();
    assert!(
        log.contains("\"explanation\"") && !log.contains("canary; curl"),
        "{log}"
    );
}

fn ask(gateway: &Gateway, method: &str, params: &Value) -> String {
    let speaker = Speaker::open(&gateway.mcp("desk"), Era::Legacy);
    let message = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
    let answers = speaker.say(message.to_string().as_bytes());
    String::from_utf8(answers.concat()).unwrap()
}

/// Does what the story says, letter by letter.
#[track_caller]
fn pasted(text: &str, told: &str) -> String {
    let mut lines = text.lines().map(ToOwned::to_owned).collect::<Vec<_>>();
    let mut story = told.lines();
    let place = story
        .find_map(|line| line.trim().strip_prefix("to allow it, "))
        .unwrap_or_else(|| panic!("no line to paste in\n{told}"));
    let place = place.strip_suffix(" of sandgate.toml:").unwrap();
    let line = story.next().unwrap().trim().to_owned();
    let number = |text: &str| text.trim_end_matches(',').parse::<usize>().unwrap();
    if let Some((below, headers)) = place.split_once(", in place of the tables whose") {
        // The one table of this journey is two keys long.
        let header = number(headers.trim_start_matches(|c: char| !c.is_ascii_digit()));
        lines.drain(header - 1..header + 2);
        lines.insert(number(below.trim_start_matches("below line ")), line);
    } else if let Some(below) = place.strip_prefix("below line ") {
        lines.insert(number(below), line);
    } else if let Some(at) = place.strip_prefix("behind the brace that opens the table on line ") {
        let at = &mut lines[number(at) - 1];
        *at = at.replacen('{', &format!("{{ {line}"), 1);
    } else {
        let (_, named) = place.split_once("in place of `").unwrap();
        let (key, at) = named.split_once("` on line ").unwrap();
        let at = &mut lines[number(at) - 1];
        let start = at.find(&format!("{key} = ")).unwrap();
        // A key of its own line, or one within braces.
        match at[..start].is_empty() || line.starts_with("settings.") {
            true => *at = line,
            false => {
                let end = start + at[start..].find(']').unwrap() + 1;
                at.replace_range(start..end, &line);
            }
        }
    }
    lines.join("\n") + "\n"
}
