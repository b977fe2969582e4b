//! The first run of a plugin that was just built: each hook once, as a gateway would run it.

use sandgate_host::{PluginFile, PrepareError};
use sandgate_message::{Failure, Hook, Json, Method};
use serde_json::json;

use crate::fixture::{Fixture, Fixtures};
use crate::run::{call, not_prepared};
use crate::stand::{NotStarted, Stand, sees};
use crate::trial::{Exercise, Trial};
use crate::{render, settings};

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

/// Prepares the plugin and runs each hook on the first fixture for it, or else on an example of its first event. The
/// settings of an example are those of the first fixture, or else the least that the plugin's schema accepts. Returns
/// notes for the author: what was not tried, and why.
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
    let mut notes = Vec::new();
    for (hook, _, events) in file.manifest().hooks() {
        let fits = |fixture: &&&Fixture| {
            let exercise = &fixture.exercise;
            exercise.hook == hook
                && !fixture.expects_a_fault()
                && sees(file, hook, &exercise.call.method).is_ok()
        };
        let ran = if let Some(fixture) = fixtures.iter().find(fits) {
            let on = format!("the fixture {}", fixture.name);
            (stand.run(fixture).await, on)
        } else {
            let known = events.iter().find(|event| Method::new(event).is_known());
            let event = known.map_or("tools/call", String::as_str);
            let settings = match fixtures.first() {
                Some(first) => first.settings.clone(),
                None => settings::least(&file.manifest().settings),
            };
            let example = Fixture::alone(example(hook, event), settings);
            let on = format!("an example of {event}");
            (stand.run(&example).await, on)
        };
        match ran {
            (Err(NotStarted::Prepare(PrepareError::Settings(issues))), _)
                if fixtures.is_empty() =>
            {
                let issue = issues.first().map(|issue| format!(" ({})", issue.message));
                notes.push(format!(
                    "not tried out, since it needs settings{}: fixtures give it some",
                    issue.unwrap_or_default()
                ));
                break;
            }
            (Err(NotStarted::Prepare(error)), _) => return Err(error.into()),
            (Err(NotStarted::Fixture(why)), on) => {
                notes.push(format!(
                    "its {} was not tried on {on}: {why}",
                    hook.as_str()
                ));
            }
            (Ok((seen, _)), on) => match seen.decided {
                Ok(_) | Err(Failure::Overload(_)) => {}
                // What a service would have said decides whether the hook works.
                Err(_) if !seen.unanswered.is_empty() => notes.push(format!(
                    "its {} failed on {on}, where nothing answered {}: a fixture can, in [[http]]",
                    hook.as_str(),
                    seen.unanswered.join(", ")
                )),
                Err(failure) => return Err(SmokeError::Hook { hook, on, failure }),
            },
        }
    }
    Ok(notes)
}

/// A small, ordinary message for the event.
fn example(hook: Hook, event: &str) -> Exercise {
    let params = match event {
        "tools/call" => json!({ "name": "example", "arguments": { "text": "an example" } }),
        "prompts/get" => json!({ "name": "example", "arguments": {} }),
        "resources/read" => json!({ "uri": "file:///example" }),
        _ => json!({}),
    };
    let text = json!({ "type": "text", "text": "an example" });
    let reply = match event {
        "tools/call" => json!({ "content": [text] }),
        "tools/list" => json!({ "tools": [
            { "name": "example", "description": "An example.", "inputSchema": { "type": "object" } },
        ] }),
        "prompts/get" => json!({ "messages": [{ "role": "user", "content": text }] }),
        "resources/read" => {
            json!({ "contents": [{ "uri": "file:///example", "text": "an example" }] })
        }
        _ => json!({}),
    };
    let json = |value| Json::of(&value).unwrap_or_else(|_| Json::empty_object());
    let mut call = call(event);
    let params = json(params);
    call.target = Method::new(event).target_in(&params).map(Into::into);
    Exercise {
        hook,
        call,
        params: Some(params),
        reply: (hook == Hook::PostCall).then(|| json(reply)),
        failed: false,
        carried: None,
    }
}
