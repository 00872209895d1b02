//! Which members an app has accepted, and which may differ from the directory.
//!
//! `member_push` is a hint: members worth a look. What is sent follows from the tables as they are
//! when the group is worked on, so a change of one member costs one member, whatever the group's
//! size, and marking too much is harmless. Who counts as a member is the app's choice: [`Nesting`].

mod differing;
mod marking;
mod nesting;

pub use marking::Moved;
pub use nesting::Nesting;
pub(super) use nesting::below;

use super::connection::{Backend, Connection, Id};
use super::sql::Sql;
use super::{Reader, Result, Transaction};
use crate::id::{AppId, ResourceId};
use diesel::sql_types::{BigInt, Bool, Nullable, Text};
use std::collections::BTreeMap;

/// A member worth a look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueMember {
    /// The member.
    pub member: ResourceId,
    /// How often it was marked; a mark that comes while it is pushed is not lost.
    pub mark: i64,
    /// The app's id by which the member is to join; none when the app knows already, or does not know
    /// the member yet.
    pub join: Option<String>,
    /// The app's id by which the member is to leave: the one by which the app was told of it. None,
    /// too, where that account is another member's now.
    pub leave: Option<String>,
    /// Whether the member counts as one of the directory's group.
    pub is_member: bool,
}

/// Of an account that is left alone nothing is told, and of one that the app lost nothing can be.
/// What there is to tell stays marked until the member is followed again.
const NOT_LEFT_ALONE: &str = " AND (l.state IS NULL OR l.state NOT IN ('lost', 'released'))";

/// Keeps PostgreSQL from reading whole tables to join them, until the transaction ends or it is told
/// otherwise. SQLite never does.
pub(super) fn only_look_up(conn: &mut Connection, only: bool) -> Result<()> {
    if conn.backend() == Backend::Postgres {
        let joins = if only { "off" } else { "on" };
        let mut sql = Sql::new("SELECT set_config('enable_hashjoin', ");
        sql.bind(joins)
            .push(", TRUE), set_config('enable_mergejoin', ")
            .bind(joins)
            .push(", TRUE)");
        sql.execute(conn)?;
    }
    Ok(())
}

impl Reader<'_> {
    /// Members of a group worth a look in order of id, after one, at most `limit`. Who is a member is
    /// found from the members upwards, so the size of the group does not matter. `in_doubt` is whether
    /// the app may have been told more of them than is noted: then it is told of each anew.
    pub fn due_members(
        &mut self,
        app: AppId,
        group: ResourceId,
        after: Option<ResourceId>,
        limit: usize,
        nesting: Nesting,
        in_doubt: bool,
    ) -> Result<Vec<DueMember>> {
        let organization = self.organization;
        // It cannot know how few are marked, and would read the whole group to be on the safe side.
        only_look_up(self.conn, true)?;
        let mut sql = Sql::new(
            "WITH RECURSIVE page(member_id, mark, account) AS MATERIALIZED (\
             SELECT p.member_id, p.mark, l.remote_id FROM member_push p \
             LEFT JOIN link l ON l.organization = p.organization AND l.app_id = p.app_id \
             AND l.resource_id = p.member_id WHERE p.organization = ",
        );
        sql.bind(organization).push(" AND p.app_id = ").bind(app);
        sql.push(" AND p.group_id = ").bind(group).push(NOT_LEFT_ALONE);
        if let Some(after) = after {
            sql.push(" AND p.member_id > ").bind(after);
        }
        sql.push(" ORDER BY p.member_id LIMIT +");
        sql.bind(i64::try_from(limit).unwrap_or(i64::MAX));
        sql.push(
            "), told(member_id, remote_id) AS MATERIALIZED (SELECT a.member_id, a.remote_id \
             FROM page CROSS JOIN link_member a WHERE a.member_id = page.member_id \
             AND a.organization = ",
        );
        sql.bind(organization).push(" AND a.app_id = ").bind(app);
        sql.push(" AND a.group_id = ").bind(group);
        // Whose an account is now of which the app was told as somebody else's.
        sql.push(
            "), heir(member_id, of_id) AS MATERIALIZED (SELECT o.resource_id, told.member_id \
             FROM told CROSS JOIN link o WHERE o.remote_id = told.remote_id \
             AND o.resource_id <> told.member_id AND o.kind IN ('User', 'Group') \
             AND o.organization = ",
        );
        sql.bind(organization).push(" AND o.app_id = ").bind(app);
        sql.push(
            "), who(member_id) AS (SELECT member_id FROM page UNION SELECT member_id FROM heir), ",
        );
        sql.append(nesting.belongs(organization, Some(group)));
        sql.push(", inside(member_id) AS (SELECT member_id FROM belongs WHERE group_id = ");
        sql.bind(group).push(
            ") SELECT page.member_id, page.mark, told.remote_id, page.account, \
             page.member_id IN (SELECT member_id FROM inside), \
             page.member_id IN (SELECT of_id FROM heir WHERE member_id IN \
             (SELECT member_id FROM inside)) \
             FROM page LEFT JOIN told ON told.member_id = page.member_id ORDER BY page.member_id",
        );
        type Row = (ResourceId, i64, Option<String>, Option<String>, bool, bool);
        type Types = (Id, BigInt, Nullable<Text>, Nullable<Text>, Bool, Bool);
        let rows: Vec<Row> = sql.load::<Types, _>(self.conn)?;
        Ok(rows
            .into_iter()
            .map(|(member, mark, told, account, is_member, stays)| {
                // The app may have been told of another account than the one that there is now.
                let is_same = told.is_some() && told == account;
                let join = account.clone().filter(|_| is_member && (in_doubt || !is_same));
                let former = told.or_else(|| account.filter(|_| in_doubt));
                let leave = former
                    .filter(|_| !is_member || (join.is_some() && !is_same))
                    .filter(|id| join.as_ref() != Some(id) && !stays);
                DueMember { member, mark, join, leave, is_member }
            })
            .collect())
    }
}

impl Reader<'_> {
    /// The app's ids of all members of a group of whom it was told, each once. Looks at the whole group.
    pub fn told_members(&mut self, app: AppId, group: ResourceId) -> Result<Vec<String>> {
        let mut sql = Sql::new("SELECT DISTINCT remote_id FROM link_member WHERE organization = ");
        sql.bind(self.organization).push(" AND app_id = ").bind(app);
        sql.push(" AND group_id = ").bind(group);
        let rows: Vec<(String,)> = sql.load::<(Text,), _>(self.conn)?;
        Ok(rows.into_iter().map(|row| row.0).collect())
    }
}

impl Transaction<'_> {
    /// Notes what the app was told: these members are as the directory said when they were read.
    pub fn settle_members(
        &mut self,
        app: AppId,
        group: ResourceId,
        due: &[DueMember],
    ) -> Result<()> {
        let joined: Vec<(ResourceId, &str)> =
            due.iter().filter_map(|one| Some((one.member, one.join.as_deref()?))).collect();
        for chunk in joined.chunks(200) {
            let mut sql = Sql::new(
                "INSERT INTO link_member (organization, app_id, group_id, member_id, remote_id) VALUES ",
            );
            for (at, (member, remote)) in chunk.iter().enumerate() {
                sql.push(if at == 0 { "(" } else { ", (" });
                sql.bind(self.organization).push(", ").bind(app).push(", ").bind(group);
                sql.push(", ").bind(*member).push(", ").bind(*remote).push(")");
            }
            sql.push(
                " ON CONFLICT (organization, app_id, group_id, member_id) \
                 DO UPDATE SET remote_id = excluded.remote_id",
            );
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
