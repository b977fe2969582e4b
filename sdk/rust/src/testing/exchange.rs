//! A context in memory.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::marker::PhantomData;

use crate::context::{self, Context};
use crate::testing::document::Memory;
use crate::testing::stop::{over, stop};

/// Bytes of a note.
const NOTE: usize = 64 << 10;

/// A `client-to-server` context of an anonymous caller on the server `server`, to be filled in.
pub fn context(method: &str) -> ContextBuilder {
    ContextBuilder(Exchange {
        id: "test".into(),
        method: method.into(),
        direction: "client-to-server".into(),
        server: "server".into(),
        ..Exchange::default()
    })
}

/// Made by [`context`].
pub struct ContextBuilder(Exchange);

#[derive(Default)]
pub(crate) struct Exchange {
    id: String,
    method: String,
    direction: String,
    server: String,
    target: Option<String>,
    session: Option<String>,
    principal: Option<String>,
    definition: Option<String>,
    params: Option<Memory>,
    failed: bool,
    carried: Option<Vec<u8>>,
    /// What this run leaves for the post-call.
    note: RefCell<Option<Vec<u8>>>,
    attributes: BTreeMap<String, String>,
}

macro_rules! texts {
    ($($(#[$doc:meta])* $name:ident)*) => {
        $($(#[$doc])*
        #[must_use]
        pub fn $name(mut self, $name: &str) -> Self {
            self.0.$name = Some($name.into());
            self
        })*
    };
}

impl ContextBuilder {
    texts! {
        /// Tool or prompt name or resource URI.
        target
        /// The conversation's pseudonym.
        session
        /// The authenticated caller.
        principal
        /// The target's definition, as JSON text.
        definition
    }

    /// Which way the request or notification goes: `client-to-server`, unless said otherwise, or `server-to-client`.
    #[must_use]
    pub fn direction(mut self, direction: &str) -> Self {
        self.0.direction = direction.into();
        self
    }

    /// The server's name.
    #[must_use]
    pub fn server(mut self, server: &str) -> Self {
        self.0.server = server.into();
        self
    }

    /// The caller's groups.
    #[must_use]
    pub fn groups(self, groups: &[&str]) -> Self {
        let groups = serde_json::Value::from(groups.to_vec()).to_string();
        self.attribute("groups", &groups)
    }

    /// Any attribute.
    #[must_use]
    pub fn attribute(mut self, name: &str, value: &str) -> Self {
        self.0.attributes.insert(name.into(), value.into());
        self
    }

    /// In a post-call: the params as they were sent.
    ///
    /// # Panics
    /// On a text that is no JSON.
    #[must_use]
    pub fn params(mut self, json: &str) -> Self {
        self.0.params = Some(Memory::parse(json));
        self
    }

    /// In a post-call: the reply is an error.
    #[must_use]
    pub fn failed(mut self) -> Self {
        self.0.failed = true;
        self
    }

    /// In a post-call: what the pre-call left with [`Context::carry`].
    #[must_use]
    pub fn carried(mut self, note: &[u8]) -> Self {
        self.0.carried = Some(note.into());
        self
    }

    /// The context.
    pub fn build(self) -> Context<'static> {
        Context(context::Exchange::Memory(Box::new(self.0), PhantomData))
    }
}

impl Exchange {
    pub(crate) fn id(&self) -> String {
        self.id.clone()
    }
    pub(crate) fn method(&self) -> String {
        self.method.clone()
    }
    pub(crate) fn direction(&self) -> String {
        self.direction.clone()
    }
    pub(crate) fn server(&self) -> String {
        self.server.clone()
    }
    pub(crate) fn target(&self) -> Option<String> {
        self.target.clone()
    }
    pub(crate) fn session(&self) -> Option<String> {
        self.session.clone()
    }
    pub(crate) fn principal(&self) -> Option<String> {
        self.principal.clone()
    }
    pub(crate) fn definition(&self) -> Option<String> {
        self.definition.clone()
    }
    pub(crate) fn params(&self) -> Option<Memory> {
        self.params.clone()
    }
    pub(crate) fn failed(&self) -> bool {
        self.failed
    }
    pub(crate) fn remaining_us(&self) -> u64 {
        1_000_000
    }
    pub(crate) fn carry(&self, note: &[u8]) {
        if note.len() > NOTE {
            stop(over("bytes carried to the post-call"))
        }
        self.note.replace(Some(note.into()));
    }
    pub(crate) fn carried(&self) -> Option<Vec<u8>> {
        self.carried.clone()
    }
    /// A run begins, which has left nothing yet.
    pub(crate) fn begin(&self) {
        self.note.take();
    }
    /// What the run has left.
    pub(crate) fn left(&self) -> Option<Vec<u8>> {
        self.note.take()
    }
    pub(crate) fn attribute(&self, name: &str) -> Option<String> {
        self.attributes.get(name).cloned()
    }
}
