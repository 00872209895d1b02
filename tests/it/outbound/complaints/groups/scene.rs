//! An instance, an app, and everything that is said between them.

use crate::outbound::bridge::{self, Bridge};
use crate::outbound::meddler::{Meddler, Meddling};
use crate::world::{ORG, World};
use parking_lot::Mutex;
use reqwest::Method;
use rollcall::id::AppId;
use rollcall::vault::Vault;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A request to the app.
#[derive(Debug, Clone)]
pub struct Line {
    pub method: String,
    pub path: String,
    pub body: Value,
    /// Whether it came after [`Scene::is_late`].
    pub is_late: bool,
}

pub struct Scene {
    pub bridge: Bridge,
    /// Another instance, as the app.
    pub app: Option<Bridge>,
    name: &'static str,
    said: Arc<Mutex<Vec<Line>>>,
    late: Arc<AtomicBool>,
    meddler: Option<Meddler>,
    _other: Option<World>,
}

pub fn names<const N: usize>(all: [&str; N]) -> BTreeSet<String> {
    all.map(str::to_owned).into()
}

pub fn values<I: AsRef<str>>(ids: impl IntoIterator<Item = I>) -> Value {
    ids.into_iter().map(|id| json!({ "value": id.as_ref() })).collect()
}

pub fn group_body(name: &str, members: &Value) -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"],
        "displayName": name, "members": members,
    })
}

/// An app of which nothing is asked about.
pub fn unlimited() -> Value {
    let limit = json!({ "count": null, "percent": null });
    json!({ "policy": { "guard": { "memberships": limit, "deletions": limit } } })
}

impl Scene {
    /// With another instance as its app, and a meddler between them.
    pub async fn new(
        world: &World,
        more: Value,
        meddle: impl Fn(&Line) -> Meddling + Send + 'static,
    ) -> Self {
        let vault = Vault::ephemeral();
        let other = World::new(world.database).await;
        let app = Bridge::start(&other.store, &vault).await;
        let bridge = Bridge::start(&world.store, &vault).await;
        let said: Arc<Mutex<Vec<Line>>> = Arc::default();
        let late: Arc<AtomicBool> = Arc::default();
        let (heard, since) = (Arc::clone(&said), Arc::clone(&late));
        let meddler = Meddler::before(&app.base, move |method, path, body| {
            let line = Line {
                method: method.to_owned(),
                path: path.to_owned(),
                body: serde_json::from_str(body).unwrap_or_default(),
                is_late: since.load(Ordering::SeqCst),
            };
            let meddling = meddle(&line);
            heard.lock().push(line);
            meddling
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
        let (app, meddler, other) = (Some(app), Some(meddler), Some(other));
        Self { bridge, app, name: "assist", said, late, meddler, _other: other }
    }

    /// With the built-in sandbox as its app.
    pub async fn sandbox(world: &World, more: Value) -> Self {
        let bridge = Bridge::start(&world.store, &Vault::ephemeral()).await;
        let mut body = json!({ "name": "sandbox", "adapter": "sandbox", "enabled": true });
        for (name, value) in more.as_object().unwrap() {
            body[name] = value.clone();
        }
        bridge.admin(Method::POST, "/apps", body).await;
        Self {
            bridge,
            app: None,
            name: "sandbox",
            said: Arc::default(),
            late: Arc::default(),
            meddler: None,
            _other: None,
        }
    }

    /// From now on lines are late.
    pub fn is_late(&self) {
        self.late.store(true, Ordering::SeqCst);
    }

    /// Forgets what was said.
    pub fn forget(&self) {
        self.said.lock().clear();
    }

    /// What was said that can change something.
    pub fn sent(&self) -> Vec<Line> {
        self.said.lock().iter().filter(|line| line.method != "GET").cloned().collect()
    }

    /// Whom the app was told to take out of groups.
    pub fn removed(&self) -> BTreeSet<String> {
        let mut removed = BTreeSet::new();
        for operation in self.sent().iter().flat_map(on_members).filter(|one| one["op"] == "remove")
        {
            let path = operation["path"].as_str().unwrap();
            let id =
                path.strip_prefix("members[value eq \"").and_then(|rest| rest.strip_suffix("\"]"));
            removed.extend(id.map(str::to_owned));
            let listed = operation["value"].as_array().into_iter().flatten();
            removed.extend(listed.map(|one| one["value"].as_str().unwrap().to_owned()));
        }
        removed
    }

    /// How many members each request named, of those that named some.
    pub fn parts(&self) -> Vec<usize> {
        let of = |one: &Value| one["value"].as_array().map_or(1, Vec::len);
        let named = |line: &Line| on_members(line).iter().map(of).sum::<usize>();
        self.sent().iter().map(named).filter(|named| *named > 0).collect()
    }

    pub async fn quiet(&self) {
        let path = format!("/apps/{}/accounts?kind=Group&wait=30", self.name);
        self.bridge.admin(Method::GET, &path, Value::Null).await;
        self.bridge
            .until(self.name, "the queue empties", |app| {
                app["queue"]["ready"] == 0 && app["queue"]["running"] == 0
            })
            .await;
    }

    /// Pushes people `p0`, `p1`, … ; answers their ids.
    pub async fn people(&self, count: usize) -> Vec<String> {
        people(&self.bridge, count).await
    }

    pub async fn group(&self, name: &str, members: &[&str]) -> String {
        let body = group_body(name, &values(members));
        self.bridge.push(Method::POST, "/Groups", body).await["id"].as_str().unwrap().to_owned()
    }

    /// As the app's own administrator.
    pub async fn there(&self, method: Method, path: &str, body: Value) -> Value {
        self.app.as_ref().unwrap().push(method, path, body).await
    }

    /// The app's id of somebody.
    pub async fn account(&self, name: &str) -> String {
        let path = format!("/Users?filter=userName%20eq%20%22{name}%40zylker.example%22");
        let found = self.there(Method::GET, &path, Value::Null).await;
        found["Resources"][0]["id"].as_str().unwrap().to_owned()
    }

    /// The app's group of that name.
    pub async fn remote_group(&self, name: &str) -> Value {
        let name = name.replace(' ', "%20");
        let shown = "displayName,externalId,members.value,members.type,members.display";
        let path = format!("/Groups?filter=displayName%20eq%20%22{name}%22&attributes={shown}");
        let found = self.there(Method::GET, &path, Value::Null).await;
        assert_eq!(found["totalResults"], 1, "{name}");
        found["Resources"][0].clone()
    }

    /// Who is in the app's group of that name.
    pub async fn members(&self, name: &str) -> BTreeSet<String> {
        let group = self.remote_group(name).await;
        let shown = group["members"].as_array().cloned().unwrap_or_default();
        let names = shown.iter().map(|one| one["display"].as_str().unwrap());
        names.map(|name| name.split('@').next().unwrap().to_owned()).collect()
    }

    /// The same in the sandbox.
    pub async fn held(&self, world: &World, name: &str) -> BTreeSet<String> {
        let app = self.bridge.admin(Method::GET, "/apps/sandbox", Value::Null).await;
        let app = AppId(app["id"].as_str().unwrap().parse().unwrap());
        let (people, groups) = world
            .store
            .read(ORG, move |reader| {
                let people = reader.sandbox_accounts(app, "User", None, 1_000)?;
                Ok((people, reader.sandbox_accounts(app, "Group", None, 1_000)?))
            })
            .await
            .unwrap();
        let named = |id: &String| {
            let account = people.iter().find(|one| one.remote_id == *id).unwrap();
            account.record["loginName"].as_str().unwrap().split('@').next().unwrap().to_owned()
        };
        let group = groups.iter().find(|one| one.record["name"] == name).unwrap();
        group.members.iter().map(named).collect()
    }

    pub async fn stop(self) {
        self.bridge.stop().await;
        if let Some(meddler) = self.meddler {
            meddler.stop().await;
        }
        if let Some(app) = self.app {
            app.stop().await;
        }
    }
}

/// What a request says of members.
fn on_members(line: &Line) -> Vec<Value> {
    let operations = line.body["Operations"].as_array().cloned().unwrap_or_default();
    let is_about =
        |one: &Value| one["path"].as_str().is_some_and(|path| path.starts_with("members"));
    operations.into_iter().filter(is_about).collect()
}

/// Pushes people `p0`, `p1`, … in bulk; answers their ids.
pub async fn people(bridge: &Bridge, count: usize) -> Vec<String> {
    let bodies = (0..count).map(|at| bridge::person(&format!("p{at}"))).collect();
    made(bridge, "/Users", bodies).await
}

/// Makes resources, a thousand with each request; answers their ids.
pub async fn made(bridge: &Bridge, path: &str, bodies: Vec<Value>) -> Vec<String> {
    let operations = bodies
        .into_iter()
        .enumerate()
        .map(|(at, body)| {
            json!({ "method": "POST", "path": path, "bulkId": format!("b{at}"), "data": body })
        })
        .collect();
    let done = bulk(bridge, operations).await;
    let id = |one: &Value| one["location"].as_str().unwrap().rsplit('/').next().unwrap().to_owned();
    done.iter().map(id).collect()
}

/// Runs operations, a thousand with each request; every one must succeed.
pub async fn bulk(bridge: &Bridge, operations: Vec<Value>) -> Vec<Value> {
    let mut all = Vec::new();
    for chunk in operations.chunks(1_000) {
        let body = json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"], "Operations": chunk,
        });
        let answer = bridge.push(Method::POST, "/Bulk", body).await;
        let done = answer["Operations"].as_array().unwrap();
        assert_eq!(done.len(), chunk.len(), "{answer}");
        for one in done {
            assert!(one["status"].as_str().is_some_and(|status| status.starts_with('2')), "{one}");
        }
        all.extend(done.iter().cloned());
    }
    all
}
