#![allow(clippy::unwrap_used)]
use super::*;

fn parsed(text: &str) -> Option<serde_json::Value> {
    let tape = Tape::parse(text).ok()?;
    Some(rebuilt(tape.root()))
}

/// Builds the value from the nodes alone, without the text of containers.
fn rebuilt(value: Value) -> serde_json::Value {
    match value.kind() {
        Kind::Null => serde_json::Value::Null,
        Kind::False => false.into(),
        Kind::True => true.into(),
        Kind::Number => match value.number() {
            Number::Integer(integer) => u64::try_from(integer)
                .map(serde_json::Value::from)
                .or_else(|_| i64::try_from(integer).map(serde_json::Value::from))
                .unwrap(),
            Number::Float(float) => float.into(),
        },
        Kind::String | Kind::Name => value.text().into(),
        Kind::Array => value.elements().map(rebuilt).collect(),
        Kind::Object => value
            .members()
            .map(|(name, value)| (name.text().into_owned(), rebuilt(value)))
            .collect(),
    }
}

fn agrees(text: &str) {
    let library: Option<serde_json::Value> = serde_json::from_str(text).ok();
    let ours = parsed(text);
    // -0 and 0 are the same number.
    assert_eq!(
        ours.as_ref()
            .map(|value| value.to_string().replace("-0.0", "0")),
        library.map(|value| value.to_string().replace("-0.0", "0")),
        "{text}"
    );
}

#[test]
fn it_reads_what_serde_json_reads() {
    for text in [
        "",
        " ",
        "nul",
        "null",
        " true ",
        "false,",
        "-",
        "-0",
        "-0.0",
        "01",
        "1.",
        ".5",
        "1.5e",
        "1e+",
        "1E-2",
        "1e400",
        "-1e400",
        "0e999999",
        "1e-400",
        "18446744073709551615",
        "18446744073709551616",
        "-9223372036854775808",
        "-9223372036854775809",
        "123456789012345678901234567890",
        "\"",
        "\"a",
        "\"\t\"",
        "\"\\",
        "\"\\x\"",
        r#""\ud800""#,
        r#""\ud800\u0041""#,
        r#""\udc00""#,
        r#""\ud83d\ude00 \u00e9\n\/\"\\\b\f\r\t""#,
        r#""\u12""#,
        r#""\u+123""#,
        "\"12345678\\n12345678\"",
        "\"eleven byte\u{7f}\u{e9}\u{1f600}s\"",
        "[",
        "[]",
        "[,]",
        "[1,]",
        "[1 2]",
        "[1,2 , [3]]",
        "{",
        "{}",
        "{,}",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{\"a\" : 1 , \"b\":[{}]}",
        "{\"a\":1,\"\\u0061\":2}",
        "{1:2}",
        "[1]]",
        "\u{feff}1",
    ] {
        agrees(text);
    }
    agrees(&"9".repeat(308));
    agrees(&"9".repeat(400));
    for depth in 120..135 {
        agrees(&format!("{}{}", "[".repeat(depth), "]".repeat(depth)));
        agrees(&format!(
            "{}1{}",
            "{\"a\":".repeat(depth),
            "}".repeat(depth)
        ));
    }
}

#[test]
fn repeated_names_are_told_and_the_last_one_counts() {
    let many = |last: &str| {
        let members: Vec<String> = (0..40).map(|n| format!("\"n{n}\":{n}")).collect();
        format!("{{{},\"{last}\":7}}", members.join(","))
    };
    for (text, repeats) in [
        (r#"{"a":1,"b":2,"":3}"#.to_owned(), false),
        (r#"{"a":1,"\u0061":2}"#.to_owned(), true),
        (r#"[{"x":{"a":1,"b":1,"a":2}}]"#.to_owned(), true),
        (many("n40"), false),
        (many("n3"), true),
    ] {
        assert_eq!(Tape::parse(&text).unwrap().may_repeat, repeats, "{text}");
    }
    let tape = Tape::parse(r#"{"a":1,"\u0061":2,"b":3}"#).unwrap();
    assert_eq!(tape.root().get("a").unwrap().raw(), "2");
}

#[test]
fn a_value_is_handed_over_alone() {
    let tape = Tape::parse(r#"{"a": {"x": [1, "\n"]} , "b": "c", "d": 1.0}"#).unwrap();
    let json = |name: &str| {
        tape.root()
            .get(name)
            .unwrap()
            .to_json()
            .unwrap()
            .to_string()
    };
    assert_eq!(json("a"), r#"{"x":[1,"\n"]}"#);
    assert_eq!(json("b"), r#""c""#);
    assert_eq!(json("d"), "1.0");
}

proptest::proptest! {
    #[test]
    fn it_agrees_with_serde_json_on_any_text(text in r#"[\[\]{}:,"\\nu0-9a-f \t\-+.eE\u{e9}]{0,24}"#) {
        agrees(&text);
    }

    #[test]
    fn it_agrees_with_serde_json_on_numbers(text in "-?[0-9]{1,25}(\\.[0-9]{1,20})?([eE][+-]?[0-9]{1,3})?") {
        agrees(&text);
    }
}
