//! What is probably not meant of a server's containment.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use sandgate_config::{Issue, Server, Side};
use sandgate_contain::{Network, Plan};

use super::Planner;
use super::wanted::wanted;
use crate::warning::warning;

impl<'a> Planner<'a> {
    /// What is probably not meant.
    pub(crate) fn doubts(
        &self,
        name: &str,
        server: &Server,
        cwd: &Path,
        plan: &Plan,
        issues: &mut Vec<Issue>,
    ) {
        if plan.network == Network::Host {
            let place = format!("/servers/{name}/contain/network");
            let why = "the server reaches all that this machine reaches, services on its loopback and in its network too";
            issues.push(
                warning(self.loaded, &place, why)
                    .help("leave it out, if the server can do without"),
            );
        }
        // What the installed package brings comes first, and is seen.
        let folder = self.installed.folders.get(name);
        let brought = server.args.first().zip(folder);
        let own =
            usize::from(brought.is_some_and(|(one, folder)| Path::new(one).starts_with(folder)));
        for (index, argument) in server.args.iter().enumerate().skip(own) {
            let index = index - own;
            let path = cwd.join(argument);
            let there =
                !argument.starts_with('-') && argument.contains(['/', '.']) && path.exists();
            if there && path.canonicalize().is_ok_and(|real| !plan.sees(&real)) {
                let place = format!("/servers/{name}/args/{index}");
                let why = format!(
                    "{} is there, and the server does not see it",
                    path.display()
                );
                let help = "add it to `read` or `write` of `contain`, if it is a file that the server uses";
                issues.push(warning(self.loaded, &place, why).help(help));
            }
        }
    }

    /// Errors where two servers could reach each other by the folder of their packages.
    pub(crate) fn shared_caches(&self) -> Vec<Issue> {
        let mut seen: BTreeMap<PathBuf, &str> = BTreeMap::new();
        let mut issues = Vec::new();
        for (name, server) in &self.loaded.config.servers {
            let cache = wanted(server).and_then(|wanted| wanted.cache);
            let Some(cache) =
                cache.and_then(|path| self.loaded.files.path(&path).canonicalize().ok())
            else {
                continue;
            };
            let meets = |other: &Path| cache.starts_with(other) || other.starts_with(&cache);
            if let Some((_, other)) = seen.iter().find(|(other, _)| meets(other)) {
                let place = format!("/servers/{name}/contain/cache");
                let why = format!(
                    "the server {other:?} has the same folder of packages: each could change what the other runs"
                );
                let issue = self.loaded.error(&place, Side::Value, why);
                issues.push(issue.help("give each a folder of its own"));
            }
            seen.insert(cache, name);
        }
        issues
    }
}
