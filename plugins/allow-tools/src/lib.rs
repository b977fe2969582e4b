//! Rules say which caller may use which tools, prompts and resources of which servers. What is not allowed is neither
//! listed nor callable. The first rule that fits the caller decides; where no rule fits, nothing is allowed.

mod list;
mod remedy;
mod rules;
mod template;
mod usage;
mod watched;

use list_kind::Kind;
use sandgate_sdk::{
    Context, Document, Error, Interceptor, Issues, PostDecision, PreDecision, because, bump_arena,
    export, refuse, without_system,
};

use crate::rules::{Caller, Rule};

bump_arena!();
without_system!();
export!(AllowTools);

/// The policy.
pub struct AllowTools {
    rules: Vec<Rule>,
    kinds: Vec<Kind>,
}

/// The settings, as `plugin.toml` describes them.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    #[serde(default)]
    rules: Vec<rules::Written>,
    #[serde(default = "tools_only")]
    kinds: Vec<Kind>,
}

fn tools_only() -> Vec<Kind> {
    vec![Kind::Tools]
}

impl Interceptor for AllowTools {
    type Settings = Settings;

    fn configure(settings: Settings) -> Result<Self, Issues> {
        Ok(Self {
            rules: rules::read(settings.rules)?,
            kinds: settings.kinds,
        })
    }

    fn pre_call(&self, context: &Context, params: &Document) -> Result<PreDecision, Error> {
        let method = context.method();
        if method == watched::LISTEN {
            return self.listens(context, params);
        }
        let kinds = usage::kinds(&method, params);
        let Some(kind) = kinds.iter().find(|kind| self.kinds.contains(kind)) else {
            return Ok(PreDecision::Proceed);
        };
        let caller = Caller::of(context);
        let (server, target) = (context.server(), target(context, *kind));
        // With two kinds it is not clear what the request uses, and at least one of them is ruled, so the request is
        // refused. Without a target no rule allows the request.
        let is_clear = kinds.len() == 1;
        let is_allowed = is_clear
            && target.as_ref().is_some_and(|target| {
                let allowance = caller.allowance(&self.rules, &server);
                allowance.has(target) && template::leads_to_allowed(&method, params, &allowance)
            });
        if is_allowed {
            return Ok(PreDecision::Proceed);
        }
        let message = format!("This {} is not allowed to this caller.", kind.singular());
        let explanation = match is_clear {
            true => remedy::of(&self.rules, &caller, &server, *kind, target.as_deref()),
            false => because("reference that does not say what it is to")
                .taken_for("reference to a prompt or a resource"),
        };
        Ok(refuse("allow-tools.not-allowed", message)
            .at(usage::pointer(*kind, &method))
            .explain(explanation)
            .into())
    }

    fn post_call(&self, context: &Context, reply: &Document) -> Result<PostDecision, Error> {
        let Some(kind) = Kind::listed_by(&context.method()) else {
            return Ok(PostDecision::Proceed);
        };
        if context.failed() || !self.kinds.contains(&usage::ruled_as(kind)) {
            return Ok(PostDecision::Proceed);
        }
        let server = context.server();
        let caller = Caller::of(context);
        Ok(list::without(reply, kind, &caller.allowance(&self.rules, &server))?.into())
    }
}

impl AllowTools {
    /// Judges a subscription, which names a list of resources.
    fn listens(&self, context: &Context, params: &Document) -> Result<PreDecision, Error> {
        if !self.kinds.contains(&Kind::Resources) {
            return Ok(PreDecision::Proceed);
        }
        let caller = Caller::of(context);
        let server = context.server();
        let allowance = caller.allowance(&self.rules, &server);
        Ok(match watched::not_allowed(params, &allowance)? {
            None => PreDecision::Proceed,
            Some((uri, pointer)) => refuse(
                "allow-tools.not-allowed",
                "This resource is not allowed to this caller.",
            )
            .at(pointer)
            .explain(remedy::of(
                &self.rules,
                &caller,
                &server,
                Kind::Resources,
                Some(&uri),
            ))
            .into(),
        })
    }
}

/// The target of the request. For a URI that is not in canonical form: the canonical form.
fn target(context: &Context, kind: Kind) -> Option<String> {
    let canonical = match kind {
        Kind::Resources | Kind::Templates => context.attribute("target.canonical"),
        Kind::Tools | Kind::Prompts => None,
    };
    canonical.or_else(|| context.target())
}

#[cfg(test)]
mod tests;
