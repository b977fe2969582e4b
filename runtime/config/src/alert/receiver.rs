//! Receivers of alerts, with the values that they need from outside the file.

use zeroize::Zeroizing;

use super::{Alert, Syslog, signing_key, slack_url};
use crate::scalar::Mistake;
use crate::secret::{Secret, Sources, ValueOrRef};

/// A receiver of alerts.
#[derive(Clone, PartialEq, Eq)]
pub enum Receiver {
    /// JSON is posted to it.
    Webhook {
        /// Where.
        url: http::Uri,
        /// What it is signed with. `None`: it is not signed.
        key: Option<Zeroizing<Vec<u8>>>,
    },
    /// An incoming webhook of Slack. Its URL is a secret.
    Slack(http::Uri),
    /// A Prometheus Alertmanager, by its base URL.
    Alertmanager(http::Uri),
    /// Syslog.
    Syslog(Syslog),
}

impl std::fmt::Debug for Receiver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.shown())
    }
}

impl Receiver {
    /// The receiver, as operators are shown it: without what may be a secret, which is all after a URL's host.
    pub fn shown(&self) -> String {
        let host = |url: &http::Uri| {
            let scheme = url.scheme_str().unwrap_or_default();
            let host = url.authority().map_or("", |authority| authority.as_str());
            format!("{scheme}://{host}")
        };
        match self {
            Self::Webhook { url, key: Some(_) } => format!("webhook {} (signed)", host(url)),
            Self::Webhook { url, key: None } => format!("webhook {}", host(url)),
            Self::Slack(url) => format!("slack {}", host(url)),
            Self::Alertmanager(url) => format!("alertmanager {}", host(url)),
            Self::Syslog(to) => format!("syslog {to}"),
        }
    }
}

impl Alert {
    /// The receiver, and the secrets that it was made of.
    ///
    /// # Errors
    ///
    /// A value cannot be had, or is none that the receiver takes: the key of `to` that has it, and why.
    pub(crate) fn receiver(
        &self,
        sources: Sources<'_>,
    ) -> Result<(Receiver, Vec<Secret>), (&'static str, String)> {
        let fetch = |key: &'static str, given: &ValueOrRef| {
            given
                .resolve(sources)
                .map_err(|error| (key, error.to_string()))
        };
        let odd = |key: &'static str| {
            move |mistake: Mistake| (key, format!("the value {}; {}", mistake.why, mistake.help))
        };
        let to = &self.to;
        if let Some(url) = &to.webhook {
            let secret = match &to.secret {
                Some(given) => Some(fetch("secret", given)?),
                None => None,
            };
            let key = secret
                .as_ref()
                .map(|secret| signing_key(secret.expose()).map(Zeroizing::new))
                .transpose()
                .map_err(odd("secret"))?;
            let url = url.0.clone();
            return Ok((Receiver::Webhook { url, key }, secret.into_iter().collect()));
        }
        if let Some(given) = &to.slack {
            let secret = fetch("slack", given)?;
            let url = slack_url(secret.expose()).map_err(odd("slack"))?;
            return Ok((Receiver::Slack(url), vec![secret]));
        }
        if let Some(url) = &to.alertmanager {
            return Ok((Receiver::Alertmanager(url.0.clone()), Vec::new()));
        }
        match &to.syslog {
            Some(syslog) => Ok((Receiver::Syslog(syslog.clone()), Vec::new())),
            // The rules have told it before.
            None => Err(("webhook", "there is no receiver".to_owned())),
        }
    }

    /// The values from outside the file that it needs.
    pub(crate) fn given(&self) -> impl Iterator<Item = &ValueOrRef> {
        self.to.secret.iter().chain(&self.to.slack)
    }
}
