//! What a mapping or a scope would do to everybody: counted one by one, in constant memory.

use super::field::Kind;
use super::record::{Cause, Desired, Record};
use super::samples::{Pick, Samples};
use serde::Serialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Named examples kept per action.
const EXAMPLES: usize = 5;
/// Differing fields shown of an example.
const SHOWN: usize = 10;

/// Objects by kind and action: `{"User": {"create": 3, "unchanged": 40}}`.
pub type Counts = BTreeMap<&'static str, BTreeMap<&'static str, u64>>;

/// What a Quick Sync would do to everybody.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Impact {
    /// Objects that were looked at.
    pub objects: u64,
    /// What would be sent with what was asked about.
    pub counts: Counts,
    /// What would be sent with what is in force.
    pub in_force: Counts,
    /// Objects that would be told something else than with what is in force.
    pub affected: u64,
    /// Members that groups would lose and gain, because somebody has an account no longer or anew.
    pub memberships: Memberships,
    /// What would become of each field, by kind and field.
    pub fields: BTreeMap<&'static str, BTreeMap<String, Histogram>>,
    /// The first few objects by action.
    pub examples: BTreeMap<&'static str, Vec<Example>>,
    /// People on whom the mapping is best tried.
    pub samples: Vec<Pick>,
    /// One sentence.
    pub verdict: String,
}

/// Changes of members.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Memberships {
    /// Members that groups of the app gain.
    pub gained: u64,
    /// Members that groups of the app lose.
    pub lost: u64,
}

/// What would become of one field, in objects that should have an account.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Histogram {
    /// It gets a value and had none.
    pub set: u64,
    /// It gets another value.
    pub changed: u64,
    /// It loses its value.
    pub cleared: u64,
    /// It keeps its value.
    pub kept: u64,
    /// It has no value, by the kind of reason.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub absent: BTreeMap<Cause, u64>,
}

/// An object, and what would change in it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Example {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// What would happen, in one sentence.
    pub sentence: String,
    /// Fields that differ.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<FieldChange>,
}

/// A field that differs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FieldChange {
    /// The app field.
    pub field: String,
    /// What the app last accepted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub old: Option<Value>,
    /// What it should hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub new: Option<Value>,
}

/// What was found out about one object.
#[derive(Debug, Clone, Copy)]
pub struct Seen<'a> {
    /// User or Group.
    pub kind: Kind,
    /// Its id.
    pub id: &'a str,
    /// The complete resource; none where it is gone from the directory.
    pub resource: Option<&'a Map<String, Value>>,
    /// What it should hold; none where it should have no account.
    pub desired: Option<&'a Desired>,
    /// What the app last accepted; none where there is no account.
    pub accepted: Option<&'a Record>,
    /// What would be done: `create`, `update`, `deactivate`, …, `unchanged`.
    pub action: &'static str,
    /// The same in one sentence.
    pub sentence: &'a str,
    /// What would be done with what is in force.
    pub in_force: &'static str,
    /// Whether it would be told something else than with what is in force.
    pub affected: bool,
    /// Groups of the app it is in.
    pub groups: u64,
}

/// Counts objects one by one.
#[derive(Debug)]
pub struct Tally {
    impact: Impact,
    samples: Samples,
}

impl Tally {
    /// Nothing counted yet. `expected` objects will be seen, roughly; `keys` are the app fields by
    /// which accounts are recognised, `references` those that hold other people's accounts.
    pub fn new(expected: u64, keys: Vec<String>, references: Vec<String>) -> Self {
        Self { impact: Impact::default(), samples: Samples::new(expected, keys, references) }
    }

    /// How many were seen.
    pub const fn objects(&self) -> u64 {
        self.impact.objects
    }

    /// Counts one.
    pub fn see(&mut self, seen: &Seen<'_>) {
        let impact = &mut self.impact;
        let kind = seen.kind.as_str();
        impact.objects += 1;
        *impact.counts.entry(kind).or_default().entry(seen.action).or_default() += 1;
        *impact.in_force.entry(kind).or_default().entry(seen.in_force).or_default() += 1;
        impact.affected += u64::from(seen.affected);
        match (seen.in_force, seen.action) {
            ("deactivate" | "delete", _) => {}
            (_, "deactivate" | "delete") => impact.memberships.lost += seen.groups,
            ("create" | "reactivate", _) => {}
            (_, "create" | "reactivate") => impact.memberships.gained += seen.groups,
            _ => {}
        }
        let nothing = Record::default();
        let accepted = seen.accepted.unwrap_or(&nothing);
        let mut changes = Vec::new();
        if let Some(desired) = seen.desired {
            let fields = impact.fields.entry(kind).or_default();
            changes = count_fields(fields, desired, accepted, seen.accepted.is_some());
            if let (Kind::User, Some(resource)) = (seen.kind, seen.resource) {
                self.samples.see(seen.id, resource, desired);
            }
        }
        if seen.action != "unchanged" {
            let examples = impact.examples.entry(seen.action).or_default();
            if examples.len() < EXAMPLES {
                changes.truncate(SHOWN);
                examples.push(Example {
                    id: seen.id.to_owned(),
                    name: seen.resource.map(name).unwrap_or_default(),
                    sentence: seen.sentence.to_owned(),
                    fields: changes,
                });
            }
        }
    }

    /// What was counted.
    pub fn end(self) -> Impact {
        let mut impact = self.impact;
        impact.samples = self.samples.picks();
        impact.verdict = verdict(&impact);
        impact
    }
}

/// Counts the fields of one object; answers those that differ.
fn count_fields(
    fields: &mut BTreeMap<String, Histogram>,
    desired: &Desired,
    accepted: &Record,
    has_account: bool,
) -> Vec<FieldChange> {
    let mut changes = Vec::new();
    // What is given once is not given to an account that is there.
    let once = (!has_account).then_some(&desired.on_create.0);
    for (field, new) in desired.always.0.iter().chain(once.into_iter().flatten()) {
        let histogram = of(fields, field);
        let old = accepted.0.get(field).filter(|value| !value.is_null());
        let new = Some(new).filter(|value| !value.is_null());
        match (old, new) {
            (None, Some(_)) => histogram.set += 1,
            (Some(_), None) => histogram.cleared += 1,
            (Some(old), Some(new)) if old != new => histogram.changed += 1,
            (Some(_), Some(_)) => histogram.kept += 1,
            (None, None) => {}
        }
        if old != new {
            changes.push(FieldChange {
                field: field.clone(),
                old: old.cloned(),
                new: new.cloned(),
            });
        }
    }
    for (field, absence) in &desired.absent {
        *of(fields, field).absent.entry(absence.cause).or_default() += 1;
    }
    changes
}

fn of<'a>(fields: &'a mut BTreeMap<String, Histogram>, field: &str) -> &'a mut Histogram {
    if !fields.contains_key(field) {
        fields.insert(field.to_owned(), Histogram::default());
    }
    fields.entry(field.to_owned()).or_default()
}

/// The name of a person or group for people.
pub fn name(resource: &Map<String, Value>) -> String {
    ["displayName", "userName", "id"]
        .iter()
        .find_map(|field| resource.get(*field).and_then(Value::as_str))
        .unwrap_or_default()
        .to_owned()
}

/// What would be done, in words: `3 to create`, `2 to switch off`. `total` says how many objects each
/// action concerns.
pub fn in_words(total: impl Fn(&str) -> u64) -> Vec<String> {
    [
        ("create", "to create"),
        ("adopt", "to take over"),
        ("update", "to update"),
        ("reactivate", "to switch on"),
        ("deactivate", "to switch off"),
        ("delete", "to delete"),
        ("refused", "that need attention first"),
    ]
    .into_iter()
    .filter_map(|(action, words)| {
        let number = total(action);
        (number > 0).then(|| format!("{number} {words}"))
    })
    .collect()
}

fn verdict(impact: &Impact) -> String {
    let total = |action: &str| -> u64 {
        impact.counts.values().filter_map(|counts| counts.get(action)).sum()
    };
    let parts = in_words(total);
    let all = impact.objects;
    let affected = match impact.affected {
        0 => "nobody is told anything else than now".to_owned(),
        1 => "one object is told something else than now".to_owned(),
        more => format!("{more} objects are told something else than now"),
    };
    if parts.is_empty() {
        format!("Nothing would be sent: all {all} objects are in sync; {affected}.")
    } else {
        format!("{} of {all} objects; {affected}.", parts.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn desired(always: Value) -> Desired {
        Desired { always: serde_json::from_value(always).unwrap(), ..Desired::default() }
    }

    #[test]
    fn counts_add_up_and_examples_are_few() {
        let mut tally = Tally::new(10, vec!["login".into()], Vec::new());
        let accepted: Record =
            serde_json::from_value(json!({ "login": "a", "department": "Sales" })).unwrap();
        for number in 0..10 {
            let resource = json!({ "userName": format!("u{number}") });
            let wanted = desired(json!({ "login": "a", "department": "Service", "city": null }));
            tally.see(&Seen {
                kind: Kind::User,
                id: &number.to_string(),
                resource: resource.as_object(),
                desired: Some(&wanted),
                accepted: Some(&accepted),
                action: if number < 8 { "update" } else { "deactivate" },
                sentence: "The account is updated.",
                in_force: "unchanged",
                affected: true,
                groups: 2,
            });
        }
        let impact = tally.end();
        assert_eq!(impact.counts["User"], BTreeMap::from([("update", 8), ("deactivate", 2)]));
        assert_eq!(impact.in_force["User"], BTreeMap::from([("unchanged", 10)]));
        assert_eq!((impact.objects, impact.affected), (10, 10));
        assert_eq!(impact.memberships, Memberships { gained: 0, lost: 4 });
        let field = &impact.fields["User"];
        assert_eq!((field["login"].kept, field["department"].changed), (10, 10));
        assert_eq!(impact.examples["update"].len(), 5);
        assert_eq!(impact.examples["update"][0].name, "u0");
        assert_eq!(
            serde_json::to_value(&impact.examples["update"][0].fields).unwrap(),
            json!([{ "field": "department", "old": "Sales", "new": "Service" }])
        );
        assert_eq!(
            impact.verdict,
            "8 to update, 2 to switch off of 10 objects; 10 objects are told something else than now."
        );
    }
}
