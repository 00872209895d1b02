//! Operations on the members of a group, which become changes and touch no document.

use super::apply::read_only;
use super::elements::arrayed;
use super::target::Target;
use super::{MemberChange, Op};
use crate::scim::error::{Error, Fault};
use crate::scim::filter::{Filter, Literal, Operator};
use crate::scim::resource::shape::Shape;
use crate::scim::resource::{Member, immutable, members};
use crate::scim::schema::{Attribute, Mutability, Place};
use serde_json::Value;
use std::collections::HashSet;

/// `members`
pub(super) fn whole(
    op: Op,
    place: &Place<'_>,
    value: Option<&Value>,
    shape: Shape<'_>,
) -> Result<Option<MemberChange>, Error> {
    if let Some(sub) = place.sub {
        return Err(fixed(sub, &place.key()));
    }
    let read = |value: &Value| members::read(place.attribute, value.clone(), shape);
    Ok(Some(match (op, value) {
        (Op::Add | Op::Replace, None) => return Err(Fault::NoValue.into()),
        (Op::Add, Some(value)) => MemberChange::Add(read(&arrayed(value))?),
        (Op::Replace, Some(value)) => MemberChange::Replace(read(value)?),
        (Op::Remove, Some(value)) if !value.is_null() => {
            MemberChange::Remove(ids(read(&arrayed(value))?))
        }
        (Op::Remove, _) => MemberChange::Replace(Vec::new()),
    }))
}

/// `members[…]`
pub(super) fn selected(
    op: Op,
    target: &Target<'_>,
    value: Option<&Value>,
    shape: Shape<'_>,
) -> Result<Vec<MemberChange>, Error> {
    let Target::Elements { place, condition, filter, .. } = target else { return Ok(Vec::new()) };
    if let Some(sub) = place.sub {
        return Err(fixed(sub, &place.key()));
    }
    let leaving = match one_id(filter) {
        Some(id) => MemberChange::Remove(vec![id.to_owned()]),
        None => MemberChange::RemoveWhere(condition.clone()),
    };
    if op == Op::Remove {
        return Ok(vec![leaving]);
    }
    // A member is its id: another value for it is another member.
    let joining = match value {
        None => return Err(Fault::NoValue.into()),
        Some(value) => members::read(place.attribute, arrayed(value), shape)?,
    };
    Ok(match op {
        Op::Replace => vec![leaving, MemberChange::Add(joining)],
        Op::Add | Op::Remove => vec![MemberChange::Add(joining)],
    })
}

/// Appends a change, as part of the one before it where that means the same.
pub(super) fn then(changes: &mut Vec<MemberChange>, next: MemberChange) {
    match (changes.last_mut(), next) {
        (_, MemberChange::Replace(all)) => {
            changes.clear();
            changes.push(MemberChange::Replace(all));
        }
        (
            Some(MemberChange::Add(before) | MemberChange::Replace(before)),
            MemberChange::Add(more),
        ) => {
            before.extend(more);
        }
        (Some(MemberChange::Remove(before)), MemberChange::Remove(more)) => before.extend(more),
        (_, next) => changes.push(next),
    }
}

/// The changes without repetitions and without those that say nothing.
pub(super) fn settled(mut changes: Vec<MemberChange>) -> Vec<MemberChange> {
    changes.retain_mut(|change| match change {
        MemberChange::Add(members) => {
            once(members, |member| member.value.clone());
            !members.is_empty()
        }
        MemberChange::Remove(ids) => {
            once(ids, String::clone);
            !ids.is_empty()
        }
        MemberChange::Replace(members) => {
            once(members, |member| member.value.clone());
            true
        }
        MemberChange::RemoveWhere(_) => true,
    });
    changes
}

fn once<T>(list: &mut Vec<T>, id: impl Fn(&T) -> String) {
    let mut seen = HashSet::with_capacity(list.len());
    list.retain(|item| seen.insert(id(item)));
}

fn ids(members: Vec<Member>) -> Vec<String> {
    members.into_iter().map(|member| member.value).collect()
}

/// The id of `value eq "id"`.
fn one_id(filter: &Filter) -> Option<&str> {
    match filter {
        Filter::Compare(path, Operator::Equal, Literal::String(id))
            if path.attribute.eq_ignore_ascii_case("value") =>
        {
            Some(id)
        }
        _ => None,
    }
}

fn fixed(sub: &Attribute, name: &str) -> Error {
    if sub.mutability == Mutability::ReadOnly { read_only(name) } else { immutable(name) }
}
