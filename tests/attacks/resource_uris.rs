//! A resource by another spelling of its URI.
