//! What the database finds is what evaluation in memory finds.

use crate::world::{Database, NOW, World, block_on, kind};
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use rollcall::clock::rfc3339;
use rollcall::id::{OrganizationId, ResourceId, new_uuid};
use rollcall::scim::filter::{Condition, Field, Filter, Literal, Operator, eval};
use rollcall::scim::list::{Query, Sort};
use rollcall::scim::path::{self, AttributePath};
use rollcall::scim::schema::Type;
use rollcall::scim::urn::ENTERPRISE_USER;
use rollcall::scim::value;
use rollcall::store::Store;
use serde_json::{Map, Value, json};
use std::collections::HashSet;

/// Pieces of text of which values and literals are made, so that they often meet: letters that
/// fold, compose or sort strangely, wildcards, and lengths around the end of an index key.
fn piece() -> impl Strategy<Value = String> {
    let short = [
        "a",
        "b",
        "A",
        "é",
        "É",
        "e\u{301}",
        "ß",
        "İ",
        "ſ",
        "Σ",
        "ς",
        "日本",
        "%",
        "_",
        "\\",
        "'",
        "\"",
        " ",
        "\u{d7ff}",
        "\u{e000}",
        "\u{10ffff}",
        "ﬁ",
        "0",
    ];
    prop_oneof![
        12 => select(short.to_vec()).prop_map(str::to_owned),
        1 => select(vec![250_usize, 251, 252, 253, 254, 255, 256, 257]).prop_map(|n| "x".repeat(n)),
        1 => select(vec![125_usize, 126, 127, 128, 129]).prop_map(|n| "é".repeat(n)),
        1 => select(vec![63_usize, 64]).prop_map(|n| "\u{1f600}".repeat(n)),
    ]
}

fn text() -> impl Strategy<Value = String> {
    proptest::collection::vec(piece(), 0..3).prop_map(|pieces| pieces.concat())
}

fn maybe<T: std::fmt::Debug>(value: impl Strategy<Value = T>) -> impl Strategy<Value = Option<T>> {
    proptest::option::weighted(0.6, value)
}

/// An object of the parts that are there; none where no part is.
fn object(parts: Vec<(&'static str, Option<Value>)>) -> Option<Value> {
    let map: Map<String, Value> =
        parts.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect();
    (!map.is_empty()).then(|| map.into())
}

fn element() -> impl Strategy<Value = Option<Value>> {
    let kind = select(vec!["work", "Work", "home"]);
    (maybe(text()), maybe(kind), maybe(any::<bool>()), maybe(piece())).prop_map(
        |(value, kind, primary, display)| {
            object(vec![
                ("value", value.map(Value::from)),
                ("type", kind.map(Value::from)),
                ("primary", primary.map(Value::from)),
                ("display", display.map(Value::from)),
            ])
        },
    )
}

fn elements() -> impl Strategy<Value = Option<Value>> {
    proptest::collection::vec(element(), 0..3).prop_map(|elements| {
        let elements: Vec<Value> = elements.into_iter().flatten().collect();
        (!elements.is_empty()).then(|| elements.into())
    })
}

fn user() -> impl Strategy<Value = Map<String, Value>> {
    let texts = proptest::collection::vec(maybe(text()), 10);
    let lists = proptest::collection::vec(elements(), 4);
    (texts, lists, maybe(any::<bool>())).prop_map(|(texts, lists, active)| {
        let mut texts = texts.into_iter().map(|text| text.map(Value::from));
        let mut lists = lists.into_iter();
        let mut next = || texts.next().flatten();
        let name = object(vec![("familyName", next()), ("formatted", next())]);
        let manager = object(vec![("value", next()), ("displayName", next())]);
        let extension = object(vec![("department", next()), ("manager", manager)]);
        let urn = extension.is_some().then_some(ENTERPRISE_USER);
        let schemas: Vec<&str> = std::iter::once(rollcall::scim::urn::USER).chain(urn).collect();
        let user = object(vec![
            ("schemas", Some(json!(schemas))),
            ("externalId", next()),
            ("displayName", next()),
            ("nickName", next()),
            ("locale", next()),
            ("active", active.map(Value::from)),
            ("name", name),
            ("emails", lists.next().flatten()),
            ("phoneNumbers", lists.next().flatten()),
            ("roles", lists.next().flatten()),
            ("ims", lists.next().flatten()),
            (ENTERPRISE_USER, extension),
        ]);
        user.and_then(|user| user.as_object().cloned()).unwrap_or_default()
    })
}

/// A small directory.
#[derive(Debug, Clone)]
struct Directory {
    users: Vec<Map<String, Value>>,
    groups: Vec<(String, HashSet<usize>)>,
}

fn directory() -> impl Strategy<Value = Directory> {
    let members = proptest::collection::hash_set(0_usize..9, 0..4);
    let groups = proptest::collection::vec((text(), members), 3);
    let users = proptest::collection::vec(user(), 6);
    (users, groups).prop_map(|(users, groups)| Directory { users, groups })
}

const USER_PATHS: &[&str] = &[
    "userName",
    "externalId",
    "displayName",
    "nickName",
    "locale",
    "active",
    "id",
    "schemas",
    "meta.created",
    "meta.lastModified",
    "meta.resourceType",
    "meta.version",
    "name.familyName",
    "name.formatted",
    "name",
    "emails",
    "emails.value",
    "emails.type",
    "emails.primary",
    "emails.display",
    "phoneNumbers.value",
    "phoneNumbers.primary",
    "roles.value",
    "roles",
    "ims",
    "ims.value",
    "addresses.type",
    "groups",
    "groups.value",
    "groups.display",
    "groups.type",
    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department",
    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager",
    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.displayName",
];
const GROUP_PATHS: &[&str] = &[
    "displayName",
    "externalId",
    "id",
    "schemas",
    "meta.created",
    "members",
    "members.value",
    "members.type",
    "members.display",
];
const OPERATORS: [Operator; 9] = [
    Operator::Equal,
    Operator::NotEqual,
    Operator::Contains,
    Operator::StartsWith,
    Operator::EndsWith,
    Operator::Greater,
    Operator::GreaterOrEqual,
    Operator::Less,
    Operator::LessOrEqual,
];

/// A comparison whose literal is chosen once the field's type and the ids are known.
#[derive(Debug, Clone)]
enum Shape {
    All(Vec<Shape>),
    Any(Vec<Shape>),
    Not(Box<Shape>),
    Present(String),
    Compare(String, Operator, String, usize),
    Element(String, Box<Shape>),
}

fn tree(leaf: BoxedStrategy<Shape>) -> BoxedStrategy<Shape> {
    leaf.prop_recursive(3, 12, 3, |inner| {
        let several = proptest::collection::vec(inner.clone(), 2..4);
        prop_oneof![
            several.clone().prop_map(Shape::All),
            several.prop_map(Shape::Any),
            inner.prop_map(|inner| Shape::Not(Box::new(inner))),
        ]
    })
    .boxed()
}

fn leaf(paths: Vec<String>) -> BoxedStrategy<Shape> {
    let compare = (select(paths.clone()), select(OPERATORS.to_vec()), text(), any::<usize>());
    prop_oneof![
        1 => select(paths).prop_map(Shape::Present),
        6 => compare.prop_map(|(path, operator, text, n)| Shape::Compare(path, operator, text, n)),
    ]
    .boxed()
}

fn shape(paths: &[&str], lists: &[&str]) -> BoxedStrategy<Shape> {
    let owned = |paths: &[&str]| paths.iter().map(|&path| path.to_owned()).collect::<Vec<_>>();
    let inner = tree(leaf(owned(&["value", "type", "display", "primary"])));
    let element = (select(owned(lists)), inner)
        .prop_map(|(list, inner)| Shape::Element(list, Box::new(inner)));
    tree(prop_oneof![3 => leaf(owned(paths)), 2 => element].boxed())
}

fn literal(name: &str, list: Option<&str>, text: &str, n: usize, ids: &[ResourceId]) -> Literal {
    let full = list.map_or_else(
        || text_path(name),
        |list| AttributePath { sub: Some(name.to_owned()), ..text_path(list) },
    );
    let of_kind = |kind: &rollcall::scim::schema::ResourceType| {
        kind.place(&full).and_then(|place| Field::compared(&place))
    };
    let field = of_kind(&kind("User")).or_else(|| of_kind(&kind("Group")));
    let Some(field) = field else { return Literal::Null };
    if n % 31 == 0 {
        return Literal::Null;
    }
    match field.kind {
        Type::Boolean => Literal::Boolean(n % 2 == 0),
        Type::DateTime => {
            let offset = [0, 1, 500, 999, 1_000, 1_500, 7_000_000][n % 7];
            let at = NOW + i64::try_from(n % 8).unwrap() * 1_000 - offset;
            let shown = jiff::Timestamp::from_microsecond(at).unwrap().to_string();
            Literal::String(if n % 3 == 0 { rfc3339(at) } else { shown })
        }
        _ => Literal::String(match (field.key.as_str(), n % 4) {
            ("id" | "members.value" | "groups.value", 1..=3) => ids[n % ids.len()].to_string(),
            ("members.type" | "emails.type" | "phoneNumbers.type", _) => {
                ["User", "group", "work", "home", "Home"][n % 5].into()
            }
            ("groups.type", _) => ["direct", "indirect"][n % 2].into(),
            ("schemas", 1) => ENTERPRISE_USER.into(),
            ("schemas", 2 | 3) => rollcall::scim::urn::USER.into(),
            ("meta.resourceType", 1..=3) => ["User", "Group", "user"][n % 3].into(),
            ("meta.version", 1..=3) => "W/\"1\"".into(),
            _ => text.to_owned(),
        }),
    }
}

fn text_path(text: &str) -> AttributePath {
    path::attribute(text).unwrap()
}

fn filter(shape: &Shape, list: Option<&str>, ids: &[ResourceId]) -> Filter {
    let each = |parts: &[Shape]| parts.iter().map(|part| filter(part, list, ids)).collect();
    match shape {
        Shape::All(parts) => Filter::And(each(parts)),
        Shape::Any(parts) => Filter::Or(each(parts)),
        Shape::Not(inner) => Filter::Not(Box::new(filter(inner, list, ids))),
        Shape::Present(path) => Filter::Present(text_path(path)),
        Shape::Compare(path, operator, text, n) => {
            Filter::Compare(text_path(path), *operator, literal(path, list, text, *n, ids))
        }
        Shape::Element(list, inner) => {
            Filter::Element(text_path(list), Box::new(filter(inner, Some(list), ids)))
        }
    }
}

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
    let cases = 24;
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
