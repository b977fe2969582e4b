//! The gateway's own log: tracing to stderr. Stdout is for the call log, or for the client on stdio.
//!
//! A process that serves logs through a queue (`queue`), so that it neither waits for stderr nor ends with it. The
//! other verbs write at once, so that their log lines stand in order among their output.

mod export;
mod line;
mod queue;

use std::io::{self, IsTerminal, Write};
use std::os::fd::AsFd;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use sandgate_config::Report;
use sandgate_text::escape;
use tracing::Level;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;

use self::export::ExportLayer;
pub(crate) use self::export::export_to;
use self::line::Line;
pub use self::queue::LogQueue;

/// The format of the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// Lines for people.
    #[default]
    Text,
    /// One JSON object for each line.
    Json,
}

/// How long the end of the process waits for its last lines: enough for any reader that reads.
const LAST_LINES: Duration = Duration::from_secs(1);

/// The log of a process that serves. Empty in other processes.
static SERVING: OnceLock<Serving> = OnceLock::new();

struct Serving {
    queue: Arc<LogQueue>,
    format: LogFormat,
}

/// A `--log-level` that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error(
    "--log-level {given:?}: {why}; write error, warn, info, debug or trace, or filters such as info,sandgate_host=debug"
)]
pub struct BadLevel {
    given: String,
    why: String,
}

/// Why the log cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The level cannot be used.
    #[error(transparent)]
    Level(#[from] BadLevel),
    /// The writing thread cannot be started.
    #[error("the log's thread cannot be started: {0}")]
    Thread(io::Error),
}

/// Flushes the log when it is dropped, at the end of the process.
#[derive(Debug)]
pub struct LogGuard(());

impl Drop for LogGuard {
    fn drop(&mut self) {
        flush();
    }
}

/// Sets the log up for the whole process. Only the first call counts. With `serving`, events and panics go through the
/// queue. Keep the guard until the process ends.
///
/// # Errors
///
/// The level is neither a level nor a list of filters, or a thread cannot be started.
pub fn set_up(level: &str, format: LogFormat, serving: bool) -> Result<LogGuard, LogError> {
    let colours = io::stderr().is_terminal();
    let guard = LogGuard(());
    let subscriber = if serving {
        let queue = start_queue(format).map_err(LogError::Thread)?;
        // From here on, an error in the level is logged in the log's own format.
        let _ = SERVING.set(Serving {
            queue: queue.clone(),
            format,
        });
        log_panics();
        subscriber(level, format, move || Queued(queue.clone()), colours)?
    } else {
        subscriber(level, format, io::stderr, colours)?
    };
    // An embedding program or an earlier test may have set a subscriber already. That one stands.
    let _ = tracing::subscriber::set_global_default(subscriber);
    Ok(guard)
}

/// The queue of a process that serves. `None` in other processes.
pub fn queue() -> Option<&'static Arc<LogQueue>> {
    SERVING.get().map(|serving| &serving.queue)
}

/// Waits up to a second for the last lines to be written. Call it before the process ends.
pub fn flush() {
    if let Some(queue) = queue() {
        queue.flush(LAST_LINES);
    }
}

/// Tells people something that is not a log event, whatever level the log shows: as text, or, in JSON, as a log line.
/// Never fails: if stderr cannot be written, nobody reads it.
pub fn say(level: Level, text: &str) {
    if text.trim().is_empty() {
        return;
    }
    export::line(level, text);
    match SERVING.get() {
        Some(Serving {
            queue,
            format: LogFormat::Json,
        }) => queue.push(Line::new(level, text).json()),
        Some(Serving {
            queue,
            format: LogFormat::Text,
        }) => {
            let mut text = for_stderr(text);
            if !text.ends_with('\n') {
                text.push('\n');
            }
            queue.push(text.into_bytes());
        }
        None => {
            let mut text = for_stderr(text);
            if !text.ends_with('\n') {
                text.push('\n');
            }
            let _ = io::stderr().write_all(text.as_bytes());
        }
    }
}

/// Reports what is wrong with a configuration: as a page for people, or, in JSON, each issue as a log line.
pub fn say_report(report: &Report) {
    match SERVING.get() {
        Some(Serving {
            queue,
            format: LogFormat::Json,
        }) => {
            export::line(Level::ERROR, &report.render(false));
            for issue in report.described() {
                queue.push(Line::of_issue(&issue).json());
            }
        }
        _ => say(Level::ERROR, &report.render(true)),
    }
}

/// The text, without its colours if stderr shows none.
fn for_stderr(text: &str) -> String {
    match anstream::AutoStream::choice(&io::stderr()) {
        anstream::ColorChoice::Never => anstream::adapter::strip_str(text).to_string(),
        _ => text.to_owned(),
    }
}

fn start_queue(format: LogFormat) -> io::Result<Arc<LogQueue>> {
    let stderr = io::stderr().as_fd().try_clone_to_owned()?;
    LogQueue::start(stderr, move |count, why| {
        let text = format!("{count} lines of this log could not be written and are lost: {why}");
        Line::new(Level::WARN, &text).written(format)
    })
}

/// Logs panics as log lines. Rust's own hook writes prose, and waits for stderr's reader.
fn log_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let Some(Serving { queue, format }) = SERVING.get() else {
            return;
        };
        let thread = std::thread::current();
        let name = thread.name().unwrap_or("unnamed");
        let words = panic.payload_as_str().unwrap_or("it said nothing");
        let mut text = match panic.location() {
            Some(at) => format!("thread {name:?} panicked at {at}: {words}"),
            None => format!("thread {name:?} panicked: {words}"),
        };
        let trace = std::backtrace::Backtrace::capture();
        if trace.status() == std::backtrace::BacktraceStatus::Captured {
            text = format!("{text}\n{trace}");
        }
        export::line(Level::ERROR, &text);
        // Does not use tracing: the panic may be tracing's own.
        queue.push(Line::new(Level::ERROR, &text).written(*format).into_bytes());
    }));
}

/// A writer that hands each event to the queue.
struct Queued(Arc<LogQueue>);

impl Write for Queued {
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        self.0.push(event.to_vec());
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
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
        // An event that cannot be written is not reported: tracing would report it to stderr, which is what cannot be
        // written, and panic.
        .log_internal_errors(false)
        .with_writer(Safely {
            to,
            format,
            colours,
        });
    Ok(match format {
        LogFormat::Text => Box::new(builder.with_ansi(colours).finish().with(ExportLayer)),
        LogFormat::Json => {
            let builder = builder.json().flatten_event(true);
            Box::new(builder.finish().with(ExportLayer))
        }
    })
}

/// A writer that escapes events, so that each begins on a line of its own and no other line looks like one, whatever
/// text is in it.
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

impl<W: Write> Write for Safely<W> {
    /// The subscriber writes a whole event at once.
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(event);
        let safe = match self.format {
            LogFormat::Text => escape::event(&text, self.colours),
            LogFormat::Json => escape::json(&text),
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

    impl Write for Sink {
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
