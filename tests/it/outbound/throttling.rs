//! How fast an app is asked, and what happens while it is away.

use super::bridge::PATIENCE;
use super::downstream::Downstream;
use super::meddler::Meddling;
use crate::world::both;
use parking_lot::Mutex;
use reqwest::Method;
use rollcall::clock::Clock;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::task::JoinHandle;

/// A clock that runs twenty times as fast as the machine's.
pub struct Haste {
    pub clock: Clock,
    task: JoinHandle<()>,
}

impl Haste {
    pub fn start() -> Self {
        let clock = Clock::held_at(Clock::System.now_us());
        let hand = clock.clone();
        let task = tokio::spawn(async move {
            loop {
                tokio::time::sleep(Duration::from_millis(5)).await;
                hand.advance(Duration::from_millis(100));
            }
        });
        Self { clock, task }
    }

    pub fn stop(self) {
        self.task.abort();
    }
}

/// Moves the clock on by that much at a time until it is so.
pub async fn advance_until(clock: &Clock, by: u64, what: &str, holds: impl AsyncFn() -> bool) {
    let waiting = async {
        while !holds().await {
            clock.advance(Duration::from_secs(by));
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.unwrap_or_else(|_| panic!("never: {what}"));
}

/// The same, until every change is pushed.
async fn quiet(scene: &Downstream, clock: &Clock) -> Value {
    scene.bridge.published().await;
    advance_until(clock, 10, "the queue empties", async || {
        let view = scene.ask(Method::GET, "", Value::Null).await;
        view["queue"]["ready"] == 0 && view["queue"]["running"] == 0
    })
    .await;
    scene.ask(Method::GET, "", Value::Null).await
}

both! {
    /// By no moment have more requests come than the rate allows since the beginning.
    async fn a_configured_rate_is_kept(world: World) {
        let haste = Haste::start();
        let (clock, begun_us) = (haste.clock.clone(), haste.clock.now_us());
        let came = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&came);
        let rate = json!({ "policy": { "rate": { "requestsPerMinute": 60, "concurrency": 2 } } });
        let scene = Downstream::timed(&world, clock.clone(), rate, move |_, _, _| {
            log.lock().push(clock.now_us());
            Meddling::Pass
        }).await;
        for number in 0..25 {
            scene.bridge.person(&format!("p{number}")).await;
        }
        let view = scene.quiet().await;
        assert_eq!(scene.accounts().await.len(), 25);
        let came = came.lock().clone();
        assert!(came.len() >= 50, "each is looked for and made: {}", came.len());
        for (at, now_us) in came.iter().enumerate() {
            // Three may go at once, and 58 more in the minute after.
            let most = 3 + (now_us - begun_us) / (60_000_000 / 58);
            assert!(i64::try_from(at).unwrap() < most, "request {at} came early: {came:?}");
        }
        let health = &view["health"];
        assert_eq!(health["configuredRate"], 60, "{health}");
        assert_eq!((&health["learnedRate"], &health["concurrency"]), (&Value::Null, &json!(2)));
        assert!(health["requestsLastMinute"].as_i64().unwrap() <= 60, "{health}");
        haste.stop();
        scene.stop().await;
    }

    /// At a slow rate somebody who is switched off does not wait behind those who are claimed already.
    async fn a_leaver_overtakes_whoever_waits_for_a_turn(world: World) {
        let clock = Clock::held_at(Clock::System.now_us());
        let rate = json!({ "policy": { "rate": { "requestsPerMinute": 6 } } });
        let scene = Downstream::timed(&world, clock.clone(), rate, |_, _, _| Meddling::Pass).await;
        let posts = |seen: &[String]| seen.iter().filter(|line| line.starts_with("POST ")).count();
        let leaves = |line: &String| line.starts_with("PATCH ") && line.contains("false");
        let ann = scene.bridge.person("ann").await;
        quiet(&scene, &clock).await;
        assert_eq!(posts(&scene.seen()), 1);
        for number in 0..10 {
            scene.bridge.person(&format!("p{number}")).await;
        }
        scene.bridge.published().await;
        advance_until(&clock, 10, "two are made", async || posts(&scene.seen()) >= 3).await;
        scene.bridge.set(&ann, "active", json!(false)).await;
        scene.bridge.published().await;
        advance_until(&clock, 10, "she leaves", async || scene.seen().iter().any(leaves)).await;
        let made = posts(&scene.seen());
        assert!(made <= 6, "ten newcomers, and the leaver went behind {made} of them");
        scene.stop().await;
    }

    /// While an app is away exactly one object at a time is tried; when it is back, all go.
    async fn one_probe_at_a_time_while_the_app_is_away(world: World) {
        let clock = Clock::held_at(Clock::System.now_us());
        let away = Arc::new(AtomicBool::new(false));
        let is_away = Arc::clone(&away);
        let scene = Downstream::timed(&world, clock.clone(), json!({}), move |_, _, _| {
            if is_away.load(Ordering::SeqCst) { Meddling::Refuse(503, None) } else { Meddling::Pass }
        }).await;
        scene.bridge.person("ann").await;
        let view = quiet(&scene, &clock).await;
        assert_eq!(view["health"]["state"], "ok");

        away.store(true, Ordering::SeqCst);
        scene.forget();
        for number in 0..8 {
            scene.bridge.person(&format!("p{number}")).await;
        }
        scene.bridge.published().await;
        // The first failure may be one object's; from the second on it is the app's.
        advance_until(&clock, 2, "the app is away", async || {
            let view = scene.ask(Method::GET, "", Value::Null).await;
            view["health"]["state"] == "away" && view["queue"]["running"] == 0
        })
        .await;
        let health = scene.ask(Method::GET, "", Value::Null).await["health"].clone();
        assert_eq!(health["state"], "away", "{health}");
        assert!(health["reason"].as_str().unwrap().contains("503"), "{health}");
        assert!(health["until"].is_string() && health["since"].is_string(), "{health}");
        // However often it is looked for, each time one object is tried.
        let (before, mut looks) = (scene.seen().len(), 0);
        while scene.seen().len() < before + 4 {
            assert!(looks < 200, "the app is never looked for");
            // Longer than the longest wait between two looks.
            clock.advance(Duration::from_secs(20));
            looks += 1;
            tokio::time::sleep(Duration::from_millis(100)).await;
            let seen = scene.seen();
            assert!(seen.len() <= before + looks, "one probe each time: {seen:?}");
        }
        away.store(false, Ordering::SeqCst);
        let view = quiet(&scene, &clock).await;
        assert_eq!((&view["queue"]["parked"], scene.accounts().await.len()), (&json!(0), 9));
        advance_until(&clock, 2, "all is well", async || {
            scene.ask(Method::GET, "", Value::Null).await["health"]["state"] == "ok"
        })
        .await;
        scene.stop().await;
    }

    /// An app that asks to be left alone for an hour is, whoever asks; the other app gets everything.
    async fn two_apps_do_not_slow_each_other(world: World) {
        let scene = Downstream::meddled(&world, json!({}), |_, _, _| {
            Meddling::Refuse(429, Some(("Retry-After", "3600")))
        }).await;
        scene.bridge.sandbox().await;
        let mut ids = Vec::new();
        for number in 0..30 {
            ids.push(scene.bridge.person(&format!("p{number}")).await);
        }
        assert_eq!(scene.bridge.accounts("sandbox", "User").await.len(), 30);
        let view = scene.bridge.until("assist", "it is left alone", |app| {
            app["health"]["state"] == "throttled" && app["queue"]["running"] == 0
        }).await;
        assert_eq!((&view["queue"]["ready"], &view["queue"]["parked"]), (&json!(30), &json!(0)), "{view}");
        let health = &view["health"];
        assert_eq!(health["reason"], "The app asks to wait.");
        assert!(health["until"].as_str().unwrap() > health["since"].as_str().unwrap(), "{health}");
        let sent = scene.seen().len();
        assert!(sent <= 4, "those that were on their way: {sent}");
        // Nothing is sent for whoever asks, and both are told why.
        let (status, problem) = scene.try_to(Method::POST, "/check", Value::Null).await;
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.starts_with("the app asks to wait: try again in 3"), "{problem}");
        assert_eq!(status, 502);
        let now = scene.ask(Method::POST, &format!("/provision/{}", ids[29]), Value::Null).await;
        assert_eq!(now["outcome"], "retry", "{now}");
        assert_eq!(scene.seen().len(), sent);
        let sandbox = scene.bridge.admin(Method::GET, "/apps/sandbox", Value::Null).await;
        assert_eq!(sandbox["health"]["state"], "ok");

        // Another address is another app.
        let url = json!({ "settings": { "url": format!("{}/scim/v2", scene.app.base) } });
        scene.ask(Method::PATCH, "", url).await;
        scene.ask(Method::POST, "/check", Value::Null).await;
        scene.stop().await;
    }

    /// What an app says of its limits in the header of a success is believed before it must refuse.
    async fn an_exhausted_limit_is_waited_for(world: World) {
        let scene = Downstream::meddled(&world, json!({}), |method, path, _| {
            if method == "GET" && path.contains("ServiceProviderConfig") {
                return Meddling::Refuse(200, Some(("RateLimit", "\"default\";r=0;t=3600")));
            }
            Meddling::Pass
        }).await;
        scene.bridge.person("ann").await;
        let view = scene.bridge.until("assist", "it is left alone", |app| {
            app["health"]["state"] == "throttled" && app["queue"]["ready"] == 1
        }).await;
        assert_eq!(view["queue"]["parked"], 0);
        assert_eq!(scene.seen().len(), 1, "{:?}", scene.seen());
        scene.stop().await;
    }
}
