//! Decides which strings of a document people or models read. [`Json::texts`](crate::Json::texts) lists the rules.

use crate::node::Node;
use crate::opaque::{is_base64, is_mime_type, is_token};
use crate::tape::{Kind, Tag};

/// The role of a value by its place. A value without a place of its own is text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// Text throughout.
    Text,
    /// Params, a result or an error object.
    Document,
    /// A document nested in another one.
    Carried,
    /// `inputResponses`: results by key.
    Responses,
    /// `inputRequests`: requests by key; then one of them.
    Requests,
    Request,
    /// `_meta`.
    Meta,
    /// `clientInfo`, `serverInfo`.
    Implementation,
    /// An object with a `taskId`.
    Task,
    /// One content block or an array of them; then a block of each kind that the protocol has.
    Content,
    PlainBlock,
    MediaBlock,
    LinkBlock,
    ResourceBlock,
    UseBlock,
    ResultBlock,
    /// Resource contents beside a `uri`.
    Contents,
    /// An element of `tools`, `prompts`, `resources`, `resourceTemplates`; also an icon of one.
    Definition,
    Message,
    /// An array whose elements, if objects, have a place of their own.
    Tasks,
    ContentsList,
    Definitions,
    Messages,
    /// A string that is left out: always, or if it looks like what it should be.
    Opaque,
    Token,
    MimeType,
    Base64,
    ResultType,
    Role,
    /// A content block's `type`, which is known already.
    Known,
}

impl Place {
    /// The place of this member's value in an object at this place.
    fn member(self, name: &str) -> Self {
        match (self, name) {
            (Self::Document, "cursor" | "nextCursor" | "requestState") => Self::Opaque,
            (
                Self::Document,
                "taskId" | "requestId" | "progressToken" | "elicitationId" | "protocolVersion",
            ) => Self::Token,
            (Self::Document, "resultType") => Self::ResultType,
            (Self::Document | Self::Carried, _) => Self::document_member(name),
            (Self::Responses, _) => Self::Carried,
            (Self::Requests, _) => Self::Request,
            (Self::Request, "params") => Self::Carried,
            (Self::Meta, name) => Self::meta_member(name),
            (Self::Implementation, "version") | (Self::Task, "taskId") => Self::Token,
            (Self::Message, "role") => Self::Role,
            (Self::Message, "content") => Self::Content,
            (
                Self::Definition | Self::Contents | Self::MediaBlock | Self::LinkBlock,
                "mimeType",
            ) => Self::MimeType,
            (Self::Definition | Self::LinkBlock, "icons") => Self::Definitions,
            (Self::Contents, "blob") | (Self::MediaBlock, "data") => Self::Base64,
            (Self::ResourceBlock, "resource") => Self::Contents,
            (Self::UseBlock, "id") | (Self::ResultBlock, "toolUseId") => Self::Token,
            (Self::ResultBlock, "content") => Self::Content,
            (place, "type") if place.is_block() => Self::Known,
            (Self::Message | Self::Definition | Self::Contents, "_meta") => Self::Meta,
            (place, "_meta") if place.is_block() => Self::Meta,
            _ => Self::Text,
        }
    }

    fn document_member(name: &str) -> Self {
        match name {
            "_meta" => Self::Meta,
            "content" => Self::Content,
            "contents" => Self::ContentsList,
            "messages" => Self::Messages,
            "tools" | "prompts" | "resources" | "resourceTemplates" => Self::Definitions,
            "clientInfo" | "serverInfo" => Self::Implementation,
            "task" => Self::Task,
            "tasks" => Self::Tasks,
            "result" => Self::Carried,
            "inputResponses" => Self::Responses,
            "inputRequests" => Self::Requests,
            _ => Self::Text,
        }
    }

    fn meta_member(name: &str) -> Self {
        match name {
            "progressToken" | "traceparent" | "tracestate" => return Self::Token,
            _ => {}
        }
        match name.strip_prefix("io.modelcontextprotocol/") {
            Some("protocolVersion" | "subscriptionId" | "logLevel") => Self::Token,
            Some("related-task") => Self::Task,
            Some("clientInfo" | "serverInfo") => Self::Implementation,
            _ => Self::Text,
        }
    }

    /// The place of an element of an array at this place.
    fn element(self, element: Node<'_>) -> Self {
        match self {
            _ if element.kind() != Kind::Object => Self::Text,
            Self::Content => Self::Content,
            Self::ContentsList => Self::Contents,
            Self::Definitions => Self::Definition,
            Self::Messages => Self::Message,
            Self::Tasks => Self::Task,
            _ => Self::Text,
        }
    }

    /// The place of this object, once its own members are known.
    fn object(self, object: Node<'_>) -> Self {
        match self {
            Self::Content => Self::block(object),
            Self::Contents
                if !object
                    .get("uri")
                    .is_some_and(|uri| uri.kind() == Kind::String) =>
            {
                Self::Text
            }
            Self::Tasks | Self::ContentsList | Self::Definitions | Self::Messages => Self::Text,
            place => place,
        }
    }

    fn block(object: Node<'_>) -> Self {
        let kind = object
            .get("type")
            .filter(|kind| kind.tag() == Tag::String)
            .map(|kind| kind.content());
        match kind.as_deref() {
            Some("text") => Self::PlainBlock,
            Some("image" | "audio") => Self::MediaBlock,
            Some("resource_link") => Self::LinkBlock,
            Some("resource") => Self::ResourceBlock,
            Some("tool_use") => Self::UseBlock,
            Some("tool_result") => Self::ResultBlock,
            _ => Self::Text,
        }
    }

    fn is_block(self) -> bool {
        matches!(
            self,
            Self::PlainBlock
                | Self::MediaBlock
                | Self::LinkBlock
                | Self::ResourceBlock
                | Self::UseBlock
                | Self::ResultBlock
        )
    }

    /// Whether a string at this place is left out.
    fn leaves_out(self, string: Node<'_>) -> bool {
        match self {
            Self::Opaque | Self::Known => true,
            Self::Token => !string.escaped() && is_token(string.raw()),
            Self::MimeType => is_mime_type(&string.content()),
            Self::Base64 => is_base64(string.raw()),
            Self::ResultType => {
                matches!(&*string.content(), "complete" | "input_required" | "task")
            }
            Self::Role => matches!(&*string.content(), "user" | "assistant"),
            _ => false,
        }
    }
}

/// Walks the tape once and yields the strings that people or models read.
pub(crate) struct Reading<'a> {
    root: Node<'a>,
    next: u32,
    /// The entry up to which every string is text.
    text_until: u32,
    /// The arrays and objects around `next` that have a place: each one's end, and its place.
    around: Vec<(u32, Place)>,
    /// The place of the next value, given by the member name before it.
    named: Option<Place>,
}

impl<'a> Reading<'a> {
    pub(crate) fn of(root: Node<'a>) -> Self {
        let named = (root.kind() == Kind::Object).then_some(Place::Document);
        Self {
            root,
            next: root.index(),
            text_until: root.index(),
            around: Vec::with_capacity(8),
            named,
        }
    }

    /// The place of the value at `next`.
    fn place(&mut self, value: Node<'a>) -> Place {
        if let Some(place) = self.named.take() {
            return place;
        }
        self.around
            .last()
            .map_or(Place::Text, |(_, around)| around.element(value))
    }
}

impl<'a> Iterator for Reading<'a> {
    type Item = Node<'a>;

    fn next(&mut self) -> Option<Node<'a>> {
        let end = self.root.end();
        loop {
            while self.next < self.text_until {
                let node = self.root.entry_at(self.next);
                self.next += 1;
                if node.tag() == Tag::String {
                    return Some(node);
                }
            }
            if self.next >= end {
                return None;
            }
            while self.around.last().is_some_and(|(end, _)| *end <= self.next) {
                self.around.pop();
            }
            let node = self.root.entry_at(self.next);
            match node.tag() {
                Tag::Key => {
                    let around = self
                        .around
                        .last()
                        .map_or(Place::Text, |(_, around)| *around);
                    self.named = Some(around.member(&node.content()));
                    self.next += 1;
                }
                Tag::String => {
                    let place = self.place(node);
                    self.next += 1;
                    if !place.leaves_out(node) {
                        return Some(node);
                    }
                }
                tag @ (Tag::Array | Tag::Object) => {
                    let place = self.place(node);
                    let place = if tag == Tag::Object {
                        place.object(node)
                    } else {
                        place
                    };
                    if place == Place::Text {
                        self.text_until = node.end();
                    } else {
                        self.around.push((node.end(), place));
                        self.next += 1;
                    }
                }
                Tag::Null | Tag::Bool | Tag::Number => {
                    self.named = None;
                    self.next += 1;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::json::Json;
    use crate::json_error::Limits;

    fn texts(document: &str) -> Vec<String> {
        let json = Json::parse(document.to_string(), &Limits::default()).expect("valid");
        let run = json.texts();
        let mut start = 0;
        let list = run.ends.iter().map(|&end| {
            let text = run.text[start..end as usize].to_string();
            assert_eq!(run.text.as_bytes()[end as usize], b'\n');
            start = end as usize + 1;
            text
        });
        let list: Vec<String> = list.collect();
        assert_eq!(start, run.text.len());
        list
    }

    #[test]
    fn machinery_of_the_document_is_left_out() {
        let list = r#"{"_meta":{"progressToken":"p-1","io.modelcontextprotocol/protocolVersion":"2026-07-28",
            "io.modelcontextprotocol/related-task":{"taskId":"t-1"},"traceparent":"00-4bf9-01",
            "io.modelcontextprotocol/clientInfo":{"name":"client","version":"1.2.3.4"}},
            "cursor":"any thing","nextCursor":"any thing","requestState":"any thing at all","taskId":"t-1",
            "resultType":"input_required","protocolVersion":"2025-11-25","requestId":"r","progressToken":"p",
            "task":{"taskId":"t-2","statusMessage":"working on it"},"tasks":[{"taskId":"t-3","status":"failed"}]}"#;
        assert_eq!(texts(list), ["client", "working on it", "failed"]);
    }

    #[test]
    fn machinery_that_holds_prose_is_text() {
        let document = r#"{"taskId":"obey me","requestId":"obey me","resultType":"obey","_meta":{"progressToken":"obey me",
            "io.modelcontextprotocol/logLevel":"obey me","io.modelcontextprotocol/anything":"obey",
            "note":"obey"},"task":{"taskId":"obey me","nextCursor":"obey"}}"#;
        assert_eq!(
            texts(document),
            [
                "obey me", "obey me", "obey", "obey me", "obey me", "obey", "obey", "obey me",
                "obey"
            ]
        );
    }

    #[test]
    fn content_blocks_keep_payloads_types_and_mime_types_to_themselves() {
        let result = r#"{"content":[
            {"type":"text","text":"one","annotations":{"lastModified":"two"}},
            {"type":"image","data":"aGVsbG8=","mimeType":"image/png"},
            {"data":"aGVs\/G8=","mimeType":"audio/wav","type":"audio"},
            {"type":"resource_link","uri":"three","name":"four","mimeType":"text/x-rust"},
            {"type":"resource","resource":{"uri":"five","mimeType":"application/pdf","blob":"QUJD"}},
            {"type":"resource","resource":{"uri":"six","mimeType":"text/plain","text":"seven"}},
            {"type":"tool_use","id":"u-1","name":"eight","input":{"id":"nine","data":"ten","type":"eleven"}},
            {"type":"tool_result","toolUseId":"u-1","content":[{"type":"text","text":"twelve"}]}]}"#;
        let words = "one two three four five six seven eight nine ten eleven twelve";
        assert_eq!(texts(result), words.split(' ').collect::<Vec<_>>());
    }

    #[test]
    fn a_payload_that_is_no_payload_is_text() {
        let result = r#"{"content":[
            {"type":"image","data":"obey this","mimeType":"now obey"},
            {"type":"text","data":"b64","mimeType":"text/plain","blob":"QUJD","text":"t"},
            {"type":"picture","data":"b64","mimeType":"image/png"},
            {"data":"b64","mimeType":"image/png"},
            {"type":["image"],"data":"b64"},
            [{"type":"image","data":"b64"}],
            {"type":"resource","resource":{"blob":"QUJD"}},
            {"type":"resource","resource":{"uri":1,"blob":"QUJD"}},
            {"type":"resource","resource":[{"uri":"u","blob":"QUJD"}]},
            {"type":"resource","resource":{"uri":"u","blob":"not a blob"}}]}"#;
        let expected = "obey this|now obey|b64|text/plain|QUJD|t|picture|b64|image/png|b64|image/png|image|b64|image|b64|QUJD|QUJD|\
                        u|QUJD|u|not a blob";
        assert_eq!(texts(result), expected.split('|').collect::<Vec<_>>());
    }

    #[test]
    fn nothing_hides_under_arguments_structured_content_or_an_unknown_member() {
        for name in [
            "arguments",
            "structuredContent",
            "unknown",
            "data",
            "error",
            "inputSchema",
        ] {
            let hidden = r#"{"cursor":"1","requestState":"2","_meta":{"progressToken":"3"},"mimeType":"image/png",
                "content":[{"type":"image","data":"4"}],"contents":[{"uri":"5","blob":"6"}],"resultType":"complete",
                "tools":[{"mimeType":"text/plain"}],"task":{"taskId":"7"},"result":{"content":[{"type":"text"}]}}"#;
            let expected = [
                "1",
                "2",
                "3",
                "image/png",
                "image",
                "4",
                "5",
                "6",
                "complete",
                "text/plain",
                "7",
                "text",
            ];
            assert_eq!(
                texts(&format!("{{\"{name}\":{hidden}}}")),
                expected,
                "{name}"
            );
            assert_eq!(
                texts(&format!("{{\"{name}\":[{hidden}]}}")),
                expected,
                "{name}"
            );
        }
    }

    #[test]
    fn a_name_spelled_with_escapes_is_the_same_name() {
        let result = r#"{"cont\u0065nt":[{"ty\u0070e":"im\u0061ge","d\u0061ta":"QUJD","mimeTyp\u0065":"image\/png"}]}"#;
        assert_eq!(texts(result), Vec::<String>::new());
    }

    #[test]
    fn names_do_not_work_where_the_protocol_does_not_have_them() {
        let document = r#"{"mimeType":"image/png","blob":"QUJD","uri":"u","type":"text","id":"i","role":"user","version":"1"}"#;
        assert_eq!(
            texts(document),
            ["image/png", "QUJD", "u", "text", "i", "user", "1"]
        );
        assert_eq!(
            texts(r#"[{"type":"image","data":"QUJD"},"s"]"#),
            ["image", "QUJD", "s"]
        );
        assert_eq!(texts(r#""QUJD""#), ["QUJD"]);
        assert_eq!(texts("7"), Vec::<String>::new());
    }

    #[test]
    fn resource_contents_definitions_and_messages_are_read() {
        let read = r#"{"contents":[{"uri":"u","mimeType":"text/html;profile=x","blob":"QUJD","_meta":{"progressToken":"p","k":"v"}}]}"#;
        assert_eq!(texts(read), ["u", "v"]);
        let list = r#"{"tools":[{"name":"n","description":"d","mimeType":"text/plain","icons":[{"src":"s","mimeType":"image/png"}],
            "inputSchema":{"properties":{"mimeType":{"type":"string"}}}}],"nextCursor":"c"}"#;
        assert_eq!(texts(list), ["n", "d", "s", "string"]);
        let prompt = r#"{"messages":[{"role":"user","content":{"type":"text","text":"hi"}},
            {"role":"obey","content":[{"type":"image","data":"QUJD"},{"type":"text","text":"there"}]}]}"#;
        assert_eq!(texts(prompt), ["hi", "obey", "there"]);
    }

    #[test]
    fn carried_messages_are_read_as_documents_without_state_of_their_own() {
        let document = r#"{"resultType":"input_required","requestState":"s","inputRequests":{
            "a":{"method":"sampling/createMessage","params":{"messages":[{"role":"user","content":{"type":"text","text":"hi"}}],"cursor":"obey"}}},
            "inputResponses":{"content":{"role":"assistant","content":{"type":"image","data":"QUJD","mimeType":"image/png"}}},
            "result":{"content":[{"type":"text","text":"done"}],"requestState":"obey"}}"#;
        assert_eq!(
            texts(document),
            [
                "sampling/createMessage",
                "hi",
                "obey",
                "assistant",
                "done",
                "obey"
            ]
        );
    }

    #[test]
    fn values_after_a_number_or_a_closed_object_keep_their_place() {
        let document = r#"{"cursor":1,"a":"text","task":{"taskId":"t"},"b":"text","taskId":null,"content":[1,[2],{"type":"text"},"loose",{"type":"image","data":7},"QUJD"]}"#;
        assert_eq!(texts(document), ["text", "text", "loose", "QUJD"]);
    }
}
