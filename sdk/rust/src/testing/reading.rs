//! Which strings people or models read, as the contract's `texts` has it. What stands where the protocol has machinery
//! of its own is left out where it looks like it; everything else is text.

use crate::testing::tree::{Kind, Tree};

/// What a value is to the protocol.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Nothing: text, whatever is in it.
    Text,
    /// Params, a result or an error object; `Carried` within another one.
    Document,
    Carried,
    Responses,
    Requests,
    Request,
    Meta,
    Implementation,
    Task,
    Content,
    Block(&'static str),
    Contents,
    Definition,
    Message,
    /// A list whose elements are the other.
    Tasks,
    ContentsList,
    Definitions,
    Messages,
    /// Strings that are left out: always, or where they look like it.
    Always,
    Token,
    MimeType,
    Base64,
    OneOf(&'static [&'static str]),
}

const BLOCKS: [&str; 7] = [
    "text",
    "image",
    "audio",
    "resource",
    "resource_link",
    "tool_use",
    "tool_result",
];

/// Pointer and content of every text, in the document's order.
pub(crate) fn texts(root: &Tree) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let place = if matches!(root.kind, Kind::Object(_)) {
        Place::Document
    } else {
        Place::Text
    };
    walk(root, place, &mut String::new(), &mut found);
    found
}

/// Pointer and content of every string.
pub(crate) fn strings(root: &Tree) -> Vec<(String, String)> {
    let mut found = Vec::new();
    walk(root, Place::Text, &mut String::new(), &mut found);
    found
}

fn walk(value: &Tree, place: Place, pointer: &mut String, found: &mut Vec<(String, String)>) {
    let length = pointer.len();
    match &value.kind {
        Kind::String(content) => {
            if !place.leaves_out(content, &value.text) {
                found.push((pointer.clone(), content.clone()));
            }
        }
        Kind::Array(elements) => {
            for (index, element) in elements.iter().enumerate() {
                *pointer += &format!("/{index}");
                walk(element, place.element(element), pointer, found);
                pointer.truncate(length);
            }
        }
        Kind::Object(members) => {
            let place = place.object(value);
            for (name, member) in members {
                *pointer += &format!("/{}", name.replace('~', "~0").replace('/', "~1"));
                walk(member, place.member(name), pointer, found);
                pointer.truncate(length);
            }
        }
        Kind::Other => {}
    }
}

impl Place {
    fn object(self, object: &Tree) -> Self {
        match self {
            Self::Content => {
                let kind = object.get("type").and_then(Tree::string);
                BLOCKS
                    .into_iter()
                    .find(|block| kind == Some(block))
                    .map_or(Self::Text, Self::Block)
            }
            Self::Contents if object.get("uri").and_then(Tree::string).is_none() => Self::Text,
            Self::Tasks | Self::ContentsList | Self::Definitions | Self::Messages => Self::Text,
            place => place,
        }
    }

    fn element(self, element: &Tree) -> Self {
        match self {
            _ if !matches!(element.kind, Kind::Object(_)) => Self::Text,
            Self::Content => Self::Content,
            Self::Tasks => Self::Task,
            Self::ContentsList => Self::Contents,
            Self::Definitions => Self::Definition,
            Self::Messages => Self::Message,
            _ => Self::Text,
        }
    }

    fn member(self, name: &str) -> Self {
        match (self, name) {
            (Self::Document, "cursor" | "nextCursor" | "requestState") => Self::Always,
            (
                Self::Document,
                "taskId" | "requestId" | "progressToken" | "elicitationId" | "protocolVersion",
            ) => Self::Token,
            (Self::Document, "resultType") => Self::OneOf(&["complete", "input_required", "task"]),
            (Self::Document | Self::Carried, "content") => Self::Content,
            (Self::Document | Self::Carried, "contents") => Self::ContentsList,
            (Self::Document | Self::Carried, "messages") => Self::Messages,
            (
                Self::Document | Self::Carried,
                "tools" | "prompts" | "resources" | "resourceTemplates",
            ) => Self::Definitions,
            (Self::Document | Self::Carried, "clientInfo" | "serverInfo") => Self::Implementation,
            (Self::Document | Self::Carried, "task") => Self::Task,
            (Self::Document | Self::Carried, "tasks") => Self::Tasks,
            (Self::Document | Self::Carried, "result")
            | (Self::Responses, _)
            | (Self::Request, "params") => Self::Carried,
            (Self::Document | Self::Carried, "inputResponses") => Self::Responses,
            (Self::Document | Self::Carried, "inputRequests") => Self::Requests,
            (Self::Requests, _) => Self::Request,
            (
                Self::Document
                | Self::Carried
                | Self::Message
                | Self::Definition
                | Self::Contents
                | Self::Block(_),
                "_meta",
            ) => Self::Meta,
            (Self::Meta, "progressToken" | "traceparent" | "tracestate") => Self::Token,
            (Self::Meta, name) => match name.strip_prefix("io.modelcontextprotocol/") {
                Some("protocolVersion" | "subscriptionId" | "logLevel") => Self::Token,
                Some("related-task") => Self::Task,
                Some("clientInfo" | "serverInfo") => Self::Implementation,
                _ => Self::Text,
            },
            (Self::Implementation, "version") | (Self::Task, "taskId") => Self::Token,
            (Self::Message, "role") => Self::OneOf(&["user", "assistant"]),
            (Self::Message | Self::Block("tool_result"), "content") => Self::Content,
            (Self::Block(_), "type") => Self::Always,
            (
                Self::Block("image" | "audio" | "resource_link")
                | Self::Contents
                | Self::Definition,
                "mimeType",
            ) => Self::MimeType,
            (Self::Block("image" | "audio"), "data") | (Self::Contents, "blob") => Self::Base64,
            (Self::Block("resource_link") | Self::Definition, "icons") => Self::Definitions,
            (Self::Block("resource"), "resource") => Self::Contents,
            (Self::Block("tool_use"), "id") | (Self::Block("tool_result"), "toolUseId") => {
                Self::Token
            }
            _ => Self::Text,
        }
    }

    fn leaves_out(self, content: &str, json: &str) -> bool {
        let is_token = |text: &str| {
            (1..=256).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
        };
        match self {
            Self::Always => true,
            // Machinery is not written with escapes.
            Self::Token => is_token(content) && !json.contains('\\'),
            Self::MimeType => content.split_once('/').is_some_and(|(kind, rest)| {
                let mut parts = rest.split(';');
                let is_name = |name: &str| {
                    is_token(name)
                        && !name.contains([
                            '/', '"', ',', '(', ')', '<', '>', '@', ':', '[', ']', '?', '=',
                        ])
                };
                is_name(kind)
                    && parts.next().is_some_and(is_name)
                    && parts.all(|parameter| {
                        parameter
                            .trim_matches(' ')
                            .split_once('=')
                            .is_some_and(|(name, value)| is_name(name) && is_token(value))
                    })
            }),
            Self::Base64 => content
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"+/=-_\r\n".contains(&byte)),
            Self::OneOf(words) => words.contains(&content),
            _ => false,
        }
    }
}
