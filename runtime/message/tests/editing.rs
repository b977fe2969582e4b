//! Edits against a model: the same done to a serde_json value gives the same value, and bytes nobody asked to change stay.

#![allow(clippy::unwrap_used)]

mod documents;

use proptest::prelude::*;
use proptest::sample::Index;
use sandgate_message::{Edit, Id, Json, Kind, Limits, Message, Node, apply};
use serde_json::{Value, json};

/// A place as the tokens that lead there.
type Path = Vec<Token>;

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Token {
    Name(String),
    Number(usize),
}

/// One edit, as the model knows it.
#[derive(Clone, Debug)]
enum Step {
    Replace(Path, Value),
    Remove(Path),
    Add(Path, Option<String>, Value),
}

fn pointer(path: &[Token]) -> String {
    path.iter()
        .map(|token| match token {
            Token::Name(name) => format!("/{}", name.replace('~', "~0").replace('/', "~1")),
            Token::Number(n) => format!("/{n}"),
        })
        .collect()
}

fn places(node: Node<'_>, here: &mut Path, found: &mut Vec<(Path, Kind)>) {
    found.push((here.clone(), node.kind()));
    let members = node
        .members()
        .map(|(name, node)| (Token::Name(name.into_owned()), node));
    let elements = node
        .elements()
        .enumerate()
        .map(|(n, node)| (Token::Number(n), node));
    for (token, node) in members.chain(elements) {
        here.push(token);
        places(node, here, found);
        here.pop();
    }
}

/// Picks steps that do not overlap from a stream of choices.
fn choose(json: &Json, choices: &[(u8, Index, u8)]) -> Vec<Step> {
    let mut found = Vec::new();
    places(json.root(), &mut Vec::new(), &mut found);
    let mut taken: Vec<Path> = Vec::new();
    let mut containers: Vec<Path> = Vec::new();
    let mut steps = Vec::new();
    for (n, (what, which, value)) in choices.iter().enumerate() {
        let (path, kind) = &found[which.index(found.len())];
        let covered = |path: &Path| taken.iter().any(|other| path.starts_with(other));
        let covers = |path: &Path| {
            taken
                .iter()
                .chain(&containers)
                .any(|other| other.starts_with(path))
        };
        let value = [
            json!(1),
            json!("é\n\"x\""),
            json!({"k": [1, {"l": null}]}),
            json!([]),
        ][usize::from(value % 4)]
        .clone();
        match what % 3 {
            0 if !covered(path) && !covers(path) => {
                taken.push(path.clone());
                steps.push(Step::Replace(path.clone(), value));
            }
            1 if !path.is_empty() && !covered(path) && !covers(path) => {
                taken.push(path.clone());
                steps.push(Step::Remove(path.clone()));
            }
            2 if !covered(path) && matches!(kind, Kind::Array | Kind::Object) => {
                containers.push(path.clone());
                let name = (*kind == Kind::Object).then(|| format!("new \"{n}\" ~/é"));
                steps.push(Step::Add(path.clone(), name, value));
            }
            _ => {}
        }
    }
    steps
}

fn edit(step: &Step) -> Edit {
    match step {
        Step::Replace(path, value) => Edit::Set(pointer(path), format!(" {value}\n")),
        Step::Remove(path) => Edit::Remove(pointer(path)),
        Step::Add(path, name, value) => {
            let last = name
                .clone()
                .map_or("/-".to_string(), |name| pointer(&[Token::Name(name)]));
            Edit::Set(pointer(path) + &last, value.to_string())
        }
    }
}

/// What the steps make of a value: removals last and from the back, so that no index moves before its turn.
fn model(mut value: Value, steps: &[Step]) -> Value {
    let mut removals = Vec::new();
    for step in steps {
        match step {
            Step::Replace(path, new) => *value.pointer_mut(&pointer(path)).unwrap() = new.clone(),
            Step::Remove(path) => removals.push(path.clone()),
            Step::Add(path, name, new) => match value.pointer_mut(&pointer(path)).unwrap() {
                Value::Array(elements) => elements.push(new.clone()),
                Value::Object(members) => drop(members.insert(name.clone().unwrap(), new.clone())),
                other => panic!("{other}"),
            },
        }
    }
    removals.sort();
    for mut path in removals.into_iter().rev() {
        let last = path.pop();
        match (value.pointer_mut(&pointer(&path)).unwrap(), last.unwrap()) {
            (Value::Array(elements), Token::Number(n)) => drop(elements.remove(n)),
            (Value::Object(members), Token::Name(name)) => assert!(members.remove(&name).is_some()),
            other => panic!("{other:?}"),
        }
    }
    value
}

/// Names and scalars as they are spelled, but those under a replaced or removed place or under an added one.
fn spellings(
    node: Node<'_>,
    here: &mut Path,
    skip: &dyn Fn(&Path) -> bool,
    found: &mut Vec<String>,
) {
    if skip(here) {
        return;
    }
    match node.kind() {
        Kind::Array => {
            for (n, element) in node.elements().enumerate() {
                here.push(Token::Number(n));
                spellings(element, here, skip, found);
                here.pop();
            }
        }
        Kind::Object => {
            for (name, value) in node.members() {
                here.push(Token::Name(name.into_owned()));
                spellings(value, here, skip, found);
                here.pop();
            }
        }
        _ => found.push(node.as_str().into()),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(1500) })]

    #[test]
    fn edits_do_to_the_text_what_they_do_to_the_value(
        text in documents::any_text(),
        choices in prop::collection::vec(any::<(u8, Index, u8)>(), 1..40),
    ) {
        let json = Json::parse(text.clone(), &Limits::default()).unwrap();
        let steps = choose(&json, &choices);
        let edits: Vec<Edit> = steps.iter().map(edit).collect();
        let edited = apply(&json, &edits, &Limits::default()).unwrap();
        prop_assert_eq!(edited.to::<Value>().unwrap(), model(json.to().unwrap(), &steps));
    }

    #[test]
    fn edits_keep_every_byte_outside_the_places_they_name(
        text in documents::any_text(),
        choices in prop::collection::vec(any::<(u8, Index, u8)>(), 1..40),
    ) {
        let json = Json::parse(text, &Limits::default()).unwrap();
        let steps = choose(&json, &choices.iter().map(|(_, which, value)| (0, *which, *value)).collect::<Vec<_>>());
        let edits: Vec<Edit> = steps.iter().map(edit).collect();
        let mut expected = json.as_str().to_string();
        let base = json.root().span().start;
        let mut spans: Vec<_> = steps
            .iter()
            .map(|step| {
                let Step::Replace(path, value) = step else { panic!("{step:?}") };
                (json.root().at(&pointer(path)).unwrap().span(), value.to_string())
            })
            .collect();
        spans.sort_by_key(|(span, _)| span.start);
        for (span, value) in spans.into_iter().rev() {
            expected.replace_range(span.start - base..span.end - base, &value);
        }
        let edited = apply(&json, &edits, &Limits::default()).unwrap();
        prop_assert_eq!(edited.as_str(), expected);
    }

    #[test]
    fn removals_and_additions_keep_the_spelling_of_what_stays(
        text in documents::any_text(),
        choices in prop::collection::vec(any::<(u8, Index, u8)>(), 1..40),
    ) {
        let json = Json::parse(text, &Limits::default()).unwrap();
        let steps = choose(&json, &choices);
        let removals: Vec<Step> = steps.iter().filter(|step| matches!(step, Step::Remove(_))).cloned().collect();
        let edits: Vec<Edit> = removals.iter().map(edit).collect();
        let edited = apply(&json, &edits, &Limits::default()).unwrap();
        let gone = |path: &Path| removals.iter().any(|step| matches!(step, Step::Remove(gone) if gone == path));
        let (mut before, mut after) = (Vec::new(), Vec::new());
        spellings(json.root(), &mut Vec::new(), &gone, &mut before);
        spellings(edited.root(), &mut Vec::new(), &|_| false, &mut after);
        prop_assert_eq!(before, after);
        // Removed and added again behind: only commas and what was asked for differ in length.
        prop_assert!(edited.as_str().len() <= json.as_str().len());
    }

    #[test]
    fn texts_put_back_changed_are_there_and_nothing_else_changed(text in documents::any_text(), content in any::<String>()) {
        let json = Json::parse(text, &Limits::default()).unwrap();
        let count = json.texts().ends.len() as u32;
        let edits: Vec<Edit> = (0..count).map(|n| Edit::Text(n, format!("{content}{n} "))).collect();
        let edited = apply(&json, &edits, &Limits::default()).unwrap();
        let mut expected = json.to::<Value>().unwrap();
        for n in 0..count {
            *expected.pointer_mut(&json.text_pointer(n).unwrap()).unwrap() = json!(format!("{content}{n} "));
        }
        prop_assert_eq!(edited.to::<Value>().unwrap(), expected);
    }
}

#[test]
fn a_plain_message_has_the_members_of_json_rpc_alone() {
    let plain = |text: &str| {
        let message = Message::parse(text.as_bytes().to_vec(), &Limits::default()).unwrap();
        let plain = message.plain();
        String::from_utf8(plain.with_id(&Id::number(9)).bytes().to_vec()).unwrap()
    };
    let cases = [
        (
            r#"{"x":[1],"id":1,"jsonrpc":"2.0","method":"a\u0062","params":{"b":1.0},"y":"z"}"#,
            r#"{"jsonrpc":"2.0","id":9,"method":"ab","params":{"b":1.0}}"#,
        ),
        (
            r#"{"jsonrpc":"2.0","x":1,"method":"a"}"#,
            r#"{"jsonrpc":"2.0","method":"a","params":{}}"#,
        ),
        (
            r#"{"jsonrpc":"2.0","x":1,"id":"1","result":[1e400]}"#,
            r#"{"jsonrpc":"2.0","id":9,"result":[1e400]}"#,
        ),
        (
            r#"{"jsonrpc":"2.0","x":1,"id":null,"error":{"code":1,"message":"m"}}"#,
            r#"{"jsonrpc":"2.0","id":9,"error":{"code":1,"message":"m"}}"#,
        ),
        // Nothing strange: the very bytes.
        (
            r#" { "jsonrpc":"2.0","id":1,"result":{} } "#,
            r#" { "jsonrpc":"2.0","id":9,"result":{} } "#,
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(plain(text), expected);
    }
}
