//! The smoke call: one run of each hook before a plugin gets traffic.

use std::sync::Arc;
use std::time::{Duration, Instant};

use sandgate_message::{Call, CallId, Failure, Hook, HookRequest, Json};

use crate::plugin::Plugin;
use crate::spec::PrepareError;

/// How long the smoke call of one hook may take.
const TIMEOUT: Duration = Duration::from_secs(2);

/// Runs each hook once with an empty document. A hook that is not exported, or that crashes at once, is found before
/// traffic finds it.
pub(crate) async fn smoke(plugin: &Plugin) -> Result<(), PrepareError> {
    for (hook, _, events) in &plugin.info.hooks {
        let method = events
            .iter()
            .find(|event| !event.contains(['*', '?', '[', '{']))
            .map_or("ping", String::as_str);
        let request = HookRequest {
            call: Arc::new(Call::anonymous(CallId("smoke".into()), "smoke", method)),
            document: Json::empty_object(),
            sent: None,
            failed: false,
            carried: None,
            timeout: TIMEOUT,
            deadline: Instant::now() + HookRequest::wall_limit(TIMEOUT),
            shadow: true,
        };
        let failure = match hook {
            Hook::PreCall => plugin.run_pre_call(request).await.decision.err(),
            Hook::PostCall => plugin.run_post_call(request).await.decision.err(),
        };
        match failure {
            // A plugin may report an empty document as an error of its own.
            None | Some(Failure::Own { .. }) => {}
            Some(failure) => {
                return Err(PrepareError::Smoke {
                    hook: *hook,
                    failure,
                });
            }
        }
    }
    Ok(())
}
