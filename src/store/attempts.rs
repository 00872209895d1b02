//! What was tried: what the operator reads.

use super::connection::Id;
use super::schema::attempt;
use super::sql::Sql;
use super::{Reader, Result, Transaction};
use crate::id::{AppId, AttemptId, ResourceId, RunId};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text};
use serde_json::Value;

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
    /// What happened.
    pub detail: Option<String>,
    /// How long the app took.
    pub took_us: i64,
    /// When.
    pub at_us: i64,
    /// Why it came to nothing, in one word.
    pub cause: Option<String>,
    /// What to do about it.
    pub remedy: Option<String>,
    /// When it is tried again by itself.
    pub next_us: Option<i64>,
    /// What was sent and answered, without values.
    pub wire: Option<Value>,
}

/// Which tries are looked for: all that are named must be so.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Wanted {
    /// Of an app.
    pub app: Option<AppId>,
    /// Of a user or a group.
    pub resource: Option<ResourceId>,
    /// As part of a run. It is looked for among the tries since it began, so name its app too.
    pub run: Option<RunId>,
    /// With an outcome.
    pub outcome: Option<String>,
    /// That came to nothing for a reason.
    pub cause: Option<String>,
    /// Older than one.
    pub before: Option<AttemptId>,
}

const COLUMNS: &str = "SELECT id, app_id, resource_id, kind, run_id, action, outcome, fields, detail, \
     took_us, at_us, cause, remedy, next_us, wire FROM attempt WHERE organization = ";

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
                attempt::cause.eq(&row.cause),
                attempt::remedy.eq(&row.remedy),
                attempt::next_us.eq(row.next_us),
                attempt::wire.eq(row.wire.as_ref().map(Value::to_string)),
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

    /// Tries, newest first, at most `limit`.
    pub fn attempts(&mut self, wanted: &Wanted, limit: i64) -> Result<Vec<AttemptRow>> {
        let mut sql = Sql::new(COLUMNS);
        sql.bind(self.organization);
        if let Some(app) = wanted.app {
            sql.push(" AND app_id = ").bind(app);
        }
        if let Some(resource) = wanted.resource {
            sql.push(" AND resource_id = ").bind(resource);
        }
        if let Some(run) = wanted.run {
            // Ids are in order of time: what a run tried, it tried after it came to be.
            sql.push(" AND run_id = ").bind(run).push(" AND id > ").bind(AttemptId(run.0));
        }
        if let Some(cause) = &wanted.cause {
            sql.push(" AND cause = ").bind(cause.as_str());
        }
        if let Some(outcome) = &wanted.outcome {
            sql.push(" AND outcome = ").bind(outcome.as_str());
            if outcome != "done" {
                // In the words of the index.
                sql.push(" AND outcome <> 'done'");
            }
        }
        if let Some(before) = wanted.before {
            sql.push(" AND id < ").bind(before);
        }
        sql.push(" ORDER BY id DESC LIMIT ").bind(limit);
        self.load_attempts(sql)
    }

    fn load_attempts(&mut self, sql: Sql) -> Result<Vec<AttemptRow>> {
        let rows: Vec<Row> = sql.load::<Types, _>(self.conn)?;
        Ok(rows.into_iter().map(attempt).collect())
    }
}

type Types = (
    (Id, Id, Id, Text, Nullable<Id>, Text, Text, Text),
    (Nullable<Text>, BigInt, BigInt),
    (Nullable<Text>, Nullable<Text>, Nullable<BigInt>, Nullable<Text>),
);
type Row = (
    (AttemptId, AppId, ResourceId, String, Option<RunId>, String, String, String),
    (Option<String>, i64, i64),
    (Option<String>, Option<String>, Option<i64>, Option<String>),
);

fn attempt(row: Row) -> AttemptRow {
    let (
        (id, app, resource, kind, run, action, outcome, fields),
        (detail, took_us, at_us),
        (cause, remedy, next_us, wire),
    ) = row;
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
        cause,
        remedy,
        next_us,
        wire: wire.and_then(|text| serde_json::from_str(&text).ok()),
    }
}
