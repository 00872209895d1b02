//! Bringing a database to the schema of this build.

use super::connection::Connection;
use super::error::{Error, Result};
use super::pool::Manager;
use diesel::connection::{AnsiTransactionManager, SimpleConnection, TransactionManager};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

const SQLITE: EmbeddedMigrations = embed_migrations!("migrations/sqlite");
const POSTGRES: EmbeddedMigrations = embed_migrations!("migrations/postgres");

/// Key of the advisory lock under which instances migrate one after the other.
const LOCK: &str = "SET lock_timeout = 0; SET statement_timeout = 0; \
     SELECT pg_advisory_lock(7237128888)";

/// Applies what is pending. Safe when several processes start together: one does it, the others
/// wait and find nothing to do.
pub(super) fn apply(manager: &Manager) -> Result<()> {
    match manager.open()? {
        Connection::Sqlite(mut inner) => {
            AnsiTransactionManager::begin_transaction_sql(&mut inner, "BEGIN IMMEDIATE")?;
            inner.run_pending_migrations(SQLITE).map_err(|error| failed(error.as_ref()))?;
            AnsiTransactionManager::commit_transaction(&mut inner)?;
        }
        // The lock belongs to the session, so it ends with this connection whatever happens.
        Connection::Postgres(mut inner) => {
            inner.batch_execute(LOCK)?;
            inner.run_pending_migrations(POSTGRES).map_err(|error| failed(error.as_ref()))?;
        }
    }
    Ok(())
}

fn failed(error: &dyn std::error::Error) -> Error {
    Error::Database(format!("the migration failed: {error}"))
}
