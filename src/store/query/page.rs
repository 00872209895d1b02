//! Pages that the database can make by itself.

use super::Page;
use super::predicate::{Lowered, Test};
use crate::id::{OrganizationId, ResourceId};
use crate::scim::list::{Query, Sort};
use crate::scim::schema::ResourceType;
use crate::store::connection::{Backend, Id};
use crate::store::index::Column;
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

    /// Up to `limit` of them after an id, in id order.
    pub(super) fn batch(
        &self,
        reader: &mut Reader<'_>,
        after: ResourceId,
        limit: i64,
    ) -> Result<Vec<StoredColumns>> {
        if self.empty {
            return Ok(Vec::new());
        }
        let mut sql = Sql::new("SELECT ");
        sql.push(COLUMNS).push(" FROM resource r WHERE ").append(self.condition.clone());
        sql.push(" AND r.id > ").bind(after).push(" ORDER BY r.id LIMIT ").bind(limit);
        sql.load::<StoredTypes, _>(reader.conn)
    }

    /// How the database finds a page.
    pub(super) fn explain(
        &self,
        reader: &mut Reader<'_>,
        order: &Order,
        query: &Query,
    ) -> Result<String> {
        let skipped = query.start_index.saturating_sub(1);
        let page = self.rows(order, number(query.count), number(skipped));
        let mut sql = Sql::new("EXPLAIN ");
        sql.dynamic();
        let lines: Vec<String> = match reader.conn.backend() {
            Backend::Sqlite => {
                sql.push("QUERY PLAN ").append(page);
                let rows: Vec<(i32, i32, i32, String)> =
                    sql.load::<(Integer, Integer, Integer, Text), _>(reader.conn)?;
                rows.into_iter().map(|(.., line)| line).collect()
            }
            Backend::Postgres => {
                sql.append(page);
                let rows: Vec<(String,)> = sql.load::<(Text,), _>(reader.conn)?;
                rows.into_iter().map(|(line,)| line).collect()
            }
        };
        Ok(lines.join("\n"))
    }

    fn rows(&self, order: &Order, limit: i64, offset: i64) -> Sql {
        let mut sql = Sql::new("SELECT ");
        if offset > 0 && order.by_id {
            // What is skipped is skipped in an index; only the page's documents are read.
            sql.push(COLUMNS).push(" FROM resource r WHERE r.organization = ");
            sql.bind(self.organization).push(" AND r.id IN (SELECT r.id FROM resource r WHERE ");
            sql.append(self.condition.clone()).push(" ORDER BY r.id LIMIT ").bind(limit);
            sql.push(" OFFSET ").bind(offset).push(") ORDER BY r.id");
            return sql;
        }
        sql.push(COLUMNS).push(" FROM resource r");
        sql.append(order.join.clone()).push(" WHERE ").append(self.condition.clone());
        sql.push(" ORDER BY ").push(&order.terms).push(" LIMIT ").bind(limit);
        sql.push(" OFFSET ").bind(offset);
        sql
    }
}

/// The columns of a [`crate::store::resources::Stored`].
pub(super) const COLUMNS: &str = "r.id, r.kind, r.version, r.doc, r.created_us, r.modified_us";

/// An order of the database.
pub(super) struct Order {
    join: Sql,
    terms: String,
    by_id: bool,
}

impl Order {
    /// The order of creation.
    pub(super) fn by_id() -> Self {
        Self { join: Sql::default(), terms: "r.id".into(), by_id: true }
    }

    /// The order of a field: missing values last, or first when descending (RFC 7644 §3.4.2.3);
    /// equal ones in the order of creation. None where the field has no column and no rows.
    pub(super) fn new(kind: &ResourceType, reader: &Reader<'_>, sort: &Sort) -> Option<Self> {
        let field = &sort.field;
        let direction = if sort.descending { "DESC" } else { "ASC" };
        let plain = |column: &str| {
            let terms = format!("{column} {direction}, r.id");
            Some(Self { join: Sql::default(), terms, by_id: false })
        };
        if field.extension.is_none() {
            match field.key.as_str() {
                "id" => return plain("r.id"),
                "meta.created" => return plain("r.created_us"),
                "meta.lastModified" => return plain("r.modified_us"),
                _ => {}
            }
            if let Some(column) = Column::of(kind, &field.key) {
                let name = format!("r.{}", column.name());
                if kind.base_attribute(&field.key).is_some_and(|attribute| attribute.required) {
                    return plain(&name); // and an index serves it
                }
                let terms = format!("{name} IS NULL {direction}, {name} {direction}, r.id");
                return Some(Self { join: Sql::default(), terms, by_id: false });
            }
        }
        let lowering = super::Lowering {
            kind,
            organization: reader.organization,
            backend: reader.conn.backend(),
        };
        let paths = lowering.paths(field)?;
        let [path] = paths.as_slice() else { return None };
        let mut join = Sql::new(
            " LEFT JOIN attribute s ON s.resource_id = r.id AND s.element = 0 \
             AND s.organization = ",
        );
        join.bind(reader.organization).push(" AND s.path = ").bind(path.as_str());
        let terms = format!("s.key IS NULL {direction}, COALESCE(s.rest, s.key) {direction}, r.id");
        Some(Self { join, terms, by_id: false })
    }
}

fn number(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
