//! Which members an app has accepted, and which may differ from the directory.
//!
//! `member_push` is a hint: members worth a look. What is sent follows from the tables as they are
//! when the group is worked on, so a change of one member costs one member, whatever the group's
//! size, and marking too much is harmless.

use super::connection::Id;
use super::jobs::Priority;
use super::members::list;
use super::sql::Sql;
use super::{Reader, Result, Transaction};
use crate::id::{AppId, OrganizationId, ResourceId};
use diesel::sql_types::{BigInt, Bool, Nullable, Text};
use std::collections::{BTreeMap, HashSet};

/// A member worth a look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueMember {
    /// The member.
    pub member: ResourceId,
    /// How often it was marked; a mark that comes while it is pushed is not lost.
    pub mark: i64,
    /// The app's id of the member, and whether it must join (or leave); none when nothing is to be
    /// told: the app knows already, or does not know the member yet.
    pub wish: Option<(String, bool)>,
    /// Whether the member is in the directory's group.
    pub is_member: bool,
}

const MARKED: &str = " ON CONFLICT (organization, app_id, group_id, member_id) \
     DO UPDATE SET mark = member_push.mark + 1";
/// The account of a member `a` who left belongs to somebody else now, who is in the group: it stays.
const STAYS: &str = "EXISTS (SELECT 1 FROM link o JOIN member n ON n.organization = o.organization \
     AND n.member_id = o.resource_id AND n.group_id = a.group_id \
     WHERE o.organization = a.organization AND o.app_id = a.app_id \
     AND o.kind IN ('User', 'Group') AND o.remote_id = a.remote_id \
     AND o.resource_id <> a.member_id)";
/// Of an account that is left alone nothing is told, and of one that the app lost nothing can be.
/// What there is to tell stays marked until the member is followed again.
const NOT_LEFT_ALONE: &str = " AND (l.state IS NULL OR l.state NOT IN ('lost', 'released'))";
/// The same of a membership that the app was told of.
const NOR_LEFT_ALONE: &str = " AND NOT EXISTS (SELECT 1 FROM link l WHERE l.organization = a.organization \
     AND l.app_id = a.app_id AND l.resource_id = a.member_id AND l.state IN ('lost', 'released'))";
const MARK: &str = "INSERT INTO member_push (organization, app_id, group_id, member_id, mark) ";

impl Reader<'_> {
    /// Members of a group worth a look in order of id, after one, at most `limit`.
    pub fn due_members(
        &mut self,
        app: AppId,
        group: ResourceId,
        after: Option<ResourceId>,
        limit: usize,
    ) -> Result<Vec<DueMember>> {
        let mut sql = Sql::new(
            "SELECT p.member_id, p.mark, COALESCE(a.remote_id, l.remote_id), m.member_id IS NOT NULL, \
             a.member_id IS NOT NULL, m.member_id IS NULL AND ",
        );
        sql.push(STAYS).push(
            " FROM member_push p \
             LEFT JOIN member m ON m.organization = p.organization \
               AND m.group_id = p.group_id AND m.member_id = p.member_id \
             LEFT JOIN link_member a ON a.organization = p.organization AND a.app_id = p.app_id \
               AND a.group_id = p.group_id AND a.member_id = p.member_id \
             LEFT JOIN link l ON l.organization = p.organization AND l.app_id = p.app_id \
               AND l.resource_id = p.member_id \
             WHERE p.organization = ",
        );
        sql.bind(self.organization).push(" AND p.app_id = ").bind(app);
        sql.push(" AND p.group_id = ").bind(group).push(NOT_LEFT_ALONE);
        if let Some(after) = after {
            sql.push(" AND p.member_id > ").bind(after);
        }
        sql.push(" ORDER BY p.member_id LIMIT ");
        sql.bind(i64::try_from(limit).unwrap_or(i64::MAX));
        type Row = (ResourceId, i64, Option<String>, bool, bool, bool);
        type Types = (Id, BigInt, Nullable<Text>, Bool, Bool, Bool);
        let rows: Vec<Row> = sql.load::<Types, _>(self.conn)?;
        Ok(rows
            .into_iter()
            .map(|(member, mark, remote, is_member, accepted, stays)| DueMember {
                member,
                mark,
                wish: remote
                    .filter(|_| is_member != accepted && !stays)
                    .map(|remote| (remote, is_member)),
                is_member,
            })
            .collect())
    }
}

impl Reader<'_> {
    /// Which of these groups an app would be told of a member of, who joins or leaves.
    pub fn groups_that_differ(
        &mut self,
        app: AppId,
        groups: &[ResourceId],
    ) -> Result<HashSet<ResourceId>> {
        let mut differing = HashSet::new();
        for chunk in groups.chunks(500) {
            let mut sql = Sql::new("SELECT g.id FROM resource g WHERE g.organization = ");
            sql.bind(self.organization).push(" AND g.id IN ");
            list(&mut sql, chunk).push(
                " AND (EXISTS (SELECT 1 FROM member m \
                 JOIN link l ON l.organization = m.organization AND l.resource_id = m.member_id \
                 AND l.remote_id IS NOT NULL AND l.state NOT IN ('lost', 'released') \
                 AND l.app_id = ",
            );
            sql.bind(app).push(" WHERE m.organization = ").bind(self.organization);
            sql.push(
                " AND m.group_id = g.id AND NOT EXISTS (SELECT 1 FROM link_member a \
                 WHERE a.organization = m.organization AND a.group_id = m.group_id \
                 AND a.member_id = m.member_id AND a.app_id = ",
            );
            sql.bind(app);
            sql.push(")) OR EXISTS (SELECT 1 FROM link_member a WHERE a.organization = ");
            sql.bind(self.organization).push(" AND a.app_id = ").bind(app).push(
                " AND a.group_id = g.id AND NOT EXISTS (SELECT 1 FROM member m \
                 WHERE m.organization = a.organization AND m.group_id = a.group_id \
                 AND m.member_id = a.member_id) AND NOT ",
            );
            sql.push(STAYS).push(NOR_LEFT_ALONE).push("))");
            let rows: Vec<(ResourceId,)> = sql.load::<(Id,), _>(self.conn)?;
            differing.extend(rows.into_iter().map(|row| row.0));
        }
        Ok(differing)
    }

    /// Members of whom an app would be told, by its ids, in order of the directory's: whether each
    /// joins or leaves; at most `limit`. Looks at the whole group where few differ.
    pub fn differing_members(
        &mut self,
        app: AppId,
        group: ResourceId,
        limit: usize,
    ) -> Result<Vec<(String, bool)>> {
        let mut sql = Sql::new(
            "SELECT m.member_id, l.remote_id, m.member_id IS NOT NULL FROM member m \
             JOIN link l ON l.organization = m.organization AND l.resource_id = m.member_id \
             AND l.remote_id IS NOT NULL AND l.state NOT IN ('lost', 'released') AND l.app_id = ",
        );
        sql.bind(app).push(" WHERE m.organization = ").bind(self.organization);
        sql.push(" AND m.group_id = ").bind(group);
        sql.push(
            " AND NOT EXISTS (SELECT 1 FROM link_member a WHERE a.organization = m.organization \
             AND a.group_id = m.group_id AND a.member_id = m.member_id AND a.app_id = ",
        );
        sql.bind(app).push(
            ") UNION ALL SELECT a.member_id, a.remote_id, a.member_id IS NULL FROM link_member a \
             WHERE a.organization = ",
        );
        sql.bind(self.organization).push(" AND a.app_id = ").bind(app);
        sql.push(" AND a.group_id = ").bind(group).push(
            " AND NOT EXISTS (SELECT 1 FROM member m WHERE m.organization = a.organization \
             AND m.group_id = a.group_id AND m.member_id = a.member_id) AND NOT ",
        );
        sql.push(STAYS).push(NOR_LEFT_ALONE).push(" ORDER BY 1 LIMIT ");
        sql.bind(i64::try_from(limit).unwrap_or(i64::MAX));
        let rows: Vec<(ResourceId, String, bool)> = sql.load::<(Id, Text, Bool), _>(self.conn)?;
        Ok(rows.into_iter().map(|(_, remote, joins)| (remote, joins)).collect())
    }
}

impl Transaction<'_> {
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

    /// Marks every member of a group that the app was not told of, or should be told has left.
    pub fn compare_members(&mut self, app: AppId, group: ResourceId) -> Result<()> {
        self.compare(app, Some(group))
    }

    /// The same for every group that the app has.
    pub fn compare_all_members(&mut self, app: AppId) -> Result<()> {
        self.compare(app, None)
    }

    fn compare(&mut self, app: AppId, group: Option<ResourceId>) -> Result<()> {
        let mut joined = Sql::new(MARK);
        joined.push("SELECT m.organization, ").bind(app);
        joined.push(", m.group_id, m.member_id, 1 FROM member m WHERE m.organization = ");
        joined.bind(self.organization);
        match group {
            Some(group) => joined.push(" AND m.group_id = ").bind(group),
            None => joined
                .push(" AND m.group_id IN (SELECT resource_id FROM link WHERE organization = ")
                .bind(self.organization)
                .push(" AND kind = 'Group' AND app_id = ")
                .bind(app)
                .push(")"),
        };
        joined.push(
            " AND NOT EXISTS (SELECT 1 FROM link_member a WHERE a.organization = m.organization \
             AND a.group_id = m.group_id AND a.member_id = m.member_id AND a.app_id = ",
        );
        joined.bind(app).push(")").push(MARKED);
        joined.execute(self.conn)?;

        let mut left = Sql::new(MARK);
        left.push("SELECT a.organization, a.app_id, a.group_id, a.member_id, 1 ");
        left.push("FROM link_member a WHERE a.organization = ").bind(self.organization);
        left.push(" AND a.app_id = ").bind(app);
        if let Some(group) = group {
            left.push(" AND a.group_id = ").bind(group);
        }
        left.push(
            " AND NOT EXISTS (SELECT 1 FROM member m WHERE m.organization = a.organization \
             AND m.group_id = a.group_id AND m.member_id = a.member_id)",
        );
        left.push(MARKED);
        left.execute(self.conn)?;
        Ok(())
    }

    /// Marks the groups of a member that has just got an account, as far as the app has them.
    pub fn mark_groups_of(&mut self, app: AppId, member: ResourceId, now_us: i64) -> Result<()> {
        let mut sql = Sql::new(
            "SELECT m.group_id FROM member m JOIN link l ON l.organization = m.organization \
             AND l.resource_id = m.group_id WHERE m.organization = ",
        );
        sql.bind(self.organization).push(" AND m.member_id = ").bind(member);
        sql.push(" AND l.app_id = ").bind(app);
        let groups: Vec<(ResourceId,)> = sql.load::<(Id,), _>(self.conn)?;
        for (group,) in &groups {
            self.mark_members(app, *group, &[member])?;
        }
        let jobs: Vec<_> =
            groups.iter().map(|(group,)| (*group, "Group", Priority::Group)).collect();
        self.mark_due(app, &jobs, now_us)
    }

    /// Notes what the app was told: these members are as the directory said when they were read.
    pub fn settle_members(
        &mut self,
        app: AppId,
        group: ResourceId,
        due: &[DueMember],
    ) -> Result<()> {
        let joined: Vec<(ResourceId, &str)> = due
            .iter()
            .filter_map(|one| match &one.wish {
                Some((remote, true)) => Some((one.member, remote.as_str())),
                _ => None,
            })
            .collect();
        for chunk in joined.chunks(200) {
            let mut sql = Sql::new(
                "INSERT INTO link_member (organization, app_id, group_id, member_id, remote_id) VALUES ",
            );
            for (at, (member, remote)) in chunk.iter().enumerate() {
                sql.push(if at == 0 { "(" } else { ", (" });
                sql.bind(self.organization).push(", ").bind(app).push(", ").bind(group);
                sql.push(", ").bind(*member).push(", ").bind(*remote).push(")");
            }
            sql.push(" ON CONFLICT DO NOTHING");
            sql.execute(self.conn)?;
        }
        // Who left, and who has no account that could be in the app's group.
        let left: Vec<ResourceId> =
            due.iter().filter(|one| !one.is_member).map(|one| one.member).collect();
        self.delete_listed("link_member", app, group, &left, None)?;
        let mut marks: BTreeMap<i64, Vec<ResourceId>> = BTreeMap::new();
        for one in due {
            marks.entry(one.mark).or_default().push(one.member);
        }
        for (mark, members) in marks {
            self.delete_listed("member_push", app, group, &members, Some(mark))?;
        }
        Ok(())
    }

    fn delete_listed(
        &mut self,
        table: &str,
        app: AppId,
        group: ResourceId,
        members: &[ResourceId],
        mark: Option<i64>,
    ) -> Result<()> {
        for chunk in members.chunks(500) {
            let mut sql = Sql::new("DELETE FROM ");
            sql.push(table).push(" WHERE organization = ").bind(self.organization);
            sql.push(" AND app_id = ").bind(app).push(" AND group_id = ").bind(group);
            if let Some(mark) = mark {
                sql.push(" AND mark = ").bind(mark);
            }
            sql.push(" AND member_id IN (").binds(chunk.iter().copied()).push(")");
            sql.execute(self.conn)?;
        }
        Ok(())
    }
}

impl Reader<'_> {
    /// The users among these resources and in the groups among them, however deep.
    pub fn users_below(&mut self, resources: &[ResourceId]) -> Result<Vec<ResourceId>> {
        let mut users = Vec::new();
        for chunk in resources.chunks(500) {
            let mut sql = below(self.organization, chunk);
            sql.push(" SELECT id FROM below WHERE kind = 'User'");
            let rows: Vec<(ResourceId,)> = sql.load::<(Id,), _>(self.conn)?;
            users.extend(rows.into_iter().map(|row| row.0));
        }
        users.sort_unstable();
        users.dedup();
        Ok(users)
    }
}

/// A table `below` of these resources and of all that is in the groups among them, however deep,
/// each once. It is to be followed by a query of it.
pub(super) fn below(organization: OrganizationId, resources: &[ResourceId]) -> Sql {
    let mut sql = Sql::new(
        "WITH RECURSIVE below(id, kind) AS (SELECT id, kind FROM resource WHERE organization = ",
    );
    sql.bind(organization).push(" AND id IN ");
    // CROSS JOIN keeps SQLite from starting at the other end.
    list(&mut sql, resources).push(
        " UNION SELECT m.member_id, m.member_kind FROM below CROSS JOIN member m \
         WHERE below.kind = 'Group' AND m.group_id = below.id AND m.organization = ",
    );
    sql.bind(organization).push(")");
    sql
}
