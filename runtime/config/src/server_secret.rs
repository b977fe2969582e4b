//! `[servers.NAME.secrets.NAME]`: values that a server needs, where they come from, and how the server is given them.

use std::path::PathBuf;

use sandgate_address::{AllowedHost, Host};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::amount::Period;
use super::scalar::{Mistake, Scalar, scalar};
use super::secret::SecretRef;
use crate::url::Url;

/// A value that a server needs: one of `from-env`, `from-file`, `from-command`, `from-vault` and `from-age`, and `give`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ServerSecret {
    /// A variable of the gateway's environment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub from_env: Option<String>,
    /// A text file, relative to this file; one line end at its end is not part of the value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from_file: Option<PathBuf>,
    /// A program and its arguments, without a shell: what it prints is the value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub from_command: Option<Vec<String>>,
    /// A key-value store, version 2, of Vault or OpenBao.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from_vault: Option<VaultKey>,
    /// An encrypted file, which `sandgate secret` writes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from_age: Option<AgeEntry>,
    /// How the server is given the value.
    pub give: Give,
    /// The value is fetched anew after so much time, at least one second. Left out: at each reload.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl: Option<Period>,
    /// With `give = "inject"`: the header that the value is put into.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub header: Option<String>,
    /// With `give = "inject"`: the header's text, in which `{}` stands for the value. Left out: the value alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<String>,
    /// With `give = "inject"`: the hosts that get the value, each also on the server's `egress`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub hosts: Option<Vec<InjectHost>>,
    /// With `give = "inject"`: the methods whose requests get the value. Left out: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub methods: Option<Vec<String>>,
    /// With `give = "inject"`: the paths whose requests get the value; `*` at the end stands for anything. Left out: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub paths: Option<Vec<String>>,
    /// With `give = "inject"`: file with the certificates (PEM) of the authorities that may vouch for `hosts`, instead of
    /// those that the system trusts. Relative to this file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca: Option<PathBuf>,
}

/// A member of a secret in a key-value store, version 2, of Vault or OpenBao.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct VaultKey {
    /// The store, `https`; `http` on this machine alone.
    pub address: Url,
    /// Where the key-value store is mounted.
    #[serde(default = "mount")]
    pub mount: String,
    /// The secret's path in it.
    pub path: String,
    /// The secret's member that is the value.
    pub key: String,
    /// The namespace, where the store has some.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// The token that may read it: `{ from-env = "NAME" }` or `{ from-file = "path" }`.
    pub token: TokenRef,
    /// File with the certificates (PEM) of the authorities that may vouch for `address`, instead of those that the system
    /// trusts. Relative to this file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca: Option<PathBuf>,
}

/// A value of a file that is encrypted with age.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct AgeEntry {
    /// The file, relative to this one.
    #[serde(default = "age_file")]
    pub file: PathBuf,
    /// The file with its secret key, relative to this one.
    #[serde(default = "age_key")]
    pub key: PathBuf,
    /// The value's name in it.
    pub name: String,
}

/// Where a token is fetched from: one of the two.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct TokenRef {
    /// A variable of the gateway's environment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from_env: Option<String>,
    /// A text file, relative to this file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from_file: Option<PathBuf>,
}

/// How a server is given a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Give {
    /// The server never has it: the gateway's proxy puts it into a header of requests to `hosts`.
    Inject,
    /// In a file in memory, which the contained server alone sees; the variable `NAME_FILE` has its path.
    File,
    /// In the variable `NAME`, which the server hands on to every program that it starts.
    Env,
}

/// A host and port whose requests get a value: `api.github.com` (port 443) or `host:port`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InjectHost {
    /// The host.
    pub host: Host,
    /// The port.
    pub port: u16,
}

fn age_file() -> PathBuf {
    "secrets.age".into()
}

fn age_key() -> PathBuf {
    "secrets.key".into()
}

fn mount() -> String {
    "secret".into()
}

impl ServerSecret {
    /// The keys of which it has one.
    pub(crate) const SOURCES: [&str; 5] = [
        "from-env",
        "from-file",
        "from-command",
        "from-vault",
        "from-age",
    ];
    /// The keys that go with `give = "inject"` alone.
    pub(crate) const INJECT: [&str; 6] = ["header", "format", "hosts", "methods", "paths", "ca"];

    /// The variable or file that the value is in, if it is in one.
    pub fn outside(&self) -> Option<SecretRef> {
        let variable = self.from_env.clone().map(SecretRef::FromEnv);
        variable.or_else(|| self.from_file.clone().map(SecretRef::FromFile))
    }

    /// The files that the value comes from, or that are needed to fetch or to give it, as they were written.
    pub fn files(&self) -> impl Iterator<Item = &PathBuf> {
        let vault = self.from_vault.iter();
        let vault = vault.flat_map(|vault| vault.token.from_file.iter().chain(&vault.ca));
        let age = self.from_age.iter().flat_map(|age| [&age.file, &age.key]);
        self.from_file
            .iter()
            .chain(&self.ca)
            .chain(vault)
            .chain(age)
    }

    /// Where the value comes from, in words without a value.
    pub fn source(&self) -> String {
        if let Some(name) = &self.from_env {
            format!("the variable {name}")
        } else if let Some(path) = &self.from_file {
            format!("the file {}", path.display())
        } else if let Some(command) = &self.from_command {
            // Its arguments may be what nobody should read.
            format!("the program {}", command.first().map_or("", String::as_str))
        } else if let Some(vault) = &self.from_vault {
            let host = vault.address.0.authority().map_or("", |one| one.as_str());
            format!("{}/{} of {host}", vault.mount, vault.path)
        } else if let Some(age) = &self.from_age {
            format!("{} of {}", age.name, age.file.display())
        } else {
            "nowhere".into()
        }
    }
}

impl TokenRef {
    /// The reference, if it names one source.
    pub fn one(&self) -> Option<SecretRef> {
        match (&self.from_env, &self.from_file) {
            (Some(name), None) => Some(SecretRef::FromEnv(name.clone())),
            (None, Some(path)) => Some(SecretRef::FromFile(path.clone())),
            _ => None,
        }
    }
}

impl InjectHost {
    /// Whether a list of allowed hosts has it.
    pub fn is_listed(&self, list: &[AllowedHost]) -> bool {
        matches!(
            sandgate_address::listed(list, &self.host, self.port),
            sandgate_address::Listed::By(_)
        )
    }
}

impl Scalar for InjectHost {
    const KIND: &'static str = "a host such as \"api.github.com\"";

    fn read(text: &str) -> Result<Self, Mistake> {
        let help =
            "write one host by its name, with its port where that is not 443: \"api.github.com\"";
        let wrong = || Mistake::new("is no single host", help);
        let (host, port) = match text.rsplit_once(':') {
            Some((host, port)) if !host.contains(':') || host.ends_with(']') => (
                host,
                port.parse()
                    .ok()
                    .filter(|port| *port > 0)
                    .ok_or_else(wrong)?,
            ),
            _ => (text, 443),
        };
        if host.contains('*') {
            let why = "stands for many hosts, and a value goes to hosts that are named";
            return Err(Mistake::new(why, help));
        }
        let host = Host::parse(host).map_err(|_| wrong())?;
        Ok(Self { host, port })
    }

    fn write(&self) -> String {
        match self.port {
            443 => self.host.to_string(),
            port => format!("{}:{port}", self.host),
        }
    }
}

scalar!(InjectHost);

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_host_is_one_host() {
        for text in [
            "api.github.com",
            "api.github.com:8443",
            "127.0.0.1:9",
            "[::1]:443",
            "localhost:1",
        ] {
            let host = InjectHost::read(text).unwrap_or_else(|_| panic!("{text}"));
            assert_eq!(InjectHost::read(&host.write()).unwrap(), host, "{text}");
        }
        for text in [
            "",
            "*.github.com",
            "*",
            "a:b",
            "a:0",
            "a b",
            "::1",
            "https://a",
            "a/b",
        ] {
            assert!(InjectHost::read(text).is_err(), "{text}");
        }
    }
}
