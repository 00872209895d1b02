//! Apps and people at their most awkward. Each test names what once went wrong.

use super::bridge::{Bridge, PATIENCE, patch, person};
use super::meddler::{Meddler, Meddling};
use crate::world::{World, both};
use reqwest::Method;
use rollcall::vault::Vault;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering::SeqCst};
use std::time::Duration;

/// All passes.
const FAIR: u8 = 0;
/// The next change takes effect, and its answer is lost.
const LOSING: u8 = 1;
/// The app does nothing.
const AWAY: u8 = 2;
const NOBODY: &str =
    r#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:ListResponse"],"totalResults":0}"#;
const QUIET: fn(&Value) -> bool = |app| app["queue"]["ready"] == 0 && app["queue"]["running"] == 0;

/// An instance, another as its app, and the meddler between them.
pub(super) struct Scene {
    pub(super) bridge: Bridge,
    pub(super) app: Bridge,
    meddler: Meddler,
    _other: World,
}

impl Scene {
    pub(super) async fn new(
        world: &World,
        more: Value,
        plan: impl FnMut(&str, &str, &str) -> Meddling + Send + 'static,
    ) -> Self {
        let vault = Vault::ephemeral();
        let other = World::new(world.database).await;
        let app = Bridge::start(&other.store, &vault).await;
        let bridge = Bridge::start(&world.store, &vault).await;
        let meddler = Meddler::before(&app.base, plan);
        let mut body = json!({
            "name": "assist", "adapter": "scim", "enabled": true,
            "settings": { "url": format!("{}/scim/v2", meddler.address) },
            "secrets": { "token": app.token },
        });
        for (name, value) in more.as_object().unwrap() {
            body[name] = value.clone();
        }
        bridge.admin(Method::POST, "/apps", body).await;
        Self { bridge, app, meddler, _other: other }
    }

    pub(super) async fn quiet(&self) -> Value {
        // First what was pushed must have become work.
        self.bridge.accounts("assist", "User").await;
        self.bridge.until("assist", "the queue empties", QUIET).await
    }

    pub(super) async fn pause(&self, paused: bool) {
        let change = json!({ "paused": paused });
        self.bridge.admin(Method::PATCH, "/apps/assist", change).await;
    }

    /// `userName active` of every account of the app.
    pub(super) async fn accounts(&self) -> Vec<String> {
        let found = self.app.push(Method::GET, "/Users?sortBy=userName", Value::Null).await;
        let all = found["Resources"].as_array().cloned().unwrap_or_default();
        all.iter()
            .map(|one| {
                let name = one["userName"].as_str().unwrap().split('@').next().unwrap();
                format!("{name} {}", one["active"])
            })
            .collect()
    }

    async fn group(&self, name: &str, members: &[&String]) -> String {
        let members: Vec<Value> = members.iter().map(|id| json!({ "value": id })).collect();
        let body = json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"],
            "displayName": name, "members": members,
        });
        self.bridge.push(Method::POST, "/Groups", body).await["id"].as_str().unwrap().to_owned()
    }

    /// How many members the app's group of that name has.
    async fn members(&self, name: &str) -> Option<usize> {
        let path = format!("/Groups?filter=displayName%20eq%20%22{name}%22");
        let found = self.app.push(Method::GET, &path, Value::Null).await;
        let group = found["Resources"].get(0)?.clone();
        Some(group["members"].as_array().map_or(0, Vec::len))
    }

    async fn delete(&self, id: &str) {
        self.bridge.push(Method::DELETE, &format!("/Users/{id}"), Value::Null).await;
    }

    pub(super) async fn stop(self) {
        self.bridge.stop().await;
        self.meddler.stop().await;
        self.app.stop().await;
    }
}

both! {
    /// One leaver whom the app could not delete was all that the app was ever told of.
    async fn one_who_always_fails_does_not_hold_up_the_others(world: World) {
        let policy = json!({ "policy": { "deleted": "delete" } });
        let scene = Scene::new(&world, policy, |method, _, _| match method {
            "DELETE" => Meddling::Answer(500, "{}"),
            _ => Meddling::Pass,
        }).await;
        let leaver = scene.bridge.person("leaver").await;
        scene.quiet().await;
        scene.delete(&leaver).await;
        scene.bridge.person("ann").await;
        scene.bridge.person("bob").await;
        let arrive = async {
            while scene.accounts().await.len() < 3 {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        tokio::time::timeout(PATIENCE, arrive).await.expect("the others never arrive");
        assert_eq!(scene.accounts().await, ["ann true", "bob true", "leaver true"]);
        scene.stop().await;
    }

    /// The comeback adopted the account while the leaver's push was on its way, and ended switched off.
    async fn one_who_leaves_and_comes_back_at_once_is_on(world: World) {
        let scene = Scene::new(&world, json!({}), |method, _, _| match method {
            "PATCH" => Meddling::Slow(Duration::from_millis(150)),
            _ => Meddling::Pass,
        }).await;
        for _ in 0..3 {
            let first = scene.bridge.person("william").await;
            scene.quiet().await;
            scene.delete(&first).await;
            let second = scene.bridge.person("william").await;
            scene.quiet().await;
            assert_eq!(scene.accounts().await, ["william true"]);
            scene.delete(&second).await;
            scene.quiet().await;
        }
        scene.stop().await;
    }

    /// A change took effect and its answer was lost; the directory came back to what it said before,
    /// nothing differed from what was remembered, and the app kept the change.
    async fn what_may_have_taken_effect_is_not_forgotten(world: World) {
        let weather = Arc::new(AtomicU8::new(FAIR));
        let now = Arc::clone(&weather);
        let scene = Scene::new(&world, json!({}), move |method, _, _| match now.load(SeqCst) {
            LOSING if method == "PATCH" => {
                now.store(AWAY, SeqCst);
                Meddling::Instead(504)
            }
            AWAY => Meddling::Answer(503, "{}"),
            _ => Meddling::Pass,
        }).await;
        let ann = scene.bridge.person("ann").await;
        scene.bridge.set(&ann, "title", json!("Lead")).await;
        let group = scene.group("Staff", &[]).await;
        scene.quiet().await;
        let members = format!("/Groups/{group}");
        for what in ["off", "title", "join", "leave"] {
            let change = async |there: bool| match what {
                "off" => scene.bridge.set(&ann, "active", json!(!there)).await,
                "title" => scene.bridge.set(&ann, "title", json!(if there { "Technician" } else { "Lead" })).await,
                _ => {
                    let op = if there == (what == "join") { "add" } else { "remove" };
                    let path = if op == "add" { "members".to_owned() } else { format!("members[value eq \"{ann}\"]") };
                    let value = if op == "add" { json!([{ "value": ann }]) } else { Value::Null };
                    scene.bridge.push(Method::PATCH, &members, patch(op, &path, &value)).await;
                }
            };
            if what == "leave" {
                change(false).await;
                scene.quiet().await;
            }
            weather.store(LOSING, SeqCst);
            change(true).await;
            let lost = async {
                while weather.load(SeqCst) == LOSING {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
            };
            tokio::time::timeout(PATIENCE, lost).await.expect("nothing is sent");
            change(false).await;
            weather.store(FAIR, SeqCst);
            scene.quiet().await;
            let found = scene.app.push(Method::GET, "/Users?filter=userName%20sw%20%22ann%22", Value::Null).await;
            let account = &found["Resources"][0];
            assert_eq!((&account["active"], &account["title"]), (&json!(true), &json!("Lead")), "{what}");
            assert_eq!(scene.members("Staff").await, Some(usize::from(what == "leave")), "{what}");
        }
        scene.stop().await;
    }

    /// People who were deleted stayed in the app's groups.
    async fn leavers_leave_their_groups(world: World) {
        let scene = Scene::new(&world, json!({}), |_, _, _| Meddling::Pass).await;
        let mut ids = Vec::new();
        for name in ["ann", "bob", "cy"] {
            ids.push(scene.bridge.person(name).await);
        }
        scene.group("Staff", &ids.iter().collect::<Vec<_>>()).await;
        scene.quiet().await;
        assert_eq!(scene.members("Staff").await, Some(3));
        scene.pause(true).await;
        for id in &ids {
            scene.delete(id).await;
        }
        scene.pause(false).await;
        scene.quiet().await;
        assert_eq!(scene.accounts().await, ["ann false", "bob false", "cy false"]);
        assert_eq!(scene.members("Staff").await, Some(0));
        scene.stop().await;
    }

    /// An account that appeared between the look and the creation was taken for Rollcall's own, and
    /// deleted with its person.
    async fn what_was_there_before_is_not_deleted(world: World) {
        let mut looks = 0;
        let policy = json!({ "policy": { "deleted": "delete" } });
        let scene = Scene::new(&world, policy, move |method, path, _| {
            if method == "GET" && path.contains("/Users?") && path.contains("userName") {
                looks += 1;
                if looks == 1 {
                    return Meddling::Answer(200, NOBODY);
                }
            }
            Meddling::Pass
        }).await;
        scene.app.push(Method::POST, "/Users", person("ann")).await;
        let ann = scene.bridge.person("ann").await;
        scene.quiet().await;
        let tries = scene.bridge.attempts("assist", &ann).await;
        assert_eq!(tries.first().map(String::as_str), Some("adopt/done"), "{tries:?}");
        scene.delete(&ann).await;
        scene.quiet().await;
        assert_eq!(scene.accounts().await, ["ann false"], "switched off, not deleted");
        scene.stop().await;
    }

    /// A group that somebody deleted in the app was parked for good.
    async fn a_group_that_is_gone_is_made_anew(world: World) {
        let scene = Scene::new(&world, json!({}), |_, _, _| Meddling::Pass).await;
        let ann = scene.bridge.person("ann").await;
        let bob = scene.bridge.person("bob").await;
        let staff = scene.group("Staff", &[&ann]).await;
        scene.quiet().await;
        let found = scene.app.push(Method::GET, "/Groups", Value::Null).await;
        let id = found["Resources"][0]["id"].as_str().unwrap();
        scene.app.push(Method::DELETE, &format!("/Groups/{id}"), Value::Null).await;
        let joins = patch("add", "members", &json!([{ "value": bob }]));
        scene.bridge.push(Method::PATCH, &format!("/Groups/{staff}"), joins).await;
        let view = scene.quiet().await;
        assert_eq!(view["queue"]["parked"], 0);
        assert_eq!(scene.members("Staff").await, Some(2));
        scene.stop().await;
    }

    /// One member whom the app did not take kept everybody else out of the group.
    async fn one_bad_member_does_not_keep_the_others_out(world: World) {
        let scene = Scene::new(&world, json!({}), |_, _, _| Meddling::Pass).await;
        let mut ids = Vec::new();
        for name in ["ann", "bob", "cy", "dee"] {
            ids.push(scene.bridge.person(name).await);
        }
        scene.quiet().await;
        let found = scene.app.push(Method::GET, "/Users?filter=userName%20sw%20%22bob%22", Value::Null).await;
        let bob = found["Resources"][0]["id"].as_str().unwrap().to_owned();
        scene.app.push(Method::DELETE, &format!("/Users/{bob}"), Value::Null).await;
        scene.group("Staff", &ids.iter().collect::<Vec<_>>()).await;
        let view = scene.quiet().await;
        assert_eq!(scene.members("Staff").await, Some(3));
        assert_eq!(view["queue"]["parked"], 1, "and a person is asked about the fourth");
        scene.stop().await;
    }

    /// A protected account paused the whole app, as if the credential were bad.
    async fn a_protected_account_is_parked_alone(world: World) {
        let mut owner: Option<String> = None;
        let scene = Scene::new(&world, json!({}), move |method, path, body| {
            // The first to be changed is the owner.
            if method == "PATCH" && body.contains("Owner") {
                owner = Some(path.to_owned());
            }
            if method == "PATCH" && owner.as_deref() == Some(path) {
                return Meddling::Answer(403, "{}");
            }
            Meddling::Pass
        }).await;
        let ann = scene.bridge.person("ann").await;
        let bob = scene.bridge.person("bob").await;
        scene.quiet().await;
        scene.bridge.set(&ann, "title", json!("Owner")).await;
        scene.quiet().await;
        scene.bridge.set(&bob, "active", json!(false)).await;
        let view = scene.quiet().await;
        assert_eq!((&view["paused"], &view["queue"]["parked"]), (&Value::Null, &json!(1)));
        assert_eq!(scene.accounts().await, ["ann true", "bob false"]);
        scene.stop().await;
    }

    /// *Test connection* let an app go on that an administrator had paused.
    async fn who_paused_by_hand_goes_on_by_hand(world: World) {
        let scene = Scene::new(&world, json!({}), |_, _, _| Meddling::Pass).await;
        scene.pause(true).await;
        scene.bridge.admin(Method::POST, "/apps/assist/check", Value::Null).await;
        let secrets = json!({ "secrets": { "token": scene.app.token } });
        let view = scene.bridge.admin(Method::PATCH, "/apps/assist", secrets).await;
        assert!(view["paused"].is_string(), "{view}");
        scene.stop().await;
    }

    /// Renaming a group, or saving another scope, left people in whom the scope had put out.
    async fn a_scope_is_asked_again_when_its_answer_may_change(world: World) {
        let scope = json!({ "scope": "groups.display eq \"Sales\"" });
        let scene = Scene::new(&world, scope, |_, _, _| Meddling::Pass).await;
        let ann = scene.bridge.person("ann").await;
        scene.bridge.person("bob").await;
        let sales = scene.group("Sales", &[&ann]).await;
        scene.quiet().await;
        assert_eq!(scene.accounts().await, ["ann true"]);
        let name = patch("replace", "displayName", &json!("Marketing"));
        scene.bridge.push(Method::PATCH, &format!("/Groups/{sales}"), name).await;
        scene.quiet().await;
        assert_eq!(scene.accounts().await, ["ann false"]);
        let scope = json!({ "scope": "userName sw \"bob\"" });
        scene.bridge.admin(Method::PATCH, "/apps/assist", scope).await;
        scene.quiet().await;
        assert_eq!(scene.accounts().await, ["ann false", "bob true"]);
        let view = scene.bridge.admin(Method::PATCH, "/apps/assist", json!({ "scope": null })).await;
        assert_eq!(view["scope"], Value::Null);
        scene.quiet().await;
        assert_eq!(scene.accounts().await, ["ann true", "bob true"]);
        scene.stop().await;
    }

    /// A body that could not be read was taken for none.
    async fn a_wrong_body_is_not_an_empty_one(world: World) {
        let bridge = Bridge::start(&world.store, &Vault::ephemeral()).await;
        bridge.sandbox().await;
        bridge.person("ann").await;
        for path in ["/api/v1/apps/sandbox/sync", "/api/v1/apps/sandbox/mapping/preview"] {
            let (status, problem) = bridge.send(Method::POST, path, Some(json!({ "confrim": true }))).await;
            assert_eq!(status, 400, "{path}: {problem}");
        }
        let (status, _) = bridge.send(Method::GET, "/api/v1/adapters/zzz", None).await;
        assert_eq!(status, 404);
        let nobody = "/api/v1/apps/sandbox/why/01a20ac4-94ea-7635-8b24-7635382353f1";
        let (status, _) = bridge.send(Method::GET, nobody, None).await;
        assert_eq!(status, 404);
        bridge.stop().await;
    }
}
