//! Turning rules of a document into rules that can be applied, with every problem on the way.

use super::super::document::{self, Apply, Normaliser};
use super::super::field::{AppField, AppSchema, FieldType, Kind, Mutability};
use super::super::form::Form;
use super::super::selector::Selector;
use super::super::template::Template;
use super::super::{expression, suggest, words};
use super::source::{Origin, Source};
use super::{OnEmpty, Problem, Rule, Rules, fit};
use crate::scim::filter::{self, Condition};
use crate::scim::schema::{Registry, ResourceType, Type};
use crate::scim::value::fold;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Most normalisers of one rule.
const MOST_NORMALISERS: usize = 16;

/// Checks the rules of one kind of object.
pub(super) fn rules(
    kind: Kind,
    rules: &[document::Rule],
    app: &AppSchema,
    directory: &Registry,
    problems: &mut Vec<Problem>,
) -> Rules {
    let fields = app.fields(kind);
    let mut compiled = Vec::new();
    let mut mapped = BTreeSet::new();
    let mut report = |field: &str, detail: String| {
        problems.push(Problem { field: format!("{}/{field}", kind.place()), detail });
    };
    for rule in rules {
        let Some(field) = fields.iter().find(|field| field.name == rule.field) else {
            report(&rule.field, unknown(&rule.field, kind, fields));
            continue;
        };
        if !mapped.insert(field.name.as_str()) {
            report(&field.name, "the field has two rules; remove one.".to_owned());
            continue;
        }
        let Some(resource) = directory.named(kind.as_str()) else {
            report(
                &field.name,
                format!("the directory has no resource type {}; remove the rule.", kind.as_str()),
            );
            continue;
        };
        match compile(resource, field, rule) {
            Ok(rule) => compiled.push(rule),
            Err(details) => details.into_iter().for_each(|detail| report(&field.name, detail)),
        }
    }
    for (field, detail) in halves(fields, &mapped) {
        report(field, detail);
    }
    for (field, detail) in torn(&compiled).into_iter().chain(contradictions(&compiled)) {
        report(&field, detail);
    }
    let unmapped: Vec<&AppField> = fields
        .iter()
        .filter(|field| field.mandatory.is_any() && !mapped.contains(field.name.as_str()))
        .collect();
    let unmapped_mandatory = unmapped.iter().map(|field| field.name.clone()).collect();
    if let Some(resource) = directory.named(kind.as_str()) {
        for field in unmapped {
            match implied(resource, field) {
                Ok(rule) => compiled.push(rule),
                Err(details) => details.into_iter().for_each(|detail| report(&field.name, detail)),
            }
        }
    }
    Rules { rules: compiled, unmapped_mandatory }
}

/// The rule of a mandatory field that the document leaves out: what the assignment says.
fn implied(kind: &ResourceType, field: &AppField) -> Result<Rule, Vec<String>> {
    let apply = match field.mutability {
        Mutability::CreateOnly => Apply::Create,
        Mutability::ReadWrite | Mutability::Locked => Apply::Always,
    };
    let rule = document::Rule {
        field: field.name.clone(),
        source: document::Source::Assignment,
        apply,
        on_empty: document::OnEmpty::Skip,
        normalise: Vec::new(),
    };
    compile(kind, field, &rule).map(|rule| Rule { implied: true, ..rule })
}

fn unknown(name: &str, kind: Kind, fields: &[AppField]) -> String {
    if fields.is_empty() {
        return format!("the app has no {}; remove the rule.", kind.place());
    }
    let near = suggest::nearest(name, fields.iter().map(|field| field.name.as_str()));
    format!("the app has no field {name}; correct or remove the rule.{near}")
}

/// Fields that are missing from a dependent group of which others are mapped.
fn halves<'a>(
    fields: &'a [AppField],
    mapped: &BTreeSet<&str>,
) -> impl Iterator<Item = (&'a str, String)> {
    let mut groups: BTreeMap<&str, (Vec<&str>, Vec<&str>)> = BTreeMap::new();
    for field in fields {
        if let Some(group) = &field.depends {
            let (there, missing) = groups.entry(group).or_default();
            if mapped.contains(field.name.as_str()) { there } else { missing }.push(&field.name);
        }
    }
    groups.into_iter().filter(|(_, (there, _))| !there.is_empty()).flat_map(
        |(group, (there, missing))| {
            let there = there.join(", ");
            missing.into_iter().map(move |name| {
                let detail = format!(
                    "{name} goes together with {there} (group {group}); map it too, or leave all \
                     of them unmapped."
                );
                (name, detail)
            })
        },
    )
}

/// Fields of a dependent group of which some are given once and others always: sooner or later half
/// of the group would be sent.
fn torn(rules: &[Rule]) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for rule in rules {
        let Some(group) = &rule.field.depends else { continue };
        let first = rules.iter().find(|other| other.field.depends.as_ref() == Some(group));
        if let Some(first) = first.filter(|first| first.apply != rule.apply) {
            let detail = format!(
                "{} goes together with {} (group {group}); give both the same \"apply\".",
                rule.field.name, first.field.name
            );
            found.push((rule.field.name.clone(), detail));
        }
    }
    found
}

/// Hardcoded values that the app does not take together.
fn contradictions(rules: &[Rule]) -> Vec<(String, String)> {
    let constant = |name: &str| {
        let rule = rules.iter().find(|rule| rule.field.name == name)?;
        match &rule.source.form {
            Form::Literal(value) => {
                Some(value.as_str().map_or_else(|| value.to_string(), str::to_owned))
            }
            _ => None,
        }
    };
    let mut found = Vec::new();
    for rule in rules {
        let name = &rule.field.name;
        let Some(allowed) = &rule.field.allowed else { continue };
        if let (Some(own), Some(other)) = (constant(name), constant(&allowed.by))
            && let Some(fitting) = allowed.values.get(&other)
            && !fitting.contains(&own)
        {
            let detail = format!(
                "the hardcoded value {own:?} does not go with {} {other:?}; it goes with {}.",
                allowed.by,
                fitting.iter().map(|one| format!("{one:?}")).collect::<Vec<_>>().join(", ")
            );
            found.push((name.clone(), detail));
        }
    }
    found
}

fn compile(
    kind: &ResourceType,
    field: &AppField,
    rule: &document::Rule,
) -> Result<Rule, Vec<String>> {
    let mut problems = Vec::new();
    if field.mutability == Mutability::CreateOnly && rule.apply == Apply::Always {
        problems.push(format!(
            "{} can be given only when the account is made; set \"apply\" to \"create\".",
            field.name
        ));
    }
    if rule.normalise.len() > MOST_NORMALISERS {
        problems
            .push(format!("at most {MOST_NORMALISERS} normalisers are applied; leave some out."));
    }
    for normaliser in &rule.normalise {
        if let Normaliser::E164(code) = normaliser
            && fit::country(code).is_none()
        {
            problems.push(format!(
                "{code:?} is no country; write its ISO 3166 code, such as \"US\" or \"DE\"."
            ));
        }
    }
    let when = match field.mandatory.when.as_deref().map(|text| condition(kind, text)).transpose() {
        Ok(when) => when,
        Err(problem) => {
            problems.push(problem);
            None
        }
    };
    let on_empty = match &rule.on_empty {
        document::OnEmpty::Clear => Ok(OnEmpty::Clear),
        document::OnEmpty::Skip => Ok(OnEmpty::Skip),
        document::OnEmpty::Default(value) => {
            fixed(field, &rule.normalise, value, "the value for an empty source")
                .map(OnEmpty::Default)
        }
    };
    let on_empty = on_empty.map_err(|problem| problems.push(problem));
    let source = source(kind, field, rule).map_err(|found| problems.extend(found));
    match (source, on_empty) {
        (Ok(source), Ok(on_empty)) if problems.is_empty() => Ok(Rule {
            field: field.clone(),
            source,
            described: words::source(&rule.source),
            apply: rule.apply,
            on_empty,
            normalise: rule.normalise.clone(),
            when,
            implied: false,
        }),
        _ => Err(problems),
    }
}

/// For whom a field is mandatory, as the app's schema says it.
fn condition(kind: &ResourceType, text: &str) -> Result<Condition, String> {
    filter::parse(text).and_then(|filter| filter.resolve(kind)).map_err(|error| {
        format!("the app says when the field is mandatory in a way that is no filter here: {error}")
    })
}

fn source(
    kind: &ResourceType,
    field: &AppField,
    rule: &document::Rule,
) -> Result<Source, Vec<String>> {
    match &rule.source {
        document::Source::Profile { path } => profile(kind, field, std::slice::from_ref(path)),
        document::Source::First { paths } if paths.is_empty() => {
            Err(vec!["there is no profile field to take the first of; name some.".to_owned()])
        }
        document::Source::First { paths } => profile(kind, field, paths),
        document::Source::Constant { value } => {
            fixed(field, &rule.normalise, value, "the hardcoded value")
                .map(|value| Source { form: Form::Literal(value), origin: Origin::Constant })
                .map_err(|one| vec![one])
        }
        document::Source::Join { template } => Template::compile(kind, template).map(|compiled| {
            Source { form: Form::Join(compiled), origin: Origin::Template(template.clone()) }
        }),
        document::Source::Table { path, entries, default } => {
            table(kind, field, rule, path, entries, default.as_ref())
        }
        document::Source::Reference { path } => reference(kind, field, path),
        document::Source::Assignment => {
            Ok(Source { form: Form::Assigned(field.name.clone()), origin: Origin::Assignment })
        }
        document::Source::Expression { expression } => compute(kind, field, expression),
    }
}

/// The first of some profile fields that has a value.
fn profile(kind: &ResourceType, field: &AppField, paths: &[String]) -> Result<Source, Vec<String>> {
    let selectors = all(paths.iter().map(|path| selector(kind, field, path)))?;
    let texts = selectors.iter().map(|selector| selector.text.clone()).collect();
    let mut forms: Vec<Form> = selectors
        .into_iter()
        .map(Box::new)
        .map(|one| if field.multi_valued { Form::ReadAll(one) } else { Form::Read(one) })
        .collect();
    let form = match forms.len() {
        1 => forms.remove(0),
        _ => Form::First(forms),
    };
    Ok(Source { form, origin: Origin::Paths(texts) })
}

fn reference(kind: &ResourceType, field: &AppField, path: &str) -> Result<Source, Vec<String>> {
    let selector = Selector::compile(kind, path).map_err(|problem| vec![problem])?;
    if !matches!(selector.kind, Type::String | Type::Reference) {
        return Err(vec![format!(
            "{path} is no id of a person or group; name one, such as \
             urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value."
        )]);
    }
    if field.kind != FieldType::Text {
        return Err(vec![format!(
            "{} takes {}, and an account's id is text; choose another source.",
            field.name,
            fit::noun(field.kind)
        )]);
    }
    let selector = Box::new(selector);
    Ok(Source { form: Form::Reference(selector.clone()), origin: Origin::Reference(selector) })
}

fn compute(kind: &ResourceType, field: &AppField, text: &str) -> Result<Source, Vec<String>> {
    let form = expression::compile(kind, text).map_err(|faults| {
        faults
            .into_iter()
            .map(|fault| format!("character {} of the expression: {}", fault.at, fault.detail))
            .collect::<Vec<_>>()
    })?;
    if fit::never_comes_of(&form.shape(), field) {
        return Err(vec![format!(
            "{} takes {}, which the expression never gives; convert its result, or map another field.",
            field.name,
            fit::noun(field.kind)
        )]);
    }
    Ok(Source { form, origin: Origin::Expression })
}

fn table(
    kind: &ResourceType,
    field: &AppField,
    rule: &document::Rule,
    path: &str,
    entries: &BTreeMap<String, Value>,
    default: Option<&Value>,
) -> Result<Source, Vec<String>> {
    let mut problems = Vec::new();
    let selector = Selector::compile(kind, path).map_err(|problem| problems.push(problem));
    if entries.is_empty() {
        problems.push("the table is empty; add an entry, or use a hardcoded value.".to_owned());
    }
    let mut folded = BTreeMap::new();
    for (key, value) in entries {
        if folded.contains_key(&fold(key.trim())) {
            problems
                .push(format!("the table has {key:?} twice, as case does not matter; remove one."));
        }
        match fixed(field, &rule.normalise, value, &format!("the table's value for {key:?}")) {
            Ok(value) => {
                folded.insert(fold(key.trim()), value);
            }
            Err(problem) => problems.push(problem),
        }
    }
    let default = default
        .map(|value| fixed(field, &rule.normalise, value, "the table's default"))
        .transpose()
        .map_err(|problem| problems.push(problem));
    match (selector, default) {
        (Ok(selector), Ok(default)) if problems.is_empty() => {
            let selector = Box::new(selector);
            let read = |selector| {
                if field.multi_valued { Form::ReadAll(selector) } else { Form::Read(selector) }
            };
            let form = Form::Lookup {
                key: Box::new(read(selector.clone())),
                entries: folded,
                default: default.map(Form::Literal).map(Box::new),
            };
            Ok(Source { form, origin: Origin::Table(selector) })
        }
        _ => Err(problems),
    }
}

fn selector(kind: &ResourceType, field: &AppField, path: &str) -> Result<Selector, String> {
    let selector = Selector::compile(kind, path)?;
    if fit::never_fits(selector.kind, field.kind) {
        return Err(format!(
            "{} takes {}, which {path} never is; map another profile field, or translate it with a \
             table.",
            field.name,
            fit::noun(field.kind)
        ));
    }
    Ok(selector)
}

/// A value of the document itself, as the field takes it.
fn fixed(
    field: &AppField,
    normalise: &[Normaliser],
    value: &Value,
    what: &str,
) -> Result<Value, String> {
    if value.is_null() {
        return Err(format!("{what} is null; give a value, or remove it."));
    }
    let Some(value) = fit::normalised(normalise, value.clone()) else {
        return Err(format!("{what} is empty; give a value, or remove it."));
    };
    fit::fit(field, value)
        .map_err(|misfit| format!("{what} does not fit: {} {}", misfit.detail, misfit.remedy))
}

fn all<T>(results: impl Iterator<Item = Result<T, String>>) -> Result<Vec<T>, Vec<String>> {
    let (mut good, mut bad) = (Vec::new(), Vec::new());
    for result in results {
        match result {
            Ok(one) => good.push(one),
            Err(problem) => bad.push(problem),
        }
    }
    if bad.is_empty() { Ok(good) } else { Err(bad) }
}
