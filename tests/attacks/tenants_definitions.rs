//! One caller's definition of a tool in another caller's call.
