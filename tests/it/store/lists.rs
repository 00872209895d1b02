//! Pages and their order.

use crate::world::{NOW, ORG, World, both, kind};
use rollcall::id::ResourceId;
use rollcall::scim::filter::{self, Condition, Field};
use rollcall::scim::list::{Query, Sort};
use rollcall::scim::path;
use rollcall::store::query::{Page, RESIDUAL_BOUND};
use rollcall::store::{Error, Result};
use serde_json::{Value, json};

fn condition(name: &str, text: &str) -> Condition {
    if text.is_empty() {
        return Condition::Always;
    }
    filter::parse(text).unwrap().resolve(&kind(name)).unwrap()
}

#[expect(clippy::unnecessary_wraps, reason = "as a query takes it")]
fn sort(name: &str, by: &str, descending: bool) -> Option<Sort> {
    let kind = kind(name);
    let place = kind.place(&path::attribute(by).unwrap()).unwrap();
    Some(Sort { field: Field::compared(&place).unwrap(), descending })
}

async fn list(world: &World, name: &str, query: Query) -> Result<Page> {
    let kind = kind(name);
    world.store.read(ORG, move |r| r.list(&kind, &query)).await
}

async fn ids(world: &World, text: &str, order: Option<Sort>) -> Vec<ResourceId> {
    let query =
        Query { condition: condition("User", text), sort: order, start_index: 1, count: 1_000 };
    let page = list(world, "User", query).await.unwrap();
    assert_eq!(page.total, page.resources.len());
    page.resources.into_iter().map(|resource| resource.id).collect()
}

async fn insert(world: &World, value: Value) -> ResourceId {
    world.insert("User", value).await.unwrap().id
}

both! {
    async fn pages_together_are_the_list(world: World) {
        for n in 0..23 {
            let title = if n % 3 == 0 { "boss" } else { "clerk" };
            let body = json!({"userName": format!("u{:02}", (n * 7) % 23), "title": title, "locale": format!("l{}", n % 2)});
            insert(&world, body).await;
        }
        world.group("not a user", &[]).await;
        for (text, total) in [
            ("", 23),
            ("title eq \"boss\"", 8),
            ("locale eq \"l1\"", 11),
            ("title eq \"clerk\" and locale eq \"l0\"", 8),
            ("title eq \"none\"", 0),
        ] {
            for order in [None, sort("User", "userName", true), sort("User", "locale", false), sort("User", "title", false)] {
                let all = ids(&world, text, order.clone()).await;
                assert_eq!(all.len(), total, "{text}");
                let mut seen = Vec::new();
                for start_index in (1..=29).step_by(4) {
                    let query = Query { condition: condition("User", text), sort: order.clone(), start_index, count: 4 };
                    let page = list(&world, "User", query).await.unwrap();
                    assert_eq!(page.total, total, "{text} from {start_index}");
                    seen.extend(page.resources.into_iter().map(|r| r.id));
                }
                assert_eq!(seen, all, "{text} {order:?}");
            }
            let none = Query { condition: condition("User", text), sort: None, start_index: 1, count: 0 };
            let page = list(&world, "User", none).await.unwrap();
            assert_eq!((page.total, page.resources.len()), (total, 0));
        }
    }

    async fn missing_values_come_last_and_first_when_descending(world: World) {
        let b = insert(&world, json!({"userName": "1", "displayName": "b", "nickName": "B", "locale": "b"})).await;
        let none = insert(&world, json!({"userName": "2"})).await;
        let a = insert(&world, json!({"userName": "3", "displayName": "A", "nickName": "a", "locale": "A"})).await;
        let same = insert(&world, json!({"userName": "4", "displayName": "a", "nickName": "A", "locale": "a"})).await;
        for by in ["displayName", "nickName", "locale"] {
            assert_eq!(ids(&world, "", sort("User", by, false)).await, [a, same, b, none], "{by}");
            assert_eq!(ids(&world, "", sort("User", by, true)).await, [none, b, a, same], "{by}");
        }
        assert_eq!(ids(&world, "", sort("User", "userName", true)).await, [same, a, none, b]);
        assert_eq!(ids(&world, "", sort("User", "meta.created", false)).await.len(), 4);
    }

    async fn several_values_sort_by_the_primary_or_the_first(world: World) {
        let bodies = [
            json!([{"value": "z"}, {"value": "a", "primary": true}]),
            json!([{"value": "c"}, {"value": "a"}]),
            json!([{"value": "b", "primary": false}]),
            json!([{"type": "work", "primary": true}, {"value": "a"}]),
        ];
        for by in ["emails", "photos.value"] {
            let mut people = Vec::new();
            for (n, elements) in bodies.iter().enumerate() {
                let attribute = by.split('.').next().unwrap();
                people.push(insert(&world, json!({"userName": format!("{by}{n}"), "title": by, attribute: elements})).await);
            }
            let order = sort("User", by, false);
            let found = ids(&world, &format!("title eq \"{by}\""), order).await;
            assert_eq!(found, [people[0], people[2], people[1], people[3]], "{by}");
        }
    }

    async fn too_much_to_look_at_is_refused(world: World) {
        let rows = RESIDUAL_BOUND + 1;
        let url = world.url.clone();
        let sql = |id: &str, series: &str| format!(
            "INSERT INTO resource (organization, id, kind, version, user_name, doc, created_us, modified_us) \
             SELECT 1, {id}, 'User', 1, 'u' || n, '{{\"userName\":\"u' || n || '\"}}', {NOW}, {NOW} {series}");
        crate::world::execute(&url,
            &sql("unhex(printf('%032x', n))", &format!("FROM (WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < {rows}) SELECT n FROM s)")),
            &sql("lpad(to_hex(n), 32, '0')::uuid", &format!("FROM generate_series(1, {rows}) n")));
        let asked = |text: &str, order| Query { condition: condition("User", text), sort: order, start_index: 1, count: 1 };
        let refused = list(&world, "User", asked("locale eq \"x\"", None)).await;
        assert!(matches!(refused, Err(Error::TooMany)));
        let refused = list(&world, "User", asked("", sort("User", "locale", false))).await;
        assert!(matches!(refused, Err(Error::TooMany)));
        let narrowed = list(&world, "User", asked("locale eq \"x\" and userName eq \"u7\"", None)).await;
        assert_eq!(narrowed.unwrap().total, 0);
        let page = list(&world, "User", asked("", sort("User", "userName", false))).await.unwrap();
        assert_eq!(page.total, usize::try_from(rows).unwrap());
    }

    async fn whether_one_resource_meets_a_condition(world: World) {
        let ann = world.insert("User", json!({"userName": "ann", "locale": "de"})).await.unwrap();
        let inner = world.group("Inner", &[ann.id]).await;
        let outer = world.group("Outer", &[inner]).await;
        for (text, expected) in [
            ("userName eq \"ANN\" and locale eq \"de\"".to_owned(), true),
            (format!("groups.value eq \"{outer}\""), true),
            ("groups[display eq \"outer\" and type eq \"indirect\"]".to_owned(), true),
            ("groups.display eq \"other\"".to_owned(), false),
        ] {
            let (ann, asked) = (ann.clone(), condition("User", &text));
            let met = world.store.read(ORG, move |r| r.meets(&kind("User"), &ann, &asked)).await;
            assert_eq!(met.unwrap(), expected, "{text}");
        }
        let group = world.store.read(ORG, move |r| r.resource("Group", outer)).await.unwrap().unwrap();
        for (text, expected) in [
            (format!("members[value eq \"{inner}\" and type eq \"Group\"]"), true),
            (format!("members[value eq \"{}\"]", ann.id), false),
            ("members.display eq \"inner\"".to_owned(), true),
        ] {
            let (group, asked) = (group.clone(), condition("Group", &text));
            let met = world.store.read(ORG, move |r| r.meets(&kind("Group"), &group, &asked)).await;
            assert_eq!(met.unwrap(), expected, "{text}");
        }
    }
}
