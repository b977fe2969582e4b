//! Who plays in a drill.

use sandgate_config::Loaded;

use crate::error::DrillError;
use crate::plan::Wanted;

/// Who plays: the names under which the stand-in and the caller appear.
#[derive(Clone, Debug)]
pub(crate) struct Cast {
    pub(crate) server: String,
    /// `None`: nobody needs a key.
    pub(crate) client: Option<String>,
    pub(crate) read: String,
    pub(crate) send: String,
    /// The key of the client, made for this drill.
    pub(crate) key: String,
}

impl Cast {
    /// # Errors
    ///
    /// The configuration has no such server or client.
    pub(crate) fn of(loaded: &Loaded, wanted: &Wanted) -> Result<Self, DrillError> {
        let config = &loaded.config;
        let among = |what: &str, asked: &Option<String>, known: Vec<&String>| match asked {
            Some(name) if known.contains(&name) => Ok(Some(name.clone())),
            Some(name) => Err(DrillError::Needs(format!(
                "the configuration has no {what} {name:?}: {}",
                sandgate_text::nearest(name, known.iter().map(|name| name.as_str()))
            ))),
            None => Ok(known.first().map(|name| (*name).clone())),
        };
        let server = among("server", &wanted.server, config.servers.keys().collect())?;
        let mut client = among("client", &wanted.client, config.clients.keys().collect())?;
        // With tokens alone, somebody has to have a key, for the issuer is not asked.
        if client.is_none() && config.authorization.is_some() {
            client = Some("drill".to_owned());
        }
        let name = |asked: &Option<String>, usual: &str| asked.clone().unwrap_or(usual.to_owned());
        let cast = Self {
            server: server.unwrap_or_else(|| "stand-in".to_owned()),
            client,
            read: name(&wanted.read, "read_ticket"),
            send: name(&wanted.send, "send_email"),
            key: format!(
                "drill-{:032x}{:032x}",
                rand::random::<u128>(),
                rand::random::<u128>()
            ),
        };
        let fits = |name: &str| {
            !name.is_empty()
                && name.len() <= 128
                && name
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || "_-.".contains(c))
        };
        if !fits(&cast.read) || !fits(&cast.send) || cast.read == cast.send {
            return Err(DrillError::Needs(
                "--read and --send name two tools, in at most 128 letters, digits, `_`, `-` and `.`".to_owned(),
            ));
        }
        Ok(cast)
    }
}
