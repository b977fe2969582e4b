//! `sandgate replay`: replays recorded calls, or writes one of them as a fixture.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
#[cfg(feature = "authoring")]
use sandgate_authoring::args::RecordedFixture;
use sandgate_recording::replay::{self, NotReplayed};

use crate::exit::{complain, fail, refuse, runtime};
use crate::reached::Configured;
use crate::terminal::print;

/// `sandgate replay`.
#[derive(Clone, Debug, Args)]
pub struct Replay {
    /// The recording
    #[arg(value_name = "DIR")]
    pub folder: PathBuf,
    /// The configuration to run it through.
    #[command(flatten)]
    pub configured: Configured,
    /// Compare with what this configuration decides [default: with what was decided live]
    #[arg(long, value_name = "FILE")]
    pub against: Option<PathBuf>,
    /// The file with the secret key of age to which it was recorded
    #[arg(long, value_name = "FILE")]
    pub identity: Option<PathBuf>,
    /// Compare what interceptors noticed, too
    #[arg(long)]
    pub findings: bool,
    /// Exit with 1 where a decision differs
    #[arg(long)]
    pub fail_on_difference: bool,
    /// As JSON
    #[arg(long)]
    pub json: bool,
    /// The call to write as a fixture.
    #[cfg(feature = "authoring")]
    #[command(flatten)]
    pub fixture: RecordedFixture,
}

/// Replays a recording, or writes one of its calls as a fixture.
pub fn carry_out(asked: &Replay) -> ExitCode {
    match runtime(None) {
        Ok(runtime) => {
            #[cfg(feature = "authoring")]
            if asked.fixture.fixture.is_some() {
                return runtime.block_on(fixture(asked));
            }
            runtime.block_on(replayed(asked))
        }
        Err(error) => fail(&error),
    }
}

async fn replayed(asked: &Replay) -> ExitCode {
    let request = replay::Request {
        folder: asked.folder.clone(),
        config: asked.configured.config.clone(),
        against: asked.against.clone(),
        identity: asked.identity.clone(),
        findings: asked.findings,
    };
    match replay::replay(&request).await {
        Ok(replayed) => {
            match asked.json {
                true => print(&format!("{:#}\n", replayed.as_json())),
                false => print(&replayed.text()),
            }
            let differ = !replayed.differences.is_empty();
            ExitCode::from(u8::from(differ && asked.fail_on_difference))
        }
        Err(error) => not_replayed(&error),
    }
}

#[cfg(feature = "authoring")]
async fn fixture(asked: &Replay) -> ExitCode {
    use sandgate_authoring::recorded::{NoFixture, as_fixture};
    let (identity, config) = (asked.identity.as_deref(), &asked.configured.config);
    match as_fixture(&asked.folder, identity, config, &asked.fixture).await {
        Ok(text) => {
            print(&text);
            ExitCode::SUCCESS
        }
        Err(NoFixture::Replay(error)) => not_replayed(&error),
        Err(error) => {
            complain(&error);
            ExitCode::from(2)
        }
    }
}

fn not_replayed(error: &NotReplayed) -> ExitCode {
    match error {
        NotReplayed::Config(report) => refuse(report),
        error => {
            complain(error);
            ExitCode::from(2)
        }
    }
}
