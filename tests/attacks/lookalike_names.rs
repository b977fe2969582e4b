//! Tools and prompts whose names look the same.
