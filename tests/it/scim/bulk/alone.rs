//! A bulk request comes to what its operations come to one by one.

use super::{PATCH, bulk};
use crate::server::{Caller, id};
use crate::world::{Database, NOW, World, block_on};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use rollcall::auth::Scope;
use rollcall::scim::dialect::Dialect;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Who an operation is about: somebody who was there before, or whom an operation before it made.
#[derive(Debug, Clone, Copy)]
enum Whom {
    Before(usize),
    Made(usize),
}

#[derive(Debug, Clone)]
enum Op {
    Person { name: usize, boss: Option<Whom> },
    Team { name: usize, members: Vec<Whom> },
    Rename { whom: Whom, name: usize, version: Option<usize> },
    Title { whom: Whom, title: usize, version: Option<usize> },
    Join { team: Whom, member: Whom },
    Leave { team: Whom, member: Whom },
    Delete { whom: Whom, version: Option<usize> },
}

fn whom() -> impl Strategy<Value = Whom> {
    prop_oneof![(0_usize..6).prop_map(Whom::Before), (0_usize..8).prop_map(Whom::Made)]
}

fn ops() -> impl Strategy<Value = Vec<Op>> {
    let version = || proptest::option::weighted(0.3, 1_usize..3);
    let op = prop_oneof![
        (0_usize..9, proptest::option::of(whom()))
            .prop_map(|(name, boss)| Op::Person { name, boss }),
        (0_usize..9, proptest::collection::vec(whom(), 0..4))
            .prop_map(|(name, members)| Op::Team { name, members }),
        (whom(), 0_usize..9, version()).prop_map(|(whom, name, version)| Op::Rename {
            whom,
            name,
            version
        }),
        (whom(), 0_usize..3, version()).prop_map(|(whom, title, version)| Op::Title {
            whom,
            title,
            version
        }),
        (whom(), whom()).prop_map(|(team, member)| Op::Join { team, member }),
        (whom(), whom()).prop_map(|(team, member)| Op::Leave { team, member }),
        (whom(), version()).prop_map(|(whom, version)| Op::Delete { whom, version }),
    ];
    proptest::collection::vec(op, 1..10)
}

/// A directory that both ways begin with: people and teams, by place.
struct Place {
    caller: Caller,
    before: Vec<(&'static str, String)>,
}

async fn place(caller: Caller) -> Place {
    let mut before = Vec::new();
    for n in 0..4 {
        before.push(("Users", caller.person(&format!("name{n}")).await));
    }
    let team = caller.team("team0", &[&before[0].1]).await;
    before.push(("Groups", caller.team("team1", &[&team, &before[1].1]).await));
    before.push(("Groups", team));
    Place { caller, before }
}

/// An operation with the ids that `find` knows; none where it is about nobody whom it could be.
fn operation(
    at: usize,
    op: &Op,
    find: &dyn Fn(Whom) -> Option<(&'static str, String)>,
) -> Option<Value> {
    let boss = |boss: &Option<Whom>| boss.and_then(find).map(|(_, id)| json!({"value": id}));
    let enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
    let version = |n: &Option<usize>| n.map(|n| format!("W/\"{n}\""));
    let of =
        |whom: &Whom| find(*whom).map(|(endpoint, id)| (endpoint, format!("/{endpoint}/{id}")));
    let patch = |path: String, version: Option<String>, operations: Value| {
        json!({"method": "PATCH", "path": path, "version": version,
               "data": {"schemas": [PATCH], "Operations": operations}})
    };
    Some(match op {
        Op::Person { name, boss: whom } => json!({
            "method": "POST", "path": "/Users", "bulkId": at.to_string(),
            "data": {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
                     "userName": format!("name{name}"), enterprise: {"manager": boss(whom)}}}),
        Op::Team { name, members } => {
            let members: Vec<Value> = members
                .iter()
                .filter_map(|one| find(*one))
                .map(|(_, id)| json!({"value": id}))
                .collect();
            json!({"method": "POST", "path": "/Groups", "bulkId": at.to_string(),
                   "data": {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"],
                            "displayName": format!("team{name}"), "members": members}})
        }
        Op::Rename { whom, name, version: n } => {
            let (endpoint, path) = of(whom)?;
            let (attribute, urn) =
                if endpoint == "Users" { ("userName", "User") } else { ("displayName", "Group") };
            json!({"method": "PUT", "path": path, "version": version(n),
                   "data": {"schemas": [format!("urn:ietf:params:scim:schemas:core:2.0:{urn}")],
                            attribute: format!("name{name}")}})
        }
        Op::Title { whom, title, version: n } => {
            let (_, path) = of(whom)?;
            patch(
                path,
                version(n),
                json!([{"op": "replace", "path": "title", "value": format!("t{title}")}]),
            )
        }
        Op::Join { team, member } => {
            let (_, path) = of(team)?;
            patch(
                path,
                None,
                json!([{"op": "add", "path": "members", "value": [{"value": find(*member)?.1}]}]),
            )
        }
        Op::Leave { team, member } => {
            let (_, path) = of(team)?;
            patch(
                path,
                None,
                json!([{"op": "remove", "path": "members", "value": [{"value": find(*member)?.1}]}]),
            )
        }
        Op::Delete { whom, version: n } => {
            let (_, path) = of(whom)?;
            json!({"method": "DELETE", "path": path, "version": version(n)})
        }
    })
}

/// Where an operation's POST is, if it is one and stands before `at`.
fn made(ops: &[Op], at: usize, whom: usize) -> Option<&'static str> {
    match ops.get(whom).filter(|_| whom < at)? {
        Op::Person { .. } => Some("Users"),
        Op::Team { .. } => Some("Groups"),
        _ => None,
    }
}

/// One by one; answers the statuses. Of whom could not be made, nobody speaks.
async fn alone(place: &Place, ops: &[Op]) -> Vec<u16> {
    let mut ids: BTreeMap<usize, String> = BTreeMap::new();
    let mut statuses = Vec::new();
    for (at, op) in ops.iter().enumerate() {
        let missing = std::cell::Cell::new(false);
        let find = |whom: Whom| match whom {
            Whom::Before(n) => Some(place.before[n].clone()),
            Whom::Made(n) => {
                let endpoint = made(ops, at, n)?;
                let id = ids.get(&n).cloned();
                missing.set(missing.get() || id.is_none());
                Some((endpoint, id.unwrap_or_default()))
            }
        };
        let Some(operation) = operation(at, op, &find) else { continue };
        if missing.get() {
            statuses.push(409);
            continue;
        }
        let method = operation["method"].as_str().unwrap().parse().unwrap();
        let mut request = place.caller.request(method, operation["path"].as_str().unwrap());
        if let Some(version) = operation["version"].as_str() {
            request = request.header("if-match", version);
        }
        if operation["method"] != "DELETE" {
            request = request.json(&operation["data"]);
        }
        let reply = request.send().await;
        if reply.status == 201 {
            ids.insert(at, id(&reply.expect(201)));
        }
        statuses.push(reply.status);
    }
    statuses
}

/// Together; answers the statuses.
async fn together(place: &Place, ops: &[Op]) -> Vec<u16> {
    let mut operations = Vec::new();
    for (at, op) in ops.iter().enumerate() {
        let find = |whom: Whom| match whom {
            Whom::Before(n) => Some(place.before[n].clone()),
            Whom::Made(n) => Some((made(ops, at, n)?, format!("bulkId:{n}"))),
        };
        operations.extend(operation(at, op, &find));
    }
    if operations.is_empty() {
        return Vec::new();
    }
    let response = place.caller.post("/Bulk", &bulk(&operations.into())).await.expect(200);
    let status = |one: &Value| one["status"].as_str().unwrap().parse().unwrap();
    response["Operations"].as_array().unwrap().iter().map(status).collect()
}

/// What is there, with names in the place of ids.
async fn state(caller: &Caller) -> Vec<Value> {
    let list = caller.get("?count=1000&excludedAttributes=groups").await.expect(200);
    let mut all: Vec<Value> = list["Resources"].as_array().unwrap().clone();
    let names: BTreeMap<String, String> = all
        .iter()
        .enumerate()
        .map(|(at, one)| {
            let name = one.get("userName").unwrap_or(&one["displayName"]).as_str().unwrap();
            // Teams of one name are told apart by their order.
            (id(one), format!("{at}:{name}"))
        })
        .collect();
    for one in &mut all {
        let version = one["meta"]["version"].clone();
        let resource = one.as_object_mut().unwrap();
        resource.remove("meta");
        resource.insert("version".into(), version);
        if let Some(Value::Array(members)) = resource.get_mut("members") {
            members.sort_by_key(|member| names.get(member["value"].as_str().unwrap()).cloned());
        }
    }
    for one in &mut all {
        named(one, &names);
    }
    all
}

/// Puts names in the place of ids; of a manager who is gone, only that.
fn named(value: &mut Value, names: &BTreeMap<String, String>) {
    match value {
        Value::String(text) => {
            let last = text.rsplit('/').next().unwrap_or_default();
            if last.parse::<rollcall::id::ResourceId>().is_ok() {
                *text = names.get(last).cloned().unwrap_or_else(|| "gone".to_owned());
            }
        }
        Value::Array(values) => values.iter_mut().for_each(|value| named(value, names)),
        Value::Object(parts) => parts.values_mut().for_each(|value| named(value, names)),
        _ => {}
    }
}

#[test]
fn together_is_one_by_one() {
    for database in [Database::Sqlite, Database::Postgres] {
        let world = block_on(World::new(database));
        let mut runner =
            TestRunner::new(Config { cases: 60, failure_persistence: None, ..Config::default() });
        let number = std::cell::Cell::new(0);
        let ran = runner.run(&ops(), |ops| {
            number.set(number.get() + 1);
            block_on(compare(&world, number.get(), &ops))
        });
        if let Err(error) = ran {
            panic!("{database:?}: {error}");
        }
    }
}

async fn compare(world: &World, number: u32, ops: &[Op]) -> Result<(), TestCaseError> {
    let server = world.server();
    let mut places = Vec::new();
    for side in ["alone", "together"] {
        let slug = format!("{side}{number}");
        let organization = world.store.organization_named(&slug, NOW).await.unwrap().id;
        let token =
            server.token_in(organization, "c", Dialect::Standard, &[Scope::ScimWrite], None).await;
        places.push(place(server.bearer(&token)).await);
    }
    let (one_by_one, at_once) = (alone(&places[0], ops).await, together(&places[1], ops).await);
    let ok = |status: &u16| if (200..300).contains(status) { 200 } else { *status };
    prop_assert_eq!(
        one_by_one.iter().map(ok).collect::<Vec<_>>(),
        at_once.iter().map(ok).collect::<Vec<_>>()
    );
    prop_assert_eq!(state(&places[0].caller).await, state(&places[1].caller).await);
    Ok(())
}
