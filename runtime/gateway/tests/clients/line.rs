//! A client on a pair of streams.

use std::time::Duration;

use sandgate_gateway::Endpoint;
use tokio::io::{
    AsyncBufReadExt, AsyncWriteExt, BufReader, DuplexStream, Lines, ReadHalf, WriteHalf,
};
use tokio_util::sync::CancellationToken;

use crate::client::{INITIALIZE, INITIALIZED, SOON, modern};
use crate::house::{self, House, child, http};
use crate::server::{Fake, Says, result};

pub struct Line {
    input: WriteHalf<DuplexStream>,
    output: Lines<BufReader<ReadHalf<DuplexStream>>>,
    served: tokio::task::JoinHandle<std::io::Result<()>>,
}

impl Line {
    pub fn open(house: &House, endpoint: Endpoint) -> Self {
        Self::open_as(house, endpoint, None)
    }

    pub fn open_as(house: &House, endpoint: Endpoint, client: Option<&str>) -> Self {
        let client = client.map(Into::into);
        let (ours, theirs) = tokio::io::duplex(1 << 20);
        let (input, output) = tokio::io::split(theirs);
        let gateway = house.gateway.clone();
        let served = tokio::spawn(async move {
            gateway
                .serve_stdio(client, input, output, endpoint, CancellationToken::new())
                .await
        });
        let (output, input) = tokio::io::split(ours);
        Self {
            input,
            output: BufReader::new(output).lines(),
            served,
        }
    }

    pub async fn begin(house: &House, endpoint: Endpoint) -> Self {
        let mut line = Self::open(house, endpoint);
        line.say(INITIALIZE).await;
        assert!(line.next().await.contains("protocolVersion"));
        line.say(INITIALIZED).await;
        line
    }

    pub async fn say(&mut self, text: &str) {
        self.input
            .write_all(format!("{text}\n").as_bytes())
            .await
            .unwrap();
    }

    pub async fn next(&mut self) -> String {
        tokio::time::timeout(SOON, self.output.next_line())
            .await
            .expect("a line")
            .unwrap()
            .expect("not the end")
    }

    pub async fn ask(&mut self, text: &str) -> String {
        self.say(text).await;
        self.next().await
    }

    /// The input ends; what is still written until the end.
    pub async fn end(mut self) -> Vec<String> {
        self.input.shutdown().await.unwrap();
        let mut rest = Vec::new();
        while let Some(line) = tokio::time::timeout(SOON, self.output.next_line())
            .await
            .expect("an end")
            .unwrap()
        {
            rest.push(line);
        }
        tokio::time::timeout(SOON, self.served)
            .await
            .unwrap()
            .unwrap()
            .unwrap();
        rest
    }
}

#[tokio::test]
async fn malformed_lines_get_an_error_and_the_conversation_goes_on() {
    let house = house::gateway(vec![], vec![child("s", "{}")]).await;
    let mut line = Line::begin(&house, Endpoint::Server("s".into())).await;
    for bad in [
        "{nonsense",
        r#"[]"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"a","method":"b"}"#,
    ] {
        let said = line.ask(bad).await;
        assert!(
            said.contains(r#""id":null"#) && said.contains("error"),
            "{said}"
        );
    }
    assert!(
        line.ask(r#"{"jsonrpc":"2.0","id":2,"method":"echo"}"#)
            .await
            .contains("got")
    );
    assert!(line.end().await.is_empty());
}

#[tokio::test]
async fn a_request_before_initialize_is_refused() {
    let house = house::gateway(vec![], vec![child("s", "{}")]).await;
    let mut line = Line::open(&house, Endpoint::Server("s".into()));
    assert!(
        line.ask(r#"{"jsonrpc":"2.0","id":2,"method":"echo"}"#)
            .await
            .contains("begin with initialize")
    );
}

#[tokio::test]
async fn both_eras_are_served() {
    let fake = Fake::new(|got| Says::Json(result(&got.id(), r#"{"resultType":"complete"}"#))).await;
    let house = house::gateway(vec![], vec![http("s", &fake)]).await;
    let mut line = Line::open(&house, Endpoint::Server("s".into()));
    assert_eq!(
        line.ask(&modern("\"a\"", "server/discover", "")).await,
        result("\"a\"", r#"{"resultType":"complete"}"#)
    );
}

#[tokio::test]
async fn a_probe_of_a_legacy_server_is_an_error_and_then_it_initializes() {
    let house = house::gateway(vec![], vec![child("s", "{}")]).await;
    let mut line = Line::open(&house, Endpoint::Server("s".into()));
    let said = line.ask(&modern("1", "server/discover", "")).await;
    assert!(said.contains("-32601"), "{said}");
    assert!(line.ask(INITIALIZE).await.contains("protocolVersion"));
}

#[tokio::test]
async fn a_server_may_ask_the_client() {
    let house = house::gateway(vec![], vec![child("s", "{}")]).await;
    let mut line = Line::begin(&house, Endpoint::Server("s".into())).await;
    let question = line.ask(r#"{"jsonrpc":"2.0","id":1,"method":"ask"}"#).await;
    assert!(question.contains("sampling/createMessage"), "{question}");
    let said = line
        .ask(r#"{"jsonrpc":"2.0","id":"q1","result":{"text":"yes"}}"#)
        .await;
    assert!(said.contains("answered") && said.contains("yes"), "{said}");
}

/// The drain would last ten seconds.
#[tokio::test]
async fn a_subscription_ends_with_the_input() {
    let fake = Fake::new(|got| match got.rpc().as_str() {
        "subscriptions/listen" => {
            let (sender, receiver) = tokio::sync::mpsc::channel(1);
            let first = r#"{"jsonrpc":"2.0","method":"notifications/subscriptions/acknowledged","params":{"notifications":{}}}"#;
            sender.try_send(format!("data: {first}\n\n")).unwrap();
            tokio::spawn(async move { sender.closed().await });
            Says::Stream(receiver)
        }
        _ => Says::Json(result(&got.id(), r#"{"resultType":"complete"}"#)),
    })
    .await;
    let house = house::gateway(vec![], vec![http("s", &fake)]).await;
    let mut line = Line::open(&house, Endpoint::Server("s".into()));
    let listen = modern("1", "subscriptions/listen", r#""notifications":{}"#);
    assert!(line.ask(&listen).await.contains("acknowledged"));
    let ended = tokio::time::timeout(Duration::from_secs(5), line.end()).await;
    assert!(ended.expect("the end").is_empty());
}

#[tokio::test]
async fn what_is_under_way_at_the_end_of_the_input_is_still_answered() {
    let fake = Fake::legacy(|got| {
        let id = got.id();
        let (sender, receiver) = tokio::sync::mpsc::channel(1);
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(150)).await;
            let _ = sender
                .send(format!("data: {}\n\n", result(&id, "{}")))
                .await;
        });
        Says::Stream(receiver)
    })
    .await;
    let house = house::gateway(vec![], vec![http("s", &fake)]).await;
    let mut line = Line::begin(&house, Endpoint::Server("s".into())).await;
    line.say(r#"{"jsonrpc":"2.0","id":1,"method":"slow"}"#)
        .await;
    assert_eq!(line.end().await, [result("1", "{}")]);
}

#[tokio::test]
async fn the_merged_endpoint_is_there_too() {
    let house = house::gateway(vec![], vec![child("one", "{}"), child("two", "{}")]).await;
    let mut line = Line::begin(&house, Endpoint::Merged).await;
    let said = line
        .ask(r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"two__x"}}"#)
        .await;
    assert!(said.contains("got"), "{said}");
}
