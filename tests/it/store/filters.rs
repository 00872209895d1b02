//! What the database finds is what evaluation in memory finds.

mod added;
mod sample;

use crate::world::{Database, NOW, World, block_on, kind};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use rollcall::id::{OrganizationId, ResourceId, new_uuid};
use rollcall::scim::filter::{Condition, Field, eval};
use rollcall::scim::list::{Query, Sort};
use rollcall::scim::value;
use rollcall::store::Store;
use sample::{Directory, GROUP_PATHS, Shape, USER_PATHS, directory, filter, shape, text_path};
use serde_json::{Map, Value, json};

/// A directory in the store, and its complete documents.
struct Stored {
    organization: OrganizationId,
    ids: Vec<ResourceId>,
    users: Vec<(ResourceId, Map<String, Value>)>,
    groups: Vec<(ResourceId, Map<String, Value>)>,
}

async fn fill(store: &Store, directory: &Directory, slug: &str) -> Stored {
    let organization = store.organization_named(slug, NOW).await.unwrap().id;
    let given = directory.clone();
    let ids: Vec<ResourceId> = (0..9).map(|n| ResourceId(new_uuid(NOW + n * 1_000))).collect();
    let all = ids.clone();
    store
        .write(organization, move |t| {
            for (n, id) in all.iter().enumerate() {
                let at = NOW + i64::try_from(n).unwrap() * 1_000 + 300;
                if let Some(user) = given.users.get(n) {
                    let mut user = user.clone();
                    let short: String = given.groups[0].0.chars().take(20).collect();
                    user.insert("userName".into(), format!("{short}{n}").into());
                    t.insert_resource(&kind("User"), *id, &user, at)?;
                } else {
                    let (name, _) = &given.groups[n - given.users.len()];
                    let mut group = Map::new();
                    group.insert("schemas".into(), json!([rollcall::scim::urn::GROUP]));
                    group.insert("displayName".into(), name.clone().into());
                    t.insert_resource(&kind("Group"), *id, &group, at)?;
                }
            }
            for (at, (_, members)) in given.groups.iter().enumerate() {
                let at = at + given.users.len();
                // Groups hold users and the groups before them, so there is no cycle.
                let members: Vec<ResourceId> = members
                    .iter()
                    .filter(|member| **member < at)
                    .map(|member| all[*member])
                    .collect();
                t.add_members(all[at], &members, NOW)?;
            }
            Ok(())
        })
        .await
        .unwrap();
    let all = ids.clone();
    let (users, groups) = store
        .read(organization, move |r| {
            let mut users = Vec::new();
            let mut groups = Vec::new();
            let members = r.members_of(&all)?;
            let memberships = r.groups_of(&all)?;
            for id in all {
                let resource = r.resource_any(id)?.unwrap();
                let kind = kind(&resource.kind);
                let mut document = resource.complete(&kind, "");
                if kind.has_members() {
                    let members: Vec<Value> = members
                        .get(&id)
                        .into_iter()
                        .flatten()
                        .map(|m| json!({"value": m.id, "type": m.kind, "display": m.display}))
                        .collect();
                    document.insert("members".into(), members.into());
                    groups.push((id, document));
                } else {
                    let memberships: Vec<Value> = memberships
                        .get(&id)
                        .into_iter()
                        .flatten()
                        .map(|m| {
                            let direct = if m.indirect { "indirect" } else { "direct" };
                            json!({"value": m.group, "type": direct, "display": m.display})
                        })
                        .collect();
                    document.insert("groups".into(), memberships.into());
                    users.push((id, document));
                }
            }
            Ok((users, groups))
        })
        .await
        .unwrap();
    Stored { organization, ids, users, groups }
}

/// The key by which RFC 7644 §3.4.2.3 sorts, found in another way than the store finds it.
fn sort_value(field: &Field, document: &Map<String, Value>) -> Option<String> {
    let holder = match &field.extension {
        None => document,
        Some(urn) => document.get(urn)?.as_object()?,
    };
    let value = holder.get(&field.attribute)?;
    let value = match value.as_array() {
        None => value,
        Some(elements) => elements
            .iter()
            .find(|element| element["primary"] == true)
            .or_else(|| elements.first())?,
    };
    let value = field.sub.as_ref().map_or(Some(value), |sub| value.get(sub))?;
    value::key(field.kind, field.case_exact, value)
}

fn expected(
    documents: &[(ResourceId, Map<String, Value>)],
    condition: &Condition,
    sort: Option<&Sort>,
) -> Vec<ResourceId> {
    let mut found: Vec<_> = documents
        .iter()
        .filter(|(_, document)| eval::matches(condition, document))
        .map(|(id, document)| (sort.and_then(|s| sort_value(&s.field, document)), *id))
        .collect();
    found.sort_by(|(a, a_id), (b, b_id)| {
        let by_key = (a.is_none(), a).cmp(&(b.is_none(), b));
        let descending = sort.is_some_and(|sort| sort.descending);
        (if descending { by_key.reverse() } else { by_key }).then(a_id.cmp(b_id))
    });
    found.into_iter().map(|(_, id)| id).collect()
}

async fn check(
    store: &Store,
    stored: &Stored,
    name: &'static str,
    shape: &Shape,
    sort: Option<(usize, bool)>,
) -> Result<(), TestCaseError> {
    let filter = filter(shape, None, &stored.ids);
    let Ok(condition) = filter.resolve(&kind(name)) else { return Ok(()) };
    let (paths, documents) = match name {
        "User" => (USER_PATHS, &stored.users),
        _ => (GROUP_PATHS, &stored.groups),
    };
    let sort = sort.and_then(|(n, descending)| {
        let path = paths[n % paths.len()];
        // Memberships have no order: they are no part of what a list reads.
        let related = path.starts_with("members") || path.starts_with("groups");
        let kind = kind(name);
        let field = Field::compared(&kind.place(&text_path(path))?)?;
        (!related && field.attribute != "schemas").then_some(Sort { field, descending })
    });
    let expected = expected(documents, &condition, sort.as_ref());
    let query = Query { condition, sort, start_index: 1, count: 1_000 };
    let asked = query.clone();
    let page = store
        .read(stored.organization, move |r| r.list(&kind(name), &asked))
        .await
        .map_err(|error| TestCaseError::fail(format!("{error}: {filter}")))?;
    let found: Vec<ResourceId> = page.resources.iter().map(|resource| resource.id).collect();
    prop_assert_eq!(&found, &expected, "{}", filter);
    prop_assert_eq!(page.total, expected.len(), "{}", filter);

    let (second, asked) = (page.resources.into_iter().nth(1), query.condition.clone());
    if let Some(second) = second {
        let met = store
            .read(stored.organization, move |r| r.meets(&kind(name), &second, &asked))
            .await
            .map_err(|error| TestCaseError::fail(format!("{error}: {filter}")))?;
        prop_assert!(met, "meets {}", filter);
    }
    let query = Query { start_index: 2, count: 2, ..query };
    let page = store
        .read(stored.organization, move |r| r.list(&kind(name), &query))
        .await
        .map_err(|error| TestCaseError::fail(format!("{error}: {filter}")))?;
    let found: Vec<ResourceId> = page.resources.iter().map(|resource| resource.id).collect();
    let window: Vec<ResourceId> = expected.iter().skip(1).take(2).copied().collect();
    prop_assert_eq!(found, window, "{}", filter);
    prop_assert_eq!(page.total, expected.len(), "{}", filter);
    Ok(())
}

fn agree(database: Database) {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let world = block_on(World::new(database));
    let order = || proptest::option::weighted(0.4, (any::<usize>(), any::<bool>()));
    let users = (shape(USER_PATHS, &["emails", "phoneNumbers", "roles", "ims", "groups"]), order());
    let groups = (shape(GROUP_PATHS, &["members"]), order());
    let case =
        (directory(), proptest::collection::vec(users, 24), proptest::collection::vec(groups, 10));
    // A case is a directory and 34 filters, each asked three times.
    let cases = Config::default().cases / 10;
    let mut runner = TestRunner::new(Config {
        cases,
        max_shrink_iters: 400,
        failure_persistence: None,
        ..Config::default()
    });
    let mut number = 0;
    let number = std::cell::Cell::from_mut(&mut number);
    runner
        .run(&case, |(directory, users, groups)| {
            number.set(number.get() + 1);
            let slug = format!("case-{}", number.get());
            runtime.block_on(async {
                let stored = fill(&world.store, &directory, &slug).await;
                for (shape, sort) in &users {
                    check(&world.store, &stored, "User", shape, *sort).await?;
                }
                for (shape, sort) in &groups {
                    check(&world.store, &stored, "Group", shape, *sort).await?;
                }
                Ok(())
            })
        })
        .unwrap_or_else(|error| match error {
            proptest::test_runner::TestError::Fail(reason, _) => panic!("{reason}"),
            other @ proptest::test_runner::TestError::Abort(_) => panic!("{other}"),
        });
}

#[test]
fn sqlite_agrees_with_memory() {
    agree(Database::Sqlite);
}

#[test]
fn postgres_agrees_with_memory() {
    agree(Database::Postgres);
}
