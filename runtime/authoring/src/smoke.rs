//! The first run of a plugin that was just built: each hook once, as a gateway would run it.

use sandgate_host::{PluginFile, PrepareError};
use sandgate_message::{Failure, Hook, Json, Method};
use sandgate_pipeline::Globs;
use serde_json::json;

use crate::context::call;
use crate::fixture::{Fixture, Fixtures};
use crate::render::{self, not_prepared};
use crate::settings;
use crate::stand::{NotStarted, Stand, sees};
use crate::trial::{Exercise, Trial};

/// How many times the plugin's timeout a first run may take. The build does not measure: it only finds hooks that never
/// end.
const TIME_FACTOR: u32 = 20;

/// Why a plugin that was built does not work.
#[derive(Debug, thiserror::Error)]
pub enum SmokeError {
    /// The plugin cannot be prepared.
    #[error("{}", not_prepared(.0))]
    Prepare(#[from] PrepareError),
    /// A hook fails.
    #[error("its {} fails on {on}: it {failure}\n{}", hook.as_str(), render::told(failure).trim_end())]
    Hook {
        /// The hook.
        hook: Hook,
        /// What it ran on: a fixture, or an example of an event.
        on: String,
        /// How it failed.
        failure: Failure,
    },
}

/// Prepares the plugin and runs each hook on the first fixture for it, or else on an example of one of its events. An
/// example has the settings and the world of the first fixture, or else the least settings that the plugin's schema
/// accepts. Returns notes for the author: what was not tried, and why.
///
/// # Errors
///
/// The plugin cannot be prepared, or a hook fails.
pub(crate) async fn smoke(
    trial: &Trial,
    file: &PluginFile,
    fixtures: &Fixtures,
) -> Result<Vec<String>, SmokeError> {
    let fixtures: Vec<&Fixture> = fixtures
        .iter()
        .filter_map(|(_, fixture)| fixture.as_ref().ok())
        .collect();
    let mut stand = Stand::new(trial, file, TIME_FACTOR);
    let least = settings::least(&file.manifest().settings);
    // What the plugin makes of settings that nobody would choose says nothing.
    let guessed = fixtures.is_empty() && least.invented;
    let mut notes = Vec::new();
    for (hook, _, events) in file.manifest().hooks() {
        let own = fixtures.iter().find(|fixture| {
            fixture.exercise.hook == hook
                && !fixture.expects_a_fault()
                && sees(file, hook, &fixture.exercise.call.method).is_ok()
        });
        let (ran, on) = if let Some(fixture) = own {
            (
                stand.run(fixture).await,
                format!("the fixture {}", fixture.name),
            )
        } else {
            let Some((event, example)) = events.iter().find_map(|event| example(hook, event))
            else {
                notes.push(format!(
                    "its {} was not tried: no fixture is for it",
                    hook.as_str()
                ));
                continue;
            };
            let example = match fixtures.first() {
                Some(first) => first.with(example),
                None => Fixture::alone(example, least.settings.clone()),
            };
            (stand.run(&example).await, format!("an example of {event}"))
        };
        let failure = match ran {
            Ok((seen, _)) => match seen.decided {
                Ok(_) | Err(Failure::Overload(_)) => continue,
                // What a service would have said decides whether the hook works.
                Err(_) if !seen.unanswered.is_empty() => {
                    notes.push(format!(
                        "its {} failed on {on}, where nothing answered {}: a fixture can, in [[http]]",
                        hook.as_str(),
                        seen.unanswered.join(", ")
                    ));
                    continue;
                }
                Err(failure) => SmokeError::Hook { hook, on, failure },
            },
            Err(NotStarted::Prepare(error)) => SmokeError::Prepare(error),
            Err(NotStarted::Fixture(why)) => {
                notes.push(format!(
                    "its {} was not tried on {on}: {why}",
                    hook.as_str()
                ));
                continue;
            }
        };
        if !guessed {
            return Err(failure);
        }
        let why = failure.to_string();
        let why = why.lines().next().unwrap_or_default().to_owned();
        notes.push(format!(
            "not tried with settings of your own ({why}): a fixture gives it some"
        ));
        break;
    }
    Ok(notes)
}

/// A small, ordinary message for one of the events that an example is known of.
fn example(hook: Hook, event: &str) -> Option<(&str, Exercise)> {
    let text = json!({ "type": "text", "text": "an example" });
    let (params, reply) = match event {
        "tools/call" => (
            json!({ "name": "example", "arguments": { "text": "an example" } }),
            json!({ "content": [text] }),
        ),
        "tools/list" => (
            json!({}),
            json!({ "tools": [
                { "name": "example", "description": "An example.", "inputSchema": { "type": "object" } },
            ] }),
        ),
        "prompts/get" => (
            json!({ "name": "example", "arguments": {} }),
            json!({ "messages": [{ "role": "user", "content": text }] }),
        ),
        "resources/read" => (
            json!({ "uri": "file:///example" }),
            json!({ "contents": [{ "uri": "file:///example", "text": "an example" }] }),
        ),
        // A pattern that covers tools.
        _ if event.contains('*') && sees_tools(event) => return example(hook, "tools/call"),
        _ => return None,
    };
    let json = |value| Json::of(&value).unwrap_or_else(|_| Json::empty_object());
    let mut call = call(event);
    let params = json(params);
    call.target = Method::new(event).target_in(&params).map(Into::into);
    let exercise = Exercise {
        hook,
        call,
        params: Some(params),
        reply: (hook == Hook::PostCall).then(|| json(reply)),
        failed: false,
        carried: None,
    };
    Some((event, exercise))
}

fn sees_tools(pattern: &str) -> bool {
    let globs = Globs::new(&[pattern.to_owned()]);
    globs.is_ok_and(|globs| globs.matches("tools/call"))
}
