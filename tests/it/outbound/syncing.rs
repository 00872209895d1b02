//! Mapping, preview and Quick Sync.

use super::bridge::{Bridge, person};
use super::meddler::Meddling;
use super::trouble::Scene;
use crate::world::both;
use reqwest::Method;
use rollcall::vault::Vault;
use serde_json::{Value, json};

both! {
    async fn a_saved_mapping_is_what_the_app_gets_after_a_quick_sync(world: World) {
        let bridge = Bridge::start(&world.store, &Vault::ephemeral()).await;
        bridge.sandbox().await;
        let id = bridge.person("william").await;
        let login = "william@zylker.example";
        assert!(bridge.account("sandbox", login).await.is_some());

        let shown = bridge.admin(Method::GET, "/apps/sandbox/mapping", Value::Null).await;
        assert_eq!(shown["version"], 1);
        let mut mapping = shown["mapping"].clone();
        let rules = mapping["users"].as_array_mut().unwrap();
        let title = rules.iter_mut().find(|rule| rule["field"] == "jobTitle").unwrap();
        title["source"] = json!({ "kind": "constant", "value": "Engineer" });

        // The preview of the draft says what will happen, and sends nothing.
        let draft = json!({ "sample": id, "mapping": mapping });
        let preview = bridge.admin(Method::POST, "/apps/sandbox/mapping/preview", draft).await;
        let row = preview["fields"]
            .as_array().unwrap().iter().find(|row| row["field"] == "jobTitle").unwrap();
        assert_eq!((&row["old"], &row["new"]), (&json!("Technician"), &json!("Engineer")));
        assert_eq!(preview["verdict"], "The account is updated.");
        assert_eq!(preview["requests"].as_array().unwrap().len(), 1, "{preview}");
        assert_eq!(bridge.account("sandbox", login).await.unwrap()["record"]["jobTitle"], "Technician");

        let saved = bridge.admin(Method::PUT, "/apps/sandbox/mapping", mapping).await;
        assert_eq!(saved["version"], 2);
        let planned = bridge.admin(Method::POST, "/apps/sandbox/sync", json!({})).await;
        assert_eq!(planned["state"], "planned");
        assert_eq!(planned["plan"]["counts"]["User"], json!({ "update": 1 }));
        let run = planned["id"].as_str().unwrap();
        bridge.admin(Method::POST, &format!("/runs/{run}/confirm"), Value::Null).await;
        assert_eq!(bridge.account("sandbox", login).await.unwrap()["record"]["jobTitle"], "Engineer");
        let done = bridge.admin(Method::GET, &format!("/runs/{run}"), Value::Null).await;
        assert_eq!((&done["state"], &done["total"], &done["done"]), (&json!("done"), &json!(1), &json!(1)));

        // Reset fields is a new version equal to the default.
        let reset = bridge.admin(Method::POST, "/apps/sandbox/mapping/reset", Value::Null).await;
        assert_eq!(reset["version"], 3);
        assert_eq!(reset["mapping"], shown["mapping"]);
        let versions = bridge.admin(Method::GET, "/apps/sandbox/mapping/versions", Value::Null).await;
        assert_eq!(versions["items"].as_array().unwrap().len(), 3);
        bridge.stop().await;
    }

    async fn a_quick_sync_with_nothing_to_do_sends_nothing_and_says_so(world: World) {
        let bridge = Bridge::start(&world.store, &Vault::ephemeral()).await;
        bridge.sandbox().await;
        for name in ["ann", "bob", "cy"] {
            bridge.person(name).await;
        }
        assert_eq!(bridge.accounts("sandbox", "User").await.len(), 3);
        let before = bridge.admin(Method::GET, "/attempts", Value::Null).await;
        let run = bridge.admin(Method::POST, "/apps/sandbox/sync", json!({ "confirm": true })).await;
        assert_eq!(run["plan"]["verdict"], "Nothing to do: all 3 objects are in sync.");
        bridge.accounts("sandbox", "User").await;
        let run = bridge.admin(Method::GET, &format!("/runs/{}", run["id"].as_str().unwrap()), Value::Null).await;
        assert_eq!((&run["state"], &run["seen"], &run["total"]), (&json!("done"), &json!(3), &json!(0)));
        let after = bridge.admin(Method::GET, "/attempts", Value::Null).await;
        assert_eq!(before, after);
        bridge.stop().await;
    }

    /// Whoever got a manager without an account while the app was switched off was told nothing when
    /// the manager got one: the plan found nothing to do about them, and forgot to whom they refer.
    async fn a_plan_with_nothing_to_do_knows_who_waits_for_whom(world: World) {
        let scene = Scene::new(&world, json!({}), |_, _, _| Meddling::Pass).await;
        let clerk = scene.bridge.person("clerk").await;
        let mut boss = person("boss");
        boss["active"] = json!(false);
        let boss = scene.bridge.push(Method::POST, "/Users", boss).await;
        let boss = boss["id"].as_str().unwrap();
        scene.quiet().await;
        let switch = async |enabled: bool| {
            let change = json!({ "enabled": enabled });
            scene.bridge.admin(Method::PUT, "/apps/assist/provisioning", change).await;
        };
        switch(false).await;
        let manager = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager";
        scene.bridge.set(&clerk, manager, json!({ "value": boss })).await;
        scene.bridge.published().await;
        switch(true).await;
        scene.bridge.until("assist", "the run ends", |app| app["run"]["state"] == "done").await;
        scene.quiet().await;
        scene.bridge.set(boss, "active", json!(true)).await;
        scene.quiet().await;
        assert_eq!(scene.accounts().await, ["boss true", "clerk true"]);
        let found = scene.app.push(Method::GET, "/Users?sortBy=userName", Value::Null).await;
        let (boss, clerk) = (&found["Resources"][0], &found["Resources"][1]);
        assert_eq!(clerk[manager.trim_end_matches(":manager")]["manager"]["value"], boss["id"]);
        scene.stop().await;
    }

    async fn a_mapping_with_faults_is_refused_with_each_of_them(world: World) {
        let bridge = Bridge::start(&world.store, &Vault::ephemeral()).await;
        bridge.sandbox().await;
        let wrong = json!({ "users": [
            { "field": "loginNam", "source": { "kind": "profile", "path": "userName" } },
            { "field": "jobTitle", "source": { "kind": "profile", "path": "titel" } },
        ]});
        let path = "/api/v1/apps/sandbox/mapping";
        let (status, problem) = bridge.send(Method::PUT, path, Some(wrong)).await;
        assert_eq!(status, 422, "{problem}");
        let text = problem["errors"].to_string();
        assert!(text.contains("loginName") && text.contains("title"), "{text}");
        let shown = bridge.admin(Method::GET, "/apps/sandbox/mapping", Value::Null).await;
        assert_eq!(shown["version"], 1, "nothing was saved");
        bridge.stop().await;
    }

    async fn the_sample_user_is_the_organizations_admin(world: World) {
        let bridge = Bridge::start(&world.store, &Vault::ephemeral()).await;
        bridge.sandbox().await;
        let path = "/api/v1/apps/sandbox/mapping/preview";
        let (status, problem) = bridge.send(Method::POST, path, Some(json!({}))).await;
        assert_eq!(status, 409, "{problem}");
        let ann = bridge.person("ann").await;
        let bob = bridge.person("bob").await;
        let sample = || async {
            bridge.admin(Method::POST, "/apps/sandbox/mapping/preview", json!({})).await["sample"]["id"].clone()
        };
        assert_eq!(sample().await, json!(ann), "whoever was there first");
        bridge.admin(Method::PATCH, "/organization", json!({ "admin": bob })).await;
        assert_eq!(sample().await, json!(bob), "the organization's admin");
        bridge.admin(Method::PATCH, "/apps/sandbox", json!({ "sampleUser": ann })).await;
        assert_eq!(sample().await, json!(ann), "the app's own choice");
        bridge.stop().await;
    }
}
