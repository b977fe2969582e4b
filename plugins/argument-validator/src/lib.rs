//! Checks the arguments of tools before they are called.
