//! Removes from lists what is not allowed.

use std::borrow::Cow;

use list_kind::Kind;
use sandgate_sdk::{Document, Edit, Error};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::rules::Allowance;

/// The removals that leave only allowed elements. An element without a readable name is removed.
///
/// # Errors
///
/// The member of the reply is not a list.
pub(crate) fn without(
    reply: &Document,
    kind: Kind,
    allowance: &Allowance,
) -> Result<Vec<Edit>, Error> {
    let pointer = format!("/{}", kind.list());
    let Some(list) = reply.get(&pointer) else {
        return Ok(Vec::new());
    };
    let elements: Vec<&RawValue> = serde_json::from_str(&list)
        .map_err(|_| Error::new(format!("{pointer} of the reply is not a list")))?;
    Ok((0..)
        .zip(elements)
        .filter(|(_, element)| !name(element, kind).is_some_and(|name| allowance.has(&name)))
        .map(|(index, _): (usize, _)| Edit::Remove(format!("{pointer}/{index}")))
        .collect())
}

/// The name of an element. The rest of the element, such as its schemas, is skipped.
fn name<'a>(element: &'a RawValue, kind: Kind) -> Option<Cow<'a, str>> {
    #[derive(Deserialize)]
    struct Named<'a> {
        #[serde(borrow)]
        name: Option<Cow<'a, str>>,
    }
    #[derive(Deserialize)]
    struct Resource<'a> {
        #[serde(borrow)]
        uri: Option<Cow<'a, str>>,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Template<'a> {
        #[serde(borrow)]
        uri_template: Option<Cow<'a, str>>,
    }
    match kind.name() {
        "uri" => serde_json::from_str::<Resource>(element.get()).ok()?.uri,
        "uriTemplate" => {
            serde_json::from_str::<Template>(element.get())
                .ok()?
                .uri_template
        }
        _ => serde_json::from_str::<Named>(element.get()).ok()?.name,
    }
}
