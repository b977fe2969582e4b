//! Gets the URL that the params name (`{url, redirects}`), and answers with what came of it.
//!
//! ```toml
//! [asks]
//! http = { hosts = ["*"], why = "gets what it is told to get" }
//! ```

use sandgate_sdk::{
    Context, Document, Error, Interceptor, Issues, NoSettings, PreDecision, export,
};
use wasip2::http::outgoing_handler;
use wasip2::http::types::{ErrorCode, Fields, IncomingBody, OutgoingRequest, Scheme};

struct ReachesOut;

#[derive(serde::Deserialize)]
struct Order {
    url: String,
    #[serde(default)]
    redirects: u32,
}

struct Reply {
    status: u16,
    location: Option<String>,
    body: String,
}

impl Interceptor for ReachesOut {
    type Settings = NoSettings;

    fn configure(_: NoSettings) -> Result<Self, Issues> {
        Ok(Self)
    }

    fn pre_call(&self, _: &Context, params: &Document) -> Result<PreDecision, Error> {
        let Ok(Order {
            mut url,
            mut redirects,
        }) = serde_json::from_str(&params.json())
        else {
            return Ok(PreDecision::Proceed);
        };
        let reply = loop {
            match get(&url) {
                Ok(Reply {
                    status: 300..=399,
                    location: Some(location),
                    ..
                }) if redirects > 0 => {
                    redirects -= 1;
                    url = location;
                }
                other => break other,
            }
        };
        let answer = match reply {
            Ok(Reply { status, body, .. }) => {
                serde_json::json!({ "status": status, "body": body, "url": url })
            }
            Err(error) => serde_json::json!({ "error": format!("{error:?}"), "url": url }),
        };
        Ok(PreDecision::Answer(answer.to_string()))
    }
}

fn get(url: &str) -> Result<Reply, ErrorCode> {
    let (scheme, rest) = match url.split_once("://") {
        Some(("http", rest)) => (Scheme::Http, rest),
        Some(("https", rest)) => (Scheme::Https, rest),
        _ => return Err(ErrorCode::HttpRequestUriInvalid),
    };
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let request = OutgoingRequest::new(Fields::new());
    let set = request
        .set_scheme(Some(&scheme))
        .and_then(|()| request.set_authority(Some(authority)))
        .and_then(|()| request.set_path_with_query(Some(&format!("/{path}"))));
    set.map_err(|()| ErrorCode::HttpRequestUriInvalid)?;
    let pending = outgoing_handler::handle(request, None)?;
    pending.subscribe().block();
    let response = pending
        .get()
        .and_then(Result::ok)
        .ok_or(ErrorCode::InternalError(None))??;
    let location = response.headers().get("location").pop();
    let body = response
        .consume()
        .map_err(|()| ErrorCode::InternalError(None))?;
    let mut text = Vec::new();
    if let Ok(stream) = body.stream() {
        while let Ok(part) = stream.blocking_read(64 << 10) {
            text.extend(part);
        }
    }
    IncomingBody::finish(body);
    Ok(Reply {
        status: response.status(),
        location: location.and_then(|bytes| String::from_utf8(bytes).ok()),
        body: String::from_utf8_lossy(&text).into_owned(),
    })
}

export!(ReachesOut: pre_call);
