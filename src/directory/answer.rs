//! What a caller is shown of a resource.

use crate::id::ResourceId;
use crate::scim::cursor::Bound;
use crate::scim::dialect::Forgiven;
use crate::scim::projection::{Projection, Written};
use crate::scim::schema::{Registry, ResourceType};
use crate::store::members::{MemberRow, Membership};
use crate::store::resources::Stored;
use crate::store::{Error, Reader, Result};
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::sync::Arc;

/// Members that are read and written out at a time, so that a large group is never in memory as
/// anything but the answer's bytes.
const PAGE: i64 = 10_000;

/// Most members of a group that is shown to whoever changed it without being asked.
const FEW: i64 = 100;

/// How much of a resource to show.
#[derive(Debug, Clone)]
pub struct View {
    /// External SCIM base URL, without a trailing slash.
    pub base: String,
    /// Which attributes; none for no body at all.
    pub shown: Option<Projection>,
    /// Whether a group with many members is answered without a body.
    pub brief: bool,
    /// What had to be forgiven to read that.
    pub forgiven: Forgiven,
}

impl View {
    /// For the answer to a request that wrote this.
    pub(super) fn of_writing(&self, written: &Written) -> Cow<'_, Self> {
        match &self.shown {
            Some(shown) if !written.is_empty() => Cow::Owned(Self {
                shown: Some(shown.clone().of_writing(written.clone())),
                ..self.clone()
            }),
            _ => Cow::Borrowed(self),
        }
    }
}

/// One resource as it is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Its id.
    pub id: ResourceId,
    /// Its entity tag, the same as `meta.version`.
    pub etag: String,
    /// Its URL, the same as `meta.location`.
    pub location: String,
    /// The resource as JSON, when it was asked for.
    pub body: Option<Vec<u8>>,
}

/// One page of a list as it is answered.
#[derive(Debug, Clone, PartialEq)]
pub struct Listing {
    /// All matches, not only those on the page; not counted again for a page that begins at a place.
    pub total: Option<usize>,
    /// The page.
    pub resources: Vec<Value>,
    /// Where the page before this one begins.
    pub previous: Option<Bound>,
    /// Where the page after this one begins.
    pub next: Option<Bound>,
}

/// How much of the resources of a type to show.
pub type Shown = (Arc<ResourceType>, Projection);

/// Where a resource is.
pub(super) fn location(base: &str, kind: &ResourceType, id: ResourceId) -> String {
    format!("{base}{}/{id}", kind.endpoint)
}

/// Shows one resource.
pub(super) fn one(
    reader: &mut Reader<'_>,
    registry: &Registry,
    kind: &ResourceType,
    stored: &Stored,
    view: &View,
) -> Result<Answer> {
    let body = match &view.shown {
        Some(_)
            if view.brief && kind.has_members() && reader.has_more_members(stored.id, FEW)? =>
        {
            None
        }
        Some(projection) => Some(body(reader, registry, kind, stored, &view.base, projection)?),
        None => None,
    };
    Ok(Answer {
        id: stored.id,
        etag: stored.etag(),
        location: location(&view.base, kind, stored.id),
        body,
    })
}

/// Shows a page of resources of these types: members and groups of all of them with one query each.
pub(super) fn page(
    reader: &mut Reader<'_>,
    registry: &Registry,
    shown: &[Shown],
    stored: &[Stored],
    base: &str,
) -> Result<Vec<Value>> {
    let of = |stored: &Stored| shown.iter().find(|(kind, _)| kind.name == stored.kind);
    let with = |wanted: fn(&ResourceType, &Projection) -> bool| -> Vec<ResourceId> {
        let wants = |stored: &&Stored| of(stored).is_some_and(|(kind, shown)| wanted(kind, shown));
        stored.iter().filter(wants).map(|stored| stored.id).collect()
    };
    let mut members = match with(wants_members).as_slice() {
        [] => <_>::default(),
        groups => reader.members_of(groups)?,
    };
    let mut groups = match with(wants_groups).as_slice() {
        [] => <_>::default(),
        people => reader.groups_of(people)?,
    };
    let show = |stored: &Stored| {
        let (kind, projection) = of(stored)?;
        let mut complete = stored.complete(kind, base);
        let members = members.remove(&stored.id).unwrap_or_default();
        insert(&mut complete, "members", members.iter().map(|m| member(registry, base, m)));
        let groups = groups.remove(&stored.id).unwrap_or_default();
        insert(&mut complete, "groups", groups.iter().map(|g| group(registry, base, g)));
        projection.apply(kind, &mut complete);
        Some(Value::Object(complete))
    };
    Ok(stored.iter().filter_map(show).collect())
}

fn body(
    reader: &mut Reader<'_>,
    registry: &Registry,
    kind: &ResourceType,
    stored: &Stored,
    base: &str,
    projection: &Projection,
) -> Result<Vec<u8>> {
    let mut complete = stored.complete(kind, base);
    if wants_groups(kind, projection) {
        let groups = reader.groups_of(&[stored.id])?.remove(&stored.id).unwrap_or_default();
        insert(&mut complete, "groups", groups.iter().map(|g| group(registry, base, g)));
    }
    projection.apply(kind, &mut complete);
    let mut body = json(&complete)?;
    if wants_members(kind, projection) {
        // The members go in before the brace that ends the object.
        body.pop();
        write_members(reader, registry, kind, stored, base, projection, &mut body)?;
        body.push(b'}');
    }
    Ok(body)
}

/// Writes `,"members":[…]`, or nothing where there are none.
fn write_members(
    reader: &mut Reader<'_>,
    registry: &Registry,
    kind: &ResourceType,
    stored: &Stored,
    base: &str,
    projection: &Projection,
    body: &mut Vec<u8>,
) -> Result<()> {
    let (mut after, mut opened) = (None, false);
    loop {
        let rows = reader.members(stored.id, after, PAGE)?;
        let full = i64::try_from(rows.len()).is_ok_and(|rows| rows == PAGE);
        after = rows.last().map(|row| row.id);
        let mut part = Map::new();
        insert(&mut part, "members", rows.iter().map(|row| member(registry, base, row)));
        projection.apply(kind, &mut part);
        if let Some(Value::Array(members)) = part.get("members") {
            for member in members {
                body.extend_from_slice(if opened { b"," } else { b",\"members\":[" });
                opened = true;
                serde_json::to_writer(&mut *body, member).map_err(corrupt)?;
            }
        }
        if !full {
            break;
        }
    }
    if opened {
        body.push(b']');
    }
    Ok(())
}

fn wants_members(kind: &ResourceType, projection: &Projection) -> bool {
    kind.has_members() && projection.wants(kind, "members")
}

fn wants_groups(kind: &ResourceType, projection: &Projection) -> bool {
    kind.schema.attribute("groups").is_some() && projection.wants(kind, "groups")
}

/// Inserts an array before `meta`, unless it is empty: absence and an empty array are the same.
fn insert(resource: &mut Map<String, Value>, name: &str, elements: impl Iterator<Item = Value>) {
    let elements: Vec<Value> = elements.collect();
    if !elements.is_empty() {
        let meta = resource.shift_remove("meta");
        resource.insert(name.to_owned(), Value::Array(elements));
        resource.extend(meta.map(|meta| ("meta".to_owned(), meta)));
    }
}

fn member(registry: &Registry, base: &str, row: &MemberRow) -> Value {
    reference(registry, base, &row.kind, row.id, row.display.as_deref(), &row.kind)
}

fn group(registry: &Registry, base: &str, row: &Membership) -> Value {
    let how = if row.indirect { "indirect" } else { "direct" };
    reference(registry, base, "Group", row.group, row.display.as_deref(), how)
}

fn reference(
    registry: &Registry,
    base: &str,
    kind: &str,
    id: ResourceId,
    display: Option<&str>,
    how: &str,
) -> Value {
    let mut element = Map::new();
    element.insert("value".to_owned(), id.to_string().into());
    if let Some(kind) = registry.named(kind) {
        element.insert("$ref".to_owned(), location(base, kind, id).into());
    }
    if let Some(display) = display {
        element.insert("display".to_owned(), display.into());
    }
    element.insert("type".to_owned(), how.into());
    Value::Object(element)
}

fn json(resource: &Map<String, Value>) -> Result<Vec<u8>> {
    serde_json::to_vec(resource).map_err(corrupt)
}

#[expect(clippy::needless_pass_by_value, reason = "as `map_err` calls it")]
fn corrupt(error: serde_json::Error) -> Error {
    Error::Corrupt(error.to_string())
}
