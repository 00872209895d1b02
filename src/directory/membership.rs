//! Who joins and who leaves a group, without knowing who is in it.

use super::resource_id;
use crate::id::ResourceId;
use crate::scim::dialect::{Leniency, Reading};
use crate::scim::patch::MemberChange;
use crate::scim::resource::Member;
use crate::store::{Error, Result, Transaction};
use std::collections::BTreeSet;

/// Most ids that one change lists; the rest goes into further changes.
const LISTED: usize = 1_000;

/// Who joined and who left over the whole of a request, net.
#[derive(Debug, Default)]
pub(super) struct Moved {
    joined: BTreeSet<ResourceId>,
    left: BTreeSet<ResourceId>,
}

/// As much of it as one change lists: who joined, who left.
pub(super) type Part = (Vec<ResourceId>, Vec<ResourceId>);

impl Moved {
    pub(super) fn join(&mut self, ids: impl IntoIterator<Item = ResourceId>) {
        for id in ids {
            if !self.left.remove(&id) {
                self.joined.insert(id);
            }
        }
    }

    pub(super) fn leave(&mut self, ids: impl IntoIterator<Item = ResourceId>) {
        for id in ids {
            if !self.joined.remove(&id) {
                self.left.insert(id);
            }
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.joined.is_empty() && self.left.is_empty()
    }

    /// Everybody, each in exactly one part.
    pub(super) fn parts(self) -> Vec<Part> {
        let mut parts = Vec::new();
        let (joined, left): Part =
            (self.joined.into_iter().collect(), self.left.into_iter().collect());
        parts.extend(joined.chunks(LISTED).map(|ids| (ids.to_vec(), Vec::new())));
        for ids in left.chunks(LISTED) {
            match parts.last_mut() {
                Some((joined, left)) if joined.len() + left.len() + ids.len() <= LISTED => {
                    left.extend_from_slice(ids);
                }
                _ => parts.push((Vec::new(), ids.to_vec())),
            }
        }
        parts
    }
}

/// The ids of members as a client names them. What is no id names nobody, and may be forgiven.
///
/// # Errors
/// [`Error::Dangling`] for what is no id.
pub(super) fn ids(members: &[Member], reading: &Reading) -> Result<Vec<ResourceId>> {
    let mut ids = Vec::with_capacity(members.len());
    for member in members {
        match resource_id(&member.value) {
            Some(id) => ids.push(id),
            None if reading.forgives(Leniency::DanglingMembers) => {}
            None => return Err(Error::Dangling(member.value.clone())),
        }
    }
    Ok(ids)
}

/// Of these, those that are there, where others may be forgiven; else all of them, for the store to
/// refuse.
pub(super) fn there(
    transaction: &mut Transaction<'_>,
    ids: Vec<ResourceId>,
    reading: &Reading,
) -> Result<Vec<ResourceId>> {
    if !reading.would_forgive(Leniency::DanglingMembers) || ids.is_empty() {
        return Ok(ids);
    }
    let known = transaction.possible_members(&ids)?;
    let there: Vec<ResourceId> = ids.iter().copied().filter(|id| known.contains(id)).collect();
    // It is asked where it makes a difference, and the answer is yes.
    if there.len() < ids.len() && reading.forgives(Leniency::DanglingMembers) {
        return Ok(there);
    }
    Ok(ids)
}

/// Applies changes of members in order.
pub(super) fn apply(
    transaction: &mut Transaction<'_>,
    group: ResourceId,
    changes: &[MemberChange],
    now_us: i64,
    reading: &Reading,
) -> Result<Moved> {
    let mut moved = Moved::default();
    for change in changes {
        match change {
            MemberChange::Add(members) => {
                let ids = there(transaction, ids(members, reading)?, reading)?;
                moved.join(transaction.add_members(group, &ids, now_us)?);
            }
            MemberChange::Remove(values) => {
                // What is no id is nobody's, so nobody leaves.
                let ids: Vec<_> = values.iter().filter_map(|value| resource_id(value)).collect();
                moved.leave(transaction.remove_members(group, &ids)?);
            }
            MemberChange::RemoveWhere(condition) => {
                moved.leave(transaction.remove_members_where(group, condition)?);
            }
            MemberChange::Replace(members) => {
                let ids = there(transaction, ids(members, reading)?, reading)?;
                let (joined, left) = transaction.replace_members(group, &ids, now_us)?;
                moved.leave(left);
                moved.join(joined);
            }
        }
    }
    Ok(moved)
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn people(numbers: std::ops::Range<u128>) -> Vec<ResourceId> {
        numbers.map(|number| ResourceId(Uuid::from_u128(number))).collect()
    }

    #[test]
    fn who_joins_and_leaves_again_did_nothing() {
        let mut moved = Moved::default();
        moved.join(people(0..3));
        moved.leave(people(1..4));
        assert_eq!(moved.parts(), [(people(0..1), people(3..4))]);
        let mut moved = Moved::default();
        moved.leave(people(0..3));
        moved.join(people(0..3));
        assert!(moved.is_empty());
    }

    #[test]
    fn everybody_is_listed_once_in_parts_of_bounded_size() {
        for (joined, left) in [(0, 0), (1_000, 0), (600, 400), (600, 401), (2_500, 2_500)] {
            let mut moved = Moved::default();
            moved.join(people(0..joined));
            moved.leave(people(10_000..10_000 + left));
            let parts = moved.parts();
            assert!(parts.iter().all(|(j, l)| (1..=LISTED).contains(&(j.len() + l.len()))));
            let all: Vec<_> = parts.iter().flat_map(|(joined, _)| joined).copied().collect();
            assert_eq!(all, people(0..joined));
            let all: Vec<_> = parts.iter().flat_map(|(_, left)| left).copied().collect();
            assert_eq!(all, people(10_000..10_000 + left));
        }
    }
}
