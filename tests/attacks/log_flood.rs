//! A caller that writes the log.
