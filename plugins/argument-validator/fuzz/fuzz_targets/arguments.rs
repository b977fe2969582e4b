#![no_main]
//! Any text as an argument of any role: the policy decides.

use std::sync::LazyLock;

use argument_validator::ArgumentValidator;
use sandgate_sdk::Interceptor;
use sandgate_sdk::testing::{context, document};

static POLICY: LazyLock<ArgumentValidator> = LazyLock::new(|| {
    let settings = serde_json::from_str("{}").unwrap();
    ArgumentValidator::configure(settings).unwrap()
});

const NAMES: [&str; 12] = [
    "value", "path", "url", "command", "query", "html", "xml", "template", "header", "user", "id", "text",
];

libfuzzer_sys::fuzz_target!(|text: &str| {
    let definition = r#"{"name":"tool","inputSchema":{"type":"object"}}"#;
    let context = context("tools/call").target("tool").definition(definition).build();
    for name in NAMES {
        let params = serde_json::json!({ "name": "tool", "arguments": { name: text, text: [name, text] } });
        assert!(POLICY.pre_call(&context, &document(&params.to_string())).is_ok());
    }
});
