//! Orders that the database can make by itself.

use crate::scim::filter::Field;
use crate::scim::schema::ResourceType;
use crate::store::Reader;
use crate::store::connection::Backend;
use crate::store::index::{Column, SORTED_CHARACTERS};
use crate::store::sql::Sql;

/// An order of the database.
pub(super) struct Order {
    /// What else it needs to know of a row.
    pub(super) join: Sql,
    pub(super) by: By,
    pub(super) descending: bool,
}

/// By what the database orders; what is equal is in the order of creation.
pub(super) enum By {
    Id,
    /// An expression that nothing lacks.
    Required(Expression),
    /// An expression that may be NULL.
    Optional(Expression),
    /// What the type does not have, so nothing has a value.
    Missing,
}

/// An expression of a row `r` of `resource`, or of what is joined with it.
pub(super) struct Expression {
    pub(super) sql: String,
    /// Whether it is a number, not text.
    pub(super) number: bool,
    /// Whether it holds no more of a value than [`SORTED_CHARACTERS`].
    pub(super) cut: bool,
}

impl Order {
    /// The order of creation.
    pub(super) fn by_id() -> Self {
        Self { join: Sql::default(), by: By::Id, descending: false }
    }

    /// For a type that does not have what is sorted by.
    pub(super) fn missing(descending: bool) -> Self {
        Self { join: Sql::default(), by: By::Missing, descending }
    }

    /// The order of a field: missing values last, or first when descending (RFC 7644 §3.4.2.3);
    /// equal ones in the order of creation. None where the field has no column and no rows.
    pub(super) fn new(
        kind: &ResourceType,
        reader: &Reader<'_>,
        field: &Field,
        descending: bool,
    ) -> Option<Self> {
        let of = |by| Some(Self { join: Sql::default(), by, descending });
        let whole = |sql: &str, number| Expression { sql: sql.to_owned(), number, cut: false };
        if field.extension.is_none() {
            match field.key.as_str() {
                "id" => return of(By::Id),
                "meta.created" => return of(By::Required(whole("r.created_us", true))),
                "meta.lastModified" => return of(By::Required(whole("r.modified_us", true))),
                _ => {}
            }
            if let Some(column) = Column::of(kind, &field.key) {
                let name = match column {
                    // As the sort key writes it, and compared as the others are.
                    Column::Active => {
                        let text =
                            "CASE WHEN r.active THEN 'true' WHEN NOT r.active THEN 'false' END";
                        match reader.conn.backend() {
                            Backend::Sqlite => text.to_owned(),
                            Backend::Postgres => format!("({text}) COLLATE \"C\""),
                        }
                    }
                    column => format!("r.{}", column.name()),
                };
                let required = kind.base_attribute(&field.key).is_some_and(|a| a.required);
                // An index serves what is required.
                return of(if required {
                    By::Required(whole(&name, false))
                } else {
                    By::Optional(whole(&name, false))
                });
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
        let sql = format!("substr(COALESCE(s.rest, s.key), 1, {SORTED_CHARACTERS})");
        let by = By::Optional(Expression { sql, number: false, cut: true });
        Some(Self { join, by, descending })
    }

    /// What stands behind `ORDER BY`.
    pub(super) fn terms(&self) -> String {
        let direction = if self.descending { "DESC" } else { "ASC" };
        match &self.by {
            By::Id => format!("r.id {direction}"),
            By::Missing => "r.id".to_owned(),
            By::Required(expression) => format!("{} {direction}, r.id", expression.sql),
            By::Optional(Expression { sql, .. }) => {
                format!("{sql} IS NULL {direction}, {sql} {direction}, r.id")
            }
        }
    }

    /// Whether it is the order of creation.
    pub(super) fn is_of_creation(&self) -> bool {
        matches!(self.by, By::Id) && !self.descending
    }
}
