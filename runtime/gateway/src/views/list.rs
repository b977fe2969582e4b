//! Lists without what the caller may not use, and without stopped tools.

use sandgate_message::{
    Call, Edit, Json, Kind as JsonKind, Limits, Message, Method, Node, Shape, apply,
};

use super::{Kind, Viewer, Views};
use crate::call::error_reply;
use crate::stops::Stops;

/// The list without what the call's client may not use and without stopped tools. Any other reply is unchanged. A list
/// that cannot be edited, or whose items no view can name, is withheld.
pub(crate) fn visible(
    views: &Views,
    stops: &Stops,
    call: &Call,
    limits: &Limits,
    reply: Message,
) -> Message {
    let Some(member) = Method::new(&call.method).list_member() else {
        return reply;
    };
    let stopping = member == "tools" && stops.stops_tools_of(&call.server);
    let (true, Shape::Result { .. }) = (views.are_in_force() || stopping, reply.shape()) else {
        return reply;
    };
    let Some((kind, identity)) = items(member) else {
        return withheld(call, &reply, "no view can name what the list holds");
    };
    let view = views.of_client(Viewer {
        name: call.principal.as_deref(),
        groups: &call.groups,
    });
    let Some(list) = reply.payload().root().get(member) else {
        return reply;
    };
    let shown = |item: &Node<'_>| {
        let name = item.get(identity).and_then(|name| name.string());
        let Some(name) = name else {
            return !views.are_in_force() && kind != Kind::Tool;
        };
        let allowed = !views.are_in_force()
            || view
                .as_ref()
                .is_some_and(|view| view.judge(&call.server, kind, &name).is_allowed());
        allowed && !(stopping && stops.tool(&call.server, &name).is_some())
    };
    let kept: Vec<Json> = list
        .elements()
        .filter(shown)
        .map(|item| item.to_json())
        .collect();
    if list.kind() == JsonKind::Array && kept.len() == list.elements().count() {
        return reply;
    }
    let kept: Vec<&str> = kept.iter().map(Json::as_str).collect();
    let edit = Edit::Set(format!("/{member}"), format!("[{}]", kept.join(",")));
    match apply(reply.payload(), &[edit], limits) {
        Ok(result) => reply.with_payload(result),
        Err(error) => {
            let what = format!("the list without what is hidden is {error}");
            withheld(call, &reply, &what)
        }
    }
}

/// What this member of a result lists, and the member of an item that patterns compare.
fn items(member: &str) -> Option<(Kind, &'static str)> {
    Some(match member {
        "tools" => (Kind::Tool, "name"),
        "prompts" => (Kind::Prompt, "name"),
        "resources" => (Kind::Resource, "uri"),
        "resourceTemplates" => (Kind::Resource, "uriTemplate"),
        _ => return None,
    })
}

fn withheld(call: &Call, reply: &Message, why: &str) -> Message {
    let error = error_reply::withheld(call, why);
    match reply.id() {
        Some(id) => error.with_id(id),
        None => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn views_can_name_what_each_list_holds() {
        for member in Method::known().filter_map(Method::list_member) {
            assert!(items(member).is_some(), "{member}");
        }
    }
}
