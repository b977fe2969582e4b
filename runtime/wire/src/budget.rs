//! The memory that one account may fill with messages.

use std::sync::Arc;

use sandgate_message::{Account, Message};

use crate::quota::{Permit, Quota};

/// An account's budget of the memory for messages. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Budget {
    account: Account,
    memory: Arc<Quota>,
}

/// The error where there is no memory for a message: the account has its share, or all is in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the gateway holds as many bytes of messages as it may: try again later")]
pub struct MemoryError;

impl Budget {
    /// A budget for `account` in this memory.
    pub fn new(account: Account, memory: Arc<Quota>) -> Self {
        Self { account, memory }
    }

    /// An unbounded budget of the local client with a memory of its own, for tests and unshared use.
    pub fn unbounded() -> Self {
        Self::new(Account::Local, Quota::new(usize::MAX))
    }

    /// The account that is charged.
    pub fn account(&self) -> &Account {
        &self.account
    }

    /// Takes bytes for as long as the permit is kept.
    ///
    /// # Errors
    ///
    /// The account has its share, or all memory is in use.
    pub fn take(&self, bytes: usize) -> Result<Permit, MemoryError> {
        self.memory.take(&self.account, bytes).ok_or(MemoryError)
    }

    /// Charges a message for as long as any part of it is held.
    ///
    /// # Errors
    ///
    /// The account has its share, or all memory is in use.
    pub fn hold(&self, message: &Message) -> Result<(), MemoryError> {
        let permit = self.take(message.memory())?;
        message.keep(permit);
        Ok(())
    }
}
