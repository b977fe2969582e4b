//! Authentication of clients by tokens of the organisation's issuers: the gateway as an OAuth 2.1 resource server.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::SystemTime;

use parking_lot::Mutex;
use sandgate_issuer::{Bearer, Health, Issuer, RefusedTokenError, TokenError, Verifier};
use serde::Serialize;

use crate::challenge::Challenge;
use crate::endpoint::Endpoint;
use crate::principals::{Clients, Principal};
use crate::scopes::Scopes;
use crate::views::Views;

/// The clients with tokens that are known at a time. Beyond that, those that nothing holds are forgotten.
const MAX_KNOWN: usize = 4096;
/// The most such clients with sessions, streams or calls at a time. A further one is answered 503.
const MAX_HELD: usize = 65_536;

/// The issuers whose tokens admit clients, and what the tokens must grant.
pub struct Authorization {
    verifier: Verifier,
    /// The gateway's own URL, without a path: what tokens for all its endpoints are meant for.
    resource: String,
    scopes: Scopes,
    principals: Mutex<Principals>,
}

/// The clients with tokens that an edition knows.
#[derive(Default)]
struct Principals {
    known: HashMap<PrincipalKey, Arc<Principal>>,
    /// Whether another edition has taken this one's place. A client that came now would never be ended.
    retired: bool,
}

/// What makes two tokens those of one client: issuer, name, groups and claims. The scopes may differ, so that a client
/// goes on in its session once it has a token with more of them.
#[derive(Clone, PartialEq, Eq, Hash)]
struct PrincipalKey {
    issuer: Arc<str>,
    name: Arc<str>,
    groups: Arc<[String]>,
    claims: Option<Arc<str>>,
}

/// What a request's token grants.
#[derive(Clone, Debug)]
pub struct Grant {
    /// The scopes that it grants.
    pub scopes: Arc<[String]>,
    /// When the token ends, and with it whoever listens by it.
    pub until: SystemTime,
    /// Where the client learns how to get another one.
    pub challenge: Challenge,
}

impl Authorization {
    /// Admits clients with tokens of these issuers for `resource`, an origin without a path. An unchanged issuer must keep
    /// its `Arc` from edition to edition, so that its keys and its clients' sessions live on.
    pub fn new(issuers: Vec<Arc<Issuer>>, resource: String, scopes: Scopes) -> Self {
        Self {
            verifier: Verifier::new(issuers),
            resource,
            scopes,
            principals: Mutex::default(),
        }
    }

    /// The issuers.
    pub fn issuers(&self) -> &[Arc<Issuer>] {
        self.verifier.issuers()
    }

    /// The condition of each issuer, by its identifier.
    pub fn health(&self) -> impl Iterator<Item = (&str, Health)> {
        self.verifier.health()
    }

    /// What the tokens must grant.
    pub fn scopes(&self) -> &Scopes {
        &self.scopes
    }

    /// Where clients of an endpoint learn how to get a token.
    pub fn challenge(&self, endpoint: &Endpoint) -> Challenge {
        Challenge {
            base: self.resource.clone(),
            path: path_of(endpoint),
        }
    }

    /// The client of a token, and what the token grants.
    ///
    /// # Errors
    ///
    /// The token admits nobody, or its client is called like one of the configured.
    pub async fn admit(
        &self,
        token: &[u8],
        endpoint: &Endpoint,
        (clients, views): (&Clients, &Views),
    ) -> Result<(Arc<Principal>, Grant), TokenError> {
        let token = str::from_utf8(token).map_err(|_| RefusedTokenError::Malformed)?;
        let own = format!("{}{}", self.resource, path_of(endpoint));
        let bearer = self.verifier.bearer(token, &[&self.resource, &own]).await?;
        if clients.named(Some(&bearer.name)).is_some() {
            tracing::warn!(
                "a token of {} names {}, which is a client of [clients]: nobody is let in by that name twice; give the \
                 issuer a `prefix`",
                bearer.issuer,
                bearer.name
            );
            return Err(RefusedTokenError::Principal.into());
        }
        let grant = Grant {
            scopes: bearer.scopes.clone(),
            until: bearer.until,
            challenge: self.challenge(endpoint),
        };
        let principal = self.principal(&bearer, views);
        let principal =
            principal.ok_or_else(|| TokenError::Unavailable(bearer.issuer.to_string()))?;
        Ok((principal, grant))
    }

    /// Whether another edition has taken this one's place: it lets nobody in any more.
    pub fn is_retired(&self) -> bool {
        self.principals.lock().retired
    }

    /// The principal of a bearer, the same one each time while anything holds it. `None` where there are too many, or the
    /// edition is not in force any more.
    fn principal(&self, bearer: &Bearer, views: &Views) -> Option<Arc<Principal>> {
        let key = PrincipalKey {
            issuer: bearer.issuer.clone(),
            name: bearer.name.clone(),
            groups: bearer.groups.clone(),
            claims: bearer.claims.clone(),
        };
        let mut principals = self.principals.lock();
        if principals.retired {
            return None;
        }
        let known = &mut principals.known;
        if let Some(principal) = known.get(&key) {
            return Some(principal.clone());
        }
        if known.len() >= MAX_KNOWN && known.len().is_power_of_two() || known.len() >= MAX_HELD {
            known.retain(|_, principal| Arc::strong_count(principal) > 1);
        }
        if known.len() >= MAX_HELD {
            tracing::warn!(
                "{MAX_HELD} clients with tokens have something open: no further one is let in"
            );
            return None;
        }
        let principal = Arc::new(Principal::of_bearer(bearer));
        principal.set_rate(views.rate_of(&bearer.name, &bearer.groups));
        known.insert(key, principal.clone());
        Some(principal)
    }

    /// Keeps the clients of unchanged issuers, and with them their sessions.
    pub fn inherit(&self, before: &Self, clients: &Clients, views: &Views) {
        let known = &mut self.principals.lock().known;
        for (key, principal) in &before.principals.lock().known {
            let stays = self.issuers().iter().any(|issuer| {
                let same = |one: &Arc<Issuer>| Arc::ptr_eq(one, issuer);
                *issuer.config().issuer == *key.issuer && before.issuers().iter().any(same)
            });
            if stays && clients.named(Some(&key.name)).is_none() {
                principal.set_rate(views.rate_of(&key.name, &key.groups));
                known.insert(key.clone(), principal.clone());
            }
        }
    }

    /// Ends all clients that `now` does not have, and lets nobody in any more: requests that still judge by this edition
    /// would make clients that nobody ends.
    pub fn retire(&self, now: Option<&Self>) {
        let mut principals = self.principals.lock();
        principals.retired = true;
        for (key, principal) in &principals.known {
            let stays = now.is_some_and(|now| {
                let principals = now.principals.lock();
                let known = principals.known.get(key);
                known.is_some_and(|one| Arc::ptr_eq(one, principal))
            });
            if !stays {
                principal.end();
            }
        }
    }

    /// Ends the clients of these names: their streams end, and their sessions are no longer found.
    pub fn end_named(&self, named: impl Fn(&str) -> bool) {
        let known = &mut self.principals.lock().known;
        known.retain(|key, principal| {
            let ends = named(&key.name);
            if ends {
                principal.end();
            }
            !ends
        });
    }

    /// The metadata of the resource at a path after the well-known prefix (RFC 9728), as JSON; `None` where no endpoint
    /// can be there. Whether a server of that name exists is not told: that needs a token.
    pub fn metadata(&self, path: &str) -> Option<Vec<u8>> {
        let name = match path {
            "" | "/mcp" => "",
            _ => path.strip_prefix("/mcp/")?,
        };
        let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_".contains(&b);
        if name.len() > 64 || !name.bytes().all(plain) || path == "/mcp/" {
            return None;
        }
        let issuers = self.issuers().iter();
        let metadata = Metadata {
            resource: format!("{}{path}", self.resource),
            authorization_servers: issuers.map(|one| one.config().issuer.as_str()).collect(),
            scopes_supported: self.scopes.all().collect(),
            bearer_methods_supported: ["header"],
        };
        serde_json::to_vec(&metadata).ok()
    }
}

/// The metadata of a protected resource (RFC 9728).
#[derive(Serialize)]
struct Metadata<'a> {
    resource: String,
    authorization_servers: Vec<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    scopes_supported: Vec<&'a str>,
    bearer_methods_supported: [&'static str; 1],
}

fn path_of(endpoint: &Endpoint) -> String {
    match endpoint {
        Endpoint::Merged => "/mcp".into(),
        Endpoint::Server(name) => format!("/mcp/{name}"),
    }
}
