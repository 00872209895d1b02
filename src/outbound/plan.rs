//! Deciding what to do for one object: pure, and the only place that decides.
//!
//! [`next`] answers the next action for a [`Situation`]; the executor carries it out, writes what
//! came of it into the situation, and asks again until the answer is [`Next::Done`] or
//! [`Next::Park`]. Preview, dry run and worker all ask the same function.

mod link;
mod parked;

pub use link::{Following, Link, Origin};
pub use parked::{Cause, Parked};

use crate::adapters::adapter::{Change, Key, MemberChange, Observed, Reason, RemoteId};
use crate::mapping::field::Kind;
use crate::mapping::record::{Desired, Record};
use crate::outbound::policy::{Leaving, Lost, Policy, Removal};
use crate::scim::value::fold;
use serde::Serialize;
use serde_json::Value;
use std::sync::Arc;

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
    /// Not in the app's scope, and only because nobody assigned them.
    Unassigned,
}

/// Everything that a decision depends on.
#[derive(Debug, Clone, PartialEq)]
pub struct Situation {
    /// User or Group.
    pub kind: Kind,
    /// Whether there should be an account.
    pub standing: Standing,
    /// What it should hold; empty unless `standing` is [`Standing::Member`], or
    /// [`Standing::Deactivated`], of which only the fields by which it is recognised matter.
    pub desired: Desired,
    /// What is remembered.
    pub link: Option<Link>,
    /// What a look by the matching rules found; none before looking.
    pub found: Option<Vec<Found>>,
    /// Fields by which existing objects are recognised, first match first.
    pub match_fields: Vec<String>,
    /// Those of them by which the app cannot be searched.
    pub unsearchable: Vec<String>,
    /// The administrator's decisions.
    pub policy: Arc<Policy>,
    /// When this is: days of grace count from then.
    pub now_us: i64,
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
    /// Remember since when the account's person is leaving, or that they are not; sends nothing.
    Note(Option<i64>),
    /// Nothing is to be done before that instant.
    Wait(i64),
    /// A person must look.
    Park(Parked),
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
    /// The account is protected: it is never touched.
    Protected,
    /// The account is left alone because somebody said so.
    Released,
}

/// The next action for an object.
pub fn next(situation: &Situation) -> Next {
    if is_protected(situation) {
        return match (&situation.link, situation.standing) {
            (Some(_), Standing::Deleted) => Next::Unlink,
            _ => Next::Done(Verdict::Protected),
        };
    }
    if let Some(link) = &situation.link {
        match link.state {
            Following::Kept => {}
            Following::Released if situation.standing == Standing::Deleted => return Next::Unlink,
            Following::Released => return Next::Done(Verdict::Released),
            Following::Lost => return lost(situation, link),
        }
    }
    match situation.standing {
        Standing::Member => join_or_stay(situation),
        standing => leave(situation, standing),
    }
}

/// Whether the account is one that is never touched: by the app's id, or by a value by which it is
/// recognised, of what it holds or of what it would be given.
fn is_protected(situation: &Situation) -> bool {
    let protected = &situation.policy.protected;
    if protected.is_empty() || planted!(Protected) {
        return false;
    }
    let is_listed = |text: &str| protected.iter().any(|one| fold(one) == fold(text));
    let remote = situation.link.as_ref().and_then(|link| link.remote.as_ref());
    let found = situation.found.iter().flatten().map(|found| &found.observed.id);
    let ids = remote.into_iter().chain(found).any(|id| is_listed(&id.0));
    let sent = situation.link.as_ref().map(|link| &link.record);
    let records = [&situation.desired.always, &situation.desired.on_create].into_iter().chain(sent);
    ids || records.into_iter().any(|record| {
        let values = situation.match_fields.iter().filter_map(|field| record.0.get(field));
        values.filter_map(Value::as_str).any(is_listed)
    })
}

/// The app no longer has the account, and policy wants a person asked.
fn lost(situation: &Situation, link: &Link) -> Next {
    if situation.standing != Standing::Member {
        return Next::Unlink;
    }
    if situation.policy.lost == Lost::Recreate {
        return Next::Unlink;
    }
    let id = link.remote.as_ref().map_or("", |remote| remote.0.as_str());
    Next::Park(Parked::new(
        Cause::Lost,
        Reason {
            field: None,
            detail: format!("The app no longer has the account {id}."),
            remedy: "Relink it to have it looked for and made anew, or unlink it to leave it so."
                .into(),
        },
    ))
}

fn join_or_stay(situation: &Situation) -> Next {
    if let Some(problem) = situation.desired.problems.first() {
        return Next::Park(Parked::new(
            Cause::Mapping,
            Reason {
                field: Some(problem.field.clone()),
                detail: problem.detail.clone(),
                remedy: problem.remedy.clone(),
            },
        ));
    }
    let Some((link, remote)) =
        situation.link.as_ref().and_then(|link| link.remote.as_ref().map(|remote| (link, remote)))
    else {
        return join(situation);
    };
    if link.leaving_us.is_some() {
        return Next::Note(None);
    }
    if !link.is_on() {
        return Next::SetActive(remote.clone(), true);
    }
    let change = difference(&link.held(), &situation.desired.always);
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
            Next::Park(Parked::new(
                Cause::Unrecognisable,
                Reason {
                    field: situation.match_fields.first().cloned(),
                    detail: "No field by which the app could recognise the object has a value."
                        .into(),
                    remedy: format!(
                        "Map {} to a field that everybody has.",
                        quoted(&situation.match_fields)
                    ),
                },
            ))
        } else {
            look(situation, keys)
        };
    };
    if is_renamed(situation) && found.iter().all(|one| one.taken) {
        // Nothing is left under the name that was sent: it is looked for by the name of now.
        return Next::Unlink;
    }
    match found.as_slice() {
        [] => Next::Create(creation(&situation.desired)),
        [only] if !only.taken => Next::Adopt(only.observed.clone()),
        [only] => Next::Park(taken(situation, &only.observed)),
        several => Next::Park(Parked {
            cause: Cause::Disputed,
            reason: Reason {
                field: None,
                detail: format!(
                    "{} objects of the app match: {}.",
                    several.len(),
                    several
                        .iter()
                        .map(|one| one.observed.id.0.as_str())
                        .collect::<Vec<_>>()
                        .join(", ")
                ),
                remedy:
                    "Link the one that it is, or remove or rename the others in the app and retry."
                        .into(),
            },
            candidates: several.iter().map(|one| one.observed.id.0.clone()).collect(),
        }),
    }
}

/// A look by these keys, unless the app cannot be searched by one of them: what it does not find by
/// another may be there all the same.
fn look(situation: &Situation, keys: Vec<Key>) -> Next {
    let hidden = keys.iter().find(|key| situation.unsearchable.contains(&key.field));
    let Some(key) = hidden else { return Next::Look(keys) };
    Next::Park(Parked::new(
        Cause::Unsupported,
        Reason {
            field: Some(key.field.clone()),
            detail: format!("The app cannot be searched by {:?}.", key.field),
            remedy:
                "Leave it out of the policy's matching: GET /api/v1/adapters lists what can be \
                     searched by."
                    .into(),
        },
    ))
}

/// Whose an object is is known by its id; that another resource has the same name does not change it.
fn taken(situation: &Situation, observed: &Observed) -> Parked {
    let text = |value: &Value| value.as_str().map(fold);
    let same = keys(situation).into_iter().find(|key| {
        let theirs = observed.record.0.get(&key.field).and_then(text);
        theirs.is_some() && theirs == text(&key.value)
    });
    let field = same.map(|key| key.field);
    let alike = field.as_ref().map(|field| format!(" with the same {field}")).unwrap_or_default();
    let id = &observed.id.0;
    Parked {
        cause: Cause::Taken,
        reason: Reason {
            detail: format!("The app's object {id}{alike} belongs to another resource."),
            remedy: format!(
                "Let them differ in {}, or remove the other resource.",
                field.clone().unwrap_or_else(|| quoted(&situation.match_fields))
            ),
            field,
        },
        candidates: vec![id.clone()],
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
            None if !keys(situation).is_empty() => look(situation, keys(situation)),
            Some(found) => match found.as_slice() {
                [only] if !only.taken => Next::Adopt(only.observed.clone()),
                _ => Next::Unlink,
            },
            None => Next::Unlink,
        };
    };
    let wish = wish(situation, standing);
    let may_switch_off = situation.can_deactivate && situation.kind == Kind::User;
    // What is deleted after a while is switched off meanwhile, and so is what was not made by us.
    let switches_off = match wish.action {
        Removal::Nothing => false,
        Removal::Deactivate => due(wish, link, situation.now_us),
        Removal::Delete => true,
    };
    let deletes = wish.action == Removal::Delete && link.origin == Origin::Created;
    if deletes && due(wish, link, situation.now_us) {
        return Next::Delete(remote.clone());
    }
    let waits = wish.after_days > 0
        && (deletes || (wish.action == Removal::Deactivate && may_switch_off && link.is_on()));
    if waits && link.leaving_us.is_none() {
        return Next::Note(Some(situation.now_us));
    }
    if switches_off && may_switch_off && link.is_on() {
        return Next::SetActive(remote.clone(), false);
    }
    if wish.action != Removal::Nothing
        && !link.is_on()
        && let Some(update) = renamed(situation, link, remote)
    {
        return update;
    }
    if waits {
        return Next::Wait(end_of_grace(wish, link, situation.now_us));
    }
    if gone {
        return Next::Unlink;
    }
    match wish.action {
        Removal::Nothing => Next::Done(Verdict::LeftAlone),
        _ if link.is_on() => Next::Done(Verdict::LeftAlone),
        _ => Next::Done(Verdict::SwitchedOff),
    }
}

/// An account that is switched off gives up the name that its person no longer has: somebody else
/// may have it by now.
fn renamed(situation: &Situation, link: &Link, remote: &RemoteId) -> Option<Next> {
    let desired = &situation.desired.always.0;
    let names = situation.match_fields.iter().filter_map(|field| {
        let value = desired.get(field).filter(|value| !value.is_null())?;
        Some((field.clone(), value.clone()))
    });
    let names = Record(names.collect());
    let change = difference(&link.held(), &names);
    (!change.is_empty()).then(|| Next::Update(remote.clone(), change, whole(&link.record, &names)))
}

/// What policy says about somebody who leaves in this way.
fn wish(situation: &Situation, standing: Standing) -> Leaving {
    let policy = &situation.policy;
    match (situation.kind, standing) {
        (Kind::Group, Standing::Deleted) => policy.group_deleted,
        (Kind::Group, _) => Leaving::now(Removal::Nothing),
        (Kind::User, Standing::Deleted) => policy.deleted,
        (Kind::User, Standing::OutOfScope) => policy.out_of_scope,
        (Kind::User, Standing::Unassigned) => policy.unassigned,
        (Kind::User, _) => policy.deactivated,
    }
}

const DAY_US: i64 = 86_400_000_000;

/// When the days of grace are over; from now, where they have not begun.
fn end_of_grace(wish: Leaving, link: &Link, now_us: i64) -> i64 {
    let begun = link.leaving_us.unwrap_or(now_us);
    begun.saturating_add(i64::from(wish.after_days).saturating_mul(DAY_US))
}

fn due(wish: Leaving, link: &Link, now_us: i64) -> bool {
    wish.after_days == 0
        || planted!(Grace)
        || (link.leaving_us.is_some() && end_of_grace(wish, link, now_us) <= now_us)
}

/// By what the object is looked for: by what was sent when it was to be made, if that may have taken
/// effect, because it then has that name and not the one its person has by now.
fn keys(situation: &Situation) -> Vec<Key> {
    let sent = keys_sent(situation);
    if sent.is_empty() { keys_wanted(situation) } else { sent }
}

fn keys_sent(situation: &Situation) -> Vec<Key> {
    let in_doubt = situation.link.as_ref().filter(|link| link.remote.is_none());
    in_doubt.map(|link| keys_in(situation, &[&link.record])).unwrap_or_default()
}

fn keys_wanted(situation: &Situation) -> Vec<Key> {
    keys_in(situation, &[&situation.desired.always, &situation.desired.on_create])
}

fn keys_in(situation: &Situation, records: &[&Record]) -> Vec<Key> {
    let fields = situation.match_fields.iter().filter_map(|field| {
        let value = records.iter().find_map(|record| record.0.get(field))?;
        (!value.is_null()).then(|| Key { field: field.clone(), value: value.clone() })
    });
    fields.collect()
}

/// Whether what may have been made has a name that its object no longer has.
fn is_renamed(situation: &Situation) -> bool {
    let wanted = keys_wanted(situation);
    keys_sent(situation).iter().any(|key| !wanted.contains(key))
}

/// Whether an account that a look by `key` found may be what was `sent` to be made for somebody: it
/// has the same value in a field by which accounts are recognised, or in the one that was looked by.
pub fn may_be(observed: &Observed, sent: &Record, key: &Key, match_fields: &[String]) -> bool {
    let is_same = |one: Option<&Value>, other: Option<&Value>| {
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), fold);
        matches!((one, other), (Some(one), Some(other)) if !one.is_null() && text(one) == text(other))
    };
    is_same(sent.0.get(&key.field), Some(&key.value))
        || match_fields.iter().any(|field| is_same(sent.0.get(field), observed.record.0.get(field)))
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
