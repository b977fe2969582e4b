//! The gateway's own log: tracing to stderr. Stdout is for the call log, or for the client on stdio.

use std::io::{self, IsTerminal};

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

use crate::args::LogFormat;
use crate::control;

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
        .with_writer(Safely {
            to,
            format,
            colours,
        });
    Ok(match format {
        LogFormat::Text => Box::new(builder.with_ansi(colours).finish()),
        LogFormat::Json => Box::new(builder.json().flatten_event(true).finish()),
    })
}

/// Writes events so that each begins on a line of its own and no other line looks like one, whoever's words are in it.
struct Safely<W> {
    to: W,
    format: LogFormat,
    colours: bool,
}

impl<'a, W: MakeWriter<'a>> MakeWriter<'a> for Safely<W> {
    type Writer = Safely<W::Writer>;

    fn make_writer(&'a self) -> Self::Writer {
        Safely {
            to: self.to.make_writer(),
            format: self.format,
            colours: self.colours,
        }
    }
}

impl<W: io::Write> io::Write for Safely<W> {
    /// The subscriber writes an event at once.
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(event);
        let safe = match self.format {
            LogFormat::Text => control::event(&text, self.colours),
            LogFormat::Json => control::json(&text),
        };
        self.to.write_all(safe.as_bytes())?;
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
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
        logged_by(level, format, || {
            tracing::info!(server = "time", "started");
            tracing::debug!("details");
        })
    }

    fn logged_by(level: &str, format: LogFormat, says: impl FnOnce()) -> String {
        let sink = Sink::default();
        let to = {
            let sink = sink.clone();
            move || sink.clone()
        };
        let subscriber = subscriber(level, format, to, false).unwrap();
        tracing::subscriber::with_default(subscriber, says);
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
    fn nobody_else_begins_a_line() {
        let forged = "ok\n2026-01-01T00:00:00Z  INFO forged\r\u{9b}2K\x1b[1A";
        for format in [LogFormat::Text, LogFormat::Json] {
            let text = logged_by("trace", format, || {
                let _within = tracing::info_span!("call", server = %forged).entered();
                tracing::warn!(shown = %forged, debugged = ?forged, plain = forged, "{forged}");
            });
            let strange = |c: char| c.is_control() && c != '\n';
            assert!(!text.contains(strange), "{text:?}");
            let mine = |line: &&str| line.contains("WARN") && !line.starts_with(' ');
            let (first, rest) = text.split_once('\n').unwrap();
            assert!(mine(&first), "{text}");
            assert!(rest.lines().all(|line| line.starts_with("    ")), "{text}");
        }
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
