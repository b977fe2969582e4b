//! A server that answers what it was not asked, or names what belongs to another server.
