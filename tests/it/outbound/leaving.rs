//! Whoever loses access goes first, however much waits.

use super::bridge::Bridge;
use super::meddler::{Meddler, Meddling};
use crate::world::{World, both};
use parking_lot::Mutex;
use reqwest::Method;
use rollcall::vault::Vault;
use serde_json::{Value, json};
use std::sync::Arc;

const MANY: usize = 40;

/// An instance, another as its app, and a list of the changes that the app was told of, in order.
struct Scene {
    bridge: Bridge,
    app: Bridge,
    meddler: Meddler,
    told: Arc<Mutex<Vec<String>>>,
    ids: Vec<String>,
    _other: World,
}

impl Scene {
    /// Everybody is in the app; then it is paused.
    async fn new(world: &World, scope: Value) -> Self {
        let vault = Vault::ephemeral();
        let other = World::new(world.database).await;
        let app = Bridge::start(&other.store, &vault).await;
        let bridge = Bridge::start(&world.store, &vault).await;
        let told: Arc<Mutex<Vec<String>>> = Arc::default();
        let heard = Arc::clone(&told);
        let meddler = Meddler::before(&app.base, move |method, _, body| {
            if method == "PATCH" {
                heard.lock().push(body.to_owned());
            }
            Meddling::Pass
        });
        let body = json!({
            "name": "assist", "adapter": "scim", "enabled": true, "scope": scope,
            "settings": { "url": format!("{}/scim/v2", meddler.address) },
            "secrets": { "token": app.token },
        });
        bridge.admin(Method::POST, "/apps", body).await;
        let mut ids = Vec::new();
        for number in 0..MANY {
            ids.push(bridge.person(&format!("person{number}")).await);
        }
        Self { bridge, app, meddler, told, ids, _other: other }
    }

    async fn pause(&self, paused: bool) {
        self.bridge.admin(Method::PATCH, "/apps/assist", json!({ "paused": paused })).await;
    }

    /// Everybody changes while the app is paused.
    async fn everybody_changes(&self) {
        self.bridge.accounts("assist", "User").await;
        self.pause(true).await;
        self.told.lock().clear();
        for id in &self.ids {
            self.bridge.set(id, "title", json!("Lead")).await;
        }
    }

    /// The place, from 0, of the first change that switches an account off, once all waits.
    async fn place_of_leaver(&self) -> usize {
        let wanted = i64::try_from(MANY).unwrap();
        self.bridge.until("assist", "all waits", |app| app["queue"]["ready"] == wanted).await;
        self.pause(false).await;
        self.bridge.accounts("assist", "User").await;
        let told = self.told.lock();
        assert_eq!(told.len(), MANY, "one change for each");
        told.iter().position(|body| body.contains(r#""active","value":false"#)).unwrap()
    }

    async fn stop(self) {
        self.bridge.stop().await;
        self.meddler.stop().await;
        self.app.stop().await;
    }
}

both! {
    /// Only those who were deleted went first: whoever was switched off waited behind everybody.
    async fn who_is_switched_off_goes_before_those_who_change(world: World) {
        let scene = Scene::new(&world, Value::Null).await;
        scene.everybody_changes().await;
        scene.bridge.set(scene.ids.last().unwrap(), "active", json!(false)).await;
        // Those who begin together may pass each other.
        assert!(scene.place_of_leaver().await < MANY / 2);
        scene.stop().await;
    }

    async fn who_leaves_the_group_that_gives_access_goes_before_those_who_change(world: World) {
        let scene = Scene::new(&world, json!({ "filter": "groups.display eq \"Crew\"" })).await;
        let members: Vec<Value> = scene.ids.iter().map(|id| json!({ "value": id })).collect();
        let crew = json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"],
            "displayName": "Crew", "members": members,
        });
        let crew = scene.bridge.push(Method::POST, "/Groups", crew).await;
        scene.everybody_changes().await;
        let path = format!("members[value eq \"{}\"]", scene.ids.last().unwrap());
        let leave = json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
            "Operations": [{ "op": "remove", "path": path }],
        });
        let crew = format!("/Groups/{}", crew["id"].as_str().unwrap());
        scene.bridge.push(Method::PATCH, &crew, leave).await;
        let wanted = i64::try_from(MANY + 1).unwrap();
        scene.bridge.until("assist", "all waits", |app| app["queue"]["ready"] == wanted).await;
        scene.pause(false).await;
        scene.bridge.accounts("assist", "User").await;
        let off = |body: &String| body.contains(r#""active","value":false"#);
        assert!(scene.told.lock().iter().position(off).unwrap() < MANY / 2);
        scene.stop().await;
    }

    /// The account that was switched off kept the name, and the newcomer was parked for good.
    async fn the_name_of_somebody_who_is_switched_off_can_be_given_on(world: World) {
        let bridge = Bridge::start(&world.store, &Vault::ephemeral()).await;
        bridge.sandbox().await;
        let ann = bridge.person("ann").await;
        bridge.accounts("sandbox", "User").await;
        bridge.set(&ann, "active", json!(false)).await;
        bridge.set(&ann, "userName", json!("ann.was@zylker.example")).await;
        bridge.person("ann").await;
        let accounts = bridge.accounts("sandbox", "User").await;
        let shown = |one: &Value| (one["record"]["loginName"].clone(), one["active"].clone());
        let mut shown: Vec<_> = accounts.iter().map(shown).collect();
        shown.sort_by_key(|(name, _)| name.to_string());
        assert_eq!(
            shown,
            [
                (json!("ann.was@zylker.example"), json!(false)),
                (json!("ann@zylker.example"), json!(true)),
            ]
        );
        bridge.stop().await;
    }
}
