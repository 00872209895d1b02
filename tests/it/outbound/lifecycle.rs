//! An app that is off, paused or in maintenance, and people who leave, come back and must not be
//! touched.

#![allow(clippy::unchecked_time_subtraction, reason = "plainer in a test")]

use super::bridge::{Bridge, PATIENCE, patch};
use super::downstream::Downstream;
use super::meddler::Meddling;
use crate::world::{NOW, audited, both};
use reqwest::Method;
use rollcall::clock::{Clock, rfc3339};
use rollcall::vault::Vault;
use serde_json::{Value, json};
use std::time::Duration;

const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);
const MANAGER: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager";

/// A clock that a test moves.
fn clock() -> Clock {
    Clock::held_at(NOW)
}

/// Waits until something holds of how somebody stands with the app.
async fn until(scene: &Downstream, id: &str, what: &str, holds: impl Fn(&Value) -> bool) -> Value {
    let waiting = async {
        loop {
            let link = scene.link(id).await;
            if holds(&link) {
                return link;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.unwrap_or_else(|_| panic!("never: {what}"))
}

/// Changes of every kind, of which nothing is to be sent yet.
async fn changes(scene: &Downstream, [ann, bob, staff]: [&str; 3]) {
    scene.bridge.set(ann, "title", json!("Boss")).await;
    scene.bridge.set(ann, "title", json!("Chief")).await;
    scene.delete(bob).await;
    let cy = scene.bridge.person("cy").await;
    let joins = patch("add", "members", &json!([{ "value": cy }]));
    scene.bridge.push(Method::PATCH, &format!("/Groups/{staff}"), joins).await;
    scene.bridge.published().await;
    // Long enough for an engine that would send something.
    tokio::time::sleep(Duration::from_millis(1_200)).await;
}

async fn converged(scene: &Downstream) {
    let view = scene.quiet().await;
    assert_eq!(view["queue"]["parked"], 0, "{view}");
    assert_eq!(scene.accounts().await, ["ann true", "bob false", "cy true"]);
    assert_eq!(scene.account("ann").await["title"], "Chief");
    assert_eq!(scene.members("Staff").await, ["ann", "cy"]);
}

both! {
    async fn switching_off_keeps_links_and_changes_nothing_and_switching_on_makes_up_for_it(world: World) {
        let scene = Downstream::new(&world, json!({})).await;
        let (ann, bob) = (scene.bridge.person("ann").await, scene.bridge.person("bob").await);
        let staff = scene.group("Staff", &[&ann, &bob]).await;
        scene.quiet().await;
        let links = scene.ask(Method::GET, "/links", Value::Null).await;
        let there = scene.accounts().await;
        scene.forget();
        scene.ask(Method::PUT, "/provisioning", json!({ "enabled": false })).await;
        changes(&scene, [&ann, &bob, &staff]).await;
        let (status, problem) = scene.try_to(Method::POST, &format!("/provision/{ann}"), Value::Null).await;
        assert_eq!(status, 409, "{problem}");
        assert!(problem["detail"].as_str().unwrap().contains("{\"enabled\": true}"), "{problem}");
        assert_eq!(scene.seen(), Vec::<String>::new(), "not one request");
        assert_eq!(scene.ask(Method::GET, "/links", Value::Null).await, links);
        assert_eq!(scene.accounts().await, there);
        scene.ask(Method::PUT, "/provisioning", json!({ "enabled": true })).await;
        converged(&scene).await;
        scene.stop().await;
    }

    async fn an_app_that_is_held_queues_and_drops_nothing(world: World) {
        for (hold, by) in [(json!({ "paused": true }), "admin"), (json!({ "maintenance": true }), "maintenance")] {
            let scene = Downstream::new(&world, json!({})).await;
            let (ann, bob) = (scene.bridge.person("ann").await, scene.bridge.person("bob").await);
            let staff = scene.group("Staff", &[&ann, &bob]).await;
            scene.quiet().await;
            let view = scene.ask(Method::PATCH, "", hold).await;
            assert_eq!((&view["pausedBy"], &view["pausedUntil"]), (&json!(by), &Value::Null), "{view}");
            scene.forget();
            changes(&scene, [&ann, &bob, &staff]).await;
            let view = scene.ask(Method::GET, "", Value::Null).await;
            assert_eq!(view["queue"]["ready"], 4, "{view}");
            let (status, problem) = scene.try_to(Method::POST, &format!("/provision/{ann}"), Value::Null).await;
            assert_eq!(status, 409, "{problem}");
            assert!(problem["detail"].as_str().unwrap().contains("PATCH /api/v1/apps/assist"), "{problem}");
            for path in [format!("/why/{ann}"), format!("/why/{bob}"), "/parked".to_owned()] {
                let shown = scene.ask(Method::GET, &path, Value::Null).await;
                assert_eq!((&shown["pausedBy"], &shown["paused"]), (&json!(by), &view["paused"]), "{path}: {shown}");
            }
            assert_eq!(scene.seen(), Vec::<String>::new(), "not one request");
            scene.ask(Method::PATCH, "", if by == "admin" { json!({ "paused": false }) } else { json!({ "maintenance": null }) }).await;
            converged(&scene).await;
            // The next round begins with an empty directory and an empty app.
            scene.ask(Method::DELETE, "", Value::Null).await;
            for kind in ["Users", "Groups"] {
                let all = scene.bridge.push(Method::GET, &format!("/{kind}"), Value::Null).await;
                for one in all["Resources"].as_array().unwrap() {
                    scene.bridge.push(Method::DELETE, &format!("/{kind}/{}", one["id"].as_str().unwrap()), Value::Null).await;
                }
            }
            scene.stop().await;
        }
    }

    async fn maintenance_ends_by_itself(world: World) {
        let clock = clock();
        let scene = Downstream::timed(&world, clock.clone(), json!({}), |_, _, _| Meddling::Pass).await;
        let ann = scene.bridge.person("ann").await;
        scene.quiet().await;
        let until = rfc3339(NOW + 3_600_000_000);
        for (body, field) in [
            (json!({ "maintenance": { "until": rfc3339(NOW) } }), "maintenance/until"),
            (json!({ "maintenance": "yes" }), "maintenance"),
            (json!({ "maintenance": true, "paused": true }), "maintenance"),
        ] {
            let (status, problem) = scene.try_to(Method::PATCH, "", body).await;
            assert_eq!((status, &problem["errors"][0]["field"]), (400, &json!(field)), "{problem}");
        }
        let view = scene.ask(Method::PATCH, "", json!({ "maintenance": { "until": until } })).await;
        assert_eq!((&view["pausedBy"], &view["pausedUntil"]), (&json!("maintenance"), &json!(until)));
        // Another credential and a test of the connection do not end what people decided.
        scene.ask(Method::PATCH, "", json!({ "secrets": { "token": scene.app.token } })).await;
        scene.ask(Method::POST, "/check", Value::Null).await;
        scene.forget();
        scene.bridge.set(&ann, "title", json!("Boss")).await;
        scene.bridge.published().await;
        clock.advance(HOUR - Duration::from_secs(1));
        tokio::time::sleep(Duration::from_millis(1_200)).await;
        assert_eq!(scene.seen(), Vec::<String>::new());
        clock.advance(Duration::from_secs(1));
        scene.bridge.until("assist", "it goes on", |app| app["paused"].is_null() && app["queue"]["ready"] == 0).await;
        scene.quiet().await;
        assert_eq!(scene.account("ann").await["title"], "Boss");
        let resumed = audited(&world.url, "app.resume");
        assert_eq!(resumed, [("rollcall".to_owned(), "assist".to_owned(), String::new())]);
        scene.stop().await;
    }

    async fn who_is_paused_by_hand_does_not_go_on_with_the_end_of_maintenance(world: World) {
        let clock = clock();
        let scene = Downstream::timed(&world, clock.clone(), json!({}), |_, _, _| Meddling::Pass).await;
        let until = rfc3339(NOW + 3_600_000_000);
        let by = async |change: Value| scene.ask(Method::PATCH, "", change).await["pausedBy"].clone();
        assert_eq!(by(json!({ "maintenance": { "until": until } })).await, "maintenance");
        assert_eq!(by(json!({ "paused": true })).await, "admin");
        assert_eq!(by(json!({ "maintenance": null })).await, "admin", "which is not what holds it");
        clock.advance(2 * HOUR);
        tokio::time::sleep(Duration::from_millis(1_200)).await;
        assert_eq!(by(json!({})).await, "admin");
        assert_eq!(by(json!({ "paused": false })).await, Value::Null);
        scene.stop().await;
    }

    async fn a_leaver_is_off_at_once_and_deleted_after_the_days_of_grace(world: World) {
        let clock = clock();
        let policy = json!({ "policy": { "deactivated": { "action": "delete", "afterDays": 30 } } });
        let scene = Downstream::timed(&world, clock.clone(), policy, |_, _, _| Meddling::Pass).await;
        let ann = scene.bridge.person("ann").await;
        scene.quiet().await;
        let said = &scene.link(&ann).await["events"][0];
        assert_eq!(said["event"], "deactivated");
        let day = rfc3339(NOW + 30 * 86_400_000_000);
        let sentence = format!("The account is switched off. Nothing more is done before {day}.");
        assert_eq!(said["sentence"], json!(sentence));
        scene.bridge.set(&ann, "active", json!(false)).await;
        let view = scene.quiet().await;
        assert_eq!((&view["queue"]["waiting"], scene.accounts().await), (&json!(1), vec!["ann false".to_owned()]));
        let link = scene.link(&ann).await;
        assert_eq!((&link["leaving"], &link["pending"]["nextTry"]), (&json!(rfc3339(NOW)), &json!(day)));
        // She comes back on the 29th day: switched on, and not made again.
        clock.advance(29 * DAY);
        scene.forget();
        scene.bridge.set(&ann, "active", json!(true)).await;
        scene.quiet().await;
        assert_eq!(scene.accounts().await, ["ann true"]);
        assert!(scene.writes().iter().all(|line| line.starts_with("PATCH ")), "{:?}", scene.writes());
        assert_eq!(scene.link(&ann).await["leaving"], Value::Null);
        // The next days count anew.
        clock.advance(2 * DAY);
        scene.bridge.set(&ann, "active", json!(false)).await;
        scene.quiet().await;
        clock.advance(29 * DAY);
        tokio::time::sleep(Duration::from_millis(1_200)).await;
        assert_eq!(scene.accounts().await, ["ann false"]);
        clock.advance(DAY);
        until(&scene, &ann, "it is deleted", |link| link["state"] == "none").await;
        assert_eq!(scene.accounts().await, Vec::<String>::new());
        let view = scene.quiet().await;
        assert_eq!(view["queue"]["waiting"], 0);
        scene.stop().await;
    }

    /// Whoever left before went on waiting for as long as the policy had said then.
    async fn a_shorter_grace_counts_for_those_who_wait(world: World) {
        let clock = clock();
        let policy = |days: u32| json!({ "policy": { "deactivated": { "action": "delete", "afterDays": days } } });
        let scene = Downstream::timed(&world, clock.clone(), policy(30), |_, _, _| Meddling::Pass).await;
        let ann = scene.bridge.person("ann").await;
        scene.quiet().await;
        scene.bridge.set(&ann, "active", json!(false)).await;
        assert_eq!(scene.quiet().await["queue"]["waiting"], 1);
        clock.advance(2 * DAY);
        scene.bridge.admin(Method::PATCH, "/apps/assist", policy(9)).await;
        let day = json!(rfc3339(NOW + 9 * 86_400_000_000));
        until(&scene, &ann, "it waits for nine days", |link| link["pending"]["nextTry"] == day).await;
        scene.bridge.admin(Method::PATCH, "/apps/assist", policy(1)).await;
        until(&scene, &ann, "it is deleted", |link| link["state"] == "none").await;
        assert_eq!(scene.accounts().await, Vec::<String>::new());
        scene.stop().await;
    }

    /// Whoever was taken on again had to wait until the days of grace of the one who left were over.
    async fn who_is_taken_on_again_within_the_days_of_grace_has_the_account_at_once(world: World) {
        let clock = clock();
        let policy = json!({ "policy": { "deleted": { "action": "delete", "afterDays": 30 } } });
        let scene = Downstream::timed(&world, clock.clone(), policy, |_, _, _| Meddling::Pass).await;
        let first = scene.bridge.person("ann").await;
        scene.group("Staff", &[&first]).await;
        scene.quiet().await;
        let account = scene.account("ann").await["id"].clone();
        scene.delete(&first).await;
        scene.quiet().await;
        assert_eq!((scene.accounts().await, scene.members("Staff").await), (vec!["ann false".to_owned()], vec![]));
        clock.advance(29 * DAY);
        let second = scene.bridge.person("ann").await;
        until(&scene, &second, "she has the account", |link| link["remoteId"] == account).await;
        scene.quiet().await;
        assert_eq!(scene.accounts().await, ["ann true"]);
        clock.advance(2 * DAY);
        scene.bridge.until("assist", "the wait of the first is over", |app| app["queue"]["waiting"] == 0).await;
        scene.quiet().await;
        assert_eq!((scene.accounts().await, &scene.account("ann").await["id"]), (vec!["ann true".to_owned()], &account));
        scene.stop().await;
    }

    async fn access_may_stay_for_some_days(world: World) {
        let clock = clock();
        let policy = json!({ "scope": { "assigned": true }, "policy": { "unassigned": { "action": "deactivate", "afterDays": 7 } } });
        let scene = Downstream::timed(&world, clock.clone(), policy, |_, _, _| Meddling::Pass).await;
        let ann = scene.bridge.person("ann").await;
        scene.ask(Method::POST, "/assignments", json!({ "resource": ann })).await;
        scene.quiet().await;
        scene.ask(Method::DELETE, &format!("/assignments/{ann}"), Value::Null).await;
        let view = scene.quiet().await;
        assert_eq!((&view["queue"]["waiting"], scene.accounts().await), (&json!(1), vec!["ann true".to_owned()]));
        clock.advance(7 * DAY);
        until(&scene, &ann, "it is switched off", |link| link["state"] == "deactivated").await;
        assert_eq!(scene.accounts().await, ["ann false"]);
        scene.stop().await;
    }

    async fn a_protected_account_is_never_touched(world: World) {
        let scene = Downstream::new(&world, json!({ "policy": { "deleted": "delete" } })).await;
        let ids = [scene.bridge.person("root").await, scene.bridge.person("ann").await];
        scene.quiet().await;
        let account = scene.account("ann").await["id"].clone();
        // One by its name, one by its id in the app.
        let protected = json!({ "policy": { "deleted": "delete", "protected": ["ROOT@zylker.example", account] } });
        scene.ask(Method::PATCH, "", protected).await;
        let fresh = scene.there("svc", json!({})).await;
        let policy = json!({ "policy": { "deleted": "delete", "protected": ["root@zylker.example", account, fresh] } });
        scene.ask(Method::PATCH, "", policy).await;
        scene.forget();
        for id in &ids {
            scene.bridge.set(id, "title", json!("Boss")).await;
            scene.bridge.set(id, "active", json!(false)).await;
            scene.quiet().await;
            let link = scene.link(id).await;
            assert_eq!(link["state"], "protected", "{link}");
            assert!(link["events"].as_array().unwrap().iter().all(|one| one["requests"] == json!([])), "{link}");
        }
        let svc = scene.bridge.person("svc").await;
        scene.quiet().await;
        assert_eq!(scene.link(&svc).await["remoteId"], Value::Null, "nor is it taken over");
        for id in &ids {
            scene.delete(id).await;
        }
        scene.quiet().await;
        assert_eq!(scene.writes(), Vec::<String>::new());
        assert_eq!(scene.accounts().await, ["ann true", "root true", "svc true"]);
        scene.stop().await;
    }

    async fn a_protected_account_of_the_sandbox_is_never_touched(world: World) {
        let bridge = Bridge::start(&world.store, &Vault::ephemeral()).await;
        bridge.sandbox().await;
        let root = bridge.person("root").await;
        let before = bridge.accounts("sandbox", "User").await;
        let policy = json!({ "policy": { "protected": ["root@zylker.example"] } });
        bridge.admin(Method::PATCH, "/apps/sandbox", policy).await;
        bridge.set(&root, "title", json!("Boss")).await;
        bridge.set(&root, "active", json!(false)).await;
        assert_eq!(bridge.accounts("sandbox", "User").await, before);
        bridge.push(Method::DELETE, &format!("/Users/{root}"), Value::Null).await;
        assert_eq!(bridge.accounts("sandbox", "User").await, before);
        bridge.stop().await;
    }

    /// The app answers a creation with 409, because it has the person's old account, switched off and
    /// under another name: it was parked, as if nobody could know whose it is.
    async fn a_switched_off_account_is_switched_on_and_not_made_a_second_time(world: World) {
        let scene = Downstream::meddled(&world, json!({}), |method, path, _| {
            if method == "POST" && path.ends_with("/Users") {
                let taken = r#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:Error"],"status":"409","detail":"externalId is in use"}"#;
                return Meddling::Answer(409, taken);
            }
            Meddling::Pass
        }).await;
        scene.ask(Method::PATCH, "", json!({ "paused": true })).await;
        let ann = scene.bridge.person("ann").await;
        let account = scene.there("ann.old", json!({ "externalId": ann, "active": false })).await;
        scene.ask(Method::PATCH, "", json!({ "paused": false })).await;
        let view = scene.quiet().await;
        assert_eq!(view["queue"]["parked"], 0, "{:?}", scene.seen());
        assert_eq!(scene.accounts().await, ["ann true"]);
        let link = scene.link(&ann).await;
        assert_eq!((&link["remoteId"], &link["origin"]), (&json!(account), &json!("adopted")));
        assert_eq!(scene.writes().iter().filter(|line| line.starts_with("POST ")).count(), 1);
        // From then on she leaves and comes back with that one.
        scene.forget();
        for active in [false, true] {
            scene.bridge.set(&ann, "active", json!(active)).await;
            scene.quiet().await;
            assert_eq!(scene.accounts().await, [format!("ann {active}")]);
        }
        assert!(scene.writes().iter().all(|line| line.starts_with("PATCH ")), "{:?}", scene.writes());
        scene.stop().await;
    }

    /// An account that the app had lost, and a person was asked about, was put into groups all the same,
    /// and others were told that it is their manager's.
    async fn what_was_lost_is_no_member_and_nobodys_manager(world: World) {
        let scene = Downstream::new(&world, json!({ "policy": { "lost": "park" } })).await;
        let (boss, ann) = (scene.bridge.person("boss").await, scene.bridge.person("ann").await);
        scene.bridge.set(&ann, MANAGER, json!({ "value": boss })).await;
        let staff = scene.group("Staff", &[&ann]).await;
        scene.quiet().await;
        let gone = scene.account("boss").await["id"].as_str().unwrap().to_owned();
        scene.app.push(Method::DELETE, &format!("/Users/{gone}"), Value::Null).await;
        scene.bridge.set(&boss, "title", json!("Chief")).await;
        let view = scene.quiet().await;
        assert_eq!(view["queue"]["parked"], 1);
        assert_eq!(scene.link(&boss).await["state"], "lost");
        scene.forget();
        let joins = patch("add", "members", &json!([{ "value": boss }]));
        scene.bridge.push(Method::PATCH, &format!("/Groups/{staff}"), joins).await;
        scene.bridge.set(&ann, "title", json!("Chief")).await;
        let view = scene.quiet().await;
        assert_eq!(view["queue"]["parked"], 1, "the group and Ann are not at fault: {:?}", scene.seen());
        let told = scene.writes().concat();
        assert!(!told.contains(&gone), "{told}");
        let done = scene.confirm(&boss, "relink").await;
        assert_eq!(done["provisioned"]["outcome"], "done", "{done}");
        scene.quiet().await;
        let account = scene.account("boss").await["id"].clone();
        let (urn, _) = MANAGER.rsplit_once(':').unwrap();
        assert_eq!(scene.account("ann").await[urn]["manager"]["value"], account);
        assert_eq!(scene.members("Staff").await, ["ann", "boss"]);
        scene.stop().await;
    }
}
