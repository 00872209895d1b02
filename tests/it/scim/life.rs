//! The life of a resource: made, read, replaced, changed, gone.

use crate::server::id;
use crate::world::both;
use rollcall::scim::dialect::Dialect;
use rollcall::store::changes::ChangeOp;
use serde_json::{Value, json};
use std::time::Duration;

const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

fn barbara() -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User", ENTERPRISE],
        "id": "not mine to choose",
        "userName": "bjensen@example.com",
        "externalId": "701984",
        "name": {"familyName": "Jensen", "givenName": "Barbara"},
        "emails": [
            {"value": "bjensen@example.com", "type": "work", "primary": true},
            {"value": "babs@jensen.org", "type": "home"}
        ],
        "password": "t1meMa$heen",
        "title": null,
        "meta": {"created": "2001-01-01T00:00:00Z"},
        ENTERPRISE: {"department": "Tours", "manager": {"value": "26118915"}}
    })
}

both! {
    async fn a_person_is_made_read_replaced_changed_and_deleted(world: World) {
        let server = world.server();
        let okta = server.provider(Dialect::Standard).await;

        let made = okta.post("/Users", &barbara()).await;
        let body = made.expect(201);
        let id = id(&body);
        let location = format!("{}/Users/{id}", okta.base);
        assert_eq!(made.header("location"), Some(location.as_str()));
        assert_eq!(made.header("content-location"), Some(location.as_str()));
        assert_eq!(made.header("content-type"), Some("application/scim+json"));
        assert_eq!(made.header("etag"), Some("W/\"1\""));
        assert_eq!(body["meta"], json!({
            "resourceType": "User",
            "created": "2024-07-01T00:00:00.000Z",
            "lastModified": "2024-07-01T00:00:00.000Z",
            "location": location,
            "version": "W/\"1\"",
        }));
        assert_eq!(body["active"], true);
        assert_eq!(body[ENTERPRISE]["department"], "Tours");
        assert!(!made.text.contains("t1meMa$heen"), "a password comes back");

        let read = okta.get(&format!("/Users/{id}")).await;
        assert_eq!(read.expect(200), body);
        assert_eq!(read.header("etag"), Some("W/\"1\""));

        server.clock.advance(Duration::from_mins(1));
        let mut next = barbara();
        next["name"]["givenName"] = "Babs".into();
        next.as_object_mut().unwrap().remove("externalId");
        next.as_object_mut().unwrap().remove(ENTERPRISE);
        let replaced = okta.put(&format!("/Users/{id}"), &next).await;
        let body = replaced.expect(200);
        assert_eq!(body["name"]["givenName"], "Babs");
        assert_eq!(body.get("externalId"), None);
        assert_eq!(body.get(ENTERPRISE), None);
        assert_eq!(body["schemas"], json!(["urn:ietf:params:scim:schemas:core:2.0:User"]));
        assert_eq!(body["meta"]["version"], "W/\"2\"");
        assert_eq!(body["meta"]["lastModified"], "2024-07-01T00:01:00.000Z");
        assert_eq!(body["meta"]["created"], "2024-07-01T00:00:00.000Z");

        let patched = okta
            .patch(&format!("/Users/{id}"), json!([{"op": "replace", "path": "active", "value": false}]))
            .await;
        assert_eq!(patched.expect(200)["active"], false);
        assert_eq!(patched.header("etag"), Some("W/\"3\""));
        assert_eq!(okta.get(&format!("/Users/{id}")).await.expect(200), patched.expect(200));

        let gone = okta.delete(&format!("/Users/{id}")).await;
        gone.expect(204);
        assert_eq!(gone.text, "");
        for reply in [
            okta.get(&format!("/Users/{id}")).await,
            okta.put(&format!("/Users/{id}"), &barbara()).await,
            okta.patch(&format!("/Users/{id}"), json!([{"op": "remove", "path": "title"}])).await,
            okta.delete(&format!("/Users/{id}")).await,
        ] {
            reply.refused(404, None);
        }
        assert_eq!(okta.get("/Users").await.expect(200)["totalResults"], 0);
        okta.post("/Users", &barbara()).await.expect(201);

        let ops: Vec<_> = server.changes().await.iter().map(|row| row.change.op).collect();
        assert_eq!(
            ops,
            [ChangeOp::Create, ChangeOp::Update, ChangeOp::Update, ChangeOp::Delete, ChangeOp::Create]
        );
    }

    async fn what_changes_nothing_makes_no_version_and_no_change(world: World) {
        let server = world.server();
        let okta = server.provider(Dialect::Okta).await;
        let made = okta.post("/Users", &barbara()).await.expect(201);
        let path = format!("/Users/{}", id(&made));
        server.changes().await;
        server.clock.advance(Duration::from_mins(1));
        assert_eq!(okta.put(&path, &barbara()).await.expect(200), made);
        assert_eq!(okta.put(&path, &made).await.expect(200), made);
        let same = json!([{"op": "add", "path": "emails", "value": [{"value": "babs@jensen.org", "type": "home"}]}]);
        assert_eq!(okta.patch(&path, same).await.expect(200), made);
        assert_eq!(server.changes().await, []);
    }

    async fn a_change_wakes_the_engine_and_nothing_else_does(world: World) {
        let server = world.server();
        let okta = server.provider(Dialect::Okta).await;
        let rung = || tokio::time::timeout(Duration::from_millis(50), server.wake.notified());
        let id = okta.person("a").await;
        rung().await.unwrap();
        okta.get(&format!("/Users/{id}")).await.expect(200);
        okta.put(&format!("/Users/{id}"), &json!({"userName": "a"})).await.expect(200);
        okta.post("/Users", &json!({"userName": "a"})).await.refused(409, Some("uniqueness"));
        assert!(rung().await.is_err());
        okta.delete(&format!("/Users/{id}")).await.expect(204);
        rung().await.unwrap();
    }

    async fn versions_are_conditions(world: World) {
        let server = world.server();
        let okta = server.provider(Dialect::Standard).await;
        let path = format!("/Users/{}", okta.person("a").await);
        let body = json!({"userName": "a", "title": "Guide"});
        let put = |name: &'static str, value: &'static str| {
            okta.request(reqwest::Method::PUT, &path).header(name, value).json(&body).send()
        };
        for (name, value) in
            [("if-match", "W/\"2\""), ("if-match", "\"\""), ("if-none-match", "*"), ("if-none-match", "W/\"1\"")]
        {
            put(name, value).await.refused(412, None);
        }
        put("if-match", "W/\"7\", W/\"1\"").await.expect(200);
        put("if-match", "*").await.expect(200);

        let get = |name: &'static str, value: &'static str| {
            okta.request(reqwest::Method::GET, &path).header(name, value).send()
        };
        for value in ["W/\"2\"", "\"2\"", "W/\"1\", W/\"2\"", "*"] {
            let reply = get("if-none-match", value).await;
            assert_eq!((reply.status, reply.text.as_str()), (304, ""), "{value}");
            assert_eq!(reply.header("etag"), Some("W/\"2\""));
        }
        get("if-none-match", "W/\"1\"").await.expect(200);
        get("if-match", "W/\"1\"").await.refused(412, None);

        let delete = |value: &'static str| {
            okta.request(reqwest::Method::DELETE, &path).header("if-match", value).send()
        };
        delete("W/\"1\"").await.refused(412, None);
        delete("W/\"2\"").await.expect(204);
    }

    async fn answers_to_writes_are_projected_too(world: World) {
        let server = world.server();
        let okta = server.provider(Dialect::Standard).await;
        let made = okta.post("/Users?attributes=userName", &barbara()).await.expect(201);
        let path = format!("/Users/{}", id(&made));
        let names = |body: &Value| body.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
        assert_eq!(names(&made), ["schemas", "id", "userName"]);
        let put = okta.put(&format!("{path}?excludedAttributes=emails,id,meta"), &barbara()).await;
        assert_eq!(put.expect(200).get("emails"), None);
        assert_eq!(put.expect(200)["id"], made["id"]);
        let operations = json!([{"op": "replace", "path": "title", "value": "Guide"}]);
        let patched = okta.patch(&format!("{path}?attributes=title"), operations).await.expect(200);
        assert_eq!(names(&patched), ["schemas", "id", "title"]);
        okta.get(&format!("{path}?attributes=title&excludedAttributes=id")).await
            .refused(400, Some("invalidValue"));
    }

    async fn a_name_is_taken_in_any_case_and_free_after_its_bearer_went(world: World) {
        let server = world.server();
        let okta = server.provider(Dialect::Standard).await;
        let first = okta.person("bjensen").await;
        let second = okta.person("other").await;
        let refused = okta.post("/Users", &json!({"userName": "BJensen"})).await;
        assert!(refused.refused(409, Some("uniqueness")).contains("userName"));
        okta.put(&format!("/Users/{second}"), &json!({"userName": "BJENSEN"})).await
            .refused(409, Some("uniqueness"));
        okta.patch(&format!("/Users/{second}"), json!([{"op": "replace", "value": {"userName": "bJensen"}}])).await
            .refused(409, Some("uniqueness"));
        assert_eq!(okta.get(&format!("/Users/{second}")).await.expect(200)["userName"], "other");
        okta.put(&format!("/Users/{first}"), &json!({"userName": "BJENSEN"})).await.expect(200);
        okta.delete(&format!("/Users/{first}")).await.expect(204);
        okta.put(&format!("/Users/{second}"), &json!({"userName": "bjensen"})).await.expect(200);
    }

    async fn a_head_is_a_get_without_its_body(world: World) {
        let server = world.server();
        let okta = server.provider(Dialect::Standard).await;
        let id = okta.person("a").await;
        for path in [format!("/Users/{id}"), "/Users".into(), "/Schemas".into()] {
            let (get, head) =
                (okta.get(&path).await, okta.request(reqwest::Method::HEAD, &path).send().await);
            assert_eq!((head.status, head.text.as_str()), (200, ""), "{path}");
            for name in ["etag", "content-type", "content-length"] {
                assert_eq!(head.header(name), get.header(name), "{path}: {name}");
            }
        }
    }

    async fn a_trailing_slash_and_unknown_parameters_do_no_harm(world: World) {
        let server = world.server();
        let okta = server.provider(Dialect::Standard).await;
        let id = okta.person("a").await;
        for path in ["/Users/", "/Users/?aadOptscim062020", &format!("/Users/{id}/?x=y"), "/Schemas/"] {
            okta.get(path).await.expect(200);
        }
        okta.request(reqwest::Method::POST, "/Users/?aadOptscim062020")
            .json(&json!({"userName": "b"})).send().await.expect(201);
    }
}
