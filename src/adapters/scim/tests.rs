use super::*;
use crate::adapters::fake::{Fake, Reply, Seen, json as answer};
use serde_json::json;

mod deviations;
mod finding;
mod members;
mod operations;
mod whole;

/// An app at a fake server.
fn app(fake: &Fake) -> Scim {
    let base = format!("{}/scim/v2/", fake.base);
    Scim::new(&base, SecretString::from("tok"), Duration::from_millis(500)).unwrap()
}

/// A server that says it has PATCH, or not, and otherwise follows the script.
fn server(patch: bool, mut script: impl FnMut(&Seen) -> Reply + Send + 'static) -> Fake {
    Fake::start(move |seen| {
        if seen.target.ends_with("/ServiceProviderConfig") {
            answer(200, &json!({ "patch": { "supported": patch } }))
        } else {
            script(seen)
        }
    })
}

/// What was asked, without discovery and without the base.
fn asked(fake: &Fake) -> Vec<String> {
    fake.lines()
        .into_iter()
        .filter(|line| !line.ends_with("/ServiceProviderConfig"))
        .map(|line| line.replace(" /scim/v2", " "))
        .collect()
}

fn nothing() -> Reply {
    answer(204, &Value::Null)
}

fn scim_error(status: u16, scim_type: &str) -> Reply {
    answer(status, &json!({ "status": status.to_string(), "scimType": scim_type, "detail": "no" }))
}

fn id(text: &str) -> RemoteId {
    RemoteId(text.to_owned())
}

fn record(value: Value) -> Record {
    serde_json::from_value(value).unwrap()
}

/// Fields set; those whose value is null are cleared, those whose name begins with `+` are new.
fn change(value: &Value) -> Change {
    let mut change = Change::default();
    for (name, value) in value.as_object().unwrap() {
        let (name, is_new) = match name.strip_prefix('+') {
            Some(name) => (name, true),
            None => (name.as_str(), false),
        };
        if value.is_null() {
            change.cleared.push(name.to_owned());
            continue;
        }
        change.set.insert(name.to_owned(), value.clone());
        if is_new {
            change.added.insert(name.to_owned());
        }
    }
    change
}

const WORK: &str = "emails[type eq \"work\"].value";
const DEPARTMENT: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department";

#[tokio::test]
async fn a_user_is_made_and_read_back_by_the_same_table() {
    let fake = server(true, |seen| {
        let mut resource = seen.body.clone().unwrap();
        resource["id"] = json!("u1");
        answer(201, &resource)
    });
    let record = record(json!({
        "userName": "will", "name.givenName": "William", WORK: "will@zylker.com",
        "phoneNumbers[type eq \"mobile\"].value": "1", DEPARTMENT: "Field Service",
        "addresses[type eq \"work\"].locality": "Austin",
        "addresses[type eq \"work\"].country": "US", "title": null,
    }));
    let made = app(&fake).create(Kind::User, &record, "once").await.unwrap();
    assert_eq!(
        fake.last_body(),
        json!({
            "schemas": [crate::scim::urn::USER, crate::scim::urn::ENTERPRISE_USER],
            "userName": "will",
            "name": { "givenName": "William" },
            "active": true,
            "emails": [{ "type": "work", "value": "will@zylker.com", "primary": true }],
            "phoneNumbers": [{ "type": "mobile", "value": "1" }],
            "addresses": [{ "type": "work", "country": "US", "locality": "Austin" }],
            crate::scim::urn::ENTERPRISE_USER: { "department": "Field Service" },
        })
    );
    assert_eq!(asked(&fake), ["POST /Users"]);
    assert_eq!((made.id, made.active), (id("u1"), Some(true)));
    let mut sent = record;
    sent.0.retain(|_, value| !value.is_null());
    assert_eq!(made.record, sent, "the table reads back what it writes");
}

#[tokio::test]
async fn a_change_goes_out_by_patch_and_nothing_is_read() {
    let fake = server(true, |_| nothing());
    let app = app(&fake);
    let change = change(&json!({ "title": "Boss", "+nickName": "W", "locale": null }));
    app.update(Kind::User, &id("u1"), &change, &record(json!({}))).await.unwrap();
    app.set_active(Kind::User, &id("u1"), false).await.unwrap();
    assert_eq!(asked(&fake), ["PATCH /Users/u1", "PATCH /Users/u1"]);
    let bodies: Vec<Value> = fake.seen().into_iter().filter_map(|seen| seen.body).collect();
    assert_eq!(
        bodies,
        [
            json!({ "schemas": [crate::scim::urn::PATCH_OP], "Operations": [
                { "op": "replace", "path": "nickName", "value": "W" },
                { "op": "replace", "path": "title", "value": "Boss" },
                { "op": "remove", "path": "locale" },
            ]}),
            json!({ "schemas": [crate::scim::urn::PATCH_OP], "Operations": [
                { "op": "replace", "path": "active", "value": false },
            ]}),
        ]
    );
    let discoveries = fake.lines().iter().filter(|line| line.contains("ServiceProvider")).count();
    assert_eq!(discoveries, 1, "asked once");
}

#[tokio::test]
async fn without_patch_the_rest_of_the_object_survives() {
    let held = json!({
        "schemas": [crate::scim::urn::USER, crate::scim::urn::ENTERPRISE_USER, "urn:x:Other"],
        "id": "u1", "userName": "will", "title": "Tech", "nickName": "theirs",
        "active": true, "groups": [{ "value": "g" }], "meta": { "version": "1" },
        "emails": [
            { "type": "home", "value": "h@x" },
            { "type": "Work", "value": "old@x", "display": "D" },
        ],
        crate::scim::urn::ENTERPRISE_USER: { "department": "Sales" },
        "urn:x:Other": { "colour": "blue" },
    });
    let script = held.clone();
    let fake = server(false, move |seen| match seen.method.as_str() {
        "GET" => answer(200, &script),
        _ => answer(200, &json!({})),
    });
    let app = app(&fake);
    let change = change(&json!({ WORK: "new@x", DEPARTMENT: null, "+name.givenName": "Will" }));
    let whole = record(json!({ "userName": "will", WORK: "new@x", "name.givenName": "Will" }));
    app.update(Kind::User, &id("u1"), &change, &whole).await.unwrap();
    assert_eq!(asked(&fake), ["GET /Users/u1", "PUT /Users/u1"]);
    let mut expected = held;
    let map = expected.as_object_mut().unwrap();
    map.remove("groups");
    map.remove("meta");
    map.remove(crate::scim::urn::ENTERPRISE_USER);
    map.insert("schemas".into(), json!([crate::scim::urn::USER, "urn:x:Other"]));
    map.insert("name".into(), json!({ "givenName": "Will" }));
    expected["emails"][1]["value"] = json!("new@x");
    assert_eq!(fake.last_body(), expected);

    app.set_active(Kind::User, &id("u1"), false).await.unwrap();
    assert_eq!(fake.last_body()["active"], false);
    assert_eq!(fake.last_body()["nickName"], "theirs");
}

#[tokio::test]
async fn requests_are_shown_as_they_are_sent() {
    let fake = server(true, |seen| match seen.method.as_str() {
        "GET" => answer(200, &json!({ "totalResults": 0 })),
        "POST" => answer(201, &json!({ "id": "u 1", "userName": "will" })),
        _ => nothing(),
    });
    let app = app(&fake);
    let key = Key { field: "userName".into(), value: json!("wi\"ll +&") };
    let made = record(json!({ "userName": "will" }));
    let whole = record(json!({ "userName": "will", WORK: "w@x" }));
    let change = change(&json!({ format!("+{WORK}"): "w@x" }));
    let remote = id("u 1");
    let steps = [
        Step::Find(key.clone()),
        Step::Create(made.clone()),
        Step::Update(remote.clone(), change.clone(), whole.clone()),
        Step::Deactivate(remote.clone()),
        Step::Reactivate(remote.clone()),
        Step::Delete(remote.clone()),
    ];
    let shown = app.requests(Kind::User, &steps).await.unwrap();
    app.find(Kind::User, &key).await.unwrap();
    app.create(Kind::User, &made, "once").await.unwrap();
    app.update(Kind::User, &remote, &change, &whole).await.unwrap();
    app.set_active(Kind::User, &remote, false).await.unwrap();
    app.set_active(Kind::User, &remote, true).await.unwrap();
    app.delete(Kind::User, &remote).await.unwrap();
    let sent: Vec<WireRequest> = fake
        .seen()
        .into_iter()
        .filter(|seen| !seen.target.ends_with("Config"))
        .map(|seen| WireRequest {
            url: format!("{}{}", fake.base, seen.target),
            method: seen.method,
            body: seen.body,
            note: None,
        })
        .collect();
    assert_eq!(shown, sent);
    assert!(!serde_json::to_string(&shown).unwrap().contains("tok"));
    let unknown = [Step::Deactivate(id("{id}"))];
    let shown = app.requests(Kind::User, &unknown).await.unwrap();
    assert!(shown[0].url.ends_with("/Users/{id}"), "{}", shown[0].url);
}

#[tokio::test]
async fn a_silent_creation_is_in_doubt() {
    let fake = server(true, |_| Reply::Silence);
    let made = app(&fake).create(Kind::User, &record(json!({ "userName": "w" })), "once").await;
    assert!(matches!(made, Err(Failure::InDoubt { .. })), "{made:?}");
}

#[tokio::test]
async fn conflicts_waits_and_gone_objects_are_told_apart() {
    let fake = server(true, |seen| match seen.target.as_str() {
        "/scim/v2/Users" => answer(409, &json!({ "detail": "exists" })),
        "/scim/v2/Users/busy" => answer(429, &Value::Null).with("retry-after", "3"),
        "/scim/v2/Users/bad" => answer(400, &json!({ "detail": "title is silly" })),
        _ => answer(404, &Value::Null),
    });
    let app = app(&fake);
    let william = record(json!({ "userName": "w" }));
    assert_eq!(
        app.create(Kind::User, &william, "once").await,
        Err(Failure::Conflict { detail: "The app answered 409: exists".into() })
    );
    let title = change(&json!({ "title": "T" }));
    let update = |at| {
        let (app, title, william) = (&app, &title, &william);
        async move { app.update(Kind::User, &id(at), title, william).await.unwrap_err() }
    };
    assert_eq!(update("busy").await, Failure::Throttled { after: Some(Duration::from_secs(3)) });
    assert_eq!(update("lost").await, Failure::Gone);
    assert!(matches!(update("bad").await, Failure::Refused(_)));
    assert_eq!(app.read(Kind::User, &id("lost")).await, Err(Failure::Gone));
    assert_eq!(app.delete(Kind::User, &id("lost")).await, Ok(()));
    assert!(matches!(update("..").await, Failure::Refused(_)));
}
