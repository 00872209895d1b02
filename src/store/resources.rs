//! Resources: the rows behind `/Users` and `/Groups`.

use super::connection::{Connection, Id};
use super::index::{self, Columns, IndexRow};
use super::members::list;
use super::schema::resource;
use super::sql::Sql;
use super::{Error, Reader, Result, Transaction};
use crate::clock::rfc3339;
use crate::id::ResourceId;
use crate::scim::error::Fault;
use crate::scim::schema::ResourceType;
use crate::scim::value::fold;
use diesel::prelude::*;
use serde_json::{Map, Value, json};
use std::collections::{HashMap, HashSet};

/// Most index rows written with one statement.
const ROWS: usize = 100;

/// A resource as it is stored.
#[derive(Debug, Clone, PartialEq)]
pub struct Stored {
    /// Its id.
    pub id: ResourceId,
    /// Name of its resource type.
    pub kind: String,
    /// Counts its changes, from 1.
    pub version: i64,
    /// Canonical attributes (see [`crate::scim::resource::Valid`]); no id, meta, members, groups.
    pub attributes: Map<String, Value>,
    /// When it came to be.
    pub created_us: i64,
    /// When it last changed.
    pub modified_us: i64,
}

impl Stored {
    /// The complete SCIM resource but for `members` and `groups`: `schemas`, `id`, attributes,
    /// `meta` with `location` below `base`.
    pub fn complete(&self, kind: &ResourceType, base: &str) -> Map<String, Value> {
        let mut complete = Map::new();
        let id = self.id.to_string();
        if let Some(schemas) = self.attributes.get("schemas") {
            complete.insert("schemas".into(), schemas.clone());
        }
        let location = format!("{base}{}/{id}", kind.endpoint);
        complete.insert("id".into(), id.into());
        for (name, value) in self.attributes.iter().filter(|(name, _)| *name != "schemas") {
            complete.insert(name.clone(), value.clone());
        }
        let meta = json!({
            "resourceType": self.kind,
            "created": rfc3339(self.created_us),
            "lastModified": rfc3339(self.modified_us),
            "location": location,
            "version": self.etag(),
        });
        complete.insert("meta".into(), meta);
        complete
    }

    /// The weak entity tag: `W/"3"`.
    pub fn etag(&self) -> String {
        format!("W/\"{}\"", self.version)
    }
}

/// The columns of a [`Stored`].
pub(super) type StoredColumns = (ResourceId, String, i64, String, i64, i64);

/// Reads a row.
pub(super) fn stored(row: StoredColumns) -> Result<Stored> {
    let (id, kind, version, doc, created_us, modified_us) = row;
    let attributes = serde_json::from_str(&doc)
        .map_err(|error| Error::Corrupt(format!("resource {id}: {error}")))?;
    Ok(Stored { id, kind, version, attributes, created_us, modified_us })
}

#[diesel::dsl::auto_type]
fn stored_columns() -> _ {
    resource::table.select((
        resource::id,
        resource::kind,
        resource::version,
        resource::doc,
        resource::created_us,
        resource::modified_us,
    ))
}

impl Reader<'_> {
    /// A resource by id.
    pub fn resource(&mut self, kind: &str, id: ResourceId) -> Result<Option<Stored>> {
        Ok(self.resource_any(id)?.filter(|found| found.kind == kind))
    }

    /// A resource of any type by id.
    pub fn resource_any(&mut self, id: ResourceId) -> Result<Option<Stored>> {
        stored_columns()
            .filter(resource::organization.eq(self.organization))
            .filter(resource::id.eq(id))
            .first(self.conn)
            .optional()?
            .map(stored)
            .transpose()
    }

    /// Resources of any type, by id; those that are not there are left out.
    pub fn resources_of(&mut self, ids: &[ResourceId]) -> Result<HashMap<ResourceId, Stored>> {
        let mut found = HashMap::with_capacity(ids.len());
        for chunk in ids.chunks(500) {
            let rows: Vec<StoredColumns> = stored_columns()
                .filter(resource::organization.eq(self.organization))
                .filter(resource::id.eq_any(chunk.to_vec()))
                .load(self.conn)?;
            for row in rows {
                let stored = stored(row)?;
                found.insert(stored.id, stored);
            }
        }
        Ok(found)
    }
}

impl Reader<'_> {
    /// Which of these resources say that they are not active.
    pub fn inactive_among(&mut self, ids: &[ResourceId]) -> Result<HashSet<ResourceId>> {
        let mut inactive = HashSet::new();
        for chunk in ids.chunks(500) {
            let mut sql = Sql::new("SELECT id FROM resource WHERE organization = ");
            sql.bind(self.organization).push(" AND active = ").bind(false).push(" AND id IN ");
            list(&mut sql, chunk);
            let rows: Vec<(ResourceId,)> = sql.load::<(Id,), _>(self.conn)?;
            inactive.extend(rows.into_iter().map(|row| row.0));
        }
        Ok(inactive)
    }

    /// The person who has a user name, in any case.
    pub fn user_named(&mut self, user_name: &str) -> Result<Option<ResourceId>> {
        let row = resource::table
            .filter(resource::organization.eq(self.organization))
            .filter(resource::kind.eq("User"))
            .filter(resource::user_name.eq(fold(user_name)))
            .select(resource::id);
        Ok(row.first(self.conn).optional()?)
    }
}

impl Transaction<'_> {
    /// A resource by id, locked against other writers until the transaction ends.
    pub fn resource_for_update(&mut self, kind: &str, id: ResourceId) -> Result<Option<Stored>> {
        let query = stored_columns()
            .filter(resource::organization.eq(self.organization))
            .filter(resource::id.eq(id))
            .filter(resource::kind.eq(kind));
        let row: Option<StoredColumns> = match &mut *self.conn {
            Connection::Sqlite(inner) => query.first(inner).optional()?,
            // Not the strongest lock: others may go on adding this resource to groups.
            Connection::Postgres(inner) => query.for_no_key_update().first(inner).optional()?,
        };
        row.map(stored).transpose()
    }

    /// Inserts a resource and its index rows.
    ///
    /// # Errors
    /// [`super::Error::Taken`] for a userName in use; [`super::Error::Refused`] (`invalidValue`)
    /// for a userName, externalId or displayName of more than 1,000 bytes.
    pub fn insert_resource(
        &mut self,
        kind: &ResourceType,
        id: ResourceId,
        attributes: &Map<String, Value>,
        now_us: i64,
    ) -> Result<Stored> {
        let Columns { user_name, external_id, display, label, active } =
            index::columns(kind, attributes)?;
        let rows = index::rows(kind, attributes)?;
        self.refuse_taken(kind, id, &rows)?;
        diesel::insert_into(resource::table)
            .values((
                resource::organization.eq(self.organization),
                resource::id.eq(id),
                resource::kind.eq(&kind.name),
                resource::version.eq(1_i64),
                resource::user_name.eq(user_name),
                resource::external_id.eq(external_id),
                resource::display.eq(display),
                resource::label.eq(label),
                resource::active.eq(active),
                resource::doc.eq(text(attributes)?),
                resource::created_us.eq(now_us),
                resource::modified_us.eq(now_us),
            ))
            .execute(self.conn)?;
        self.insert_index_rows(kind, id, &rows)?;
        Ok(Stored {
            id,
            kind: kind.name.clone(),
            version: 1,
            attributes: attributes.clone(),
            created_us: now_us,
            modified_us: now_us,
        })
    }

    /// Replaces the attributes of a locked resource, raises its version, and writes only the index
    /// rows that differ.
    ///
    /// # Errors
    /// As [`Transaction::insert_resource`]; [`super::Error::Stale`] when it has changed since
    /// `before` was read.
    pub fn update_resource(
        &mut self,
        kind: &ResourceType,
        before: &Stored,
        attributes: &Map<String, Value>,
        now_us: i64,
    ) -> Result<Stored> {
        let Columns { user_name, external_id, display, label, active } =
            index::columns(kind, attributes)?;
        let old = index::rows(kind, &before.attributes)?;
        let new = index::rows(kind, attributes)?;
        let changed = diesel::update(
            resource::table
                .find((self.organization, before.id))
                .filter(resource::version.eq(before.version)),
        )
        .set((
            resource::version.eq(before.version + 1),
            resource::user_name.eq(user_name),
            resource::external_id.eq(external_id),
            resource::display.eq(display),
            resource::label.eq(label),
            resource::active.eq(active),
            resource::doc.eq(text(attributes)?),
            resource::modified_us.eq(now_us),
        ))
        .execute(self.conn)?;
        if changed == 0 {
            return Err(Error::Stale);
        }
        let kept: HashSet<&IndexRow> = new.iter().collect();
        let gone: Vec<&IndexRow> = old.iter().filter(|row| !kept.contains(row)).collect();
        self.delete_index_rows(before.id, &gone)?;
        let known: HashSet<&IndexRow> = old.iter().collect();
        let added: Vec<IndexRow> = new.iter().filter(|row| !known.contains(row)).cloned().collect();
        self.refuse_taken(kind, before.id, &added)?;
        self.insert_index_rows(kind, before.id, &added)?;
        Ok(Stored {
            version: before.version + 1,
            attributes: attributes.clone(),
            modified_us: now_us,
            ..before.clone()
        })
    }

    /// Raises the version only: members changed. Does not read the document's index rows.
    ///
    /// # Errors
    /// [`super::Error::Stale`] when it has changed since `before` was read.
    pub fn touch_resource(&mut self, before: &Stored, now_us: i64) -> Result<Stored> {
        let changed = diesel::update(
            resource::table
                .find((self.organization, before.id))
                .filter(resource::version.eq(before.version)),
        )
        .set((resource::version.eq(before.version + 1), resource::modified_us.eq(now_us)))
        .execute(self.conn)?;
        if changed == 0 {
            return Err(Error::Stale);
        }
        Ok(Stored { version: before.version + 1, modified_us: now_us, ..before.clone() })
    }

    /// Deletes a resource, its index rows and its memberships (both ways).
    ///
    /// # Errors
    /// [`super::Error::NotFound`] when it is not there.
    pub fn delete_resource(&mut self, id: ResourceId) -> Result<()> {
        // Index rows and memberships go by their foreign keys.
        match diesel::delete(resource::table.find((self.organization, id))).execute(self.conn)? {
            0 => Err(Error::NotFound),
            _ => Ok(()),
        }
    }

    /// Refuses values that must be unique and are another's. Two who want one at once take turns,
    /// or neither would see the other.
    fn refuse_taken(
        &mut self,
        kind: &ResourceType,
        id: ResourceId,
        rows: &[IndexRow],
    ) -> Result<()> {
        let unique = index::unique(kind, rows);
        if unique.is_empty() {
            return Ok(());
        }
        self.lock_organization()?;
        for row in unique {
            let mut sql = Sql::new("SELECT resource_id FROM attribute WHERE organization = ");
            sql.bind(self.organization).push(" AND kind = ").bind(kind.name.as_str());
            sql.push(" AND path = ").bind(row.path.as_str());
            sql.push(" AND key = ").bind(row.key.as_str());
            match &row.rest {
                Some(rest) => sql.push(" AND rest = ").bind(rest.as_str()),
                None => sql.push(" AND rest IS NULL"),
            };
            sql.push(" AND resource_id <> ").bind(id).push(" LIMIT 1");
            let others: Vec<(ResourceId,)> = sql.load::<(Id,), _>(self.conn)?;
            if !others.is_empty() {
                return Err(Error::Refused(Fault::Taken { attribute: row.path.clone() }.into()));
            }
        }
        Ok(())
    }

    pub(super) fn insert_index_rows(
        &mut self,
        kind: &ResourceType,
        id: ResourceId,
        rows: &[IndexRow],
    ) -> Result<()> {
        for rows in rows.chunks(ROWS) {
            let mut sql = Sql::new(
                "INSERT INTO attribute \
                 (organization, kind, path, key, resource_id, element, rest) VALUES ",
            );
            for (at, row) in rows.iter().enumerate() {
                sql.push(if at == 0 { "(" } else { ", (" }).bind(self.organization);
                sql.push(", ").bind(kind.name.as_str());
                sql.push(", ").bind(row.path.as_str());
                sql.push(", ").bind(row.key.as_str());
                sql.push(", ").bind(id);
                sql.push(", ").bind(row.element);
                sql.push(", ").bind(row.rest.clone()).push(")");
            }
            sql.execute(self.conn)?;
        }
        Ok(())
    }

    fn delete_index_rows(&mut self, id: ResourceId, rows: &[&IndexRow]) -> Result<()> {
        for rows in rows.chunks(ROWS) {
            let mut sql = Sql::new("DELETE FROM attribute WHERE organization = ");
            sql.bind(self.organization).push(" AND resource_id = ").bind(id);
            // Not as a list of pairs: so SQLite finds each by its key.
            for (at, row) in rows.iter().enumerate() {
                sql.push(if at == 0 { " AND (path = " } else { " OR path = " });
                sql.bind(row.path.as_str()).push(" AND element = ").bind(row.element);
            }
            sql.push(")");
            sql.execute(self.conn)?;
        }
        Ok(())
    }
}

fn text(attributes: &Map<String, Value>) -> Result<String> {
    serde_json::to_string(attributes).map_err(|error| Error::Corrupt(error.to_string()))
}
