//! Members as differences, at servers that take them in different ways.

use super::*;
use parking_lot::Mutex;
use std::collections::BTreeSet;
use std::sync::Arc;

/// How a fake server removes members.
#[derive(Clone, Copy, PartialEq)]
enum Removes {
    /// By the standard path; an unknown member is `noTarget`.
    ByPath,
    /// By a value list; the standard path is 501.
    Listed,
    /// The standard path is 501, and a value list is ignored: everybody leaves.
    Everybody,
}

/// A server with one group.
fn group_server(
    removes: Removes,
    patch: bool,
    start: &[&str],
) -> (Fake, Arc<Mutex<BTreeSet<String>>>) {
    let members: BTreeSet<String> = start.iter().map(|id| (*id).to_owned()).collect();
    let members = Arc::new(Mutex::new(members));
    let held = Arc::clone(&members);
    let fake = server(patch, move |seen| {
        let mut held = held.lock();
        match seen.method.as_str() {
            "GET" => {
                let elements: Vec<Value> =
                    held.iter().map(|id| json!({ "value": id, "display": "d" })).collect();
                answer(200, &json!({ "id": "g", "displayName": "T", "members": elements }))
            }
            "PUT" => {
                *held = ids(&seen.body.clone().unwrap()["members"]);
                answer(200, &json!({}))
            }
            "PATCH" if patch => {
                let mut next = held.clone();
                for operation in seen.body.clone().unwrap()["Operations"].as_array().unwrap() {
                    match apply(removes, &mut next, operation) {
                        Ok(()) => {}
                        Err(reply) => return reply,
                    }
                }
                *held = next;
                nothing()
            }
            _ => answer(405, &Value::Null),
        }
    });
    (fake, members)
}

fn ids(values: &Value) -> BTreeSet<String> {
    let values = values.as_array().unwrap();
    values.iter().map(|value| value["value"].as_str().unwrap().to_owned()).collect()
}

fn apply(removes: Removes, held: &mut BTreeSet<String>, operation: &Value) -> Result<(), Reply> {
    let path = operation["path"].as_str().unwrap();
    match (operation["op"].as_str().unwrap(), path) {
        ("add", "members") => held.extend(ids(&operation["value"])),
        ("replace", "members") => *held = ids(&operation["value"]),
        ("remove", "members") if removes == Removes::Listed => {
            let leaving = ids(&operation["value"]);
            held.retain(|id| !leaving.contains(id));
        }
        ("remove", "members") => held.clear(),
        ("remove", path) => {
            if removes != Removes::ByPath {
                return Err(answer(501, &Value::Null));
            }
            let id = path.strip_prefix("members[value eq \"").unwrap();
            if !held.remove(id.strip_suffix("\"]").unwrap()) {
                return Err(scim_error(400, "noTarget"));
            }
        }
        other => panic!("{other:?}"),
    }
    Ok(())
}

fn change(add: &[&str], remove: &[&str]) -> MemberChange {
    let ids = |names: &[&str]| names.iter().map(|name| id(name)).collect();
    MemberChange { add: ids(add), remove: ids(remove) }
}

/// Of whom the server was told before.
fn told(members: &[&str]) -> Before {
    Before(members.iter().map(|name| id(name)).collect())
}

struct Before(Vec<RemoteId>);

#[async_trait::async_trait]
impl Told for Before {
    async fn members(&self) -> Result<Vec<RemoteId>, Failure> {
        Ok(self.0.clone())
    }
}

#[tokio::test]
async fn the_standard_way_is_one_request() {
    let (fake, held) = group_server(Removes::ByPath, true, &["a", "b"]);
    app(&fake).members(&id("g"), &change(&["c", "d"], &["a"]), &told(&[])).await.unwrap();
    assert_eq!(asked(&fake), ["PATCH /Groups/g"]);
    assert_eq!(
        fake.last_body()["Operations"],
        json!([
            { "op": "add", "path": "members", "value": [{ "value": "c" }, { "value": "d" }] },
            { "op": "remove", "path": "members[value eq \"a\"]" },
        ])
    );
    assert_eq!(*held.lock(), ["b", "c", "d"].map(str::to_owned).into());
    app(&fake).members(&id("g"), &change(&[], &[]), &told(&[])).await.unwrap();
    assert_eq!(asked(&fake).len(), 1, "nothing to say");
}

#[tokio::test]
async fn every_server_ends_with_the_right_members() {
    for removes in [Removes::ByPath, Removes::Listed, Removes::Everybody] {
        for patch in [true, false] {
            let (fake, held) = group_server(removes, patch, &["a", "b", "c"]);
            let app = app(&fake);
            app.members(&id("g"), &change(&["d"], &["a"]), &told(&[])).await.unwrap();
            assert_eq!(*held.lock(), ["b", "c", "d"].map(str::to_owned).into());
            app.members(&id("g"), &change(&[], &["b", "gone"]), &told(&[])).await.unwrap();
            assert_eq!(*held.lock(), ["c", "d"].map(str::to_owned).into());
            app.members(&id("g"), &change(&["d", "e"], &[]), &told(&[])).await.unwrap();
            assert_eq!(*held.lock(), ["c", "d", "e"].map(str::to_owned).into());
            app.members(&id("g"), &change(&[], &["c", "d", "e"]), &told(&[])).await.unwrap();
            assert!(held.lock().is_empty());
        }
    }
}

#[tokio::test]
async fn a_deviation_costs_its_requests_once() {
    let (fake, _) = group_server(Removes::Listed, true, &["a", "b", "c"]);
    let app = app(&fake);
    app.members(&id("g"), &change(&[], &["a"]), &told(&[])).await.unwrap();
    assert_eq!(
        asked(&fake),
        ["PATCH /Groups/g", "GET /Groups/g", "PATCH /Groups/g", "GET /Groups/g"]
    );
    app.members(&id("g"), &change(&[], &["b"]), &told(&[])).await.unwrap();
    assert_eq!(asked(&fake).len(), 5);
    let steps = [Step::Members(id("g"), change(&[], &["c"]))];
    let shown = app.requests(Kind::Group, &steps).await.unwrap();
    assert_eq!(
        shown[0].body.as_ref().unwrap()["Operations"],
        json!([{ "op": "remove", "path": "members", "value": [{ "value": "c" }] }])
    );
}

#[tokio::test]
async fn an_unknown_member_is_refused_not_retried() {
    let fake = server(true, |seen| match seen.method.as_str() {
        "GET" => answer(200, &json!({ "id": "g", "members": [] })),
        _ => scim_error(400, "invalidValue"),
    });
    let refused = app(&fake).members(&id("g"), &change(&["nobody"], &[]), &told(&[])).await;
    assert!(matches!(refused, Err(Failure::Refused(_))), "{refused:?}");
    let fake = server(true, |_| answer(404, &Value::Null));
    assert_eq!(
        app(&fake).members(&id("g"), &change(&["a"], &[]), &told(&[])).await,
        Err(Failure::Gone)
    );
}

/// Without a list to compare with, nothing is risked.
#[tokio::test]
async fn hidden_members_are_never_wiped() {
    let fake = server(true, |seen| match seen.method.as_str() {
        "GET" => answer(200, &json!({ "id": "g" })),
        _ => answer(501, &Value::Null),
    });
    let refused = app(&fake).members(&id("g"), &change(&[], &["a"]), &told(&[])).await;
    assert!(matches!(refused, Err(Failure::Unsupported(_))), "{refused:?}");
    assert_eq!(asked(&fake), ["PATCH /Groups/g", "GET /Groups/g"]);
}

/// A server that must be told everybody and shows nobody, or only the first few, lost those whom it did
/// not show.
#[tokio::test]
async fn whom_a_server_does_not_show_stays() {
    for shows in [0, 2] {
        for patch in [false, true] {
            let held: Arc<Mutex<BTreeSet<String>>> = Arc::default();
            *held.lock() = ["a", "b", "c", "d", "stranger"].map(str::to_owned).into();
            let members = Arc::clone(&held);
            let fake = server(patch, move |seen| {
                let body = seen.body.clone().unwrap_or_default();
                match seen.method.as_str() {
                    "GET" => {
                        let shown: Vec<Value> = members
                            .lock()
                            .iter()
                            .rev()
                            .take(shows)
                            .map(|id| json!({ "value": id }))
                            .collect();
                        let mut group = json!({ "id": "g", "displayName": "T" });
                        if shows > 0 {
                            group["members"] = shown.into();
                        }
                        answer(200, &group)
                    }
                    "PUT" => {
                        *members.lock() = ids(&body["members"]);
                        answer(200, &json!({}))
                    }
                    // Nobody leaves by a path or a list here.
                    _ if body["Operations"][0]["op"] == "replace" => {
                        *members.lock() = ids(&body["Operations"][0]["value"]);
                        nothing()
                    }
                    _ => answer(501, &Value::Null),
                }
            });
            let app = app(&fake);
            let before = told(&["a", "b", "c", "d"]);
            let done = app.members(&id("g"), &change(&[], &["d"]), &before).await;
            if shows == 0 && patch {
                assert!(matches!(done, Err(Failure::Unsupported(_))), "{done:?}");
                continue;
            }
            done.unwrap();
            let mut left: BTreeSet<String> = ["a", "b", "c", "stranger"].map(str::to_owned).into();
            if shows == 0 {
                // Of whom it was not told, and whom it does not show, nobody can know.
                left.remove("stranger");
            }
            assert_eq!(*held.lock(), left, "shows {shows}, PATCH {patch}");
            // A thousand are told in parts, each of which names those before.
            if !patch {
                let before = told(&["a", "b", "c"]);
                app.members(&id("g"), &change(&["e"], &[]), &before).await.unwrap();
                left.insert("e".to_owned());
                assert_eq!(*held.lock(), left, "shows {shows}");
            }
        }
    }
}

#[tokio::test]
async fn a_group_is_made_without_members() {
    let fake = server(true, |_| answer(201, &json!({ "id": "g", "displayName": "T" })));
    let made = app(&fake)
        .create(Kind::Group, &record(json!({ "displayName": "T", "externalId": "x" })), "once")
        .await
        .unwrap();
    assert_eq!(
        fake.last_body(),
        json!({ "schemas": [crate::scim::urn::GROUP], "displayName": "T", "externalId": "x" })
    );
    assert_eq!((made.id, made.active), (id("g"), None));
}
