//! Filters are look-ups: what the databases say of how they find a page.

use crate::world::{NOW, ORG, World, both, execute, kind, new_id};
use rollcall::id::ResourceId;
use rollcall::scim::dialect::Reading;
use rollcall::scim::filter::{self, Condition, Field};
use rollcall::scim::list::{Parameters, Query, Search, Sort};
use rollcall::scim::path;
use rollcall::scim::schema::Registry;
use rollcall::scim::urn::ENTERPRISE_USER;
use serde_json::json;

const PEOPLE: usize = 2_000;

/// Enough rows that looking at all of them would be a mistake; answers a person and a group.
async fn fill(world: &World) -> (ResourceId, ResourceId) {
    let people: Vec<ResourceId> = (0..PEOPLE).map(|_| new_id()).collect();
    let all = people.clone();
    world
        .store
        .write(ORG, move |t| {
            let user = kind("User");
            for (n, id) in all.iter().enumerate() {
                let body = json!({
                    "userName": format!("user{n}"),
                    "externalId": format!("external-{n}"),
                    "displayName": format!("Person {n}"),
                    "active": n % 10 != 0,
                    "name": {"familyName": format!("Family{}", n % 400)},
                    "emails": [
                        {"value": format!("user{n}@example.org"), "type": "work", "primary": true},
                        {"value": format!("user{n}@home.example"), "type": "home"},
                    ],
                    ENTERPRISE_USER: {"department": format!("D{}", n % 200)},
                });
                t.insert_resource(&user, *id, &crate::world::attributes(body), NOW)?;
            }
            Ok(())
        })
        .await
        .unwrap();
    let mut groups = Vec::new();
    for n in 0..100 {
        groups.push(world.group(&format!("Group {n}"), &people[n * 20..(n + 1) * 20]).await);
    }
    execute(&world.url, "SELECT 1", "ANALYZE");
    (people[7], groups[3])
}

async fn plan(world: &World, name: &'static str, text: &str, order: Option<Sort>) -> String {
    let condition = match text {
        "" => Condition::Always,
        text => filter::parse(text).unwrap().resolve(&kind(name)).unwrap(),
    };
    let query = Query { condition, sort: order, start_index: 1, count: 100 };
    world.store.read(ORG, move |r| r.explain(&kind(name), &query)).await.unwrap()
}

both! {
    async fn look_ups_search_an_index(world: World) {
        let (person, group) = fill(&world).await;
        let filters = [
            ("User", "userName eq \"user7\"".to_owned()),
            ("User", "userName sw \"user77\"".to_owned()),
            ("User", "externalId eq \"external-7\"".to_owned()),
            ("User", "displayName eq \"person 7\"".to_owned()),
            ("User", format!("id eq \"{person}\"")),
            ("User", "emails.value eq \"user7@example.org\"".to_owned()),
            ("User", "emails eq \"user7@example.org\"".to_owned()),
            ("User", "emails[type eq \"work\" and value eq \"user7@example.org\"]".to_owned()),
            ("User", "emails[type eq \"work\" and value sw \"user77\"]".to_owned()),
            ("User", "name.familyName sw \"family39\"".to_owned()),
            ("User", format!("{ENTERPRISE_USER}:department eq \"d7\"")),
            ("User", "userName eq \"user7\" or emails.value eq \"user8@example.org\"".to_owned()),
            ("User", "userName eq \"user7\" and locale eq \"de\"".to_owned()),
            ("User", format!("groups.value eq \"{group}\"")),
            ("User", "groups.display eq \"group 3\"".to_owned()),
            ("Group", "displayName eq \"group 3\"".to_owned()),
            ("Group", format!("members.value eq \"{person}\"")),
            ("Group", format!("members[value eq \"{person}\" and type eq \"User\"]")),
            ("Group", format!("id eq \"{group}\" and members[value eq \"{person}\"]")),
        ];
        for (name, text) in filters {
            let plan = plan(&world, name, &text, None).await;
            let scans = match world.database {
                Database::Sqlite => plan.lines().any(|line| {
                    ["r", "a", "m", "g", "x"].iter().any(|alias| line.starts_with(&format!("SCAN {alias}")) && !line.contains("below"))
                }),
                // Of a directory this small PostgreSQL rightly reads all rather than look up the
                // members that it guesses a nest of groups to have.
                Database::Postgres if text.starts_with("groups") => false,
                Database::Postgres => ["resource r", "attribute a", "member m"]
                    .iter()
                    .any(|table| plan.contains(&format!("Seq Scan on {table}"))),
            };
            assert!(!scans, "{text}:\n{plan}");
            // Every index begins with organization and type: a search by those alone is a scan.
            let whole_type = plan.lines().any(|line| {
                line.ends_with("(organization=?)")
                    || line.contains("resource_") && line.ends_with("(organization=? AND kind=?)")
            });
            assert!(!whole_type, "{text}:\n{plan}");
        }
    }

    async fn sorting_looks_its_values_up(world: World) {
        fill(&world).await;
        let place = kind("User");
        let field = Field::compared(&place.place(&path::attribute("emails").unwrap()).unwrap());
        let order = Sort { field: field.unwrap(), descending: true };
        let plan = plan(&world, "User", "userName sw \"user77\"", Some(order)).await;
        let looked_up = match world.database {
            Database::Sqlite => "SEARCH s USING INDEX attribute_resource \
                (organization=? AND resource_id=? AND path=? AND element=?)",
            Database::Postgres => "using attribute_resource on attribute s",
        };
        assert!(plan.contains(looked_up), "{plan}");
    }

    async fn the_first_page_is_not_sorted(world: World) {
        fill(&world).await;
        let place = kind("User");
        let field = Field::compared(&place.place(&path::attribute("userName").unwrap()).unwrap());
        let by_name = Sort { field: field.unwrap(), descending: false };
        for (text, order) in [("", None), ("active eq true", None), ("", Some(by_name))] {
            let plan = plan(&world, "User", text, order).await;
            let whole = plan.contains("TEMP B-TREE FOR ORDER BY") || plan.contains("Seq Scan");
            assert!(!whole, "{text}:\n{plan}");
        }
    }

    /// However far somebody has paged, the next page begins in an index.
    async fn a_page_from_a_place_on_begins_there(world: World) {
        fill(&world).await;
        for (by, descending, all) in [
            (None, false, false), (Some("userName"), false, false), (Some("userName"), true, false),
            (Some("displayName"), false, false), (Some("meta.lastModified"), false, false), (None, false, true),
        ] {
            let parameters = Parameters {
                sort_by: by.map(Into::into),
                sort_order: descending.then(|| "descending".into()),
                cursor: Some(String::new()),
                count: Some("10".into()),
                ..Parameters::default()
            };
            let kinds = Registry::standard().resource_types;
            let mut search = {
                let reading = Reading::default();
                if all {
                    Search::of_all(&kinds, &parameters, &reading).unwrap()
                } else {
                    Search::of_type(&kinds[0], &parameters, &reading).unwrap()
                }
            };
            for backward in [false, true] {
                let asked = search.clone();
                let page = world.store.read(ORG, move |r| r.search(&asked)).await.unwrap();
                search = search.from(if backward { page.previous } else { page.next }.unwrap());
                let asked = search.clone();
                let plan = world.store.read(ORG, move |r| r.explain_from(&asked)).await.unwrap();
                let sought = match world.database {
                    Database::Sqlite => plan.lines().any(|line| line.starts_with("SEARCH r ") && (line.contains('>') || line.contains('<'))),
                    Database::Postgres => plan.contains("Index Cond") && !plan.contains("Seq Scan"),
                };
                let whole = plan.contains("TEMP B-TREE FOR ORDER BY");
                assert!(sought && !whole, "{by:?} {descending} {backward}:\n{plan}");
            }
        }
    }
}
