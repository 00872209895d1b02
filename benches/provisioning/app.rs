//! The app: a SCIM server that keeps accounts in memory, does as little as it can beside that, and
//! notes when each change arrived. It can be slow, and it can hold everybody up.

use actix_web::dev::ServerHandle;
use actix_web::web::{Bytes, Data, Path, Query};
use actix_web::{App as Routes, HttpResponse, HttpServer, web};
use parking_lot::Mutex;
use rollcall::clock::Stopwatch;
use serde_json::{Map, Value, json};
use std::collections::HashMap;
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::watch;

/// A running app.
pub struct App {
    pub base: String,
    pub state: Arc<State>,
    handle: ServerHandle,
    thread: JoinHandle<()>,
}

/// What the app knows.
pub struct State {
    accounts: Mutex<Accounts>,
    seen: Mutex<Vec<Seen>>,
    held: watch::Sender<bool>,
    delay_us: AtomicU64,
    since: Stopwatch,
}

#[derive(Default)]
struct Accounts {
    all: Vec<Map<String, Value>>,
    by_name: HashMap<String, usize>,
}

/// A PATCH that arrived.
#[derive(Debug, Clone)]
pub struct Seen {
    /// When, since the program began.
    pub at: Duration,
    /// Whose account.
    pub account: usize,
    /// The values that it sets, in order.
    pub values: Vec<Value>,
}

impl App {
    pub fn start(since: Stopwatch) -> Self {
        let state = Arc::new(State {
            accounts: Mutex::default(),
            seen: Mutex::default(),
            held: watch::channel(false).0,
            delay_us: AtomicU64::new(0),
            since,
        });
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let base = format!("http://{}", listener.local_addr().expect("it is bound"));
        let (tell, told) = std::sync::mpsc::channel();
        let shared = Data::from(Arc::clone(&state));
        let thread = std::thread::spawn(move || {
            actix_web::rt::System::new().block_on(async move {
                let server = HttpServer::new(move || {
                    Routes::new()
                        .app_data(shared.clone())
                        .route("/ServiceProviderConfig", web::get().to(config))
                        .route("/Users", web::get().to(find))
                        .route("/Users", web::post().to(create))
                        .route("/Users/{id}", web::patch().to(patch))
                })
                .workers(1)
                .disable_signals()
                .listen(listener)
                .expect("it listens")
                .run();
                tell.send(server.handle()).expect("somebody waits for it");
                server.await.expect("the app serves");
            });
        });
        let handle = told.recv().expect("the app starts");
        Self { base, state, handle, thread }
    }

    pub async fn stop(self) {
        self.handle.stop(false).await;
        self.thread.join().expect("the app ends");
    }
}

impl State {
    /// How long each change takes from now on.
    pub fn slow_down(&self, to: Duration) {
        let micros = u64::try_from(to.as_micros()).unwrap_or(u64::MAX);
        self.delay_us.store(micros, Ordering::SeqCst);
    }

    /// Holds changes up, or lets them go on.
    pub fn hold(&self, held: bool) {
        self.held.send_replace(held);
    }

    /// Forgets what arrived, and answers it.
    pub fn take(&self) -> Vec<Seen> {
        std::mem::take(&mut self.seen.lock())
    }

    /// How many changes arrived.
    pub fn count(&self) -> usize {
        self.seen.lock().len()
    }

    /// The number of the account with this login name.
    pub fn account(&self, name: &str) -> Option<usize> {
        self.accounts.lock().by_name.get(name).copied()
    }

    /// What all accounts hold at a path that a PATCH would name.
    pub fn values(&self, path: &str) -> Vec<Option<Value>> {
        self.accounts.lock().all.iter().map(|one| one.get(path).cloned()).collect()
    }
}

async fn config() -> HttpResponse {
    HttpResponse::Ok().json(json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"],
        "patch": { "supported": true },
        "filter": { "supported": true, "maxResults": 200 },
        "bulk": { "supported": false, "maxOperations": 0, "maxPayloadSize": 0 },
        "changePassword": { "supported": false },
        "sort": { "supported": false },
        "etag": { "supported": false },
        "authenticationSchemes": [],
    }))
}

/// `userName eq "…"` is all that is asked here.
async fn find(state: Data<State>, query: Query<HashMap<String, String>>) -> HttpResponse {
    let filter = query.get("filter").map(String::as_str).unwrap_or_default();
    let name = filter.strip_prefix("userName eq ").and_then(|text| serde_json::from_str(text).ok());
    let name: String = name.unwrap_or_default();
    let accounts = state.accounts.lock();
    let found = accounts.by_name.get(&name).and_then(|at| accounts.all.get(*at));
    let resources: Vec<_> = found.into_iter().collect();
    HttpResponse::Ok().json(json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"],
        "totalResults": resources.len(),
        "Resources": resources,
    }))
}

async fn create(state: Data<State>, body: Bytes) -> HttpResponse {
    let Ok(mut account) = serde_json::from_slice::<Map<String, Value>>(&body) else {
        return HttpResponse::BadRequest().finish();
    };
    let name = account.get("userName").and_then(Value::as_str).unwrap_or_default().to_owned();
    let mut accounts = state.accounts.lock();
    if accounts.by_name.contains_key(&name) {
        return HttpResponse::Conflict().finish();
    }
    let id = accounts.all.len();
    account.insert("id".into(), id.to_string().into());
    let answer = HttpResponse::Created().json(&account);
    accounts.all.push(account);
    accounts.by_name.insert(name, id);
    answer
}

async fn patch(state: Data<State>, id: Path<usize>, body: Bytes) -> HttpResponse {
    let at = state.since.elapsed();
    let account = id.into_inner();
    let Ok(Value::Object(mut message)) = serde_json::from_slice(&body) else {
        return HttpResponse::BadRequest().finish();
    };
    let Some(Value::Array(operations)) = message.remove("Operations") else {
        return HttpResponse::BadRequest().finish();
    };
    let mut values = Vec::with_capacity(operations.len());
    {
        let mut accounts = state.accounts.lock();
        let Some(known) = accounts.all.get_mut(account) else {
            return HttpResponse::NotFound().finish();
        };
        for mut operation in operations {
            let value = operation["value"].take();
            if let Value::String(path) = operation["path"].take() {
                known.insert(path, value.clone());
            }
            values.push(value);
        }
    }
    state.seen.lock().push(Seen { at, account, values });
    let mut held = state.held.subscribe();
    drop(held.wait_for(|held| !held).await);
    let delay = state.delay_us.load(Ordering::SeqCst);
    if delay > 0 {
        tokio::time::sleep(Duration::from_micros(delay)).await;
    }
    HttpResponse::NoContent().finish()
}
