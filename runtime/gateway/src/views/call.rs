//! Messages that name what their client may not use. They are answered as if it did not exist, before any interceptor
//! looks and before the server is asked anything: the answer depends on the name and the views alone.

use std::sync::Arc;

use sandgate_message::{Call, Direction, Era, Json, Message, Method, Target};
use sandgate_pipeline::{FilteredReply, Trail};

use super::{Kind, Verdict};
use crate::call::error_reply;
use crate::call::in_flight::record_refused_by;
use crate::call::proxy::Proxy;
use crate::nested::task;
use crate::nested::ttl_map::{Lookup, Owner};
use crate::observe::call_log::RefusedBy;
use crate::observe::observer::Arrival;
use crate::protocol::subscription::LISTEN;
use crate::protocol::validation::uris;
use crate::registry::Edition;

impl From<Verdict<'_>> for Result<(), RefusedBy> {
    fn from(verdict: Verdict<'_>) -> Self {
        let refused = |code, view, pattern| RefusedBy {
            code,
            view,
            pattern,
            stopped: None,
            why: None,
        };
        match verdict {
            Verdict::Allowed(_) => Ok(()),
            Verdict::Denied(rule) => Err(refused(
                "view.denied",
                Some(rule.view.clone()),
                Some(rule.pattern.clone()),
            )),
            Verdict::NotAllowed => Err(refused("view.not-allowed", None, None)),
        }
    }
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
        let not_allowed = || Verdict::NotAllowed.into();
        let Some(view) = views.of_client(self.caller.principal.name.as_deref()) else {
            return not_allowed();
        };
        if !view.shows(server) {
            return not_allowed();
        }
        let judged = |kind, name: Option<&str>| match name {
            Some(name) => view.judge(server, kind, name).into(),
            None => not_allowed(),
        };
        let all = |uris: Vec<(String, Option<&str>)>| {
            let mut uris = uris.iter();
            uris.try_for_each(|(uri, _)| judged(Kind::Resource, Some(uri)))
        };
        let method = message.method().unwrap_or_default();
        let params = message.payload().root();
        let text = |member: &str| params.get(member).and_then(|text| text.string());
        match Method::new(method).target() {
            Target::Tool => judged(Kind::Tool, text("name").as_deref()),
            Target::Prompt => judged(Kind::Prompt, text("name").as_deref()),
            Target::Resource => judged(Kind::Resource, text("uri").as_deref()),
            Target::Reference => {
                let reference = params.get("ref");
                let text = |member: &str| reference.and_then(|it| it.get(member)?.string());
                match text("type").as_deref() {
                    Some("ref/prompt") => judged(Kind::Prompt, text("name").as_deref()),
                    // The template, and the URI that its values make so far.
                    Some("ref/resource") => judged(Kind::Resource, text("uri").as_deref())
                        .and_then(|()| all(uris::of(method, message))),
                    _ => not_allowed(),
                }
            }
            Target::None if method == LISTEN => all(uris::of(method, message)),
            Target::None
                if direction == Direction::ClientToServer
                    && method.starts_with("tasks/")
                    && method != "tasks/list" =>
            {
                match self.task_of(message.payload()) {
                    Some(call) => match Method::new(&call.method).target() {
                        Target::Tool => judged(Kind::Tool, call.target.as_deref()),
                        Target::Prompt => judged(Kind::Prompt, call.target.as_deref()),
                        Target::Resource => judged(Kind::Resource, call.target.as_deref()),
                        Target::Reference | Target::None => Ok(()),
                    },
                    None => not_allowed(),
                }
            }
            Target::None => Ok(()),
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
        let filtered = FilteredReply {
            call,
            message: reply,
            trail: Trail {
                version: edition.version(),
                entries: Vec::new(),
            },
            withheld: true,
            overloaded: false,
            interrupted: None,
        };
        let size = message.bytes().len();
        record_refused_by(&self.shared.recorder, filtered, Some(rule), size, arrival)
    }
}
