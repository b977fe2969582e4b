//! Order, scope and failure policy of the interceptors.
