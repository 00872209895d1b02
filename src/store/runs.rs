//! Runs: everybody of an app looked at, planned, confirmed and brought up to date.
//!
//! ```text
//! planning ──▶ planned ──confirm──▶ queued ──▶ running ──▶ done
//!     │           ▲                             │
//!     └──▶ held ──┘ approve                     └──▶ cancelled     (from anywhere before done)
//! ```
//!
//! One that is held because the app's list is not believed is planned again when it is approved.

mod items;
mod losses;

use super::connection::Id;
use super::schema::run;
use super::sql::Sql;
use super::{Error, Reader, Result, Store, Transaction};
use crate::id::{AppId, OrganizationId, ResourceId, RunId};
use crate::notification::event::{App, Run};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
pub use items::{ItemRow, ItemState};
pub use losses::LossRow;
use serde_json::Value;

/// One run.
#[derive(Debug, Clone, PartialEq)]
pub struct RunRow {
    /// Its id.
    pub id: RunId,
    /// The app.
    pub app: AppId,
    /// `sync` (a Quick Sync), `setup` (*Setup Provisioning* was switched on) or `reconcile` (the clock
    /// asked for it).
    pub kind: String,
    /// `planning`, `planned`, `held`, `queued`, `running`, `done`, `cancelled`, `failed`, or in
    /// databases of older versions `superseded`.
    pub state: String,
    /// Who asked for it, as the audit log names them.
    pub author: String,
    /// Whether it is applied as soon as it is planned.
    pub confirm: bool,
    /// Objects for which there is something to do; 0 before it is planned.
    pub total: i64,
    /// Objects that are as they should be.
    pub done: i64,
    /// Objects that are parked.
    pub failed: i64,
    /// Objects that were looked at while planning.
    pub seen: i64,
    /// Accounts that the app listed.
    pub read: i64,
    /// Limits that it passes, and why it waits to be approved.
    pub held: Option<Value>,
    /// When it was confirmed.
    pub confirmed_us: Option<i64>,
    /// Who approved what it takes away.
    pub approved_by: Option<String>,
    /// Why it was approved, or why it failed.
    pub note: Option<String>,
    /// When somebody said that the app's list is to be believed, whatever it leaves out.
    pub believed_us: Option<i64>,
    /// When somebody last approved something of it: its list, or what it takes away.
    pub approved_us: Option<i64>,
    /// When its plan was made.
    pub planned_us: Option<i64>,
    /// The plan: counts, examples, verdict.
    pub summary: Value,
    /// When it was asked for.
    pub started_us: i64,
    /// When it ended.
    pub finished_us: Option<i64>,
}

impl RunRow {
    /// Whether somebody let it pass the limits. Who believed the app's list did not: they had not seen
    /// yet what the plan takes away.
    pub fn may_pass(&self) -> bool {
        self.approved_us.is_some() && self.approved_us != self.believed_us
    }
}

type Row = (
    (RunId, AppId, String, String, String, bool),
    (i64, i64, i64, i64, i64),
    (Option<String>, Option<i64>, Option<String>, Option<String>),
    (String, i64, Option<i64>, Option<i64>, Option<i64>, Option<i64>),
);

macro_rules! columns {
    () => {
        (
            (run::id, run::app_id, run::kind, run::state, run::author, run::confirm),
            (run::total, run::done, run::failed, run::seen, run::read),
            (run::held, run::confirmed_us, run::approved_by, run::note),
            (
                run::summary,
                run::started_us,
                run::finished_us,
                run::believed_us,
                run::approved_us,
                run::planned_us,
            ),
        )
    };
}

fn row(row: Row) -> Result<RunRow> {
    let (
        (id, app, kind, state, author, confirm),
        (total, done, failed, seen, read),
        (held, confirmed_us, approved_by, note),
        (summary, started_us, finished_us, believed_us, approved_us, planned_us),
    ) = row;
    let json = |text: &str| {
        serde_json::from_str(text)
            .map_err(|error: serde_json::Error| Error::Corrupt(error.to_string()))
    };
    Ok(RunRow {
        id,
        app,
        kind,
        state,
        author,
        confirm,
        total,
        done,
        failed,
        seen,
        read,
        held: held.as_deref().map(json).transpose()?,
        confirmed_us,
        approved_by,
        note,
        believed_us,
        approved_us,
        planned_us,
        summary: json(&summary)?,
        started_us,
        finished_us,
    })
}

/// States in which a run is not over and needs no person.
const OPEN: [&str; 3] = ["planning", "queued", "running"];

impl Reader<'_> {
    /// A run by id.
    pub fn run(&mut self, id: RunId) -> Result<Option<RunRow>> {
        let found: Option<Row> = run::table
            .find((self.organization, id))
            .select(columns!())
            .first(self.conn)
            .optional()?;
        found.map(row).transpose()
    }

    /// The newest runs of an app, newest first.
    pub fn runs(&mut self, app: AppId, limit: i64) -> Result<Vec<RunRow>> {
        self.runs_before(app, None, limit)
    }

    /// Runs of an app that are older than one, newest first, at most `limit`.
    pub fn runs_before(
        &mut self,
        app: AppId,
        before: Option<RunId>,
        limit: i64,
    ) -> Result<Vec<RunRow>> {
        let mut wanted = run::table
            .filter(run::organization.eq(self.organization).and(run::app_id.eq(app)))
            .order(run::id.desc())
            .limit(limit)
            .select(columns!())
            .into_boxed();
        if let Some(before) = before {
            wanted = wanted.filter(run::id.lt(before));
        }
        let rows: Vec<Row> = wanted.load(self.conn)?;
        rows.into_iter().map(row).collect()
    }

    /// Whether an app has a run that is being planned, waits for its turn or is being applied.
    pub fn has_open_run(&mut self, app: AppId) -> Result<bool> {
        self.has_run_in(app, &OPEN)
    }

    /// Whether a run of an app that was asked for before this one is being planned.
    pub fn is_planned_before(&mut self, app: AppId, id: RunId) -> Result<bool> {
        Ok(diesel::select(diesel::dsl::exists(
            run::table.filter(
                run::organization
                    .eq(self.organization)
                    .and(run::app_id.eq(app))
                    .and(run::state.eq("planning"))
                    .and(run::id.lt(id)),
            ),
        ))
        .get_result(self.conn)?)
    }

    /// Whether a run of an app is being applied.
    pub fn is_running(&mut self, app: AppId) -> Result<bool> {
        self.has_run_in(app, &["running"])
    }

    fn has_run_in(&mut self, app: AppId, states: &[&str]) -> Result<bool> {
        Ok(diesel::select(diesel::dsl::exists(
            run::table.filter(
                run::organization
                    .eq(self.organization)
                    .and(run::app_id.eq(app))
                    .and(run::state.eq_any(states)),
            ),
        ))
        .get_result(self.conn)?)
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
                run::kind.eq(&row.kind),
                run::state.eq(&row.state),
                run::author.eq(&row.author),
                run::confirm.eq(row.confirm),
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

    /// Notes how far planning has come; answers whether the run is still being planned.
    pub fn note_planning(
        &mut self,
        id: RunId,
        (seen, read): (i64, i64),
        summary: &Value,
    ) -> Result<bool> {
        let planning = run::table.find((self.organization, id)).filter(run::state.eq("planning"));
        let noted = diesel::update(planning)
            .set((run::seen.eq(seen), run::read.eq(read), run::summary.eq(summary.to_string())))
            .execute(self.reader.conn)?;
        Ok(noted == 1)
    }

    /// Ends planning: the run is `planned`, or `held` for the limits that it passes. Answers whether it
    /// was still being planned.
    pub fn end_planning(
        &mut self,
        id: RunId,
        total: i64,
        held: Option<&Value>,
        now_us: i64,
    ) -> Result<bool> {
        let planning = run::table.find((self.organization, id)).filter(run::state.eq("planning"));
        let ended = diesel::update(planning)
            .set((
                run::state.eq(if held.is_some() { "held" } else { "planned" }),
                run::total.eq(total),
                run::held.eq(held.map(ToString::to_string)),
                run::planned_us.eq(now_us),
            ))
            .execute(self.reader.conn)?;
        if ended == 1 && held.is_some() {
            self.tell_run(id, now_us)?;
        }
        Ok(ended == 1)
    }

    /// Lets a held run pass its limits. Answers whether it was held.
    pub fn approve_run(&mut self, id: RunId, by: &str, note: &str, now_us: i64) -> Result<bool> {
        let held = run::table.find((self.organization, id)).filter(run::state.eq("held"));
        let approved = diesel::update(held)
            .set((
                run::state.eq("planned"),
                run::approved_by.eq(by),
                run::approved_us.eq(now_us),
                run::note.eq(note),
            ))
            .execute(self.reader.conn)?;
        Ok(approved == 1)
    }

    /// Has a held run planned again, with the app's list believed whatever it leaves out. Answers
    /// whether it was held.
    pub fn believe_run(&mut self, id: RunId, by: &str, note: &str, now_us: i64) -> Result<bool> {
        let held = run::table.find((self.organization, id)).filter(run::state.eq("held"));
        let believed = diesel::update(held)
            .set((
                run::state.eq("planning"),
                run::held.eq(None::<String>),
                run::approved_by.eq(by),
                run::approved_us.eq(now_us),
                run::believed_us.eq(now_us),
                run::note.eq(note),
            ))
            .execute(self.reader.conn)?;
        Ok(believed == 1)
    }

    /// Confirms a run: one that is planned waits for its turn, one that is still being planned does so
    /// afterwards. Answers whether it waits for its turn now, or will.
    pub fn confirm_run(&mut self, id: RunId, now_us: i64) -> Result<bool> {
        let mut sql = Sql::new("UPDATE run SET confirm = ");
        sql.bind(true).push(", confirmed_us = COALESCE(confirmed_us, ").bind(now_us).push(")");
        sql.push(", state = CASE WHEN state = 'planned' THEN 'queued' ELSE state END");
        sql.push(" WHERE organization = ").bind(self.organization).push(" AND id = ").bind(id);
        sql.push(" AND state IN ('planned', 'planning')");
        Ok(sql.execute(self.conn)? == 1)
    }

    /// Starts a run whose turn it is, unless another one of its app runs: one job for each object of
    /// the plan, with the run's id, which may take away as much as was planned. What waits for approval is
    /// left so, unless the plan counted it. One without anything to do is done at once. Answers whether it was started.
    pub fn start_run(&mut self, id: RunId, now_us: i64) -> Result<bool> {
        // Of two whose turn it is, one sees that the other one runs; and nobody cancels it meanwhile.
        self.lock_organization()?;
        let Some(row) = self.run(id)?.filter(|row| row.state == "queued") else { return Ok(false) };
        if self.is_running(row.app)? {
            return Ok(false);
        }
        let left = self.leave_held(row.app, id)?;
        let marked = self.mark_items(row.app, id, row.may_pass(), now_us)?;
        let total = marked + left;
        self.synchronised(row.app, row.started_us, row.planned_us)?;
        let (state, finished) =
            if marked == 0 { ("done", Some(now_us)) } else { ("running", None) };
        diesel::update(run::table.find((self.organization, id)))
            .set((
                run::state.eq(state),
                run::total.eq(total),
                run::failed.eq(left),
                run::finished_us.eq(finished),
            ))
            .execute(self.reader.conn)?;
        if finished.is_some() {
            self.tell_run(id, now_us)?;
        }
        Ok(true)
    }

    /// Counts one more object; the last one ends the run. `digest` is that of what was done: an object
    /// that changed since it was planned is marked as planned again. Answers whether the run is over.
    pub fn advance_run(
        &mut self,
        id: RunId,
        resource: ResourceId,
        done: bool,
        digest: Option<&str>,
        now_us: i64,
    ) -> Result<bool> {
        self.end_item(id, resource, done, digest)?;
        let column = if done { "done = done + 1" } else { "failed = failed + 1" };
        let mut sql = Sql::new("UPDATE run SET ");
        sql.push(column);
        sql.push(", state = CASE WHEN done + failed + 1 >= total THEN 'done' ELSE state END");
        sql.push(", finished_us = CASE WHEN done + failed + 1 >= total THEN ").bind(now_us);
        sql.push(" ELSE finished_us END WHERE organization = ").bind(self.organization);
        sql.push(" AND id = ").bind(id).push(" AND state = 'running' RETURNING state");
        let rows: Vec<(String,)> = sql.load::<(Text,), _>(self.conn)?;
        let is_over = rows.first().is_some_and(|row| row.0 == "done");
        if is_over {
            self.tell_run(id, now_us)?;
        }
        Ok(is_over)
    }

    /// Ends a run that cannot be planned, with a sentence.
    pub fn fail_run(&mut self, id: RunId, sentence: &str, now_us: i64) -> Result<()> {
        let planning = run::table.find((self.organization, id)).filter(run::state.eq("planning"));
        let failed = diesel::update(planning)
            .set((
                run::state.eq("failed"),
                run::note.eq(sentence),
                run::finished_us.eq(Some(now_us)),
            ))
            .execute(self.reader.conn)?;
        if failed == 1 { self.tell_run(id, now_us) } else { Ok(()) }
    }

    /// Cancels a run: its jobs that have not begun are taken back. Answers whether it was not over.
    pub fn cancel_run(&mut self, id: RunId, now_us: i64) -> Result<bool> {
        let organization = self.organization;
        let open = ["planning", "planned", "held", "queued", "running"];
        // It is not started meanwhile.
        self.lock_organization()?;
        let Some(row) = self.run(id)?.filter(|row| open.contains(&row.state.as_str())) else {
            return Ok(false);
        };
        // Jobs that only the run made (nothing changed since, nothing was begun) go; others stay,
        // without the run. They come before the run, as where a worker counts one in it.
        let mut sql = Sql::new("DELETE FROM job WHERE organization = ");
        sql.bind(organization).push(" AND run_id = ").bind(id);
        sql.push(
            " AND state = 'ready' AND generation = 1 AND attempts = 0 AND NOT in_doubt AND NOT EXISTS (\
             SELECT 1 FROM link l WHERE l.organization = job.organization \
             AND l.app_id = job.app_id AND l.resource_id = job.resource_id AND l.state = 'in_doubt')",
        );
        sql.execute(self.conn)?;
        let mut sql = Sql::new(
            "UPDATE job SET run_id = NULL, approved = FALSE, allowed_deactivations = 0, \
             allowed_deletions = 0, allowed_memberships = 0 WHERE organization = ",
        );
        sql.bind(organization);
        sql.push(" AND run_id = ").bind(id);
        sql.execute(self.conn)?;
        let ended = run::table.find((organization, id)).filter(run::state.eq_any(open));
        let cancelled = diesel::update(ended)
            .set((run::state.eq("cancelled"), run::finished_us.eq(Some(now_us))))
            .execute(self.reader.conn)?;
        if cancelled == 1 {
            self.tell_run(id, now_us)?;
        }
        // What it was to do is not done: the app stays as it is until the next run.
        self.await_sync(row.app, now_us)?;
        Ok(true)
    }
}

impl Transaction<'_> {
    /// Tells whoever wants to know that a run is over, or held.
    fn tell_run(&mut self, id: RunId, now_us: i64) -> Result<()> {
        let Some(row) = self.run(id)? else { return Ok(()) };
        let Some(app) = self.app(row.app)? else { return Ok(()) };
        let app = App { id: app.id, name: &app.name };
        let run = Run {
            id,
            kind: &row.kind,
            state: &row.state,
            total: row.total,
            done: row.done,
            failed: row.failed,
        };
        let event = if row.state == "held" {
            let said = |name: &str| row.held.as_ref().and_then(|held| held.get(name)?.as_str());
            app.held(&run, said("sentence").unwrap_or_default(), said("remedy"))
        } else {
            app.finished(&run)
        };
        self.tell(&event, now_us)
    }
}

impl Store {
    /// Runs of every organization that are to be planned or started, oldest first, with their apps and
    /// states.
    ///
    /// # Errors
    /// The database's.
    pub async fn runs_to_work_on(&self) -> Result<Vec<(OrganizationId, AppId, RunId, String)>> {
        self.glance(OrganizationId(0), |reader| {
            // The first condition is word for word that of the index `run_open`: without it SQLite
            // would read every run there ever was.
            let sql = Sql::new(
                "SELECT organization, app_id, id, state FROM run \
                 WHERE state IN ('planning', 'queued', 'running') AND state <> 'running' ORDER BY id",
            );
            sql.load::<(BigInt, Id, Id, Text), _>(reader.conn)
        })
        .await
    }
}
