//! One repository of a registry: its manifests and blobs, each held to its digest.

use bytes::Bytes;
use http::header::{LOCATION, WWW_AUTHENTICATE};
use http::{HeaderValue, Method, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use sha2::{Digest as _, Sha256};
use url::Url;

use super::fetch::{self, Answer, Question};
use super::token::{self, Challenge};
use super::{RegistryError, credentials};
use crate::sha256::sha256;

/// The largest manifest, and the largest list of referrers, in bytes: what registries themselves take.
pub(crate) const MAX_MANIFEST: usize = 4 << 20;
/// The most that a registry may say of what was pushed, in bytes.
const MAX_WORDS: usize = 64 << 10;
/// The media type of a manifest.
pub(crate) const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const OCTETS: &str = "application/octet-stream";
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
    /// What is done there: `pull`, or `pull,push`.
    actions: &'static str,
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
        if super::address::is_local(&own) {
            own = Url::parse(&format!("http://{host}/")).map_err(|_| odd())?;
        }
        Ok(Self {
            own,
            repository,
            basic: credentials::find(name, variable),
            actions: "pull",
            authorization: None,
        })
    }

    /// The same, to push to.
    pub(crate) fn pushing(self) -> Self {
        Self {
            actions: "pull,push",
            ..self
        }
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
        self.join(&path)
    }

    fn join(&self, path: &str) -> Result<Url, RegistryError> {
        self.own.join(path).map_err(|error| RegistryError::Odd {
            url: path.into(),
            why: error.to_string(),
        })
    }

    /// Asks, and answers what the registry asks for first. Nothing is followed.
    async fn ask(&mut self, url: &Url, question: &Question<'_>) -> Result<Answer, RegistryError> {
        // What one is known by is for the registry alone.
        let same = url.origin() == self.own.origin();
        let shown = self.authorization.clone().filter(|_| same);
        let found = fetch::ask(url, &self.own, question, shown.as_ref()).await?;
        if found.status != StatusCode::UNAUTHORIZED || !same {
            return Ok(found);
        }
        let challenge = found.headers.get(WWW_AUTHENTICATE);
        let challenge = challenge
            .and_then(|one| one.to_str().ok())
            .and_then(Challenge::read);
        let Some(challenge) = challenge else {
            return Ok(found);
        };
        let basic = self.basic.as_deref();
        let scope = (&*self.repository, self.actions);
        let given = token::answer(challenge, &self.own, scope, basic).await?;
        let found = fetch::ask(url, &self.own, question, Some(&given)).await;
        self.authorization = Some(given);
        found
    }

    /// Asks, and follows where the registry leads. `None`: it has nothing there.
    async fn get(
        &mut self,
        url: &Url,
        accept: &str,
        most: usize,
    ) -> Result<Option<Answer>, RegistryError> {
        let question = Question::get(accept, most);
        let mut found = self.ask(url, &question).await?;
        let mut at = url.clone();
        for _ in 0..MOST_REDIRECTS {
            if !found.status.is_redirection() {
                break;
            }
            at = led(&at, &found)?;
            let same = at.origin() == self.own.origin();
            let authorization = self.authorization.clone().filter(|_| same);
            found = fetch::ask(&at, &self.own, &question, authorization.as_ref()).await?;
        }
        match found.status {
            StatusCode::OK => Ok(Some(found)),
            StatusCode::NOT_FOUND => Ok(None),
            _ => Err(self.refused(&at, found.status)),
        }
    }

    /// Uploads a blob in one piece, unless the registry has it.
    ///
    /// # Errors
    ///
    /// The registry does not take it.
    pub(crate) async fn put_blob(&mut self, blob: &Bytes) -> Result<(), RegistryError> {
        let digest = digest(blob);
        let url = self.url("blobs", &digest)?;
        let is_there = Question {
            method: Method::HEAD,
            ..Question::get("*/*", MAX_WORDS)
        };
        match self.ask(&url, &is_there).await?.status {
            StatusCode::OK => return Ok(()),
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                return Err(self.refused(&url, StatusCode::UNAUTHORIZED));
            }
            _ => {}
        }
        let path = format!("/v2/{}/blobs/uploads/", self.repository);
        let url = self.join(&path)?;
        let begin = Question {
            method: Method::POST,
            body: Some((OCTETS, Bytes::new())),
            ..Question::get("*/*", MAX_WORDS)
        };
        let begun = self.ask(&url, &begin).await?;
        if begun.status != StatusCode::ACCEPTED {
            return Err(self.refused(&url, begun.status));
        }
        let mut to = led(&url, &begun)?;
        to.query_pairs_mut().append_pair("digest", &digest);
        let send = Question {
            method: Method::PUT,
            body: Some((OCTETS, blob.clone())),
            ..Question::get("*/*", MAX_WORDS)
        };
        let sent = self.ask(&to, &send).await?;
        match sent.status {
            StatusCode::CREATED => Ok(()),
            _ => Err(self.refused(&to, sent.status)),
        }
    }

    /// Puts a manifest under a tag. Its blobs are there.
    ///
    /// # Errors
    ///
    /// The registry does not take it.
    pub(crate) async fn put_manifest(
        &mut self,
        tag: &str,
        manifest: Bytes,
    ) -> Result<(), RegistryError> {
        let url = self.url("manifests", tag)?;
        let send = Question {
            method: Method::PUT,
            body: Some((MANIFEST, manifest)),
            ..Question::get("*/*", MAX_WORDS)
        };
        let sent = self.ask(&url, &send).await?;
        match sent.status {
            StatusCode::CREATED => Ok(()),
            _ => Err(self.refused(&url, sent.status)),
        }
    }

    fn refused(&self, at: &Url, status: StatusCode) -> RegistryError {
        let more = match status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN if self.basic.is_none() => {
                "; log in to it (`podman login`)"
            }
            status if status.is_redirection() => ", once too often",
            _ => "",
        };
        RegistryError::Status {
            url: fetch::shown(at),
            status: status.as_u16(),
            more: more.into(),
        }
    }
}

/// Where an answer leads.
fn led(at: &Url, found: &Answer) -> Result<Url, RegistryError> {
    let to = found.headers.get(LOCATION).and_then(|to| to.to_str().ok());
    to.and_then(|to| at.join(to).ok())
        .ok_or_else(|| RegistryError::Odd {
            url: fetch::shown(at),
            why: "it leads nowhere".into(),
        })
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
    sha256(&Sha256::digest(bytes))
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
