//! Members that differ from the protocol's by their case.
