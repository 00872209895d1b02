//! The guard: nothing takes much away unasked, neither a change that somebody saves nor the directory
//! itself.

#![allow(clippy::unnecessary_literal_unwrap, reason = "plainer in a test")]

use super::bridge::{Bridge, PATIENCE, patch, person};
use super::meddler::{Meddler, Meddling};
use crate::world::{NOW, ORG, World, audited, both};
use parking_lot::Mutex;
use reqwest::Method;
use rollcall::clock::Clock;
use rollcall::id::AppId;
use rollcall::vault::Vault;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

const PATCH: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";
const MAPPING: &str = "/api/v1/apps/sandbox/mapping";
const APP: &str = "/api/v1/apps/sandbox";

/// Several people of the directory.
pub struct Crowd {
    pub ids: Vec<String>,
}

/// Makes people: `p000@zylker.example` and so on, the first 40 of a hundred managers.
pub async fn crowd(bridge: &Bridge, count: usize) -> Crowd {
    let operations = (0..count).map(|number| {
        let mut someone = person(&format!("p{number:03}"));
        if number % 100 < 40 {
            someone["title"] = json!("Manager");
        }
        json!({ "method": "POST", "path": "/Users", "bulkId": format!("b{number}"), "data": someone })
    });
    let answer = bulk(bridge, operations.collect()).await;
    let ids = answer.iter().map(|one| {
        let location = one["location"].as_str().unwrap_or_else(|| panic!("{one}"));
        location.rsplit('/').next().unwrap().to_owned()
    });
    Crowd { ids: ids.collect() }
}

async fn bulk(bridge: &Bridge, operations: Vec<Value>) -> Vec<Value> {
    let body = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
        "Operations": operations,
    });
    let answer = bridge.push(Method::POST, "/Bulk", body).await;
    let done = answer["Operations"].as_array().unwrap().clone();
    assert!(done.iter().all(|one| one["status"].to_string().contains('2')), "{answer}");
    done
}

impl Crowd {
    pub fn of(ids: &[String]) -> Self {
        Self { ids: ids.to_vec() }
    }

    pub async fn delete(&self, bridge: &Bridge) {
        let gone = |id| json!({ "method": "DELETE", "path": format!("/Users/{id}") });
        bulk(bridge, self.ids.iter().map(gone).collect()).await;
    }

    pub async fn set_active(&self, bridge: &Bridge, active: bool) {
        let changed = |id| {
            let operation = json!({ "op": "replace", "path": "active", "value": active });
            json!({ "method": "PATCH", "path": format!("/Users/{id}"),
                "data": { "schemas": [PATCH], "Operations": [operation] } })
        };
        bulk(bridge, self.ids.iter().map(changed).collect()).await;
    }

    fn members(&self) -> Value {
        self.ids.iter().map(|id| json!({ "value": id })).collect()
    }

    pub async fn group(&self, bridge: &Bridge, name: &str) -> String {
        let body = json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"],
            "displayName": name, "members": self.members(),
        });
        bridge.push(Method::POST, "/Groups", body).await["id"].as_str().unwrap().to_owned()
    }

    pub async fn join(&self, bridge: &Bridge, group: &str) {
        let path = format!("/Groups/{group}");
        bridge.push(Method::PATCH, &path, patch("add", "members", &self.members())).await;
    }

    pub async fn leave(&self, bridge: &Bridge, group: &str) {
        let path = format!("/Groups/{group}");
        bridge.push(Method::PATCH, &path, patch("remove", "members", &self.members())).await;
    }
}

/// What may be taken away from the sandbox, and what waits.
pub async fn guard(bridge: &Bridge) -> Value {
    bridge.admin(Method::GET, "/apps/sandbox/guard", Value::Null).await
}

/// How many accounts are switched off.
pub fn off(accounts: &[Value]) -> usize {
    accounts.iter().filter(|one| one["active"] == json!(false)).count()
}

/// How many members the sandbox's only group has.
pub async fn members(world: &World, bridge: &Bridge) -> usize {
    let view = bridge.admin(Method::GET, "/apps/sandbox", Value::Null).await;
    let app: AppId = view["id"].as_str().unwrap().parse().unwrap();
    let groups = bridge.accounts("sandbox", "Group").await;
    let group = groups[0]["id"].as_str().unwrap().to_owned();
    let organization = world.store.organization_named("default", NOW).await.unwrap().id;
    assert_eq!(organization, ORG);
    let found =
        world.store.read(ORG, move |reader| reader.sandbox_account(app, "Group", &group)).await;
    found.unwrap().unwrap().members.len()
}

/// A scene of the sandbox with people in it.
async fn peopled(world: &World, count: usize) -> (Bridge, Crowd) {
    let bridge = Bridge::start(&world.store, &Vault::ephemeral()).await;
    bridge.sandbox().await;
    let crowd = crowd(&bridge, count).await;
    assert_eq!(bridge.accounts("sandbox", "User").await.len(), count);
    (bridge, crowd)
}

async fn attempts(bridge: &Bridge) -> Value {
    bridge.accounts("sandbox", "User").await;
    bridge.admin(Method::GET, "/attempts?app=sandbox", Value::Null).await
}

async fn refused(bridge: &Bridge, method: Method, path: &str, body: Option<Value>) -> Value {
    let (status, problem) = bridge.send(method, path, body).await;
    assert_eq!((status, &problem["type"]), (409, &json!("/problems/guard")), "{problem}");
    problem
}

both! {
    async fn a_scope_that_puts_most_people_out_is_saved_when_somebody_says_so(world: World) {
        let (bridge, _) = peopled(&world, 100).await;
        let before = attempts(&bridge).await;
        let scope = Some(json!({ "scope": "title eq \"Manager\"" }));
        let problem = refused(&bridge, Method::PATCH, APP, scope.clone()).await;
        assert_eq!(problem["breaches"], json!([
            { "limit": "deactivations", "count": 60, "most": 20, "total": 100 },
        ]));
        assert_eq!(problem["removals"], json!({
            "deactivations": 60, "deletions": 0, "memberships": 0, "keys": 0,
        }));
        assert_eq!(problem["approve"], 60);
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.starts_with(
            "60 of 100 accounts would be switched off; the limit is 20. Nothing was saved. "
        ), "{detail}");

        // An approval of fewer is none, and the answer says how many there are.
        let fewer = refused(&bridge, Method::PATCH, &format!("{APP}?approve=59"), scope.clone()).await;
        assert_eq!(fewer["approve"], 60);
        assert!(fewer["detail"].as_str().unwrap().contains("Up to 59 were approved."), "{fewer}");
        let view = bridge.admin(Method::GET, "/apps/sandbox", Value::Null).await;
        assert_eq!(view["scope"], Value::Null, "nothing was saved");
        assert_eq!(attempts(&bridge).await, before, "nothing was sent");
        assert!(audited(&world.url, "app.update").is_empty());

        let path = "/apps/sandbox?approve=60&reason=Only%20managers%20have%20a%20licence.";
        bridge.admin(Method::PATCH, path, scope.unwrap()).await;
        assert_eq!(off(&bridge.accounts("sandbox", "User").await), 60);
        let now = guard(&bridge).await;
        assert_eq!((&now["held"], &now["lastHour"]["deactivations"]), (&json!(0), &json!(0)), "{now}");
        assert_eq!(audited(&world.url, "guard.approve"), [(
            "client:tests".to_owned(), "sandbox".to_owned(),
            "60 of 100 accounts would be switched off; the limit is 20; 60 approved. \
             Reason: Only managers have a licence.".to_owned(),
        )]);

        // The same scope once more takes nothing away.
        let same = json!({ "scope": "title eq \"Manager\"", "policy": {} });
        bridge.admin(Method::PATCH, "/apps/sandbox", same).await;
        bridge.stop().await;
    }

    async fn what_may_go_unasked_goes_once_in_an_hour(world: World) {
        let clock = Clock::held_at(Clock::System.now_us());
        let bridge = Bridge::start_at(&world.store, &Vault::ephemeral(), clock.clone()).await;
        bridge.sandbox().await;
        crowd(&bridge, 100).await;
        assert_eq!(bridge.accounts("sandbox", "User").await.len(), 100);
        let scope = |first: &str| json!({ "scope": format!("userName ge \"{first}\"") });
        bridge.admin(Method::PATCH, "/apps/sandbox", scope("p015")).await;
        assert_eq!(off(&bridge.accounts("sandbox", "User").await), 15);
        // Ten more are not too many for a change, and more than are left of the hour.
        bridge.admin(Method::PATCH, "/apps/sandbox", scope("p025")).await;
        assert_eq!(off(&bridge.accounts("sandbox", "User").await), 20);
        assert_eq!(guard(&bridge).await["held"], 5);
        clock.advance(Duration::from_mins(59));
        bridge.admin(Method::POST, "/apps/sandbox/retry", Value::Null).await;
        assert_eq!(off(&bridge.accounts("sandbox", "User").await), 20, "the hour is not over");
        clock.advance(Duration::from_mins(7));
        assert_eq!(guard(&bridge).await["lastHour"]["deactivations"], 0);
        assert_eq!(off(&bridge.accounts("sandbox", "User").await), 20, "who waits, waits");
        bridge.admin(Method::POST, "/apps/sandbox/retry", Value::Null).await;
        assert_eq!(off(&bridge.accounts("sandbox", "User").await), 25);
        bridge.stop().await;
    }

    async fn a_mapping_that_renames_everybody_is_refused(world: World) {
        let (bridge, _) = peopled(&world, 30).await;
        let before = attempts(&bridge).await;
        let shown = bridge.admin(Method::GET, "/apps/sandbox/mapping", Value::Null).await;
        let change = |field: &str, source: Value| {
            let mut mapping = shown["mapping"].clone();
            let rules = mapping["users"].as_array_mut().unwrap();
            let rule = rules.iter_mut().find(|rule| rule["field"] == field).unwrap();
            rule["source"] = source;
            mapping
        };
        let renaming = change("loginName", json!({ "kind": "join", "template": "x-{userName}" }));
        let problem = refused(&bridge, Method::PUT, MAPPING, Some(renaming.clone())).await;
        assert_eq!(problem["breaches"], json!([
            { "limit": "keys", "count": 30, "most": 6, "total": 30 },
        ]));
        let shown = bridge.admin(Method::GET, "/apps/sandbox/mapping", Value::Null).await;
        assert_eq!(shown["version"], 1, "nothing was saved");
        assert_eq!(attempts(&bridge).await, before, "nothing was sent");

        // Another value of a field by which nobody is recognised is nobody's business.
        let title = change("jobTitle", json!({ "kind": "constant", "value": "Engineer" }));
        bridge.admin(Method::PUT, "/apps/sandbox/mapping", title).await;

        let path = "/apps/sandbox/mapping?approve=30&note=prefix&reason=Merger";
        let saved = bridge.admin(Method::PUT, path, renaming).await;
        assert_eq!((&saved["version"], &saved["note"]), (&json!(3), &json!("prefix")));
        let approved = audited(&world.url, "guard.approve");
        assert_eq!(approved.len(), 1);
        assert!(approved[0].2.starts_with(
            "30 of 30 accounts would get another name by which they are recognised; the limit is 6; \
             30 approved. Reason: Merger"
        ), "{approved:?}");
        // What nobody was told of yet is taken back without a question.
        bridge.admin(Method::POST, "/apps/sandbox/mapping/reset", Value::Null).await;
        bridge.stop().await;
    }

    async fn a_reset_that_renames_everybody_is_refused(world: World) {
        let bridge = Bridge::start(&world.store, &Vault::ephemeral()).await;
        bridge.admin(Method::POST, "/apps", json!({ "name": "sandbox", "adapter": "sandbox" })).await;
        let shown = bridge.admin(Method::GET, "/apps/sandbox/mapping", Value::Null).await;
        let mut mapping = shown["mapping"].clone();
        let rules = mapping["users"].as_array_mut().unwrap();
        let rule = rules.iter_mut().find(|rule| rule["field"] == "loginName").unwrap();
        rule["source"] = json!({ "kind": "join", "template": "x-{userName}" });
        bridge.admin(Method::PUT, "/apps/sandbox/mapping", mapping).await;
        bridge.admin(Method::PUT, "/apps/sandbox/provisioning", json!({ "enabled": true })).await;
        crowd(&bridge, 10).await;
        assert_eq!(bridge.accounts("sandbox", "User").await.len(), 10);
        let path = format!("{MAPPING}/reset");
        assert_eq!(refused(&bridge, Method::POST, &path, None).await["approve"], 10);
        let saved =
            bridge.admin(Method::POST, "/apps/sandbox/mapping/reset?approve=10", Value::Null).await;
        assert_eq!(saved["version"], 3);
        bridge.stop().await;
    }

    async fn an_app_that_is_off_loses_nobody(world: World) {
        let (bridge, _) = peopled(&world, 30).await;
        bridge.admin(Method::PUT, "/apps/sandbox/provisioning", json!({ "enabled": false })).await;
        let scope = json!({ "scope": "title eq \"Nobody\"" });
        bridge.admin(Method::PATCH, "/apps/sandbox", scope).await;
        assert_eq!(off(&bridge.accounts("sandbox", "User").await), 0);
        bridge.stop().await;
    }

    async fn a_group_of_many_is_unassigned_when_somebody_says_so(world: World) {
        let bridge = Bridge::start(&world.store, &Vault::ephemeral()).await;
        bridge.admin(Method::POST, "/apps", json!({
            "name": "sandbox", "adapter": "sandbox", "enabled": true, "scope": { "assigned": true },
        })).await;
        let crowd = crowd(&bridge, 100).await;
        let most = Crowd::of(&crowd.ids[..60]).group(&bridge, "Most").await;
        // Ten of them are assigned otherwise, too.
        let rest = Crowd::of(&crowd.ids[50..]).group(&bridge, "Rest").await;
        for group in [&most, &rest] {
            let body = json!({ "resource": group });
            bridge.admin(Method::POST, "/apps/sandbox/assignments", body).await;
        }
        assert_eq!(bridge.accounts("sandbox", "User").await.len(), 100);
        let before = attempts(&bridge).await;
        let path = format!("{APP}/assignments/{most}");
        let problem = refused(&bridge, Method::DELETE, &path, None).await;
        assert_eq!(problem["breaches"][0]["count"], 50, "{problem}");
        let by_query = format!("{APP}/assignments?resource={most}&approve=49");
        assert_eq!(refused(&bridge, Method::DELETE, &by_query, None).await["approve"], 50);
        let listed = bridge.admin(Method::GET, "/apps/sandbox/assignments", Value::Null).await;
        assert_eq!(listed["items"].as_array().unwrap().len(), 2, "nothing was saved");
        assert_eq!(attempts(&bridge).await, before, "nothing was sent");

        let path = format!("/apps/sandbox/assignments?resource={most}&approve=50&reason=moved");
        bridge.admin(Method::DELETE, &path, Value::Null).await;
        assert_eq!(off(&bridge.accounts("sandbox", "User").await), 50);
        assert_eq!(guard(&bridge).await["held"], 0);
        assert_eq!(audited(&world.url, "guard.approve").len(), 1);
        // One person is nobody's question, and another time there is nothing to take back.
        bridge.admin(Method::POST, "/apps/sandbox/assignments", json!({ "resource": crowd.ids[0] })).await;
        assert_eq!(off(&bridge.accounts("sandbox", "User").await), 49);
        let one = format!("/apps/sandbox/assignments/{}", crowd.ids[0]);
        bridge.admin(Method::DELETE, &one, Value::Null).await;
        assert_eq!(off(&bridge.accounts("sandbox", "User").await), 50);
        let (status, _) = bridge.send(Method::DELETE, &format!("/api/v1{one}"), None).await;
        assert_eq!(status, 404);
        bridge.stop().await;
    }

    async fn a_policy_that_deletes_is_saved_when_somebody_says_so(world: World) {
        let bridge = Bridge::start(&world.store, &Vault::ephemeral()).await;
        bridge.admin(Method::POST, "/apps", json!({
            "name": "sandbox", "adapter": "sandbox", "enabled": true,
            "policy": { "deactivated": "nothing" },
        })).await;
        let crowd = crowd(&bridge, 50).await;
        let leavers = Crowd::of(&crowd.ids[..20]);
        leavers.group(&bridge, "Leavers").await;
        assert_eq!(bridge.accounts("sandbox", "User").await.len(), 50);
        leavers.set_active(&bridge, false).await;
        assert_eq!(off(&bridge.accounts("sandbox", "User").await), 0, "policy says so");
        let before = attempts(&bridge).await;
        let policy = |leaving: Value| Some(json!({ "policy": { "deactivated": leaving } }));
        let problem = refused(&bridge, Method::PATCH, APP, policy(json!("delete"))).await;
        assert_eq!(problem["removals"], json!({
            "deactivations": 0, "deletions": 20, "memberships": 20, "keys": 0,
        }));
        assert_eq!(problem["breaches"], json!([
            { "limit": "deletions", "count": 20, "most": 5, "total": 51 },
            { "limit": "memberships", "count": 20, "most": 6, "total": 20 },
        ]));
        // What comes in a month is asked about today.
        let later = policy(json!({ "action": "delete", "afterDays": 30 }));
        assert_eq!(refused(&bridge, Method::PATCH, APP, later).await["removals"]["deletions"], 20);
        // Limits do not follow the policy that they are asked about.
        let both = json!({ "policy": {
            "deactivated": "delete", "guard": { "deletions": { "count": null, "percent": null } },
        } });
        refused(&bridge, Method::PATCH, APP, Some(both)).await;
        assert_eq!(attempts(&bridge).await, before, "nothing was sent");

        bridge.admin(Method::PATCH, "/apps/sandbox?approve=40", policy(json!("delete")).unwrap()).await;
        assert_eq!(bridge.accounts("sandbox", "User").await.len(), 30, "it is done at once");
        assert_eq!(guard(&bridge).await["of"], json!({ "accounts": 31, "active": 30, "memberships": 0 }));
        bridge.stop().await;
    }

    async fn groups_are_not_emptied_unasked(world: World) {
        let (bridge, crowd) = peopled(&world, 40).await;
        let group = Crowd::of(&crowd.ids[..30]).group(&bridge, "Technicians").await;
        bridge.accounts("sandbox", "User").await;
        assert_eq!(members(&world, &bridge).await, 30);
        Crowd::of(&crowd.ids[..20]).leave(&bridge, &group).await;
        Crowd::of(&crowd.ids[35..]).join(&bridge, &group).await;
        assert_eq!(members(&world, &bridge).await, 35, "they join, and nobody leaves");
        let parked = bridge.admin(Method::GET, "/apps/sandbox/parked", Value::Null).await.to_string();
        assert!(parked.contains(
            "0 members were taken out of groups within an hour, and the limit is 9: \
             20 more of this group wait for approval."
        ), "{parked}");
        let now = guard(&bridge).await;
        assert_eq!((&now["held"], &now["lastHour"]["memberships"]), (&json!(1), &json!(0)), "{now}");
        bridge.admin(Method::POST, "/apps/sandbox/guard/approve", json!({ "upTo": 20, "reason": "moved" })).await;
        assert_eq!(members(&world, &bridge).await, 15);
        // Few leave unasked, and it is counted.
        Crowd::of(&crowd.ids[20..23]).leave(&bridge, &group).await;
        assert_eq!(members(&world, &bridge).await, 12);
        assert_eq!(guard(&bridge).await["lastHour"]["memberships"], 3);
        bridge.stop().await;
    }

    async fn groups_are_not_deleted_unasked(world: World) {
        let bridge = Bridge::start(&world.store, &Vault::ephemeral()).await;
        bridge.sandbox().await;
        let nobody = Crowd { ids: Vec::new() };
        let mut groups = Vec::new();
        for number in 0..12 {
            groups.push(nobody.group(&bridge, &format!("Group {number}")).await);
        }
        assert_eq!(bridge.accounts("sandbox", "Group").await.len(), 12);
        for group in &groups[..8] {
            bridge.push(Method::DELETE, &format!("/Groups/{group}"), Value::Null).await;
        }
        assert_eq!(bridge.accounts("sandbox", "Group").await.len(), 7);
        let now = guard(&bridge).await;
        assert_eq!((&now["held"], &now["lastHour"]["deletions"]), (&json!(3), &json!(5)), "{now}");
        bridge.admin(Method::POST, "/apps/sandbox/guard/approve", json!({ "upTo": 3, "reason": "moved" })).await;
        assert_eq!(bridge.accounts("sandbox", "Group").await.len(), 4);
        bridge.stop().await;
    }

    /// What is switched off in the days of grace is counted then; what is deleted in the end is
    /// counted once more.
    async fn what_is_deleted_in_the_end_is_counted_in_the_end(world: World) {
        let clock = Clock::held_at(Clock::System.now_us());
        let bridge = Bridge::start_at(&world.store, &Vault::ephemeral(), clock.clone()).await;
        let month = json!({ "action": "delete", "afterDays": 30 });
        bridge.admin(Method::POST, "/apps", json!({
            "name": "sandbox", "adapter": "sandbox", "enabled": true, "policy": { "deleted": month },
        })).await;
        let crowd = crowd(&bridge, 50).await;
        assert_eq!(bridge.accounts("sandbox", "User").await.len(), 50);
        Crowd::of(&crowd.ids[..10]).delete(&bridge).await;
        assert_eq!(off(&bridge.accounts("sandbox", "User").await), 10);
        clock.advance(Duration::from_hours(30 * 24));
        bridge.until("sandbox", "the rest is held", |app| app["queue"]["parked"] == 5).await;
        assert_eq!(bridge.accounts("sandbox", "User").await.len(), 45);
        let now = guard(&bridge).await;
        assert_eq!((&now["held"], &now["lastHour"]["deletions"]), (&json!(5), &json!(5)), "{now}");
        bridge.admin(Method::POST, "/apps/sandbox/guard/approve", json!({ "upTo": 5, "reason": "moved" })).await;
        assert_eq!(bridge.accounts("sandbox", "User").await.len(), 40);
        bridge.stop().await;
    }

    /// An app that fails now and then: a removal that is tried again is the same removal.
    async fn a_removal_that_is_tried_again_is_not_counted_again(world: World) {
        let vault = Vault::ephemeral();
        let other = World::new(world.database).await;
        let app = Bridge::start(&other.store, &vault).await;
        let bridge = Bridge::start(&world.store, &vault).await;
        let tries: Arc<Mutex<usize>> = Arc::default();
        let seen = Arc::clone(&tries);
        let meddler = Meddler::before(&app.base, move |method, _, body| {
            if method == "PATCH" && body.contains("active") {
                let mut tries = seen.lock();
                *tries += 1;
                if *tries <= 3 {
                    return Meddling::Answer(500, "{}");
                }
            }
            Meddling::Pass
        });
        bridge.admin(Method::POST, "/apps", json!({
            "name": "sandbox", "adapter": "scim", "enabled": true,
            "settings": { "url": format!("{}/scim/v2", meddler.address) },
            "secrets": { "token": app.token },
        })).await;
        let crowd = crowd(&bridge, 10).await;
        assert_eq!(bridge.accounts("sandbox", "User").await.len(), 10);
        Crowd::of(&crowd.ids[..5]).set_active(&bridge, false).await;
        let arrive = async {
            while off(&bridge.accounts("sandbox", "User").await) < 5 {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        tokio::time::timeout(PATIENCE, arrive).await.expect("they never leave");
        let now = guard(&bridge).await;
        assert_eq!((&now["held"], &now["lastHour"]["deactivations"]), (&json!(0), &json!(5)), "{now}");
        assert_eq!(*tries.lock(), 8);
        bridge.stop().await;
        meddler.stop().await;
        app.stop().await;
    }

    /// An app whose lists leave most accounts out, and which finds nobody: nobody is taken away for
    /// that.
    async fn a_list_that_leaves_people_out_removes_nobody(world: World) {
        let vault = Vault::ephemeral();
        let other = World::new(world.database).await;
        let app = Bridge::start(&other.store, &vault).await;
        let bridge = Bridge::start(&world.store, &vault).await;
        let partial = Arc::new(Mutex::new(false));
        let (is_partial, removals) = (Arc::clone(&partial), Arc::new(Mutex::new(Vec::new())));
        let seen = Arc::clone(&removals);
        let meddler = Meddler::before(&app.base, move |method, path, body| {
            let removes = body.contains("\"remove\"") || body.contains("false");
            if method == "DELETE" || (method == "PATCH" && removes) {
                seen.lock().push(format!("{method} {path} {body}"));
            }
            if method == "GET" && path.contains("/Users") && *is_partial.lock() {
                return Meddling::Answer(200,
                    r#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:ListResponse"],"totalResults":0,"Resources":[]}"#);
            }
            Meddling::Pass
        });
        bridge.admin(Method::POST, "/apps", json!({
            "name": "sandbox", "adapter": "scim", "enabled": true,
            "settings": { "url": format!("{}/scim/v2", meddler.address) },
            "secrets": { "token": app.token },
        })).await;
        let crowd = crowd(&bridge, 10).await;
        let group = crowd.group(&bridge, "Everybody").await;
        assert_eq!(bridge.accounts("sandbox", "User").await.len(), 10);
        *partial.lock() = true;
        assert_eq!(bridge.accounts("sandbox", "User").await.len(), 0, "as the app shows it");
        let run = bridge.admin(Method::POST, "/apps/sandbox/sync", json!({ "confirm": true })).await;
        bridge.accounts("sandbox", "User").await;
        let run = bridge
            .admin(Method::GET, &format!("/runs/{}", run["id"].as_str().unwrap()), Value::Null).await;
        assert_eq!((&run["state"], &run["held"]["list"]["unseen"]), (&json!("held"), &json!(10)), "{run}");
        for id in &crowd.ids {
            bridge.set(id, "title", json!("Engineer")).await;
        }
        bridge.person("ann").await;
        bridge.set(&crowd.ids[0], "displayName", json!("P")).await;
        bridge.push(Method::PATCH, &format!("/Groups/{group}"),
            patch("replace", "displayName", &json!("All"))).await;
        bridge.accounts("sandbox", "User").await;
        assert!(removals.lock().is_empty(), "{:?}", removals.lock());
        let found = app.push(Method::GET, "/Users", Value::Null).await;
        assert_eq!(found["totalResults"], 11);
        let all = found["Resources"].as_array().unwrap();
        assert!(all.iter().all(|one| one["active"] == json!(true)), "{found}");
        bridge.stop().await;
        meddler.stop().await;
        app.stop().await;
    }
}
