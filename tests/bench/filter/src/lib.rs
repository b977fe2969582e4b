//! A proxy-wasm filter that does what two of Sandgate's policies do in the comparison: it refuses a call whose arguments
//! do not fit the tool, and masks e-mail addresses, payment cards and bank accounts in replies.

use std::sync::LazyLock;

use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::{Action, ContextType, LogLevel};
use regex::bytes::Regex;
use serde_json::Value;

proxy_wasm::main! {{
    proxy_wasm::set_log_level(LogLevel::Warn);
    proxy_wasm::set_root_context(|_| Box::new(Root));
}}

/// What is looked for, and its mask.
static KINDS: LazyLock<Vec<(Regex, &'static [u8])>> = LazyLock::new(|| {
    let kinds: [(&str, &[u8]); 3] = [
        (r"(?-u)[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+", b"[email]"),
        (r"(?-u)\b(?:\d[ -]?){13,16}\b", b"[card]"),
        (r"(?-u)\b[A-Z]{2}\d{2}[A-Z0-9]{11,30}\b", b"[iban]"),
    ];
    kinds.into_iter().filter_map(|(pattern, mask)| Some((Regex::new(pattern).ok()?, mask))).collect()
});

struct Root;

impl Context for Root {}

impl RootContext for Root {
    fn on_vm_start(&mut self, _: usize) -> bool {
        KINDS.len() == 3
    }
    fn create_http_context(&self, _: u32) -> Option<Box<dyn HttpContext>> {
        Some(Box::new(Filter))
    }
    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }
}

struct Filter;

impl Context for Filter {}

impl HttpContext for Filter {
    fn on_http_request_body(&mut self, size: usize, end: bool) -> Action {
        if !end {
            return Action::Pause;
        }
        let body = self.get_http_request_body(0, size).unwrap_or_default();
        if fits(&body) {
            return Action::Continue;
        }
        self.send_http_response(400, vec![], Some(b"arguments.schema"));
        Action::Pause
    }

    fn on_http_response_headers(&mut self, _: usize, _: bool) -> Action {
        self.set_http_response_header("content-length", None);
        Action::Continue
    }

    fn on_http_response_body(&mut self, size: usize, end: bool) -> Action {
        if !end {
            return Action::Pause;
        }
        if let Some(mut body) = self.get_http_response_body(0, size) {
            for (kind, mask) in KINDS.iter() {
                body = kind.replace_all(&body, *mask).into_owned();
            }
            self.set_http_response_body(0, size, &body);
        }
        Action::Continue
    }
}

/// Whether the arguments fit the tool: `customer` is a text of at most 20 characters, `limit` a number from 1 to 100, and
/// there is nothing else. Other methods pass.
fn fits(body: &[u8]) -> bool {
    let Ok(message) = serde_json::from_slice::<Value>(body) else {
        return false;
    };
    if message["method"] != "tools/call" {
        return true;
    }
    let Some(arguments) = message["params"]["arguments"].as_object() else {
        return false;
    };
    arguments.get("customer").and_then(Value::as_str).is_some_and(|text| text.chars().count() <= 20)
        && arguments.iter().all(|(name, value)| match name.as_str() {
            "customer" => true,
            "limit" => value.as_u64().is_some_and(|limit| (1..=100).contains(&limit)),
            _ => false,
        })
}
