//! What an organization's resources are like: the standard schemas and those that its administrator
//! added, read together as a [`Registry`].
//!
//! Every process keeps the registry of each organization that it serves, and looks whether it has
//! changed when it is older than [`FRESH`]. A write says in its transaction which registry it was
//! made with ([`Transaction::hold_registry`]), so that no document is ever written by the rules of
//! yesterday.

use super::connection::{Backend, Id};
use super::index;
use super::members::list;
use super::resources::{Stored, StoredColumns, stored};
use super::schema::{index_build, organization, schema_definition};
use super::sql::Sql;
use super::{Error, Reader, Result, Store, Transaction};
use crate::clock::Stopwatch;
use crate::id::{OrganizationId, ResourceId};
use crate::scim::filter::{Condition, Field};
use crate::scim::list::Query;
use crate::scim::schema::definition::Definition;
use crate::scim::schema::{Place, Registry, ResourceType};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

/// How long a process goes by the registry it knows before it looks again.
pub const FRESH: Duration = Duration::from_secs(1);
/// Resources whose index rows are written in one transaction.
const BATCH: i64 = 500;
/// Index rows of a dropped index that are removed in one transaction.
const DROPPED: i64 = 2_000;

/// The registries that this process knows.
#[derive(Default)]
pub(super) struct Registries(Mutex<HashMap<OrganizationId, Known>>);

#[derive(Clone)]
struct Known {
    registry: Arc<Registry>,
    looked: Stopwatch,
}

impl Known {
    fn is_fresh(&self) -> bool {
        // Who is polled by hand has no time that passes by itself.
        #[cfg(test)]
        if super::probe::is_stepped() {
            return true;
        }
        self.looked.elapsed() < FRESH
    }
}

impl Registries {
    fn get(&self, organization: OrganizationId) -> Option<Known> {
        self.0.lock().get(&organization).cloned()
    }

    /// Remembers a registry unless a later one is known.
    fn put(&self, organization: OrganizationId, registry: &Arc<Registry>) {
        let known = Known { registry: Arc::clone(registry), looked: Stopwatch::start() };
        let mut all = self.0.lock();
        let later =
            all.get(&organization).is_some_and(|other| other.registry.revision > registry.revision);
        if !later {
            all.insert(organization, known);
        }
    }
}

impl Store {
    /// What an organization's resources are like, at most [`FRESH`] old.
    ///
    /// # Errors
    /// The database's.
    pub async fn registry(&self, organization: OrganizationId) -> Result<Arc<Registry>> {
        let known = self.registries.get(organization);
        match known {
            Some(known) if known.is_fresh() => Ok(known.registry),
            known => self.look_up_registry(organization, known.map(|one| one.registry)).await,
        }
    }

    /// The same, as it is at this moment.
    ///
    /// # Errors
    /// The database's.
    pub async fn newest_registry(&self, organization: OrganizationId) -> Result<Arc<Registry>> {
        let known = self.registries.get(organization);
        self.look_up_registry(organization, known.map(|one| one.registry)).await
    }

    async fn look_up_registry(
        &self,
        organization: OrganizationId,
        known: Option<Arc<Registry>>,
    ) -> Result<Arc<Registry>> {
        let registry = self
            .glance(organization, move |reader| {
                let revision = reader.registry_revision()?;
                match known.filter(|known| known.revision == revision) {
                    Some(known) => Ok(known),
                    None => Ok(Arc::new(Registry::with(&reader.definitions()?, revision))),
                }
            })
            .await?;
        self.registries.put(organization, &registry);
        Ok(registry)
    }

    /// Organizations with index rows that are still to be written or removed.
    ///
    /// # Errors
    /// The database's.
    pub async fn organizations_with_builds(&self) -> Result<Vec<OrganizationId>> {
        self.read(OrganizationId(0), |reader| {
            Ok(index_build::table.select(index_build::organization).distinct().load(reader.conn)?)
        })
        .await
    }
}

impl Reader<'_> {
    /// Counts the changes of the organization's schemas.
    pub fn registry_revision(&mut self) -> Result<i64> {
        let revision = organization::table
            .find(self.organization)
            .select(organization::registry)
            .first(self.conn)
            .optional()?;
        Ok(revision.unwrap_or_default())
    }

    /// The schemas that an administrator added, in the order in which they came.
    pub fn definitions(&mut self) -> Result<Vec<Definition>> {
        let documents: Vec<(String, String)> = schema_definition::table
            .filter(schema_definition::organization.eq(self.organization))
            .order((schema_definition::created_us, schema_definition::urn))
            .select((schema_definition::urn, schema_definition::document))
            .load(self.conn)?;
        if documents.is_empty() {
            return Ok(Vec::new());
        }
        let building: Vec<(String, String)> = index_build::table
            .filter(index_build::organization.eq(self.organization))
            .filter(index_build::state.eq(State::Build.as_str()))
            .select((index_build::urn, index_build::attribute))
            .load(self.conn)?;
        documents
            .into_iter()
            .map(|(urn, document)| {
                let mut definition: Definition = serde_json::from_str(&document)
                    .map_err(|error| Error::Corrupt(format!("schema {urn}: {error}")))?;
                let mine = building.iter().filter(|(of, _)| *of == urn);
                definition.building = mine.map(|(_, attribute)| attribute.clone()).collect();
                Ok(definition)
            })
            .collect()
    }

    /// Whether any resource of a type has a value of an attribute, or of a part of one.
    ///
    /// # Errors
    /// [`Error::TooMany`] when it is not indexed and more would have to be looked at than
    /// [`super::query::RESIDUAL_BOUND`].
    pub fn has_values(&mut self, kind: &ResourceType, place: &Place<'_>) -> Result<bool> {
        let condition = Condition::Present(Field::of(place));
        let query = Query { condition, sort: None, start_index: 1, count: 1 };
        Ok(!self.list(kind, &query)?.resources.is_empty())
    }

    /// Attributes of a schema whose index rows are still being removed.
    pub fn dropping(&mut self, urn: &str) -> Result<Vec<String>> {
        Ok(index_build::table
            .filter(index_build::organization.eq(self.organization))
            .filter(index_build::urn.eq(urn))
            .filter(index_build::state.eq(State::Drop.as_str()))
            .select(index_build::attribute)
            .load(self.conn)?)
    }

    /// Whether there is any resource of a type.
    pub fn has_resources(&mut self, kind: &str) -> Result<bool> {
        let mut sql = Sql::new("SELECT id FROM resource WHERE organization = ");
        sql.bind(self.organization).push(" AND kind = ").bind(kind).push(" LIMIT 1");
        let rows: Vec<(ResourceId,)> = sql.load::<(Id,), _>(self.conn)?;
        Ok(!rows.is_empty())
    }
}

/// What is to be done with index rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Write them for every resource that is there.
    Build,
    /// Remove them.
    Drop,
}

impl State {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Build => "build",
            Self::Drop => "drop",
        }
    }
}

/// Index rows of an attribute that are to be written or removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Build {
    /// URN of the schema.
    pub urn: String,
    /// Name of the attribute.
    pub attribute: String,
    /// Name of the resource type.
    pub kind: String,
    /// What is to be done.
    pub state: State,
    /// Every path that such rows can have.
    pub paths: Vec<String>,
}

impl Transaction<'_> {
    /// Makes sure that the organization's schemas are those of this revision until the transaction
    /// ends.
    ///
    /// # Errors
    /// [`Error::Outdated`] where they are not.
    pub fn hold_registry(&mut self, revision: i64) -> Result<()> {
        let current = match self.conn.backend() {
            // There is one writer.
            Backend::Sqlite => self.registry_revision()?,
            Backend::Postgres => self.revision_for("KEY SHARE")?,
        };
        if current == revision { Ok(()) } else { Err(Error::Outdated) }
    }

    /// Takes the right to change the organization's schemas, which are at this revision. Waits for
    /// every write that goes by the schemas as they are.
    ///
    /// # Errors
    /// [`Error::Outdated`] where they are not.
    pub fn lock_registry(&mut self, revision: i64) -> Result<()> {
        let current = match self.conn.backend() {
            Backend::Sqlite => self.registry_revision()?,
            Backend::Postgres => self.revision_for("UPDATE")?,
        };
        if current == revision { Ok(()) } else { Err(Error::Outdated) }
    }

    /// Counts a change of the organization's schemas, which were at this revision.
    pub fn count_registry(&mut self, revision: i64) -> Result<()> {
        diesel::update(organization::table.find(self.organization))
            .set(organization::registry.eq(revision + 1))
            .execute(self.conn)?;
        Ok(())
    }

    fn revision_for(&mut self, strength: &str) -> Result<i64> {
        let mut sql = Sql::new("SELECT registry FROM organization WHERE organization = ");
        sql.bind(self.organization).push(" FOR ").push(strength);
        let rows: Vec<(i64,)> = sql.load::<(BigInt,), _>(self.conn)?;
        Ok(rows.first().map_or(0, |(revision,)| *revision))
    }

    /// Stores a schema, in the place of an earlier one of its URN.
    pub fn save_definition(&mut self, definition: &Definition, now_us: i64) -> Result<()> {
        let document =
            serde_json::to_string(definition).map_err(|error| Error::Corrupt(error.to_string()))?;
        let mut sql = Sql::new(
            "INSERT INTO schema_definition (organization, urn, document, created_us, modified_us) \
             VALUES (",
        );
        sql.bind(self.organization).push(", ").bind(definition.id.as_str()).push(", ");
        sql.bind(document).push(", ").bind(now_us).push(", ").bind(now_us).push(
            ") ON CONFLICT (organization, urn) DO UPDATE SET document = excluded.document, \
             modified_us = excluded.modified_us",
        );
        sql.execute(self.conn)?;
        Ok(())
    }

    /// Forgets a schema.
    pub fn delete_definition(&mut self, urn: &str) -> Result<()> {
        diesel::delete(schema_definition::table.find((self.organization, urn)))
            .execute(self.conn)?;
        Ok(())
    }

    /// Notes that index rows are to be written or removed, from the start.
    pub fn start_build(&mut self, build: &Build) -> Result<()> {
        let paths = serde_json::to_string(&build.paths)
            .map_err(|error| Error::Corrupt(error.to_string()))?;
        let row = index_build::table.find((self.organization, &build.urn, &build.attribute));
        diesel::delete(row).execute(self.conn)?;
        diesel::insert_into(index_build::table)
            .values((
                index_build::organization.eq(self.organization),
                index_build::urn.eq(&build.urn),
                index_build::attribute.eq(&build.attribute),
                index_build::kind.eq(&build.kind),
                index_build::state.eq(build.state.as_str()),
                index_build::paths.eq(paths),
            ))
            .execute(self.conn)?;
        Ok(())
    }

    /// Does a part of what is to be done with index rows, of at most a few hundred resources;
    /// answers whether there is more.
    ///
    /// # Errors
    /// [`Error::Outdated`] when the schemas are not those of `registry`.
    pub fn continue_build(&mut self, registry: &Registry) -> Result<bool> {
        self.hold_registry(registry.revision)?;
        let next: Option<(String, String, String, String, String, Option<ResourceId>)> =
            index_build::table
                .filter(index_build::organization.eq(self.organization))
                .order((index_build::state, index_build::urn, index_build::attribute))
                .select((
                    index_build::urn,
                    index_build::attribute,
                    index_build::kind,
                    index_build::state,
                    index_build::paths,
                    index_build::after_id,
                ))
                .first(self.conn)
                .optional()?;
        let Some((urn, attribute, kind_name, state, paths, after)) = next else {
            return Ok(false);
        };
        let paths: Vec<String> =
            serde_json::from_str(&paths).map_err(|error| Error::Corrupt(error.to_string()))?;
        let row = index_build::table.find((self.organization, urn, attribute));
        let kind = registry.named(&kind_name);
        let (done, last) = match (state == State::Build.as_str(), kind) {
            (true, Some(kind)) => self.build_rows(kind, &paths, after)?,
            // The type is gone, and its resources with it.
            (true, None) => (true, None),
            (false, _) => (self.drop_rows(&kind_name, &paths)?, None),
        };
        if !done {
            diesel::update(row).set(index_build::after_id.eq(last)).execute(self.conn)?;
            return Ok(true);
        }
        diesel::delete(row).execute(self.conn)?;
        if state == State::Build.as_str() {
            // From now on filters may count on the rows.
            self.count_registry(registry.revision)?;
        }
        Ok(true)
    }

    /// Writes the rows of these paths for some resources; answers whether those were the last, and
    /// the last of them.
    fn build_rows(
        &mut self,
        kind: &ResourceType,
        paths: &[String],
        after: Option<ResourceId>,
    ) -> Result<(bool, Option<ResourceId>)> {
        let mut sql = Sql::new(
            "SELECT id, kind, version, doc, created_us, modified_us FROM resource \
             WHERE organization = ",
        );
        sql.bind(self.organization).push(" AND kind = ").bind(kind.name.as_str());
        sql.push(" AND id > ").bind(after.unwrap_or(ResourceId(Uuid::nil())));
        sql.push(" ORDER BY id LIMIT ").bind(BATCH);
        if self.conn.backend() == Backend::Postgres {
            sql.push(" FOR NO KEY UPDATE");
        }
        let rows: Vec<StoredColumns> =
            sql.load::<(Id, Text, BigInt, Text, BigInt, BigInt), _>(self.conn)?;
        let resources: Vec<Stored> = rows.into_iter().map(stored).collect::<Result<_>>()?;
        let ids: Vec<ResourceId> = resources.iter().map(|resource| resource.id).collect();
        if !ids.is_empty() {
            let mut sql = Sql::new("DELETE FROM attribute WHERE organization = ");
            sql.bind(self.organization).push(" AND resource_id IN ");
            list(&mut sql, &ids).push(" AND path IN (");
            sql.binds(paths.iter().map(String::as_str)).push(")");
            sql.dynamic().execute(self.conn)?;
        }
        for resource in &resources {
            let rows = index::rows_of(kind, &resource.attributes, paths)?;
            self.insert_index_rows(kind, resource.id, &rows)?;
        }
        let full = i64::try_from(resources.len()).is_ok_and(|read| read == BATCH);
        Ok((!full, ids.last().copied()))
    }

    /// Removes some rows of these paths; answers whether none is left.
    fn drop_rows(&mut self, kind: &str, paths: &[String]) -> Result<bool> {
        let mut gone = 0;
        for path in paths {
            let mut sql = Sql::new("DELETE FROM attribute WHERE organization = ");
            sql.bind(self.organization).push(" AND kind = ").bind(kind);
            sql.push(" AND path = ").bind(path.as_str());
            sql.push(
                " AND resource_id IN (SELECT resource_id FROM attribute WHERE organization = ",
            );
            sql.bind(self.organization).push(" AND kind = ").bind(kind);
            sql.push(" AND path = ").bind(path.as_str());
            sql.push(" LIMIT ").bind(DROPPED).push(")");
            gone += sql.execute(self.conn)?;
        }
        Ok(gone == 0)
    }
}
