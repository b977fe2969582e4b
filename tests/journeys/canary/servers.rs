//! Servers that say the word wherever a server can say something.

use harness::{Chunk, FakeServer, Reply, Script, binary};

use crate::canary::masked::{ID, MASKED, METHOD};

/// What the servers say: the word in everything that a server can say.
fn script() -> Script {
    let result = |result: &str| format!(r#"{{"jsonrpc":"2.0","id":@ID@,"result":{result}}}"#);
    let word = |text: &str| text.replace('$', MASKED);
    let message = r#"{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","logger":"$","data":{"$":"$"}}}"#;
    let progress = r#"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":"[masked]-token","progress":1,"message":"$"}}"#;
    let updated = r#"{"jsonrpc":"2.0","method":"notifications/resources/updated","params":{"uri":"file:///$"}}"#;
    let question = r#"{"jsonrpc":"2.0","id":"wrenT5mB8yL3h-question","method":"sampling/createMessage","params":{"messages":[{"role":"user","content":{"type":"text","text":"$"}}],"maxTokens":1}}"#;
    let found = result(
        r#"{"resultType":"complete","content":[{"type":"text","text":"$ and \u0063\u0061\u006e\u0061\u0072\u0079\u0051\u0037\u0078\u004b\u0032\u0076\u0052\u0039"}],"structuredContent":{"$":["$"]}}"#,
    );
    let read = result(
        r#"{"resultType":"complete","ttlMs":0,"cacheScope":"private","contents":[{"uri":"file:///$","text":"$"}]}"#,
    );
    let tools = result(
        r#"{"resultType":"complete","ttlMs":0,"cacheScope":"private","tools":[{"name":"lookup","description":"$","inputSchema":{"type":"object","properties":{"$":{"type":"string"}}}},{"name":"$-listed","inputSchema":{"type":"object"}}]}"#,
    );
    let fails = r#"{"jsonrpc":"2.0","id":@ID@,"error":{"code":-32602,"message":"I do not know $","data":{"$":"$"}}}"#;
    let fine = result(r#"{"resultType":"complete","content":[]}"#);
    let say = |messages: &[&str]| messages.iter().map(|text| word(text)).collect::<Vec<_>>();
    let entries = [
        ("\"lookup\"", say(&[message, progress, updated, &found])),
        ("\"asks\"", say(&[question, &fine])),
        ("\"fails\"", say(&[fails])),
        ("\"babbles\"", say(&["it is $, {not} JSON", &fine])),
        (
            "\"twice\"",
            say(&[r#"{"jsonrpc":"2.0","id":@ID@,"result":{"$":1,"$":2}}"#]),
        ),
        ("\"remember\"", say(&[&fine])),
        ("resources/read", say(&[&read])),
        ("tools/list", say(&[&tools])),
    ];
    entries
        .iter()
        .fold(Script::new(), |script, (on, messages)| {
            let messages: Vec<&str> = messages.iter().map(String::as_str).collect();
            script.on(on, &messages)
        })
}

/// Over HTTP: it can also answer with a status and a text.
pub(crate) fn over_http() -> FakeServer {
    let script = script();
    FakeServer::http_with(move |heard| {
        let asks = |text: &str| {
            heard
                .body
                .windows(text.len())
                .any(|part| part == text.as_bytes())
        };
        if heard.verb != "POST" {
            return Reply::Status(405, "text/plain", MASKED.into());
        }
        if asks("\"status\"") {
            return Reply::Status(500, "text/plain", MASKED.into());
        }
        if asks("\"page\"") {
            return Reply::Status(200, "text/html", MASKED.into());
        }
        let mut messages = script.answer(&heard.body);
        match messages.len() {
            0 => Reply::Status(202, "text/plain", Vec::new()),
            1 => Reply::Json(messages.remove(0)),
            _ => {
                let event = |message: Vec<u8>| [b"data: ", message.as_slice(), b"\n\n"].concat();
                Reply::Stream(vec![Chunk::Bytes(
                    messages.into_iter().flat_map(event).collect(),
                )])
            }
        }
    })
}

/// On stdio: it repeats to its stderr all that it hears, but for ids and the method.
pub(crate) struct OverStdio(tempfile::TempDir);

impl OverStdio {
    pub(crate) fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("script.json"), script().to_json()).unwrap();
        Self(folder)
    }

    pub(crate) fn config(&self, name: &str) -> String {
        let repeat = format!(
            "sed -u -n -e p -e 's/{ID}[^\"]*/ID/g' -e 's/{METHOD}[^\"]*/METHOD/g' -e 'w /dev/stderr' | {} {}",
            binary("fake-server").display(),
            self.0.path().display()
        );
        format!("[servers.{name}]\ncommand = \"sh\"\nargs = [\"-c\", {repeat:?}]\n\n")
    }

    pub(crate) fn heard(&self) -> Vec<u8> {
        std::fs::read(self.0.path().join("heard")).unwrap()
    }
}
