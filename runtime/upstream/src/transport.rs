//! The transports to servers and their properties. The rest of the gateway asks for a property instead of naming a
//! transport.

use std::path::PathBuf;

use http::{HeaderMap, Uri};

/// The transport to a server.
#[derive(Clone, Debug, PartialEq)]
pub enum Transport {
    /// A child process with messages as lines on its standard input and output.
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
    /// Whether requests have HTTP headers, some of which mirror params. The server itself checks whether they match.
    pub fn mirrors_headers(&self) -> bool {
        self.is_http()
    }

    /// Whether answers have an HTTP status.
    pub fn has_status(&self) -> bool {
        self.is_http()
    }

    /// Whether the server judges the protocol version in a request's headers; for any other, the gateway does.
    pub fn judges_version(&self) -> bool {
        self.is_http()
    }

    /// Whether a client may resume a broken stream of the server.
    pub fn is_resumable(&self) -> bool {
        self.is_http()
    }

    /// Whether the server survives the end of its message stream, which can then be opened again.
    pub fn outlives_stream(&self) -> bool {
        self.is_http()
    }

    fn is_http(&self) -> bool {
        match self {
            Self::Http { .. } => true,
            Self::Stdio { .. } => false,
        }
    }
}
