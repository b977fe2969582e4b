//! Docker's catalog (`registry:`, an entry a name) and the `server.yaml` files that it is made from.

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::entry::{Entry, Input, Mount, Offer, Refusal, Runs, Secret, Text, Variable};
use crate::rules;

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Server {
    name: Option<String>,
    title: Option<String>,
    description: Option<String>,
    about: Option<About>,
    #[serde(rename = "type")]
    kind: Option<String>,
    image: Option<String>,
    remote: Option<Remote>,
    secrets: Option<Vec<Wanted>>,
    env: Option<Vec<Set>>,
    command: Option<Vec<String>>,
    volumes: Option<Vec<String>>,
    allow_hosts: Option<Vec<String>>,
    user: Option<Value>,
    extra_hosts: Option<Vec<String>>,
    oauth: Option<Value>,
    requirement: Option<String>,
    /// A list of parameters in the catalog, a table in `server.yaml`.
    config: Option<Value>,
    run: Option<Run>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct About {
    title: Option<String>,
    description: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Remote {
    url: Option<String>,
    transport_type: Option<String>,
    headers: Option<Map<String, Value>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Wanted {
    name: String,
    env: Option<String>,
    description: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Set {
    name: String,
    value: Option<Value>,
    description: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Run {
    command: Option<Vec<String>>,
    volumes: Option<Vec<String>>,
    env: Option<Map<String, Value>>,
    allow_hosts: Option<Vec<String>>,
    user: Option<Value>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Configured {
    secrets: Option<Vec<Wanted>>,
    env: Option<Vec<Set>>,
    parameters: Option<Value>,
    properties: Option<Value>,
    volumes: Option<Vec<String>>,
}

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

fn described(text: Option<&str>) -> String {
    rules::description(text.unwrap_or_default())
}

/// The parameters of a schema, each by its path: `NAME.group.key`.
fn parameters(prefix: &str, schema: &Value, inputs: &mut Vec<Input>) -> Result<(), Refusal> {
    let properties = schema["properties"].as_object();
    rules::within("parameters", properties.map_or(0, Map::len))?;
    for (key, property) in properties.into_iter().flatten() {
        rules::within("parameters", inputs.len())?;
        if prefix.len().max(key.len()) > rules::LONGEST_TEXT {
            let why = "has a parameter whose name is too long";
            return Err(Refusal::of(format!("{} {why}", rules::shown(prefix))));
        }
        let path = format!("{prefix}.{key}");
        // Beyond this many parts no template of Docker's reads it.
        if property["properties"].is_object() && path.matches('.').count() < 6 {
            parameters(&path, property, inputs)?;
            continue;
        }
        let required = schema["required"].as_array();
        let is_required = |list: &Vec<Value>| list.iter().any(|one| one.as_str() == Some(key));
        let choices = property["enum"].as_array().into_iter().flatten();
        inputs.push(Input {
            name: path,
            description: described(property["description"].as_str()),
            default: scalar(&property["default"]),
            choices: choices.filter_map(scalar).collect(),
            // Where nothing is called required, nothing is known to be needless.
            is_optional: required.is_some_and(|list| !is_required(list)),
            ..Input::default()
        });
    }
    Ok(())
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        _ => None,
    }
}

/// A text with `{{path}}` in it. A path that no parameter has is asked for as well. Filters behind it (`|into`) say how a
/// list is spread, which is the operator's to do.
fn templated(name: &str, text: &str, offer: &mut Offer) -> Result<Text, Refusal> {
    let text = rules::text(text, "{{", "}}", |inside| {
        let path = inside
            .split('|')
            .next()
            .unwrap_or_default()
            .trim()
            .to_owned();
        let longer = format!("{name}.{path}");
        Some(match offer.input(&longer) {
            Some(_) => longer,
            None => path,
        })
    })?;
    for input in text.inputs() {
        offer.ask(Input {
            name: input.to_owned(),
            ..Input::default()
        });
    }
    Ok(text)
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

/// Whether a text has a variable in it, as shells write it.
fn refers(text: &str, variable: &str) -> bool {
    text.contains(&format!("${{{variable}}}")) || text.contains(&format!("${variable}"))
}

fn volume(name: &str, text: &str, offer: &mut Offer) -> Result<(), Refusal> {
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

fn elsewhere(
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
