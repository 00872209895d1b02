//! What is read, changed and written back: everything that is not changed stays as the app has it.

use super::*;
use crate::scim::urn::{ENTERPRISE_USER, USER};

const MANAGER: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value";

/// What a server without PATCH is told, when it holds an object and this changes.
async fn written(held: Value, changed: Value, whole: Value) -> Value {
    let fake = server(false, move |seen| match seen.method.as_str() {
        "GET" => answer(200, &held),
        _ => answer(200, &json!({})),
    });
    app(&fake).update(Kind::User, &id("u1"), &change(&changed), &record(whole)).await.unwrap();
    assert_eq!(asked(&fake), ["GET /Users/u1", "PUT /Users/u1"]);
    fake.last_body()
}

/// The record of an adopted account tells also what nobody mapped, as it was then.
#[tokio::test]
async fn what_was_seen_at_adoption_is_not_written_back() {
    let held = json!({
        "schemas": [USER], "id": "u1", "userName": "will", "title": "Tech", "active": true,
        "nickName": "Willy",
        "roles": [{ "value": "r3", "type": "app", "display": "Three", "primary": true }],
        "emails": [{ "type": "work", "value": "now@x" }],
    });
    let whole = json!({
        "userName": "will", "title": "Boss", "nickName": "then", "locale": "de",
        "roles.value": ["r1", "r2"], "entitlements.value": ["e1"], WORK: "then@x",
    });
    let mut expected = held.clone();
    expected["title"] = json!("Boss");
    assert_eq!(written(held, json!({ "title": "Boss" }), whole).await, expected);
}

#[tokio::test]
async fn elements_of_a_list_that_stay_keep_their_other_parts() {
    let held = json!({ "schemas": [USER], "id": "u1", "userName": "will", "roles": [
        { "value": "r1", "type": "app", "display": "One", "primary": true },
        { "value": "r2", "type": "app" },
    ]});
    let roles = json!({ "roles.value": ["r3", "r1"] });
    let body = written(held, roles.clone(), roles).await;
    let expected = json!([
        { "value": "r3" },
        { "value": "r1", "type": "app", "display": "One", "primary": true },
    ]);
    assert_eq!(body["roles"], expected);
}

/// One part of an element takes the place of another.
#[tokio::test]
async fn an_element_that_changes_is_not_made_anew() {
    let held = json!({ "schemas": [USER], "id": "u1", "userName": "will", "addresses": [
        { "type": "work", "locality": "Austin", "primary": true },
    ]});
    let changed = json!({
        "addresses[type eq \"work\"].locality": null,
        "+addresses[type eq \"work\"].region": "TX",
    });
    let body = written(held, changed, json!({})).await;
    assert_eq!(body["addresses"], json!([{ "type": "work", "region": "TX", "primary": true }]));
}

#[tokio::test]
async fn another_manager_takes_nothing_over_from_the_one_before() {
    let manager = json!({ "value": "m1", "$ref": "../Users/m1", "displayName": "Meg" });
    let held = json!({
        "schemas": [USER, ENTERPRISE_USER], "id": "u1", "userName": "will",
        ENTERPRISE_USER: { "manager": manager, "department": "Sales" },
    });
    let body = written(held.clone(), json!({ MANAGER: "m2" }), json!({ MANAGER: "m2" })).await;
    let enterprise = json!({ "manager": { "value": "m2" }, "department": "Sales" });
    assert_eq!(body[ENTERPRISE_USER], enterprise);
    let body = written(held.clone(), json!({ MANAGER: "m1" }), json!({ MANAGER: "m1" })).await;
    assert_eq!(body[ENTERPRISE_USER], held[ENTERPRISE_USER], "the same manager stays as it is");
    let body = written(held, json!({ MANAGER: null }), json!({})).await;
    assert_eq!(body[ENTERPRISE_USER], json!({ "department": "Sales" }));
}

const REFERENCE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager";

#[tokio::test]
async fn a_manager_is_patched_as_a_whole() {
    let fake = server(true, |_| nothing());
    let app = app(&fake);
    let set = json!({ "op": "replace", "path": REFERENCE, "value": { "value": "m2" } });
    let remove = json!({ "op": "remove", "path": REFERENCE });
    let cases = [
        (json!({ format!("+{MANAGER}"): "m2" }), json!([set])),
        (json!({ MANAGER: "m2" }), json!([remove, set])),
        (json!({ MANAGER: null }), json!([remove])),
    ];
    for (changed, operations) in cases {
        app.update(Kind::User, &id("u1"), &change(&changed), &Record::default()).await.unwrap();
        assert_eq!(fake.last_body()["Operations"], operations, "{changed}");
    }
}

/// The app has another manager, or none, or does not let go of what is not there.
#[tokio::test]
async fn a_manager_who_is_gone_already_is_not_removed_again() {
    let set = json!({ "op": "replace", "path": REFERENCE, "value": { "value": "m2" } });
    for (changed, then) in [(json!({ MANAGER: "m2" }), Some(set)), (json!({ MANAGER: null }), None)]
    {
        let fake = server(true, |seen| match &seen.body {
            None => answer(200, &json!({ "id": "u1", "userName": "will" })),
            Some(body) if body.to_string().contains("\"remove\"") => scim_error(400, "noTarget"),
            Some(_) => nothing(),
        });
        let changed = change(&changed);
        app(&fake).update(Kind::User, &id("u1"), &changed, &Record::default()).await.unwrap();
        let last = fake.seen().pop().and_then(|seen| seen.body);
        assert_eq!(last.map(|body| body["Operations"].clone()), then.map(|set| json!([set])));
    }
}

fn shown(requests: &[WireRequest]) -> Value {
    let mut shown = serde_json::to_value(requests).unwrap();
    for request in shown.as_array_mut().unwrap() {
        let url = request["url"].as_str().unwrap().split("/scim/v2").last().unwrap().to_owned();
        request["url"] = url.into();
    }
    shown
}

/// Whoever looks at a preview does not yet want the app to hear of it.
#[tokio::test]
async fn a_preview_calls_nobody() {
    let fake = Fake::start(|_| Reply::Silence);
    let steps = [
        Step::Update(id("u1"), change(&json!({ "title": "T" })), Record::default()),
        Step::Deactivate(id("u1")),
    ];
    let requests = app(&fake).requests(Kind::User, &steps).await;
    assert_eq!(fake.lines(), Vec::<String>::new());
    let methods: Vec<String> =
        requests.unwrap().into_iter().map(|request| request.method).collect();
    assert_eq!(methods, ["PATCH", "PATCH"], "what most take");
    let steps = [Step::Members(id("g"), MemberChange { add: vec![id("a")], remove: Vec::new() })];
    let requests = app(&fake).requests(Kind::Group, &steps).await;
    assert_eq!(requests.unwrap()[0].method, "PATCH");
    assert_eq!(fake.lines(), Vec::<String>::new());
}

#[tokio::test]
async fn a_preview_says_where_the_object_is_read_first() {
    let fake = server(false, |_| answer(200, &json!({ "totalResults": 0, "Resources": [] })));
    let app = app(&fake);
    app.capabilities().await.unwrap();
    let changed = change(&json!({ "title": "T", "locale": null, WORK: null }));
    let whole = record(json!({ "userName": "will", "title": "T" }));
    let steps = [Step::Update(id("u1"), changed, whole), Step::Deactivate(id("u1"))];
    let requests = app.requests(Kind::User, &steps).await.unwrap();
    assert_eq!(
        shown(&requests),
        json!([
            { "method": "GET", "url": "/Users/u1" },
            { "method": "PUT", "url": "/Users/u1", "body": { "schemas": [USER], "title": "T" },
              "note": "The object is read first and written back with these fields changed; \
                       emptied: locale, emails[type eq \"work\"].value." },
            { "method": "GET", "url": "/Users/u1" },
            { "method": "PUT", "url": "/Users/u1", "body": { "active": false },
              "note": "The object is read first and written back with these fields changed." },
        ])
    );
    let members = MemberChange { add: vec![id("a")], remove: vec![id("b")] };
    let steps = [Step::Members(id("g"), members)];
    let requests = app.requests(Kind::Group, &steps).await.unwrap();
    assert_eq!(
        shown(&requests)[1],
        json!({ "method": "PUT", "url": "/Groups/g", "body": { "members": [{ "value": "a" }] },
                "note": "The group is read first and written back with these who join; \
                         out: b." })
    );
}
