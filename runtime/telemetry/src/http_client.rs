//! The HTTP client of what is sent out: spans, checkpoints, records and alerts. It follows no redirect.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Uri};
use http_body_util::Full;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

/// The timeout of a connection attempt.
const CONNECT: Duration = Duration::from_secs(5);

/// What requests say they come from.
pub const USER_AGENT: HeaderValue =
    HeaderValue::from_static(concat!("sandgate/", env!("CARGO_PKG_VERSION")));

/// A client by HTTP/1.1 for one host.
pub type HttpClient = Client<HttpsConnector<HttpConnector>, Full<Bytes>>;

/// A client that keeps one unused connection, and trusts the certificates that browsers trust.
pub fn new() -> HttpClient {
    over(tls(browsers()))
}

/// A client that keeps one unused connection. `ca`: the certificates (PEM) of the authorities that it trusts instead of
/// those that browsers trust.
///
/// # Errors
///
/// `ca` has no certificate, or one that is none.
pub(crate) fn trusting(ca: Option<&[u8]>) -> Result<HttpClient, String> {
    Ok(over(tls_trusting(ca)?))
}

fn over(tls: rustls::ClientConfig) -> HttpClient {
    let mut tcp = HttpConnector::new();
    tcp.enforce_http(false);
    tcp.set_connect_timeout(Some(CONNECT));
    let connector = HttpsConnectorBuilder::new()
        .with_tls_config(tls)
        .https_or_http()
        .enable_http1()
        .wrap_connector(tcp);
    Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .pool_max_idle_per_host(1)
        .build(connector)
}

/// The deepest cause of an error, which says most.
pub fn cause(error: &dyn Error) -> String {
    let mut deepest = error;
    while let Some(deeper) = deepest.source() {
        deepest = deeper;
    }
    deepest.to_string()
}

/// A TLS configuration that trusts these authorities (PEM), or those that browsers trust.
///
/// # Errors
///
/// `ca` has no certificate, or one that is none.
pub(crate) fn tls_trusting(ca: Option<&[u8]>) -> Result<rustls::ClientConfig, String> {
    let Some(ca) = ca else {
        return Ok(tls(browsers()));
    };
    let mut roots = rustls::RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(ca) {
        let certificate = certificate.map_err(|error| format!("`ca` is no PEM: {error}"))?;
        let added = roots.add(certificate);
        added.map_err(|error| format!("`ca` has a certificate that is none: {error}"))?;
    }
    match roots.is_empty() {
        true => Err("`ca` has no certificate".to_owned()),
        false => Ok(tls(roots)),
    }
}

fn browsers() -> rustls::RootCertStore {
    rustls::RootCertStore {
        roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
    }
}

fn tls(roots: rustls::RootCertStore) -> rustls::ClientConfig {
    rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_protocol_versions(rustls::ALL_VERSIONS)
        .map(|builder| builder.with_root_certificates(roots).with_no_client_auth())
        .unwrap_or_else(|_| unreachable!("ring speaks every version"))
}

/// The URL of a path below a base, which may end with a slash or not.
pub fn below(base: &Uri, path: &str) -> Uri {
    let path = format!("{}{path}", base.path().trim_end_matches('/'));
    let mut parts = base.clone().into_parts();
    parts.path_and_query = path.parse().ok();
    Uri::from_parts(parts).unwrap_or_else(|_| base.clone())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_path_is_put_below_its_base() {
        for (base, whole) in [
            ("http://127.0.0.1:4318", "http://127.0.0.1:4318/v1/traces"),
            ("http://127.0.0.1:4318/", "http://127.0.0.1:4318/v1/traces"),
            ("https://x.example/in/", "https://x.example/in/v1/traces"),
        ] {
            assert_eq!(below(&base.parse().unwrap(), "/v1/traces"), whole);
        }
    }
}
