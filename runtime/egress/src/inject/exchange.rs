//! A program's requests to a host whose TLS the proxy ends: each is made anew, with the value in its header.

use std::convert::Infallible;
use std::io::Cursor;
use std::sync::Arc;
use std::time::Duration;

use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Method, Request, Response, StatusCode, Version};
use http_body_util::{Either, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::sync::Mutex;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::client::TlsStream;

use super::Ended;
use super::body::Redacted;
use super::counted::Counted;
use crate::relay::{Moved, stillness};

/// The largest head of a request or an answer, in bytes.
const HEAD: usize = 64 << 10;

/// What ends at each hop, and what would let a program read an answer in pieces or encoded, in which a value is not found.
const LEFT_OUT: [HeaderName; 11] = [
    header::CONNECTION,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    header::RANGE,
    header::IF_RANGE,
    header::ACCEPT_ENCODING,
    header::EXPECT,
];
const ALSO: [&str; 2] = ["keep-alive", "proxy-connection"];
/// What has a host take a request for one with another method or path than the value goes with.
const OVERRIDING: [&str; 5] = [
    "x-http-method-override",
    "x-http-method",
    "x-method-override",
    "x-original-url",
    "x-rewrite-url",
];

type Answer = Response<Either<Redacted, Full<Bytes>>>;

/// Carries a program's requests to the host until one of them ends or nothing moves for `idle`. `first` is what the program
/// said already.
pub(crate) async fn carry(
    client: TcpStream,
    first: Vec<u8>,
    host: TlsStream<TcpStream>,
    ended: Ended<'_>,
    moved: &Arc<Moved>,
    (head, idle): (Duration, Duration),
) {
    let (read, write) = client.into_split();
    let stream = tokio::io::join(Cursor::new(first).chain(read), write);
    let stream = Counted {
        stream,
        moved: moved.clone(),
    };
    let accepted =
        tokio::time::timeout(head, TlsAcceptor::from(ended.server.clone()).accept(stream)).await;
    let Ok(Ok(stream)) = accepted else { return };
    let Ok((send, connection)) = handshake(TokioIo::new(host)).await else {
        return;
    };
    let send = Mutex::new(send);
    let exchange = Exchange { ended, send };
    let serving = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(idle)
        .max_buf_size(HEAD)
        .serve_connection(
            TokioIo::new(stream),
            service_fn(|request| exchange.answer(request)),
        );
    tokio::select! {
        _ = serving => {}
        // The last answer may still be on its way to the program.
        () = async { let _ = connection.await; std::future::pending::<()>().await } => {}
        () = stillness(moved, idle) => {}
    }
}

struct Exchange<'a> {
    ended: Ended<'a>,
    send: Mutex<SendRequest<Incoming>>,
}

impl Exchange<'_> {
    async fn answer(&self, request: Request<Incoming>) -> Result<Answer, Infallible> {
        let made = match self.made(request) {
            Ok(made) => made,
            Err((status, text)) => return Ok(refusal(status, text)),
        };
        let mut send = self.send.lock().await;
        if send.ready().await.is_err() {
            return Ok(refusal(
                StatusCode::BAD_GATEWAY,
                "the host ended the connection; connect again",
            ));
        }
        Ok(match send.send_request(made).await {
            Ok(answer) => self.redacted(answer),
            Err(_) => refusal(StatusCode::BAD_GATEWAY, "the host gave no answer"),
        })
    }

    /// The request as the host gets it.
    fn made(
        &self,
        request: Request<Incoming>,
    ) -> Result<Request<Incoming>, (StatusCode, &'static str)> {
        let (mut parts, body) = request.into_parts();
        let Ended {
            injector,
            host,
            port,
            ..
        } = &self.ended;
        if [Method::TRACE, Method::CONNECT].contains(&parts.method) {
            return Err((
                StatusCode::METHOD_NOT_ALLOWED,
                "this method is not let through",
            ));
        }
        let target = parts.uri.path_and_query().cloned();
        let target =
            target.filter(|_| parts.uri.authority().is_none() && parts.uri.scheme().is_none());
        let Some(target) = target else {
            return Err((StatusCode::BAD_REQUEST, "a request here names a path"));
        };
        let name = match port {
            443 => host.to_string(),
            port => format!("{host}:{port}"),
        };
        let asked = parts.headers.get_all(header::HOST);
        let same = |asked: &HeaderValue| {
            let asked = asked.to_str().unwrap_or_default();
            asked.eq_ignore_ascii_case(&name)
                || asked.eq_ignore_ascii_case(&format!("{host}:{port}"))
        };
        if !asked.iter().all(same) {
            return Err((
                StatusCode::MISDIRECTED_REQUEST,
                "the request is for another host than the connection",
            ));
        }
        without_hops(&mut parts.headers);
        let given: Vec<_> = injector
            .injections
            .iter()
            .filter(|one| one.is_for(host, *port) && one.covers(&parts.method, target.path()))
            .collect();
        if !given.is_empty() {
            without_overrides(&mut parts.headers);
        }
        for one in given {
            let text = one
                .text()
                .ok_or((StatusCode::BAD_GATEWAY, "the value fits into no header"))?;
            parts.headers.insert(one.header.clone(), text);
        }
        let name =
            HeaderValue::try_from(name).map_err(|_| (StatusCode::BAD_REQUEST, "no such host"))?;
        parts.headers.insert(header::HOST, name);
        parts.headers.insert(
            header::ACCEPT_ENCODING,
            HeaderValue::from_static("identity"),
        );
        parts.uri = target.into();
        parts.version = Version::HTTP_11;
        parts.extensions.clear();
        Ok(Request::from_parts(parts, body))
    }

    /// The answer as the program gets it.
    fn redacted(&self, answer: Response<Incoming>) -> Answer {
        let (mut parts, body) = answer.into_parts();
        let redactor = &self.ended.injector.redactor;
        let codings = [header::CONTENT_ENCODING, header::TRANSFER_ENCODING];
        let encoded = parts.headers.iter().any(|(name, value)| {
            codings.contains(name)
                && !["identity", "chunked"].contains(&value.to_str().unwrap_or("?").trim())
        });
        let partial = parts.status == StatusCode::PARTIAL_CONTENT
            || parts.headers.contains_key(header::CONTENT_RANGE);
        if encoded || partial || parts.status == StatusCode::SWITCHING_PROTOCOLS {
            return refusal(
                StatusCode::BAD_GATEWAY,
                "the host's answer is encoded or partial, which was not asked for",
            );
        }
        let last = parts
            .headers
            .get(header::CONNECTION)
            .is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"close"));
        without_hops(&mut parts.headers);
        if last {
            parts
                .headers
                .insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        let names: Vec<_> = parts
            .headers
            .keys()
            .filter(|name| redactor.finds(name.as_str().as_bytes()))
            .cloned()
            .collect();
        for name in names {
            parts.headers.remove(name);
        }
        for value in parts.headers.values_mut() {
            if redactor.finds(value.as_bytes()) {
                *value = HeaderValue::from_static(sandgate_secrets::MARK);
            }
        }
        // What is said in the status line beside the number; and the length, which changes where a mark is put in.
        parts.extensions.clear();
        parts.headers.remove(header::CONTENT_LENGTH);
        let events = parts
            .headers
            .get(header::CONTENT_TYPE)
            .and_then(|kind| kind.to_str().ok());
        let events = events.is_some_and(|kind| kind.starts_with("text/event-stream"));
        let body = Redacted::new(body, redactor.clone(), events);
        Response::from_parts(parts, Either::Left(body))
    }
}

/// Takes out what ends at each hop, what `Connection` names, and what is not let through.
fn without_hops(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|text| text.split(','))
        .filter_map(|name| HeaderName::try_from(name.trim()).ok())
        // Otherwise the length would be lost, and the rest of the body taken for another request.
        .filter(|name| *name != header::CONTENT_LENGTH)
        .collect();
    for name in named.iter().chain(&LEFT_OUT) {
        headers.remove(name);
    }
    for name in ALSO {
        headers.remove(name);
    }
}

/// Takes out what names another method or path.
fn without_overrides(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .keys()
        // Programs behind a gateway interface (CGI, WSGI) take an underscore for a hyphen.
        .filter(|name| OVERRIDING.contains(&&*name.as_str().replace('_', "-")))
        .cloned()
        .collect();
    for name in named {
        headers.remove(name);
    }
}

fn refusal(status: StatusCode, text: &'static str) -> Answer {
    let body = Full::new(Bytes::from(format!("sandgate: {text}\n")));
    let mut answer = Response::new(Either::Right(body));
    *answer.status_mut() = status;
    answer.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/plain; charset=utf-8"),
    );
    answer
        .headers_mut()
        .insert(header::CONNECTION, HeaderValue::from_static("close"));
    answer
}
