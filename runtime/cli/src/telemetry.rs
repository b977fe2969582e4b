//! The gateway's own log: tracing to stderr. Stdout is for the call log, or for the client on stdio.

use std::io::{self, IsTerminal};

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

use crate::args::LogFormat;

/// A `--log-level` that says nothing usable.
#[derive(Debug, thiserror::Error)]
#[error(
    "--log-level {given:?}: {why}; write error, warn, info, debug or trace, or filters such as info,sandgate_host=debug"
)]
pub struct BadLevel {
    given: String,
    why: String,
}

/// Sets it up for the whole process. The first call counts.
///
/// # Errors
/// The level is neither a level nor a list of filters.
pub fn set_up(level: &str, format: LogFormat) -> Result<(), BadLevel> {
    let subscriber = subscriber(level, format, io::stderr, io::stderr().is_terminal())?;
    // Already set up: by an embedding program or an earlier test, whose choice stands.
    let _ = tracing::subscriber::set_global_default(subscriber);
    Ok(())
}

fn subscriber<W>(
    level: &str,
    format: LogFormat,
    to: W,
    colours: bool,
) -> Result<Box<dyn tracing::Subscriber + Send + Sync>, BadLevel>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    // `EnvFilter` takes any bare word as the name of a target, so `--log-level inof` would silence everything.
    let levels = ["off", "error", "warn", "info", "debug", "trace"];
    let filters = level.split(',').map(str::trim);
    for filter in filters {
        let bare = !filter.contains(['=', '[']);
        if bare && !levels.contains(&filter.to_ascii_lowercase().as_str()) {
            return Err(BadLevel {
                given: level.to_owned(),
                why: format!("{filter:?} is no level"),
            });
        }
    }
    let filter = EnvFilter::try_new(level).map_err(|e| BadLevel {
        given: level.to_owned(),
        why: e.to_string(),
    })?;
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(to);
    Ok(match format {
        LogFormat::Text => Box::new(builder.with_ansi(colours).finish()),
        LogFormat::Json => Box::new(builder.json().flatten_event(true).finish()),
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::sync::Arc;

    use parking_lot::Mutex;

    use super::*;

    #[derive(Clone, Default)]
    struct Sink(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Sink {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn logged(level: &str, format: LogFormat) -> String {
        let sink = Sink::default();
        let to = {
            let sink = sink.clone();
            move || sink.clone()
        };
        tracing::subscriber::with_default(subscriber(level, format, to, false).unwrap(), || {
            tracing::info!(server = "time", "started");
            tracing::debug!("details");
        });
        String::from_utf8(sink.0.lock().clone()).unwrap()
    }

    #[test]
    fn a_level_shows_itself_and_what_is_graver() {
        let text = logged("info", LogFormat::Text);
        assert!(
            text.contains("started")
                && text.contains("server=\"time\"")
                && !text.contains("details"),
            "{text}"
        );
        assert!(logged("warn,sandgate=debug", LogFormat::Text).contains("details"));
    }

    #[test]
    fn json_is_one_object_a_line() {
        let text = logged("info", LogFormat::Json);
        let event: serde_json::Value = serde_json::from_str(text.trim()).unwrap();
        assert_eq!(
            (event["message"].as_str(), event["server"].as_str()),
            (Some("started"), Some("time"))
        );
    }

    #[test]
    fn a_misspelt_level_is_refused() {
        for level in ["inof", "", "info,verbose", "sandgate=loud"] {
            assert!(
                subscriber(level, LogFormat::Text, io::sink, false).is_err(),
                "{level}"
            );
        }
    }
}
