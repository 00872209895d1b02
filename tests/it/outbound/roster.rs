//! A SCIM app of many people, made for counting: it remembers every request, and may leave people out
//! of its list.

use actix_web::dev::ServerHandle;
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use parking_lot::Mutex;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::net::TcpListener;
use std::sync::Arc;
use tokio::sync::watch;

/// How the list of people is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Telling {
    /// Everybody.
    Whole,
    /// So many, and no word of the others.
    Short(usize),
    /// So many, though the total is that of everybody.
    Broken(usize),
}

/// The app.
pub struct Roster {
    pub address: String,
    state: Arc<State>,
    handle: ServerHandle,
}

struct State {
    people: Mutex<BTreeMap<String, Value>>,
    requests: Mutex<Vec<String>>,
    telling: Mutex<Telling>,
    /// Closed: the list of people is not answered until it is open again.
    gate: watch::Sender<bool>,
}

impl Roster {
    /// An app with these people, by its ids.
    pub fn start(people: BTreeMap<String, Value>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::new(State {
            people: Mutex::new(people),
            requests: Mutex::default(),
            telling: Mutex::new(Telling::Whole),
            gate: watch::Sender::new(true),
        });
        let shared = web::Data::from(Arc::clone(&state));
        let server = HttpServer::new(move || {
            App::new().app_data(shared.clone()).default_service(web::to(answer))
        })
        .workers(1)
        .disable_signals()
        .listen(listener)
        .unwrap()
        .run();
        let handle = server.handle();
        tokio::spawn(server);
        Self { address, state, handle }
    }

    /// Requests since the last time it was asked, as `METHOD /path?query`.
    pub fn requests(&self) -> Vec<String> {
        std::mem::take(&mut *self.state.requests.lock())
    }

    pub fn tell(&self, telling: Telling) {
        *self.state.telling.lock() = telling;
    }

    /// Requests so far, which are not forgotten.
    pub fn asked(&self) -> Vec<String> {
        self.state.requests.lock().clone()
    }

    /// Lets lists of people wait, or answers those that do.
    pub fn open(&self, is_open: bool) {
        self.state.gate.send_replace(is_open);
    }

    /// Everybody, by the app's ids.
    pub fn people(&self) -> BTreeMap<String, Value> {
        self.state.people.lock().clone()
    }

    /// Changes people behind Rollcall's back.
    pub fn meddle(&self, change: impl FnOnce(&mut BTreeMap<String, Value>)) {
        change(&mut self.state.people.lock());
    }

    pub async fn stop(self) {
        self.handle.stop(false).await;
    }
}

async fn answer(request: HttpRequest, body: web::Bytes, state: web::Data<State>) -> HttpResponse {
    let path = request.path().to_owned();
    let query = request.query_string();
    let mark = if query.is_empty() { "" } else { "?" };
    state.requests.lock().push(format!("{} {path}{mark}{query}", request.method()));
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
    match (request.method().as_str(), parts.as_slice()) {
        ("GET", ["ServiceProviderConfig"]) => scim(
            200,
            &json!({
                "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"],
                "patch": { "supported": true }, "filter": { "supported": true, "maxResults": 100 },
                "bulk": { "supported": false }, "sort": { "supported": false },
                "etag": { "supported": false }, "changePassword": { "supported": false },
                "authenticationSchemes": [],
            }),
        ),
        ("GET", ["Groups"]) => list(&[], 0, 1),
        ("GET", ["Users"]) => {
            let mut gate = state.gate.subscribe();
            gate.wait_for(|is_open| *is_open).await.unwrap();
            users(&request, &state)
        }
        ("POST", ["Users"]) => {
            let mut people = state.people.lock();
            let name = body["userName"].as_str().unwrap_or_default().to_owned();
            if people.values().any(|one| one["userName"] == name.as_str()) {
                return scim(409, &json!({ "status": "409", "scimType": "uniqueness" }));
            }
            let id = format!("made-{}", people.len());
            let mut made = body;
            made["id"] = json!(id);
            people.insert(id, made.clone());
            scim(201, &made)
        }
        (method, ["Users", id]) => one(method, id, &body, &state),
        _ => scim(404, &json!({ "status": "404" })),
    }
}

fn one(method: &str, id: &str, body: &Value, state: &State) -> HttpResponse {
    let mut people = state.people.lock();
    let Some(known) = people.get_mut(id) else { return scim(404, &json!({ "status": "404" })) };
    match method {
        "GET" => scim(200, known),
        "DELETE" => {
            people.remove(id);
            HttpResponse::NoContent().finish()
        }
        "PATCH" => {
            for operation in body["Operations"].as_array().into_iter().flatten() {
                let path = operation["path"].as_str().unwrap_or_default();
                match (path, &operation["value"]) {
                    ("", Value::Object(values)) => {
                        for (name, value) in values {
                            known[name] = value.clone();
                        }
                    }
                    (path, Value::Null) => {
                        known.as_object_mut().unwrap().remove(path);
                    }
                    (path, value) => known[path] = value.clone(),
                }
            }
            scim(200, known)
        }
        _ => scim(405, &json!({ "status": "405" })),
    }
}

fn users(request: &HttpRequest, state: &State) -> HttpResponse {
    let query = web::Query::<BTreeMap<String, String>>::from_query(request.query_string()).unwrap();
    let people = state.people.lock();
    if let Some(filter) = query.get("filter") {
        let wanted = filter.split('"').nth(1).unwrap_or_default();
        let found: Vec<&Value> = people.values().filter(|one| one["userName"] == wanted).collect();
        return list(&found, found.len(), 1);
    }
    let number =
        |name: &str, or: usize| query.get(name).and_then(|text| text.parse().ok()).unwrap_or(or);
    let (start, count) = (number("startIndex", 1).max(1), number("count", 100).min(100));
    let (shown, total) = match *state.telling.lock() {
        Telling::Whole => (people.len(), people.len()),
        Telling::Short(some) => (some, some),
        Telling::Broken(some) => (some, people.len()),
    };
    let page: Vec<&Value> = people.values().take(shown).skip(start - 1).take(count).collect();
    list(&page, total, start)
}

fn list(page: &[&Value], total: usize, start: usize) -> HttpResponse {
    scim(
        200,
        &json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"],
            "totalResults": total, "startIndex": start, "itemsPerPage": page.len(), "Resources": page,
        }),
    )
}

fn scim(status: u16, body: &Value) -> HttpResponse {
    HttpResponse::build(actix_web::http::StatusCode::from_u16(status).unwrap())
        .content_type("application/scim+json")
        .body(body.to_string())
}
