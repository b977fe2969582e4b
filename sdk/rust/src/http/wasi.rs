//! One request by `wasi:http`. Each resource is given back before the one it came from.

use wasip2::clocks::monotonic_clock;
use wasip2::http::outgoing_handler;
use wasip2::http::types::{
    ErrorCode, Fields, IncomingBody, Method, OutgoingBody, OutgoingRequest, Scheme,
};
use wasip2::io::poll::{Pollable, poll};
use wasip2::io::streams::{OutputStream, StreamError};

use super::{Failure, Reply, Request};

/// What one read asks for, in bytes.
const AT_ONCE: u64 = 64 << 10;
/// What one write takes, in bytes.
const WRITE: usize = 4096;

/// When a request is given up.
struct Deadline(Option<Pollable>);

impl Deadline {
    fn of(request: &Request) -> Self {
        let nanoseconds = |timeout: std::time::Duration| u64::try_from(timeout.as_nanos());
        let timeout = request.timeout.map(nanoseconds);
        Self(
            timeout.map(|timeout| monotonic_clock::subscribe_duration(timeout.unwrap_or(u64::MAX))),
        )
    }

    /// Waits until it is ready.
    fn wait(&self, ready: &Pollable) -> Result<(), Failure> {
        match &self.0 {
            None => ready.block(),
            Some(timer) => {
                poll(&[ready, timer]);
                if !ready.ready() {
                    return Err(Failure::TimedOut);
                }
            }
        }
        Ok(())
    }
}

pub(super) fn fetch(request: &Request) -> Result<Reply, Failure> {
    let deadline = Deadline::of(request);
    let (secure, authority, path) = request.parts()?;
    let fields = Fields::new();
    let mut headers = request.headers.clone();
    if !request.body.is_empty() {
        let length = request.body.len().to_string();
        headers.push(("content-length".into(), length.into()));
    }
    for (name, value) in &headers {
        fields
            .append(name, value)
            .map_err(|error| Failure::Failed(format!("{name}: {error:?}")))?;
    }
    let outgoing = OutgoingRequest::new(fields);
    let scheme = if secure { Scheme::Https } else { Scheme::Http };
    outgoing
        .set_method(&method(&request.method))
        .and_then(|()| outgoing.set_scheme(Some(&scheme)))
        .and_then(|()| outgoing.set_authority(Some(authority)))
        .and_then(|()| outgoing.set_path_with_query(Some(&path)))
        .map_err(|()| Failure::Url)?;
    let content = match request.body.is_empty() {
        true => None,
        false => outgoing.body().ok(),
    };
    let coming = outgoing_handler::handle(outgoing, None).map_err(|code| failure(&code))?;
    if let Some(content) = content {
        // Who answers need not have read everything; where nobody does, the reply says why.
        if let Ok(stream) = content.write() {
            match deadline.0 {
                None => drop(
                    request
                        .body
                        .chunks(WRITE)
                        .try_for_each(|part| stream.blocking_write_and_flush(part)),
                ),
                Some(_) => write(&stream, &request.body, &deadline)?,
            }
        }
        let _ = OutgoingBody::finish(content, None);
    }
    deadline.wait(&coming.subscribe())?;
    let response = coming
        .get()
        .and_then(Result::ok)
        .ok_or_else(internal_error)?
        .map_err(|code| failure(&code))?;
    let headers = response.headers().entries();
    let content = response.consume().map_err(|()| internal_error())?;
    let body = read(content, request.limit, &deadline)?;
    Ok(Reply {
        status: response.status(),
        headers: headers
            .into_iter()
            .map(|(name, value)| (name.to_ascii_lowercase(), value))
            .collect(),
        body,
    })
}

/// Writes as much as is taken until the deadline.
fn write(stream: &OutputStream, body: &[u8], deadline: &Deadline) -> Result<(), Failure> {
    let mut rest = body;
    while !rest.is_empty() {
        deadline.wait(&stream.subscribe())?;
        let Ok(room) = stream.check_write() else {
            return Ok(());
        };
        let room = usize::try_from(room).unwrap_or(WRITE).min(rest.len());
        let (part, after) = rest.split_at(room);
        if stream.write(part).is_err() {
            return Ok(());
        }
        rest = after;
    }
    let _ = stream.flush();
    deadline.wait(&stream.subscribe())
}

fn read(content: IncomingBody, limit: usize, deadline: &Deadline) -> Result<Vec<u8>, Failure> {
    let mut whole = Vec::new();
    let stream = content.stream().map_err(|()| internal_error())?;
    loop {
        deadline.wait(&stream.subscribe())?;
        match stream.read(AT_ONCE) {
            Ok(part) => whole.extend(part),
            Err(StreamError::Closed) => return Ok(whole),
            Err(StreamError::LastOperationFailed(_)) => return Err(Failure::Cut),
        }
        if whole.len() > limit {
            return Err(Failure::TooLarge(limit));
        }
    }
}

fn method(name: &str) -> Method {
    match name {
        "GET" => Method::Get,
        "HEAD" => Method::Head,
        "POST" => Method::Post,
        "PUT" => Method::Put,
        "DELETE" => Method::Delete,
        "OPTIONS" => Method::Options,
        "PATCH" => Method::Patch,
        other => Method::Other(other.into()),
    }
}

fn internal_error() -> Failure {
    Failure::Failed("internal-error".into())
}

fn failure(code: &ErrorCode) -> Failure {
    use ErrorCode as Code;
    match code {
        Code::HttpRequestDenied => Failure::Denied,
        Code::DnsTimeout
        | Code::ConnectionTimeout
        | Code::ConnectionReadTimeout
        | Code::ConnectionWriteTimeout
        | Code::HttpResponseTimeout => Failure::TimedOut,
        Code::DnsError(_)
        | Code::DestinationNotFound
        | Code::DestinationUnavailable
        | Code::DestinationIpUnroutable
        | Code::ConnectionRefused => Failure::Refused,
        Code::ConnectionTerminated | Code::HttpResponseIncomplete => Failure::Cut,
        // Its name alone: what stands in it is the other side's.
        other => {
            let word = format!("{other:?}");
            let name = word.split(['(', ' ', '{']).next().unwrap_or_default();
            Failure::Failed(kebab(name.trim_start_matches("ErrorCode::")))
        }
    }
}

/// A name of the bindings, such as `TlsCertificateError`, as WASI writes it: `TLS-certificate-error`.
fn kebab(name: &str) -> String {
    let mut word = String::new();
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && !word.is_empty() {
            word.push('-');
        }
        word.push(letter.to_ascii_lowercase());
    }
    let parts = word.split('-').map(|part| match part {
        "http" | "tls" | "dns" | "ip" | "uri" => part.to_ascii_uppercase(),
        _ => part.into(),
    });
    parts.collect::<Vec<_>>().join("-")
}
