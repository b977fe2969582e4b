//! Rules of `[servers.NAME.contain]` that no schema can state.

use std::path::{Component, Path};

use super::issue::Issue;
use super::tree::{Node, Table};

/// A container is held by an engine and sees what is mounted; other programs are held without one, and see paths.
pub(crate) fn check(place: &str, table: &Table, image: bool, issues: &mut Vec<Issue>) {
    let Some((key, entry)) = table.member("contain") else {
        return;
    };
    if image && matches!(entry.node, Node::Truth(false)) {
        let why = format!("{place} is an image, which nothing runs but a container");
        let issue = Issue::error(Some(key.span.clone()), why);
        issues.push(issue.help("take `contain` out, or write a table of what it may reach"));
    }
    let Some(contain) = entry.table() else { return };
    let foreign: &[&str] = match image {
        true => &["read", "write", "cache", "environment"],
        false => &["mounts"],
    };
    for (found, _) in foreign.iter().filter_map(|key| contain.member(key)) {
        let (goes, help) = match image {
            true => ("`command` and `package`", "give it in `mounts` or `env`"),
            false => ("`image`", "give it in `read` or `write`"),
        };
        let why = format!(
            "{place} has `contain.{}`, which goes with {goes}",
            found.name
        );
        issues.push(Issue::error(Some(found.span.clone()), why).help(help));
    }
    if let Some((_, with)) = contain.member("with")
        && let Some(word) = with.text()
        && ["podman", "docker"].contains(&word) != image
    {
        let (why, help) = match image {
            true => (
                format!("{place} is an image, which {word} does not hold"),
                "write with = \"podman\" or \"docker\", or leave `with` out",
            ),
            false => (
                format!("{place} is no image, and {word} holds nothing else"),
                "write with = \"bubblewrap\" or \"landlock\", or leave `with` out",
            ),
        };
        issues.push(Issue::error(Some(with.span.clone()), why).help(help));
    }
    for (inside, _) in contain.table("mounts").into_iter().flatten() {
        let path = Path::new(&inside.name);
        let plain = path
            .components()
            .all(|part| matches!(part, Component::Normal(_) | Component::RootDir));
        let own = ["/", "/proc", "/sys", "/dev"].iter();
        let mut own =
            own.filter(|own| path == Path::new(own) || **own != "/" && path.starts_with(own));
        if !path.is_absolute() || !plain || own.next().is_some() {
            let why = format!(
                "{place} has a mount at {:?}, which is no place for one",
                inside.name
            );
            let help = "write the whole path within, for example \"/data\", without `..`, and not of /proc, /sys or /dev";
            issues.push(Issue::error(Some(inside.span.clone()), why).help(help));
        }
    }
}
