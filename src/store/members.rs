//! Memberships: rows, so that one more member costs the same in any group.

use super::connection::{Backend, Id};
use super::schema::{member, resource};
use super::sql::Sql;
use super::{Error, Reader, Result, Transaction};
use crate::id::ResourceId;
use crate::scim::error::Fault;
use crate::scim::filter::{Condition, Operator, eval};
use diesel::prelude::*;
use diesel::sql_types::{Bool, Nullable, Text};
use serde_json::{Map, Value, json};
use std::collections::{HashMap, HashSet};
use uuid::Uuid;

/// Most ids in one statement.
const IDS: usize = 500;
/// Most ids in a statement that stays prepared: longer lists come in too many lengths.
const FEW: usize = 16;
/// What can be a member.
const MEMBER_KINDS: [&str; 2] = ["User", "Group"];
/// Members read at a time where all of them must be looked at.
const BATCH: i64 = 1_000;

/// A member of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberRow {
    /// The User or Group that is a member.
    pub id: ResourceId,
    /// `User` or `Group`.
    pub kind: String,
    /// Its displayName, or userName where it has none.
    pub display: Option<String>,
}

/// A group that somebody is in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Membership {
    /// The group.
    pub group: ResourceId,
    /// Its displayName.
    pub display: Option<String>,
    /// Whether the membership is through another group only.
    pub indirect: bool,
}

/// Members of several groups, in id order, with the group of each.
type MemberColumns = (ResourceId, ResourceId, String, Option<String>);

#[diesel::dsl::auto_type]
fn member_columns() -> _ {
    let on =
        resource::organization.eq(member::organization).and(resource::id.eq(member::member_id));
    member::table.inner_join(resource::table.on(on)).select((
        member::group_id,
        member::member_id,
        member::member_kind,
        resource::label,
    ))
}

impl Reader<'_> {
    /// Members of a group in id order, after `after`, at most `limit`.
    pub fn members(
        &mut self,
        group: ResourceId,
        after: Option<ResourceId>,
        limit: i64,
    ) -> Result<Vec<MemberRow>> {
        let rows: Vec<MemberColumns> = member_columns()
            .filter(member::organization.eq(self.organization))
            .filter(member::group_id.eq(group))
            .filter(member::member_id.gt(after.unwrap_or(ResourceId(Uuid::nil()))))
            .order(member::member_id)
            .limit(limit)
            .load(self.conn)?;
        Ok(rows.into_iter().map(|row| read(row).1).collect())
    }

    /// Members of several groups with one query, by group. Groups without members are left out.
    pub fn members_of(
        &mut self,
        groups: &[ResourceId],
    ) -> Result<HashMap<ResourceId, Vec<MemberRow>>> {
        let mut members: HashMap<ResourceId, Vec<MemberRow>> = HashMap::new();
        for groups in groups.chunks(IDS) {
            let rows = self.members_of_some(groups, None)?;
            for (group, row) in rows.into_iter().map(read) {
                members.entry(group).or_default().push(row);
            }
        }
        Ok(members)
    }

    /// Whether a group has more members than this, without counting them all.
    pub fn has_more_members(&mut self, group: ResourceId, than: i64) -> Result<bool> {
        let next: Option<ResourceId> = member::table
            .filter(member::organization.eq(self.organization))
            .filter(member::group_id.eq(group))
            .order(member::member_id)
            .offset(than)
            .select(member::member_id)
            .first(self.conn)
            .optional()?;
        Ok(next.is_some())
    }

    /// As [`Reader::members_of`], unless these groups have more than `most` members together.
    pub fn members_of_at_most(
        &mut self,
        groups: &[ResourceId],
        most: usize,
    ) -> Result<Option<HashMap<ResourceId, Vec<MemberRow>>>> {
        let limit = i64::try_from(most).unwrap_or(i64::MAX).saturating_add(1);
        let (mut members, mut count) = (HashMap::<_, Vec<_>>::new(), 0);
        for groups in groups.chunks(IDS) {
            for (group, row) in self.members_of_some(groups, Some(limit))?.into_iter().map(read) {
                count += 1;
                if count > most {
                    return Ok(None);
                }
                members.entry(group).or_default().push(row);
            }
        }
        Ok(Some(members))
    }

    fn members_of_some(
        &mut self,
        groups: &[ResourceId],
        limit: Option<i64>,
    ) -> Result<Vec<MemberColumns>> {
        let mut sql = Sql::new(
            "SELECT m.group_id, m.member_id, m.member_kind, r.label FROM member m \
             JOIN resource r ON r.organization = m.organization AND r.id = m.member_id \
             WHERE m.organization = ",
        );
        sql.bind(self.organization).push(" AND m.group_id IN ");
        list(&mut sql, groups).push(" ORDER BY m.group_id, m.member_id");
        if let Some(limit) = limit {
            sql.push(" LIMIT ").bind(limit);
        }
        sql.load::<(Id, Id, Text, Nullable<Text>), _>(self.conn)
    }

    /// How many members a group has.
    pub fn member_count(&mut self, group: ResourceId) -> Result<i64> {
        Ok(member::table
            .filter(member::organization.eq(self.organization))
            .filter(member::group_id.eq(group))
            .count()
            .get_result(self.conn)?)
    }

    /// Direct and indirect groups of several resources with one recursive query, by resource, in
    /// id order; those in no group are left out. It ends on any nesting, cycles included: a group
    /// is followed once per resource.
    pub fn groups_of(
        &mut self,
        members: &[ResourceId],
    ) -> Result<HashMap<ResourceId, Vec<Membership>>> {
        let mut groups: HashMap<ResourceId, Vec<Membership>> = HashMap::new();
        for members in members.chunks(IDS) {
            // CROSS JOIN keeps SQLite from starting at the other end: it cannot guess how few
            // rows a recursion has.
            let mut sql = Sql::new(
                "WITH RECURSIVE above(member_id, group_id) AS (\
                 SELECT member_id, group_id FROM member WHERE organization = ",
            );
            sql.bind(self.organization).push(" AND member_id IN ");
            list(&mut sql, members).push(
                " UNION SELECT above.member_id, m.group_id FROM above CROSS JOIN member m \
                 WHERE m.member_id = above.group_id AND m.organization = ",
            );
            sql.bind(self.organization).push(
                ") SELECT above.member_id, above.group_id, r.label, d.member_id IS NULL \
                 FROM above CROSS JOIN resource r \
                 LEFT JOIN member d ON d.group_id = above.group_id \
                 AND d.member_id = above.member_id AND d.organization = ",
            );
            sql.bind(self.organization);
            sql.push(" WHERE r.id = above.group_id AND r.organization = ");
            sql.bind(self.organization).push(" ORDER BY above.member_id, above.group_id");
            let rows: Vec<(ResourceId, ResourceId, Option<String>, bool)> =
                sql.load::<(Id, Id, Nullable<Text>, Bool), _>(self.conn)?;
            for (member, group, display, indirect) in rows {
                groups.entry(member).or_default().push(Membership { group, display, indirect });
            }
        }
        Ok(groups)
    }

    /// Which of these ids are members of the group, directly.
    pub fn which_are_members(
        &mut self,
        group: ResourceId,
        ids: &[ResourceId],
    ) -> Result<HashSet<ResourceId>> {
        let mut found = HashSet::new();
        for ids in ids.chunks(IDS) {
            let mut sql = Sql::new("SELECT member_id FROM member WHERE organization = ");
            sql.bind(self.organization).push(" AND group_id = ").bind(group);
            sql.push(" AND member_id IN ");
            list(&mut sql, ids);
            let rows: Vec<(ResourceId,)> = sql.load::<(Id,), _>(self.conn)?;
            found.extend(rows.into_iter().map(|(id,)| id));
        }
        Ok(found)
    }

    /// Which of these ids name a User or a Group.
    pub fn possible_members(&mut self, ids: &[ResourceId]) -> Result<HashSet<ResourceId>> {
        let mut found = HashSet::new();
        for ids in ids.chunks(IDS) {
            let mut sql = Sql::new("SELECT id, kind FROM resource WHERE organization = ");
            sql.bind(self.organization).push(" AND id IN ");
            list(&mut sql, ids);
            let rows: Vec<(ResourceId, String)> = sql.load::<(Id, Text), _>(self.conn)?;
            let is_member = |kind: &str| MEMBER_KINDS.contains(&kind);
            found.extend(rows.into_iter().filter(|(_, kind)| is_member(kind)).map(|(id, _)| id));
        }
        Ok(found)
    }

    /// Some members of a group by id, as [`Reader::members`] answers them.
    fn members_among(&mut self, group: ResourceId, ids: &[ResourceId]) -> Result<Vec<MemberRow>> {
        let mut members = Vec::new();
        for ids in ids.chunks(IDS) {
            let mut sql = Sql::new(
                "SELECT m.group_id, m.member_id, m.member_kind, r.label FROM member m \
                 JOIN resource r ON r.organization = m.organization AND r.id = m.member_id \
                 WHERE m.organization = ",
            );
            sql.bind(self.organization).push(" AND m.group_id = ").bind(group);
            sql.push(" AND m.member_id IN ");
            list(&mut sql, ids);
            let rows: Vec<MemberColumns> =
                sql.load::<(Id, Id, Text, Nullable<Text>), _>(self.conn)?;
            members.extend(rows.into_iter().map(|row| read(row).1));
        }
        Ok(members)
    }
}

impl Transaction<'_> {
    /// Adds members; those already in are left alone. Answers who joined.
    ///
    /// # Errors
    /// [`super::Error::Dangling`] for an id that names no User or Group of this organization;
    /// [`super::Error::Refused`] (`invalidValue`) for a nesting that would make a cycle.
    pub fn add_members(
        &mut self,
        group: ResourceId,
        ids: &[ResourceId],
        now_us: i64,
    ) -> Result<Vec<ResourceId>> {
        let mut seen = HashSet::new();
        let ids: Vec<ResourceId> = ids.iter().copied().filter(|id| seen.insert(*id)).collect();
        let mut nested = Vec::new();
        for ids in ids.chunks(IDS) {
            nested.extend(self.groups_among(ids)?);
        }
        if !nested.is_empty() {
            self.refuse_cycle(group, &nested)?;
        }
        let mut joined = HashSet::new();
        for ids in ids.chunks(IDS) {
            let mut sql = Sql::new(
                "INSERT INTO member (organization, group_id, member_id, member_kind, since_us) \
                 SELECT organization, ",
            );
            sql.bind(group).push(", id, kind, ").bind(now_us);
            sql.push(" FROM resource WHERE organization = ").bind(self.organization);
            sql.push(" AND id IN ");
            list(&mut sql, ids).push(" ON CONFLICT DO NOTHING RETURNING member_id");
            let rows: Vec<(ResourceId,)> = sql.load::<(Id,), _>(self.conn)?;
            joined.extend(rows.into_iter().map(|(id,)| id));
        }
        Ok(ids.into_iter().filter(|id| joined.contains(id)).collect())
    }

    /// Checks that each id names a User or a Group, keeps them from being deleted until the end of
    /// the transaction, and answers which are Groups.
    fn groups_among(&mut self, ids: &[ResourceId]) -> Result<Vec<ResourceId>> {
        // Only by id: told of the types too, a database that has not counted its rows for a while
        // looks through all of a type.
        let mut sql = Sql::new("SELECT id, kind FROM resource WHERE organization = ");
        sql.bind(self.organization).push(" AND id IN ");
        list(&mut sql, ids);
        if self.conn.backend() == Backend::Postgres {
            sql.push(" ORDER BY id FOR KEY SHARE"); // one order for all, so nobody deadlocks
        }
        let rows: Vec<(ResourceId, String)> = sql.load::<(Id, Text), _>(self.conn)?;
        let mut kinds: HashMap<ResourceId, String> = rows.into_iter().collect();
        kinds.retain(|_, kind| MEMBER_KINDS.contains(&kind.as_str()));
        if let Some(missing) = ids.iter().find(|id| !kinds.contains_key(id)) {
            return Err(Error::Dangling(missing.to_string()));
        }
        kinds.retain(|_, kind| kind == "Group");
        Ok(kinds.into_keys().collect())
    }

    /// Refuses to put groups into a group that is itself in one of them. Two nestings at once
    /// could make a cycle that neither sees, so they take turns.
    fn refuse_cycle(&mut self, group: ResourceId, nested: &[ResourceId]) -> Result<()> {
        self.lock_organization()?;
        let above = self.groups_of(&[group])?.remove(&group).unwrap_or_default();
        let above: HashSet<ResourceId> = above.into_iter().map(|found| found.group).collect();
        match nested.iter().find(|id| **id == group || above.contains(id)) {
            None => Ok(()),
            Some(id) => Err(Error::Refused(Fault::Cycle { group: id.to_string() }.into())),
        }
    }

    /// Removes members; answers who left.
    pub fn remove_members(
        &mut self,
        group: ResourceId,
        ids: &[ResourceId],
    ) -> Result<Vec<ResourceId>> {
        let mut left = HashSet::new();
        for ids in ids.chunks(IDS) {
            let mut sql = Sql::new("DELETE FROM member WHERE organization = ");
            sql.bind(self.organization).push(" AND group_id = ").bind(group);
            sql.push(" AND member_id IN ");
            list(&mut sql, ids).push(" RETURNING member_id");
            let rows: Vec<(ResourceId,)> = sql.load::<(Id,), _>(self.conn)?;
            left.extend(rows.into_iter().map(|(id,)| id));
        }
        let mut seen = HashSet::new();
        Ok(ids.iter().copied().filter(|id| left.contains(id) && seen.insert(*id)).collect())
    }

    /// Removes the members that meet a condition on parts of `members` (`value`, `type`,
    /// `display`); answers who left.
    pub fn remove_members_where(
        &mut self,
        group: ResourceId,
        condition: &Condition,
    ) -> Result<Vec<ResourceId>> {
        if let Some(ids) = named(condition) {
            let found = self.members_among(group, &ids)?;
            let ids = meeting(&found, condition);
            return self.remove_members(group, &ids);
        }
        let mut left = Vec::new();
        let mut after = None;
        loop {
            let found = self.members(group, after, BATCH)?;
            let Some(last) = found.last() else { return Ok(left) };
            after = Some(last.id);
            left.extend(self.remove_members(group, &meeting(&found, condition))?);
        }
    }

    /// Makes these the only members; answers who joined and who left.
    ///
    /// # Errors
    /// As [`Transaction::add_members`].
    pub fn replace_members(
        &mut self,
        group: ResourceId,
        ids: &[ResourceId],
        now_us: i64,
    ) -> Result<(Vec<ResourceId>, Vec<ResourceId>)> {
        let before: Vec<ResourceId> = member::table
            .filter(member::organization.eq(self.organization))
            .filter(member::group_id.eq(group))
            .order(member::member_id)
            .select(member::member_id)
            .load(self.conn)?;
        let wanted: HashSet<ResourceId> = ids.iter().copied().collect();
        let known: HashSet<ResourceId> = before.iter().copied().collect();
        let leave: Vec<ResourceId> = before.into_iter().filter(|id| !wanted.contains(id)).collect();
        let join: Vec<ResourceId> = ids.iter().copied().filter(|id| !known.contains(id)).collect();
        let left = self.remove_members(group, &leave)?;
        let joined = self.add_members(group, &join, now_us)?;
        Ok((joined, left))
    }
}

fn read((group, id, kind, display): MemberColumns) -> (ResourceId, MemberRow) {
    (group, MemberRow { id, kind, display })
}

/// A list of ids in parentheses.
pub(super) fn list<'s>(sql: &'s mut Sql, ids: &[ResourceId]) -> &'s mut Sql {
    if ids.len() > FEW {
        sql.dynamic();
    }
    sql.push("(").binds(ids.iter().copied()).push(")")
}

/// A member as an element of `members`.
pub(super) fn element(row: &MemberRow) -> Value {
    let mut element = Map::new();
    element.insert("value".into(), row.id.to_string().into());
    element.insert("$ref".into(), format!("/{}s/{}", row.kind, row.id).into());
    element.insert("type".into(), row.kind.clone().into());
    if let Some(display) = &row.display {
        element.insert("display".into(), display.clone().into());
    }
    element.into()
}

fn meeting(rows: &[MemberRow], condition: &Condition) -> Vec<ResourceId> {
    let meets = |row: &&MemberRow| {
        let group = json!({ "members": [element(row)] });
        group.as_object().is_some_and(|group| eval::matches(condition, group))
    };
    rows.iter().filter(meets).map(|row| row.id).collect()
}

/// The ids that members meeting a condition can only have, where the condition names them.
pub(super) fn named(condition: &Condition) -> Option<Vec<ResourceId>> {
    match condition {
        Condition::Never => Some(Vec::new()),
        Condition::All(parts) => parts.iter().find_map(named),
        Condition::Any(parts) => {
            let named: Option<Vec<_>> = parts.iter().map(named).collect();
            Some(named?.concat())
        }
        Condition::Element(_, inner) => named(inner),
        Condition::Compare(field, Operator::Equal, operand) if field.key == "members.value" => {
            Some(as_id(operand).into_iter().collect())
        }
        _ => None,
    }
}

/// The id that a text is, in the one way in which we write ids.
pub(super) fn as_id(text: &str) -> Option<ResourceId> {
    let id = text.parse::<ResourceId>().ok()?;
    (id.to_string() == text).then_some(id)
}
