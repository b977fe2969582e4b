//! Which legacy sessions use one child: those that its program could not tell apart.

pub(crate) mod children;
pub(crate) mod session;

use std::sync::Arc;

use sandgate_message::{Account, Json};
use serde_json::Value;

/// Which legacy sessions of a stdio server use one child.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Share {
    /// Each has its own.
    #[default]
    None,
    /// Those of one principal.
    Principal,
    /// Everybody's: what the program keeps in memory is one for all callers.
    All,
}

/// Whose a session is: a client of the configuration, or, without one, who calls from an address.
#[derive(Clone, Debug)]
pub(crate) struct Owner {
    /// By identity: a client whose key has changed is another one, whatever its name.
    principal: Option<Arc<str>>,
    account: Account,
}

impl Owner {
    pub(crate) fn new(principal: Option<&Arc<str>>, account: &Account) -> Self {
        Self {
            principal: principal.cloned(),
            account: account.clone(),
        }
    }

    pub(crate) fn account(&self) -> &Account {
        &self.account
    }
}

impl PartialEq for Owner {
    fn eq(&self, other: &Self) -> bool {
        let same = match (&self.principal, &other.principal) {
            (None, None) => true,
            (Some(one), Some(other)) => Arc::ptr_eq(one, other),
            _ => false,
        };
        same && self.account == other.account
    }
}

/// What sessions have in common that use one child.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ShareKey {
    /// None: everybody's.
    owner: Option<Owner>,
    initialize: Value,
}

impl ShareKey {
    /// Of a session that begins with these params of `initialize`. Everything in them counts but the name of the client
    /// and what concerns the request alone; the order of members and their spelling do not.
    pub(crate) fn new(owner: Option<Owner>, initialize: &Json) -> Self {
        let text = initialize.as_str();
        // What has no value here (a number out of range) is equal to the same text alone.
        let mut initialize = serde_json::from_str(text).unwrap_or_else(|_| text.into());
        if let Value::Object(members) = &mut initialize {
            members.remove("clientInfo");
            members.remove("_meta");
        }
        Self { owner, initialize }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use sandgate_message::Limits;

    use super::*;

    fn share_key(params: &str) -> ShareKey {
        let params = Json::parse(params.to_owned(), &Limits::default()).unwrap();
        ShareKey::new(None, &params)
    }

    #[test]
    fn the_client_and_the_spelling_make_no_difference_and_all_else_does() {
        let one = r#"{"protocolVersion":"1","capabilities":{"roots":{},"a":[1]},"clientInfo":{"name":"a"}}"#;
        let spelt = r#"{"capabilities": {"a":[1], "\u0072oots":{}}, "protocolVersion":"1","_meta":{"x":1}}"#;
        assert_eq!(share_key(one), share_key(spelt));
        for other in [
            r#"{"protocolVersion":"2","capabilities":{"roots":{},"a":[1]}}"#,
            r#"{"protocolVersion":"1","capabilities":{"roots":{"clientInfo":1},"a":[1]}}"#,
            r#"{"protocolVersion":"1","capabilities":{"roots":{},"a":["1"]}}"#,
            r#"{"protocolVersion":"1","capabilities":{"roots":{},"a":[1]},"x":1}"#,
            r#"{"protocolVersion":"1"}"#,
        ] {
            assert_ne!(share_key(one), share_key(other), "{other}");
        }
    }

    #[test]
    fn a_client_of_the_same_name_with_another_key_is_another_owner() {
        let (before, now): (Arc<str>, Arc<str>) = ("ada".into(), "ada".into());
        let account = Account::Client("ada".into());
        let owner = |name: Option<&Arc<str>>| Owner::new(name, &account);
        assert_eq!(owner(Some(&before)), owner(Some(&before)));
        assert_ne!(owner(Some(&before)), owner(Some(&now)));
        assert_ne!(owner(Some(&before)), owner(None));
        let from = |address: &str| Owner::new(None, &Account::Address(address.into()));
        assert_eq!(from("192.0.2.1"), from("192.0.2.1"));
        assert_ne!(from("192.0.2.1"), from("192.0.2.2"));
    }
}
