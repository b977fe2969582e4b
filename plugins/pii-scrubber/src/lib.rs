//! Masks personal data in what servers answer.
