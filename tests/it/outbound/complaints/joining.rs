//! Accounts that are there already, and that the app does not show at first.

use crate::outbound::downstream::Downstream;
use crate::outbound::meddler::Meddling;
use crate::world::both;
use reqwest::Method;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicBool, Ordering};

const BY_MAIL: &str = "emails[type eq \"work\"].value";
const NOBODY: &str =
    r#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:ListResponse"],"totalResults":0}"#;

both! {
    /// A creation is refused with 409, because the look by the first field did not find the account:
    /// it fails again and again, or the account is made twice. Here it is looked for by every field
    /// that must be unique, and taken over.
    async fn complaint_01_a_creation_that_conflicts_takes_the_account_over(world: World) {
        let policy = json!({ "policy": { "matching": { "users": [BY_MAIL] } } });
        let scene = Downstream::new(&world, policy).await;
        let mail = json!({ "emails": [{ "value": "old@zylker.example", "type": "work" }] });
        let there = scene.there("ann", mail).await;
        scene.forget();
        let ann = scene.bridge.person("ann").await;
        let view = scene.quiet().await;
        assert_eq!(view["queue"]["parked"], 0, "{view}");
        let link = scene.link(&ann).await;
        assert_eq!((&link["remoteId"], &link["origin"]), (&json!(there), &json!("adopted")), "{link}");
        let made = scene.writes().iter().filter(|line| line.starts_with("POST ")).count();
        assert_eq!(made, 1, "the app refused it, and was not asked again: {:?}", scene.writes());
        let account = scene.account("ann").await;
        assert_eq!(account["emails"][0]["value"], "ann@zylker.example");
        assert_eq!(scene.accounts().await, ["ann true"]);
        scene.stop().await;
    }

    /// Several could be it: somebody is asked, once, and the app is not asked for ever.
    async fn complaint_01_a_creation_that_conflicts_with_several_asks_somebody(world: World) {
        let is_made = AtomicBool::new(false);
        let policy = json!({ "policy": { "matching": { "users": [BY_MAIL, "userName"] } } });
        let scene = Downstream::meddled(&world, policy, move |method, path, _| match method {
            "POST" => {
                is_made.store(true, Ordering::SeqCst);
                Meddling::Pass
            }
            // Its index of mails lags behind.
            "GET" if path.contains("filter") && !is_made.load(Ordering::SeqCst) => Meddling::Answer(200, NOBODY),
            _ => Meddling::Pass,
        }).await;
        let mail = || json!({ "emails": [{ "value": "ann@zylker.example", "type": "work" }] });
        let mut both = [scene.there("ann", mail()).await, scene.there("ann.old", mail()).await];
        both.sort();
        scene.forget();
        let ann = scene.bridge.person("ann").await;
        let view = scene.quiet().await;
        assert_eq!(view["queue"]["parked"], 1, "{view}");
        let link = scene.link(&ann).await;
        assert_eq!(link["state"], "disputed", "{link}");
        let mut candidates: Vec<String> = serde_json::from_value(link["candidates"].clone()).unwrap();
        candidates.sort();
        assert_eq!(candidates, both, "{link}");
        let told = scene.ask(Method::POST, &format!("/provision/{ann}"), Value::Null).await;
        assert_eq!(told["outcome"], "parked", "{told}");
        assert_eq!(scene.writes().iter().filter(|line| line.starts_with("POST ")).count(), 1, "{:?}", scene.writes());
        assert_eq!(scene.accounts().await.len(), 2);
        scene.stop().await;
    }
}
