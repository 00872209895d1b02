//! An app that asks to wait.

use crate::outbound::downstream::Downstream;
use crate::outbound::meddler::Meddling;
use crate::outbound::throttling::Haste;
use crate::world::both;
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::BTreeSet;

both! {
    /// A rate limit aborts the run, and what was made before is refused with 409 the next time. Here the
    /// app throttles three of ten requests, of every kind.
    async fn complaint_04_rate_limits_do_not_abort_a_run(world: World) {
        let haste = Haste::start();
        let (mut dice, mut throttles) = (7_u64, 0);
        let more = json!({ "enabled": false });
        let scene = Downstream::timed(&world, haste.clock.clone(), more, move |_, _, _| {
            dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            if (dice >> 33) % 10 >= 3 {
                return Meddling::Pass;
            }
            throttles += 1;
            Meddling::Refuse(429, (throttles % 2 == 0).then_some(("Retry-After", "2")))
        }).await;
        let mut people = Vec::new();
        for number in 0..12 {
            people.push(scene.bridge.person(&format!("p{number}")).await);
        }
        scene.group("Staff", &people.iter().map(String::as_str).collect::<Vec<_>>()).await;
        scene.bridge.published().await;
        scene.ask(Method::PUT, "/provisioning", json!({ "enabled": true })).await;
        let view = scene.bridge.until("assist", "the run ends", |app| {
            !["planning", "queued", "running"].contains(&app["run"]["state"].as_str().unwrap())
        }).await;
        let run = &view["run"];
        assert_eq!((&run["state"], &run["total"]), (&json!("done"), &json!(13)), "{run}");
        assert_eq!((&run["done"], &run["failed"]), (&json!(13), &json!(0)), "{run}");
        let view = scene.quiet().await;
        assert_eq!(view["queue"], json!({ "ready": 0, "running": 0, "parked": 0, "waiting": 0 }));
        let accounts = scene.accounts().await;
        let names: BTreeSet<&String> = accounts.iter().collect();
        assert_eq!((accounts.len(), names.len()), (12, 12), "nobody twice: {accounts:?}");
        assert_eq!(scene.members("Staff").await.len(), 12);

        let mut tries = Vec::new();
        let mut before = String::new();
        loop {
            let path = format!("/attempts?app=assist{before}");
            let page = scene.bridge.admin(Method::GET, &path, Value::Null).await;
            tries.extend(page["items"].as_array().unwrap().iter().cloned());
            match page["next"].as_str() {
                Some(next) => before = format!("&before={next}"),
                None => break,
            }
        }
        let told = |one: &Value| (one["outcome"].clone(), one["cause"].clone());
        let throttled = (json!("retry"), json!("throttled"));
        assert!(tries.iter().any(|one| told(one) == throttled), "{tries:?}");
        for one in &tries {
            let fine = one["outcome"] == "done" || told(one) == throttled;
            assert!(fine, "a throttle is no failure: {one}");
        }
        let health = &view["health"];
        assert!(health["learnedRate"].as_i64().is_some_and(|rate| rate >= 10), "{health}");
        assert_ne!(health["state"], "away", "{health}");
        haste.stop();
        scene.stop().await;
    }
}
