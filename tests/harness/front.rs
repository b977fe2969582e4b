//! A client that sends messages as they are, whichever transport lies before it.

use crate::{Era, FakeServer, Gateway, Pipe, Speaker};

/// A transport.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Over {
    /// Streamable HTTP.
    Http,
    /// Lines on stdin and stdout.
    Stdio,
}

/// A client in front of the gateway, or of a server itself, that has said hello.
pub enum Front {
    /// Over HTTP. The gateway goes when the client does.
    Http(Speaker, Option<Gateway>),
    /// Over stdio.
    Stdio(Pipe),
}

impl Front {
    /// Starts a gateway with this configuration and talks to its server `fake`.
    pub fn of_gateway(over: Over, era: Era, config: &str) -> Self {
        match over {
            Over::Http => {
                let gateway = Gateway::start(config);
                Self::Http(Speaker::open(&gateway.mcp("fake"), era), Some(gateway))
            }
            Over::Stdio => Self::Stdio(Gateway::pipe(config, "fake")).greet(era),
        }
    }

    /// Talks to a server with nothing between.
    pub fn of_server(server: &FakeServer, over: Over, era: Era) -> Self {
        match over {
            Over::Http => Self::Http(Speaker::open(server.url(), era), None),
            Over::Stdio => Self::Stdio(server.pipe()).greet(era),
        }
    }

    /// Sends a message and gives every message up to the reply to it; nothing for a notification.
    pub fn say(&mut self, message: &[u8]) -> Vec<Vec<u8>> {
        match self {
            Self::Http(speaker, _) => speaker.say(message),
            Self::Stdio(pipe) => pipe.say(message),
        }
    }

    fn greet(mut self, era: Era) -> Self {
        if era == Era::Legacy {
            self.say(Speaker::INITIALIZE);
            self.say(Speaker::INITIALIZED);
        }
        self
    }
}
