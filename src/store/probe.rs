//! What tests put into a database and ask of it beside the store's own statements.

use super::sql::Sql;
use super::{Reader, Result, Transaction};
use diesel::sql_types::{BigInt, Text};

impl Transaction<'_> {
    /// Runs one statement as it stands: a table, a trigger.
    pub(crate) fn plant(&mut self, text: &str) -> Result<()> {
        Sql::new(text).dynamic().execute(self.conn)?;
        Ok(())
    }
}

impl Reader<'_> {
    /// The rows of a query that answers a number and two texts.
    pub(crate) fn probe(&mut self, text: &str) -> Result<Vec<(i64, String, String)>> {
        Sql::new(text).load::<(BigInt, Text, Text), _>(self.conn)
    }
}
