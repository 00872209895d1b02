//! What one member more costs, however many there are.

#![allow(clippy::format_push_string, reason = "plainer in a test")]

use super::bridge::{Bridge, PATIENCE, patch};
use super::meddler::{Meddler, Meddling};
use crate::world::{Database, NOW, World, block_on, execute};
use diesel::{Connection as _, PgConnection, QueryableByName, RunQueryDsl as _};
use parking_lot::Mutex;
use reqwest::Method;
use rollcall::store::{Options, Store};
use rollcall::vault::Vault;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

const SERVICE: &str = r#"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"],
    "patch":{"supported":true},"bulk":{"supported":false,"maxOperations":0,"maxPayloadSize":0},
    "filter":{"supported":true,"maxResults":200},"changePassword":{"supported":false},
    "sort":{"supported":false},"etag":{"supported":false},"authenticationSchemes":[]}"#;

/// An id by its number.
fn id(number: usize) -> String {
    format!("00000000-0000-7000-8000-{number:012x}")
}

/// A group of so many, whom the app was told of, one above it, and two people who are in none.
struct Crowd {
    people: usize,
}

impl Crowd {
    fn group(&self) -> String {
        id(self.people + 10)
    }

    fn above(&self) -> String {
        id(self.people + 11)
    }

    /// Puts everybody in, behind the store's back: directory and app are equal.
    fn fill(&self, world: &World, app: &str) {
        let (people, group, above) = (self.people, self.group(), self.above());
        let statements = |id: &dyn Fn(&str) -> String, number: &str, series: &str| {
            let (app, group, above) = (id(app), id(&group), id(&above));
            let mut sql = format!(
                "INSERT INTO resource (organization, id, kind, version, user_name, label, doc, created_us, modified_us) \
                 SELECT 1, {number}, 'User', 1, 'u' || n, 'u' || n, '{{\"schemas\":[\"urn:ietf:params:scim:schemas:core:2.0:User\"],\"userName\":\"u' || n || '\",\"active\":true}}', {NOW}, {NOW} FROM {series};"
            );
            for (group, name, plain) in
                [(&group, "Everybody", self.group()), (&above, "Above", self.above())]
            {
                sql += &format!(
                    "INSERT INTO resource (organization, id, kind, version, display, label, doc, created_us, modified_us) \
                     VALUES (1, {group}, 'Group', 1, lower('{name}'), '{name}', '{{\"schemas\":[\"urn:ietf:params:scim:schemas:core:2.0:Group\"],\"displayName\":\"{name}\"}}', {NOW}, {NOW});\
                     INSERT INTO link (organization, app_id, resource_id, kind, remote_id, state, origin, record, pushed_us) \
                     VALUES (1, {app}, {group}, 'Group', '{name}', 'linked', 'created', '{{\"displayName\":\"{name}\",\"externalId\":\"{plain}\"}}', {NOW});"
                );
            }
            sql += &format!(
                "INSERT INTO link (organization, app_id, resource_id, kind, remote_id, state, origin, record, pushed_us) \
                 SELECT 1, {app}, {number}, 'User', 'r' || n, 'linked', 'created', '{{}}', {NOW} FROM {series};\
                 INSERT INTO member (organization, group_id, member_id, member_kind, since_us) \
                 SELECT 1, {group}, {number}, 'User', {NOW} FROM {series} WHERE n < {people};\
                 INSERT INTO member (organization, group_id, member_id, member_kind, since_us) VALUES (1, {above}, {group}, 'Group', {NOW});"
            );
            for group in [&group, &above] {
                sql += &format!(
                    "INSERT INTO link_member (organization, app_id, group_id, member_id, remote_id) \
                     SELECT 1, {app}, {group}, {number}, 'r' || n FROM {series} WHERE n < {people};"
                );
            }
            sql + &format!("UPDATE app SET enabled = TRUE WHERE id = {app};")
        };
        let last = people + 1;
        let sqlite = statements(
            &|id| format!("X'{}'", id.replace('-', "")),
            "unhex(printf('00000000000070008000%012x', n))",
            &format!(
                "(WITH RECURSIVE s(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM s WHERE n < {last}) SELECT n FROM s)"
            ),
        );
        let postgres = statements(
            &|id| format!("'{id}'::uuid"),
            "('00000000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid",
            &format!("generate_series(0, {last}) n"),
        );
        // As both do by themselves, sooner or later.
        execute(&world.url, &format!("{sqlite} ANALYZE"), &format!("{postgres} ANALYZE"));
    }
}

/// Everything that was asked of the app but for what it can do.
type Said = Arc<Mutex<Vec<(String, String, Value)>>>;

/// An app that takes everything.
fn app() -> (Meddler, Said) {
    let said: Said = Arc::default();
    let heard = Arc::clone(&said);
    let meddler = Meddler::before("http://127.0.0.1:1", move |method, path, body| {
        if path.contains("ServiceProviderConfig") {
            return Meddling::Answer(200, SERVICE);
        }
        heard.lock().push((
            method.to_owned(),
            path.to_owned(),
            serde_json::from_str(body).unwrap_or_default(),
        ));
        Meddling::Answer(204, "")
    });
    (meddler, said)
}

/// Waits until the app was told so many things, and has nothing more to be told.
async fn told(bridge: &Bridge, said: &Said, count: usize) -> Vec<(String, String, Value)> {
    let waiting = async {
        while said.lock().len() < count {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.expect("the app is never told");
    bridge
        .until("crowded", "the queue empties", |app| {
            app["queue"]["ready"] == 0
                && app["queue"]["running"] == 0
                && app["queue"]["parked"] == 0
        })
        .await;
    std::mem::take(&mut *said.lock())
}

/// One joins and one leaves; what that is told the app, in a flat group and in one above it.
async fn one_more(world: &World, people: usize) {
    let crowd = Crowd { people };
    let bridge = Bridge::start(&world.store, &Vault::ephemeral()).await;
    let (meddler, said) = app();
    let made = bridge
        .admin(
            Method::POST,
            "/apps",
            json!({
                "name": "crowded", "adapter": "scim",
                "settings": { "url": meddler.address }, "secrets": { "token": "t" },
            }),
        )
        .await;
    crowd.fill(world, made["id"].as_str().unwrap());
    let path = format!("/Groups/{}", crowd.group());
    let (first, second) = (id(people), id(people + 1));

    bridge.push(Method::PATCH, &path, patch("add", "members", &json!([{ "value": first }]))).await;
    let sent = told(&bridge, &said, 1).await;
    assert_eq!(sent.len(), 1, "{sent:?}");
    let (method, target, body) = &sent[0];
    assert_eq!((method.as_str(), target.as_str()), ("PATCH", "/Groups/Everybody"));
    let joins = |number| json!([{ "op": "add", "path": "members", "value": [{ "value": format!("r{number}") }] }]);
    assert_eq!(body["Operations"], joins(people));

    let removal = format!("members[value eq \"{first}\"]");
    bridge.push(Method::PATCH, &path, patch("remove", &removal, &Value::Null)).await;
    let sent = told(&bridge, &said, 1).await;
    let leaves = json!([{ "op": "remove", "path": format!("members[value eq \"r{people}\"]") }]);
    assert_eq!((sent.len(), &sent[0].2["Operations"]), (1, &leaves));

    // Where everybody below a group is its member, the group above is told of one, too. First of the
    // group in it, which is its member until then.
    let flat = json!({ "policy": { "nestedGroups": "flatten" } });
    bridge.admin(Method::PATCH, "/apps/crowded", flat).await;
    bridge.push(Method::PATCH, &path, patch("add", "members", &json!([{ "value": second }]))).await;
    let mut sent = told(&bridge, &said, 2).await;
    sent.sort_by(|one, other| one.1.cmp(&other.1));
    let told: Vec<(&str, &Value)> =
        sent.iter().map(|(_, path, body)| (path.as_str(), &body["Operations"])).collect();
    let joins = joins(people + 1);
    assert_eq!(told, [("/Groups/Above", &joins), ("/Groups/Everybody", &joins)]);
    bridge.stop().await;
    meddler.stop().await;
}

#[test]
fn one_more_of_a_hundred_thousand_is_one_request_with_one_value_sqlite() {
    block_on(async { one_more(&World::new(Database::Sqlite).await, 100_000).await });
}

#[test]
fn one_more_of_a_hundred_thousand_is_one_request_with_one_value_postgres() {
    block_on(async { one_more(&World::new(Database::Postgres).await, 100_000).await });
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    count: i64,
}

fn count(url: &str, query: &str) -> i64 {
    let mut connection = PgConnection::establish(url).unwrap();
    let rows: Vec<Count> = diesel::sql_query(query).load(&mut connection).unwrap();
    rows[0].count
}

/// How many rows were ever read of the tables that grow with the group, once all who read have left.
async fn rows_read(url: &str) -> i64 {
    let others = "SELECT COUNT(*) AS count FROM pg_stat_activity WHERE pid <> pg_backend_pid() \
                  AND datname = current_database() AND backend_type = 'client backend'";
    let leaving = async {
        while count(url, others) > 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, leaving).await.expect("somebody never leaves");
    count(
        url,
        "SELECT CAST(SUM(seq_tup_read + COALESCE(idx_tup_fetch, 0)) AS BIGINT) AS count \
         FROM pg_stat_user_tables WHERE relname IN \
         ('resource', 'attribute', 'member', 'link', 'link_member', 'member_push')",
    )
}

/// No request of the directory and none of the worker reads the group: counted by PostgreSQL itself.
/// What SQLite does is checked by its plans, beside the store.
#[test]
fn one_more_reads_few_rows_postgres() {
    block_on(async {
        const PEOPLE: usize = 10_000;
        let mut world = World::new(Database::Postgres).await;
        let (url, vault) = (world.url.clone(), Vault::ephemeral());
        let crowd = Crowd { people: PEOPLE };
        let (meddler, said) = app();
        let bridge = Bridge::start(&world.store, &vault).await;
        let made = bridge
            .admin(
                Method::POST,
                "/apps",
                json!({
                    "name": "crowded", "adapter": "scim", "policy": { "nestedGroups": "flatten" },
                    "settings": { "url": meddler.address }, "secrets": { "token": "t" },
                }),
            )
            .await;
        bridge.stop().await;
        crowd.fill(&world, made["id"].as_str().unwrap());
        // What somebody read is counted when they leave.
        let elsewhere = World::new(Database::Sqlite).await;
        world.store = elsewhere.store.clone();
        let before = rows_read(&url).await;

        let store = Store::open(&url, &Options::default(), true).unwrap();
        let bridge = Bridge::start(&store, &vault).await;
        let joins = patch("add", "members", &json!([{ "value": id(PEOPLE) }]));
        bridge.push(Method::PATCH, &format!("/Groups/{}", crowd.group()), joins).await;
        let waiting = async {
            while said.lock().len() < 2 {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(PATIENCE, waiting).await.expect("the app is never told");
        bridge.stop().await;
        drop(store);
        let read = rows_read(&url).await - before;
        let few = i64::try_from(PEOPLE / 10).unwrap();
        assert!((1..few).contains(&read), "{read} rows were read");
        meddler.stop().await;
    });
}
