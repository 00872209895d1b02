//! Work: at most one row per app and resource, so a burst of changes is one push.
//!
//! A job is *ready*, *running* (claimed, with a lease and a fence), *waiting* (for days of grace to
//! be over) or *parked* (a person must look, or the object must change). It is deleted when it is done and nothing changed meanwhile.
//!
//! On PostgreSQL, where transactions run beside each other, locks are taken in one order, so that no
//! two wait for each other: the lease of a plan, the organization, the app, jobs, whatever hangs on
//! them, the run. Whoever locks more than one job holds the organization, or leaves out those that
//! somebody else has locked.

mod marking;
mod single;
mod waking;

pub(super) use marking::taken_by_run;

use super::connection::{Backend, Id};
use super::sql::Sql;
use super::{Reader, Result, Transaction};
use crate::id::{AppId, ResourceId, RunId};
use diesel::sql_types::{BigInt, Bool, Integer, Nullable, Text};

/// In which order jobs of one app are worked on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Priority {
    /// Somebody loses access.
    Leaving,
    /// A person changed.
    User,
    /// A group changed: after its members.
    Group,
    /// Everybody is looked at.
    Sweep,
}

impl Priority {
    /// Of an object of a resource type that changed.
    pub fn of(kind: &str) -> Self {
        if kind == "Group" { Self::Group } else { Self::User }
    }

    const fn number(self) -> i32 {
        match self {
            Self::Leaving => 5,
            Self::User => 10,
            Self::Group => 20,
            Self::Sweep => 30,
        }
    }
}

/// What a run allows ends with it; what somebody approved stays.
const NOT_THE_RUNS: &str = "\
    allowed_deactivations = CASE WHEN approved THEN allowed_deactivations ELSE 0 END, \
    allowed_deletions = CASE WHEN approved THEN allowed_deletions ELSE 0 END, \
    allowed_memberships = CASE WHEN approved THEN allowed_memberships ELSE 0 END";

/// A claimed job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// The object.
    pub resource: ResourceId,
    /// Its resource type.
    pub kind: String,
    /// How many changes the claim has seen.
    pub generation: i64,
    /// Failures in a row.
    pub attempts: u32,
    /// Only the holder of this number may finish it.
    pub fence: i64,
    /// The Quick Sync it belongs to.
    pub run: Option<RunId>,
    /// Whether somebody loses access.
    pub is_leaving: bool,
    /// Whether a request of an earlier try may have taken effect or not: its holder died, or no answer
    /// came. What is remembered of the app's object may be wrong.
    pub in_doubt: bool,
}

/// What closing a job came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Closed {
    /// It is done.
    Done,
    /// The object changed meanwhile: it is ready again.
    Again,
    /// It was no longer ours.
    Lost,
}

/// How an app's queue stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Queue {
    /// Due, or waiting for their next try.
    pub ready: i64,
    /// Being pushed.
    pub running: i64,
    /// Waiting for a person or a change.
    pub parked: i64,
    /// Waiting for days of grace to be over.
    pub waiting: i64,
}

/// A job as an administrator sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobState {
    /// The object.
    pub resource: ResourceId,
    /// `ready`, `running`, `parked` or `waiting`.
    pub state: String,
    /// When it is tried next.
    pub run_at_us: i64,
    /// Failures in a row.
    pub attempts: u32,
    /// Why it is parked (JSON) or waits (a sentence).
    pub error: Option<String>,
}

impl Transaction<'_> {
    /// Claims up to `limit` jobs that are due, until `lease_us`. With `ahead`, and when nothing is
    /// due, the one that is due next. Jobs whose holder let the lease run out are ready again.
    pub fn claim_jobs(
        &mut self,
        app: AppId,
        now_us: i64,
        limit: usize,
        lease_us: i64,
        ahead: bool,
    ) -> Result<Vec<Job>> {
        self.wake(app, now_us)?;
        let mut expired = self.free(app, "running");
        expired.push(" AND lease_us < ").bind(now_us);
        let mut set = Sql::new("state = 'ready', in_doubt = TRUE, lease_us = NULL, run_at_us = ");
        set.bind(now_us);
        self.change_free(app, expired, set)?;
        let mut waited = self.free(app, "waiting");
        waited.push(" AND run_at_us <= ").bind(now_us);
        self.change_free(app, waited, Sql::new("state = 'ready'"))?;
        let due = self.claim(app, now_us, None, "priority, run_at_us", limit, lease_us)?;
        if due.is_empty() && ahead {
            return self.claim(app, i64::MAX, None, "run_at_us", 1, lease_us);
        }
        Ok(due)
    }

    /// Jobs of an app in a state; conditions may follow.
    fn free(&self, app: AppId, state: &'static str) -> Sql {
        let mut sql = Sql::new("SELECT resource_id FROM job WHERE organization = ");
        sql.bind(self.organization).push(" AND app_id = ").bind(app);
        sql.push(" AND state = '").push(state).push("'");
        sql
    }

    /// Changes some jobs, but for those that somebody else has locked: they become something else at
    /// this moment, or are there the next time. Answers how many.
    fn change_free(&mut self, app: AppId, mut which: Sql, set: Sql) -> Result<usize> {
        if self.conn.backend() == Backend::Postgres {
            which.push(" FOR UPDATE SKIP LOCKED");
        }
        let mut sql = Sql::new("WITH free AS MATERIALIZED (");
        sql.append(which).push(") UPDATE job SET ").append(set);
        sql.push(" WHERE organization = ").bind(self.organization);
        sql.push(" AND app_id = ").bind(app);
        sql.push(" AND resource_id IN (SELECT resource_id FROM free)");
        sql.execute(self.conn)
    }

    /// Claims up to `limit` jobs of those who lose access that are due, until `lease_us`.
    pub fn claim_leavers(
        &mut self,
        app: AppId,
        now_us: i64,
        limit: usize,
        lease_us: i64,
    ) -> Result<Vec<Job>> {
        self.claim(app, now_us, Some(Priority::Leaving), "run_at_us", limit, lease_us)
    }

    fn claim(
        &mut self,
        app: AppId,
        due_us: i64,
        only: Option<Priority>,
        order: &str,
        limit: usize,
        lease_us: i64,
    ) -> Result<Vec<Job>> {
        // In a table of its own, because PostgreSQL asks a subquery again for every row that it looks
        // at, and what is locked already is another one each time.
        let mut sql =
            Sql::new("WITH due AS MATERIALIZED (SELECT resource_id FROM job WHERE organization = ");
        sql.bind(self.organization).push(" AND app_id = ").bind(app);
        sql.push(" AND state = 'ready' AND run_at_us <= ").bind(due_us);
        if let Some(only) = only {
            sql.push(" AND priority = ").bind(only.number());
        }
        sql.push(" ORDER BY ").push(order).push(" LIMIT +");
        sql.bind(i64::try_from(limit).unwrap_or(i64::MAX));
        if self.conn.backend() == Backend::Postgres {
            sql.push(" FOR UPDATE SKIP LOCKED");
        }
        sql.push(") UPDATE job SET state = 'running', fence = fence + 1, lease_us = ");
        sql.bind(lease_us).push(" WHERE organization = ").bind(self.organization);
        sql.push(" AND app_id = ").bind(app);
        sql.push(" AND resource_id IN (SELECT resource_id FROM due)");
        self.claimed(sql)
    }

    /// Runs a statement that claims jobs; answers them in the order in which they go.
    fn claimed(&mut self, mut sql: Sql) -> Result<Vec<Job>> {
        sql.push(
            " RETURNING resource_id, kind, generation, attempts, fence, run_id, priority, run_at_us, \
             in_doubt",
        );
        type Types = (Id, Text, BigInt, Integer, BigInt, Nullable<Id>, Integer, BigInt, Bool);
        type Row = (ResourceId, String, i64, i32, i64, Option<RunId>, i32, i64, bool);
        let mut rows: Vec<Row> = sql.load::<Types, _>(self.conn)?;
        rows.sort_by_key(|row| (row.6, row.7));
        Ok(rows
            .into_iter()
            .map(|(resource, kind, generation, attempts, fence, run, priority, _, in_doubt)| Job {
                resource,
                kind,
                generation,
                attempts: u32::try_from(attempts).unwrap_or(0),
                fence,
                run,
                is_leaving: priority == Priority::Leaving.number(),
                in_doubt,
            })
            .collect())
    }

    /// Whether the job is still ours; it then is until `lease_us`.
    pub fn hold_job(&mut self, app: AppId, job: &Job, lease_us: i64) -> Result<bool> {
        let mut sql = Sql::new("UPDATE job SET lease_us = ");
        sql.bind(lease_us);
        self.held(&mut sql, app, job);
        Ok(sql.execute(self.conn)? == 1)
    }

    fn held(&self, sql: &mut Sql, app: AppId, job: &Job) {
        sql.push(" WHERE organization = ").bind(self.organization);
        sql.push(" AND app_id = ").bind(app).push(" AND resource_id = ").bind(job.resource);
        if !planted!(Fence) {
            sql.push(" AND state = 'running' AND fence = ").bind(job.fence);
        }
    }

    /// Closes a job: deletes it, unless the object changed since it was claimed.
    pub fn close_job(&mut self, app: AppId, job: &Job, now_us: i64) -> Result<Closed> {
        let mut sql = Sql::new("DELETE FROM job");
        self.held(&mut sql, app, job);
        if !planted!(Generation) {
            sql.push(" AND generation = ").bind(job.generation);
        }
        if sql.execute(self.conn)? == 1 {
            return Ok(Closed::Done);
        }
        let mut sql = Sql::new(
            "UPDATE job SET state = 'ready', lease_us = NULL, error = NULL, attempts = 0, \
             in_doubt = FALSE, run_at_us = ",
        );
        sql.bind(now_us);
        self.held(&mut sql, app, job);
        Ok(if sql.execute(self.conn)? == 1 { Closed::Again } else { Closed::Lost })
    }

    /// Notes that a request for a job may have taken effect or not.
    pub fn doubt_job(&mut self, app: AppId, job: &Job) -> Result<()> {
        let mut sql = Sql::new("UPDATE job SET in_doubt = TRUE");
        self.held(&mut sql, app, job);
        sql.execute(self.conn)?;
        Ok(())
    }

    /// Puts a job off. `attempts` becomes its count of failures in a row.
    pub fn defer_job(
        &mut self,
        app: AppId,
        job: &Job,
        run_at_us: i64,
        attempts: u32,
        error: Option<&str>,
    ) -> Result<()> {
        let mut sql = Sql::new("UPDATE job SET state = 'ready', lease_us = NULL, run_at_us = ");
        sql.bind(run_at_us).push(", attempts = ");
        sql.bind(i32::try_from(attempts).unwrap_or(i32::MAX)).push(", error = ");
        sql.bind(error.map(str::to_owned));
        self.held(&mut sql, app, job);
        sql.execute(self.conn)?;
        Ok(())
    }

    /// Lets a job wait until then, unless the object changed since it was claimed: then it is ready
    /// again. Answers whether it waits; its run is done with it then, and so is what the run may take away.
    pub fn let_wait(&mut self, app: AppId, job: &Job, until_us: i64) -> Result<bool> {
        let mut sql = Sql::new("UPDATE job SET lease_us = NULL, attempts = 0, error = NULL, ");
        sql.push(NOT_THE_RUNS).push(", run_id = CASE WHEN generation = ").bind(job.generation);
        sql.push(" THEN NULL ELSE run_id END, state = CASE WHEN generation = ")
            .bind(job.generation);
        sql.push(" THEN 'waiting' ELSE 'ready' END, run_at_us = CASE WHEN generation = ");
        sql.bind(job.generation).push(" THEN ").bind(until_us).push(" ELSE run_at_us END");
        self.held(&mut sql, app, job);
        sql.execute(self.conn)?;
        let now = self.job_states(app, Some(&[job.resource]), None, 1)?;
        Ok(now.first().is_some_and(|one| one.state == "waiting"))
    }

    /// Takes a job out of its run, which no longer waits for it and allows nothing any more. Answers
    /// whether it was in that run: another one may have taken it meanwhile, and waits for it.
    pub fn leave_run(&mut self, app: AppId, job: &Job) -> Result<bool> {
        let Some(run) = job.run else { return Ok(false) };
        let mut sql = Sql::new("UPDATE job SET run_id = NULL, ");
        sql.push(NOT_THE_RUNS).push(" WHERE organization = ").bind(self.organization);
        sql.push(" AND app_id = ").bind(app);
        sql.push(" AND resource_id = ").bind(job.resource).push(" AND run_id = ").bind(run);
        Ok(sql.execute(self.conn)? == 1)
    }

    /// Parks a job with its reason, unless the object changed since it was claimed: then it is
    /// ready again, as the reason may have gone. Whatever may be taken away is asked about anew. Answers
    /// whether it is parked.
    pub fn park_job(&mut self, app: AppId, job: &Job, reason: &str) -> Result<bool> {
        let mut sql = Sql::new(
            "UPDATE job SET lease_us = NULL, attempts = 0, state = CASE WHEN generation = ",
        );
        sql.bind(job.generation).push(" THEN 'parked' ELSE 'ready' END");
        for allowed in
            ["approved", "allowed_deactivations", "allowed_deletions", "allowed_memberships"]
        {
            sql.push(", ").push(allowed).push(" = CASE WHEN generation = ").bind(job.generation);
            sql.push(if allowed == "approved" { " THEN FALSE ELSE " } else { " THEN 0 ELSE " });
            sql.push(allowed).push(" END");
        }
        sql.push(", error = ");
        sql.bind(reason);
        self.held(&mut sql, app, job);
        sql.execute(self.conn)?;
        let now = self.job_states(app, Some(&[job.resource]), None, 1)?;
        Ok(now.first().is_some_and(|one| one.state == "parked"))
    }

    /// Makes every job of an app that waits for its next try due.
    pub fn release_waiting(&mut self, app: AppId, now_us: i64) -> Result<()> {
        let mut later = self.free(app, "ready");
        later.push(" AND run_at_us > ").bind(now_us);
        let mut set = Sql::new("run_at_us = ");
        set.bind(now_us);
        self.change_free(app, later, set)?;
        Ok(())
    }

    /// Makes parked jobs ready: one object's, or all of the app's. Answers how many.
    pub fn retry_parked(
        &mut self,
        app: AppId,
        resource: Option<ResourceId>,
        now_us: i64,
    ) -> Result<usize> {
        self.lock_organization()?;
        let mut sql =
            Sql::new("UPDATE job SET state = 'ready', error = NULL, run_id = NULL, run_at_us = ");
        sql.bind(now_us).push(" WHERE organization = ").bind(self.organization);
        sql.push(" AND app_id = ").bind(app).push(" AND state = 'parked'");
        if let Some(resource) = resource {
            sql.push(" AND resource_id = ").bind(resource);
        }
        sql.execute(self.conn)
    }

    /// After a crash of the only process: what it was doing is ready, and its leases are free.
    pub fn recover_alone(&mut self, now_us: i64) -> Result<()> {
        let mut sql = Sql::new(
            "UPDATE job SET state = 'ready', in_doubt = TRUE, lease_us = NULL, run_at_us = ",
        );
        sql.bind(now_us).push(" WHERE state = 'running'");
        sql.execute(self.conn)?;
        self.recover_deliveries(now_us)?;
        Sql::new("DELETE FROM lease").execute(self.conn)?;
        Ok(())
    }
}

impl Reader<'_> {
    /// Whether a claim of what is due before `due_us`, or has waited until now, would find something.
    pub fn has_due_jobs(&mut self, app: AppId, now_us: i64, due_us: i64) -> Result<bool> {
        let mut sql = Sql::new("SELECT EXISTS (SELECT 1 FROM job WHERE organization = ");
        sql.bind(self.organization).push(" AND app_id = ").bind(app);
        sql.push(" AND state = 'ready' AND run_at_us <= ").bind(due_us);
        sql.push(") OR EXISTS (SELECT 1 FROM job WHERE organization = ").bind(self.organization);
        sql.push(" AND app_id = ").bind(app).push(" AND state = 'running' AND lease_us < ");
        sql.bind(due_us).push(") OR EXISTS (SELECT 1 FROM job WHERE organization = ");
        sql.bind(self.organization).push(" AND app_id = ").bind(app);
        sql.push(" AND state = 'waiting' AND run_at_us <= ").bind(now_us);
        sql.push(") OR EXISTS (SELECT 1 FROM app WHERE organization = ").bind(self.organization);
        sql.push(" AND id = ").bind(app).push(" AND waking_after IS NOT NULL)");
        let rows: Vec<(bool,)> = sql.load::<(Bool,), _>(self.conn)?;
        Ok(rows.first().is_some_and(|row| row.0))
    }

    /// Whether somebody who loses access is due.
    pub fn has_due_leavers(&mut self, app: AppId, now_us: i64) -> Result<bool> {
        let mut sql = Sql::new("SELECT EXISTS (SELECT 1 FROM job WHERE organization = ");
        sql.bind(self.organization).push(" AND app_id = ").bind(app);
        sql.push(" AND state = 'ready' AND priority = ").bind(Priority::Leaving.number());
        sql.push(" AND run_at_us <= ").bind(now_us).push(")");
        let rows: Vec<(bool,)> = sql.load::<(Bool,), _>(self.conn)?;
        Ok(rows.first().is_some_and(|row| row.0))
    }

    /// Whether anything is due, waits for its next try, or is pushed.
    pub fn has_work(&mut self, app: AppId) -> Result<bool> {
        // By one index for each state, however much there is.
        for state in ["ready", "running"] {
            let mut sql = Sql::new("SELECT CAST(1 AS BIGINT) FROM job WHERE organization = ");
            sql.bind(self.organization).push(" AND app_id = ").bind(app);
            sql.push(" AND state = '").push(state).push("' LIMIT 1");
            let found: Vec<(i64,)> = sql.load::<(BigInt,), _>(self.conn)?;
            if !found.is_empty() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// How an app's queue stands.
    pub fn queue(&mut self, app: AppId) -> Result<Queue> {
        let mut sql = Sql::new("SELECT state, COUNT(*) FROM job WHERE organization = ");
        sql.bind(self.organization).push(" AND app_id = ").bind(app).push(" GROUP BY state");
        let rows: Vec<(String, i64)> = sql.load::<(Text, BigInt), _>(self.conn)?;
        let mut queue = Queue::default();
        for (state, count) in rows {
            match state.as_str() {
                "running" => queue.running = count,
                "parked" => queue.parked = count,
                "waiting" => queue.waiting = count,
                _ => queue.ready = count,
            }
        }
        Ok(queue)
    }

    /// The jobs of some objects, or, without any, the app's parked ones after an id.
    pub fn job_states(
        &mut self,
        app: AppId,
        objects: Option<&[ResourceId]>,
        after: Option<ResourceId>,
        limit: i64,
    ) -> Result<Vec<JobState>> {
        let mut sql = Sql::new(
            "SELECT resource_id, state, run_at_us, attempts, error FROM job WHERE organization = ",
        );
        sql.bind(self.organization).push(" AND app_id = ").bind(app);
        match objects {
            Some([]) => return Ok(Vec::new()),
            Some(objects) => {
                sql.push(" AND resource_id IN (").binds(objects.iter().copied()).push(")");
            }
            None => {
                sql.push(" AND state = 'parked'");
            }
        }
        if let Some(after) = after {
            sql.push(" AND resource_id > ").bind(after);
        }
        sql.push(" ORDER BY resource_id LIMIT +").bind(limit);
        type Row = (ResourceId, String, i64, i32, Option<String>);
        let rows: Vec<Row> =
            sql.load::<(Id, Text, BigInt, Integer, Nullable<Text>), _>(self.conn)?;
        Ok(rows
            .into_iter()
            .map(|(resource, state, run_at_us, attempts, error)| JobState {
                resource,
                state,
                run_at_us,
                attempts: u32::try_from(attempts).unwrap_or(0),
                error,
            })
            .collect())
    }
}
