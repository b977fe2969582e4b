//! Imports what no gateway has.
#![allow(unsafe_code, reason = "generated: the canonical ABI is raw pointers")]

mod unknown {
    wit_bindgen::generate!({
        inline: "
            package acme:telepathy@1.2.0;
            interface minds { read: func() -> string; }
            world reader { import minds; }
        ",
        world: "acme:telepathy/reader",
    });
}

sandgate_zoo::misbehaves!(|_, _| Err(sandgate_sdk::Error::new(
    unknown::acme::telepathy::minds::read()
)));
