//! A change reaches the app: people, their fields, their groups, their leaving.

use super::bridge::{Bridge, patch, person};
use crate::world::both;
use reqwest::Method;
use rollcall::vault::Vault;
use serde_json::{Value, json};

both! {
    async fn a_person_arrives_with_mapped_fields_and_follows(world: World) {
        let bridge = Bridge::start(&world.store, &Vault::ephemeral()).await;
        bridge.sandbox().await;
        let id = bridge.person("william").await;

        let login = "william@zylker.example";
        let account = bridge.account("sandbox", login).await.expect("no account");
        assert_eq!(account["active"], true);
        assert_eq!(account["record"]["department"], "Field Service");
        assert_eq!(account["record"]["fullName"], "william Woods");

        let department = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department";
        bridge.set(&id, department, json!("Support")).await;
        let account = bridge.account("sandbox", login).await.unwrap();
        assert_eq!(account["record"]["department"], "Support");

        bridge.set(&id, "active", json!(false)).await;
        assert_eq!(bridge.account("sandbox", login).await.unwrap()["active"], false);
        bridge.set(&id, "active", json!(true)).await;
        assert_eq!(bridge.account("sandbox", login).await.unwrap()["active"], true);

        let tries = bridge.attempts("sandbox", &id).await;
        assert_eq!(tries, ["create/done", "update/done", "deactivate/done", "reactivate/done"]);
        bridge.stop().await;
    }

    async fn an_emptied_profile_field_empties_the_apps_field(world: World) {
        let bridge = Bridge::start(&world.store, &Vault::ephemeral()).await;
        bridge.sandbox().await;
        let id = bridge.person("william").await;
        let login = "william@zylker.example";
        assert_eq!(bridge.account("sandbox", login).await.unwrap()["record"]["jobTitle"], "Technician");
        bridge
            .push(Method::PATCH, &format!("/Users/{id}"), json!({
                "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
                "Operations": [{ "op": "remove", "path": "title" }],
            }))
            .await;
        let record = bridge.account("sandbox", login).await.unwrap()["record"].clone();
        assert!(record.get("jobTitle").is_none_or(Value::is_null), "{record}");
        bridge.stop().await;
    }

    async fn members_go_out_as_differences(world: World) {
        let bridge = Bridge::start(&world.store, &Vault::ephemeral()).await;
        bridge.sandbox().await;
        let mut ids = Vec::new();
        for name in ["ann", "bob", "cy"] {
            ids.push(bridge.person(name).await);
        }
        let members: Vec<Value> = ids.iter().take(2).map(|id| json!({ "value": id })).collect();
        let group = bridge
            .push(Method::POST, "/Groups", json!({
                "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"],
                "displayName": "Technicians",
                "members": members,
            }))
            .await;
        let group = group["id"].as_str().unwrap();
        let shown = bridge.accounts("sandbox", "Group").await;
        assert_eq!(shown.len(), 1);
        let path = format!("/Groups/{group}");
        bridge.push(Method::PATCH, &path, patch("add", "members", &json!([{ "value": ids[2] }]))).await;
        bridge.accounts("sandbox", "Group").await;
        let removal = format!("members[value eq \"{}\"]", ids[0]);
        bridge.push(Method::PATCH, &path, json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
            "Operations": [{ "op": "remove", "path": removal }],
        })).await;
        bridge.accounts("sandbox", "Group").await;
        let page = bridge
            .admin(Method::GET, &format!("/attempts?app=sandbox&resource={group}"), Value::Null)
            .await;
        let told: Vec<&str> = page["items"]
            .as_array()
            .unwrap()
            .iter()
            .rev()
            .filter(|one| one["action"] == "members")
            .map(|one| one["detail"].as_str().unwrap())
            .collect();
        assert_eq!(told, ["2 members", "1 members", "1 members"]);
        bridge.stop().await;
    }

    async fn a_member_without_an_account_joins_once_there_is_one(world: World) {
        let bridge = Bridge::start(&world.store, &Vault::ephemeral()).await;
        let ann = bridge.person("ann").await;
        bridge.push(Method::POST, "/Groups", json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"],
            "displayName": "Technicians",
            "members": [{ "value": ann }],
        })).await;
        // Ann is not in the app's scope at first.
        bridge.admin(Method::POST, "/apps", json!({
            "name": "sandbox", "adapter": "sandbox", "enabled": true, "scope": "title eq \"Manager\"",
        })).await;
        assert_eq!(bridge.accounts("sandbox", "User").await, Vec::<Value>::new());
        let groups = bridge.accounts("sandbox", "Group").await;
        assert_eq!(groups.len(), 1);
        bridge.set(&ann, "title", json!("Manager")).await;
        assert_eq!(bridge.accounts("sandbox", "User").await.len(), 1);
        let attempts = bridge.admin(Method::GET, "/attempts?app=sandbox", Value::Null).await;
        let told = attempts["items"].as_array().unwrap().iter().any(|one| one["action"] == "members");
        assert!(told, "{attempts}");
        // And leaves the scope again: switched off, not deleted.
        bridge.set(&ann, "title", json!("Clerk")).await;
        assert_eq!(bridge.accounts("sandbox", "User").await[0]["active"], false);
        bridge.stop().await;
    }

    async fn an_account_that_is_there_already_is_adopted(world: World) {
        let vault = Vault::ephemeral();
        let bridge = Bridge::start(&world.store, &vault).await;
        bridge.sandbox().await;
        let first = bridge.person("william").await;
        assert_eq!(bridge.accounts("sandbox", "User").await.len(), 1);
        // The person is deleted and comes back as another resource; the account was only switched
        // off.
        bridge.push(Method::DELETE, &format!("/Users/{first}"), Value::Null).await;
        assert_eq!(bridge.accounts("sandbox", "User").await[0]["active"], false);
        let second = bridge.person("william").await;
        let accounts = bridge.accounts("sandbox", "User").await;
        assert_eq!(accounts.len(), 1, "no second account is made");
        assert_eq!(accounts[0]["active"], true);
        let tries = bridge.attempts("sandbox", &second).await;
        assert_eq!(tries.first().map(String::as_str), Some("adopt/done"), "{tries:?}");
        bridge.stop().await;
    }

    async fn a_deleted_person_is_deleted_where_the_policy_says_so(world: World) {
        let bridge = Bridge::start(&world.store, &Vault::ephemeral()).await;
        bridge.admin(Method::POST, "/apps", json!({
            "name": "sandbox", "adapter": "sandbox", "enabled": true,
            "policy": { "deleted": "delete" },
        })).await;
        let id = bridge.person("william").await;
        assert_eq!(bridge.accounts("sandbox", "User").await.len(), 1);
        bridge.push(Method::DELETE, &format!("/Users/{id}"), Value::Null).await;
        assert_eq!(bridge.accounts("sandbox", "User").await, Vec::<Value>::new());
        let links = bridge.admin(Method::GET, "/apps/sandbox/links", Value::Null).await;
        assert_eq!(links["items"], json!([]));
        bridge.stop().await;
    }

    async fn switched_off_means_nothing_is_sent(world: World) {
        let bridge = Bridge::start(&world.store, &Vault::ephemeral()).await;
        bridge.admin(Method::POST, "/apps", json!({ "name": "sandbox", "adapter": "sandbox" })).await;
        bridge.person("william").await;
        assert_eq!(bridge.accounts("sandbox", "User").await, Vec::<Value>::new());
        // Switching on brings in who is there.
        bridge.admin(Method::PUT, "/apps/sandbox/provisioning", json!({ "enabled": true })).await;
        assert_eq!(bridge.accounts("sandbox", "User").await.len(), 1);
        // Switching off leaves it as it is.
        bridge.admin(Method::PUT, "/apps/sandbox/provisioning", json!({ "enabled": false })).await;
        bridge.push(Method::POST, "/Users", person("mary")).await;
        assert_eq!(bridge.accounts("sandbox", "User").await.len(), 1);
        bridge.stop().await;
    }
}
