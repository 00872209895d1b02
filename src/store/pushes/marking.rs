//! Which members of which groups are worth a look, after whatever may have changed that.
//!
//! For whoever joins, every group is marked that counts them as members now. For whoever leaves, every
//! group of which the app was told and that does not count them any more, because the way by which it
//! did may be gone already. Between a change and its marking the directory may go on: of all changes
//! that made or broke the last way between a person and a group, the last one to be marked sees what
//! is left of it.

use super::nesting::{Nesting, below};
use super::only_look_up;
use crate::id::{AppId, ResourceId};
use crate::store::connection::Id;
use crate::store::jobs::Priority;
use crate::store::members::list;
use crate::store::sql::Sql;
use crate::store::{Result, Transaction};
use std::collections::BTreeSet;

const MARKED: &str = " ON CONFLICT (organization, app_id, group_id, member_id) \
     DO UPDATE SET mark = member_push.mark + 1";
const MARK: &str = "INSERT INTO member_push (organization, app_id, group_id, member_id, mark) ";

/// Who joined and who left a group.
#[derive(Debug, Clone, Copy)]
pub struct Moved<'a> {
    /// The group.
    pub group: ResourceId,
    /// Who joined it, people and groups.
    pub joined: &'a [ResourceId],
    /// Who left it, people and groups, which may be gone since.
    pub left: &'a [ResourceId],
}

impl Moved<'_> {
    /// Whether nobody did.
    pub fn is_empty(&self) -> bool {
        self.joined.is_empty() && self.left.is_empty()
    }
}

impl Transaction<'_> {
    /// Marks whoever may be a member of other groups of the app since some joined or left one, and
    /// makes those groups due. Answers how many groups. Costs as many rows as people moved, whatever
    /// the size of the group.
    pub fn mark_moved(
        &mut self,
        app: AppId,
        moved: Moved<'_>,
        nesting: Nesting,
        now_us: i64,
    ) -> Result<usize> {
        let mut groups = BTreeSet::new();
        match nesting {
            Nesting::Members => {
                let members: Vec<ResourceId> =
                    moved.joined.iter().chain(moved.left).copied().collect();
                if self.link(app, moved.group)?.is_some() {
                    self.mark_members(app, moved.group, &members)?;
                    groups.insert(moved.group);
                }
            }
            Nesting::Flatten => {
                if !moved.joined.is_empty() {
                    let joining = self.joining_below(app, moved.group, moved.joined);
                    groups.extend(self.marked(joining)?);
                }
                if !moved.left.is_empty() {
                    let leaving = self.leaving_below(app, moved.left);
                    groups.extend(self.marked(leaving)?);
                }
            }
        }
        self.mark_groups_due(app, groups, now_us)
    }

    /// Everybody below those who joined a group, for it and every group above it. Whoever was told and
    /// is not being told otherwise at this moment is left out.
    fn joining_below(&self, app: AppId, group: ResourceId, joined: &[ResourceId]) -> Sql {
        let organization = self.organization;
        let mut sql = Sql::new(MARK);
        sql.append(below(organization, joined)).push(", ");
        sql.append(Nesting::Flatten.above(organization, group)).push(" SELECT ");
        sql.bind(organization).push(", ").bind(app).push(", above.id, below.id, 1 ");
        sql.push("FROM above CROSS JOIN link l CROSS JOIN below WHERE below.kind = 'User'");
        sql.push(" AND l.resource_id = above.id AND l.organization = ").bind(organization);
        sql.push(" AND l.app_id = ").bind(app);
        // Of EXISTS, PostgreSQL would first collect whom all groups were told of.
        for (word, table) in [(" AND (", "link_member"), (" OR NOT ", "member_push")] {
            sql.push(word).push("COALESCE((SELECT FALSE FROM ").push(table);
            sql.push(" a WHERE a.organization = ").bind(organization).push(" AND a.app_id = ");
            sql.bind(app).push(" AND a.group_id = above.id AND a.member_id = below.id), TRUE)");
        }
        sql.push(") ORDER BY above.id, below.id").push(MARKED);
        sql
    }

    /// Everybody among and below those who left a group, for every group of which they were told, or
    /// are being told at this moment, and that does not count them any more.
    fn leaving_below(&self, app: AppId, left: &[ResourceId]) -> Sql {
        let organization = self.organization;
        let mut sql = Sql::new(MARK);
        sql.append(below(organization, left));
        sql.push(", who(member_id) AS (SELECT id FROM below WHERE kind = 'User'");
        for table in ["link_member", "member_push"] {
            sql.push(" UNION SELECT member_id FROM ").push(table).push(" WHERE organization = ");
            sql.bind(organization).push(" AND app_id = ").bind(app).push(" AND member_id IN ");
            list(&mut sql, left);
        }
        sql.push("), told(group_id, member_id) AS (");
        for (at, table) in ["link_member", "member_push"].into_iter().enumerate() {
            sql.push(if at == 0 { "" } else { " UNION " });
            sql.push("SELECT a.group_id, a.member_id FROM who CROSS JOIN ").push(table);
            sql.push(" a WHERE a.member_id = who.member_id AND a.organization = ");
            sql.bind(organization).push(" AND a.app_id = ").bind(app);
        }
        sql.push("), ").append(Nesting::Flatten.belongs(organization, None)).push(" SELECT ");
        sql.bind(organization).push(", ").bind(app).push(
            ", gone.group_id, gone.member_id, 1 FROM (SELECT group_id, member_id FROM told \
             EXCEPT SELECT group_id, member_id FROM belongs) gone ORDER BY gone.group_id, gone.member_id",
        );
        sql.push(MARKED);
        sql
    }

    /// Marks, and answers in which groups.
    fn marked(&mut self, mut marking: Sql) -> Result<BTreeSet<ResourceId>> {
        marking.push(" RETURNING group_id");
        only_look_up(self.conn, true)?;
        let rows: Vec<(ResourceId,)> = marking.load::<(Id,), _>(self.conn)?;
        only_look_up(self.conn, false)?;
        Ok(rows.into_iter().map(|row| row.0).collect())
    }

    fn mark_groups_due(
        &mut self,
        app: AppId,
        groups: BTreeSet<ResourceId>,
        now_us: i64,
    ) -> Result<usize> {
        let due: Vec<_> = groups.into_iter().map(|id| (id, "Group", Priority::Group)).collect();
        self.mark_due(app, &due, now_us)?;
        Ok(due.len())
    }

    /// Marks members of a group as worth a look.
    pub fn mark_members(
        &mut self,
        app: AppId,
        group: ResourceId,
        members: &[ResourceId],
    ) -> Result<()> {
        // A statement may not mark the same row twice.
        let mut members = members.to_vec();
        members.sort_unstable();
        members.dedup();
        for chunk in members.chunks(200) {
            let mut sql = Sql::new(MARK);
            sql.push("VALUES ");
            for (at, member) in chunk.iter().enumerate() {
                sql.push(if at == 0 { "(" } else { ", (" });
                sql.bind(self.organization).push(", ").bind(app).push(", ").bind(group);
                sql.push(", ").bind(*member).push(", 1)");
            }
            sql.push(MARKED);
            sql.execute(self.conn)?;
        }
        Ok(())
    }

    /// Marks every member of a group of whom the app was not told, or should be told that they left,
    /// if the app has the group.
    pub fn compare_members(
        &mut self,
        app: AppId,
        group: ResourceId,
        nesting: Nesting,
    ) -> Result<()> {
        self.compare(app, Some(group), nesting)
    }

    /// The same for every group that the app has.
    pub fn compare_all_members(&mut self, app: AppId, nesting: Nesting) -> Result<()> {
        self.compare(app, None, nesting)
    }

    /// The same when who counts as a member has just become another question: those of whom the app is
    /// being told at this moment are marked again too, and every group with somebody marked is due.
    pub fn compare_anew(&mut self, app: AppId, nesting: Nesting, now_us: i64) -> Result<usize> {
        let mut sql = Sql::new("UPDATE member_push SET mark = mark + 1 WHERE organization = ");
        sql.bind(self.organization).push(" AND app_id = ").bind(app);
        sql.execute(self.conn)?;
        self.compare(app, None, nesting)?;
        let mut sql = Sql::new("SELECT DISTINCT group_id FROM member_push WHERE organization = ");
        sql.bind(self.organization).push(" AND app_id = ").bind(app);
        let rows: Vec<(ResourceId,)> = sql.load::<(Id,), _>(self.conn)?;
        self.mark_groups_due(app, rows.into_iter().map(|row| row.0).collect(), now_us)
    }

    fn compare(&mut self, app: AppId, group: Option<ResourceId>, nesting: Nesting) -> Result<()> {
        let organization = self.organization;
        let within = nesting.within(organization, self.linked_groups(app, group));

        let mut joined = Sql::new(MARK);
        joined.append(within.clone()).push(" SELECT DISTINCT m.organization, ").bind(app);
        joined.push(
            ", within.root, m.member_id, 1 FROM within CROSS JOIN member m \
             WHERE m.group_id = within.id AND m.organization = ",
        );
        joined.bind(organization).push(nesting.who());
        joined.append(self.not_told(app, "")).push(MARKED);
        joined.execute(self.conn)?;

        let mut left = Sql::new(MARK);
        left.append(within);
        left.push(" SELECT a.organization, a.app_id, a.group_id, a.member_id, 1 ");
        left.push("FROM link_member a WHERE a.organization = ").bind(organization);
        left.push(" AND a.app_id = ").bind(app);
        if let Some(group) = group {
            left.push(" AND a.group_id = ").bind(group);
        }
        left.append(self.not_within(nesting)).push(MARKED);
        left.execute(self.conn)?;
        Ok(())
    }

    /// Marks somebody who has just got an account, in every group of the app that counts them as a
    /// member, and makes those groups due.
    pub fn mark_groups_of(
        &mut self,
        app: AppId,
        member: ResourceId,
        nesting: Nesting,
        now_us: i64,
    ) -> Result<()> {
        let organization = self.organization;
        let mut sql = Sql::new(MARK);
        sql.push("WITH RECURSIVE who(member_id) AS (SELECT ").bind(member).push("), ");
        sql.append(nesting.belongs(organization, None));
        sql.push(" SELECT l.organization, l.app_id, belongs.group_id, belongs.member_id, 1 ");
        sql.push("FROM belongs CROSS JOIN link l WHERE l.resource_id = belongs.group_id");
        sql.push(" AND l.organization = ").bind(organization).push(" AND l.app_id = ").bind(app);
        sql.push(" ORDER BY belongs.group_id").push(MARKED);
        let groups = self.marked(sql)?;
        self.mark_groups_due(app, groups, now_us)?;
        Ok(())
    }
}
