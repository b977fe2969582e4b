//! One caller at its limits, and another who wants to work.
