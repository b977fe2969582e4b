//! Which interceptors look at a message, and messages at which none looks.

use std::sync::Arc;

use futures_util::FutureExt;
use sandgate_message::{Direction, Hook, PostDecision, PreDecision};

use crate::testing::*;
use crate::{Globs, Mode};

#[test]
fn rule_1_a_chain_in_which_none_looks_leaves_the_very_message() {
    let elsewhere = mutator("elsewhere", |_| PreDecision::Edit(set("/x", "1")));
    let chain =
        chain([elsewhere.place(|place| place.scope.servers = Globs::new(["other"]).unwrap())]);
    let passage = onward(enter(&chain));
    assert_eq!(text(passage.message()), REQUEST);
    assert_eq!(passage.trail().entries, []);
    assert_eq!(passage.trail().version, 7);
}

#[test]
fn rule_1_every_part_of_a_scope_must_agree() {
    let matching = |narrow: fn(&mut crate::Scope)| {
        let seen = Seen::default();
        let noting = seen.clone();
        let looks = validator("looks", move |_| {
            noting.note("looked");
            PreDecision::Proceed
        });
        let chain = chain([looks.place(|place| narrow(&mut place.scope))]);
        let mut call = call();
        call.principal = Some("ada".into());
        call.groups = Arc::new(["support".into(), "night".into()]);
        chain
            .enter(Arc::new(call), message(REQUEST))
            .now_or_never()
            .unwrap();
        !seen.all().is_empty()
    };
    assert!(matching(|_| ()));
    assert!(matching(
        |scope| scope.events = Globs::new(["tools/*"]).unwrap()
    ));
    assert!(!matching(
        |scope| scope.events = Globs::new(["tools/list"]).unwrap()
    ));
    assert!(matching(
        |scope| scope.directions = vec![Direction::ClientToServer]
    ));
    assert!(!matching(
        |scope| scope.directions = vec![Direction::ServerToClient]
    ));
    assert!(matching(
        |scope| scope.targets = Globs::new(["delete", "look*"]).unwrap()
    ));
    assert!(!matching(
        |scope| scope.targets = Globs::new(["delete"]).unwrap()
    ));
    assert!(matching(
        |scope| scope.principals = Globs::new(["a?a"]).unwrap()
    ));
    assert!(!matching(
        |scope| scope.principals = Globs::new(["bob"]).unwrap()
    ));
    assert!(matching(
        |scope| scope.groups = Globs::new(["night"]).unwrap()
    ));
    assert!(!matching(
        |scope| scope.groups = Globs::new(["day"]).unwrap()
    ));
    assert!(!matching(|scope| {
        scope.targets = Globs::new(["lookup"]).unwrap();
        scope.groups = Globs::new(["day"]).unwrap();
    }));
}

#[test]
fn rule_1_the_operators_events_never_widen_the_plugins() {
    let lists = mutator("lists", |_| PreDecision::Edit(set("/x", "1"))).asks_for(&["tools/list"]);
    let chain = chain([lists.place(|place| place.scope.events = Globs::new(["tools/*"]).unwrap())]);
    assert_eq!(text(onward(enter(&chain)).message()), REQUEST);
    assert!(chain.concerns(
        Hook::PreCall,
        "tools/list",
        Direction::ClientToServer,
        "crm"
    ));
    assert!(!chain.concerns(
        Hook::PreCall,
        "tools/call",
        Direction::ClientToServer,
        "crm"
    ));
}

#[test]
fn what_may_look_and_what_may_change_are_told_apart() {
    let chain = chain([
        validator("v", |_| PreDecision::Proceed).asks_for(&["tools/*"]),
        mutator("m", |_| PreDecision::Proceed).asks_for(&["resources/read"]),
        reply_mutator("r", |_| PostDecision::Proceed)
            .asks_for(&["prompts/get"])
            .audit(),
    ]);
    let ask = |hook, method| {
        let way = Direction::ClientToServer;
        (
            chain.concerns(hook, method, way, "crm"),
            chain.may_change(hook, method, way, "crm"),
        )
    };
    assert_eq!(ask(Hook::PreCall, "tools/call"), (true, false));
    assert_eq!(ask(Hook::PreCall, "resources/read"), (true, true));
    assert_eq!(ask(Hook::PreCall, "prompts/get"), (false, false));
    assert_eq!(ask(Hook::PostCall, "prompts/get"), (true, false));
    assert_eq!(ask(Hook::PostCall, "tools/call"), (false, false));
}

#[test]
fn rule_14_what_no_interceptor_sees_does_not_pass_an_active_one() {
    let strange = REQUEST.replacen('{', r#"{"aside":"psst","#, 1);
    let sent = |step: Native| {
        let chain = chain([step]);
        let entry = chain.enter(Arc::new(call()), message(&strange));
        text(onward(entry.now_or_never().unwrap()).message())
    };
    let judges = || validator("judges", |_| PreDecision::Proceed);
    let judged = sent(judges());
    assert!(!judged.contains("psst"), "{judged}");
    let (judged, plain): (serde_json::Value, serde_json::Value) = (
        serde_json::from_str(&judged).unwrap(),
        serde_json::from_str(REQUEST).unwrap(),
    );
    assert_eq!(judged, plain);
    assert_eq!(
        sent(judges().place(|place| place.mode = Mode::Audit)),
        strange
    );
    let elsewhere = |place: &mut crate::StepConfig| {
        place.scope.servers = Globs::new(["other"]).unwrap();
    };
    assert_eq!(sent(judges().place(elsewhere)), strange);
}

#[test]
fn a_uri_is_in_scope_in_whatever_way_it_is_spelt() {
    let globs = Globs::new(["file:///shut/*"]).unwrap();
    let guard =
        validator("guard", |_| PreDecision::Proceed).place(|place| place.scope.targets = globs);
    let chain = chain([guard]);
    let looks = |method: &str, target: &str| {
        let mut call = call();
        call.method = method.into();
        call.target = Some(target.into());
        chain.looks(Hook::PreCall, &call)
    };
    let endless = format!("file:///%{}2e", "25".repeat(40));
    for uri in [
        "file:///shut/x",
        "FILE:///shut/x",
        "file://localhost/open/%2e%2e/shut/x",
        " file:/shut/x",
        &endless,
    ] {
        assert!(looks("resources/read", uri), "{uri}");
    }
    assert!(!looks("resources/read", "file:///open/x"));
    // A tool's name is not a URI.
    assert!(!looks("tools/call", "FILE:///shut/x"));
}

#[test]
fn a_method_that_nobody_knows_passes_where_nobody_looks() {
    let guarded = chain([validator("guard", |_| PreDecision::Proceed)
        .place(|place| place.scope.servers = Globs::new(["crm"]).unwrap())]);
    let audited = chain([
        validator("audit", |_| PreDecision::Proceed).place(|place| place.mode = Mode::Audit)
    ]);
    assert!(
        guarded.admits_method("tools/call", "crm") && !guarded.admits_method("tools/Call", "crm")
    );
    assert!(guarded.admits_method("tools/Call", "time"));
    assert!(audited.admits_method("tools/Call", "crm"));
    let extended = guarded.extended(Globs::new(["acme/*"]).unwrap());
    assert!(extended.admits_method("acme/do", "crm") && !extended.admits_method("acmes", "crm"));
    let remade = extended.remade(|step| step.clone());
    assert!(remade.admits_method("acme/do", "crm"));
}
