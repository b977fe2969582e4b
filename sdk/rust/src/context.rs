//! Who calls what, as the gateway established it.

use std::time::Duration;

use crate::bindings::contract::call;
use crate::document::{Document, Source};

/// The exchange that a hook looks at. Each method asks the gateway.
pub struct Context<'a>(pub(crate) Exchange<'a>);

pub(crate) enum Exchange<'a> {
    Gateway(&'a call::Context),
    #[cfg(not(target_family = "wasm"))]
    Memory(
        Box<crate::testing::Exchange>,
        std::marker::PhantomData<&'a ()>,
    ),
}

macro_rules! ask {
    ($self:ident.$method:ident($($argument:expr),*)) => {
        match &$self.0 {
            Exchange::Gateway(context) => context.$method($($argument),*),
            #[cfg(not(target_family = "wasm"))]
            Exchange::Memory(context, _) => context.$method($($argument),*),
        }
    };
}

impl Context<'_> {
    /// The same for the request and its reply, and in the call log.
    pub fn id(&self) -> String {
        ask!(self.id())
    }

    /// MCP method, for example `tools/call`.
    pub fn method(&self) -> String {
        ask!(self.method())
    }

    /// `client-to-server` or `server-to-client`.
    pub fn direction(&self) -> String {
        ask!(self.direction())
    }

    /// The server's name in the gateway's configuration.
    pub fn server(&self) -> String {
        ask!(self.server())
    }

    /// Tool or prompt name or resource URI, by the server's own name for it.
    pub fn target(&self) -> Option<String> {
        ask!(self.target())
    }

    /// A keyed pseudonym of the conversation, where the protocol has one.
    pub fn session(&self) -> Option<String> {
        ask!(self.session())
    }

    /// The authenticated caller; none when anonymous.
    pub fn principal(&self) -> Option<String> {
        ask!(self.principal())
    }

    /// The definition the server gave of the target (description, schemas, annotations) as JSON text.
    pub fn definition(&self) -> Option<String> {
        ask!(self.definition())
    }

    /// In a post-call: the params as they were sent; none where the gateway cannot know them.
    pub fn params(&self) -> Option<Document<'static>> {
        match &self.0 {
            Exchange::Gateway(context) => Some(Document(Source::Owned(context.params()?))),
            #[cfg(not(target_family = "wasm"))]
            Exchange::Memory(context, _) => Some(Document(Source::Memory(context.params()?))),
        }
    }

    /// In a post-call: the reply is a JSON-RPC error, and the document is the error object.
    pub fn failed(&self) -> bool {
        ask!(self.failed())
    }

    /// What is left for this hook run.
    pub fn remaining(&self) -> Duration {
        Duration::from_micros(ask!(self.remaining_us()))
    }

    /// Leaves a note for this interceptor's post-call of the same exchange, which runs in another instance.
    pub fn carry(&self, note: &[u8]) {
        ask!(self.carry(note))
    }

    /// The note that this interceptor's pre-call left.
    pub fn carried(&self) -> Option<Vec<u8>> {
        ask!(self.carried())
    }

    /// Anything else by name, for example `client.name`, `protocol.version`.
    pub fn attribute(&self, name: &str) -> Option<String> {
        ask!(self.attribute(name))
    }

    /// The caller's groups.
    pub fn groups(&self) -> Vec<String> {
        self.attribute("groups")
            .and_then(|groups| serde_json::from_str(&groups).ok())
            .unwrap_or_default()
    }
}
