//! `candidate`, within an interceptor: a plugin or settings tried beside it before they take its place.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::grants::Grants;
use super::scalar::{Mistake, Scalar, scalar};
use super::settings::Settings;
use crate::plugin_source::{Digest, PluginSource};

/// Another plugin, other settings, or both, tried on the calls that the interceptor looks at: it changes and refuses
/// nothing, and what it would have done otherwise is counted. A key left out is the interceptor's own.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Candidate {
    /// `builtin:NAME`, the path of a component file (`.wasm`), relative to this file, or `oci://REGISTRY/NAME:TAG`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plugin: Option<PluginSource>,
    /// The only file it may be, as `sha256:` and 64 hexadecimal digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
    /// Its settings, all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settings: Option<Settings>,
    /// What it may do once it is live. While it is tried it has no `http`, its `dirs` are read-only, and its state is a
    /// copy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grants: Option<Grants>,
    /// Calls that it is tried on.
    #[serde(default)]
    pub share: Share,
    /// Runs that may wait for it; further ones are dropped and counted.
    #[serde(default = "queue")]
    #[schemars(range(min = 1, max = 65536))]
    pub queue: u32,
}

/// A part of all calls, in percent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    /// The share in millionths.
    millionths: u32,
}

const WHOLE: u32 = 1_000_000;

fn queue() -> u32 {
    256
}

impl Candidate {
    /// Whether the candidate has this key of the interceptor (`plugin`, `settings`, …) itself. A `digest` goes with its
    /// `plugin`.
    pub fn has(&self, key: &str) -> bool {
        match key {
            "plugin" => self.plugin.is_some(),
            "digest" => self.plugin.is_some(),
            "settings" => self.settings.is_some(),
            "grants" => self.grants.is_some(),
            _ => false,
        }
    }
}

impl Share {
    /// The share as a fraction from 0 to 1.
    pub fn fraction(self) -> f64 {
        f64::from(self.millionths) / f64::from(WHOLE)
    }
}

impl Default for Share {
    fn default() -> Self {
        Self { millionths: WHOLE }
    }
}

impl Scalar for Share {
    const KIND: &'static str = "a share such as \"10%\"";
    const PATTERN: Option<&'static str> = Some("^[0-9]{1,3}(\\.[0-9]{1,4})?%$");

    fn read(text: &str) -> Result<Self, Mistake> {
        let help = "write a number and `%`, from \"0.0001%\" to \"100%\", for example \"10%\"";
        let wrong = || Mistake::new("is not a share", help);
        let number = text.strip_suffix('%').ok_or_else(wrong)?;
        let (whole, part) = number.split_once('.').unwrap_or((number, "0"));
        let digits = |text: &str, most: usize| {
            let fits = !text.is_empty() && text.len() <= most;
            (fits && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.to_owned())
        };
        let (Some(whole), Some(part)) = (digits(whole, 3), digits(part, 4)) else {
            return Err(wrong());
        };
        let millionths: u32 = format!("{whole}{part:0<4}").parse().map_err(|_| wrong())?;
        match millionths {
            1..=WHOLE => Ok(Self { millionths }),
            _ => Err(Mistake::new("is out of range", help)),
        }
    }

    fn write(&self) -> String {
        let (whole, part) = (self.millionths / 10_000, self.millionths % 10_000);
        match part {
            0 => format!("{whole}%"),
            part => format!("{}%", format!("{whole}.{part:04}").trim_end_matches('0')),
        }
    }
}

scalar!(Share);

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_share_reads_back_as_it_was_written() {
        for text in ["100%", "10%", "0.5%", "0.0001%", "33.3333%"] {
            assert_eq!(Share::read(text).unwrap().write(), text);
        }
        assert_eq!(Share::read("10%").unwrap().fraction(), 0.1);
        for text in [
            "",
            "10",
            "%",
            "0%",
            "101%",
            "100.0001%",
            "1e1%",
            "-1%",
            ".5%",
            "1.%",
            "0.00001%",
        ] {
            assert!(Share::read(text).is_err(), "{text}");
        }
    }
}
