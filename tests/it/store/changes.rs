//! Changes and their positions.

use crate::world::{NOW, ORG, both, new_id};
use rollcall::id::{ChangeId, new_uuid};
use rollcall::store::Error;
use rollcall::store::changes::{ChangeOp, NewChange};

fn change(op: ChangeOp) -> NewChange {
    NewChange {
        resource: new_id(),
        kind: "User".into(),
        op,
        version: 1,
        actor: "client:okta".into(),
        joined: Vec::new(),
        left: Vec::new(),
    }
}

both! {
    async fn changes_are_published_once_in_order(world: World) {
        let ids: Vec<ChangeId> = (0..3).map(|n| ChangeId(new_uuid(NOW + n))).collect();
        let mut moved = change(ChangeOp::Members);
        moved.joined.push(new_id());
        let changes = [change(ChangeOp::Create), change(ChangeOp::Delete), moved];
        let (at, expected) = (ids.clone(), changes.to_vec());
        world.store.write(ORG, move |t| {
            for (id, change) in at.iter().zip(&changes).rev() {
                t.record_change(*id, NOW, change)?;
            }
            t.record_audit(NOW, "cli", "token.create", "okta", Some("{}"))
        }).await.unwrap();
        let first = world.store.write(ORG, |t| t.publish_changes(2)).await.unwrap();
        assert_eq!(first.iter().map(|c| (c.id, c.position)).collect::<Vec<_>>(), [(ids[0], Some(1)), (ids[1], Some(2))]);
        let rest = world.store.write(ORG, |t| t.publish_changes(10)).await.unwrap();
        assert_eq!(rest.iter().map(|c| c.position).collect::<Vec<_>>(), [Some(3)]);
        assert_eq!(world.store.write(ORG, |t| t.publish_changes(10)).await.unwrap(), []);
        let read = world.store.read(ORG, |r| r.changes(0, 10)).await.unwrap();
        assert_eq!(read, [first, rest].concat());
        assert_eq!(read.into_iter().map(|c| c.change).collect::<Vec<_>>(), expected);
        assert_eq!(world.store.read(ORG, |r| r.changes(1, 1)).await.unwrap()[0].position, Some(2));
    }

    async fn positions_have_no_gap_under_concurrent_writers(world: World) {
        let mut tasks = Vec::new();
        for n in 0..40_i64 {
            let store = world.store.clone();
            tasks.push(tokio::spawn(async move {
                let id = ChangeId(new_uuid(NOW + n));
                let written = store.write(ORG, move |t| {
                    t.record_change(id, NOW, &change(ChangeOp::Update))?;
                    if n % 5 == 0 { Err(Error::Stale) } else { Ok(()) }
                }).await;
                assert_eq!(written.is_err(), n % 5 == 0);
                if n % 3 == 0 {
                    store.write(ORG, |t| t.publish_changes(7)).await.unwrap();
                }
            }));
        }
        for task in tasks {
            task.await.unwrap();
        }
        world.store.write(ORG, |t| t.publish_changes(1_000)).await.unwrap();
        let all = world.store.read(ORG, |r| r.changes(0, 1_000)).await.unwrap();
        let positions: Vec<i64> = all.iter().map(|c| c.position.unwrap()).collect();
        assert_eq!(positions, (1..=32).collect::<Vec<i64>>());
    }
}
