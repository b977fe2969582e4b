//! The console, as a browser sees it and as who should not be in attempts it.

use std::io::Write;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use harness::{Exchange, FakeServer, Gateway, Reply, Script, request};
use serde_json::{Value, json};

use crate::operator::stage::{POLICIES, Stage, call};

const CONSOLE: &str = "[console]\nlisten = \"127.0.0.1:0\"\n[call-log]\nto = \"calls.jsonl\"\n";
const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");
/// Every page, and what begins its title.
const PAGES: [(&str, &str); 8] = [
    ("/", "Overview"),
    ("/calls", "Calls"),
    ("/servers", "Servers"),
    ("/policies", "Policies"),
    ("/clients", "Clients"),
    ("/stops", "Stops"),
    ("/alerts", "Alerts"),
    ("/audit", "Audit"),
];
/// A name that attempts what a name can.
const HOSTILE: &str = "\"><img src=x onerror=alert(1)><script>alert(1)</script>'\u{202e}";

/// Somebody in the console.
struct Browser {
    /// The console by its address.
    at: String,
    /// The name under which it is asked.
    host: String,
    cookie: String,
}

struct Page {
    status: u16,
    headers: Vec<(String, String)>,
    text: String,
}

impl Page {
    fn of(answer: Exchange) -> Self {
        Self {
            status: answer.status,
            headers: answer.headers.clone(),
            text: String::from_utf8(answer.body()).unwrap(),
        }
    }

    fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(key, _)| key == name);
        found.map_or("", |(_, value)| value)
    }

    /// The value of the first field of this name.
    fn field(&self, name: &str) -> &str {
        let at = self.text.split(&format!("name=\"{name}\" value=\"")).nth(1);
        at.unwrap().split('"').next().unwrap()
    }
}

/// A link, taken apart: the address, the name, and the path with its secret.
fn link(gateway: &Gateway, args: &[&str]) -> (String, String, String) {
    let asked = gateway.command(&[&["console", "--json"], args].concat());
    let told: Value = serde_json::from_str(&asked.output).unwrap_or_else(|_| panic!("{asked:?}"));
    let apart = |url: &Value| {
        let url = url.as_str().unwrap().strip_prefix("http://").unwrap();
        let (host, path) = url.split_once('/').unwrap();
        (host.to_owned(), format!("/{path}"))
    };
    let ((host, path), (address, _)) = (apart(&told["url"]), apart(&told["by_address"]));
    assert!(host.ends_with(&format!(
        ".localhost:{}",
        address.split(':').nth(1).unwrap()
    )));
    (format!("http://{address}"), host, path)
}

impl Browser {
    fn enter(gateway: &Gateway, args: &[&str]) -> Self {
        let (at, host, path) = link(gateway, args);
        let answer = Page::of(request(
            "GET",
            &format!("{at}{path}"),
            &[("host", &host)],
            b"",
        ));
        assert_eq!(
            (answer.status, answer.header("location")),
            (303, "/"),
            "{}",
            answer.text
        );
        let set = answer.header("set-cookie");
        for flag in ["HttpOnly", "SameSite=Strict", "Path=/", "Max-Age=28800"] {
            assert!(set.contains(flag), "{set}");
        }
        assert!(!set.contains("Domain"), "{set}");
        let cookie = set.split(';').next().unwrap().to_owned();
        Self { at, host, cookie }
    }

    fn ask(&self, verb: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Page {
        let mut all = vec![
            ("host", self.host.as_str()),
            ("cookie", self.cookie.as_str()),
        ];
        all.retain(|(name, _)| !headers.iter().any(|(other, _)| other == name));
        all.extend(headers);
        Page::of(request(
            verb,
            &format!("{}{path}", self.at),
            &all,
            body.as_bytes(),
        ))
    }

    fn get(&self, path: &str) -> Page {
        self.ask("GET", path, &[], "")
    }

    fn post(&self, path: &str, body: &str) -> Page {
        let origin = format!("http://{}", self.host);
        self.ask("POST", path, &[FORM, ("origin", &origin)], body)
    }

    /// The token of this session's forms.
    fn csrf(&self) -> String {
        self.get("/stops").field("csrf").to_owned()
    }
}

fn actions(gateway: &Gateway) -> Vec<Value> {
    let log = gateway.config_file().with_file_name("calls.jsonl");
    let text = std::fs::read_to_string(log).unwrap();
    let lines = text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines.filter(|line| line["record"] == "operator").collect()
}

#[test]
fn a_link_lets_one_browser_in_once_and_every_page_is_there() {
    let stage = Stage::new();
    let gateway = Gateway::start(&stage.config("", &format!("{CONSOLE}{POLICIES}")));
    call(&gateway, "lookup");
    let (at, host, path) = link(&gateway, &[]);
    let enter = |path: &str| {
        Page::of(request(
            "GET",
            &format!("{at}{path}"),
            &[("host", &host)],
            b"",
        ))
    };
    assert_eq!(enter("/enter?ticket=0000").status, 403);
    assert_eq!(enter(&path).status, 303);
    let again = enter(&path);
    assert_eq!(again.status, 403);
    assert!(again.text.contains("This link was used"), "{}", again.text);
    let out = enter("/");
    assert_eq!(
        (out.status, out.header("connection")),
        (401, "close"),
        "nobody is in without a cookie"
    );

    let browser = Browser::enter(&gateway, &[]);
    for (path, title) in PAGES {
        let page = browser.get(path);
        assert_eq!(page.status, 200, "{path}");
        assert!(
            page.text.contains(&format!("<h1>{title}")),
            "{path}: {}",
            page.text
        );
        assert_eq!(page.header("cache-control"), "no-store", "{path}");
        let policy = page.header("content-security-policy");
        for rule in [
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "frame-ancestors 'none'",
            "base-uri 'none'",
            "form-action 'self'",
            "require-trusted-types-for 'script'",
            "trusted-types 'none'",
        ] {
            assert!(policy.contains(rule), "{path}: {policy}");
        }
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
        ] {
            assert_eq!(page.header(name), value, "{path}: {name}");
        }
        for inline in ["style=", "<style", "onclick", "javascript:"] {
            assert!(!page.text.contains(inline), "{path}: {inline}");
        }
        let scripts = page.text.matches("<script").count();
        assert_eq!(
            (
                scripts,
                page.text.matches("<script src=\"/asset/console-").count()
            ),
            (1, 1),
            "{path}"
        );
    }
    let overview = browser.get("/").text;
    for asset in overview
        .split('"')
        .filter(|part| part.starts_with("/asset/"))
    {
        let asset = browser.ask("GET", asset, &[], "");
        assert_eq!(
            (asset.status, asset.header("cache-control")),
            (200, "public, max-age=31536000, immutable")
        );
    }
    // The story of the call is led to from the list.
    let list = browser.get("/calls").text;
    let story = list
        .split("href=\"/call/")
        .nth(1)
        .unwrap()
        .split('"')
        .next()
        .unwrap();
    let story = browser.get(&format!("/call/{story}")).text;
    for part in [
        "class=\"pathway\"",
        "carried out",
        "In the words of",
        "version 1 of the configuration",
    ] {
        assert!(story.contains(part), "{part}: {story}");
    }
    for (path, status) in [
        ("/nothing", 404),
        ("/servers/pins", 404),
        ("/clients/seen?client=ada", 404),
        ("/call/../../etc", 404),
        ("/call/zzzzzzzz", 404),
        ("/call/ffffffffffff", 404),
    ] {
        assert_eq!(browser.get(path).status, status, "{path}");
    }
    let left = browser.post("/leave", &format!("csrf={}", browser.csrf()));
    assert!(left.header("set-cookie").contains("Max-Age=0"));
    assert_eq!(
        browser.get("/").status,
        401,
        "the cookie is worth nothing after leaving"
    );
    let told: Vec<_> = actions(&gateway)
        .iter()
        .map(|one| one["action"].clone())
        .collect();
    assert_eq!(told, ["console-entered", "console-entered", "console-left"]);
}

#[test]
fn an_operator_stops_resumes_and_reloads_asked_twice_and_by_name() {
    let stage = Stage::new();
    let gateway = Gateway::start(&stage.config("", &format!("{CONSOLE}{POLICIES}")));
    let browser = Browser::enter(&gateway, &[]);
    let csrf = browser.csrf();
    let fields = format!("csrf={csrf}&kind=tool&name=desk%2Flookup&why=it+leaks&for=1h");
    let asked = browser.post("/do/stop", &fields);
    assert_eq!(asked.status, 200);
    assert!(
        asked.text.contains("Stop it now") && asked.text.contains("it leaks"),
        "{}",
        asked.text
    );
    assert!(
        call(&gateway, "lookup").to_string().contains("it is open"),
        "one question is not enough"
    );
    let done = browser.post("/do/stop", &format!("{fields}&sure=yes"));
    assert_eq!((done.status, done.header("location")), (303, "/stops"));
    assert!(
        call(&gateway, "lookup")
            .to_string()
            .contains("has stopped this tool")
    );
    let shown = browser.get("/stops").text;
    assert!(
        shown.contains("desk/lookup") && shown.contains("message good"),
        "{shown}"
    );
    assert!(
        !browser.get("/stops").text.contains("message good"),
        "a message is for one page"
    );
    assert!(
        browser
            .get("/")
            .text
            .contains("tool desk/lookup is stopped")
    );

    for wrong in [
        "kind=session&name=x&why=y",
        "kind=server&name=dask&why=y&sure=yes",
        "kind=server&name=desk&why=&sure=yes",
    ] {
        browser.post("/do/stop", &format!("csrf={csrf}&{wrong}"));
        let shown = browser.get("/stops").text;
        assert!(
            shown.contains("message bad") && shown.contains("Nothing is stopped"),
            "{wrong}: {shown}"
        );
    }
    browser.post(
        "/do/resume",
        &format!("csrf={csrf}&kind=tool&name=desk%2Flookup&sure=yes"),
    );
    assert!(call(&gateway, "lookup").to_string().contains("it is open"));
    browser.post("/do/reload", &format!("csrf={csrf}&sure=yes"));
    assert!(browser.get("/").text.contains("version 2 is in force"));
    std::fs::write(gateway.config_file(), "[gateway]\nlisten = 7\n").unwrap();
    browser.post("/do/reload", &format!("csrf={csrf}&sure=yes"));
    assert!(browser.get("/").text.contains("Nothing has changed"));
    assert!(
        browser
            .get("/policies")
            .text
            .contains("the last change was refused")
    );

    let own = rustix::process::getuid().as_raw();
    let told = actions(&gateway);
    let names: Vec<_> = told
        .iter()
        .map(|one| one["action"].as_str().unwrap())
        .collect();
    assert_eq!(
        names,
        ["console-entered", "stop", "resume", "reload", "reload"]
    );
    for one in &told {
        assert_eq!(
            (&one["uid"], &one["console"]),
            (&json!(own), &told[0]["console"]),
            "{one}"
        );
    }
    let audit = browser.get("/audit").text;
    assert!(
        audit.contains("it leaks") && audit.contains(told[0]["console"].as_str().unwrap()),
        "{audit}"
    );
}

#[test]
fn a_viewer_and_pages_of_others_change_nothing() {
    let stage = Stage::new();
    let gateway = Gateway::start(&stage.config("", &format!("{CONSOLE}{POLICIES}")));
    let (viewer, operator) = (
        Browser::enter(&gateway, &["--read-only"]),
        Browser::enter(&gateway, &[]),
    );
    let stop = "kind=server&name=desk&why=x&sure=yes";
    let page = viewer.get("/stops");
    assert!(
        !page.text.contains("/do/"),
        "a viewer is offered nothing: {}",
        page.text
    );
    let own = page.field("csrf").to_owned();
    for deed in [
        "stop",
        "resume",
        "reload",
        "promote",
        "reject",
        "approve",
        "compare-pins",
        "look-as",
    ] {
        let answer = viewer.post(&format!("/do/{deed}"), &format!("csrf={own}&{stop}"));
        assert_eq!(answer.status, 403, "{deed}");
        assert!(answer.text.contains("may only look"), "{deed}");
    }
    let csrf = operator.csrf();
    let (form, good) = (
        format!("csrf={csrf}&{stop}"),
        format!("http://{}", operator.host),
    );
    let own_origin = ("origin", good.as_str());
    let same = ("sec-fetch-site", "same-origin");
    for (headers, body) in [
        (vec![FORM, own_origin], stop.to_owned()),
        (vec![FORM, own_origin], format!("csrf={own}&{stop}")),
        (
            vec![FORM, own_origin],
            format!("csrf={csrf}&csrf={csrf}&{stop}"),
        ),
        (vec![FORM], form.clone()),
        (vec![FORM, ("origin", "http://evil.example")], form.clone()),
        (vec![FORM, ("origin", "http://127.0.0.1:1")], form.clone()),
        (vec![FORM, ("origin", "null")], form.clone()),
        (
            vec![FORM, own_origin, ("sec-fetch-site", "same-site")],
            form.clone(),
        ),
        (
            vec![FORM, same, ("sec-fetch-site", "cross-site")],
            form.clone(),
        ),
        (
            vec![own_origin, ("content-type", "text/plain")],
            form.clone(),
        ),
        (
            vec![FORM, own_origin, ("host", "evil.example")],
            form.clone(),
        ),
        (vec![FORM, own_origin, ("cookie", "a=b")], form.clone()),
        (
            vec![FORM, own_origin],
            format!("{form}&x={}", "y".repeat(20 << 10)),
        ),
    ] {
        let answer = operator.ask("POST", "/do/stop", &headers, &body);
        assert!(
            (400..500).contains(&answer.status),
            "{headers:?}: {}",
            answer.status
        );
    }
    let twice = format!("{0}; {0}", operator.cookie);
    assert_eq!(
        operator.ask("GET", "/", &[("cookie", &twice)], "").status,
        401
    );
    for (verb, path) in [("DELETE", "/"), ("PUT", "/do/stop"), ("OPTIONS", "/")] {
        assert_eq!(operator.ask(verb, path, &[], "").status, 405, "{verb}");
    }
    assert_eq!(operator.get(&format!("/do/stop?{form}")).status, 404);
    for host in [
        "evil.example",
        "127.0.0.1:1",
        "sandgate-0.localhost",
        "localhost",
    ] {
        assert_eq!(
            operator.ask("GET", "/", &[("host", host)], "").status,
            403,
            "{host}"
        );
    }
    for site in ["cross-site", "same-site"] {
        assert_eq!(
            operator
                .ask("GET", "/", &[("sec-fetch-site", site)], "")
                .status,
            403,
            "{site}"
        );
        assert_eq!(
            operator
                .ask("GET", "/live", &[("sec-fetch-site", site)], "")
                .status,
            403,
            "{site}"
        );
    }
    assert_eq!(gateway.command(&["stops"]).output, "Nothing is stopped.\n");
    // What the token and `no-referrer` make of the console's own form is let in.
    let own = operator.ask("POST", "/do/stop", &[FORM, same, ("origin", "null")], &form);
    assert_eq!(own.status, 303);
}

#[test]
fn what_attempts_to_be_markup_is_text_on_every_page() {
    let reply = json!({ "jsonrpc": "2.0", "id": "@ID@", "result": { "tools": (0..10_000).map(|n| {
        json!({ "name": if n == 9_999 { HOSTILE.to_owned() } else { format!("tool{n}") }, "inputSchema": { "type": "object" } })
    }).collect::<Vec<_>>() } });
    let reply = reply.to_string().replace("\"@ID@\"", "@ID@");
    let failed =
        json!({ "jsonrpc": "2.0", "id": "@ID@", "error": { "code": -32603, "message": HOSTILE } });
    let failed = failed.to_string().replace("\"@ID@\"", "@ID@");
    let server = FakeServer::http(
        Script::new()
            .on("\"tools/list\"", &[&reply])
            .on("\"tools/call\"", &[&failed]),
    );
    let views = format!(
        "[clients]\nada = {{ token-sha256 = \"{}\", groups = [\"x\"] }}\n[views.x]\ngroups = [\"x\"]\nallow = [\"desk/*\"]\ndeny = []\n",
        hash("key")
    );
    let config = format!(
        "[gateway]\nlisten = \"127.0.0.1:0\"\nwatch = false\n{CONSOLE}{views}{}",
        server.config("desk")
    );
    let gateway = Gateway::start(&config);
    let initialize = json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
        "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": { "name": HOSTILE, "version": HOSTILE } } });
    let asked = json!({ "jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": { "name": HOSTILE, "arguments": {} } });
    let headers = [
        ("content-type", "application/json"),
        ("accept", "application/json, text/event-stream"),
        ("authorization", "Bearer key"),
    ];
    let opened = request(
        "POST",
        &gateway.mcp("desk"),
        &headers,
        initialize.to_string().as_bytes(),
    );
    let session = opened
        .header("mcp-session-id")
        .unwrap_or_default()
        .to_owned();
    let all = [&headers[..], &[("mcp-session-id", session.as_str())]].concat();
    request(
        "POST",
        &gateway.mcp("desk"),
        &all,
        asked.to_string().as_bytes(),
    )
    .body();
    gateway.command(&[
        "stop",
        "tool",
        "desk/x",
        "--why",
        "<img src=x onerror=alert(1)><script>alert(1)</script>",
    ]);

    let browser = Browser::enter(&gateway, &[]);
    let spelled: String = HOSTILE.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let list = browser.get("/calls").text;
    let id = list
        .split("href=\"/call/")
        .nth(1)
        .unwrap()
        .split('"')
        .next()
        .unwrap()
        .to_owned();
    let mut paths: Vec<String> = PAGES.iter().map(|(path, _)| (*path).to_owned()).collect();
    paths.extend([
        format!("/call/{id}"), "/audit/verify".into(),
        format!("/calls?target={spelled}&client={spelled}&server={spelled}&decision={spelled}&since={spelled}&after={spelled}"),
        format!("/stops?kind={spelled}&name={spelled}"),
        format!("/call/{spelled}"), format!("/{spelled}"), format!("/enter?ticket={spelled}"),
    ]);
    let check = |what: &str, text: &str| {
        assert!(!text.contains("<img"), "{what}: {text}");
        assert!(text.matches("<script").count() <= 1, "{what}: {text}");
        // What a hidden field carries comes back as it was.
        let fields = text.split("<input type=\"hidden\"");
        let mut visible = fields.map(|part| part.split_once('>').map_or(part, |(_, rest)| rest));
        let is_turned = visible.any(|part| part.contains('\u{202e}'));
        assert!(!is_turned, "{what}: a text turns the line round");
        assert!(text.len() < 600 << 10, "{what}: {} bytes", text.len());
    };
    for path in &paths {
        check(path, &browser.get(path).text);
    }
    let csrf = browser.csrf();
    let fields = format!(
        "csrf={csrf}&kind=server&name={spelled}&why={spelled}&server={spelled}&tool={spelled}&seen={spelled}\
         &client={spelled}&groups={spelled}"
    );
    for deed in [
        "stop",
        "resume",
        "reject",
        "approve",
        "promote",
        "compare-pins",
        "look-as",
        &spelled,
    ] {
        check(deed, &browser.post(&format!("/do/{deed}"), &fields).text);
        check(deed, &browser.get("/stops").text);
    }
    let seen = browser
        .post("/do/look-as", &format!("csrf={csrf}&client=ada"))
        .text;
    check("as ada", &seen);
    assert!(
        seen.contains("10000 of 10000 seen") && seen.contains("9500 more"),
        "{}",
        &seen[..seen.len().min(4000)]
    );
    assert!(
        browser.get("/calls").text.contains("&lt;script&gt;"),
        "the name is shown as text"
    );
    let rows = browser.get("/calls.json");
    assert_eq!(rows.header("content-type"), "application/json");
}

fn hash(key: &str) -> String {
    let digest = ring::digest::digest(&ring::digest::SHA256, key.as_bytes());
    digest
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

#[test]
fn ten_thousand_calls_are_pages_of_a_hundred() {
    let stage = Stage::new();
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("calls.jsonl");
    let mut text = String::new();
    for n in 0..10_000 {
        let (server, decision) = (
            ["desk", "other"][n % 2],
            ["forwarded", "refused"][usize::from(n % 100 == 0)],
        );
        text += &format!(
            "{{\"record\":\"ended\",\"time\":\"2026-11-30T10:{:02}:{:02}.{:06}Z\",\"id\":\"{n:026x}\",\"era\":\"modern\",\
             \"direction\":\"client-to-server\",\"server\":\"{server}\",\"method\":\"tools/call\",\"target\":\"tool{n}\",\
             \"decision\":\"{decision}\",\"failed\":false,\"request_bytes\":9,\"us\":{n},\"trail\":{{\"version\":1,\"entries\":[]}}}}\n",
            n / 600 % 60,
            n / 10 % 60,
            n % 10
        );
    }
    std::fs::write(&log, text).unwrap();
    let console = format!(
        "[console]\nlisten = \"127.0.0.1:0\"\n[call-log]\nto = \"{}\"\n",
        log.display()
    );
    let gateway = Gateway::start(&stage.config("", &console));
    let browser = Browser::enter(&gateway, &[]);
    let began = Instant::now();
    let (mut path, mut ids) = ("/calls.json".to_owned(), Vec::new());
    loop {
        let page: Value = serde_json::from_str(&browser.get(&path).text).unwrap();
        let rows = page["rows"].as_array().unwrap();
        assert!(rows.len() <= 100);
        ids.extend(rows.iter().map(|row| row[0].as_str().unwrap().to_owned()));
        match page["next"].as_str() {
            Some(next) => path = format!("/calls.json?after={next}"),
            None => break,
        }
    }
    let expected: Vec<String> = (0..10_000).rev().map(|n| format!("{n:026x}")).collect();
    assert_eq!(ids, expected);
    assert!(
        began.elapsed() < Duration::from_secs(20),
        "{:?}",
        began.elapsed()
    );
    let refused = browser.get("/calls?decision=refused&server=desk").text;
    assert_eq!(
        refused.matches("<a class=\"open\"").count(),
        100,
        "{refused}"
    );
    assert!(
        !refused.contains("Older calls"),
        "all that fit are on one page"
    );
    let long = browser.get(&format!("/calls?target={}", "x".repeat(300)));
    assert!(long.text.contains("longer than 256 bytes"), "{}", long.text);
    let one = browser.get("/calls?target=TOOL9999").text;
    assert_eq!(one.matches("<a class=\"open\"").count(), 1);
    let story = browser.get(&format!("/call/{:026x}", 5000)).text;
    assert!(
        story.contains("tool5000"),
        "what is only in the file has a story, too"
    );
    // By its beginning and in any case, as what is remembered.
    let id = format!("{:026X}", 9999);
    for id in [&id, &id[..24]] {
        let story = browser.get(&format!("/call/{id}")).text;
        assert!(story.contains("tool9999"), "{id}: {story}");
    }
}

#[test]
fn live_figures_come_and_end_with_the_session_and_who_does_not_read_holds_nothing() {
    let stage = Stage::new();
    let mut gateway = Gateway::start(&stage.config("", &format!("{CONSOLE}{POLICIES}")));
    let browser = Browser::enter(&gateway, &[]);
    let headers = [
        ("host", browser.host.as_str()),
        ("cookie", browser.cookie.as_str()),
    ];
    let live = format!("{}/live", browser.at);
    call(&gateway, "lookup");
    let mut stream = request("GET", &live, &headers, b"");
    assert_eq!(stream.header("content-type"), Some("text/event-stream"));
    let event = stream.next_event().unwrap();
    let told: Value = serde_json::from_slice(&event.data.unwrap()).unwrap();
    assert_eq!(told["states"]["server-desk"][0], "well", "{told}");
    assert!(told["texts"]["rate"].is_string() && told["paths"]["passed"].is_string());
    assert_eq!(told["rows"][0][1][5], "lookup");
    // Three who never read a byte.
    let address = browser.at.trim_start_matches("http://");
    let idle: Vec<TcpStream> = (0..3)
        .map(|_| {
            let mut idle = TcpStream::connect(address).unwrap();
            let ask = format!(
                "GET /live HTTP/1.1\r\nhost: {}\r\ncookie: {}\r\n\r\n",
                browser.host, browser.cookie
            );
            idle.write_all(ask.as_bytes()).unwrap();
            idle
        })
        .collect();
    let began = Instant::now();
    while request("GET", &live, &headers, b"").status != 429 {
        assert!(
            began.elapsed() < Duration::from_secs(20),
            "a session's streams have no bound"
        );
    }
    assert!(call(&gateway, "lookup").to_string().contains("it is open"));
    browser.post("/leave", &format!("csrf={}", browser.csrf()));
    while stream.next_event().is_some() {}
    drop(idle);

    // A gateway that starts anew knows nobody.
    let before = Browser::enter(&gateway, &[]);
    let config = std::fs::read_to_string(gateway.config_file()).unwrap();
    gateway.stop(Duration::from_secs(20));
    let told = actions(&gateway);
    assert!(
        told.iter()
            .any(|one| one["action"] == "console-left" && one["why"] == "the gateway ended"),
        "{told:?}"
    );
    let port = before.at.rsplit(':').next().unwrap();
    let config = config.replace(
        "[console]\nlisten = \"127.0.0.1:0\"",
        &format!("[console]\nlisten = \"127.0.0.1:{port}\""),
    );
    let gateway = Gateway::start(&config);
    let after = Browser::enter(&gateway, &[]);
    assert_ne!(after.host, before.host, "each start has a name of its own");
    assert_eq!(
        after
            .ask("GET", "/", &[("cookie", &before.cookie)], "")
            .status,
        401
    );
    assert_eq!(
        after.ask("GET", "/", &[("host", &before.host)], "").status,
        403
    );
    assert_eq!(after.get("/").status, 200);
}

#[test]
fn a_gateway_without_anything_has_pages_and_one_without_a_console_says_so() {
    let gateway = Gateway::start("[console]\nlisten = \"127.0.0.1:0\"\n");
    let browser = Browser::enter(&gateway, &[]);
    for (path, title) in PAGES {
        let page = browser.get(path);
        assert_eq!(page.status, 200, "{path}");
        assert!(page.text.contains(&format!("<h1>{title}")), "{path}");
    }
    for path in ["/audit/verify", "/calls.json"] {
        assert_eq!(browser.get(path).status, 200, "{path}");
    }
    let csrf = browser.csrf();
    for deed in ["compare-pins", "look-as"] {
        let answer = browser.post(
            &format!("/do/{deed}"),
            &format!("csrf={csrf}&client=nobody"),
        );
        assert_eq!(answer.status, 200, "{deed}");
    }
    let without = Gateway::start("");
    let asked = without.command(&["console"]);
    assert_eq!(asked.code, Some(1));
    assert!(asked.log.contains("add `[console]`"), "{asked:?}");
    for (text, said) in [
        (
            "[console]\nlisten = \"0.0.0.0:9809\"\n",
            "let other machines in",
        ),
        ("[console]\n", "listen"),
        (
            "[gateway]\nadmin = \"none\"\n[console]\nlisten = \"127.0.0.1:0\"\n",
            "nobody can enter the console",
        ),
    ] {
        let (code, log) = Gateway::refused(text);
        assert_eq!(code, Some(2), "{text}: {log}");
        assert!(log.contains(said), "{text}: {log}");
    }
}

/// What is promoted and rejected is told by the journeys of candidates; here it is done with forms.
#[test]
fn a_candidate_is_rejected_and_another_promoted_by_forms() {
    let stage = Stage::new();
    let tried = POLICIES.replace(
        "settings = { entities",
        "candidate = { settings = { entities = [\"email\", \"iban\"] } }\nsettings = { entities",
    );
    let gateway = Gateway::start(&stage.config("", &format!("{CONSOLE}{tried}")));
    let browser = Browser::enter(&gateway, &[]);
    assert!(
        browser
            .get("/policies")
            .text
            .contains("Candidate: pii-scrubber")
    );
    let csrf = browser.csrf();
    let asked = browser.post("/do/promote", &format!("csrf={csrf}&name=scrub"));
    assert!(
        asked.text.contains("iban") && asked.text.contains("doubtful"),
        "{}",
        asked.text
    );
    browser.post("/do/reject", &format!("csrf={csrf}&name=scrub&sure=yes"));
    let policies = browser.get("/policies").text;
    assert!(
        policies.contains("Rejected") && !policies.contains("Candidate:"),
        "{policies}"
    );
    let file = std::fs::read_to_string(gateway.config_file()).unwrap();
    assert_eq!(file, stage.config("", &format!("{CONSOLE}{POLICIES}")));
    std::fs::write(
        gateway.config_file(),
        stage.config("", &format!("{CONSOLE}{tried}")),
    )
    .unwrap();
    gateway.command(&["reload"]);
    // What was not shown is not promoted.
    let asked = browser.post("/do/promote", &format!("csrf={csrf}&name=scrub"));
    for seen in ["", &"0".repeat(64)] {
        let form = format!("csrf={csrf}&name=scrub&seen={seen}&sure=yes");
        browser.post("/do/promote", &form);
        let shown = browser.get("/policies").text;
        assert!(shown.contains("it is another change"), "{shown}");
    }
    let seen = asked.field("seen");
    browser.post(
        "/do/promote",
        &format!("csrf={csrf}&name=scrub&seen={seen}&sure=yes"),
    );
    let policies = browser.get("/policies").text;
    assert!(policies.contains("Promoted: scrub"), "{policies}");
    assert!(
        std::fs::read_to_string(gateway.config_file())
            .unwrap()
            .contains("iban")
    );
    let names: Vec<_> = actions(&gateway)
        .iter()
        .map(|one| one["action"].clone())
        .collect();
    assert!(
        names.contains(&json!("reject")) && names.contains(&json!("promote")),
        "{names:?}"
    );
}

/// Waits until an operator has done this.
fn wait_for(gateway: &Gateway, action: &str) -> Value {
    let began = Instant::now();
    loop {
        let done = actions(gateway);
        if let Some(one) = done.iter().find(|one| one["action"] == action) {
            return one.clone();
        }
        assert!(
            began.elapsed() < Duration::from_secs(20),
            "{action}: {done:?}"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn what_asks_servers_is_recorded_where_nobody_waits_and_leaves_stopped_ones_alone() {
    let tools = r#"{"jsonrpc":"2.0","id":@ID@,"result":{"tools":[{"name":"wipe","description":"wipes the disk","inputSchema":{"type":"object"}}]}}"#;
    let script = Script::new().on("\"tools/list\"", &[tools]);
    let server = FakeServer::http_with(move |heard| {
        let slow = heard
            .body
            .windows(10)
            .any(|part| part == b"tools/list".as_slice());
        if slow {
            std::thread::sleep(Duration::from_millis(800));
        }
        match script.answer(&heard.body).pop() {
            Some(message) => Reply::Json(message),
            None => Reply::Status(202, "text/plain", Vec::new()),
        }
    });
    let ada = format!(
        "[clients]\nada = {{ token-sha256 = \"{}\" }}\n",
        hash("key")
    );
    let config = format!(
        "[gateway]\nlisten = \"127.0.0.1:0\"\nwatch = false\n{CONSOLE}{ada}{}",
        server.config("desk")
    );
    let gateway = Gateway::start(&config);
    let lock = gateway.config_file().with_file_name("pins.lock");
    std::fs::write(lock, r#"{"version":1,"servers":{}}"#).unwrap();
    let browser = Browser::enter(&gateway, &[]);
    let csrf = browser.csrf();

    let body = format!("csrf={csrf}");
    let ask = format!(
        "POST /do/compare-pins HTTP/1.1\r\nhost: {0}\r\norigin: http://{0}\r\ncookie: {1}\r\n\
         content-type: application/x-www-form-urlencoded\r\ncontent-length: {2}\r\n\r\n{body}",
        browser.host,
        browser.cookie,
        body.len()
    );
    let mut gone = TcpStream::connect(browser.at.trim_start_matches("http://")).unwrap();
    gone.write_all(ask.as_bytes()).unwrap();
    server.wait_for("tools/list", 1);
    drop(gone);
    let told = wait_for(&gateway, "compared-pins");
    assert!(
        told["error"].is_null() && told["console"].is_string(),
        "{told}"
    );

    let shown = browser.post("/do/compare-pins", &body).text;
    for part in ["wipes the disk", "may do harm", "Approve…"] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    gateway.command(&["stop", "server", "desk", "--why", "x"]);
    let heard = server.heard().len();
    let shown = browser.post("/do/compare-pins", &body).text;
    assert!(shown.contains("Stopped: desk"), "{shown}");
    let shown = browser
        .post("/do/look-as", &format!("{body}&client=ada"))
        .text;
    assert!(shown.contains("it is stopped, and is not asked"), "{shown}");
    let fields = format!("{body}&server=desk&tool=wipe&seen=0&sure=yes");
    browser.post("/do/approve", &fields);
    let shown = browser.get("/servers").text;
    assert!(shown.contains("its server is stopped"), "{shown}");
    assert_eq!(server.heard().len(), heard, "a stopped server was asked");
    assert_eq!(wait_for(&gateway, "looked-as")["client"], "ada");
    let audit = browser.get("/audit").text;
    assert!(
        audit.contains("desk wipe") && audit.contains("looked-as"),
        "{audit}"
    );
}

#[test]
fn where_another_program_has_the_other_loopback_address_the_link_does_not_lead_there() {
    let Ok(other) = std::net::TcpListener::bind("[::1]:0") else {
        // Where the machine has no such address, nobody has it, and the link is by the console's own name.
        let gateway = Gateway::start("[console]\nlisten = \"127.0.0.1:0\"\n");
        assert!(link(&gateway, &[]).1.contains(".localhost:"));
        return;
    };
    let port = other.local_addr().unwrap().port();
    let gateway = Gateway::start(&format!("[console]\nlisten = \"127.0.0.1:{port}\"\n"));
    let asked = gateway.command(&["console", "--json"]);
    let told: Value = serde_json::from_str(&asked.output).unwrap();
    assert!(
        told["url"]
            .as_str()
            .unwrap()
            .starts_with(&format!("http://127.0.0.1:{port}/")),
        "{told}"
    );
    assert_eq!(told["url"], told["by_address"]);
}
