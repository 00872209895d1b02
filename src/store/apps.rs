//! Configured apps.

use super::connection::Id;
use super::resources::{Stored, StoredColumns, stored};
use super::schema::app;
use super::sql::Sql;
use super::{Error, Reader, Result, Store, Transaction};
use crate::id::{AppId, OrganizationId, ResourceId};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use serde_json::{Map, Value};

/// Why nothing is sent to an app.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pause {
    /// Who or what holds it: [`Pause::ADMIN`] and the others.
    pub by: String,
    /// One sentence.
    pub sentence: String,
    /// When it goes on by itself; none: when somebody lets it.
    pub until_us: Option<i64>,
}

impl Pause {
    /// An administrator paused it.
    pub const ADMIN: &str = "admin";
    /// The app is being worked on by its own people.
    pub const MAINTENANCE: &str = "maintenance";
    /// The app refuses the credential.
    pub const CREDENTIAL: &str = "credential";
    /// A setting, the mapping or the scope cannot be used.
    pub const SETTINGS: &str = "settings";

    /// Until somebody lets it go on.
    pub fn new(by: &str, sentence: impl Into<String>) -> Self {
        Self { by: by.to_owned(), sentence: sentence.into(), until_us: None }
    }

    /// Whether people decided it, so that only people end it.
    pub fn is_by_hand(&self) -> bool {
        [Self::ADMIN, Self::MAINTENANCE].contains(&self.by.as_str())
    }
}

/// A configured app.
#[derive(Debug, Clone, PartialEq)]
pub struct AppRow {
    /// Its id.
    pub id: AppId,
    /// Its name, unique in the organization.
    pub name: String,
    /// Kind of adapter.
    pub adapter: String,
    /// Settings of the adapter; no secrets.
    pub settings: Map<String, Value>,
    /// SCIM filter over users; none: everybody.
    pub scope: Option<String>,
    /// What happens to leavers, as JSON.
    pub policy: Value,
    /// *Setup Provisioning*.
    pub enabled: bool,
    /// Why nothing is sent; the queue is kept.
    pub paused: Option<Pause>,
    /// Version of the mapping in force.
    pub mapping: i64,
    /// Whose values the mapping is shown with.
    pub sample: Option<ResourceId>,
    /// Counts changes of the app.
    pub revision: i64,
    /// When the app's own accounts were last read and compared.
    pub reconciled_us: Option<i64>,
    /// When it came to be.
    pub created_us: i64,
    /// When it last changed.
    pub modified_us: i64,
}

type Row = (
    (AppId, String, String, String, Option<String>, String, bool),
    (Option<String>, Option<String>, Option<i64>),
    (i64, Option<ResourceId>, i64, Option<i64>, i64, i64),
);

fn row(row: Row) -> Result<AppRow> {
    let (
        (id, name, adapter, settings, scope, policy, enabled),
        (paused, paused_by, until_us),
        (mapping, sample, revision, reconciled_us, created_us, modified_us),
    ) = row;
    let corrupt = |error: serde_json::Error| Error::Corrupt(error.to_string());
    Ok(AppRow {
        id,
        name,
        adapter,
        settings: serde_json::from_str(&settings).map_err(corrupt)?,
        scope,
        policy: serde_json::from_str(&policy).map_err(corrupt)?,
        enabled,
        paused: paused.map(|sentence| Pause {
            by: paused_by.unwrap_or_else(|| Pause::SETTINGS.to_owned()),
            sentence,
            until_us,
        }),
        mapping,
        sample,
        revision,
        reconciled_us,
        created_us,
        modified_us,
    })
}

type PauseColumns<'a> = (
    diesel::dsl::Eq<app::paused, Option<&'a str>>,
    diesel::dsl::Eq<app::paused_by, Option<&'a str>>,
    diesel::dsl::Eq<app::paused_until_us, Option<i64>>,
);

fn pause(reason: Option<&Pause>) -> PauseColumns<'_> {
    (
        app::paused.eq(reason.map(|one| one.sentence.as_str())),
        app::paused_by.eq(reason.map(|one| one.by.as_str())),
        app::paused_until_us.eq(reason.and_then(|one| one.until_us)),
    )
}

macro_rules! columns {
    () => {
        (
            (
                app::id,
                app::name,
                app::adapter,
                app::settings,
                app::scope,
                app::policy,
                app::enabled,
            ),
            (app::paused, app::paused_by, app::paused_until_us),
            (
                app::mapping,
                app::sample_id,
                app::revision,
                app::reconciled_us,
                app::created_us,
                app::modified_us,
            ),
        )
    };
}

impl Reader<'_> {
    /// Every app, by name.
    pub fn apps(&mut self) -> Result<Vec<AppRow>> {
        let rows: Vec<Row> = app::table
            .filter(app::organization.eq(self.organization))
            .order(app::name)
            .select(columns!())
            .load(self.conn)?;
        rows.into_iter().map(row).collect()
    }

    /// An app by id.
    pub fn app(&mut self, id: AppId) -> Result<Option<AppRow>> {
        let found: Option<Row> = app::table
            .filter(app::organization.eq(self.organization).and(app::id.eq(id)))
            .select(columns!())
            .first(self.conn)
            .optional()?;
        found.map(row).transpose()
    }

    /// An app by name.
    pub fn app_named(&mut self, name: &str) -> Result<Option<AppRow>> {
        let found: Option<Row> = app::table
            .filter(app::organization.eq(self.organization).and(app::name.eq(name)))
            .select(columns!())
            .first(self.conn)
            .optional()?;
        found.map(row).transpose()
    }

    /// At which revision an app is.
    pub fn app_revision(&mut self, id: AppId) -> Result<Option<i64>> {
        Ok(app::table
            .filter(app::organization.eq(self.organization).and(app::id.eq(id)))
            .select(app::revision)
            .first(self.conn)
            .optional()?)
    }

    /// Since when an app may differ from what it should hold without anything being done about it:
    /// its mapping, scope or policy was changed, and no sync has looked at everybody since.
    pub fn unsynced_since(&mut self, id: AppId) -> Result<Option<i64>> {
        let found: Option<Option<i64>> = app::table
            .find((self.organization, id))
            .select(app::unsynced_us)
            .first(self.conn)
            .optional()?;
        Ok(found.flatten())
    }

    /// Why the app's last list was not believed, as [`Transaction::note_doubt`] noted it.
    pub fn doubt(&mut self, id: AppId) -> Result<Option<Value>> {
        let found: Option<Option<String>> = app::table
            .find((self.organization, id))
            .select(app::doubt)
            .first(self.conn)
            .optional()?;
        let Some(text) = found.flatten() else { return Ok(None) };
        serde_json::from_str(&text).map(Some).map_err(|error| Error::Corrupt(error.to_string()))
    }

    /// Ids of the apps that follow the directory, paused ones too: their queues fill.
    pub fn enabled_apps(&mut self) -> Result<Vec<AppId>> {
        Ok(app::table
            .filter(app::organization.eq(self.organization).and(app::enabled.eq(true)))
            .order(app::id)
            .select(app::id)
            .load(self.conn)?)
    }
}

impl Transaction<'_> {
    /// Inserts an app.
    ///
    /// # Errors
    /// [`Error::Taken`] for the name.
    pub fn insert_app(&mut self, new: &AppRow) -> Result<()> {
        diesel::insert_into(app::table)
            .values((
                app::organization.eq(self.organization),
                app::id.eq(new.id),
                app::name.eq(&new.name),
                app::adapter.eq(&new.adapter),
                app::settings.eq(Value::Object(new.settings.clone()).to_string()),
                app::scope.eq(&new.scope),
                app::policy.eq(new.policy.to_string()),
                app::enabled.eq(new.enabled),
                app::mapping.eq(new.mapping),
                app::sample_id.eq(new.sample),
                app::revision.eq(new.revision),
                app::created_us.eq(new.created_us),
                app::modified_us.eq(new.modified_us),
            ))
            .execute(self.reader.conn)?;
        Ok(())
    }

    /// Writes an app back and raises its revision. Jobs that wait by a policy that is no longer in
    /// force are looked at again, a few with each claim.
    ///
    /// # Errors
    /// [`Error::Stale`] when its revision is no longer the one that was read; [`Error::Taken`] for
    /// the name.
    pub fn update_app(&mut self, changed: &AppRow, now_us: i64) -> Result<()> {
        let organization = self.organization;
        let before = self.app(changed.id)?;
        let updated = diesel::update(
            app::table.filter(
                app::organization
                    .eq(organization)
                    .and(app::id.eq(changed.id))
                    .and(app::revision.eq(changed.revision)),
            ),
        )
        .set((
            app::name.eq(&changed.name),
            app::settings.eq(Value::Object(changed.settings.clone()).to_string()),
            app::scope.eq(&changed.scope),
            app::policy.eq(changed.policy.to_string()),
            app::enabled.eq(changed.enabled),
            pause(changed.paused.as_ref()),
            app::mapping.eq(changed.mapping),
            app::sample_id.eq(changed.sample),
            app::revision.eq(changed.revision + 1),
            app::modified_us.eq(now_us),
        ))
        .execute(self.reader.conn)?;
        if updated != 1 {
            return Err(Error::Stale);
        }
        let Some(before) = before else { return Ok(()) };
        self.tell_pause(changed, before.paused.as_ref(), changed.paused.as_ref(), now_us)?;
        let terms = |row: &AppRow| (row.mapping, row.scope.clone(), row.policy.clone());
        if terms(&before) != terms(changed) {
            self.await_sync(changed.id, now_us)?;
        }
        if before.policy != changed.policy {
            self.wake_waiting(changed.id)?;
        }
        Ok(())
    }

    /// Notes why the app's list is not believed, until another one is. Does not raise the app's
    /// revision.
    pub fn note_doubt(&mut self, id: AppId, doubt: &Value) -> Result<()> {
        diesel::update(app::table.find((self.organization, id)))
            .set(app::doubt.eq(doubt.to_string()))
            .execute(self.reader.conn)?;
        Ok(())
    }

    /// Notes that from now on something else decides what the app should hold, or that what was to
    /// be looked at is not looked at after all: until everybody is, see [`Reader::unsynced_since`].
    /// Does not raise the app's revision.
    pub fn await_sync(&mut self, id: AppId, now_us: i64) -> Result<()> {
        self.set_unsynced(id, Some(now_us))
    }

    /// Notes that everybody about whom there was something to do when planning began is marked as due,
    /// unless something else has come into force since. When its plan was made, it was noted that it
    /// waits to be applied: that is over.
    pub fn synchronised(
        &mut self,
        id: AppId,
        begun_us: i64,
        planned_us: Option<i64>,
    ) -> Result<()> {
        let mut sql = Sql::new("UPDATE app SET unsynced_us = NULL WHERE organization = ");
        sql.bind(self.organization).push(" AND id = ").bind(id);
        sql.push(" AND (unsynced_us <= ").bind(begun_us);
        sql.push(" OR unsynced_us = ").bind(planned_us.unwrap_or(begun_us)).push(")");
        sql.execute(self.conn)?;
        Ok(())
    }

    /// Notes that everybody about whom there is something to do is marked as due, by what is in force.
    pub fn sync_begun(&mut self, id: AppId) -> Result<()> {
        self.set_unsynced(id, None)
    }

    fn set_unsynced(&mut self, id: AppId, since_us: Option<i64>) -> Result<()> {
        diesel::update(app::table.find((self.organization, id)))
            .set(app::unsynced_us.eq(since_us))
            .execute(self.reader.conn)?;
        Ok(())
    }

    /// Pauses an app with a sentence, or lets it go on. Its queue is kept. With a revision, only if
    /// the app is still at it: what was found out about older settings says nothing about new ones.
    pub fn pause_app(
        &mut self,
        id: AppId,
        revision: Option<i64>,
        reason: Option<&Pause>,
        now_us: i64,
    ) -> Result<()> {
        let organization = self.organization;
        let Some(before) = self.app(id)? else { return Ok(()) };
        let at = revision.unwrap_or(before.revision);
        let same = app::organization.eq(organization).and(app::id.eq(id));
        let changed = diesel::update(app::table.filter(same.and(app::revision.eq(at))))
            .set((pause(reason), app::revision.eq(app::revision + 1)))
            .execute(self.reader.conn)?;
        if changed == 1 {
            self.tell_pause(&before, before.paused.as_ref(), reason, now_us)?;
        }
        Ok(())
    }

    /// Deletes an app, its mapping, links, queue, runs and secrets. Nothing is changed remotely.
    pub fn delete_app(&mut self, id: AppId, owner: &str) -> Result<()> {
        let organization = self.organization;
        // Its jobs first, as for whoever works on one of them and writes down something of the app.
        self.lock_organization()?;
        let mut sql = Sql::new("DELETE FROM job WHERE organization = ");
        sql.bind(organization).push(" AND app_id = ").bind(id);
        sql.execute(self.conn)?;
        diesel::delete(app::table.filter(app::organization.eq(organization).and(app::id.eq(id))))
            .execute(self.reader.conn)?;
        self.delete_secrets(owner)
    }
}

impl Store {
    /// Apps of every organization that are switched on and not paused.
    ///
    /// # Errors
    /// The database's.
    pub async fn enabled_apps_everywhere(&self) -> Result<Vec<(OrganizationId, AppId)>> {
        self.read(OrganizationId(0), |reader| {
            Ok(app::table
                .filter(app::enabled.eq(true).and(app::paused.is_null()))
                .order((app::organization, app::id))
                .select((app::organization, app::id))
                .load(reader.conn)?)
        })
        .await
    }

    /// Lets apps go on whose pause is over. Answers whether there were any.
    ///
    /// # Errors
    /// The database's.
    pub async fn end_pauses(&self, now_us: i64) -> Result<bool> {
        let over = self
            .read(OrganizationId(0), move |reader| {
                Ok(app::table
                    .filter(app::paused_until_us.le(now_us))
                    .select((app::organization, app::id, app::name, app::revision))
                    .load::<(OrganizationId, AppId, String, i64)>(reader.conn)?)
            })
            .await?;
        for (organization, id, name, revision) in &over {
            let (id, name, revision) = (*id, name.clone(), *revision);
            self.write(*organization, move |transaction| {
                // Who changed the app meanwhile has said what holds it.
                if transaction.app_revision(id)? != Some(revision) {
                    return Ok(());
                }
                transaction.pause_app(id, Some(revision), None, now_us)?;
                transaction.record_audit(now_us, "rollcall", "app.resume", &name, None)
            })
            .await?;
        }
        Ok(!over.is_empty())
    }

    /// Organizations that have changes which no app was told of.
    ///
    /// # Errors
    /// The database's.
    pub async fn organizations_with_changes(&self) -> Result<Vec<OrganizationId>> {
        self.read(OrganizationId(0), |reader| {
            let sql = Sql::new("SELECT DISTINCT organization FROM change WHERE position IS NULL");
            let rows: Vec<(OrganizationId,)> = sql.load::<(BigInt,), _>(reader.conn)?;
            Ok(rows.into_iter().map(|row| row.0).collect())
        })
        .await
    }
}

impl Reader<'_> {
    /// How many resources of a type there are. Counts them.
    pub fn count_of(&mut self, kind: &str) -> Result<u64> {
        let mut sql = Sql::new("SELECT COUNT(*) FROM resource WHERE organization = ");
        sql.bind(self.organization).push(" AND kind = ").bind(kind);
        let rows: Vec<(i64,)> = sql.load::<(BigInt,), _>(self.conn)?;
        Ok(rows.first().and_then(|row| u64::try_from(row.0).ok()).unwrap_or_default())
    }

    /// Resources of a type in order of id, after one, at most `limit`.
    pub fn page_of(
        &mut self,
        kind: &str,
        after: Option<ResourceId>,
        limit: i64,
    ) -> Result<Vec<Stored>> {
        let mut sql = Sql::new(
            "SELECT id, kind, version, doc, created_us, modified_us FROM resource \
             WHERE organization = ",
        );
        sql.bind(self.organization).push(" AND kind = ").bind(kind);
        if let Some(after) = after {
            sql.push(" AND id > ").bind(after);
        }
        sql.push(" ORDER BY id LIMIT ").bind(limit);
        let rows: Vec<StoredColumns> =
            sql.load::<(Id, Text, BigInt, Text, BigInt, BigInt), _>(self.conn)?;
        rows.into_iter().map(stored).collect()
    }
}
