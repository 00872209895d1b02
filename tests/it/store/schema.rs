//! The migrations of both databases, and `schema.rs`, say the same.

use crate::world::{Database, World, block_on, both};
use diesel::migration::Migration;
use diesel::prelude::*;
use diesel::sql_types::{Nullable, Text};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};
use std::collections::BTreeMap;

const SQLITE: EmbeddedMigrations = embed_migrations!("migrations/sqlite");
const POSTGRES: EmbeddedMigrations = embed_migrations!("migrations/postgres");

/// Table → column → type and whether it may be NULL.
type Shape = BTreeMap<String, BTreeMap<String, String>>;

#[derive(QueryableByName)]
#[expect(clippy::struct_field_names, reason = "as the databases name them")]
struct Column {
    #[diesel(sql_type = Text)]
    table_name: String,
    #[diesel(sql_type = Text)]
    column_name: String,
    #[diesel(sql_type = Text)]
    data_type: String,
    #[diesel(sql_type = Text)]
    nullable: String,
}

#[derive(QueryableByName)]
struct Definition {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Nullable<Text>)]
    sql: Option<String>,
}

fn shape(columns: Vec<Column>) -> Shape {
    let mut shape = Shape::new();
    for Column { table_name, column_name, data_type, nullable } in columns {
        if table_name.starts_with("__diesel") || table_name.starts_with("sqlite_") {
            continue;
        }
        let optional = if nullable == "YES" { "?" } else { "" };
        let column = format!("{}{optional}", data_type.to_uppercase());
        shape.entry(table_name).or_default().insert(column_name, column);
    }
    shape
}

fn of_sqlite(connection: &mut SqliteConnection) -> Shape {
    let columns = diesel::sql_query(
        "SELECT t.name AS table_name, c.name AS column_name, c.type AS data_type, \
         CASE WHEN c.\"notnull\" THEN 'NO' ELSE 'YES' END AS nullable \
         FROM sqlite_master t, pragma_table_info(t.name) c WHERE t.type = 'table'",
    );
    shape(columns.load(connection).unwrap())
}

fn of_postgres(connection: &mut PgConnection) -> Shape {
    let columns = diesel::sql_query(
        "SELECT table_name::text, column_name::text, data_type::text, is_nullable::text AS nullable \
         FROM information_schema.columns WHERE table_schema = 'public'",
    );
    shape(columns.load(connection).unwrap())
}

/// `schema.rs` in the words of a database.
fn written(words: &dyn Fn(&str) -> &'static str) -> Shape {
    let mut shape = Shape::new();
    let mut table = String::new();
    let mut sql_name: Option<String> = None;
    for line in include_str!("../../../src/store/schema.rs").lines() {
        let line = line.trim();
        if let Some(name) = line.strip_suffix(") {").and_then(|line| line.split(" (").next()) {
            name.clone_into(&mut table);
        } else if let Some(name) = line.strip_prefix("#[sql_name = \"") {
            sql_name = name.strip_suffix("\"]").map(str::to_owned);
        } else if let Some((name, kind)) = line.split_once(" -> ") {
            let kind = kind.trim_end_matches(',');
            let inner = kind.strip_prefix("Nullable<").and_then(|kind| kind.strip_suffix('>'));
            let optional = if inner.is_some() { "?" } else { "" };
            let column = format!("{}{optional}", words(inner.unwrap_or(kind)));
            let name = sql_name.take().unwrap_or_else(|| name.to_owned());
            shape.entry(table.clone()).or_default().insert(name, column);
        }
    }
    assert!(shape.len() > 15, "schema.rs was read");
    shape
}

fn in_sqlite(kind: &str) -> &'static str {
    match kind {
        "BigInt" => "BIGINT",
        "Integer" => "INTEGER",
        "Text" => "TEXT",
        "Bool" => "BOOLEAN",
        "Id" | "Binary" => "BLOB",
        other => panic!("{other}"),
    }
}

fn in_postgres(kind: &str) -> &'static str {
    match kind {
        "Id" => "UUID",
        "Binary" => "BYTEA",
        other => in_sqlite(other),
    }
}

#[test]
fn sqlite_has_the_columns_of_the_schema() {
    let world = block_on(World::new(Database::Sqlite));
    let path = world.url.strip_prefix("sqlite:").unwrap();
    let mut connection = SqliteConnection::establish(path).unwrap();
    assert_eq!(of_sqlite(&mut connection), written(&in_sqlite));
}

#[test]
fn postgres_has_the_columns_of_the_schema() {
    let world = block_on(World::new(Database::Postgres));
    let mut connection = PgConnection::establish(&world.url).unwrap();
    assert_eq!(of_postgres(&mut connection), written(&in_postgres));
}

#[test]
fn sqlite_migrates_down_to_nothing_and_up_again() {
    let world = block_on(World::new(Database::Sqlite));
    let path = world.url.strip_prefix("sqlite:").unwrap();
    let mut connection = SqliteConnection::establish(path).unwrap();
    let before = of_sqlite(&mut connection);
    connection.revert_all_migrations(SQLITE).unwrap();
    assert_eq!(of_sqlite(&mut connection), Shape::new());
    connection.run_pending_migrations(SQLITE).unwrap();
    assert_eq!(of_sqlite(&mut connection), before);
}

#[test]
fn postgres_migrates_down_to_nothing_and_up_again() {
    let world = block_on(World::new(Database::Postgres));
    let mut connection = PgConnection::establish(&world.url).unwrap();
    let before = of_postgres(&mut connection);
    connection.revert_all_migrations(POSTGRES).unwrap();
    assert_eq!(of_postgres(&mut connection), Shape::new());
    connection.run_pending_migrations(POSTGRES).unwrap();
    assert_eq!(of_postgres(&mut connection), before);
}

#[test]
fn both_have_the_same_migrations() {
    fn names<DB: diesel::backend::Backend>(source: &EmbeddedMigrations) -> Vec<String>
    where
        EmbeddedMigrations: diesel::migration::MigrationSource<DB>,
    {
        let found = diesel::migration::MigrationSource::<DB>::migrations(source).unwrap();
        found.iter().map(|migration| migration.name().to_string()).collect()
    }
    assert_eq!(names::<diesel::sqlite::Sqlite>(&SQLITE), names::<diesel::pg::Pg>(&POSTGRES));
}

#[test]
fn every_index_of_sqlite_starts_with_the_organization() {
    let world = block_on(World::new(Database::Sqlite));
    let path = world.url.strip_prefix("sqlite:").unwrap();
    let mut connection = SqliteConnection::establish(path).unwrap();
    let indexes: Vec<Definition> =
        diesel::sql_query("SELECT name, sql FROM sqlite_master WHERE type = 'index'")
            .load(&mut connection)
            .unwrap();
    let written: Vec<_> = indexes.iter().filter_map(|i| Some((&i.name, i.sql.as_ref()?))).collect();
    assert!(written.len() > 10);
    for (name, sql) in written {
        assert!(sql.contains("(organization"), "{name}: {sql}");
    }
}

both! {
    async fn several_may_start_together(world: World) {
        let url = world.url.clone();
        let starting: Vec<_> = (0..4)
            .map(|_| {
                let url = url.clone();
                std::thread::spawn(move || {
                    rollcall::store::Store::open(&url, &rollcall::store::Options::default(), false)
                        .map(drop)
                })
            })
            .collect();
        for started in starting {
            started.join().unwrap().unwrap();
        }
    }
}
