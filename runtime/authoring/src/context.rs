//! The context of a call as authors write it: its parts, by their names in the contract.

use sandgate_message::{Call, CallId, Direction, Json, Limits};

/// A call of an anonymous client to the server `server`.
pub(crate) fn call(event: &str) -> Call {
    Call::anonymous(CallId("test".into()), "server", event)
}

/// Sets a part of the context by its name in the contract. A name with a point is an attribute.
pub(crate) fn set(call: &mut Call, key: &str, value: &str) -> Result<(), String> {
    match key {
        "id" => call.id = CallId(value.into()),
        "direction" => {
            call.direction = match value {
                "client-to-server" => Direction::ClientToServer,
                "server-to-client" => Direction::ServerToClient,
                _ => return Err("write client-to-server or server-to-client".into()),
            }
        }
        "server" => call.server = value.into(),
        "target" => call.target = Some(value.into()),
        "session" => call.session = Some(value.into()),
        "principal" => call.principal = Some(value.into()),
        "groups" => {
            let groups = value
                .split(',')
                .map(str::trim)
                .filter(|group| !group.is_empty());
            call.groups = groups.map(str::to_owned).collect::<Vec<_>>().into();
        }
        "definition" => {
            let definition = Json::parse(value.to_owned(), &Limits::default());
            call.definition = Some(definition.map_err(|error| error.to_string())?);
        }
        name if name.contains('.') => {
            let mut attributes = call.attributes.to_vec();
            attributes.push((name.to_owned(), value.to_owned()));
            call.attributes = attributes.into();
        }
        _ => {
            return Err(
                "there is no such part of the context; there are id, direction, server, target, session, principal, \
                 groups, definition, and attributes such as client.name"
                    .into(),
            );
        }
    }
    Ok(())
}
