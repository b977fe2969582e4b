//! Resources that a subscription names.

use sandgate_sdk::{Document, Error};

use crate::rules::Allowance;

/// The method that opens a subscription.
pub(crate) const LISTEN: &str = "subscriptions/listen";
/// Where its params name resources.
const SUBSCRIBED: &str = "/notifications/resourceSubscriptions";

/// Where the first resource stands that is not allowed.
pub(crate) fn not_allowed(
    params: &Document,
    allowance: &Allowance,
) -> Result<Option<String>, Error> {
    let Some(list) = params.get(SUBSCRIBED) else {
        return Ok(None);
    };
    let uris: Vec<String> = serde_json::from_str(&list)
        .map_err(|_| Error::new(format!("{SUBSCRIBED} is not a list of URIs")))?;
    let at = uris.iter().position(|uri| !allowance.has(uri));
    Ok(at.map(|at| format!("{SUBSCRIBED}/{at}")))
}
