//! Who loses access goes first, counted in requests.

use crate::outbound::downstream::Downstream;
use crate::outbound::meddler::Meddling;
use crate::outbound::throttling::advance_until;
use crate::world::both;
use reqwest::Method;
use rollcall::clock::Clock;
use serde_json::json;

both! {
    /// A leaver waits behind everybody else: counted in requests, with a thousand people before her.
    async fn complaint_11_a_leaver_overtakes_a_thousand(world: World) {
        /// Objects that an instance claims ahead (8) and works on (4), for each of the 4 that can be at
        /// an app at once.
        const CLAIMED: usize = 4 * (8 + 4);
        const BACKLOG: usize = 1_000;
        let clock = Clock::held_at(Clock::System.now_us());
        let rate = json!({ "policy": { "rate": { "requestsPerMinute": 600 } } });
        let scene = Downstream::timed(&world, clock.clone(), rate, |_, _, _| Meddling::Pass).await;
        let made = |seen: &[String]| seen.iter().filter(|line| line.starts_with("POST ")).count();
        let leaves = |line: &String| line.starts_with("PATCH ") && line.contains("false");
        let ann = scene.bridge.person("ann").await;
        scene.bridge.published().await;
        advance_until(&clock, 1, "she has an account", async || made(&scene.seen()) == 1).await;
        scene.ask(Method::PATCH, "", json!({ "paused": true })).await;
        for number in 0..BACKLOG {
            scene.bridge.person(&format!("p{number}")).await;
        }
        scene.bridge.published().await;
        scene.ask(Method::PATCH, "", json!({ "paused": false })).await;
        advance_until(&clock, 1, "it is under way", async || made(&scene.seen()) >= 10).await;
        scene.bridge.set(&ann, "active", json!(false)).await;
        let committed = scene.seen().len();
        scene.bridge.published().await;
        advance_until(&clock, 1, "she leaves", async || scene.seen().iter().any(leaves)).await;
        let seen = scene.seen();
        let at = seen.iter().position(leaves).unwrap();
        assert!(made(&seen) < BACKLOG / 2, "the others still wait");
        let before = made(&seen[committed.min(at)..at]);
        assert!(before <= CLAIMED, "{before} people went before her");
        scene.stop().await;
    }
}
