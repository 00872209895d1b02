//! Changes of the directory, and the audit log.

use super::connection::{Backend, Id};
use super::schema::{audit, change, organization};
use super::sql::Sql;
use super::{Error, Reader, Result, Transaction};
use crate::id::{ChangeId, ResourceId, new_uuid};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Nullable, Text};
use std::collections::HashSet;

/// What happened to a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeOp {
    /// It came to be.
    Create,
    /// Its attributes changed.
    Update,
    /// It is gone.
    Delete,
    /// Its members changed, and nothing else.
    Members,
}

impl ChangeOp {
    /// As the column holds it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Delete => "delete",
            Self::Members => "members",
        }
    }

    fn named(name: &str) -> Option<Self> {
        [Self::Create, Self::Update, Self::Delete, Self::Members]
            .into_iter()
            .find(|op| op.as_str() == name)
    }
}

/// A change, before it is published.
#[derive(Debug, Clone, PartialEq)]
pub struct NewChange {
    /// Of what.
    pub resource: ResourceId,
    /// Its resource type.
    pub kind: String,
    /// What happened.
    pub op: ChangeOp,
    /// The resource's version after it.
    pub version: i64,
    /// Who did it: `client:okta`.
    pub actor: String,
    /// Who joined the group.
    pub joined: Vec<ResourceId>,
    /// Who left the group.
    pub left: Vec<ResourceId>,
}

/// A change as the store has it.
#[derive(Debug, Clone, PartialEq)]
pub struct ChangeRow {
    /// Its id.
    pub id: ChangeId,
    /// Its place in the order of publication, once published.
    pub position: Option<i64>,
    /// When.
    pub at_us: i64,
    /// What.
    pub change: NewChange,
}

/// The `members` column.
#[derive(serde::Serialize, serde::Deserialize)]
struct Moved {
    joined: Vec<ResourceId>,
    left: Vec<ResourceId>,
}

impl Transaction<'_> {
    /// Records a change and its audit row (`<kind>.<op>`).
    pub fn record_change(&mut self, id: ChangeId, now_us: i64, change: &NewChange) -> Result<()> {
        let members = if change.joined.is_empty() && change.left.is_empty() {
            None
        } else {
            let moved = Moved { joined: change.joined.clone(), left: change.left.clone() };
            Some(serde_json::to_string(&moved).map_err(|error| Error::Corrupt(error.to_string()))?)
        };
        diesel::insert_into(change::table)
            .values((
                change::organization.eq(self.organization),
                change::id.eq(id),
                change::at_us.eq(now_us),
                change::kind.eq(&change.kind),
                change::resource_id.eq(change.resource),
                change::op.eq(change.op.as_str()),
                change::version.eq(change.version),
                change::actor.eq(&change.actor),
                change::members.eq(members),
            ))
            .execute(self.conn)?;
        let action = format!("{}.{}", change.kind, change.op.as_str());
        self.insert_audit(id, now_us, &change.actor, &action, &change.resource.to_string(), None)
    }

    /// Records what an administrator did.
    pub fn record_audit(
        &mut self,
        now_us: i64,
        actor: &str,
        action: &str,
        subject: &str,
        detail: Option<&str>,
    ) -> Result<()> {
        self.insert_audit(ChangeId(new_uuid(now_us)), now_us, actor, action, subject, detail)
    }

    fn insert_audit(
        &mut self,
        id: ChangeId,
        now_us: i64,
        actor: &str,
        action: &str,
        subject: &str,
        detail: Option<&str>,
    ) -> Result<()> {
        diesel::insert_into(audit::table)
            .values((
                audit::organization.eq(self.organization),
                audit::id.eq(id),
                audit::at_us.eq(now_us),
                audit::actor.eq(actor),
                audit::action.eq(action),
                audit::subject.eq(subject),
                audit::detail.eq(detail),
            ))
            .execute(self.conn)?;
        Ok(())
    }

    /// Takes up to `limit` unpublished changes of this organization in id order and gives them the
    /// next positions, without a gap.
    pub fn publish_changes(&mut self, limit: i64) -> Result<Vec<ChangeRow>> {
        self.lock_organization()?;
        let last: Option<i64> = change::table
            .filter(change::organization.eq(self.organization))
            .filter(change::position.is_not_null())
            .select(diesel::dsl::max(change::position))
            .first(self.conn)?;
        let mut sql = Sql::new("WITH due AS (SELECT id, row_number() OVER (ORDER BY id) AS place ");
        sql.push("FROM change WHERE organization = ").bind(self.organization);
        sql.push(" AND position IS NULL ORDER BY id LIMIT ").bind(limit);
        sql.push(") UPDATE change SET position = due.place + ").bind(last.unwrap_or(0));
        sql.push(" FROM due WHERE change.id = due.id AND change.organization = ");
        sql.bind(self.organization);
        sql.push(
            " RETURNING change.id, change.position, change.at_us, change.kind, \
             change.resource_id, change.op, change.version, change.actor, change.members",
        );
        let rows: Vec<Row> = sql.load::<RowTypes, _>(self.conn)?;
        let mut published = rows.into_iter().map(read).collect::<Result<Vec<_>>>()?;
        published.sort_unstable_by_key(|row| row.position);
        Ok(published)
    }

    /// Waits until no other transaction holds this organization, and holds it to the end: for the
    /// few things that must happen one after the other. SQLite has one writer anyway.
    pub fn lock_organization(&mut self) -> Result<()> {
        if self.conn.backend() == Backend::Postgres {
            let mut sql = Sql::new("SELECT organization FROM organization WHERE organization = ");
            sql.bind(self.organization).push(" FOR NO KEY UPDATE");
            if sql.load::<(BigInt,), (i64,)>(self.conn)?.is_empty() {
                return Err(Error::NotFound);
            }
        } else if organization::table
            .find(self.organization)
            .select(organization::id)
            .first::<i64>(self.conn)
            .optional()?
            .is_none()
        {
            return Err(Error::NotFound);
        }
        Ok(())
    }
}

impl Reader<'_> {
    /// Which of these resources have changes that no app was told of yet.
    pub fn unpublished_of(&mut self, resources: &[ResourceId]) -> Result<HashSet<ResourceId>> {
        let mut found = HashSet::new();
        for chunk in resources.chunks(500) {
            let mut sql = Sql::new("SELECT DISTINCT resource_id FROM change WHERE organization = ");
            sql.bind(self.organization).push(" AND position IS NULL AND resource_id IN (");
            sql.binds(chunk.iter().copied()).push(")");
            let rows: Vec<(ResourceId,)> = sql.load::<(Id,), _>(self.conn)?;
            found.extend(rows.into_iter().map(|row| row.0));
        }
        Ok(found)
    }

    /// Whether there are changes of resources of a type that no app was told of yet.
    pub fn has_unpublished(&mut self, kind: &str) -> Result<bool> {
        let mut sql = Sql::new("SELECT EXISTS (SELECT 1 FROM change WHERE organization = ");
        sql.bind(self.organization).push(" AND position IS NULL AND kind = ");
        sql.bind(kind).push(")");
        let rows: Vec<(bool,)> = sql.load::<(Bool,), _>(self.conn)?;
        Ok(rows.first().is_some_and(|row| row.0))
    }

    /// Published changes after a position, at most `limit`.
    pub fn changes(&mut self, after: i64, limit: i64) -> Result<Vec<ChangeRow>> {
        let rows: Vec<Row> = change::table
            .filter(change::organization.eq(self.organization))
            .filter(change::position.gt(after))
            .order(change::position)
            .limit(limit)
            .select((
                change::id,
                change::position,
                change::at_us,
                change::kind,
                change::resource_id,
                change::op,
                change::version,
                change::actor,
                change::members,
            ))
            .load(self.conn)?;
        rows.into_iter().map(read).collect()
    }
}

type RowTypes = (Id, Nullable<BigInt>, BigInt, Text, Id, Text, BigInt, Text, Nullable<Text>);
type Row = (ChangeId, Option<i64>, i64, String, ResourceId, String, i64, String, Option<String>);

fn read(row: Row) -> Result<ChangeRow> {
    let (id, position, at_us, kind, resource, op, version, actor, members) = row;
    let corrupt = |what: &str| Error::Corrupt(format!("change {id}: {what}"));
    let op = ChangeOp::named(&op).ok_or_else(|| corrupt("unknown op"))?;
    let moved = match members {
        Some(text) => serde_json::from_str(&text).map_err(|error| corrupt(&error.to_string()))?,
        None => Moved { joined: Vec::new(), left: Vec::new() },
    };
    let Moved { joined, left } = moved;
    let change = NewChange { resource, kind, op, version, actor, joined, left };
    Ok(ChangeRow { id, position, at_us, change })
}
