//! Work that is due, and who has it.

use crate::world::{NOW, ORG, both, new_id};
use rollcall::id::{AppId, InstanceId, ResourceId, RunId};
use rollcall::store::apps::AppRow;
use rollcall::store::jobs::Priority;
use rollcall::store::removals::Removed;
use rollcall::store::runs::{ItemRow, ItemState, RunRow};
use serde_json::{Value, json};

/// A run that is being planned.
fn planning(app: AppId) -> RunRow {
    RunRow {
        id: RunId(new_id().0),
        app,
        kind: "sync".into(),
        state: "planning".into(),
        author: "client:tests".into(),
        confirm: false,
        total: 0,
        done: 0,
        failed: 0,
        seen: 0,
        read: 0,
        held: None,
        confirmed_us: None,
        approved_by: None,
        note: None,
        believed_us: None,
        approved_us: None,
        planned_us: None,
        summary: json!({}),
        started_us: NOW,
        finished_us: None,
    }
}

fn item(resource: ResourceId) -> ItemRow {
    ItemRow {
        resource,
        kind: "User".into(),
        action: "update".into(),
        digest: String::new(),
        state: ItemState::Planned.as_str().into(),
        removals: Removed::default(),
    }
}

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
    /// Who still worked on it for a run that had been cancelled took it out of the next one, which then
    /// waited for it for ever.
    async fn an_object_leaves_no_run_but_the_one_it_is_worked_on_for(world: World) {
        let app = world.app("App").await;
        let somebody = new_id();
        let (first, second) = (planning(app), planning(app));
        let (one, other) = (first.id, second.id);
        world.store.write(ORG, move |t| {
            t.insert_run(&first)?;
            t.insert_items(one, &[item(somebody)])?;
            t.end_planning(one, 1, None, NOW)?;
            t.confirm_run(one, NOW)?;
            assert!(t.start_run(one, NOW)?);
            let late = t.claim_jobs(app, NOW, 1, NOW + 10, false)?.remove(0);
            assert_eq!(late.run, Some(one));
            t.cancel_run(one, NOW + 1)?;
            t.insert_run(&second)?;
            t.insert_items(other, &[item(somebody)])?;
            t.end_planning(other, 1, None, NOW + 1)?;
            t.confirm_run(other, NOW + 1)?;
            assert!(t.start_run(other, NOW + 1)?);
            assert!(!t.leave_run(app, &late)?);
            let next = t.claim_jobs(app, NOW + 20, 1, NOW + 30, false)?.remove(0);
            assert_eq!(next.run, Some(other));
            assert!(t.leave_run(app, &next)?);
            assert!(!t.leave_run(app, &next)?, "once");
            Ok(())
        }).await.unwrap();
    }

    /// Whoever said that a list is right was taken to approve whatever the plan made of it.
    async fn to_believe_a_list_approves_no_removal(world: World) {
        let app = world.app("App").await;
        let row = planning(app);
        let id = row.id;
        world.store.write(ORG, move |t| {
            t.insert_run(&row)?;
            t.end_planning(id, 1, Some(&json!({})), NOW)?;
            assert!(t.believe_run(id, "client:tests", "It is right.", NOW + 1)?);
            t.end_planning(id, 1, Some(&json!({})), NOW + 2)?;
            let believed = t.run(id)?.unwrap();
            assert_eq!((believed.may_pass(), believed.approved_by.is_some()), (false, true));
            assert!(t.approve_run(id, "client:tests", "They left.", NOW + 3)?);
            assert!(t.run(id)?.unwrap().may_pass());
            Ok(())
        }).await.unwrap();
    }

    /// An app whose plan was confirmed later counted for ever as one that waits to be brought up to
    /// date, and nothing that it lacked was ever reported.
    async fn what_waited_for_a_plan_waits_no_more_once_it_is_applied(world: World) {
        for (saved_us, left_us) in [(None, None), (Some(NOW + 7), Some(NOW + 7))] {
            let app = world.app(&format!("App {saved_us:?}")).await;
            let row = planning(app);
            let id = row.id;
            let since_us = world.store.write(ORG, move |t| {
                t.insert_run(&row)?;
                t.insert_items(id, &[item(new_id())])?;
                t.end_planning(id, 1, None, NOW + 5)?;
                t.await_sync(app, NOW + 5)?;
                if let Some(saved_us) = saved_us {
                    t.await_sync(app, saved_us)?;
                }
                t.confirm_run(id, NOW + 8)?;
                assert!(t.start_run(id, NOW + 9)?);
                t.unsynced_since(app)
            }).await.unwrap();
            assert_eq!(since_us, left_us, "of what was saved meanwhile nothing is known");
        }
    }

    /// Of whatever somebody worked on who is gone it is not known what took effect.
    async fn what_somebody_left_behind_is_in_doubt(world: World) {
        let app = world.app("App").await;
        let somebody = new_id();
        world.store.write(ORG, move |t| {
            let due = [(somebody, "User", Priority::User)];
            t.mark_due(app, &due, NOW)?;
            let first = t.claim_jobs(app, NOW, 1, NOW + 10, false)?.remove(0);
            assert!(!first.in_doubt);
            t.defer_job(app, &first, NOW, 0, None)?;
            assert!(!t.claim_jobs(app, NOW, 1, NOW + 10, false)?[0].in_doubt, "nothing is in doubt yet");
            let late = t.claim_jobs(app, NOW + 20, 1, NOW + 30, false)?.remove(0);
            assert!(late.in_doubt, "its lease ran out");
            t.mark_due(app, &due, NOW + 21)?;
            t.close_job(app, &late, NOW + 21)?;
            assert!(!t.claim_jobs(app, NOW + 21, 1, NOW + 30, false)?[0].in_doubt, "it was brought to an end");
            t.recover_alone(NOW + 22)?;
            let alone = t.claim_jobs(app, NOW + 22, 1, NOW + 30, false)?.remove(0);
            assert!(alone.in_doubt, "the process died");
            t.defer_job(app, &alone, NOW + 22, 1, None)?;
            assert!(t.claim_job(app, somebody, NOW + 23, NOW + 30)?.unwrap().in_doubt, "and it still is");
            Ok(())
        }).await.unwrap();
    }

    /// Whether there is work is known without counting it.
    async fn what_is_parked_is_no_work(world: World) {
        let app = world.app("App").await;
        let somebody = new_id();
        world.store.write(ORG, move |t| {
            assert!(!t.has_work(app)?);
            t.mark_due(app, &[(somebody, "User", Priority::User)], NOW)?;
            assert!(t.has_work(app)?);
            let job = t.claim_jobs(app, NOW, 1, NOW + 10, false)?.remove(0);
            assert!(t.has_work(app)?);
            t.park_job(app, &job, "{}")?;
            assert!(!t.has_work(app)?);
            Ok(())
        }).await.unwrap();
    }
}
