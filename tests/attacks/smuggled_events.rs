//! What a server writes around its messages: comments, event names, ids, line separators.
