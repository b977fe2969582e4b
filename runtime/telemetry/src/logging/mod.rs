//! The gateway's own log: tracing to stderr. Stdout is for the call log, or for the client on stdio.
//!
//! A process that serves logs through a queue (`queue`): nothing that it does waits for stderr or ends with it. The other
//! verbs write at once, so that their lines stand where they belong among what they print.

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

use self::line::Line;
pub use self::queue::LogQueue;

/// How the log is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// How long the end of the process waits for its last lines: enough for any reader that reads.
const LAST_LINES: Duration = Duration::from_secs(1);

/// The log of a process that serves.
static SERVING: OnceLock<Serving> = OnceLock::new();

struct Serving {
    queue: Arc<LogQueue>,
    format: LogFormat,
}

/// A `--log-level` that says nothing usable.
#[derive(Debug, thiserror::Error)]
#[error(
    "--log-level {given:?}: {why}; write error, warn, info, debug or trace, or filters such as info,sandgate_host=debug"
)]
pub struct BadLevel {
    given: String,
    why: String,
}

/// Why there is no log.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The level says nothing usable.
    #[error(transparent)]
    Level(#[from] BadLevel),
    /// The thread that writes cannot be started.
    #[error("the log's thread cannot be started: {0}")]
    Thread(io::Error),
}

/// Writes the last lines of the log when it is dropped, at the end of the process.
#[derive(Debug)]
pub struct LogGuard(());

impl Drop for LogGuard {
    fn drop(&mut self) {
        flush();
    }
}

/// Sets the log up for the whole process; the first call counts. `serving`: through the queue, and panics go there too.
/// The guard is to be kept until the process ends.
///
/// # Errors
/// The level is neither a level nor a list of filters, or a thread cannot be started.
pub fn set_up(level: &str, format: LogFormat, serving: bool) -> Result<LogGuard, LogError> {
    let colours = io::stderr().is_terminal();
    let guard = LogGuard(());
    let subscriber = if serving {
        let queue = start_queue(format).map_err(LogError::Thread)?;
        // From here on what is wrong with the level is told in the log's own format.
        let _ = SERVING.set(Serving {
            queue: queue.clone(),
            format,
        });
        log_panics();
        subscriber(level, format, move || Queued(queue.clone()), colours)?
    } else {
        subscriber(level, format, io::stderr, colours)?
    };
    // Already set up: by an embedding program or an earlier test, whose choice stands.
    let _ = tracing::subscriber::set_global_default(subscriber);
    Ok(guard)
}

/// The queue of a process that serves.
pub fn queue() -> Option<&'static Arc<LogQueue>> {
    SERVING.get().map(|serving| &serving.queue)
}

/// Waits a moment for the last lines to be written. To be called before the process ends.
pub fn flush() {
    if let Some(queue) = queue() {
        queue.flush(LAST_LINES);
    }
}

/// Tells people something that is no event of the log, whatever level the log shows: as it is, or, in JSON, as a line of
/// the log. It never fails: where stderr cannot be written, nobody reads it.
pub fn say(level: Level, text: &str) {
    if text.trim().is_empty() {
        return;
    }
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

/// Tells what is wrong with a configuration: as a page for people, or, in JSON, each issue as a line of the log.
pub fn say_report(report: &Report) {
    match SERVING.get() {
        Some(Serving {
            queue,
            format: LogFormat::Json,
        }) => {
            for issue in report.described() {
                queue.push(Line::of_issue(&issue).json());
            }
        }
        _ => say(Level::ERROR, &report.render(true)),
    }
}

/// Without colours where stderr shows none.
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

/// A panic is a line of the log like any other: the hook that Rust brings writes prose, and waits for whoever reads it.
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
        // Not by tracing: the panic may be tracing's own.
        queue.push(Line::new(Level::ERROR, &text).written(*format).into_bytes());
    }));
}

/// Hands each event to the queue.
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
        // An event that cannot be written is told by nobody: tracing would tell it to stderr, which is what cannot be
        // written, and panic.
        .log_internal_errors(false)
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

impl<W: Write> Write for Safely<W> {
    /// The subscriber writes an event at once.
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
