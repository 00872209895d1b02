//! Who an app is told of in the words of another's account.

use crate::world::{NOW, ORG, World, both, execute, new_id};
use rollcall::id::{AppId, OrganizationId, ResourceId};
use rollcall::store::Error;

async fn put(world: &World, app: AppId, resource: ResourceId, targets: &[ResourceId]) {
    let targets = targets.to_vec();
    world.store.write(ORG, move |t| t.put_references(app, resource, &targets)).await.unwrap();
}

async fn of(world: &World, app: AppId, resource: ResourceId) -> Vec<ResourceId> {
    world.store.read(ORG, move |r| r.references(app, resource)).await.unwrap()
}

async fn mark(world: &World, app: AppId, target: ResourceId) -> i64 {
    world.store.write(ORG, move |t| t.mark_referrers(app, target, NOW)).await.unwrap()
}

/// What is due in an app: of which kind, and how many changes there were.
async fn due(world: &World, app: AppId) -> Vec<(ResourceId, String, i64)> {
    let jobs = world
        .store
        .write(ORG, move |t| t.claim_jobs(app, NOW, 1_000, NOW + 1, false))
        .await
        .unwrap();
    jobs.into_iter().map(|job| (job.resource, job.kind, job.generation)).collect()
}

both! {
    async fn references_are_replaced_as_a_set(world: World) {
        let (app, other) = (world.app("One").await, world.app("Other").await);
        let (ann, bob) = (world.user("ann").await, world.user("bob").await);
        let targets: Vec<ResourceId> = (0..5).map(|_| new_id()).collect();
        put(&world, app, ann, &[targets[3], targets[0], targets[3], targets[1]]).await;
        put(&world, app, bob, &targets[4..]).await;
        put(&world, other, ann, &targets[4..]).await;
        assert_eq!(of(&world, app, ann).await, [targets[0], targets[1], targets[3]]);
        put(&world, app, ann, &[targets[1], targets[2]]).await;
        assert_eq!(of(&world, app, ann).await, targets[1..3]);
        put(&world, app, ann, &[]).await;
        assert_eq!(of(&world, app, ann).await, []);
        assert_eq!(of(&world, app, bob).await, targets[4..]);
        assert_eq!(of(&world, other, ann).await, targets[4..]);
    }

    async fn hundreds_are_replaced_in_chunks(world: World) {
        let (app, ann) = (world.app("App").await, world.user("ann").await);
        let targets: Vec<ResourceId> = (0..1_203).map(|_| new_id()).collect();
        put(&world, app, ann, &targets).await;
        assert_eq!(of(&world, app, ann).await, targets);
        put(&world, app, ann, &targets[1_200..]).await;
        assert_eq!(of(&world, app, ann).await, targets[1_200..]);
    }

    async fn what_is_said_again_is_not_written(world: World) {
        let (app, ann) = (world.app("App").await, world.user("ann").await);
        let targets = [new_id(), new_id()];
        put(&world, app, ann, &targets).await;
        execute(
            &world.url,
            "CREATE TRIGGER no_insert BEFORE INSERT ON account_reference BEGIN SELECT RAISE(ABORT, 'insert'); END; \
             CREATE TRIGGER no_delete BEFORE DELETE ON account_reference BEGIN SELECT RAISE(ABORT, 'delete'); END",
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'written'; END $$; \
             CREATE TRIGGER written BEFORE INSERT OR DELETE ON account_reference EXECUTE FUNCTION refuse()",
        );
        put(&world, app, ann, &[targets[1], targets[0]]).await;
        let changed = world.store.write(ORG, move |t| t.put_references(app, ann, &targets[..1])).await;
        assert!(matches!(changed, Err(Error::Database(_))), "{changed:?}");
    }

    async fn those_who_refer_become_due_with_one_change_more(world: World) {
        let (app, other) = (world.app("One").await, world.app("Other").await);
        let (ann, bob, cid) = (world.user("ann").await, world.user("bob").await, world.user("cid").await);
        let (boss, group) = (world.user("boss").await, world.group("G", &[]).await);
        for referrer in [ann, bob, group] {
            put(&world, app, referrer, &[cid, boss]).await;
        }
        put(&world, app, cid, &[ann]).await;
        put(&world, other, cid, &[boss]).await;
        assert_eq!(mark(&world, app, boss).await, 3);
        assert_eq!(mark(&world, app, ann).await, 1);
        assert_eq!(mark(&world, app, boss).await, 3);
        assert_eq!(mark(&world, app, new_id()).await, 0);
        let mut marked = due(&world, app).await;
        assert_eq!(marked.pop(), Some((group, "Group".into(), 2)), "groups come after people");
        marked.sort();
        let user = |id, generation| (id, "User".to_owned(), generation);
        assert_eq!(marked, [user(ann, 2), user(bob, 2), user(cid, 1)]);
        assert_eq!(due(&world, other).await, []);
    }

    async fn who_is_gone_from_the_directory_is_not_due(world: World) {
        let app = world.app("App").await;
        let (ann, bob, boss) = (world.user("ann").await, world.user("bob").await, world.user("boss").await);
        put(&world, app, ann, &[boss]).await;
        put(&world, app, bob, &[boss]).await;
        world.store.write(ORG, move |t| t.delete_resource(ann)).await.unwrap();
        world.store.write(ORG, move |t| t.delete_resource(boss)).await.unwrap();
        assert_eq!(of(&world, app, ann).await, [boss], "as its account is still there");
        assert_eq!(mark(&world, app, boss).await, 1);
        assert_eq!(due(&world, app).await, [(bob, "User".into(), 1)]);
        world.store.write(ORG, move |t| t.delete_link(app, ann, false)).await.unwrap();
        assert_eq!(of(&world, app, ann).await, []);
        assert_eq!(of(&world, app, bob).await, [boss]);
    }

    async fn references_go_with_the_app_and_stay_in_the_organization(world: World) {
        let (app, ann, boss) = (world.app("App").await, world.user("ann").await, new_id());
        let other: OrganizationId = world.store.organization_named("other", NOW).await.unwrap().id;
        world.app_in(other, app, "App").await;
        put(&world, app, ann, &[boss]).await;
        assert_eq!(world.store.read(other, move |r| r.references(app, ann)).await.unwrap(), []);
        assert_eq!(world.store.write(other, move |t| t.mark_referrers(app, boss, NOW)).await.unwrap(), 0);
        let theirs = new_id();
        world.store.write(other, move |t| t.put_references(app, ann, &[theirs])).await.unwrap();
        assert_eq!(of(&world, app, ann).await, [boss]);
        world.store.write(ORG, move |t| t.delete_app(app, "app")).await.unwrap();
        assert_eq!(of(&world, app, ann).await, []);
        assert_eq!(world.store.read(other, move |r| r.references(app, ann)).await.unwrap(), [theirs]);
        let refused = world.store.write(ORG, move |t| t.put_references(app, ann, &[boss])).await;
        assert!(matches!(refused, Err(Error::NotFound)), "{refused:?}");
    }
}
