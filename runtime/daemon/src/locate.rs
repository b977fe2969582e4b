//! Locates the running gateway that a verb is to ask.

use std::path::{Path, PathBuf};

use sandgate_config::{Destination, Environment, Files};

use crate::admin::SocketPath;
use crate::glimpse::glimpse;

/// A located gateway, and what its configuration says of how to ask it. A configuration that is wrong by now is often
/// the very reason to ask, so only what is needed is read of it.
#[derive(Clone, Debug)]
pub struct Located {
    /// The gateway's admin socket. `None` if it has none.
    pub socket: Option<SocketPath>,
    /// The configuration's file.
    pub config: PathBuf,
    /// The call log's file, if the log goes to a file.
    pub call_log: Option<PathBuf>,
}

/// Why the gateway cannot be located.
#[derive(Debug, thiserror::Error)]
#[error(
    "{0}; name the configuration with --config FILE, or the gateway's socket with --admin PATH"
)]
pub struct Unknown(String);

impl Located {
    /// Locates a gateway by its socket (`--admin`), else by its configuration.
    ///
    /// # Errors
    ///
    /// The configuration cannot be read, and there is no `--admin`.
    pub fn of(
        file: &Path,
        admin: Option<&Path>,
        environment: &Environment,
    ) -> Result<Self, Unknown> {
        let seen = glimpse(file);
        let socket = match (admin, &seen) {
            (Some(path), _) => Some(SocketPath {
                path: path.to_owned(),
                configured: true,
            }),
            (None, Err(error)) => return Err(Unknown(error.to_string())),
            (None, Ok(seen)) => SocketPath::of(file, seen.admin.as_ref(), environment),
        };
        let call_log = match seen.ok().and_then(|seen| seen.call_log) {
            Some(Destination::File(path)) => Some(Files::beside(file).path(&path)),
            _ => None,
        };
        Ok(Self {
            socket,
            config: file.to_owned(),
            call_log,
        })
    }

    /// The gateway's admin socket.
    ///
    /// # Errors
    ///
    /// The configuration says that the gateway has no socket.
    pub fn socket(&self) -> Result<&SocketPath, Unknown> {
        self.socket.as_ref().ok_or_else(|| {
            Unknown("the configuration says `admin = \"none\"`: nobody can ask this gateway".into())
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn locate(file: &Path, admin: Option<&str>) -> Result<Located, Unknown> {
        Located::of(file, admin.map(Path::new), &Environment::default())
    }

    #[test]
    fn a_configuration_that_is_wrong_by_now_still_says_where_to_ask() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("sandgate.toml");
        let text = "[gateway]\nadmin = \"run/a.sock\"\nlisten = 7\n[call-log]\nto = \"calls.jsonl\"\n[oops\n";
        std::fs::write(&file, text).unwrap();
        let located = locate(&file, None).unwrap();
        let socket = located.socket().unwrap();
        assert_eq!(socket.path, folder.path().join("run/a.sock"));
        assert_eq!(located.call_log, Some(folder.path().join("calls.jsonl")));
    }

    #[test]
    fn a_socket_that_is_named_needs_no_configuration() {
        let missing = Path::new("/nonexistent/sandgate.toml");
        let named = locate(missing, Some("a.sock")).unwrap();
        assert_eq!(named.socket().unwrap().path, Path::new("a.sock"));
        let said = locate(missing, None).unwrap_err().to_string();
        assert!(said.contains("/nonexistent/sandgate.toml"), "{said}");
        assert!(said.contains("--admin"), "{said}");
    }

    #[test]
    fn none_is_said_to_be_none() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("sandgate.toml");
        std::fs::write(&file, "[gateway]\nadmin = \"none\"\n").unwrap();
        let located = locate(&file, None).unwrap();
        let said = located.socket().unwrap_err().to_string();
        assert!(said.contains("nobody can ask"), "{said}");
    }
}
