//! Profile fields of every type, added at run time, indexed and not: what the database finds is what
//! evaluation in memory finds, and what an index finds is what it found before there was one.

use super::expected;
use crate::world::{Database, NOW, World, block_on};
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use rollcall::id::{OrganizationId, ResourceId, new_uuid};
use rollcall::scim::filter::{Field, parse};
use rollcall::scim::list::{Query, Sort};
use rollcall::scim::path;
use rollcall::scim::schema::definition::Definition;
use rollcall::scim::schema::{Registry, ResourceType};
use rollcall::store::Store;
use rollcall::store::schemas::{Build, State};
use serde_json::{Map, Value, json};
use std::sync::Arc;

const URN: &str = "urn:example:params:scim:schemas:extension:probe:2.0:User";

/// The simple fields: a name, a type, and values that meet and differ.
const FIELDS: &[(&str, &str, &[&str])] = &[
    ("word", "string", &["\"a\"", "\"A\"", "\"b\"", "\"é\"", "\"\""]),
    ("exact", "string", &["\"a\"", "\"A\"", "\"ab\"", "\"%\""]),
    ("level", "integer", &["-3", "0", "7", "70", "9007199254740993"]),
    ("score", "decimal", &["-0.5", "0", "0.0", "1e2", "100", "3.25"]),
    ("flag", "boolean", &["true", "false"]),
    (
        "hired",
        "dateTime",
        &[
            "\"2024-07-01T08:00:00+02:00\"",
            "\"2024-07-01T06:00:00Z\"",
            "\"2024-07-01T06:00:00.5Z\"",
        ],
    ),
    ("page", "reference", &["\"https://a.example/\"", "\"https://b.example/\""]),
];

fn definition(indexed: bool) -> Definition {
    let mut attributes = Vec::new();
    for (name, kind, _) in FIELDS {
        let exact = matches!(*name, "exact" | "page");
        let one = |name: String, many: bool| json!({ "name": name, "type": kind, "multiValued": many, "caseExact": exact, "indexed": indexed });
        attributes.push(one((*name).to_owned(), false));
        attributes.push(one(format!("{name}s"), true));
    }
    attributes.push(json!({ "name": "desks", "type": "complex", "multiValued": true, "subAttributes": [
        { "name": "value", "indexed": indexed }, { "name": "level", "type": "integer", "indexed": indexed },
        { "name": "note" }, { "name": "primary", "type": "boolean" } ] }));
    serde_json::from_value(json!({ "id": URN, "name": "Probe", "attributes": attributes })).unwrap()
}

fn user_type(registry: &Registry) -> Arc<ResourceType> {
    Arc::clone(registry.named("User").unwrap())
}

fn value(of: &'static [&'static str]) -> impl Strategy<Value = Value> {
    select(of).prop_map(|text| serde_json::from_str(text).unwrap())
}

/// What one person has of the schema.
fn holding() -> impl Strategy<Value = Map<String, Value>> {
    let fields: Vec<_> = FIELDS
        .iter()
        .map(|(name, _, values)| {
            let one = proptest::option::of(value(values));
            let many = proptest::collection::vec(value(values), 0..3);
            (Just(*name), one, many)
        })
        .collect();
    let desk = (
        proptest::option::of(value(FIELDS[0].2)),
        proptest::option::of(value(FIELDS[2].2)),
        any::<bool>(),
    )
        .prop_map(|(word, level, primary)| {
            let mut desk = Map::from_iter([("primary".to_owned(), primary.into())]);
            desk.extend(word.map(|word| ("value".to_owned(), word)));
            desk.extend(level.map(|level| ("level".to_owned(), level)));
            Value::Object(desk)
        });
    (fields, proptest::collection::vec(desk, 0..3)).prop_map(|(fields, desks)| {
        let mut held = Map::new();
        for (name, one, many) in fields {
            held.extend(one.map(|one| (name.to_owned(), one)));
            if !many.is_empty() {
                held.insert(format!("{name}s"), many.into());
            }
        }
        if !desks.is_empty() {
            held.insert("desks".to_owned(), desks.into());
        }
        held
    })
}

/// A filter as text, on one field or on one element.
fn filter() -> BoxedStrategy<String> {
    let comparison =
        |prefix: String, names: Vec<(String, &'static str, &'static [&'static str])>| {
            let operators = ["eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le", "pr"];
            (select(names), select(operators.to_vec()), any::<usize>()).prop_map(
                move |(field, operator, n)| {
                    let (name, kind, values) = field;
                    let ordered = ["gt", "ge", "lt", "le"].contains(&operator);
                    let textual = ["co", "sw", "ew"].contains(&operator);
                    let suits = match kind {
                        "boolean" => !ordered && !textual,
                        "integer" | "decimal" | "dateTime" => !textual,
                        _ => true,
                    };
                    match (operator, suits) {
                        ("pr", _) => format!("{prefix}{name} pr"),
                        (_, false) => format!("{prefix}{name} eq {}", values[n % values.len()]),
                        (operator, true) => {
                            format!("{prefix}{name} {operator} {}", values[n % values.len()])
                        }
                    }
                },
            )
        };
    let mut names = Vec::new();
    for (name, kind, values) in FIELDS {
        names.push(((*name).to_owned(), *kind, *values));
        names.push((format!("{name}s"), *kind, *values));
    }
    names.push(("desks.value".to_owned(), "string", FIELDS[0].2));
    names.push(("desks.level".to_owned(), "integer", FIELDS[2].2));
    let parts = vec![
        ("value".to_owned(), "string", FIELDS[0].2),
        ("level".to_owned(), "integer", FIELDS[2].2),
        ("primary".to_owned(), "boolean", FIELDS[4].2),
    ];
    let element = (comparison(String::new(), parts.clone()), comparison(String::new(), parts))
        .prop_map(|(one, other)| format!("{URN}:desks[{one} and {other}]"));
    let leaf = prop_oneof![4 => comparison(format!("{URN}:"), names), 1 => element].boxed();
    leaf.prop_recursive(2, 6, 2, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone())
                .prop_map(|(one, other)| format!("({one}) and ({other})")),
            (inner.clone(), inner.clone()).prop_map(|(one, other)| format!("({one}) or ({other})")),
            inner.prop_map(|inner| format!("not ({inner})")),
        ]
    })
    .boxed()
}

/// Who is found, in which order, by a filter and sorted by a field.
async fn found(
    store: &Store,
    organization: OrganizationId,
    kind: &Arc<ResourceType>,
    text: &str,
    sort_by: &str,
) -> Result<(Vec<ResourceId>, Vec<ResourceId>), TestCaseError> {
    let condition = parse(text).unwrap().resolve(kind).unwrap();
    let place = path::attribute(&format!("{URN}:{sort_by}")).unwrap();
    let field = Field::compared(&kind.place(&place).unwrap()).unwrap();
    let sort = Sort { field, descending: text.len().is_multiple_of(2) };
    let query = Query { condition, sort: Some(sort), start_index: 1, count: 100 };
    let (asked, of) = (query.clone(), Arc::clone(kind));
    let (page, all) = store
        .read(organization, move |reader| {
            Ok((reader.list(&of, &asked)?, reader.page_of("User", None, 100)?))
        })
        .await
        .map_err(|error| TestCaseError::fail(format!("{error}: {text}")))?;
    let documents: Vec<_> =
        all.iter().map(|stored| (stored.id, stored.complete(kind, ""))).collect();
    let right = expected(&documents, &query.condition, query.sort.as_ref());
    Ok((page.resources.iter().map(|stored| stored.id).collect(), right))
}

async fn put(
    store: &Store,
    organization: OrganizationId,
    next: Definition,
    build: bool,
) -> Arc<Registry> {
    let revision = store.newest_registry(organization).await.unwrap().revision;
    store
        .write(organization, move |t| {
            t.lock_registry(revision)?;
            t.save_definition(&next, NOW)?;
            for field in next.attributes.iter().filter(|_| build) {
                let key = format!("{URN}:{}", field.name);
                let mut paths: Vec<String> = field
                    .sub_attributes
                    .iter()
                    .map(|part| format!("{key}.{}", part.name))
                    .collect();
                paths.push(key);
                t.start_build(&Build {
                    urn: URN.to_owned(),
                    attribute: field.name.clone(),
                    kind: "User".to_owned(),
                    state: State::Build,
                    paths,
                })?;
            }
            t.count_registry(revision)
        })
        .await
        .unwrap();
    store.newest_registry(organization).await.unwrap()
}

fn agree(database: Database) {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let world = block_on(World::new(database));
    let names: Vec<&str> = FIELDS.iter().map(|(name, ..)| *name).collect();
    let asked = proptest::collection::vec((filter(), select(names)), 12);
    let case = (proptest::collection::vec(holding(), 8), asked);
    let cases = Config::default().cases / 16;
    let config =
        Config { cases, max_shrink_iters: 200, failure_persistence: None, ..<_>::default() };
    let number = std::cell::Cell::new(0);
    let told = TestRunner::new(config).run(&case, |(people, asked)| {
        number.set(number.get() + 1);
        let slug = format!("added-{}", number.get());
        runtime.block_on(async {
            let store = &world.store;
            let organization = store.organization_named(&slug, NOW).await.unwrap().id;
            let plain = put(store, organization, definition(false), false).await;
            let kind = user_type(&plain);
            let writing = Arc::clone(&kind);
            let written = people.clone();
            store
                .write(organization, move |t| {
                    for (n, held) in written.iter().enumerate() {
                        let at = NOW + i64::try_from(n).unwrap() * 1_000;
                        let mut user =
                            Map::from_iter([("userName".to_owned(), format!("u{n}").into())]);
                        user.insert(URN.to_owned(), held.clone().into());
                        t.insert_resource(&writing, ResourceId(new_uuid(at)), &user, at)?;
                    }
                    Ok(())
                })
                .await
                .unwrap();
            for (text, sort_by) in &asked {
                let (found, right) = found(store, organization, &kind, text, sort_by).await?;
                prop_assert_eq!(&found, &right, "without an index: {}", text);
            }
            // While the index is built, and when it is.
            let mut registry = put(store, organization, definition(true), true).await;
            for stage in ["while it is built", "by the index"] {
                let kind = user_type(&registry);
                prop_assert_eq!(
                    kind.extension(URN).unwrap().attributes[0].building,
                    stage == "while it is built"
                );
                for (text, sort_by) in &asked {
                    let (found, right) = found(store, organization, &kind, text, sort_by).await?;
                    prop_assert_eq!(&found, &right, "{}: {}", stage, text);
                }
                loop {
                    let known = Arc::clone(&registry);
                    let more = store.write(organization, move |t| t.continue_build(&known)).await;
                    registry = store.newest_registry(organization).await.unwrap();
                    if !more.unwrap() {
                        break;
                    }
                }
            }
            Ok(())
        })
    });
    told.unwrap_or_else(|error| panic!("{error}"));
}

#[test]
fn sqlite_agrees_with_memory() {
    agree(Database::Sqlite);
}

#[test]
fn postgres_agrees_with_memory() {
    agree(Database::Postgres);
}
