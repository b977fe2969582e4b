//! Whether another user can reach what a server is given.

use std::path::Path;

use sandgate_config::{Issue, Side};
use sandgate_contain::{Backend, Plan, Wanted};

use super::Planner;
use crate::users::allows;

impl<'a> Planner<'a> {
    /// With root's gateway the server is another user: what it is given must be that user's too.
    pub(crate) fn reachable(&self, name: &str, plan: &Plan, asked: &Wanted) -> Result<(), Issue> {
        let Some(user) = plan.user else { return Ok(()) };
        let landlock = plan.backend == Backend::Landlock;
        let error = |key: String, path: &Path, what: &str| {
            let why = format!(
                "{} cannot be {what} by user {user}, as whom the gateway, which is root, runs this server",
                path.display()
            );
            let place = format!("/servers/{name}/{key}");
            let issue = self.loaded.error(&place, Side::Value, why);
            Err(issue.help(format!(
                "give that user the file (chown {user}), or run the gateway as the user whose files these are"
            )))
        };
        for (index, path) in asked.write.iter().enumerate() {
            if !allows(path, user, 0o2) {
                return error(format!("contain/write/{index}"), path, "changed");
            }
        }
        if let Some(cache) = asked.cache.as_ref().filter(|path| !allows(path, user, 0o2)) {
            return error("contain/cache".into(), cache, "changed");
        }
        if !landlock {
            return Ok(());
        }
        // bubblewrap mounts what lies in closed folders as well; here the user goes through them.
        let blocked = |path: &Path| {
            let mut above = path.ancestors().skip(1);
            above.any(|folder| !allows(folder, user, 0o1))
        };
        for (index, path) in asked.read.iter().enumerate() {
            if blocked(path) {
                return error(format!("contain/read/{index}"), path, "reached");
            }
        }
        let exposed = plan.exposed.iter().map(|one| one.path.as_path());
        match exposed
            .chain([plan.program.as_path()])
            .find(|path| blocked(path))
        {
            Some(path) => error("command".into(), path, "reached"),
            None => Ok(()),
        }
    }
}
