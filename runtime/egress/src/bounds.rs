//! The bounds of one server's connections.

use std::time::Duration;

/// The bounds of one server's connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Connections at a time.
    pub connections: usize,
    /// Connections beyond them that are told so at a time; further ones are closed unheard.
    pub turned_away: usize,
    /// New connections at once, and then one after each so much time: each of them is recorded.
    pub pace: (u32, Duration),
    /// The time for the head of a request.
    pub head: Duration,
    /// The time for the hello of TLS.
    pub hello: Duration,
    /// The time for resolving a name, and for connecting to each address.
    pub connect: Duration,
    /// The longest time in which nothing moves.
    pub idle: Duration,
}

impl Default for Bounds {
    /// 64 connections and 16 that are told of it, 500 new ones at once and 50 a second, 10 s for the head and the hello
    /// each, 5 s to resolve and to connect, 5 minutes of silence.
    fn default() -> Self {
        Self {
            connections: 64,
            pace: (500, Duration::from_millis(20)),
            turned_away: 16,
            head: Duration::from_secs(10),
            hello: Duration::from_secs(10),
            connect: Duration::from_secs(5),
            idle: Duration::from_secs(5 * 60),
        }
    }
}
