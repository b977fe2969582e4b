//! Every place at which a message meets an interceptor, by sending it there: method × era × direction × hook, over HTTP
//! and stdio on both sides. A text planted in every member must be seen by an interceptor that reads everything, and must
//! arrive.

#![allow(clippy::print_stderr)]

mod ends;
mod page;
mod puppet;
mod samples;

use std::sync::Arc;

use parking_lot::Mutex;
use sandgate_message::{
    Carrier, Direction, Era, Hook, HookPoint, PostDecision, PreDecision, Role, hook_points,
};

use crate::client::INITIALIZE;
use crate::house::{self, House};
use crate::policy::{after, before};
use ends::{Client, Way};
use puppet::{Heard, Puppet};
use samples::{ERROR, planted, sample};

/// What an interceptor read.
#[derive(Clone, Debug)]
struct Read {
    method: String,
    era: Era,
    direction: Direction,
    hook: Hook,
    text: String,
}

struct Stand {
    house: House,
    puppet: Puppet,
    read: Arc<Mutex<Vec<Read>>>,
    era: Era,
    client: Way,
}

impl Stand {
    async fn new(era: Era, client: Way, server: Way) -> Self {
        let puppet = Puppet::new(era, server).await;
        let read = Arc::<Mutex<Vec<Read>>>::default();
        let note = |hook| {
            let read = read.clone();
            move |run: &sandgate_message::HookRequest| {
                read.lock().push(Read {
                    method: run.call.method.to_string(),
                    era: run.call.era,
                    direction: run.call.direction,
                    hook,
                    text: run.document.as_str().to_owned(),
                });
            }
        };
        let (pre, post) = (note(Hook::PreCall), note(Hook::PostCall));
        let steps = vec![
            before(&["*"], Role::Validation, move |run| {
                pre(run);
                PreDecision::Proceed
            }),
            after(&["*"], Role::Validation, move |run| {
                post(run);
                PostDecision::Proceed
            }),
        ];
        let house = house::gateway(steps, vec![puppet.server.clone()]).await;
        Self {
            house,
            puppet,
            read,
            era,
            client,
        }
    }

    /// A client past its beginning.
    async fn client(&self) -> Client {
        let mut client = Client::new(&self.house, self.client, self.era);
        if self.era == Era::Legacy {
            client.initialize(INITIALIZE).await;
            assert!(client.next().await.contains("protocolVersion"));
            client.settle().await;
        }
        client
    }

    /// A modern request says who sent it.
    fn params(&self, sample: &str) -> (String, Vec<String>) {
        let (params, texts) = planted(sample);
        if self.era == Era::Legacy {
            return (params, texts);
        }
        let meta = r#""io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}"#;
        let params = match params.rsplit_once(r#""_meta":{"#) {
            Some((before, after)) => format!(r#"{before}"_meta":{{{meta},{after}"#),
            None => params.replacen('{', &format!(r#"{{"_meta":{{{meta}}},"#), 1),
        };
        (params, texts)
    }

    /// All of the texts, each in a document that the interceptor read at that place.
    fn was_read(&self, meeting: &HookPoint, texts: &[String]) {
        let read = self.read.lock();
        for text in texts {
            let seen = read.iter().any(|read| {
                (read.era, read.direction, read.hook)
                    == (meeting.era, meeting.direction, meeting.hook)
                    && read.method == meeting.method
                    && read.text.contains(text)
            });
            assert!(
                seen,
                "{text} was not read at {meeting:?} but at {:?}",
                read.iter()
                    .filter(|read| read.text.contains(text))
                    .collect::<Vec<_>>()
            );
        }
    }

    async fn meet(&mut self, meeting: HookPoint) {
        let notification = meeting.method.starts_with("notifications/");
        match (meeting.direction, meeting.carrier) {
            (_, Carrier::InputRequired) => self.asked_within(meeting).await,
            (Direction::ClientToServer, _) if notification => self.told_by_client(meeting).await,
            (Direction::ClientToServer, _) => self.asked_by_client(meeting).await,
            (Direction::ServerToClient, _) if notification => self.told_by_server(meeting).await,
            (Direction::ServerToClient, _) => self.asked_by_server(meeting).await,
        }
    }

    async fn asked_by_client(&mut self, meeting: HookPoint) {
        let sample = sample(meeting.method, meeting.era, meeting.direction);
        for (member, answer) in [("result", sample.result), ("error", ERROR)] {
            let begins = meeting.method == "initialize";
            let mut client = if begins {
                Client::new(&self.house, self.client, self.era)
            } else {
                self.client().await
            };
            if meeting.method.starts_with("tasks/") {
                self.begin_task(&mut client).await;
            }
            let (params, asked) = self.params(sample.params);
            let request = format!(
                r#"{{"jsonrpc":"2.0","id":7,"method":"{}","params":{params}}}"#,
                meeting.method
            );
            let (answer, answered) = planted(answer);
            let answering = async |puppet: &mut Puppet| {
                let heard = puppet.next().await;
                holds(&heard.text, &asked);
                let id = heard.id();
                heard
                    .say(&format!(
                        r#"{{"jsonrpc":"2.0","id":{id},"{member}":{answer}}}"#
                    ))
                    .await;
                heard
            };
            let _heard = if begins {
                tokio::join!(client.initialize(&request), answering(&mut self.puppet)).1
            } else {
                client.say(&request);
                answering(&mut self.puppet).await
            };
            holds(&client.next().await, &answered);
            match meeting.hook {
                Hook::PreCall => self.was_read(&meeting, &asked),
                Hook::PostCall => self.was_read(&meeting, &answered),
            }
        }
    }

    /// The client begins what the samples of tasks speak of: a task that is not known is nobody's.
    async fn begin_task(&mut self, client: &mut Client) {
        client.say(&format!(
            r#"{{"jsonrpc":"2.0","id":"begin","method":"tools/call","params":{}}}"#,
            self.params(r#"{"name":"hold","_meta":{"a":1}}"#).0
        ));
        let heard = self.puppet.next().await;
        let task = match self.era {
            Era::Legacy => r#"{"task":{"taskId":"task-1","status":"working"}}"#,
            Era::Modern => r#"{"resultType":"task","taskId":"task-1","status":"working"}"#,
        };
        let id = heard.id();
        heard
            .say(&format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{task}}}"#))
            .await;
        assert!(client.next().await.contains("task-1"));
    }

    /// So does a server, whose question the client answers by a task.
    async fn begin_task_of_client(&mut self, client: &mut Client, held: &Heard) {
        held.say(r#"{"jsonrpc":"2.0","id":"begin","method":"sampling/createMessage","params":{}}"#)
            .await;
        assert!(client.next().await.contains("begin"));
        client.say(r#"{"jsonrpc":"2.0","id":"begin","result":{"task":{"taskId":"task-1","status":"working"},"hold":1}}"#);
        self.puppet.next().await;
    }

    async fn asked_within(&mut self, meeting: HookPoint) {
        let sample = sample(meeting.method, meeting.era, meeting.direction);
        let mut client = self.client().await;
        let (asks, asked) = planted(sample.params);
        let (answers, answered) = planted(sample.result);
        let turn = |stand: &Self, id: u8, more: &str| {
            let params = stand
                .params(&format!(r#"{{"name":"hold"{more},"_meta":{{"a":1}}}}"#))
                .0;
            format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/call","params":{params}}}"#)
        };
        client.say(&turn(self, 7, ""));
        let heard = self.puppet.next().await;
        let id = heard.id();
        heard
            .say(&format!(
                r#"{{"jsonrpc":"2.0","id":{id},"result":{{"resultType":"input_required","inputRequests":{{"k":{{"method":"{}","params":{asks}}}}},"requestState":"state"}}}}"#,
                meeting.method
            ))
            .await;
        holds(&client.next().await, &asked);
        client.say(&turn(
            self,
            8,
            &format!(r#","inputResponses":{{"k":{answers}}},"requestState":"state""#),
        ));
        let heard = self.puppet.next().await;
        holds(&heard.text, &answered);
        let id = heard.id();
        heard
            .say(&format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{}}}}"#))
            .await;
        client.next().await;
        match meeting.hook {
            Hook::PreCall => self.was_read(&meeting, &asked),
            Hook::PostCall => self.was_read(&meeting, &answered),
        }
    }

    async fn told_by_client(&mut self, meeting: HookPoint) {
        let mut client = self.client().await;
        let mut _held = None;
        if meeting.method == "notifications/tasks/status" {
            let held = self.held(&mut client).await;
            self.begin_task_of_client(&mut client, &held).await;
            _held = Some(held);
        }
        let sample = sample(meeting.method, meeting.era, meeting.direction);
        let (params, texts) = planted(&sample.params.replace('%', ""));
        client.say(&format!(
            r#"{{"jsonrpc":"2.0","method":"{}","params":{params}}}"#,
            meeting.method
        ));
        holds(&self.puppet.next().await.text, &texts);
        self.was_read(&meeting, &texts);
    }

    /// A request of the client's that the server does not answer yet.
    async fn held(&mut self, client: &mut Client) -> Heard {
        let request = match self.era {
            Era::Legacy => r#"{"jsonrpc":"2.0","id":9,"method":"tools/call","params":{"name":"hold","_meta":{"progressToken":"hold"}}}"#.to_owned(),
            Era::Modern => format!(
                r#"{{"jsonrpc":"2.0","id":9,"method":"subscriptions/listen","params":{}}}"#,
                self.params(r#"{"notifications":{"toolsListChanged":true},"hold":1,"_meta":{"io.modelcontextprotocol/logLevel":"debug","progressToken":"hold"}}"#).0
            ),
        };
        client.say(&request);
        self.puppet.next().await
    }

    async fn told_by_server(&mut self, meeting: HookPoint) {
        let mut client = self.client().await;
        if meeting.method.starts_with("notifications/tasks") {
            self.begin_task(&mut client).await;
        }
        let held = self.held(&mut client).await;
        let sample = sample(meeting.method, meeting.era, meeting.direction);
        let subscription = match self.era {
            Era::Legacy => String::new(),
            Era::Modern => format!(r#","io.modelcontextprotocol/subscriptionId":{}"#, held.id()),
        };
        let (mut params, texts) = planted(&sample.params.replace('%', &subscription));
        if meeting.method == "notifications/progress" {
            let token = held.json()["params"]["_meta"]["progressToken"].to_string();
            params = params.replace(r#""hold""#, &token);
        }
        if self.era == Era::Modern {
            params = params.replace(r#""none-such""#, &held.id());
        }
        held.say(&format!(
            r#"{{"jsonrpc":"2.0","method":"{}","params":{params}}}"#,
            meeting.method
        ))
        .await;
        holds(&client.next().await, &texts);
        self.was_read(&meeting, &texts);
    }

    async fn asked_by_server(&mut self, meeting: HookPoint) {
        let sample = sample(meeting.method, meeting.era, meeting.direction);
        for (member, answer) in [("result", sample.result), ("error", ERROR)] {
            let mut client = self.client().await;
            let held = self.held(&mut client).await;
            if meeting.method.starts_with("tasks/") {
                self.begin_task_of_client(&mut client, &held).await;
            }
            let (params, asked) = planted(sample.params);
            held.say(&format!(
                r#"{{"jsonrpc":"2.0","id":"q","method":"{}","params":{params}}}"#,
                meeting.method
            ))
            .await;
            let question = client.next().await;
            holds(&question, &asked);
            let id =
                serde_json::from_str::<serde_json::Value>(&question).unwrap()["id"].to_string();
            let (answer, answered) = planted(answer);
            client.say(&format!(
                r#"{{"jsonrpc":"2.0","id":{id},"{member}":{answer}}}"#
            ));
            holds(&self.puppet.next().await.text, &answered);
            match meeting.hook {
                Hook::PreCall => self.was_read(&meeting, &asked),
                Hook::PostCall => self.was_read(&meeting, &answered),
            }
        }
    }
}

/// Says where a test failed.
struct Named(HookPoint);

impl Drop for Named {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("at {:?}", self.0);
        }
    }
}

/// All of the texts arrived.
fn holds(message: &str, texts: &[String]) {
    for text in texts {
        assert!(message.contains(text), "{text} is not in {message}");
    }
}

async fn all(era: Era, client: Way, server: Way) {
    let mut stand = Stand::new(era, client, server).await;
    for meeting in hook_points().filter(|meeting| meeting.era == era) {
        let _named = Named(meeting);
        stand.meet(meeting).await;
    }
    assert!(stand.puppet.nothing());
}

/// The one message whose text goes no further: the server is told in the gateway's own words.
#[tokio::test]
async fn why_a_modern_client_gives_a_request_up_is_not_passed_on() {
    for server in [Way::Http, Way::Stdio] {
        let mut stand = Stand::new(Era::Modern, Way::Stdio, server).await;
        let mut client = stand.client().await;
        let _held = stand.held(&mut client).await;
        client.say(r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":9,"reason":"canary"}}"#);
        client.say(&format!(
            r#"{{"jsonrpc":"2.0","id":10,"method":"ping","params":{}}}"#,
            stand.params(r#"{"hold":1,"_meta":{"a":1}}"#).0
        ));
        loop {
            let heard = stand.puppet.next().await;
            assert!(!heard.text.contains("canary"), "{}", heard.text);
            if heard.text.contains("ping") {
                break;
            }
        }
    }
}

#[tokio::test]
async fn every_legacy_message_is_read_over_http() {
    all(Era::Legacy, Way::Http, Way::Http).await;
}

#[tokio::test]
async fn every_legacy_message_is_read_over_stdio() {
    all(Era::Legacy, Way::Stdio, Way::Stdio).await;
}

#[tokio::test]
async fn every_legacy_message_is_read_from_http_to_stdio() {
    all(Era::Legacy, Way::Http, Way::Stdio).await;
}

#[tokio::test]
async fn every_legacy_message_is_read_from_stdio_to_http() {
    all(Era::Legacy, Way::Stdio, Way::Http).await;
}

#[tokio::test]
async fn every_modern_message_is_read_over_http() {
    all(Era::Modern, Way::Http, Way::Http).await;
}

#[tokio::test]
async fn every_modern_message_is_read_over_stdio() {
    all(Era::Modern, Way::Stdio, Way::Stdio).await;
}

#[tokio::test]
async fn every_modern_message_is_read_from_http_to_stdio() {
    all(Era::Modern, Way::Http, Way::Stdio).await;
}

#[tokio::test]
async fn every_modern_message_is_read_from_stdio_to_http() {
    all(Era::Modern, Way::Stdio, Way::Http).await;
}
