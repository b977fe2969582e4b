//! The little that the harness must know of a message: its method, and its id as it is spelt.

use serde_json::value::RawValue;

/// Which half of the protocol's history a conversation belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Era {
    /// With `initialize`, in 2025-11-25.
    Legacy,
    /// 2026-07-28.
    Modern,
}

/// What stands at the top of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// Decoded.
    pub method: Option<String>,
    /// `params.name` or `params.uri`, decoded.
    pub target: Option<String>,
    /// As it is spelt.
    pub id: Option<String>,
    /// Where the id stands, in bytes.
    pub id_at: Option<std::ops::Range<usize>>,
}

#[derive(serde::Deserialize)]
struct Raw<'a> {
    method: Option<String>,
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    #[serde(borrow)]
    params: Option<&'a RawValue>,
}

#[derive(serde::Deserialize)]
struct Params {
    name: Option<String>,
    uri: Option<String>,
}

impl Envelope {
    /// The method of what a POST carried; `None` for an empty body or a reply.
    pub fn of_request(body: &[u8]) -> Option<String> {
        if body.is_empty() {
            None
        } else {
            Self::of(body).method
        }
    }

    /// Reads a message.
    ///
    /// # Panics
    /// Where it is not a JSON object.
    pub fn of(message: &[u8]) -> Self {
        let raw: Raw<'_> = serde_json::from_slice(message)
            .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(message)));
        let params = raw
            .params
            .and_then(|params| serde_json::from_str::<Params>(params.get()).ok());
        let id_at = raw.id.map(|id| {
            let start = id.get().as_ptr() as usize - message.as_ptr() as usize;
            start..start + id.get().len()
        });
        Self {
            method: raw.method,
            target: params.and_then(|params| params.name.or(params.uri)),
            id: raw.id.map(|id| id.get().to_owned()),
            id_at,
        }
    }
}

/// JSON without the line ends between its tokens, as line and event framing demand. Inside strings there are none.
pub fn without_line_ends(message: &[u8]) -> Vec<u8> {
    message
        .iter()
        .copied()
        .filter(|byte| !matches!(byte, b'\r' | b'\n'))
        .collect()
}
