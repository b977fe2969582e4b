//! What most of the zoo has in common: a guest that behaves until it is told not to.
//!
//! It knows one way of telling: params with a member `misbehave`. Everything else is each guest's own.

pub use sandgate_sdk as sdk;

/// A guest with a pre-call that proceeds unless the params have a member `misbehave`; then the expression decides.
#[macro_export]
macro_rules! misbehaves {
    (|$context:pat_param, $params:pat_param| $decision:expr) => {
        struct Guest;

        impl $crate::sdk::Interceptor for Guest {
            type Settings = $crate::sdk::NoSettings;

            fn configure(_: Self::Settings) -> Result<Self, $crate::sdk::Issues> {
                Ok(Self)
            }

            fn pre_call(
                &self,
                context: &$crate::sdk::Context,
                params: &$crate::sdk::Document,
            ) -> Result<$crate::sdk::PreDecision, $crate::sdk::Error> {
                if params.get("/misbehave").is_none() {
                    return Ok($crate::sdk::PreDecision::Proceed);
                }
                let ($context, $params) = (context, params);
                $decision
            }
        }

        $crate::sdk::export!(Guest: pre_call);
    };
}
