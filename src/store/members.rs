//! Memberships: rows, so that one more member costs the same in any group.

use super::{Reader, Result, Transaction};
use crate::id::ResourceId;
use crate::scim::filter::Condition;

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

impl Reader<'_> {
    /// Members of a group in id order, after `after`, at most `limit`.
    pub fn members(
        &mut self,
        _group: ResourceId,
        _after: Option<ResourceId>,
        _limit: i64,
    ) -> Result<Vec<MemberRow>> {
        todo!()
    }

    /// Members of several groups with one query, by group.
    pub fn members_of(
        &mut self,
        _groups: &[ResourceId],
    ) -> Result<std::collections::HashMap<ResourceId, Vec<MemberRow>>> {
        todo!()
    }

    /// How many members a group has.
    pub fn member_count(&mut self, _group: ResourceId) -> Result<i64> {
        todo!()
    }

    /// Direct and indirect groups of several resources with one recursive query, guarded against
    /// cycles and depth.
    pub fn groups_of(
        &mut self,
        _members: &[ResourceId],
    ) -> Result<std::collections::HashMap<ResourceId, Vec<Membership>>> {
        todo!()
    }

    /// Which of these ids are members of the group, directly.
    pub fn which_are_members(
        &mut self,
        _group: ResourceId,
        _ids: &[ResourceId],
    ) -> Result<std::collections::HashSet<ResourceId>> {
        todo!()
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
        _group: ResourceId,
        _ids: &[ResourceId],
        _now_us: i64,
    ) -> Result<Vec<ResourceId>> {
        todo!()
    }

    /// Removes members; answers who left.
    pub fn remove_members(
        &mut self,
        _group: ResourceId,
        _ids: &[ResourceId],
    ) -> Result<Vec<ResourceId>> {
        todo!()
    }

    /// Removes the members that meet a condition on parts of `members` (`value`, `type`,
    /// `display`); answers who left.
    pub fn remove_members_where(
        &mut self,
        _group: ResourceId,
        _condition: &Condition,
    ) -> Result<Vec<ResourceId>> {
        todo!()
    }

    /// Makes these the only members; answers who joined and who left.
    pub fn replace_members(
        &mut self,
        _group: ResourceId,
        _ids: &[ResourceId],
        _now_us: i64,
    ) -> Result<(Vec<ResourceId>, Vec<ResourceId>)> {
        todo!()
    }
}
