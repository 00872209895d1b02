//! What an app holds for a resource: the memory of the bridge.

mod former;
mod holding;

use super::connection::Id;
use super::sql::Sql;
use super::{Error, Reader, Result, Transaction};
use crate::id::{AppId, ResourceId};
use diesel::sql_types::{BigInt, Nullable, Text};
use serde_json::{Map, Value};
use std::collections::HashMap;

/// A resource's account in an app.
#[derive(Debug, Clone, PartialEq)]
pub struct LinkRow {
    /// The app.
    pub app: AppId,
    /// The resource, which may be gone from the directory.
    pub resource: ResourceId,
    /// Its resource type.
    pub kind: String,
    /// The app's id; none while it is unknown whether a creation took effect.
    pub remote_id: Option<String>,
    /// `linked`, `in_doubt`, `deactivated`, `lost` (the app no longer has it, and a person is asked) or
    /// `released` (a person or the policy said to leave it alone).
    pub state: String,
    /// `created` or `adopted`.
    pub origin: String,
    /// What the app last accepted, by app field.
    pub record: Map<String, Value>,
    /// When it was last written.
    pub pushed_us: i64,
    /// Since when its person should have no account.
    pub leaving_us: Option<i64>,
    /// When the app last showed the account in a list.
    pub seen_us: Option<i64>,
    /// What the app was seen to hold otherwise, by field.
    pub drift: Map<String, Value>,
    /// Version of the mapping that was last pushed.
    pub mapping: Option<i64>,
}

impl LinkRow {
    /// State of an account that is left alone because somebody said so.
    pub const RELEASED: &str = "released";
    /// State of an account that the app no longer has.
    pub const LOST: &str = "lost";

    /// The app's id of the account, as far as there is one to which others may refer.
    pub fn account(&self) -> Option<&String> {
        self.remote_id.as_ref().filter(|_| self.state != Self::LOST)
    }
}

/// Who an object of an app belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holder {
    /// Nobody, or somebody who is gone and done with.
    Nobody,
    /// A resource that is still there.
    Another,
    /// A resource about which something is still to be done: it may give the object up or change it.
    Leaving,
}

pub(super) const COLUMNS: &str = "SELECT app_id, resource_id, kind, remote_id, state, origin, record, pushed_us, leaving_us, \
     seen_us, drift, mapping FROM link l";

type Row = (
    AppId,
    ResourceId,
    String,
    Option<String>,
    String,
    String,
    Option<String>,
    Option<i64>,
    Option<i64>,
    Option<i64>,
    Option<String>,
    Option<i64>,
);
type Types = (
    Id,
    Id,
    Text,
    Nullable<Text>,
    Text,
    Text,
    Nullable<Text>,
    Nullable<BigInt>,
    Nullable<BigInt>,
    Nullable<BigInt>,
    Nullable<Text>,
    Nullable<BigInt>,
);

fn link(row: Row) -> Result<LinkRow> {
    let (
        app,
        resource,
        kind,
        remote_id,
        state,
        origin,
        record,
        pushed_us,
        leaving_us,
        seen_us,
        drift,
        mapping,
    ) = row;
    let object = |text: Option<String>| {
        text.as_deref()
            .map_or_else(|| Ok(Map::new()), serde_json::from_str)
            .map_err(|error| Error::Corrupt(error.to_string()))
    };
    Ok(LinkRow {
        app,
        resource,
        kind,
        remote_id,
        state,
        origin,
        record: object(record)?,
        pushed_us: pushed_us.unwrap_or(0),
        leaving_us,
        seen_us,
        drift: object(drift)?,
        mapping,
    })
}

impl Reader<'_> {
    pub(super) fn load_links(&mut self, sql: Sql) -> Result<Vec<LinkRow>> {
        let rows: Vec<Row> = sql.load::<Types, _>(self.conn)?;
        rows.into_iter().map(link).collect()
    }

    pub(super) fn links_where(&mut self, app: AppId) -> Sql {
        let mut sql = Sql::new(COLUMNS);
        sql.push(" WHERE l.organization = ").bind(self.organization);
        sql.push(" AND l.app_id = ").bind(app);
        sql
    }

    /// The link of one resource.
    pub fn link(&mut self, app: AppId, resource: ResourceId) -> Result<Option<LinkRow>> {
        let mut sql = self.links_where(app);
        sql.push(" AND l.resource_id = ").bind(resource);
        Ok(self.load_links(sql)?.into_iter().next())
    }

    /// The links of several resources, by resource.
    pub fn links_of(
        &mut self,
        app: AppId,
        resources: &[ResourceId],
    ) -> Result<HashMap<ResourceId, LinkRow>> {
        let mut links = HashMap::with_capacity(resources.len());
        for chunk in resources.chunks(500) {
            let mut sql = self.links_where(app);
            sql.push(" AND l.resource_id IN (").binds(chunk.iter().copied()).push(")");
            links.extend(self.load_links(sql)?.into_iter().map(|link| (link.resource, link)));
        }
        Ok(links)
    }

    /// Every link of an app in order of resource, after one, at most `limit`.
    pub fn links(
        &mut self,
        app: AppId,
        after: Option<ResourceId>,
        limit: i64,
    ) -> Result<Vec<LinkRow>> {
        let mut sql = self.links_where(app);
        if let Some(after) = after {
            sql.push(" AND l.resource_id > ").bind(after);
        }
        sql.push(" ORDER BY l.resource_id LIMIT ").bind(limit);
        self.load_links(sql)
    }

    /// Links whose resource is gone from the directory, in order of its id, after one, at most
    /// `limit`.
    pub fn links_without_resource(
        &mut self,
        app: AppId,
        after: Option<ResourceId>,
        limit: i64,
    ) -> Result<Vec<LinkRow>> {
        let mut sql = self.links_where(app);
        if let Some(after) = after {
            sql.push(" AND l.resource_id > ").bind(after);
        }
        sql.push(
            " AND NOT EXISTS (SELECT 1 FROM resource r \
             WHERE r.organization = l.organization AND r.id = l.resource_id)",
        );
        sql.push(" ORDER BY l.resource_id LIMIT ").bind(limit);
        self.load_links(sql)
    }

    /// Links of whose accounts it is not known whether they were made, the oldest first.
    pub fn links_in_doubt(&mut self, app: AppId, kind: &str) -> Result<Vec<LinkRow>> {
        let mut sql = self.links_where(app);
        sql.push(" AND l.kind = ").bind(kind).push(" AND l.remote_id IS NULL");
        sql.push(" AND l.state = 'in_doubt' ORDER BY l.pushed_us, l.resource_id");
        self.load_links(sql)
    }

    /// Who else an object of the app belongs to. Who was released holds nothing.
    pub fn holder_of(
        &mut self,
        app: AppId,
        kind: &str,
        remote_id: &str,
        resource: ResourceId,
    ) -> Result<Holder> {
        let mut sql = self.links_where(app);
        sql.push(" AND l.kind = ").bind(kind).push(" AND l.remote_id = ").bind(remote_id);
        sql.push(" AND l.resource_id <> ").bind(resource).push(" AND l.state <> 'released'");
        let Some(other) = self.load_links(sql)?.into_iter().next() else {
            return Ok(Holder::Nobody);
        };
        self.holding(app, other.resource)
    }

    /// How firmly a resource holds what is linked to it, or what may have been made for it.
    pub fn holding(&mut self, app: AppId, holder: ResourceId) -> Result<Holder> {
        let waits = self.job_states(app, Some(&[holder]), None, 1)?;
        // Somebody in days of grace goes on having the account, or gave it up with leaving.
        if waits.iter().any(|job| !["parked", "waiting"].contains(&job.state.as_str())) {
            return Ok(Holder::Leaving);
        }
        let there = self.resource_any(holder)?.is_some();
        Ok(if there { Holder::Another } else { Holder::Nobody })
    }
}

impl Transaction<'_> {
    /// Writes a link; what the app was seen to hold stays as it was noted.
    ///
    /// # Errors
    /// [`Error::Taken`] when the app's object belongs to another resource.
    pub fn put_link(&mut self, link: &LinkRow) -> Result<()> {
        let record = serde_json::to_string(&link.record)
            .map_err(|error| Error::Corrupt(error.to_string()))?;
        let mut sql = Sql::new(
            "INSERT INTO link (organization, app_id, resource_id, kind, remote_id, state, origin, \
             record, pushed_us, leaving_us, mapping) VALUES (",
        );
        sql.bind(self.organization).push(", ").bind(link.app).push(", ").bind(link.resource);
        sql.push(", ").bind(link.kind.as_str()).push(", ").bind(link.remote_id.clone());
        sql.push(", ").bind(link.state.as_str()).push(", ").bind(link.origin.as_str());
        sql.push(", ").bind(record).push(", ").bind(link.pushed_us);
        sql.push(", ").bind(link.leaving_us).push(", ").bind(link.mapping);
        sql.push(
            ") ON CONFLICT (organization, app_id, resource_id) DO UPDATE SET \
             remote_id = excluded.remote_id, state = excluded.state, origin = excluded.origin, \
             record = excluded.record, pushed_us = excluded.pushed_us, \
             leaving_us = excluded.leaving_us, mapping = excluded.mapping",
        );
        sql.execute(self.conn)?;
        Ok(())
    }

    /// An account that belonged to nobody belongs to somebody now.
    pub fn take_stray(&mut self, link: &LinkRow) -> Result<()> {
        let Some(remote_id) = &link.remote_id else { return Ok(()) };
        let mut sql = Sql::new("DELETE FROM stray_account WHERE organization = ");
        sql.bind(self.organization).push(" AND app_id = ").bind(link.app);
        sql.push(" AND kind = ").bind(link.kind.as_str());
        sql.push(" AND remote_id = ").bind(remote_id.as_str());
        sql.execute(self.conn)?;
        Ok(())
    }

    /// Forgets links of resources that are gone to the object that now belongs to this one. What was
    /// parked about them is looked at again, and finds nothing to do. Who was released stays so, without
    /// the object. Whoever refers to one of them is due: the reference would lead to somebody else.
    pub fn forget_remote_of_others(&mut self, link: &LinkRow, now_us: i64) -> Result<()> {
        let Some(remote_id) = &link.remote_id else { return Ok(()) };
        let mut sql = Sql::new("UPDATE link SET remote_id = NULL WHERE organization = ");
        sql.bind(self.organization).push(" AND app_id = ").bind(link.app);
        sql.push(" AND kind = ").bind(link.kind.as_str());
        sql.push(" AND remote_id = ").bind(remote_id.as_str());
        sql.push(" AND resource_id <> ").bind(link.resource);
        sql.push(" AND state = 'released' RETURNING resource_id");
        let mut forgotten: Vec<(ResourceId,)> = sql.load::<(Id,), _>(self.conn)?;
        let mut others = Sql::default();
        others.push(" FROM link WHERE organization = ").bind(self.organization);
        others.push(" AND app_id = ").bind(link.app);
        others.push(" AND kind = ").bind(link.kind.as_str());
        others.push(" AND remote_id = ").bind(remote_id.as_str());
        others.push(" AND resource_id <> ").bind(link.resource);
        others.push(
            " AND NOT EXISTS (SELECT 1 FROM resource r \
             WHERE r.organization = link.organization AND r.id = link.resource_id)",
        );
        let mut sql =
            Sql::new("UPDATE job SET state = 'ready', error = NULL, run_id = NULL, run_at_us = ");
        sql.bind(link.pushed_us).push(" WHERE organization = ").bind(self.organization);
        sql.push(" AND app_id = ").bind(link.app).push(" AND state = 'parked'");
        sql.push(" AND resource_id IN (SELECT resource_id").append(others.clone()).push(")");
        sql.execute(self.conn)?;
        let mut sql = Sql::new("DELETE");
        sql.append(others).push(" RETURNING resource_id");
        let gone: Vec<(ResourceId,)> = sql.load::<(Id,), _>(self.conn)?;
        forgotten.extend(gone);
        forgotten.sort_unstable();
        for (other,) in forgotten {
            self.mark_referrers(link.app, other, now_us)?;
        }
        Ok(())
    }

    /// Forgets what the app was told of an account that it no longer has, as a group and as a member.
    pub fn forget_account(&mut self, app: AppId, resource: ResourceId) -> Result<()> {
        self.forget_membership(app, resource)?;
        for text in [
            "DELETE FROM link_member WHERE group_id = ",
            "DELETE FROM member_push WHERE group_id = ",
        ] {
            let mut sql = Sql::new(text);
            sql.bind(resource).push(" AND organization = ").bind(self.organization);
            sql.push(" AND app_id = ").bind(app);
            sql.execute(self.conn)?;
        }
        Ok(())
    }

    /// Forgets a link, what the app was told of it as a group, and on whose accounts that depended.
    /// With `account_gone` also what the app was told of it as a member: an account that is gone is
    /// in no group. One that stays is still to be taken out of its groups. Which account it was is
    /// remembered, see [`Reader::is_made`].
    pub fn delete_link(
        &mut self,
        app: AppId,
        resource: ResourceId,
        account_gone: bool,
    ) -> Result<()> {
        if account_gone {
            self.forget_membership(app, resource)?;
        }
        self.remember_made(app, resource)?;
        for text in [
            "DELETE FROM link WHERE resource_id = ",
            "DELETE FROM link_member WHERE group_id = ",
            "DELETE FROM member_push WHERE group_id = ",
            "DELETE FROM account_reference WHERE resource_id = ",
        ] {
            let mut sql = Sql::new(text);
            sql.bind(resource).push(" AND organization = ").bind(self.organization);
            sql.push(" AND app_id = ").bind(app);
            sql.execute(self.conn)?;
        }
        Ok(())
    }

    /// Forgets what the app was told of the account that is linked, as a member. An account of before
    /// is still to be taken out of its groups.
    fn forget_membership(&mut self, app: AppId, resource: ResourceId) -> Result<()> {
        let mut sql = Sql::new("DELETE FROM link_member WHERE member_id = ");
        sql.bind(resource).push(" AND organization = ").bind(self.organization);
        sql.push(" AND app_id = ").bind(app);
        sql.push(" AND remote_id IN (SELECT remote_id FROM link WHERE organization = ");
        sql.bind(self.organization).push(" AND app_id = ").bind(app);
        sql.push(" AND resource_id = ").bind(resource).push(")");
        sql.execute(self.conn)?;
        Ok(())
    }
}
