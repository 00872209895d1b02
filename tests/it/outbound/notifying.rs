//! Others are told by webhook: once, signed, later when they are away, and never of values.

use super::bridge::{Bridge, PATIENCE, person};
use super::downstream::Downstream;
use super::meddler::Meddling;
use super::receiver::Receiver;
use crate::world::{NOW, ORG, World, both, new_id};
use reqwest::Method;
use rollcall::clock::Clock;
use rollcall::id::{AppId, NotificationId};
use rollcall::notification::digest::Notice;
use rollcall::notification::event::App;
use rollcall::store::deliveries::DeliveryRow;
use rollcall::store::notifications::NotificationRow;
use rollcall::vault::Vault;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

pub const MINUTE: i64 = 60_000_000;

/// Has somebody told of these events; answers the secret.
pub async fn tell(bridge: &Bridge, receiver: &Receiver, events: &Value) -> String {
    let body = json!({ "name": "on-call", "url": receiver.url, "events": events });
    let made = bridge.admin(Method::POST, "/notifications", body).await;
    made["secret"].as_str().unwrap().to_owned()
}

pub async fn deliveries(bridge: &Bridge) -> Vec<Value> {
    let path = "/notifications/on-call/deliveries";
    bridge.admin(Method::GET, path, Value::Null).await["items"].as_array().unwrap().clone()
}

/// Waits until what is to be delivered is so.
pub async fn until(bridge: &Bridge, what: &str, holds: impl Fn(&[Value]) -> bool) -> Vec<Value> {
    let waiting = async {
        loop {
            let found = deliveries(bridge).await;
            if holds(&found) {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.unwrap_or_else(|_| panic!("never: {what}"))
}

/// `event state attempts` of each, oldest first.
pub fn told(found: &[Value]) -> Vec<String> {
    let line = |one: &Value| {
        let text = |name: &str| one[name].as_str().unwrap().to_owned();
        format!("{} {} {}", text("event"), text("state"), one["attempts"])
    };
    found.iter().rev().map(line).collect()
}

pub async fn pause(bridge: &Bridge, app: &str, paused: bool) {
    let change = json!({ "paused": paused });
    bridge.admin(Method::PATCH, &format!("/apps/{app}"), change).await;
}

pub fn row(id: NotificationId) -> NotificationRow {
    NotificationRow {
        id,
        name: "on-call".to_owned(),
        url: "http://127.0.0.1:9/".to_owned(),
        events: None,
        apps: None,
        enabled: true,
        disabled: None,
        created_us: NOW,
        modified_us: NOW,
    }
}

pub async fn stored(world: &World) -> NotificationId {
    let id = NotificationId(new_id().0);
    world.store.write(ORG, move |t| t.insert_notification(&row(id))).await.unwrap();
    id
}

pub async fn listed(world: &World, id: NotificationId) -> Vec<DeliveryRow> {
    world.store.read(ORG, move |r| r.deliveries(id, None, 100)).await.unwrap()
}

both! {
    async fn a_refused_credential_is_told_and_so_is_its_end(world: World) {
        let refuses = Arc::new(AtomicBool::new(true));
        let says = Arc::clone(&refuses);
        let scene = Downstream::meddled(&world, json!({}), move |method, _, _| {
            match (method, says.load(Ordering::SeqCst)) {
                ("POST", true) => Meddling::Answer(401, r#"{"detail":"who is ann@zylker.example?"}"#),
                _ => Meddling::Pass,
            }
        }).await;
        scene.quiet().await;
        let receiver = Receiver::start();
        let secret = tell(&scene.bridge, &receiver, &json!(["app.paused", "app.resumed"])).await;
        scene.bridge.person("ann").await;
        let paused = receiver.until(1).await[0].clone();
        let said = paused.read(&secret);
        assert_eq!(said["type"], "app.paused");
        assert_eq!(said["data"]["app"]["name"], "assist");
        assert_eq!(said["data"]["pausedBy"], "credential");
        assert_eq!(said["data"]["reason"], "The app refuses the credential.");
        assert!(said["data"]["remedy"].as_str().unwrap().contains("/check"), "{said}");
        // What the app answered is nobody's to pass on, and neither is who it was about.
        for hidden in ["ann", "zylker", &scene.app.token] {
            assert!(!paused.text.contains(hidden), "{}", paused.text);
        }
        refuses.store(false, Ordering::SeqCst);
        scene.ask(Method::POST, "/check", Value::Null).await;
        let said = receiver.until(2).await[1].read(&secret);
        assert_eq!(said["type"], "app.resumed");
        assert_eq!(said["data"]["wasPausedBy"], "credential");
        scene.quiet().await;
        assert_eq!(scene.accounts().await, ["ann true"]);
        let found = until(&scene.bridge, "both arrive", |found| {
            found.len() == 2 && found.iter().all(|one| one["state"] == "delivered")
        }).await;
        assert_eq!(told(&found), ["app.paused delivered 1", "app.resumed delivered 1"]);
        assert!(found.iter().all(|one| one["status"] == 204 && one["cause"].is_null()), "{found:?}");
        receiver.stop().await;
        scene.stop().await;
    }

    async fn a_thousand_parked_objects_are_one_message(world: World) {
        let clock = Clock::held_at(NOW);
        let bridge = Bridge::start_at(&world.store, &Vault::ephemeral(), clock.clone()).await;
        bridge.sandbox().await;
        let receiver = Receiver::start();
        let secret = tell(&bridge, &receiver, &json!(["object.parked"])).await;
        // The sandbox takes login names of at most 100 characters.
        let someone = |number: usize| {
            let someone = person(&format!("wilhelmina{number}{}", "x".repeat(120)));
            json!({ "method": "POST", "path": "/Users", "bulkId": format!("b{number}"), "data": someone })
        };
        let operations: Vec<Value> = (0..1_000).map(someone).collect();
        bridge.push(Method::POST, "/Bulk", json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"], "Operations": operations,
        })).await;
        bridge.until("sandbox", "all are parked", |app| app["queue"]["parked"] == 1_000).await;
        assert!(receiver.messages().is_empty(), "nothing is told before the minute is over");
        clock.advance(Duration::from_secs(61));
        let message = receiver.until(1).await[0].clone();
        let said = message.read(&secret);
        assert_eq!(said["type"], "object.parked");
        assert_eq!(said["data"]["count"], 1_000);
        let causes = said["data"]["causes"].as_array().unwrap();
        assert_eq!(causes.len(), 1, "{said}");
        assert_eq!(causes[0]["count"], 1_000);
        assert!(causes[0]["sentence"].as_str().unwrap().ends_with('.'), "{said}");
        assert_eq!(said["data"]["objects"].as_array().unwrap().len(), 10);
        assert!(message.text.len() < 20_000 && !message.text.contains("wilhelmina"), "{}", message.text);
        let found = until(&bridge, "it arrives", |found| found[0]["state"] == "delivered").await;
        assert_eq!(told(&found), ["object.parked delivered 1"]);
        receiver.stop().await;
        bridge.stop().await;
    }

    /// Whoever commits late does not make two messages of one minute.
    async fn a_message_of_parked_objects_is_followed_by_none_for_a_minute(world: World) {
        let (app, id) = (world.app("sandbox").await, stored(&world).await);
        let park = |at_us| {
            let notice = Notice { resource: new_id(), kind: "User".into(), cause: "refused".into() };
            world.store.write(ORG, move |t| t.tell_parked(app, &notice, at_us))
        };
        let due = |at_us| world.store.read(ORG, move |r| r.due_notices(id, at_us));
        let take = |at_us| world.store.write(ORG, move |t| t.take_notices(id, app, at_us));
        park(NOW).await.unwrap();
        park(NOW + 30_000_000).await.unwrap();
        assert_eq!(due(NOW + MINUTE - 1).await.unwrap(), None);
        assert_eq!(due(NOW + MINUTE).await.unwrap(), Some(app));
        assert_eq!(take(NOW + MINUTE).await.unwrap().len(), 2);
        let event = App { id: app, name: "sandbox" };
        let event = rollcall::notification::digest::digest(event, &[], |_| "");
        world.store.write(ORG, move |t| t.insert_delivery(id, &event, NOW + MINUTE)).await.unwrap();
        park(NOW + 10_000_000).await.unwrap();
        assert_eq!(due(NOW + 80_000_000).await.unwrap(), Some(app));
        assert_eq!(take(NOW + 80_000_000).await.unwrap(), []);
        assert_eq!(due(NOW + 2 * MINUTE - 1).await.unwrap(), None);
        assert_eq!(due(NOW + 2 * MINUTE).await.unwrap(), Some(app));
        assert_eq!(take(NOW + 2 * MINUTE).await.unwrap().len(), 1);
    }

    async fn only_what_is_asked_for_is_told(world: World) {
        let apps = [world.app("one").await, world.app("other").await];
        let wants = |name: &str, events: Option<&str>, of: Option<AppId>, enabled: bool| {
            let new = NotificationRow {
                name: name.to_owned(),
                events: events.map(|event| vec![event.to_owned()]),
                apps: of.map(|app| vec![app]),
                enabled,
                ..row(NotificationId(new_id().0))
            };
            let id = new.id;
            let stored = world.store.write(ORG, move |t| t.insert_notification(&new));
            async move { stored.await.map(|()| id).unwrap() }
        };
        let all = wants("all", None, None, true).await;
        let paused = wants("paused", Some("app.paused"), None, true).await;
        let one = wants("one", None, Some(apps[0]), true).await;
        let off = wants("off", None, None, false).await;
        for app in apps {
            world.store.write(ORG, move |t| {
                t.tell(&App { id: app, name: "a" }.resumed("admin"), NOW)?;
                t.tell(&App { id: app, name: "a" }.paused("admin", None), NOW)
            }).await.unwrap();
        }
        for (id, count) in [(all, 4), (paused, 2), (one, 2), (off, 0)] {
            assert_eq!(listed(&world, id).await.len(), count);
        }
    }

    async fn runs_that_end_and_runs_that_wait_are_told(world: World) {
        let bridge = Bridge::start(&world.store, &Vault::ephemeral()).await;
        let receiver = Receiver::start();
        let secret = tell(&bridge, &receiver, &json!(["run.finished", "run.held"])).await;
        let mut guests = Vec::new();
        for number in 0..8 {
            guests.push(bridge.person(&format!("guest{number}")).await);
        }
        // Who arrives after the app is nobody for whom a run has something to do.
        bridge.published().await;
        bridge.sandbox().await;
        let said = receiver.until(1).await[0].read(&secret);
        assert_eq!(said["type"], "run.finished");
        let run = &said["data"]["run"];
        assert_eq!((&run["kind"], &run["state"], &run["done"]), (&json!("setup"), &json!("done"), &json!(8)));
        let switch = |enabled: bool| json!({ "enabled": enabled });
        bridge.admin(Method::PUT, "/apps/sandbox/provisioning", switch(false)).await;
        for guest in &guests {
            bridge.set(guest, "active", json!(false)).await;
        }
        bridge.published().await;
        bridge.admin(Method::PUT, "/apps/sandbox/provisioning", switch(true)).await;
        let said = receiver.until(2).await[1].read(&secret);
        assert_eq!(said["type"], "run.held", "{said}");
        assert!(said["data"]["reason"].as_str().unwrap().contains('8'), "{said}");
        assert!(said["data"]["remedy"].as_str().unwrap().contains("/approve"), "{said}");
        let run = said["data"]["run"]["id"].as_str().unwrap();
        bridge.admin(Method::POST, &format!("/runs/{run}/cancel"), Value::Null).await;
        let said = receiver.until(3).await[2].read(&secret);
        assert_eq!((&said["type"], &said["data"]["run"]["state"]), (&json!("run.finished"), &json!("cancelled")));
        receiver.stop().await;
        bridge.stop().await;
    }

    async fn a_test_says_what_came_back(world: World) {
        let bridge = Bridge::start(&world.store, &Vault::ephemeral()).await;
        let receiver = Receiver::start();
        let secret = tell(&bridge, &receiver, &Value::Null).await;
        bridge.admin(Method::PATCH, "/notifications/on-call", json!({ "enabled": false })).await;
        let path = "/notifications/on-call/test";
        let came = bridge.admin(Method::POST, path, Value::Null).await;
        assert_eq!((&came["delivered"], &came["status"]), (&json!(true), &json!(204)), "{came}");
        assert!(came["cause"].is_null() && came["took"].is_u64(), "{came}");
        let message = receiver.until(1).await[0].clone();
        assert_eq!(message.read(&secret)["type"], "notification.test");
        assert_eq!(came["id"], message.id.as_str());
        receiver.answer((500, None));
        let came = bridge.admin(Method::POST, path, Value::Null).await;
        assert_eq!((&came["delivered"], &came["status"]), (&json!(false), &json!(500)), "{came}");
        receiver.stop().await;
        let came = bridge.admin(Method::POST, path, Value::Null).await;
        assert!(came["status"].is_null() && came["cause"].is_string(), "{came}");
        let found = deliveries(&bridge).await;
        assert_eq!(told(&found), [
            "notification.test delivered 1", "notification.test gaveUp 1", "notification.test gaveUp 1",
        ]);
        bridge.stop().await;
    }

    async fn a_secret_is_shown_once_and_a_new_one_signs_from_then_on(world: World) {
        let bridge = Bridge::start(&world.store, &Vault::ephemeral()).await;
        let receiver = Receiver::start();
        let first = tell(&bridge, &receiver, &Value::Null).await;
        let path = "/notifications/on-call";
        let change = json!({ "secret": null });
        let second = bridge.admin(Method::PATCH, path, change).await["secret"].as_str().unwrap().to_owned();
        assert_ne!(first, second);
        bridge.admin(Method::POST, &format!("{path}/test"), Value::Null).await;
        receiver.until(1).await[0].read(&second);
        let own = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
        let given = bridge.admin(Method::PATCH, path, json!({ "secret": own })).await;
        assert!(given["secret"].is_null(), "who gives it knows it");
        bridge.admin(Method::POST, &format!("{path}/test"), Value::Null).await;
        receiver.until(2).await[1].read(own);
        let mut answers = String::new();
        for path in ["", "/on-call", "/on-call/deliveries"] {
            let answer = bridge.admin(Method::GET, &format!("/notifications{path}"), Value::Null).await;
            answers.push_str(&answer.to_string());
        }
        answers.push_str(&bridge.admin(Method::GET, "/openapi.json", Value::Null).await["components"].to_string());
        for secret in [&first, &second, own] {
            assert!(!answers.contains(secret.trim_start_matches("whsec_")));
        }
        receiver.stop().await;
        bridge.stop().await;
    }

    async fn what_cannot_be_told_to_anybody_is_refused_by_name(world: World) {
        let bridge = Bridge::start(&world.store, &Vault::ephemeral()).await;
        bridge.sandbox().await;
        let url = "https://hooks.example.com/";
        let cases = [
            (json!({ "name": "a b", "url": url }), "name"),
            (json!({ "name": "a", "url": "http://hooks.example.com/" }), "url"),
            (json!({ "name": "a", "url": "nowhere" }), "url"),
            (json!({ "name": "a", "url": url, "secret": "s3cret" }), "secret"),
            (json!({ "name": "a", "url": url, "events": [] }), "events"),
            (json!({ "name": "a", "url": url, "events": ["app.paused", "app.gone"] }), "events/1"),
            (json!({ "name": "a", "url": url, "apps": [] }), "apps"),
            (json!({ "name": "a", "url": url, "apps": ["sandbox", "other"] }), "apps/1"),
        ];
        let made = json!({ "name": "made", "url": url, "apps": ["sandbox"], "events": ["run.held"] });
        let made = bridge.admin(Method::POST, "/notifications", made).await;
        assert_eq!((&made["apps"], &made["events"]), (&json!(["sandbox"]), &json!(["run.held"])));
        for (body, field) in cases {
            let (status, problem) =
                bridge.send(Method::POST, "/api/v1/notifications", Some(body.clone())).await;
            assert_eq!((status, &problem["errors"][0]["field"]), (400, &json!(field)), "{body} {problem}");
            assert!(!problem.to_string().contains("s3cret"));
            let change = Some(body);
            let (status, problem) =
                bridge.send(Method::PATCH, "/api/v1/notifications/made", change).await;
            assert_eq!((status, &problem["errors"][0]["field"]), (400, &json!(field)), "{problem}");
        }
        let again = json!({ "name": "made", "url": url });
        let (status, _) = bridge.send(Method::POST, "/api/v1/notifications", Some(again)).await;
        assert_eq!(status, 409);
        let wide = json!({ "apps": null, "events": null });
        let wide = bridge.admin(Method::PATCH, "/notifications/made", wide).await;
        assert!(wide["apps"].is_null() && wide["events"].is_null(), "{wide}");
        bridge.admin(Method::DELETE, "/notifications/made", Value::Null).await;
        let (status, _) = bridge.send(Method::GET, "/api/v1/notifications/made", None).await;
        assert_eq!(status, 404);
        bridge.stop().await;
    }
}
