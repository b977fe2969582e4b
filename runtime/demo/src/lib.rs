//! `sandgate demo`: a real gateway between a scripted client and a small server, each call told as it happens.
//!
//! What is shown is read from where it really stands: the call log, what the server heard, what the client got. Each
//! claim is checked before it is printed, so the demo is a test as well. It tells a story; it decides nothing.

mod client;
mod page;
mod records;
mod scenes;
mod stage;
mod story;

use std::io;

use sandgate_config::Report;
use sandgate_daemon::until_told;
use sandgate_import::client_config;
use tokio_util::sync::CancellationToken;

use self::client::ClientError;
use self::page::Page;
use self::stage::Stage;
use self::story::Story;

/// What the log shows during the demo unless told otherwise: the story itself tells of the change that is refused.
pub const LOG_LEVEL: &str = "warn,sandgate_daemon::reload=error";

/// The demo did not come out as told.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// What was to be shown is not so.
    #[error("scene {scene} did not come out as told; this does not hold: {claim}")]
    Scene {
        /// Its number.
        scene: usize,
        /// What it claimed.
        claim: String,
    },
    /// The gateway does not start.
    #[error("{0}")]
    Config(Box<Report>),
    /// A call got no usable answer.
    #[error("{0}")]
    Client(#[from] ClientError),
    /// The machine says no.
    #[error("{0}")]
    Io(#[from] io::Error),
}

impl From<Report> for DemoError {
    fn from(report: Report) -> Self {
        Self::Config(Box::new(report))
    }
}

/// Shows it on stdout; with `serve` the gateway stays up afterwards, until a signal.
///
/// # Errors
/// Anything that was not as told, or a signal before the end.
pub async fn run(serve: bool) -> Result<(), DemoError> {
    let stop = CancellationToken::new();
    let signals = tokio::spawn(until_told(stop.clone()));
    let mut page = Page::new(anstream::AutoStream::auto(io::stdout()));
    let stage = Stage::set(stop.clone()).await?;
    let told = tokio::select! {
        told = tell(&stage, &mut page) => told,
        () = stop.cancelled() => Err(io::Error::from(io::ErrorKind::Interrupted).into()),
    };
    if told.is_ok() && serve {
        page.text(&client_config::text(
            client_config::Front::plain(stage.gateway),
            &["desk"],
        ))?;
        page.text(&format!(
            "Change {} and see: the next call goes by it.\nEach call is in {}. Ctrl-C stops.",
            stage.config_file().display(),
            stage.call_log().display()
        ))?;
        stop.cancelled().await;
    }
    let struck = stage.strike().await;
    signals.abort();
    told.and_then(|()| Ok(struck?))
}

/// Serves the demo's server, a small support desk, to one client on stdin and stdout.
///
/// # Errors
/// Reading or writing fails.
pub async fn serve_stdio() -> Result<(), DemoError> {
    let desk = support_desk::Desk::new();
    Ok(support_desk::serve_stdio(&desk, tokio::io::stdin(), tokio::io::stdout()).await?)
}

async fn tell<W: io::Write>(stage: &Stage, page: &mut Page<W>) -> Result<(), DemoError> {
    page.prologue(stage)?;
    let mut story = Story::begin(stage, page).await?;
    scenes::all(&mut story).await?;
    story.end()?;
    Ok(())
}
