//! Lists: filters, pages, order and projection over HTTP.

use crate::server::Caller;
use crate::world::both;
use rollcall::scim::dialect::Dialect;
use serde_json::{Value, json};

const SEARCH: &str = "urn:ietf:params:scim:api:messages:2.0:SearchRequest";

async fn twenty_five(provider: &Caller) {
    for number in 0..25 {
        let body = json!({
            "userName": format!("person{number:02}"),
            "title": if number % 2 == 0 { json!("Guide") } else { Value::Null },
            "emails": [{"type": "work", "value": format!("p{number:02}@example.com")}],
        });
        provider.post("/Users", &body).await.expect(201);
    }
}

fn names(list: &Value) -> Vec<&str> {
    let resources = list["Resources"].as_array().map(Vec::as_slice).unwrap_or_default();
    resources.iter().map(|user| user["userName"].as_str().unwrap()).collect()
}

both! {
    async fn pages_neither_overlap_nor_leave_gaps(world: World) {
        let server = world.server();
        let okta = server.provider(Dialect::Standard).await;
        twenty_five(&okta).await;
        let mut seen = Vec::new();
        for start in [1, 11, 21] {
            let page = okta.get(&format!("/Users?startIndex={start}&count=10")).await.expect(200);
            assert_eq!(page["schemas"], json!(["urn:ietf:params:scim:api:messages:2.0:ListResponse"]));
            assert_eq!((&page["totalResults"], &page["startIndex"]), (&json!(25), &json!(start)));
            assert_eq!(page["itemsPerPage"], names(&page).len());
            seen.extend(names(&page).into_iter().map(str::to_owned));
        }
        let all: Vec<String> = (0..25).map(|number| format!("person{number:02}")).collect();
        assert_eq!(seen, all);
        let none = okta.get("/Users?count=0").await.expect(200);
        assert_eq!((&none["totalResults"], names(&none).len()), (&json!(25), 0));
        let beyond = okta.get("/Users?startIndex=9999").await.expect(200);
        assert_eq!((&beyond["totalResults"], names(&beyond).len()), (&json!(25), 0));
        let odd = okta.get("/Users?startIndex=-5&count=-1").await.expect(200);
        assert_eq!((&odd["startIndex"], &odd["itemsPerPage"]), (&json!(1), &json!(0)));
    }

    async fn filters_order_and_projection_work_together(world: World) {
        let server = world.server();
        let okta = server.provider(Dialect::Standard).await;
        twenty_five(&okta).await;
        let find = async |filter: &str| {
            let found = okta.filter("/Users", filter).await.expect(200);
            names(&found).into_iter().map(str::to_owned).collect::<Vec<_>>()
        };
        assert_eq!(find("userName eq \"PERSON07\"").await, ["person07"]);
        assert_eq!(find("emails[type eq \"work\" and value eq \"p03@example.com\"]").await, ["person03"]);
        assert_eq!(find("emails[type eq \"work\"].value eq \"p03@example.com\"").await, ["person03"]);
        assert_eq!(find("emails eq \"p04@example.com\"").await, ["person04"]);
        assert_eq!(find("title pr and userName gt \"person21\"").await, ["person22", "person24"]);
        assert_eq!(find("userName eq \"nobody\"").await, [""; 0]);
        assert_eq!(find("not (userName sw \"person\")").await, [""; 0]);

        let sorted = okta.get("/Users?sortBy=title&sortOrder=descending&count=3&attributes=userName,title").await.expect(200);
        assert_eq!(names(&sorted)[..1], ["person01"], "who has no value is first when descending");
        assert_eq!(sorted["Resources"][0].as_object().unwrap().keys().collect::<Vec<_>>(),
            ["schemas", "id", "userName"]);
        let sorted = okta.get("/Users?sortBy=userName&sortOrder=descending&count=2").await.expect(200);
        assert_eq!(names(&sorted), ["person24", "person23"]);
    }

    async fn a_search_answers_as_the_list_does(world: World) {
        let server = world.server();
        let okta = server.provider(Dialect::Standard).await;
        twenty_five(&okta).await;
        okta.team("Guides", &[]).await;
        let listed = okta.get("/Users?filter=userName%20sw%20%22person1%22&sortBy=userName&startIndex=2&count=3&attributes=userName").await.expect(200);
        assert_eq!(listed["totalResults"], 10);
        let search = json!({"schemas": [SEARCH], "filter": "userName sw \"person1\"", "sortBy": "userName",
            "startIndex": 2, "count": 3, "attributes": ["userName"]});
        assert_eq!(okta.post("/Users/.search", &search).await.expect(200), listed);
        assert_eq!(okta.post("/Groups/.search", &json!({"schemas": [SEARCH]})).await.expect(200)["totalResults"], 1);
        okta.post("/Users/.search", &json!({"filter": "userName pr"})).await.refused(400, Some("invalidSyntax"));
    }

    async fn an_answer_is_json_for_those_who_only_know_that(world: World) {
        let server = world.server();
        let okta = server.provider(Dialect::Standard).await;
        let reply = okta.request(reqwest::Method::GET, "/Users").header("accept", "application/json").send().await;
        assert_eq!((reply.status, reply.header("content-type")), (200, Some("application/json")));
        // An error is a SCIM error in any case.
        okta.request(reqwest::Method::GET, "/Users/x").header("accept", "application/json").send().await
            .refused(404, None);
    }
}
