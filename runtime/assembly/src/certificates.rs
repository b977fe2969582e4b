//! The certificates of the configuration: the gateway's own, and those of the authorities behind its servers.

use std::path::Path;
use std::time::{Duration, SystemTime};

use sandgate_config::{Issue, Loaded, Severity, Side};
use sandgate_gateway::{Authorities, Identity};

/// The largest file, in bytes: far more than any chain of certificates needs.
const LARGEST: u64 = 1 << 20;
/// How long before its end a certificate is warned of: time enough to get another one.
const SOON: Duration = Duration::from_secs(14 * 24 * 60 * 60);

/// The certificate that the gateway shows its clients, and a warning if it expires soon.
///
/// # Errors
///
/// The files cannot be used. The issue is at its place in the configuration.
pub(super) fn identity(loaded: &Loaded) -> Result<(Option<Identity>, Option<Issue>), Issue> {
    let Some(tls) = &loaded.config.gateway.tls else {
        return Ok((None, None));
    };
    let (chain, key) = (
        read(loaded, "/gateway/tls/cert", &tls.cert)?,
        read(loaded, "/gateway/tls/key", &tls.key)?,
    );
    let now = SystemTime::now();
    let clients = tls.client_ca.as_ref();
    let clients = clients.map(|path| authorities(loaded, "/gateway/tls/client-ca", path));
    let clients = clients.transpose()?;
    let identity = Identity::from_pem(&chain, &key, clients.as_ref(), now).map_err(|error| {
        let (place, path) = match error.is_about_key() {
            true => ("/gateway/tls/key", &tls.key),
            false => ("/gateway/tls/cert", &tls.cert),
        };
        unusable(loaded, place, path, &error)
    })?;
    let left = identity.until().duration_since(now).unwrap_or_default();
    let soon = (left < SOON).then(|| {
        let days = left.as_secs() / (24 * 60 * 60);
        let why = format!("{} expires in {days} days", tls.cert.display());
        let issue = loaded.error("/gateway/tls/cert", Side::Value, why);
        Issue {
            severity: Severity::Warning,
            ..issue.help("put another in its place: it is in use as soon as it is there")
        }
    });
    Ok((Some(identity), soon))
}

/// The authorities that may vouch for somebody, from the file at a place of the configuration.
///
/// # Errors
///
/// The file cannot be read, or has no certificates in PEM. The issue is at the place.
pub(super) fn authorities(loaded: &Loaded, place: &str, path: &Path) -> Result<Authorities, Issue> {
    let text = read(loaded, place, path)?;
    Authorities::from_pem(&text).map_err(|error| unusable(loaded, place, path, &error))
}

fn read(loaded: &Loaded, place: &str, path: &Path) -> Result<Vec<u8>, Issue> {
    loaded.files.read(path, LARGEST).map_err(|error| {
        let issue = loaded.error(place, Side::Value, error);
        issue.help("correct the path, or let the gateway's user read the file")
    })
}

fn unusable(loaded: &Loaded, place: &str, path: &Path, why: &dyn std::error::Error) -> Issue {
    let issue = loaded.error(place, Side::Value, format!("{}: {why}", path.display()));
    issue.help(
        "give a file in PEM that is valid now, the key with the certificate that it belongs to",
    )
}
