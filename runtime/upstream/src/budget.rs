//! The memory that one account may fill with messages.

use std::sync::Arc;

use sandgate_message::{Account, Message};

use crate::quota::{Permit, Quota};

/// An account's part of the memory for messages. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Budget {
    account: Account,
    memory: Arc<Quota>,
}

/// There is no memory for another message: the account has its share, or all is in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the gateway holds as many bytes of messages as it may: try again later")]
pub struct MemoryError;

impl Budget {
    /// Of an account, in this memory.
    pub fn new(account: Account, memory: Arc<Quota>) -> Self {
        Self { account, memory }
    }

    /// A memory of its own, without a bound, of the local client: for tests and for what nobody shares.
    pub fn unbounded() -> Self {
        Self::new(Account::Local, Quota::new(usize::MAX))
    }

    /// Whose it is.
    pub fn account(&self) -> &Account {
        &self.account
    }

    /// So many bytes, for as long as the permit is kept.
    ///
    /// # Errors
    /// There are not so many.
    pub fn take(&self, bytes: usize) -> Result<Permit, MemoryError> {
        self.memory.take(&self.account, bytes).ok_or(MemoryError)
    }

    /// Counts a message for as long as anybody holds any part of it.
    ///
    /// # Errors
    /// There is no room for it.
    pub fn hold(&self, message: &Message) -> Result<(), MemoryError> {
        let permit = self.take(message.memory())?;
        message.keep(permit);
        Ok(())
    }
}
