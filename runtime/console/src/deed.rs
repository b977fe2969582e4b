//! What operators do here. Each deed is asked twice: the first form is answered with a page that says what will happen, the
//! second, with `sure`, does it. What is done is recorded by the gateway with the session's name.

use std::time::Duration;

use sandgate_daemon::admin::Ask;
use sandgate_daemon::reload_report::ReloadReport;
use sandgate_daemon::status::TestReport;
use sandgate_daemon::stops::StopReport;
use sandgate_gateway::StopKind;
use serde_json::json;

use crate::access::Session;
use crate::form::Form;
use crate::page::{Section, confirm, problem};
use crate::response::{Answer, see};
use crate::route::Router;

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
        _ => router.page(
            session,
            Section::Overview,
            problem("Nothing was done", "There is no such form."),
        ),
    }
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
    let name = form.get("name").to_owned();
    let (desk, of) = (router.desk.clone(), name.clone());
    if !is_sure(form) {
        let plan = router.slowly(move || desk.promotion(&of)).await;
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
    let came = router.slowly(move || desk.promote(&of)).await;
    let detail = json!({ "name": name, "error": came.as_ref().err() });
    router.operator.record("promote", detail, &session.actor());
    let came = came.map_err(|why| format!("Nothing is promoted: {why}"));
    done(router, session, came, "/policies")
}

async fn reject(router: &Router, form: &Form, session: &Session) -> Answer {
    let name = form.get("name").to_owned();
    if !is_sure(form) {
        return router.page(session, Section::Policies, confirm::reject(session, &name));
    }
    let (desk, of) = (router.desk.clone(), name.clone());
    let came = router.slowly(move || desk.reject(&of)).await;
    let detail = json!({ "name": name, "error": came.as_ref().err() });
    router.operator.record("reject", detail, &session.actor());
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
    let (desk, of) = (router.desk.clone(), (server.clone(), tool.clone()));
    let came = router
        .slowly(move || desk.approve(&of.0, &of.1, &seen))
        .await;
    let detail = json!({ "server": server, "tool": tool, "error": came.as_ref().err() });
    router
        .operator
        .record("approve-pin", detail, &session.actor());
    let came = came.map_err(|why| format!("Nothing is approved: {why}"));
    done(router, session, came, "/servers")
}
