//! A package of an entry.

use serde_json::Value;

use super::argument::{listed, package_argument, put_variable, runtime_argument};
use super::server::{Package, read};
use crate::entry::{Offer, Refusal, Runs};
use crate::rules;

pub(crate) fn package(value: Value) -> Result<Offer, Refusal> {
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
