//! What the console leaves to the verbs of the command line, so that both show and do the same.

use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

/// Does what verbs of the command line do. Everything here may take a while and blocks its thread.
pub trait Desk: Send + Sync {
    /// The story of a call from its records, as `sandgate why` tells it.
    ///
    /// # Errors
    ///
    /// A record cannot be read.
    fn story(&self, records: Vec<Box<RawValue>>) -> Result<String, String>;

    /// What a promotion of the interceptor's candidate would change.
    ///
    /// # Errors
    ///
    /// There is nothing to promote, or it cannot be.
    fn promotion(&self, interceptor: &str) -> Result<Promotion, String>;

    /// Promotes the interceptor's candidate, in the file and in the gateway, if that still changes what it did when it was
    /// shown: `seen` is [`Promotion::digest`]. Returns what came of it.
    ///
    /// # Errors
    ///
    /// Nothing is promoted.
    fn promote(&self, interceptor: &str, seen: &str) -> Result<String, String>;

    /// Takes the interceptor's candidate out of the file. Returns what came of it.
    ///
    /// # Errors
    ///
    /// Nothing has changed.
    fn reject(&self, interceptor: &str) -> Result<String, String>;

    /// How the tools that servers offer now differ from the approved ones. Servers that are `stopped` are not asked.
    ///
    /// # Errors
    ///
    /// There is no lock file, or a server cannot be asked.
    fn pins(&self, stopped: &[String]) -> Result<ComparedPins, String>;

    /// Approves a tool's difference, if it still is what it was when it was shown: `seen` is its digest. Returns what came of
    /// it.
    ///
    /// # Errors
    ///
    /// It is not approved.
    fn approve(&self, server: &str, tool: &str, seen: &str) -> Result<String, String>;

    /// What a client sees; `groups` for one that is not configured. Servers that are `stopped` are not asked.
    ///
    /// # Errors
    ///
    /// There is no such client, or the configuration cannot be used.
    fn seen(
        &self,
        client: &str,
        groups: Option<Vec<String>>,
        stopped: &[String],
    ) -> Result<Seen, String>;

    /// Holds the call log against its chain, its checkpoints and its anchor.
    ///
    /// # Errors
    ///
    /// It cannot be read.
    fn verify(&self) -> Result<Verified, String>;
}

/// What a promotion would change.
#[derive(Clone, Debug)]
pub struct Promotion {
    /// How the candidate does, and what changes in the file.
    pub plan: String,
    /// What speaks against it.
    pub doubts: Vec<String>,
    /// The digest of what it changes and of the kinds of doubts. Counts that grow with each call are no part of it.
    pub digest: String,
}

/// How tools differ from the approved ones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ComparedPins {
    /// The differences.
    pub differences: Vec<PinDifference>,
    /// The servers that were not asked, since they are stopped.
    pub left_out: Vec<String>,
}

/// How a tool differs from the approved one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PinDifference {
    /// The server.
    pub server: String,
    /// The tool, by the server's own name.
    pub tool: String,
    /// Whether the new definition may do harm.
    pub dangerous: bool,
    /// The difference, in words.
    pub text: String,
}

impl PinDifference {
    /// The digest of the difference, by which it is known again.
    pub fn digest(&self) -> String {
        digest(&self.text)
    }
}

/// The digest of a text, in hexadecimal digits.
pub fn digest(text: &str) -> String {
    sandgate_text::hex::encode(Sha256::digest(text.as_bytes()))
}

/// What a client sees.
#[derive(Clone, Debug)]
pub struct Seen {
    /// The client's groups.
    pub groups: Vec<String>,
    /// The views that are its.
    pub views: Vec<String>,
    /// What it sees of each server.
    pub servers: Vec<SeenServer>,
}

/// What a client sees of one server.
#[derive(Clone, Debug)]
pub struct SeenServer {
    /// The server.
    pub server: String,
    /// Whether the client may know of it.
    pub shown: bool,
    /// What the server lists.
    pub items: Vec<SeenItem>,
    /// Why the server could not be asked.
    pub unasked: Option<String>,
    /// Interceptors that may refuse further calls of this client.
    pub judged_by: Vec<String>,
}

/// Something that a server lists.
#[derive(Clone, Debug)]
pub struct SeenItem {
    /// `tool`, `prompt` or `resource`.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// Whether the client sees it.
    pub seen: bool,
    /// Which view and pattern say so.
    pub why: String,
}

/// What a verification found.
#[derive(Clone, Debug)]
pub struct Verified {
    /// Whether all is as it was written.
    pub verified: bool,
    /// What was found, in words.
    pub text: String,
}
