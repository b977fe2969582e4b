//! How interceptors and servers are, in words.

use sandgate_gateway::StopKind;

use super::{ServerStatus, Status};

impl Status {
    /// Whether there is a stop of the kind with one of the names.
    pub fn is_stopped(&self, kind: StopKind, names: &[&str]) -> bool {
        let mut stops = self.stops.iter();
        stops.any(|one| one.kind == kind && names.contains(&one.name.as_str()))
    }

    /// How a server is, in words: `well`, `stopped`, `starting`, `not asked yet`, or since when it is down or fails.
    pub fn state_of(&self, server: &ServerStatus) -> String {
        match (
            &server.down_since,
            &server.failing_since,
            server.eras.is_empty(),
        ) {
            _ if self.is_stopped(StopKind::Server, &[&server.name]) => "stopped".into(),
            (Some(since), ..) => format!("down since {since}"),
            _ if server.availability == "probing" => "starting".into(),
            (_, Some(since), _) => format!("failing since {since}"),
            (_, None, true) => "not asked yet".into(),
            (_, None, false) => "well".into(),
        }
    }
}
