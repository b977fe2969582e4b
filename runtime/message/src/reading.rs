//! Which strings of a document people or models read. The rules stand at `Json::texts`.

use crate::json::Kind;
use crate::machinery::{is_base64, is_mime_type, is_token};
use crate::node::Node;
use crate::tape::Tag;

/// What a value is, by where it stands. What has no place of its own is text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// Text, whatever is in it.
    Text,
    /// Params, a result or an error object.
    Document,
    /// One that another document carries.
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
    /// Something with a `taskId`.
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
    /// An array whose elements, if objects, have a place.
    Tasks,
    ContentsList,
    Definitions,
    Messages,
    /// Strings that are left out: always, or where they look like what they should be.
    Opaque,
    Token,
    MimeType,
    Base64,
    ResultType,
    Role,
    /// A content block's `type`, known already.
    Known,
}

impl Place {
    /// Of the value of this member of an object in this place.
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

    /// Of an element of an array in this place.
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

    /// Of this object, once its own members are looked at.
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

    /// A string in this place is left out.
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

/// Walks the tape once and yields the strings that are read.
pub(crate) struct Reading<'a> {
    root: Node<'a>,
    next: u32,
    /// Up to here every string is read.
    text_until: u32,
    /// The arrays and objects around `next` that have a place: where each ends, and its place.
    around: Vec<(u32, Place)>,
    /// Of the value that comes next, given by the member name before it.
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
