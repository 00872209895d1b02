//! The real server on a port of its own, and callers of every kind.

use crate::world::{NOW, ORG, World};
use reqwest::Method;
use reqwest::header::{HeaderMap, HeaderValue};
use rollcall::auth::{Authenticator, Scope, token};
use rollcall::clock::Clock;
use rollcall::directory::Service;
use rollcall::http::server::{self, BODY_LIMIT, LARGE_BODY_LIMIT, State};
use rollcall::id::{ClientId, OrganizationId, new_uuid};
use rollcall::scim::dialect::Dialect;
use rollcall::store::Store;
use rollcall::store::changes::ChangeRow;
use rollcall::vault::Vault;
use secrecy::ExposeSecret as _;
use serde_json::Value;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::sync::Notify;

/// A running server. It stops when it is dropped.
pub struct Server {
    /// `http://127.0.0.1:PORT`
    pub url: String,
    /// The server's clock, which stands still.
    pub clock: Clock,
    /// What can be done, without HTTP in between.
    pub service: Service,
    /// What the server knows callers by.
    pub authenticator: Authenticator,
    /// Rung after each commit that has a change.
    pub wake: Arc<Notify>,
    store: Store,
    http: reqwest::Client,
    handle: actix_web::dev::ServerHandle,
}

impl World {
    /// Starts the server over this world's database.
    pub fn server(&self) -> Server {
        log();
        let clock = Clock::held_at(NOW);
        let wake = Arc::new(Notify::new());
        let authenticator = Authenticator::new(self.store.clone(), clock.clone());
        let service = Service::new(self.store.clone(), clock.clone(), Arc::clone(&wake));
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let state = State {
            service: service.clone(),
            authenticator: authenticator.clone(),
            vault: Vault::ephemeral(),
            public_url: url.clone(),
            body_limit: BODY_LIMIT,
            large_body_limit: LARGE_BODY_LIMIT,
            started_us: NOW,
        };
        let bugs = |config: &mut actix_web::web::ServiceConfig| {
            config.route("/bug", actix_web::web::get().to(bug));
        };
        let running = server::serve(listener, state, bugs, 2, Duration::from_secs(1)).unwrap();
        let handle = running.handle();
        tokio::spawn(running);
        let store = self.store.clone();
        Server {
            url,
            clock,
            service,
            authenticator,
            wake,
            store,
            http: reqwest::Client::new(),
            handle,
        }
    }
}

/// A handler with a bug, and with something private in it.
async fn bug() -> &'static str {
    panic!("a bug with {PANIC} in it")
}

/// What the handler of `/bug` panics with.
pub const PANIC: &str = "panic-private-string";

impl Drop for Server {
    fn drop(&mut self) {
        // The message is sent when the future is made; nobody has to wait for the end.
        drop(self.handle.stop(false));
    }
}

impl Server {
    /// A token of a client, made as the command line makes one.
    pub async fn token(
        &self,
        name: &str,
        dialect: Dialect,
        scopes: &[Scope],
        expires_us: Option<i64>,
    ) -> String {
        self.token_in(ORG, name, dialect, scopes, expires_us).await
    }

    /// The same in another organization.
    pub async fn token_in(
        &self,
        organization: OrganizationId,
        name: &str,
        dialect: Dialect,
        scopes: &[Scope],
        expires_us: Option<i64>,
    ) -> String {
        let (name, scopes) = (name.to_owned(), scopes.to_vec());
        let now_us = self.clock.now_us();
        let made = self.store.write(organization, move |transaction| {
            let new = (ClientId(new_uuid(now_us)), now_us);
            let client = transaction.client_named(&name, Some(dialect), new)?;
            let issued = token::issue(organization, client, &scopes, now_us, expires_us);
            transaction.insert_token(&issued.row)?;
            Ok(issued.text.expose_secret().to_owned())
        });
        made.await.unwrap()
    }

    /// A caller whose token speaks for a person.
    pub async fn speaking_for(&self, person: &str, scopes: &[Scope]) -> Caller {
        let (person, scopes) = (person.parse().unwrap(), scopes.to_vec());
        let now_us = self.clock.now_us();
        let made = self.store.write(ORG, move |transaction| {
            let new = (ClientId(new_uuid(now_us)), now_us);
            let client = transaction.client_named("portal", None, new)?;
            let mut issued = token::issue(ORG, client, &scopes, now_us, None);
            issued.row.subject = Some(person);
            transaction.insert_token(&issued.row)?;
            Ok(issued.text.expose_secret().to_owned())
        });
        self.bearer(&made.await.unwrap())
    }

    /// A caller without a token.
    pub fn stranger(&self) -> Caller {
        let base = format!("{}/scim/v2", self.url);
        let (http, clock) = (self.http.clone(), self.clock.clone());
        Caller { http, clock, base, authorization: None }
    }

    /// A caller with this token.
    pub fn bearer(&self, token: &str) -> Caller {
        Caller { authorization: Some(format!("Bearer {token}")), ..self.stranger() }
    }

    /// An identity provider of a dialect, which may write.
    pub async fn provider(&self, dialect: Dialect) -> Caller {
        let token = self.token(dialect.as_str(), dialect, &[Scope::ScimWrite], None).await;
        self.bearer(&token)
    }

    /// A caller of a scope, of the standard dialect.
    pub async fn holder(&self, scope: Scope) -> Caller {
        let token = self.token(scope.as_str(), Dialect::Standard, &[scope], None).await;
        self.bearer(&token)
    }

    /// What the server answers to these bytes.
    pub async fn raw(&self, bytes: Vec<u8>) -> String {
        let address = self.url.strip_prefix("http://").unwrap().to_owned();
        let asked = tokio::task::spawn_blocking(move || {
            let mut stream = TcpStream::connect(address).unwrap();
            stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
            stream.write_all(&bytes).unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).unwrap();
            answer
        });
        asked.await.unwrap()
    }

    /// The changes since the last call.
    pub async fn changes(&self) -> Vec<ChangeRow> {
        self.store.write(ORG, |transaction| transaction.publish_changes(10_000)).await.unwrap()
    }
}

/// Somebody who sends requests below one SCIM base.
#[derive(Clone)]
pub struct Caller {
    http: reqwest::Client,
    clock: Clock,
    /// The SCIM base URL.
    pub base: String,
    /// What is sent as `Authorization`.
    pub authorization: Option<String>,
}

/// A request before it is sent.
pub struct Request(reqwest::RequestBuilder);

impl Caller {
    /// A request to a path below the base, with its query as written. What may write takes a
    /// moment, so that the order of creation is the order of the test.
    pub fn request(&self, method: Method, path: &str) -> Request {
        if !method.is_safe() {
            self.clock.advance(Duration::from_micros(10));
        }
        let mut request = self.http.request(method, format!("{}{path}", self.base));
        if let Some(authorization) = &self.authorization {
            request = request.header("authorization", authorization);
        }
        Request(request)
    }

    /// GET.
    pub async fn get(&self, path: &str) -> Reply {
        self.request(Method::GET, path).send().await
    }

    /// GET of a collection by a filter.
    pub async fn filter(&self, path: &str, filter: &str) -> Reply {
        self.request(Method::GET, path).query("filter", filter).send().await
    }

    /// POST.
    pub async fn post(&self, path: &str, body: &Value) -> Reply {
        self.request(Method::POST, path).json(body).send().await
    }

    /// PUT.
    pub async fn put(&self, path: &str, body: &Value) -> Reply {
        self.request(Method::PUT, path).json(body).send().await
    }

    /// PATCH with these operations.
    pub async fn patch(&self, path: &str, operations: Value) -> Reply {
        let body = serde_json::json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
            "Operations": operations,
        });
        self.request(Method::PATCH, path).json(&body).send().await
    }

    /// DELETE.
    pub async fn delete(&self, path: &str) -> Reply {
        self.request(Method::DELETE, path).send().await
    }

    /// Makes a person; answers the id.
    pub async fn person(&self, user_name: &str) -> String {
        let body = serde_json::json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
            "userName": user_name,
        });
        id(&self.post("/Users", &body).await.expect(201))
    }

    /// Makes a group of these members; answers the id.
    pub async fn team(&self, name: &str, members: &[&str]) -> String {
        let members: Vec<Value> =
            members.iter().map(|id| serde_json::json!({"value": id})).collect();
        let body = serde_json::json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"],
            "displayName": name,
            "members": members,
        });
        id(&self.post("/Groups", &body).await.expect(201))
    }

    /// The ids of a group's members, sorted.
    pub async fn members(&self, group: &str) -> Vec<String> {
        let group = self.get(&format!("/Groups/{group}")).await.expect(200);
        let mut ids: Vec<String> = group["members"]
            .as_array()
            .map(|members| members.iter().map(|one| one["value"].as_str().unwrap().to_owned()))
            .into_iter()
            .flatten()
            .collect();
        ids.sort();
        ids
    }
}

/// The id of a resource.
pub fn id(resource: &Value) -> String {
    resource["id"].as_str().unwrap().to_owned()
}

impl Request {
    /// With a header.
    pub fn header(self, name: &str, value: &str) -> Self {
        Self(self.0.header(name, value))
    }

    /// With a parameter, encoded as forms are.
    pub fn query(self, name: &str, value: &str) -> Self {
        Self(self.0.query(&[(name, value)]))
    }

    /// With a body, as SCIM's media type.
    pub fn json(self, body: &Value) -> Self {
        self.body("application/scim+json", body.to_string())
    }

    /// With any body of any media type.
    pub fn body(self, media_type: &str, body: impl Into<reqwest::Body>) -> Self {
        Self(self.0.header("content-type", media_type).body(body))
    }

    /// Sends it.
    pub async fn send(self) -> Reply {
        let response = self.0.send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Reply { status, headers, text: response.text().await.unwrap() }
    }
}

/// An answer.
#[derive(Debug)]
pub struct Reply {
    /// Status.
    pub status: u16,
    /// Headers.
    pub headers: HeaderMap,
    /// Body.
    pub text: String,
}

impl Reply {
    /// A header, if it is there.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(HeaderValue::to_str).transpose().unwrap()
    }

    /// The body, of an answer with this status.
    #[track_caller]
    pub fn expect(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text);
        if self.text.is_empty() {
            return Value::Null;
        }
        serde_json::from_str(&self.text).unwrap()
    }

    /// The sentence of a SCIM error with this status and keyword, complete and by its media type.
    #[track_caller]
    pub fn refused(&self, status: u16, keyword: Option<&str>) -> String {
        let body = self.expect(status);
        assert_eq!(self.header("content-type"), Some("application/scim+json"), "{body}");
        assert_eq!(body["schemas"][0], "urn:ietf:params:scim:api:messages:2.0:Error");
        assert_eq!(body["status"], status.to_string());
        assert_eq!(body.get("scimType").and_then(Value::as_str), keyword, "{body}");
        let detail = body["detail"].as_str().unwrap().to_owned();
        assert!(detail.len() > 10 && detail.len() < 1_000, "{detail}");
        detail
    }
}

/// Everything that this process has logged, at the server's most talkative.
pub fn log() -> &'static Log {
    static LOG: OnceLock<Log> = OnceLock::new();
    LOG.get_or_init(|| {
        let log = Log::default();
        let lines = log.clone();
        tracing_subscriber::fmt()
            .with_env_filter("info,rollcall=trace")
            .with_ansi(false)
            .with_writer(move || lines.clone())
            .init();
        log
    })
}

/// A log in memory.
#[derive(Clone, Default)]
pub struct Log(Arc<parking_lot::Mutex<Vec<u8>>>);

impl Log {
    /// Whether a text was logged.
    pub fn holds(&self, text: &str) -> bool {
        String::from_utf8_lossy(&self.0.lock()).contains(text)
    }
}

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
