//! Applying operations to a document.

use super::target::Target;
use super::{MemberChange, Op, Operation, Patched, elements, members, value_path};
use crate::scim::dialect::{Dialect, Forgiven, Leniency, Reading};
use crate::scim::error::{Error, Fault};
use crate::scim::path::{self, AttributePath};
use crate::scim::projection::Written;
use crate::scim::resource::document::{self, is_blank, missing, must_have};
use crate::scim::resource::shape::{Shape, twice};
use crate::scim::resource::{foreign_schema, immutable, is_kept, not_an_extension, unknown};
use crate::scim::schema::{Mutability, Place, ResourceType, Schema};
use serde_json::{Map, Value};
use std::collections::HashSet;

/// Most elements of multi-valued attributes that the operations of one request may look at.
const MAX_WORK: usize = 1_000_000;

/// Applies operations in order; all or nothing.
///
/// `current` is a stored document (see [`crate::scim::resource::Valid`]); members are never in it,
/// and operations on them come back as [`super::MemberChange`]s.
///
/// # Errors
/// `noTarget`, `invalidPath`, `mutability`, `invalidValue` naming the attribute and the operation's
/// number.
pub fn apply(
    kind: &ResourceType,
    current: &Map<String, Value>,
    operations: &[Operation],
    dialect: Dialect,
) -> Result<Patched, Error> {
    let reading = Reading::new(dialect);
    let mut draft = Draft {
        kind,
        shape: Shape { reading: &reading },
        document: current.clone(),
        members: Vec::new(),
        written: Written::default(),
        work: 0,
    };
    for (at, operation) in operations.iter().enumerate() {
        draft.operate(operation).map_err(|error| error.of_operation(at + 1))?;
    }
    let attributes = document::seal(kind, draft.document);
    document::require(kind, &attributes)?;
    let changed = attributes != *current;
    let members = members::settled(draft.members);
    let read = operations.iter().fold(Forgiven::default(), |all, one| all.and(one.forgiven));
    let (forgiven, written) = (read.and(reading.forgiven()), draft.written);
    Ok(Patched { attributes, changed, members, forgiven, written })
}

/// A document between two operations. An error leaves it half done, and it is thrown away.
struct Draft<'a> {
    kind: &'a ResourceType,
    shape: Shape<'a>,
    document: Map<String, Value>,
    members: Vec<MemberChange>,
    written: Written,
    work: usize,
}

impl Draft<'_> {
    fn operate(&mut self, operation: &Operation) -> Result<(), Error> {
        let (op, value) = (operation.op, operation.value.as_ref());
        if op != Op::Remove && value.is_none() {
            return Err(Fault::NoValue.into());
        }
        match &operation.path {
            None if op == Op::Remove => Err(Fault::NoPath.into()),
            None => self.resource(op, value),
            Some(path) => self.target(op, &Target::of(self.kind, path, self.shape.reading)?, value),
        }
    }

    fn target(&mut self, op: Op, target: &Target<'_>, value: Option<&Value>) -> Result<(), Error> {
        match target {
            Target::Extension(schema) => self.extension(op, schema, value),
            Target::Place(place) => self.place(op, place, value),
            Target::Elements { place, .. } if self.is_members(place) => {
                for change in members::selected(op, target, value, self.shape)? {
                    members::then(&mut self.members, change);
                }
                Ok(())
            }
            Target::Elements { place, .. } => {
                writable(place)?;
                self.written.note(place, value);
                if op == Op::Remove && place.sub.is_some_and(must_have) {
                    return Err(required(&place.key()));
                }
                let shape = self.shape;
                self.rewrite(place, |before| value_path::edit(op, target, before, value, shape))
            }
        }
    }

    /// No path: the value is a set of attributes.
    fn resource(&mut self, op: Op, value: Option<&Value>) -> Result<(), Error> {
        let Some(Value::Object(given)) = value else {
            return Err(Fault::ValueShape.into());
        };
        let kind = self.kind;
        let mut seen = HashSet::with_capacity(given.len());
        for (key, value) in given {
            if !seen.insert(key.to_ascii_lowercase()) {
                return Err(twice(key));
            }
            if let Some(schema) = kind.extension(key) {
                self.extension(op, schema, Some(value))?;
            } else if let Some(attribute) = kind.base_attribute(key) {
                self.named(op, &Place { extension: None, attribute, sub: None }, value)?;
            } else if !self.dotted(op, key, value)? {
                unknown(key, &kind.name, self.shape.reading)?;
            }
        }
        Ok(())
    }

    /// A key that is a path, where that is forgiven and the schema knows the path.
    fn dotted(&mut self, op: Op, key: &str, value: &Value) -> Result<bool, Error> {
        let reading = self.shape.reading;
        let Ok(path) = path::parse_as(self.kind, key, reading) else { return Ok(false) };
        let Ok(target) = Target::of(self.kind, &path, reading) else { return Ok(false) };
        if !reading.forgives(Leniency::DottedKeys) {
            return Ok(false);
        }
        match target {
            Target::Place(place) => self.named(op, &place, value)?,
            target => self.target(op, &target, Some(value))?,
        }
        Ok(true)
    }

    /// An attribute in a set of attributes. Clients send whole resources here, `id` and all.
    fn named(&mut self, op: Op, place: &Place<'_>, value: &Value) -> Result<(), Error> {
        let common = |name| place.extension.is_none() && place.attribute.name == name;
        // `meta` is ignored when clients send it (RFC 7643 §3.1), and `check_id` has looked at `id`.
        if common("meta") || common("id") {
            return Ok(());
        }
        let reading = self.shape.reading;
        if is_read_only(place) && reading.forgives(Leniency::ReadOnlyInValue) {
            return Ok(());
        }
        if self.is_members(place) && value.is_null() && reading.forgives(Leniency::NullMembers) {
            return Ok(());
        }
        self.place(op, place, Some(value))
    }

    fn extension(&mut self, op: Op, schema: &Schema, value: Option<&Value>) -> Result<(), Error> {
        let given = match (op, value) {
            (Op::Remove, _) | (Op::Replace, Some(Value::Null)) => {
                return self.remove_extension(schema);
            }
            (Op::Add, Some(Value::Null)) => return Ok(()),
            (_, Some(Value::Object(given))) => given,
            _ => return Err(not_an_extension(schema)),
        };
        let kind = self.kind;
        let mut seen = HashSet::with_capacity(given.len());
        for (key, value) in given {
            if !seen.insert(key.to_ascii_lowercase()) {
                return Err(twice(key));
            }
            if let Some(attribute) = schema.attribute(key) {
                let place = Place { extension: Some(schema), attribute, sub: None };
                self.named(op, &place, value)?;
                continue;
            }
            let reading = self.shape.reading;
            let path = path::attribute(key).ok().filter(|path| path.schema.is_none());
            let path = path.map(|path| AttributePath { schema: Some(schema.id.clone()), ..path });
            match path.as_ref().and_then(|path| kind.place(path)) {
                Some(place) if reading.forgives(Leniency::DottedKeys) => {
                    self.named(op, &place, value)?;
                }
                _ => unknown(key, &schema.id, reading)?,
            }
        }
        Ok(())
    }

    fn remove_extension(&mut self, schema: &Schema) -> Result<(), Error> {
        let Some(extension) = self.document.remove(&schema.id) else { return Ok(()) };
        for attribute in &schema.attributes {
            if extension.get(&attribute.name).is_some() {
                if must_have(attribute) {
                    return Err(required(&attribute.name));
                }
                if attribute.mutability == Mutability::Immutable {
                    return Err(immutable(&attribute.name));
                }
            }
        }
        Ok(())
    }

    /// A whole attribute, or a part of it.
    fn place(&mut self, op: Op, place: &Place<'_>, value: Option<&Value>) -> Result<(), Error> {
        if self.is_members(place) {
            if let Some(change) = members::whole(op, place, value, self.shape)? {
                members::then(&mut self.members, change);
            }
            return Ok(());
        }
        if place.extension.is_none() && place.attribute.name == "schemas" {
            return self.schemas(op, value);
        }
        writable(place)?;
        self.written.note(place, value);
        let name = place.key();
        if op == Op::Remove && must_have(place.leaf()) {
            return Err(required(&name));
        }
        if !is_kept(place.attribute) || !is_kept(place.leaf()) {
            if let Some(value) = value {
                self.shape.attribute(place.leaf(), value.clone(), &name)?;
            }
            return Ok(());
        }
        let shape = self.shape;
        self.rewrite(place, |before| elements::edit(op, place, before, value, shape))
    }

    /// Puts another value in the place of the attribute's; an immutable one keeps its first.
    fn rewrite(
        &mut self,
        place: &Place<'_>,
        edit: impl FnOnce(Option<Value>) -> Result<Option<Value>, Error>,
    ) -> Result<(), Error> {
        let before = self.take(place)?;
        let first = match place.attribute.mutability {
            Mutability::Immutable => before.clone(),
            _ => None,
        };
        let after = edit(before)?;
        if first.is_some() && first != after {
            return Err(immutable(&place.key()));
        }
        if must_have(place.attribute) && after.as_ref().is_none_or(is_blank) {
            return Err(missing(&place.key()));
        }
        self.put(place, after);
        Ok(())
    }

    /// `schemas` follows from the attributes that are there, so writing it changes nothing; what is
    /// written must make sense all the same.
    fn schemas(&self, op: Op, value: Option<&Value>) -> Result<(), Error> {
        let urns = match (op, value) {
            (Op::Remove, _) => return Err(required("schemas")),
            (_, Some(Value::Array(urns))) => urns.as_slice(),
            (_, Some(urn @ Value::String(_))) => std::slice::from_ref(urn),
            _ => return Err(Fault::SchemasShape.into()),
        };
        for urn in urns {
            let known = |urn: &str| {
                urn.eq_ignore_ascii_case(&self.kind.schema.id) || self.kind.extension(urn).is_some()
            };
            match urn.as_str() {
                None => return Err(Fault::SchemasShape.into()),
                Some(urn)
                    if !known(urn) && !self.shape.reading.forgives(Leniency::ForeignSchemas) =>
                {
                    return Err(foreign_schema(self.kind, urn));
                }
                Some(_) => {}
            }
        }
        Ok(())
    }

    fn is_members(&self, place: &Place<'_>) -> bool {
        self.kind.has_members() && place.extension.is_none() && place.attribute.name == "members"
    }

    /// Takes the attribute's value out of the document, without a copy.
    fn take(&mut self, place: &Place<'_>) -> Result<Option<Value>, Error> {
        let holder = match place.extension {
            None => Some(&mut self.document),
            Some(schema) => self.document.get_mut(&schema.id).and_then(Value::as_object_mut),
        };
        let value = holder.and_then(|holder| holder.remove(&place.attribute.name));
        self.work += value.as_ref().and_then(Value::as_array).map_or(0, Vec::len);
        if self.work > MAX_WORK {
            return Err(Fault::TooMuchWork.into());
        }
        Ok(value)
    }

    fn put(&mut self, place: &Place<'_>, value: Option<Value>) {
        let Some(value) = value else { return };
        let name = place.attribute.name.clone();
        let Some(schema) = place.extension else {
            self.document.insert(name, value);
            return;
        };
        if let Some(Value::Object(extension)) = self.document.get_mut(&schema.id) {
            extension.insert(name, value);
        } else {
            let extension = Map::from_iter([(name, value)]);
            self.document.insert(schema.id.clone(), Value::Object(extension));
        }
    }
}

fn is_read_only(place: &Place<'_>) -> bool {
    [place.attribute.mutability, place.leaf().mutability].contains(&Mutability::ReadOnly)
}

fn writable(place: &Place<'_>) -> Result<(), Error> {
    if is_read_only(place) { Err(read_only(&place.key())) } else { Ok(()) }
}

/// The error of writing what the server alone writes.
pub(super) fn read_only(name: &str) -> Error {
    Fault::ReadOnly { name: name.to_owned() }.into()
}

fn required(name: &str) -> Error {
    Fault::RequiredRemoved { name: name.to_owned() }.into()
}
