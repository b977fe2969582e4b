//! Which request gets which page.

use http_body_util::BodyExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use http::{Method, Request, StatusCode};
use http_body_util::Limited;
use hyper::body::Incoming;
use sandgate_daemon::operator::Operator;

use crate::access::{Role, Session};
use crate::form::{self, Form};
use crate::guard::cookie;
use crate::page::{
    self, Page, Section, alerts, audit, calls, clients, overview, policies, servers, stops, story,
};
use crate::response::{Answer, json, only, page as html, plain, see, with_cookie};
use crate::router::Router;
use crate::{asset, deed};

/// How long a form may take to come.
const PATIENCE: Duration = Duration::from_secs(10);

impl Router {
    /// Answers a request. The rules for all requests come first, then the session, then the page. `known` becomes true with
    /// the first request that shows a session.
    pub(crate) async fn answer(
        self: &Arc<Self>,
        request: Request<Incoming>,
        known: &AtomicBool,
    ) -> Answer {
        if !matches!(*request.method(), Method::GET | Method::POST) {
            return only("GET, POST");
        }
        if let Err(denied) = self.hosts.check(request.method(), request.headers()) {
            return html(
                StatusCode::FORBIDDEN,
                page::outside("Turned away", denied.text()),
            );
        }
        let is_get = *request.method() == Method::GET;
        let path = request.uri().path().to_owned();
        let query = Form::read(request.uri().query().unwrap_or_default());
        if is_get && let Some(asset) = asset::find(&path) {
            return asset;
        }
        if is_get && path == "/enter" {
            return self.enter(query.get("ticket"));
        }
        let counts = !path.starts_with("/live");
        let session = cookie(request.headers(), &self.cookie)
            .and_then(|cookie| self.access.session(cookie, counts, Instant::now()));
        let Some(session) = session else {
            let text =
                "You are not in, or not any more. Take the link that `sandgate console` prints.";
            return html(StatusCode::UNAUTHORIZED, page::outside("Not in", text));
        };
        known.store(true, Ordering::Relaxed);
        match is_get {
            true => self.show(&path, &query, &session).await,
            false => self.post(&path, request.into_body(), &session).await,
        }
    }

    /// Lets somebody in by a link, and leads on to an address without its secret.
    fn enter(&self, ticket: &str) -> Answer {
        let Some((session, secret)) = self.access.enter(ticket, Instant::now()) else {
            let text = "This link was used, or its 60 seconds are over. `sandgate console` prints another.";
            return html(StatusCode::FORBIDDEN, page::outside("Not let in", text));
        };
        let role = match session.role {
            Role::Operator => "operator",
            Role::Viewer => "viewer",
        };
        tracing::info!(
            session = &*session.name,
            uid = session.uid,
            role,
            "somebody is in the console"
        );
        let detail = serde_json::json!({ "role": role });
        self.operator
            .record("console-entered", detail, &session.actor());
        self.record_ended();
        let cookie = format!(
            "{}={secret}; Path=/; HttpOnly; SameSite=Strict; Max-Age=28800",
            self.cookie
        );
        with_cookie(see("/"), &cookie)
    }

    async fn show(&self, path: &str, query: &Form, session: &Session) -> Answer {
        match path {
            "/" => {
                let draw = |operator: &Operator, _: &Session| overview::page(operator);
                self.drawn(session, Section::Overview, draw).await
            }
            "/live" => match self.access.stream(session) {
                Some(place) => self.live.stream(
                    self.access.clone(),
                    session.clone(),
                    place,
                    self.end.clone(),
                ),
                None => plain(
                    StatusCode::TOO_MANY_REQUESTS,
                    "there are as many streams as there may be",
                ),
            },
            "/calls" | "/calls.json" => self.calls(path, query, session).await,
            "/servers" => {
                let draw = |operator: &Operator, session: &Session| {
                    servers::page(&operator.status(), session)
                };
                self.drawn(session, Section::Servers, draw).await
            }
            "/policies" => {
                let draw = |operator: &Operator, session: &Session| {
                    policies::page(&operator.status(), &operator.traffic(), session)
                };
                self.drawn(session, Section::Policies, draw).await
            }
            "/clients" => {
                let page = clients::page(&self.operator.clients(), session);
                self.page(session, Section::Clients, page)
            }
            "/stops" => {
                let query = query.clone();
                let draw = move |operator: &Operator, session: &Session| {
                    stops::page(&operator.status(), session, &query)
                };
                self.drawn(session, Section::Stops, draw).await
            }
            "/alerts" => {
                let draw = |operator: &Operator, session: &Session| {
                    alerts::page(&operator.status(), session)
                };
                self.drawn(session, Section::Alerts, draw).await
            }
            "/audit" => {
                let draw = |operator: &Operator, _: &Session| {
                    audit::page(operator, &operator.deeds(audit::MOST))
                };
                self.drawn(session, Section::Audit, draw).await
            }
            "/audit/verify" => {
                let desk = self.desk.clone();
                let own = session.look.clone().try_acquire_owned().ok();
                let place = own.zip(self.looks.clone().try_acquire_owned().ok());
                let found = self.slowly(place, move || desk.verify()).await;
                self.page(session, Section::Audit, audit::verified(found))
            }
            _ => match path.strip_prefix("/call/") {
                Some(id) => self.story(id, session).await,
                None => {
                    let nothing = page::problem(
                        "There is no such page",
                        "The navigation names those that there are.",
                    );
                    self.shown(StatusCode::NOT_FOUND, session, Section::Overview, nothing)
                }
            },
        }
    }

    async fn calls(&self, path: &str, query: &Form, session: &Session) -> Answer {
        let (operator, after) = (self.operator.clone(), query.some("after"));
        let read = match calls::filter(query) {
            Err(why) => Err(why),
            Ok(filter) => {
                self.read(session, move || {
                    operator.calls(&filter, after.as_deref(), calls::MOST)
                })
                .await
            }
        };
        if path == "/calls.json" {
            return match read {
                Ok(page) => json(calls::rows_json(&page)),
                Err(_) => plain(
                    StatusCode::SERVICE_UNAVAILABLE,
                    "the call log cannot be read",
                ),
            };
        }
        let status = self.operator.status();
        self.page(session, Section::Calls, calls::page(&status, query, read))
    }

    async fn story(&self, id: &str, session: &Session) -> Answer {
        let is_id = (8..=64).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !is_id {
            let what = page::problem("That is no call's id", "Ids are hexadecimal digits.");
            return self.shown(StatusCode::NOT_FOUND, session, Section::Calls, what);
        }
        let id = &id.to_ascii_lowercase();
        let mut records = match story::remembered(&self.operator, id, session).await {
            Ok(records) => records,
            Err(why) => return self.page(session, Section::Calls, page::problem("No story", &why)),
        };
        if records.is_empty() {
            let (operator, id) = (self.operator.clone(), id.to_owned());
            let read = self.read(session, move || operator.records_in_file(&id));
            records = match read.await {
                Ok(records) => records,
                Err(why) => {
                    return self.page(session, Section::Calls, page::problem("No story", &why));
                }
            };
        }
        if records.is_empty() {
            let why = "The gateway does not remember it, and it is not in the last 64 MiB of the call log. \
                       `sandgate why` looks further back.";
            let what = page::problem("This call is not known", why);
            return self.shown(StatusCode::NOT_FOUND, session, Section::Calls, what);
        }
        let (desk, told) = (self.desk.clone(), records.clone());
        let text = self.read(session, move || desk.story(told)).await;
        self.page(session, Section::Calls, story::page(&records, text))
    }

    async fn post(self: &Arc<Self>, path: &str, body: Incoming, session: &Session) -> Answer {
        let body = Limited::new(body, form::LARGEST).collect();
        let Ok(Ok(body)) = tokio::time::timeout(PATIENCE, body).await else {
            return plain(
                StatusCode::BAD_REQUEST,
                "the form did not come whole, or is too large",
            );
        };
        let bytes = body.to_bytes();
        let form = Form::read(std::str::from_utf8(&bytes).unwrap_or_default());
        if !session.is_own(form.get("csrf")) {
            let what = page::problem(
                "Nothing was done",
                "This form is not of this session. Go back, load the page again, and repeat it.",
            );
            return self.shown(StatusCode::FORBIDDEN, session, Section::Overview, what);
        }
        if path == "/leave" {
            self.access.leave(session);
            self.operator
                .record("console-left", serde_json::json!({}), &session.actor());
            let gone = format!(
                "{}=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0",
                self.cookie
            );
            let text = "You have left the console.";
            return with_cookie(html(StatusCode::OK, page::outside("Left", text)), &gone);
        }
        let Some(deed) = path.strip_prefix("/do/") else {
            return plain(StatusCode::NOT_FOUND, "there is no such form");
        };
        if !session.may_act() {
            let what = page::problem(
                "Nothing was done",
                "This session may only look: `sandgate console` without `--read-only` prints a link that may do more.",
            );
            return self.shown(StatusCode::FORBIDDEN, session, Section::Overview, what);
        }
        let (router, deed, of) = (self.clone(), deed.to_owned(), session.clone());
        // What answers is dropped where the browser goes away. A deed and its record are whole all the same.
        let done =
            tokio::spawn(async move { deed::carry_out(&router, &deed, &form, &of).await }).await;
        done.unwrap_or_else(|_| {
            let why = "it ended without an answer, which the gateway's log tells";
            self.page(
                session,
                Section::Overview,
                page::problem("What was done is not known", why),
            )
        })
    }

    /// A page of a session that takes a moment to be drawn.
    async fn drawn(
        &self,
        session: &Session,
        section: Section,
        draw: impl FnOnce(&Operator, &Session) -> Page + Send + 'static,
    ) -> Answer {
        let (operator, of) = (self.operator.clone(), session.clone());
        let drawn = self.read(session, move || Ok(draw(&operator, &of))).await;
        let page = drawn.unwrap_or_else(|why| page::problem("This page cannot be shown", &why));
        self.page(session, section, page)
    }

    /// Reads the call log or figures, beside a few others, and one at a time for each session.
    async fn read<T: Send + 'static>(
        &self,
        session: &Session,
        work: impl FnOnce() -> Result<T, String> + Send + 'static,
    ) -> Result<T, String> {
        let own = session.read.clone().acquire_owned().await;
        let place = self.reads.clone().acquire_owned().await;
        let done = tokio::task::spawn_blocking(move || {
            let _places = (own, place);
            work()
        });
        done.await.map_err(|error| error.to_string())?
    }
}
