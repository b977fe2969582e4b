//! What a token says of its bearer.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use sandgate_message::pointer;
use serde_json::{Map, Value};

use crate::config::IssuerConfig;
use crate::error::RefusedTokenError;

/// How far the clocks of issuer and gateway may differ.
const SKEW: Duration = Duration::from_secs(60);
/// The longest name of a principal, in bytes.
const MAX_NAME: usize = 128;
/// The most groups, and the longest of them, in bytes.
const MAX_GROUPS: (usize, usize) = (256, 256);
/// The largest text of claims for plugins, in bytes.
const MAX_CLAIMS: usize = 4 << 10;

/// The bearer of a token that its issuer vouches for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bearer {
    /// The issuer, as it is configured.
    pub issuer: Arc<str>,
    /// The principal's name, with the issuer's prefix.
    pub name: Arc<str>,
    /// Its groups.
    pub groups: Arc<[String]>,
    /// Its claims for plugins, as a JSON object; `None` where none are asked for.
    pub claims: Option<Arc<str>>,
    /// The scopes that the token grants.
    pub scopes: Arc<[String]>,
    /// The resources that the token is meant for.
    pub audiences: Vec<String>,
    /// When the token ends.
    pub until: SystemTime,
}

impl Bearer {
    /// Reads claims that the issuer has vouched for, at the time `now`.
    ///
    /// # Errors
    ///
    /// The claims are not valid now, or name nobody.
    pub(crate) fn of(
        config: &IssuerConfig,
        claims: &Value,
        now: SystemTime,
    ) -> Result<Self, RefusedTokenError> {
        let until = time(&claims["exp"]).ok_or(RefusedTokenError::Expired)?;
        if until.checked_add(SKEW).is_none_or(|until| until <= now) {
            return Err(RefusedTokenError::Expired);
        }
        for begin in ["nbf", "iat"] {
            let Some(given) = claims.get(begin) else {
                continue;
            };
            let begin = time(given).ok_or(RefusedTokenError::Early)?;
            if begin > now + SKEW {
                return Err(RefusedTokenError::Early);
            }
        }
        Ok(Self {
            issuer: config.issuer.as_str().into(),
            name: name(config, claims)?,
            groups: groups(config, claims)?,
            claims: picked(&config.claims, claims)?,
            scopes: scopes(claims),
            audiences: texts(&claims["aud"]).unwrap_or_default(),
            until,
        })
    }

    /// Whether the token is meant for one of these resources. A `/` at the end does not count.
    pub(crate) fn is_for<'a>(&self, mut resources: impl Iterator<Item = &'a str>) -> bool {
        let plain = |text: &str| text.strip_suffix('/').unwrap_or(text).to_owned();
        resources.any(|resource| {
            let resource = plain(resource);
            self.audiences.iter().any(|one| plain(one) == resource)
        })
    }
}

fn name(config: &IssuerConfig, claims: &Value) -> Result<Arc<str>, RefusedTokenError> {
    let subject = claims.pointer(&config.principal).and_then(Value::as_str);
    let subject = subject.filter(|subject| !subject.is_empty());
    let name = format!(
        "{}{}",
        config.prefix,
        subject.ok_or(RefusedTokenError::Principal)?
    );
    let fits = |c: char| c.is_alphanumeric() || "-_.@+|:/=~".contains(c);
    match name.len() <= MAX_NAME && name.chars().all(fits) {
        true => Ok(name.into()),
        false => Err(RefusedTokenError::Principal),
    }
}

fn groups(config: &IssuerConfig, claims: &Value) -> Result<Arc<[String]>, RefusedTokenError> {
    let Some(pointer) = &config.groups else {
        return Ok(Arc::from([]));
    };
    // Left-out groups would escape a view that denies them: all of them are read, or the token is refused. A token with
    // too many for its issuer says so, and where they are instead (OpenID Connect Core 1.0, 5.6.2).
    if matches!(claims.get("hasgroups"), Some(said) if !matches!(said, Value::Null | Value::Bool(false)))
        || is_elsewhere(pointer, claims)
    {
        return Err(RefusedTokenError::GroupsElsewhere);
    }
    let groups = match claims.pointer(pointer) {
        None | Some(Value::Null) => Vec::new(),
        Some(given) => texts(given).ok_or(RefusedTokenError::Groups)?,
    };
    let (most, longest) = MAX_GROUPS;
    match groups.len() <= most && groups.iter().all(|group| group.len() <= longest) {
        true => Ok(groups.into()),
        false => Err(RefusedTokenError::Groups),
    }
}

/// Whether a token names another place for the claim that this points into.
fn is_elsewhere(pointer: &str, claims: &Value) -> bool {
    let first = pointer.trim_start_matches('/').split('/').next();
    let claim = pointer::unescape(first.unwrap_or_default());
    claims["_claim_names"].get(claim).is_some()
}

fn picked(names: &[String], claims: &Value) -> Result<Option<Arc<str>>, RefusedTokenError> {
    if names.is_empty() {
        return Ok(None);
    }
    let found = names
        .iter()
        .filter_map(|name| Some((name.clone(), claims.get(name)?.clone())));
    let text = Value::Object(found.collect::<Map<_, _>>()).to_string();
    match text.len() <= MAX_CLAIMS {
        true => Ok(Some(text.into())),
        false => Err(RefusedTokenError::Claims),
    }
}

/// The scopes, in `scope` (RFC 9068), or as some issuers have them in `scp`.
fn scopes(claims: &Value) -> Arc<[String]> {
    let given = claims.get("scope").or_else(|| claims.get("scp"));
    match given {
        Some(Value::String(text)) => text
            .split(' ')
            .filter(|s| !s.is_empty())
            .map(str::to_owned)
            .collect(),
        Some(list) => texts(list).unwrap_or_default().into(),
        None => Arc::from([]),
    }
}

/// One text, or a list of texts and nothing else.
fn texts(value: &Value) -> Option<Vec<String>> {
    match value {
        Value::String(text) => Some(vec![text.clone()]),
        Value::Array(list) => list
            .iter()
            .map(|one| one.as_str().map(str::to_owned))
            .collect(),
        _ => None,
    }
}

/// A time in seconds since 1970.
fn time(value: &Value) -> Option<SystemTime> {
    let seconds = value
        .as_f64()
        .filter(|seconds| (0.0..1e12).contains(seconds))?;
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs_f64(seconds))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;

    fn config(groups: Option<&str>) -> IssuerConfig {
        IssuerConfig {
            issuer: "https://id.example.com".into(),
            algorithms: Vec::new(),
            typ: "at+jwt".into(),
            audiences: Vec::new(),
            principal: "/sub".into(),
            prefix: String::new(),
            groups: groups.map(str::to_owned),
            claims: Vec::new(),
            jwks_uri: None,
            introspection: None,
            loopback_http: false,
            roots: None,
        }
    }

    #[test]
    fn groups_that_are_elsewhere_are_not_taken_for_none() {
        let config_of = |pointer| config(Some(pointer));
        let (plain, nested) = (config_of("/groups"), config_of("/my~1app/groups"));
        let none = |config, claims| groups(config, &claims).unwrap().is_empty();
        let elsewhere = |config, claims| {
            let refused = groups(config, &claims).unwrap_err();
            assert_eq!(refused, RefusedTokenError::GroupsElsewhere, "{claims}");
        };
        assert!(none(&plain, json!({})));
        assert!(none(&plain, json!({ "hasgroups": false })));
        assert!(none(&plain, json!({ "_claim_names": { "address": "a" } })));
        assert!(none(&config(None), json!({ "hasgroups": true })));
        elsewhere(&plain, json!({ "hasgroups": true }));
        elsewhere(&plain, json!({ "hasgroups": "true" }));
        elsewhere(&plain, json!({ "_claim_names": { "groups": "src1" } }));
        elsewhere(
            &plain,
            json!({ "groups": ["a"], "_claim_names": { "groups": "src1" } }),
        );
        elsewhere(&nested, json!({ "_claim_names": { "my/app": "src1" } }));
    }
}
