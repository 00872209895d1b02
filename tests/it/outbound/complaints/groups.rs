//! Groups and references.

mod orders;
mod scene;

use crate::outbound::bridge::{patch, person};
use crate::outbound::meddler::Meddling;
use crate::world::both;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use reqwest::Method;
use scene::{Scene, group_body, names, unlimited, values};
use serde_json::{Value, json};
use std::collections::BTreeSet;

const MANAGER: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value";
const EMPTY: &str =
    r#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:ListResponse"],"totalResults":0}"#;

both! {
    /// Members disappear from groups and come back, because the tool takes what it happens to read for
    /// all there is.
    async fn complaint_03_memberships_are_not_removed_without_evidence(world: World) {
        // From a certain moment on the app shows nobody and no group in lists.
        let scene = Scene::new(&world, json!({}), |line| {
            if line.is_late && line.method == "GET" && line.path.contains('?') {
                return Meddling::Answer(200, EMPTY);
            }
            Meddling::Pass
        }).await;
        // The app has such a group already, and somebody in it of whom it was never told.
        let guest = scene.there(Method::POST, "/Users", person("guest")).await;
        let members = values([guest["id"].as_str().unwrap()]);
        scene.there(Method::POST, "/Groups", group_body("Staff", &members)).await;
        let (ann, bob) = (scene.bridge.person("ann").await, scene.bridge.person("bob").await);
        let staff = scene.group("Staff", &[&ann, &bob]).await;
        scene.quiet().await;
        assert_eq!(scene.members("Staff").await, names(["ann", "bob", "guest"]));

        // Half of the app's lists are missing; the group is renamed and renamed back; the provider
        // sends it without saying who is in it; somebody is switched off.
        scene.is_late();
        scene.bridge.admin(Method::POST, "/apps/assist/sync", json!({ "confirm": true })).await;
        scene.quiet().await;
        let path = format!("/Groups/{staff}");
        for name in ["Personnel", "Staff"] {
            scene.bridge.push(Method::PATCH, &path, patch("replace", "displayName", &json!(name))).await;
            scene.quiet().await;
        }
        scene.bridge.push(Method::PUT, &path, json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": "Staff",
        })).await;
        scene.bridge.set(&bob, "active", json!(false)).await;
        scene.bridge.admin(Method::POST, "/apps/assist/sync", json!({ "confirm": true })).await;
        scene.quiet().await;
        assert_eq!(scene.members("Staff").await, names(["ann", "bob", "guest"]));
        assert_eq!(scene.removed(), BTreeSet::new(), "nobody was to leave");

        // Who leaves in the directory leaves in the app, and nobody else.
        let ann_there = scene.account("ann").await;
        let removal = patch("remove", &format!("members[value eq \"{ann}\"]"), &Value::Null);
        scene.bridge.push(Method::PATCH, &path, removal).await;
        scene.quiet().await;
        assert_eq!(scene.members("Staff").await, names(["bob", "guest"]));
        assert_eq!(scene.removed(), [ann_there].into());
        scene.stop().await;
    }

    /// Adding one member sends the whole group again, until the app times out.
    async fn complaint_06_one_more_member_sends_one_member(world: World) {
        let scene = Scene::new(&world, json!({}), |_| Meddling::Pass).await;
        let people = scene.people(212).await;
        let (last, others) = people.split_last().unwrap();
        let staff = scene.group("Staff", &others.iter().map(String::as_str).collect::<Vec<_>>()).await;
        scene.quiet().await;
        assert_eq!(scene.members("Staff").await.len(), 211);
        scene.forget();
        let path = format!("/Groups/{staff}");
        scene.bridge.push(Method::PATCH, &path, patch("add", "members", &values([last]))).await;
        scene.quiet().await;
        let sent = scene.sent();
        assert_eq!(sent.len(), 1, "{sent:?}");
        let operations = sent[0].body["Operations"].as_array().unwrap();
        assert_eq!(operations.len(), 1);
        assert_eq!(operations[0]["value"].as_array().unwrap().len(), 1);
        // And one less.
        scene.forget();
        let removal = patch("remove", &format!("members[value eq \"{last}\"]"), &Value::Null);
        scene.bridge.push(Method::PATCH, &path, removal).await;
        scene.quiet().await;
        let sent = scene.sent();
        assert_eq!(sent.len(), 1, "{sent:?}");
        assert_eq!(scene.removed().len(), 1);
        assert_eq!(scene.members("Staff").await.len(), 211);
        scene.stop().await;
    }

    /// Groups with more than a hundred members break, or keep only the first hundred.
    async fn complaint_07_groups_larger_than_a_request_are_told_in_parts(world: World) {
        const MOST: usize = 100;
        let scene = Scene::new(&world, unlimited(), |_| Meddling::Pass).await;
        let people = scene.people(250).await;
        scene.quiet().await;
        scene.forget();
        let all: Vec<&str> = people.iter().map(String::as_str).collect();
        let staff = scene.group("Staff", &all).await;
        scene.quiet().await;
        let parts: Vec<usize> = scene.parts();
        assert!(parts.iter().all(|part| *part <= MOST), "{parts:?}");
        assert_eq!((parts.len(), parts.iter().sum::<usize>()), (3, 250));
        assert_eq!(scene.members("Staff").await.len(), 250);
        // All but ten leave, none of the ten with them.
        scene.forget();
        let op = patch("replace", "members", &values(&all[..10]));
        scene.bridge.push(Method::PATCH, &format!("/Groups/{staff}"), op).await;
        scene.quiet().await;
        let parts: Vec<usize> = scene.parts();
        assert!(parts.iter().all(|part| *part <= MOST), "{parts:?}");
        assert_eq!(scene.removed().len(), 240);
        assert_eq!(scene.members("Staff").await.len(), 10);
        scene.stop().await;
    }

    /// Whoever left a group stays in the app's, because lists are merged and not compared as sets.
    async fn complaint_08_removed_members_are_removed(world: World) {
        let seed = [world.database as u8 + 31; 32];
        let random = TestRng::from_seed(RngAlgorithm::ChaCha, &seed);
        let mut runner = TestRunner::new_with_rng(Config::default(), random);
        let scene = Scene::new(&world, unlimited(), |_| Meddling::Pass).await;
        let people = scene.people(8).await;
        let speaks = async |dialect: &str| {
            scene.bridge.admin(Method::PATCH, "/clients/tests", json!({ "dialect": dialect })).await;
        };
        let staff = scene.group("Staff", &[]).await;
        let path = format!("/Groups/{staff}");
        let mut members: BTreeSet<usize> = BTreeSet::new();
        for round in 0..24 {
            let which = (0..8_u8, prop::collection::btree_set(0..8_usize, 0..6));
            let (how, set) = which.new_tree(&mut runner).unwrap().current();
            let named = values(set.iter().map(|at| people[*at].as_str()));
            let body = match how {
                0 => {
                    members.extend(&set);
                    patch("add", "members", &named)
                }
                1 => {
                    let first = set.iter().next().copied().unwrap_or_default();
                    members.remove(&first);
                    patch("remove", &format!("members[value eq \"{}\"]", people[first]), &Value::Null)
                }
                2 => {
                    members.clear();
                    patch("remove", "members", &Value::Null)
                }
                // To nobody, in words: nothing, and null.
                3 => {
                    members.clear();
                    patch("replace", "members", &json!([]))
                }
                5 => {
                    members.clear();
                    group_body("Staff", &Value::Null)
                }
                6 => {
                    // Whoever is not named in a removal stays.
                    let left: Vec<usize> = set.iter().copied().take(2).collect();
                    members.retain(|at| !left.contains(at));
                    let named = values(left.iter().map(|at| people[*at].as_str()));
                    patch("remove", "members", &named)
                }
                _ => {
                    members.clone_from(&set);
                    patch("replace", "members", &named)
                }
            };
            if how == 4 {
                members.clone_from(&set);
                scene.bridge.push(Method::PUT, &path, group_body("Staff", &named)).await;
            } else if how == 5 {
                // For those who are forgiven nothing, null is nobody.
                speaks("strict").await;
                scene.bridge.push(Method::PUT, &path, body).await;
                speaks("standard").await;
            } else if how == 6 {
                speaks("entra").await;
                // A removal that names nobody is another question.
                if !set.is_empty() {
                    scene.bridge.push(Method::PATCH, &path, body).await;
                }
                speaks("standard").await;
            } else {
                scene.bridge.push(Method::PATCH, &path, body).await;
            }
            // Sometimes the app is told of several at once.
            if round % 3 != 1 {
                scene.quiet().await;
                let expected: BTreeSet<String> = members.iter().map(|at| format!("p{at}")).collect();
                assert_eq!(scene.members("Staff").await, expected, "round {round}, way {how}");
            }
        }
        scene.stop().await;
    }

    /// Who is not in the app yet when a group is told of never gets into it.
    async fn complaint_09_members_that_come_later_are_not_lost(world: World) {
        orders::every_order_ends_alike(&world).await;
    }

    /// A manager who comes into the app after the employee is never filled in.
    async fn complaint_10_a_manager_that_comes_later_is_repaired(world: World) {
        let scene = Scene::sandbox(&world, json!({ "scope": "userType eq \"Employee\"" })).await;
        let bridge = &scene.bridge;
        let (boss, ann) = (bridge.person("boss").await, bridge.person("ann").await);
        bridge.set(&ann, MANAGER, json!(boss)).await;
        bridge.set(&ann, "userType", json!("Employee")).await;
        let manager = async |name: &str| {
            let account = bridge.account("sandbox", &format!("{name}@zylker.example")).await.unwrap();
            account["record"].get("manager").cloned().unwrap_or_default()
        };
        assert_eq!(manager("ann").await, Value::Null, "the manager is not there yet");
        bridge.set(&boss, "userType", json!("Employee")).await;
        let there = bridge.account("sandbox", "boss@zylker.example").await.unwrap()["id"].clone();
        assert_eq!(manager("ann").await, there);
        // A manager of the manager, who comes last of all.
        let chief = bridge.person("chief").await;
        bridge.set(&boss, MANAGER, json!(chief)).await;
        assert_eq!(manager("boss").await, Value::Null);
        bridge.set(&chief, "userType", json!("Employee")).await;
        let there = bridge.account("sandbox", "chief@zylker.example").await.unwrap()["id"].clone();
        assert_eq!(manager("boss").await, there);
        scene.stop().await;
    }

    /// A manager who left is still the manager when the account is somebody else's.
    async fn complaint_10_an_account_that_is_given_on_is_nobodys_manager(world: World) {
        let scene = Scene::sandbox(&world, json!({})).await;
        let bridge = &scene.bridge;
        let (boss, ann) = (bridge.person("boss").await, bridge.person("ann").await);
        bridge.set(&ann, MANAGER, json!(boss)).await;
        let manager = async || {
            let account = bridge.account("sandbox", "ann@zylker.example").await.unwrap();
            account["record"].get("manager").cloned().unwrap_or_default()
        };
        scene.quiet().await;
        let account = bridge.account("sandbox", "boss@zylker.example").await.unwrap()["id"].clone();
        assert_eq!(manager().await, account);
        bridge.push(Method::DELETE, &format!("/Users/{boss}"), Value::Null).await;
        scene.quiet().await;
        bridge.person("boss").await;
        scene.quiet().await;
        let given_on = bridge.account("sandbox", "boss@zylker.example").await.unwrap()["id"].clone();
        assert_eq!(given_on, account, "who comes by the same name takes the account over");
        assert_eq!(manager().await, Value::Null, "the new boss is not her manager");
        scene.stop().await;
    }

    /// Two groups of one name become one, and nested groups lose their members.
    async fn complaint_17_nested_and_duplicate_group_names(world: World) {
        let scene = Scene::sandbox(&world, json!({ "policy": { "nestedGroups": "flatten" } })).await;
        let bridge = &scene.bridge;
        let (ann, bob) = (bridge.person("ann").await, bridge.person("bob").await);
        let first = scene.group("Sales", &[&ann]).await;
        scene.group("Everybody", &[&first]).await;
        scene.quiet().await;
        let second = scene.group("Sales", &[&bob]).await;
        bridge.until("sandbox", "the second is parked", |app| app["queue"]["parked"] == 1).await;
        assert_eq!(scene.held(&world, "Sales").await, names(["ann"]), "they are not merged");
        let parked = bridge.admin(Method::GET, "/apps/sandbox/parked", Value::Null).await;
        let waits = &parked["items"][0];
        assert_eq!(waits["resource"], json!(second));
        let reason = &waits["reason"];
        assert_eq!((&reason["cause"], &reason["field"]), (&json!("taken"), &json!("name")), "{reason}");
        let sentence = reason["detail"].as_str().unwrap();
        assert!(sentence.ends_with("with the same name belongs to another resource."), "{sentence}");
        // Which of them is which is known by their ids: each keeps its members when names change.
        let rename = patch("replace", "displayName", &json!("Sales North"));
        bridge.push(Method::PATCH, &format!("/Groups/{second}"), rename).await;
        scene.quiet().await;
        assert_eq!(scene.held(&world, "Sales North").await, names(["bob"]));
        let rename = patch("replace", "displayName", &json!("Sales South"));
        bridge.push(Method::PATCH, &format!("/Groups/{first}"), rename).await;
        scene.quiet().await;
        assert_eq!(scene.held(&world, "Sales South").await, names(["ann"]));
        assert_eq!(scene.held(&world, "Everybody").await, names(["ann"]));
        let view = bridge.admin(Method::GET, "/apps/sandbox", Value::Null).await;
        assert_eq!(view["queue"]["parked"], 0);
        scene.stop().await;
    }

    /// A new name or mail address makes a second account, or deletes the first.
    async fn complaint_19_a_rename_keeps_the_account(world: World) {
        let scene = Scene::new(&world, json!({}), |_| Meddling::Pass).await;
        let ann = scene.bridge.person("ann").await;
        let staff = scene.group("Staff", &[&ann]).await;
        scene.quiet().await;
        let (account, group) = (scene.account("ann").await, scene.remote_group("Staff").await["id"].clone());
        scene.forget();
        // Everything by which the app could recognise them, more than once.
        for name in ["anna", "anne"] {
            let mut body = person(name);
            body["externalId"] = json!(format!("external-{name}"));
            body["name"] = json!({ "givenName": name, "familyName": "Waters" });
            scene.bridge.push(Method::PUT, &format!("/Users/{ann}"), body).await;
            let mut body = group_body(&format!("Staff of {name}"), &values([&ann]));
            body["externalId"] = json!(format!("group-{name}"));
            scene.bridge.push(Method::PUT, &format!("/Groups/{staff}"), body).await;
            scene.quiet().await;
        }
        assert_eq!(scene.account("anne").await, account);
        assert_eq!(scene.remote_group("Staff of anne").await["id"], group);
        assert_eq!(scene.members("Staff of anne").await, names(["anne"]));
        let sent = scene.sent();
        assert!(sent.iter().any(|line| line.body.to_string().contains("anne@zylker.example")));
        let kinds: BTreeSet<&str> = sent.iter().map(|line| line.method.as_str()).collect();
        assert_eq!(kinds, ["PATCH"].into(), "nothing is made, nothing deleted");
        for collection in ["/Users", "/Groups"] {
            let all = scene.there(Method::GET, collection, Value::Null).await;
            assert_eq!(all["totalResults"], 1, "{collection}");
        }
        scene.stop().await;
    }
}
