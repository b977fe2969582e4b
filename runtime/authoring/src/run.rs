//! `sandgate plugin run`: runs one hook of a built plugin, and shows the outcome.

use std::path::Path;

use sandgate_assembly::inspect;
use sandgate_config::{Report, argument_content};
use sandgate_host::{Grants, PluginFile, PrepareError, Simulation};
use sandgate_message::{Hook, Json, Limits, Method};
use sandgate_pipeline::Judged;
use serde_json::{Value, json};

use super::context::{call, set};
use super::fixture::Fixture;
use super::render::{self, not_prepared};
use super::stand::{Stand, sees, timeout};
use super::trial::{Exercise, Seen, Trial};
use crate::args;

/// The outcome of a run.
pub struct Ran {
    seen: Seen,
    document: Json,
    notes: Vec<String>,
}

/// Why nothing was run.
#[derive(Debug, thiserror::Error)]
pub enum NotRun {
    /// The file is not a plugin.
    #[error("{0}")]
    File(String),
    /// An argument is not valid.
    #[error("{argument}: {why}")]
    Argument {
        /// The argument's name.
        argument: String,
        /// What is wrong, and what would be right.
        why: String,
    },
    /// The fixture is not valid.
    #[error("{0}")]
    Fixture(Report),
    /// The plugin cannot be prepared.
    #[error("{}", not_prepared(.0))]
    Prepare(#[from] PrepareError),
}

fn argument(argument: impl Into<String>, why: impl Into<String>) -> NotRun {
    NotRun::Argument {
        argument: argument.into(),
        why: why.into(),
    }
}

/// Runs one hook.
///
/// # Errors
///
/// Nothing could be run. A failure of the plugin itself is a result, not an error.
pub async fn run(asked: &args::RunPlugin) -> Result<Ran, NotRun> {
    let file = inspect::read(&asked.plugin).map_err(NotRun::File)?;
    if let Some(path) = &asked.fixture {
        return run_fixture(path, &file, asked.time.time_factor).await;
    }
    let exercise = exercise(asked, &file)?;
    let settings = match &asked.settings {
        Some(text) => given_settings(text)?,
        None => json!({}),
    };
    let asks = &file.manifest().asks;
    let unseen = sees(&file, exercise.hook, &exercise.call.method).err();
    let mut notes: Vec<_> = unseen.into_iter().collect();
    // No HTTP is granted: an author who wants answers writes a fixture.
    let grants = Grants {
        state: asks.state.is_some(),
        ..Grants::default()
    };
    let limit = timeout(&file) * asked.time.time_factor;
    let trial = Trial::new()?;
    let mut plugin = trial.prepare(file, settings, grants).await?;
    notes.extend(
        plugin
            .withheld()
            .iter()
            .map(|withheld| format!("it asks for {}, which it does not get here", withheld.what)),
    );
    let seen = exercise
        .run(&mut plugin, Simulation::default(), limit)
        .await;
    Ok(Ran {
        seen,
        document: exercise.document(),
        notes,
    })
}

/// Runs the hook of a fixture, in the world that the fixture describes.
async fn run_fixture(path: &Path, file: &PluginFile, time_factor: u32) -> Result<Ran, NotRun> {
    let fixture = Fixture::read(path).map_err(NotRun::Fixture)?;
    let trial = Trial::new()?;
    let mut stand = Stand::new(&trial, file, time_factor);
    let ran = stand.run(&fixture).await;
    let (seen, _) = ran.map_err(|why| argument("--fixture", why.to_string()))?;
    Ok(Ran {
        seen,
        document: fixture.exercise.document(),
        notes: Vec::new(),
    })
}

fn exercise(asked: &args::RunPlugin, file: &PluginFile) -> Result<Exercise, NotRun> {
    let hooks = file.manifest().hooks();
    let hook = match asked.hook {
        Some(args::HookName::PreCall) => Hook::PreCall,
        Some(args::HookName::PostCall) => Hook::PostCall,
        None => match hooks.as_slice() {
            [(hook, ..)] => *hook,
            _ => return Err(argument("--hook", "it has both: say pre-call or post-call")),
        },
    };
    let Some((_, _, events)) = hooks.iter().find(|(known, ..)| *known == hook) else {
        let why = format!("the plugin has no {}", hook.as_str());
        return Err(argument("--hook", why));
    };
    let event = asked.event.clone().unwrap_or_else(|| {
        let plain = events.iter().find(|event| Method::new(event).is_known());
        plain.map_or("tools/call", String::as_str).to_owned()
    });
    let document = |name: &str, text: &Option<String>| {
        let parse = |text: &String| {
            Json::parse(given(name, text)?, &Limits::default())
                .map_err(|error| argument(name, error.to_string()))
        };
        text.as_ref().map(parse).transpose()
    };
    let params = document("--params", &asked.params)?;
    let reply = document("--reply", &asked.reply)?;
    match hook {
        Hook::PreCall if reply.is_some() => {
            return Err(argument("--reply", "a pre-call has none; give --params"));
        }
        Hook::PostCall if reply.is_none() => {
            return Err(argument(
                "--reply",
                "a post-call needs one: JSON, @FILE or - for stdin",
            ));
        }
        _ => {}
    }
    let mut call = call(&event);
    if let Some(params) = &params {
        call.target = Method::new(&event).target_in(params).map(Into::into);
    }
    for pair in &asked.context {
        let (key, value) = pair
            .split_once('=')
            .ok_or_else(|| argument("--context", format!("\"{pair}\" is not KEY=VALUE")))?;
        set(&mut call, key, value).map_err(|why| argument(format!("--context {key}"), why))?;
    }
    Ok(Exercise {
        hook,
        call,
        params,
        reply,
        failed: asked.failed,
        carried: asked.carried.as_ref().map(|note| note.clone().into_bytes()),
    })
}

/// The settings that `--settings` gives.
///
/// # Errors
///
/// They cannot be read, or are no JSON.
pub(super) fn given_settings(text: &str) -> Result<Value, NotRun> {
    serde_json::from_slice(&given("--settings", text)?)
        .map_err(|error| argument("--settings", format!("no JSON: {error}")))
}

fn given(name: &str, text: &str) -> Result<Vec<u8>, NotRun> {
    argument_content(text).map_err(|why| argument(name, why))
}

impl Ran {
    /// The outcome for people, with ANSI colours.
    pub fn text(&self) -> String {
        let mut text = render::text(&self.seen, &self.document);
        for note in &self.notes {
            text += &format!("note      {note}\n");
        }
        text
    }

    /// The outcome for programs.
    pub fn as_json(&self) -> Value {
        render::as_json(&self.seen)
    }

    /// The exit code: 0 if the call goes on, changed or not; 10 if it is refused; 20 if the plugin failed.
    pub fn exit_code(&self) -> u8 {
        match self.seen.decided {
            Ok(Judged::Refuse(_)) => 10,
            Err(_) => 20,
            _ => 0,
        }
    }
}
