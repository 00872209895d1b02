//! *Provision now*: one object at once, and every step of it told.

use super::bridge::{Bridge, PATIENCE};
use super::downstream::Downstream;
use super::meddler::Meddling;
use crate::world::{ORG, World, both};
use reqwest::Method;
use rollcall::clock::Clock;
use rollcall::http::instance::{Instance, Materials};
use rollcall::outbound::provision::{self, Outcome};
use rollcall::vault::Vault;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

const AWAY: &str =
    r#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:Error"],"status":"503","detail":"away"}"#;

/// An app that answers nothing but 503 to what changes something, until it is said to be back.
async fn away(world: &World, policy: Value) -> (Downstream, Arc<AtomicBool>) {
    let is_away = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&is_away);
    let scene = Downstream::meddled(world, policy, move |method, _, _| {
        if method != "GET" && seen.load(Ordering::SeqCst) {
            return Meddling::Answer(503, AWAY);
        }
        Meddling::Pass
    })
    .await;
    (scene, is_away)
}

async fn provision(scene: &Downstream, id: &str) -> (u16, Value) {
    scene.try_to(Method::POST, &format!("/provision/{id}"), Value::Null).await
}

fn steps(told: &Value) -> Vec<&str> {
    told["steps"].as_array().unwrap().iter().map(|one| one["step"].as_str().unwrap()).collect()
}

fn step<'a>(told: &'a Value, name: &str) -> &'a Value {
    let all = told["steps"].as_array().unwrap();
    all.iter().find(|one| one["step"] == name).unwrap_or_else(|| panic!("no {name}: {told}"))
}

/// `METHOD path body` of what a trace says was sent.
fn sent(told: &Value) -> Vec<String> {
    let all = told["steps"].as_array().unwrap().iter();
    let requests = all.flat_map(|one| one["requests"].as_array().cloned().unwrap_or_default());
    requests
        .map(|one| {
            let url = one["url"].as_str().unwrap();
            let (_, path) = url.split_once("/scim/v2").unwrap();
            let body = one.get("body").map(ToString::to_string).unwrap_or_default();
            format!("{} /scim/v2{path} {body}", one["method"].as_str().unwrap())
        })
        .collect()
}

fn sorted(line: &str) -> String {
    // Keys of a body may come in another order.
    let mut parts = line.splitn(3, ' ');
    let (method, path, body) =
        (parts.next().unwrap(), parts.next().unwrap(), parts.next().unwrap());
    let body: Value = serde_json::from_str(body).unwrap_or(Value::Null);
    format!("{method} {path} {body}")
}

both! {
    async fn a_creation_is_told_from_the_first_look_to_what_was_recorded(world: World) {
        let (scene, is_away) = away(&world, json!({ "scope": "title eq \"Technician\"" })).await;
        is_away.store(true, Ordering::SeqCst);
        let ann = scene.bridge.person("ann").await;
        scene.bridge.published().await;
        scene.bridge.until("assist", "it waits for its next try", |app| app["queue"]["ready"] == 1).await;
        while scene.writes().is_empty() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        // The app is away: the trace says so, and when it is tried again.
        let (status, told) = provision(&scene, &ann).await;
        assert_eq!((status, &told["outcome"]), (200, &json!("retry")), "{told}");
        let create = step(&told, "create");
        assert_eq!(create["answer"]["class"], "inDoubt", "{told}");
        assert!(told["verdict"].as_str().unwrap().contains("It is tried again at"), "{told}");
        assert!(told["pending"]["nextTry"].is_string());
        assert!(told["recorded"].as_array().unwrap().iter().any(|one| one["outcome"] == "retry"));

        is_away.store(false, Ordering::SeqCst);
        scene.forget();
        let (status, told) = provision(&scene, &ann).await;
        assert_eq!((status, &told["outcome"]), (200, &json!("done")), "{told}");
        let shown = steps(&told);
        let shown: Vec<&str> = shown.into_iter().filter(|step| *step != "wait").collect();
        assert_eq!(shown, ["read", "scope", "match", "plan", "find", "plan", "create"], "{told}");
        assert!(step(&told, "read")["sentence"].as_str().unwrap().starts_with("ann@zylker.example is in the directory"));
        let scope = &step(&told, "scope")["scope"];
        assert_eq!((&scope["inScope"], &scope["parts"][0]["rule"]), (&json!(true), &json!("filter")));
        assert!(step(&told, "match")["sentence"].as_str().unwrap().contains("userName"));
        assert_eq!(step(&told, "find")["answer"]["detail"], "Nothing was found.");
        assert_eq!(step(&told, "create")["answer"]["class"], "done");
        let told_of: Vec<String> = sent(&told).iter().map(|line| sorted(line)).collect();
        let seen: Vec<String> = scene.seen().iter()
            .filter(|line| !line.contains("ServiceProviderConfig")).map(|line| sorted(line)).collect();
        assert_eq!(told_of, seen, "what was sent, request by request");
        let account = scene.account("ann").await["id"].clone();
        assert_eq!((&told["link"]["remoteId"], &told["pending"]), (&account, &Value::Null));
        assert_eq!(told["verdict"], "The app holds what it should.");
        let recorded: Vec<&str> = told["recorded"].as_array().unwrap().iter()
            .map(|one| one["action"].as_str().unwrap()).collect();
        assert_eq!(recorded, ["create"]);
        assert!(!told.to_string().contains(&scene.app.token), "no secrets");
        // Nothing is left to do.
        scene.forget();
        let (_, told) = provision(&scene, &ann).await;
        assert_eq!(steps(&told), ["read", "scope", "match", "plan"]);
        assert_eq!((scene.writes(), &told["recorded"]), (vec![], &json!([])));
        scene.stop().await;
    }

    async fn who_is_out_of_scope_is_told_by_which_part(world: World) {
        let scene = Downstream::new(&world, json!({ "scope": { "filter": "title eq \"Boss\"", "assigned": true } })).await;
        let ann = scene.bridge.person("ann").await;
        scene.quiet().await;
        let (_, told) = provision(&scene, &ann).await;
        let parts = &step(&told, "scope")["scope"]["parts"];
        assert_eq!((&parts[0]["rule"], &parts[0]["holds"]), (&json!("filter"), &json!(false)), "{told}");
        assert_eq!((&told["outcome"], &told["verdict"]), (&json!("done"), &json!("There is no account, and there should be none.")));
        scene.stop().await;
    }

    async fn one_whom_the_app_refuses_is_told_with_the_field_and_the_remedy(world: World) {
        let bridge = Bridge::start(&world.store, &Vault::ephemeral()).await;
        bridge.sandbox().await;
        let long = bridge.person(&"n".repeat(100)).await;
        bridge.published().await;
        let path = format!("/apps/sandbox/provision/{long}");
        let told = bridge.admin(Method::POST, &path, Value::Null).await;
        assert_eq!(told["outcome"], "parked", "{told}");
        let reason = &told["pending"]["reason"];
        assert_eq!(reason["field"], "loginName");
        let verdict = told["verdict"].as_str().unwrap();
        assert!(verdict.contains(reason["detail"].as_str().unwrap()), "{told}");
        assert!(verdict.contains(reason["remedy"].as_str().unwrap()), "{told}");
        bridge.set(&long, "userName", json!("short@zylker.example")).await;
        bridge.published().await;
        let told = bridge.admin(Method::POST, &path, Value::Null).await;
        assert_eq!((&told["outcome"], &told["link"]["state"]), (&json!("done"), &json!("linked")), "{told}");
        bridge.stop().await;
    }

    async fn somebody_who_is_gone_has_an_account_that_can_be_worked_on(world: World) {
        let (scene, is_away) = away(&world, json!({ "policy": { "deleted": "delete" } })).await;
        let ann = scene.bridge.person("ann").await;
        scene.quiet().await;
        is_away.store(true, Ordering::SeqCst);
        scene.forget();
        scene.delete(&ann).await;
        while scene.writes().is_empty() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        is_away.store(false, Ordering::SeqCst);
        let (status, told) = provision(&scene, &ann).await;
        assert_eq!((status, &told["outcome"], &told["link"]), (200, &json!("done"), &Value::Null), "{told}");
        assert!(step(&told, "read")["sentence"].as_str().unwrap().starts_with("Gone from the directory."));
        assert_eq!(step(&told, "delete")["answer"]["class"], "done");
        assert_eq!(scene.accounts().await, Vec::<String>::new());
        let (status, _) = provision(&scene, &ann).await;
        assert_eq!(status, 404, "now nothing is left of her");
        scene.stop().await;
    }

    async fn a_group_of_any_size_is_told_of_its_members_request_by_request(world: World) {
        let (scene, is_away) = away(&world, json!({})).await;
        let mut ids = Vec::new();
        for number in 0..230 {
            ids.push(scene.bridge.person(&format!("p{number}")).await);
        }
        scene.quiet().await;
        let everybody: Vec<&str> = ids.iter().map(String::as_str).collect();
        // Once more where another worker is quicker after the app came back.
        for round in 0.. {
            is_away.store(true, Ordering::SeqCst);
            scene.forget();
            let name = format!("Everybody{round}");
            let group = scene.group(&name, &everybody).await;
            while scene.writes().is_empty() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            is_away.store(false, Ordering::SeqCst);
            let (status, told) = provision(&scene, &group).await;
            assert_eq!((status, &told["outcome"], &told["omitted"]), (200, &json!("done"), &json!(0)), "{told}");
            assert_eq!(scene.members(&name).await.len(), 230);
            let asked: Vec<&str> = told["steps"].as_array().unwrap().iter()
                .filter(|step| step["step"] == "members")
                .map(|step| step["sentence"].as_str().unwrap()).collect();
            let sentence = |count| format!("The group is told of its members: {count} join, 0 leave.");
            if !asked.is_empty() {
                assert_eq!(asked, [sentence(100), sentence(100), sentence(30)]);
                break;
            }
        }
        scene.stop().await;
    }

    async fn an_object_that_somebody_works_on_is_waited_for_and_not_done_twice(world: World) {
        let scene = Downstream::meddled(&world, json!({}), |method, _, _| match method {
            "POST" => Meddling::Slow(Duration::from_millis(1_500)),
            _ => Meddling::Pass,
        }).await;
        let ann = scene.bridge.person("ann").await;
        while scene.writes().is_empty() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let (status, told) = provision(&scene, &ann).await;
        assert_eq!((status, &told["outcome"]), (200, &json!("done")), "{told}");
        assert_eq!(steps(&told), ["wait", "read", "scope", "match", "plan"]);
        assert!(step(&told, "wait")["sentence"].as_str().unwrap().contains("Another worker"));
        assert_eq!(scene.writes().len(), 1, "{:?}", scene.writes());
        scene.stop().await;
    }

    async fn what_takes_long_is_told_so_far_and_goes_on_by_itself(world: World) {
        let scene = Downstream::meddled(&world, json!({}), |method, _, _| match method {
            "POST" => Meddling::Slow(Duration::from_millis(1_500)),
            _ => Meddling::Pass,
        }).await;
        let instance = Instance::new(Materials {
            store: world.store.clone(),
            vault: scene.vault.clone(),
            clock: Clock::System,
            base: scene.bridge.base.clone(),
            body_limit: 1024,
            large_body_limit: 1024,
            app_concurrency: 1,
        });
        let engine = instance.engine();
        let app = world.store.read(ORG, |reader| reader.app_named("assist")).await.unwrap().unwrap();
        let application = engine.application(ORG, app.id).await.unwrap().unwrap();
        let patience = Duration::from_millis(300);
        let ann = scene.bridge.person("ann").await;
        let told = provision::now(engine, &application, ann.parse().unwrap(), patience).await.unwrap();
        assert_eq!(told.outcome, Outcome::Running, "{told:?}");
        // Another worker may have been quicker; then the end of its work is what is waited for.
        let last = told.steps.last().unwrap();
        assert!(["wait", "create"].contains(&last.step) && last.answer.is_none(), "{told:?}");
        scene.quiet().await;
        assert_eq!(scene.accounts().await, ["ann true"]);
        assert_eq!(scene.writes().len(), 1, "{:?}", scene.writes());
        scene.stop().await;
    }

    async fn what_no_app_is_told_of_is_said(world: World) {
        let scene = Downstream::new(&world, json!({ "policy": { "groups": false } })).await;
        let staff = scene.group("Staff", &[]).await;
        let (status, told) = provision(&scene, &staff).await;
        assert_eq!((status, &told["outcome"]), (200, &json!("done")), "{told}");
        assert!(told["verdict"].as_str().unwrap().contains("not told of groups"), "{told}");
        assert_eq!(scene.writes(), Vec::<String>::new());
        let nobody = "01a20ac4-94ea-7635-8b24-7635382353f1";
        for (id, status) in [(nobody, 404), ("ann", 400)] {
            let (told, problem) = provision(&scene, id).await;
            assert_eq!(told, status, "{problem}");
        }
        scene.stop().await;
    }

    /// A refused credential pauses the app, and the answer says so.
    async fn a_pause_that_comes_of_it_is_told(world: World) {
        let scene = Downstream::meddled(&world, json!({}), |method, _, _| match method {
            "POST" => Meddling::Answer(401, "{}"),
            _ => Meddling::Pass,
        }).await;
        scene.ask(Method::PATCH, "", json!({ "paused": true })).await;
        let ann = scene.bridge.person("ann").await;
        scene.bridge.published().await;
        scene.ask(Method::PATCH, "", json!({ "paused": false })).await;
        let view = scene.bridge.until("assist", "it pauses", |app| !app["paused"].is_null()).await;
        assert_eq!(view["pausedBy"], "credential");
        let (status, problem) = provision(&scene, &ann).await;
        assert_eq!(status, 409, "{problem}");
        assert!(problem["detail"].as_str().unwrap().contains("credential"), "{problem}");
        // It is let go on for one try.
        scene.ask(Method::PATCH, "", json!({ "paused": false })).await;
        let asked = async {
            loop {
                let (status, told) = provision(&scene, &ann).await;
                if status == 200 {
                    return told;
                }
                scene.ask(Method::PATCH, "", json!({ "paused": false })).await;
            }
        };
        let told = tokio::time::timeout(PATIENCE, asked).await.expect("the queue is always first");
        assert_eq!(told["outcome"], "paused", "{told}");
        assert!(told["verdict"].as_str().unwrap().contains("credential"), "{told}");
        assert_eq!(scene.bridge.admin(Method::GET, "/apps/assist", Value::Null).await["queue"]["ready"], 1, "its queue is kept");
        scene.stop().await;
    }
}
