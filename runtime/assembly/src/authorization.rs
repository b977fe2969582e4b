//! The issuers of tokens, and what their tokens must grant.

use std::sync::Arc;

use sandgate_config::{Issue, Loaded, Report, Resolved, ResolvedServer, Secret, Side};
use sandgate_gateway::issuer::{
    Algorithm, Exchange, ExchangeConfig, Introspection, Issuer, IssuerConfig,
};
use sandgate_gateway::{Authorization, Scopes};
use zeroize::Zeroizing;

use crate::certificates;
use crate::views::patterns;

/// The issuers in force. One whose settings do not change stays, with its keys.
#[derive(Default)]
pub(crate) struct Issuers(Vec<Arc<Issuer>>);

impl Issuers {
    /// The issuers of a configuration, and what is wrong with them.
    pub(crate) fn next(&self, loaded: &Loaded, resolved: &Resolved) -> (Self, Vec<Issue>) {
        let mut issues = Vec::new();
        let Some(authorization) = &loaded.config.authorization else {
            return (Self::default(), issues);
        };
        let mut all = Vec::new();
        for (index, issuer) in authorization.issuers.iter().enumerate() {
            let secret = resolved.introspection.get(index).and_then(Option::as_ref);
            match config(loaded, index, issuer, secret) {
                Ok(config) => {
                    let same = self.0.iter().find(|one| *one.config() == config);
                    all.push(
                        same.cloned()
                            .unwrap_or_else(|| Arc::new(Issuer::new(config))),
                    );
                }
                Err(issue) => issues.push(issue),
            }
        }
        (Self(all), issues)
    }
}

/// How clients with tokens are admitted; `None` where none are.
///
/// # Errors
///
/// A pattern of a scope holds what is no glob.
pub(crate) fn of(
    loaded: &Loaded,
    issuers: &Issuers,
    servers: &[Arc<str>],
) -> Result<Option<Authorization>, Report> {
    let Some(written) = &loaded.config.authorization else {
        return Ok(None);
    };
    let scopes = written.scopes.of.iter();
    let scopes = scopes.map(|(scope, needed)| (scope.clone(), patterns(needed)));
    let scopes = Scopes::new(written.scopes.baseline.clone(), scopes.collect(), servers)
        .map_err(|error| loaded.report(vec![Issue::error(None, error.to_string())]))?;
    let public = loaded.config.gateway.public_url.as_ref();
    // The file's rules ask for one of the two.
    let resource = written.resource.as_ref().or(public);
    let resource = resource.map(|url| url.0.clone()).unwrap_or_default();
    Ok(Some(Authorization::new(
        issuers.0.clone(),
        resource,
        scopes,
    )))
}

fn config(
    loaded: &Loaded,
    index: usize,
    written: &sandgate_config::Issuer,
    secret: Option<&Secret>,
) -> Result<IssuerConfig, Issue> {
    let ca = written.ca.as_ref();
    let roots = ca.map(|path| {
        let place = format!("/authorization/issuers/{index}/ca");
        certificates::authorities(loaded, &place, path)
    });
    let introspection = written.introspection.as_ref().map(|it| Introspection {
        endpoint: it.endpoint.as_ref().map(|url| url.0.to_string()),
        client_id: it.client_id.clone(),
        client_secret: Zeroizing::new(secret.map(|it| it.expose().to_owned()).unwrap_or_default()),
    });
    let algorithms = written.algorithms.iter();
    let claims = loaded.config.authorization.iter().flat_map(|it| &it.claims);
    let config = IssuerConfig {
        issuer: written.issuer.0.clone(),
        algorithms: algorithms
            .filter_map(|one| Algorithm::named(one.as_str()))
            .collect(),
        typ: written.token_type.as_str().to_owned(),
        audiences: written.audiences.clone(),
        principal: written.principal.0.clone(),
        prefix: written.prefix.clone(),
        groups: written.groups.as_ref().map(|pointer| pointer.0.clone()),
        claims: claims.cloned().collect(),
        jwks_uri: written.jwks_uri.as_ref().map(|url| url.0.to_string()),
        introspection,
        loopback_http: written.loopback_http,
        roots: roots.transpose()?.map(|authorities| authorities.0),
    };
    config.check().map_err(|(key, why)| {
        let place = format!("/authorization/issuers/{index}/{key}");
        let issue = loaded.error(&place, Side::Value, why);
        issue.help("write an https URL without a user name or fragment")
    })?;
    Ok(config)
}

/// How clients' tokens are exchanged for a server; `None` where they are not.
///
/// # Errors
///
/// Requests may not go to the endpoint, or its authorities cannot be read.
pub(crate) fn exchange(
    loaded: &Loaded,
    name: &str,
    server: &sandgate_config::Server,
    values: &ResolvedServer,
) -> Result<Option<Arc<Exchange>>, Issue> {
    let Some(written) = &server.exchange else {
        return Ok(None);
    };
    let ca = written.ca.as_ref().map(|path| {
        let place = format!("/servers/{name}/exchange/ca");
        certificates::authorities(loaded, &place, path)
    });
    let secret = values.exchange.as_ref().map(Secret::expose);
    let exchange = Exchange::new(ExchangeConfig {
        token_endpoint: written.token_endpoint.0.to_string(),
        client_id: written.client_id.clone(),
        client_secret: Zeroizing::new(secret.unwrap_or_default().to_owned()),
        audience: written.audience.clone(),
        scope: written.scope.clone(),
        loopback_http: written.loopback_http,
        roots: ca.transpose()?.map(|authorities| authorities.0),
    });
    exchange
        .map(|exchange| Some(Arc::new(exchange)))
        .map_err(|why| {
            let place = format!("/servers/{name}/exchange/token-endpoint");
            let issue = loaded.error(&place, Side::Value, why);
            issue.help("write an https URL without a user name or fragment")
        })
}
