//! Tries everything in `configure` that it is given later, and shows what it got, beside what a run gets.
//!
//! ```toml
//! [asks]
//! state = "to see whether it is there"
//! http = { hosts = ["*"], why = "to see whether it is there" }
//! dirs = { "/rules" = { access = "rw", why = "to see whether it is there" } }
//! env = { SECRET = "to see whether it is there" }
//! ```

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use sandgate_sdk::{
    Context, Document, Error, Interceptor, Issues, Level, NoSettings, PreDecision, export, finding,
    log, random, state,
};
use wasip2::http::{outgoing_handler, types};

struct PeeksInConfigure(serde_json::Value);

impl Interceptor for PeeksInConfigure {
    type Settings = NoSettings;

    fn configure(_: NoSettings) -> Result<Self, Issues> {
        log(Level::Info, "seen from configure");
        finding("peeks", "from configure").report();
        Ok(Self(look()))
    }

    fn pre_call(&self, _: &Context, _: &Document) -> Result<PreDecision, Error> {
        let answer = serde_json::json!({ "configure": self.0, "run": look() });
        Ok(PreDecision::Answer(answer.to_string()))
    }
}

fn look() -> serde_json::Value {
    let request = types::OutgoingRequest::new(types::Fields::new());
    // A port at which nothing listens: what matters is who says no.
    let _ = request.set_scheme(Some(&types::Scheme::Http));
    let _ = request.set_authority(Some("127.0.0.1:1"));
    let _ = request.set_path_with_query(Some("/"));
    let http = outgoing_handler::handle(request, None).and_then(|answer| {
        answer.subscribe().block();
        answer
            .get()
            .and_then(Result::ok)
            .unwrap_or(Err(types::ErrorCode::InternalError(None)))
            .map(drop)
    });
    let started = Instant::now();
    (0..1_000_000_u64).map(std::hint::black_box).sum::<u64>();
    serde_json::json!({
        "state": format!("{:?}", state::increment("peeks", 1, None)),
        "http": format!("{:?}", http.err()),
        // Not by the standard library, which would remember that it found none.
        "dirs": wasip2::filesystem::preopens::get_directories().len(),
        "env": std::env::vars().collect::<Vec<_>>(),
        "args": std::env::args().count(),
        "time": SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()),
        "ticks": started.elapsed().as_nanos() > 0,
        "random": random::u64().to_string(),
        "lookup": wasip2::sockets::ip_name_lookup::resolve_addresses(
            &wasip2::sockets::instance_network::instance_network(), "localhost").is_ok(),
    })
}

export!(PeeksInConfigure: pre_call);
