//! What a plan concludes from an app's list: nothing is done about it before the run starts, nothing is
//! concluded while nothing is sent, and a list that is not believed is said not to be.

use super::bridge::{Bridge, PATIENCE};
use super::roster::{Roster, Telling};
use super::running::{app, changes, link, people, roster, settled, switch_on, sync};
use crate::world::{World, both};
use reqwest::Method;
use rollcall::id::ResourceId;
use rollcall::vault::Vault;
use serde_json::{Value, json};
use std::time::Duration;

/// An app of so many people, all of them linked to accounts that Rollcall made.
struct Scene {
    bridge: Bridge,
    roster: Roster,
    ids: Vec<ResourceId>,
}

impl Scene {
    async fn new(world: &World, count: usize, policy: Value) -> Self {
        let ids = people(world, count).await;
        let roster = roster(&ids);
        let bridge = Bridge::start(&world.store, &Vault::ephemeral()).await;
        let id = app(&bridge, &roster, policy).await;
        link(world, &bridge, id, &ids).await;
        switch_on(&bridge).await;
        roster.requests();
        Self { bridge, roster, ids }
    }

    async fn ask(&self, method: Method, path: &str, body: Value) -> Value {
        self.bridge.admin(method, &format!("/apps/roster{path}"), body).await
    }

    /// State and origin of somebody's link.
    async fn link(&self, at: usize) -> (String, String) {
        let view = self.ask(Method::GET, &format!("/links/{}", self.ids[at]), Value::Null).await;
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        (text(&view["state"]), text(&view["origin"]))
    }

    /// A dry run, once it is planned.
    async fn plan(&self) -> Value {
        self.ask(Method::POST, "/sync", json!({})).await;
        settled(&self.bridge).await
    }

    async fn integrity(&self) -> Value {
        self.ask(Method::GET, "/integrity", Value::Null).await
    }

    async fn stop(self) {
        self.bridge.stop().await;
        self.roster.stop().await;
    }
}

fn linked() -> (String, String) {
    ("linked".to_owned(), "created".to_owned())
}

both! {
    /// Nothing becomes of an account that a dry run finds gone before somebody confirms it, nor of those
    /// who refer to it.
    async fn what_a_dry_run_finds_lost_is_settled_when_it_starts(world: World) {
        let other = World::new(world.database).await;
        let vault = Vault::ephemeral();
        let app = Bridge::start(&other.store, &vault).await;
        let bridge = Bridge::start(&world.store, &vault).await;
        bridge.admin(Method::POST, "/apps", json!({
            "name": "assist", "adapter": "scim", "enabled": true,
            "settings": { "url": format!("{}/scim/v2", app.base) }, "secrets": { "token": app.token },
        })).await;
        let (boss, clerk) = (bridge.person("boss").await, bridge.person("clerk").await);
        let manager = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager";
        bridge.set(&clerk, manager, json!({ "value": boss })).await;
        bridge.accounts("assist", "User").await;
        let remote = async |id: &str| {
            let path = format!("/apps/assist/links/{id}");
            let view = bridge.admin(Method::GET, &path, Value::Null).await;
            view["remoteId"].as_str().unwrap().to_owned()
        };
        let managed_by = async |id: &str| {
            let shown = app.push(Method::GET, &format!("/Users/{id}"), Value::Null).await;
            let extension = manager.trim_end_matches(":manager");
            shown[extension]["manager"]["value"].clone()
        };
        let (old, theirs) = (remote(&boss).await, remote(&clerk).await);
        assert_eq!(managed_by(&theirs).await, json!(old));
        app.push(Method::DELETE, &format!("/Users/{old}"), Value::Null).await;
        let held = managed_by(&theirs).await;
        let before = bridge.admin(Method::GET, "/attempts", Value::Null).await;

        let run = bridge.admin(Method::POST, "/apps/assist/sync", json!({})).await;
        assert_eq!((&run["state"], &run["plan"]["listing"]["lost"]), (&json!("planned"), &json!(1)), "{run}");
        assert_eq!(run["plan"]["counts"]["User"]["create"], 1, "{run}");
        bridge.accounts("assist", "User").await;
        assert_eq!(bridge.admin(Method::GET, "/attempts", Value::Null).await, before, "nothing is sent");
        assert_eq!(managed_by(&theirs).await, held);
        assert_eq!(remote(&boss).await, old, "and nothing is forgotten");
        let found = bridge.admin(Method::GET, "/apps/assist/integrity", Value::Null).await;
        assert_eq!(found["counts"]["doubted"], 1, "{found}");

        let path = format!("/runs/{}/confirm", run["id"].as_str().unwrap());
        bridge.admin(Method::POST, &path, Value::Null).await;
        bridge.accounts("assist", "User").await;
        let new = remote(&boss).await;
        assert_ne!(new, old);
        assert_eq!(managed_by(&theirs).await, json!(new));
        let found = bridge.admin(Method::GET, "/apps/assist/integrity", Value::Null).await;
        assert_eq!(found["counts"]["applied"], 2, "{found}");
        bridge.stop().await;
        app.stop().await;
    }

    /// An app that is off, in maintenance or paused may say what it likes of its accounts.
    async fn nothing_is_concluded_while_nothing_is_sent(world: World) {
        let scene = Scene::new(&world, 30, json!({})).await;
        let ways = [
            ("", json!({ "maintenance": true }), json!({ "maintenance": false })),
            ("", json!({ "paused": true }), json!({ "paused": false })),
            ("/provisioning", json!({ "enabled": false }), json!({ "enabled": true })),
        ];
        for (path, begin, end) in ways {
            let method = if path.is_empty() { Method::PATCH } else { Method::PUT };
            scene.ask(method.clone(), path, begin.clone()).await;
            let gone = scene.roster.people()["remote-000003"].clone();
            scene.roster.meddle(|people| drop(people.remove("remote-000003")));
            let run = scene.plan().await;
            let listing = &run["plan"]["listing"];
            assert_eq!((&listing["lost"], &listing["doubted"]), (&json!(0), &json!(1)), "{begin} {run}");
            assert_eq!(run["total"], 0, "{run}");
            let verdict = run["plan"]["verdict"].as_str().unwrap();
            assert!(verdict.contains("nothing is concluded"), "{begin} {verdict}");
            scene.roster.meddle(|people| drop(people.insert("remote-000003".to_owned(), gone)));
            scene.ask(method, path, end).await;
            let run = settled(&scene.bridge).await;
            assert_eq!(run["total"], 0, "{begin} {run}");
            assert_eq!(scene.link(3).await, linked(), "{begin}");
        }
        assert_eq!(changes(&scene.roster.requests()), Vec::<&String>::new());
        scene.stop().await;
    }

    /// An account that was lost and comes back is still the one that Rollcall made: who is deleted takes
    /// it along.
    async fn an_account_that_comes_back_is_known_as_made(world: World) {
        let scene = Scene::new(&world, 10, json!({ "deleted": "delete" })).await;
        let gone = scene.roster.people()["remote-000003"].clone();
        scene.roster.meddle(|people| drop(people.remove("remote-000003")));
        let run = scene.plan().await;
        assert_eq!(run["plan"]["counts"]["User"]["create"], 1, "{run}");
        scene.roster.meddle(|people| drop(people.insert("remote-000003".to_owned(), gone)));
        let path = format!("/runs/{}/confirm", run["id"].as_str().unwrap());
        scene.bridge.admin(Method::POST, &path, Value::Null).await;
        settled(&scene.bridge).await;
        let tries = scene.bridge.attempts("roster", &scene.ids[3].to_string()).await;
        assert!(tries.ends_with(&["lost/done".to_owned(), "adopt/done".to_owned()]), "{tries:?}");
        assert_eq!(scene.link(3).await, linked());
        scene.bridge.push(Method::DELETE, &format!("/Users/{}", scene.ids[3]), Value::Null).await;
        scene.bridge.accounts("roster", "User").await;
        assert!(!scene.roster.people().contains_key("remote-000003"), "it is deleted, not switched off");
        scene.stop().await;
    }

    /// An app that starts empty is not reported as fine, and there is a way out, however many it lost.
    async fn an_app_that_lost_everybody_is_held_and_believed_when_approved(world: World) {
        let scene = Scene::new(&world, 230, json!({})).await;
        scene.roster.meddle(std::collections::BTreeMap::clear);
        let run = sync(&scene.bridge).await;
        assert_eq!(run["state"], "held", "{run}");
        assert_eq!(
            run["held"]["sentence"],
            "the app's list leaves out 230 of 230 linked accounts; it is not believed"
        );
        assert!(run["held"]["remedy"].as_str().unwrap().contains("Look at the app"), "{run}");
        assert_eq!(changes(&scene.roster.requests()), Vec::<&String>::new());
        let found = scene.integrity().await;
        assert_eq!((&found["counts"]["applied"], &found["counts"]["doubted"]), (&json!(0), &json!(230)), "{found}");
        assert!(!found["verdict"].as_str().unwrap().contains("accounted for"), "{found}");

        let path = format!("/runs/{}/approve", run["id"].as_str().unwrap());
        let reason = json!({ "reason": "It was set up anew." });
        scene.bridge.admin(Method::POST, &path, reason).await;
        let run = settled(&scene.bridge).await;
        assert_eq!((&run["state"], &run["done"], &run["failed"]), (&json!("done"), &json!(230), &json!(0)), "{run}");
        assert_eq!(run["plan"]["listing"]["lost"], 230, "{run}");
        assert_eq!((&run["held"], &run["note"]), (&Value::Null, &json!("It was set up anew.")), "{run}");
        assert_eq!(scene.roster.people().len(), 230);
        let found = scene.integrity().await;
        assert_eq!(found["counts"]["applied"], 230, "{found}");
        scene.stop().await;
    }

    /// A list that is right again clears the doubt; and one that is believed by mistake loses nobody whom
    /// the app has.
    async fn a_doubt_ends_with_a_list_that_is_believed(world: World) {
        let scene = Scene::new(&world, 30, json!({})).await;
        scene.roster.tell(Telling::Short(10));
        let run = sync(&scene.bridge).await;
        assert_eq!(run["held"]["list"]["unseen"], 20, "{run}");
        assert_eq!(scene.integrity().await["counts"]["doubted"], 20);
        let path = format!("/runs/{}/approve", run["id"].as_str().unwrap());
        scene.bridge.admin(Method::POST, &path, json!({ "reason": "Ten are right." })).await;
        let run = settled(&scene.bridge).await;
        assert_eq!((&run["state"], &run["plan"]["listing"]["lost"]), (&json!("done"), &json!(0)), "{run}");
        assert_eq!(scene.integrity().await["counts"]["applied"], 30);
        assert_eq!(changes(&scene.roster.requests()), Vec::<&String>::new());
        let run = sync(&scene.bridge).await;
        assert_eq!(run["state"], "held", "what was approved was that list: {run}");
        scene.roster.tell(Telling::Whole);
        let run = sync(&scene.bridge).await;
        assert_eq!(run["plan"]["verdict"], "Nothing to do: all 30 objects are in sync.");
        assert_eq!(scene.integrity().await["counts"]["applied"], 30);
        scene.stop().await;
    }

    /// A run that cannot go on says so, and gives no estimate.
    async fn a_run_that_waits_says_for_what(world: World) {
        let scene = Scene::new(&world, 10, json!({})).await;
        scene.roster.meddle(|people| people.values_mut().for_each(|one| one["title"] = json!("Pirate")));
        scene.ask(Method::PATCH, "", json!({ "maintenance": true })).await;
        scene.ask(Method::POST, "/sync", json!({ "confirm": true })).await;
        let running = |view: &Value| view["run"]["state"] == "running";
        let view = scene.bridge.until("roster", "the run starts", running).await;
        let run = &view["run"];
        assert!(run["waits"].as_str().unwrap().contains("In maintenance"), "{run}");
        assert_eq!((&run["secondsLeft"], &run["perSecond"]), (&Value::Null, &Value::Null), "{run}");
        let second = scene.ask(Method::POST, "/sync", json!({ "confirm": true })).await;
        let path = format!("/runs/{}", second["id"].as_str().unwrap());
        let waiting = async {
            loop {
                let view = scene.bridge.admin(Method::GET, &path, Value::Null).await;
                if view["state"] == "queued" {
                    return view;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let queued = tokio::time::timeout(PATIENCE, waiting).await.unwrap();
        assert!(queued["waits"].as_str().unwrap().contains("applied first"), "{queued}");

        let first = format!("/runs/{}", run["id"].as_str().unwrap());
        let stream = reqwest::Client::new()
            .get(format!("{}/api/v1{first}/events", scene.bridge.base))
            .bearer_auth(&scene.bridge.token)
            .send().await.unwrap();
        scene.ask(Method::PUT, "/provisioning", json!({ "enabled": false })).await;
        let view = scene.bridge.admin(Method::GET, &first, Value::Null).await;
        assert!(view["waits"].as_str().unwrap().contains("Provisioning is off"), "{view}");
        scene.ask(Method::PUT, "/provisioning", json!({ "enabled": true })).await;
        scene.ask(Method::PATCH, "", json!({ "maintenance": false })).await;
        let text = tokio::time::timeout(PATIENCE, stream.text()).await.unwrap().unwrap();
        let told: Vec<Value> = text.split("\n\n")
            .filter_map(|event| event.strip_prefix("event: progress\ndata: "))
            .map(|data| serde_json::from_str(data).unwrap()).collect();
        assert!(told[0]["waits"].is_string(), "{text}");
        let last = told.last().unwrap();
        assert_eq!((&last["state"], &last["waits"]), (&json!("done"), &Value::Null), "{text}");
        settled(&scene.bridge).await;
        scene.stop().await;
    }

    /// However many runs are asked for at once, an app is asked for one list at a time.
    async fn one_plan_of_an_app_is_made_at_a_time(world: World) {
        let scene = Scene::new(&world, 10, json!({})).await;
        scene.roster.open(false);
        let asks = (0..12).map(|_| scene.ask(Method::POST, "/sync", json!({})));
        let runs = futures_util::future::join_all(asks).await;
        let lists = || {
            let asked = scene.roster.asked();
            asked.iter().filter(|request| request.starts_with("GET /Users")).count()
        };
        assert_eq!(lists(), 1, "{:?}", scene.roster.asked());
        assert!(runs.iter().all(|run| run["state"] == "planning"), "{runs:?}");
        let page = scene.ask(Method::GET, "/runs", Value::Null).await;
        let said = page["items"].as_array().unwrap().iter().filter(|run| {
            run["state"] == "planning" && run["waits"].as_str().is_some_and(|why| why.contains("planned first"))
        });
        assert_eq!(said.count(), 11, "{page}");
        scene.roster.open(true);
        for run in &runs {
            let path = format!("/runs/{}", run["id"].as_str().unwrap());
            let planned = async {
                while scene.bridge.admin(Method::GET, &path, Value::Null).await["state"] != "planned" {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            };
            tokio::time::timeout(PATIENCE, planned).await.unwrap();
        }
        scene.stop().await;
    }
}
