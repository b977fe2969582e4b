//! Lists without what the caller may not use, and without stopped tools.

use sandgate_message::{
    Call, Edit, EditError, Json, Kind as JsonKind, Limits, Message, Method, Node, Shape, apply,
};

use crate::pattern::Kind;
use crate::stops::Stops;
use crate::views::{Viewer, Views};

/// Why a list must be withheld.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ListError {
    /// No view can name its items.
    #[error("no view can name what the list holds")]
    Unnamed,
    /// It cannot be edited.
    #[error("the list without what is hidden is {0}")]
    Edited(EditError),
}

/// The list without what the call's client may not use and without stopped tools; `None` where the reply stays as it is:
/// it is no list, or holds nothing else.
///
/// # Errors
///
/// The list cannot be edited, or no view can name its items.
pub fn visible(
    views: &Views,
    stops: &Stops,
    call: &Call,
    limits: &Limits,
    reply: &Message,
) -> Result<Option<Message>, ListError> {
    let Some(member) = Method::new(&call.method).list_member() else {
        return Ok(None);
    };
    let stopping = member == "tools" && stops.stops_tools_of(&call.server);
    let (true, Shape::Result { .. }) = (views.are_in_force() || stopping, reply.shape()) else {
        return Ok(None);
    };
    let Some((kind, identity)) = items(member) else {
        return Err(ListError::Unnamed);
    };
    let view = views.of_client(Viewer {
        name: call.principal.as_deref(),
        groups: &call.groups,
    });
    let Some(list) = reply.payload().root().get(member) else {
        return Ok(None);
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
        return Ok(None);
    }
    let kept: Vec<&str> = kept.iter().map(Json::as_str).collect();
    let edit = Edit::Set(format!("/{member}"), format!("[{}]", kept.join(",")));
    let shown = apply(reply.payload(), &[edit], limits).map_err(ListError::Edited)?;
    Ok(Some(reply.clone().with_payload(shown)))
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
