//! The official registry's `server.json` (2025-12-11, and the older spellings of its members), alone, in a list, and as the
//! registry's interface answers.

use serde::Deserialize;
use serde_json::Value;

use crate::entry::{Entry, Input, Offer, Part, Refusal, Runs, Secret, Text, Variable};
use crate::rules;

/// What the registry itself says of an entry.
const OFFICIAL: &str = "io.modelcontextprotocol.registry/official";

#[derive(Deserialize)]
struct Server {
    name: String,
    #[serde(default)]
    description: Option<String>,
    #[serde(default)]
    version: Option<String>,
    #[serde(default)]
    version_detail: Option<VersionDetail>,
    #[serde(default)]
    status: Option<String>,
    #[serde(default)]
    packages: Option<Vec<Value>>,
    #[serde(default)]
    remotes: Option<Vec<Value>>,
}

#[derive(Deserialize)]
struct VersionDetail {
    version: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Package {
    #[serde(alias = "registry_type", alias = "registry_name")]
    registry_type: String,
    #[serde(default, alias = "registry_base_url")]
    registry_base_url: Option<String>,
    #[serde(alias = "name")]
    identifier: String,
    #[serde(default)]
    version: Option<String>,
    #[serde(default, alias = "runtime_hint")]
    runtime_hint: Option<String>,
    #[serde(default, alias = "runtime_arguments")]
    runtime_arguments: Option<Vec<Argument>>,
    #[serde(default, alias = "package_arguments")]
    package_arguments: Option<Vec<Argument>>,
    #[serde(default, alias = "environment_variables")]
    environment_variables: Option<Vec<Argument>>,
    #[serde(default)]
    transport: Option<Transport>,
}

#[derive(Deserialize)]
struct Transport {
    #[serde(rename = "type", alias = "transport_type")]
    kind: String,
    #[serde(default)]
    url: Option<String>,
    #[serde(default)]
    headers: Option<Vec<Argument>>,
    #[serde(default)]
    variables: Option<serde_json::Map<String, Value>>,
}

/// An argument, a variable or a header: what the schema calls an input.
#[derive(Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Argument {
    #[serde(rename = "type")]
    kind: Option<String>,
    name: Option<String>,
    description: Option<String>,
    value: Option<String>,
    default: Option<String>,
    #[serde(alias = "value_hint")]
    value_hint: Option<String>,
    #[serde(alias = "is_required")]
    is_required: bool,
    #[serde(alias = "is_secret")]
    is_secret: bool,
    choices: Option<Vec<String>>,
    variables: Option<serde_json::Map<String, Value>>,
}

/// Reads one entry: a `server.json`, or one with the registry's own words around it.
pub(crate) fn entry(value: Value) -> Result<Entry, Refusal> {
    let (server, meta) = match value {
        Value::Object(mut members) if members.contains_key("server") => {
            let server = members.remove("server").unwrap_or_default();
            (server, members.remove("_meta").unwrap_or_default())
        }
        value => {
            let meta = value.get("_meta").cloned().unwrap_or_default();
            (value, meta)
        }
    };
    let named = server
        .get("name")
        .and_then(Value::as_str)
        .map(str::to_owned);
    let server: Server = serde_json::from_value(server).map_err(|error| {
        let name = rules::shown(&named.unwrap_or_default());
        Refusal::of(format!("{name}: {}", rules::shown(&error.to_string())))
    })?;
    rules::name(&server.name)?;
    let version = server
        .version
        .or(server.version_detail.map(|it| it.version));
    if let Some(version) = &version {
        rules::version(version)?;
    }
    let mut notes = Vec::new();
    let status = meta[OFFICIAL]["status"]
        .as_str()
        .or(server.status.as_deref());
    let mut offers: Vec<_> = match status {
        Some("deleted") => vec![Err(Refusal::of("the registry calls it deleted"))],
        _ => {
            let packages = server.packages.unwrap_or_default();
            let remotes = server.remotes.unwrap_or_default();
            rules::within("packages", packages.len())?;
            rules::within("remote servers", remotes.len())?;
            let packages = packages.into_iter().map(package);
            packages.chain(remotes.into_iter().map(remote)).collect()
        }
    };
    if status == Some("deprecated") {
        notes.push("the registry calls it deprecated".to_owned());
    }
    if offers.is_empty() {
        offers.push(Err(Refusal::of(
            "it names neither a package nor a remote server",
        )));
    }
    Ok(Entry {
        name: server.name,
        version,
        is_latest: meta[OFFICIAL]["isLatest"].as_bool().unwrap_or_default(),
        description: rules::description(&server.description.unwrap_or_default()),
        notes,
        offers,
    })
}

fn read<T: serde::de::DeserializeOwned>(value: Value) -> Result<T, Refusal> {
    serde_json::from_value(value).map_err(|error| Refusal::of(rules::shown(&error.to_string())))
}

fn package(value: Value) -> Result<Offer, Refusal> {
    let package: Package = read(value)?;
    let transport = package.transport.as_ref().map(|it| it.kind.as_str());
    if let Some(kind) = transport.filter(|kind| *kind != "stdio") {
        let why = format!("the package speaks {}, not stdio", rules::shown(kind));
        return Err(Refusal::of(why));
    }
    let base = package.registry_base_url.as_deref();
    let base = base.map(|base| base.trim_end_matches('/'));
    let version = package.version.as_deref();
    let (runs, runtimes, home): (Runs, &[&str], &[&str]) = match package.registry_type.as_str() {
        "npm" => (
            rules::package("npm", &package.identifier, version)?,
            &["npx", "npm", "node", "bunx", "pnpm"],
            &["https://registry.npmjs.org"],
        ),
        "pypi" => (
            rules::package("pypi", &package.identifier, version)?,
            &["uvx", "python", "python3", "pipx", "uv"],
            &["https://pypi.org"],
        ),
        "oci" | "docker" => (
            Runs::Image(image(&package.identifier, version)?),
            &["docker", "podman"],
            &[],
        ),
        other => {
            let why = "; npm, pypi and oci are known";
            return Err(Refusal::of(format!(
                "it is a package of {}{why}",
                rules::shown(other)
            )));
        }
    };
    let is_home = |base: &str| match &runs {
        // The engine asks the registry of the name, whatever stands beside it.
        Runs::Image(image) => image.0.split('/').next() == Some(registry_of(base)),
        _ => home.contains(&base),
    };
    if let Some(base) = base.filter(|base| !is_home(base)) {
        let why = "the package is of the registry";
        let help = "which npm, pip and engines here would not ask";
        return Err(Refusal::of(format!("{why} {}, {help}", rules::shown(base))));
    }
    if let Some(hint) = &package.runtime_hint
        && !runtimes.contains(&hint.as_str())
    {
        return Err(Refusal::of(format!(
            "it is run by {}, which is unknown here",
            rules::shown(hint)
        )));
    }
    let is_image = matches!(runs, Runs::Image(_));
    let mut offer = Offer::of(runs);
    for argument in listed("arguments", package.runtime_arguments)? {
        runtime_argument(&argument, is_image, &mut offer)?;
    }
    for argument in listed("arguments", package.package_arguments)? {
        package_argument(&argument, &mut offer)?;
    }
    for variable in listed("variables", package.environment_variables)? {
        put_variable(&variable, &mut offer)?;
    }
    rules::offer(&offer)?;
    Ok(offer)
}

/// A list of an entry, if it is not endless.
fn listed(what: &str, list: Option<Vec<Argument>>) -> Result<Vec<Argument>, Refusal> {
    let list = list.unwrap_or_default();
    rules::within(what, list.len())?;
    Ok(list)
}

/// The registry of an address, as an image's name has it.
fn registry_of(base: &str) -> &str {
    match base.strip_prefix("https://").unwrap_or(base) {
        "registry-1.docker.io" | "index.docker.io" | "hub.docker.com" => "docker.io",
        other => other,
    }
}

/// An image of the registry: one with a digest, or a tag that is a version.
fn image(identifier: &str, version: Option<&str>) -> Result<sandgate_config::Image, Refusal> {
    let last = identifier.rsplit('/').next().unwrap_or_default();
    let (name, digest) = last.split_once('@').unwrap_or((last, ""));
    let tag = name.split_once(':').map_or("", |(_, tag)| tag);
    let is_pinned = !tag.is_empty() || !digest.is_empty();
    if let Some(version) = version.filter(|version| is_pinned && !version.is_empty())
        && ![tag, tag.trim_start_matches('v'), digest].contains(&version)
    {
        return Err(Refusal::of(format!(
            "the image {} is another than its version {}",
            rules::shown(identifier),
            rules::shown(version)
        )));
    }
    let text = match version.filter(|_| !last.contains([':', '@'])) {
        Some(version) if version.starts_with("sha256:") => format!("{identifier}@{version}"),
        Some(version) => format!("{identifier}:{version}"),
        None => identifier.to_owned(),
    };
    let image = rules::image(&text)?;
    match image.0.ends_with(":latest") {
        true => Err(Refusal::of(format!(
            "the image {} has the tag latest, which is no version",
            rules::shown(&text)
        ))),
        false => Ok(image),
    }
}

/// What is said to the runner. Sandgate runs packages itself, so that only what changes nothing can be left out.
fn runtime_argument(argument: &Argument, is_image: bool, offer: &mut Offer) -> Result<(), Refusal> {
    let value = argument.value.as_deref().or(argument.default.as_deref());
    let (name, value) = match argument.name.as_deref() {
        Some(name) => (name, value),
        None => (value.unwrap_or_default(), None),
    };
    let empty: &[&str] = match is_image {
        true => &["run", "-i", "--interactive", "--rm", "--init"],
        false => &["-y", "--yes", "-q", "--quiet"],
    };
    if empty.contains(&name) && value.is_none_or(str::is_empty) {
        return Ok(());
    }
    let set = value.and_then(|value| value.split_once('='));
    if let (true, "-e" | "--env", Some((variable, text))) = (is_image, name, set) {
        let argument = Argument {
            name: Some(variable.to_owned()),
            value: Some(text.to_owned()),
            ..argument.clone()
        };
        return put_variable(&argument, offer);
    }
    Err(Refusal::of(format!(
        "it says {} to what runs it, which may give it more than it declares",
        rules::shown(&format!("{name} {}", value.unwrap_or_default()))
    )))
}

fn package_argument(argument: &Argument, offer: &mut Offer) -> Result<(), Refusal> {
    let is_named = match argument.kind.as_deref() {
        Some("named") => true,
        Some("positional") => false,
        None => argument.name.is_some(),
        Some(other) => {
            return Err(Refusal::of(format!(
                "an argument of the kind {}",
                rules::shown(other)
            )));
        }
    };
    let name = argument.name.as_deref().filter(|_| is_named);
    if let Some(name) = name {
        let body = name.trim_start_matches('-');
        let fits = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        if body.is_empty() || !body.chars().all(fits) || name.starts_with("---") {
            return Err(Refusal::of(format!(
                "the argument {} is no option",
                rules::shown(name)
            )));
        }
    }
    let hint = argument
        .value_hint
        .as_deref()
        .or(name)
        .unwrap_or("argument");
    let text = value(argument, hint, offer)?;
    // What is neither required nor has a value is left out.
    let is_flag = is_named && argument.value.is_none() && argument.default.is_none();
    match (name, text) {
        (Some(name), None) if is_flag && argument.is_required => {
            offer.args.push(Text::plain(name));
        }
        (name, Some(text)) => {
            if let Some(Part::Plain(first)) = text.0.first() {
                rules::argument_value(hint, first)?;
            }
            offer.args.extend(name.map(Text::plain));
            offer.args.push(text);
        }
        (name, None) => {
            let what = rules::shown(name.unwrap_or(hint));
            let description = argument.description.as_deref().unwrap_or_default();
            let note = format!(
                "args: {what} may be given: {}",
                rules::description(description)
            );
            offer.notes.push(note);
        }
    }
    Ok(())
}

fn put_variable(argument: &Argument, offer: &mut Offer) -> Result<(), Refusal> {
    let name = argument.name.clone().unwrap_or_default();
    let description = rules::description(argument.description.as_deref().unwrap_or_default());
    let text = value(argument, &name, offer)?;
    let fixed = argument.value.as_deref().or(argument.default.as_deref());
    let fixed = fixed.filter(|text| !text.contains('{'));
    let is_secret = argument.is_secret
        || text.as_ref().is_some_and(|text| offer.is_secret(text))
        || sandgate_import::is_secret(&name, fixed);
    if is_secret {
        let form = text.filter(|text| matches!(text.0.as_slice(), [_, _, ..]));
        offer.secrets.push(Secret {
            description: match form {
                Some(form) => rules::whole(&description, &form.to_string()),
                None => description,
            },
            name,
            inject: None,
        });
    } else {
        offer.variables.push(Variable {
            name,
            value: text,
            description,
        });
    }
    Ok(())
}

/// The text of an argument or variable; `None`: it needs none.
fn value(argument: &Argument, name: &str, offer: &mut Offer) -> Result<Option<Text>, Refusal> {
    if let Some(value) = &argument.value {
        let variables = argument.variables.clone().unwrap_or_default();
        let text = rules::text(value, "{", "}", |name| {
            variables.contains_key(name).then(|| name.to_owned())
        })?;
        ask(variables, offer)?;
        return Ok(Some(text));
    }
    if !argument.is_required && argument.default.is_none() {
        return Ok(None);
    }
    offer.ask(input(name, argument.clone()));
    Ok(Some(Text::input(name)))
}

fn ask(variables: serde_json::Map<String, Value>, offer: &mut Offer) -> Result<(), Refusal> {
    rules::within("variables", variables.len())?;
    for (name, value) in variables {
        let argument: Argument = read(value)?;
        offer.ask(input(&name, argument));
    }
    Ok(())
}

fn input(name: &str, argument: Argument) -> Input {
    Input {
        name: name.to_owned(),
        description: rules::description(&argument.description.unwrap_or_default()),
        default: argument.value.or(argument.default),
        choices: argument.choices.unwrap_or_default(),
        is_secret: argument.is_secret,
        is_optional: false,
    }
}

fn remote(value: Value) -> Result<Offer, Refusal> {
    let remote: Transport = read(value)?;
    if remote.kind != "streamable-http" {
        let why = format!("the remote server speaks {}", rules::shown(&remote.kind));
        return Err(Refusal::of(format!("{why}, not streamable-http")));
    }
    let Some(url) = remote.url else {
        return Err(Refusal::of("the remote server has no URL"));
    };
    let variables = remote.variables.unwrap_or_default();
    let known = |name: &str| variables.contains_key(name).then(|| name.to_owned());
    let mut offer = Offer::of(Runs::Remote(rules::text(&url, "{", "}", known)?));
    ask(variables, &mut offer)?;
    for header in listed("headers", remote.headers)? {
        put_variable(&header, &mut offer)?;
    }
    rules::offer(&offer)?;
    Ok(offer)
}
