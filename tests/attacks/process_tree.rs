//! A server's processes that would outlive it.
