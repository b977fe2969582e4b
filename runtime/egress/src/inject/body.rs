//! The body of an answer, with marks in place of values.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming};
use sandgate_secrets::{Redactor, StreamRedactor};

/// The body of an answer on its way to the program. Trailers are left out.
pub(crate) struct Redacted {
    body: Option<Incoming>,
    stream: StreamRedactor,
    /// Whether an empty line ends what must not wait for more: an event of a stream.
    events: bool,
}

impl Redacted {
    pub(crate) fn new(body: Incoming, redactor: Arc<Redactor>, events: bool) -> Self {
        Self {
            body: Some(body),
            stream: StreamRedactor::new(redactor),
            events,
        }
    }
}

impl Body for Redacted {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let this = &mut *self;
        while let Some(body) = &mut this.body {
            let out = match Pin::new(body).poll_frame(context) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Some(Err(error))) => return Poll::Ready(Some(Err(error))),
                Poll::Ready(Some(Ok(frame))) => {
                    let Ok(data) = frame.into_data() else {
                        continue;
                    };
                    let mut out = this.stream.push(&data);
                    if this.events && (data.ends_with(b"\n\n") || data.ends_with(b"\r\n\r\n")) {
                        out.extend(this.stream.finish());
                    }
                    out
                }
                Poll::Ready(None) => {
                    this.body = None;
                    this.stream.finish()
                }
            };
            if !out.is_empty() {
                return Poll::Ready(Some(Ok(Frame::data(out.into()))));
            }
        }
        Poll::Ready(None)
    }
}
