//! What clients are forgiven, seen from outside: the leniencies that need a stored resource, and the
//! counters.

use crate::outbound::bridge::{Bridge, patch};
use crate::world::{ORG, both};
use reqwest::Method;
use rollcall::scim::dialect::{Dialect, Leniency};
use rollcall::vault::Vault;
use serde_json::{Value, json};

const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
const PATCH_OP: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

/// Name → uses, of the client that the bridge's requests are from.
async fn counted(bridge: &Bridge) -> Vec<(String, i64)> {
    let client = bridge.admin(Method::GET, "/clients/tests", Value::Null).await;
    let each = |one: &Value| {
        let name = one["name"].as_str().unwrap();
        assert_eq!(one["sentence"], Leniency::named(name).unwrap().sentence());
        assert!(one["lastUsed"].as_str().unwrap().ends_with('Z'));
        (name.to_owned(), one["uses"].as_i64().unwrap())
    };
    let mut counted: Vec<_> = client["leniencies"].as_array().unwrap().iter().map(each).collect();
    counted.sort();
    counted
}

fn uses(expected: &[(&str, i64)]) -> Vec<(String, i64)> {
    expected.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect()
}

both! {
    async fn what_a_client_needs_is_counted(world: World) {
        let bridge = Bridge::start(&world.store, &Vault::ephemeral()).await;
        let by_the_book = json!({ "schemas": [USER], "userName": "ann", "active": true });
        let ann = bridge.push(Method::POST, "/Users", by_the_book).await;
        let ann = format!("/Users/{}", ann["id"].as_str().unwrap());
        assert_eq!(counted(&bridge).await, []);

        let body = json!({ "userName": "bob", "active": "True", "shoeSize": 44, "hats": 1 });
        bridge.push(Method::POST, "/Users?attributes=userName,hats", body).await;
        bridge.push(Method::PATCH, &ann, json!({ "schemas": [PATCH_OP], "Operations": [
            { "op": "Replace", "path": "active", "value": "False" },
            { "op": "Add", "path": "emails[type eq \"work\"].value", "value": "a@x" },
        ] })).await;
        // Switched off, and not spoken of: the PUT leaves it so.
        bridge.push(Method::PUT, &ann, json!({ "schemas": [USER], "userName": "ann" })).await;
        bridge.push(Method::GET, "/Users?filter=emails%5Btype%20eq%20%22work%22%5D.value%20eq%20%22a%22", Value::Null).await;
        bridge.push(Method::GET, "/Users?filter=active%20eq%20%22true%22&sortBy=userName&sortOrder=Descending", Value::Null).await;
        bridge.push(Method::POST, "/Users/.search", json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"], "filter": "title  pr", "x": 1,
        })).await;
        // What is refused is not counted, whatever it would have needed.
        let twice = json!({ "userName": "bob", "active": "True" });
        assert_eq!(bridge.send(Method::POST, "/scim/v2/Users", Some(twice)).await.0, 409);
        let expected = uses(&[
            ("add-creates-element", 1), ("boolean-text", 3), ("kept-active", 1), ("keyword-case", 2),
            ("missing-schemas", 1), ("part-after-brackets", 1), ("spacing", 1),
            ("unknown-attributes", 1), ("unknown-members", 1), ("unknown-projected", 1),
        ]);
        // No request has written that: the process adds it now and then, and before it shows it.
        assert_eq!(world.store.read(ORG, |reader| reader.leniencies()).await.unwrap(), []);
        assert_eq!(counted(&bridge).await, expected);
        assert_eq!(counted(&bridge).await, expected, "shown twice is counted once");
        let kept = world.store.read(ORG, |reader| reader.leniencies()).await.unwrap();
        assert_eq!(kept.len(), expected.len());

        bridge.push(Method::POST, "/Bulk", json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"], "Operations": [
                { "method": "POST", "path": "/Users", "bulkId": "1", "data": { "schemas": [USER], "userName": "cy", "active": "true" } },
                { "method": "POST", "path": "/Users", "bulkId": "2", "data": { "schemas": [USER, USER], "userName": "cy" } },
            ] })).await;
        let counted = counted(&bridge).await;
        assert!(counted.contains(&("boolean-text".to_owned(), 4)), "{counted:?}");
        assert!(counted.iter().all(|(name, _)| name != "repeated-schemas"), "that one failed");
        bridge.stop().await;
    }

    async fn clients_are_shown_without_their_secrets_and_change_their_dialect(world: World) {
        let bridge = Bridge::start(&world.store, &Vault::ephemeral()).await;
        let list = bridge.admin(Method::GET, "/clients", Value::Null).await;
        let client = &list["items"][0];
        assert_eq!((&client["name"], &client["dialect"]), (&json!("tests"), &json!("standard")));
        let token = &client["tokens"][0];
        assert_eq!(token["scopes"], json!(["scim.write", "admin"]));
        assert_eq!(token["expires"], Value::Null);
        assert!(bridge.token.starts_with(token["prefix"].as_str().unwrap()));
        assert!(!list.to_string().contains(&bridge.token));

        // From the next request on, the client is another.
        let capitals = json!({ "schemas": [PATCH_OP], "Operations": [
            { "op": "Replace", "path": "title", "value": "Guide" } ] });
        let person = bridge.person("dan").await;
        let path = format!("/scim/v2/Users/{person}");
        assert_eq!(bridge.send(Method::PATCH, &path, Some(capitals.clone())).await.0, 200);
        for (dialect, status) in [("strict", 400), ("entra", 204), ("entra", 204)] {
            let changed = bridge.admin(Method::PATCH, "/clients/tests", json!({ "dialect": dialect })).await;
            assert_eq!(changed["dialect"], dialect);
            let forgiven = &changed["leniencies"][0];
            assert_eq!((&forgiven["name"], &forgiven["forgiven"]), (&json!("keyword-case"), &json!(status == 204)));
            assert_eq!(bridge.send(Method::PATCH, &path, Some(capitals.clone())).await.0, status);
        }
        for (path, body, status, said) in [
            ("/clients/tests", json!({ "dialect": "klingon" }), 400, "standard, okta, entra, strict"),
            ("/clients/tests", json!({ "dialekt": "okta" }), 400, "dialekt"),
            ("/clients/nobody", json!({ "dialect": "okta" }), 404, "GET /api/v1/clients"),
        ] {
            let (found, answer) = bridge.send(Method::PATCH, &format!("/api/v1{path}"), Some(body)).await;
            assert_eq!(found, status);
            assert!(answer["detail"].as_str().unwrap().contains(said), "{answer}");
        }
        assert_eq!(bridge.send(Method::GET, "/api/v1/clients/nobody", None).await.0, 404);
        let audited = crate::world::audited(&world.url, "client.update");
        assert_eq!(audited, [
            ("client:tests", "tests", "dialect: standard → strict"),
            ("client:tests", "tests", "dialect: strict → entra"),
        ].map(|(actor, subject, detail)| (actor.to_owned(), subject.to_owned(), detail.to_owned())));
        let (_, description) = bridge.send(Method::GET, "/api/v1/openapi.json", None).await;
        assert!(description["paths"]["/clients/{name}"].get("patch").is_some());
        bridge.stop().await;
    }

    /// [`Leniency::KeptMembers`], [`Leniency::KeptActive`], [`Leniency::UniqueGroupName`] and
    /// [`Leniency::QuietPatch`].
    async fn what_a_body_does_not_speak_of_stays_for_those_who_are_forgiven(world: World) {
        let server = world.server();
        for dialect in Dialect::ALL {
            let client = server.provider(dialect).await;
            let person = client.person(dialect.as_str()).await;
            let path = format!("/Users/{person}");
            let off = client.patch(&path, json!([{ "op": "replace", "path": "active", "value": false }])).await;
            off.expect(if dialect.forgives(Leniency::QuietPatch) { 204 } else { 200 });
            let put = json!({ "schemas": [USER], "userName": dialect.as_str() });
            let active = client.put(&path, &put).await.expect(200)["active"].clone();
            assert_eq!(active, !dialect.forgives(Leniency::KeptActive), "{dialect:?}");

            let team = client.team(dialect.as_str(), &[&person]).await;
            let put = json!({ "schemas": [GROUP], "displayName": dialect.as_str() });
            client.put(&format!("/Groups/{team}"), &put).await.expect(200);
            let kept = !client.members(&team).await.is_empty();
            assert_eq!(kept, dialect.forgives(Leniency::KeptMembers), "{dialect:?}");

            let again = client.post("/Groups", &put).await;
            if dialect.forgives(Leniency::UniqueGroupName) {
                assert_eq!(again.refused(409, Some("uniqueness")), "another resource already has this displayName");
            } else {
                again.expect(201);
            }
        }
    }

    /// RFC 7643 §7, `returned: request`: an answer to a write holds what it wrote.
    async fn what_is_returned_on_request_is_returned_to_its_writer(world: World) {
        const HINTS: &str = "urn:example:params:scim:schemas:extension:hints:2.0:User";
        let bridge = Bridge::start(&world.store, &Vault::ephemeral()).await;
        bridge.admin(Method::PUT, &format!("/schemas/{HINTS}"), json!({
            "name": "Hints", "description": "Hints", "attributes": [
                { "name": "hint", "returned": "request" }, { "name": "label" } ] })).await;
        let body = json!({ "schemas": [USER, HINTS], "userName": "eve", (HINTS): { "hint": "left", "label": "x" } });
        let whole = json!({ "hint": "left", "label": "x" });
        let made = bridge.push(Method::POST, "/Users", body.clone()).await;
        assert_eq!(made[HINTS], whole);
        let path = format!("/Users/{}", made["id"].as_str().unwrap());
        let read = bridge.push(Method::GET, &path, Value::Null).await;
        assert_eq!(read[HINTS], json!({ "label": "x" }));
        assert_eq!(bridge.push(Method::PUT, &path, body).await[HINTS], whole);
        let hint = patch("replace", &format!("{HINTS}:hint"), &json!("right"));
        assert_eq!(bridge.push(Method::PATCH, &path, hint).await[HINTS], json!({ "hint": "right", "label": "x" }));
        let label = patch("replace", &format!("{HINTS}:label"), &json!("y"));
        assert_eq!(bridge.push(Method::PATCH, &path, label).await[HINTS], json!({ "label": "y" }));
        let named = bridge.push(Method::GET, &format!("{path}?attributes={HINTS}:hint&attributes=userName"), Value::Null).await;
        assert_eq!((&named[HINTS], &named["userName"]), (&json!({ "hint": "right" }), &json!("eve")));
        bridge.stop().await;
    }

    async fn a_key_twice_and_another_id_are_refused_by_name(world: World) {
        let server = world.server();
        let okta = server.provider(Dialect::Standard).await;
        let sent = |method: Method, path: String, body: String| {
            okta.request(method, &path).body("application/scim+json", body).send()
        };
        let twice = "{\"userName\": \"a\",\n \"emails\": [{\"value\": \"x\", \"value\": \"y\"}]}".to_owned();
        let detail = sent(Method::POST, "/Users".into(), twice).await.refused(400, Some("invalidSyntax"));
        assert!(detail.contains("\"value\" twice in one object, at line 2"), "{detail}");
        let path = format!("/Users/{}", okta.person("a").await);
        let other = json!([{ "op": "replace", "value": { "id": "other", "title": "x" } }]);
        assert_eq!(okta.patch(&path, other).await.refused(400, Some("mutability")), "operation 1: id is read-only");
        let read = okta.get(&path).await.expect(200);
        let same = json!([{ "op": "replace", "value": { "id": read["id"], "meta": read["meta"], "title": "x" } }]);
        assert_eq!(okta.patch(&path, same).await.expect(200)["title"], "x");
    }
}
