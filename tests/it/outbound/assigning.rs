//! Scopes, assignments and references: who is in an app, with which values, and why.

use super::bridge::{Bridge, patch};
use crate::world::both;
use reqwest::Method;
use rollcall::vault::Vault;
use serde_json::{Value, json};

const MANAGER: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value";

/// The sandbox's default mapping without some fields.
async fn without(bridge: &Bridge, fields: &[&str]) -> Value {
    let shown = bridge.admin(Method::GET, "/apps/sandbox/mapping", Value::Null).await;
    let mut mapping = shown["mapping"].clone();
    let rules = mapping["users"].as_array_mut().unwrap();
    rules.retain(|rule| !fields.contains(&rule["field"].as_str().unwrap()));
    mapping
}

async fn group(bridge: &Bridge, name: &str, members: &[&str]) -> String {
    let members: Vec<Value> = members.iter().map(|id| json!({ "value": id })).collect();
    let made = bridge
        .push(
            Method::POST,
            "/Groups",
            json!({
                "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"],
                "displayName": name, "members": members,
            }),
        )
        .await;
    made["id"].as_str().unwrap().to_owned()
}

fn login(name: &str) -> String {
    format!("{name}@zylker.example")
}

both! {
    async fn an_assignment_asks_for_unmapped_mandatory_fields_and_the_app_gets_them(world: World) {
        let bridge = Bridge::start(&world.store, &Vault::ephemeral()).await;
        bridge.sandbox().await;
        let mapping = without(&bridge, &["lastName"]).await;
        let path = "/api/v1/apps/sandbox/mapping";

        // As long as everybody is in the app, nobody is ever asked.
        let (status, problem) = bridge.send(Method::PUT, path, Some(mapping.clone())).await;
        assert_eq!(status, 422, "{problem}");
        assert_eq!(problem["errors"][0]["field"], "users/lastName");
        let by_assignment = json!({ "scope": { "assigned": true } });
        let view = bridge.admin(Method::PATCH, "/apps/sandbox", by_assignment).await;
        assert_eq!(view["scope"], json!({ "assigned": true }));
        let saved = bridge.admin(Method::PUT, "/apps/sandbox/mapping", mapping).await;
        assert_eq!(saved["unmappedMandatory"], json!({ "User": ["lastName"] }));
        // Nor can the scope be opened again while somebody would have to be asked.
        let everybody = Some(json!({ "scope": null }));
        let (status, problem) = bridge.send(Method::PATCH, "/api/v1/apps/sandbox", everybody).await;
        assert_eq!((status, &problem["errors"][0]["field"]), (422, &json!("users/lastName")));

        let ann = bridge.person("ann").await;
        assert_eq!(bridge.accounts("sandbox", "User").await.len(), 0, "nobody is assigned");
        let form = bridge.admin(Method::GET, &format!("/apps/sandbox/assignments/{ann}"), Value::Null).await;
        assert_eq!(form["assignment"], Value::Null);
        let asked = form["asked"].as_array().unwrap();
        assert_eq!(asked.len(), 1, "{form}");
        assert_eq!((&asked[0]["name"], &asked[0]["mandatory"]), (&json!("lastName"), &json!(true)));

        let refused = json!({ "resource": ann, "fields": { "firstName": "x" } });
        let path = "/api/v1/apps/sandbox/assignments";
        let (status, problem) = bridge.send(Method::POST, path, Some(refused)).await;
        let fields: Vec<&str> = problem["errors"].as_array().unwrap().iter()
            .map(|error| error["field"].as_str().unwrap()).collect();
        assert_eq!((status, fields), (422, vec!["fields/firstName", "fields/lastName"]), "{problem}");
        assert_eq!(bridge.accounts("sandbox", "User").await.len(), 0);

        for nothing in [json!([]), json!(["", null]), json!("  "), json!(null)] {
            let given = json!({ "resource": ann, "fields": { "lastName": nothing } });
            let (status, problem) = bridge.send(Method::POST, path, Some(given)).await;
            assert_eq!(status, 422, "{nothing}: {problem}");
            assert_eq!(problem["errors"][0]["field"], "fields/lastName");
        }
        let given = |name: &str| json!({ "resource": ann, "fields": { "lastName": name } });
        let (status, _) = bridge.send(Method::POST, path, Some(given("Wood"))).await;
        assert_eq!(status, 201);
        let account = bridge.account("sandbox", &login("ann")).await.unwrap();
        assert_eq!(account["record"]["lastName"], "Wood");
        let (status, _) = bridge.send(Method::POST, path, Some(given("Forest"))).await;
        assert_eq!(status, 200);
        let account = bridge.account("sandbox", &login("ann")).await.unwrap();
        assert_eq!(account["record"]["lastName"], "Forest");

        let why = bridge.admin(Method::GET, &format!("/apps/sandbox/why/{ann}"), Value::Null).await;
        assert_eq!(why["decision"]["sentence"], "In scope: assigned themselves.");
        let listed = bridge.admin(Method::GET, "/apps/sandbox/assignments", Value::Null).await;
        assert_eq!(listed["items"][0]["fields"], json!({ "lastName": "Forest" }));
        bridge.admin(Method::DELETE, &format!("/apps/sandbox/assignments/{ann}"), Value::Null).await;
        assert_eq!(bridge.account("sandbox", &login("ann")).await.unwrap()["active"], false);
        let why = bridge.admin(Method::GET, &format!("/apps/sandbox/why/{ann}"), Value::Null).await;
        assert_eq!(
            why["decision"]["sentence"],
            "Out of scope: this does not hold: not assigned to the app."
        );
        bridge.stop().await;
    }

    async fn a_group_is_assigned_with_whoever_is_in_it(world: World) {
        let bridge = Bridge::start(&world.store, &Vault::ephemeral()).await;
        bridge.sandbox().await;
        bridge.admin(Method::PATCH, "/apps/sandbox", json!({ "scope": { "assigned": true } })).await;
        let mapping = without(&bridge, &["lastName"]).await;
        bridge.admin(Method::PUT, "/apps/sandbox/mapping", mapping).await;
        let (ann, bob, cy) =
            (bridge.person("ann").await, bridge.person("bob").await, bridge.person("cy").await);
        let inner = group(&bridge, "Inner", &[&ann]).await;
        let outer = group(&bridge, "Outer", &[&inner, &bob]).await;
        group(&bridge, "Others", &[&cy]).await;
        assert_eq!(bridge.accounts("sandbox", "Group").await.len(), 0, "no group is assigned");

        let assign = |resource: &str, name: &str| {
            json!({ "resource": resource, "fields": { "lastName": name } })
        };
        bridge.admin(Method::POST, "/apps/sandbox/assignments", assign(&outer, "Group")).await;
        bridge.admin(Method::POST, "/apps/sandbox/assignments", assign(&bob, "Own")).await;
        let accounts = bridge.accounts("sandbox", "User").await;
        let mut names: Vec<&str> =
            accounts.iter().map(|one| one["record"]["lastName"].as_str().unwrap()).collect();
        names.sort_unstable();
        assert_eq!(names, ["Group", "Own"], "one's own assignment comes first; {accounts:?}");
        let groups = bridge.accounts("sandbox", "Group").await;
        assert_eq!(groups.len(), 1, "{groups:?}");
        assert_eq!(groups[0]["record"]["name"], "Outer");

        // Joining and leaving a group below it brings people in and out.
        bridge.push(Method::PATCH, &format!("/Groups/{inner}"),
            patch("add", "members", &json!([{ "value": cy }]))).await;
        assert_eq!(bridge.account("sandbox", &login("cy")).await.unwrap()["active"], true);
        bridge.push(Method::PATCH, &format!("/Groups/{inner}"), json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
            "Operations": [{ "op": "remove", "path": format!("members[value eq \"{cy}\"]") }],
        })).await;
        assert_eq!(bridge.account("sandbox", &login("cy")).await.unwrap()["active"], false);
        let why = bridge.admin(Method::GET, &format!("/apps/sandbox/why/{ann}"), Value::Null).await;
        assert_eq!(why["decision"]["sentence"], "In scope: assigned through the group Outer.");

        // A group that is deleted takes its assignment along.
        bridge.push(Method::DELETE, &format!("/Groups/{outer}"), Value::Null).await;
        assert_eq!(bridge.account("sandbox", &login("ann")).await.unwrap()["active"], false);
        assert_eq!(bridge.account("sandbox", &login("bob")).await.unwrap()["active"], true);
        bridge.stop().await;
    }

    async fn a_scope_of_groups_and_a_filter_takes_whom_it_says(world: World) {
        let bridge = Bridge::start(&world.store, &Vault::ephemeral()).await;
        bridge.sandbox().await;
        let (ann, bob) = (bridge.person("ann").await, bridge.person("bob").await);
        let technicians = group(&bridge, "Technicians", &[&ann]).await;
        assert_eq!(bridge.accounts("sandbox", "User").await.len(), 2);
        let unknown = json!({ "scope": { "groups": [ann] } });
        let (status, problem) =
            bridge.send(Method::PATCH, "/api/v1/apps/sandbox", Some(unknown)).await;
        assert_eq!(status, 400, "{problem}");
        assert_eq!(problem["errors"][0]["field"], "scope/groups");

        for unclear in [json!([]), json!([technicians]), json!(true), json!(7)] {
            let scope = json!({ "scope": unclear });
            let (status, problem) =
                bridge.send(Method::PATCH, "/api/v1/apps/sandbox", Some(scope)).await;
            assert_eq!(status, 400, "{unclear}: {problem}");
        }

        let scope = json!({ "scope": { "groups": [technicians], "filter": "title pr" } });
        bridge.admin(Method::PATCH, "/apps/sandbox", scope).await;
        assert_eq!(bridge.account("sandbox", &login("bob")).await.unwrap()["active"], false);
        assert_eq!(bridge.account("sandbox", &login("ann")).await.unwrap()["active"], true);
        bridge.push(Method::PATCH, &format!("/Groups/{technicians}"),
            patch("add", "members", &json!([{ "value": bob }]))).await;
        assert_eq!(bridge.account("sandbox", &login("bob")).await.unwrap()["active"], true);
        bridge.push(Method::PATCH, &format!("/Users/{bob}"), json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
            "Operations": [{ "op": "remove", "path": "title" }],
        })).await;
        assert_eq!(bridge.account("sandbox", &login("bob")).await.unwrap()["active"], false);
        let why = bridge.admin(Method::GET, &format!("/apps/sandbox/why/{bob}"), Value::Null).await;
        assert_eq!(why["decision"]["sentence"], "Out of scope: this does not hold: title pr.");
        assert_eq!(why["decision"]["parts"][1],
            json!({ "rule": "groups", "holds": true, "detail": "in Technicians" }));
        bridge.stop().await;
    }

    async fn a_scope_says_of_which_groups_the_app_is_told(world: World) {
        let bridge = Bridge::start(&world.store, &Vault::ephemeral()).await;
        bridge.sandbox().await;
        let ann = bridge.person("ann").await;
        let one = group(&bridge, "One", &[&ann]).await;
        bridge.admin(Method::PATCH, "/apps/sandbox", json!({ "scope": { "groups": [one] } })).await;
        let two = group(&bridge, "Two", &[&ann]).await;
        let names = || async {
            let mut names: Vec<String> = bridge.accounts("sandbox", "Group").await.iter()
                .map(|one| one["record"]["name"].as_str().unwrap().to_owned()).collect();
            names.sort_unstable();
            names
        };
        assert_eq!(names().await, ["One"]);
        bridge.admin(Method::PATCH, "/apps/sandbox", json!({ "scope": { "groups": [two] } })).await;
        assert_eq!(names().await, ["One", "Two"], "a group that was told stays as it is");
        let why = bridge.admin(Method::GET, &format!("/apps/sandbox/why/{one}"), Value::Null).await;
        assert_eq!(why["verdict"], "The group is left alone.", "{why}");
        bridge.stop().await;
    }

    async fn a_preview_of_a_group_says_who_joins_and_leaves(world: World) {
        let bridge = Bridge::start(&world.store, &Vault::ephemeral()).await;
        bridge.sandbox().await;
        let (ann, bob) = (bridge.person("ann").await, bridge.person("bob").await);
        assert_eq!(bridge.accounts("sandbox", "User").await.len(), 2);
        let both = group(&bridge, "Both", &[&ann]).await;
        assert_eq!(bridge.accounts("sandbox", "Group").await.len(), 1);
        bridge.admin(Method::PUT, "/apps/sandbox/provisioning", json!({ "enabled": false })).await;
        bridge.push(Method::PATCH, &format!("/Groups/{both}"),
            patch("add", "members", &json!([{ "value": bob }]))).await;
        let why = bridge.admin(Method::GET, &format!("/apps/sandbox/why/{both}"), Value::Null).await;
        assert_eq!(why["verdict"], "The group is told of its members.", "{why}");
        let bobs = bridge.account("sandbox", &login("bob")).await.unwrap()["id"].clone();
        let body = &why["requests"][0]["body"];
        assert_eq!(body, &json!({ "add": [bobs], "remove": [] }), "{why}");
        let impact = bridge.admin(Method::POST, "/apps/sandbox/mapping/impact", json!({})).await;
        assert_eq!(impact["counts"]["Group"], json!({ "update": 1 }), "{impact}");

        // Who is gone is explained too, as long as there is an account.
        bridge.push(Method::DELETE, &format!("/Users/{ann}"), Value::Null).await;
        let why = bridge.admin(Method::GET, &format!("/apps/sandbox/why/{ann}"), Value::Null).await;
        assert_eq!(why["decision"]["sentence"], "Out of scope: gone from the directory.");
        assert_eq!(why["verdict"], "The account is switched off.", "{why}");
        bridge.stop().await;
    }

    async fn conditions_and_values_that_go_together_hold_for_the_app(world: World) {
        let bridge = Bridge::start(&world.store, &Vault::ephemeral()).await;
        bridge.sandbox().await;
        let mut mapping = without(&bridge, &["costCenter"]).await;
        mapping["users"].as_array_mut().unwrap().push(json!({
            "field": "access", "source": { "kind": "profile", "path": "nickName" },
        }));
        bridge.admin(Method::PUT, "/apps/sandbox/mapping", mapping).await;
        let ann = bridge.person("ann").await;
        assert!(bridge.account("sandbox", &login("ann")).await.is_some());
        bridge.set(&ann, "userType", json!("Contractor")).await;
        bridge.accounts("sandbox", "User").await;
        let parked = bridge.admin(Method::GET, "/apps/sandbox/parked", Value::Null).await;
        assert_eq!(parked["items"], json!([]), "an account that is there needs no field that is not mapped");
        let mut bob = crate::outbound::bridge::person("bob");
        bob["userType"] = json!("Contractor");
        bridge.push(Method::POST, "/Users", bob).await;
        assert!(bridge.account("sandbox", &login("bob")).await.is_none());
        let parked = bridge.admin(Method::GET, "/apps/sandbox/parked", Value::Null).await;
        assert_eq!(parked["items"][0]["reason"]["field"], "costCenter", "{parked}");
        bridge.set(&ann, "userType", json!("Employee")).await;
        bridge.set(&ann, "nickName", json!("full")).await;
        bridge.accounts("sandbox", "User").await;
        let parked = bridge.admin(Method::GET, "/apps/sandbox/parked", Value::Null).await;
        let fields: Vec<&Value> = parked["items"].as_array().unwrap().iter()
            .map(|one| &one["reason"]["field"]).collect();
        assert!(fields.contains(&&json!("access")), "{parked}");
        bridge.set(&ann, "title", json!("Manager")).await;
        let account = bridge.account("sandbox", &login("ann")).await.unwrap();
        assert_eq!(account["record"]["access"], "full");
        bridge.stop().await;
    }

    async fn a_reference_follows_the_account_that_it_names(world: World) {
        let bridge = Bridge::start(&world.store, &Vault::ephemeral()).await;
        bridge.sandbox().await;
        bridge.admin(Method::PATCH, "/apps/sandbox", json!({ "scope": "userType eq \"Employee\"" })).await;
        let (ann, meg) = (bridge.person("ann").await, bridge.person("meg").await);
        bridge.set(&ann, MANAGER, json!(meg)).await;
        bridge.set(&ann, "userType", json!("Employee")).await;
        let account = bridge.account("sandbox", &login("ann")).await.unwrap();
        assert!(account["record"]["manager"].is_null(), "Meg has no account yet: {account}");
        let preview = bridge.admin(Method::POST, "/apps/sandbox/mapping/preview", json!({ "sample": ann })).await;
        let row = preview["fields"].as_array().unwrap().iter()
            .find(|row| row["field"] == "manager").unwrap();
        assert_eq!(row["cause"], "pending", "{row}");

        // The moment Meg has one, Ann's is told of it, without anything else happening to Ann.
        bridge.set(&meg, "userType", json!("Employee")).await;
        let megs = bridge.account("sandbox", &login("meg")).await.unwrap()["id"].clone();
        assert_eq!(bridge.account("sandbox", &login("ann")).await.unwrap()["record"]["manager"], megs);

        // Meg goes and comes again, with another account.
        bridge.admin(Method::PATCH, "/apps/sandbox", json!({ "policy": { "deleted": "delete" } })).await;
        bridge.push(Method::DELETE, &format!("/Users/{meg}"), Value::Null).await;
        assert!(bridge.account("sandbox", &login("meg")).await.is_none());
        let ann_now = bridge.account("sandbox", &login("ann")).await.unwrap();
        assert!(ann_now["record"]["manager"].is_null(), "nobody's account is nobody's manager");
        let max = bridge.person("max").await;
        bridge.set(&max, "userType", json!("Employee")).await;
        bridge.set(&ann, MANAGER, json!(max)).await;
        let maxs = bridge.account("sandbox", &login("max")).await.unwrap()["id"].clone();
        assert_eq!(bridge.account("sandbox", &login("ann")).await.unwrap()["record"]["manager"], maxs);
        bridge.stop().await;
    }

    async fn people_who_refer_to_each_other_all_arrive_whole(world: World) {
        let bridge = Bridge::start(&world.store, &Vault::ephemeral()).await;
        let app = json!({ "name": "sandbox", "adapter": "sandbox" });
        bridge.admin(Method::POST, "/apps", app).await;
        let mut ids = Vec::new();
        for number in 0..12 {
            ids.push(bridge.person(&format!("p{number}")).await);
        }
        // A ring: everybody's manager is the next one.
        for (at, id) in ids.iter().enumerate() {
            bridge.set(id, MANAGER, json!(ids[(at + 1) % ids.len()])).await;
        }
        bridge.admin(Method::PUT, "/apps/sandbox/provisioning", json!({ "enabled": true })).await;
        let accounts = bridge.accounts("sandbox", "User").await;
        assert_eq!(accounts.len(), 12);
        let named = |login: &str| {
            accounts.iter().find(|one| one["record"]["loginName"] == login).unwrap()
        };
        for at in 0..12 {
            let manager = named(&login(&format!("p{}", (at + 1) % 12)));
            assert_eq!(named(&login(&format!("p{at}")))["record"]["manager"], manager["id"]);
        }
        bridge.stop().await;
    }
}
