//! Memberships.

use crate::world::{NOW, ORG, World, both, new_id};
use rollcall::id::ResourceId;
use rollcall::scim::filter::{self, Condition};
use rollcall::scim::schema::Registry;
use rollcall::store::{Error, members::Membership};
use std::collections::HashSet;

async fn ids(world: &World, group: ResourceId) -> Vec<ResourceId> {
    let rows = world.store.read(ORG, move |r| r.members(group, None, 1_000)).await.unwrap();
    rows.into_iter().map(|row| row.id).collect()
}

async fn groups(world: &World, member: ResourceId) -> Vec<Membership> {
    let mut all = world.store.read(ORG, move |r| r.groups_of(&[member])).await.unwrap();
    all.remove(&member).unwrap_or_default()
}

fn condition(text: &str) -> Condition {
    let registry = Registry::standard();
    filter::parse(text).unwrap().resolve(registry.named("Group").unwrap()).unwrap()
}

both! {
    async fn members_join_and_leave(world: World) {
        let (ann, bob, cid) = (world.user("ann").await, world.user("bob").await, world.user("cid").await);
        let group = world.group("G", &[ann]).await;
        assert_eq!(world.add(group, &[bob, ann, bob, cid]).await.unwrap(), [bob, cid]);
        assert_eq!(ids(&world, group).await, [ann, bob, cid]);
        let count = world.store.read(ORG, move |r| r.member_count(group)).await.unwrap();
        assert_eq!(count, 3);
        let left = world.store.write(ORG, move |t| t.remove_members(group, &[bob, new_id(), bob])).await;
        assert_eq!(left.unwrap(), [bob]);
        let which = world.store.read(ORG, move |r| r.which_are_members(group, &[ann, bob])).await;
        assert_eq!(which.unwrap(), HashSet::from([ann]));
        let page = world.store.read(ORG, move |r| r.members(group, Some(ann), 5)).await.unwrap();
        assert_eq!(page.iter().map(|m| m.id).collect::<Vec<_>>(), [cid]);
    }

    async fn replacing_changes_only_the_difference(world: World) {
        let mut people = Vec::new();
        for n in 0..6 {
            people.push(world.user(&format!("u{n}")).await);
        }
        let group = world.group("G", &people[..4]).await;
        let next = vec![people[5], people[3], people[4], people[5], people[2]];
        let (joined, left) =
            world.store.write(ORG, move |t| t.replace_members(group, &next, NOW)).await.unwrap();
        assert_eq!(joined, [people[5], people[4]]);
        assert_eq!(left, [people[0], people[1]]);
        assert_eq!(ids(&world, group).await, people[2..]);
        let (joined, left) =
            world.store.write(ORG, move |t| t.replace_members(group, &[], NOW)).await.unwrap();
        assert_eq!((joined.len(), left.len()), (0, 4));
    }

    async fn ids_that_name_nobody_are_refused_and_nobody_joins(world: World) {
        let ann = world.user("ann").await;
        let group = world.group("G", &[]).await;
        let nobody = new_id();
        let refused = world.add(group, &[ann, nobody]).await;
        assert!(matches!(&refused, Err(Error::Dangling(id)) if *id == nobody.to_string()), "{refused:?}");
        assert_eq!(ids(&world, group).await, []);
    }

    async fn cycles_are_refused_however_long(world: World) {
        let c = world.group("C", &[]).await;
        let b = world.group("B", &[c]).await;
        let a = world.group("A", &[b]).await;
        for (group, member) in [(a, a), (b, a), (c, a), (c, b)] {
            let refused = world.add(group, &[member]).await;
            assert!(matches!(&refused, Err(Error::Refused(e)) if e.to_string().contains("members")), "{refused:?}");
        }
        world.add(a, &[c]).await.unwrap();
    }

    async fn groups_are_direct_or_indirect_and_direct_wins(world: World) {
        let ann = world.user("ann").await;
        let low = world.group("Low", &[ann]).await;
        let middle = world.group("Middle", &[low]).await;
        let high = world.group("High", &[middle, ann]).await;
        let of = |group, display: &str, indirect| Membership {
            group, display: Some(display.into()), indirect,
        };
        assert_eq!(
            groups(&world, ann).await,
            [of(low, "Low", false), of(middle, "Middle", true), of(high, "High", false)]
        );
        assert_eq!(groups(&world, low).await, [of(middle, "Middle", false), of(high, "High", true)]);
        assert_eq!(groups(&world, high).await, []);
    }

    async fn what_is_deleted_leaves_its_groups_and_frees_its_members(world: World) {
        let (ann, bob) = (world.user("ann").await, world.user("bob").await);
        let group = world.group("G", &[ann, bob]).await;
        world.store.write(ORG, move |t| t.delete_resource(ann)).await.unwrap();
        assert_eq!(ids(&world, group).await, [bob]);
        world.store.write(ORG, move |t| t.delete_resource(group)).await.unwrap();
        assert_eq!(groups(&world, bob).await, []);
    }

    async fn members_are_shown_as_they_are_written(world: World) {
        let ann = world.insert("User", serde_json::json!({"userName": "ANN", "displayName": "Ann Ä."})).await.unwrap().id;
        let bob = world.user("Bob").await;
        let inner = world.group("Inner", &[]).await;
        let group = world.group("G", &[ann, bob, inner]).await;
        let rows = world.store.read(ORG, move |r| r.members_of(&[group, inner])).await.unwrap();
        let shown: Vec<_> = rows[&group].iter().map(|m| (m.kind.as_str(), m.display.as_deref().unwrap())).collect();
        assert_eq!(shown, [("User", "Ann Ä."), ("User", "Bob"), ("Group", "Inner")]);
        assert_eq!(rows.len(), 1);
    }

    async fn members_leave_by_condition(world: World) {
        let (ann, bob) = (world.user("ann").await, world.user("bob").await);
        let (x, y) = (world.group("X", &[]).await, world.group("Y", &[]).await);
        let group = world.group("G", &[ann, bob, x, y]).await;
        for (text, expected) in [
            (format!("members[value eq \"{bob}\" and type eq \"Group\"]"), vec![]),
            (format!("members[value eq \"{}\"]", bob.to_string().to_uppercase()), vec![bob]),
            ("members[type eq \"group\" and display eq \"y\"]".to_owned(), vec![y]),
            ("members[not (type eq \"User\")]".to_owned(), vec![x]),
            ("members pr".to_owned(), vec![ann]),
        ] {
            let condition = condition(&text);
            let left = world.store.write(ORG, move |t| t.remove_members_where(group, &condition)).await;
            assert_eq!(left.unwrap(), expected, "{text}");
        }
    }

    async fn thousands_of_members_come_and_go_in_chunks(world: World) {
        let people: Vec<ResourceId> = (0..1_203).map(|_| new_id()).collect();
        let all = people.clone();
        let group = world.group("G", &[]).await;
        world.store.write(ORG, move |t| {
            for (n, id) in all.iter().enumerate() {
                let body = crate::world::attributes(serde_json::json!({"userName": format!("u{n}")}));
                t.insert_resource(&crate::world::kind("User"), *id, &body, NOW)?;
            }
            t.add_members(group, &all, NOW).map(drop)
        }).await.unwrap();
        let rest = people[1_000..].to_vec();
        let (joined, left) =
            world.store.write(ORG, move |t| t.replace_members(group, &rest, NOW)).await.unwrap();
        assert_eq!((joined.len(), left.len()), (0, 1_000));
        let condition = condition("members[type eq \"User\"]");
        let left = world.store.write(ORG, move |t| t.remove_members_where(group, &condition)).await;
        assert_eq!(left.unwrap().len(), 203);
    }
}
