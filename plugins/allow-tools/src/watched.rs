//! Judges the resources that a subscription names.

use sandgate_sdk::{Document, Error};

use crate::rules::Allowance;

/// The method that opens a subscription.
pub(crate) const LISTEN: &str = "subscriptions/listen";
/// The pointer to the resources in its params.
const SUBSCRIBED: &str = "/notifications/resourceSubscriptions";

/// The first resource that is not allowed, and its pointer in the params.
///
/// # Errors
///
/// The member of the params is not a list of texts.
pub(crate) fn not_allowed(
    params: &Document,
    allowance: &Allowance,
) -> Result<Option<(String, String)>, Error> {
    let Some(list) = params.get(SUBSCRIBED) else {
        return Ok(None);
    };
    let uris: Vec<String> = serde_json::from_str(&list)
        .map_err(|_| Error::new(format!("{SUBSCRIBED} is not a list of URIs")))?;
    let mut uris = uris.into_iter().zip(0..);
    let first = uris.find(|(uri, _)| !allowance.has(uri));
    Ok(first.map(|(uri, at): (_, usize)| (uri, format!("{SUBSCRIBED}/{at}"))))
}
