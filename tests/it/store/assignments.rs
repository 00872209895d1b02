//! Who is assigned to an app.

use crate::world::{NOW, ORG, World, attributes, both, kind, new_id};
use rollcall::id::{AppId, ResourceId};
use rollcall::store::Error;
use rollcall::store::assignments::AssignmentRow;
use rollcall::store::jobs::{Closed, Priority};
use serde_json::{Map, Value, json};
use std::collections::{HashMap, HashSet};

fn row(app: AppId, resource: ResourceId, kind: &str, assigned_us: i64) -> AssignmentRow {
    AssignmentRow {
        app,
        resource,
        kind: kind.to_owned(),
        fields: attributes(json!({"role": "reader", "seats": 3, "tags": ["a", {"b": null}]})),
        author: "client:okta".to_owned(),
        assigned_us,
        modified_us: assigned_us,
    }
}

async fn put(world: &World, row: &AssignmentRow) {
    let row = row.clone();
    world.store.write(ORG, move |t| t.put_assignment(&row)).await.unwrap();
}

async fn page(
    world: &World,
    app: AppId,
    kind: Option<&'static str>,
    after: Option<ResourceId>,
    limit: i64,
) -> Vec<ResourceId> {
    let rows = world.store.read(ORG, move |r| r.assignments(app, kind, after, limit)).await;
    rows.unwrap().into_iter().map(|row| row.resource).collect()
}

async fn mark(world: &World, app: AppId, group: ResourceId) -> i64 {
    world.store.write(ORG, move |t| t.mark_below(app, group, NOW)).await.unwrap()
}

/// Many people at once.
async fn crowd(world: &World, count: usize) -> Vec<ResourceId> {
    let people: Vec<ResourceId> = (0..count).map(|_| new_id()).collect();
    let all = people.clone();
    let insert = world.store.write(ORG, move |t| {
        for (n, id) in all.iter().enumerate() {
            let body = attributes(json!({"userName": format!("u{n}")}));
            t.insert_resource(&kind("User"), *id, &body, NOW)?;
        }
        Ok(())
    });
    insert.await.unwrap();
    people
}

both! {
    async fn an_assignment_is_kept_as_it_is(world: World) {
        let (app, other) = (world.app("One").await, world.app("Other").await);
        let (ann, group) = (world.user("ann").await, world.group("G", &[]).await);
        let (anns, groups) = (row(app, ann, "User", 10), row(app, group, "Group", 20));
        put(&world, &anns).await;
        put(&world, &groups).await;
        let one = world.store.read(ORG, move |r| r.assignment(app, ann)).await.unwrap();
        assert_eq!(one, Some(anns.clone()));
        assert_eq!(world.store.read(ORG, move |r| r.assignment(other, ann)).await.unwrap(), None);
        let ids = [ann, new_id(), group];
        let several = world.store.read(ORG, move |r| r.assignments_of(app, &ids)).await.unwrap();
        assert_eq!(several, HashMap::from([(ann, anns), (group, groups)]));
        assert!(world.store.write(ORG, move |t| t.remove_assignment(app, ann)).await.unwrap());
        assert!(!world.store.write(ORG, move |t| t.remove_assignment(app, ann)).await.unwrap());
        assert_eq!(page(&world, app, None, None, 10).await, [group]);
    }

    async fn what_is_assigned_again_stays_assigned_since_it_was(world: World) {
        let (app, ann) = (world.app("App").await, world.user("ann").await);
        let first = row(app, ann, "User", 10);
        put(&world, &first).await;
        let next = AssignmentRow {
            fields: Map::from_iter([("role".to_owned(), Value::Null)]),
            author: "cli".to_owned(),
            ..row(app, ann, "User", 20)
        };
        put(&world, &next).await;
        let one = world.store.read(ORG, move |r| r.assignment(app, ann)).await.unwrap();
        assert_eq!(one, Some(AssignmentRow { assigned_us: 10, modified_us: 20, ..next }));
    }

    async fn assignments_are_read_by_kind_and_page(world: World) {
        let (app, other) = (world.app("One").await, world.app("Other").await);
        let (mut users, mut groups) = (Vec::new(), Vec::new());
        for n in 0..3 {
            users.push(world.user(&format!("u{n}")).await);
            groups.push(world.group(&format!("G{n}"), &[]).await);
            put(&world, &row(app, users[n], "User", 1)).await;
        }
        put(&world, &row(other, groups[0], "Group", 1)).await;
        for (group, at) in [(groups[0], 30), (groups[2], 20), (groups[1], 20)] {
            put(&world, &row(app, group, "Group", at)).await;
        }
        let all = [users[0], groups[0], users[1], groups[1], users[2], groups[2]];
        assert_eq!(page(&world, app, None, None, 10).await, all);
        assert_eq!(page(&world, app, None, Some(users[1]), 2).await, [groups[1], users[2]]);
        assert_eq!(page(&world, app, Some("User"), None, 10).await, users);
        assert_eq!(page(&world, app, Some("Group"), None, 2).await, groups[..2]);
        assert_eq!(page(&world, app, Some("Group"), Some(groups[1]), 2).await, groups[2..]);
    }

    async fn many_are_looked_up_in_chunks(world: World) {
        let (app, people) = (world.app("App").await, crowd(&world, 1_203).await);
        let all = people.clone();
        let read = world.store.write(ORG, move |t| {
            for id in all.iter().step_by(2) {
                t.put_assignment(&row(app, *id, "User", NOW))?;
            }
            t.assignments_of(app, &all)
        }).await.unwrap();
        assert_eq!(read.into_keys().collect::<HashSet<_>>(), people.into_iter().step_by(2).collect());
    }

    async fn assignments_go_with_the_app_and_with_the_resource(world: World) {
        let (app, other) = (world.app("One").await, world.app("Other").await);
        let (ann, bob) = (world.user("ann").await, world.user("bob").await);
        let group = world.group("G", &[bob]).await;
        for app in [app, other] {
            for (resource, kind) in [(ann, "User"), (bob, "User"), (group, "Group")] {
                put(&world, &row(app, resource, kind, NOW)).await;
            }
        }
        world.store.write(ORG, move |t| t.delete_resource(ann)).await.unwrap();
        assert_eq!(page(&world, app, None, None, 10).await, [bob, group]);
        assert_eq!(page(&world, other, None, None, 10).await, [bob, group]);
        world.store.write(ORG, move |t| t.delete_resource(group)).await.unwrap();
        assert_eq!(page(&world, app, None, None, 10).await, [bob]);
        world.store.write(ORG, move |t| t.delete_app(app, "app")).await.unwrap();
        assert_eq!(page(&world, app, None, None, 10).await, []);
        assert_eq!(page(&world, other, None, None, 10).await, [bob]);
    }

    async fn only_what_is_there_is_assigned(world: World) {
        let (app, ann) = (world.app("App").await, world.user("ann").await);
        for wrong in [row(app, new_id(), "User", 1), row(AppId(new_id().0), ann, "User", 1)] {
            let refused = world.store.write(ORG, move |t| t.put_assignment(&wrong)).await;
            assert!(matches!(refused, Err(Error::NotFound)), "{refused:?}");
        }
    }

    async fn organizations_do_not_meet(world: World) {
        let (app, ann) = (world.app("App").await, world.user("ann").await);
        let group = world.group("G", &[ann]).await;
        put(&world, &row(app, ann, "User", 1)).await;
        put(&world, &row(app, group, "Group", 1)).await;
        // The same ids in another organization.
        let other = world.store.organization_named("other", NOW).await.unwrap().id;
        world.app_in(other, app, "App").await;
        let (nothing, marked) = world.store.write(other, move |t| {
            for (id, name, body) in [(ann, "User", json!({"userName": "ann"})), (group, "Group", json!({"displayName": "G"}))] {
                t.insert_resource(&kind(name), id, &attributes(body), NOW)?;
            }
            let nothing = t.assignments(app, None, None, 10)?.is_empty()
                && t.assignment(app, ann)?.is_none()
                && t.assignments_of(app, &[ann, group])?.is_empty()
                && !t.remove_assignment(app, ann)?;
            let marked = t.mark_below(app, group, NOW)?;
            t.add_members(group, &[ann], NOW)?;
            t.put_assignment(&row(app, group, "Group", 2))?;
            Ok((nothing, marked))
        }).await.unwrap();
        assert!(nothing);
        assert_eq!(marked, 0, "nobody is in the group there");
        assert_eq!(page(&world, app, None, None, 10).await, [ann, group]);
        let theirs = world.store.read(other, move |r| r.assignments(app, None, None, 10)).await.unwrap();
        assert_eq!(theirs, [row(app, group, "Group", 2)]);
        let queue = async |organization| world.store.read(organization, move |r| r.queue(app)).await.unwrap();
        assert_eq!(mark(&world, app, group).await, 1);
        assert_eq!((queue(ORG).await.ready, queue(other).await.ready), (1, 0));
    }

    async fn everybody_below_a_group_becomes_due_once(world: World) {
        let (app, other) = (world.app("One").await, world.app("Other").await);
        let people = crowd(&world, 2_003).await;
        // The last two are outside. Some are in several groups, and in one by two ways.
        let low = world.group("Low", &people[..1_200]).await;
        let side = world.group("Side", &people[1_000..2_000]).await;
        let middle = world.group("Middle", &[low, side, people[0]]).await;
        let high = world.group("High", &[middle, low, people[2_000]]).await;
        world.group("Above", &[high, people[2_001]]).await;

        // Of those who are due already, one is being pushed and one waits for a person.
        let (running, parked, waiting) = (people[3], people[4], people[5]);
        let claimed = world.store.write(ORG, move |t| {
            let due = [running, parked].map(|id| (id, "User", Priority::User));
            t.mark_due(app, &due, NOW)?;
            let claimed = t.claim_jobs(app, NOW, 10, NOW + 1, false)?;
            let job = claimed.iter().find(|job| job.resource == parked).ok_or(Error::NotFound)?;
            assert!(t.park_job(app, job, "{}")?);
            t.mark_due(app, &[(waiting, "User", Priority::Sweep)], NOW)?;
            Ok(claimed)
        }).await.unwrap();

        assert_eq!(mark(&world, app, high).await, 2_001);
        let queue = world.store.read(ORG, move |r| r.queue(app)).await.unwrap();
        assert_eq!((queue.ready, queue.running, queue.parked), (2_000, 1, 0));
        assert_eq!(world.store.read(ORG, move |r| r.queue(other)).await.unwrap().ready, 0);

        let held = claimed.into_iter().find(|job| job.resource == running).unwrap();
        let jobs = world.store.write(ORG, move |t| {
            assert_eq!(t.close_job(app, &held, NOW)?, Closed::Again, "it changed meanwhile");
            t.claim_jobs(app, NOW, 5_000, NOW + 1, false)
        }).await.unwrap();
        let due: HashMap<ResourceId, (String, i64)> =
            jobs.iter().map(|job| (job.resource, (job.kind.clone(), job.generation))).collect();
        assert_eq!((jobs.len(), due.len()), (2_001, 2_001));
        for id in &people[..2_001] {
            let changes = if [running, parked, waiting].contains(id) { 2 } else { 1 };
            assert_eq!(due[id], ("User".to_owned(), changes), "{id}");
        }

        // People come before a group that is due as well, and none of them twice.
        assert_eq!(mark(&world, other, high).await, 2_001);
        assert_eq!(mark(&world, other, side).await, 1_000);
        let jobs = world.store.write(ORG, move |t| {
            t.mark_due(other, &[(high, "Group", Priority::Group)], NOW - 1)?;
            t.claim_jobs(other, NOW, 5_000, NOW + 1, false)
        }).await.unwrap();
        assert_eq!(jobs.len(), 2_002);
        assert_eq!(jobs.last().unwrap().resource, high);
        assert_eq!(jobs.iter().filter(|job| job.generation == 2).count(), 1_000);
    }

    async fn below_a_person_is_the_person_and_below_nobody_is_nobody(world: World) {
        let (app, ann) = (world.app("App").await, world.user("ann").await);
        let empty = world.group("Empty", &[]).await;
        let group = world.group("G", &[empty]).await;
        assert_eq!(mark(&world, app, ann).await, 1);
        for nobody in [empty, group, new_id()] {
            assert_eq!(mark(&world, app, nobody).await, 0);
        }
    }
}
