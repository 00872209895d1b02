//! A database of its own for every test, of both kinds.

use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection};
use rollcall::id::{AppId, OrganizationId, ResourceId, new_uuid};
use rollcall::scim::schema::{Registry, ResourceType};
use rollcall::store::apps::AppRow;
use rollcall::store::resources::Stored;
use rollcall::store::{Options, Result, Store};
use serde_json::{Map, Value, json};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};

/// Where tests find a PostgreSQL server on which they may create databases.
const POSTGRES: &str = "ROLLCALL_TEST_POSTGRES";

/// Which database a test runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Database {
    /// A file.
    Sqlite,
    /// A server.
    Postgres,
}

/// A store on an empty, migrated database that goes when the test ends.
pub struct World {
    /// Of which kind it is.
    pub database: Database,
    /// By which URL it can be opened again.
    pub url: String,
    /// The store.
    pub store: Store,
    place: Place,
}

enum Place {
    Folder { _folder: tempfile::TempDir },
    Database { name: String },
}

impl World {
    /// A new one, with the organization `default`.
    pub async fn new(database: Database) -> Self {
        let options = Options { connections: 4, relaxed: true, ..Options::default() };
        let world = Self::empty(database, &options);
        world.store.organization_named("default", NOW).await.unwrap();
        world
    }

    /// A new one without any organization, opened in a certain way.
    pub fn empty(database: Database, options: &Options) -> Self {
        let (url, place) = match database {
            Database::Sqlite => {
                let folder = tempfile::tempdir().unwrap();
                let url = format!("sqlite:{}", folder.path().join("rollcall.db").display());
                (url, Place::Folder { _folder: folder })
            }
            Database::Postgres => {
                let name = clone_of_template();
                (database_url(&name), Place::Database { name })
            }
        };
        let store = Store::open(&url, options, true).unwrap();
        Self { database, url, store, place }
    }
}

/// The organization of tests that need no second one.
pub const ORG: OrganizationId = OrganizationId(1);
/// When tests happen: 2024-07-01T00:00:00Z.
pub const NOW: i64 = 1_719_792_000_000_000;

/// A new id, greater than those before it.
pub fn new_id() -> ResourceId {
    static NEXT: AtomicI64 = AtomicI64::new(NOW);
    ResourceId(new_uuid(NEXT.fetch_add(1, Ordering::SeqCst)))
}

/// A resource type of the standard schemas.
pub fn kind(name: &str) -> ResourceType {
    ResourceType::clone(Registry::standard().named(name).unwrap())
}

/// Attributes as the store takes them.
pub fn attributes(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        other => panic!("{other} is no object"),
    }
}

impl World {
    /// Stores a resource.
    pub async fn insert(&self, name: &str, value: Value) -> Result<Stored> {
        let (kind, attributes) = (kind(name), attributes(value));
        let id = new_id();
        self.store.write(ORG, move |t| t.insert_resource(&kind, id, &attributes, NOW)).await
    }

    /// Stores a person.
    pub async fn user(&self, user_name: &str) -> ResourceId {
        self.insert("User", json!({"userName": user_name, "active": true})).await.unwrap().id
    }

    /// Stores a group with members.
    pub async fn group(&self, display_name: &str, members: &[ResourceId]) -> ResourceId {
        let group = self.insert("Group", json!({"displayName": display_name})).await.unwrap().id;
        self.add(group, members).await.unwrap();
        group
    }

    /// Stores an app that is switched on.
    pub async fn app(&self, name: &str) -> AppId {
        self.app_in(ORG, AppId(new_id().0), name).await
    }

    /// Stores an app of an organization.
    pub async fn app_in(&self, organization: OrganizationId, id: AppId, name: &str) -> AppId {
        let row = AppRow {
            id,
            name: name.to_owned(),
            adapter: "sandbox".to_owned(),
            settings: Map::new(),
            scope: None,
            policy: json!({}),
            enabled: true,
            paused: None,
            mapping: 1,
            sample: None,
            revision: 1,
            reconciled_us: None,
            created_us: NOW,
            modified_us: NOW,
        };
        self.store.write(organization, move |t| t.insert_app(&row)).await.unwrap();
        id
    }

    /// How often PostgreSQL had to break off one of several who waited for each other; never on
    /// SQLite, which has one writer. Everybody else must have closed the store.
    pub fn deadlocks(self) -> i64 {
        use diesel::RunQueryDsl as _;
        use diesel::sql_types::BigInt;
        #[derive(diesel::QueryableByName)]
        struct Row {
            #[diesel(sql_type = BigInt)]
            count: i64,
        }
        let Place::Database { name } = &self.place else { return 0 };
        drop(self.store);
        let mut connection = PgConnection::establish(server()).unwrap();
        let mut count = |table: &str, what: &str| {
            let sql = format!("SELECT {what} AS count FROM {table} WHERE datname = '{name}'");
            diesel::sql_query(sql).get_result::<Row>(&mut connection).unwrap().count
        };
        // Who leaves has written down what happened to them.
        while count("pg_stat_activity", "COUNT(*)") > 0 {
            std::thread::yield_now();
        }
        count("pg_stat_database", "deadlocks")
    }

    /// Adds members.
    pub async fn add(&self, group: ResourceId, ids: &[ResourceId]) -> Result<Vec<ResourceId>> {
        let ids = ids.to_vec();
        self.store.write(ORG, move |t| t.add_members(group, &ids, NOW)).await
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Self::Database { name } = self {
            run(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"));
        }
    }
}

/// Runs an async test on a runtime of its own, as the server has.
pub fn block_on<F: Future>(test: F) -> F::Output {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
        .block_on(test)
}

/// Writes each test twice: once for SQLite, once for PostgreSQL.
macro_rules! both {
    ($($(#[$attribute:meta])* async fn $name:ident($world:ident: World) $body:block)*) => {$(
        mod $name {
            #[allow(unused_imports, reason = "not every test needs what its file has")]
            use super::*;
            use $crate::world::{Database, World, block_on};

            async fn run($world: World) $body

            $(#[$attribute])*
            #[test]
            fn sqlite() {
                block_on(async { run(World::new(Database::Sqlite).await).await });
            }

            $(#[$attribute])*
            #[test]
            fn postgres() {
                block_on(async { run(World::new(Database::Postgres).await).await });
            }
        }
    )*};
}
pub(crate) use both;

#[expect(clippy::disallowed_methods, reason = "tests are configured by the script that runs them")]
fn server() -> &'static str {
    static SERVER: OnceLock<String> = OnceLock::new();
    SERVER.get_or_init(|| match std::env::var(POSTGRES) {
        Ok(url) if !url.is_empty() => url,
        _ => panic!("{POSTGRES} names no PostgreSQL server: run tests/run, which starts one"),
    })
}

/// The server's URL with another database in it.
fn database_url(name: &str) -> String {
    let mut url = url::Url::parse(server()).unwrap();
    url.set_path(name);
    url.into()
}

fn run(sql: &str) {
    let mut connection = PgConnection::establish(server()).unwrap();
    connection.batch_execute(sql).unwrap();
}

/// Copies a migrated database, which is quicker than migrating another.
fn clone_of_template() -> String {
    static TEMPLATE: OnceLock<String> = OnceLock::new();
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let process = std::process::id();
    let template = TEMPLATE.get_or_init(|| {
        let name = format!("rollcall_template_{process}");
        run(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"));
        run(&format!("CREATE DATABASE {name}"));
        drop(Store::open(&database_url(&name), &Options::default(), true).unwrap());
        name
    });
    let name = format!("rollcall_test_{process}_{}", NEXT.fetch_add(1, Ordering::Relaxed));
    // Waits for those who still leave the template.
    run(&format!(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{template}'"
    ));
    run(&format!("CREATE DATABASE {name} TEMPLATE {template}"));
    name
}

/// Runs one statement or the other behind the store's back.
pub fn execute(url: &str, sqlite: &str, postgres: &str) {
    if let Some(path) = url.strip_prefix("sqlite:") {
        let mut connection = diesel::SqliteConnection::establish(path).unwrap();
        connection.batch_execute("PRAGMA busy_timeout = 5000").unwrap();
        connection.batch_execute(sqlite).unwrap();
    } else {
        PgConnection::establish(url).unwrap().batch_execute(postgres).unwrap();
    }
}

/// Who did what to whom, of one action in the audit log, in order.
pub fn audited(url: &str, action: &str) -> Vec<(String, String, String)> {
    use diesel::RunQueryDsl as _;
    use diesel::sql_types::Text;
    #[derive(diesel::QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        actor: String,
        #[diesel(sql_type = Text)]
        subject: String,
        #[diesel(sql_type = Text)]
        detail: String,
    }
    let query = diesel::sql_query(format!(
        "SELECT actor, subject, COALESCE(detail, '') AS detail FROM audit \
         WHERE action = '{action}' ORDER BY at_us, id"
    ));
    let rows: Vec<Row> = if let Some(path) = url.strip_prefix("sqlite:") {
        query.load(&mut diesel::SqliteConnection::establish(path).unwrap()).unwrap()
    } else {
        query.load(&mut PgConnection::establish(url).unwrap()).unwrap()
    };
    rows.into_iter().map(|row| (row.actor, row.subject, row.detail)).collect()
}
