//! What real servers do against the RFC.

use super::*;

type Answers = fn() -> Reply;
type Expected = fn(&Failure) -> bool;

fn william() -> Record {
    record(json!({ "userName": "w" }))
}

#[tokio::test]
async fn a_server_that_only_claims_patch_is_told_by_put_from_then_on() {
    for status in [405, 501] {
        let fake = server(true, move |seen| match seen.method.as_str() {
            "PATCH" => answer(status, &Value::Null),
            "GET" => answer(200, &json!({ "id": "u1", "userName": "w" })),
            _ => answer(200, &json!({})),
        });
        let app = app(&fake);
        let change = change(&json!({ "title": "T" }));
        app.update(Kind::User, &id("u1"), &change, &william()).await.unwrap();
        app.set_active(Kind::User, &id("u1"), false).await.unwrap();
        assert_eq!(
            asked(&fake),
            ["PATCH /Users/u1", "GET /Users/u1", "PUT /Users/u1", "GET /Users/u1", "PUT /Users/u1"]
        );
    }
}

#[tokio::test]
async fn without_discovery_patch_is_tried_first() {
    let scripts: [Answers; 4] = [
        || answer(404, &Value::Null),
        || answer(500, &Value::Null),
        || answer(200, &json!({ "Resources": [{ "userName": "x" }] })),
        || Reply::Answer(200, Vec::new(), "<html>".into()),
    ];
    for discovery in scripts {
        let fake =
            Fake::start(
                move |seen| {
                    if seen.target.ends_with("Config") { discovery() } else { nothing() }
                },
            );
        let change = change(&json!({ "title": "T" }));
        app(&fake).update(Kind::User, &id("u1"), &change, &william()).await.unwrap();
        assert_eq!(asked(&fake), ["PATCH /Users/u1"]);
    }
}

/// Frameworks answer 404 to a method without a route.
#[tokio::test]
async fn an_unknown_method_is_not_taken_for_a_lost_account() {
    let fake = Fake::start(|seen| match seen.method.as_str() {
        "GET" if seen.target.ends_with("/u1") => answer(200, &json!({ "id": "u1" })),
        "PUT" => answer(200, &json!({})),
        _ => answer(404, &Value::Null),
    });
    let app = app(&fake);
    let title = change(&json!({ "title": "T" }));
    app.update(Kind::User, &id("u1"), &title, &william()).await.unwrap();
    let lost = app.update(Kind::User, &id("u2"), &title, &william()).await;
    assert_eq!(lost, Err(Failure::Gone));
}

#[tokio::test]
async fn ids_are_found_where_servers_put_them() {
    let cases: [(Answers, &str); 6] = [
        (|| answer(201, &json!({ "id": 42, "userName": "w" })), "42"),
        (|| answer(201, &Value::Null).with("location", "http://other/scim/v2/Users/a%20b"), "a b"),
        (|| answer(201, &Value::Null).with("location", "/scim/v2/Users/7"), "7"),
        (|| answer(201, &Value::Null).with("location", "Users/8/"), "8"),
        (|| answer(201, &json!({ "meta": { "location": "/Users/9" } })), "9"),
        (|| answer(200, &json!({ "id": "ok" })), "ok"),
    ];
    for (reply, expected) in cases {
        let fake = server(true, move |_| reply());
        let made = app(&fake).create(Kind::User, &william(), "once").await.unwrap();
        assert_eq!(made.id, id(expected));
    }
    let silent: [Answers; 3] = [
        || answer(201, &Value::Null),
        || answer(201, &Value::Null).with("location", "/scim/v2/Users"),
        || answer(201, &json!({ "userName": "w" })),
    ];
    for reply in silent {
        let fake = server(true, move |_| reply());
        let made = app(&fake).create(Kind::User, &william(), "once").await;
        assert!(matches!(made, Err(Failure::InDoubt { .. })), "look before making another");
    }
}

#[tokio::test]
async fn deletion_may_answer_with_a_body() {
    let fake = server(true, |_| answer(200, &json!({ "id": "u1" })));
    assert_eq!(app(&fake).delete(Kind::User, &id("u1")).await, Ok(()));
}

#[tokio::test]
async fn a_server_that_knows_only_json_gets_json() {
    let fake = server(true, |seen| match seen.header("content-type") {
        Some("application/json") => answer(201, &json!({ "id": "u1" })),
        _ => answer(415, &Value::Null),
    });
    let app = app(&fake);
    app.create(Kind::User, &william(), "once").await.unwrap();
    app.create(Kind::User, &william(), "once").await.unwrap();
    assert_eq!(asked(&fake), ["POST /Users", "POST /Users", "POST /Users"]);
}

#[tokio::test]
async fn a_missing_collection_is_a_matter_of_the_app() {
    let fake = server(true, |_| answer(404, &Value::Null));
    let app = app(&fake);
    let users = app.create(Kind::User, &william(), "once").await;
    assert!(matches!(users, Err(Failure::Misconfigured(_))), "{users:?}");
    let groups = app.create(Kind::Group, &record(json!({ "displayName": "T" })), "once").await;
    assert!(matches!(groups, Err(Failure::Unsupported(_))), "{groups:?}");
}

#[tokio::test]
async fn redirects_pause_the_app_and_name_the_host() {
    let fake = server(true, |_| {
        answer(301, &Value::Null).with("location", "https://new.example.com/scim/v2/Users")
    });
    let made = app(&fake).create(Kind::User, &william(), "once").await;
    let Err(Failure::Misconfigured(reason)) = made else { panic!("{made:?}") };
    assert!(reason.detail.contains("new.example.com"), "{reason:?}");
}

#[tokio::test]
async fn an_active_of_text_is_read() {
    let fake = server(true, |_| {
        answer(200, &json!({ "id": 5, "userName": "w", "active": "False", "title": "" }))
    });
    let read = app(&fake).read(Kind::User, &id("5")).await.unwrap();
    assert_eq!((read.id, read.active), (id("5"), Some(false)));
    assert_eq!(read.record, william());
}

#[tokio::test]
async fn testing_the_connection_says_what_it_found() {
    let fake = server(true, |_| answer(200, &json!({ "totalResults": 3, "Resources": [{}] })));
    let report = app(&fake).check().await.unwrap();
    assert_eq!(report.summary, "127.0.0.1 answers and takes the token.");
    assert_eq!(report.findings, ["It takes changes by PATCH.", "It has 3 users."]);
    assert_eq!(asked(&fake), ["GET /Users?count=1"]);

    let cases: [(Answers, Expected); 4] = [
        (|| answer(401, &Value::Null), |failure| matches!(failure, Failure::Unauthorized(_))),
        (|| answer(404, &Value::Null), |failure| matches!(failure, Failure::Misconfigured(_))),
        (
            || Reply::Answer(200, Vec::new(), "<html>".into()),
            |failure| matches!(failure, Failure::Misconfigured(_)),
        ),
        (|| answer(503, &Value::Null), |failure| matches!(failure, Failure::Again { .. })),
    ];
    for (reply, expected) in cases {
        let fake = server(true, move |_| reply());
        let failure = app(&fake).check().await.unwrap_err();
        assert!(expected(&failure), "{failure:?}");
    }
}
