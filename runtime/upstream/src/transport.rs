//! How a server is reached, and what that way can do. The rest of the gateway asks here instead of naming a transport.

use std::path::PathBuf;

use http::{HeaderMap, Uri};

/// How a server is reached.
#[derive(Clone, Debug, PartialEq)]
pub enum Transport {
    /// A child process, spoken to in lines of its standard input and output.
    #[allow(missing_docs)]
    Stdio {
        command: String,
        args: Vec<String>,
        env: Vec<(String, String)>,
        cwd: Option<PathBuf>,
    },
    /// Streamable HTTP.
    #[allow(missing_docs)]
    Http { url: Uri, headers: HeaderMap },
}

impl Transport {
    /// Requests have HTTP headers, some of which mirror params of the body. The server judges by itself whether they do.
    pub fn mirrors_headers(&self) -> bool {
        self.is_http()
    }

    /// Answers have an HTTP status.
    pub fn has_status(&self) -> bool {
        self.is_http()
    }

    /// The server judges the protocol version in a request's headers; for any other, the gateway does.
    pub fn judges_version(&self) -> bool {
        self.is_http()
    }

    /// A client may resume a stream of the server's where it broke off.
    pub fn is_resumable(&self) -> bool {
        self.is_http()
    }

    /// The server is still there after its stream of messages has ended, and the stream can be opened again.
    pub fn outlives_stream(&self) -> bool {
        self.is_http()
    }

    fn is_http(&self) -> bool {
        matches!(self, Self::Http { .. })
    }
}
