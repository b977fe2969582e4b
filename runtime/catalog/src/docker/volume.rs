//! A volume of an entry: a folder that the operator names.

use super::template::templated;
use crate::entry::{Input, Mount, Offer, Refusal};
use crate::rules;

pub(crate) fn volume(name: &str, text: &str, offer: &mut Offer) -> Result<(), Refusal> {
    let failed = |why: &str| {
        Err(Refusal::of(format!(
            "the volume {} {why}",
            rules::shown(text)
        )))
    };
    let parsed = templated(name, text, offer)?;
    let folders = "mounts: it wants folders of yours, under their own paths: contain.mounts";
    let end = text.rfind("}}").map_or(0, |at| at + 2);
    let Some((outside, rest)) = text[end..].split_once(':') else {
        // A list of folders, or one that is seen under its own path.
        if parsed.inputs().next().is_none() {
            return failed("names no folder");
        }
        offer.notes.push(folders.into());
        return Ok(());
    };
    let (inside, access) = rest.split_once(':').unwrap_or((rest, "rw"));
    let input = match (parsed.inputs().next(), outside) {
        (Some(input), "") if parsed.inputs().count() == 1 => input.to_owned(),
        (None, volume)
            if volume
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "-_".contains(c)) =>
        {
            if volume.is_empty() {
                return failed("names no folder");
            }
            volume.to_owned()
        }
        _ => return failed("mounts a place of this machine that nobody chose"),
    };
    if !["ro", "rw"].contains(&access) {
        return failed("has an option that is unknown here");
    }
    offer.ask(Input {
        name: input.clone(),
        description: format!(
            "a folder of this machine, seen at {}",
            rules::description(inside)
        ),
        ..Input::default()
    });
    offer.mounts.push(Mount {
        inside: inside.to_owned(),
        input,
        writes: access == "rw",
    });
    Ok(())
}
