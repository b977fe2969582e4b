//! A place at the gate, and a call's hold on one.

use std::sync::Arc;
use std::task::{Context, Poll, ready};

use sandgate_message::{Account, BoxFuture};

use super::queue::Way;
use super::{Gate, Overloaded};

/// A place, which is freed when dropped.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) gate: Option<Arc<Gate>>,
    /// The account that holds the place; `None` for an unreserved one.
    of: Option<Account>,
}

/// A call's place, while it holds one.
pub(super) struct Held<'a> {
    pub(super) gate: &'a Arc<Gate>,
    pub(super) account: &'a Account,
    pub(super) place: Option<Place>,
    pub(super) waits: Option<BoxFuture<'static, Result<Place, Overloaded>>>,
}

impl Place {
    pub(super) fn new(gate: &Arc<Gate>, of: Option<Account>) -> Self {
        Self {
            gate: Some(gate.clone()),
            of,
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(gate) = self.gate.take() {
            gate.give_back(self.of.as_ref());
        }
    }
}

impl Held<'_> {
    /// Ready once the call has a place, or has waited long enough to go on without.
    pub(super) fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if self.place.is_some() {
            return Poll::Ready(());
        }
        if self.waits.is_none() {
            self.place = self.gate.take(self.account, Way::Within);
            if self.place.is_some() {
                return Poll::Ready(());
            }
        }
        let waits = self.waits.get_or_insert_with(|| {
            Box::pin(self.gate.clone().wait(self.account.clone(), Way::Within))
        });
        self.place = ready!(waits.as_mut().poll(context)).ok();
        self.waits = None;
        Poll::Ready(())
    }
}
