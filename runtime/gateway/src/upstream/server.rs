//! One configured server.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, Uri};
use sandgate_message::{Era, Limits};

use super::{Conversation, Definitions, ServerError};

/// How to reach a server, and how much it is trusted with.
#[derive(Clone, Debug)]
pub struct ServerConfig {
    /// Its name in the configuration.
    pub name: Arc<str>,
    /// The way there.
    pub transport: Transport,
    /// For a TCP connection, and for a child process to answer the first question.
    pub connect_timeout: Duration,
    /// The longest silence while a request is under way; whatever arrives for it starts it anew.
    pub request_timeout: Duration,
    /// Of one message.
    pub limits: Limits,
}

/// The way to a server.
#[derive(Clone, Debug)]
pub enum Transport {
    /// A child process, spoken to in lines.
    #[allow(missing_docs)]
    Stdio { command: String, args: Vec<String>, env: Vec<(String, String)>, cwd: Option<PathBuf> },
    /// Streamable HTTP.
    #[allow(missing_docs)]
    Http { url: Uri, headers: HeaderMap },
}

/// Which eras a server speaks, as far as is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Eras {
    /// None: not known.
    pub legacy: Option<bool>,
    /// None: not known.
    pub modern: Option<bool>,
}

impl Eras {
    /// Whether it speaks this one; none: not known.
    pub fn speaks(self, era: Era) -> Option<bool> {
        match era {
            Era::Legacy => self.legacy,
            Era::Modern => self.modern,
        }
    }
}

/// One configured server. A changed configuration is another `Server`.
#[derive(Debug)]
pub struct Server {
    config: ServerConfig,
    definitions: Definitions,
}

impl Server {
    /// Starts nothing and connects to nothing.
    pub fn new(config: ServerConfig) -> Arc<Self> {
        Arc::new(Self { config, definitions: Definitions::default() })
    }
    /// As it was given.
    pub fn config(&self) -> &ServerConfig {
        &self.config
    }
    /// Its name in the configuration.
    pub fn name(&self) -> &Arc<str> {
        &self.config.name
    }
    /// Which eras it speaks. A stdio server is asked once (`server/discover`, with a timeout) and what it said is
    /// remembered; of an HTTP server it is what has been learnt so far, without asking.
    pub async fn era(&self) -> Result<Eras, ServerError> {
        todo!()
    }
    /// The same, but an HTTP server is asked too where nothing is known.
    pub async fn probe(&self) -> Result<Eras, ServerError> {
        todo!()
    }
    /// Opens a conversation. Legacy: a child process or an upstream session of its own. Modern: one shared child, or
    /// stateless HTTP.
    pub async fn converse(self: &Arc<Self>, era: Era) -> Result<Arc<Conversation>, ServerError> {
        let _ = era;
        todo!()
    }
    /// What it was last seen to offer.
    pub fn definitions(&self) -> &Definitions {
        &self.definitions
    }
    /// Ends its children and refuses further conversations.
    pub async fn close(&self) {
        todo!()
    }
}
