//! One resource type of a query, lowered.

use super::lower;
use super::order::{By, Order};
use super::page::Selection;
use crate::scim::cursor::{Key, Position};
use crate::scim::filter::{Condition, Field};
use crate::scim::schema::ResourceType;
use crate::store::Reader;
use crate::store::index::{sorted_part, sorting_key};
use crate::store::resources::Stored;
use serde_json::{Map, Value};

/// One resource type of a query.
pub(super) struct Branch<'q> {
    pub(super) kind: &'q ResourceType,
    pub(super) condition: &'q Condition,
    /// By what it is sorted.
    field: Option<&'q Field>,
    pub(super) selection: Selection,
    /// Whether the selection is the condition, not more.
    pub(super) exact: bool,
    /// The order in which the database finds them; none where it does not know the order.
    pub(super) order: Option<Order>,
}

impl<'q> Branch<'q> {
    /// Of a query that is sorted, where it says so: descending or not.
    pub(super) fn new(
        reader: &Reader<'_>,
        kind: &'q ResourceType,
        condition: &'q Condition,
        field: Option<&'q Field>,
        descending: Option<bool>,
    ) -> Self {
        let lowered = reader.lowered(kind, condition);
        let mut selection = Selection::new(kind, reader.organization, &lowered);
        if lower::size(condition) > 2 {
            selection.dynamic();
        }
        let order = match (descending, field) {
            (None, _) => Some(Order::by_id()),
            (Some(descending), None) => Some(Order::missing(descending)),
            (Some(descending), Some(field)) => Order::new(kind, reader, field, descending),
        };
        Self { kind, condition, field, selection, exact: lowered.exact, order }
    }

    /// The order, where the database makes exactly that list by itself.
    pub(super) fn plain(&self) -> Option<&Order> {
        self.order.as_ref().filter(|_| self.exact)
    }

    /// The key of a resource by its document: as the database has it where it makes the list, or
    /// else as memory has it.
    pub(super) fn key(&self, resource: &Stored, document: &Map<String, Value>, plain: bool) -> Key {
        let Some(field) = self.field else { return Key::Absent };
        if field.extension.is_none() {
            match field.key.as_str() {
                "id" => return Key::Unsorted,
                "meta.created" => return Key::Number(resource.created_us),
                "meta.lastModified" => return Key::Number(resource.modified_us),
                _ => {}
            }
        }
        let whole = match self.order.as_ref().map(|order| &order.by) {
            Some(By::Required(expression) | By::Optional(expression)) => plain && !expression.cut,
            _ => false,
        };
        match sorting_key(field, document) {
            None => Key::Absent,
            Some(key) if whole => Key::Text(key),
            Some(key) => Key::Text(sorted_part(key)),
        }
    }
}

/// The place of a resource in a list of these branches.
pub(super) fn position(
    branches: &[Branch<'_>],
    resource: &Stored,
    sorted: bool,
    plain: bool,
) -> Option<Position> {
    let branch = branches.iter().find(|branch| branch.kind.name == resource.kind)?;
    let key = if sorted {
        branch.key(resource, &resource.complete(branch.kind, ""), plain)
    } else {
        Key::Unsorted
    };
    Some(Position { kind: resource.kind.clone(), key, id: resource.id.0 })
}
