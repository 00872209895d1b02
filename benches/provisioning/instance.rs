//! The instance, as `rollcall serve` puts it together, and the two who use it over HTTP.

use crate::app::App;
use reqwest::Method;
use rollcall::auth::{Scope, token};
use rollcall::clock::Clock;
use rollcall::http::instance::{Instance, Materials};
use rollcall::id::{ClientId, OrganizationId, new_uuid};
use rollcall::store::{Options, Store};
use rollcall::vault::Vault;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use std::net::TcpListener;
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::oneshot;

const PATIENCE: Duration = Duration::from_mins(2);
pub const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
/// What a PATCH calls the field that is changed here.
pub const DEPARTMENT: &str =
    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department";

/// A running instance on a SQLite file, with the durability that it has by default.
pub struct Directory {
    pub store: Store,
    pub organization: OrganizationId,
    pub base: String,
    pub token: String,
    pub client: reqwest::Client,
    stop: oneshot::Sender<()>,
    thread: JoinHandle<()>,
    _folder: tempfile::TempDir,
}

impl Directory {
    pub async fn start(concurrency: usize) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let url = format!("sqlite:{}", folder.path().join("rollcall.db").display());
        let store = Store::open(&url, &Options::default(), true).expect("a database");
        let now_us = Clock::System.now_us();
        let found = store.organization_named("default", now_us).await.expect("an organization");
        let organization = found.id;
        let token = store
            .write(organization, move |transaction| {
                let now_us = Clock::System.now_us();
                let id = ClientId(new_uuid(now_us));
                let client = transaction.client_named("bench", None, (id, now_us))?;
                let scopes = [Scope::ScimWrite, Scope::Admin];
                let issued = token::issue(organization, client, &scopes, now_us, None);
                transaction.insert_token(&issued.row)?;
                Ok(issued.text.expose_secret().to_owned())
            })
            .await
            .expect("a token");
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let base = format!("http://{}", listener.local_addr().expect("it is bound"));
        let materials = Materials {
            store: store.clone(),
            vault: Vault::ephemeral(),
            clock: Clock::System,
            base: base.clone(),
            body_limit: 1024 * 1024,
            large_body_limit: 16 * 1024 * 1024,
            app_concurrency: concurrency,
        };
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::spawn(move || {
            // As `serve` does it: the engine runs on the system's own thread.
            actix_web::rt::System::new().block_on(async move {
                let instance = Instance::new(materials);
                let server = instance.serve(listener, 2, PATIENCE).expect("it serves");
                let (handle, engine) = (server.handle(), instance.engine().start());
                let serving = actix_web::rt::spawn(server);
                drop(stopped.await);
                assert!(engine.stop(PATIENCE).await, "the engine stops");
                handle.stop(false).await;
                drop(serving.await);
            });
        });
        let client = reqwest::Client::new();
        Self { store, organization, base, token, client, stop, thread, _folder: folder }
    }

    pub fn stop(self) {
        self.stop.send(()).expect("the instance runs");
        self.thread.join().expect("the instance ends");
    }

    pub async fn send(&self, method: Method, path: &str, body: Option<&Value>) -> Value {
        let url = format!("{}{path}", self.base);
        let mut request = self.client.request(method.clone(), url).bearer_auth(&self.token);
        if let Some(body) = body {
            request = request.json(body);
        }
        let answer = request.send().await.expect("an answer");
        let status = answer.status();
        let text = answer.text().await.expect("a body");
        assert!(status.is_success(), "{method} {path}: {status} {text}");
        serde_json::from_str(&text).unwrap_or(Value::Null)
    }

    /// Sets the app up and switches provisioning on.
    pub async fn follow(&self, app: &App) {
        let body = json!({
            "name": "app", "adapter": "scim", "enabled": true,
            "settings": { "url": app.base }, "secrets": { "token": "the-app-knows-it" },
        });
        self.send(Method::POST, "/api/v1/apps", Some(&body)).await;
    }

    /// Jobs that are ready, running and parked.
    pub async fn queue(&self) -> [u64; 3] {
        let app = self.send(Method::GET, "/api/v1/apps/app", None).await;
        ["ready", "running", "parked"].map(|state| app["queue"][state].as_u64().unwrap_or(0))
    }

    /// Waits until so many jobs wait or are worked on.
    pub async fn until_queued(&self, count: usize) {
        let waiting = async {
            loop {
                let [ready, running, parked] = self.queue().await;
                assert_eq!(parked, 0, "nothing is refused here");
                if usize::try_from(ready + running) == Ok(count) {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(PATIENCE, waiting).await.expect("the queue comes to that");
    }

    /// Waits until every change is published and nothing waits or is worked on.
    pub async fn until_quiet(&self) {
        let waiting = async {
            loop {
                // The app lists nobody; what counts is that it is asked last.
                self.send(Method::GET, "/api/v1/apps/app/accounts?wait=30", None).await;
                if self.queue().await == [0, 0, 0] {
                    return;
                }
            }
        };
        tokio::time::timeout(PATIENCE, waiting).await.expect("the queue comes to an end");
    }

    /// Makes people, in requests of a thousand; answers their ids.
    pub async fn hire(&self, count: usize) -> Vec<String> {
        let numbers: Vec<usize> = (0..count).collect();
        let mut ids = Vec::with_capacity(count);
        for chunk in numbers.chunks(1_000) {
            let operations = chunk.iter().map(|number| {
                json!({
                    "method": "POST", "path": "/Users", "bulkId": number.to_string(),
                    "data": person(*number),
                })
            });
            for done in self.bulk(operations.collect()).await {
                let location = done["location"].as_str().unwrap_or_default();
                ids.push(location.rsplit('/').next().unwrap_or_default().to_owned());
            }
        }
        ids
    }

    /// Gives everybody another department, in requests of a thousand.
    pub async fn move_everybody(&self, ids: &[String], department: &str) {
        for chunk in ids.chunks(1_000) {
            let operations = chunk.iter().map(|id| {
                json!({
                    "method": "PATCH", "path": format!("/Users/{id}"),
                    "data": replacing(DEPARTMENT, &department.into()),
                })
            });
            self.bulk(operations.collect()).await;
        }
    }

    async fn bulk(&self, operations: Vec<Value>) -> Vec<Value> {
        let body = json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
            "Operations": operations,
        });
        let answer = self.send(Method::POST, "/scim/v2/Bulk", Some(&body)).await;
        let done = answer["Operations"].as_array().cloned().unwrap_or_default();
        let failed = done.iter().find(|one| one["status"].as_str().is_none_or(|s| s >= "300"));
        assert!(failed.is_none(), "every operation succeeds, and not: {failed:?}");
        done
    }

    /// Replaces one attribute of a person.
    pub async fn change(&self, id: &str, path: &str, value: Value) {
        let body = replacing(path, &value);
        self.send(Method::PATCH, &format!("/scim/v2/Users/{id}"), Some(&body)).await;
    }
}

/// A PATCH of one operation.
pub fn replacing(path: &str, value: &Value) -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": [{ "op": "replace", "path": path, "value": value }],
    })
}

/// The login name of somebody.
pub fn name(number: usize) -> String {
    format!("person{number}@zylker.example")
}

fn person(number: usize) -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User", ENTERPRISE],
        "externalId": format!("zylker|{number}"),
        "userName": name(number),
        "name": { "givenName": format!("Given{number}"), "familyName": "Woods" },
        "displayName": format!("Given{number} Woods"),
        "title": "Technician",
        "preferredLanguage": "en-US",
        "emails": [{ "value": name(number), "type": "work", "primary": true }],
        "phoneNumbers": [{ "value": "+1-512-555-0100", "type": "work" }],
        "active": true,
        ENTERPRISE: { "department": "Field Service", "employeeNumber": number.to_string() },
    })
}
