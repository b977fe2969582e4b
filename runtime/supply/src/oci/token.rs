//! What a registry asks for before it answers: a name and password, or a token that is fetched with them.

use http::HeaderValue;
use serde::Deserialize;
use url::Url;

use super::RegistryError;
use super::fetch::{self, Question};

/// The largest answer with a token, in bytes.
const LARGEST: usize = 64 << 10;

/// What a challenge asks for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Challenge {
    Basic,
    /// Where a token is fetched, and for which service.
    Bearer {
        realm: String,
        service: Option<String>,
    },
}

impl Challenge {
    /// Reads a `WWW-Authenticate`; `None`: it asks for something else.
    pub(crate) fn read(header: &str) -> Option<Self> {
        let (kind, rest) = header.split_once(' ').unwrap_or((header, ""));
        if kind.eq_ignore_ascii_case("basic") {
            return Some(Self::Basic);
        }
        if !kind.eq_ignore_ascii_case("bearer") {
            return None;
        }
        let (mut realm, mut service) = (None, None);
        let mut rest = rest.trim();
        while let Some((name, after)) = rest.split_once('=') {
            let (value, after) = match after.strip_prefix('"') {
                Some(quoted) => quoted.split_once('"')?,
                None => after.split_once(',').unwrap_or((after, "")),
            };
            let place = match name.trim().to_ascii_lowercase().as_str() {
                "realm" => &mut realm,
                "service" => &mut service,
                _ => &mut None,
            };
            if place.replace(value.to_owned()).is_some() {
                return None;
            }
            rest = after.trim_start_matches([',', ' ']);
        }
        Some(Self::Bearer {
            realm: realm?,
            service,
        })
    }
}

#[derive(Deserialize)]
struct Told {
    #[serde(default)]
    token: String,
    #[serde(default)]
    access_token: String,
}

/// The header that a challenge asks for, to do this with one repository: `pull`, or `pull,push`.
///
/// # Errors
///
/// There are no credentials, or no token comes for them.
pub(crate) async fn answer(
    challenge: Challenge,
    own: &Url,
    (repository, actions): (&str, &str),
    basic: Option<&str>,
) -> Result<HeaderValue, RegistryError> {
    let odd = |url: &Url, why: &str| RegistryError::Odd {
        url: fetch::shown(url),
        why: why.into(),
    };
    let header = |text: String| {
        let mut value = HeaderValue::from_str(&text).map_err(|_| odd(own, "its token is odd"))?;
        value.set_sensitive(true);
        Ok(value)
    };
    let basic = basic
        .map(|basic| header(format!("Basic {basic}")))
        .transpose()?;
    let (realm, service) = match challenge {
        Challenge::Basic => {
            let why = "it asks who you are; log in to it (`podman login`)";
            return basic.ok_or_else(|| odd(own, why));
        }
        Challenge::Bearer { realm, service } => (realm, service),
    };
    let mut url =
        Url::parse(&realm).map_err(|_| odd(own, "where it gives tokens is no address"))?;
    {
        let mut query = url.query_pairs_mut();
        if let Some(service) = &service {
            query.append_pair("service", service);
        }
        query.append_pair("scope", &format!("repository:{repository}:{actions}"));
    }
    let question = Question::get("application/json", LARGEST);
    let found = fetch::ask(&url, own, &question, basic.as_ref()).await?;
    if !found.status.is_success() {
        let more = match (found.status.is_redirection(), basic.is_some()) {
            (true, _) => ", which is not followed",
            (false, true) => "; what `podman login` keeps for it may be old",
            (false, false) => "; log in to it (`podman login`)",
        };
        return Err(RegistryError::Status {
            url: fetch::shown(&url),
            status: found.status.as_u16(),
            more: more.into(),
        });
    }
    let told: Told =
        serde_json::from_slice(&found.body).map_err(|_| odd(&url, "it gave no token"))?;
    let token = match told.token.is_empty() {
        true => told.access_token,
        false => told.token,
    };
    match token.is_empty() {
        true => Err(odd(&url, "it gave no token")),
        false => header(format!("Bearer {token}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_challenge_is_read_as_registries_write_it() {
        let bearer = |realm: &str, service: Option<&str>| {
            Some(Challenge::Bearer {
                realm: realm.into(),
                service: service.map(Into::into),
            })
        };
        for (header, expected) in [
            (
                "Bearer realm=\"https://a.example/token\",service=\"a.example\",scope=\"repository:x:pull,push\"",
                bearer("https://a.example/token", Some("a.example")),
            ),
            (
                "bearer realm=https://a.example/token",
                bearer("https://a.example/token", None),
            ),
            ("Basic realm=\"x\"", Some(Challenge::Basic)),
            ("Bearer service=\"x\"", None),
            ("Bearer realm=\"a\", realm=\"b\"", None),
            ("Negotiate", None),
        ] {
            assert_eq!(Challenge::read(header), expected, "{header}");
        }
    }
}
