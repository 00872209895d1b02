//! Fields that depend on each other: given together or not at all, and values that go together.

use super::super::record::{Cause, Misfit};
use super::Rule;
use super::outcome::Outcome;
use serde_json::Value;
use std::collections::BTreeSet;

/// A dependent group is given whole or not at all: where one of its fields has no value, the others
/// are emptied or left alone with it, because the app would refuse half of it.
pub(super) fn whole_groups(rules: &[Rule], outcomes: &mut [Outcome]) {
    let groups: BTreeSet<&str> =
        rules.iter().filter_map(|rule| rule.field.depends.as_deref()).collect();
    for group in groups {
        let member = |rule: &Rule| rule.field.depends.as_deref() == Some(group);
        let of_group = || rules.iter().zip(outcomes.iter()).filter(|(rule, _)| member(rule));
        let set = of_group().any(|(_, outcome)| matches!(outcome, Outcome::Set(_)));
        let left =
            of_group().any(|(_, one)| matches!(one, Outcome::Left(..) | Outcome::Blocked(..)));
        let without = of_group().find(|(_, outcome)| !matches!(outcome, Outcome::Set(_)));
        let Some((without, _)) = without.filter(|_| set || left) else { continue };
        let without = without.field.name.clone();
        for (rule, outcome) in
            rules.iter().zip(outcomes.iter_mut()).filter(|(rule, _)| member(rule))
        {
            let why =
                || format!("{} goes together with {without}, which has no value.", rule.field.name);
            match outcome {
                Outcome::Set(_) if rule.field.mandatory.is_any() => {
                    let remedy = format!("Give {without} a value too.");
                    let misfit = Misfit { field: without.clone(), detail: why(), remedy };
                    *outcome = Outcome::Blocked(Cause::Partner, misfit);
                }
                Outcome::Set(_) if left => {
                    let why = format!("{} The app's field is left as it is.", why());
                    *outcome = Outcome::Left(Cause::Partner, why);
                }
                Outcome::Set(_) => *outcome = Outcome::Cleared(Cause::Partner, why()),
                Outcome::Cleared(cause, why) if left => {
                    let why = format!("{why} The app's field is left as it is.");
                    *outcome = Outcome::Left(*cause, why);
                }
                _ => {}
            }
        }
    }
}

/// Values that the app does not take together stop the object, whichever of the two is wrong.
pub(super) fn allowed(rules: &[Rule], outcomes: &mut [Outcome]) {
    let value = |outcomes: &[Outcome], name: &str| {
        let at = rules.iter().position(|rule| rule.field.name == name)?;
        match outcomes.get(at)? {
            Outcome::Set(value) => Some(value.clone()),
            _ => None,
        }
    };
    for at in 0..rules.len() {
        let Some(field) = rules.get(at).map(|rule| &rule.field) else { continue };
        let Some(allowed) = &field.allowed else { continue };
        let (Some(own), Some(other)) = (value(outcomes, &field.name), value(outcomes, &allowed.by))
        else {
            continue;
        };
        let (own, other) = (plain(&own), plain(&other));
        let Some(fitting) = allowed.values.get(&other) else { continue };
        if fitting.contains(&own) {
            continue;
        }
        let misfit = Misfit {
            field: field.name.clone(),
            detail: format!(
                "{} {own:?} does not go with {} {other:?}, which takes {}.",
                field.name,
                allowed.by,
                fitting.iter().map(|one| format!("{one:?}")).collect::<Vec<_>>().join(", ")
            ),
            remedy: format!("Map {} and {} so that they fit.", field.name, allowed.by),
        };
        if let Some(outcome) = outcomes.get_mut(at) {
            *outcome = Outcome::Blocked(Cause::Misfit, misfit);
        }
    }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
