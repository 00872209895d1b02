//! What is old goes, a little at a time; what is still needed stays.

use super::bridge::Bridge;
use crate::world::{NOW, ORG, World, both, new_id};
use diesel::RunQueryDsl as _;
use diesel::sql_types::BigInt;
use diesel::{Connection as _, PgConnection, SqliteConnection};
use rollcall::clock::Clock;
use rollcall::config::Retention;
use rollcall::id::{
    AppId, AttemptId, ChangeId, InstanceId, NotificationId, ResourceId, RunId, new_uuid,
};
use rollcall::notification::event::App;
use rollcall::retention::{Sweeper, Swept};
use rollcall::store::attempts::AttemptRow;
use rollcall::store::changes::{ChangeOp, NewChange};
use rollcall::store::deliveries::Tried;
use rollcall::store::jobs::Priority;
use rollcall::store::notifications::NotificationRow;
use rollcall::store::removals::Removed;
use rollcall::store::retention::{START, Table};
use rollcall::store::runs::{ItemRow, RunRow};
use rollcall::vault::Vault;
use serde_json::json;

const DAY: i64 = 86_400_000_000;
const SECOND: i64 = 1_000_000;

/// How many rows a table has.
fn count(world: &World, table: &str) -> i64 {
    #[derive(diesel::QueryableByName)]
    struct Count {
        #[diesel(sql_type = BigInt)]
        rows: i64,
    }
    let query = diesel::sql_query(format!("SELECT COUNT(*) AS rows FROM {table}"));
    let found: Count = match world.url.strip_prefix("sqlite:") {
        Some(path) => query.get_result(&mut SqliteConnection::establish(path).unwrap()).unwrap(),
        None => query.get_result(&mut PgConnection::establish(&world.url).unwrap()).unwrap(),
    };
    found.rows
}

/// One that sweeps as it is a year and a half later.
fn sweeper(world: &World, terms: Retention) -> Sweeper {
    Sweeper {
        store: world.store.clone(),
        clock: Clock::held_at(NOW + 550 * DAY),
        instance: InstanceId(new_id().0),
        terms,
    }
}

fn attempt(app: AppId, resource: ResourceId, run: Option<RunId>, at_us: i64) -> AttemptRow {
    AttemptRow {
        id: AttemptId(new_uuid(at_us)),
        app,
        resource,
        kind: "User".into(),
        run,
        action: "update".into(),
        outcome: "done".into(),
        fields: Vec::new(),
        detail: None,
        took_us: 1,
        at_us,
        cause: None,
        remedy: None,
        next_us: None,
        wire: None,
    }
}

fn planned(app: AppId, at_us: i64, finished_us: Option<i64>) -> RunRow {
    RunRow {
        id: RunId(new_uuid(at_us)),
        app,
        kind: "sync".into(),
        state: if finished_us.is_some() { "done".into() } else { "held".into() },
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
        started_us: at_us,
        finished_us,
    }
}

fn change(resource: ResourceId) -> NewChange {
    NewChange {
        resource,
        kind: "User".into(),
        op: ChangeOp::Update,
        version: 1,
        actor: "client:okta".into(),
        joined: Vec::new(),
        left: Vec::new(),
    }
}

async fn tried(world: &World, rows: Vec<AttemptRow>) {
    world
        .store
        .write(ORG, move |t| rows.iter().try_for_each(|row| t.insert_attempt(row)))
        .await
        .unwrap();
}

async fn exists(world: &World, app: AppId, resource: ResourceId) -> usize {
    let wanted = rollcall::store::attempts::Wanted {
        app: Some(app),
        resource: Some(resource),
        ..Default::default()
    };
    world.store.read(ORG, move |r| r.attempts(&wanted, 100)).await.unwrap().len()
}

both! {
    async fn old_tries_go_and_the_last_one_of_whoever_waits_stays(world: World) {
        let (app, other) = (world.app("one").await, world.app("other").await);
        let (fine, parked, failing, recent) = (new_id(), new_id(), new_id(), new_id());
        let open = planned(app, NOW, None);
        let open_id = open.id;
        world.store.write(ORG, move |t| t.insert_run(&open)).await.unwrap();
        let at = |n: i64| NOW + n * SECOND;
        let somebody = new_id();
        let mut rows: Vec<AttemptRow> = (0..1_200).map(|n| attempt(app, fine, None, at(n))).collect();
        rows.extend((0..3).map(|n| attempt(app, parked, None, at(n))));
        rows.extend((0..3).map(|n| attempt(app, failing, None, at(n))));
        rows.push(attempt(other, parked, None, at(1)));
        rows.push(attempt(app, somebody, Some(open_id), at(1)));
        rows.push(attempt(app, recent, None, NOW + 549 * DAY));
        tried(&world, rows).await;
        world.store.write(ORG, move |t| {
            let due = [(parked, "User", Priority::User), (failing, "User", Priority::User)];
            t.mark_due(app, &due, NOW)?;
            for job in t.claim_jobs(app, NOW, 10, NOW + SECOND, false)? {
                if job.resource == parked {
                    t.park_job(app, &job, "{}")?;
                } else {
                    t.defer_job(app, &job, NOW + 600 * DAY, 9, Some("away"))?;
                }
            }
            Ok(())
        }).await.unwrap();
        let swept = sweeper(&world, Retention::default()).sweep().await.unwrap();
        assert_eq!(swept.attempts, 1_200 + 2 + 2 + 1);
        for (app, resource, left) in [
            (app, fine, 0), (app, parked, 1), (app, failing, 1), (other, parked, 0),
            (app, somebody, 1), (app, recent, 1),
        ] {
            assert_eq!(exists(&world, app, resource).await, left);
        }
        assert_eq!(sweeper(&world, Retention::default()).sweep().await.unwrap().attempts, 0);
    }

    async fn one_transaction_looks_at_no_more_than_it_is_told_to(world: World) {
        let (app, resource) = (world.app("one").await, new_id());
        tried(&world, (0..7).map(|n| attempt(app, resource, None, NOW + n * SECOND)).collect()).await;
        let mut next = Some(START);
        let mut batches = Vec::new();
        while let Some(from) = next {
            let batch = world.store.write(ORG, move |t| {
                t.sweep(Table::Attempts, from, NOW + DAY, 3)
            }).await.unwrap();
            batches.push(batch.removed);
            next = batch.next;
        }
        assert_eq!(batches, [3, 3, 1]);
        assert_eq!(count(&world, "attempt"), 0);
    }

    async fn changes_that_no_app_was_told_of_stay_and_positions_go_on(world: World) {
        let record = |at_us| world.store.write(ORG, move |t| {
            t.record_change(ChangeId(new_uuid(at_us)), at_us, &change(new_id()))
        });
        for n in 0..5 {
            record(NOW + n * SECOND).await.unwrap();
        }
        world.store.write(ORG, |t| t.publish_changes(3)).await.unwrap();
        let terms = Retention { audit: 0, ..Retention::default() };
        assert_eq!(sweeper(&world, terms).sweep().await.unwrap().changes, 2);
        let published = world.store.write(ORG, |t| t.publish_changes(10)).await.unwrap();
        let positions: Vec<i64> = published.iter().filter_map(|row| row.position).collect();
        assert_eq!(positions, [4, 5]);
        assert_eq!(sweeper(&world, terms).sweep().await.unwrap().changes, 2);
        record(NOW + 9 * SECOND).await.unwrap();
        let published = world.store.write(ORG, |t| t.publish_changes(10)).await.unwrap();
        assert_eq!(published[0].position, Some(6), "the last one stays to be counted on from");
        assert_eq!(count(&world, "audit"), 6, "the audit log is kept for ever here");
        let terms = Retention::default();
        assert_eq!(sweeper(&world, terms).sweep().await.unwrap().audit, 6);
    }

    async fn runs_that_are_over_go_with_their_plans(world: World) {
        let (app, other) = (world.app("one").await, world.app("other").await);
        let at = |n: i64| NOW + n * SECOND;
        let (old, long, awaited) = (
            planned(app, at(0), Some(at(9))), planned(app, at(1), Some(NOW + 549 * DAY)),
            planned(app, at(2), Some(at(9))),
        );
        let (open, last, only) = (planned(app, at(3), None), planned(app, at(4), Some(at(9))), planned(other, at(0), Some(at(9))));
        let kept: Vec<RunId> = [&long, &awaited, &open, &last, &only].map(|row| row.id).into();
        let (old_id, awaited_id) = (old.id, awaited.id);
        world.store.write(ORG, move |t| {
            for row in [&old, &long, &awaited, &open, &last, &only] {
                t.insert_run(row)?;
            }
            let items: Vec<ItemRow> = (0..1_100).map(|_| ItemRow {
                resource: new_id(), kind: "User".into(), action: "create".into(),
                digest: String::new(), state: "done".into(), removals: Removed::default(),
            }).collect();
            t.insert_items(old_id, &items)
        }).await.unwrap();
        // Somebody whom a run left parked.
        let parked = ItemRow {
            resource: new_id(), kind: "User".into(), action: "create".into(),
            digest: String::new(), state: "planned".into(), removals: Removed::default(),
        };
        world.store.write(ORG, move |t| t.insert_items(awaited_id, std::slice::from_ref(&parked))).await.unwrap();
        let job = format!(
            "INSERT INTO job (organization, app_id, resource_id, kind, generation, state, priority, \
             run_at_us, attempts, fence, run_id) SELECT organization, app_id, id, 'User', 1, 'parked', 10, 0, \
             0, 0, id FROM run WHERE started_us = {}", at(2)
        );
        crate::world::execute(&world.url, &job, &job);
        let swept = sweeper(&world, Retention::default()).sweep().await.unwrap();
        assert_eq!(swept.runs, 1_101);
        assert_eq!(count(&world, "run_item"), 1);
        for id in kept {
            assert!(world.store.read(ORG, move |r| r.run(id)).await.unwrap().is_some());
        }
        assert!(world.store.read(ORG, move |r| r.run(old_id)).await.unwrap().is_none());
    }

    async fn messages_that_ended_go_and_those_that_wait_stay(world: World) {
        let app = world.app("one").await;
        let id = NotificationId(new_id().0);
        let row = NotificationRow {
            id, name: "on-call".into(), url: "http://127.0.0.1:9/".into(), events: None, apps: None,
            enabled: true, disabled: None, created_us: NOW, modified_us: NOW,
        };
        world.store.write(ORG, move |t| {
            t.insert_notification(&row)?;
            for _ in 0..3 {
                t.tell(&App { id: app, name: "one" }.resumed("admin"), NOW)?;
            }
            let claimed = t.claim_delivery(id, NOW, NOW + SECOND)?.unwrap();
            let arrived = Tried { status: Some(204), error: None, again_us: None };
            t.end_delivery(id, &claimed, &arrived, NOW)?;
            let claimed = t.claim_delivery(id, NOW, NOW + SECOND)?.unwrap();
            let again = Tried { status: None, error: Some("away".into()), again_us: Some(NOW + DAY) };
            t.end_delivery(id, &claimed, &again, NOW)
        }).await.unwrap();
        assert_eq!(sweeper(&world, Retention::default()).sweep().await.unwrap().deliveries, 1);
        assert_eq!(count(&world, "delivery"), 2);
    }

    async fn nothing_goes_that_is_kept_for_ever_or_while_another_sweeps(world: World) {
        let (app, resource) = (world.app("one").await, new_id());
        tried(&world, vec![attempt(app, resource, None, NOW)]).await;
        let terms = Retention { attempts: 0, changes: 0, runs: 0, audit: 0, deliveries: 0 };
        assert_eq!(sweeper(&world, terms).sweep().await.unwrap(), Swept::default());
        let sweeper = sweeper(&world, Retention::default());
        let now_us = sweeper.clock.now_us();
        let another = InstanceId(new_id().0);
        let taken =
            world.store.take_lease("retention", another, now_us, now_us + SECOND).await.unwrap();
        let lease = taken.unwrap();
        assert_eq!(sweeper.sweep().await.unwrap(), Swept::default());
        world.store.release_lease(&lease).await.unwrap();
        assert_eq!(sweeper.sweep().await.unwrap().attempts, 1);
    }

    /// What is swept is swept beneath a bridge that goes on.
    async fn a_bridge_goes_on_after_everything_was_swept(world: World) {
        let bridge = Bridge::start(&world.store, &Vault::ephemeral()).await;
        bridge.sandbox().await;
        let ann = bridge.person("ann").await;
        assert_eq!(bridge.accounts("sandbox", "User").await.len(), 1);
        let later = Sweeper {
            clock: Clock::held_at(Clock::System.now_us() + 550 * DAY),
            ..sweeper(&world, Retention::default())
        };
        let swept = later.sweep().await.unwrap();
        assert!(swept.attempts > 0 && swept.audit > 0, "{swept:?}");
        bridge.set(&ann, "title", json!("Manager")).await;
        let account = bridge.account("sandbox", "ann@zylker.example").await.unwrap();
        assert_eq!(account["record"]["jobTitle"], "Manager");
        bridge.stop().await;
    }
}
