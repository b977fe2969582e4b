use super::*;

struct Ends(Vec<Range<usize>>);

impl Sink for Ends {
    fn add(&mut self, _: Group, feature: u32) {
        assert!((feature as usize) < FEATURES);
    }
    fn end(&mut self, passage: &Passage) {
        self.0.push(passage.start..passage.end);
    }
}

fn passages(text: &str) -> Vec<&str> {
    let mut ends = Ends(Vec::new());
    read(text, &mut ends);
    ends.0.into_iter().map(|range| &text[range]).collect()
}

#[test]
fn a_text_is_read_by_its_passages() {
    assert_eq!(
        passages("Send the report. Then call me!\nA new line"),
        ["Send the report.", "Then call me!", "A new line"]
    );
    assert_eq!(
        passages(r#"{"note": "Please send it", "id": 12, "to": "ann@example.com"}"#),
        [
            "note",
            "Please send it",
            "id\": 12",
            "to",
            "ann@example.com"
        ]
    );
    assert_eq!(
        passages("| a cell of words | 12 |"),
        ["a cell of words", "12"]
    );
    assert_eq!(
        passages("送信してください。次に"),
        ["送信してください。", "次に"]
    );
}

#[test]
fn every_text_is_read() {
    for text in [
        "",
        "\\",
        "<",
        "<|",
        "[",
        "\u{3000}",
        "あ",
        "é",
        "a'",
        "http://",
        "a@b.",
        "😀😀",
        "\"'`{}|:.",
        "ß",
        "\u{7ff}",
    ] {
        passages(text);
        score(text);
        for end in text.char_indices().map(|(at, _)| at) {
            score(&text[..end]);
        }
    }
}
