//! Transactions at the same time.

use crate::world::{Database, NOW, ORG, World, attributes, block_on, both, kind, new_id};
use rollcall::store::{Error, Options, Result, Transaction};
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

both! {
    async fn no_update_is_lost(world: World) {
        let id = world.user("counter").await;
        let mut tasks = Vec::new();
        for _ in 0..60 {
            let store = world.store.clone();
            tasks.push(tokio::spawn(async move {
                store.write(ORG, move |t| {
                    let before = t.resource_for_update("User", id)?.ok_or(Error::NotFound)?;
                    let count = before.attributes.get("title").and_then(|n| n.as_str()?.parse::<u32>().ok());
                    let next = json!({"userName": "counter", "title": (count.unwrap_or(0) + 1).to_string()});
                    t.update_resource(&kind("User"), &before, &attributes(next), NOW).map(drop)
                }).await
            }));
        }
        for task in tasks {
            task.await.unwrap().unwrap();
        }
        let end = world.store.read(ORG, move |r| r.resource("User", id)).await.unwrap().unwrap();
        assert_eq!((end.version, &end.attributes["title"]), (61, &json!("60")));
    }

    async fn members_added_at_once_are_all_there(world: World) {
        let group = world.group("G", &[]).await;
        let mut people = Vec::new();
        for n in 0..40 {
            people.push(world.user(&format!("u{n}")).await);
        }
        let mut tasks = Vec::new();
        for person in people {
            let store = world.store.clone();
            tasks.push(tokio::spawn(async move {
                store.write(ORG, move |t| {
                    let before = t.resource_for_update("Group", group)?.ok_or(Error::NotFound)?;
                    t.add_members(group, &[person], NOW)?;
                    t.touch_resource(&before, NOW).map(drop)
                }).await
            }));
        }
        for task in tasks {
            task.await.unwrap().unwrap();
        }
        let (count, version) = world.store.read(ORG, move |r| {
            Ok((r.member_count(group)?, r.resource("Group", group)?.unwrap().version))
        }).await.unwrap();
        assert_eq!((count, version), (40, 41));
    }

    async fn nestings_at_once_make_no_cycle(world: World) {
        for _ in 0..10 {
            let (a, b) = (world.group("A", &[]).await, world.group("B", &[]).await);
            let nest = |outer, inner| {
                let store = world.store.clone();
                tokio::spawn(async move {
                    store.write(ORG, move |t| t.add_members(outer, &[inner], NOW)).await
                })
            };
            let (one, other) = (nest(a, b), nest(b, a));
            let (one, other) = (one.await.unwrap(), other.await.unwrap());
            assert!(one.is_ok() != other.is_ok(), "{one:?} {other:?}");
        }
    }

    async fn what_fails_takes_nothing_of_the_others_with_it(world: World) {
        let mut tasks = Vec::new();
        for n in 0..64 {
            let store = world.store.clone();
            tasks.push(tokio::spawn(async move {
                store.write(ORG, move |t| -> Result<()> {
                    let body = attributes(json!({"userName": format!("u{}", n / 2)}));
                    t.insert_resource(&kind("User"), new_id(), &body, NOW)?;
                    assert!(n % 8 != 7, "a bug in a closure");
                    if n % 8 == 6 { Err(Error::Stale) } else { Ok(()) }
                }).await
            }));
        }
        let mut kept = 0;
        for task in tasks {
            kept += usize::from(task.await.unwrap().is_ok());
        }
        let count = rollcall::scim::list::Query {
            condition: rollcall::scim::filter::Condition::Always, sort: None, start_index: 1, count: 0,
        };
        let page = world.store.read(ORG, move |r| r.list(&kind("User"), &count)).await.unwrap();
        assert_eq!(page.total, kept);
        assert_eq!(kept, 24, "one of each pair, but for the pairs that end badly");
    }

    async fn a_part_is_undone_by_itself(world: World) {
        let insert = |t: &mut Transaction<'_>, name: &str| {
            t.insert_resource(&kind("User"), new_id(), &attributes(json!({"userName": name})), NOW).map(drop)
        };
        let kept = world.store.write(ORG, move |t| {
            insert(t, "before")?;
            let taken = t.savepoint(|t| {
                insert(t, "within")?;
                insert(t, "before")
            });
            assert!(matches!(taken, Err(Error::Taken("userName"))), "{taken:?}");
            t.savepoint(|t| {
                insert(t, "outer")?;
                assert!(t.savepoint(|t| insert(t, "inner").and(Err::<(), _>(Error::Stale))).is_err());
                Ok(())
            })?;
            insert(t, "after")
        }).await;
        kept.unwrap();
        // What fails as a whole, or panics in the middle of a part, leaves nothing, and the
        // connection is as good as before.
        for panics in [false, true] {
            for _ in 0..6 {
                let lost = world.store.write(ORG, move |t| {
                    t.savepoint(|t| insert(t, "lost"))?;
                    t.savepoint(|t| t.savepoint(|t| {
                        insert(t, "lost too")?;
                        assert!(!panics, "a bug in a part");
                        Ok(())
                    }))?;
                    Err::<(), _>(Error::Stale)
                }).await;
                assert!(lost.is_err());
            }
        }
        let all = rollcall::scim::list::Query {
            condition: rollcall::scim::filter::Condition::Always, sort: None, start_index: 1, count: 10,
        };
        let page = world.store.read(ORG, move |r| r.list(&kind("User"), &all)).await.unwrap();
        let names: Vec<_> = page.resources.iter().map(|user| user.attributes["userName"].as_str().unwrap()).collect();
        assert_eq!(names, ["before", "outer", "after"]);
    }

    async fn a_read_sees_one_state(world: World) {
        let id = world.user("a").await;
        let store = world.store.clone();
        let handle = tokio::runtime::Handle::current();
        let (before, after) = world.store.read(ORG, move |r| {
            let before = r.resource("User", id)?.unwrap().version;
            handle.block_on(store.write(ORG, move |t| {
                let before = t.resource_for_update("User", id)?.ok_or(Error::NotFound)?;
                t.touch_resource(&before, NOW).map(drop)
            }))?;
            Ok((before, r.resource("User", id)?.unwrap().version))
        }).await.unwrap();
        assert_eq!((before, after), (1, 1));
    }
}

/// With one connection held, the next caller is told to try again instead of waiting for ever.
#[test]
fn patience_ends() {
    for database in [Database::Sqlite, Database::Postgres] {
        let options =
            Options { connections: 1, patience: Duration::from_millis(100), ..Options::default() };
        let world = World::empty(database, &options);
        block_on(async {
            let (hold, held) = std::sync::mpsc::channel::<()>();
            let started = Arc::new(AtomicUsize::new(0));
            let seen = Arc::clone(&started);
            let store = world.store.clone();
            let reading = tokio::spawn(async move {
                store
                    .read(ORG, move |_| {
                        seen.fetch_add(1, Ordering::SeqCst);
                        let _ = held.recv_timeout(Duration::from_secs(5));
                        Ok(())
                    })
                    .await
            });
            while started.load(Ordering::SeqCst) == 0 {
                tokio::task::yield_now().await;
            }
            let busy = world.store.read(ORG, |_| Ok(())).await;
            assert!(matches!(busy, Err(Error::Busy)), "{database:?}: {busy:?}");
            drop(hold);
            reading.await.unwrap().unwrap();
            world.store.read(ORG, |_| Ok(())).await.unwrap();
        });
    }
}

/// A server that was restarted is found again without a failed request.
#[test]
fn dead_connections_are_replaced() {
    let world = block_on(World::new(Database::Postgres));
    block_on(async {
        let read = || world.store.read(ORG, |r| r.has_clients());
        tokio::try_join!(read(), read(), read(), read()).unwrap();
        crate::world::execute(
            &world.url,
            "",
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
             WHERE datname = current_database() AND pid <> pg_backend_pid()",
        );
        read().await.unwrap();
        world.user("bjensen").await;
    });
}
