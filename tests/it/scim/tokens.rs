//! Who may come in.

use crate::world::{NOW, ORG, both};
use reqwest::Method;
use rollcall::auth::Scope;
use rollcall::scim::dialect::Dialect;
use serde_json::json;
use std::time::Duration;

both! {
    async fn without_a_good_token_nobody_comes_in(world: World) {
        let server = world.server();
        let good = server.token("okta", Dialect::Okta, &[Scope::ScimWrite], None).await;
        let unknown = format!("rc_1_{}", "A".repeat(43));
        for (authorization, said) in [
            (None, "Bearer"),
            (Some("non-token".to_owned()), "Bearer"),
            (Some(format!("Basic {good}")), "Bearer"),
            (Some("Bearer".to_owned()), "Bearer"),
            (Some("Bearer x".to_owned()), "unknown"),
            (Some(format!("Bearer {unknown}")), "unknown"),
            (Some(format!("Bearer {good}x")), "unknown"),
            (Some(format!("Bearer {}", good.replace("rc_1_", "rc_2_"))), "unknown"),
        ] {
            let mut caller = server.stranger();
            caller.authorization.clone_from(&authorization);
            for path in ["/Users", "/Groups/x", "/Schemas"] {
                let reply = caller.get(path).await;
                assert!(reply.refused(401, None).contains(said), "{authorization:?}");
                assert!(reply.header("www-authenticate").unwrap().starts_with("Bearer realm="));
            }
            caller.post("/Users", &json!({"userName": "x"})).await.refused(401, None);
        }
        let mut caller = server.stranger();
        caller.authorization = Some(format!("bearer  {good}"));
        assert_eq!(caller.get("/Users").await.expect(200)["totalResults"], 0);
    }

    async fn a_token_allows_what_its_scopes_say(world: World) {
        let server = world.server();
        let writer = server.holder(Scope::ScimWrite).await;
        let id = writer.person("a").await;
        let reader = server.holder(Scope::ScimRead).await;
        reader.get(&format!("/Users/{id}")).await.expect(200);
        reader.get("/Schemas").await.expect(200);
        assert!(reader.post("/Users", &json!({"userName": "b"})).await.refused(403, None).contains("scim.write"));
        for method in [Method::PUT, Method::PATCH, Method::DELETE] {
            reader.request(method, &format!("/Users/{id}")).json(&json!({})).send().await.refused(403, None);
        }
        for scope in [Scope::Admin, Scope::Audit] {
            let holder = server.holder(scope).await;
            for path in ["/Users", "/Schemas"] {
                holder.get(path).await.refused(403, None);
            }
            holder.post("/Users", &json!({"userName": "b"})).await.refused(403, None);
        }
    }

    async fn a_token_expires_and_can_be_revoked(world: World) {
        let server = world.server();
        let short = server.token("short", Dialect::Okta, &[Scope::ScimRead], Some(NOW + 60_000_000)).await;
        let short = server.bearer(&short);
        short.get("/Users").await.expect(200);
        server.clock.advance(Duration::from_mins(1));
        let reply = short.get("/Users").await;
        assert!(reply.refused(401, None).contains("expired"));
        assert!(reply.header("www-authenticate").unwrap().contains("invalid_token"));

        let okta = server.provider(Dialect::Okta).await;
        okta.get("/Users").await.expect(200);
        assert_eq!(world.store.write(ORG, |t| t.revoke_tokens("okta")).await.unwrap(), 1);
        // It is trusted for a while where it was just seen.
        okta.get("/Users").await.expect(200);
        server.authenticator.forget();
        okta.get("/Users").await.refused(401, None);
    }

    async fn the_last_use_is_kept_to_the_minute(world: World) {
        let server = world.server();
        let okta = server.provider(Dialect::Okta).await;
        let used = async || {
            // It is written after the answer.
            tokio::time::sleep(Duration::from_millis(200)).await;
            world.store.read(ORG, |reader| Ok(reader.tokens()?[0].used_us)).await.unwrap()
        };
        assert_eq!(used().await, None);
        okta.get("/Users").await.expect(200);
        assert_eq!(used().await, Some(NOW));
        server.clock.advance(Duration::from_secs(59));
        okta.get("/Users").await.expect(200);
        assert_eq!(used().await, Some(NOW));
        server.clock.advance(Duration::from_secs(2));
        okta.get("/Users").await.expect(200);
        assert_eq!(used().await, Some(NOW + 61_000_000));
    }

    async fn organizations_do_not_see_each_other(world: World) {
        let server = world.server();
        let other = world.store.organization_named("zylker", NOW).await.unwrap();
        let ours = server.provider(Dialect::Standard).await;
        let token = server.token_in(other.id, "okta", Dialect::Standard, &[Scope::ScimWrite], None).await;
        let theirs = server.bearer(&token);
        let id = ours.person("bjensen").await;
        let path = format!("/Users/{id}");
        assert_eq!(theirs.get("/Users").await.expect(200)["totalResults"], 0);
        theirs.get(&path).await.refused(404, None);
        theirs.delete(&path).await.refused(404, None);
        theirs.put(&path, &json!({"userName": "x"})).await.refused(404, None);
        theirs.patch(&path, json!([{"op": "remove", "path": "title"}])).await.refused(404, None);
        theirs.post("/Groups", &json!({"displayName": "x", "members": [{"value": id}]})).await
            .refused(400, Some("invalidValue"));
        theirs.person("bjensen").await;

        // An address that names the organization must name the caller's.
        let mut named = theirs.clone();
        named.base = format!("{}/o/zylker/scim/v2", server.url);
        assert_eq!(named.get("/Users").await.expect(200)["totalResults"], 1);
        let made = named.post("/Users", &json!({"userName": "second"})).await;
        let location = made.expect(201)["meta"]["location"].as_str().unwrap().to_owned();
        let path = location.strip_prefix(&theirs.base).unwrap();
        theirs.get(path).await.expect(200);
        for slug in ["default", "nobody", "zylker2"] {
            named.base = format!("{}/o/{slug}/scim/v2", server.url);
            named.get("/Users").await.refused(404, None);
            named.get("/Schemas").await.refused(404, None);
        }
    }
}
