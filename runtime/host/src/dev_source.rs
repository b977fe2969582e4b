//! Plugins under development: a component that is an interpreter, with the author's source in a custom section. The
//! interpreter gets the source together with its settings. `sandgate plugin dev` builds such a component for each
//! version of the source. The machine code is that of the interpreter alone, so a new source needs no compiling.
//!
//! The section grants nothing: it is part of the file and of the file's digest, the source runs in the component's own
//! sandbox, and all checks apply as to any component. The cost is time: the component is configured before each run,
//! because its memory after `configure` is not snapshotted.

use std::sync::Arc;

use bytes::Bytes;
use wasmparser::BinaryReader;

use crate::digest;

/// The name of the top-level custom section that holds the source.
pub const SOURCE: &str = "sandgate:source";

/// Bytes of the largest source. The limit is small because the source is copied into the guest before each run.
const MAX_SOURCE: usize = 4 << 20;

/// Bytes before the first section of a component: magic, version and layer.
const PREAMBLE: usize = 8;

/// The code and the source of a plugin under development.
#[derive(Clone, Debug)]
pub(crate) struct DevSource {
    /// The component without its custom sections, which hold no code.
    pub(crate) code: Bytes,
    /// `sha256:…` of the code.
    pub(crate) digest: String,
    source: Arc<str>,
}

impl DevSource {
    /// Splits a component into code and source. `None`: it has no source section. The error says what is wrong with the
    /// component.
    pub(crate) fn read(component: &[u8]) -> Result<Option<Self>, String> {
        let mut code = component.get(..PREAMBLE).unwrap_or_default().to_vec();
        let mut source = None;
        let mut reader = BinaryReader::new(component, 0);
        let damaged = |error: wasmparser::BinaryReaderError| error.to_string();
        reader.read_bytes(PREAMBLE).map_err(damaged)?;
        while !reader.eof() {
            let start = reader.original_position();
            let id = reader.read_u8().map_err(damaged)?;
            let size = reader.read_var_u32().map_err(damaged)?;
            let body = reader.read_bytes(size as usize).map_err(damaged)?;
            if id != 0 {
                code.extend_from_slice(&component[start..reader.original_position()]);
                continue;
            }
            let mut body = BinaryReader::new(body, 0);
            let name = body.read_string().map_err(damaged)?;
            if name == SOURCE && source.replace(body).is_some() {
                return Err(format!("it has two `{SOURCE}` sections"));
            }
        }
        let Some(mut source) = source else {
            return Ok(None);
        };
        let length = source.bytes_remaining();
        if length > MAX_SOURCE {
            return Err(format!(
                "its `{SOURCE}` section has {length} bytes; it may have {MAX_SOURCE}"
            ));
        }
        let source = source.read_bytes(length).map_err(damaged)?;
        let source = std::str::from_utf8(source)
            .map_err(|_| format!("its `{SOURCE}` section is not UTF-8 text"))?;
        Ok(Some(Self {
            digest: digest::sha256(&code),
            code: code.into(),
            source: source.into(),
        }))
    }

    /// The settings that `configure` of the interpreter gets: a JSON object of `settings` and `source`. The given
    /// settings must be JSON.
    pub(crate) fn wrap_settings(&self, settings: &str) -> Arc<str> {
        let source = serde_json::Value::from(&*self.source);
        format!("{{\"settings\":{settings},\"source\":{source}}}").into()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const EMPTY: &[u8] = b"\0asm\x0d\0\x01\0";

    fn section(bytes: &mut Vec<u8>, name: &str, data: &[u8]) {
        let mut body = vec![u8::try_from(name.len()).unwrap()];
        body.extend_from_slice(name.as_bytes());
        body.extend_from_slice(data);
        bytes.push(0);
        bytes.push(u8::try_from(body.len()).unwrap());
        bytes.extend_from_slice(&body);
    }

    #[test]
    fn code_and_source_are_taken_apart_and_the_code_does_not_know_the_source() {
        let split = |source: &str, manifest: &[u8]| {
            let mut bytes = EMPTY.to_vec();
            section(&mut bytes, "sandgate:manifest", manifest);
            // An empty section of types: code, as far as this goes.
            bytes.extend_from_slice(&[7, 1, 0]);
            section(&mut bytes, SOURCE, source.as_bytes());
            DevSource::read(&bytes).unwrap().unwrap()
        };
        let (one, two) = (split("a \"b\"\n", b"1"), split("c", b"22"));
        assert_eq!(one.code, [EMPTY, &[7, 1, 0]].concat());
        assert_eq!(one.digest, two.digest);
        let given: serde_json::Value =
            serde_json::from_str(&one.wrap_settings("{\"x\":1}")).unwrap();
        assert_eq!(
            given,
            serde_json::json!({"settings": {"x": 1}, "source": "a \"b\"\n"})
        );
    }

    #[test]
    fn an_ordinary_component_is_none_and_a_doubtful_one_is_an_error() {
        assert!(DevSource::read(EMPTY).unwrap().is_none());
        let mut twice = EMPTY.to_vec();
        section(&mut twice, SOURCE, b"a");
        section(&mut twice, SOURCE, b"b");
        assert!(DevSource::read(&twice).unwrap_err().contains("two"));
        let mut binary = EMPTY.to_vec();
        section(&mut binary, SOURCE, b"\xff");
        assert!(DevSource::read(&binary).unwrap_err().contains("UTF-8"));
        let mut cut = EMPTY.to_vec();
        section(&mut cut, SOURCE, b"abc");
        cut.truncate(cut.len() - 1);
        assert!(DevSource::read(&cut).is_err());
    }
}
