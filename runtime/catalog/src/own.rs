//! Sandgate's own format, in TOML or JSON: what an organisation keeps of the servers that its people may use.

use std::collections::BTreeMap;

use sandgate_config::{Access, Package, Scalar};
use serde::Deserialize;
use serde_json::Value;

use crate::entry::{Entry, Inject, Input, Mount, Offer, Refusal, Runs, Secret, Variable};
use crate::rules;

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Server {
    #[serde(default)]
    description: String,
    #[serde(default)]
    version: Option<String>,
    #[serde(default)]
    package: Option<String>,
    #[serde(default)]
    bin: Option<String>,
    #[serde(default)]
    image: Option<String>,
    #[serde(default)]
    url: Option<String>,
    #[serde(default)]
    args: Vec<String>,
    #[serde(default)]
    env: BTreeMap<String, String>,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    #[serde(default)]
    egress: Vec<String>,
    #[serde(default)]
    secrets: BTreeMap<String, Wanted>,
    #[serde(default)]
    mounts: BTreeMap<String, Folder>,
    #[serde(default)]
    inputs: BTreeMap<String, Asked>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Wanted {
    #[serde(default)]
    description: String,
    #[serde(default)]
    header: Option<String>,
    #[serde(default)]
    format: Option<String>,
    #[serde(default)]
    hosts: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Folder {
    input: String,
    #[serde(default)]
    access: Access,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Asked {
    #[serde(default)]
    description: String,
    #[serde(default)]
    default: Option<String>,
    #[serde(default)]
    choices: Vec<String>,
}

/// Reads an entry.
pub(crate) fn entry(name: &str, value: Value) -> Result<Entry, Refusal> {
    rules::name(name)?;
    let server: Server = serde_json::from_value(value)
        .map_err(|error| Refusal::of(format!("{name}: {}", rules::shown(&error.to_string()))))?;
    if let Some(version) = &server.version {
        rules::version(version)?;
    }
    Ok(Entry {
        name: name.to_owned(),
        version: server.version.clone(),
        is_latest: true,
        description: rules::description(&server.description),
        notes: Vec::new(),
        offers: vec![offer(server)],
    })
}

fn offer(server: Server) -> Result<Offer, Refusal> {
    rules::within("arguments", server.args.len())?;
    rules::within("variables", server.env.len() + server.headers.len())?;
    rules::within("hosts", server.egress.len())?;
    rules::within("inputs", server.inputs.len())?;
    let read = |text: &str| {
        rules::text(text, "{", "}", |name| {
            server.inputs.contains_key(name).then(|| name.to_owned())
        })
    };
    let runs = match (&server.package, &server.image, &server.url) {
        (Some(text), None, None) => {
            let package = Package::read(text).map_err(|mistake| {
                Refusal::of(format!(
                    "the package {} {}",
                    rules::shown(text),
                    mistake.why
                ))
            })?;
            Runs::Package(package, server.bin.clone())
        }
        (None, Some(text), None) => Runs::Image(rules::image(text)?),
        (None, None, Some(text)) => Runs::Remote(read(text)?),
        _ => {
            let why = "it has not exactly one of `package`, `image` and `url`";
            return Err(Refusal::of(why));
        }
    };
    let is_remote = matches!(runs, Runs::Remote(_));
    let foreign = match is_remote {
        true => !server.args.is_empty() || !server.env.is_empty() || !server.egress.is_empty(),
        false => !server.headers.is_empty(),
    };
    if foreign || (!server.mounts.is_empty() && !matches!(runs, Runs::Image(_))) {
        let why =
            "`headers` go with `url`, `args`, `env` and `egress` without, `mounts` with `image`";
        return Err(Refusal::of(why));
    }
    let mut offer = Offer::of(runs);
    for (name, asked) in &server.inputs {
        rules::name(name)?;
        offer.ask(Input {
            name: name.clone(),
            description: rules::description(&asked.description),
            default: asked.default.clone(),
            choices: asked.choices.clone(),
            ..Input::default()
        });
    }
    offer.args = server
        .args
        .iter()
        .map(|text| read(text))
        .collect::<Result<_, _>>()?;
    for (name, text) in server.env.iter().chain(&server.headers) {
        let text = read(text)?;
        let whole = text.to_string();
        let fixed = Some(whole.as_str()).filter(|_| text.inputs().next().is_none());
        match offer.is_secret(&text) || sandgate_import::is_secret(name, fixed) {
            // Its value is not written.
            true => offer.secrets.push(Secret {
                name: name.clone(),
                description: String::new(),
                inject: None,
            }),
            false => offer.variables.push(Variable {
                name: name.clone(),
                value: Some(text),
                description: String::new(),
            }),
        }
    }
    for text in &server.egress {
        offer.hosts.push(rules::host(text)?);
    }
    for (name, wanted) in server.secrets {
        let inject = match wanted.header {
            Some(header) if !wanted.hosts.is_empty() => Some(Inject {
                header,
                format: wanted.format,
                hosts: wanted.hosts,
            }),
            None if wanted.hosts.is_empty() && wanted.format.is_none() => None,
            _ => {
                let why = "has not both `header` and `hosts`";
                return Err(Refusal::of(format!(
                    "the secret {} {why}",
                    rules::shown(&name)
                )));
            }
        };
        offer.secrets.push(Secret {
            name,
            description: rules::description(&wanted.description),
            inject,
        });
    }
    for (inside, folder) in server.mounts {
        offer.mounts.push(Mount {
            inside,
            input: folder.input,
            writes: folder.access == Access::Rw,
        });
    }
    for mount in offer.mounts.clone() {
        offer.ask(Input {
            description: format!("a folder of this machine, seen at {}", mount.inside),
            name: mount.input,
            ..Input::default()
        });
    }
    rules::offer(&offer)?;
    Ok(offer)
}
