//! What was taken away within the hour, and what waits for approval.

use crate::world::{NOW, ORG, both};
use rollcall::store::jobs::Priority;
use rollcall::store::links::LinkRow;
use rollcall::store::pushes::Nesting;
use rollcall::store::removals::{Allowance, Removal, Removed, Waiting, counts};
use serde_json::Map;

const MINUTE: i64 = 60_000_000;
const ONE: Removed = Removed { deactivations: 1, deletions: 0, memberships: 0 };

both! {
    async fn removals_count_for_an_hour(world: World) {
        let (app, other) = (world.app("training").await, world.app("other").await);
        let more = Removed { deactivations: 0, deletions: 2, memberships: 30 };
        for (removed, at_us) in [(ONE, NOW), (ONE, NOW + MINUTE), (more, NOW + 30 * MINUTE)] {
            world.store.write(ORG, move |t| {
                t.lock_removals(app)?;
                t.count_removed(app, &removed, at_us)
            }).await.unwrap();
        }
        let lately = |app, now_us| world.store.read(ORG, move |r| r.removed_lately(app, now_us));
        let all = Removed { deactivations: 2, deletions: 2, memberships: 30 };
        assert_eq!(lately(app, NOW + 60 * MINUTE).await.unwrap(), all);
        assert_eq!(lately(app, NOW + 70 * MINUTE).await.unwrap(), more);
        assert_eq!(lately(app, NOW + 100 * MINUTE).await.unwrap(), Removed::default());
        assert_eq!(lately(other, NOW).await.unwrap(), Removed::default(), "of another app");
        assert!(counts(NOW, NOW + 60 * MINUTE) && !counts(NOW, NOW + 70 * MINUTE));
    }

    /// Many who take away at the same time see each other: none is let through beyond the limit.
    async fn they_are_counted_one_after_the_other(world: World) {
        let app = world.app("training").await;
        let tries = (0..40).map(|_| {
            let store = world.store.clone();
            tokio::spawn(async move {
                store.write(ORG, move |t| {
                    t.lock_removals(app)?;
                    if t.removed_lately(app, NOW)?.deactivations >= 7 {
                        return Ok(false);
                    }
                    t.count_removed(app, &ONE, NOW)?;
                    Ok(true)
                }).await.unwrap()
            })
        });
        let done = futures_util::future::join_all(tries).await;
        assert_eq!(done.into_iter().filter(|one| *one.as_ref().unwrap()).count(), 7);
    }

    async fn only_what_waits_for_approval_is_approved(world: World) {
        let app = world.app("training").await;
        let [held, refused, ready] =
            [world.user("held").await, world.user("refused").await, world.user("ready").await];
        let jobs = world.store.write(ORG, move |t| {
            let due: Vec<_> =
                [held, refused, ready].iter().map(|id| (*id, "User", Priority::User)).collect();
            t.mark_due(app, &due, NOW)?;
            t.claim_jobs(app, NOW, 10, NOW + MINUTE, false)
        }).await.unwrap();
        world.store.write(ORG, move |t| {
            for job in &jobs {
                let reason = match job.resource {
                    one if one == held => r#"{"cause":"guard","detail":"20 were","remedy":""}"#,
                    one if one == refused => r#"{"cause":"refused","detail":"","remedy":""}"#,
                    _ => {
                        t.defer_job(app, job, NOW, 0, None)?;
                        continue;
                    }
                };
                assert!(t.park_job(app, job, reason)?);
            }
            Ok(())
        }).await.unwrap();
        let released = world.store.write(ORG, move |t| {
            t.note_held(app, held, Removal::Membership, 9)?;
            let waits = Waiting { objects: 1, removals: Removal::Membership.times(9) };
            assert_eq!(t.waiting_for_approval(app)?, waits);
            assert_eq!(t.approve_waiting(app, 8, NOW)?, Waiting::default(), "nine are more than eight");
            assert_eq!(t.waiting_for_approval(app)?, waits);
            let released = t.approve_waiting(app, 9, NOW)?;
            assert_eq!(released, waits);
            assert_eq!(t.waiting_for_approval(app)?, Waiting::default());
            Ok(released.objects)
        }).await.unwrap();
        assert_eq!(released, 1);
        let jobs = world.store.write(ORG, move |t| {
            t.claim_jobs(app, NOW, 10, NOW + MINUTE, false)
        }).await.unwrap();
        let mut due: Vec<_> = jobs.iter().map(|job| job.resource).collect();
        due.sort_unstable();
        assert_eq!(due, [held, ready]);
        let of = async |one| world.store.read(ORG, move |r| r.allowance(app, one)).await.unwrap();
        let nine = Removal::Membership.times(9);
        let approved = Allowance { allowed: nine, approved: true, counted: None };
        assert_eq!((of(held).await, of(ready).await), (approved, Allowance::default()));

        // It is used up by what is taken away, and ends when the job is parked.
        world.store.write(ORG, move |t| t.note_taken(app, held, Removal::Membership, 4)).await.unwrap();
        assert_eq!(of(held).await.allowed, Removal::Membership.times(5));
        world.store.write(ORG, move |t| t.note_taken(app, held, Removal::Deletion, 4)).await.unwrap();
        assert_eq!(of(held).await.allowed, Removal::Membership.times(5), "that is another kind");
        let job = jobs.into_iter().find(|job| job.resource == held).unwrap();
        world.store.write(ORG, move |t| t.park_job(app, &job, "{}")).await.unwrap();
        assert_eq!(of(held).await, Allowance::default());
    }

    /// What is counted and not done is remembered with the job, as long as it counts.
    async fn what_is_counted_is_remembered_until_it_is_done(world: World) {
        let app = world.app("training").await;
        let group = world.group("Everybody", &[]).await;
        world.store.write(ORG, move |t| {
            t.mark_due(app, &[(group, "Group", Priority::Group)], NOW)?;
            t.note_counted(app, group, Removal::Membership, (7, NOW))
        }).await.unwrap();
        let of = async || world.store.read(ORG, move |r| r.allowance(app, group)).await.unwrap();
        let known = of().await;
        assert_eq!(known.counted(Removal::Membership, NOW + 60 * MINUTE), 7);
        assert_eq!(known.counted(Removal::Membership, NOW + 70 * MINUTE), 0, "it was long ago");
        assert_eq!(known.counted(Removal::Deletion, NOW), 0);
        world.store.write(ORG, move |t| t.note_taken(app, group, Removal::Membership, 3)).await.unwrap();
        assert_eq!(of().await.counted(Removal::Membership, NOW), 4);
        world.store.write(ORG, move |t| t.note_taken(app, group, Removal::Membership, 9)).await.unwrap();
        assert_eq!(of().await.counted(Removal::Membership, NOW), 0);
    }

    /// Somebody was deleted and made anew: the account is another's now, who is in the group, and taking
    /// it out would take them out.
    async fn an_account_that_is_another_members_now_stays_in_the_group(world: World) {
        let app = world.app("training").await;
        let (old, new) = (world.user("ann").await, world.user("ann again").await);
        let group = world.group("Everybody", &[old]).await;
        let due = move |world: &World| {
            let store = world.store.clone();
            async move { store.read(ORG, move |r| r.due_members(app, group, None, 10, Nesting::Members, false)).await.unwrap() }
        };
        let linked = move |resource, state: &str| LinkRow {
            app, resource, kind: "User".into(), remote_id: Some("r1".into()), state: state.into(),
            origin: "created".into(), record: Map::new(), pushed_us: NOW, leaving_us: None,
            seen_us: None, drift: Map::new(), mapping: None,
        };
        let first = linked(old, "linked");
        let of_group = LinkRow {
            resource: group, kind: "Group".into(), remote_id: Some("g1".into()), ..linked(old, "linked")
        };
        world.store.write(ORG, move |t| {
            t.put_link(&of_group)?;
            t.put_link(&first)?;
            t.compare_members(app, group, Nesting::Members)
        }).await.unwrap();
        let told = due(&world).await;
        assert_eq!(told[0].join.as_deref(), Some("r1"));
        world.store.write(ORG, move |t| t.settle_members(app, group, &told)).await.unwrap();

        world.store.write(ORG, move |t| {
            t.delete_resource(old)?;
            t.mark_members(app, group, &[old])
        }).await.unwrap();
        assert_eq!(due(&world).await[0].leave.as_deref(), Some("r1"), "nobody else has it");
        let second = linked(new, "linked");
        world.store.write(ORG, move |t| {
            t.forget_remote_of_others(&second, NOW)?;
            t.put_link(&second)
        }).await.unwrap();
        assert_eq!(due(&world).await[0].leave.as_deref(), Some("r1"), "no member has it");
        let differing = move |world: &World| {
            let store = world.store.clone();
            async move {
                store.read(ORG, move |r| {
                    let any = r.groups_that_differ(app, &[group], Nesting::Members)?.len();
                    Ok((any, r.differing_members(app, group, 10, Nesting::Members)?))
                }).await.unwrap()
            }
        };
        assert_eq!(differing(&world).await, (1, vec![("r1".to_owned(), false)]));
        world.add(group, &[new]).await.unwrap();
        let told = due(&world).await;
        assert_eq!((told.len(), &told[0].join, &told[0].leave), (1, &None, &None), "the new one is marked when linked");
        assert_eq!(differing(&world).await, (1, vec![("r1".to_owned(), true)]));
        world.store.write(ORG, move |t| {
            t.settle_members(app, group, &told)?;
            t.compare_members(app, group, Nesting::Members)
        }).await.unwrap();
        let told = due(&world).await;
        assert_eq!((told.len(), told[0].member), (1, new));
        assert_eq!(told[0].join.as_deref(), Some("r1"));
        world.store.write(ORG, move |t| t.settle_members(app, group, &told)).await.unwrap();
        assert_eq!(differing(&world).await, (0, Vec::new()));
        assert!(world.store.read(ORG, move |r| r.link(app, old)).await.unwrap().is_none());
    }
}
