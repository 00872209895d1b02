//! Changes as operations, and what happens when the app holds something else than was thought.

use super::*;
use crate::adapters::scim::patch;

fn list(set: &Value, whole: &Value) -> Value {
    Value::Array(patch::operations(Kind::User, &change(set), &record(whole.clone())).unwrap().list)
}

const HOME: &str = "emails[type eq \"home\"].value";
const CITY: &str = "addresses[type eq \"work\"].locality";
const STATE: &str = "addresses[type eq \"work\"].region";

#[test]
fn elements_are_added_replaced_or_removed_by_what_was_there() {
    let new = |name: &str| format!("+{name}");
    let cases = [
        // Nothing there: add an element.
        (
            json!({ new(WORK): "w@x" }),
            json!({ WORK: "w@x" }),
            json!([{ "op": "add", "path": "emails", "value": [{ "type": "work", "value": "w@x" }] }]),
        ),
        // There: replace its part.
        (
            json!({ WORK: "w@x" }),
            json!({ WORK: "w@x" }),
            json!([{ "op": "replace", "path": WORK, "value": "w@x" }]),
        ),
        // Cleared: remove the element.
        (
            json!({ WORK: null }),
            json!({}),
            json!([{ "op": "remove", "path": "emails[type eq \"work\"]" }]),
        ),
        // Two new elements of one attribute: one operation.
        (
            json!({ new(WORK): "w@x", new(HOME): "h@x" }),
            json!({ WORK: "w@x", HOME: "h@x" }),
            json!([{ "op": "add", "path": "emails", "value": [
                { "type": "home", "value": "h@x" }, { "type": "work", "value": "w@x" },
            ]}]),
        ),
        // Parts of one new element come together.
        (
            json!({ new(CITY): "Austin", new(STATE): "TX" }),
            json!({ CITY: "Austin", STATE: "TX" }),
            json!([{ "op": "add", "path": "addresses", "value": [
                { "type": "work", "locality": "Austin", "region": "TX" },
            ]}]),
        ),
        // A new part of an element that is there, as an unchanged part shows.
        (
            json!({ new(STATE): "TX" }),
            json!({ CITY: "Austin", STATE: "TX" }),
            json!([{ "op": "replace", "path": STATE, "value": "TX" }]),
        ),
        // One part cleared, another stays.
        (json!({ CITY: null }), json!({ STATE: "TX" }), json!([{ "op": "remove", "path": CITY }])),
        // One part cleared, another set in its place.
        (
            json!({ CITY: null, new(STATE): "TX" }),
            json!({ STATE: "TX" }),
            json!([
                { "op": "replace", "path": STATE, "value": "TX" },
                { "op": "remove", "path": CITY },
            ]),
        ),
        // Extensions are qualified.
        (
            json!({ DEPARTMENT: "Sales" }),
            json!({ DEPARTMENT: "Sales" }),
            json!([{ "op": "replace", "path": DEPARTMENT, "value": "Sales" }]),
        ),
    ];
    for (set, whole, expected) in cases {
        assert_eq!(list(&set, &whole), expected, "{set}");
    }
}

#[test]
fn unknown_fields_are_refused_and_not_sent() {
    let refused =
        patch::operations(Kind::Group, &change(&json!({ "userName": "x" })), &Record::default());
    let Err(Failure::Refused(reason)) = refused else { panic!("{refused:?}") };
    assert_eq!(reason.field.as_deref(), Some("userName"));
}

/// The app has no such element any more: it is read once, and its other elements survive.
#[tokio::test]
async fn a_missing_target_is_looked_at_once() {
    let mut patches = 0;
    let fake = server(true, move |seen| {
        if seen.method == "GET" {
            return answer(
                200,
                &json!({ "id": "u1", "emails": [{ "type": "home", "value": "h@x" }] }),
            );
        }
        patches += 1;
        if patches == 1 { scim_error(400, "noTarget") } else { nothing() }
    });
    let change = change(&json!({ WORK: "w@x", "title": "T" }));
    let whole = record(json!({ WORK: "w@x", "title": "T" }));
    app(&fake).update(Kind::User, &id("u1"), &change, &whole).await.unwrap();
    assert_eq!(asked(&fake), ["PATCH /Users/u1", "GET /Users/u1", "PATCH /Users/u1"]);
    assert_eq!(
        fake.last_body()["Operations"],
        json!([
            { "op": "replace", "path": "emails", "value": [
                { "type": "home", "value": "h@x" }, { "type": "work", "value": "w@x" },
            ]},
            { "op": "replace", "path": "title", "value": "T" },
        ])
    );
}

#[tokio::test]
async fn a_removal_of_what_is_gone_needs_no_second_request() {
    let fake = server(true, |seen| match seen.method.as_str() {
        "GET" => answer(200, &json!({ "id": "u1", "userName": "w" })),
        _ => scim_error(400, "noTarget"),
    });
    let cleared = change(&json!({ WORK: null }));
    app(&fake).update(Kind::User, &id("u1"), &cleared, &Record::default()).await.unwrap();
    assert_eq!(asked(&fake), ["PATCH /Users/u1", "GET /Users/u1"]);
}

#[tokio::test]
async fn a_server_without_element_paths_is_remembered() {
    let fake = server(true, |seen| {
        if seen.method == "GET" {
            return answer(200, &json!({ "id": "u1" }));
        }
        let text = seen.body.clone().unwrap().to_string();
        if text.contains('[') && text.contains("type eq") {
            scim_error(400, "invalidPath")
        } else {
            nothing()
        }
    });
    let app = app(&fake);
    let change = change(&json!({ WORK: "w@x" }));
    let whole = record(json!({ WORK: "w@x" }));
    app.update(Kind::User, &id("u1"), &change, &whole).await.unwrap();
    app.update(Kind::User, &id("u1"), &change, &whole).await.unwrap();
    assert_eq!(
        asked(&fake),
        ["PATCH /Users/u1", "GET /Users/u1", "PATCH /Users/u1", "GET /Users/u1", "PATCH /Users/u1"]
    );
}

#[tokio::test]
async fn a_refused_value_is_not_tried_in_other_words() {
    let fake = server(true, |_| scim_error(400, "invalidValue"));
    let change = change(&json!({ WORK: "w" }));
    let refused =
        app(&fake).update(Kind::User, &id("u1"), &change, &record(json!({ WORK: "w" }))).await;
    assert!(matches!(refused, Err(Failure::Refused(_))));
    assert_eq!(asked(&fake), ["PATCH /Users/u1"]);
}
