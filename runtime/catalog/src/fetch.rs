//! Catalogs from where they are: a file, or a host by TLS. A redirection is not followed, so that the operator's URL is the
//! one that was asked.

use std::cell::Cell;
use std::path::Path;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::{ACCEPT, ACCEPT_ENCODING, CONTENT_ENCODING, LOCATION};
use http::{HeaderValue, StatusCode};
use sandgate_address::is_loopback;
use sandgate_config::{FileError, Files};
use sandgate_fetch::{FetchError as FetchFailure, Reach, Request, addresses};
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use url::Url;

use crate::format::LARGEST;
use crate::{rules, strict};

/// The time of one request, from the look-up of the name to the end of the answer.
const PATIENCE: Duration = Duration::from_secs(30);
/// The time of a whole catalog.
const WHOLE: Duration = Duration::from_secs(300);
/// The most pages of a registry's answer.
const PAGES: usize = 2000;

/// Why there is no text.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)]
pub enum FetchError {
    #[error(transparent)]
    File(#[from] FileError),
    #[error("{0} is not UTF-8 text")]
    NotText(String),
    #[error(
        "{0}: write an https URL, an http URL of this machine's loopback, or the path of a file"
    )]
    Source(String),
    #[error("{0}: {1}")]
    Failed(String, String),
}

/// Whether a source is a URL.
pub fn is_url(source: &str) -> bool {
    source.contains("://")
}

/// Fetches a catalog: the text of a file or of an answer, or all pages of a registry as one. Blocks.
///
/// # Errors
///
/// The source is none, cannot be reached, answers something other than 200, or has more than 32 MiB.
pub fn fetch(source: &str, files: &Files) -> Result<String, FetchError> {
    let text = |bytes: Vec<u8>| {
        String::from_utf8(bytes).map_err(|_| FetchError::NotText(rules::shown(source)))
    };
    if !is_url(source) {
        return text(files.read(Path::new(source), LARGEST as u64)?);
    }
    let url = permitted(source)?;
    let failed = |why: String| FetchError::Failed(url.to_string(), why);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = runtime.map_err(|error| failed(error.to_string()))?;
    let fetched = fetch_by(&runtime, &url);
    // A look-up of a name cannot be ended. Dropping the runtime would wait for it, whatever the time.
    runtime.shutdown_background();
    fetched
}

/// Fetches a catalog from a host.
fn fetch_by(runtime: &Runtime, url: &Url) -> Result<String, FetchError> {
    let text = |bytes: Vec<u8>| {
        String::from_utf8(bytes).map_err(|_| FetchError::NotText(rules::shown(url.as_str())))
    };
    let failed = |why: String| FetchError::Failed(url.to_string(), why);
    let bytes = runtime.block_on(get(url, LARGEST)).map_err(failed)?;
    let first = text(bytes.to_vec())?;
    let values = Cell::new(0);
    let Some((mut servers, Some(mut cursor))) = page(&first, &values) else {
        return Ok(first);
    };
    let begun = Instant::now();
    let mut left = LARGEST.saturating_sub(first.len());
    for _ in 1..PAGES {
        if begun.elapsed() > WHOLE {
            return Err(failed(format!(
                "its pages take more than {} s",
                WHOLE.as_secs()
            )));
        }
        let mut next = url.clone();
        let others = url.query_pairs().into_owned();
        let others: Vec<_> = others.filter(|(key, _)| key != "cursor").collect();
        next.query_pairs_mut()
            .clear()
            .extend_pairs(others)
            .append_pair("cursor", &cursor);
        let bytes = runtime.block_on(get(&next, left)).map_err(failed)?;
        left = left.saturating_sub(bytes.len());
        let Some((more, after)) = page(&text(bytes.to_vec())?, &values) else {
            let why = "a page of it is none, or its pages have too many values together";
            return Err(failed(why.into()));
        };
        servers.extend(more);
        match after {
            Some(after) if after != cursor => cursor = after,
            Some(_) => return Err(failed("its pages go round in a circle".into())),
            None => return Ok(json!({ "servers": servers }).to_string()),
        }
    }
    Err(failed(format!("it has more than {PAGES} pages")))
}

/// The servers of a registry's page, and where the next begins. `values` counts those of all pages.
fn page(text: &str, values: &Cell<usize>) -> Option<(Vec<Value>, Option<String>)> {
    if !text.trim_start().starts_with('{') {
        return None;
    }
    let mut page = strict::json_within(text, values).ok()?;
    let metadata = &page["metadata"];
    let cursor = metadata["nextCursor"]
        .as_str()
        .or(metadata["next_cursor"].as_str());
    let cursor = cursor
        .filter(|cursor| !cursor.is_empty())
        .map(str::to_owned);
    match page["servers"].take() {
        Value::Array(servers) => Some((servers, cursor)),
        _ => None,
    }
}

/// The URL, if it may be asked.
fn permitted(source: &str) -> Result<Url, FetchError> {
    let wrong = || FetchError::Source(rules::shown(source));
    let url = Url::parse(source).map_err(|_| wrong())?;
    let loopback = url.host_str().is_some_and(is_loopback);
    let plain = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
    match url.scheme() {
        "https" if plain => Ok(url),
        "http" if plain && loopback => Ok(url),
        _ => Err(wrong()),
    }
}

async fn get(url: &Url, most: usize) -> Result<Bytes, String> {
    let told = |error: FetchFailure| match error {
        FetchFailure::TooLarge(_) => format!("the whole has more than {LARGEST} bytes"),
        error => error.to_string(),
    };
    let mut request = Request::get(url, PATIENCE);
    for (name, value) in [
        (ACCEPT, "application/json, application/yaml, */*"),
        (ACCEPT_ENCODING, "identity"),
    ] {
        request
            .headers
            .insert(name, HeaderValue::from_static(value));
    }
    let sent = request.send(addresses(url, Reach::Private)).await;
    let answer = sent.map_err(told)?;
    if answer.status.is_redirection() {
        let to = answer.headers.get(LOCATION);
        let to = to.and_then(|to| to.to_str().ok()).unwrap_or_default();
        return Err(format!(
            "it redirects to {}; give that URL, if it is meant",
            rules::shown(to)
        ));
    }
    if answer.status != StatusCode::OK {
        return Err(format!("it answered {}", answer.status));
    }
    if answer.headers.contains_key(CONTENT_ENCODING) {
        return Err("it answered in an encoding that it was not asked for".into());
    }
    answer.bytes(most).await.map_err(told)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_asked_by_tls_or_on_this_machine() {
        for good in [
            "https://example.com/x",
            "http://127.0.0.1:9/x",
            "http://localhost/x",
            "http://[::1]/x",
        ] {
            assert!(permitted(good).is_ok(), "{good}");
        }
        for bad in [
            "http://example.com/x",
            "http://127.0.0.1.example.com/x",
            "http://10.0.0.1/",
            "ftp://example.com/x",
            "file:///etc/passwd",
            "https://a:b@example.com/",
            "https://example.com/#x",
        ] {
            assert!(permitted(bad).is_err(), "{bad}");
        }
    }
}
