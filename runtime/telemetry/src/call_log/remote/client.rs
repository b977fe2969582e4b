//! Hands records to one sink: by syslog, or in requests of JSON lines.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue, USER_AGENT};
use http::{Method, Request, StatusCode, Uri};
use http_body_util::Full;
use sandgate_config::{ResolvedSink, SinkFormat, SinkTarget};

use crate::http_client::{self, HttpClient};
use crate::syslog::{self, SyslogClient};

/// The timeout of one request.
const TIMEOUT: Duration = Duration::from_secs(10);
/// The severity of a record: it is information.
const INFORMATIONAL: u8 = 6;

/// Hands records to one sink.
pub(super) enum RemoteClient {
    Syslog {
        client: Box<SyslogClient>,
        /// What kind of message it is.
        id: &'static str,
    },
    Http {
        client: Box<HttpClient>,
        url: Uri,
        authorization: Option<HeaderValue>,
        content: &'static str,
    },
}

/// Why records were not taken.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unsent {
    /// A later attempt may succeed.
    Later(String),
    /// It broke on them: what these records are may be the cause, or a fault of its own.
    Broken(String),
    /// So many will never be taken.
    Rejected(usize, String),
}

impl RemoteClient {
    /// # Errors
    ///
    /// The certificates that it is to trust are none.
    pub(super) fn new(config: &ResolvedSink) -> Result<Self, String> {
        let ca = config.ca.as_deref();
        Ok(match &config.to {
            SinkTarget::Syslog(to) => Self::Syslog {
                client: Box::new(SyslogClient::new(to.clone(), ca)?),
                id: match config.format {
                    SinkFormat::Record => "record",
                    _ => "call",
                },
            },
            SinkTarget::Url(url, token) => {
                let authorization = token.as_ref().map(|token| {
                    let value = HeaderValue::try_from(format!("Bearer {}", token.expose()));
                    value.map(|mut value| {
                        value.set_sensitive(true);
                        value
                    })
                });
                Self::Http {
                    client: Box::new(http_client::trusting(ca)?),
                    url: url.clone(),
                    authorization: authorization.transpose().map_err(|e| e.to_string())?,
                    content: match config.format {
                        SinkFormat::Cef => "text/plain; charset=utf-8",
                        _ => "application/x-ndjson",
                    },
                }
            }
        })
    }

    /// Whether it is better to send many at a time.
    pub(super) fn is_batched(&self) -> bool {
        matches!(self, Self::Http { .. })
    }

    /// Sends these. Returns how many were taken, and why the one after them was not.
    pub(super) async fn send(&self, records: &[String]) -> (usize, Option<Unsent>) {
        match self {
            Self::Syslog { client, id } => {
                let now = SystemTime::now();
                let messages: Vec<String> = records
                    .iter()
                    .map(|text| syslog::message(syslog::LOG_AUDIT, INFORMATIONAL, now, id, text))
                    .collect();
                let (sent, result) = client.send(&messages).await;
                let unsent = result.err().map(|error| match error.raw_os_error() {
                    // A datagram that the socket never takes.
                    Some(code) if code == rustix::io::Errno::MSGSIZE.raw_os_error() => {
                        Unsent::Rejected(1, error.to_string())
                    }
                    _ => Unsent::Later(error.to_string()),
                });
                (sent, unsent)
            }
            Self::Http {
                client,
                url,
                authorization,
                content,
            } => {
                let mut body = String::new();
                for record in records {
                    body.push_str(record);
                    body.push('\n');
                }
                let mut request = Request::new(Full::new(Bytes::from(body)));
                *request.method_mut() = Method::POST;
                *request.uri_mut() = url.clone();
                let headers = request.headers_mut();
                headers.insert(CONTENT_TYPE, HeaderValue::from_static(content));
                headers.insert(USER_AGENT, http_client::USER_AGENT);
                if let Some(value) = authorization {
                    headers.insert(AUTHORIZATION, value.clone());
                }
                match tokio::time::timeout(TIMEOUT, client.request(request)).await {
                    Err(_) => {
                        let why = format!("no answer in {} s", TIMEOUT.as_secs());
                        (0, Some(Unsent::Later(why)))
                    }
                    Ok(Err(error)) => (0, Some(Unsent::Later(http_client::cause(&error)))),
                    // Its body is not read: nobody needs it, and it may have no end.
                    Ok(Ok(response)) => judged(response.status(), records.len()),
                }
            }
        }
    }
}

/// What an answer's status says of so many records. What these records are is the cause of few failures: of all others, a
/// wrong token too, somebody else can mend the cause, and the records wait.
fn judged(status: StatusCode, count: usize) -> (usize, Option<Unsent>) {
    if status.is_success() {
        return (count, None);
    }
    let why = format!("it answers {status}");
    let unsent = match status {
        StatusCode::BAD_REQUEST
        | StatusCode::PAYLOAD_TOO_LARGE
        | StatusCode::UNPROCESSABLE_ENTITY => Unsent::Rejected(count, why),
        StatusCode::INTERNAL_SERVER_ERROR => Unsent::Broken(why),
        _ => Unsent::Later(why),
    };
    (0, Some(unsent))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_wait_for_what_somebody_can_mend() {
        assert_eq!(judged(StatusCode::ACCEPTED, 7), (7, None));
        for status in [301, 401, 403, 404, 429, 502, 503] {
            let status = StatusCode::from_u16(status).unwrap_or_default();
            assert!(
                matches!(judged(status, 7), (0, Some(Unsent::Later(_)))),
                "{status}"
            );
        }
        let broken = judged(StatusCode::INTERNAL_SERVER_ERROR, 7);
        assert!(matches!(broken, (0, Some(Unsent::Broken(_)))), "{broken:?}");
        for status in [400, 413, 422] {
            let status = StatusCode::from_u16(status).unwrap_or_default();
            assert!(
                matches!(judged(status, 7), (0, Some(Unsent::Rejected(7, _)))),
                "{status}"
            );
        }
    }
}
