//! Where an interceptor looks. The operator's scope narrows what the plugin asked for and never widens it.

use sandgate_message::{Call, Direction, Hook, Method, forms_of_uri};

use crate::globs::Globs;

/// The messages that an interceptor is asked about. An empty list means everything. All given lists must match.
#[derive(Clone, Debug, Default)]
pub struct Scope {
    /// The hooks.
    pub hooks: Vec<Hook>,
    /// MCP methods, within those that the plugin asked for.
    pub events: Globs,
    /// The direction of the request. A reply, which goes the other way, has the request's direction.
    pub directions: Vec<Direction>,
    /// Servers by their names in the configuration.
    pub servers: Globs,
    /// Tool or prompt names by the server's own names, and resource URIs in their canonical form. A message that
    /// addresses none (`tools/list`) is out of scope if any target is given.
    pub targets: Globs,
    /// Authenticated callers. An anonymous caller is out of scope if any principal is given.
    pub principals: Globs,
    /// Groups. One of the caller's groups must match.
    pub groups: Globs,
}

/// Names that are known to exist, for [`crate::BoundInterceptor::idle`]. A field is `None` if its names cannot be
/// known.
#[derive(Clone, Copy, Debug, Default)]
#[allow(missing_docs)]
pub struct KnownNames<'a> {
    pub events: Option<&'a [&'a str]>,
    pub servers: Option<&'a [&'a str]>,
    pub targets: Option<&'a [&'a str]>,
    pub principals: Option<&'a [&'a str]>,
    pub groups: Option<&'a [&'a str]>,
}

/// A glob that matches none of the known names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnusedPattern {
    /// The key that the glob stands under: `events`, `servers`, `targets`, `principals` or `groups`.
    pub key: &'static str,
    /// The glob as it was written.
    pub glob: String,
}

impl Scope {
    /// Whether a message of this kind may be in scope. The rest is known once there is a [`Call`].
    pub fn admits(&self, hook: Hook, method: &str, direction: Direction, server: &str) -> bool {
        (self.hooks.is_empty() || self.hooks.contains(&hook))
            && (self.directions.is_empty() || self.directions.contains(&direction))
            && self.events.matches(method)
            && self.servers.matches(server)
    }

    /// Whether this call is in scope at this hook.
    pub fn covers(&self, hook: Hook, call: &Call) -> bool {
        self.admits(hook, &call.method, call.direction, &call.server)
            && self.covers_target(call)
            && self.principals.matches_optional(call.principal.as_deref())
            && self
                .groups
                .matches_any(call.groups.iter().map(String::as_str))
    }

    /// Whether the call's target is in scope. A URI is matched in each of its forms, so that no other spelling of it
    /// evades the scope. A URI whose forms cannot be told is in every scope.
    fn covers_target(&self, call: &Call) -> bool {
        let target = call.target.as_deref();
        self.targets.matches_optional(target)
            || target.is_some_and(|target| {
                Method::new(&call.method).addresses_uri()
                    && forms_of_uri(target)
                        .is_none_or(|mut forms| forms.any(|form| self.targets.matches(&form)))
            })
    }

    /// The globs that match none of the known names.
    pub fn idle(&self, known: &KnownNames<'_>) -> Vec<UnusedPattern> {
        let lists = [
            ("events", &self.events, known.events),
            ("servers", &self.servers, known.servers),
            ("targets", &self.targets, known.targets),
            ("principals", &self.principals, known.principals),
            ("groups", &self.groups, known.groups),
        ];
        let mut idle = Vec::new();
        for (key, globs, names) in lists {
            let Some(names) = names else { continue };
            idle.extend(globs.idle(names).into_iter().map(|glob| UnusedPattern {
                key,
                glob: glob.into(),
            }));
        }
        idle
    }
}
