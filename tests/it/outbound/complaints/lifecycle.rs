//! Who is in an app, who leaves it, and what is said when something cannot be done.

#![allow(clippy::assigning_clones, reason = "plainer in a test")]

use crate::outbound::bridge::{Bridge, patch, person};
use crate::outbound::downstream::Downstream;
use crate::outbound::meddler::Meddling;
use crate::world::both;
use reqwest::Method;
use rollcall::vault::Vault;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

const REFUSAL: &str = r#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:Error"],"status":"400","scimType":"invalidValue","detail":"title is too long"}"#;

/// The run that an app was switched on with, at its end.
async fn ended(bridge: &Bridge, app: &str) -> Value {
    let view = bridge.until(app, "the run ends", |app| app["run"]["state"] == "done").await;
    view["run"].clone()
}

/// Waits until the app's own accounts are so.
async fn becomes(scene: &Downstream, what: &str, expected: &[&str]) {
    scene.quiet().await;
    assert_eq!(scene.accounts().await, expected, "{what}");
}

both! {
    /// Second and later syncs fail with 409, because the accounts are there already.
    async fn complaint_01_existing_accounts_are_taken_over(world: World) {
        let scene = Downstream::new(&world, json!({ "enabled": false })).await;
        let mut old = BTreeSet::new();
        for number in 0..20 {
            // Half of them, and in another spelling; some are switched off.
            let more = json!({ "userName": format!("P{number}@Zylker.example"), "active": number % 5 != 0 });
            old.insert(scene.there(&format!("p{number}"), more).await);
        }
        for number in 0..40 {
            scene.bridge.person(&format!("p{number}")).await;
        }
        scene.forget();
        scene.ask(Method::PUT, "/provisioning", json!({ "enabled": true })).await;
        let run = ended(&scene.bridge, "assist").await;
        assert_eq!((&run["total"], &run["done"], &run["failed"]), (&json!(40), &json!(40), &json!(0)), "{run}");
        let view = scene.quiet().await;
        assert_eq!(view["queue"], json!({ "ready": 0, "running": 0, "parked": 0, "waiting": 0 }));
        let accounts = scene.accounts().await;
        let names: BTreeSet<String> = accounts.iter().map(|one| one.to_lowercase()).collect();
        assert_eq!((accounts.len(), names.len()), (40, 40), "no duplicates: {accounts:?}");
        assert!(accounts.iter().all(|one| one.ends_with(" true")), "{accounts:?}");
        let links = scene.ask(Method::GET, "/links", Value::Null).await;
        let adopted: BTreeSet<String> = links["items"].as_array().unwrap().iter()
            .filter(|link| link["origin"] == "adopted")
            .map(|link| link["remoteId"].as_str().unwrap().to_owned()).collect();
        assert_eq!(adopted, old, "exactly those that were there");
        let made = scene.writes().iter().filter(|line| line.starts_with("POST ")).count();
        assert_eq!(made, 20, "nobody is made whom the app would refuse");
        // And a second sync has nothing to do.
        scene.forget();
        scene.ask(Method::POST, "/sync", json!({ "confirm": true })).await;
        scene.quiet().await;
        assert_eq!(scene.writes(), Vec::<String>::new());
        scene.stop().await;
    }

    async fn complaint_01_existing_accounts_of_the_sandbox_are_taken_over(world: World) {
        let bridge = Bridge::start(&world.store, &Vault::ephemeral()).await;
        let leave = json!({ "deleted": "nothing" });
        bridge.admin(Method::POST, "/apps", json!({ "name": "sandbox", "adapter": "sandbox", "enabled": true, "policy": leave })).await;
        let mut first = Vec::new();
        for number in 0..20 {
            first.push(bridge.person(&format!("p{number}")).await);
        }
        bridge.accounts("sandbox", "User").await;
        for id in &first {
            bridge.push(Method::DELETE, &format!("/Users/{id}"), Value::Null).await;
        }
        let old = bridge.accounts("sandbox", "User").await;
        assert_eq!(old.len(), 20, "left as they are, and forgotten");
        assert_eq!(bridge.admin(Method::GET, "/apps/sandbox/links", Value::Null).await["items"], json!([]));
        bridge.admin(Method::PUT, "/apps/sandbox/provisioning", json!({ "enabled": false })).await;
        for number in 0..40 {
            bridge.person(&format!("p{number}")).await;
        }
        bridge.published().await;
        bridge.admin(Method::PUT, "/apps/sandbox/provisioning", json!({ "enabled": true })).await;
        let run = ended(&bridge, "sandbox").await;
        // What was waiting goes out at once, so some may be there before the run looks.
        assert_eq!((&run["seen"], &run["failed"]), (&json!(40), &json!(0)), "{run}");
        assert_eq!(run["total"], run["done"], "{run}");
        let all = bridge.accounts("sandbox", "User").await;
        assert_eq!(all.len(), 40);
        assert!(old.iter().all(|one| all.iter().any(|now| now["id"] == one["id"])));
        bridge.stop().await;
    }

    /// Leavers keep their accounts until the next full sync, or for good.
    async fn complaint_11_a_leaver_leaves_at_once(world: World) {
        // They come and go more often within the hour than the guard would let two people.
        let free = json!({ "guard": { "deactivations": { "count": null, "percent": null } } });
        let app = json!({ "scope": "title eq \"Technician\"", "policy": free });
        let scene = Downstream::new(&world, app).await;
        let scope = async |scope: Value| {
            scene.ask(Method::PATCH, "", json!({ "scope": scope })).await;
        };
        let ann = scene.bridge.person("ann").await;
        let bob = scene.bridge.person("bob").await;
        becomes(&scene, "both are in", &["ann true", "bob true"]).await;
        // An attribute.
        scene.bridge.set(&ann, "title", json!("Clerk")).await;
        becomes(&scene, "another title", &["ann false", "bob true"]).await;
        scene.bridge.set(&ann, "title", json!("Technician")).await;
        becomes(&scene, "and back", &["ann true", "bob true"]).await;
        // A membership, direct and through another group.
        let desk = scene.group("Desk", &[&ann]).await;
        let staff = scene.group("Staff", &[&desk, &bob]).await;
        scope(json!({ "groups": [staff] })).await;
        becomes(&scene, "both are below the group", &["ann true", "bob true"]).await;
        let leaves = |who: &str| patch("remove", &format!("members[value eq \"{who}\"]"), &Value::Null);
        scene.bridge.push(Method::PATCH, &format!("/Groups/{staff}"), leaves(&bob)).await;
        becomes(&scene, "left the group", &["ann true", "bob false"]).await;
        scene.bridge.push(Method::PATCH, &format!("/Groups/{staff}"), leaves(&desk)).await;
        becomes(&scene, "the group that she is in left the group", &["ann false", "bob false"]).await;
        let joins = patch("add", "members", &json!([{ "value": desk }, { "value": bob }]));
        scene.bridge.push(Method::PATCH, &format!("/Groups/{staff}"), joins).await;
        becomes(&scene, "and back", &["ann true", "bob true"]).await;
        // The group itself.
        scene.bridge.push(Method::DELETE, &format!("/Groups/{desk}"), Value::Null).await;
        becomes(&scene, "her group was deleted", &["ann false", "bob true"]).await;
        scope(json!("groups.display eq \"Staff\"")).await;
        becomes(&scene, "by the name of the group", &["ann false", "bob true"]).await;
        let renamed = patch("replace", "displayName", &json!("Crew"));
        scene.bridge.push(Method::PATCH, &format!("/Groups/{staff}"), renamed).await;
        becomes(&scene, "the group has another name", &["ann false", "bob false"]).await;
        // An edit of the filter.
        scope(json!("userName pr")).await;
        becomes(&scene, "everybody with a name", &["ann true", "bob true"]).await;
        scope(json!("userName sw \"bob\"")).await;
        becomes(&scene, "another filter", &["ann false", "bob true"]).await;
        // An assignment, of a person and of a group.
        scope(json!({ "assigned": true })).await;
        becomes(&scene, "nobody is assigned", &["ann false", "bob false"]).await;
        for who in [&ann, &staff] {
            scene.ask(Method::POST, "/assignments", json!({ "resource": who })).await;
        }
        becomes(&scene, "assigned", &["ann true", "bob true"]).await;
        scene.ask(Method::DELETE, &format!("/assignments/{ann}"), Value::Null).await;
        becomes(&scene, "no longer assigned", &["ann false", "bob true"]).await;
        scene.bridge.push(Method::DELETE, &format!("/Groups/{staff}"), Value::Null).await;
        becomes(&scene, "the assigned group was deleted", &["ann false", "bob false"]).await;
        scope(Value::Null).await;
        becomes(&scene, "everybody", &["ann true", "bob true"]).await;
        // The person.
        scene.bridge.set(&ann, "active", json!(false)).await;
        becomes(&scene, "inactive", &["ann false", "bob true"]).await;
        scene.delete(&bob).await;
        becomes(&scene, "deleted", &["ann false", "bob false"]).await;
        let seen = scene.writes();
        assert_eq!(seen.iter().filter(|line| line.contains("/Users ")).count(), 2, "made once each: {seen:?}");
        scene.stop().await;
    }

    /// Deleting a link was taken for deleting the account.
    async fn complaint_12_unlink_disable_and_delete_are_three_things(world: World) {
        let policy = json!({ "policy": { "deactivated": "deactivate", "deleted": "delete" } });
        let scene = Downstream::new(&world, policy).await;
        let mut ids = Vec::new();
        for name in ["ann", "bob", "cy"] {
            ids.push(scene.bridge.person(name).await);
        }
        scene.quiet().await;
        let said = scene.link(&ids[0]).await;
        let account = |name| {
            let scene = &scene;
            async move { scene.account(name).await["id"].as_str().unwrap().to_owned() }
        };
        let id = account("ann").await;
        let unlink = said["actions"].as_array().unwrap().iter().find(|one| one["action"] == "unlink").unwrap();
        assert_eq!(unlink["requests"], json!([]));
        let words = unlink["remote"].as_str().unwrap();
        assert!(words.contains("Nothing is sent") && words.contains("stays in the app as it is"), "{words}");
        let events: Vec<(&str, &str, &str)> = said["events"].as_array().unwrap().iter().map(|one| {
            let request = &one["requests"][0];
            (one["event"].as_str().unwrap(), one["sentence"].as_str().unwrap(), request["method"].as_str().unwrap())
        }).collect();
        assert_eq!(events[0], ("deactivated", "The account is switched off.", "PATCH"));
        assert_eq!(events[1], ("deleted", "The account is deleted.", "DELETE"));
        let off = said["events"][0]["requests"][0]["body"]["Operations"].to_string();
        assert!(off.contains("active") && off.contains("false"), "{off}");
        assert!(said["events"][1]["requests"][0]["url"].as_str().unwrap().ends_with(&id));

        scene.forget();
        scene.confirm(&ids[0], "unlink").await;
        scene.quiet().await;
        assert_eq!(scene.writes(), Vec::<String>::new(), "unlinking sends nothing");
        let bob = account("bob").await;
        scene.bridge.set(&ids[1], "active", json!(false)).await;
        scene.quiet().await;
        let seen = scene.writes();
        assert!(seen.len() == 1 && seen[0].starts_with(&format!("PATCH /scim/v2/Users/{bob} ")), "{seen:?}");
        scene.forget();
        let cy = account("cy").await;
        scene.delete(&ids[2]).await;
        scene.quiet().await;
        assert_eq!(scene.writes(), [format!("DELETE /scim/v2/Users/{cy} ")]);
        assert_eq!(scene.accounts().await, ["ann true", "bob false"]);
        scene.stop().await;
    }

    /// The sync says that all is well while 404s fill the log.
    async fn complaint_13_an_account_deleted_by_hand_is_noticed(world: World) {
        let scene = Downstream::new(&world, json!({})).await;
        for (lost, state, outcome) in [("recreate", "linked", "done"), ("park", "lost", "parked"), ("release", "released", "done")] {
            scene.ask(Method::PATCH, "", json!({ "policy": { "lost": lost } })).await;
            let name = format!("ann-{lost}");
            let ann = scene.bridge.person(&name).await;
            scene.quiet().await;
            let account = scene.account(&name).await["id"].as_str().unwrap().to_owned();
            scene.app.push(Method::DELETE, &format!("/Users/{account}"), Value::Null).await;
            scene.bridge.set(&ann, "title", json!("Boss")).await;
            let view = scene.quiet().await;
            let tries = scene.bridge.attempts("assist", &ann).await;
            assert!(tries.contains(&"lost/done".to_owned()), "{lost}: {tries:?}");
            let link = scene.link(&ann).await;
            assert_eq!(link["state"], state, "{lost}: {link}");
            let told = scene.ask(Method::POST, &format!("/provision/{ann}"), Value::Null).await;
            assert_eq!(told["outcome"], outcome, "{lost}: {told}");
            match lost {
                "recreate" => {
                    let again = scene.account(&name).await;
                    assert_eq!(again["title"], "Boss");
                    assert_ne!(again["id"], json!(account));
                }
                "park" => {
                    assert_eq!(view["queue"]["parked"], 1, "it is not a success");
                    let reason = &link["pending"]["reason"];
                    assert_eq!(reason["cause"], "lost");
                    assert!(reason["detail"].as_str().unwrap().contains(&account), "{reason}");
                    assert!(reason["remedy"].as_str().unwrap().contains("Relink"), "{reason}");
                    let done = scene.confirm(&ann, "relink").await;
                    assert_eq!((&done["provisioned"]["outcome"], &done["link"]["state"]), (&json!("done"), &json!("linked")), "{done}");
                    assert_eq!(scene.account(&name).await["title"], "Boss");
                }
                _ => {
                    scene.forget();
                    scene.bridge.set(&ann, "title", json!("Chief")).await;
                    scene.quiet().await;
                    assert_eq!(scene.writes(), Vec::<String>::new(), "it is left so");
                }
            }
        }
        scene.stop().await;
    }

    /// Errors are stack traces without the object; nobody knows whether it is tried again.
    async fn complaint_15_a_failure_says_what_whom_and_what_next(world: World) {
        let scene = Downstream::meddled(&world, json!({}), |method, _, body| match (method, body) {
            ("POST", body) if body.contains("bad@") => Meddling::Answer(400, REFUSAL),
            ("POST", body) if body.contains("away@") => Meddling::Answer(503, "{}"),
            _ => Meddling::Pass,
        }).await;
        let bad = scene.bridge.person("bad").await;
        let view = scene.bridge.until("assist", "it is parked", |app| app["queue"]["parked"] == 1).await;
        assert_eq!(view["paused"], Value::Null);
        let parked = scene.ask(Method::GET, "/parked", Value::Null).await;
        let one = &parked["items"][0];
        assert_eq!((&one["resource"], &one["state"], &one["nextTry"]), (&json!(bad), &json!("parked"), &Value::Null));
        let reason = &one["reason"];
        assert_eq!(reason["cause"], "refused", "{one}");
        assert!(reason["detail"].as_str().unwrap().contains("title is too long"), "{one}");
        assert!(!reason["remedy"].as_str().unwrap().is_empty(), "{one}");
        let away = scene.bridge.person("away").await;
        while scene.writes().iter().all(|line| !line.contains("away@")) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let why = async {
            loop {
                let why = scene.ask(Method::GET, &format!("/why/{away}"), Value::Null).await;
                if why["pending"]["attempts"].as_u64() > Some(0) {
                    return why;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        }.await;
        let pending = &why["pending"];
        assert!(pending["nextTry"].is_string() && pending["reason"].is_string(), "{why}");
        assert_eq!(why["attempts"][0]["outcome"], "retry");
        assert_eq!(why["attempts"][0]["resource"], json!(away));
        let told = scene.ask(Method::POST, &format!("/provision/{bad}"), Value::Null).await;
        assert_eq!(told["outcome"], "parked");
        let create = told["steps"].as_array().unwrap().iter().find(|step| step["step"] == "create").unwrap();
        assert_eq!((&create["answer"]["class"], &create["requests"][0]["method"]), (&json!("refused"), &json!("POST")));
        scene.stop().await;
    }

    /// One bad record stops the page, or the run.
    async fn complaint_16_one_bad_record_does_not_stop_the_others(world: World) {
        let bridge = Bridge::start(&world.store, &Vault::ephemeral()).await;
        bridge.admin(Method::POST, "/apps", json!({ "name": "sandbox", "adapter": "sandbox" })).await;
        let mut poison = String::new();
        for number in 0..200 {
            // The sandbox takes login names of at most 100 characters.
            let name = if number == 77 { "x".repeat(101) } else { format!("p{number}") };
            let made = bridge.push(Method::POST, "/Users", person(&name)).await;
            if number == 77 {
                poison = made["id"].as_str().unwrap().to_owned();
            }
        }
        bridge.admin(Method::PUT, "/apps/sandbox/provisioning", json!({ "enabled": true })).await;
        let run = ended(&bridge, "sandbox").await;
        assert_eq!((&run["total"], &run["done"], &run["failed"]), (&json!(200), &json!(199), &json!(1)), "{run}");
        assert_eq!(bridge.accounts("sandbox", "User").await.len(), 199);
        let parked = bridge.admin(Method::GET, "/apps/sandbox/parked", Value::Null).await;
        assert_eq!(parked["items"].as_array().unwrap().len(), 1);
        assert_eq!(parked["items"][0]["resource"], json!(poison));
        assert_eq!(parked["items"][0]["reason"]["field"], "loginName");
        bridge.stop().await;
    }

    /// Extension attributes are missing in the app, and nobody says why.
    async fn complaint_18_a_missing_attribute_says_why(world: World) {
        let bridge = Bridge::start(&world.store, &Vault::ephemeral()).await;
        bridge.sandbox().await;
        let shown = bridge.admin(Method::GET, "/apps/sandbox/mapping", Value::Null).await;
        let mut mapping = shown["mapping"].clone();
        let rules = mapping["users"].as_array_mut().unwrap();
        rules.retain(|rule| !["employeeNumber", "manager", "role", "company"].contains(&rule["field"].as_str().unwrap()));
        let enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
        rules.extend([
            json!({ "field": "employeeNumber", "source": { "kind": "profile", "path": format!("{enterprise}:employeeNumber") } }),
            json!({ "field": "manager", "source": { "kind": "reference", "path": format!("{enterprise}:manager.value") } }),
            json!({ "field": "role", "source": { "kind": "profile", "path": "name.givenName" } }),
        ]);
        bridge.admin(Method::PUT, "/apps/sandbox/mapping", mapping).await;
        let boss = bridge.person("boss").await;
        bridge.accounts("sandbox", "User").await;
        bridge.admin(Method::PATCH, "/apps/sandbox", json!({ "scope": "userName sw \"ann\"", "policy": { "outOfScope": "nothing" } })).await;
        bridge.admin(Method::POST, &format!("/apps/sandbox/links/{boss}/unlink"), json!({ "confirm": true })).await;
        let ann = bridge.person("ann").await;
        let other = bridge.person("other").await;
        bridge.set(&ann, &format!("{enterprise}:manager"), json!({ "value": other })).await;
        let why = bridge.admin(Method::GET, &format!("/apps/sandbox/why/{ann}"), Value::Null).await;
        let draft = json!({ "sample": ann });
        let preview = bridge.admin(Method::POST, "/apps/sandbox/mapping/preview", draft).await;
        for shown in [&why, &preview] {
            let row = |field: &str| {
                let rows = shown["fields"].as_array().unwrap();
                rows.iter().find(|row| row["field"] == field).unwrap_or_else(|| panic!("{shown}")).clone()
            };
            for (field, cause) in [("employeeNumber", "empty"), ("manager", "pending"), ("role", "misfit")] {
                let row = row(field);
                assert_eq!((&row["mapped"], &row["cause"]), (&json!(true), &json!(cause)), "{row}");
                assert!(row["absent"].as_str().is_some_and(|why| !why.is_empty()), "{row}");
            }
            let unmapped = row("company");
            assert_eq!((&unmapped["mapped"], &unmapped["absent"]), (&json!(false), &Value::Null), "{unmapped}");
        }
        // A path that nobody knows is not saved in the first place.
        let wrong = json!({ "users": [{ "field": "company", "source": { "kind": "profile", "path": "urn:zylker:Nowhere:company" } }] });
        let (status, problem) = bridge.send(Method::PUT, "/api/v1/apps/sandbox/mapping", Some(wrong)).await;
        assert_eq!(status, 422, "{problem}");
        assert!(problem.to_string().contains("urn:zylker:Nowhere"), "{problem}");
        bridge.stop().await;
    }

    /// What could not be sent is logged and forgotten; an id is forgotten though the deletion failed.
    async fn complaint_20_nothing_is_lost_in_silence(world: World) {
        let is_away = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&is_away);
        let policy = json!({ "policy": { "deleted": "delete" } });
        let scene = Downstream::meddled(&world, policy, move |method, _, _| {
            if seen.load(Ordering::SeqCst) && method != "GET" {
                return Meddling::Answer(500, "{}");
            }
            Meddling::Pass
        }).await;
        let (ann, bob) = (scene.bridge.person("ann").await, scene.bridge.person("bob").await);
        let staff = scene.group("Staff", &[&ann, &bob]).await;
        scene.quiet().await;
        let account = scene.link(&bob).await["remoteId"].clone();
        is_away.store(true, Ordering::SeqCst);
        scene.forget();
        scene.delete(&bob).await;
        scene.bridge.set(&ann, "title", json!("Boss")).await;
        let cy = scene.bridge.person("cy").await;
        let joins = patch("add", "members", &json!([{ "value": cy }]));
        scene.bridge.push(Method::PATCH, &format!("/Groups/{staff}"), joins).await;
        scene.bridge.published().await;
        while !scene.writes().iter().any(|line| line.starts_with("DELETE ")) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        // The deletion failed: the id is kept, and it is told that something waits.
        let link = scene.link(&bob).await;
        assert_eq!((&link["remoteId"], &link["name"]), (&account, &Value::Null), "{link}");
        let view = scene.ask(Method::GET, "", Value::Null).await;
        let waits = view["queue"]["ready"].as_i64().unwrap() + view["queue"]["running"].as_i64().unwrap();
        assert_eq!(waits, 4, "{view}");
        // Settings of the app do not throw its queue away.
        scene.ask(Method::PATCH, "", json!({ "paused": true })).await;
        scene.ask(Method::PATCH, "", json!({ "secrets": { "token": scene.app.token } })).await;
        scene.bridge.until("assist", "nothing runs", |app| app["queue"]["running"] == 0).await;
        let view = scene.ask(Method::GET, "", Value::Null).await;
        assert_eq!(view["queue"]["ready"], 4, "{view}");
        scene.ask(Method::PUT, "/provisioning", json!({ "enabled": false })).await;
        scene.delete(&ann).await;
        scene.bridge.published().await;
        is_away.store(false, Ordering::SeqCst);
        let view = scene.ask(Method::PUT, "/provisioning", json!({ "enabled": true })).await;
        assert_eq!(view["pausedBy"], "admin", "whoever holds an app by hand lets it go by hand");
        scene.ask(Method::PATCH, "", json!({ "paused": false })).await;
        let view = scene.quiet().await;
        assert_eq!(view["queue"], json!({ "ready": 0, "running": 0, "parked": 0, "waiting": 0 }));
        assert_eq!((scene.accounts().await, scene.members("Staff").await), (vec!["cy true".to_owned()], vec!["cy".to_owned()]));
        scene.stop().await;
    }
}
