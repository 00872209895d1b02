//! Pages by cursor (RFC 9865).

use crate::server::{Caller, Reply};
use crate::world::{NOW, both};
use rollcall::auth::Scope;
use rollcall::scim::dialect::Dialect;
use serde_json::{Value, json};
use std::time::Duration;

const SEARCH: &str = "urn:ietf:params:scim:api:messages:2.0:SearchRequest";

fn names(list: &Value) -> Vec<&str> {
    list["Resources"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["userName"].as_str().unwrap())
        .collect()
}

fn cursor(list: &Value, name: &str) -> Option<String> {
    let text = list.get(name)?.as_str().unwrap();
    let unreserved = |c: char| c.is_ascii_alphanumeric() || "-._~".contains(c);
    assert!(!text.is_empty() && text.chars().all(unreserved), "{text}");
    Some(text.to_owned())
}

fn next(list: &Value) -> Option<String> {
    cursor(list, "nextCursor")
}

impl Caller {
    async fn page(&self, query: &str, cursor: &str) -> Reply {
        self.get(&format!("/Users?{query}&cursor={cursor}")).await
    }
}

async fn people(okta: &Caller, count: usize) {
    for n in 0..count {
        okta.person(&format!("p{n}")).await;
    }
}

both! {
    async fn pages_lead_forward_and_back(world: World) {
        let server = world.server();
        let okta = server.provider(Dialect::Standard).await;
        people(&okta, 6).await;
        let query = "count=2&sortBy=userName&sortOrder=descending";
        let first = okta.get(&format!("/Users?{query}&cursor")).await.expect(200);
        assert_eq!(names(&first), ["p5", "p4"]);
        assert_eq!((&first["totalResults"], &first["itemsPerPage"]), (&json!(6), &json!(2)));
        assert_eq!((first.get("startIndex"), first.get("previousCursor")), (None, None));
        assert_eq!(first["schemas"][0], "urn:ietf:params:scim:api:messages:2.0:ListResponse");
        let second = okta.page(query, &next(&first).unwrap()).await.expect(200);
        assert_eq!((names(&second), &second["totalResults"]), (vec!["p3", "p2"], &json!(6)));
        let third = okta.page(query, &next(&second).unwrap()).await.expect(200);
        // The last page is full, and still the last.
        assert_eq!((names(&third), third.get("nextCursor")), (vec!["p1", "p0"], None));
        let back = okta.page(query, &cursor(&third, "previousCursor").unwrap()).await.expect(200);
        assert_eq!(names(&back), ["p3", "p2"]);
        let back = okta.page(query, &cursor(&back, "previousCursor").unwrap()).await.expect(200);
        assert_eq!((names(&back), back.get("previousCursor")), (vec!["p5", "p4"], None));
        let again = okta.page(query, &next(&back).unwrap()).await.expect(200);
        assert_eq!(names(&again), ["p3", "p2"]);
        // The number of all is that of the first page.
        okta.person("p9").await;
        let third = okta.page(query, &next(&again).unwrap()).await.expect(200);
        assert_eq!((names(&third), &third["totalResults"]), (vec!["p1", "p0"], &json!(6)));
        // An empty cursor asks for the first page, too; without one, pages are numbered.
        assert_eq!(okta.page(query, "").await.expect(200)["totalResults"], 7);
        let numbered = okta.get("/Users?count=2").await.expect(200);
        assert_eq!((&numbered["startIndex"], numbered.get("nextCursor")), (&json!(1), None));
        for count in ["0", "-1"] {
            let none = okta.get(&format!("/Users?count={count}&cursor=")).await.expect(200);
            assert_eq!((&none["totalResults"], &none["Resources"]), (&json!(7), &json!([])));
            assert_eq!((none.get("nextCursor"), none.get("previousCursor")), (None, None));
        }
    }

    async fn a_search_pages_by_cursor(world: World) {
        let server = world.server();
        let okta = server.provider(Dialect::Standard).await;
        people(&okta, 3).await;
        let body = |cursor: Value| json!({
            "schemas": [SEARCH], "filter": "userName sw \"p\"", "attributes": ["userName"],
            "cursor": cursor, "count": 2,
        });
        let first = okta.post("/Users/.search", &body("".into())).await.expect(200);
        assert_eq!(names(&first), ["p0", "p1"]);
        let last = okta.post("/Users/.search", &body(next(&first).into())).await.expect(200);
        assert_eq!((names(&last), last.get("nextCursor")), (vec!["p2"], None));
        okta.post("/Users/.search", &body(7.into())).await.refused(400, Some("invalidValue"));
        // The same query by GET goes on from there.
        let query = "filter=userName%20sw%20%22p%22&attributes=userName&count=2";
        assert_eq!(names(&okta.page(query, &next(&first).unwrap()).await.expect(200)), ["p2"]);
    }

    async fn a_cursor_is_good_for_its_query_its_client_and_its_time(world: World) {
        let server = world.server();
        let okta = server.provider(Dialect::Standard).await;
        people(&okta, 5).await;
        let query = "count=2&sortBy=userName&attributes=userName";
        let first = okta.page(query, "").await.expect(200);
        let good = next(&first).unwrap();
        okta.page(query, &good).await.expect(200);
        let sentence = okta.page(query, "forged").await.refused(400, Some("invalidCursor"));
        let mut damaged = good.clone();
        damaged.replace_range(20..21, if good.as_bytes()[20] == b'A' { "B" } else { "A" });
        for (query, cursor) in [
            (query, damaged.as_str()),
            (query, "%00"),
            ("count=2&sortBy=userName", &good),
            ("count=2&sortBy=displayName&attributes=userName", &good),
            ("count=2&sortBy=userName&attributes=userName&filter=active%20pr", &good),
            ("count=2&sortBy=userName&attributes=userName&sortOrder=descending", &good),
            ("count=2&sortBy=userName&excludedAttributes=userName", &good),
        ] {
            assert_eq!(okta.page(query, cursor).await.refused(400, Some("invalidCursor")), sentence, "{query}");
        }
        // Neither another client nor another organization can use it, nor another endpoint.
        let other = server.provider(Dialect::Okta).await;
        assert_eq!(other.page(query, &good).await.refused(400, Some("invalidCursor")), sentence);
        let second = world.store.organization_named("second", NOW).await.unwrap().id;
        let token = server.token_in(second, "standard", Dialect::Standard, &[Scope::ScimRead], None).await;
        let foreign = server.bearer(&token);
        assert_eq!(foreign.page(query, &good).await.refused(400, Some("invalidCursor")), sentence);
        let of_users = next(&okta.page("count=2", "").await.expect(200)).unwrap();
        let elsewhere = okta.get(&format!("/Groups?count=2&cursor={of_users}")).await;
        assert_eq!(elsewhere.refused(400, Some("invalidCursor")), sentence);
        // The same client with another token can, if that may read.
        let token = server.token("standard", Dialect::Standard, &[Scope::ScimRead], None).await;
        assert_eq!(names(&server.bearer(&token).page(query, &good).await.expect(200)), ["p2", "p3"]);
        let token = server.token("standard", Dialect::Standard, &[Scope::Audit], None).await;
        server.bearer(&token).page(query, &good).await.refused(403, None);
        // Every page has the size of the first.
        for count in ["1", "3", "1001", "x"] {
            let query = query.replace("count=2", &format!("count={count}"));
            okta.page(&query, &good).await.refused(400, Some("invalidCount"));
        }
        okta.page("count=1001", "").await.refused(400, Some("invalidCount"));
        okta.get("/Users?startIndex=1&cursor=").await.refused(400, Some("invalidValue"));
        server.clock.advance(Duration::from_secs(3_601));
        let refused = okta.page(query, &good).await.refused(400, Some("expiredCursor"));
        assert!(refused.contains("3600 seconds"), "{refused}");
    }
}
