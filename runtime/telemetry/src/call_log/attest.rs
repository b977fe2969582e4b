//! Checkpoints of the call log, from time to time, and where they are kept as well.

use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue, USER_AGENT};
use http::{Method, Request, Uri};
use http_body_util::Full;
use sandgate_config::{Anchor, Audit, FileError, Files};
use tokio_util::sync::CancellationToken;

use super::CallLogWriter;
use crate::http_client::{self, HttpClient};

/// The timeout of one request to an anchor.
const TIMEOUT: Duration = Duration::from_secs(10);

impl CallLogWriter {
    /// Signs a checkpoint whenever there are new lines and `every` is over, and has the anchor keep it. Ends with a last
    /// checkpoint after `end`. Returns at once if nothing is to be proved.
    pub async fn attest(
        self: Arc<Self>,
        config: Option<Audit>,
        files: Files,
        end: CancellationToken,
    ) {
        let Some(config) = config else {
            return;
        };
        let anchor = config.anchor.map(|anchor| KeptBy::new(anchor, files));
        loop {
            let last = tokio::select! {
                () = tokio::time::sleep(config.every.0) => false,
                () = end.cancelled() => true,
            };
            let writer = self.clone();
            let signed = tokio::task::spawn_blocking(move || writer.checkpoint()).await;
            let mut why = None;
            match signed {
                Ok(Ok(Some(signed))) => why = signed.unsaved.map(|error| error.to_string()),
                Ok(Ok(None)) => {}
                Ok(Err(error)) => why = Some(format!("the call log: {error}")),
                Err(error) => why = Some(error.to_string()),
            }
            if let (Some(auditor), Some(anchor)) = (self.auditor(), &anchor) {
                while let Some(note) = auditor.unanchored() {
                    // The note may be that of a file which was moved away meanwhile: the anchor knows no more than the disk.
                    let writer = self.clone();
                    let synced = tokio::task::spawn_blocking(move || writer.sync_moved()).await;
                    if let Err(error) = synced.map_err(std::io::Error::other).flatten() {
                        why = why.or(Some(format!("the call log: {error}")));
                        break;
                    }
                    if let Err(error) = anchor.keep(&note).await {
                        why = why.or(Some(format!("the anchor: {error}")));
                        break;
                    }
                    auditor.anchored(&note);
                }
            }
            self.tell(why);
            if last {
                return;
            }
        }
    }

    /// Says once that checkpoints fail, and once that they do so no more.
    fn tell(&self, why: Option<String>) {
        let Some(auditor) = self.auditor() else {
            return;
        };
        match (&why, auditor.failure()) {
            (Some(why), None) => tracing::error!("no checkpoint of the call log is kept: {why}"),
            (None, Some(_)) => tracing::info!("checkpoints of the call log are kept again"),
            _ => {}
        }
        auditor.set_failure(why);
    }
}

/// What keeps checkpoints.
enum KeptBy {
    File(Files, std::path::PathBuf),
    Url(Box<HttpClient>, Uri),
}

impl KeptBy {
    fn new(anchor: Anchor, files: Files) -> Self {
        match anchor {
            Anchor::File(path) => Self::File(files, path),
            Anchor::Url(url) => Self::Url(Box::new(http_client::new()), url),
        }
    }

    async fn keep(&self, note: &str) -> Result<(), String> {
        match self {
            Self::File(files, path) => {
                let (files, path, note) = (files.clone(), path.clone(), note.to_owned());
                let written = tokio::task::spawn_blocking(move || append(&files, &path, &note));
                match written.await {
                    Ok(written) => written.map_err(|error| error.to_string()),
                    Err(error) => Err(error.to_string()),
                }
            }
            Self::Url(client, url) => tokio::time::timeout(TIMEOUT, post(client, url, note))
                .await
                .unwrap_or_else(|_| Err(format!("{url} does not answer")))
                .map_err(|why| format!("{url}: {why}")),
        }
    }
}

async fn post(client: &HttpClient, url: &Uri, note: &str) -> Result<(), String> {
    let mut request = Request::new(Full::new(Bytes::copy_from_slice(note.as_bytes())));
    *request.method_mut() = Method::POST;
    *request.uri_mut() = url.clone();
    let headers = request.headers_mut();
    headers.insert(
        CONTENT_TYPE,
        HeaderValue::from_static("text/plain; charset=utf-8"),
    );
    headers.insert(USER_AGENT, http_client::USER_AGENT);
    let response = client.request(request).await;
    let response = response.map_err(|error| http_client::cause(&error))?;
    match response.status() {
        status if status.is_success() => Ok(()),
        status => Err(format!("it answers {status}")),
    }
}

/// Appends a checkpoint to a file. It is on disk before this returns.
fn append(files: &Files, path: &Path, note: &str) -> Result<(), FileError> {
    let mut file = files.open_append(path)?;
    // Where an earlier one was cut off, this one begins by itself.
    let written = file
        .write_all(format!("\n\n{note}\n").as_bytes())
        .and_then(|()| file.sync_all());
    written.map_err(|source| FileError::Io {
        path: files.path(path),
        what: "written",
        source,
    })
}
