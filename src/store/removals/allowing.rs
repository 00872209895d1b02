//! What may be taken away of one object, by a run or because somebody approved it; and what waits.

use super::{HELD, Removal, Removed, Waiting, counts};
use crate::id::{AppId, ResourceId};
use crate::store::members::list;
use crate::store::sql::Sql;
use crate::store::{Reader, Result, Transaction};
use diesel::sql_types::{BigInt, Bool, Nullable, Text};
use std::collections::BTreeMap;

/// What may be taken away of one object, and what of it was counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Allowance {
    /// So much, whatever the hour's limit says.
    pub allowed: Removed,
    /// Whether somebody approved it: it then is not counted.
    pub approved: bool,
    /// What was counted for the hour and is not done, and since when.
    pub counted: Option<(Removal, u64, i64)>,
}

impl Allowance {
    /// How much of a kind was counted, and still counts, and is not done.
    pub fn counted(&self, removal: Removal, now_us: i64) -> u64 {
        match self.counted {
            Some((of, count, at_us)) if of == removal && counts(at_us, now_us) => count,
            _ => 0,
        }
    }
}

fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or_default()
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

impl Reader<'_> {
    /// What may be taken away of an object that is due; nothing where it is not.
    pub fn allowance(&mut self, app: AppId, resource: ResourceId) -> Result<Allowance> {
        let mut sql = Sql::new(
            "SELECT allowed_deactivations, allowed_deletions, allowed_memberships, approved, \
             counted_limit, counted, counted_us FROM job WHERE organization = ",
        );
        sql.bind(self.organization).push(" AND app_id = ").bind(app);
        sql.push(" AND resource_id = ").bind(resource);
        type Types = (BigInt, BigInt, BigInt, Bool, Nullable<Text>, BigInt, Nullable<BigInt>);
        type Row = (i64, i64, i64, bool, Option<String>, i64, Option<i64>);
        let rows: Vec<Row> = sql.load::<Types, _>(self.conn)?;
        let Some((deactivations, deletions, memberships, approved, limit, counted, at_us)) =
            rows.into_iter().next()
        else {
            return Ok(Allowance::default());
        };
        let limit = limit.as_deref().and_then(Removal::named);
        Ok(Allowance {
            allowed: Removed {
                deactivations: unsigned(deactivations),
                deletions: unsigned(deletions),
                memberships: unsigned(memberships),
            },
            approved,
            counted: limit.zip(at_us).map(|(limit, at_us)| (limit, unsigned(counted), at_us)),
        })
    }

    /// What waits for somebody to approve that something is taken away from an app.
    pub fn waiting_for_approval(&mut self, app: AppId) -> Result<Waiting> {
        let mut sql = Sql::new(
            "SELECT held_limit, COUNT(*), CAST(COALESCE(SUM(held), 0) AS BIGINT) FROM job \
             WHERE organization = ",
        );
        sql.bind(self.organization).push(" AND app_id = ").bind(app);
        sql.push(" AND state = 'parked' AND error LIKE ").bind(HELD);
        sql.push(" GROUP BY held_limit");
        let rows: Vec<(Option<String>, i64, i64)> =
            sql.load::<(Nullable<Text>, BigInt, BigInt), _>(self.conn)?;
        let mut waiting = Waiting::default();
        for (limit, objects, held) in rows {
            waiting.objects += unsigned(objects);
            if let Some(removal) = limit.as_deref().and_then(Removal::named) {
                *removal.among(&mut waiting.removals) += unsigned(held);
            }
        }
        Ok(waiting)
    }
}

impl Transaction<'_> {
    /// Notes that so much of an object is counted for the hour, and not done yet.
    pub fn note_counted(
        &mut self,
        app: AppId,
        resource: ResourceId,
        removal: Removal,
        (count, since_us): (u64, i64),
    ) -> Result<()> {
        let mut sql = Sql::new("UPDATE job SET counted = ");
        sql.bind(signed(count)).push(", counted_us = ").bind(since_us);
        sql.push(", counted_limit = ").bind(removal.as_str());
        self.of(&mut sql, app, resource);
        sql.execute(self.conn)?;
        Ok(())
    }

    /// Notes that so much was taken away of an object: what was allowed, and what was counted, is used
    /// up by it.
    pub fn note_taken(
        &mut self,
        app: AppId,
        resource: ResourceId,
        removal: Removal,
        count: u64,
    ) -> Result<()> {
        let count = signed(count);
        let mut sql = Sql::new("UPDATE job SET counted = CASE WHEN counted_limit = ");
        sql.bind(removal.as_str()).push(" AND counted > ").bind(count);
        sql.push(" THEN counted - ").bind(count).push(" ELSE 0 END, allowed_");
        sql.push(removal.as_str()).push(" = CASE WHEN allowed_").push(removal.as_str());
        sql.push(" > ").bind(count).push(" THEN allowed_").push(removal.as_str());
        sql.push(" - ").bind(count).push(" ELSE 0 END");
        self.of(&mut sql, app, resource);
        sql.execute(self.conn)?;
        Ok(())
    }

    /// Notes how much a parked object would take away.
    pub fn note_held(
        &mut self,
        app: AppId,
        resource: ResourceId,
        removal: Removal,
        count: u64,
    ) -> Result<()> {
        let mut sql = Sql::new("UPDATE job SET held = ");
        sql.bind(signed(count)).push(", held_limit = ").bind(removal.as_str());
        self.of(&mut sql, app, resource);
        sql.execute(self.conn)?;
        Ok(())
    }

    fn of(&self, sql: &mut Sql, app: AppId, resource: ResourceId) {
        sql.push(" WHERE organization = ").bind(self.organization);
        sql.push(" AND app_id = ").bind(app).push(" AND resource_id = ").bind(resource);
    }

    /// Approves what waits for approval, if it takes away no more than `up_to`, all of it or nothing: it
    /// is due, and as much as was held is not held again. Answers what was approved.
    pub fn approve_waiting(&mut self, app: AppId, up_to: u64, now_us: i64) -> Result<Waiting> {
        self.lock_organization()?;
        let mut held = Sql::new(" FROM job WHERE organization = ");
        held.bind(self.organization).push(" AND app_id = ").bind(app);
        held.push(" AND state = 'parked' AND error LIKE ").bind(HELD);
        let mut sql = Sql::new("UPDATE job SET state = 'ready', error = NULL, run_id = NULL");
        for removal in Removal::ALL {
            sql.push(", allowed_").push(removal.as_str()).push(" = CASE held_limit WHEN ");
            sql.bind(removal.as_str()).push(" THEN held ELSE 0 END");
        }
        sql.push(", approved = TRUE, run_at_us = ").bind(now_us);
        sql.push(" WHERE organization = ").bind(self.organization).push(" AND app_id = ").bind(app);
        sql.push(" AND resource_id IN (SELECT resource_id").append(held.clone());
        // As they are in the same look: what is parked meanwhile was not looked at.
        sql.push(") AND (SELECT COALESCE(SUM(held), 0)").append(held);
        sql.push(") <= ").bind(signed(up_to)).push(" RETURNING held_limit, held");
        let rows: Vec<(Option<String>, i64)> =
            sql.load::<(Nullable<Text>, BigInt), _>(self.conn)?;
        let mut approved = Waiting::default();
        for (limit, held) in rows {
            approved.objects += 1;
            if let Some(removal) = limit.as_deref().and_then(Removal::named) {
                *removal.among(&mut approved.removals) += unsigned(held);
            }
        }
        Ok(approved)
    }

    /// Approves what is due to be done about some objects, up to so much of each.
    pub fn approve_jobs(&mut self, app: AppId, objects: &[(ResourceId, Removed)]) -> Result<()> {
        let mut alike: BTreeMap<Removed, Vec<ResourceId>> = BTreeMap::new();
        for (resource, removed) in objects {
            alike.entry(*removed).or_default().push(*resource);
        }
        for (removed, resources) in alike {
            for chunk in resources.chunks(500) {
                let mut sql = Sql::new("UPDATE job SET approved = TRUE");
                for removal in Removal::ALL {
                    sql.push(", allowed_").push(removal.as_str()).push(" = ");
                    sql.bind(signed(removal.of(&removed)));
                }
                sql.push(" WHERE organization = ").bind(self.organization);
                sql.push(" AND app_id = ").bind(app);
                list(sql.push(" AND resource_id IN "), chunk);
                sql.execute(self.conn)?;
            }
        }
        Ok(())
    }
}
