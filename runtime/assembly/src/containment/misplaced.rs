//! Where in the file that stands which no plan can be made of.

use sandgate_config::{Issue, Side};
use sandgate_contain::PlanError;
use sandgate_message::pointer;

use super::Planner;

impl<'a> Planner<'a> {
    pub(crate) fn misplaced(&self, name: &str, error: &PlanError) -> Issue {
        let (key, help) = match error {
            PlanError::Read(index, _) => (
                format!("contain/read/{index}"),
                "name the files or folders that the server needs, without links, and not what holds them",
            ),
            PlanError::Write(index, _) => (
                format!("contain/write/{index}"),
                "name the files or folders that the server changes, without links, and not what holds them",
            ),
            PlanError::Cache(_) => (
                "contain/cache".into(),
                "make a folder for this server's packages alone (mkdir), and name it",
            ),
            PlanError::Within(..) => (
                "contain".into(),
                "name in `write` the folders beside it instead of the one that holds it",
            ),
            PlanError::Program(_) => (
                "command".into(),
                "install the program elsewhere, in a virtual environment or below /usr/local for example",
            ),
            PlanError::Cwd(_) => (
                "cwd".into(),
                "add it to `read` or `write` of `contain`, or leave `cwd` out: the server then begins in its private home",
            ),
            PlanError::Hidden(_) => (
                "contain/mounts".into(),
                "mount it elsewhere: /run/secrets and /run/sandgate are the gateway's",
            ),
            PlanError::Mount(inside, _) | PlanError::Unmountable(inside, _) => (
                format!(
                    "contain/mounts/{}/path",
                    pointer::escape(&inside.display().to_string())
                ),
                "name the files or folders that the server needs, without links, and not what holds them",
            ),
            PlanError::Variable(_) => (
                "env".into(),
                "give names of letters, digits and `_`, and values of one line; mount a file for anything else",
            ),
            PlanError::NoCache { .. } => (
                "contain".into(),
                "make a folder for this server's packages alone, write contain = { cache = \"FOLDER\" }, and fill it \
                 once with network = \"host\"",
            ),
        };
        let place = format!("/servers/{name}/{key}");
        self.loaded.error(&place, Side::Value, error).help(help)
    }
}
