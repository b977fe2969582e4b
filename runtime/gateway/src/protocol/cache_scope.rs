//! Cache hints of replies to modern clients.

use sandgate_message::{Call, Edit, Era, Hook, Limits, Message, Method, apply};

use crate::registry::Edition;

/// Makes a reply private and uncacheable if an interceptor may have changed it, or where there are views or stopped tools. Such a reply is
/// valid for this caller only, and only until the next reload.
pub(crate) fn for_this_caller(
    edition: &Edition,
    call: &Call,
    limits: &Limits,
    reply: Message,
) -> Message {
    let cacheable = matches!(&*call.method, "server/discover" | "resources/read")
        || Method::new(&call.method).list_member().is_some();
    // An interceptor may also have changed the request.
    let changeable = || {
        let chain = edition.chain();
        [Hook::PreCall, Hook::PostCall]
            .into_iter()
            .any(|hook| chain.may_change(hook, &call.method, call.direction, &call.server))
    };
    let differs = || {
        edition.views().are_in_force()
            || edition.stops().stops_tools_of(&call.server)
            || changeable()
    };
    if call.era != Era::Modern || !cacheable || reply.failed() || !differs() {
        return reply;
    }
    let edits = [
        Edit::Set("/ttlMs".into(), "0".into()),
        Edit::Set("/cacheScope".into(), "\"private\"".into()),
    ];
    match apply(reply.payload(), &edits, limits) {
        Ok(result) => reply.with_payload(result),
        Err(_) => reply,
    }
}
