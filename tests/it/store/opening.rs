//! Opening a database, and who may hold it.

use crate::world::{ORG, both};
use rollcall::id::OrganizationId;
use rollcall::store::{Options, Store};

both! {
    async fn the_first_organization_is_number_one(world: World) {
        let first = world.store.organization_named("default", 7).await.unwrap();
        assert_eq!((first.id, first.slug.as_str()), (OrganizationId(1), "default"));
        let second = world.store.organization_named("zylker", 9).await.unwrap();
        assert_eq!(second.id, OrganizationId(2));
        let person = world.user("bjensen").await;
        world.store.set_organization_admin(first.id, Some(person)).await.unwrap();
        let all = world.store.organizations().await.unwrap();
        assert_eq!(all.iter().map(|o| o.admin).collect::<Vec<_>>(), [Some(person), None]);
        assert!(world.store.set_organization_admin(OrganizationId(9), None).await.is_err());
    }

    async fn organizations_made_at_once_are_made_once(world: World) {
        let mut tasks = Vec::new();
        for n in 0..12 {
            let store = world.store.clone();
            tasks.push(tokio::spawn(async move {
                store.organization_named(["red", "green", "blue"][n % 3], 1).await.unwrap().id.0
            }));
        }
        let mut numbers = Vec::new();
        for task in tasks {
            numbers.push(task.await.unwrap());
        }
        numbers.sort_unstable();
        numbers.dedup();
        assert_eq!(numbers, [2, 3, 4]);
    }

    async fn it_can_be_opened_again_and_keeps_what_it_has(world: World) {
        let person = world.user("bjensen").await;
        let again = Store::open(&world.url, &Options::default(), false).unwrap();
        let found = again.glance(ORG, move |r| r.resource("User", person)).await.unwrap();
        assert_eq!(found.unwrap().attributes["userName"], "bjensen");
    }
}

#[test]
fn a_second_server_is_kept_away_from_a_file_but_a_command_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("r.db").display());
    let options = Options::default();
    let server = Store::open(&url, &options, true).unwrap();
    let refused = Store::open(&url, &options, true).err().unwrap().to_string();
    assert!(refused.contains("another server holds") && refused.contains("r.db"), "{refused}");
    let command = Store::open(&url, &options, false).unwrap();
    crate::world::block_on(async {
        command.organization_named("from-the-command", 1).await.unwrap();
        server.organization_named("from-the-server", 1).await.unwrap();
        assert_eq!(command.organizations().await.unwrap(), server.organizations().await.unwrap());
    });
    drop(server);
    Store::open(&url, &options, true).unwrap();
}

#[test]
fn a_database_file_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("r.db");
    let store =
        Store::open(&format!("sqlite:{}", path.display()), &Options::default(), true).unwrap();
    crate::world::block_on(store.organization_named("x", 1)).unwrap();
    for name in ["r.db", "r.db-wal"] {
        let mode = std::fs::metadata(folder.path().join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
}

#[test]
fn what_cannot_be_opened_is_refused_in_a_sentence() {
    let missing = "sqlite:/no/such/folder/r.db";
    for (url, expected) in [
        ("mysql://h/d", "sqlite:PATH or postgres://"),
        ("sqlite::memory:", "in memory"),
        (missing, "cannot be opened"),
        ("postgres://nobody@127.0.0.1:1/none", "cannot be reached"),
    ] {
        let error = Store::open(url, &Options::default(), true).err().unwrap().to_string();
        assert!(error.contains(expected), "{url}: {error}");
    }
}

#[test]
fn commands_that_start_together_on_a_new_file_make_it_once() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("r.db").display());
    let starting: Vec<_> = (0..6)
        .map(|_| {
            let url = url.clone();
            std::thread::spawn(move || Store::open(&url, &Options::default(), false).map(drop))
        })
        .collect();
    for started in starting {
        started.join().unwrap().unwrap();
    }
}
