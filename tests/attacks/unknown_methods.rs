//! Methods that nobody knows.
