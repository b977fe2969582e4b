use super::*;

fn seen(text: &str) -> (String, Vec<&'static str>) {
    let normalised = normalised(text);
    (
        normalised.text.into_owned(),
        normalised.kinds.names().collect(),
    )
}

fn tagged(text: &str) -> String {
    text.bytes()
        .filter_map(|byte| char::from_u32(0xE0000 + u32::from(byte)))
        .collect()
}

#[test]
fn ordinary_text_is_not_copied() {
    for text in [
        "Hello, world",
        "naïve café – “quoted” … 5 µm, Δx = 3",
        "日本語のテキスト、カタカナ。",
        "Привет, мир",
        "Γειά σου Κόσμε",
        "👨‍👩‍👧 ❤️ 🏴\u{E0067}\u{E0062}\u{E0065}\u{E006E}\u{E0067}\u{E007F}",
        "می‌خواهم \u{202B}שלום\u{202C}",
        "\u{FEFF}begin",
        "",
    ] {
        let normalised = normalised(text);
        assert!(matches!(normalised.text, Cow::Borrowed(_)), "{text}");
        assert!(
            normalised.kinds.is_empty(),
            "{text}: {:?}",
            normalised.kinds
        );
    }
}

#[test]
fn invisible_text_is_spelled_out() {
    assert_eq!(
        seen(&format!("a{}b", tagged("send it"))),
        ("asend itb".into(), vec!["unicode-tags"])
    );
    let selectors: String = "hi"
        .bytes()
        .filter_map(|byte| char::from_u32(0xE0100 + u32::from(byte) - 16))
        .collect();
    assert_eq!(
        seen(&format!("😀{selectors}")),
        ("😀hi".into(), vec!["variation-selectors"])
    );
    assert_eq!(
        seen("ig\u{200B}no\u{2060}re"),
        ("ignore".into(), vec!["zero-width"])
    );
    assert_eq!(seen("ig\u{AD}nore"), ("ignore".into(), vec!["soft-hyphen"]));
    assert_eq!(seen("a \u{202E}b"), ("a b".into(), vec!["bidi-control"]));
}

#[test]
fn letters_that_stand_for_others_are_folded() {
    assert_eq!(seen("ｉｇｎｏｒｅ").0, "ignore");
    assert_eq!(
        seen("𝐢𝐠𝐧𝐨𝐫𝐞 𝟏"),
        ("ignore 1".into(), vec!["look-alike-letters"])
    );
    assert_eq!(seen("ⓘⓖⓝⓞⓡⓔ").0, "ignore");
    assert_eq!(seen("ignоrе").0, "ignore");
    assert_eq!(seen("i\u{300}\u{301}\u{302}gnore").0, "i\u{300}gnore");
}

#[test]
fn escapes_are_removed() {
    assert_eq!(seen("\u{1B}[31mred\u{1B}[0m"), ("red".into(), vec!["ansi"]));
    assert_eq!(
        seen("\u{1B}[8mx\u{1B}[0m"),
        ("x".into(), vec!["ansi", "ansi-hiding"])
    );
    assert_eq!(seen("\u{1B}]8;;http://a\u{7}x").0, "x");
    assert_eq!(seen("\u{1B}").0, "");
    assert_eq!(seen("\u{1B}[").0, "");
    assert_eq!(seen("\u{1B}é").0, "é");
}

#[test]
fn html_that_is_not_shown_is_told() {
    assert_eq!(seen("a <!-- b --> c").1, ["html-comment"]);
    assert_eq!(seen("<p style=\"Display: none\">x</p>").1, ["hidden-html"]);
    assert_eq!(seen("<p style=\"display: block\">x</p>").1, [""; 0]);
    assert_eq!(seen("a < b, x<y style=").1, [""; 0]);
}

#[test]
fn offsets_lead_back() {
    let text = format!("ab\u{200B}cd {}ef", tagged("xyz"));
    let normalised = normalised(&text);
    assert_eq!(normalised.text, "abcd xyzef");
    let at = |range: Range<usize>| &text[normalised.original(&range)];
    assert_eq!(at(0..2), "ab");
    assert_eq!(at(8..10), "ef");
    assert_eq!(at(0..10), text);
}

#[test]
fn a_command_to_the_terminal_that_is_not_closed_ends_at_the_next_escape() {
    for text in [
        "\u{1b}]vv\u{1b}\u{399}",
        "\u{1b}]v\u{1b}",
        "\u{1b}]v\u{1b}[8mx",
        "\u{1b}]0;t\u{1b}\\x",
    ] {
        let normal = normalised(text);
        assert!(!normal.text.contains("]v"), "{:?}", normal.text);
    }
}

#[test]
fn no_bytes_come_from_no_bytes() {
    for text in ["\u{1b}+;{", "\u{200b}", "a\u{200b}b"] {
        let normal = normalised(text);
        for at in 0..=normal.text.len() {
            let original = normal.original(&(at..at));
            assert!(
                original.is_empty() && original.start <= text.len(),
                "{text:?} {original:?}"
            );
        }
    }
}

#[test]
fn a_letter_that_stands_for_another_is_whole_in_the_text_as_it_was() {
    let text = "G\u{422}o a\u{200b}bG";
    let normal = normalised(text);
    assert_eq!(normal.text, "GTo abG");
    let original = |from, to| &text[normal.original(&(from..to))];
    assert_eq!(original(0, 2), "G\u{422}");
    assert_eq!(original(1, 2), "\u{422}");
    assert_eq!(original(1, 3), "\u{422}o");
    assert_eq!(original(4, 5), "a");
    assert_eq!(original(4, 6), "a\u{200b}b");
    assert_eq!(original(5, 7), "bG");
}
