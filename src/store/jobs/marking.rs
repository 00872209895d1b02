//! Making objects due.

use super::Priority;
use crate::id::{AppId, ResourceId};
use crate::store::pushes::below;
use crate::store::sql::Sql;
use crate::store::{Result, Transaction};

const ON_MARKED: &str = " ON CONFLICT (organization, app_id, resource_id) DO UPDATE SET \
     generation = job.generation + 1, \
     attempts = CASE WHEN job.state = 'parked' THEN 0 ELSE job.attempts END, \
     error = CASE WHEN job.state = 'parked' THEN NULL ELSE job.error END, \
     run_at_us = CASE WHEN job.state = 'running' THEN job.run_at_us ELSE excluded.run_at_us END, \
     priority = CASE WHEN excluded.priority < job.priority THEN excluded.priority \
                     ELSE job.priority END, ";
/// A change of the object: a run that counted the job as failed has seen the last of it.
const KEEPS_RUN: &str = "run_id = CASE WHEN job.state = 'parked' THEN NULL ELSE job.run_id END, \
     state = CASE WHEN job.state IN ('parked', 'waiting') THEN 'ready' ELSE job.state END";
/// For the objects of a plan: the columns, and what happens to jobs that are there. As much as the run
/// planned to take away was looked at as a whole; what somebody approved before stays as it is.
pub mod taken_by_run {
    macro_rules! taken {
        ($column:literal) => {
            concat!(
                $column,
                " = CASE WHEN job.approved AND job.allowed_deactivations + job.allowed_deletions \
                 + job.allowed_memberships > 0 THEN job.",
                $column,
                " ELSE excluded.",
                $column,
                " END, "
            )
        };
    }

    /// Up to the rows.
    pub const COLUMNS: &str = "INSERT INTO job (organization, app_id, resource_id, kind, generation, \
         state, priority, run_at_us, attempts, fence, run_id, approved, \
         allowed_deactivations, allowed_deletions, allowed_memberships) ";
    /// After the rows.
    pub const ON_MARKED: &str = concat!(
        " ON CONFLICT (organization, app_id, resource_id) DO UPDATE SET \
         generation = job.generation + 1, \
         attempts = CASE WHEN job.state = 'parked' THEN 0 ELSE job.attempts END, \
         error = CASE WHEN job.state = 'parked' THEN NULL ELSE job.error END, \
         run_at_us = CASE WHEN job.state = 'running' THEN job.run_at_us ELSE excluded.run_at_us END, \
         priority = CASE WHEN excluded.priority < job.priority THEN excluded.priority \
                         ELSE job.priority END, \
         run_id = excluded.run_id, ",
        taken!("approved"),
        taken!("allowed_deactivations"),
        taken!("allowed_deletions"),
        taken!("allowed_memberships"),
        "state = CASE WHEN job.state IN ('parked', 'waiting') THEN 'ready' ELSE job.state END",
    );
}
const COLUMNS: &str = "INSERT INTO job (organization, app_id, resource_id, kind, generation, \
     state, priority, run_at_us, attempts, fence, run_id) ";

impl Transaction<'_> {
    /// Marks objects as due for an app. A parked job is ready again; a running one runs again.
    pub fn mark_due(
        &mut self,
        app: AppId,
        objects: &[(ResourceId, &str, Priority)],
        now_us: i64,
    ) -> Result<()> {
        let mut objects = objects.to_vec();
        objects.sort_unstable_by_key(|one| one.0);
        for chunk in objects.chunks(200) {
            let mut sql = Sql::new(
                "INSERT INTO job (organization, app_id, resource_id, kind, generation, state, \
                 priority, run_at_us, attempts, fence) VALUES ",
            );
            for (at, (resource, kind, priority)) in chunk.iter().enumerate() {
                sql.push(if at == 0 { "(" } else { ", (" });
                sql.bind(self.organization).push(", ").bind(app).push(", ").bind(*resource);
                sql.push(", ").bind(*kind).push(", 1, 'ready', ").bind(priority.number());
                // A row made anew never matches what somebody holds of the row before.
                sql.push(", ").bind(now_us).push(", 0, ").bind(now_us).push(")");
            }
            sql.push(ON_MARKED).push(KEEPS_RUN);
            sql.execute(self.conn)?;
        }
        Ok(())
    }

    /// Marks everybody: every user, every group when `groups`, and every
    /// account whose resource is gone. Answers how many.
    pub fn mark_everybody(&mut self, app: AppId, groups: bool, now_us: i64) -> Result<i64> {
        let kinds: &[(&str, Priority)] = if groups {
            &[("User", Priority::Sweep), ("Group", Priority::Sweep)]
        } else {
            &[("User", Priority::Sweep)]
        };
        let mut marked = 0;
        for (at, (kind, priority)) in kinds.iter().enumerate() {
            let mut sql = Sql::new(COLUMNS);
            sql.push("SELECT organization, ").bind(app).push(", id, kind, 1, 'ready', ");
            // Groups come after the users, who are their members.
            sql.bind(priority.number() + i32::try_from(at).unwrap_or(0));
            sql.push(", ").bind(now_us).push(", 0, ").bind(now_us);
            sql.push(", NULL FROM resource WHERE organization = ").bind(self.organization);
            sql.push(" AND kind = ").bind(*kind).push(" ORDER BY id");
            sql.push(ON_MARKED).push(KEEPS_RUN);
            marked += sql.execute(self.conn)?;
        }
        let mut sql = Sql::new(COLUMNS);
        sql.push("SELECT l.organization, l.app_id, l.resource_id, l.kind, 1, 'ready', 30, ");
        sql.bind(now_us).push(", 0, ").bind(now_us);
        sql.push(", NULL FROM link l WHERE l.organization = ").bind(self.organization);
        sql.push(" AND l.app_id = ").bind(app);
        sql.push(
            " AND NOT EXISTS (SELECT 1 FROM resource r \
             WHERE r.organization = l.organization AND r.id = l.resource_id) ORDER BY l.resource_id",
        );
        sql.push(ON_MARKED).push(KEEPS_RUN);
        marked += sql.execute(self.conn)?;
        self.sync_begun(app)?;
        Ok(i64::try_from(marked).unwrap_or(i64::MAX))
    }

    /// Marks the users below a group, however deep; a user is below itself. Answers how many.
    pub fn mark_below(&mut self, app: AppId, group: ResourceId, now_us: i64) -> Result<i64> {
        let mut sql = Sql::new(COLUMNS);
        sql.append(below(self.organization, &[group]));
        sql.push(" SELECT ").bind(self.organization).push(", ").bind(app);
        sql.push(", id, kind, 1, 'ready', ").bind(Priority::User.number());
        sql.push(", ").bind(now_us).push(", 0, ").bind(now_us);
        // Two who mark the same people do so in one order, so that neither waits for the other.
        sql.push(", NULL FROM below WHERE kind = 'User' ORDER BY id");
        sql.push(ON_MARKED).push(KEEPS_RUN);
        Ok(i64::try_from(sql.execute(self.conn)?).unwrap_or(i64::MAX))
    }

    /// Marks everybody of whom an app is told something that depends on the account of `target`
    /// there, but for those who are gone from the directory. Answers how many.
    pub fn mark_referrers(&mut self, app: AppId, target: ResourceId, now_us: i64) -> Result<i64> {
        let mut sql = Sql::new(COLUMNS);
        sql.push("SELECT f.organization, f.app_id, r.id, r.kind, 1, 'ready', ");
        sql.push("CASE r.kind WHEN 'Group' THEN ").bind(Priority::Group.number());
        sql.push(" ELSE ").bind(Priority::User.number()).push(" END, ");
        sql.bind(now_us).push(", 0, ").bind(now_us);
        sql.push(", NULL FROM account_reference f CROSS JOIN resource r WHERE f.organization = ");
        sql.bind(self.organization).push(" AND f.app_id = ").bind(app);
        sql.push(" AND f.target_id = ").bind(target);
        sql.push(" AND r.organization = ").bind(self.organization);
        sql.push(" AND r.id = f.resource_id ORDER BY r.id").push(ON_MARKED).push(KEEPS_RUN);
        Ok(i64::try_from(sql.execute(self.conn)?).unwrap_or(i64::MAX))
    }
}
