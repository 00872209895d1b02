//! What an operator reads of every try.

use super::bridge::Bridge;
use super::meddler::{Meddler, Meddling};
use crate::world::both;
use reqwest::Method;
use rollcall::vault::Vault;
use serde_json::{Value, json};
use std::collections::HashSet;
use std::time::Duration;

/// Everything that was tried for somebody, oldest first.
async fn tries(bridge: &Bridge, id: &str) -> Vec<Value> {
    let path = format!("/attempts?app=assist&resource={id}");
    let page = bridge.admin(Method::GET, &path, Value::Null).await;
    let mut items = page["items"].as_array().unwrap().clone();
    items.reverse();
    items
}

/// `cause outcome` of each.
fn causes(tries: &[Value]) -> Vec<String> {
    let cause = |one: &Value| one["cause"].as_str().unwrap_or("-").to_owned();
    tries.iter().map(|one| format!("{} {}", cause(one), one["outcome"].as_str().unwrap())).collect()
}

/// How many attempts there are for a query.
async fn count(bridge: &Bridge, query: &str) -> usize {
    let page = bridge.admin(Method::GET, &format!("/attempts?{query}"), Value::Null).await;
    page["items"].as_array().unwrap().len()
}

both! {
    async fn every_failure_says_why_what_to_do_and_when_it_is_tried_again(world: World) {
        let vault = Vault::ephemeral();
        let other = crate::world::World::new(world.database).await;
        let app = Bridge::start(&other.store, &vault).await;
        let bridge = Bridge::start(&world.store, &vault).await;
        let mut seen = HashSet::new();
        let meddler = Meddler::before(&app.base, move |method, path, body| {
            let names = ["refuse", "stumble", "throttle", "doubt", "deny"];
            let is_about = |name: &str| {
                body.contains(&format!("{name}@")) || path.contains(&format!("{name}%40"))
            };
            let Some(name) = names.into_iter().find(|name| is_about(name)) else {
                return Meddling::Pass;
            };
            // One stumbles while it is looked for; the others while they are made.
            if method != if name == "stumble" { "GET" } else { "POST" } {
                return Meddling::Pass;
            }
            match name {
                "refuse" => {
                    let said = r#"{"detail":"title is too long","schemas":[],"status":"400"}"#;
                    return Meddling::Answer(400, said);
                }
                "deny" => return Meddling::Answer(401, "{}"),
                _ => {}
            }
            // The others have trouble once.
            match (seen.insert(name), name) {
                (true, "stumble") => Meddling::Answer(502, "{}"),
                (true, "throttle") => Meddling::Answer(429, "{}"),
                (true, _) => Meddling::Slow(Duration::from_millis(1_300)),
                (false, _) => Meddling::Pass,
            }
        });
        bridge.admin(Method::POST, "/apps", json!({
            "name": "assist", "adapter": "scim", "enabled": true,
            "settings": { "url": format!("{}/scim/v2", meddler.address), "timeoutSeconds": 1 },
            "secrets": { "token": app.token },
        })).await;

        let refused = bridge.person("refuse").await;
        bridge.until("assist", "it is parked", |app| app["queue"]["parked"] == 1).await;
        let told = tries(&bridge, &refused).await;
        assert_eq!(causes(&told), ["refused parked"]);
        let one = &told[0];
        assert_eq!(one["detail"], "The app answered 400: title is too long");
        assert!(one["remedy"].as_str().unwrap().starts_with("Correct the value"), "{one}");
        assert_eq!(one["nextTry"], Value::Null);
        let exchanges = one["exchanges"].as_array().unwrap();
        let lines: Vec<String> = exchanges.iter().map(|one| {
            let url = one["url"].as_str().unwrap().replace(&meddler.address, "");
            format!("{} {url} {}", one["method"].as_str().unwrap(), one["status"])
        }).collect();
        assert_eq!(lines, [
            "GET /scim/v2/Users?filter=…&startIndex=…&count=… 200",
            "POST /scim/v2/Users 400",
        ]);
        let post = &exchanges[1];
        assert_eq!(post["said"], "The app answered 400: title is too long");
        assert_eq!(post["body"]["schemas"][0], "urn:ietf:params:scim:schemas:core:2.0:User");
        assert_eq!((&post["body"]["userName"], &post["body"]["active"]), (&json!("…"), &json!(true)));
        assert_eq!(post["answer"]["detail"], "…");

        for (name, cause) in [("stumble", "unavailable"), ("throttle", "throttled"), ("doubt", "inDoubt")] {
            let id = bridge.person(name).await;
            bridge.until("assist", name, |app| app["queue"]["ready"] == 0 && app["queue"]["running"] == 0).await;
            bridge.accounts("assist", "User").await;
            let told = tries(&bridge, &id).await;
            assert_eq!(causes(&told), [format!("{cause} retry"), "- done".to_owned()], "{told:?}");
            assert!(told[0]["remedy"].as_str().unwrap().starts_with("Nothing to do"), "{told:?}");
            assert!(told[0]["nextTry"].as_str() > told[0]["at"].as_str(), "{told:?}");
            assert!(told[0]["detail"].as_str().unwrap().ends_with('.'));
            // Each try has its own exchanges: a look and a creation, or a look that finds. An app is
            // asked what it can do when somebody may have an account.
            let statuses = |one: &Value| -> Vec<Value> {
                one["exchanges"].as_array().unwrap().iter().map(|one| one["status"].clone()).collect()
            };
            let first = match name {
                "stumble" => vec![json!(502)],
                "throttle" => vec![json!(200), json!(429)],
                _ => vec![json!(200), Value::Null],
            };
            assert_eq!(statuses(&told[0]), first);
            let second = if name == "doubt" { json!(200) } else { json!(201) };
            let last = statuses(&told[1]);
            assert_eq!(last.last(), Some(&second), "{told:?}");
            assert_eq!(told[1]["remedy"], Value::Null);
        }

        let denied = bridge.person("deny").await;
        bridge.until("assist", "it pauses", |app| !app["paused"].is_null()).await;
        let told = tries(&bridge, &denied).await;
        assert_eq!(causes(&told), ["credential retry"]);
        assert_eq!(told[0]["remedy"], "Enter a new one, then check the connection.");
        assert_eq!(told[0]["nextTry"], Value::Null);

        let all = bridge.admin(Method::GET, "/attempts", Value::Null).await.to_string();
        for value in ["@zylker", "Woods", "Technician", "Field Service", &app.token, "eq%20"] {
            assert!(!all.contains(value), "{value}: {all}");
        }
        assert_eq!(count(&bridge, "cause=refused").await, 1);
        assert_eq!(count(&bridge, "app=assist&cause=inDoubt&outcome=retry").await, 1);
        assert_eq!(count(&bridge, "outcome=retry").await, 4);
        assert_eq!(count(&bridge, "outcome=parked&app=assist").await, 1);
        assert_eq!(count(&bridge, "outcome=done").await, 3);
        for (query, field) in [("outcome=maybe", "outcome"), ("cause=fate", "cause"), ("run=7", "run")] {
            let (status, problem) = bridge.send(Method::GET, &format!("/api/v1/attempts?{query}"), None).await;
            assert_eq!((status, &problem["errors"][0]["field"]), (400, &json!(field)), "{problem}");
        }
        bridge.stop().await;
        meddler.stop().await;
        app.stop().await;
    }

    async fn what_a_run_tried_is_found_by_the_run(world: World) {
        let bridge = Bridge::start(&world.store, &Vault::ephemeral()).await;
        bridge.sandbox().await;
        let id = bridge.person("ann").await;
        bridge.accounts("sandbox", "User").await;
        let mut mapping =
            bridge.admin(Method::GET, "/apps/sandbox/mapping", Value::Null).await["mapping"].clone();
        let rules = mapping["users"].as_array_mut().unwrap();
        let title = rules.iter_mut().find(|rule| rule["field"] == "jobTitle").unwrap();
        title["source"] = json!({ "kind": "constant", "value": "Engineer" });
        bridge.admin(Method::PUT, "/apps/sandbox/mapping", mapping).await;
        let run = bridge.admin(Method::POST, "/apps/sandbox/sync", json!({ "confirm": true })).await;
        bridge.accounts("sandbox", "User").await;
        let path = format!("/attempts?run={}", run["id"].as_str().unwrap());
        let page = bridge.admin(Method::GET, &path, Value::Null).await;
        let items = page["items"].as_array().unwrap();
        assert_eq!(items.len(), 1, "{page}");
        assert_eq!((&items[0]["action"], &items[0]["resource"]), (&json!("update"), &json!(id)));
        // The sandbox is not asked over HTTP.
        assert_eq!((&items[0]["exchanges"], &items[0]["exchangesLeftOut"]), (&json!([]), &json!(0)));
        let unknown = format!("run={id}");
        assert_eq!(count(&bridge, &unknown).await, 0);
        bridge.stop().await;
    }
}
