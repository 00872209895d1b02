//! Each way to be wrong has its status, keyword and sentence.

use crate::world::both;
use reqwest::Method;
use rollcall::scim::dialect::Dialect;
use serde_json::{Value, json};

both! {
    async fn an_address_that_is_nobodys_is_a_404(world: World) {
        let server = world.server();
        let okta = server.provider(Dialect::Standard).await;
        for path in ["/Nothing", "/Users/1/2", "/Users/%7B%7D", "/Users/x", "/../x", "/Me/x", "/Users/%ff"] {
            okta.get(path).await.refused(404, None);
        }
        okta.get("/users").await.expect(200); // endpoints have no case
        let mut elsewhere = okta.clone();
        for base in ["", "/scim", "/scim/v", "/scim/vX", "/scim/v2/scim/v2", "/v2"] {
            elsewhere.base = format!("{}{base}", server.url);
            elsewhere.get("/Users").await.refused(404, None);
        }
        // An id is an id only in the way in which it was given.
        let id = okta.person("a").await;
        for written in [id.to_uppercase(), id.replace('-', ""), format!("%7B{id}%7D"), format!("urn:uuid:{id}")] {
            if written != id {
                okta.get(&format!("/Users/{written}")).await.refused(404, None);
            }
        }
        okta.get(&format!("/Groups/{id}")).await.refused(404, None);
    }

    async fn a_method_that_is_not_for_an_address_is_a_405(world: World) {
        let server = world.server();
        let okta = server.provider(Dialect::Standard).await;
        for (method, path, allowed) in [
            (Method::PUT, "/Users", "GET, HEAD, POST"),
            (Method::PATCH, "/Groups", "GET, HEAD, POST"),
            (Method::DELETE, "/Users", "GET, HEAD, POST"),
            (Method::POST, "/Users/x", "GET, HEAD, PUT, PATCH, DELETE"),
            (Method::GET, "/Users/.search", "POST"),
            (Method::PUT, "/Bulk", "POST"),
            (Method::GET, "/.search", "POST"),
            (Method::POST, "", "GET, HEAD"),
        ] {
            let reply = okta.request(method.clone(), path).json(&json!({})).send().await;
            assert!(reply.refused(405, None).contains(method.as_str()));
            assert_eq!(reply.header("allow"), Some(allowed));
        }
        let reply = okta.request(Method::OPTIONS, "/Users").send().await;
        assert_eq!((reply.status, reply.header("allow")), (204, Some("GET, HEAD, POST")));
        okta.get("/Me").await.refused(501, None);
    }

    async fn a_body_of_another_kind_is_a_415(world: World) {
        let server = world.server();
        let okta = server.provider(Dialect::Standard).await;
        let send = |media_type: &'static str, name: &str| {
            let body = json!({"userName": name}).to_string();
            okta.request(Method::POST, "/Users").body(media_type, body).send()
        };
        for media_type in ["text/plain", "application/xml", "application/x-www-form-urlencoded", "application/jsonx", "x"] {
            send(media_type, "a").await.refused(415, None);
        }
        for (number, media_type) in
            ["application/json", "Application/SCIM+JSON; charset=UTF-8", "application/json;charset=utf-8"]
                .into_iter().enumerate()
        {
            send(media_type, &format!("a{number}")).await.expect(201);
        }
        okta.request(Method::POST, "/Users").header("content-encoding", "gzip")
            .json(&json!({"userName": "z"})).send().await.refused(415, None);
        assert_eq!(okta.get("/Users").await.expect(200)["totalResults"], 3);
    }

    async fn a_body_that_is_wrong_is_a_400_and_leaves_nothing(world: World) {
        let server = world.server();
        let okta = server.provider(Dialect::Standard).await;
        let id = okta.person("a").await;
        let before = okta.get(&format!("/Users/{id}")).await.expect(200);
        server.changes().await;
        for (body, keyword, said) in [
            ("", "invalidSyntax", "empty"),
            ("{", "invalidSyntax", "line 1 column 1"),
            ("{\"userName\": \"x\",\n}", "invalidSyntax", "line 2 column 1"),
            ("{\"userName\": \"x\"} trailing", "invalidSyntax", "column"),
            ("[]", "invalidSyntax", "JSON object"),
            ("\"userName\"", "invalidSyntax", "JSON object"),
            ("null", "invalidSyntax", "JSON object"),
            ("{\"userName\": \"\u{0}\"}", "invalidSyntax", "column"),
            ("{}", "invalidValue", "userName"),
            ("{\"userName\": \"\"}", "invalidValue", "userName"),
            ("{\"userName\": 7}", "invalidValue", "userName"),
            ("{\"userName\": \"x\", \"active\": \"yes\"}", "invalidValue", "active"),
            ("{\"userName\": \"x\", \"emails\": [{\"value\": {}}]}", "invalidValue", "emails.value"),
            ("{\"userName\": \"x\", \"name\": \"Jensen\"}", "invalidValue", "name"),
        ] {
            for (method, path) in [(Method::POST, "/Users".to_owned()), (Method::PUT, format!("/Users/{id}"))] {
                let reply = okta.request(method, &path).body("application/scim+json", body).send().await;
                let detail = reply.refused(400, Some(keyword));
                assert!(detail.contains(said), "{body:?}: {detail}");
            }
        }
        let bytes: &[u8] = b"{\"userName\": \"\xff\xfe\"}";
        okta.request(Method::POST, "/Users").body("application/json", bytes).send().await
            .refused(400, Some("invalidSyntax"));
        for (body, keyword) in [
            (json!([]), "invalidSyntax"),
            (json!({"Operations": []}), "invalidSyntax"),
            (json!({"schemas": [], "Operations": {}}), "invalidSyntax"),
            (patch(&json!({"op": "replace", "path": "active", "value": "maybe"})), "invalidValue"),
            (patch(&json!({"op": "launch", "path": "active"})), "invalidSyntax"),
            (patch(&json!({"op": "replace", "path": "emails[type eq", "value": "x"})), "invalidPath"),
            (patch(&json!({"op": "replace", "path": "nothing", "value": "x"})), "invalidPath"),
            (patch(&json!({"op": "remove"})), "noTarget"),
            (patch(&json!({"op": "replace", "path": "emails[type eq \"x\"].value", "value": "x"})), "noTarget"),
            (patch(&json!({"op": "remove", "path": "userName"})), "mutability"),
            (patch(&json!({"op": "replace", "path": "id", "value": "x"})), "mutability"),
        ] {
            let reply = okta.request(Method::PATCH, &format!("/Users/{id}")).json(&body).send().await;
            let sent = reply.expect(400)["scimType"].clone();
            assert!(sent == keyword || (keyword == "invalidPath" && sent == "invalidFilter"), "{body}: {sent}");
        }
        assert_eq!(okta.get(&format!("/Users/{id}")).await.expect(200), before);
        assert_eq!(okta.get("/Users").await.expect(200)["totalResults"], 1);
        assert_eq!(server.changes().await, []);
    }

    async fn a_query_that_is_wrong_is_a_400(world: World) {
        let server = world.server();
        let okta = server.provider(Dialect::Standard).await;
        for filter in ["", "userName", "userName eq", "userName xx \"a\"", "userName eq 'a'", "(userName pr",
            "userName eq \"a", "nothing eq \"a\"", "active gt true", "emails[type eq \"work\"", "\u{0}"]
        {
            okta.filter("/Users", filter).await.refused(400, Some("invalidFilter"));
        }
        for query in ["count=abc", "startIndex=1.5", "sortBy=userName&sortOrder=up", "attributes=a&excludedAttributes=b"] {
            okta.get(&format!("/Users?{query}")).await.refused(400, Some("invalidValue"));
        }
        okta.get("/Users?sortBy=nothing").await.refused(400, Some("invalidPath"));
    }
}

fn patch(operation: &Value) -> Value {
    json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": [operation]})
}
