//! Messages that name what their client may not use. They are answered as if it did not exist, before any interceptor
//! looks and before the server is asked anything: the answer depends on the name and the views alone.

use std::sync::Arc;

use sandgate_access::{Kind, Verdict};
use sandgate_message::{Call, Direction, Era, Json, Message, Method, Target};

use crate::call::error_reply;
use crate::call::proxy::Proxy;
use crate::nested::task;
use crate::nested::ttl_map::{Lookup, Owner};
use crate::protocol::subscription::LISTEN;
use crate::protocol::validation::uris;
use crate::registry::Edition;
use sandgate_observe::{Arrival, RefusedBy};

/// What a message names: tools and prompts by name, resources by URI. `task` finds the call that created a task. `None`
/// where the message does not say what it is about.
pub(crate) fn named(
    message: &Message,
    direction: Direction,
    task: impl FnOnce(&Json) -> Option<Arc<Call>>,
) -> Option<Vec<(Kind, String)>> {
    let method = message.method().unwrap_or_default();
    let params = message.payload().root();
    let text = |member: &str| Some(params.get(member)?.string()?.into_owned());
    let resources = || {
        let uris = uris::of(method, message).into_iter();
        uris.map(|(uri, _)| (Kind::Resource, uri))
    };
    Some(match Method::new(method).target() {
        Target::Tool => vec![(Kind::Tool, text("name")?)],
        Target::Prompt => vec![(Kind::Prompt, text("name")?)],
        Target::Resource => vec![(Kind::Resource, text("uri")?)],
        Target::Reference => {
            let reference = params.get("ref")?;
            let text = |member: &str| Some(reference.get(member)?.string()?.into_owned());
            match text("type")?.as_str() {
                "ref/prompt" => vec![(Kind::Prompt, text("name")?)],
                // The template, and the URI that its values make so far.
                "ref/resource" => {
                    let template = (Kind::Resource, text("uri")?);
                    std::iter::once(template).chain(resources()).collect()
                }
                _ => return None,
            }
        }
        Target::None if method == LISTEN => resources().collect(),
        Target::None
            if direction == Direction::ClientToServer
                && method.starts_with("tasks/")
                && method != "tasks/list" =>
        {
            let call = task(message.payload())?;
            let target = || call.target.as_deref().map(str::to_owned);
            match Method::new(&call.method).target() {
                Target::Tool => vec![(Kind::Tool, target()?)],
                Target::Prompt => vec![(Kind::Prompt, target()?)],
                Target::Resource => vec![(Kind::Resource, target()?)],
                Target::Reference | Target::None => Vec::new(),
            }
        }
        Target::None => Vec::new(),
    })
}

impl Proxy {
    /// Judges what a message names by the views of its client, and for a server's message whether the client may know
    /// of the server and of the resource.
    ///
    /// # Errors
    ///
    /// The message names what the client may not use; the error is the rule.
    pub(crate) fn judge(
        &self,
        edition: &Edition,
        message: &Message,
        direction: Direction,
    ) -> Result<(), RefusedBy> {
        let views = edition.views();
        if !views.are_in_force() {
            return Ok(());
        }
        let server = self.conn.server.name();
        let not_allowed = || Verdict::NotAllowed.permits();
        let Some(view) = views.of_client(self.caller.principal.viewer()) else {
            return not_allowed();
        };
        if !view.shows(server) {
            return not_allowed();
        }
        match named(message, direction, |params| self.task_of(params)) {
            Some(all) => all
                .iter()
                .try_for_each(|(kind, name)| view.judge(server, *kind, name).permits()),
            None => not_allowed(),
        }
    }

    /// The call that created the task, if it was this caller's.
    pub(crate) fn task_of(&self, params: &Json) -> Option<Arc<Call>> {
        let id = params.root().get("taskId")?.string()?;
        let place = task::place(self.conn.server.name(), &id);
        let caller = &self.caller;
        let owner = Owner::client(caller.principal.name.as_ref(), caller.session.as_ref());
        match self.shared.nested.tasks.find(&place, &owner) {
            Lookup::Own(task) => Some(task.call().clone()),
            Lookup::Others | Lookup::Nothing => None,
        }
    }

    /// Records a message that the views refuse. Returns the reply for its asker: that of something that does not exist.
    pub(crate) fn hide(
        &self,
        edition: &Edition,
        call: Arc<Call>,
        message: &Message,
        rule: &RefusedBy,
        arrival: Arrival,
    ) -> Option<Message> {
        let legacy = self.caller.era == Era::Legacy;
        let merged = self.claims.is_some();
        let reply = message
            .id()
            .map(|id| error_reply::nowhere(id, &call.method, legacy, merged));
        let rule = (Some(rule), edition.version());
        self.record_refused(rule, call, message, reply, arrival)
    }
}
