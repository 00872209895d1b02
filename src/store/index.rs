//! What is kept of a resource beside its document, so that filters are look-ups.
//!
//! Four attributes are columns of `resource`. Every other attribute whose definition says
//! `indexed` has a row of `attribute` per value. Each element of an indexed complex attribute has
//! at least one row: where no part of it is indexed, a row of the attribute's own path says that
//! it is there. So a query on elements sees all of them.

use super::{Error, Result};
use crate::scim::error::Fault;
use crate::scim::schema::{Attribute, Place, ResourceType, Type, Uniqueness};
use crate::scim::value::{key, sort_key};
use serde_json::{Map, Value};

/// Most bytes of a sort key in the column `key`: PostgreSQL indexes no more than 2,700.
pub(super) const KEY_BYTES: usize = 256;
/// Every cut key has more bytes than this, as it is cut before a character of at most four.
pub(super) const SURE_BYTES: usize = KEY_BYTES - 4;
/// Most bytes of a value that is a column.
const COLUMN_BYTES: usize = 1_000;

/// An attribute that is a column of `resource`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Column {
    UserName,
    ExternalId,
    Display,
    Active,
}

impl Column {
    /// The column of a field, for types where the attribute is what the column is made for.
    pub(super) fn of(kind: &ResourceType, field_key: &str) -> Option<Self> {
        let (column, data) = match field_key {
            "userName" => (Self::UserName, Type::String),
            "externalId" => (Self::ExternalId, Type::String),
            "displayName" => (Self::Display, Type::String),
            "active" => (Self::Active, Type::Boolean),
            _ => return None,
        };
        let attribute = kind.base_attribute(field_key)?;
        // The column of user names is unique and without case; the others are not unique.
        let fits = match column {
            Self::UserName => attribute.uniqueness == Uniqueness::Server && !attribute.case_exact,
            _ => attribute.uniqueness == Uniqueness::None,
        };
        (fits && attribute.kind == data && !attribute.multi_valued).then_some(column)
    }

    /// Its name.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::UserName => "user_name",
            Self::ExternalId => "external_id",
            Self::Display => "display",
            Self::Active => "active",
        }
    }
}

/// The columns of a resource that its document decides.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Columns {
    pub(super) user_name: Option<String>,
    pub(super) external_id: Option<String>,
    pub(super) display: Option<String>,
    pub(super) label: Option<String>,
    pub(super) active: Option<bool>,
}

/// A row of `attribute`, but for whose it is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct IndexRow {
    pub(super) path: String,
    pub(super) element: i32,
    pub(super) key: String,
    pub(super) rest: Option<String>,
}

impl IndexRow {
    fn new(path: String, element: i32, full: String) -> Self {
        let short = cut(&full);
        if short.len() == full.len() {
            return Self { path, element, key: full, rest: None };
        }
        Self { path, element, key: short.to_owned(), rest: Some(full) }
    }
}

/// The part of a sort key that the column `key` holds.
pub(super) fn cut(full: &str) -> &str {
    prefix(full, KEY_BYTES)
}

/// The longest prefix of whole characters that has at most `bytes` bytes.
pub(super) fn prefix(text: &str, bytes: usize) -> &str {
    text.get(..text.floor_char_boundary(bytes)).unwrap_or(text)
}

/// The columns for a document.
///
/// # Errors
/// `invalidValue` for a text that is too long for its column, or that no index can hold.
pub(super) fn columns(kind: &ResourceType, attributes: &Map<String, Value>) -> Result<Columns> {
    let text = |name: &str| -> Result<Option<String>> {
        let (Some(_), Some(value)) = (Column::of(kind, name), attributes.get(name)) else {
            return Ok(None);
        };
        let Some(attribute) = kind.base_attribute(name) else { return Ok(None) };
        let folded = sort_key(attribute, value).ok_or_else(|| unfit(name))?;
        let written = value.as_str().map_or(0, str::len);
        // Folding can lengthen a text; both must fit.
        if written > COLUMN_BYTES || folded.len() > 2 * COLUMN_BYTES {
            return Err(refused(Fault::TooLong { name: name.to_owned(), most: COLUMN_BYTES }));
        }
        Ok(Some(folded))
    };
    let written = |name: &str| attributes.get(name).and_then(Value::as_str).map(str::to_owned);
    Ok(Columns {
        user_name: text("userName")?,
        external_id: text("externalId")?,
        display: text("displayName")?,
        label: written("displayName").or_else(|| written("userName")),
        active: Column::of(kind, "active")
            .and_then(|_| attributes.get("active"))
            .and_then(Value::as_bool),
    })
}

/// The index rows for a document, in the order of the document.
///
/// # Errors
/// `invalidValue` for a value that no index can hold.
pub(super) fn rows(kind: &ResourceType, attributes: &Map<String, Value>) -> Result<Vec<IndexRow>> {
    let mut rows = Vec::new();
    for (name, value) in attributes {
        if let Some(attribute) = kind.base_attribute(name) {
            if Column::of(kind, name).is_none() {
                add(&mut rows, attribute, name, value)?;
            }
        } else if let (Some(schema), Some(object)) = (kind.extension(name), value.as_object()) {
            for (part, value) in object {
                if let Some(attribute) = schema.attribute(part) {
                    add(&mut rows, attribute, &format!("{}:{}", schema.id, attribute.name), value)?;
                }
            }
        }
    }
    Ok(rows)
}

/// Of index rows, those whose value nobody else of the type may have.
pub(super) fn unique<'r>(kind: &ResourceType, rows: &'r [IndexRow]) -> Vec<&'r IndexRow> {
    let mut paths = Vec::new();
    let schemas = std::iter::once((None, &kind.schema))
        .chain(kind.extensions.iter().map(|(schema, _)| (Some(schema), schema)));
    for (extension, schema) in schemas {
        for attribute in &schema.attributes {
            let whole = Place { extension, attribute, sub: None };
            let parts = attribute.sub_attributes.iter().map(Some).map(|sub| Place { sub, ..whole });
            let places = std::iter::once(whole).chain(parts);
            paths.extend(
                places
                    .filter(|place| place.leaf().uniqueness != Uniqueness::None)
                    .map(|place| place.key()),
            );
        }
    }
    rows.iter().filter(|row| paths.contains(&row.path)).collect()
}

/// The rows of one attribute for a document, by the name that filters have for it.
pub(super) fn rows_of(
    kind: &ResourceType,
    attributes: &Map<String, Value>,
    paths: &[String],
) -> Result<Vec<IndexRow>> {
    let mut rows = rows(kind, attributes)?;
    rows.retain(|row| paths.contains(&row.path));
    Ok(rows)
}

/// The parts of a complex attribute that have rows of their own. A part with several values in
/// one element is not among them: an element has one row per part.
pub(super) fn indexed_parts(attribute: &Attribute) -> impl Iterator<Item = &Attribute> {
    attribute.sub_attributes.iter().filter(|part| part.indexed && !part.multi_valued)
}

/// Whether an attribute, complex or not, has rows.
pub(super) fn is_indexed(attribute: &Attribute) -> bool {
    if attribute.kind == Type::Complex {
        indexed_parts(attribute).next().is_some()
    } else {
        attribute.indexed
    }
}

fn add(rows: &mut Vec<IndexRow>, attribute: &Attribute, path: &str, value: &Value) -> Result<()> {
    if !is_indexed(attribute) {
        return Ok(());
    }
    for (number, element) in elements(value).into_iter().enumerate() {
        let number = i32::try_from(number).unwrap_or(i32::MAX);
        if attribute.kind != Type::Complex {
            let full = sort_key(attribute, element).ok_or_else(|| unfit(path))?;
            rows.push(IndexRow::new(path.to_owned(), number, full));
            continue;
        }
        let before = rows.len();
        for part in indexed_parts(attribute) {
            if let Some(value) = element.get(&part.name).filter(|value| !value.is_null()) {
                let path = format!("{path}.{}", part.name);
                let full = sort_key(part, value).ok_or_else(|| unfit(&path))?;
                rows.push(IndexRow::new(path, number, full));
            }
        }
        if rows.len() == before {
            rows.push(IndexRow::new(path.to_owned(), number, String::new()));
        }
    }
    Ok(())
}

/// The elements of a value, the primary one first: element 0 is the one that sorting goes by.
fn elements(value: &Value) -> Vec<&Value> {
    match value {
        Value::Array(elements) => {
            let mut elements: Vec<&Value> = elements.iter().collect();
            elements.sort_by_key(|element| !is_primary(element)); // stable
            elements
        }
        Value::Null => Vec::new(),
        single => vec![single],
    }
}

fn is_primary(element: &Value) -> bool {
    element.get("primary") == Some(&Value::Bool(true))
}

/// Most characters of a value that sorting looks at, so that a place in an order is never long.
/// Values that differ later count as equal.
pub(super) const SORTED_CHARACTERS: usize = 500;

/// The key by which a resource is sorted: of a multi-valued attribute the primary value, or the
/// first (RFC 7644 §3.4.2.3).
pub(super) fn sorting_key(
    field: &crate::scim::filter::Field,
    resource: &Map<String, Value>,
) -> Option<String> {
    let holder = match &field.extension {
        None => resource,
        Some(urn) => resource.get(urn)?.as_object()?,
    };
    let first = elements(holder.get(&field.attribute)?).first().copied()?;
    let value = match &field.sub {
        None => first,
        Some(sub) => first.get(sub)?,
    };
    key(field.kind, field.case_exact, value)
}

/// As much of a sorting key as sorting looks at.
pub(super) fn sorted_part(mut full: String) -> String {
    if let Some((end, _)) = full.char_indices().nth(SORTED_CHARACTERS) {
        full.truncate(end);
    }
    full
}

fn unfit(name: &str) -> Error {
    refused(Fault::Unfit { name: name.to_owned() })
}

fn refused(fault: Fault) -> Error {
    Error::Refused(fault.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scim::schema::Registry;
    use serde_json::json;

    fn user() -> ResourceType {
        ResourceType::clone(Registry::standard().named("User").unwrap())
    }

    fn of(document: &Value) -> Vec<(String, i32, String)> {
        let rows = rows(&user(), document.as_object().unwrap()).unwrap();
        rows.into_iter().map(|row| (row.path, row.element, row.key)).collect()
    }

    fn row(path: &str, element: i32, key: &str) -> (String, i32, String) {
        (path.to_owned(), element, key.to_owned())
    }

    #[test]
    fn the_primary_element_comes_first_and_every_element_has_a_row() {
        let emails = json!({"emails": [
            {"value": "A@x", "type": "home"},
            {"display": "nothing that is indexed"},
            {"value": "b@x", "primary": true},
        ]});
        assert_eq!(
            of(&emails),
            [
                row("emails.value", 0, "b@x"),
                row("emails.primary", 0, "true"),
                row("emails.value", 1, "a@x"),
                row("emails.type", 1, "home"),
                row("emails", 2, ""),
            ]
        );
    }

    #[test]
    fn columns_have_no_rows_and_extensions_have_their_urn() {
        let urn = crate::scim::urn::ENTERPRISE_USER;
        let document = json!({
            "userName": "BJ", "displayName": "B", "externalId": "7", "active": true,
            urn: {"department": "Sales", "manager": {"displayName": "only that"}},
        });
        assert_eq!(
            of(&document),
            [row(&format!("{urn}:department"), 0, "sales"), row(&format!("{urn}:manager"), 0, "")]
        );
    }

    #[test]
    fn long_values_are_cut_between_characters() {
        let long = format!("{}{}", "x".repeat(255), "é".repeat(300));
        let rows = rows(&user(), json!({"title": long}).as_object().unwrap()).unwrap();
        assert_eq!((rows[0].key.len(), rows[0].rest.as_deref()), (255, Some(long.as_str())));
        assert!(cut(&long).len() > SURE_BYTES);
    }

    #[test]
    fn what_no_column_can_hold_is_refused_by_name() {
        for (document, name) in [
            (json!({"userName": "x".repeat(1_001)}), "userName"),
            (json!({"externalId": "\u{fdfa}".repeat(400)}), "externalId"),
            (json!({"displayName": "a\u{0}"}), "displayName"),
        ] {
            let error = columns(&user(), document.as_object().unwrap()).unwrap_err();
            assert!(matches!(&error, Error::Refused(e) if e.to_string().contains(name)), "{error}");
        }
    }
}
