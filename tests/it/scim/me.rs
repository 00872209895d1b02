//! `/Me` (RFC 7644 §3.11).

use crate::world::both;
use reqwest::Method;
use rollcall::auth::Scope;
use rollcall::scim::dialect::Dialect;
use serde_json::json;

both! {
    async fn a_token_may_speak_for_a_person(world: World) {
        let server = world.server();
        let okta = server.provider(Dialect::Standard).await;
        let (ann, bob) = (okta.person("ann").await, okta.person("bob").await);
        let me = server.speaking_for(&ann, &[Scope::ScimMe]).await;
        let permanent = format!("{}/Users/{ann}", me.base);

        let reply = me.get("/Me").await;
        assert_eq!(reply.header("location"), Some(permanent.as_str()));
        let shown = reply.expect(200);
        assert_eq!((&shown["id"], &shown["meta"]["location"]), (&json!(ann), &json!(permanent)));
        let etag = reply.header("etag").unwrap().to_owned();
        let unchanged = me.request(Method::GET, "/Me").header("if-none-match", &etag).send().await;
        assert_eq!((unchanged.status, unchanged.text.as_str()), (304, ""));
        let head = me.request(Method::HEAD, "/Me").send().await;
        assert_eq!((head.status, head.text.as_str()), (200, ""));
        let patched = me.patch("/Me", json!([{"op": "add", "path": "nickName", "value": "Annie"}])).await;
        assert_eq!(patched.header("location"), Some(permanent.as_str()));
        assert_eq!(patched.expect(200)["nickName"], "Annie");
        let mut whole = me.get("/Me?attributes=userName,nickName").await.expect(200);
        whole["locale"] = "de-DE".into();
        assert_eq!(me.put("/Me", &whole).await.expect(200)["locale"], "de-DE");
        let stale = me.request(Method::PATCH, "/Me").header("if-match", &etag).json(&json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
            "Operations": [{"op": "remove", "path": "title"}] })).send().await;
        stale.refused(412, None);
        // Of oneself alone, and not oneself away.
        me.get(&format!("/Users/{ann}")).await.refused(403, None);
        me.get(&format!("/Users/{bob}")).await.refused(403, None);
        me.get("/Users").await.refused(403, None);
        me.delete("/Me").await.refused(405, None);
        me.post("/Me", &json!({"userName": "x"})).await.refused(405, None);
        assert_eq!(okta.get(&format!("/Users/{ann}")).await.expect(200)["locale"], "de-DE");

        // What decides who one is, and what one is given, is for others to change.
        for (path, value) in [
            ("userName", json!("root")), ("externalId", json!("x")), ("active", json!(false)),
            ("roles", json!([{"value": "admin"}])), ("emails", json!([{"value": "a@b.c"}])),
            ("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department", json!("Board")),
        ] {
            let detail = me.patch("/Me", json!([{"op": "replace", "path": path, "value": value}])).await
                .refused(403, None);
            assert!(detail.contains("not for you to change"), "{path}: {detail}");
        }
        // Who is switched off speaks no more, and does not switch on.
        let switch = |on: bool| json!([{"op": "replace", "path": "active", "value": on}]);
        okta.patch(&format!("/Users/{ann}"), switch(false)).await.expect(200);
        me.get("/Me").await.refused(403, None);
        me.patch("/Me", switch(true)).await.refused(403, None);
        okta.patch(&format!("/Users/{ann}"), switch(true)).await.expect(200);

        // A wider scope serves too; a reader only reads.
        let reader = server.speaking_for(&bob, &[Scope::ScimRead]).await;
        assert_eq!(reader.get("/Me").await.expect(200)["userName"], "bob");
        reader.patch("/Me", json!([{"op": "remove", "path": "title"}])).await.refused(403, None);
        // Nobody speaks for who is gone.
        okta.delete(&format!("/Users/{bob}")).await.expect(204);
        reader.get("/Me").await.refused(404, None);
        // A client is no person.
        let detail = okta.get("/Me").await.refused(501, None);
        assert!(detail.contains("speaks for no person"), "{detail}");
        server.stranger().get("/Me").await.refused(401, None);
    }
}
