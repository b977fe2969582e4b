use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use sandgate_gateway::{
    CallTimings, Decision, Ended, GatewayConfig, Observer, Server, SpanId, Trace, TraceContext,
};
use sandgate_message::{PreDecision, Role};

use crate::client::{PLAIN, Response, SOON, Session, modern, send};
use crate::house::{self, House, child, http};
use crate::policy::before;
use crate::server::{Fake, Says, events, result};

const CLIENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

/// A call that ended.
#[derive(Clone, Debug)]
struct Seen {
    method: String,
    decision: Decision,
    /// How long it was before it went on, with the other side, and on its way back.
    legs: Option<[Duration; 3]>,
    asked: Vec<bool>,
    trace: Option<Trace>,
}

#[derive(Default)]
struct Watch {
    seen: Mutex<Vec<Seen>>,
    traces: bool,
}

impl Observer for Watch {
    fn traces(&self) -> bool {
        self.traces
    }
    fn ended(&self, record: &Ended<'_>, timings: &CallTimings<'_>) {
        let legs = timings
            .forwarded
            .zip(timings.answered)
            .map(|(sent, back)| [sent - timings.received, back - sent, timings.replied - back]);
        let entries = record.trail.entries.iter();
        self.seen.lock().push(Seen {
            method: record.call.method.to_string(),
            decision: record.decision,
            legs,
            asked: entries.map(|entry| entry.asked.is_some()).collect(),
            trace: timings.trace.cloned(),
        });
    }
}

impl Watch {
    async fn of(&self, method: &str) -> Seen {
        for _ in 0..500 {
            if let Some(seen) = self.seen.lock().iter().find(|seen| seen.method == method) {
                return seen.clone();
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("{method} did not end: {:?}", self.seen.lock());
    }
}

async fn watched(traces: bool, servers: Vec<Arc<Server>>) -> (House, Arc<Watch>) {
    let watch = Arc::new(Watch {
        traces,
        ..Watch::default()
    });
    let refuse = before(&["prompts/get"], Role::Validation, |_| {
        PreDecision::Refuse(crate::policy::refusal("no"))
    });
    let config = GatewayConfig::default();
    let house = house::watched(config, vec![refuse], servers, Some(watch.clone())).await;
    (house, watch)
}

async fn answering() -> Fake {
    Fake::new(|got| match got.id().as_str() {
        "null" => Says::Accepted,
        id => Says::Json(result(id, "{}")),
    })
    .await
}

async fn post(house: &House, headers: &[(&str, &str)], body: &str) -> Response {
    let mut all = PLAIN.to_vec();
    all.push(("mcp-protocol-version", "2026-07-28"));
    all.extend(headers);
    send(house.at, "POST", "/mcp/s", &all, body.as_bytes()).await
}

fn traced(id: u8, method: &str, parent: &str) -> String {
    let meta = format!(r#""_meta":{{"traceparent":"{parent}","#);
    modern(&id.to_string(), method, "").replace(r#""_meta":{"#, &meta)
}

#[tokio::test]
async fn a_call_is_seen_with_the_time_that_each_leg_took() {
    let fake = Fake::new(|got| {
        std::thread::sleep(Duration::from_millis(30));
        Says::Json(result(&got.id(), "{}"))
    })
    .await;
    let (house, watch) = watched(false, vec![http("s", &fake)]).await;
    let body = modern("1", "tools/list", "");
    post(&house, &[("mcp-method", "tools/list")], &body)
        .await
        .message()
        .await;
    let seen = watch.of("tools/list").await;
    let [before, there, after] = seen.legs.unwrap();
    assert!(there >= Duration::from_millis(30), "{seen:?}");
    assert!(before + after < SOON, "{seen:?}");
    assert_eq!((seen.decision, seen.trace), (Decision::Forwarded, None));
    assert_eq!(house.gateway.figures().in_flight, 0);
}

#[tokio::test]
async fn a_refused_call_goes_nowhere_and_its_runs_have_a_time() {
    let fake = answering().await;
    let (house, watch) = watched(true, vec![http("s", &fake)]).await;
    let body = modern("1", "prompts/get", r#""name":"p""#);
    let headers = [("mcp-method", "prompts/get"), ("mcp-name", "p")];
    post(&house, &headers, &body).await.message().await;
    let seen = watch.of("prompts/get").await;
    assert_eq!((seen.decision, seen.legs), (Decision::Refused, None));
    assert_eq!(seen.asked, [true]);
}

#[tokio::test]
async fn the_server_is_told_of_our_place_in_the_clients_trace() {
    let fake = answering().await;
    let (house, watch) = watched(true, vec![http("s", &fake)]).await;
    let body = modern("1", "tools/list", "");
    let headers = [
        ("mcp-method", "tools/list"),
        ("traceparent", CLIENT),
        ("tracestate", "v=1"),
    ];
    post(&house, &headers, &body).await.message().await;
    let trace = watch.of("tools/list").await.trace.unwrap();
    let client = TraceContext::read(CLIENT).unwrap();
    assert_eq!(
        (trace.call.trace, trace.parent),
        (client.trace, Some(client.span))
    );
    let got = fake.got.lock()[0].clone();
    let told = TraceContext::read(got.header("traceparent").unwrap()).unwrap();
    assert_eq!((told.trace, told.span), (client.trace, trace.onward));
    assert_eq!(got.header("tracestate"), None);
    assert_eq!(got.body, body);
}

#[tokio::test]
async fn a_place_named_in_the_message_is_the_only_thing_in_it_that_changes() {
    let fake = answering().await;
    let (house, watch) = watched(true, vec![http("s", &fake)]).await;
    let body = traced(1, "tools/list", CLIENT);
    post(&house, &[("mcp-method", "tools/list")], &body)
        .await
        .message()
        .await;
    let trace = watch.of("tools/list").await.trace.unwrap();
    let ours = TraceContext {
        span: trace.onward,
        ..trace.call
    };
    let got = fake.got.lock()[0].clone();
    assert_eq!(got.body, body.replace(CLIENT, &ours.to_string()));
    assert_eq!(got.header("traceparent"), Some(&*ours.to_string()));
}

#[tokio::test]
async fn a_notification_is_told_of_too() {
    let fake = answering().await;
    let (house, watch) = watched(true, vec![http("s", &fake)]).await;
    let session = Session::begin(house.at, "/mcp/s").await;
    drop(session);
    let trace = watch.of("notifications/initialized").await.trace.unwrap();
    let got = fake.got.lock().clone();
    let got = got
        .iter()
        .find(|got| got.rpc() == "notifications/initialized")
        .unwrap();
    let told = TraceContext::read(got.header("traceparent").unwrap()).unwrap();
    assert_eq!((told.trace, told.span), (trace.call.trace, trace.onward));
}

#[tokio::test]
async fn without_traces_or_where_nobody_keeps_them_all_passes_as_it_came() {
    let idle = format!("{}00", &CLIENT[..53]);
    for (traces, parent) in [(false, CLIENT), (true, &*idle)] {
        let fake = answering().await;
        let (house, watch) = watched(traces, vec![http("s", &fake)]).await;
        let body = traced(1, "tools/list", parent);
        let headers = [("mcp-method", "tools/list"), ("traceparent", parent)];
        post(&house, &headers, &body).await.message().await;
        assert_eq!(watch.of("tools/list").await.trace, None);
        let got = fake.got.lock()[0].clone();
        assert_eq!(
            (got.body, got.headers["traceparent"].to_str().unwrap()),
            (body, parent)
        );
    }
}

#[tokio::test]
async fn a_childs_bytes_change_only_where_they_name_a_place() {
    let (house, watch) = watched(true, vec![child("s", "{}")]).await;
    let session = Session::begin(house.at, "/mcp/s").await;
    let call = r#"{"jsonrpc":"2.0","id":7,"method":"echo","params":{ "n":1.0 }}"#;
    let reply = session.ask(call).await;
    assert!(watch.of("echo").await.trace.is_some());
    assert!(reply.contains(&base64(call)), "{reply}");
}

#[tokio::test]
async fn what_a_server_tells_is_traced_only_where_it_names_a_trace() {
    let notice = |meta: &str| {
        format!(
            "data: {{\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\",\"params\":{{\"level\":\"info\",\"data\":1{meta}}}}}\n\n"
        )
    };
    let named = format!(r#","_meta":{{"traceparent":"{CLIENT}"}}"#);
    let pieces = [notice(""), notice(&named)];
    let fake = Fake::new(move |got| {
        let answer = format!("data: {}\n\n", result(&got.id(), "{}"));
        events(&[pieces[0].clone(), pieces[1].clone(), answer])
    })
    .await;
    let (house, watch) = watched(true, vec![http("s", &fake)]).await;
    let body = modern("1", "tools/list", "");
    let stream = post(&house, &[("mcp-method", "tools/list")], &body).await;
    let mut stream = stream.events();
    let told = [stream.next().await.unwrap(), stream.next().await.unwrap()];
    watch.of("tools/list").await;
    let seen = watch.seen.lock().clone();
    let notices: Vec<_> = seen
        .iter()
        .filter(|seen| seen.method == "notifications/message")
        .collect();
    assert_eq!(notices[0].trace, None);
    let trace = notices[1].trace.clone().unwrap();
    let client = TraceContext::read(CLIENT).unwrap();
    assert_eq!(trace.parent, Some(SpanId(client.span.0)));
    assert!(
        !told[1].contains(CLIENT) && told[1].contains(&CLIENT[..35]),
        "{told:?}"
    );
}

#[tokio::test]
async fn an_abandoned_call_is_no_longer_under_way() {
    let (sender, receiver) = tokio::sync::mpsc::channel(1);
    let receiver = Mutex::new(Some(receiver));
    let fake = Fake::new(move |_| Says::Stream(receiver.lock().take().unwrap())).await;
    let (house, watch) = watched(true, vec![http("s", &fake)]).await;
    let body = modern("1", "tools/list", "");
    let open = post(&house, &[("mcp-method", "tools/list")], &body).await;
    let figures = house.gateway.figures();
    assert_eq!((figures.in_flight, figures.connections), (1, 1));
    drop(open);
    let seen = watch.of("tools/list").await;
    assert_eq!((seen.decision, seen.legs), (Decision::Cancelled, None));
    for _ in 0..500 {
        let figures = house.gateway.figures();
        if (figures.in_flight, figures.connections) == (0, 0) {
            return drop(sender);
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{:?}", house.gateway.figures());
}

fn base64(text: &str) -> String {
    use ::base64::Engine;
    ::base64::engine::general_purpose::STANDARD.encode(text)
}
