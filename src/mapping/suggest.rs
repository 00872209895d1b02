//! "Did you mean …?"

use crate::scim::schema::{ResourceType, Type};

/// How alike two names must be before one is suggested for the other.
const ALIKE: f64 = 0.7;

/// A sentence that suggests the nearest of some names; empty where none is near.
pub(crate) fn nearest<'a>(wrong: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    nearest_spelling(wrong, known.into_iter().map(|name| (name.to_owned(), vec![name])))
}

/// The same over everything a profile path may name.
pub(crate) fn nearest_path(wrong: &str, kind: &ResourceType) -> String {
    let paths = paths(kind);
    // `department` is meant to be found although its full name begins with a long URN.
    let known = paths.iter().map(|path| {
        let local = path.rsplit_once(':').map_or(path.as_str(), |(_, local)| local);
        let last = local.rsplit_once('.').map_or(local, |(_, last)| last);
        (path.clone(), vec![path.as_str(), local, last])
    });
    nearest_spelling(without_brackets(wrong).as_str(), known)
}

/// The same over names that can be spelled in several ways, the first being the whole name.
pub(crate) fn nearest_spelling<'a>(
    wrong: &str,
    known: impl Iterator<Item = (String, Vec<&'a str>)>,
) -> String {
    let wrong = wrong.to_lowercase();
    let mut nearest: Option<(f64, String)> = None;
    for (name, spellings) in known {
        for (rank, spelling) in spellings.into_iter().enumerate() {
            // A whole name counts a little more than a part of one.
            let penalty = if rank == 0 { 0.0 } else { 0.02 };
            let alike = strsim::normalized_damerau_levenshtein(&wrong, &spelling.to_lowercase());
            let score = alike - penalty;
            if score >= ALIKE && nearest.as_ref().is_none_or(|(high, _)| score > *high) {
                nearest = Some((score, name.clone()));
            }
        }
    }
    nearest.map_or_else(String::new, |(_, name)| format!(" Did you mean {name}?"))
}

/// `emails[type eq "work"].valeu` without its filter.
fn without_brackets(text: &str) -> String {
    match (text.split_once('['), text.rsplit_once(']')) {
        (Some((before, _)), Some((_, after))) => format!("{before}{after}"),
        _ => text.to_owned(),
    }
}

/// Every path of the type that holds a value.
fn paths(kind: &ResourceType) -> Vec<String> {
    let base = kind.schema.attributes.iter().chain(&kind.common).map(|one| (String::new(), one));
    let extensions = kind.extensions.iter().flat_map(|(schema, _)| {
        schema.attributes.iter().map(|one| (format!("{}:", schema.id), one))
    });
    let mut paths = Vec::new();
    for (prefix, attribute) in base.chain(extensions) {
        if attribute.kind == Type::Complex {
            for sub in &attribute.sub_attributes {
                paths.push(format!("{prefix}{}.{}", attribute.name, sub.name));
            }
        } else {
            paths.push(format!("{prefix}{}", attribute.name));
        }
    }
    paths
}
