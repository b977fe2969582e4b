//! Panics with what it was given in its message.

sandgate_zoo::misbehaves!(|_, params| panic!("I cannot stand {}", params.json()));
