//! The operators' socket in a directory of somebody else's.
