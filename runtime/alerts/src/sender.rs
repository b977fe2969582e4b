//! Sends messages to one receiver.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue, USER_AGENT};
use http::{Method, Request, StatusCode, Uri};
use http_body_util::Full;
use sandgate_config::Receiver;
use sandgate_telemetry::http_client::{self, HttpClient};
use sandgate_telemetry::syslog::SyslogClient;

use crate::notice::Notice;
use crate::shape;
use crate::sign::signature;

/// The timeout of one attempt, from the look-up of the name to the head of the answer. Connecting has its own.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Sends to one receiver.
pub(crate) struct Sender {
    receiver: Receiver,
    http: Option<HttpClient>,
    syslog: Option<SyslogClient>,
}

/// Why a receiver did not take a message.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Unsent {
    /// In words, without the receiver's URL.
    pub(crate) why: String,
    /// Whether a later attempt may succeed.
    pub(crate) passes: bool,
}

/// A message, ready to be sent as often as is needed. Its id is the same each time, so that a receiver knows it again.
pub(crate) struct Message {
    id: String,
    body: String,
}

impl Sender {
    pub(crate) fn new(receiver: Receiver) -> Self {
        let (http, syslog) = match &receiver {
            Receiver::Syslog(to) => (None, SyslogClient::new(to.clone(), None).ok()),
            _ => (Some(http_client::new()), None),
        };
        Self {
            receiver,
            http,
            syslog,
        }
    }

    /// The receiver, without what may be a secret.
    pub(crate) fn shown(&self) -> String {
        self.receiver.shown()
    }

    /// The message for this receiver. `None`: it is not told of this.
    pub(crate) fn message(&self, rule: &str, notice: &Notice) -> Option<Message> {
        let body = match &self.receiver {
            Receiver::Webhook { .. } => shape::webhook(rule, notice),
            Receiver::Slack(_) => shape::slack(rule, notice)?,
            Receiver::Alertmanager(_) => shape::alertmanager(rule, notice),
            Receiver::Syslog(_) => shape::syslog(rule, notice)?,
        };
        let id = format!("msg_{:032x}", rand::random::<u128>());
        Some(Message { id, body })
    }

    /// Sends a message once. Returns what the receiver said.
    pub(crate) async fn send(&self, message: &Message) -> Result<String, Unsent> {
        let sent = tokio::time::timeout(TIMEOUT, self.attempt(message)).await;
        sent.unwrap_or_else(|_| {
            Err(Unsent {
                why: format!("no answer in {} s", TIMEOUT.as_secs()),
                passes: true,
            })
        })
    }

    async fn attempt(&self, message: &Message) -> Result<String, Unsent> {
        match &self.receiver {
            Receiver::Webhook { url, key } => {
                self.post(
                    url.clone(),
                    message,
                    key.as_ref().map(|key| key.as_slice()),
                    true,
                )
                .await
            }
            Receiver::Slack(url) => self.post(url.clone(), message, None, false).await,
            Receiver::Alertmanager(base) => {
                let url = http_client::below(base, "/api/v2/alerts");
                self.post(url, message, None, false).await
            }
            Receiver::Syslog(_) => {
                let Some(to) = &self.syslog else {
                    return Err(lasting("it is no syslog"));
                };
                let sent = to.send(std::slice::from_ref(&message.body)).await;
                match sent.1 {
                    Ok(()) => Ok("handed over".to_owned()),
                    Err(error) => Err(Unsent {
                        why: error.to_string(),
                        passes: true,
                    }),
                }
            }
        }
    }

    async fn post(
        &self,
        url: Uri,
        message: &Message,
        key: Option<&[u8]>,
        standard: bool,
    ) -> Result<String, Unsent> {
        let Some(client) = &self.http else {
            return Err(lasting("it is not reached by HTTP"));
        };
        let mut request = Request::new(Full::new(Bytes::copy_from_slice(message.body.as_bytes())));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = url;
        let headers = request.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(USER_AGENT, http_client::USER_AGENT);
        if standard {
            let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
            let timestamp = now.unwrap_or_default().as_secs();
            let mut put = |name: &'static str, value: &str| {
                let value = HeaderValue::from_str(value).map_err(|_| lasting("a header is odd"))?;
                headers.insert(HeaderName::from_static(name), value);
                Ok(())
            };
            put("webhook-id", &message.id)?;
            put("webhook-timestamp", &timestamp.to_string())?;
            if let Some(key) = key {
                put(
                    "webhook-signature",
                    &signature(key, &message.id, timestamp, &message.body),
                )?;
            }
        }
        let response = client.request(request).await.map_err(|error| Unsent {
            why: http_client::cause(&error),
            passes: true,
        })?;
        // Its body is not read: nobody needs it, and it may have no end.
        judged(response.status())
    }
}

fn lasting(why: &str) -> Unsent {
    Unsent {
        why: why.to_owned(),
        passes: false,
    }
}

/// What an answer's status says.
fn judged(status: StatusCode) -> Result<String, Unsent> {
    if status.is_success() {
        return Ok(status.to_string());
    }
    let why = match status.is_redirection() {
        true => format!("it redirects ({status}), which is not followed"),
        false => format!("it answers {status}"),
    };
    let passes = status.is_server_error()
        || matches!(
            status,
            StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT
        );
    Err(Unsent { why, passes })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_status_says_whether_another_attempt_makes_sense() {
        let judge = |status: u16| judged(StatusCode::from_u16(status).unwrap());
        for status in [200, 202, 204] {
            assert!(judge(status).is_ok(), "{status}");
        }
        for (status, passes) in [
            (301, false),
            (400, false),
            (401, false),
            (410, false),
            (408, true),
            (429, true),
            (500, true),
            (503, true),
        ] {
            assert_eq!(judge(status).unwrap_err().passes, passes, "{status}");
        }
        assert!(judge(302).unwrap_err().why.contains("not followed"));
    }
}
