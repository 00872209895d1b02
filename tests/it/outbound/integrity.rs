//! Every change is accounted for, and one that is lost is found.

use super::bridge::{Bridge, patch, person};
use crate::world::{World, both, execute};
use reqwest::Method;
use rollcall::clock::Clock;
use rollcall::id::{AppId, InstanceId, new_uuid};
use rollcall::outbound::application::Workshop;
use rollcall::outbound::engine::{Engine, Parts};
use rollcall::outbound::integrity::{self, State};
use rollcall::vault::Vault;
use serde_json::{Map, Value, json};
use std::sync::Arc;
use std::time::Duration;

/// Where everybody stands; states of nobody are left out. The counts add up.
async fn look(bridge: &Bridge) -> (Value, Value) {
    let found = bridge.admin(Method::GET, "/apps/sandbox/integrity", Value::Null).await;
    assert_eq!((&found["complete"], &found["next"]), (&json!(true), &Value::Null), "{found}");
    let counts = found["counts"].as_object().unwrap();
    assert_eq!(counts.len(), 9);
    let sum: u64 = counts.values().map(|count| count.as_u64().unwrap()).sum();
    assert_eq!(found["total"], json!(sum), "{found}");
    let shown: Map<String, Value> = counts
        .iter()
        .filter(|(_, count)| **count != json!(0))
        .map(|(k, v)| (k.clone(), v.clone()))
        .collect();
    (shown.into(), found)
}

async fn quiet(bridge: &Bridge) {
    bridge.accounts("sandbox", "User").await;
}

async fn group(bridge: &Bridge, name: &str, members: &[&str]) -> String {
    let members: Vec<Value> = members.iter().map(|id| json!({ "value": id })).collect();
    let body = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"],
        "displayName": name, "members": members,
    });
    bridge.push(Method::POST, "/Groups", body).await["id"].as_str().unwrap().to_owned()
}

/// Deletes the job of somebody behind the store's back: a change that nobody will ever apply.
fn lose(world: &World, table: &str, resource: &str) {
    let hex = resource.replace('-', "");
    execute(
        &world.url,
        &format!("DELETE FROM {table} WHERE resource_id = x'{hex}'"),
        &format!("DELETE FROM {table} WHERE resource_id = '{resource}'"),
    );
}

/// Saves the mapping of the sandbox with another constant.
async fn remap(bridge: &Bridge, constant: &str) {
    let shown = bridge.admin(Method::GET, "/apps/sandbox/mapping", Value::Null).await;
    let mut mapping = shown["mapping"].clone();
    let rules = mapping["users"].as_array_mut().unwrap();
    let title = rules.iter_mut().find(|rule| rule["field"] == "jobTitle").unwrap();
    title["source"] = json!({ "kind": "constant", "value": constant });
    bridge.admin(Method::PUT, "/apps/sandbox/mapping", mapping).await;
}

async fn patch_app(bridge: &Bridge, change: Value) {
    bridge.admin(Method::PATCH, "/apps/sandbox", change).await;
}

both! {
    async fn everybody_stands_somewhere_and_the_counts_add_up(world: World) {
        let mut bridge = Bridge::start(&world.store, &Vault::ephemeral()).await;
        bridge.admin(Method::POST, "/apps", json!({
            "name": "sandbox", "adapter": "sandbox", "enabled": true,
            "scope": "userName ew \"@zylker.example\"",
            "policy": { "unassigned": "nothing", "outOfScope": { "action": "deactivate", "afterDays": 9 } },
        })).await;
        let (counts, found) = look(&bridge).await;
        assert_eq!((counts, &found["verdict"]), (json!({}), &json!("There is nobody to account for.")));

        let ann = bridge.person("ann").await;
        let bob = bridge.person("bob").await;
        let cy = bridge.person("cy").await;
        let leaver = bridge.person("leaver").await;
        let long = bridge.person(&"x".repeat(120)).await;
        group(&bridge, "Staff", &[&ann, &bob]).await;
        let mut dee = person("dee");
        dee["userName"] = json!("dee@elsewhere.example");
        bridge.push(Method::POST, "/Users", dee).await;
        quiet(&bridge).await;
        let (counts, found) = look(&bridge).await;
        assert_eq!(counts, json!({ "applied": 5, "parked": 1, "outOfScope": 1 }), "{found}");
        assert_eq!(found["causes"], json!({ "mapping": 1 }));
        let parked = &found["parked"][0];
        assert_eq!((&parked["resource"], &parked["kind"]), (&json!(long), &json!("User")));
        assert!(!parked["remedy"].as_str().unwrap().is_empty(), "{parked}");

        bridge.set(&bob, "userName", json!("bob@elsewhere.example")).await;
        bridge.set(&cy, "active", json!(false)).await;
        bridge.push(Method::DELETE, &format!("/Users/{leaver}"), Value::Null).await;
        quiet(&bridge).await;
        let (counts, found) = look(&bridge).await;
        // Bob's days of grace have begun, cy is off as he should be, the leaver is done with.
        let expected = json!({ "applied": 3, "waiting": 1, "parked": 1, "outOfScope": 1 });
        assert_eq!(counts, expected, "{found}");
        assert!(found["verdict"].as_str().unwrap().starts_with("Every change is accounted for: 3 applied"));

        // Nobody works any more: what is acknowledged is on its way, published or not.
        bridge.rest().await;
        bridge.set(&ann, "title", json!("Chief")).await;
        bridge.push(Method::DELETE, &format!("/Users/{cy}"), Value::Null).await;
        let (counts, found) = look(&bridge).await;
        assert_eq!(counts["pending"], json!(2), "{found}");
        lose(&world, "change", &ann);
        let (counts, found) = look(&bridge).await;
        assert_eq!((&counts["astray"], &counts["pending"]), (&json!(1), &json!(1)), "{found}");
        assert_eq!(found["astray"][0]["resource"], json!(ann));
        assert!(found["verdict"].as_str().unwrap().starts_with("1 object differs"), "{found}");
        lose(&world, "change", &cy);
        let (counts, _) = look(&bridge).await;
        let expected = json!({ "applied": 2, "astray": 1, "waiting": 1, "parked": 1, "outOfScope": 1 });
        assert_eq!(counts, expected, "the account of one who is gone is off, as it should be");
        bridge.stop().await;
    }

    async fn a_lost_change_is_found_and_ordinary_life_has_none(world: World) {
        let bridge = Bridge::start(&world.store, &Vault::ephemeral()).await;
        bridge.sandbox().await;
        let ann = bridge.person("ann").await;
        let bob = bridge.person("bob").await;
        let staff = group(&bridge, "Staff", &[&ann, &bob]).await;
        quiet(&bridge).await;
        assert_eq!(look(&bridge).await.0, json!({ "applied": 3 }));

        patch_app(&bridge, json!({ "paused": true })).await;
        bridge.set(&ann, "title", json!("Chief")).await;
        let cy = bridge.person("cy").await;
        bridge.push(Method::PATCH, &format!("/Groups/{staff}"), patch(
            "remove", &format!("members[value eq \"{bob}\"]"), &Value::Null)).await;
        bridge.push(Method::DELETE, &format!("/Users/{bob}"), Value::Null).await;
        bridge.until("sandbox", "work waits", |app| app["queue"]["ready"] == 4).await;
        assert_eq!(look(&bridge).await.0, json!({ "pending": 4 }));
        // Each of them is found alone, whatever kind of change it was.
        for (lost, id) in [&ann, &cy, &staff, &bob].into_iter().enumerate() {
            lose(&world, "job", id);
            let (counts, found) = look(&bridge).await;
            let mut expected = json!({ "astray": lost + 1 });
            if lost < 3 {
                expected["pending"] = json!(3 - lost);
            }
            assert_eq!(counts, expected, "{found}");
            let named: Vec<&Value> = found["astray"].as_array().unwrap().iter().map(|one| &one["resource"]).collect();
            assert!(named.contains(&&json!(id)), "{found}");
        }
        // What the remedy says helps.
        patch_app(&bridge, json!({ "paused": false })).await;
        bridge.admin(Method::POST, "/apps/sandbox/sync", json!({ "confirm": true })).await;
        quiet(&bridge).await;
        assert_eq!(look(&bridge).await.0, json!({ "applied": 3 }));
        bridge.stop().await;
    }

    async fn what_the_next_sync_sees_to_is_not_lost(world: World) {
        let bridge = Bridge::start(&world.store, &Vault::ephemeral()).await;
        bridge.sandbox().await;
        let ann = bridge.person("ann").await;
        let bob = bridge.person("bob").await;
        quiet(&bridge).await;
        remap(&bridge, "Engineer").await;
        assert_eq!(look(&bridge).await.0, json!({ "awaitingSync": 2 }));
        // Whoever changes is looked at by the new mapping.
        bridge.set(&ann, "nickName", json!("Annie")).await;
        quiet(&bridge).await;
        assert_eq!(look(&bridge).await.0, json!({ "applied": 1, "awaitingSync": 1 }));
        // A run that is taken back does not do what it was to do.
        patch_app(&bridge, json!({ "paused": true })).await;
        let run = bridge.admin(Method::POST, "/apps/sandbox/sync", json!({ "confirm": true })).await;
        assert_eq!(look(&bridge).await.0, json!({ "applied": 1, "pending": 1 }));
        bridge.admin(Method::POST, &format!("/runs/{}/cancel", run["id"].as_str().unwrap()), Value::Null).await;
        assert_eq!(look(&bridge).await.0, json!({ "applied": 1, "awaitingSync": 1 }));
        patch_app(&bridge, json!({ "paused": false })).await;
        bridge.admin(Method::POST, "/apps/sandbox/sync", json!({ "confirm": true })).await;
        quiet(&bridge).await;
        assert_eq!(look(&bridge).await.0, json!({ "applied": 2 }));
        // From here on there is no excuse.
        patch_app(&bridge, json!({ "paused": true })).await;
        bridge.set(&bob, "name.familyName", json!("Lost")).await;
        bridge.until("sandbox", "work waits", |app| app["queue"]["ready"] == 1).await;
        lose(&world, "job", &bob);
        assert_eq!(look(&bridge).await.0, json!({ "applied": 1, "astray": 1 }));
        // A later change of the policy excuses what it may have caused, and nobody who changed since.
        patch_app(&bridge, json!({ "policy": { "deactivated": "nothing" } })).await;
        assert_eq!(look(&bridge).await.0, json!({ "applied": 1, "awaitingSync": 1 }));
        bridge.set(&ann, "name.familyName", json!("Lost too")).await;
        bridge.until("sandbox", "work waits", |app| app["queue"]["ready"] == 1).await;
        lose(&world, "job", &ann);
        assert_eq!(look(&bridge).await.0, json!({ "astray": 1, "awaitingSync": 1 }));
        // Switched off, an app follows nobody.
        bridge.admin(Method::PUT, "/apps/sandbox/provisioning", json!({ "enabled": false })).await;
        let (counts, found) = look(&bridge).await;
        assert_eq!(counts, json!({ "awaitingSync": 2 }));
        assert!(found["verdict"].as_str().unwrap().ends_with("Provisioning is off."), "{found}");
        let (status, problem) = bridge.send(Method::GET, "/api/v1/apps/sandbox/integrity?after=users", None).await;
        assert_eq!((status, &problem["errors"][0]["field"]), (400, &json!("after")));
        bridge.stop().await;
    }

    /// Whoever looks while everything moves sees nothing astray.
    async fn nothing_that_is_on_its_way_is_taken_for_lost(world: World) {
        let bridge = Bridge::start(&world.store, &Vault::ephemeral()).await;
        bridge.sandbox().await;
        let free = json!({ "count": null, "percent": null });
        let guard = json!({ "deactivations": free, "deletions": free, "memberships": free });
        patch_app(&bridge, json!({ "policy": { "guard": guard } })).await;
        let mut ids = Vec::new();
        for number in 0..6 {
            ids.push(bridge.person(&format!("p{number}")).await);
        }
        let staff = group(&bridge, "Staff", &[&ids[0], &ids[1]]).await;
        let life = async {
            for round in 0..12 {
                for (at, id) in ids.iter().enumerate() {
                    match (round + at) % 3 {
                        0 => bridge.set(id, "title", json!(format!("Title {round}"))).await,
                        1 => bridge.set(id, "active", json!(round % 2 == 0)).await,
                        _ => {
                            let joins = patch("add", "members", &json!([{ "value": id }]));
                            bridge.push(Method::PATCH, &format!("/Groups/{staff}"), joins).await;
                        }
                    }
                }
                if round % 4 == 3 {
                    remap(&bridge, &format!("Job {round}")).await;
                    let scope = if round % 8 == 3 { json!("title ne \"Title 5\"") } else { Value::Null };
                    patch_app(&bridge, json!({ "scope": scope })).await;
                    let leaver = bridge.person("leaver").await;
                    bridge.push(Method::DELETE, &format!("/Users/{leaver}"), Value::Null).await;
                }
            }
        };
        let mut looks = 0;
        let watching = async {
            loop {
                let (counts, found) = look(&bridge).await;
                assert_eq!(counts.get("astray"), None, "{found}");
                looks += 1;
            }
        };
        tokio::select! { () = life => {}, () = watching => {} }
        assert!(looks > 5, "{looks}");
        quiet(&bridge).await;
        bridge.admin(Method::POST, "/apps/sandbox/sync", json!({ "confirm": true })).await;
        quiet(&bridge).await;
        let (counts, found) = look(&bridge).await;
        let settled = counts["applied"].as_u64().unwrap() + counts["outOfScope"].as_u64().unwrap_or(0);
        assert_eq!(settled, 7, "{found}");
        bridge.stop().await;
    }

    async fn who_is_not_patient_goes_on_where_the_answer_ended(world: World) {
        let vault = Vault::ephemeral();
        let bridge = Bridge::start(&world.store, &vault).await;
        bridge.sandbox().await;
        for number in 0..3 {
            bridge.person(&format!("p{number}")).await;
        }
        group(&bridge, "Staff", &[]).await;
        quiet(&bridge).await;
        let view = bridge.admin(Method::GET, "/apps/sandbox", Value::Null).await;
        let app: AppId = view["id"].as_str().unwrap().parse().unwrap();
        let clock = Clock::System;
        let engine = Engine::new(Parts {
            workshop: Workshop { store: world.store.clone(), vault, clock: clock.clone() },
            base_url: "http://127.0.0.1/scim/v2".into(),
            wake: Arc::default(),
            instance: InstanceId(new_uuid(clock.now_us())),
            concurrency: 1,
        });
        let (mut place, mut total, mut answers) = (None, 0, 0);
        loop {
            let found = integrity::examine(&engine, crate::world::ORG, app, place, Duration::ZERO)
                .await.unwrap().unwrap();
            assert_eq!(found.complete, found.next.is_none());
            total += found.counts[&State::Applied];
            answers += 1;
            let Some(next) = found.next else { break };
            assert!(found.verdict.starts_with("So far: "));
            place = Some(next.to_string().parse().unwrap());
        }
        // A page of each kind, and an empty one after it; those who are gone are none.
        assert_eq!((total, answers), (4, 5));
        bridge.stop().await;
    }
}
