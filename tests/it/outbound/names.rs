//! Names that go from one to another. Each test names what once went wrong.

use super::bridge::PATIENCE;
use super::meddler::Meddling;
use super::trouble::Scene;
use crate::world::both;
use reqwest::Method;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering::SeqCst};
use std::time::Duration;

both! {
    /// The newcomer was parked, because the old account had not been renamed yet.
    async fn a_name_can_be_given_on(world: World) {
        let scene = Scene::new(&world, json!({}), |_, _, _| Meddling::Pass).await;
        let old = scene.bridge.person("ed").await;
        scene.quiet().await;
        scene.pause(true).await;
        scene.bridge.set(&old, "userName", json!("ed.old@zylker.example")).await;
        scene.bridge.person("ed").await;
        scene.pause(false).await;
        let view = scene.quiet().await;
        assert_eq!(view["queue"]["parked"], 0);
        assert_eq!(scene.accounts().await, ["ed.old true", "ed true"]);
        scene.stop().await;
    }

    /// A newcomer was parked at once where the app let go of their name between two questions.
    async fn a_name_may_be_given_up_while_somebody_asks_for_it(world: World) {
        let mut asked = 0;
        let scene = Scene::new(&world, json!({}), move |method, path, _| {
            if method == "POST" && path.ends_with("/Users") {
                asked += 1;
                if asked <= 2 {
                    return Meddling::Answer(409, "{}");
                }
            }
            Meddling::Pass
        }).await;
        scene.bridge.person("ann").await;
        let view = scene.quiet().await;
        assert_eq!(view["queue"]["parked"], 0);
        assert_eq!(scene.accounts().await, ["ann true"]);
        scene.stop().await;
    }

    /// A newcomer got the name of somebody whose creation was in doubt and took their account over; the
    /// other one was parked for ever, because the name that was sent was somebody else's.
    async fn a_name_may_go_to_somebody_else_while_its_account_is_being_made(world: World) {
        take_over(world, true).await;
    }

    /// The same, where the app never made the account.
    async fn a_name_may_go_to_somebody_else_while_its_account_is_not_made(world: World) {
        take_over(world, false).await;
    }

    /// A creation was lost, and so was the one under the next name, of which nothing was written down:
    /// under the third name a second account was made.
    async fn somebody_may_be_renamed_twice_while_answers_are_lost(world: World) {
        let asked = Arc::new(AtomicU8::new(0));
        let counted = Arc::clone(&asked);
        let scene = Scene::new(&world, json!({}), move |method, path, _| {
            if method == "POST" && path.ends_with("/Users") {
                let after = Duration::from_millis(500);
                match counted.fetch_add(1, SeqCst) {
                    0 => return Meddling::Late { passes: false, after, status: 504 },
                    1 => return Meddling::Late { passes: true, after, status: 504 },
                    _ => {}
                }
            }
            Meddling::Pass
        }).await;
        let ann = scene.bridge.person("ann").await;
        for (times, name) in [(1, "ann.two"), (2, "ann.three")] {
            until(|| asked.load(SeqCst) == times).await;
            scene.bridge.set(&ann, "userName", json!(name)).await;
        }
        assert_eq!(scene.quiet().await["queue"]["parked"], 0);
        assert_eq!(scene.accounts().await, ["ann.three true"]);
        scene.stop().await;
    }
}

/// The answer to the first creation is lost a while after it was sent; meanwhile its person is renamed
/// and somebody else comes by that name.
async fn take_over(world: crate::world::World, passes: bool) {
    let asked = Arc::new(AtomicU8::new(0));
    let counted = Arc::clone(&asked);
    let scene = Scene::new(&world, json!({}), move |method, path, _| {
        if method == "POST" && path.ends_with("/Users") && counted.fetch_add(1, SeqCst) == 0 {
            return Meddling::Late { passes, after: Duration::from_millis(1_500), status: 504 };
        }
        Meddling::Pass
    })
    .await;
    let ann = scene.bridge.person("ann").await;
    until(|| asked.load(SeqCst) == 1).await;
    let made = made(&scene, usize::from(passes)).await;
    scene.bridge.set(&ann, "userName", json!("ann.new@zylker.example")).await;
    scene.bridge.person("ann").await;
    assert_eq!(scene.quiet().await["queue"]["parked"], 0);
    assert_eq!(scene.accounts().await, ["ann.new true", "ann true"]);
    if let Some(made) = made.first() {
        let account = scene.app.push(Method::GET, &format!("/Users/{made}"), Value::Null).await;
        assert_eq!(account["userName"], "ann.new@zylker.example", "it was made for her");
    }
    scene.stop().await;
}

/// The ids of the app's accounts, once there are so many.
async fn made(scene: &Scene, count: usize) -> Vec<String> {
    let waiting = async {
        loop {
            let found = scene.app.push(Method::GET, "/Users", Value::Null).await;
            let all = found["Resources"].as_array().cloned().unwrap_or_default();
            if all.len() == count {
                return all.iter().map(|one| one["id"].as_str().unwrap().to_owned()).collect();
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.expect("nothing is made")
}

async fn until(holds: impl Fn() -> bool) {
    let waiting = async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.expect("nothing is sent");
}
