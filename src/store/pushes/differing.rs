//! What an app would be told of members, for plans and previews. Looks at whole groups.

use super::nesting::Nesting;
use crate::id::{AppId, ResourceId};
use crate::store::connection::Id;
use crate::store::members::list;
use crate::store::sql::Sql;
use crate::store::{Reader, Result};
use diesel::sql_types::{BigInt, Bool, Text};
use std::collections::{HashMap, HashSet};

impl Reader<'_> {
    /// Which of these groups an app would be told of a member of, who joins or leaves.
    pub fn groups_that_differ(
        &mut self,
        app: AppId,
        groups: &[ResourceId],
        nesting: Nesting,
    ) -> Result<HashSet<ResourceId>> {
        let organization = self.organization;
        let mut differing = HashSet::new();
        for chunk in groups.chunks(500) {
            let mut sql = nesting.within_these(organization, chunk);
            sql.push(" SELECT g.id FROM resource g WHERE g.organization = ").bind(organization);
            sql.push(" AND g.id IN ");
            list(&mut sql, chunk).push(" AND (EXISTS (SELECT 1");
            sql.append(self.joining(app, nesting)).push(" AND within.root = g.id)");
            sql.push(" OR EXISTS (SELECT 1 FROM link_member a WHERE a.organization = ");
            sql.bind(organization).push(" AND a.app_id = ").bind(app);
            sql.push(" AND a.group_id = g.id").append(self.leaving(nesting)).push("))");
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
        nesting: Nesting,
    ) -> Result<Vec<(String, bool)>> {
        let organization = self.organization;
        let mut sql = nesting.within_these(organization, &[group]);
        sql.push(" SELECT DISTINCT m.member_id, l.remote_id, m.member_id IS NOT NULL");
        sql.append(self.joining(app, nesting));
        sql.push(
            " UNION ALL SELECT a.member_id, a.remote_id, a.member_id IS NULL FROM link_member a \
             WHERE a.organization = ",
        );
        sql.bind(organization).push(" AND a.app_id = ").bind(app);
        sql.push(" AND a.group_id = ").bind(group);
        sql.append(self.leaving(nesting)).push(" ORDER BY 1 LIMIT ");
        sql.bind(i64::try_from(limit).unwrap_or(i64::MAX));
        let rows: Vec<(ResourceId, String, bool)> = sql.load::<(Id, Text, Bool), _>(self.conn)?;
        Ok(rows.into_iter().map(|(_, remote, joins)| (remote, joins)).collect())
    }

    /// From where members come who have an account and of whom the app was not told.
    fn joining(&self, app: AppId, nesting: Nesting) -> Sql {
        let mut sql = Sql::new(
            " FROM within CROSS JOIN member m CROSS JOIN link l WHERE m.group_id = within.id \
             AND m.organization = ",
        );
        sql.bind(self.organization).push(nesting.who());
        sql.push(" AND l.organization = ").bind(self.organization).push(" AND l.app_id = ");
        sql.bind(app).push(" AND l.resource_id = m.member_id AND l.remote_id IS NOT NULL");
        sql.push(" AND l.state NOT IN ('lost', 'released')");
        sql.append(self.not_told(app, " AND a.remote_id = l.remote_id"));
        sql
    }

    /// The condition that an app is to be told that somebody in `link_member a` leaves: who is no member
    /// any more, is not left alone, and has no account that is another member's now.
    fn leaving(&self, nesting: Nesting) -> Sql {
        let mut sql = self.not_within(nesting);
        sql.push(
            " AND NOT EXISTS (SELECT 1 FROM link l WHERE l.organization = a.organization \
             AND l.app_id = a.app_id AND l.resource_id = a.member_id \
             AND l.state IN ('lost', 'released')) \
             AND NOT EXISTS (SELECT 1 FROM link o CROSS JOIN within CROSS JOIN member m \
             WHERE o.organization = a.organization AND o.app_id = a.app_id \
             AND o.kind IN ('User', 'Group') AND o.remote_id = a.remote_id \
             AND o.resource_id <> a.member_id AND within.root = a.group_id \
             AND m.group_id = within.id AND m.member_id = o.resource_id AND m.organization = ",
        );
        sql.bind(self.organization).push(nesting.who()).push(")");
        sql
    }

    /// How many members each group of an app would lose if this were how members count, of those of
    /// whom the app was told. Looks at all groups.
    pub fn losing_members(
        &mut self,
        app: AppId,
        nesting: Nesting,
    ) -> Result<HashMap<ResourceId, u64>> {
        let mut sql = nesting.within(self.organization, self.linked_groups(app, None));
        sql.push(" SELECT a.group_id, COUNT(*) FROM link_member a WHERE a.organization = ");
        sql.bind(self.organization).push(" AND a.app_id = ").bind(app);
        sql.append(self.leaving(nesting)).push(" GROUP BY a.group_id");
        let rows: Vec<(ResourceId, i64)> = sql.load::<(Id, BigInt), _>(self.conn)?;
        Ok(rows
            .into_iter()
            .map(|(group, count)| (group, u64::try_from(count).unwrap_or_default()))
            .collect())
    }

    /// The groups that an app has, each twice, as roots of `within`: all, or one.
    pub(super) fn linked_groups(&self, app: AppId, group: Option<ResourceId>) -> Sql {
        let mut sql = Sql::new("SELECT resource_id, resource_id FROM link WHERE organization = ");
        sql.bind(self.organization).push(" AND kind = 'Group' AND app_id = ").bind(app);
        if let Some(group) = group {
            sql.push(" AND resource_id = ").bind(group);
        }
        sql
    }

    /// The condition that an app was not told, in a certain way, of a member `m` of the root of
    /// `within`.
    pub(super) fn not_told(&self, app: AppId, how: &str) -> Sql {
        let mut sql =
            Sql::new(" AND NOT EXISTS (SELECT 1 FROM link_member a WHERE a.organization = ");
        sql.bind(self.organization).push(" AND a.app_id = ").bind(app);
        sql.push(" AND a.group_id = within.root AND a.member_id = m.member_id").push(how).push(")");
        sql
    }

    /// The condition that somebody in `link_member a` is no member any more, or has another account.
    pub(super) fn not_within(&self, nesting: Nesting) -> Sql {
        let mut sql = Sql::new(
            " AND (EXISTS (SELECT 1 FROM link l WHERE l.app_id = a.app_id \
             AND l.resource_id = a.member_id AND l.remote_id <> a.remote_id AND l.organization = ",
        );
        sql.bind(self.organization).push(
            ") OR NOT EXISTS (SELECT 1 FROM within CROSS JOIN member m \
             WHERE within.root = a.group_id AND m.group_id = within.id \
             AND m.member_id = a.member_id AND m.organization = ",
        );
        sql.bind(self.organization).push(nesting.who()).push("))");
        sql
    }
}
