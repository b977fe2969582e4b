//! The strings of a document in one flat run: one copy, one scan.

use crate::json::Json;
use crate::node::Node;

use crate::tape::Tag;
use crate::text_rules::Reading;

/// Texts one after another, each followed by a line feed. `ends[n]` is the byte offset at which the n-th text ends, its
/// line feed not counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct TextRun {
    pub text: String,
    pub ends: Vec<u32>,
}

impl Json {
    /// The string values that people or models read, in document order. Left out: protocol machinery (cursors,
    /// `requestState`, ids, MIME types) and base64 payloads (`data`, `blob`).
    ///
    /// The document is the params, the result or the error object of a message. Everything is text but what the
    /// following list names, and only at that very place, so that no sender hides text by calling it something:
    ///
    /// 1. In the document itself: `cursor`, `nextCursor` and `requestState`, whatever they hold (opaque by the
    ///    protocol's word); `taskId`, `requestId`, `progressToken`, `elicitationId`, `protocolVersion` where they hold
    ///    a *token*; `resultType` where it is `complete`, `input_required` or `task`.
    /// 2. In an object under the document's `task` or in its list `tasks`: `taskId`, a token.
    /// 3. In `clientInfo` and `serverInfo` of the document or of its `_meta`: `version`, a token.
    /// 4. In `_meta` (of the document, a content block, resource contents, a message, or a listed definition):
    ///    `progressToken`, `traceparent`, `tracestate`, `io.modelcontextprotocol/protocolVersion`, `…/subscriptionId`,
    ///    `…/logLevel`, tokens all; in `…/related-task`: `taskId`, a token.
    /// 5. In a content block (an object in, or alone as, the `content` of the document, of a message in the document's
    ///    `messages`, or of a `tool_result` block) whose `type` is `text`, `image`, `audio`, `resource`,
    ///    `resource_link`, `tool_use` or `tool_result`: that `type`; of `image` and `audio`: `data` that is base64 and
    ///    `mimeType` that is a MIME type; of `resource_link`: `mimeType`; of `tool_use`: `id`, a token; of
    ///    `tool_result`: `toolUseId`, a token. A block of any other type is text throughout.
    /// 6. In resource contents (an object in the document's `contents`, or the `resource` of a `resource` block) beside
    ///    a `uri`: `blob` that is base64, `mimeType` that is a MIME type.
    /// 7. In the elements of the document's `tools`, `prompts`, `resources` and `resourceTemplates`, and in their
    ///    `icons`: `mimeType` that is a MIME type.
    /// 8. In messages: `role` where it is `user` or `assistant`.
    /// 9. What the document carries of other messages is read as a document of its own, but without the first rule: its
    ///    `result`, each value of `inputResponses`, and the `params` of each value of `inputRequests`.
    ///
    /// A *token* is 1 to 256 visible ASCII characters without a space; base64 is its alphabet and nothing else; a MIME
    /// type is a token with one `/` and perhaps parameters. What only pretends to be one of them is text. So is
    /// everything under `arguments`, `structuredContent`, `data` of an error, and any member that is not named here.
    pub fn texts(&self) -> TextRun {
        run(self, text_places(self.root()))
    }
    /// Every string value, without exception.
    pub fn strings(&self) -> TextRun {
        run(self, string_places(self.root()))
    }
    /// Every member name, in document order.
    pub fn keys(&self) -> TextRun {
        run(
            self,
            entries(self.root()).filter(|node| node.tag() == Tag::Key),
        )
    }
    /// The pointer (RFC 6901) to the n-th of [`Self::texts`].
    pub fn text_pointer(&self, index: u32) -> Option<String> {
        let place = text_places(self.root()).nth(index as usize)?;
        Some(self.root().pointer_to(place.index()))
    }
    /// The pointer (RFC 6901) to the n-th of [`Self::strings`].
    pub fn string_pointer(&self, index: u32) -> Option<String> {
        let place = string_places(self.root()).nth(index as usize)?;
        Some(self.root().pointer_to(place.index()))
    }
}

/// The string values of [`Json::texts`], in its order.
pub(crate) fn text_places<'a>(root: Node<'a>) -> impl Iterator<Item = Node<'a>> + use<'a> {
    Reading::of(root)
}

fn string_places<'a>(root: Node<'a>) -> impl Iterator<Item = Node<'a>> + use<'a> {
    entries(root).filter(|node| node.tag() == Tag::String)
}

fn entries<'a>(root: Node<'a>) -> impl Iterator<Item = Node<'a>> + use<'a> {
    (root.index()..root.end()).map(move |index| root.entry_at(index))
}

fn run<'a>(document: &'a Json, places: impl Iterator<Item = Node<'a>>) -> TextRun {
    // A string's two quotes leave room for its line feed, so the text never grows.
    let mut run = TextRun {
        text: String::with_capacity(document.as_str().len()),
        ends: Vec::with_capacity(document.root().entries() / 2 + 1),
    };
    for place in places {
        place.content_into(&mut run.text);
        run.ends.push(run.text.len() as u32);
        run.text.push('\n');
    }
    run
}

#[cfg(test)]
mod tests {
    use crate::json::Json;
    use crate::json_error::Limits;

    fn json(text: &'static str) -> Json {
        Json::parse(text, &Limits::default()).expect("valid")
    }

    const DOCUMENT: &str = r#"{"nextCursor":"c","content":[{"type":"text","text":"l\u00efne\none"},{"text":"","type":"text"}],"x":{"é":"y"}}"#;

    #[test]
    fn each_text_is_followed_by_a_line_feed_that_does_not_count() {
        let run = json(DOCUMENT).texts();
        assert_eq!(run.text, "lïne\none\n\ny\n");
        assert_eq!(run.ends, [9, 10, 12]);
    }

    #[test]
    fn strings_leave_out_nothing_and_keys_are_names() {
        assert_eq!(
            json(DOCUMENT).strings().text,
            "c\ntext\nlïne\none\n\ntext\ny\n"
        );
        assert_eq!(
            json(DOCUMENT).keys().text,
            "nextCursor\ncontent\ntype\ntext\ntext\ntype\nx\né\n"
        );
        assert_eq!(json("[1,{}]").keys(), super::TextRun::default());
    }

    #[test]
    fn a_text_stands_where_its_pointer_leads() {
        let document = json(DOCUMENT);
        let pointers: Vec<_> = (0..4).map(|n| document.text_pointer(n)).collect();
        assert_eq!(
            pointers,
            [
                Some("/content/0/text".into()),
                Some("/content/1/text".into()),
                Some("/x/é".into()),
                None
            ]
        );
        assert_eq!(
            document.string_pointer(1).as_deref(),
            Some("/content/0/type")
        );
        assert_eq!(document.string_pointer(6), None);
        assert_eq!(json(r#""x""#).text_pointer(0).as_deref(), Some(""));
    }
}
