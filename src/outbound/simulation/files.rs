//! A database for every run: migrated once, copied as files, and emptied for the next run of the same
//! thread, because opening one costs more than many a run.

use super::task::complete;
use crate::id::OrganizationId;
use crate::store::{Options, Store};
use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// Who held which object of an app, in order, and which were lost: what was written, seen from below.
const OBSERVERS: [&str; 5] = [
    "CREATE TABLE held (app TEXT, resource TEXT, remote TEXT, origin TEXT)",
    "CREATE TRIGGER held_new AFTER INSERT ON link WHEN NEW.remote_id IS NOT NULL BEGIN \
     INSERT INTO held VALUES \
     (lower(hex(NEW.app_id)), lower(hex(NEW.resource_id)), NEW.remote_id, NEW.origin); END",
    "CREATE TRIGGER held_again AFTER UPDATE ON link WHEN NEW.remote_id IS NOT NULL \
     AND (NEW.remote_id IS NOT OLD.remote_id OR NEW.origin <> OLD.origin) BEGIN \
     INSERT INTO held VALUES \
     (lower(hex(NEW.app_id)), lower(hex(NEW.resource_id)), NEW.remote_id, NEW.origin); END",
    "CREATE TABLE parted (app TEXT, remote TEXT)",
    "CREATE TRIGGER parted_new AFTER INSERT ON attempt WHEN NEW.action = 'lost' BEGIN \
     INSERT INTO parted SELECT app, remote FROM held WHERE app = lower(hex(NEW.app_id)) \
     AND resource = lower(hex(NEW.resource_id)) ORDER BY rowid DESC LIMIT 1; END",
];

/// Endings of the files of a database.
const PARTS: [&str; 2] = ["", "-wal"];

fn options() -> Options {
    // Nobody else is there who could be waited for.
    Options { connections: 1, patience: Duration::from_hours(1), relaxed: true }
}

/// In memory, where the machine has such a folder.
fn folder() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    let mut builder = tempfile::Builder::new();
    builder.prefix("rollcall-simulation-");
    match builder.tempdir_in(memory) {
        Ok(folder) => folder,
        Err(_) => builder.tempdir().unwrap(),
    }
}

fn open(path: &Path) -> Store {
    Store::open(&format!("sqlite:{}", path.display()), &options(), false).unwrap()
}

fn part(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

/// A migrated database with one organization and nothing in it, file by file.
fn template() -> &'static (OrganizationId, Vec<Vec<u8>>) {
    static TEMPLATE: OnceLock<(OrganizationId, Vec<Vec<u8>>)> = OnceLock::new();
    TEMPLATE.get_or_init(|| {
        let folder = folder();
        let path = folder.path().join("r.db");
        let store = open(&path);
        let organization = complete(store.organization_named("default", 1)).unwrap().id;
        complete(store.write(organization, |transaction| {
            OBSERVERS.iter().try_for_each(|text| transaction.plant(text))
        }))
        .unwrap();
        let files = PARTS.map(|ending| std::fs::read(part(&path, ending)).unwrap_or_default());
        (organization, files.into())
    })
}

/// Tables that are empty when a run begins.
fn tables(store: &Store, organization: OrganizationId) -> Vec<String> {
    let all = complete(store.read(organization, |reader| {
        reader.probe(
            "SELECT 0, name, '' FROM sqlite_schema WHERE type = 'table' \
             AND substr(name, 1, 2) <> '__' AND substr(name, 1, 7) <> 'sqlite_'",
        )
    }));
    let names = all.unwrap().into_iter().map(|(_, name, _)| name);
    names.filter(|name| name != "organization").collect()
}

/// A database that is there.
#[derive(Clone)]
struct Kept {
    store: Store,
    organization: OrganizationId,
    /// What leaves nothing of a run in it.
    emptying: Arc<Vec<String>>,
    // Removed when nobody has the store any more.
    _folder: Arc<tempfile::TempDir>,
}

thread_local! {
    /// That of the run before.
    static SPARE: RefCell<Option<Kept>> = const { RefCell::new(None) };
}

impl Kept {
    fn copied() -> Self {
        let (organization, files) = template();
        let folder = folder();
        let path = folder.path().join("r.db");
        for (ending, bytes) in PARTS.iter().zip(files) {
            if !bytes.is_empty() {
                std::fs::write(part(&path, ending), bytes).unwrap();
            }
        }
        let (store, organization) = (open(&path), *organization);
        let tables = tables(&store, organization);
        let emptying = tables.iter().map(|name| format!("DELETE FROM {name}")).collect();
        Self { store, organization, emptying: Arc::new(emptying), _folder: Arc::new(folder) }
    }
}

/// A database for a run.
pub(super) struct Database {
    pub(super) store: Store,
    pub(super) organization: OrganizationId,
    /// To be used again.
    spare: Option<Kept>,
}

impl Database {
    /// An empty one.
    pub(super) fn new() -> Self {
        let kept = SPARE.take().unwrap_or_else(Kept::copied);
        let emptying = Arc::clone(&kept.emptying);
        complete(kept.store.write(kept.organization, move |transaction| {
            transaction.plant("PRAGMA defer_foreign_keys = ON")?;
            emptying.iter().try_for_each(|text| transaction.plant(text))
        }))
        .unwrap();
        Self { store: kept.store.clone(), organization: kept.organization, spare: Some(kept) }
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            SPARE.set(self.spare.take());
        }
    }
}
