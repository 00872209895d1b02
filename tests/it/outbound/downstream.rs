//! An instance, another as its app, and everything that goes over the wire between them.

use super::bridge::{Bridge, person};
use super::meddler::{Meddler, Meddling};
use crate::world::World;
use parking_lot::Mutex;
use reqwest::Method;
use rollcall::clock::Clock;
use rollcall::vault::Vault;
use serde_json::{Value, json};
use std::sync::Arc;

const QUIET: fn(&Value) -> bool = |app| app["queue"]["ready"] == 0 && app["queue"]["running"] == 0;

/// Both, and the wire.
pub struct Downstream {
    pub bridge: Bridge,
    pub app: Bridge,
    pub vault: Vault,
    meddler: Meddler,
    /// `METHOD path body`, as it came.
    seen: Arc<Mutex<Vec<String>>>,
    _other: World,
}

impl Downstream {
    /// An app called `assist` that is switched on, with these further properties.
    pub async fn new(world: &World, more: Value) -> Self {
        Self::meddled(world, more, |_, _, _| Meddling::Pass).await
    }

    /// The same with somebody who meddles.
    pub async fn meddled(
        world: &World,
        more: Value,
        plan: impl FnMut(&str, &str, &str) -> Meddling + Send + 'static,
    ) -> Self {
        Self::timed(world, Clock::System, more, plan).await
    }

    /// The same by a clock of the test's own.
    pub async fn timed(
        world: &World,
        clock: Clock,
        more: Value,
        mut plan: impl FnMut(&str, &str, &str) -> Meddling + Send + 'static,
    ) -> Self {
        let vault = Vault::ephemeral();
        let other = World::new(world.database).await;
        let app = Bridge::start(&other.store, &vault).await;
        let bridge = Bridge::start_at(&world.store, &vault, clock).await;
        let seen = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&seen);
        let meddler = Meddler::before(&app.base, move |method, path, body| {
            log.lock().push(format!("{method} {path} {body}"));
            plan(method, path, body)
        });
        let mut body = json!({
            "name": "assist", "adapter": "scim", "enabled": true,
            "settings": { "url": format!("{}/scim/v2", meddler.address) },
            "secrets": { "token": app.token },
        });
        for (name, value) in more.as_object().unwrap() {
            body[name] = value.clone();
        }
        bridge.admin(Method::POST, "/apps", body).await;
        Self { bridge, app, vault, meddler, seen, _other: other }
    }

    /// Waits until every change is pushed.
    pub async fn quiet(&self) -> Value {
        // First what was pushed must have become work. Asking the app itself would be seen.
        self.bridge.published().await;
        self.bridge.until("assist", "the queue empties", QUIET).await
    }

    /// Every request since the last [`Downstream::forget`].
    pub fn seen(&self) -> Vec<String> {
        self.seen.lock().clone()
    }

    /// Those of them that change something.
    pub fn writes(&self) -> Vec<String> {
        let mut seen = self.seen();
        seen.retain(|line| !line.starts_with("GET "));
        seen
    }

    pub fn forget(&self) {
        self.seen.lock().clear();
    }

    /// An operation of the admin API on the app; the answer must be a success.
    pub async fn ask(&self, method: Method, path: &str, body: Value) -> Value {
        self.bridge.admin(method, &format!("/apps/assist{path}"), body).await
    }

    /// The same, whatever the answer.
    pub async fn try_to(&self, method: Method, path: &str, body: Value) -> (u16, Value) {
        let body = (!body.is_null()).then_some(body);
        self.bridge.send(method, &format!("/api/v1/apps/assist{path}"), body).await
    }

    /// How somebody stands with the app.
    pub async fn link(&self, id: &str) -> Value {
        self.ask(Method::GET, &format!("/links/{id}"), Value::Null).await
    }

    /// An action on a link, confirmed.
    pub async fn confirm(&self, id: &str, action: &str) -> Value {
        let path = format!("/links/{id}/{action}");
        self.ask(Method::POST, &path, json!({ "confirm": true })).await
    }

    /// `userName active` of every account of the app, in order.
    pub async fn accounts(&self) -> Vec<String> {
        let found = self.app.push(Method::GET, "/Users?count=1000", Value::Null).await;
        let all = found["Resources"].as_array().cloned().unwrap_or_default();
        let mut accounts: Vec<String> = all
            .iter()
            .map(|one| {
                let name = one["userName"].as_str().unwrap().split('@').next().unwrap();
                format!("{name} {}", one["active"])
            })
            .collect();
        accounts.sort();
        accounts
    }

    /// The app's account of that name, as the app has it.
    pub async fn account(&self, name: &str) -> Value {
        let path = format!("/Users?filter=userName%20sw%20%22{name}@%22");
        let found = self.app.push(Method::GET, &path, Value::Null).await;
        assert_eq!(found["totalResults"], 1, "{name}: {found}");
        found["Resources"][0].clone()
    }

    /// Makes an account in the app itself, and changes some of it; answers its id there.
    pub async fn there(&self, name: &str, more: Value) -> String {
        let mut body = person(name);
        for (attribute, value) in more.as_object().unwrap() {
            body[attribute] = value.clone();
        }
        self.app.push(Method::POST, "/Users", body).await["id"].as_str().unwrap().to_owned()
    }

    pub async fn group(&self, name: &str, members: &[&str]) -> String {
        let members: Vec<Value> = members.iter().map(|id| json!({ "value": id })).collect();
        let body = json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"],
            "displayName": name, "members": members,
        });
        self.bridge.push(Method::POST, "/Groups", body).await["id"].as_str().unwrap().to_owned()
    }

    /// Who is in the app's group of that name, by login, in order.
    pub async fn members(&self, name: &str) -> Vec<String> {
        let path = format!("/Groups?filter=displayName%20eq%20%22{name}%22");
        let found = self.app.push(Method::GET, &path, Value::Null).await;
        let mut names = Vec::new();
        for member in found["Resources"][0]["members"].as_array().cloned().unwrap_or_default() {
            let path = format!("/Users/{}", member["value"].as_str().unwrap());
            let one = self.app.push(Method::GET, &path, Value::Null).await;
            names.push(one["userName"].as_str().unwrap().split('@').next().unwrap().to_owned());
        }
        names.sort();
        names
    }

    pub async fn delete(&self, id: &str) {
        self.bridge.push(Method::DELETE, &format!("/Users/{id}"), Value::Null).await;
    }

    pub async fn stop(self) {
        self.bridge.stop().await;
        self.meddler.stop().await;
        self.app.stop().await;
    }
}
