#![expect(clippy::needless_pass_by_value, reason = "bodies are written where they are passed")]

use super::*;
use crate::scim::dialect::Dialect;
use crate::scim::error::{Fault, ScimType};
use crate::scim::schema::Registry;
use crate::scim::urn;
use proptest::prelude::*;
use serde_json::json;

fn read(body: Value, dialect: Dialect) -> Result<Request, Error> {
    parse(&Registry::standard(), body, dialect)
}

fn request(operations: Value) -> Request {
    let body = json!({"schemas": [urn::BULK_REQUEST], "Operations": operations});
    read(body, Dialect::Standard).unwrap()
}

fn user(bulk_id: &str, data: Value) -> Value {
    json!({"method": "POST", "path": "/Users", "bulkId": bulk_id, "data": data})
}

fn group(bulk_id: &str, members: &[&str]) -> Value {
    let members: Vec<Value> = members.iter().map(|id| json!({"value": id})).collect();
    let data = json!({"displayName": bulk_id, "members": members});
    json!({"method": "POST", "path": "/Groups", "bulkId": bulk_id, "data": data})
}

/// What is wrong with the only operation of a request.
fn wrong(operation: Value) -> (u16, Option<ScimType>, String) {
    let mut request = request(json!([operation]));
    let error = request.operations.remove(0).action.unwrap_err();
    (error.code(), error.scim_type(), error.to_string())
}

/// The second figure of RFC 7644 §3.7.3.
#[test]
fn the_example_of_the_rfc_is_read() {
    let body = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
        "failOnErrors": 1,
        "Operations": [
            {"method": "POST", "path": "/Users", "bulkId": "qwerty", "data": {
                "schemas": ["urn:ietf:params:scim:api:messages:2.0:User"], "userName": "Alice"}},
            {"method": "PUT", "path": "/Users/b7c14771-226c-4d05-8860-134711653041",
             "version": "W/\"3694e05e9dff591\"", "data": {"userName": "Bob"}},
            {"method": "PATCH", "path": "/Users/5d8d29d3-342c-4b5f-8683-a3cb6763ffcc",
             "version": "W/\"edac3253e2c0ef2\"", "data": {"Operations": []}},
            {"method": "DELETE", "path": "/Users/e9025315-6bea-44e1-899c-1e07454e468b",
             "version": "W/\"0ee8add0a938e1a\""}
        ]
    });
    let request = read(body, Dialect::Strict).unwrap();
    assert_eq!(request.fail_on_errors, Some(1));
    let told: Vec<_> = request
        .operations
        .iter()
        .map(|operation| {
            let action = operation.action.as_ref().unwrap();
            (action.method, action.subject.as_deref(), action.version.as_deref())
        })
        .collect();
    assert_eq!(
        told,
        [
            (Method::Post, None, None),
            (
                Method::Put,
                Some("b7c14771-226c-4d05-8860-134711653041"),
                Some("W/\"3694e05e9dff591\"")
            ),
            (
                Method::Patch,
                Some("5d8d29d3-342c-4b5f-8683-a3cb6763ffcc"),
                Some("W/\"edac3253e2c0ef2\"")
            ),
            (
                Method::Delete,
                Some("e9025315-6bea-44e1-899c-1e07454e468b"),
                Some("W/\"0ee8add0a938e1a\"")
            ),
        ]
    );
    assert_eq!(request.operations[0].sent.bulk_id.as_deref(), Some("qwerty"));
    assert_eq!(request.steps(), [Step::One(0), Step::One(1), Step::One(2), Step::One(3)]);
}

#[test]
fn what_is_no_bulk_request_is_refused_as_a_whole() {
    let schemas = [urn::BULK_REQUEST];
    let many = vec![user("x", json!({})); MAX_OPERATIONS + 1];
    for (body, status, expected) in [
        (json!([]), 400, "JSON object"),
        (json!({"Operations": [{}]}), 400, "schemas"),
        (json!({"schemas": [urn::PATCH_OP], "Operations": [{}]}), 400, "schemas"),
        (json!({"schemas": schemas}), 400, "Operations"),
        (json!({"schemas": schemas, "Operations": []}), 400, "Operations"),
        (json!({"schemas": schemas, "Operations": {}}), 400, "Operations"),
        (json!({"schemas": schemas, "Operations": [{}], "operations": [{}]}), 400, "twice"),
        (json!({"schemas": schemas, "Operations": [{}], "failOnErrors": "1"}), 400, "failOnErrors"),
        (json!({"schemas": schemas, "Operations": [{}], "failOnErrors": -1}), 400, "failOnErrors"),
        (json!({"schemas": schemas, "Operations": many}), 413, "maxOperations (1000)"),
    ] {
        let error = read(body, Dialect::Standard).unwrap_err();
        assert_eq!(error.code(), status, "{error}");
        assert!(error.to_string().contains(expected), "{error}");
    }
    let body = json!({"schemas": schemas, "failOnErrors": 0, "Operations": [{}]});
    assert_eq!(read(body, Dialect::Standard).unwrap().fail_on_errors, None);
    let most = vec![user("x", json!({})); MAX_OPERATIONS];
    assert_eq!(request(most.into()).operations.len(), MAX_OPERATIONS);
}

#[test]
fn what_is_wrong_with_an_operation_stays_with_it() {
    let delete = |path: &str| json!({"method": "DELETE", "path": path});
    let (value, path) = (Some(ScimType::InvalidValue), Some(ScimType::InvalidPath));
    for (operation, status, keyword, expected) in [
        (json!(1), 400, Some(ScimType::InvalidSyntax), "JSON object"),
        (json!({"path": "/Users/1"}), 400, value, "method takes"),
        (json!({"method": "GET", "path": "/Users/1"}), 400, value, "\"GET\""),
        (json!({"method": 1, "path": "/Users/1"}), 400, value, "method takes a string"),
        (json!({"method": "POST", "path": "/Users", "data": {}}), 400, value, "bulkId"),
        (
            json!({"method": "POST", "path": "/Users", "bulkId": 7, "data": {}}),
            400,
            value,
            "bulkId",
        ),
        (
            json!({"method": "POST", "path": "/Users", "bulkId": "", "data": {}}),
            400,
            value,
            "bulkId",
        ),
        (json!({"method": "POST", "path": "/Users", "bulkId": "a"}), 400, value, "data"),
        (json!({"method": "PUT", "path": "/Users/1", "data": null}), 400, value, "data"),
        (
            json!({"method": "PUT", "path": "/Users/1", "PATH": "x"}),
            400,
            Some(ScimType::InvalidSyntax),
            "twice",
        ),
        (json!({"method": "DELETE"}), 400, value, "path"),
        (json!({"method": "DELETE", "path": "/Users/1", "version": 3}), 400, value, "version"),
        (delete("/Users/1?attributes=x"), 400, path, "/type/id"),
        (delete("/Users/1/2"), 400, path, "/type/id"),
        (delete("/Bulk"), 400, path, "bulk request"),
        (delete("/Me"), 400, path, "bulk request"),
        (delete("/Schemas/x"), 400, path, "bulk request"),
        (delete("/Nothing/1"), 404, None, "/Nothing/1"),
        (delete("/"), 404, None, "resource type"),
        (delete("/Users"), 405, None, "/type/id"),
        (delete("/Users/"), 405, None, "/type/id"),
        (
            json!({"method": "POST", "path": "/Users/1", "bulkId": "a", "data": {}}),
            405,
            None,
            "POST takes /type",
        ),
    ] {
        let (got_status, got_keyword, detail) = wrong(operation.clone());
        assert_eq!((got_status, got_keyword), (status, keyword), "{operation}: {detail}");
        assert!(detail.contains(expected), "{operation}: {detail}");
    }
    // What is left of it is repeated in the answer.
    let request = request(json!([{"method": "put", "path": "/Users/1", "bulkId": "x"}, 1]));
    let sent = |at: usize| request.operations[at].sent.clone();
    assert_eq!(
        sent(0),
        Sent {
            method: Some("PUT".into()),
            bulk_id: Some("x".into()),
            path: Some("/Users/1".into())
        }
    );
    assert_eq!(sent(1), Sent::default());
}

#[test]
fn methods_come_in_any_case_but_from_strict_clients() {
    let body = json!({"schemas": [urn::BULK_REQUEST], "operations": [
        {"Method": "Delete", "Path": "Users/1/"}]});
    let action = |dialect| read(body.clone(), dialect).unwrap().operations.remove(0).action;
    let read = action(Dialect::Standard).unwrap();
    assert_eq!((read.method, read.subject.as_deref()), (Method::Delete, Some("1")));
    assert!(action(Dialect::Strict).unwrap_err().to_string().contains("\"Delete\""));
}

#[test]
fn references_are_found_everywhere_and_replaced() {
    let enterprise = urn::ENTERPRISE_USER;
    let request = request(json!([
        user("b", json!({"userName": "b", "nickName": "bulkId:", "title": "see bulkId:a"})),
        user("a", json!({"userName": "a", enterprise: {"manager": {
            "value": "bulkId:b", "$ref": "../Users/bulkId:b"}}})),
        {"method": "PATCH", "path": "/Users/bulkId:a", "data": {"Operations": [
            {"op": "add", "value": {"nickName": ["bulkId:b"]}}]}},
        {"method": "DELETE", "path": "/Users/bulkId%3Aa"},
    ]));
    let needs: Vec<&[usize]> = request.operations.iter().map(|one| one.needs.as_slice()).collect();
    assert_eq!(needs, [&[] as &[usize], &[0], &[0, 1], &[1]]);
    let resolved = |at: usize| {
        let action = request.operations[at].action.clone().unwrap();
        action.resolved(&|bulk_id| Some(format!("id-{bulk_id}")))
    };
    assert_eq!(resolved(0).data["title"], "see bulkId:a");
    assert_eq!(
        resolved(1).data[enterprise]["manager"],
        json!({"value": "id-b", "$ref": "../Users/id-b"})
    );
    assert_eq!(resolved(2).subject.as_deref(), Some("id-a"));
    assert_eq!(resolved(2).data["Operations"][0]["value"]["nickName"][0], "id-b");
    assert_eq!(resolved(3).subject.as_deref(), Some("id-a"));
}

#[test]
fn a_reference_to_nobody_or_to_two_is_refused_by_name() {
    let request = request(json!([
        user("twice", json!({"userName": "a"})),
        user("twice", json!({"userName": "b"})),
        group("g", &["bulkId:twice"]),
        group("h", &["bulkId:nobody"]),
        {"method": "PUT", "path": "/Users/1", "bulkId": "h", "data": {"userName": "bulkId:h"}},
    ]));
    let detail = |at: usize| request.operations[at].action.as_ref().map_err(ToString::to_string);
    assert!(detail(0).is_ok());
    assert!(detail(1).unwrap_err().contains("\"twice\" is taken"));
    assert!(detail(2).unwrap_err().contains("bulkId:twice is the bulkId of more than one"));
    assert!(detail(3).unwrap_err().contains("bulkId:nobody names no POST"));
    assert!(detail(4).is_ok(), "only a POST makes an id");
    assert_eq!(request.operations[4].needs, [3]);
}

#[test]
fn who_is_referred_to_comes_first() {
    let steps = |operations: Value| request(operations).steps();
    assert_eq!(
        steps(json!([
            group("g", &["bulkId:h"]),
            user("x", json!({})),
            group("h", &["bulkId:u"]),
            user("u", json!({}))
        ])),
        [Step::One(3), Step::One(2), Step::One(0), Step::One(1)]
    );
}

#[test]
fn circles_are_one_step_with_members_before_their_groups() {
    let steps = |operations: Value| request(operations).steps();
    let boss = |of: &str| json!({"manager": {"value": format!("bulkId:{of}")}});
    assert_eq!(
        steps(json!([user("a", boss("b")), user("b", boss("a"))])),
        [Step::Circle(vec![0, 1])]
    );
    assert_eq!(steps(json!([user("a", boss("a"))])), [Step::One(0)]);
    let in_group = |group: &str| json!({"groups": [{"value": format!("bulkId:{group}")}]});
    assert_eq!(
        steps(json!([group("g", &["bulkId:u"]), user("u", in_group("g"))])),
        [Step::Circle(vec![1, 0])]
    );
    // RFC 7644 §3.7.1: groups that contain each other.
    assert_eq!(
        steps(json!([
            group("g", &["bulkId:h"]),
            user("u", json!({})),
            group("h", &["bulkId:g"]),
            group("i", &["bulkId:h"])
        ])),
        [Step::Knot(vec![0, 2]), Step::One(1), Step::One(3)]
    );
    assert_eq!(steps(json!([group("g", &["bulkId:g"])])), [Step::Knot(vec![0])]);
}

#[test]
fn the_answer_says_what_became_of_each() {
    let sent = |method: &str, bulk_id: Option<&str>| Sent {
        method: Some(method.into()),
        bulk_id: bulk_id.map(Into::into),
        path: None,
    };
    let (post, put, failed) =
        (sent("POST", Some("a")), sent("DELETE", None), sent("POST", Some("b")));
    let outcome = |location: Option<&str>, version: Option<&str>, result| Outcome {
        location: location.map(Into::into),
        version: version.map(Into::into),
        result,
    };
    let response = response([
        (&post, outcome(Some("https://x/Users/1"), Some("W/\"1\""), Ok(201))),
        (&put, outcome(Some("https://x/Users/2"), None, Ok(204))),
        (
            &failed,
            outcome(None, None, Err(Error::from(Fault::Taken { attribute: "userName".into() }))),
        ),
    ]);
    assert_eq!(
        response,
        json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkResponse"],
            "Operations": [
                {"location": "https://x/Users/1", "method": "POST", "bulkId": "a",
                 "version": "W/\"1\"", "status": "201"},
                {"location": "https://x/Users/2", "method": "DELETE", "status": "204"},
                {"method": "POST", "bulkId": "b", "status": "409",
                 "response": Error::from(Fault::Taken { attribute: "userName".into() }).body()},
            ]
        })
    );
}

proptest! {
    /// Whatever refers to whatever: every operation is in one step, and none works before what it
    /// refers to unless they are in one circle, where members come first.
    #[test]
    fn nothing_works_before_what_it_needs(
        links in proptest::collection::vec((0_usize..12, 0_usize..12, any::<bool>()), 0..30),
    ) {
        let mut operations = Vec::new();
        for at in 0..12_usize {
            let of = |member: bool| links.iter().filter(move |l| l.0 == at && l.2 == member);
            let members: Vec<Value> =
                of(true).map(|l| json!({"value": format!("bulkId:{}", l.1)})).collect();
            let others: Vec<Value> = of(false).map(|l| format!("bulkId:{}", l.1).into()).collect();
            let data = json!({"displayName": "x", "members": members, "others": others});
            operations.push(
                json!({"method": "POST", "path": "/Groups", "bulkId": at.to_string(), "data": data}),
            );
        }
        let request = request(operations.into());
        let mut done: Vec<usize> = Vec::new();
        for step in request.steps() {
            let (together, knot) = match step {
                Step::One(at) => (vec![at], false),
                Step::Circle(all) => (all, false),
                Step::Knot(all) => (all, true),
            };
            for &at in &together {
                prop_assert!(!done.contains(&at));
                let operation = &request.operations[at];
                for need in &operation.needs {
                    prop_assert!(done.contains(need) || together.contains(need));
                }
                if !knot {
                    for member in &operation.members {
                        prop_assert!(done.contains(member));
                    }
                    done.push(at);
                }
            }
            if knot {
                done.extend(together);
            }
        }
        prop_assert_eq!(done.len(), 12);
    }
}
