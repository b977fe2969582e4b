//! The merged endpoint's `initialize` and `server/discover`: the servers' replies combined.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::StreamExt;
use futures_util::future::join_all;
use futures_util::stream::FuturesUnordered;
use http::{HeaderMap, StatusCode};
use sandgate_message::{Id, Json, Kind, Message, Node, error_codes};
use serde::Serialize;
use serde_json::{Value, json};

use super::Merged;
use super::links::WaitPolicy;
use super::server_handle::ServerHandle;
use crate::call::error_reply;
use crate::call::response::{ClientResponse, ClientResponseBody};
use sandgate_wire::era::{FIRST_MODERN, LEGACY, VERSION_KEY};

/// The capabilities that hold for the endpoint if they hold for one server. Any other would promise something that the
/// gateway does not forward here.
const SHARED: [&str; 6] = [
    "completions",
    "logging",
    "prompts",
    "resources",
    "tasks",
    "tools",
];
/// The flags of those capabilities: true if one server sets them. Lists always have `listChanged`, since a reload
/// changes them.
const FLAGS: [&str; 2] = ["listChanged", "subscribe"];

/// The tasks extension of the modern era.
const TASKS: &str = "io.modelcontextprotocol/tasks";

const UNREACHABLE: &str = "none of the servers can be reached: the gateway's log says why";

type Capabilities = BTreeMap<&'static str, BTreeMap<&'static str, Value>>;

#[derive(Serialize)]
struct ServerInfo {
    name: &'static str,
    version: &'static str,
}

const SELF: ServerInfo = ServerInfo {
    name: "sandgate",
    version: env!("CARGO_PKG_VERSION"),
};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Initialized<'a> {
    protocol_version: &'a str,
    capabilities: Capabilities,
    server_info: ServerInfo,
    #[serde(skip_serializing_if = "Option::is_none")]
    instructions: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Discovered {
    result_type: &'static str,
    supported_versions: Vec<String>,
    capabilities: Capabilities,
    #[serde(skip_serializing_if = "Option::is_none")]
    instructions: Option<String>,
    ttl_ms: u64,
    cache_scope: &'static str,
    #[serde(rename = "_meta")]
    meta: BTreeMap<&'static str, ServerInfo>,
}

impl Merged {
    /// Answers `initialize` after asking every server at once. The version is the oldest that any server agreed to,
    /// since a feature of a newer version must not be offered by some servers and missing from others.
    pub(super) async fn initialize(&self, id: &Id, message: &Message) -> ClientResponse {
        let mut reaches = self.ways(WaitPolicy::List).await;
        if reaches.iter().all(|handle| handle.offer.is_none()) {
            // No server is ready: wait for the first one.
            reaches = self.first_ways().await;
        }
        let offers: Vec<_> = reaches
            .iter()
            .filter_map(|handle| Some((&handle.proxy.conn.server, handle.offer.as_ref()?)))
            .collect();
        let absent = reaches.iter().filter(|handle| handle.absent);
        let absent: Vec<&str> = absent
            .map(|handle| &**handle.proxy.conn.server.name())
            .collect();
        if offers.is_empty() && !reaches.is_empty() {
            if self.only_modern().await {
                let asked = message.payload().get("protocolVersion");
                return unsupported(id, &[FIRST_MODERN.to_owned()], asked);
            }
            return error_reply::busy(Some(id), UNREACHABLE);
        }
        let asked = message
            .payload()
            .root()
            .get("protocolVersion")
            .and_then(|version| version.string());
        let fallback = asked
            .as_deref()
            .filter(|asked| LEGACY.contains(asked))
            .unwrap_or(LEGACY[0]);
        let version = offers
            .iter()
            .filter_map(|(_, offer)| offer.version.as_deref())
            .min()
            .unwrap_or(fallback);
        let result = Initialized {
            protocol_version: version,
            capabilities: union(
                offers
                    .iter()
                    .filter_map(|(_, offer)| offer.capabilities.as_ref())
                    .map(Json::root),
                !absent.is_empty(),
            ),
            server_info: SELF,
            instructions: instructions(
                offers.iter().filter_map(|(server, offer)| {
                    Some((&**server.name(), offer.instructions.as_deref()?))
                }),
                &absent,
            ),
        };
        result_of(id, &result)
    }

    /// Opens a connection to every server.
    async fn ways(&self, wait: WaitPolicy) -> Vec<Arc<ServerHandle>> {
        let none = HeaderMap::new();
        join_all(
            self.servers()
                .map(|server| self.handle(server, &none, wait)),
        )
        .await
    }

    /// Opens connections until the first server has agreed or every one has failed.
    async fn first_ways(&self) -> Vec<Arc<ServerHandle>> {
        let none = HeaderMap::new();
        let mut ways: FuturesUnordered<_> = self
            .servers()
            .map(|server| self.handle(server, &none, WaitPolicy::Start))
            .collect();
        while let Some(handle) = ways.next().await {
            if handle.offer.is_some() {
                break;
            }
        }
        drop(ways);
        self.ways(WaitPolicy::Now).await
    }

    /// Answers the modern era's discovery request. The reply is private, since another client may see other servers'
    /// features.
    pub(super) async fn discover(
        &self,
        id: &Id,
        message: Message,
        headers: &HeaderMap,
    ) -> ClientResponse {
        let asked = self.servers().map(|server| {
            let message = message.clone();
            async move {
                if server.is_held() {
                    return Err(server.name());
                }
                let handle = self.handle(server, headers, WaitPolicy::List).await;
                let reply = handle.ask(&self.edition, message).await;
                let there = |reply: &Message| !reply.failed() || server.is_there();
                match reply.filter(|reply| !handle.absent && there(reply)) {
                    Some(reply) => Ok((server, reply.failed(), reply.payload().clone())),
                    None => Err(server.name()),
                }
            }
        });
        let (mut answers, mut absent) = (Vec::new(), Vec::new());
        for answer in join_all(asked).await {
            match answer {
                Ok(answer) => answers.push(answer),
                Err(server) => absent.push(&**server),
            }
        }
        let (failed, found): (Vec<_>, Vec<_>) =
            answers.into_iter().partition(|(_, failed, _)| *failed);
        let found: Vec<_> = found
            .into_iter()
            .map(|(server, _, found)| (server, found))
            .collect();
        if found.is_empty() && self.servers().next().is_some() {
            let objections: Vec<_> = failed
                .iter()
                .filter_map(|(_, _, error)| supported(error))
                .collect();
            if !objections.is_empty() {
                let asked = message
                    .payload()
                    .root()
                    .get("_meta")
                    .and_then(|meta| meta.get(VERSION_KEY))
                    .map(|version| version.to_json());
                return unsupported(id, &common(objections.into_iter()), asked);
            }
            return error_reply::busy(Some(id), UNREACHABLE);
        }
        let result = Discovered {
            result_type: "complete",
            supported_versions: common(found.iter().map(|(_, found)| versions(found))),
            capabilities: union(
                found
                    .iter()
                    .filter_map(|(_, found)| found.root().get("capabilities")),
                !absent.is_empty(),
            ),
            instructions: {
                let texts: Vec<_> = found
                    .iter()
                    .filter_map(|(server, found)| {
                        Some((
                            &**server.name(),
                            found.root().get("instructions")?.string()?,
                        ))
                    })
                    .collect();
                instructions(
                    texts.iter().map(|(server, text)| (*server, &**text)),
                    &absent,
                )
            },
            ttl_ms: 0,
            cache_scope: "private",
            meta: BTreeMap::from([("io.modelcontextprotocol/serverInfo", SELF)]),
        };
        result_of(id, &result)
    }
}

/// The versions that an `UNSUPPORTED_VERSION` error names as supported.
fn supported(error: &Json) -> Option<Vec<String>> {
    let code: i64 = error.get("code")?.to().ok()?;
    let versions = error
        .at("/data/supported")
        .filter(|_| code == error_codes::UNSUPPORTED_VERSION)?;
    versions.to().ok()
}

/// The error where no server speaks the requested version. Its text names the versions that they speak, as it may be
/// all that a person sees.
fn unsupported(id: &Id, supported: &[String], requested: Option<Json>) -> ClientResponse {
    #[derive(Serialize)]
    struct Versions<'a> {
        supported: &'a [String],
        #[serde(skip_serializing_if = "Option::is_none")]
        requested: Option<String>,
    }
    let requested = requested.and_then(|version| Some(version.root().string()?.into_owned()));
    let text = format!(
        "unsupported protocol version: the servers here speak {}",
        supported.join(", ")
    );
    let versions = Json::of(&Versions {
        supported,
        requested,
    })
    .ok();
    let code = error_codes::UNSUPPORTED_VERSION;
    let error = Message::error(Some(id), code, &text, versions.as_ref());
    ClientResponse::new(StatusCode::BAD_REQUEST, ClientResponseBody::Message(error))
}

fn result_of(id: &Id, result: &impl Serialize) -> ClientResponse {
    match Json::of(result) {
        Ok(result) => ClientResponse::message(Message::result(id, &result)),
        Err(error) => error_reply::busy(Some(id), &error.to_string()),
    }
}

/// The union of the servers' capabilities. `more` says that absent servers may still offer any kind of list.
fn union<'a>(servers: impl Iterator<Item = Node<'a>>, more: bool) -> Capabilities {
    let mut union = Capabilities::new();
    let mut extended = false;
    for capabilities in servers {
        let extensions = capabilities.get("extensions");
        extended |= extensions.is_some_and(|extensions| extensions.get(TASKS).is_some());
        for name in SHARED {
            let Some(offered) = capabilities
                .get(name)
                .filter(|offered| offered.kind() == Kind::Object)
            else {
                continue;
            };
            let flags = union.entry(name).or_default();
            for flag in FLAGS {
                if offered
                    .get(flag)
                    .is_some_and(|value| value.as_str() == "true")
                {
                    flags.insert(flag, Value::Bool(true));
                }
            }
        }
    }
    if extended {
        union
            .entry("extensions")
            .or_default()
            .insert(TASKS, json!({}));
    }
    if let Some(tasks) = union.get_mut("tasks") {
        // Which requests lead to tasks is for each server to say.
        tasks.insert("cancel", json!({}));
        tasks.insert("list", json!({}));
        tasks.insert("requests", json!({"tools": {"call": {}}}));
    }
    for name in ["prompts", "resources", "tools"] {
        if more {
            union.entry(name).or_default();
        }
        if let Some(flags) = union.get_mut(name) {
            flags.insert("listChanged", Value::Bool(true));
        }
    }
    union
}

/// The servers' instructions, joined. `absent` names the servers that are not available yet.
fn instructions<'a>(
    texts: impl Iterator<Item = (&'a str, &'a str)>,
    absent: &[&str],
) -> Option<String> {
    let mut parts: Vec<String> = texts
        .map(|(server, text)| format!("# {server}\n\n{text}"))
        .collect();
    if !absent.is_empty() {
        let names = absent.join(", ");
        parts.push(format!(
            "Not available yet: {names}. What they offer is listed when they answer."
        ));
    }
    (!parts.is_empty()).then(|| parts.join("\n\n"))
}

fn versions(found: &Json) -> Vec<String> {
    found
        .get("supportedVersions")
        .and_then(|versions| versions.to().ok())
        .unwrap_or_default()
}

/// The modern versions that all servers speak.
fn common(mut servers: impl Iterator<Item = Vec<String>>) -> Vec<String> {
    let mut common = servers
        .next()
        .unwrap_or_else(|| vec![FIRST_MODERN.to_owned()]);
    for versions in servers {
        common.retain(|version| versions.contains(version));
    }
    common.retain(|version| version.as_str() >= FIRST_MODERN);
    common
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use sandgate_message::Limits;

    use super::*;

    #[test]
    fn what_one_server_can_the_whole_can() {
        let read = |text: &str| Json::parse(text.as_bytes().to_vec(), &Limits::default()).unwrap();
        let one = read(
            r#"{"tools":{},"resources":{"subscribe":true},"experimental":{"x":{}},"extensions":{"io.modelcontextprotocol/tasks":{},"other":{}}}"#,
        );
        let other = read(r#"{"logging":{},"resources":{"subscribe":false},"tasks":{"list":{}}}"#);
        let union =
            serde_json::to_string(&union([one.root(), other.root()].into_iter(), false)).unwrap();
        assert_eq!(
            union,
            r#"{"extensions":{"io.modelcontextprotocol/tasks":{}},"logging":{},"resources":{"listChanged":true,"subscribe":true},"tasks":{"cancel":{},"list":{},"requests":{"tools":{"call":{}}}},"tools":{"listChanged":true}}"#
        );
    }

    #[test]
    fn a_version_is_supported_where_all_support_it() {
        let of = |versions: &[&str]| versions.iter().map(|v| (*v).to_owned()).collect::<Vec<_>>();
        let all = [
            of(&["2027-01-01", "2026-07-28", "2025-11-25"]),
            of(&["2026-07-28", "2025-11-25"]),
        ];
        assert_eq!(common(all.into_iter()), of(&["2026-07-28"]));
    }
}
