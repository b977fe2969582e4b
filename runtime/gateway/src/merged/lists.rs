//! Merged lists: the pages of all servers side by side, with prefixed names and one cursor.

use std::sync::Arc;

use futures_util::future::join_all;
use http::HeaderMap;
use sandgate_message::{Direction, Hook, Id, Json, Limits, Message, error_codes};

use super::cursor::{Bound, Cursors, LONGEST};
use super::links::WaitPolicy;
use super::{Client, Merged, names};
use crate::call::error_reply;
use crate::call::response::ClientResponse;
use sandgate_upstream::Server;

/// A cursor may be forged, another caller's, another list's, or older than this process. The client gets the same error
/// for each.
const NO_CURSOR: &str = "no such cursor here: ask for the first page again";

/// One server's part of a page.
enum Part {
    Page(Arc<Server>, Json),
    /// The server has no such list.
    Nothing,
    Failed(Option<Message>),
}

impl Merged {
    /// Answers a list request with a page made of one page per server. A server that fails is left out, with a warning
    /// in the log.
    pub(super) async fn list(
        &self,
        id: &Id,
        member: &'static str,
        message: Message,
        headers: &HeaderMap,
    ) -> ClientResponse {
        let bound = self.bound(message.method().unwrap_or_default());
        let cursors = match message.payload().root().get("cursor") {
            None => None,
            Some(cursor) => match cursor.string().and_then(|text| bound.open(&text)) {
                Some(cursors) => Some(cursors),
                None => return ClientResponse::message(error_reply::invalid_params(id, NO_CURSOR)),
            },
        };
        let asked = self.servers().filter_map(|server| {
            let cursor = match &cursors {
                None => None,
                Some(cursors) => Some(cursors.get(&**server.name())?.as_str()),
            };
            Some(self.part(server, member, &message, cursor, headers))
        });
        let parts = join_all(asked).await;
        if let Some(Part::Failed(error)) = parts.iter().find(|part| matches!(part, Part::Failed(_)))
            && !parts.iter().any(|part| matches!(part, Part::Page(..)))
        {
            let unreachable = || {
                Message::error(
                    Some(id),
                    error_codes::SERVER,
                    "none of the servers gave its list: the gateway's log says why",
                    None,
                )
            };
            return ClientResponse::message(error.clone().unwrap_or_else(unreachable));
        }
        let whole = !parts.iter().any(|part| matches!(part, Part::Failed(_)));
        let pages = parts.into_iter().filter_map(|part| match part {
            Part::Page(server, page) => Some((server, page)),
            Part::Nothing | Part::Failed(_) => None,
        });
        match self.page(member, &bound, whole, &pages.collect::<Vec<_>>()) {
            Some(page) => ClientResponse::message(Message::result(id, &page)),
            None => ClientResponse::message(Message::error(
                Some(id),
                error_codes::INTERNAL,
                "the servers' lists do not fit together",
                None,
            )),
        }
    }

    fn bound<'a>(&'a self, list: &'a str) -> Bound<'a> {
        Bound {
            key: &self.shared.seal,
            list,
            principal: self.principal(),
        }
    }

    async fn part(
        &self,
        server: &Arc<Server>,
        member: &str,
        message: &Message,
        cursor: Option<&str>,
        headers: &HeaderMap,
    ) -> Part {
        if server.is_held() {
            return Part::Failed(None);
        }
        let handle = self.handle(server, headers, WaitPolicy::List).await;
        let capability = if member == "resourceTemplates" {
            "resources"
        } else {
            member
        };
        if !handle.offers(capability) {
            return Part::Nothing;
        }
        let message = match cursor {
            None => message.clone(),
            Some(cursor) => match names::set(
                message.payload(),
                "/cursor",
                cursor,
                &self.shared.config.limits,
            ) {
                Some(params) => message.with_payload(params),
                None => return Part::Failed(None),
            },
        };
        match handle.ask(&self.edition, message).await {
            Some(reply) if !reply.failed() => Part::Page(server.clone(), reply.payload().clone()),
            Some(reply) if code_of(&reply) == Some(error_codes::METHOD_NOT_FOUND) => Part::Nothing,
            failed => {
                tracing::warn!(server = %server.name(), list = member, "left out of the merged list: the server gave none");
                Part::Failed(failed)
            }
        }
    }

    /// Joins the servers' pages. Each definition stays as its server gave it, except for the name. Of several resources
    /// with the same URI, the first in the configuration's order wins.
    fn page(
        &self,
        member: &'static str,
        bound: &Bound<'_>,
        whole: bool,
        pages: &[(Arc<Server>, Json)],
    ) -> Option<Json> {
        let limits = self.shared.config.limits;
        let mut seen = std::collections::HashSet::new();
        let mut page = format!("{{\"{member}\":[");
        let mut cursors = Cursors::new();
        let mut first = true;
        for (server, part) in pages {
            for definition in part
                .root()
                .get(member)
                .into_iter()
                .flat_map(|list| list.elements())
            {
                let identity = if member == "resourceTemplates" {
                    "uriTemplate"
                } else {
                    "uri"
                };
                let entry = match member {
                    "tools" | "prompts" => names::renamed(definition, server.name(), &limits),
                    _ => {
                        let uri = definition.get(identity).and_then(|uri| uri.string());
                        let new = uri.as_ref().is_none_or(|uri| seen.insert(uri.to_string()));
                        if !new {
                            tracing::warn!(server = %server.name(), "left out a resource whose URI another server has");
                        }
                        new.then(|| definition.to_json())
                    }
                };
                let Some(entry) = entry else { continue };
                if !std::mem::take(&mut first) {
                    page.push(',');
                }
                page.push_str(entry.as_str());
            }
            if let Some(cursor) = part
                .root()
                .get("nextCursor")
                .and_then(|cursor| cursor.string())
            {
                if cursor.len() > LONGEST {
                    tracing::warn!(server = %server.name(), list = bound.list, "the rest of its list is left out: its cursor is longer than {LONGEST} bytes");
                    continue;
                }
                cursors.insert(server.name().to_string(), cursor.into_owned());
            }
        }
        page.push(']');
        if !cursors.is_empty() {
            page.push_str(&format!(",\"nextCursor\":\"{}\"", bound.seal(&cursors)?));
        }
        if let Client::Stateless(_) = self.client {
            let (ttl, scope) = self.keeping(bound.list, whole, pages);
            page.push_str(&format!(
                ",\"resultType\":\"complete\",\"ttlMs\":{ttl},\"cacheScope\":\"{scope}\""
            ));
        }
        page.push('}');
        // Every part was within the limits, but the joined page may exceed them.
        let bytes = limits
            .bytes
            .saturating_mul(pages.len() + 1)
            .min(u32::MAX as usize);
        Json::parse(
            page,
            &Limits {
                bytes,
                depth: limits.depth + 2,
            },
        )
        .ok()
    }

    /// The page's cache lifetime in milliseconds and its cache scope, each the most careful of its parts. The page is
    /// not cached where a server failed, which may recover, or where an interceptor may have changed it, or where there are views or stops.
    fn keeping(
        &self,
        method: &str,
        whole: bool,
        pages: &[(Arc<Server>, Json)],
    ) -> (u64, &'static str) {
        let changeable = |server: &Server| {
            [Hook::PreCall, Hook::PostCall].into_iter().any(|hook| {
                let chain = self.edition.chain();
                chain.may_change(hook, method, Direction::ClientToServer, server.name())
            })
        };
        let views = self.edition.views().are_in_force();
        let stops = !self.edition.stops().all().is_empty();
        if views || stops || !whole || pages.iter().any(|(server, _)| changeable(server)) {
            return (0, "private");
        }
        let ttl = |page: &Json| page.get("ttlMs").and_then(|ttl| ttl.to().ok()).unwrap_or(0);
        let public = |page: &Json| {
            page.get("cacheScope")
                .is_some_and(|scope| scope.as_str() == "\"public\"")
        };
        let scope = if pages.iter().all(|(_, page)| public(page)) {
            "public"
        } else {
            "private"
        };
        (
            pages.iter().map(|(_, page)| ttl(page)).min().unwrap_or(0),
            scope,
        )
    }
}

fn code_of(reply: &Message) -> Option<i64> {
    reply.payload().get("code")?.to().ok()
}
