//! What identity providers send, in their own words.

use crate::server::id;
use crate::world::both;
use reqwest::Method;
use rollcall::auth::Scope;
use rollcall::scim::dialect::Dialect;
use serde_json::json;

const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

both! {
    async fn entra(world: World) {
        let server = world.server();
        let entra = server.provider(Dialect::Entra).await;
        let probe = entra.filter("/Users", "userName eq \"6f1c0a9e-7a3e-4f2d-9b0f-2a8f9f6e5f10\"").await.expect(200);
        assert_eq!(probe["totalResults"], 0);
        let made = entra.post("/Users/?aadOptscim062020", &json!({
            "schemas": [USER, "urn:ietf:params:scim:schemas:extension:enterprise:2.0User", ENTERPRISE],
            "externalId": "0a21f0f2-8d2a-4f8e-bf98-7363c4aed4ef",
            "userName": "Test_User_ab6490ee",
            "active": true,
            "addresses": [{"type": "work", "country": "Belize"}],
            "emails": [{"primary": true, "type": "work", "value": "Test_User@testuser.com"}],
            "meta": {"resourceType": "User"},
            "name": {"formatted": "givenName familyName", "familyName": "familyName", "givenName": "givenName"},
            "nickName": null,
            "roles": [],
            ENTERPRISE: {"manager": "271"},
        })).await.expect(201);
        let path = format!("/Users/{}", id(&made));
        assert_eq!(made[ENTERPRISE]["manager"]["value"], "271");
        entra.post("/Users", &json!({"schemas": [USER], "userName": "test_user_AB6490EE"})).await
            .refused(409, Some("uniqueness"));
        entra.patch(&path, json!([
            {"op": "Replace", "path": "active", "value": "False"},
            {"op": "Add", "path": "nickName", "value": "Babs"},
            {"op": "Replace", "path": "emails[type eq \"work\"].value", "value": "updated@microsoft.com"},
            {"op": "Add", "path": "phoneNumbers[type eq \"mobile\"].value", "value": "+1 555"},
            {"op": "Add", "path": "roles[primary eq \"True\"].display", "value": "Tour guide"},
            {"op": "Add", "path": format!("{ENTERPRISE}:manager"), "value": "272"},
        ])).await.expect(204);
        let patched = entra.get(&path).await.expect(200);
        assert_eq!(patched["active"], false);
        assert_eq!(patched["emails"][0]["value"], "updated@microsoft.com");
        assert_eq!(patched["phoneNumbers"], json!([{"type": "mobile", "value": "+1 555"}]));
        assert_eq!(patched["roles"][0]["primary"], true);
        assert_eq!(patched[ENTERPRISE]["manager"]["value"], "272");
        entra.patch(&path, json!([{"op": "replace", "value": {
            "displayName": "lNDtdu", "name.givenName": "Bjfe",
            format!("{ENTERPRISE}:employeeNumber"): "7",
        }}])).await.expect(204);
        let patched = entra.get(&path).await.expect(200);
        assert_eq!((&patched["name"]["givenName"], &patched["name"]["familyName"]), (&json!("Bjfe"), &json!("familyName")));
        assert_eq!(patched[ENTERPRISE]["employeeNumber"], "7");
        entra.patch(&path, json!([
            {"op": "Replace", "path": format!("{ENTERPRISE}:manager"), "value": {"value": ""}}])).await.expect(204);
        let patched = entra.get(&path).await.expect(200);
        assert_eq!(patched[ENTERPRISE].get("manager"), None);
        let found = entra.filter("/Users", "emails[type eq \"work\"].value eq \"updated@microsoft.com\"").await.expect(200);
        assert_eq!(found["Resources"][0]["id"], made["id"]);

        let group = entra.post("/Groups", &json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group",
                "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group"],
            "externalId": "8aa1a0c0", "displayName": "displayName", "members": [], "meta": {"resourceType": "Group"},
        })).await.expect(201);
        let group_path = format!("/Groups/{}", id(&group));
        entra.patch(&group_path, json!([{"op": "Add", "path": "members",
            "value": [{"$ref": null, "value": id(&made)}]}])).await.expect(204);
        let member = format!("id eq \"{}\" and members eq \"{}\"", id(&group), id(&made));
        assert_eq!(entra.filter("/Groups", &member).await.expect(200)["totalResults"], 1);
        let shown = entra.get(&format!("{group_path}?excludedAttributes=members")).await.expect(200);
        assert_eq!(shown.get("members"), None);
        // Renaming empties nothing; removing those listed removes those listed.
        entra.patch(&group_path, json!([{"op": "Replace", "value": {"displayName": "renamed"}}])).await.expect(204);
        assert_eq!(entra.members(&id(&group)).await, [id(&made)]);
        let other = entra.person("other").await;
        entra.patch(&group_path, json!([{"op": "Add", "path": "members", "value": [{"value": other}]}])).await.expect(204);
        entra.patch(&group_path, json!([{"op": "Remove", "path": "members",
            "value": [{"$ref": null, "value": id(&made)}]}])).await.expect(204);
        assert_eq!(entra.members(&id(&group)).await, [other]);
        entra.delete(&path).await.expect(204);
        entra.delete(&path).await.refused(404, None);
    }

    async fn okta(world: World) {
        let server = world.server();
        let okta = server.provider(Dialect::Okta).await;
        let found = okta.get("/Users?filter=userName%20eq%20%22test.user%40okta.local%22&startIndex=1&count=100").await.expect(200);
        assert_eq!((&found["totalResults"], &found["startIndex"]), (&json!(0), &json!(1)));
        let made = okta.request(Method::POST, "/Users").body("application/scim+json; charset=utf-8", json!({
            "schemas": [USER], "userName": "test.user@okta.local",
            "name": {"givenName": "Test", "familyName": "User"},
            "emails": [{"primary": true, "value": "test.user@okta.local", "type": "work"}],
            "displayName": "Test User", "locale": "en-US", "externalId": "00ujl29u0le5T6Aj10h7",
            "groups": [], "password": "1mz050nq", "active": true,
        }).to_string()).send().await.expect(201);
        assert_eq!(made["active"], true);
        let path = format!("/Users/{}", id(&made));
        let mut whole = okta.get(&path).await.expect(200);
        whole["name"]["givenName"] = "Another".into();
        whole["groups"] = json!([]);
        assert_eq!(okta.put(&path, &whole).await.expect(200)["name"]["givenName"], "Another");
        let off = okta.patch(&path, json!([{"op": "replace", "value": {"active": false}}])).await.expect(200);
        assert_eq!(off["active"], false);
        okta.patch(&path, json!([{"op": "replace", "value": {"password": "n3w"}}])).await.expect(200);

        let group = okta.post("/Groups", &json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"],
            "displayName": "Test SCIMv2", "members": []})).await.expect(201);
        let group_path = format!("/Groups/{}", id(&group));
        okta.patch(&group_path, json!([{"op": "add", "path": "members",
            "value": [{"value": id(&made), "display": "test.user@okta.local"}]}])).await.expect(200);
        okta.patch(&group_path, json!([{"op": "replace", "value": {"id": id(&group), "displayName": "Test SCIMv3"}}]))
            .await.expect(200);
        assert_eq!(okta.members(&id(&group)).await, [id(&made)]);
        let other = okta.person("other").await;
        okta.patch(&group_path, json!([
            {"op": "remove", "path": format!("members[value eq \"{}\"]", id(&made))},
            {"op": "add", "path": "members", "value": [{"value": other, "display": "other"}]},
        ])).await.expect(200);
        assert_eq!(okta.members(&id(&group)).await, [other]);
        okta.patch(&group_path, json!([{"op": "replace", "value":
            {"members": [], "id": id(&group), "displayName": "Test SCIMv3"}}])).await.expect(200);
        assert_eq!(okta.members(&id(&group)).await, [""; 0]);
        okta.get("/Users/00919288221112222").await.refused(404, None);
        okta.delete(&group_path).await.expect(204);
    }

    async fn one_login_google_jump_cloud_and_ping(world: World) {
        let server = world.server();
        let token = server.token("others", Dialect::Standard, &[Scope::ScimWrite], None).await;
        let other = server.bearer(&token);
        let send = |method: Method, path: String, body: serde_json::Value| {
            other.request(method, &path).header("accept", "application/json")
                .body("application/json", body.to_string()).send()
        };
        // OneLogin: one e-mail without an array.
        let made = send(Method::POST, "/Users".into(), json!({
            "schemas": [USER], "userName": "one@login.com", "emails": {"value": "one@login.com", "type": "work", "primary": true},
        })).await;
        assert_eq!(made.header("content-type"), Some("application/json"));
        assert_eq!(made.expect(201)["emails"][0]["value"], "one@login.com");
        let made = made.expect(201);
        // PingOne: shorthand filters, PUT only.
        assert_eq!(other.filter("/Users", "emails eq \"one@login.com\"").await.expect(200)["totalResults"], 1);
        let put = send(Method::PUT, format!("/Users/{}", id(&made)), json!({
            "schemas": [USER], "userName": "one@login.com", "active": false,
        })).await.expect(200);
        assert_eq!((&put["active"], put.get("emails")), (&json!(false), None));
        // JumpCloud: groups by value arrays.
        let group = other.team("Guides", &[]).await;
        for (op, expected) in [("add", 1), ("remove", 0)] {
            other.patch(&format!("/Groups/{group}"),
                json!([{"op": op, "path": "members", "value": [{"value": id(&made)}]}])).await.expect(200);
            assert_eq!(other.members(&group).await.len(), expected);
        }
        // Google: suspension.
        let patched = send(Method::PATCH, format!("/Users/{}", id(&made)), json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
            "Operations": [{"op": "replace", "path": "active", "value": true}],
        })).await.expect(200);
        assert_eq!(patched["active"], true);
    }
}
