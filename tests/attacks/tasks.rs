//! Another caller's task.
