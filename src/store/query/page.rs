//! Pages that the database can make by itself.

use super::Page;
use super::order::Order;
use super::predicate::{Lowered, Test};
use crate::id::{OrganizationId, ResourceId};
use crate::scim::list::Query;
use crate::scim::schema::ResourceType;
use crate::store::connection::{Backend, Id};
use crate::store::resources::{StoredColumns, stored};
use crate::store::sql::Sql;
use crate::store::{Reader, Result};
use diesel::sql_types::{BigInt, Integer, Text};

/// Types of [`StoredColumns`].
pub(super) type StoredTypes = (Id, Text, BigInt, Text, BigInt, BigInt);

/// The resources of a type that pass a test.
pub(super) struct Selection {
    organization: OrganizationId,
    condition: Sql,
    empty: bool,
}

impl Selection {
    /// Those that pass what a condition was lowered to.
    pub(super) fn new(
        kind: &ResourceType,
        organization: OrganizationId,
        lowered: &Lowered,
    ) -> Self {
        let mut condition = Sql::new("r.organization = ");
        condition.bind(organization).push(" AND r.kind = ").bind(kind.name.as_str());
        if let Test::Sql(test) = &lowered.test {
            condition.push(" AND ").append(test.clone());
        }
        Self { organization, condition, empty: matches!(lowered.test, Test::False) }
    }

    /// The condition comes in many shapes.
    pub(super) fn dynamic(&mut self) {
        self.condition.dynamic();
    }

    /// Only this one, if it is among them.
    pub(super) fn only(&mut self, id: ResourceId) {
        self.condition.push(" AND r.id = ").bind(id);
    }

    /// How many there are.
    pub(super) fn total(&self, reader: &mut Reader<'_>) -> Result<i64> {
        if self.empty {
            return Ok(0);
        }
        let mut sql = Sql::new("SELECT count(*) FROM resource r WHERE ");
        sql.append(self.condition.clone());
        let rows: Vec<(i64,)> = sql.load::<(BigInt,), _>(reader.conn)?;
        Ok(rows.first().map_or(0, |(count,)| *count))
    }

    /// A page in an order that the database knows. Counts only where the page does not tell.
    pub(super) fn page(
        &self,
        reader: &mut Reader<'_>,
        order: &Order,
        query: &Query,
    ) -> Result<Page> {
        if self.empty {
            return Ok(Page { total: 0, resources: Vec::new() });
        }
        let skipped = query.start_index.saturating_sub(1);
        let mut resources = Vec::new();
        if query.count > 0 {
            let sql = self.rows(order, number(query.count), number(skipped));
            let rows: Vec<StoredColumns> = sql.load::<StoredTypes, _>(reader.conn)?;
            resources = rows.into_iter().map(stored).collect::<Result<_>>()?;
            let last_page = resources.len() < query.count;
            if last_page && (skipped == 0 || !resources.is_empty()) {
                return Ok(Page { total: skipped + resources.len(), resources });
            }
        }
        let total = usize::try_from(self.total(reader)?).unwrap_or(usize::MAX);
        Ok(Page { total, resources })
    }

    /// Their condition, on a row `r`; none where it holds for nothing.
    pub(super) fn condition(&self) -> Option<&Sql> {
        (!self.empty).then_some(&self.condition)
    }

    /// How the database finds a page.
    pub(super) fn explain(
        &self,
        reader: &mut Reader<'_>,
        order: &Order,
        query: &Query,
    ) -> Result<String> {
        let skipped = query.start_index.saturating_sub(1);
        explain(reader, self.rows(order, number(query.count), number(skipped)))
    }

    fn rows(&self, order: &Order, limit: i64, offset: i64) -> Sql {
        let mut sql = Sql::new("SELECT ");
        if offset > 0 && order.is_of_creation() {
            // What is skipped is skipped in an index; only the page's documents are read.
            sql.push(COLUMNS).push(" FROM resource r WHERE r.organization = ");
            sql.bind(self.organization).push(" AND r.id IN (SELECT r.id FROM resource r WHERE ");
            sql.append(self.condition.clone()).push(" ORDER BY r.id LIMIT ").bind(limit);
            sql.push(" OFFSET ").bind(offset).push(") ORDER BY r.id");
            return sql;
        }
        sql.push(COLUMNS).push(" FROM resource r");
        sql.append(order.join.clone()).push(" WHERE ").append(self.condition.clone());
        sql.push(" ORDER BY ").push(&order.terms()).push(" LIMIT ").bind(limit);
        sql.push(" OFFSET ").bind(offset);
        sql
    }
}

/// How the database runs a statement, in its own words.
pub(super) fn explain(reader: &mut Reader<'_>, statement: Sql) -> Result<String> {
    let mut sql = Sql::new("EXPLAIN ");
    sql.dynamic();
    let lines: Vec<String> = match reader.conn.backend() {
        Backend::Sqlite => {
            sql.push("QUERY PLAN ").append(statement);
            let rows: Vec<(i32, i32, i32, String)> =
                sql.load::<(Integer, Integer, Integer, Text), _>(reader.conn)?;
            rows.into_iter().map(|(.., line)| line).collect()
        }
        Backend::Postgres => {
            sql.append(statement);
            let rows: Vec<(String,)> = sql.load::<(Text,), _>(reader.conn)?;
            rows.into_iter().map(|(line,)| line).collect()
        }
    };
    Ok(lines.join("\n"))
}

/// The columns of a [`crate::store::resources::Stored`].
pub(super) const COLUMNS: &str = "r.id, r.kind, r.version, r.doc, r.created_us, r.modified_us";

pub(super) fn number(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
