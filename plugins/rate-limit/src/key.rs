//! Keys of the state: whose bucket it is.

use std::cell::OnceCell;

use sandgate_sdk::{Context, is_plain_name};
use sha2::{Digest, Sha256};

use crate::limit::By;

/// The longest subject that stands in a key as it is, in bytes.
const LONGEST: usize = 128;

/// Who calls what. Each answer is asked of the gateway once, and only where a limit needs it.
pub(crate) struct Keys<'c> {
    context: &'c Context<'c>,
    server: OnceCell<String>,
    target: OnceCell<String>,
    principal: OnceCell<Option<String>>,
    groups: OnceCell<Vec<String>>,
}

impl<'c> Keys<'c> {
    pub(crate) fn of(context: &'c Context<'c>) -> Self {
        Self {
            context,
            server: OnceCell::new(),
            target: OnceCell::new(),
            principal: OnceCell::new(),
            groups: OnceCell::new(),
        }
    }

    /// The server's name.
    pub(crate) fn server(&self) -> &str {
        self.server.get_or_init(|| self.context.server())
    }

    /// The name of the tool or prompt, or the URI of the resource: the canonical one, so that two spellings of one
    /// resource count as one. Empty for a URI that has no canonical form.
    pub(crate) fn target(&self) -> &str {
        self.target.get_or_init(|| {
            let canonical = self.context.attribute("target.canonical");
            canonical
                .or_else(|| self.context.target())
                .unwrap_or_default()
        })
    }

    /// The authenticated caller.
    pub(crate) fn principal(&self) -> Option<&str> {
        self.principal
            .get_or_init(|| self.context.principal())
            .as_deref()
    }

    /// The caller's groups.
    pub(crate) fn groups(&self) -> &[String] {
        self.groups.get_or_init(|| self.context.groups())
    }

    /// `SERVER/NAME` for an exception. `None` where it would be too long or a pattern, or may hold a secret: a URI has a
    /// query.
    pub(crate) fn named(&self) -> Option<String> {
        let target = self.target();
        is_plain_name(target).then(|| format!("{}/{target}", self.server()))
    }

    /// The subject that a limit counts by. Its kind goes before it, so that no name of one kind is one of another.
    pub(crate) fn subject(&self, by: By) -> String {
        match by {
            By::Everyone => String::new(),
            By::Principal => self.caller(),
            By::Session => match self.context.session() {
                Some(session) => format!("s{}", short(&session)),
                None => self.caller(),
            },
            By::Tool => self.what(),
            By::PrincipalAndTool => {
                let caller = self.caller();
                format!("{caller}\0{}", self.what())
            }
        }
    }

    /// Anonymous callers are one.
    fn caller(&self) -> String {
        match self.principal() {
            Some(name) => format!("p{}", short(name)),
            None => "a".into(),
        }
    }

    fn what(&self) -> String {
        let target = short(self.target());
        format!("t{}/{target}", self.server())
    }
}

/// The name, or its digest where it is long: keys of the state are bounded.
fn short(name: &str) -> String {
    if name.len() <= LONGEST && !name.starts_with('#') {
        return name.into();
    }
    let digest = Sha256::digest(name);
    let hex = digest.iter().map(|byte| format!("{byte:02x}"));
    format!("#{}", hex.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_names_are_digests_which_no_name_can_be() {
        let long = "x".repeat(LONGEST + 1);
        let digest = short(&long);
        assert_eq!(digest.len(), 65);
        assert_ne!(short(&digest), digest);
        assert_eq!(short("ada"), "ada");
    }
}
