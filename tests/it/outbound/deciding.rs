//! What somebody decides about drift holds whatever is being pushed, and what is settled is no longer
//! shown.

use super::downstream::Downstream;
use super::meddler::Meddling;
use crate::world::both;
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;

/// `field answer` of everything that is shown.
async fn drift(scene: &Downstream) -> Vec<String> {
    let page = scene.ask(Method::GET, "/drift", Value::Null).await;
    let items = page["items"].as_array().unwrap();
    let fields = items.iter().flat_map(|one| one["fields"].as_array().unwrap());
    let text = |one: &Value, name: &str| one[name].as_str().unwrap().to_owned();
    fields.map(|one| format!("{} {}", text(one, "field"), text(one, "answer"))).collect()
}

async fn decide(scene: &Downstream, id: &str, decision: &str) {
    let body = json!({ "field": "title", "decision": decision });
    let shown = scene.ask(Method::POST, &format!("/drift/{id}"), body).await;
    let said = if decision == "keep" { "kept" } else { "enforced" };
    assert_eq!(shown["fields"][0]["answer"], said, "{shown}");
}

/// Somebody changes her title in the app itself.
async fn hack(scene: &Downstream, title: &str) {
    let account = scene.account("ann").await["id"].as_str().unwrap().to_owned();
    scene.app.set(&account, "title", json!(title)).await;
}

/// Looks at the app's own accounts.
async fn sync(scene: &Downstream) {
    scene.ask(Method::POST, "/sync", json!({ "confirm": true })).await;
    let over = |app: &Value| app["run"]["state"] == "done";
    scene.bridge.until("assist", "the run ends", over).await;
    scene.quiet().await;
}

async fn applied(scene: &Downstream) {
    let integrity = scene.ask(Method::GET, "/integrity", Value::Null).await;
    assert_eq!(integrity["counts"]["astray"], 0, "{integrity}");
    assert_eq!(integrity["counts"]["applied"], 1, "{integrity}");
}

both! {
    /// The push wrote what it remembered over the decision: the app kept its value, and everything
    /// said that it had been put right.
    async fn a_decision_holds_that_is_taken_while_the_object_is_pushed(world: World) {
        let policy = json!({ "policy": { "drift": { "otherwise": "ask" } } });
        let scene = Downstream::meddled(&world, policy, |method, _, body| match method {
            "PATCH" if body.contains("Woody") => Meddling::Slow(Duration::from_secs(2)),
            _ => Meddling::Pass,
        }).await;
        let ann = scene.bridge.person("ann").await;
        scene.quiet().await;
        hack(&scene, "Hacked").await;
        sync(&scene).await;
        assert_eq!(drift(&scene).await, ["title asked"]);
        scene.forget();
        scene.bridge.set(&ann, "name.familyName", json!("Woody")).await;
        while scene.writes().is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        decide(&scene, &ann, "enforce").await;
        scene.quiet().await;
        let account = scene.account("ann").await;
        assert_eq!((&account["title"], &account["name"]["familyName"]), (&json!("Technician"), &json!("Woody")));
        assert_eq!(drift(&scene).await, Vec::<String>::new());
        assert_eq!(scene.writes().len(), 2, "{:?}", scene.writes());
        applied(&scene).await;
        scene.stop().await;
    }

    async fn what_was_put_right_is_not_shown_until_the_app_changes_it_back(world: World) {
        let scene = Downstream::new(&world, json!({})).await;
        let ann = scene.bridge.person("ann").await;
        scene.quiet().await;
        hack(&scene, "Hacked").await;
        sync(&scene).await;
        assert_eq!(scene.account("ann").await["title"], "Technician");
        assert_eq!(drift(&scene).await, Vec::<String>::new());
        hack(&scene, "Hacked").await;
        scene.forget();
        sync(&scene).await;
        assert_eq!(drift(&scene).await, ["title resisted"]);
        assert_eq!(scene.writes(), Vec::<String>::new(), "it is not sent a third time");
        // Somebody lets it be: nothing is sent, now and later.
        decide(&scene, &ann, "keep").await;
        sync(&scene).await;
        assert_eq!(drift(&scene).await, ["title kept"]);
        assert_eq!(scene.writes(), Vec::<String>::new());
        // Until the directory's own value changes.
        scene.bridge.set(&ann, "title", json!("Captain")).await;
        scene.quiet().await;
        assert_eq!(scene.account("ann").await["title"], "Captain");
        assert_eq!(drift(&scene).await, Vec::<String>::new());
        applied(&scene).await;
        scene.stop().await;
    }

    /// It stayed in the list as being put right for ever.
    async fn there_is_nothing_to_put_right_once_the_directory_wants_it_so(world: World) {
        let policy = json!({ "policy": { "drift": { "otherwise": "ask" } } });
        let scene = Downstream::new(&world, policy).await;
        let ann = scene.bridge.person("ann").await;
        scene.quiet().await;
        hack(&scene, "Chief").await;
        sync(&scene).await;
        scene.ask(Method::PATCH, "", json!({ "paused": true })).await;
        decide(&scene, &ann, "enforce").await;
        let said = scene.link(&ann).await;
        assert_eq!(said["verdict"], "The account is updated.", "{said}");
        scene.bridge.set(&ann, "title", json!("Chief")).await;
        scene.forget();
        scene.ask(Method::PATCH, "", json!({ "paused": false })).await;
        scene.quiet().await;
        assert_eq!(scene.writes(), Vec::<String>::new());
        assert_eq!(drift(&scene).await, Vec::<String>::new());
        assert_eq!(scene.link(&ann).await["record"]["title"], "Chief");
        applied(&scene).await;
        sync(&scene).await;
        assert_eq!(scene.account("ann").await["title"], "Chief");
        assert_eq!(drift(&scene).await, Vec::<String>::new());
        scene.stop().await;
    }

    /// A decision that is taken back before anything is sent.
    async fn what_is_kept_after_all_is_not_sent(world: World) {
        let scene = Downstream::new(&world, json!({ "policy": { "drift": { "otherwise": "ask" } } })).await;
        let ann = scene.bridge.person("ann").await;
        scene.quiet().await;
        hack(&scene, "Chief").await;
        sync(&scene).await;
        scene.ask(Method::PATCH, "", json!({ "paused": true })).await;
        decide(&scene, &ann, "enforce").await;
        decide(&scene, &ann, "keep").await;
        scene.forget();
        scene.ask(Method::PATCH, "", json!({ "paused": false })).await;
        scene.quiet().await;
        assert_eq!(scene.writes(), Vec::<String>::new());
        let path = format!("/api/v1/apps/assist/drift/{ann}");
        let body = json!({ "field": "city", "decision": "keep" });
        let (status, problem) = scene.bridge.send(Method::POST, &path, Some(body)).await;
        assert_eq!(status, 404);
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains("/api/v1/apps/assist/drift"), "{detail}");
        scene.stop().await;
    }
}
