//! One repository of a registry: its manifests and blobs, each held to its digest.

use bytes::Bytes;
use http::header::{LOCATION, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use sha2::{Digest as _, Sha256};
use url::Url;

use super::fetch::{self, Answer};
use super::token::{self, Challenge};
use super::{RegistryError, credentials};
use crate::lock::hex;

/// The largest manifest, and the largest list of referrers, in bytes: what registries themselves take.
pub(crate) const MAX_MANIFEST: usize = 4 << 20;
/// The most redirects of one blob.
const MOST_REDIRECTS: usize = 3;
const MANIFESTS: &str = "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, \
                         application/vnd.docker.distribution.manifest.list.v2+json, \
                         application/vnd.docker.distribution.manifest.v2+json";

/// A repository of a registry.
pub(crate) struct Registry {
    /// The registry's own address.
    own: Url,
    /// The repository's name there.
    repository: String,
    /// The value of `Authorization: Basic`.
    basic: Option<String>,
    /// What it asked for before.
    authorization: Option<HeaderValue>,
}

/// What a manifest or an index names.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Descriptor {
    pub(crate) media_type: String,
    pub(crate) digest: String,
    pub(crate) size: u64,
    pub(crate) artifact_type: Option<String>,
    pub(crate) platform: Option<Platform>,
    pub(crate) annotations: std::collections::BTreeMap<String, String>,
}

/// What an image runs on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(crate) struct Platform {
    pub(crate) architecture: String,
    pub(crate) os: String,
}

/// A manifest, or an index of manifests.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Manifest {
    pub(crate) media_type: String,
    pub(crate) config: Option<Descriptor>,
    pub(crate) layers: Vec<Descriptor>,
    /// Of an index.
    pub(crate) manifests: Option<Vec<Descriptor>>,
}

impl Registry {
    /// The repository of an image's name without tag and digest, for example `ghcr.io/example/notes`.
    ///
    /// # Errors
    ///
    /// The name is none.
    pub(crate) fn of(
        name: &str,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, RegistryError> {
        let odd = || RegistryError::Odd {
            url: name.to_owned(),
            why: "it names no registry".into(),
        };
        let (host, repository) = name.split_once('/').ok_or_else(odd)?;
        let (host, repository) = match host {
            // Docker's registry has another name on the network, and short names for its own images.
            "docker.io" if !repository.contains('/') => {
                ("registry-1.docker.io", format!("library/{repository}"))
            }
            "docker.io" => ("registry-1.docker.io", repository.to_owned()),
            host => (host, repository.to_owned()),
        };
        let mut own = Url::parse(&format!("https://{host}/")).map_err(|_| odd())?;
        if super::address::is_loopback(own.host().as_ref()) {
            own = Url::parse(&format!("http://{host}/")).map_err(|_| odd())?;
        }
        Ok(Self {
            own,
            repository,
            basic: credentials::find(name, variable),
            authorization: None,
        })
    }

    /// The manifest or index of a tag or digest, as it was sent. One that is asked for by digest has it.
    ///
    /// # Errors
    ///
    /// The registry gives no such answer; `None`: it has none.
    pub(crate) async fn manifest(
        &mut self,
        reference: &str,
    ) -> Result<Option<Bytes>, RegistryError> {
        let url = self.url("manifests", reference)?;
        let found = self.get(&url, MANIFESTS, MAX_MANIFEST).await?;
        let found = found.map(|found| found.body);
        match &found {
            // No tag has a colon in it.
            Some(body) if reference.contains(':') => held(&url, body, reference)?,
            _ => {}
        }
        Ok(found)
    }

    /// A blob of at most `most` bytes, with the digest that it is asked for by.
    ///
    /// # Errors
    ///
    /// The registry gives no such answer.
    pub(crate) async fn blob(&mut self, digest: &str, most: usize) -> Result<Bytes, RegistryError> {
        let url = self.url("blobs", digest)?;
        let found = self.get(&url, "*/*", most).await?;
        let found = found.ok_or_else(|| RegistryError::Status {
            url: fetch::shown(&url),
            status: 404,
            more: String::new(),
        })?;
        held(&url, &found.body, digest)?;
        Ok(found.body)
    }

    /// What refers to a manifest, where the registry keeps such a list (OCI 1.1), or in the tag that stands for it.
    ///
    /// # Errors
    ///
    /// The registry gives no such answer.
    pub(crate) async fn referrers(
        &mut self,
        digest: &str,
    ) -> Result<Vec<Descriptor>, RegistryError> {
        let url = self.url("referrers", digest)?;
        let index = "application/vnd.oci.image.index.v1+json";
        let found = match self.get(&url, index, MAX_MANIFEST).await {
            Ok(Some(found)) => Some(found.body),
            // Registries that do not know the question say so in several ways.
            Ok(None)
            | Err(RegistryError::Status {
                status: 400 | 405 | 406 | 415,
                ..
            }) => self.manifest(&digest.replace(':', "-")).await?,
            Err(error) => return Err(error),
        };
        let Some(found) = found else {
            return Ok(Vec::new());
        };
        let found: Manifest = parse(&url, &found)?;
        Ok(found.manifests.unwrap_or_default())
    }

    fn url(&self, what: &str, which: &str) -> Result<Url, RegistryError> {
        let path = format!("/v2/{}/{what}/{which}", self.repository);
        let plain = |c: char| c.is_ascii_alphanumeric() || "-._:".contains(c);
        if !which.chars().all(plain) {
            return Err(RegistryError::Odd {
                url: self.own.to_string(),
                why: "it names something that is neither a tag nor a digest".into(),
            });
        }
        self.own.join(&path).map_err(|error| RegistryError::Odd {
            url: path,
            why: error.to_string(),
        })
    }

    /// Asks, answers what the registry asks for first, and follows where it leads. `None`: it has nothing there.
    async fn get(
        &mut self,
        url: &Url,
        accept: &str,
        most: usize,
    ) -> Result<Option<Answer>, RegistryError> {
        let ask = |url: Url, own: Url, authorization: Option<HeaderValue>| async move {
            fetch::get(&url, &own, accept, authorization.as_ref(), most).await
        };
        let own = self.own.clone();
        let mut found = ask(url.clone(), own.clone(), self.authorization.clone()).await?;
        if found.status == StatusCode::UNAUTHORIZED {
            let challenge = found.headers.get(WWW_AUTHENTICATE);
            let challenge = challenge
                .and_then(|one| one.to_str().ok())
                .and_then(Challenge::read);
            if let Some(challenge) = challenge {
                let basic = self.basic.as_deref();
                let given = token::answer(challenge, &own, &self.repository, basic).await?;
                self.authorization = Some(given);
                found = ask(url.clone(), own.clone(), self.authorization.clone()).await?;
            }
        }
        let mut at = url.clone();
        for _ in 0..MOST_REDIRECTS {
            if !found.status.is_redirection() {
                break;
            }
            let to = found.headers.get(LOCATION).and_then(|to| to.to_str().ok());
            let to = to
                .and_then(|to| at.join(to).ok())
                .ok_or_else(|| RegistryError::Odd {
                    url: fetch::shown(&at),
                    why: "it leads nowhere".into(),
                })?;
            // What one is known by is for the registry alone.
            let same = to.origin() == own.origin();
            let authorization = self.authorization.clone().filter(|_| same);
            found = ask(to.clone(), own.clone(), authorization).await?;
            at = to;
        }
        let more = match found.status {
            StatusCode::OK => return Ok(Some(found)),
            StatusCode::NOT_FOUND => return Ok(None),
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN if self.basic.is_none() => {
                "; log in to it (`podman login`)"
            }
            status if status.is_redirection() => ", once too often",
            _ => "",
        };
        Err(RegistryError::Status {
            url: fetch::shown(&at),
            status: found.status.as_u16(),
            more: more.into(),
        })
    }
}

/// Reads what a registry sent.
pub(crate) fn parse<T: DeserializeOwned>(url: &Url, bytes: &[u8]) -> Result<T, RegistryError> {
    serde_json::from_slice(bytes).map_err(|error| RegistryError::Odd {
        url: fetch::shown(url),
        why: format!("it cannot be read: {error}"),
    })
}

/// `sha256:` and the digits of what came.
pub(crate) fn digest(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

fn held(url: &Url, bytes: &[u8], expected: &str) -> Result<(), RegistryError> {
    let found = digest(bytes);
    match found == expected {
        true => Ok(()),
        false => Err(RegistryError::Digest {
            url: fetch::shown(url),
            found,
        }),
    }
}
