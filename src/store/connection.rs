//! One connection type for both databases, and the SQL types that they write differently.

use crate::id::{
    AppId, AttemptId, ChangeId, ClientId, DeliveryId, InstanceId, NotificationId, OrganizationId,
    ResourceId, RunId,
};
use diesel::deserialize::{self, FromSql, Queryable};
use diesel::expression::AsExpression;
use diesel::internal::derives::as_expression::Bound;
use diesel::pg::Pg;
use diesel::query_builder::QueryId;
use diesel::serialize::{self, IsNull, Output, ToSql};
use diesel::sql_types::{BigInt, HasSqlType, Nullable, SqlType};
use diesel::sqlite::Sqlite;
use uuid::Uuid;

pub use either::{Either as Connection, MultiBackend};

mod either {
    #![allow(missing_docs, reason = "most of it is what the derive generates")]

    use diesel::{PgConnection, SqliteConnection};

    /// A connection to either database. Typed queries run on it as they are; see [`on_backend!`]
    /// for the few that the two backends build differently.
    #[derive(diesel::MultiConnection)]
    pub enum Either {
        /// A SQLite file.
        Sqlite(SqliteConnection),
        /// A PostgreSQL server.
        Postgres(PgConnection),
    }
}

/// Which database this is, for the SQL that the two write differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backend {
    /// SQLite.
    Sqlite,
    /// PostgreSQL.
    Postgres,
}

impl Connection {
    /// Which database this connection speaks to.
    pub const fn backend(&self) -> Backend {
        match self {
            Self::Sqlite(_) => Backend::Sqlite,
            Self::Postgres(_) => Backend::Postgres,
        }
    }
}

/// Runs the same expression on the inner connection of either database.
///
/// For what [`MultiBackend`] has no word for although both databases do: `ON CONFLICT`, rows of
/// `VALUES`. Each arm is typed for its own backend.
///
/// ```text
/// on_backend!(self.conn, c => diesel::insert_into(member::table)
///     .values(&rows)
///     .on_conflict_do_nothing()
///     .execute(c))?;
/// ```
macro_rules! on_backend {
    ($connection:expr, $inner:ident => $body:expr) => {
        match $connection {
            $crate::store::connection::Connection::Sqlite($inner) => $body,
            $crate::store::connection::Connection::Postgres($inner) => $body,
        }
    };
}
pub(crate) use on_backend;

/// SQL type of ids: `UUID` on PostgreSQL, `BLOB` of 16 bytes on SQLite. Both sort by byte.
#[derive(Debug, Clone, Copy, Default, SqlType, QueryId)]
#[diesel(postgres_type(oid = 2950, array_oid = 2951))]
#[diesel(sqlite_type(name = "Binary"))]
pub struct Id;

impl HasSqlType<Id> for MultiBackend {
    fn metadata(lookup: &mut Self::MetadataLookup) -> Self::TypeMetadata {
        Self::lookup_sql_type::<Id>(lookup)
    }
}

/// Lets a type over [`Uuid`] stand where a column of type [`Id`] is meant.
macro_rules! ids {
    ($($name:ident)*) => {$(
        impl ToSql<Id, Sqlite> for $name {
            fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
                out.set_value(self.0.as_bytes().as_slice());
                Ok(IsNull::No)
            }
        }

        impl ToSql<Id, Pg> for $name {
            fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
                std::io::Write::write_all(out, self.0.as_bytes())?;
                Ok(IsNull::No)
            }
        }

        impl ToSql<Id, MultiBackend> for $name {
            fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, MultiBackend>) -> serialize::Result {
                out.set_value((Id, self));
                Ok(IsNull::No)
            }
        }

        impl FromSql<Id, Sqlite> for $name {
            fn from_sql(
                mut value: <Sqlite as diesel::backend::Backend>::RawValue<'_>,
            ) -> deserialize::Result<Self> {
                Ok(Self(Uuid::from_slice(value.read_blob())?))
            }
        }

        impl FromSql<Id, Pg> for $name {
            fn from_sql(
                value: <Pg as diesel::backend::Backend>::RawValue<'_>,
            ) -> deserialize::Result<Self> {
                Ok(Self(Uuid::from_slice(value.as_bytes())?))
            }
        }

        impl FromSql<Id, MultiBackend> for $name {
            fn from_sql(
                value: <MultiBackend as diesel::backend::Backend>::RawValue<'_>,
            ) -> deserialize::Result<Self> {
                value.from_sql::<Self, Id>()
            }
        }

        column_value!($name as Id);
    )*};
}

/// The rest of what Diesel's derives would say about a type that is one column's value.
macro_rules! column_value {
    ($name:ident as $sql:ty) => {
        impl<ST, DB> Queryable<ST, DB> for $name
        where
            DB: diesel::backend::Backend,
            ST: diesel::sql_types::SingleValue,
            Self: FromSql<ST, DB>,
        {
            type Row = Self;

            fn build(row: Self) -> deserialize::Result<Self> {
                Ok(row)
            }
        }

        impl<DB> ToSql<Nullable<$sql>, DB> for $name
        where
            DB: diesel::backend::Backend,
            Self: ToSql<$sql, DB>,
        {
            fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, DB>) -> serialize::Result {
                ToSql::<$sql, DB>::to_sql(self, out)
            }
        }

        column_value!(@expression $name as $sql, $name);
        column_value!(@expression $name as $sql, &'expr $name);
        column_value!(@expression $name as $sql, &'expr2 &'expr $name);
    };
    (@expression $name:ident as $sql:ty, $from:ty) => {
        impl<'expr2, 'expr> AsExpression<$sql> for $from {
            type Expression = Bound<$sql, Self>;

            fn as_expression(self) -> Self::Expression {
                Bound::new(self)
            }
        }

        impl<'expr2, 'expr> AsExpression<Nullable<$sql>> for $from {
            type Expression = Bound<Nullable<$sql>, Self>;

            fn as_expression(self) -> Self::Expression {
                Bound::new(self)
            }
        }
    };
}

ids!(ResourceId AppId RunId ClientId AttemptId ChangeId NotificationId DeliveryId InstanceId);

impl<DB> ToSql<BigInt, DB> for OrganizationId
where
    DB: diesel::backend::Backend,
    i64: ToSql<BigInt, DB>,
{
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, DB>) -> serialize::Result {
        self.0.to_sql(out)
    }
}

impl<DB> FromSql<BigInt, DB> for OrganizationId
where
    DB: diesel::backend::Backend,
    i64: FromSql<BigInt, DB>,
{
    fn from_sql(value: DB::RawValue<'_>) -> deserialize::Result<Self> {
        i64::from_sql(value).map(Self)
    }
}

column_value!(OrganizationId as BigInt);
