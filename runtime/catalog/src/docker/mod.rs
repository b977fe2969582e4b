//! Docker's catalog (`registry:`, an entry a name) and the `server.yaml` files that it is made from.

mod remote;
mod server;
mod template;
mod volume;

use serde_json::Value;

use crate::entry::{Entry, Offer, Refusal, Runs, Secret, Variable};
use crate::rules;
use remote::elsewhere;
use server::{Configured, Server, Set, Wanted};
use template::{described, parameters, refers, scalar, templated};
use volume::volume;

/// Reads an entry of the catalog (`name` is its key), or a `server.yaml`.
pub(crate) fn entry(name: Option<&str>, value: Value) -> Result<Entry, Refusal> {
    let place = name.unwrap_or_else(|| value["name"].as_str().unwrap_or_default());
    let place = rules::shown(place);
    let server: Server = serde_json::from_value(value)
        .map_err(|error| Refusal::of(format!("{place}: {}", rules::shown(&error.to_string()))))?;
    let name = match name {
        Some(name) => name.to_owned(),
        None => server.name.clone().unwrap_or_default(),
    };
    rules::name(&name)?;
    let about = server.about.as_ref();
    let title = server
        .title
        .as_deref()
        .or(about.and_then(|it| it.title.as_deref()));
    let text = server.description.as_deref();
    let text = text.or(about.and_then(|it| it.description.as_deref()));
    let text = [title, text]
        .into_iter()
        .flatten()
        .collect::<Vec<_>>()
        .join(": ");
    let offer = offer(&name, server);
    Ok(Entry {
        name,
        version: None,
        is_latest: true,
        description: rules::description(&text),
        notes: Vec::new(),
        offers: vec![offer],
    })
}

fn offer(name: &str, server: Server) -> Result<Offer, Refusal> {
    let configured = server.config.unwrap_or_default();
    let mut inputs = Vec::new();
    let mut table = Configured::default();
    match configured {
        Value::Array(list) => {
            rules::within("parameters", list.len())?;
            for one in list {
                let prefix = one["name"].as_str().unwrap_or(name).to_owned();
                parameters(&prefix, &one, &mut inputs)?;
            }
        }
        Value::Null => {}
        whole => {
            table = serde_json::from_value(whole)
                .map_err(|error| Refusal::of(rules::shown(&error.to_string())))?;
            for one in [&table.parameters, &table.properties].into_iter().flatten() {
                parameters(name, one, &mut inputs)?;
            }
        }
    }
    let secrets: Vec<Wanted> = [server.secrets, table.secrets]
        .into_iter()
        .flatten()
        .flatten()
        .collect();
    rules::within("secrets", secrets.len())?;
    if let Some(remote) = server.remote {
        return elsewhere(name, remote, inputs, &secrets, server.oauth.is_some());
    }
    if let Some(kind) = server.kind.as_deref().filter(|kind| *kind != "server") {
        return Err(Refusal::of(format!(
            "it is of the type {}, not server",
            rules::shown(kind)
        )));
    }
    let Some(image) = server.image else {
        return Err(Refusal::of("it names neither an image nor a remote server"));
    };
    let run = server.run.unwrap_or_default();
    if server.extra_hosts.is_some() {
        return Err(Refusal::of(
            "it gives hosts addresses of its own (extraHosts)",
        ));
    }
    let mut offer = Offer::of(Runs::Image(tagged(&image)?));
    if !image.contains('@') {
        offer
            .notes
            .push("the image has no digest: `sandgate lock` pins what it is that day".into());
    }
    inputs.into_iter().for_each(|input| offer.ask(input));
    for wanted in &secrets {
        let Some(variable) = &wanted.env else {
            return Err(Refusal::of(format!(
                "the secret {} names no variable",
                rules::shown(&wanted.name)
            )));
        };
        offer.secrets.push(Secret {
            name: variable.clone(),
            description: described(wanted.description.as_deref()),
            inject: None,
        });
    }
    let run_env = run
        .env
        .unwrap_or_default()
        .into_iter()
        .map(|(name, value)| Set {
            name,
            value: Some(value),
            description: None,
        });
    let sets = [server.env, table.env].into_iter().flatten().flatten();
    let sets: Vec<Set> = sets.chain(run_env).collect();
    rules::within("variables", sets.len())?;
    for set in sets {
        put(name, set, &mut offer)?;
    }
    let command = [server.command, run.command].into_iter().flatten();
    let command: Vec<String> = command.flatten().collect();
    rules::within("arguments", command.len())?;
    for text in &command {
        let text = templated(name, text, &mut offer)?;
        offer.args.push(text);
    }
    let volumes = [server.volumes, run.volumes, table.volumes];
    let volumes: Vec<String> = volumes.into_iter().flatten().flatten().collect();
    rules::within("mounts", volumes.len())?;
    for text in &volumes {
        volume(name, text, &mut offer)?;
    }
    let hosts = [server.allow_hosts, run.allow_hosts].into_iter().flatten();
    let hosts: Vec<String> = hosts.flatten().collect();
    rules::within("hosts", hosts.len())?;
    for text in &hosts {
        offer.hosts.push(rules::host(text)?);
    }
    if server.user.is_some() || run.user.is_some() {
        offer
            .notes
            .push("it asks for a user of its own, and runs as the gateway's".into());
    }
    if let Some(requirement) = &server.requirement {
        let note = format!(
            "it needs another server beside it: {}",
            rules::shown(requirement)
        );
        offer.notes.push(note);
    }
    rules::offer(&offer)?;
    Ok(offer)
}

/// The image. Docker's own have no tag where they are built, and a digest in the catalog.
fn tagged(image: &str) -> Result<sandgate_config::Image, Refusal> {
    let last = image.rsplit('/').next().unwrap_or_default();
    match last.contains([':', '@']) {
        true => rules::image(image),
        false => rules::image(&format!("{image}:latest")),
    }
}

fn put(name: &str, set: Set, offer: &mut Offer) -> Result<(), Refusal> {
    let text = set.value.as_ref().and_then(scalar);
    let text = text.map(|text| templated(name, &text, offer)).transpose()?;
    let whole = text.as_ref().map(ToString::to_string).unwrap_or_default();
    let secret = offer
        .secrets
        .iter()
        .any(|secret| refers(&whole, &secret.name));
    let description = described(set.description.as_deref());
    if offer.secrets.iter().any(|secret| secret.name == set.name) {
        // The secret says it already.
        return Ok(());
    }
    let fixed = text.as_ref().filter(|text| text.inputs().next().is_none());
    let fixed = fixed.map(|_| whole.as_str());
    let from_input = text.as_ref().is_some_and(|text| offer.is_secret(text));
    match secret || from_input || sandgate_import::is_secret(&set.name, fixed) {
        true => offer.secrets.push(Secret {
            description: match secret {
                true => rules::whole(&description, &whole),
                false => description,
            },
            name: set.name,
            inject: None,
        }),
        false => offer.variables.push(Variable {
            name: set.name,
            value: text,
            description,
        }),
    }
    Ok(())
}
