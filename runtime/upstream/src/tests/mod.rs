//! Conversations with small servers that do what is asked of them, however wrong.
#![allow(clippy::unwrap_used)]

mod bounds;
mod children;
mod http;
mod sessions;
mod shared;
mod tools;

use std::sync::Arc;
use std::time::Duration;

use ::http::HeaderMap;
use futures_util::StreamExt;
use sandgate_message::{Era, Limits, Message};
use serde_json::Value;

use super::{
    Answer, Asker, Body, Conversation, Server, ServerConfig, ServerError, ServerEvents, Transport,
};

/// A stdio server in Python: each method makes it do one thing.
const SERVER: &str = include_str!("server.py");

fn config(transport: Transport) -> ServerConfig {
    ServerConfig {
        connect_timeout: Duration::from_secs(5),
        start_timeout: Duration::from_secs(5),
        request_timeout: Duration::from_secs(20),
        ..ServerConfig::new("test", transport)
    }
}

fn command(command: &str, args: &[&str]) -> Transport {
    let args = args.iter().map(|arg| (*arg).to_owned()).collect();
    Transport::Stdio {
        command: command.into(),
        args,
        env: vec![],
        cwd: None,
    }
}

fn python(how: &str) -> ServerConfig {
    config(command("python3", &["-c", SERVER, how]))
}

fn message(text: &str) -> Message {
    Message::parse(text.to_owned(), &Limits::default()).unwrap()
}

fn call(id: &str, method: &str, params: &str) -> Message {
    message(&format!(
        r#"{{"jsonrpc":"2.0","id":{id},"method":"{method}","params":{params}}}"#
    ))
}

fn note(method: &str, params: &str) -> Message {
    message(&format!(
        r#"{{"jsonrpc":"2.0","method":"{method}","params":{params}}}"#
    ))
}

fn value(message: &Message) -> Value {
    serde_json::from_slice(&message.bytes()).unwrap()
}

async fn ask(conversation: &Conversation, message: &Message) -> Result<Answer, ServerError> {
    conversation.request(message, &HeaderMap::new()).await
}

/// The one message that answers.
async fn reply(conversation: &Conversation, message: &Message) -> Value {
    value(&only(ask(conversation, message).await.unwrap()))
}

fn only(answer: Answer) -> Message {
    match answer.body {
        Body::Message(message) => message,
        other => panic!("not one message: {other:?}"),
    }
}

fn stream(answer: Answer) -> ServerEvents {
    match answer.body {
        Body::Stream(events) => events,
        other => panic!("not a stream: {other:?}"),
    }
}

async fn next(events: &mut ServerEvents) -> Value {
    value(&events.next().await.unwrap().unwrap().message.unwrap())
}

async fn all(mut events: ServerEvents) -> Vec<Value> {
    let mut messages = Vec::new();
    while let Some(event) = events.next().await {
        messages.push(value(&event.unwrap().message.unwrap()));
    }
    messages
}

async fn open(config: ServerConfig, era: Era) -> (Arc<Server>, Arc<Conversation>) {
    let server = Server::new(config);
    let conversation = server.converse(era, &Asker::default()).await.unwrap();
    (server, conversation)
}

/// Asks until it is so: what happens in a child happens in its own time.
async fn until(mut so: impl AsyncFnMut() -> bool) {
    for _ in 0..200 {
        if so().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("it never came to be so");
}

/// A conversation with a short patience and a server that is up: a start takes its time on a busy machine.
async fn impatient(silence: Duration) -> (Arc<Server>, Arc<Conversation>) {
    let mut config = python("legacy");
    config.request_timeout = silence;
    let (server, conversation) = open(config, Era::Legacy).await;
    until(async || ask(&conversation, &call("0", "echo", "{}")).await.is_ok()).await;
    (server, conversation)
}
