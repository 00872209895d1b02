//! What somebody changed in the app itself, and accounts of it that belong to nobody.

#![allow(clippy::used_underscore_binding, reason = "plainer in a test")]

use super::bridge::Bridge;
use crate::world::{World, both, execute};
use reqwest::Method;
use rollcall::vault::Vault;
use serde_json::{Value, json};

/// A real SCIM server as the app, and who works there.
struct Town {
    app: Bridge,
    bridge: Bridge,
    _other: World,
}

impl Town {
    async fn new(world: &World, policy: Value) -> Self {
        Self::with(world, &Vault::ephemeral(), policy).await
    }

    async fn with(world: &World, vault: &Vault, policy: Value) -> Self {
        let other = World::new(world.database).await;
        let app = Bridge::start(&other.store, vault).await;
        let bridge = Bridge::start(&world.store, vault).await;
        bridge
            .admin(
                Method::POST,
                "/apps",
                json!({
                    "name": "assist", "adapter": "scim", "enabled": true, "policy": policy,
                    "settings": { "url": format!("{}/scim/v2", app.base) },
                    "secrets": { "token": app.token },
                }),
            )
            .await;
        for name in ["ann", "bob", "cy"] {
            bridge.person(name).await;
        }
        bridge.accounts("assist", "User").await;
        Self { app, bridge, _other: other }
    }

    /// The app's own id of somebody.
    async fn remote(&self, name: &str) -> String {
        let path = format!("/Users?filter=userName%20eq%20%22{name}@zylker.example%22");
        let found = self.app.push(Method::GET, &path, Value::Null).await;
        found["Resources"][0]["id"].as_str().unwrap_or_default().to_owned()
    }

    async fn title(&self, name: &str) -> Value {
        let id = self.remote(name).await;
        self.app.push(Method::GET, &format!("/Users/{id}"), Value::Null).await["title"].clone()
    }

    /// Quick Sync, confirmed; answers the run.
    async fn sync(&self) -> Value {
        self.bridge.admin(Method::POST, "/apps/assist/sync", json!({ "confirm": true })).await;
        self.bridge.accounts("assist", "User").await;
        let view = self.bridge.admin(Method::GET, "/apps/assist", Value::Null).await;
        assert_eq!(view["run"]["state"], "done", "{view}");
        view["run"].clone()
    }

    async fn drift(&self) -> Vec<(String, String)> {
        let page = self.bridge.admin(Method::GET, "/apps/assist/drift", Value::Null).await;
        let items = page["items"].as_array().unwrap();
        let fields = items.iter().flat_map(|one| one["fields"].as_array().unwrap());
        let text = |one: &Value, name: &str| one[name].as_str().unwrap().to_owned();
        fields.map(|one| (text(one, "field"), text(one, "answer"))).collect()
    }

    async fn stop(self) {
        self.bridge.stop().await;
        self.app.stop().await;
    }
}

both! {
    async fn what_was_changed_in_the_app_is_put_right(world: World) {
        let town = Town::new(&world, json!({})).await;
        let ann = town.remote("ann").await;
        town.app.set(&ann, "title", json!("Pirate")).await;
        town.app.set(&town.remote("bob").await, "active", json!(false)).await;
        let plan = town.bridge.admin(Method::POST, "/apps/assist/sync", json!({})).await;
        assert_eq!(plan["plan"]["counts"]["User"], json!({ "unchanged": 1, "update": 1, "reactivate": 1 }), "{plan}");
        assert_eq!(plan["plan"]["listing"]["drifting"], 2, "{plan}");
        assert_eq!(town.title("ann").await, "Pirate", "a plan changes nothing");
        let run = town.sync().await;
        assert_eq!((&run["total"], &run["done"]), (&json!(2), &json!(2)), "{run}");
        assert_eq!(town.title("ann").await, "Technician");
        let bob = town.remote("bob").await;
        let bob = town.app.push(Method::GET, &format!("/Users/{bob}"), Value::Null).await;
        assert_eq!(bob["active"], true);
        let run = town.sync().await;
        assert_eq!(run["total"], 0, "{run}");
        assert_eq!(town.drift().await, []);
        town.stop().await;
    }

    async fn what_is_tolerated_stays_until_the_directory_changes(world: World) {
        let town = Town::new(&world, json!({ "drift": { "fields": { "title": "tolerate" } } })).await;
        let ann = town.remote("ann").await;
        town.app.set(&ann, "title", json!("Pirate")).await;
        let run = town.sync().await;
        assert_eq!(run["total"], 0, "{run}");
        assert_eq!(town.title("ann").await, "Pirate");
        assert_eq!(town.drift().await, [("title".to_owned(), "tolerated".to_owned())]);
        let path = "/Users?filter=userName%20eq%20%22ann@zylker.example%22";
        let here = town.bridge.push(Method::GET, path, Value::Null).await;
        let here = here["Resources"][0]["id"].as_str().unwrap().to_owned();
        town.bridge.set(&here, "title", json!("Captain")).await;
        town.bridge.accounts("assist", "User").await;
        assert_eq!(town.title("ann").await, "Captain");
        town.sync().await;
        assert_eq!(town.drift().await, []);
        town.stop().await;
    }

    async fn what_is_asked_about_is_decided_by_somebody(world: World) {
        let town = Town::new(&world, json!({ "drift": { "otherwise": "ask" } })).await;
        for name in ["ann", "bob"] {
            town.app.set(&town.remote(name).await, "title", json!("Pirate")).await;
        }
        let run = town.sync().await;
        assert_eq!(run["total"], 0, "{run}");
        let asked = town.bridge.admin(Method::GET, "/apps/assist/drift", Value::Null).await;
        let asked = asked["items"].as_array().unwrap().clone();
        assert_eq!(asked.len(), 2);
        assert_eq!(asked[0]["fields"][0]["app"], "Pirate", "{asked:?}");
        assert_eq!(asked[0]["fields"][0]["accepted"], "Technician");
        let decide = |at: usize, decision: &str| {
            let path = format!("/apps/assist/drift/{}", asked[at]["resource"].as_str().unwrap());
            let body = json!({ "field": "title", "decision": decision });
            let bridge = &town.bridge;
            async move { bridge.admin(Method::POST, &path, body).await }
        };
        decide(0, "enforce").await;
        decide(1, "keep").await;
        town.sync().await;
        let mut titles = [town.title("ann").await, town.title("bob").await];
        titles.sort_by_key(ToString::to_string);
        assert_eq!(titles, [json!("Pirate"), json!("Technician")]);
        assert_eq!(town.drift().await, [("title".to_owned(), "kept".to_owned())]);
        let unknown = format!("/api/v1/apps/assist/drift/{}", asked[0]["resource"].as_str().unwrap());
        let body = json!({ "field": "title", "decision": "keep" });
        let (status, problem) = town.bridge.send(Method::POST, &unknown, Some(body)).await;
        assert_eq!(status, 404, "{problem}");
        town.stop().await;
    }

    async fn accounts_deleted_in_the_app_are_made_anew_and_those_of_nobody_are_shown(world: World) {
        let town = Town::new(&world, json!({})).await;
        let gone = town.remote("cy").await;
        town.app.push(Method::DELETE, &format!("/Users/{gone}"), Value::Null).await;
        town.app.person("stranger").await;
        let run = town.sync().await;
        assert_eq!(run["plan"]["listing"]["lost"], 1, "{run}");
        assert_eq!(run["plan"]["listing"]["strays"], 1, "{run}");
        assert_eq!((&run["total"], &run["done"]), (&json!(1), &json!(1)), "{run}");
        let anew = town.remote("cy").await;
        assert!(!anew.is_empty() && anew != gone);
        let strays = town.bridge.admin(Method::GET, "/apps/assist/strays", Value::Null).await;
        assert_eq!(strays["items"][0]["label"], "stranger@zylker.example", "{strays}");
        // Somebody of that name joins: the account is theirs.
        town.bridge.admin(Method::PATCH, "/apps/assist", json!({ "paused": true })).await;
        town.bridge.person("stranger").await;
        let plan = town.bridge.admin(Method::POST, "/apps/assist/sync", json!({})).await;
        assert_eq!(plan["plan"]["counts"]["User"]["adopt"], 1, "{plan}");
        town.bridge.admin(Method::PATCH, "/apps/assist", json!({ "paused": false })).await;
        town.sync().await;
        let strays = town.bridge.admin(Method::GET, "/apps/assist/strays", Value::Null).await;
        assert_eq!(strays["items"], json!([]));
        town.stop().await;
    }

    /// Every so many hours, without anybody asking.
    async fn an_app_is_reconciled_by_the_clock(world: World) {
        let vault = Vault::ephemeral();
        let town = Town::with(&world, &vault, json!({ "reconcileHours": 1 })).await;
        town.app.set(&town.remote("ann").await, "title", json!("Pirate")).await;
        // Two hours pass: the last look is older than it is.
        let Town { app, bridge, _other } = town;
        bridge.stop().await;
        let older =
            "UPDATE run SET started_us = started_us - 7200000000; \
             UPDATE app SET created_us = created_us - 7200000000, reconciled_us = reconciled_us - 7200000000";
        execute(&world.url, older, older);
        let bridge = Bridge::start(&world.store, &vault).await;
        let town = Town { app, bridge, _other };
        let view = town.bridge.until("assist", "it is reconciled", |app| {
            app["run"]["kind"] == "reconcile" && app["run"]["state"] == "done"
        }).await;
        assert_eq!(view["run"]["author"], "schedule", "{view}");
        assert_eq!(town.title("ann").await, "Technician");
        town.stop().await;
    }
}
