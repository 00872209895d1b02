//! Pages by place: whatever comes and goes, nothing that stays is skipped or repeated.

use crate::world::{Database, NOW, ORG, World, attributes, block_on, both, kind, new_id};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use rollcall::id::ResourceId;
use rollcall::scim::cursor::Bound;
use rollcall::scim::dialect::Reading;
use rollcall::scim::list::{Paging, Parameters, Search};
use rollcall::scim::schema::Registry;
use rollcall::store::query::Found;
use rollcall::store::{Error, Result};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// A query without its page.
#[derive(Debug, Clone)]
struct Asked {
    filter: Option<&'static str>,
    by: Option<&'static str>,
    descending: bool,
    all: bool,
}

impl Asked {
    fn search(&self, page: Paging) -> Search {
        let parameters = Parameters {
            filter: self.filter.map(Into::into),
            sort_by: self.by.map(Into::into),
            sort_order: self.descending.then(|| "descending".into()),
            ..Parameters::default()
        };
        let kinds = Registry::standard().resource_types;
        let search = if self.all {
            Search::of_all(&kinds, &parameters, &Reading::default())
        } else {
            Search::of_type(&kinds[0], &parameters, &Reading::default())
        };
        Search { page, ..search.unwrap() }
    }

    async fn page(&self, world: &World, count: usize, from: Option<Bound>) -> Result<Found> {
        let search = self.search(Paging::Cursor { count, from });
        world.store.read(ORG, move |r| r.search(&search)).await
    }

    /// The whole list, as one page by index shows it.
    async fn whole(&self, world: &World) -> Vec<ResourceId> {
        let search = self.search(Paging::Index { start_index: 1, count: 1_000 });
        let found = world.store.read(ORG, move |r| r.search(&search)).await.unwrap();
        assert_eq!(found.total, Some(found.resources.len()), "{self:?}");
        assert_eq!((found.previous, found.next), (None, None));
        ids(&found.resources)
    }

    /// The list in pages by index.
    async fn by_index(&self, world: &World, count: usize) -> Vec<ResourceId> {
        let mut seen = Vec::new();
        for start_index in (1..).step_by(count) {
            let search = self.search(Paging::Index { start_index, count });
            let found = world.store.read(ORG, move |r| r.search(&search)).await.unwrap();
            if found.resources.is_empty() {
                assert!(seen.len() < start_index && found.total == Some(seen.len()), "{self:?}");
                return seen;
            }
            seen.extend(ids(&found.resources));
        }
        unreachable!()
    }
}

fn ids(resources: &[rollcall::store::resources::Stored]) -> Vec<ResourceId> {
    resources.iter().map(|resource| resource.id).collect()
}

/// What can be asked: filters that an index knows and that none knows, sorted by what is a column,
/// a row, or neither, over one type and over all.
fn everything() -> Vec<Asked> {
    let mut all = Vec::new();
    for wide in [false, true] {
        let filters: &[Option<&str>] = if wide {
            &[
                None,
                Some("displayName pr or locale eq \"de\""),
                Some("meta.resourceType eq \"Group\""),
            ]
        } else {
            &[None, Some("title pr"), Some("locale eq \"de\""), Some("userName eq \"nobody\"")]
        };
        for filter in filters {
            for by in [
                None,
                Some("id"),
                Some("userName"),
                Some("displayName"),
                Some("title"),
                Some("emails"),
                Some("locale"),
                Some("active"),
                Some("meta.created"),
                Some("meta.version"),
            ] {
                for descending in [false, true] {
                    if by.is_some() || !descending {
                        all.push(Asked { filter: *filter, by, descending, all: wide });
                    }
                }
            }
        }
    }
    all
}

/// A person number `n`, with values, with equal values, with none, and with long ones.
fn person(n: usize) -> Value {
    let mut body = json!({"userName": format!("u{:02}", (n * 37) % 100)});
    let mut say =
        |name: &str, value: Value| body.as_object_mut().unwrap().insert(name.into(), value);
    if !n.is_multiple_of(3) {
        say("displayName", format!("Name {}", n % 5).into());
    }
    if n % 4 != 1 {
        // Longer than what an index row holds, and different only behind that.
        let end = ["é", "z", "\u{10000}", "a"][n % 4];
        say("title", format!("{}{end}{}", "t".repeat([0, 3, 251, 300][n % 4]), n % 2).into());
    }
    if n % 5 != 2 {
        say(
            "emails",
            json!([{"value": "zz@x"}, {"value": format!("e{}@x", n % 7), "primary": true}]),
        );
    }
    say("locale", ["de", "en", "de"][n % 3].into());
    say("active", n.is_multiple_of(2).into());
    body
}

async fn fill(world: &World, count: usize) {
    for n in 0..count {
        world.insert("User", person(n)).await.unwrap();
        if n % 4 == 0 {
            let team = json!({"displayName": format!("Name {}", n % 6)});
            world.insert("Group", team).await.unwrap();
        }
    }
}

both! {
    async fn walking_forward_and_back_is_the_whole_list(world: World) {
        fill(&world, 26).await;
        for asked in everything() {
            let whole = asked.whole(&world).await;
            for count in [4, 50] {
                assert_eq!(asked.by_index(&world, count).await, whole, "{asked:?}");
                let (mut pages, mut from) = (Vec::new(), None);
                loop {
                    let first = from.is_none();
                    let page = asked.page(&world, count, from).await.unwrap();
                    assert_eq!(page.total, first.then_some(whole.len()), "{asked:?}");
                    assert_eq!(page.previous.is_none(), first, "{asked:?}");
                    pages.push(page);
                    from = pages.last().unwrap().next.clone();
                    if from.is_none() {
                        break;
                    }
                }
                let seen: Vec<Vec<ResourceId>> = pages.iter().map(|page| ids(&page.resources)).collect();
                assert_eq!(seen.concat(), whole, "{asked:?} in pages of {count}");
                assert!(seen.iter().rev().skip(1).all(|page| page.len() == count));
                // And back.
                let (mut back, mut from) = (Vec::new(), pages.last().unwrap().previous.clone());
                while let Some(bound) = from {
                    let page = asked.page(&world, count, Some(bound)).await.unwrap();
                    assert!(page.next.is_some());
                    back.push(ids(&page.resources));
                    from = page.previous;
                }
                let expected: Vec<_> = seen.iter().rev().skip(1).cloned().collect();
                assert_eq!(back, expected, "{asked:?} in pages of {count}, backward");
            }
        }
    }

    async fn nobody_is_on_a_page_of_none(world: World) {
        fill(&world, 5).await;
        let asked = Asked { filter: None, by: None, descending: false, all: false };
        let page = asked.page(&world, 0, None).await.unwrap();
        assert_eq!((page.total, page.resources.len(), page.previous, page.next), (Some(5), 0, None, None));
    }

    async fn a_place_of_another_order_is_refused(world: World) {
        fill(&world, 9).await;
        let of = |by, all| Asked { filter: None, by, descending: false, all };
        let bound = of(Some("meta.created"), false).page(&world, 2, None).await.unwrap().next.unwrap();
        for other in [None, Some("userName"), Some("title")] {
            let refused = of(other, false).page(&world, 2, Some(bound.clone())).await;
            assert!(matches!(refused, Err(Error::Refused(_))), "{refused:?}");
        }
    }

    /// All go while somebody is at the end of the list: then nothing is left there, and the way
    /// back and forth stays open.
    async fn an_empty_page_leads_to_what_came_since(world: World) {
        for by in [None, Some("userName"), Some("locale")] {
            let asked = Asked { filter: None, by, descending: false, all: false };
            for n in 0..6 {
                world.insert("User", json!({"userName": format!("m{n}"), "locale": format!("m{n}")})).await.unwrap();
            }
            let first = asked.page(&world, 3, None).await.unwrap();
            let last = asked.page(&world, 3, first.next.clone()).await.unwrap();
            for id in asked.whole(&world).await {
                world.store.write(ORG, move |t| t.delete_resource(id)).await.unwrap();
            }
            let empty = asked.page(&world, 3, first.next).await.unwrap();
            assert_eq!((empty.resources.len(), empty.next), (0, None));
            let before = asked.page(&world, 3, empty.previous).await.unwrap();
            assert_eq!((before.resources.len(), before.previous), (0, None));
            let z = world.insert("User", json!({"userName": "z", "locale": "z"})).await.unwrap().id;
            let again = asked.page(&world, 3, before.next).await.unwrap();
            assert_eq!(ids(&again.resources), [z]);
            let back = asked.page(&world, 3, last.previous).await.unwrap();
            assert_eq!((back.resources.len(), back.previous), (0, None));
            let forth = asked.page(&world, 3, back.next).await.unwrap();
            assert_eq!(ids(&forth.resources), [z]);
            world.store.write(ORG, move |t| t.delete_resource(z)).await.unwrap();
        }
    }
}

/// What happens between two pages.
#[derive(Debug, Clone)]
enum Step {
    Insert(usize),
    Delete(usize),
}

fn steps() -> impl Strategy<Value = Vec<Vec<Step>>> {
    let step = prop_oneof![
        (0_usize..1_000).prop_map(Step::Insert),
        (0_usize..1_000).prop_map(Step::Delete),
    ];
    proptest::collection::vec(proptest::collection::vec(step, 0..4), 12)
}

/// Whatever is added and deleted between pages, in both directions.
#[test]
fn what_stays_is_seen_once() {
    for database in [Database::Sqlite, Database::Postgres] {
        let world = block_on(World::new(database));
        let asked = everything();
        let mut runner =
            TestRunner::new(Config { cases: 40, failure_persistence: None, ..Config::default() });
        let case = (0..asked.len(), 1_usize..5, steps());
        let ran = runner
            .run(&case, |(at, count, steps)| block_on(disturbed(&world, &asked[at], count, steps)));
        if let Err(error) = ran {
            panic!("{database:?}: {error}");
        }
    }
}

async fn disturbed(
    world: &World,
    asked: &Asked,
    count: usize,
    steps: Vec<Vec<Step>>,
) -> std::result::Result<(), TestCaseError> {
    let wide = Asked { filter: None, by: None, descending: false, all: true };
    for id in wide.whole(world).await {
        world.store.write(ORG, move |t| t.delete_resource(id)).await.unwrap();
    }
    fill(world, 12).await;
    let mut present: BTreeSet<ResourceId> = asked.whole(world).await.into_iter().collect();
    let (mut seen, mut from) = (Vec::new(), None);
    let mut steps = steps.into_iter();
    // To the end, with a disturbance after each page.
    let (last, mut before) = loop {
        let page = asked.page(world, count, from).await.unwrap();
        seen.extend(ids(&page.resources));
        // Who is before this page is met on the way back.
        let whole = asked.whole(world).await;
        let place =
            whole.iter().position(|id| page.resources.first().is_some_and(|one| one.id == *id));
        let before: BTreeSet<ResourceId> =
            whole.into_iter().take(place.unwrap_or(usize::MAX)).collect();
        let mut all = present.union(&before).copied().collect();
        disturb(world, &mut all, steps.next().unwrap_or_default()).await;
        present.retain(|id| all.contains(id));
        let before = before.into_iter().filter(|id| all.contains(id)).collect();
        match page.next.clone() {
            Some(next) => from = Some(next),
            None => break (page, before),
        }
    };
    check(&seen, &present, "forward")?;
    // And back to the beginning.
    let (mut seen, mut from) = (Vec::new(), last.previous);
    while let Some(bound) = from {
        let page = asked.page(world, count, Some(bound)).await.unwrap();
        seen.extend(ids(&page.resources));
        disturb(world, &mut before, steps.next().unwrap_or_default()).await;
        from = page.previous;
    }
    check(&seen, &before, "backward")
}

fn check(
    seen: &[ResourceId],
    present: &BTreeSet<ResourceId>,
    way: &str,
) -> std::result::Result<(), TestCaseError> {
    let once: BTreeSet<ResourceId> = seen.iter().copied().collect();
    prop_assert_eq!(once.len(), seen.len(), "somebody is repeated, {}", way);
    let skipped: Vec<_> = present.difference(&once).collect();
    prop_assert!(skipped.is_empty(), "skipped, {}: {:?}", way, skipped);
    Ok(())
}

/// Does that; who goes is no longer among those present throughout.
async fn disturb(world: &World, present: &mut BTreeSet<ResourceId>, steps: Vec<Step>) {
    for step in steps {
        match step {
            Step::Insert(n) => {
                let (kind, mut body) = (kind("User"), person(n));
                body["userName"] = format!("u{:02}-{}", n % 100, new_id()).into();
                let body = attributes(body);
                world
                    .store
                    .write(ORG, move |t| t.insert_resource(&kind, new_id(), &body, NOW))
                    .await
                    .unwrap();
            }
            Step::Delete(n) => {
                let all: Vec<ResourceId> = present.iter().copied().collect();
                if all.is_empty() {
                    continue;
                }
                let id = all[n % all.len()];
                present.remove(&id);
                world.store.write(ORG, move |t| t.delete_resource(id)).await.unwrap();
            }
        }
    }
}
