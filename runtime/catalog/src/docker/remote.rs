//! A remote server of an entry.

use super::server::{Remote, Wanted};
use super::template::{described, refers, scalar, templated};
use crate::entry::{Input, Offer, Refusal, Runs, Secret, Text, Variable};
use crate::rules;

pub(crate) fn elsewhere(
    name: &str,
    remote: Remote,
    inputs: Vec<Input>,
    secrets: &[Wanted],
    oauth: bool,
) -> Result<Offer, Refusal> {
    let kind = remote.transport_type.unwrap_or_default();
    if !["streamable-http", "http", "streamable"].contains(&kind.as_str()) {
        let kind = rules::shown(&kind);
        return Err(Refusal::of(format!(
            "the remote server speaks {kind}, not streamable-http"
        )));
    }
    let url = remote.url.unwrap_or_default();
    let mut offer = Offer::of(Runs::Remote(Text::default()));
    inputs.into_iter().for_each(|input| offer.ask(input));
    offer.runs = Runs::Remote(templated(name, &url, &mut offer)?);
    let headers = remote.headers.unwrap_or_default();
    rules::within("headers", headers.len())?;
    for (header, value) in headers {
        let whole = scalar(&value).unwrap_or_default();
        let wanted = secrets.iter().find(|wanted| {
            let variable = wanted.env.as_deref();
            variable.is_some_and(|variable| refers(&whole, variable))
        });
        if wanted.is_some()
            || whole.contains('$')
            || sandgate_import::is_secret(&header, Some(&whole))
        {
            let description = wanted.and_then(|wanted| wanted.description.as_deref());
            offer.secrets.push(Secret {
                name: header,
                description: rules::whole(&described(description), &whole),
                inject: None,
            });
        } else {
            let value = templated(name, &whole, &mut offer)?;
            match offer.is_secret(&value) {
                true => offer.secrets.push(Secret {
                    name: header,
                    description: rules::whole("", &whole),
                    inject: None,
                }),
                false => offer.variables.push(Variable {
                    name: header,
                    value: Some(value),
                    description: String::new(),
                }),
            }
        }
    }
    if oauth {
        offer.notes.push(
            "it asks its clients for OAuth: see `forward-authorization` and `exchange`".into(),
        );
    }
    rules::offer(&offer)?;
    Ok(offer)
}
