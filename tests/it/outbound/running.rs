//! Runs: planned, confirmed, held, queued, cancelled, gone on with after a crash, and followed.

#![allow(clippy::needless_for_each, reason = "plainer in a test")]

use super::bridge::{Bridge, PATIENCE};
use super::roster::{Roster, Telling};
use crate::world::{ORG, World, attributes, both, kind, new_id};
use reqwest::Method;
use rollcall::id::{AppId, ResourceId};
use rollcall::store::links::LinkRow;
use rollcall::vault::Vault;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::time::Duration;

/// People of the directory, in bulk: user names `u0`, `u1`, …
pub async fn people(world: &World, count: usize) -> Vec<ResourceId> {
    named(world, count, &json!({})).await
}

/// The same, each with a name.
async fn named(world: &World, count: usize, name: &Value) -> Vec<ResourceId> {
    let ids: Vec<ResourceId> = (0..count).map(|_| new_id()).collect();
    for (at, chunk) in ids.chunks(500).enumerate() {
        let (chunk, full) = (chunk.to_vec(), name.clone());
        let write = move |t: &mut rollcall::store::Transaction<'_>| {
            for (offset, id) in chunk.iter().enumerate() {
                let name = format!("u{}", at * 500 + offset);
                let mut person = attributes(json!({
                    "userName": name, "active": true, "title": "Technician",
                }));
                if full != json!({}) {
                    person.insert("name".into(), full.clone());
                }
                t.insert_resource(&kind("User"), *id, &person, crate::world::NOW)?;
            }
            Ok(())
        };
        world.store.write(ORG, write).await.unwrap();
    }
    ids
}

/// An app that holds all of them as they should be, and knows them by `remote-N`.
pub fn roster(ids: &[ResourceId]) -> Roster {
    let people: BTreeMap<String, Value> = ids
        .iter()
        .enumerate()
        .map(|(at, id)| {
            let person = json!({
                "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
                "id": format!("remote-{at:06}"), "externalId": id.to_string(),
                "userName": format!("u{at}"), "active": true, "title": "Technician",
            });
            (format!("remote-{at:06}"), person)
        })
        .collect();
    Roster::start(people)
}

/// Sets the app up without switching it on.
pub async fn app(bridge: &Bridge, roster: &Roster, policy: Value) -> AppId {
    let made = bridge
        .admin(
            Method::POST,
            "/apps",
            json!({
                "name": "roster", "adapter": "scim", "settings": { "url": roster.address },
                "secrets": { "token": "secret" }, "policy": policy,
            }),
        )
        .await;
    made["id"].as_str().unwrap().parse().unwrap()
}

/// Links everybody to what the app holds of them.
pub async fn link(world: &World, bridge: &Bridge, app: AppId, ids: &[ResourceId]) {
    let accounts = bridge.accounts("roster", "User").await;
    let links: Vec<LinkRow> = accounts
        .into_iter()
        .map(|account| {
            let remote = account["id"].as_str().unwrap().to_owned();
            let at: usize = remote.trim_start_matches("remote-").parse().unwrap();
            LinkRow {
                app,
                resource: ids[at],
                kind: "User".into(),
                remote_id: Some(remote),
                state: "linked".into(),
                origin: "created".into(),
                record: account["record"].as_object().unwrap().clone(),
                pushed_us: 1,
                leaving_us: None,
                seen_us: None,
                drift: Map::new(),
                mapping: Some(1),
            }
        })
        .collect();
    for chunk in links.chunks(500) {
        let chunk = chunk.to_vec();
        let write = move |t: &mut rollcall::store::Transaction<'_>| {
            chunk.iter().try_for_each(|link| t.put_link(link))
        };
        world.store.write(ORG, write).await.unwrap();
    }
}

pub async fn switch_on(bridge: &Bridge) {
    let on = json!({ "enabled": true });
    bridge.admin(Method::PUT, "/apps/roster/provisioning", on).await;
    settled(bridge).await;
}

/// The latest run, once it is over or waits for a person and the queue is quiet.
pub async fn settled(bridge: &Bridge) -> Value {
    let view = bridge
        .until("roster", "the run ends", |app| {
            let open = ["planning", "queued", "running"];
            !open.contains(&app["run"]["state"].as_str().unwrap_or_default())
                && app["queue"]["ready"] == 0
                && app["queue"]["running"] == 0
        })
        .await;
    view["run"].clone()
}

pub async fn sync(bridge: &Bridge) -> Value {
    bridge.admin(Method::POST, "/apps/roster/sync", json!({ "confirm": true })).await;
    settled(bridge).await
}

pub fn changes(requests: &[String]) -> Vec<&String> {
    requests.iter().filter(|request| !request.starts_with("GET ")).collect()
}

both! {
    /// A Quick Sync with nothing to do costs a request a page and a few more.
    async fn complaint_05_a_sync_without_a_difference_costs_a_request_a_page(world: World) {
        let count = if world.database == Database::Sqlite { 10_000 } else { 2_000 };
        let ids = people(&world, count).await;
        let roster = roster(&ids);
        let bridge = Bridge::start(&world.store, &Vault::ephemeral()).await;
        let id = app(&bridge, &roster, json!({})).await;
        link(&world, &bridge, id, &ids).await;
        switch_on(&bridge).await;
        roster.requests();
        let run = sync(&bridge).await;
        let requests = roster.requests();
        assert_eq!((&run["state"], &run["seen"], &run["read"]), (&json!("done"), &json!(count), &json!(count)));
        assert_eq!(run["plan"]["verdict"], format!("Nothing to do: all {count} objects are in sync."));
        assert_eq!(changes(&requests), Vec::<&String>::new());
        let most = count.div_ceil(100) + 5;
        assert!(requests.len() <= most, "{} requests, {most} would do", requests.len());
        bridge.stop().await;
        roster.stop().await;
    }

    /// A list that is cut off, by itself or by a mistake in the app, takes nobody away and makes
    /// nobody anew. One that breaks off is no more than that; one that looks whole and leaves out too
    /// many holds the run, with the reason.
    async fn half_a_list_removes_nobody(world: World) {
        let ids = people(&world, 300).await;
        let roster = roster(&ids);
        let bridge = Bridge::start(&world.store, &Vault::ephemeral()).await;
        let id = app(&bridge, &roster, json!({})).await;
        link(&world, &bridge, id, &ids).await;
        switch_on(&bridge).await;
        for (telling, state, said) in [
            (Telling::Broken(150), "done", "150 of the 300"),
            (Telling::Short(150), "held", "leaves out 150 of 300"),
            (Telling::Short(0), "held", "leaves out 300 of 300"),
            (Telling::Broken(0), "done", "0 of the 300"),
        ] {
            roster.tell(telling);
            roster.requests();
            let run = sync(&bridge).await;
            let requests = roster.requests();
            assert_eq!(changes(&requests), Vec::<&String>::new(), "{telling:?}");
            assert_eq!(run["state"], state, "{run}");
            let why = run["plan"]["listing"]["incomplete"].as_str().unwrap();
            assert!(why.contains(said), "{telling:?}: {why}");
            let verdict = run["plan"]["verdict"].as_str().unwrap();
            assert!(!verdict.contains("in sync") && verdict.contains(said), "{telling:?}: {verdict}");
            let sentence = run["held"]["sentence"].as_str();
            assert_eq!(sentence.is_some_and(|text| text.contains(said)), state == "held", "{run}");
            assert!(requests.len() < 20, "{telling:?}: nobody is asked for one by one: {requests:?}");
        }
        // A few who are missing from the list are asked for, and are there.
        roster.tell(Telling::Short(297));
        let run = sync(&bridge).await;
        let requests = roster.requests();
        assert_eq!(run["plan"]["listing"]["lost"], 0, "{run}");
        assert_eq!(changes(&requests), Vec::<&String>::new());
        assert_eq!(roster.people().len(), 300);
        bridge.stop().await;
        roster.stop().await;
    }

    /// One bad record among many stops none of the others.
    async fn one_poison_person_leaves_all_others_applied(world: World) {
        let count = if world.database == Database::Sqlite { 10_000 } else { 1_000 };
        named(&world, count, &json!({ "givenName": "Will", "familyName": "Woods" })).await;
        let poison = new_id();
        let nameless = attributes(json!({ "userName": "poison", "active": true }));
        world.store.write(ORG, move |t| t.insert_resource(&kind("User"), poison, &nameless, 1)).await.unwrap();
        let bridge = Bridge::start(&world.store, &Vault::ephemeral()).await;
        bridge.admin(Method::POST, "/apps", json!({ "name": "sandbox", "adapter": "sandbox" })).await;
        bridge.admin(Method::PUT, "/apps/sandbox/provisioning", json!({ "enabled": true })).await;
        let waiting = async {
            loop {
                let view = bridge.admin(Method::GET, "/apps/sandbox", Value::Null).await;
                if view["run"]["state"] == "done" {
                    return view;
                }
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        };
        let view = tokio::time::timeout(PATIENCE * 4, waiting).await.unwrap();
        let run = &view["run"];
        assert_eq!((&run["total"], &run["done"], &run["failed"]), (&json!(count + 1), &json!(count), &json!(1)), "{run}");
        let parked = bridge.admin(Method::GET, "/apps/sandbox/parked", Value::Null).await;
        let parked = parked["items"].as_array().unwrap();
        assert_eq!(parked.len(), 1);
        assert_eq!(parked[0]["resource"], poison.to_string());
        assert!(parked[0]["reason"]["field"].is_string() && parked[0]["reason"]["remedy"].is_string(), "{parked:?}");
        bridge.stop().await;
    }

    /// What a run would take away beyond the limits waits for somebody who says that it is right.
    async fn a_run_beyond_the_limits_is_held_until_it_is_approved(world: World) {
        let ids = people(&world, 40).await;
        let roster = roster(&ids);
        let bridge = Bridge::start(&world.store, &Vault::ephemeral()).await;
        let id = app(&bridge, &roster, json!({ "guard": { "deactivations": { "count": 10, "percent": null } } })).await;
        link(&world, &bridge, id, &ids).await;
        // While the app is off, twenty leave the company.
        for id in &ids[..20] {
            bridge.set(&id.to_string(), "active", json!(false)).await;
        }
        bridge.accounts("roster", "User").await;
        roster.requests();
        bridge.admin(Method::PUT, "/apps/roster/provisioning", json!({ "enabled": true })).await;
        let run = settled(&bridge).await;
        assert_eq!((&run["state"], &run["kind"]), (&json!("held"), &json!("setup")), "{run}");
        assert_eq!(run["held"]["sentence"], "20 of 40 accounts would be switched off; the limit is 10");
        assert_eq!(changes(&roster.requests()), Vec::<&String>::new());
        let run = run["id"].as_str().unwrap();
        let plan = bridge.admin(Method::GET, &format!("/runs/{run}/plan?action=deactivate"), Value::Null).await;
        assert_eq!(plan["items"].as_array().unwrap().len(), 20);
        let path = format!("/api/v1/runs/{run}/confirm");
        let (status, problem) = bridge.send(Method::POST, &path, None).await;
        assert_eq!(status, 409, "{problem}");
        assert!(problem["detail"].as_str().unwrap().contains("approve"), "{problem}");
        let path = format!("/api/v1/runs/{run}/approve");
        let (status, problem) = bridge.send(Method::POST, &path, Some(json!({ "reason": " " }))).await;
        assert_eq!(status, 400, "{problem}");
        let reason = json!({ "reason": "The interns leave." });
        bridge.admin(Method::POST, &format!("/runs/{run}/approve"), reason).await;
        let run = settled(&bridge).await;
        assert_eq!((&run["state"], &run["done"]), (&json!("done"), &json!(20)), "{run}");
        assert_eq!(run["note"], "The interns leave.");
        assert!(run["approvedBy"].is_string(), "{run}");
        let off = roster.people().values().filter(|one| one["active"] == json!(false)).count();
        assert_eq!(off, 20);
        bridge.stop().await;
        roster.stop().await;
    }

    /// A second request is not dropped: it waits for its turn.
    async fn a_second_run_waits_for_its_turn(world: World) {
        let ids = people(&world, 60).await;
        let roster = roster(&ids);
        let bridge = Bridge::start(&world.store, &Vault::ephemeral()).await;
        let id = app(&bridge, &roster, json!({})).await;
        link(&world, &bridge, id, &ids).await;
        switch_on(&bridge).await;
        roster.meddle(|people| people.values_mut().for_each(|one| one["title"] = json!("Pirate")));
        let mut runs = Vec::new();
        for _ in 0..3 {
            let run = bridge.admin(Method::POST, "/apps/roster/sync", json!({ "confirm": true })).await;
            runs.push(run["id"].as_str().unwrap().to_owned());
        }
        settled(&bridge).await;
        for run in &runs {
            let view = bridge.admin(Method::GET, &format!("/runs/{run}"), Value::Null).await;
            assert_eq!(view["state"], "done", "{view}");
            assert_eq!(view["done"], view["total"], "{view}");
        }
        assert!(roster.people().values().all(|one| one["title"] == "Technician"));
        bridge.stop().await;
        roster.stop().await;
    }

    /// A run that is cancelled begins nothing more; one that a crash interrupts goes on.
    async fn a_run_is_cancelled_between_objects_and_survives_a_crash(world: World) {
        let vault = Vault::ephemeral();
        let ids = people(&world, 200).await;
        let roster = roster(&ids);
        let bridge = Bridge::start(&world.store, &vault).await;
        let id = app(&bridge, &roster, json!({})).await;
        link(&world, &bridge, id, &ids).await;
        switch_on(&bridge).await;
        let pirates = || roster.people().values().filter(|one| one["title"] == "Pirate").count();
        let all = |people: &mut BTreeMap<String, Value>| {
            people.values_mut().for_each(|one| one["title"] = json!("Pirate"));
        };
        roster.meddle(all);
        let run = bridge.admin(Method::POST, "/apps/roster/sync", json!({})).await;
        assert_eq!((&run["state"], &run["total"]), (&json!("planned"), &json!(200)), "{run}");
        assert_eq!(pirates(), 200, "a plan sends nothing");
        let path = format!("/runs/{}", run["id"].as_str().unwrap());
        bridge.admin(Method::POST, &format!("{path}/confirm"), Value::Null).await;
        let cancelled = bridge.admin(Method::POST, &format!("{path}/cancel"), Value::Null).await;
        assert!(["cancelled", "done"].contains(&cancelled["state"].as_str().unwrap()), "{cancelled}");
        roster.requests();
        settled(&bridge).await;
        let late = changes(&roster.requests()).len();
        // An instance claims some objects ahead of those that are under way.
        assert!(late <= 4 * 12, "only what was claimed is finished, not {late}");
        // Another value: one that was put right and came back would not be sent again.
        let corsairs = || roster.people().values().filter(|one| one["title"] == "Corsair").count();
        roster.meddle(|people| people.values_mut().for_each(|one| one["title"] = json!("Corsair")));
        let run = bridge.admin(Method::POST, "/apps/roster/sync", json!({ "confirm": true })).await;
        bridge.stop().await;
        let bridge = Bridge::start(&world.store, &vault).await;
        let ended = settled(&bridge).await;
        assert_eq!((&ended["id"], &ended["state"]), (&run["id"], &json!("done")), "{ended}");
        assert_eq!(corsairs(), 0);
        bridge.stop().await;
        roster.stop().await;
    }

    /// Progress is told in objects, failures as they happen, and the end.
    async fn a_run_can_be_followed(world: World) {
        let ids = people(&world, 20).await;
        let roster = roster(&ids);
        let bridge = Bridge::start(&world.store, &Vault::ephemeral()).await;
        let id = app(&bridge, &roster, json!({})).await;
        link(&world, &bridge, id, &ids).await;
        switch_on(&bridge).await;
        roster.meddle(|people| people.values_mut().for_each(|one| one["title"] = json!("Pirate")));
        let run = bridge.admin(Method::POST, "/apps/roster/sync", json!({})).await;
        let path = format!("/runs/{}", run["id"].as_str().unwrap());
        let stream = reqwest::Client::new()
            .get(format!("{}/api/v1{path}/events", bridge.base))
            .bearer_auth(&bridge.token)
            .send().await.unwrap();
        assert_eq!(stream.headers()["content-type"], "text/event-stream");
        bridge.admin(Method::POST, &format!("{path}/confirm"), Value::Null).await;
        let text = tokio::time::timeout(PATIENCE, stream.text()).await.unwrap().unwrap();
        let events: Vec<(&str, Value)> = text.split("\n\n").filter_map(|event| {
            let (name, data) = event.strip_prefix("event: ")?.split_once("\ndata: ")?;
            Some((name, serde_json::from_str(data).unwrap()))
        }).collect();
        assert_eq!(events.last().unwrap().0, "end", "{text}");
        let progress: Vec<&Value> = events.iter().filter(|one| one.0 == "progress").map(|one| &one.1).collect();
        assert_eq!(progress.first().unwrap()["state"], "planned");
        let last = progress.last().unwrap();
        assert_eq!((&last["state"], &last["done"], &last["total"]), (&json!("done"), &json!(20), &json!(20)));
        bridge.stop().await;
        roster.stop().await;
    }

    /// What changed between the plan and its turn is planned again, and marked so.
    async fn what_changed_since_the_plan_is_planned_again(world: World) {
        let ids = people(&world, 3).await;
        let roster = roster(&ids);
        let bridge = Bridge::start(&world.store, &Vault::ephemeral()).await;
        let id = app(&bridge, &roster, json!({})).await;
        link(&world, &bridge, id, &ids).await;
        switch_on(&bridge).await;
        roster.meddle(|people| people.values_mut().for_each(|one| one["title"] = json!("Pirate")));
        let run = bridge.admin(Method::POST, "/apps/roster/sync", json!({})).await;
        let path = format!("/runs/{}", run["id"].as_str().unwrap());
        bridge.admin(Method::PATCH, "/apps/roster", json!({ "paused": true })).await;
        bridge.set(&ids[0].to_string(), "title", json!("Captain")).await;
        bridge.admin(Method::POST, &format!("{path}/confirm"), Value::Null).await;
        bridge.admin(Method::PATCH, "/apps/roster", json!({ "paused": false })).await;
        settled(&bridge).await;
        let plan = bridge.admin(Method::GET, &format!("{path}/plan"), Value::Null).await;
        let states: BTreeMap<&str, &str> = plan["items"].as_array().unwrap().iter()
            .map(|one| (one["resource"].as_str().unwrap(), one["state"].as_str().unwrap())).collect();
        assert_eq!(states[ids[0].to_string().as_str()], "replanned", "{plan}");
        assert_eq!(states[ids[1].to_string().as_str()], "done", "{plan}");
        assert_eq!(roster.people()["remote-000000"]["title"], "Captain");
        bridge.stop().await;
        roster.stop().await;
    }
}
