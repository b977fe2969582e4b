//! What each message may carry: a sample of its params and of its result with every member of the protocol's schema that
//! holds a text. `§` stands for a text that is there once.

use std::sync::atomic::{AtomicU32, Ordering};

use sandgate_message::{Direction, Era};

/// The members of one message.
pub struct Sample {
    pub params: &'static str,
    pub result: &'static str,
}

/// An error of any request.
pub const ERROR: &str = r#"{"code":-32602,"message":"§","data":{"§":["§",{"why":"§"}]}}"#;

/// Of a method; a method of the table without a sample is a test that fails.
pub fn sample(method: &str, era: Era, direction: Direction) -> Sample {
    let (params, result) = match (method, era) {
        ("initialize", _) => (INITIALIZE, HELLO),
        ("server/discover", _) => (r#"{"§":"§"}"#, DISCOVERED),
        ("ping", _) => (r#"{"_meta":{"§":"§"}}"#, r#"{"_meta":{"§":"§"}}"#),
        ("tools/list", _) => (CURSOR, TOOLS),
        ("tools/call", _) => (CALL, CONTENT),
        ("prompts/list", _) => (CURSOR, PROMPTS),
        ("prompts/get", _) => (
            r#"{"name":"canary-name","arguments":{"§":"§"},"_meta":{"§":"§"}}"#,
            PROMPT,
        ),
        ("resources/list", _) => (CURSOR, RESOURCES),
        ("resources/templates/list", _) => (CURSOR, TEMPLATES),
        ("resources/read", _) => (
            r#"{"uri":"test://canary-uri","_meta":{"§":"§"}}"#,
            r#"{"contents":[{"uri":"test://§","mimeType":"§","text":"§","_meta":{"§":"§"}},{"uri":"test://§","mimeType":"§","blob":"§"}],"_meta":{"§":"§"}}"#,
        ),
        ("resources/subscribe" | "resources/unsubscribe", _) => (
            r#"{"uri":"test://canary-uri","_meta":{"§":"§"}}"#,
            r#"{"_meta":{"§":"§"}}"#,
        ),
        ("subscriptions/listen", _) => (
            r#"{"notifications":{"toolsListChanged":true,"promptsListChanged":true,"resourcesListChanged":true,"resourceSubscriptions":["test://§"]}}"#,
            r#"{"_meta":{"§":"§"}}"#,
        ),
        ("completion/complete", _) => (
            r#"{"ref":{"type":"ref/prompt","name":"canary-name","title":"§"},"argument":{"name":"§","value":"§"},"context":{"arguments":{"§":"§"}},"_meta":{"§":"§"}}"#,
            r#"{"completion":{"values":["§","§"],"total":2,"hasMore":false},"_meta":{"§":"§"}}"#,
        ),
        ("logging/setLevel", _) => (
            r#"{"level":"§","_meta":{"§":"§"}}"#,
            r#"{"_meta":{"§":"§"}}"#,
        ),
        ("sampling/createMessage", _) => (SAMPLING, SAMPLED),
        ("elicitation/create", _) => (
            r#"{"mode":"form","message":"§","requestedSchema":{"type":"object","properties":{"§":{"type":"string","title":"§","description":"§","default":"§","enum":["§"],"enumNames":["§"]}},"required":["§"]},"url":"§","elicitationId":"§","_meta":{"§":"§"}}"#,
            r#"{"action":"accept","content":{"§":"§","list":["§"]},"_meta":{"§":"§"}}"#,
        ),
        ("roots/list", _) => (
            r#"{"_meta":{"§":"§"}}"#,
            r#"{"roots":[{"uri":"file:///§","name":"§","_meta":{"§":"§"}}],"_meta":{"§":"§"}}"#,
        ),
        ("tasks/list", _) => (
            CURSOR,
            r#"{"tasks":[{"taskId":"task-1","status":"working","statusMessage":"§","createdAt":"§","lastUpdatedAt":"§","ttl":60000}],"nextCursor":"§","_meta":{"§":"§"}}"#,
        ),
        ("tasks/get" | "tasks/cancel", _) => (
            r#"{"taskId":"task-1","_meta":{"§":"§"}}"#,
            r#"{"taskId":"task-1","status":"working","statusMessage":"§","createdAt":"§","lastUpdatedAt":"§","ttl":60000,"_meta":{"§":"§"}}"#,
        ),
        ("tasks/result", _) if direction == Direction::ClientToServer => {
            (r#"{"taskId":"task-1","_meta":{"§":"§"}}"#, CONTENT)
        }
        ("tasks/result", _) => (r#"{"taskId":"task-1","_meta":{"§":"§"}}"#, SAMPLED),
        ("tasks/update", _) => (
            r#"{"taskId":"task-1","inputResponses":{},"_meta":{"§":"§"}}"#,
            r#"{"_meta":{"§":"§"}}"#,
        ),
        ("notifications/initialized" | "notifications/roots/list_changed", _) => {
            (r#"{"_meta":{"§":"§"}}"#, "")
        }
        (
            "notifications/tools/list_changed"
            | "notifications/prompts/list_changed"
            | "notifications/resources/list_changed",
            _,
        ) => (r#"{"_meta":{"§":"§"%}}"#, ""),
        ("notifications/cancelled", _) => (
            r#"{"requestId":"none-such","reason":"§","_meta":{"§":"§"%}}"#,
            "",
        ),
        ("notifications/progress", _) => (
            r#"{"progressToken":"hold","progress":1,"total":2,"message":"§","_meta":{"§":"§"}}"#,
            "",
        ),
        ("notifications/message", _) => (
            r#"{"level":"info","logger":"§","data":{"§":["§"]},"_meta":{"§":"§"}}"#,
            "",
        ),
        ("notifications/resources/updated", _) => {
            (r#"{"uri":"test://canary-uri","_meta":{"§":"§"%}}"#, "")
        }
        ("notifications/elicitation/complete", _) => {
            (r#"{"elicitationId":"§","_meta":{"§":"§"}}"#, "")
        }
        ("notifications/tasks/status" | "notifications/tasks", _) => (
            r#"{"taskId":"task-1","status":"working","statusMessage":"§","createdAt":"§","lastUpdatedAt":"§","ttl":60000,"_meta":{"§":"§"%}}"#,
            "",
        ),
        ("notifications/subscriptions/acknowledged", _) => (
            r#"{"notifications":{"toolsListChanged":true,"resourceSubscriptions":["test://§"]},"_meta":{"§":"§"%}}"#,
            "",
        ),
        _ => panic!("{method} has no sample"),
    };
    Sample { params, result }
}

/// Puts a text of its own in every place that waits for one; hands back the whole and those texts.
pub fn planted(sample: &str) -> (String, Vec<String>) {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let mut whole = String::new();
    let mut texts = Vec::new();
    for (at, piece) in sample.split('§').enumerate() {
        if at > 0 {
            let text = format!("canary-{:05}", NEXT.fetch_add(1, Ordering::Relaxed));
            whole.push_str(&text);
            texts.push(text);
        }
        whole.push_str(piece);
    }
    (whole, texts)
}

const INITIALIZE: &str = r#"{"protocolVersion":"2025-06-18","capabilities":{"experimental":{"§":{"§":"§"}},"roots":{"listChanged":true},"sampling":{},"elicitation":{}},"clientInfo":{"name":"§","title":"§","version":"§","description":"§","websiteUrl":"§","icons":[{"src":"§","mimeType":"§","sizes":["§"],"theme":"§"}]},"_meta":{"§":"§"}}"#;
const HELLO: &str = r#"{"protocolVersion":"2025-06-18","capabilities":{"experimental":{"§":{"§":"§"}},"tools":{},"prompts":{},"resources":{},"logging":{}},"serverInfo":{"name":"§","title":"§","version":"§","description":"§","websiteUrl":"§","icons":[{"src":"§","mimeType":"§","sizes":["§"]}]},"instructions":"§","_meta":{"§":"§"}}"#;
const DISCOVERED: &str = r#"{"supportedVersions":["2026-07-28"],"capabilities":{"experimental":{"§":{"§":"§"}},"extensions":{"§":{}}},"serverInfo":{"name":"§","title":"§","version":"§","description":"§","websiteUrl":"§"},"instructions":"§","ttlMs":0,"cacheScope":"private","_meta":{"§":"§"}}"#;
const CURSOR: &str = r#"{"cursor":"§","_meta":{"§":"§"}}"#;
const TOOLS: &str = r#"{"tools":[{"name":"§","title":"§","description":"§","icons":[{"src":"§"}],"inputSchema":{"type":"object","properties":{"§":{"description":"§","default":"§","enum":["§"]}},"required":["§"]},"outputSchema":{"type":"object","properties":{"§":{"title":"§"}}},"annotations":{"title":"§"},"_meta":{"§":"§"}}],"nextCursor":"§","_meta":{"§":"§"}}"#;
const CALL: &str =
    r#"{"name":"canary-name","arguments":{"§":"§","deep":[{"§":"§"}]},"_meta":{"§":"§"}}"#;
const CONTENT: &str = r#"{"content":[{"type":"text","text":"§","annotations":{"audience":["§"],"lastModified":"§"},"_meta":{"§":"§"}},{"type":"image","data":"§","mimeType":"§"},{"type":"audio","data":"§","mimeType":"§"},{"type":"resource_link","uri":"§","name":"§","title":"§","description":"§","mimeType":"§"},{"type":"resource","resource":{"uri":"§","mimeType":"§","text":"§","blob":"§"}},{"type":"§","§":"§"}],"structuredContent":{"§":["§"]},"isError":false,"_meta":{"§":"§"}}"#;
const PROMPTS: &str = r#"{"prompts":[{"name":"§","title":"§","description":"§","icons":[{"src":"§"}],"arguments":[{"name":"§","title":"§","description":"§"}],"_meta":{"§":"§"}}],"nextCursor":"§","_meta":{"§":"§"}}"#;
const PROMPT: &str = r#"{"description":"§","messages":[{"role":"user","content":{"type":"text","text":"§"}},{"role":"assistant","content":{"type":"resource","resource":{"uri":"§","text":"§"}}}],"_meta":{"§":"§"}}"#;
const RESOURCES: &str = r#"{"resources":[{"uri":"§","name":"§","title":"§","description":"§","mimeType":"§","icons":[{"src":"§"}],"annotations":{"audience":["§"],"lastModified":"§"},"_meta":{"§":"§"}}],"nextCursor":"§","_meta":{"§":"§"}}"#;
const TEMPLATES: &str = r#"{"resourceTemplates":[{"uriTemplate":"§","name":"§","title":"§","description":"§","mimeType":"§","_meta":{"§":"§"}}],"nextCursor":"§","_meta":{"§":"§"}}"#;
const SAMPLING: &str = r#"{"messages":[{"role":"user","content":{"type":"text","text":"§"}},{"role":"assistant","content":[{"type":"tool_use","id":"§","name":"§","input":{"§":"§"}}]},{"role":"user","content":[{"type":"tool_result","toolUseId":"§","content":[{"type":"text","text":"§"}],"structuredContent":{"§":"§"}}]}],"modelPreferences":{"hints":[{"name":"§"}]},"systemPrompt":"§","includeContext":"none","maxTokens":10,"stopSequences":["§"],"metadata":{"§":"§"},"tools":[{"name":"§","description":"§","inputSchema":{"type":"object","description":"§"}}],"toolChoice":{"mode":"§"},"_meta":{"§":"§"}}"#;
const SAMPLED: &str = r#"{"role":"assistant","content":{"type":"text","text":"§"},"model":"§","stopReason":"§","_meta":{"§":"§"}}"#;
