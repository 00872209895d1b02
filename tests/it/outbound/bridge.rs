//! A whole instance over a test's database, and the two people who use it: an identity provider and
//! an administrator.

use actix_web::dev::ServerHandle;
use reqwest::Method;
use rollcall::auth::{Scope, token};
use rollcall::clock::Clock;
use rollcall::http::instance::{Instance, Materials};
use rollcall::id::{ClientId, new_uuid};
use rollcall::outbound::engine::Running;
use rollcall::store::Store;
use rollcall::vault::Vault;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use std::net::TcpListener;
use std::time::Duration;

/// The longest that anything may take before a test gives up. Nothing is asserted about time.
pub const PATIENCE: Duration = Duration::from_mins(1);

/// A running instance.
pub struct Bridge {
    pub base: String,
    pub token: String,
    store: Store,
    client: reqwest::Client,
    server: ServerHandle,
    engine: Option<Running>,
}

impl Bridge {
    /// Starts one.
    pub async fn start(store: &Store, vault: &Vault) -> Self {
        Self::start_at(store, vault, Clock::System).await
    }

    /// Starts one with a clock of its own.
    pub async fn start_at(store: &Store, vault: &Vault, clock: Clock) -> Self {
        let organization = store.organization_named("default", clock.now_us()).await.unwrap();
        let now_us = clock.now_us();
        let token = store
            .write(organization.id, move |transaction| {
                let id = ClientId(new_uuid(now_us));
                let client = transaction.client_named("tests", None, (id, now_us))?;
                let scopes = [Scope::ScimWrite, Scope::Admin];
                let issued = token::issue(organization.id, client, &scopes, now_us, None);
                transaction.insert_token(&issued.row)?;
                Ok(issued.text)
            })
            .await
            .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let instance = Instance::new(Materials {
            store: store.clone(),
            vault: vault.clone(),
            clock,
            base: base.clone(),
            body_limit: 1024 * 1024,
            large_body_limit: 16 * 1024 * 1024,
            app_concurrency: 4,
        });
        let engine = instance.engine().start();
        let server = instance.serve(listener, 1, PATIENCE).unwrap();
        let handle = server.handle();
        tokio::spawn(server);
        let client = reqwest::Client::new();
        let token = token.expose_secret().to_owned();
        let store = store.clone();
        Self { base, token, store, client, server: handle, engine: Some(engine) }
    }

    /// Stops it, as a signal would.
    pub async fn stop(mut self) {
        if let Some(engine) = self.engine.take() {
            assert!(engine.stop(PATIENCE).await, "the engine did not stop");
        }
        self.server.stop(false).await;
    }

    /// Stops working the queues; requests are still answered.
    pub async fn rest(&mut self) {
        if let Some(engine) = self.engine.take() {
            assert!(engine.stop(PATIENCE).await, "the engine did not stop");
        }
    }

    /// Sends a request; answers status and body.
    pub async fn send(&self, method: Method, path: &str, body: Option<Value>) -> (u16, Value) {
        let mut request =
            self.client.request(method, format!("{}{path}", self.base)).bearer_auth(&self.token);
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        let text = answer.text().await.unwrap();
        (status, serde_json::from_str(&text).unwrap_or(Value::Null))
    }

    /// As the administrator; the answer must be a success.
    pub async fn admin(&self, method: Method, path: &str, body: Value) -> Value {
        let body = (!body.is_null()).then_some(body);
        let (status, answer) = self.send(method.clone(), &format!("/api/v1{path}"), body).await;
        assert!((200..300).contains(&status), "{method} {path}: {status} {answer}");
        answer
    }

    /// As the identity provider; the answer must be a success.
    pub async fn push(&self, method: Method, path: &str, body: Value) -> Value {
        let body = (!body.is_null()).then_some(body);
        let (status, answer) = self.send(method.clone(), &format!("/scim/v2{path}"), body).await;
        assert!((200..300).contains(&status), "{method} {path}: {status} {answer}");
        answer
    }

    /// Pushes a person of Zylker; answers the id.
    pub async fn person(&self, name: &str) -> String {
        let made = self.push(Method::POST, "/Users", person(name)).await;
        made["id"].as_str().unwrap().to_owned()
    }

    /// Replaces one attribute of a person.
    pub async fn set(&self, id: &str, path: &str, value: Value) {
        self.push(Method::PATCH, &format!("/Users/{id}"), patch("replace", path, &value)).await;
    }

    /// Sets the built-in sandbox app up and switches it on.
    pub async fn sandbox(&self) {
        let app = json!({ "name": "sandbox", "adapter": "sandbox", "enabled": true });
        self.admin(Method::POST, "/apps", app).await;
    }

    /// What the app shows once its queue is quiet.
    pub async fn accounts(&self, app: &str, kind: &str) -> Vec<Value> {
        let mut all = Vec::new();
        let mut after = String::new();
        loop {
            let path = format!("/apps/{app}/accounts?kind={kind}&wait=30{after}");
            let page = self.admin(Method::GET, &path, Value::Null).await;
            all.extend(page["items"].as_array().unwrap().iter().cloned());
            match page["next"].as_str() {
                Some(next) => after = format!("&after={next}"),
                None => return all,
            }
        }
    }

    /// Waits until every change of the directory has become work.
    pub async fn published(&self) {
        let waiting = async {
            while !self.store.organizations_with_changes().await.unwrap().is_empty() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(PATIENCE, waiting).await.expect("changes are never published");
    }

    /// The account with that login name.
    pub async fn account(&self, app: &str, login: &str) -> Option<Value> {
        let accounts = self.accounts(app, "User").await;
        accounts.into_iter().find(|one| {
            ["loginName", "userName"].iter().any(|field| one["record"][*field] == login)
        })
    }

    /// `action/outcome` of every attempt on an object, oldest first.
    pub async fn attempts(&self, app: &str, resource: &str) -> Vec<String> {
        let path = format!("/attempts?app={app}&resource={resource}");
        let page = self.admin(Method::GET, &path, Value::Null).await;
        let mut tries: Vec<String> = page["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| {
                format!("{}/{}", one["action"].as_str().unwrap(), one["outcome"].as_str().unwrap())
            })
            .collect();
        tries.reverse();
        tries
    }

    /// Waits until a condition on the app's view holds.
    pub async fn until(&self, app: &str, what: &str, holds: impl Fn(&Value) -> bool) -> Value {
        let waiting = async {
            loop {
                let view = self.admin(Method::GET, &format!("/apps/{app}"), Value::Null).await;
                if holds(&view) {
                    return view;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(PATIENCE, waiting).await.unwrap_or_else(|_| panic!("never: {what}"))
    }
}

/// A person as an identity provider sends one.
pub fn person(name: &str) -> Value {
    let mail = format!("{name}@zylker.example");
    json!({
        "schemas": [
            "urn:ietf:params:scim:schemas:core:2.0:User",
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User",
        ],
        "userName": mail,
        "name": { "givenName": name, "familyName": "Woods" },
        "title": "Technician",
        "emails": [{ "value": mail, "type": "work", "primary": true }],
        "active": true,
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {
            "department": "Field Service"
        },
    })
}

/// A PATCH of one operation.
pub fn patch(op: &str, path: &str, value: &Value) -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": [{ "op": op, "path": path, "value": value }],
    })
}
