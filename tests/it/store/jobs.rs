//! Work that is due, and who has it.

use crate::world::{NOW, ORG, both, new_id};
use rollcall::id::{InstanceId, ResourceId};
use rollcall::store::apps::AppRow;
use rollcall::store::jobs::Priority;
use serde_json::{Value, json};

both! {
    /// PostgreSQL found others for each row that it looked at, and one claim took them all.
    async fn a_claim_takes_no_more_than_was_asked_for(world: World) {
        let app = world.app("App").await;
        let people: Vec<ResourceId> = (0..40).map(|_| new_id()).collect();
        world.store.write(ORG, move |t| {
            let due: Vec<_> = people.iter().map(|id| (*id, "User", Priority::User)).collect();
            t.mark_due(app, &due, NOW)
        }).await.unwrap();
        for (limit, taken) in [(1, 1), (1, 1), (2, 2), (5, 5), (40, 31), (1, 0)] {
            let claimed = world
                .store
                .write(ORG, move |t| t.claim_jobs(app, NOW, limit, NOW + 1, false))
                .await
                .unwrap();
            assert_eq!(claimed.len(), taken);
        }
    }

    async fn who_waits_is_looked_at_again_some_at_a_time_when_the_policy_changes(world: World) {
        let app = world.app("App").await;
        let people: Vec<ResourceId> = (0..1_200).map(|_| new_id()).collect();
        let change = |policy: Value| {
            world.store.write(ORG, move |t| {
                let row = t.app(app)?.unwrap();
                t.update_app(&AppRow { policy: policy.clone(), name: "Other".into(), ..row }, NOW)
            })
        };
        let left = || async {
            world.store.write(ORG, move |t| {
                let claimed = t.claim_jobs(app, NOW, 5_000, NOW + 1, false)?;
                claimed.iter().try_for_each(|job| t.close_job(app, job, NOW).map(|_| ()))?;
                t.queue(app).map(|queue| queue.waiting)
            }).await.unwrap()
        };
        world.store.write(ORG, move |t| {
            let due: Vec<_> = people.iter().map(|id| (*id, "User", Priority::User)).collect();
            t.mark_due(app, &due, NOW)?;
            for job in t.claim_jobs(app, NOW, 5_000, NOW + 1, false)? {
                assert!(t.let_wait(app, &job, NOW + 1_000_000)?);
            }
            Ok(())
        }).await.unwrap();
        change(json!({})).await.unwrap();
        assert_eq!(left().await, 1_200, "the policy is the same");
        change(json!({ "deleted": "delete" })).await.unwrap();
        let waiting = || world.store.read(ORG, move |r| Ok((r.queue(app)?.waiting, r.has_due_jobs(app, NOW, NOW)?)));
        assert_eq!(waiting().await.unwrap(), (1_200, true), "whoever changes it waits for nobody");
        assert_eq!(left().await, 700);
        // It begins anew, and leaves nobody out.
        change(json!({ "deleted": "nothing" })).await.unwrap();
        assert_eq!(left().await, 200);
        assert_eq!(left().await, 0);
        assert_eq!(waiting().await.unwrap(), (0, false));
    }

    /// Who had lost a lease and got it again was taken for its holder all the time.
    async fn a_lease_that_was_lost_is_nobodys_before(world: World) {
        let (one, other) = (InstanceId(new_id().0), InstanceId(new_id().0));
        let take = |holder, at| world.store.take_lease("run:1", holder, at, at + 10);
        let first = take(one, NOW).await.unwrap().unwrap();
        assert_eq!(take(one, NOW + 5).await.unwrap(), None, "not even its holder");
        assert!(world.store.renew_lease(&first, NOW + 20).await.unwrap());
        let second = take(other, NOW + 21).await.unwrap().unwrap();
        let third = take(one, NOW + 32).await.unwrap().unwrap();
        world.store.release_lease(&first).await.unwrap();
        for (lease, ours) in [(first, false), (second, false), (third, true)] {
            let asked = lease.clone();
            let holds = world.store.write(ORG, move |t| t.holds_lease(&asked)).await.unwrap();
            assert_eq!(holds, ours, "{lease:?}");
            assert_eq!(world.store.renew_lease(&lease, NOW + 50).await.unwrap(), ours);
        }
    }
}
