//! One query over all resource types (RFC 7644 §3.4.2.1).

use crate::server::Caller;
use crate::world::both;
use rollcall::auth::Scope;
use rollcall::scim::dialect::Dialect;
use serde_json::{Value, json};

const SEARCH: &str = "urn:ietf:params:scim:api:messages:2.0:SearchRequest";

/// What a list holds: type and name.
fn told(list: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let each = |one: &Value| {
        let name = one.get("userName").unwrap_or(&one["displayName"]);
        (text(&one["meta"]["resourceType"]), text(name))
    };
    list["Resources"].as_array().unwrap().iter().map(each).collect()
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(kind, name)| ((*kind).to_owned(), (*name).to_owned())).collect()
}

async fn fill(okta: &Caller) {
    okta.team("Zebras", &[]).await;
    for (user_name, display) in [("carol", "Carol"), ("alice", "Alice"), ("bob", "Zebras")] {
        okta.post(
            "/Users",
            &json!({"userName": user_name, "displayName": display, "locale": "de"}),
        )
        .await
        .expect(201);
    }
    okta.team("Aardvarks", &[]).await;
}

both! {
    async fn all_types_are_asked_at_once(world: World) {
        let server = world.server();
        let okta = server.provider(Dialect::Standard).await;
        fill(&okta).await;
        let everybody = pairs(&[
            ("User", "carol"), ("User", "alice"), ("User", "bob"), ("Group", "Zebras"), ("Group", "Aardvarks"),
        ]);
        for path in ["", "/", "?startIndex=1"] {
            let list = okta.get(path).await.expect(200);
            assert_eq!(told(&list), everybody, "{path}");
            assert_eq!((&list["totalResults"], &list["itemsPerPage"], &list["startIndex"]), (&json!(5), &json!(5), &json!(1)));
        }
        // In pages, by number and by cursor.
        for (start, count, total) in [(1, 2, 5), (3, 2, 5), (5, 2, 5), (6, 2, 5), (1, 0, 5)] {
            let list = okta.get(&format!("?startIndex={start}&count={count}")).await.expect(200);
            let expected: Vec<_> = everybody.iter().skip(start - 1).take(count).cloned().collect();
            assert_eq!((told(&list), &list["totalResults"]), (expected, &json!(total)));
        }
        let first = okta.get("?cursor&count=3").await.expect(200);
        assert_eq!((told(&first).as_slice(), &first["totalResults"]), (&everybody[..3], &json!(5)));
        let last = okta.get(&format!("?count=3&cursor={}", first["nextCursor"].as_str().unwrap())).await.expect(200);
        assert_eq!((told(&last).as_slice(), last.get("nextCursor")), (&everybody[3..], None));
        okta.get(&format!("/Users?count=3&cursor={}", first["nextCursor"].as_str().unwrap())).await
            .refused(400, Some("invalidCursor"));
        // Sorted, they are merged; what has no such attribute has no value in it.
        let list = okta.get("?sortBy=displayName").await.expect(200);
        assert_eq!(told(&list), pairs(&[
            ("Group", "Aardvarks"), ("User", "alice"), ("User", "carol"), ("Group", "Zebras"), ("User", "bob"),
        ]));
        let list = okta.get("?sortBy=userName&sortOrder=descending&startIndex=2&count=2").await.expect(200);
        assert_eq!(told(&list), pairs(&[("Group", "Aardvarks"), ("User", "carol")]));
        okta.get("?sortBy=shoeSize").await.refused(400, Some("invalidPath"));
    }

    async fn what_a_type_lacks_has_no_value_there(world: World) {
        let server = world.server();
        let okta = server.provider(Dialect::Standard).await;
        fill(&okta).await;
        for (filter, expected) in [
            ("displayName eq \"zebras\"", vec![("User", "bob"), ("Group", "Zebras")]),
            ("userName eq \"alice\"", vec![("User", "alice")]),
            ("userName eq \"alice\" or displayName eq \"aardvarks\"", vec![("User", "alice"), ("Group", "Aardvarks")]),
            ("not (userName pr)", vec![("Group", "Zebras"), ("Group", "Aardvarks")]),
            ("userName ne \"alice\"", vec![("User", "carol"), ("User", "bob"), ("Group", "Zebras"), ("Group", "Aardvarks")]),
            ("meta.resourceType eq \"User\"", vec![("User", "carol"), ("User", "alice"), ("User", "bob")]),
            ("meta.resourceType eq \"Group\" and displayName sw \"a\"", vec![("Group", "Aardvarks")]),
            // The first figure of RFC 7644 §3.4.2.1, nearly.
            ("(meta.resourceType eq \"User\") or (meta.resourceType eq \"Group\" and displayName co \"vark\")",
             vec![("User", "carol"), ("User", "alice"), ("User", "bob"), ("Group", "Aardvarks")]),
            ("locale eq \"de\"", vec![("User", "carol"), ("User", "alice"), ("User", "bob")]),
            ("userName eq \"nobody\"", vec![]),
        ] {
            let list = okta.filter("", filter).await.expect(200);
            assert_eq!((told(&list), &list["totalResults"]), (pairs(&expected), &json!(expected.len())), "{filter}");
            let body = json!({"schemas": [SEARCH], "filter": filter});
            assert_eq!(okta.post("/.search", &body).await.expect(200), list, "{filter}");
        }
        okta.filter("", "shoeSize pr").await.refused(400, Some("invalidFilter"));
        okta.post("/.search", &json!({"filter": "id pr"})).await.refused(400, Some("invalidSyntax"));
    }

    async fn each_type_is_shown_in_its_own_way(world: World) {
        let server = world.server();
        let okta = server.provider(Dialect::Standard).await;
        let person = okta.person("alice").await;
        let team = okta.team("Guides", &[&person]).await;
        let list = okta.get("?attributes=userName,members.value,groups").await.expect(200);
        let resources = list["Resources"].as_array().unwrap();
        let keys = |at: usize| resources[at].as_object().unwrap().keys().map(String::as_str).collect::<Vec<_>>();
        assert_eq!(keys(0), ["schemas", "id", "userName", "groups"]);
        assert_eq!(keys(1), ["schemas", "id", "members"]);
        assert_eq!(resources[0]["groups"][0]["value"], team.as_str());
        assert_eq!(resources[1]["members"], json!([{"value": person}]));
        for (at, path) in [(0, format!("/Users/{person}")), (1, format!("/Groups/{team}"))] {
            let whole = okta.get("").await.expect(200);
            assert_eq!(whole["Resources"][at], okta.get(&path).await.expect(200));
        }
        let list = okta.get("?excludedAttributes=members,groups,meta").await.expect(200);
        assert!(!list.to_string().contains("meta") && !list.to_string().contains("members"));
        // Who may not read may not ask.
        server.stranger().get("").await.refused(401, None);
        server.holder(Scope::Audit).await.get("").await.refused(403, None);
        let head = okta.request(reqwest::Method::HEAD, "").send().await;
        assert_eq!((head.status, head.text.as_str()), (200, ""));
    }
}
