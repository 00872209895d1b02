//! Whose account is whose: what is found, what people say, and what that does in the app.

use super::bridge::{Bridge, patch};
use super::downstream::Downstream;
use super::meddler::Meddling;
use crate::world::{audited, both, execute};
use reqwest::Method;
use rollcall::vault::Vault;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

const NOBODY: &str = "01a20ac4-94ea-7635-8b24-7635382353f1";
const BY_MAIL: &str = "emails[type eq \"work\"].value";

/// The action of that name among those that are shown.
fn action<'a>(link: &'a Value, name: &str) -> &'a Value {
    let actions = link["actions"].as_array().unwrap();
    actions.iter().find(|one| one["action"] == name).unwrap_or(&Value::Null)
}

fn mails(name: &str) -> Value {
    json!({ "emails": [{ "value": format!("{name}@zylker.example"), "type": "work" }] })
}

fn fields(problem: &Value) -> Vec<&str> {
    problem["errors"].as_array().unwrap().iter().map(|one| one["field"].as_str().unwrap()).collect()
}

both! {
    async fn unlinking_sends_nothing_and_leaves_the_person_alone_until_relinked(world: World) {
        let scene = Downstream::new(&world, json!({})).await;
        let ann = scene.bridge.person("ann").await;
        let bob = scene.bridge.person("bob").await;
        let staff = scene.group("Staff", &[&ann, &bob]).await;
        let desk = scene.group("Desk", &[&bob]).await;
        scene.quiet().await;
        let account = scene.account("ann").await["id"].as_str().unwrap().to_owned();
        let link = scene.link(&ann).await;
        assert_eq!((&link["state"], &link["origin"]), (&json!("linked"), &json!("created")), "{link}");
        assert_eq!(link["name"], "ann@zylker.example");

        // First it is said, and nothing happens.
        scene.forget();
        let said = scene.ask(Method::POST, &format!("/links/{ann}/unlink"), Value::Null).await;
        assert_eq!(said["done"], false);
        assert_eq!(said["action"]["requests"], json!([]));
        let remote = said["action"]["remote"].as_str().unwrap();
        assert!(remote.starts_with("Nothing is sent.") && remote.contains(&account), "{remote}");
        assert_eq!(action(&link, "unlink"), &said["action"], "as the list of actions says it");
        assert_eq!(said["link"]["state"], "linked");
        assert_eq!(scene.seen(), Vec::<String>::new());

        let done = scene.confirm(&ann, "unlink").await;
        assert_eq!((&done["done"], &done["link"]["state"]), (&json!(true), &json!("released")));
        assert_eq!(done["link"]["remoteId"], json!(account));
        // Whatever becomes of her, and of her groups.
        scene.bridge.set(&ann, "title", json!("Boss")).await;
        scene.bridge.set(&ann, "active", json!(false)).await;
        let leaves = patch("remove", &format!("members[value eq \"{ann}\"]"), &Value::Null);
        scene.bridge.push(Method::PATCH, &format!("/Groups/{staff}"), leaves).await;
        let joins = patch("add", "members", &json!([{ "value": ann }]));
        scene.bridge.push(Method::PATCH, &format!("/Groups/{desk}"), joins).await;
        scene.bridge.set(&ann, "active", json!(true)).await;
        let view = scene.quiet().await;
        assert_eq!(view["queue"]["parked"], 0, "{view}");
        assert_eq!(scene.writes(), Vec::<String>::new());
        let run = scene.ask(Method::POST, "/sync", json!({})).await;
        let changes = &run["plan"]["counts"];
        assert_eq!(changes, &json!({ "User": { "unchanged": 2 }, "Group": { "unchanged": 2 } }), "{run}");
        assert_eq!(scene.account("ann").await["title"], "Technician");
        assert_eq!(scene.members("Staff").await, ["ann", "bob"]);

        // Relinked, she is found again, and everything that changed meanwhile is told.
        let said = scene.ask(Method::POST, &format!("/links/{ann}/relink"), json!({})).await;
        assert_eq!(said["done"], false);
        assert_eq!(scene.writes(), Vec::<String>::new());
        let done = scene.confirm(&ann, "relink").await;
        assert_eq!(done["provisioned"]["outcome"], "done", "{done}");
        assert_eq!(done["link"]["remoteId"], json!(account));
        scene.quiet().await;
        assert_eq!(scene.account("ann").await["title"], "Boss");
        assert_eq!(scene.members("Staff").await, ["bob"], "she left while she was left alone");
        assert_eq!(scene.members("Desk").await, ["ann", "bob"]);
        assert_eq!(scene.accounts().await, ["ann true", "bob true"]);
        let who = |action: &str| audited(&world.url, action);
        let expected = vec![("client:tests".to_owned(), "assist".to_owned(), format!("{ann} {account}"))];
        assert_eq!((who("link.unlink"), who("link.relink")), (expected.clone(), expected));
        scene.stop().await;
    }

    async fn one_who_was_left_alone_leaves_the_directory_and_nothing_is_sent(world: World) {
        let policy = json!({ "policy": { "deleted": "delete" } });
        let scene = Downstream::new(&world, policy).await;
        let ann = scene.bridge.person("ann").await;
        scene.group("Staff", &[&ann]).await;
        scene.quiet().await;
        scene.confirm(&ann, "unlink").await;
        scene.forget();
        scene.delete(&ann).await;
        scene.quiet().await;
        assert_eq!(scene.writes(), Vec::<String>::new());
        assert_eq!((scene.accounts().await, scene.members("Staff").await), (vec!["ann true".into()], vec!["ann".into()]));
        let (status, _) = scene.try_to(Method::GET, &format!("/links/{ann}"), Value::Null).await;
        assert_eq!(status, 404, "she is forgotten");
        scene.stop().await;
    }

    async fn a_leaver_in_days_of_grace_can_be_unlinked_and_not_relinked(world: World) {
        let policy = json!({ "policy": { "deleted": { "action": "delete", "afterDays": 30 } } });
        let scene = Downstream::new(&world, policy).await;
        let ann = scene.bridge.person("ann").await;
        scene.quiet().await;
        scene.delete(&ann).await;
        let view = scene.quiet().await;
        assert_eq!(view["queue"]["waiting"], 1);
        let link = scene.link(&ann).await;
        assert_eq!((&link["state"], &link["name"]), (&json!("deactivated"), &Value::Null), "{link}");
        assert!(link["leaving"].is_string());
        let listed: Vec<&str> = link["actions"].as_array().unwrap().iter()
            .map(|one| one["action"].as_str().unwrap()).collect();
        assert_eq!(listed, ["provision", "retry", "unlink"], "nobody is there to link to");
        for (action, body) in [("relink", json!({})), ("link", json!({ "remoteId": "x" }))] {
            let (status, problem) = scene.try_to(Method::POST, &format!("/links/{ann}/{action}"), body).await;
            assert_eq!(status, 409, "{problem}");
            assert!(problem["detail"].as_str().unwrap().contains("gone from the directory"), "{problem}");
        }
        scene.forget();
        let done = scene.confirm(&ann, "unlink").await;
        assert_eq!((&done["done"], &done["link"]), (&json!(true), &Value::Null));
        let view = scene.quiet().await;
        assert_eq!(view["queue"]["waiting"], 0, "nothing is done to it after 30 days either");
        assert_eq!((scene.writes(), scene.accounts().await), (vec![], vec!["ann false".to_owned()]));
        scene.stop().await;
    }

    async fn of_several_candidates_the_one_that_is_said_is_linked(world: World) {
        let policy = json!({ "policy": { "matching": { "users": [BY_MAIL, "userName"] }, "protected": ["root@zylker.example"] } });
        let scene = Downstream::new(&world, policy).await;
        let old = scene.there("ann.old", mails("ann")).await;
        let new = scene.there("ann.new", mails("ann")).await;
        let root = scene.there("root", json!({})).await;
        let bob = scene.bridge.person("bob").await;
        scene.quiet().await;
        let ann = scene.bridge.person("ann").await;
        let view = scene.quiet().await;
        assert_eq!(view["queue"]["parked"], 1);
        let link = scene.link(&ann).await;
        assert_eq!((&link["state"], &link["remoteId"]), (&json!("disputed"), &Value::Null), "{link}");
        let mut candidates: Vec<&str> = link["candidates"].as_array().unwrap().iter()
            .map(|one| one.as_str().unwrap()).collect();
        candidates.sort_unstable();
        let mut both = vec![old.as_str(), new.as_str()];
        both.sort_unstable();
        assert_eq!(candidates, both);
        assert_eq!(link["pending"]["reason"]["cause"], "disputed");
        // What would be done is what was found, and not what would be done had nobody been found.
        for said in [&link["verdict"], &action(&link, "provision")["remote"], &action(&link, "retry")["remote"]] {
            let said = said.as_str().unwrap();
            assert!(said.starts_with("Nothing is sent. 2 objects of the app match"), "{link}");
        }
        let methods = |name: &str| {
            let requests = action(&link, name)["requests"].as_array().unwrap().clone();
            requests.iter().map(|one| one["method"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        assert!(!methods("provision").is_empty() && methods("provision").iter().all(|one| one == "GET"), "{link}");
        let words = action(&link, "link")["remote"].as_str().unwrap();
        assert!(words.contains(&old) && words.contains(&new), "{words}");

        // What cannot be linked is refused by the field, and says what to do.
        let path = format!("/links/{ann}/link");
        let taken = scene.account("bob").await["id"].clone();
        for (remote, status, needle) in [
            (json!(NOBODY), 422, "GET /api/v1/apps/assist/accounts"),
            (taken, 409, bob.as_str()),
            (json!(root), 409, "protected"),
            (json!(""), 400, "id"),
        ] {
            let body = json!({ "remoteId": remote, "confirm": true });
            let (told, problem) = scene.try_to(Method::POST, &path, body).await;
            assert_eq!((told, fields(&problem)), (status, vec!["remoteId"]), "{problem}");
            assert!(problem["detail"].as_str().unwrap().contains(needle), "{problem}");
        }
        scene.forget();
        let said = scene.ask(Method::POST, &path, json!({ "remoteId": old })).await;
        let requests = said["action"]["requests"].as_array().unwrap().clone();
        assert_eq!((&said["done"], requests.len()), (&json!(false), 1), "{said}");
        assert_eq!(scene.writes(), Vec::<String>::new());
        let done = scene.ask(Method::POST, &path, json!({ "remoteId": old, "confirm": true })).await;
        assert_eq!(done["provisioned"]["outcome"], "done", "{done}");
        assert_eq!((&done["link"]["state"], &done["link"]["origin"]), (&json!("linked"), &json!("adopted")));
        let writes = scene.writes();
        assert_eq!(writes.len(), 1, "{writes:?}");
        let (method, rest) = writes[0].split_once(' ').unwrap();
        let (path, body) = rest.split_once(' ').unwrap();
        assert!(requests[0]["url"].as_str().unwrap().ends_with(path), "{writes:?} {requests:?}");
        let body: Value = serde_json::from_str(body).unwrap();
        assert_eq!((&requests[0]["method"], &requests[0]["body"]), (&json!(method), &body));
        let view = scene.quiet().await;
        assert_eq!(view["queue"]["parked"], 0);
        assert_eq!(scene.accounts().await, ["ann true", "ann.new true", "bob true", "root true"]);
        assert_eq!(scene.account("ann").await["id"], json!(old));
        scene.stop().await;
    }

    async fn the_first_rule_that_finds_decides(world: World) {
        let scene = Downstream::new(&world, json!({})).await;
        let by_name = scene.there("ann", mails("other")).await;
        let by_mail = scene.there("annette", mails("ann")).await;
        for (rules, expected) in [([BY_MAIL, "userName"], &by_mail), (["userName", BY_MAIL], &by_name)] {
            scene.ask(Method::PATCH, "", json!({ "policy": { "matching": { "users": rules } }, "paused": true })).await;
            let ann = scene.bridge.person("ann").await;
            scene.bridge.published().await;
            scene.forget();
            scene.ask(Method::PATCH, "", json!({ "paused": false })).await;
            scene.quiet().await;
            let looks = scene.seen().iter().filter(|line| line.contains("filter=")).count();
            assert_eq!(looks, 1, "the second rule is not asked: {:?}", scene.seen());
            let link = scene.link(&ann).await;
            assert_eq!(&link["remoteId"], expected, "{rules:?}");
            assert!(link["matching"].as_str().unwrap().contains(rules[0]), "{link}");
            // Both are as they were before the next round.
            scene.confirm(&ann, "unlink").await;
            scene.delete(&ann).await;
            scene.quiet().await;
            scene.app.set(expected, "userName", json!(if *expected == by_mail { "annette@zylker.example" } else { "ann@zylker.example" })).await;
            let mail = if *expected == by_mail { "ann" } else { "other" };
            scene.app.set(expected, "emails", mails(mail)["emails"].clone()).await;
        }
        // A rule that finds nobody leaves it to the next.
        scene.ask(Method::PATCH, "", json!({ "policy": { "matching": { "users": ["externalId", BY_MAIL] } } })).await;
        let ann = scene.bridge.person("ann").await;
        scene.quiet().await;
        assert_eq!(scene.link(&ann).await["remoteId"], json!(by_mail));
        scene.stop().await;
    }

    async fn nobody_is_recognised_by_what_the_app_cannot_be_searched_by(world: World) {
        let bridge = Bridge::start(&world.store, &Vault::ephemeral()).await;
        bridge.sandbox().await;
        let policy = |users: &str| json!({ "policy": { "matching": { "users": [users] } } });
        let path = "/api/v1/apps/sandbox";
        let (status, problem) = bridge.send(Method::PATCH, path, Some(policy("email"))).await;
        assert_eq!((status, fields(&problem)), (400, vec!["policy/matching/users/0"]), "{problem}");
        assert!(problem["detail"].as_str().unwrap().contains("loginName"), "{problem}");
        let app = json!({ "name": "other", "adapter": "sandbox", "policy": policy("email")["policy"] });
        let (status, problem) = bridge.send(Method::POST, "/api/v1/apps", Some(app)).await;
        assert_eq!((status, fields(&problem)), (400, vec!["policy/matching/users/0"]), "{problem}");
        bridge.admin(Method::PATCH, "/apps/sandbox", policy("loginName")).await;
        // One that was saved before this was known.
        let set = r#"UPDATE app SET policy = '{"matching":{"users":["email"]}}', revision = revision + 1"#;
        execute(&world.url, set, set);
        let ann = bridge.person("ann").await;
        bridge.published().await;
        bridge.until("sandbox", "it is parked", |app| app["queue"]["parked"] == 1).await;
        let link = bridge.admin(Method::GET, &format!("/apps/sandbox/links/{ann}"), Value::Null).await;
        let reason = &link["pending"]["reason"];
        assert_eq!((&reason["cause"], &reason["field"]), (&json!("unsupported"), &json!("email")), "{reason}");
        let detail = reason["detail"].as_str().unwrap();
        assert!(link["verdict"].as_str().unwrap().contains(detail), "the preview says the same: {link}");
        bridge.stop().await;
    }

    /// What the worker records late may not link again, and what waits for the app is told first.
    async fn unlinking_holds_against_a_push_that_is_on_its_way(world: World) {
        let slow = Arc::new(AtomicBool::new(false));
        let is_slow = Arc::clone(&slow);
        let scene = Downstream::meddled(&world, json!({}), move |method, _, _| {
            if method == "PATCH" && is_slow.load(Ordering::SeqCst) {
                Meddling::Slow(Duration::from_secs(8))
            } else {
                Meddling::Pass
            }
        }).await;
        let ann = scene.bridge.person("ann").await;
        scene.quiet().await;
        slow.store(true, Ordering::SeqCst);
        scene.forget();
        scene.bridge.set(&ann, "title", json!("Boss")).await;
        while scene.writes().is_empty() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        // The account for which a look would look may be on its way.
        let body = json!({ "confirm": true });
        let (status, problem) = scene.try_to(Method::POST, &format!("/links/{ann}/relink"), body).await;
        assert_eq!(status, 409, "{problem}");
        assert!(problem["detail"].as_str().unwrap().contains("try again"), "{problem}");
        let done = scene.confirm(&ann, "unlink").await;
        assert_eq!(done["link"]["state"], "released");
        slow.store(false, Ordering::SeqCst);
        while scene.account("ann").await["title"] != "Boss" {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        tokio::time::sleep(Duration::from_millis(300)).await;
        scene.quiet().await;
        let link = scene.link(&ann).await;
        assert_eq!((&link["state"], &link["pending"]), (&json!("released"), &Value::Null), "{link}");
        scene.bridge.set(&ann, "title", json!("Chief")).await;
        scene.quiet().await;
        assert_eq!(scene.account("ann").await["title"], "Boss");
        scene.stop().await;
    }

    async fn unlinking_waits_for_a_push_that_is_soon_at_its_end(world: World) {
        let scene = Downstream::meddled(&world, json!({}), |method, _, _| match method {
            "POST" => Meddling::Slow(Duration::from_millis(700)),
            _ => Meddling::Pass,
        }).await;
        let ann = scene.bridge.person("ann").await;
        while scene.writes().is_empty() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let done = scene.confirm(&ann, "unlink").await;
        let account = scene.account("ann").await["id"].clone();
        assert_eq!((&done["link"]["state"], &done["link"]["remoteId"]), (&json!("released"), &account));
        scene.stop().await;
    }

    async fn one_who_is_parked_can_be_left_alone_and_taken_up_again(world: World) {
        let scene = Downstream::meddled(&world, json!({}), |method, _, body| {
            if method == "POST" && body.contains("bad@") {
                let refusal = r#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:Error"],"status":"400","detail":"title is not known here"}"#;
                return Meddling::Answer(400, refusal);
            }
            Meddling::Pass
        }).await;
        let bad = scene.bridge.person("bad").await;
        let view = scene.quiet().await;
        assert_eq!(view["queue"]["parked"], 1);
        assert_eq!(scene.link(&bad).await["state"], "none");
        let retried = scene.confirm(&bad, "retry").await;
        assert_eq!(retried["done"], true);
        let view = scene.quiet().await;
        assert_eq!(view["queue"]["parked"], 1, "it is refused again");
        scene.confirm(&bad, "unlink").await;
        let view = scene.quiet().await;
        assert_eq!((&view["queue"]["parked"], &view["queue"]["ready"]), (&json!(0), &json!(0)));
        let link = scene.link(&bad).await;
        assert_eq!((&link["state"], &link["remoteId"]), (&json!("released"), &Value::Null), "{link}");
        scene.forget();
        scene.bridge.set(&bad, "title", json!("Good")).await;
        scene.quiet().await;
        assert_eq!(scene.writes(), Vec::<String>::new());
        let done = scene.confirm(&bad, "relink").await;
        assert_eq!(done["provisioned"]["outcome"], "parked", "{done}");
        assert!(done["provisioned"]["verdict"].as_str().unwrap().contains("title is not known here"));
        scene.stop().await;
    }

    async fn an_account_that_was_given_up_is_free_for_another(world: World) {
        let scene = Downstream::new(&world, json!({})).await;
        // Ann takes over what is Bob's.
        let account = scene.there("ann", json!({})).await;
        let ann = scene.bridge.person("ann").await;
        scene.group("Staff", &[&ann]).await;
        scene.quiet().await;
        assert_eq!(scene.link(&ann).await["remoteId"], json!(account));
        scene.ask(Method::PATCH, "", json!({ "paused": true })).await;
        let bob = scene.bridge.person("bob").await;
        let path = format!("/links/{bob}/link");
        let body = json!({ "remoteId": account, "confirm": true });
        let (status, problem) = scene.try_to(Method::POST, &path, body.clone()).await;
        assert_eq!(status, 409, "{problem}");
        assert!(problem["detail"].as_str().unwrap().contains(&ann), "{problem}");
        scene.confirm(&ann, "unlink").await;
        let done = scene.ask(Method::POST, &path, body).await;
        assert_eq!((&done["done"], &done["provisioned"]), (&json!(true), &Value::Null), "the app is paused");
        assert!(done["link"]["held"].as_str().unwrap().contains("\"paused\": false"), "{done}");
        assert_eq!(scene.link(&ann).await["remoteId"], Value::Null);
        scene.ask(Method::PATCH, "", json!({ "paused": false })).await;
        scene.quiet().await;
        assert_eq!(scene.account("bob").await["id"], json!(account));
        let done = scene.confirm(&ann, "relink").await;
        assert_eq!(done["provisioned"]["outcome"], "done", "{done}");
        scene.quiet().await;
        assert_eq!(scene.accounts().await, ["ann true", "bob true"]);
        assert_eq!(scene.members("Staff").await, ["ann", "bob"], "her new account joins; nobody said that Bob leaves");
        scene.stop().await;
    }

    async fn relinking_finds_another_account_and_keeps_the_old_one_as_it_is(world: World) {
        let scene = Downstream::new(&world, json!({})).await;
        let ann = scene.bridge.person("ann").await;
        let boss = scene.bridge.person("boss").await;
        let manager = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager";
        scene.bridge.set(&boss, manager, json!({ "value": ann })).await;
        scene.group("Staff", &[&ann]).await;
        scene.quiet().await;
        let old = scene.link(&ann).await["remoteId"].as_str().unwrap().to_owned();
        // Somebody renamed her account, and made another under her name.
        scene.app.set(&old, "userName", json!("ann.wrong@zylker.example")).await;
        let new = scene.there("ann", json!({})).await;
        let done = scene.confirm(&ann, "relink").await;
        assert_eq!(done["link"]["remoteId"], json!(new), "{done}");
        assert!(done["action"]["here"].as_str().unwrap().contains(&old), "{done}");
        scene.bridge.until("assist", "those who refer to her follow", |app| app["queue"]["ready"] == 0).await;
        scene.quiet().await;
        assert_eq!(scene.accounts().await, ["ann true", "ann.wrong true", "boss true"]);
        assert_eq!(scene.members("Staff").await, ["ann", "ann.wrong"]);
        let enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
        assert_eq!(scene.account("boss").await[enterprise]["manager"]["value"], json!(new));
        scene.stop().await;
    }

    async fn who_should_have_no_account_is_not_relinked_and_can_be_linked(world: World) {
        let scene = Downstream::new(&world, json!({ "scope": "title ne \"Boss\"" })).await;
        let ann = scene.bridge.person("ann").await;
        scene.quiet().await;
        let account = scene.link(&ann).await["remoteId"].clone();
        scene.bridge.set(&ann, "title", json!("Boss")).await;
        scene.quiet().await;
        assert_eq!(scene.link(&ann).await["state"], "deactivated");
        let (status, problem) = scene.try_to(Method::POST, &format!("/links/{ann}/relink"), Value::Null).await;
        assert_eq!(status, 409, "{problem}");
        assert!(action(&scene.link(&ann).await, "relink").is_null());
        // Somebody switches it on by hand; saying that it is hers switches it off as policy says.
        scene.app.set(account.as_str().unwrap(), "active", json!(true)).await;
        let path = format!("/links/{ann}/link");
        let said = scene.ask(Method::POST, &path, json!({ "remoteId": account })).await;
        assert_eq!(said["action"]["remote"], "The account is switched off.", "{said}");
        scene.ask(Method::POST, &path, json!({ "remoteId": account, "confirm": true })).await;
        assert_eq!(scene.accounts().await, ["ann false"]);
        scene.stop().await;
    }

    async fn a_group_is_linked_by_hand_and_gets_its_members(world: World) {
        let scene = Downstream::new(&world, json!({})).await;
        let ann = scene.bridge.person("ann").await;
        let body = json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": "Personnel",
        });
        let there = scene.app.push(Method::POST, "/Groups", body).await["id"].clone();
        scene.quiet().await;
        let staff = scene.group("Staff", &[&ann]).await;
        scene.quiet().await;
        let made = scene.link(&staff).await["remoteId"].clone();
        let path = format!("/links/{staff}/link");
        let done = scene.ask(Method::POST, &path, json!({ "remoteId": there, "confirm": true })).await;
        assert_eq!(done["link"]["remoteId"], there, "{done}");
        assert!(done["action"]["here"].as_str().unwrap().contains(made.as_str().unwrap()));
        scene.quiet().await;
        let renamed = scene.app.push(Method::GET, &format!("/Groups/{}", there.as_str().unwrap()), Value::Null).await;
        assert_eq!(renamed["displayName"], "Staff");
        assert_eq!(renamed["members"].as_array().unwrap().len(), 1, "{renamed}");
        scene.stop().await;
    }

    async fn the_sandbox_is_linked_by_hand_too(world: World) {
        let bridge = Bridge::start(&world.store, &Vault::ephemeral()).await;
        bridge.sandbox().await;
        let ann = bridge.person("ann").await;
        bridge.accounts("sandbox", "User").await;
        let path = |action: &str| format!("/apps/sandbox/links/{ann}/{action}");
        let link = bridge.admin(Method::GET, &format!("/apps/sandbox/links/{ann}"), Value::Null).await;
        let events: Vec<(&str, &str)> = link["events"].as_array().unwrap().iter()
            .map(|one| (one["event"].as_str().unwrap(), one["requests"][0]["method"].as_str().unwrap())).collect();
        let off = "deactivate";
        assert_eq!(events, [("deactivated", off), ("deleted", off), ("outOfScope", off), ("unassigned", off)]);
        let account = link["remoteId"].clone();
        bridge.admin(Method::POST, &path("unlink"), json!({ "confirm": true })).await;
        bridge.set(&ann, "title", json!("Boss")).await;
        let done = bridge.admin(Method::POST, &path("link"), json!({ "remoteId": account, "confirm": true })).await;
        assert_eq!((&done["link"]["state"], &done["link"]["origin"]), (&json!("linked"), &json!("adopted")));
        let there = bridge.account("sandbox", "ann@zylker.example").await.unwrap();
        assert_eq!((&there["id"], &there["record"]["jobTitle"]), (&account, &json!("Boss")));
        for body in [json!({ "confirm": 1 }), json!({ "confrim": true }), json!([true])] {
            let (status, _) = bridge.send(Method::POST, &format!("/api/v1{}", path("unlink")), Some(body)).await;
            assert_eq!(status, 400);
        }
        bridge.stop().await;
    }
}
