//! The values of `[servers.NAME.secrets]`: fetched, all at once, and kept from everybody but the server.

use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use sandgate_config::{
    AgeEntry, Environment, Give, Issue, Loaded, Secret, ServerSecret, Side, Sources, VaultKey,
};
use sandgate_message::{Json, Limits};
use sandgate_pipeline::Redaction;
use sandgate_secrets::{AgeFile, AgeKey, Redactor, SHORTEST, Value, Vault, run};
use zeroize::Zeroizing;

use crate::certificates;
use crate::warning::warning;

/// The longest value, in bytes.
const LONGEST: usize = 64 << 10;
/// The largest encrypted file and key, in bytes.
const LARGEST: u64 = 1 << 20;

/// The values by server and name.
#[derive(Default)]
pub(super) struct Fetched(BTreeMap<(String, String), Value>);

impl Fetched {
    /// Fetches every value. Blocks: programs and stores have 10 s each, and are asked at the same time.
    ///
    /// # Errors
    ///
    /// Reports every value that cannot be had, is empty, or does not fit where it is given, and values that cannot be looked
    /// for all together.
    pub(super) fn of(loaded: &Loaded, environment: &Environment) -> Result<Self, Vec<Issue>> {
        let all: Vec<_> = loaded
            .config
            .servers
            .iter()
            .flat_map(|(server, table)| {
                table
                    .secrets
                    .iter()
                    .map(move |(name, secret)| (server, name, secret))
            })
            .collect();
        let fetched: Vec<_> = std::thread::scope(|scope| {
            let begun: Vec<_> = all
                .iter()
                .map(|(server, name, secret)| {
                    scope.spawn(move || fetch(loaded, environment, &place(server, name), secret))
                })
                .collect();
            begun
                .into_iter()
                .map(std::thread::ScopedJoinHandle::join)
                .collect()
        });
        let (mut values, mut issues) = (BTreeMap::new(), Vec::new());
        for ((server, name, secret), fetched) in all.into_iter().zip(fetched) {
            let broken = || {
                Err(error(
                    loaded,
                    &place(server, name),
                    "it could not be fetched",
                ))
            };
            match fetched
                .unwrap_or_else(|_| broken())
                .and_then(|value| fitting(loaded, &place(server, name), secret, value))
            {
                Ok(value) => {
                    values.insert((server.clone(), name.clone()), value);
                }
                Err(issue) => issues.push(issue),
            }
        }
        let fetched = Self(values);
        if issues.is_empty() {
            issues.extend(fetched.tell(&Arc::default()));
        }
        match issues.is_empty() {
            true => Ok(fetched),
            false => Err(issues),
        }
    }

    /// What stands for the values where no server is started: nothing is asked.
    pub(super) fn none(loaded: &Loaded) -> Self {
        let servers = loaded.config.servers.iter();
        let names = servers.flat_map(|(server, table)| {
            table
                .secrets
                .keys()
                .map(move |name| (server.clone(), name.clone()))
        });
        Self(
            names
                .map(|name| (name, Value::of("not-fetched-here".into())))
                .collect(),
        )
    }

    /// What tells each value from another one, by `SERVER/NAME`. Nobody can tell the value by it, and it is another one in
    /// each process.
    pub(super) fn marks(&self) -> BTreeMap<String, u64> {
        static KEYS: std::sync::OnceLock<RandomState> = std::sync::OnceLock::new();
        let keys = KEYS.get_or_init(RandomState::new);
        let all = self.0.iter().map(|((server, name), value)| {
            let mark = keys.hash_one(value.expose());
            (format!("{server}/{name}"), mark)
        });
        all.collect()
    }

    /// The value of a server's secret.
    pub(super) fn value(&self, server: &str, name: &str) -> Option<&Value> {
        self.0.get(&(server.to_owned(), name.to_owned()))
    }

    /// Has them looked for in everything that passes. Gives the error where they cannot be, beside former values: a
    /// redactor that has none of these looks for whatever was fetched.
    pub(super) fn tell(&self, redactor: &Arc<Redactor>) -> Option<Issue> {
        let why = redactor.look_for(self.0.values()).err()?;
        let issue = Issue::error(None, why.to_string());
        Some(issue.help("see that no whole file is given where one key of it would do"))
    }

    /// What is probably not meant.
    pub(super) fn doubts(&self, loaded: &Loaded) -> Vec<Issue> {
        let mut issues = Vec::new();
        for (server, table) in &loaded.config.servers {
            for (name, secret) in &table.secrets {
                let place = place(server, name);
                if secret.give == Give::Env {
                    let why = "the server has the value in its environment: every program that it starts inherits it, and \
                               it may end in whatever they report";
                    let help = "give = \"file\", if the server can read a file, or \"inject\", with which it never has it";
                    issues.push(warning(loaded, &format!("{place}/give"), why).help(help));
                }
                let length = self
                    .value(server, name)
                    .map_or(SHORTEST, |value| value.expose().len());
                if length < SHORTEST {
                    let why = format!(
                        "it is shorter than {SHORTEST} bytes, so that it is not looked for in messages and logs"
                    );
                    issues.push(warning(loaded, &place, why).help("have a longer one issued"));
                }
            }
        }
        issues
    }
}

pub(super) fn place(server: &str, name: &str) -> String {
    format!("/servers/{server}/secrets/{name}")
}

fn error(loaded: &Loaded, place: &str, why: impl std::fmt::Display) -> Issue {
    loaded.error(place, Side::Key, why)
}

fn fetch(
    loaded: &Loaded,
    environment: &Environment,
    place: &str,
    secret: &ServerSecret,
) -> Result<Value, Issue> {
    let sources = Sources {
        environment,
        files: &loaded.files,
    };
    let of = |value: &Secret| Value::of(value.expose().to_owned());
    let help = "set it, or correct the name; without it the server would not start";
    if let Some(outside) = secret.outside() {
        let value = outside.resolve(sources);
        return value
            .map(|value| of(&value))
            .map_err(|why| error(loaded, place, why).help(help));
    }
    if let Some(argv) = &secret.from_command {
        let mut argv = argv.clone();
        if let Some(program) = argv.first_mut().filter(|program| program.contains('/')) {
            *program = loaded
                .files
                .path(program.as_str().as_ref())
                .display()
                .to_string();
        }
        let folder = loaded.files.path("".as_ref());
        let help = "run it by hand; it is started without a shell and without a terminal";
        return run(&argv, &folder).map_err(|why| error(loaded, place, why).help(help));
    }
    if let Some(AgeEntry { file, key, name }) = &secret.from_age {
        let place = format!("{place}/from-age");
        let read = |path| {
            loaded
                .files
                .read(path, LARGEST)
                .map_err(|why| error(loaded, &place, why))
        };
        let key = AgeKey::read(&String::from_utf8_lossy(&Zeroizing::new(read(key)?)));
        let key = key.map_err(|why| error(loaded, &format!("{place}/key"), why))?;
        let values = AgeFile::open(&read(file)?, &key).map_err(|why| error(loaded, &place, why))?;
        let help = "`sandgate secret list` shows what is in it, `sandgate secret set` adds to it";
        let missing = || {
            error(
                loaded,
                &format!("{place}/name"),
                format!("there is no {name:?} in it"),
            )
            .help(help)
        };
        return values.value(name).cloned().ok_or_else(missing);
    }
    let Some(vault) = &secret.from_vault else {
        return Err(error(loaded, place, "it comes from nowhere"));
    };
    let VaultKey {
        address,
        mount,
        path,
        key,
        namespace,
        token,
        ca,
    } = vault;
    let place = format!("{place}/from-vault");
    let token = token
        .one()
        .ok_or_else(|| error(loaded, &place, "its token comes from nowhere"))?;
    let token = token
        .resolve(sources)
        .map_err(|why| error(loaded, &place, why).help(help))?;
    let ca_place = format!("{place}/ca");
    let authorities = ca
        .as_ref()
        .map(|ca| certificates::authorities(loaded, &ca_place, ca))
        .transpose()?;
    let vault = Vault {
        address: address.0.clone(),
        mount: mount.clone(),
        path: path.clone(),
        key: key.clone(),
        namespace: namespace.clone(),
        token: of(&token),
        authorities: authorities.map(|authorities| authorities.0),
    };
    let help =
        "see that it is reached, that the token may read the path, and that the secret has the key";
    vault
        .read()
        .map_err(|why| error(loaded, &place, why).help(help))
}

/// The value, if it is one that can be given so.
fn fitting(
    loaded: &Loaded,
    place: &str,
    secret: &ServerSecret,
    value: Value,
) -> Result<Value, Issue> {
    let text = value.expose();
    let why = match secret.give {
        _ if text.is_empty() => "the value is empty",
        _ if text.len() > LONGEST => "the value is longer than 64 KiB",
        Give::Inject if http::HeaderValue::from_str(text).is_err() => {
            "the value has a line end or a control character, which no header may have"
        }
        Give::Env if text.contains('\0') => "the value has a NUL, which no variable may have",
        _ => return Ok(value),
    };
    Err(error(loaded, place, why).help("correct it where it is kept"))
}

/// Takes the values out of what interceptors make of messages.
pub(super) struct Kept(pub(super) Arc<Redactor>);

impl Redaction for Kept {
    fn redact(&self, document: &Json) -> Option<Json> {
        let clean = self.0.json(document.as_str())?;
        let limits = Limits {
            bytes: usize::MAX,
            ..Limits::default()
        };
        // What cannot be read any more does not go on either.
        Some(Json::parse(clean, &limits).unwrap_or_else(|_| Json::empty_object()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_that_cannot_be_looked_for_are_an_error_that_says_nothing_of_them() {
        let values = (0..5).map(|at| {
            let name = ("desk".to_owned(), format!("KEY{at}"));
            (name, Value::of(format!("{at}-secret").repeat(8 << 10)))
        });
        let issue = Fetched(values.collect()).tell(&Arc::default());
        let text = format!("{issue:?}");
        assert!(text.contains("256 KiB together"), "{text}");
        assert!(!text.contains("-secret"), "{text}");
        assert!(Fetched::default().tell(&Arc::default()).is_none());
    }
}
