//! Turns client responses into HTTP responses.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderName, HeaderValue, Response};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Empty, Full, StreamBody};
use hyper::body::{Body, Frame, SizeHint};

use crate::call::response::{ClientResponse, ClientResponseBody};

const NO_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

pub(crate) type ResponseBody = UnsyncBoxBody<Bytes, Infallible>;

/// A body with a value that is kept until the body is sent: the request's place, or the message's memory.
struct Held<B, K> {
    body: B,
    _kept: K,
}

impl<B, K> Body for Held<B, K>
where
    B: Body + Unpin,
    K: Unpin,
{
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// Turns a client response into an HTTP response that keeps `kept` until it is sent.
pub(crate) fn respond(
    response: ClientResponse,
    kept: impl Send + Unpin + 'static,
) -> Response<ResponseBody> {
    let ClientResponse {
        status,
        headers,
        body,
    } = response;
    let mut response = Response::new(());
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    let headers = response.headers_mut();
    let body = match body {
        ClientResponseBody::Empty => {
            headers.remove(CONTENT_TYPE);
            hold(Empty::new(), kept)
        }
        ClientResponseBody::Raw(text) => {
            headers
                .entry(CONTENT_TYPE)
                .or_insert(HeaderValue::from_static("text/plain; charset=utf-8"));
            hold(Full::new(text), kept)
        }
        ClientResponseBody::Message(message) => {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            hold(Full::new(message.bytes()), (kept, message))
        }
        ClientResponseBody::Stream(flow) => {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
            headers
                .entry(CACHE_CONTROL)
                .or_insert(HeaderValue::from_static("no-cache"));
            headers
                .entry(NO_BUFFERING)
                .or_insert(HeaderValue::from_static("no"));
            let events = flow.map(|event| {
                let mut frame = BytesMut::new();
                event.write_sse(&mut frame);
                Ok(Frame::data(frame.freeze()))
            });
            hold(StreamBody::new(events), kept)
        }
    };
    response.map(|()| body)
}

fn hold<B, K>(body: B, kept: K) -> ResponseBody
where
    B: Body<Data = Bytes, Error = Infallible> + Send + Unpin + 'static,
    K: Send + Unpin + 'static,
{
    Held { body, _kept: kept }.boxed_unsync()
}
