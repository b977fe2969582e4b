//! Servers that are containers, as plans.

use std::sync::Arc;

use parking_lot::Mutex;
use sandgate_config::{Issue, ResolvedServer, Server, Side, ValueOrRef};
use sandgate_contain::{
    Access, Engine, Image, Missing, Mount, Network, Plan, Wanted, missing_of_engine,
};
use sandgate_message::pointer;

use crate::containment::{Planner, absolute, limits, network, wanted, with_proxy};
use crate::given::Given;
use crate::packages::SignedImage;
use crate::users::allows;

impl Planner<'_> {
    /// The plan for a container.
    ///
    /// # Errors
    ///
    /// Its engine cannot hold it, it may not have what it is given, or a value of its variables is from outside.
    pub(super) fn container(
        &self,
        name: &str,
        server: &Server,
        values: &ResolvedServer,
        SignedImage {
            engine,
            image,
            signer,
        }: &SignedImage,
        given: &Given,
    ) -> Result<Option<Arc<Plan>>, Issue> {
        let wrong = |key: &str, why: String| {
            let place = format!("/servers/{name}/{key}");
            self.loaded.error(&place, Side::Value, why)
        };
        let wanted = wanted(server).unwrap_or_default();
        let network = network(server, &wanted);
        if let Some(Missing { what, remedy }) = lacking(engine, network) {
            let key = match network {
                Network::Proxy => "egress",
                _ => "image",
            };
            return Err(wrong(key, what).help(remedy));
        }
        let outside = server
            .env
            .iter()
            .find(|(_, value)| !matches!(value, ValueOrRef::Plain(_)));
        if let Some((variable, _)) = outside {
            let why = "it comes from outside, and a container's variables lie in files of its engine, on the disk";
            let issue = wrong(&format!("env/{variable}"), why.into());
            return Err(issue.help("give it in `secrets`, with give = \"file\" or \"inject\""));
        }
        let mut env = given.with(values);
        with_proxy(server, &mut env);
        let mounts: Vec<Mount> = wanted
            .mounts
            .iter()
            .map(|(inside, mount)| Mount {
                inside: inside.into(),
                outside: absolute(&self.loaded.files.path(&mount.path)),
                access: match mount.access {
                    sandgate_config::Access::Ro => Access::Read,
                    sandgate_config::Access::Rw => Access::Write,
                },
            })
            .collect();
        let asked = Wanted {
            backend: engine.backend,
            network,
            files: given.files.clone(),
            limits: limits(&wanted),
            user: self.users.get(name).copied(),
            ..Wanted::default()
        };
        let image = Image {
            reference: image.reference.clone(),
            id: image.id.clone(),
            volumes: image.volumes.clone(),
            engine: engine.program.clone(),
            environment: engine.environment.clone(),
            signed_by: signer.clone(),
            mounts: Vec::new(),
        };
        let plan = Plan::of_image(image, &server.args, &env, &mounts, &asked, &self.guarded);
        let plan = plan.map_err(|error| self.misplaced(name, &error))?;
        for mount in mounts.iter().filter(|mount| mount.access == Access::Write) {
            if let Some(user) = plan.user.filter(|user| !allows(&mount.outside, *user, 0o2)) {
                let why = format!(
                    "{} cannot be changed by user {user}, as whom the gateway, which is root, runs this server",
                    mount.outside.display()
                );
                let key = format!(
                    "contain/mounts/{}/path",
                    pointer::escape(&mount.inside.display().to_string())
                );
                return Err(wrong(&key, why).help(format!(
                    "give that user the file (chown {user}), or run the gateway as the user whose files these are"
                )));
            }
        }
        Ok(Some(Arc::new(plan)))
    }
}

/// What an engine lacks. It is asked once a process, for its answer takes longer than a reload should; what it lacks is
/// asked again.
fn lacking(engine: &Engine, network: Network) -> Option<Missing> {
    static GOOD: Mutex<Vec<(Engine, Network)>> = Mutex::new(Vec::new());
    let asked = (engine.clone(), network);
    if GOOD.lock().contains(&asked) {
        return None;
    }
    let lacks = missing_of_engine(engine, network);
    if lacks.is_none() {
        GOOD.lock().push(asked);
    }
    lacks
}
