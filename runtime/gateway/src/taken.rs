//! A whole exchange, for somebody who takes calls down: what came, before any interceptor saw it, and what was decided.

use std::sync::Arc;
use std::time::SystemTime;

use sandgate_message::{Call, Message};
use sandgate_pipeline::{Chain, Trail};

use crate::record::Decision;

/// One exchange. Its parts are shared with the call that made it: to hold one costs no copy.
#[derive(Debug)]
pub struct Taken {
    /// Who called what, before any interceptor.
    pub call: Arc<Call>,
    /// When the message came.
    pub at: SystemTime,
    /// The request or notification as it came.
    pub message: Message,
    /// What the other side answered, as it came; none where it was not asked or did not answer.
    pub reply: Option<Message>,
    /// The chain that it entered.
    pub chain: Arc<Chain>,
    /// Who decided what.
    pub trail: Trail,
    /// What became of it.
    pub decision: Decision,
    /// It carries other messages, which interceptors judged by themselves.
    pub carries: bool,
}

impl Taken {
    pub(crate) fn new(call: &Arc<Call>, message: &Message, chain: &Arc<Chain>) -> Self {
        Self {
            call: call.clone(),
            at: SystemTime::now(),
            message: message.clone(),
            reply: None,
            chain: chain.clone(),
            trail: Trail {
                version: chain.version(),
                entries: Vec::new(),
            },
            decision: Decision::Cancelled,
            carries: false,
        }
    }
}
