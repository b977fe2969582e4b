//! Lists of names, and the name that a wrong one was perhaps meant to be.

/// Suggests the nearest of the names, or lists all of them.
pub fn suggest<'n>(wrong: &str, names: impl Iterator<Item = &'n str> + Clone) -> String {
    match near(wrong, names.clone()) {
        Some(name) => format!("did you mean `{name}`?"),
        None => format!(
            "the keys are {}",
            listed(names.map(|name| format!("`{name}`")), "and")
        ),
    }
}

/// Suggests the nearest of the names, or lists the first of them.
pub fn nearest<'n>(wrong: &str, names: impl Iterator<Item = &'n str> + Clone) -> String {
    /// The most names listed.
    const SHOWN: usize = 12;
    if let Some(name) = near(wrong, names.clone()) {
        return format!("did you mean {name:?}?");
    }
    let mut names: Vec<_> = names.map(|name| format!("{name:?}")).collect();
    names.sort();
    names.dedup();
    let more = names.len() > SHOWN;
    names.truncate(SHOWN);
    match (names.as_slice(), more) {
        ([], _) => "there is none".to_owned(),
        (names, false) => format!("there is {}", listed(names.iter().cloned(), "and")),
        (names, true) => format!("there is {} and more", names.join(", ")),
    }
}

/// The items as a list, for example `a, b and c`.
pub fn listed(items: impl Iterator<Item = String>, last: &str) -> String {
    let items: Vec<_> = items.collect();
    match items.split_last() {
        Some((end, [])) => end.clone(),
        Some((end, rest)) => format!("{} {last} {end}", rest.join(", ")),
        None => String::new(),
    }
}

/// The nearest of the names, if a slip of the finger leads from it to the wrong one.
fn near<'n>(wrong: &str, names: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    let far = |name: &str| strsim::damerau_levenshtein(wrong, name);
    let nearest = names.min_by_key(|name| far(name));
    nearest.filter(|name| far(name) <= (name.len() / 3).max(1))
}
