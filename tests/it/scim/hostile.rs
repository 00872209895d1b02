//! What somebody may send who means no good, or whose program is broken.

use crate::server::{PANIC, log};
use crate::world::both;
use reqwest::Method;
use rollcall::auth::Scope;
use rollcall::clock::Stopwatch;
use rollcall::scim::dialect::Dialect;
use serde_json::json;
use std::time::Duration;

const SEARCH: &str = "urn:ietf:params:scim:api:messages:2.0:SearchRequest";

both! {
    async fn bodies_that_are_too_large_are_a_413_whether_announced_or_not(world: World) {
        let server = world.server();
        let okta = server.provider(Dialect::Standard).await;
        let large = format!("{{\"userName\":\"{}\"}}", "x".repeat(10_000_000));
        let reply = okta.request(Method::POST, "/Users").body("application/json", large.clone()).send().await;
        assert!(reply.refused(413, None).contains("1048576"));
        let mut chunked = Vec::new();
        for chunk in large.as_bytes().chunks(65_536) {
            chunked.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
            chunked.extend_from_slice(chunk);
            chunked.extend_from_slice(b"\r\n");
        }
        chunked.extend_from_slice(b"0\r\n\r\n");
        let head = format!(
            "POST /scim/v2/Users HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\
             content-type: application/json\r\ntransfer-encoding: chunked\r\nauthorization: {}\r\n\r\n",
            okta.authorization.as_deref().unwrap(),
        );
        let answer = server.raw([head.into_bytes(), chunked].concat()).await;
        assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
        assert!(answer.contains("urn:ietf:params:scim:api:messages:2.0:Error"), "{answer}");
        // Up to the limit a body is read.
        let name = "y".repeat(1_048_576 - 15);
        let reply = okta.request(Method::POST, "/Users")
            .body("application/json", format!("{{\"userName\":\"{name}\"}}")).send().await;
        reply.refused(400, Some("invalidValue"));
        assert_eq!(okta.get("/Users").await.expect(200)["totalResults"], 0);
    }

    async fn a_hundred_thousand_brackets_are_an_error_like_any_other(world: World) {
        let server = world.server();
        let okta = server.provider(Dialect::Standard).await;
        let id = okta.person("a").await;
        let started = Stopwatch::start();
        for open in ["[", "{\"a\":"] {
            let deep = open.repeat(100_000);
            for (method, path) in
                [(Method::POST, "/Users".to_owned()), (Method::PATCH, format!("/Users/{id}")), (Method::POST, "/Users/.search".to_owned())]
            {
                okta.request(method, &path).body("application/json", deep.clone()).send().await
                    .refused(400, Some("invalidSyntax"));
            }
        }
        // A URL holds as many as the URI parser lets through; a search holds them all.
        for filter in [format!("{}userName pr{}", "(".repeat(25_000), ")".repeat(25_000)), "(".repeat(60_000), "not(".repeat(15_000)] {
            let path = format!("/Users?filter={}", filter.replace(' ', "%20"));
            okta.get(&path).await.refused(400, Some("invalidFilter"));
        }
        for filter in ["(".repeat(100_000), format!("{}userName pr{}", "(".repeat(100_000), ")".repeat(100_000)),
            "emails[".repeat(100_000), vec!["title pr"; 20_000].join(" or ")]
        {
            okta.post("/Users/.search", &json!({"schemas": [SEARCH], "filter": filter})).await
                .refused(400, Some("invalidFilter"));
        }
        let path = "(".repeat(100_000);
        let reply = okta.patch(&format!("/Users/{id}"), json!([{"op": "remove", "path": path}])).await;
        assert_eq!(reply.status, 400);
        assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
        okta.get("/Users").await.expect(200);
    }

    async fn nothing_private_is_logged(world: World) {
        let server = world.server();
        let token = server.token("quiet", Dialect::Standard, &[Scope::ScimWrite], None).await;
        let okta = server.bearer(&token);
        // Words that no other test sends.
        let private = "w1lhelmina";
        let id = okta.person(&format!("{private}@example.com")).await;
        okta.filter("/Users", &format!("userName eq \"{private}\"")).await.expect(200);
        okta.filter("/Users", &format!("{private} eq")).await.refused(400, Some("invalidFilter"));
        okta.get(&format!("/Users/{private}")).await.refused(404, None);
        okta.get(&format!("/{private}")).await.refused(404, None);
        okta.post("/Users", &json!({"userName": format!("{private}@EXAMPLE.com")})).await
            .refused(409, Some("uniqueness"));
        okta.request(Method::POST, "/Users").body("application/json", format!("{{\"{private}")).send().await
            .refused(400, Some("invalidSyntax"));
        okta.request(Method::POST, "/Users").body(private, "x").send().await.refused(415, None);
        server.bearer(&format!("rc_1_{private}")).get("/Users").await.refused(401, None);
        let mut elsewhere = okta.clone();
        elsewhere.base.clone_from(&server.url);
        let bug = elsewhere.get("/bug").await;
        let error_id = bug.refused(500, None).rsplit(' ').next().unwrap().to_owned();
        okta.get(&format!("/Users/{id}")).await.expect(200);

        let log = log();
        for expected in ["quiet", "/scim/v2/Users/{id}", "409", &error_id] {
            assert!(log.holds(expected), "{expected} is not logged");
        }
        for hidden in [private, &id, &token, PANIC] {
            assert!(!log.holds(hidden), "{hidden} is logged");
        }
    }

    /// A hundred searches in one filter kept everybody else waiting for seconds.
    async fn a_filter_may_search_so_often_and_no_more(world: World) {
        let server = world.server();
        let okta = server.provider(Dialect::Standard).await;
        let searches = |count: usize| vec!["title%20co%20%22x%22"; count].join("%20or%20");
        okta.get(&format!("/Users?filter={}", searches(16))).await.expect(200);
        okta.get(&format!("/Users?filter={}", searches(17))).await.refused(400, Some("invalidFilter"));
    }
}
