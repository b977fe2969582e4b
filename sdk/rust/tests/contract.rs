//! The crate against what it stands for: its copy of the contract, and its documents in memory.
#![allow(clippy::unwrap_used)]

use sandgate_message::{Json, Limits, TextRun};
use sandgate_sdk::testing::document;
use sandgate_sdk::{Texts, map_texts};

#[test]
fn the_copy_of_the_contract_is_the_contract() {
    let here = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let original = std::fs::read_to_string(here.join("../../wit/interceptor.wit")).unwrap();
    let copy = std::fs::read_to_string(here.join("wit/interceptor.wit")).unwrap();
    assert!(
        original == copy,
        "sdk/rust/wit differs from wit: cp wit/interceptor.wit sdk/rust/wit/"
    );
}

/// Everything that the protocol treats in a way of its own, what only pretends to be it, and what is odd.
const DOCUMENTS: [&str; 12] = [
    r#"{"_meta":{"progressToken":"p","io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/related-task":{"taskId":"t"},
        "io.modelcontextprotocol/clientInfo":{"name":"client","version":"1.2"},"traceparent":"00-4b-01","x":"text"},"cursor":"any thing","requestState":"any thing",
        "taskId":"t","resultType":"complete","task":{"taskId":"t","statusMessage":"text"},"tasks":[{"taskId":"t","status":"text"}],"nextCursor":{"x":"text"}}"#,
    r#"{"taskId":"obey me","resultType":"obey","_meta":{"progressToken":"obey me","io.modelcontextprotocol/logLevel":"obey me"},"progressToken":"\u0061"}"#,
    r#"{"content":[{"type":"text","text":"one","annotations":{"lastModified":"two"}},{"type":"image","data":"aGVsbG8=","mimeType":"image/png"},
        {"data":"aGVs\/G8=","mimeType":"audio/wav","type":"audio"},{"type":"resource_link","uri":"three","mimeType":"text/x-rust","icons":[{"src":"s","mimeType":"image/png"}]},
        {"type":"resource","resource":{"uri":"five","mimeType":"application/pdf","blob":"QUJD"}},{"type":"tool_use","id":"u-1","name":"n","input":{"id":"nine","data":"ten"}},
        {"type":"tool_result","toolUseId":"u-1","content":[{"type":"text","text":"twelve"}]}]}"#,
    r#"{"content":[{"type":"image","data":"obey this","mimeType":"now obey"},{"type":"picture","data":"QUJD"},{"data":"QUJD"},[{"type":"image","data":"QUJD"}],
        {"type":"resource","resource":{"blob":"QUJD"}},{"type":"resource","resource":[{"uri":"u","blob":"QUJD"}]}, "loose", 7]}"#,
    r#"{"contents":[{"uri":"u","mimeType":"text/html;profile=x","blob":"QUJD","_meta":{"progressToken":"p","k":"v"}},{"uri":"u","text":"t"},{"uri":1,"blob":"QUJD"}]}"#,
    r#"{"messages":[{"role":"user","content":{"type":"text","text":"hi"}},{"role":"obey","content":[{"type":"image","data":"QUJD"}]}]}"#,
    r#"{"tools":[{"name":"n","description":"d","mimeType":"text/plain","icons":[{"src":"s","mimeType":"image/png"}],"inputSchema":{"mimeType":"x/y"}}],"nextCursor":"c"}"#,
    r#"{"resultType":"input_required","requestState":"s","inputRequests":{"a":{"method":"m","params":{"messages":[{"role":"user","content":{"type":"text","text":"hi"}}],"cursor":"obey"}}},
        "inputResponses":{"k":{"role":"assistant","content":{"type":"image","data":"QUJD","mimeType":"image/png"}}},"result":{"content":[{"type":"text","text":"t"}],"requestState":"obey"}}"#,
    r#"{"structuredContent":{"cursor":"1","id":"2","data":"3","mimeType":"image/png","content":[{"type":"image","data":"4"}],"a/b":{"~":["5"]}}}"#,
    r#"{"arguments":{"type":"text","role":"user","blob":"QUJD"},"name":"n","mimeType":"a/b","data":"QUJD"}"#,
    r#"["a","b\nc",{"é":"\ud83d\ude00"},null,true,1e3]"#,
    r#""alone""#,
];

fn parts(texts: &Texts) -> (&str, &[u32]) {
    (texts.joined(), texts.ends())
}

fn expected(run: &TextRun) -> (&str, &[u32]) {
    (&run.text, &run.ends)
}

#[test]
fn documents_in_memory_read_as_the_gateways_do() {
    for text in DOCUMENTS {
        let (ours, theirs) = (
            document(text),
            Json::parse(text, &Limits::default()).unwrap(),
        );
        assert_eq!(parts(&ours.texts()), expected(&theirs.texts()), "{text}");
        assert_eq!(
            parts(&ours.strings()),
            expected(&theirs.strings()),
            "{text}"
        );
        assert_eq!(parts(&ours.keys()), expected(&theirs.keys()), "{text}");
        for index in 0..=u32::try_from(theirs.strings().ends.len()).unwrap() {
            assert_eq!(
                ours.text_pointer(index),
                theirs.text_pointer(index),
                "{text}"
            );
            assert_eq!(
                ours.string_pointer(index),
                theirs.string_pointer(index),
                "{text}"
            );
            if let Some(pointer) = theirs.string_pointer(index) {
                assert_eq!(
                    ours.get(&pointer).as_deref(),
                    theirs.at(&pointer).as_ref().map(Json::as_str),
                    "{pointer}"
                );
            }
        }
        assert_eq!(
            (ours.json().as_str(), ours.size()),
            (theirs.as_str(), theirs.as_str().len() as u64)
        );
    }
}

#[test]
fn texts_are_parted_where_they_end() {
    let texts = document(r#"{"a":"","b":"x\ny","c":""}"#).texts();
    assert_eq!(texts.iter().collect::<Vec<_>>(), ["", "x\ny", ""]);
    assert_eq!(
        (texts.len(), texts.get(1), texts.get(3)),
        (3, Some("x\ny"), None)
    );
    assert!(document("{}").texts().is_empty());
}

#[test]
fn mapping_texts_edits_only_what_changes() {
    let reply = document(r#"{"content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]}"#);
    let edits = map_texts(&reply, |text| (text == "b").then(|| "c".into()));
    assert_eq!(edits.len(), 1);
    assert_eq!(
        sandgate_sdk::testing::after(&reply, &edits)["content"][1]["text"],
        "c"
    );
}

/// How the gateway reads [`DOCUMENTS`], for the SDKs of other languages to be held against.
#[test]
fn the_readings_kept_for_other_languages_are_the_gateways() {
    let readings: Vec<_> = DOCUMENTS
        .iter()
        .map(|text| {
            let json = Json::parse(*text, &Limits::default()).unwrap();
            let pointers = |at: &dyn Fn(u32) -> Option<String>| -> Vec<String> {
                (0..).map_while(at).collect()
            };
            serde_json::json!({
                "json": text,
                "texts": { "text": json.texts().text, "ends": json.texts().ends },
                "strings": { "text": json.strings().text, "ends": json.strings().ends },
                "keys": { "text": json.keys().text, "ends": json.keys().ends },
                "textPointers": pointers(&|index| json.text_pointer(index)),
                "stringPointers": pointers(&|index| json.string_pointer(index)),
            })
        })
        .collect();
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../readings.json");
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(
            &path,
            serde_json::to_string_pretty(&readings).unwrap() + "\n",
        )
        .unwrap();
    }
    let kept: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(&path).unwrap_or_default())
            .unwrap_or_default();
    assert!(
        kept == serde_json::Value::from(readings),
        "sdk/readings.json is not how the gateway reads: run this test with BLESS=1"
    );
}
