//! The types of MCP's payloads keep what they do not name, as it was written.
#![allow(clippy::unwrap_used)]

use sandgate_sdk::mcp::{
    CallToolParams, CallToolResult, ContentBlock, ListToolsResult, ResourceContents,
};
use sandgate_sdk::testing::document;
use serde_json::Value;

fn same(before: &str, after: &str) {
    let read = |text: &str| serde_json::from_str::<Value>(text).unwrap();
    assert_eq!(read(before), read(after));
}

#[test]
fn what_a_call_does_not_name_stays_to_the_last_digit() {
    let text = r#"{"name":"pay","arguments":{"amount":123456789012345678901234567890.10},"x-new":1.000,"_meta":{"a":1e2}}"#;
    let mut call: CallToolParams = document(text).parse("").unwrap();
    assert_eq!(call.name, "pay");
    assert_eq!(call.unknown["x-new"].get(), "1.000");
    call.name = "pay_safely".into();
    let written = call.json();
    for kept in [
        "123456789012345678901234567890.10",
        "1.000",
        "1e2",
        "pay_safely",
    ] {
        assert!(written.contains(kept), "{written}");
    }
    assert!(!written.contains("inputResponses"), "{written}");
}

#[test]
fn each_kind_of_content_is_known_and_a_new_one_is_kept() {
    let text = r#"{"content":[{"type":"text","text":"a","annotations":{"priority":0.50}},{"type":"image","data":"eA==","mimeType":"image/png"},
        {"type":"resource","resource":{"uri":"file:///a","blob":"eA=="}},{"type":"hologram","depth":3}],"isError":true}"#;
    let result: CallToolResult = document(text).parse("").unwrap();
    let [
        ContentBlock::TextContent(first),
        ContentBlock::ImageContent(_),
        ContentBlock::EmbeddedResource(third),
        ContentBlock::Unknown(last),
    ] = &*result.content
    else {
        panic!("{:?}", result.content);
    };
    assert_eq!(first.text, "a");
    assert!(matches!(
        third.resource,
        ResourceContents::BlobResourceContents(_)
    ));
    assert_eq!(last["depth"].get(), "3");
    assert_eq!(result.is_error, Some(true));
    same(text, &result.json());
}

#[test]
fn what_is_missing_or_of_another_type_is_told_by_its_name() {
    let wrong = |text: &str| {
        document(text)
            .parse::<ListToolsResult>("")
            .unwrap_err()
            .to_string()
    };
    assert!(
        wrong("{}").contains("missing field `tools`"),
        "{}",
        wrong("{}")
    );
    let said = wrong(r#"{"tools":[{"name":"a"}]}"#);
    assert!(
        said.contains("`tools`") && said.contains("inputSchema"),
        "{said}"
    );
    assert!(document("{}").parse::<CallToolParams>("/nothing").is_err());
}
