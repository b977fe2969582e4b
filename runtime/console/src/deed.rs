//! What operators do here. Each deed is asked twice: the first form is answered with a page that says what will happen, the
//! second, with `sure`, does it. What is done is recorded by the gateway with the session's name. What asks servers and
//! changes nothing is done at once, and recorded too, since it may start programs.

use std::time::Duration;

use sandgate_daemon::admin::Ask;
use sandgate_daemon::reload_report::ReloadReport;
use sandgate_daemon::status::TestReport;
use sandgate_daemon::stops::StopReport;
use sandgate_gateway::StopKind;
use serde_json::{Value, json};

use crate::access::Session;
use crate::desk::Desk;
use crate::form::Form;
use crate::page::{Section, clients, confirm, problem, servers};
use crate::response::{Answer, see};
use crate::router::Router;

/// Does what the form asks for, or asks whether it is meant.
pub(crate) async fn carry_out(
    router: &Router,
    deed: &str,
    form: &Form,
    session: &Session,
) -> Answer {
    match deed {
        "stop" => stop(router, form, session).await,
        "resume" => resume(router, form, session).await,
        "reload" => reload(router, form, session).await,
        "promote" => promote(router, form, session).await,
        "reject" => reject(router, form, session).await,
        "approve" => approve(router, form, session).await,
        "alert-test" => alert_test(router, form, session).await,
        "compare-pins" => compare_pins(router, session).await,
        "look-as" => look_as(router, form, session).await,
        _ => router.page(
            session,
            Section::Overview,
            problem("Nothing was done", "There is no such form."),
        ),
    }
}

/// Does what takes long, one deed at a time, on a thread of its own. What came of it is recorded there, also where nobody
/// waits for it any more.
async fn slowly<T: Send + 'static>(
    router: &Router,
    session: &Session,
    (action, mut detail): (&'static str, Value),
    work: impl FnOnce(&dyn Desk, &[String]) -> Result<T, String> + Send + 'static,
) -> Result<T, String> {
    let place = router.deeds.clone().try_acquire_owned().ok();
    let (desk, operator, actor) = (
        router.desk.clone(),
        router.operator.clone(),
        session.actor(),
    );
    let work = move || {
        let came = work(&*desk, &operator.stopped_servers());
        if let Err(why) = &came {
            detail["error"] = json!(why);
        }
        operator.record(action, detail, &actor);
        came
    };
    router.slowly(place, work).await
}

fn is_sure(form: &Form) -> bool {
    form.get("sure") == "yes"
}

/// The kind of what is stopped, as forms spell it.
pub(crate) fn kind(text: &str) -> Option<StopKind> {
    let all = [
        StopKind::Server,
        StopKind::Client,
        StopKind::Tool,
        StopKind::Plugin,
    ];
    all.into_iter().find(|kind| kind.as_str() == text)
}

fn done(router: &Router, session: &Session, came: Result<String, String>, to: &str) -> Answer {
    match came {
        Ok(text) => router.access.tell(session, true, &text),
        Err(why) => router.access.tell(session, false, &why),
    }
    see(to)
}

async fn stop(router: &Router, form: &Form, session: &Session) -> Answer {
    let (name, why) = (form.get("name"), form.get("why"));
    let refused = |why: &str| {
        done(
            router,
            session,
            Err(format!("Nothing is stopped: {why}")),
            "/stops",
        )
    };
    let Some(kind) = kind(form.get("kind")) else {
        return refused("say whether it is a server, a client, a tool or a plugin");
    };
    if name.is_empty() || why.is_empty() {
        return refused("name what is to be stopped, and say why");
    }
    let period = match form.get("for") {
        "" => None,
        text => match humantime::parse_duration(text) {
            Ok(period) => Some(period),
            Err(_) => return refused("write the time as 30m, 1h or 2d, or leave it out"),
        },
    };
    if !is_sure(form) {
        return router.page(
            session,
            Section::Stops,
            confirm::stop(session, kind, name, why, form.get("for")),
        );
    }
    let ms = period.map(|period: Duration| u64::try_from(period.as_millis()).unwrap_or(u64::MAX));
    let ask = Ask::Stop {
        kind,
        name: name.to_owned(),
        for_ms: ms,
        why: why.to_owned(),
        unknown: form.get("unknown") == "yes",
    };
    let came = router
        .operator
        .ask::<StopReport>(ask, &session.actor())
        .await;
    let came = came
        .map(|report| told(&report))
        .map_err(|why| format!("Nothing is stopped: {why}"));
    done(router, session, came, "/stops")
}

async fn resume(router: &Router, form: &Form, session: &Session) -> Answer {
    let (name, why) = (form.get("name"), form.some("why"));
    let Some(kind) = kind(form.get("kind")) else {
        return done(
            router,
            session,
            Err("Nothing is resumed: no kind is named".to_owned()),
            "/stops",
        );
    };
    if !is_sure(form) {
        return router.page(
            session,
            Section::Stops,
            confirm::resume(session, kind, name),
        );
    }
    let name = name.to_owned();
    let came = router
        .operator
        .ask::<StopReport>(Ask::Resume { kind, name, why }, &session.actor())
        .await;
    let came = came
        .map(|report| told(&report))
        .map_err(|why| format!("Nothing is resumed: {why}"));
    done(router, session, came, "/stops")
}

fn told(report: &StopReport) -> String {
    let (text, doubts) = report.text();
    match doubts.is_empty() {
        true => text,
        false => format!("{text}But: {doubts}"),
    }
}

async fn reload(router: &Router, form: &Form, session: &Session) -> Answer {
    if !is_sure(form) {
        return router.page(session, Section::Overview, confirm::reload(session));
    }
    let came = router
        .operator
        .ask::<ReloadReport>(Ask::Reload, &session.actor())
        .await;
    let came = came.and_then(|report| match &report.error {
        None => {
            let (text, aside) = report.text();
            Ok(text + &aside)
        }
        Some(error) => Err(format!("Nothing has changed:\n{error}")),
    });
    done(router, session, came, "/")
}

async fn alert_test(router: &Router, form: &Form, session: &Session) -> Answer {
    let name = form.get("name").to_owned();
    if !is_sure(form) {
        let question = confirm::alert_test(session, &name);
        return router.page(session, Section::Alerts, question);
    }
    let (ask, actor) = (Ask::AlertTest { name }, session.actor());
    let asked = router.operator.ask(ask, &actor);
    let came = asked.await.and_then(|report: TestReport| {
        let said = format!("{}: {}", report.to, report.delivery.said);
        match report.delivery.ok {
            true => Ok(said),
            false => Err(said),
        }
    });
    done(router, session, came, "/alerts")
}

async fn promote(router: &Router, form: &Form, session: &Session) -> Answer {
    let (name, seen) = (form.get("name").to_owned(), form.get("seen").to_owned());
    let of = name.clone();
    if !is_sure(form) {
        let desk = router.desk.clone();
        let place = router.deeds.clone().try_acquire_owned().ok();
        let plan = router.slowly(place, move || desk.promotion(&of)).await;
        return match plan {
            Ok(plan) => router.page(
                session,
                Section::Policies,
                confirm::promote(session, &name, &plan),
            ),
            Err(why) => done(
                router,
                session,
                Err(format!("Nothing can be promoted: {why}")),
                "/policies",
            ),
        };
    }
    let deed = ("promote", json!({ "name": name }));
    let came = slowly(router, session, deed, move |desk, _| {
        desk.promote(&of, &seen)
    })
    .await;
    let came = came.map_err(|why| format!("Nothing is promoted: {why}"));
    done(router, session, came, "/policies")
}

async fn reject(router: &Router, form: &Form, session: &Session) -> Answer {
    let name = form.get("name").to_owned();
    if !is_sure(form) {
        return router.page(session, Section::Policies, confirm::reject(session, &name));
    }
    let deed = ("reject", json!({ "name": name }));
    let came = slowly(router, session, deed, move |desk, _| desk.reject(&name)).await;
    let came = came.map_err(|why| format!("Nothing has changed: {why}"));
    done(router, session, came, "/policies")
}

async fn approve(router: &Router, form: &Form, session: &Session) -> Answer {
    let (server, tool, seen) = (
        form.raw("server").to_owned(),
        form.raw("tool").to_owned(),
        form.get("seen").to_owned(),
    );
    if !is_sure(form) {
        let is_dangerous = form.get("dangerous") == "yes";
        return router.page(
            session,
            Section::Servers,
            confirm::approve(session, &server, &tool, &seen, is_dangerous),
        );
    }
    let deed = ("approve-pin", json!({ "server": server, "tool": tool }));
    let came = slowly(router, session, deed, move |desk, stopped| {
        match stopped.contains(&server) {
            true => Err("its server is stopped, and is not asked".to_owned()),
            false => desk.approve(&server, &tool, &seen),
        }
    })
    .await;
    let came = came.map_err(|why| format!("Nothing is approved: {why}"));
    done(router, session, came, "/servers")
}

async fn compare_pins(router: &Router, session: &Session) -> Answer {
    let deed = ("compared-pins", json!({}));
    let found = slowly(router, session, deed, |desk, stopped| desk.pins(stopped)).await;
    router.page(session, Section::Servers, servers::pins(found, session))
}

async fn look_as(router: &Router, form: &Form, session: &Session) -> Answer {
    let (client, groups) = (form.get("client").to_owned(), form.some("groups"));
    let deed = ("looked-as", json!({ "client": client, "groups": groups }));
    let groups = groups.map(|groups| groups.split(',').map(|one| one.trim().to_owned()).collect());
    let found = slowly(router, session, deed, move |desk, stopped| {
        desk.seen(&client, groups, stopped)
    })
    .await;
    router.page(
        session,
        Section::Clients,
        clients::seen(form, found, session),
    )
}
