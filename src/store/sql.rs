//! SQL put together at run time: text and its bound values.
//!
//! For what typed queries cannot say on both databases at once: conditions lowered from filters,
//! recursive queries, rows of `VALUES`, `ON CONFLICT`. Values are always bound, never written into
//! the text; what is written into the text comes from this crate.

use super::connection::{Connection, Id, MultiBackend};
use super::error::Result;
use crate::id::{
    AppId, AttemptId, ChangeId, DeliveryId, InstanceId, NotificationId, OrganizationId, ResourceId,
    RunId,
};
use diesel::QueryResult;
use diesel::connection::Connection as _;
use diesel::deserialize::FromSqlRow;
use diesel::expression::QueryMetadata;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{BigInt, Bool, Integer, Nullable, Text};
use diesel::{RunQueryDsl, query_dsl::methods::LoadQuery};
use std::marker::PhantomData;

/// Most values bound in a statement that stays prepared. Longer statements come in too many
/// shapes to keep one of each.
const CACHED_BINDS: usize = 120;

/// Text and its bound values.
#[derive(Debug, Clone, Default)]
pub(super) struct Sql {
    parts: Vec<Part>,
    binds: usize,
    dynamic: bool,
}

#[derive(Debug, Clone)]
enum Part {
    Text(String),
    Bind(Value),
}

/// A bound value.
#[derive(Debug, Clone)]
pub(super) enum Value {
    /// An id.
    Id(ResourceId),
    /// Text.
    Text(String),
    /// Text that may be absent.
    MaybeText(Option<String>),
    /// A number.
    Big(i64),
    /// A number that may be absent.
    MaybeBig(Option<i64>),
    /// A small number.
    Int(i32),
    /// A boolean.
    Bool(bool),
}

impl From<ResourceId> for Value {
    fn from(value: ResourceId) -> Self {
        Self::Id(value)
    }
}
impl From<AppId> for Value {
    fn from(value: AppId) -> Self {
        Self::Id(ResourceId(value.0))
    }
}
impl From<RunId> for Value {
    fn from(value: RunId) -> Self {
        Self::Id(ResourceId(value.0))
    }
}
impl From<AttemptId> for Value {
    fn from(value: AttemptId) -> Self {
        Self::Id(ResourceId(value.0))
    }
}
impl From<ChangeId> for Value {
    fn from(value: ChangeId) -> Self {
        Self::Id(ResourceId(value.0))
    }
}
impl From<NotificationId> for Value {
    fn from(value: NotificationId) -> Self {
        Self::Id(ResourceId(value.0))
    }
}
impl From<DeliveryId> for Value {
    fn from(value: DeliveryId) -> Self {
        Self::Id(ResourceId(value.0))
    }
}
impl From<InstanceId> for Value {
    fn from(value: InstanceId) -> Self {
        Self::Id(ResourceId(value.0))
    }
}
impl From<OrganizationId> for Value {
    fn from(value: OrganizationId) -> Self {
        Self::Big(value.0)
    }
}
impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}
impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::Text(value)
    }
}
impl From<Option<String>> for Value {
    fn from(value: Option<String>) -> Self {
        Self::MaybeText(value)
    }
}
impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Big(value)
    }
}
impl From<Option<i64>> for Value {
    fn from(value: Option<i64>) -> Self {
        Self::MaybeBig(value)
    }
}
impl From<i32> for Value {
    fn from(value: i32) -> Self {
        Self::Int(value)
    }
}
impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl Sql {
    /// Starts with a text.
    pub(super) fn new(text: &str) -> Self {
        let mut sql = Self::default();
        sql.push(text);
        sql
    }

    /// Adds text.
    pub(super) fn push(&mut self, text: &str) -> &mut Self {
        if let Some(Part::Text(last)) = self.parts.last_mut() {
            last.push_str(text);
        } else {
            self.parts.push(Part::Text(text.to_owned()));
        }
        self
    }

    /// Adds a bound value.
    pub(super) fn bind(&mut self, value: impl Into<Value>) -> &mut Self {
        self.parts.push(Part::Bind(value.into()));
        self.binds += 1;
        self
    }

    /// Adds bound values with commas between them.
    pub(super) fn binds<V: Into<Value>>(
        &mut self,
        values: impl IntoIterator<Item = V>,
    ) -> &mut Self {
        for (at, value) in values.into_iter().enumerate() {
            if at > 0 {
                self.push(", ");
            }
            self.bind(value);
        }
        self
    }

    /// Adds another piece.
    pub(super) fn append(&mut self, other: Self) -> &mut Self {
        self.dynamic |= other.dynamic;
        self.binds += other.binds;
        for part in other.parts {
            match part {
                Part::Text(text) => {
                    self.push(&text);
                }
                bind @ Part::Bind(_) => self.parts.push(bind),
            }
        }
        self
    }

    /// Whether there is nothing in it.
    pub(super) fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// The text, with `?` for every value.
    pub(super) fn text(&self) -> String {
        let part = |part: &Part| match part {
            Part::Text(text) => text.clone(),
            Part::Bind(_) => "?".to_owned(),
        };
        self.parts.iter().map(part).collect()
    }

    /// Says that the text comes in many shapes, so that the prepared statement is not kept.
    pub(super) fn dynamic(&mut self) -> &mut Self {
        self.dynamic = true;
        self
    }

    /// Runs it; answers how many rows changed.
    pub(super) fn execute(&self, conn: &mut Connection) -> Result<usize> {
        Ok(conn.execute_returning_count(self)?)
    }

    /// Runs it; answers its rows, whose columns have the types `ST`.
    pub(super) fn load<ST, T>(self, conn: &mut Connection) -> Result<Vec<T>>
    where
        ST: 'static,
        MultiBackend: QueryMetadata<ST>,
        T: FromSqlRow<ST, MultiBackend> + 'static,
        Rows<ST>: for<'q> LoadQuery<'q, Connection, T>,
    {
        let rows: QueryResult<Vec<T>> = Rows::<ST>(self, PhantomData).load(conn);
        Ok(rows?)
    }
}

impl QueryFragment<MultiBackend> for Sql {
    fn walk_ast<'b>(&'b self, mut pass: AstPass<'_, 'b, MultiBackend>) -> QueryResult<()> {
        if self.dynamic || self.binds > CACHED_BINDS {
            pass.unsafe_to_cache_prepared();
        }
        for part in &self.parts {
            match part {
                Part::Text(text) => pass.push_sql(text),
                Part::Bind(Value::Id(value)) => pass.push_bind_param::<Id, _>(value)?,
                Part::Bind(Value::Text(value)) => pass.push_bind_param::<Text, _>(value)?,
                Part::Bind(Value::MaybeText(value)) => {
                    pass.push_bind_param::<Nullable<Text>, _>(value)?;
                }
                Part::Bind(Value::Big(value)) => pass.push_bind_param::<BigInt, _>(value)?,
                Part::Bind(Value::MaybeBig(value)) => {
                    pass.push_bind_param::<Nullable<BigInt>, _>(value)?;
                }
                Part::Bind(Value::Int(value)) => pass.push_bind_param::<Integer, _>(value)?,
                Part::Bind(Value::Bool(value)) => pass.push_bind_param::<Bool, _>(value)?,
            }
        }
        Ok(())
    }
}

impl QueryId for Sql {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

/// A piece of SQL that answers rows of the types `ST`.
pub(super) struct Rows<ST>(Sql, PhantomData<ST>);

impl<ST> QueryFragment<MultiBackend> for Rows<ST> {
    fn walk_ast<'b>(&'b self, pass: AstPass<'_, 'b, MultiBackend>) -> QueryResult<()> {
        self.0.walk_ast(pass)
    }
}

impl<ST> QueryId for Rows<ST> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<ST> Query for Rows<ST> {
    type SqlType = ST;
}

impl<ST> RunQueryDsl<Connection> for Rows<ST> {}
