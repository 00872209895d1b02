//! Deciding what to do for one object: pure, and the only place that decides.
//!
//! [`next`] answers the next action for a [`Situation`]; the executor carries it out, writes what
//! came of it into the situation, and asks again until the answer is [`Next::Done`] or
//! [`Next::Park`]. Preview, dry run and worker all ask the same function.

use crate::adapters::adapter::{Change, Key, MemberChange, Observed, Reason, RemoteId};
use crate::mapping::field::Kind;
use crate::mapping::record::{Desired, Record};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What happens to an account when its person leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Leaving {
    /// The account is left as it is.
    Nothing,
    /// It is switched off.
    Deactivate,
    /// It is deleted, if Rollcall made it; one that was there before is switched off.
    Delete,
}

/// What an app's administrator decided about leavers and groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Policy {
    /// A person becomes inactive.
    pub deactivated: Leaving,
    /// A person is deleted.
    pub deleted: Leaving,
    /// A person no longer belongs to the app's scope.
    pub out_of_scope: Leaving,
    /// Whether groups are pushed.
    pub groups: bool,
    /// A group is deleted. Groups cannot be switched off: `deactivate` leaves them.
    pub group_deleted: Leaving,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            deactivated: Leaving::Deactivate,
            deleted: Leaving::Deactivate,
            out_of_scope: Leaving::Deactivate,
            groups: true,
            group_deleted: Leaving::Delete,
        }
    }
}

/// How an account came to be linked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    /// Rollcall made it.
    Created,
    /// It was there before.
    Adopted,
}

/// What Rollcall remembers of an account.
#[derive(Debug, Clone, PartialEq)]
pub struct Link {
    /// The app's id; none while it is unknown whether a creation took effect.
    pub remote: Option<RemoteId>,
    /// Whether the account is switched on, as far as Rollcall knows.
    pub active: bool,
    /// How it came to be linked.
    pub origin: Origin,
    /// What the app last accepted.
    pub record: Record,
}

/// Why somebody should have no account, or should have one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Standing {
    /// Should have an account.
    Member,
    /// Inactive in the directory.
    Deactivated,
    /// Deleted from the directory.
    Deleted,
    /// Not in the app's scope.
    OutOfScope,
}

/// Everything that a decision depends on.
#[derive(Debug, Clone, PartialEq)]
pub struct Situation {
    /// User or Group.
    pub kind: Kind,
    /// Whether there should be an account.
    pub standing: Standing,
    /// What it should hold; empty unless `standing` is [`Standing::Member`].
    pub desired: Desired,
    /// What is remembered.
    pub link: Option<Link>,
    /// What a look by the matching rules found; none before looking.
    pub found: Option<Vec<Found>>,
    /// Fields by which existing objects are recognised, first match first.
    pub match_fields: Vec<String>,
    /// The administrator's decisions.
    pub policy: Policy,
    /// Whether the app can switch accounts off.
    pub can_deactivate: bool,
    /// The first members of whom the app is to be told once a group is in sync; only rehearsals are
    /// told, because the worker asks again when it comes to them.
    pub members: MemberChange,
}

/// An object that a look found.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// As the app shows it.
    pub observed: Observed,
    /// Whether it is linked to another resource that is still there.
    pub taken: bool,
}

/// What to do next.
#[derive(Debug, Clone, PartialEq)]
pub enum Next {
    /// Nothing is left to do.
    Done(Verdict),
    /// Look for the object by these keys, in order, until one finds something.
    Look(Vec<Key>),
    /// Make it.
    Create(Record),
    /// Remember this object as ours; sends nothing.
    Adopt(Observed),
    /// Change it; the record is everything it should then hold.
    Update(RemoteId, Change, Record),
    /// Switch it off or on.
    SetActive(RemoteId, bool),
    /// Remove it, then forget it.
    Delete(RemoteId),
    /// Forget it; sends nothing.
    Unlink,
    /// A person must look.
    Park(Reason),
}

/// Why there is nothing to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Verdict {
    /// The app holds what it should.
    InSync,
    /// The account is switched off, as it should be.
    SwitchedOff,
    /// There is no account, and there should be none.
    NoAccount,
    /// The account is left alone by policy.
    LeftAlone,
}

/// The next action for an object.
pub fn next(situation: &Situation) -> Next {
    match situation.standing {
        Standing::Member => join_or_stay(situation),
        standing => leave(situation, standing),
    }
}

fn join_or_stay(situation: &Situation) -> Next {
    if let Some(problem) = situation.desired.problems.first() {
        return Next::Park(Reason {
            field: Some(problem.field.clone()),
            detail: problem.detail.clone(),
            remedy: problem.remedy.clone(),
        });
    }
    let Some((link, remote)) =
        situation.link.as_ref().and_then(|link| link.remote.as_ref().map(|remote| (link, remote)))
    else {
        return join(situation);
    };
    if !link.active {
        return Next::SetActive(remote.clone(), true);
    }
    let change = difference(&link.record, &situation.desired.always);
    if change.is_empty() {
        return Next::Done(Verdict::InSync);
    }
    Next::Update(remote.clone(), change, whole(&link.record, &situation.desired.always))
}

/// No account is known: look, then make one or take over the one that is there.
fn join(situation: &Situation) -> Next {
    let Some(found) = &situation.found else {
        let keys = keys(situation);
        return if keys.is_empty() {
            Next::Park(Reason {
                field: situation.match_fields.first().cloned(),
                detail: "No field by which the app could recognise the object has a value.".into(),
                remedy: format!(
                    "Map {} to a field that everybody has.",
                    quoted(&situation.match_fields)
                ),
            })
        } else {
            Next::Look(keys)
        };
    };
    match found.as_slice() {
        [] => Next::Create(creation(&situation.desired)),
        [only] if !only.taken => Next::Adopt(only.observed.clone()),
        [only] => Next::Park(Reason {
            field: None,
            detail: format!(
                "The app's object {} already belongs to another resource.",
                only.observed.id.0
            ),
            remedy: "Make the matching fields differ, or remove the other resource.".into(),
        }),
        several => Next::Park(Reason {
            field: None,
            detail: format!(
                "{} objects of the app match: {}.",
                several.len(),
                several.iter().map(|one| one.observed.id.0.as_str()).collect::<Vec<_>>().join(", ")
            ),
            remedy: "Remove or rename all but one in the app, then retry.".into(),
        }),
    }
}

fn leave(situation: &Situation, standing: Standing) -> Next {
    let Some(link) = &situation.link else {
        return Next::Done(Verdict::NoAccount);
    };
    let gone = standing == Standing::Deleted;
    let Some(remote) = &link.remote else {
        // A creation may have taken effect. Without a resource there is nothing to look for by.
        return match &situation.found {
            None if !keys(situation).is_empty() => Next::Look(keys(situation)),
            Some(found) => match found.as_slice() {
                [only] if !only.taken => Next::Adopt(only.observed.clone()),
                _ => Next::Unlink,
            },
            None => Next::Unlink,
        };
    };
    let wish = match (situation.kind, standing) {
        (Kind::Group, Standing::Deleted) => situation.policy.group_deleted,
        (Kind::Group, _) => Leaving::Nothing,
        (Kind::User, Standing::Deleted) => situation.policy.deleted,
        (Kind::User, Standing::OutOfScope) => situation.policy.out_of_scope,
        (Kind::User, _) => situation.policy.deactivated,
    };
    let may_switch_off = situation.can_deactivate && situation.kind == Kind::User;
    match wish {
        Leaving::Delete if link.origin == Origin::Created => Next::Delete(remote.clone()),
        Leaving::Deactivate | Leaving::Delete if may_switch_off && link.active => {
            Next::SetActive(remote.clone(), false)
        }
        _ if gone => Next::Unlink,
        Leaving::Nothing => Next::Done(Verdict::LeftAlone),
        _ if link.active => Next::Done(Verdict::LeftAlone),
        _ => Next::Done(Verdict::SwitchedOff),
    }
}

/// By what the object is looked for. Falls back to what was last sent, for leavers whose creation
/// is in doubt.
fn keys(situation: &Situation) -> Vec<Key> {
    let sent = situation.link.as_ref().map(|link| &link.record);
    situation
        .match_fields
        .iter()
        .filter_map(|field| {
            let value = [&situation.desired.always, &situation.desired.on_create]
                .into_iter()
                .chain(sent)
                .find_map(|record| record.0.get(field))
                .filter(|value| !value.is_null())?;
            Some(Key { field: field.clone(), value: value.clone() })
        })
        .collect()
}

/// What a new object is given: everything that has a value.
pub fn creation(desired: &Desired) -> Record {
    let fields = desired.on_create.0.iter().chain(&desired.always.0);
    Record(
        fields
            .filter(|(_, value)| !value.is_null())
            .map(|(field, value)| (field.clone(), value.clone()))
            .collect(),
    )
}

/// What must change for an object that holds `accepted` to hold `desired`. Fields that are not
/// desired are left alone.
pub fn difference(accepted: &Record, desired: &Record) -> Change {
    let mut change = Change::default();
    for (field, value) in &desired.0 {
        let before = accepted.0.get(field).filter(|value| !value.is_null());
        match (before, value) {
            (None, Value::Null) => {}
            (Some(_), Value::Null) => change.cleared.push(field.clone()),
            (Some(before), value) if before == value => {}
            (before, value) => {
                if before.is_none() {
                    change.added.insert(field.clone());
                }
                change.set.insert(field.clone(), value.clone());
            }
        }
    }
    change
}

/// What the object holds once `desired` has been applied to `accepted`.
pub fn whole(accepted: &Record, desired: &Record) -> Record {
    let mut whole = accepted.clone();
    for (field, value) in &desired.0 {
        if value.is_null() {
            whole.0.remove(field);
        } else {
            whole.0.insert(field.clone(), value.clone());
        }
    }
    whole
}

fn quoted(fields: &[String]) -> String {
    fields.iter().map(|field| format!("{field:?}")).collect::<Vec<_>>().join(" or ")
}

#[cfg(test)]
mod tests;
