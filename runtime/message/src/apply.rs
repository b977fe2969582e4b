//! Splices edits into a document's bytes. Everything else stays byte for byte.

use std::collections::BTreeMap;

use crate::change::{Action, Change, Resolver};
use crate::edit::{Edit, EditError};
use crate::json::Json;
use crate::json_error::Limits;
use crate::node::Node;
use crate::scan::check_size;
use crate::splice::{Splices, Touched};

/// Applies the edits together. Pointers and text indexes refer to `document` as it was passed.
///
/// - [`Edit::Set`] replaces the value at the pointer (`""`: the whole). Where there is none, it adds a member to an
///   object behind its last one, or, with `-` as the last token, an element to an array. Several additions to one array
///   or object keep their order. The parent must exist.
/// - [`Edit::Remove`] removes a member or element with its comma. The whole document cannot be removed.
/// - [`Edit::Text`] replaces a string by its index in [`Json::texts`]. Equal content changes nothing.
/// - Two edits overlap if they are about the same place or one lies inside the other's. Additions side by side do not
///   overlap.
/// - Array elements keep their numbers throughout, whatever else is removed.
///
/// # Errors
///
/// An edit cannot be applied, two edits overlap, or the result exceeds a limit. The edits fail as a whole.
pub fn apply(document: &Json, edits: &[Edit], limits: &Limits) -> Result<Json, EditError> {
    if edits.is_empty() {
        return Ok(document.clone());
    }
    let mut resolver = Resolver::new(document.root(), edits.len());
    let mut changes = Vec::with_capacity(edits.len());
    for (index, edit) in edits.iter().enumerate() {
        changes.push(resolver.resolve(index, edit, limits)?);
    }
    // The sort is stable, so additions to one container keep the order in which they were given.
    changes.sort_by_key(|change| (change.target, matches!(change.action, Action::Add(_))));
    check_overlap(document.root(), &changes)?;
    let splices = splices(document.root(), changes);
    check_size(splices.size(), limits).map_err(EditError::Result)?;
    Json::parse(splices.join(), limits).map_err(EditError::Result)
}

/// Checks that no two edits overlap. In the order of targets, an edit overlaps an earlier one exactly if it begins
/// within what that one covers.
fn check_overlap(root: Node<'_>, changes: &[Change<'_>]) -> Result<(), EditError> {
    let (mut covered, mut by) = (0, 0);
    for change in changes {
        if change.target < covered {
            let (first, second) = (change.edit.min(by), change.edit.max(by));
            return Err(EditError::Overlap { first, second });
        }
        if !matches!(change.action, Action::Add(_)) {
            (covered, by) = (root.entry_at(change.target).end(), change.edit);
        }
    }
    Ok(())
}

fn splices<'a>(root: Node<'a>, changes: Vec<Change<'a>>) -> Splices<'a> {
    let mut splices = Splices::new(root);
    let mut containers: BTreeMap<u32, Touched<'a>> = BTreeMap::new();
    for change in changes {
        match change.action {
            Action::Replace(json) => splices.put(root.entry_at(change.target).span(), json),
            Action::Remove(container) => containers
                .entry(container)
                .or_default()
                .removed
                .push(change.target),
            Action::Add(item) => containers
                .entry(change.target)
                .or_default()
                .added
                .push(item),
        }
    }
    for (container, touched) in containers {
        splices.change_children(root.entry_at(container), &touched);
    }
    splices
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json_error::JsonErrorKind;

    fn json(text: &str) -> Json {
        Json::parse(text.to_string(), &Limits::default()).expect("valid")
    }

    fn edited(text: &str, edits: &[Edit]) -> Result<String, EditError> {
        apply(&json(text), edits, &Limits::default()).map(|json| json.as_str().into())
    }

    fn set(pointer: &str, value: &str) -> Edit {
        Edit::Set(pointer.into(), value.into())
    }

    fn remove(pointer: &str) -> Edit {
        Edit::Remove(pointer.into())
    }

    fn text(index: u32, content: &str) -> Edit {
        Edit::Text(index, content.into())
    }

    const DOCUMENT: &str = r#"{ "a" : 1.0, "b":[ 10, {"c" : "x\u0079"} ,30 ] ,"":{}, "t~/":"z" }"#;

    #[test]
    fn an_edit_changes_its_value_and_no_other_byte() {
        for (edit, old, new) in [
            (set("/a", " 1e400 "), "1.0", "1e400"),
            (set("/b/1/c", "[ 1 ]"), r#""x\u0079""#, "[ 1 ]"),
            (set("/b/-", "40"), "30 ]", "30,40 ]"),
            (
                set("/b/1/d\"", "{}"),
                r#""x\u0079""#,
                r#""x\u0079","d\"":{}"#,
            ),
            (set("//k", "null"), "{},", r#"{"k":null},"#),
            (set("/-", "0"), r#""z""#, r#""z","-":0"#),
            (set("/t~0~1", "0"), r#""z""#, "0"),
            (remove("/a"), r#""a" : 1.0, "#, ""),
            (remove("/b/1"), r#", {"c" : "x\u0079"}"#, ""),
            (remove("/b/1/c"), r#""c" : "x\u0079""#, ""),
            (
                text(0, "new \"text\"\n"),
                r#""x\u0079""#,
                r#""new \"text\"\n""#,
            ),
            (text(1, "é"), r#""z""#, r#""é""#),
        ] {
            assert_eq!(
                edited(DOCUMENT, std::slice::from_ref(&edit)),
                Ok(DOCUMENT.replace(old, new)),
                "{edit:?}"
            );
        }
    }

    #[test]
    fn the_whole_can_be_replaced_but_not_removed() {
        assert_eq!(edited(DOCUMENT, &[set("", " [1] ")]), Ok("[1]".into()));
        assert_eq!(
            edited(DOCUMENT, &[remove("")]),
            Err(EditError::Pointer {
                index: 0,
                pointer: "".into()
            })
        );
    }

    #[test]
    fn no_edits_and_a_text_that_stands_there_already_change_nothing() {
        let document = json(DOCUMENT);
        assert_eq!(
            apply(&document, &[], &Limits::default()),
            Ok(document.clone())
        );
        assert_eq!(edited(DOCUMENT, &[text(0, "xy")]), Ok(DOCUMENT.into()));
    }

    #[test]
    fn edits_apply_together_whatever_their_order() {
        let mut edits = vec![
            remove("/b/0"),
            set("/b/2", "33"),
            text(0, "w"),
            set("/b/-", "40"),
            set("/new", "true"),
            remove("/a"),
            set("/b/-", "50"),
            remove("/t~0~1"),
        ];
        let expected = r#"{ "b":[ {"c" : "w"} ,33,40,50 ] ,"":{},"new":true }"#;
        assert_eq!(edited(DOCUMENT, &edits), Ok(expected.into()));
        edits.reverse();
        assert_eq!(
            edited(DOCUMENT, &edits),
            Ok(expected.replace("40,50", "50,40"))
        );
    }

    #[test]
    fn a_value_within_a_text_is_edited_by_itself() {
        let inner = json(r#"{"x":[1],"y":{"a":"s"},"z":2}"#)
            .get("y")
            .expect("there");
        let edits = [set("/b", "1"), text(0, "t")];
        assert_eq!(
            apply(&inner, &edits, &Limits::default()),
            Ok(json(r#"{"a":"t","b":1}"#))
        );
    }

    #[test]
    fn edits_about_one_place_overlap() {
        for (edits, first, second) in [
            (vec![set("/a", "1"), remove("/a")], 0, 1),
            (vec![set("/a", "1"), set("/a", "1")], 0, 1),
            (vec![remove("/b"), set("/a", "1"), set("/b/1/c", "1")], 0, 2),
            (vec![set("/b/1/c", "1"), text(0, "x")], 0, 1),
            (vec![text(0, "x"), remove("/b/1")], 0, 1),
            (vec![text(1, "x"), text(1, "x")], 0, 1),
            (vec![set("/b/1/new", "1"), set("/b/1", "1")], 0, 1),
            (vec![set("/b/-", "1"), remove("/b")], 0, 1),
            (vec![set("/a", "1"), set("", "{}")], 0, 1),
            (vec![set("", "{}"), set("/new", "1")], 0, 1),
            (vec![set("/new", "1"), remove("/a"), set("/new", "2")], 0, 2),
        ] {
            assert_eq!(
                edited(DOCUMENT, &edits),
                Err(EditError::Overlap { first, second }),
                "{edits:?}"
            );
        }
    }

    #[test]
    fn an_edit_of_nothing_is_refused() {
        let missing = |pointer: &str| EditError::Missing {
            index: 0,
            pointer: pointer.into(),
        };
        for edit in [
            remove("/nope"),
            remove("/b/3"),
            remove("/a/b"),
            remove("/b/1/c/d"),
        ] {
            let Edit::Remove(pointer) = &edit else {
                continue;
            };
            assert_eq!(
                edited(DOCUMENT, std::slice::from_ref(&edit)),
                Err(missing(pointer))
            );
        }
        for pointer in ["/nope/x", "/b/3", "/b/3/x", "/a/x", "/b/1/c/-"] {
            assert_eq!(
                edited(DOCUMENT, &[set(pointer, "1")]),
                Err(missing(pointer))
            );
        }
        assert_eq!(
            edited(DOCUMENT, &[text(2, "x")]),
            Err(EditError::Text {
                index: 0,
                text: 2,
                count: 2
            })
        );
    }

    #[test]
    fn a_pointer_that_is_none_is_refused() {
        let unusable = |pointer: &str| {
            Err(EditError::Pointer {
                index: 0,
                pointer: pointer.into(),
            })
        };
        for pointer in ["a", "/a~", "/t~2", "/b/01", "/b/x", "/b/-/x", "/nope/~"] {
            assert_eq!(
                edited(DOCUMENT, &[set(pointer, "1")]),
                unusable(pointer),
                "{pointer}"
            );
            assert_eq!(
                edited(DOCUMENT, &[remove(pointer)]),
                unusable(pointer),
                "{pointer}"
            );
        }
        assert_eq!(edited(DOCUMENT, &[remove("/b/-")]), unusable("/b/-"));
    }

    #[test]
    fn a_value_brings_in_nothing_that_the_parser_refuses() {
        for (value, trouble) in [
            ("", JsonErrorKind::Syntax("expected a value")),
            ("1,\"x\":2", JsonErrorKind::Syntax("expected the end")),
            ("1}", JsonErrorKind::Syntax("expected the end")),
            (r#"{"a":1,"a":2}"#, JsonErrorKind::DuplicateKey),
            (r#""\ud800""#, JsonErrorKind::LoneSurrogate),
        ] {
            match edited(DOCUMENT, &[set("/a", value)]) {
                Err(EditError::Value { index: 0, why }) => {
                    assert_eq!(why.trouble, trouble, "{value}")
                }
                other => panic!("{value}: {other:?}"),
            }
        }
    }

    #[test]
    fn the_result_keeps_the_limits() {
        let limits = Limits {
            bytes: 12,
            depth: 2,
        };
        let document = Json::parse(r#"{"a":[1]}"#, &limits).expect("valid");
        let troubled = |edit: Edit| match apply(&document, &[edit], &limits) {
            Err(EditError::Result(malformed)) => malformed.trouble,
            other => panic!("{other:?}"),
        };
        assert_eq!(troubled(set("/a/0", "[2]")), JsonErrorKind::Depth(2));
        assert_eq!(troubled(set("/a/0", "12345")), JsonErrorKind::Size(12));
        assert!(apply(&document, &[set("/a/0", "1234")], &limits).is_ok());
    }

    #[test]
    fn many_edits_to_one_large_container_take_no_quadratic_time() {
        let limits = Limits {
            bytes: 1 << 24,
            depth: 8,
        };
        let elements: Vec<String> = (0..100_000).map(|n| format!("\"{n}\"")).collect();
        let members: Vec<String> = (0..100_000).map(|n| format!("\"{n}\":{n}")).collect();
        let large = format!(
            r#"{{"arguments":[{}],"b":{{{}}}}}"#,
            elements.join(","),
            members.join(",")
        );
        let document = Json::parse(large, &limits).expect("valid");
        let edits: Vec<Edit> = (0..100_000)
            .map(|n| match n % 4 {
                0 => remove(&format!("/arguments/{n}")),
                1 => set(&format!("/b/{n}"), "0"),
                2 => set(&format!("/b/new{n}"), "0"),
                _ => text(n, "x"),
            })
            .collect();
        let started = std::time::Instant::now();
        let edited = apply(&document, &edits, &limits).expect("valid");
        assert_eq!(edited.at("/arguments/99998"), None);
        assert_eq!(edited.at("/b/new99998"), Some(json("0")));
        assert!(started.elapsed() < std::time::Duration::from_secs(10));
    }
}
