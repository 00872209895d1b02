//! Runs: Quick Syncs, their plans and their progress.

use super::connection::Id;
use super::schema::run;
use super::sql::Sql;
use super::{Error, Reader, Result, Transaction};
use crate::id::{AppId, RunId};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text};
use serde_json::Value;

/// One Quick Sync.
#[derive(Debug, Clone, PartialEq)]
pub struct RunRow {
    /// Its id.
    pub id: RunId,
    /// The app.
    pub app: AppId,
    /// `planned`, `running`, `done`, `superseded` or `cancelled`.
    pub state: String,
    /// Objects that it looks at; 0 before it is confirmed.
    pub total: i64,
    /// Objects that are as they should be.
    pub done: i64,
    /// Objects that are parked.
    pub failed: i64,
    /// The plan: counts, examples, verdict.
    pub summary: Value,
    /// When it was planned.
    pub started_us: i64,
    /// When it ended.
    pub finished_us: Option<i64>,
}

impl Reader<'_> {
    fn load_runs(&mut self, sql: Sql) -> Result<Vec<RunRow>> {
        type Types = (Id, Id, Text, BigInt, BigInt, BigInt, Text, BigInt, Nullable<BigInt>);
        type Row = (RunId, AppId, String, i64, i64, i64, String, i64, Option<i64>);
        let rows: Vec<Row> = sql.load::<Types, _>(self.conn)?;
        rows.into_iter()
            .map(|(id, app, state, total, done, failed, summary, started_us, finished_us)| {
                Ok(RunRow {
                    id,
                    app,
                    state,
                    total,
                    done,
                    failed,
                    summary: serde_json::from_str(&summary)
                        .map_err(|error| Error::Corrupt(error.to_string()))?,
                    started_us,
                    finished_us,
                })
            })
            .collect()
    }

    fn runs_where(&self) -> Sql {
        let mut sql = Sql::new(
            "SELECT id, app_id, state, total, done, failed, summary, started_us, finished_us \
             FROM run WHERE organization = ",
        );
        sql.bind(self.organization);
        sql
    }

    /// A run by id.
    pub fn run(&mut self, id: RunId) -> Result<Option<RunRow>> {
        let mut sql = self.runs_where();
        sql.push(" AND id = ").bind(id);
        Ok(self.load_runs(sql)?.into_iter().next())
    }

    /// The runs of an app, newest first.
    pub fn runs(&mut self, app: AppId, limit: i64) -> Result<Vec<RunRow>> {
        let mut sql = self.runs_where();
        sql.push(" AND app_id = ").bind(app).push(" ORDER BY id DESC LIMIT ").bind(limit);
        self.load_runs(sql)
    }
}

impl Transaction<'_> {
    /// Inserts a run.
    pub fn insert_run(&mut self, row: &RunRow) -> Result<()> {
        diesel::insert_into(run::table)
            .values((
                run::organization.eq(self.organization),
                run::id.eq(row.id),
                run::app_id.eq(row.app),
                run::state.eq(&row.state),
                run::total.eq(row.total),
                run::done.eq(row.done),
                run::failed.eq(row.failed),
                run::summary.eq(row.summary.to_string()),
                run::started_us.eq(row.started_us),
                run::finished_us.eq(row.finished_us),
            ))
            .execute(self.reader.conn)?;
        Ok(())
    }

    /// Starts a planned run of so many objects; one of none is done at once.
    pub fn start_run(&mut self, id: RunId, total: i64, now_us: i64) -> Result<()> {
        let (state, finished) = if total == 0 { ("done", Some(now_us)) } else { ("running", None) };
        diesel::update(run::table.find((self.organization, id)))
            .set((run::state.eq(state), run::total.eq(total), run::finished_us.eq(finished)))
            .execute(self.reader.conn)?;
        Ok(())
    }

    /// Counts one more object; the last one ends the run.
    pub fn advance_run(&mut self, id: RunId, done: bool, now_us: i64) -> Result<()> {
        let column = if done { "done = done + 1" } else { "failed = failed + 1" };
        let mut sql = Sql::new("UPDATE run SET ");
        sql.push(column);
        sql.push(", state = CASE WHEN done + failed + 1 >= total THEN 'done' ELSE state END");
        sql.push(", finished_us = CASE WHEN done + failed + 1 >= total THEN ").bind(now_us);
        sql.push(" ELSE finished_us END WHERE organization = ").bind(self.organization);
        sql.push(" AND id = ").bind(id).push(" AND state = 'running'");
        sql.execute(self.conn)?;
        Ok(())
    }

    /// Ends the app's other running runs: their objects belong to this one now.
    pub fn supersede_runs(&mut self, app: AppId, by: RunId, now_us: i64) -> Result<()> {
        let organization = self.organization;
        diesel::update(
            run::table.filter(
                run::organization
                    .eq(organization)
                    .and(run::app_id.eq(app))
                    .and(run::id.ne(by))
                    .and(run::state.eq("running")),
            ),
        )
        .set((run::state.eq("superseded"), run::finished_us.eq(Some(now_us))))
        .execute(self.reader.conn)?;
        Ok(())
    }

    /// Cancels a run: its jobs that have not begun are taken back.
    pub fn cancel_run(&mut self, id: RunId, now_us: i64) -> Result<()> {
        let organization = self.organization;
        let cancelled = diesel::update(
            run::table.filter(
                run::organization
                    .eq(organization)
                    .and(run::id.eq(id))
                    .and(run::state.eq_any(["planned", "running"])),
            ),
        )
        .set((run::state.eq("cancelled"), run::finished_us.eq(Some(now_us))))
        .execute(self.reader.conn)?;
        if cancelled == 0 {
            return Ok(());
        }
        // What it was to do is not done: the app stays as it is until the next run.
        if let Some(run) = self.run(id)? {
            self.await_sync(run.app, now_us)?;
        }
        // Jobs that only the run made (nothing changed since, nothing was begun) go; others stay,
        // without the run.
        let mut sql = Sql::new("DELETE FROM job WHERE organization = ");
        sql.bind(organization).push(" AND run_id = ").bind(id);
        sql.push(
            " AND state = 'ready' AND generation = 1 AND attempts = 0 AND NOT EXISTS (\
             SELECT 1 FROM link l WHERE l.organization = job.organization \
             AND l.app_id = job.app_id AND l.resource_id = job.resource_id AND l.state = 'in_doubt')",
        );
        sql.execute(self.conn)?;
        let mut sql = Sql::new("UPDATE job SET run_id = NULL WHERE organization = ");
        sql.bind(organization).push(" AND run_id = ").bind(id);
        sql.execute(self.conn)?;
        Ok(())
    }
}
