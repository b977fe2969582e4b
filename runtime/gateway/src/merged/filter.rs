//! The filter of a merged subscription, and each server's part of it.

use sandgate_message::{Edit, Id, Json, Kind, Limits, Message, apply};

use crate::protocol::subscription::{ACKNOWLEDGED, Wanted, mark, own};

/// The most resources that one subscription may name.
const MOST_RESOURCES: usize = 1024;
/// The members of the filter that the gateway handles. All others are sent to every server.
const KNOWN: [&str; 5] = [
    "toolsListChanged",
    "promptsListChanged",
    "resourcesListChanged",
    "resourceSubscriptions",
    "taskIds",
];

/// The `params.notifications` of `subscriptions/listen`.
#[derive(Clone, Debug)]
pub(super) struct Filter {
    params: Json,
    pub(super) wanted: Wanted,
    /// The subscribed resources in the client's order, without duplicates.
    pub(super) uris: Vec<String>,
    /// Whether the filter has members that only the servers understand.
    foreign: bool,
}

impl Filter {
    /// Reads the filter from the params.
    ///
    /// # Errors
    ///
    /// The filter is malformed; the error says how.
    pub(super) fn of(params: &Json) -> Result<Self, &'static str> {
        let filter = params
            .get("notifications")
            .filter(|filter| filter.root().kind() == Kind::Object)
            .ok_or("`notifications` must be an object that says what to listen to")?;
        let mut uris: Vec<String> = Vec::new();
        if let Some(named) = filter.root().get("resourceSubscriptions") {
            let texts = "`resourceSubscriptions` must be a list of URIs";
            if named.kind() != Kind::Array {
                return Err(texts);
            }
            for uri in named.elements() {
                let uri = uri.string().ok_or(texts)?.into_owned();
                if uris.len() == MOST_RESOURCES {
                    return Err("`resourceSubscriptions` names more than 1024 resources");
                }
                if !uris.contains(&uri) {
                    uris.push(uri);
                }
            }
        }
        Ok(Self {
            wanted: Wanted::of(params),
            uris,
            foreign: filter
                .root()
                .members()
                .any(|(name, _)| !KNOWN.contains(&&*name)),
            params: params.clone(),
        })
    }

    /// Whether it wants nothing besides changes of resources that it names.
    pub(super) fn is_of_resources_alone(&self) -> bool {
        !self.foreign && self.wanted == Wanted::default()
    }

    /// The params for a server that owns these resources; `None` where nothing concerns it. Task ids are left out,
    /// since on the merged endpoint they are not the servers' own.
    pub(super) fn part(&self, uris: &[&str], limits: &Limits) -> Option<Json> {
        if uris.is_empty() && self.is_of_resources_alone() {
            return None;
        }
        let mut edits = Vec::new();
        if uris.len() != self.uris.len() {
            let place = "/notifications/resourceSubscriptions".into();
            edits.push(match uris {
                [] => Edit::Remove(place),
                _ => Edit::Set(place, list(uris)),
            });
        }
        if self.params.at("/notifications/taskIds").is_some() {
            edits.push(Edit::Remove("/notifications/taskIds".into()));
        }
        apply(&self.params, &edits, limits).ok()
    }

    /// The acknowledgement, which begins the client's stream. List changes are always agreed to, since a reload changes
    /// lists. A resource is agreed to if its server agreed.
    pub(super) fn acknowledgement(&self, id: &Id, agreed: &[Json]) -> Message {
        let mut honoured: Vec<String> = Vec::new();
        for name in &KNOWN[..3] {
            let value = self.params.at(&format!("/notifications/{name}"));
            if value.is_some_and(|value| value.as_str() == "true") {
                honoured.push(format!("\"{name}\":true"));
            }
        }
        let uris: Vec<&str> = self
            .uris
            .iter()
            .map(String::as_str)
            .filter(|uri| agreed.iter().any(|params| names(params, uri)))
            .collect();
        if !uris.is_empty() {
            honoured.push(format!("\"resourceSubscriptions\":{}", list(&uris)));
        }
        let params = own(format!(
            r#"{{"_meta":{},"notifications":{{{}}}}}"#,
            mark(id),
            honoured.join(",")
        ));
        Message::notification(ACKNOWLEDGED, &params)
    }
}

fn names(params: &Json, uri: &str) -> bool {
    let named = params.at("/notifications/resourceSubscriptions");
    named.is_some_and(|named| {
        named
            .root()
            .elements()
            .any(|one| one.string().as_deref() == Some(uri))
    })
}

fn list(uris: &[&str]) -> String {
    let uris: Vec<String> = uris
        .iter()
        .map(|uri| Json::string(uri).as_str().to_owned())
        .collect();
    format!("[{}]", uris.join(","))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn read(text: &str) -> Json {
        Json::parse(text.to_owned(), &Limits::default()).unwrap()
    }

    #[test]
    fn a_server_is_asked_for_its_own_resources_and_all_else_stays() {
        let params = r#"{ "notifications":{"toolsListChanged":true, "resourceSubscriptions":["a:1","b:2","a:1"],"taskIds":["t"]},"_meta":{"x":1.0}}"#;
        let filter = Filter::of(&read(params)).unwrap();
        assert_eq!(filter.uris, ["a:1", "b:2"]);
        let part = filter.part(&["b:2"], &Limits::default()).unwrap();
        assert_eq!(
            part.as_str(),
            r#"{ "notifications":{"toolsListChanged":true, "resourceSubscriptions":["b:2"]},"_meta":{"x":1.0}}"#
        );
        let part = filter.part(&[], &Limits::default()).unwrap();
        assert!(!part.as_str().contains("resourceSubscriptions"));
    }

    #[test]
    fn a_server_that_nothing_concerns_is_not_asked() {
        let filter = |text: &str| Filter::of(&read(text)).unwrap();
        let resources = filter(r#"{"notifications":{"resourceSubscriptions":["a:1"]}}"#);
        assert!(resources.part(&[], &Limits::default()).is_none());
        assert!(resources.part(&["a:1"], &Limits::default()).is_some());
        let foreign = filter(r#"{"notifications":{"newThings":true}}"#);
        assert!(foreign.part(&[], &Limits::default()).is_some());
        let tasks = filter(r#"{"notifications":{"taskIds":["t"]}}"#);
        assert!(tasks.part(&[], &Limits::default()).is_none());
    }

    #[test]
    fn what_is_no_filter_is_refused() {
        for text in [
            "{}",
            r#"{"notifications":[]}"#,
            r#"{"notifications":{"resourceSubscriptions":"a:1"}}"#,
            r#"{"notifications":{"resourceSubscriptions":[1]}}"#,
        ] {
            assert!(Filter::of(&read(text)).is_err(), "{text}");
        }
        let many: Vec<String> = (0..=MOST_RESOURCES).map(|n| format!("\"a:{n}\"")).collect();
        let text = format!(
            r#"{{"notifications":{{"resourceSubscriptions":[{}]}}}}"#,
            many.join(",")
        );
        assert!(Filter::of(&read(&text)).is_err());
    }

    #[test]
    fn only_resources_that_a_server_agreed_to_are_acknowledged() {
        let filter = Filter::of(&read(
            r#"{"notifications":{"toolsListChanged":true,"promptsListChanged":false,"resourceSubscriptions":["a:1","b:2"]}}"#,
        ))
        .unwrap();
        let agreed = [
            read(r#"{"notifications":{"resourceSubscriptions":["b:2","other:3"]}}"#),
            read(r#"{"notifications":{}}"#),
        ];
        let said = filter.acknowledgement(&Id::number(7), &agreed);
        assert_eq!(
            said.payload().as_str(),
            r#"{"_meta":{"io.modelcontextprotocol/subscriptionId":7},"notifications":{"toolsListChanged":true,"resourceSubscriptions":["b:2"]}}"#
        );
    }
}
