//! The placeholder for a plugin that could not be loaded.

use std::sync::Arc;

use sandgate_host::PluginFile;
use sandgate_message::{
    BoxFuture, Failure, Hook, HookRequest, HookResult, Interceptor, InterceptorInfo, PostDecision,
    PreDecision, Role,
};

use crate::prepared::{DEFAULT_TIMEOUT, Prepared};

/// Stands where a plugin could not be loaded. Each of its runs fails, and `fail-open` says what that means.
pub(super) struct Unloaded {
    description: InterceptorInfo,
}

impl Unloaded {
    pub(super) fn prepared(
        interceptor: &sandgate_config::Interceptor,
        file: Option<&PluginFile>,
    ) -> Prepared {
        let everything = || {
            let all = || vec!["*".to_owned()];
            vec![
                (Hook::PreCall, Role::Validation, all()),
                (Hook::PostCall, Role::Validation, all()),
            ]
        };
        let description = InterceptorInfo {
            name: file.map_or_else(
                || interceptor.name.clone(),
                |file| file.manifest().name.clone(),
            ),
            version: file.map_or_else(String::new, |file| file.manifest().version.clone()),
            digest: file.map_or_else(|| "none".to_owned(), |file| file.digest().to_owned()),
            hooks: file.map_or_else(everything, |file| file.manifest().hooks()),
        };
        Prepared {
            interceptor: Arc::new(Self { description }),
            timeout: DEFAULT_TIMEOUT,
            key: None,
            candidate: None,
        }
    }
}

impl Interceptor for Unloaded {
    fn plugin(&self) -> &InterceptorInfo {
        &self.description
    }
    fn pre_call(&self, _: HookRequest) -> BoxFuture<'_, HookResult<PreDecision>> {
        Box::pin(std::future::ready(HookResult::failed(Failure::Load(
            "see the start of the log".into(),
        ))))
    }
    fn post_call(&self, _: HookRequest) -> BoxFuture<'_, HookResult<PostDecision>> {
        Box::pin(std::future::ready(HookResult::failed(Failure::Load(
            "see the start of the log".into(),
        ))))
    }
}
