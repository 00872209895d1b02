//! Several writes in one request (RFC 7644 §3.7).

mod alone;

use crate::server::{Caller, Reply};
use crate::world::both;
use reqwest::Method;
use rollcall::auth::Scope;
use rollcall::scim::dialect::Dialect;
use rollcall::store::changes::ChangeOp;
use serde_json::{Value, json};

const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
const PATCH: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";
const NOBODY: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

impl Caller {
    /// POST of a bulk request with these operations.
    async fn bulk(&self, operations: Value) -> Reply {
        self.post("/Bulk", &bulk(&operations)).await
    }
}

fn bulk(operations: &Value) -> Value {
    json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"], "Operations": operations})
}

fn user(bulk_id: &str, user_name: &str) -> Value {
    json!({"method": "POST", "path": "/Users", "bulkId": bulk_id, "data": {
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": user_name}})
}

fn group(bulk_id: &str, members: &[&str]) -> Value {
    let members: Vec<Value> = members.iter().map(|id| json!({"value": id})).collect();
    json!({"method": "POST", "path": "/Groups", "bulkId": bulk_id, "data": {
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"],
        "displayName": bulk_id, "members": members}})
}

/// What became of each: method, bulkId, status.
fn statuses(response: &Value) -> Vec<(String, String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let each = |one: &Value| (text(&one["method"]), text(&one["bulkId"]), text(&one["status"]));
    response["Operations"].as_array().unwrap().iter().map(each).collect()
}

fn only_statuses(response: &Value) -> Vec<String> {
    statuses(response).into_iter().map(|(_, _, status)| status).collect()
}

/// The id at the end of an operation's location.
fn id_of(response: &Value, at: usize) -> String {
    let location = response["Operations"][at]["location"].as_str().unwrap();
    location.rsplit('/').next().unwrap().to_owned()
}

both! {
    async fn a_mixed_request_is_answered_in_its_order(world: World) {
        let server = world.server();
        let okta = server.provider(Dialect::Standard).await;
        let (kept, gone) = (okta.person("kept").await, okta.person("gone").await);
        let team = okta.team("Guides", &[&kept]).await;
        server.changes().await;
        let reply = okta.bulk(json!([
            user("qwerty", "alice"),
            {"method": "PUT", "path": format!("/Users/{kept}"), "version": "W/\"1\"",
             "data": {"userName": "kept", "title": "Guide"}},
            {"method": "PATCH", "path": format!("/Users/{kept}"), "data": {"schemas": [PATCH], "Operations": [
                {"op": "replace", "path": "title", "value": "Tour guide"}]}},
            {"method": "patch", "path": format!("/Groups/{team}"), "data": {"schemas": [PATCH], "Operations": [
                {"op": "add", "path": "members", "value": [{"value": "bulkId:qwerty"}]}]}},
            {"method": "DELETE", "path": format!("/Users/{gone}"), "version": "W/\"1\""},
        ])).await;
        assert_eq!(reply.header("content-type"), Some("application/scim+json"));
        let response = reply.expect(200);
        let alice = id_of(&response, 0);
        let base = &okta.base;
        assert_eq!(response, json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkResponse"],
            "Operations": [
                {"location": format!("{base}/Users/{alice}"), "method": "POST", "bulkId": "qwerty",
                 "version": "W/\"1\"", "status": "201"},
                {"location": format!("{base}/Users/{kept}"), "method": "PUT",
                 "version": "W/\"2\"", "status": "200"},
                {"location": format!("{base}/Users/{kept}"), "method": "PATCH",
                 "version": "W/\"3\"", "status": "200"},
                {"location": format!("{base}/Groups/{team}"), "method": "PATCH",
                 "version": "W/\"2\"", "status": "204"},
                {"location": format!("{base}/Users/{gone}"), "method": "DELETE", "status": "204"},
            ],
        }));
        assert_eq!(okta.get(&format!("/Users/{kept}")).await.expect(200)["title"], "Tour guide");
        okta.get(&format!("/Users/{gone}")).await.refused(404, None);
        let mut expected = vec![kept, alice];
        expected.sort();
        assert_eq!(okta.members(&team).await, expected);
        // Changes are in the order in which they happened, and the engine was woken.
        let changes = server.changes().await;
        let said: Vec<_> = changes.iter().map(|row| (row.change.kind.as_str(), row.change.op, row.change.version)).collect();
        assert_eq!(said, [
            ("User", ChangeOp::Create, 1), ("User", ChangeOp::Update, 2), ("User", ChangeOp::Update, 3),
            ("Group", ChangeOp::Members, 2), ("User", ChangeOp::Delete, 2),
        ]);
        tokio::time::timeout(std::time::Duration::from_secs(5), server.wake.notified()).await.unwrap();
    }

    async fn references_work_in_both_orders(world: World) {
        let server = world.server();
        let okta = server.provider(Dialect::Standard).await;
        let response = okta.bulk(json!([
            group("above", &["bulkId:late", "bulkId:team"]), group("team", &["bulkId:early", "bulkId:late"]),
            user("early", "early"), user("late", "late"),
            {"method": "PATCH", "path": "/Users/bulkId:early", "data": {"schemas": [PATCH], "Operations": [
                {"op": "add", "path": format!("{ENTERPRISE}:manager"), "value": {"value": "bulkId:late", "$ref": "../Users/bulkId:late"}}]}},
        ])).await.expect(200);
        assert_eq!(only_statuses(&response), ["201", "201", "201", "201", "200"]);
        let (above, team) = (id_of(&response, 0), id_of(&response, 1));
        let (early, late) = (id_of(&response, 2), id_of(&response, 3));
        let mut expected = vec![team.clone(), late.clone()];
        expected.sort();
        assert_eq!(okta.members(&above).await, expected);
        let shown = okta.get(&format!("/Users/{early}")).await.expect(200);
        assert_eq!(shown[ENTERPRISE]["manager"]["value"], late.as_str());
        assert!(!shown.to_string().contains("bulkId"), "{shown}");
        let mut groups: Vec<_> = shown["groups"].as_array().unwrap().iter().map(|g| g["type"].as_str().unwrap()).collect();
        groups.sort_unstable();
        assert_eq!(groups, ["direct", "indirect"]);
    }

    async fn circles_of_references_close(world: World) {
        let server = world.server();
        let okta = server.provider(Dialect::Standard).await;
        let managed = |bulk_id: &str, by: &str| {
            let mut operation = user(bulk_id, bulk_id);
            operation["data"][ENTERPRISE] = json!({"manager": {"value": format!("bulkId:{by}")}});
            operation
        };
        let mut member = user("member", "member");
        member["data"]["groups"] = json!([{"value": "bulkId:team"}]);
        let response = okta.bulk(json!([
            managed("a", "b"), managed("b", "c"), managed("c", "a"), managed("own", "own"),
            group("team", &["bulkId:member"]), member,
        ])).await.expect(200);
        assert_eq!(only_statuses(&response), ["201"; 6]);
        for (of, by) in [(0, 1), (1, 2), (2, 0), (3, 3)] {
            let shown = okta.get(&format!("/Users/{}", id_of(&response, of))).await.expect(200);
            assert_eq!(shown[ENTERPRISE]["manager"]["value"], id_of(&response, by).as_str());
            assert_eq!(shown["meta"]["version"], "W/\"1\"");
        }
        assert_eq!(okta.members(&id_of(&response, 4)).await, [id_of(&response, 5)]);
        // RFC 7644 §3.7.1: groups may not contain each other here, so that is a conflict of these two.
        let response = okta.bulk(json!([
            group("Group A", &["bulkId:Group B"]), user("x", "x"), group("Group B", &["bulkId:Group A"]),
            group("above", &["bulkId:Group A"]),
        ])).await.expect(200);
        assert_eq!(only_statuses(&response), ["409", "201", "409", "409"]);
        assert_eq!(response["Operations"][0].get("location"), None);
        let detail = response["Operations"][0]["response"]["detail"].as_str().unwrap();
        assert!(detail.contains("members of each other"), "{detail}");
        let detail = response["Operations"][3]["response"]["detail"].as_str().unwrap();
        assert!(detail.contains("bulkId:Group A was not made"), "{detail}");
        assert_eq!(okta.get("/Groups").await.expect(200)["totalResults"], 1);
        // One that fails takes its circle with it, and nobody else.
        let response = okta.bulk(json!([managed("d", "e"), managed("e", "d"), managed("a", "d"), user("y", "y")]))
            .await.expect(200);
        assert_eq!(only_statuses(&response), ["201", "201", "409", "201"]);
        let mut taken = managed("f", "g");
        taken["data"]["userName"] = "a".into();
        let response = okta.bulk(json!([taken, managed("g", "f"), user("z", "z")])).await.expect(200);
        assert_eq!(only_statuses(&response), ["409", "409", "201"]);
        assert_eq!(response["Operations"][0]["response"]["scimType"], "uniqueness");
        let detail = response["Operations"][1]["response"]["detail"].as_str().unwrap();
        assert!(detail.contains("bulkId:f was not made"), "{detail}");
        assert_eq!(okta.filter("/Users", "userName eq \"g\"").await.expect(200)["totalResults"], 0);
    }

    async fn what_fails_is_undone_and_the_others_stay(world: World) {
        let server = world.server();
        let okta = server.provider(Dialect::Standard).await;
        let taken = okta.person("taken").await;
        let team = okta.team("Guides", &[]).await;
        server.changes().await;
        let response = okta.bulk(json!([
            user("a", "taken"),
            user("b", "b"),
            // A PATCH whose last operation fails: the members that it added go, too.
            {"method": "PATCH", "path": format!("/Groups/{team}"), "data": {"schemas": [PATCH], "Operations": [
                {"op": "add", "path": "members", "value": [{"value": taken}]},
                {"op": "add", "path": "members", "value": [{"value": NOBODY}]}]}},
            group("c", &["bulkId:a"]),
            group("d", &["bulkId:b", "bulkId:nobody"]),
            {"method": "DELETE", "path": format!("/Users/{NOBODY}")},
            {"method": "PUT", "path": format!("/Users/{taken}"), "version": "W/\"7\"", "data": {"userName": "x"}},
            {"method": "PATCH", "path": "/Users/bulkId:a", "data": {"schemas": [PATCH], "Operations": []}},
            {"method": "POST", "path": "/Nothing", "bulkId": "e", "data": {}},
            {"method": "DELETE", "path": "/Bulk"},
            {"method": "DELETE", "path": "/Users/not-an-id"},
            user("f", "f"),
        ])).await.expect(200);
        let told: Vec<_> = response["Operations"].as_array().unwrap().iter().map(|one| {
            let keyword = one["response"]["scimType"].as_str().unwrap_or_default();
            (one["status"].as_str().unwrap(), keyword, one.get("location").is_some())
        }).collect();
        assert_eq!(told, [
            ("409", "uniqueness", false), ("201", "", true), ("400", "invalidValue", true),
            ("409", "", false), ("400", "invalidValue", false), ("404", "", true), ("412", "", true),
            ("409", "", true), ("404", "", false), ("400", "invalidPath", true),
            ("404", "", true), ("201", "", true),
        ]);
        for one in response["Operations"].as_array().unwrap() {
            if let Some(error) = one.get("response") {
                assert_eq!(error["schemas"][0], "urn:ietf:params:scim:api:messages:2.0:Error");
                assert_eq!(error["status"], one["status"]);
                assert_eq!(one.get("version"), None);
            }
        }
        let detail = |at: usize| response["Operations"][at]["response"]["detail"].as_str().unwrap();
        assert!(detail(2).contains(NOBODY) && detail(4).contains("bulkId:nobody") && detail(6).contains("version"));
        assert_eq!(okta.members(&team).await, [""; 0]);
        assert_eq!(okta.get("/Users").await.expect(200)["totalResults"], 3);
        assert_eq!(okta.get("/Groups").await.expect(200)["totalResults"], 1);
        let changes = server.changes().await;
        let said: Vec<_> = changes.iter().map(|row| (row.change.kind.as_str(), row.change.op)).collect();
        assert_eq!(said, [("User", ChangeOp::Create), ("User", ChangeOp::Create)]);
        // Strict clients have strict operations.
        let strict = server.provider(Dialect::Strict).await;
        let response = strict.bulk(json!([
            {"method": "post", "path": "/Users", "bulkId": "g", "data": {"userName": "g"}},
            {"method": "POST", "path": "/Users", "bulkId": "h", "data": {"userName": "h"}},
        ])).await.expect(200);
        assert_eq!(only_statuses(&response), ["400", "400"]);
    }

    async fn errors_end_the_work_where_the_client_says_so(world: World) {
        let server = world.server();
        let okta = server.provider(Dialect::Standard).await;
        okta.person("taken").await;
        let operations = json!([user("a", "a"), user("b", "taken"), user("c", "c"), user("d", "taken"), user("e", "e")]);
        for (limit, expected, total) in [
            (json!(1), vec!["201", "409"], 2),
            (json!(2), vec!["409", "409"], 2),
            (Value::Null, vec!["409", "409", "201", "409", "201"], 4),
        ] {
            let mut body = bulk(&operations);
            body["failOnErrors"] = limit;
            let response = okta.post("/Bulk", &body).await.expect(200);
            assert_eq!(only_statuses(&response), expected);
            assert_eq!(okta.get("/Users").await.expect(200)["totalResults"], total);
        }
    }

    async fn limits_are_named_and_nothing_is_done_beyond_them(world: World) {
        let server = world.server();
        let okta = server.provider(Dialect::Standard).await;
        let config = okta.get("/ServiceProviderConfig").await.expect(200);
        let (most, largest) = (&config["bulk"]["maxOperations"], &config["bulk"]["maxPayloadSize"]);
        assert_eq!((most, largest), (&json!(1_000), &json!(16 * 1024 * 1024)));
        let operations: Vec<Value> = (0..1_001).map(|n| user(&n.to_string(), &format!("u{n}"))).collect();
        let refused = okta.bulk(operations.into()).await.refused(413, None);
        assert!(refused.contains("maxOperations (1000)"), "{refused}");
        let padded = |size: usize| {
            let body = bulk(&json!([user("a", "a")])).to_string();
            format!("{}{body}", " ".repeat(size - body.len()))
        };
        let too_large = padded(16 * 1024 * 1024 + 1);
        let reply = okta.request(Method::POST, "/Bulk").body("application/scim+json", too_large.clone()).send().await;
        assert!(reply.refused(413, None).contains("maxPayloadSize (16777216 bytes)"));
        let mut chunked = Vec::new();
        for chunk in too_large.as_bytes().chunks(65_536) {
            chunked.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
            chunked.extend_from_slice(chunk);
            chunked.extend_from_slice(b"\r\n");
        }
        chunked.extend_from_slice(b"0\r\n\r\n");
        let head = format!(
            "POST /scim/v2/Bulk HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\
             content-type: application/json\r\ntransfer-encoding: chunked\r\nauthorization: {}\r\n\r\n",
            okta.authorization.as_deref().unwrap(),
        );
        let answer = server.raw([head.into_bytes(), chunked].concat()).await;
        assert!(answer.starts_with("HTTP/1.1 413 ") && answer.contains("maxPayloadSize"), "{answer}");
        assert_eq!(okta.get("/Users").await.expect(200)["totalResults"], 0);
        // What ServiceProviderConfig says is taken is taken.
        let most = padded(16 * 1024 * 1024);
        let reply = okta.request(Method::POST, "/Bulk").body("application/scim+json", most).send().await;
        assert_eq!(only_statuses(&reply.expect(200)), ["201"]);
        let operations: Vec<Value> = (0..1_000).map(|n| user(&n.to_string(), &format!("u{n}"))).collect();
        let response = okta.bulk(operations.into()).await.expect(200);
        assert_eq!(only_statuses(&response), vec!["201"; 1_000]);
        assert_eq!(okta.get("/Users").await.expect(200)["totalResults"], 1_001);
    }

    async fn a_bulk_request_writes(world: World) {
        let server = world.server();
        let reader = server.holder(Scope::ScimRead).await;
        reader.bulk(json!([user("a", "a")])).await.refused(403, None);
        server.stranger().bulk(json!([user("a", "a")])).await.refused(401, None);
        let okta = server.provider(Dialect::Standard).await;
        okta.get("/Bulk").await.refused(405, None);
        okta.post("/Bulk", &json!({"Operations": [user("a", "a")]})).await.refused(400, Some("invalidSyntax"));
        assert_eq!(okta.get("/Users").await.expect(200)["totalResults"], 0);
    }
}
