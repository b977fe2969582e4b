//! What edits make of a document, or why the gateway calls one of them a malfunction.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::decision::Edit;
use crate::testing::document::Memory;
use crate::testing::stop::{Stopped, malformed};
use crate::testing::tree::{Kind, Tree};

/// Levels of a document: the message around it is one more.
pub(crate) const DEPTH: usize = 126;

/// Where an edit applies: the value that it replaces or removes, or the object or array that it adds to.
struct Place<'t> {
    index: usize,
    path: Vec<String>,
    value: &'t Tree,
    adds: bool,
    /// Of a member that is added to an object.
    name: Option<String>,
}

/// The document as these edits leave it.
pub(crate) fn edited(memory: &Memory, edits: &[Edit]) -> Result<Value, Stopped> {
    let mut value: Value = serde_json::from_str(&memory.json()).expect("read before");
    let places = edits.iter().enumerate();
    let places: Vec<_> = places
        .map(|(index, edit)| place(memory, index, edit))
        .collect::<Result<_, _>>()?;
    check_overlap(&places)?;
    let (mut removals, sets): (Vec<_>, Vec<_>) = places
        .iter()
        .partition(|place| matches!(edits[place.index], Edit::Remove(_)));
    // An array's elements from its end: indexes refer to the document as it was handed over.
    removals.sort_by_key(|place| std::cmp::Reverse(place.value.start));
    for place in sets.into_iter().chain(removals) {
        change(&mut value, place, &edits[place.index]);
    }
    Ok(value)
}

fn place<'t>(memory: &'t Memory, index: usize, edit: &Edit) -> Result<Place<'t>, Stopped> {
    match edit {
        Edit::Set((pointer, json)) => {
            let read = Tree::parse_within(json, DEPTH);
            read.map_err(|why| malformed(format!("edit {index}: {why}")))?;
            find(memory, index, pointer, true)
        }
        Edit::Remove(pointer) => find(memory, index, pointer, false),
        Edit::Text((text, _)) => {
            let pointer = memory.text_pointer(*text).ok_or_else(|| {
                let texts = memory.texts().ends.len();
                malformed(format!("edit {index}: text {text} of {texts}"))
            })?;
            find(memory, index, &pointer, true)
        }
    }
}

/// `sets`: the edit may add what is not there.
fn find<'t>(
    memory: &'t Memory,
    index: usize,
    pointer: &str,
    sets: bool,
) -> Result<Place<'t>, Stopped> {
    let unusable = || malformed(format!("edit {index}: not a usable pointer"));
    let missing = || malformed(format!("edit {index}: nothing stands there"));
    let path = tokens(pointer).ok_or_else(unusable)?;
    if path.is_empty() && !sets {
        return Err(unusable());
    }
    let mut value = memory.root();
    for (at, token) in path.iter().enumerate() {
        let last = at + 1 == path.len();
        let child = match &value.kind {
            Kind::Array(elements) => match position(token) {
                Some(element) => elements.get(element),
                None if last && sets && token == "-" => {
                    return Ok(Place {
                        index,
                        path,
                        value,
                        adds: true,
                        name: None,
                    });
                }
                None => return Err(unusable()),
            },
            Kind::Object(_) => match value.get(token) {
                None if last && sets => {
                    let name = Some(token.clone());
                    return Ok(Place {
                        index,
                        path,
                        value,
                        adds: true,
                        name,
                    });
                }
                child => child,
            },
            _ => None,
        };
        value = child.ok_or_else(missing)?;
    }
    Ok(Place {
        index,
        path,
        value,
        adds: false,
        name: None,
    })
}

fn check_overlap(places: &[Place]) -> Result<(), Stopped> {
    let overlap = |one: usize, other: usize| {
        malformed(format!(
            "edits {} and {} overlap",
            one.min(other),
            one.max(other)
        ))
    };
    let mut members = BTreeMap::new();
    for place in places {
        if let Some(name) = &place.name {
            let first = *members
                .entry((place.value.start, name))
                .or_insert(place.index);
            if first != place.index {
                return Err(overlap(first, place.index));
            }
        }
    }
    let mut sorted: Vec<&Place> = places.iter().collect();
    sorted.sort_by_key(|place| (place.value.start, place.adds));
    let (mut covered, mut by) = (0, 0);
    for place in sorted {
        if place.value.start < covered {
            return Err(overlap(by, place.index));
        }
        if !place.adds {
            (covered, by) = (place.value.end(), place.index);
        }
    }
    Ok(())
}

fn change(value: &mut Value, place: &Place, edit: &Edit) {
    let new = match edit {
        Edit::Set((_, json)) => serde_json::from_str(json).expect("read before"),
        Edit::Text((_, text)) => Value::from(text.as_str()),
        Edit::Remove(_) => Value::Null,
    };
    let Some((last, above)) = place.path.split_last() else {
        *value = new;
        return;
    };
    let mut parent = value;
    for token in above {
        parent = match parent {
            Value::Array(elements) => position(token).and_then(|at| elements.get_mut(at)),
            parent => parent.get_mut(token),
        }
        .expect("found before");
    }
    match (parent, edit) {
        (Value::Object(members), Edit::Remove(_)) => drop(members.remove(last)),
        (Value::Object(members), _) => drop(members.insert(last.clone(), new)),
        (Value::Array(elements), Edit::Remove(_)) => {
            drop(elements.remove(position(last).expect("found before")));
        }
        (Value::Array(elements), _) => match position(last) {
            Some(at) => elements[at] = new,
            None => elements.push(new),
        },
        _ => {}
    }
}

/// The names in a JSON Pointer; none where it is no usable one.
fn tokens(pointer: &str) -> Option<Vec<String>> {
    let Some(rest) = pointer.strip_prefix('/') else {
        return pointer.is_empty().then(Vec::new);
    };
    let plain = |token: &str| {
        let mut escapes = token.split('~').skip(1);
        let is_plain = escapes.all(|rest| rest.starts_with(['0', '1']));
        is_plain.then(|| token.replace("~1", "/").replace("~0", "~"))
    };
    rest.split('/').map(plain).collect()
}

/// The index that a token names, without a sign or needless zeros.
fn position(token: &str) -> Option<usize> {
    let is_plain = token == "0" || !token.starts_with('0');
    (is_plain && token.bytes().all(|byte| byte.is_ascii_digit()))
        .then(|| token.parse().ok())
        .flatten()
}
