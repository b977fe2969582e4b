//! Bytes that the gateway is made to keep.
