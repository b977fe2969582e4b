//! Sharing of children by legacy sessions that the program cannot tell apart.

pub(crate) mod children;
pub(crate) mod session;

use std::sync::Arc;

use sandgate_message::{Account, Json};
use serde_json::Value;

/// Which legacy sessions of a stdio server share one child.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Share {
    /// Each session has a child of its own.
    #[default]
    None,
    /// The sessions of one principal share a child.
    Principal,
    /// All sessions share a child: what the program keeps in memory is common to all callers.
    All,
}

/// The owner of a session: a configured client or, without one, an address.
#[derive(Clone, Debug)]
pub(crate) struct Owner {
    /// Compared by identity: a client whose key has changed is another owner, even with the same name.
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

/// What sessions must have in common to share a child.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ShareKey {
    /// The owner; `None` if all callers share.
    owner: Option<Owner>,
    initialize: Value,
}

impl ShareKey {
    /// The key of a session with these `initialize` params. All of them count, except for the client's name and
    /// `_meta`; the order and spelling of members do not matter.
    pub(crate) fn new(owner: Option<Owner>, initialize: &Json) -> Self {
        let text = initialize.as_str();
        // Params that serde cannot represent (a number out of range) only equal the same text.
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
