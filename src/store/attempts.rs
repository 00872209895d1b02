//! What was tried: what the operator reads.

use super::connection::Id;
use super::schema::attempt;
use super::sql::Sql;
use super::{Reader, Result, Transaction};
use crate::id::{AppId, AttemptId, ResourceId, RunId};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text};

/// One try.
#[derive(Debug, Clone, PartialEq)]
pub struct AttemptRow {
    /// Its id: order of time.
    pub id: AttemptId,
    /// The app.
    pub app: AppId,
    /// The object.
    pub resource: ResourceId,
    /// Its resource type.
    pub kind: String,
    /// The Quick Sync it was part of.
    pub run: Option<RunId>,
    /// `create`, `adopt`, `update`, `deactivate`, `reactivate`, `delete`, `unlink`, `lost`,
    /// `members` or `none`.
    pub action: String,
    /// `done`, `retry` or `parked`.
    pub outcome: String,
    /// App fields that were sent or are at fault; never values.
    pub fields: Vec<String>,
    /// What happened and what to do.
    pub detail: Option<String>,
    /// How long the app took.
    pub took_us: i64,
    /// When.
    pub at_us: i64,
}

const COLUMNS: &str = "SELECT id, app_id, resource_id, kind, run_id, action, outcome, fields, detail, \
     took_us, at_us FROM attempt WHERE organization = ";

impl Transaction<'_> {
    /// Notes a try.
    pub fn insert_attempt(&mut self, row: &AttemptRow) -> Result<()> {
        diesel::insert_into(attempt::table)
            .values((
                attempt::organization.eq(self.organization),
                attempt::id.eq(row.id),
                attempt::app_id.eq(row.app),
                attempt::resource_id.eq(row.resource),
                attempt::kind.eq(&row.kind),
                attempt::run_id.eq(row.run),
                attempt::action.eq(&row.action),
                attempt::outcome.eq(&row.outcome),
                attempt::fields.eq(serde_json::to_string(&row.fields).unwrap_or_default()),
                attempt::detail.eq(&row.detail),
                attempt::took_us.eq(row.took_us),
                attempt::at_us.eq(row.at_us),
            ))
            .execute(self.reader.conn)?;
        Ok(())
    }
}

impl Reader<'_> {
    /// Tries of a run that ended with a parked object, oldest first, after one, at most `limit`.
    pub fn failures_of_run(
        &mut self,
        app: AppId,
        run: RunId,
        after: Option<AttemptId>,
        limit: i64,
    ) -> Result<Vec<AttemptRow>> {
        let mut sql = Sql::new(COLUMNS);
        sql.bind(self.organization).push(" AND app_id = ").bind(app);
        // A run is as old as its id, and so are its attempts at most.
        let first = after.unwrap_or(AttemptId(run.0));
        sql.push(" AND id > ").bind(first).push(" AND run_id = ").bind(run);
        sql.push(" AND outcome = 'parked' ORDER BY id LIMIT ").bind(limit);
        self.load_attempts(sql)
    }

    /// Tries, newest first, of an app, of a resource or of both, before one, at most `limit`.
    pub fn attempts(
        &mut self,
        app: Option<AppId>,
        resource: Option<ResourceId>,
        before: Option<AttemptId>,
        limit: i64,
    ) -> Result<Vec<AttemptRow>> {
        let mut sql = Sql::new(COLUMNS);
        sql.bind(self.organization);
        if let Some(app) = app {
            sql.push(" AND app_id = ").bind(app);
        }
        if let Some(resource) = resource {
            sql.push(" AND resource_id = ").bind(resource);
        }
        if let Some(before) = before {
            sql.push(" AND id < ").bind(before);
        }
        sql.push(" ORDER BY id DESC LIMIT ").bind(limit);
        self.load_attempts(sql)
    }

    fn load_attempts(&mut self, sql: Sql) -> Result<Vec<AttemptRow>> {
        type Types =
            (Id, Id, Id, Text, Nullable<Id>, Text, Text, Text, Nullable<Text>, BigInt, BigInt);
        type Row = (
            AttemptId,
            AppId,
            ResourceId,
            String,
            Option<RunId>,
            String,
            String,
            String,
            Option<String>,
            i64,
            i64,
        );
        let rows: Vec<Row> = sql.load::<Types, _>(self.conn)?;
        Ok(rows
            .into_iter()
            .map(
                |(
                    id,
                    app,
                    resource,
                    kind,
                    run,
                    action,
                    outcome,
                    fields,
                    detail,
                    took_us,
                    at_us,
                )| {
                    AttemptRow {
                        id,
                        app,
                        resource,
                        kind,
                        run,
                        action,
                        outcome,
                        fields: serde_json::from_str(&fields).unwrap_or_default(),
                        detail,
                        took_us,
                        at_us,
                    }
                },
            )
            .collect())
    }
}
