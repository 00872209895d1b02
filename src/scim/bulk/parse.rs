//! Reading a `BulkRequest`.

use super::reference::{self, Reference};
use super::{Action, MAX_OPERATIONS, Method, Operation, PREFIX, Request, Sent};
use crate::scim::dialect::{Dialect, Leniency, Reading};
use crate::scim::error::{Error, Fault, shortened};
use crate::scim::resource::{shape, unknown_member};
use crate::scim::schema::{Registry, ResourceType};
use crate::scim::urn;
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

/// Addresses below the base that are no resource types.
const OTHERS: [&str; 6] =
    ["Bulk", "Me", "ServiceProviderConfig", "ResourceTypes", "Schemas", ".search"];

/// Which POST a client's own id stands for.
enum Declared {
    At(usize),
    /// Several, so none.
    Twice,
}

/// Reads a `BulkRequest`.
///
/// # Errors
/// `invalidSyntax` for what is none, `invalidValue` for a `failOnErrors` that is no number, 413 for
/// more than [`MAX_OPERATIONS`] operations.
pub fn parse(registry: &Registry, body: Value, dialect: Dialect) -> Result<Request, Error> {
    let Value::Object(body) = body else {
        return Err(Fault::NotAnObject { what: "a BulkRequest".to_owned() }.into());
    };
    let reading = Reading::new(dialect);
    let (mut schemas, mut fail_on_errors, mut operations) = (None, None, None);
    for (name, value) in body {
        let known = match name.to_ascii_lowercase().as_str() {
            "schemas" => &mut schemas,
            "failonerrors" => &mut fail_on_errors,
            "operations" => &mut operations,
            _ => {
                unknown_member("a BulkRequest", &name, &reading)?;
                continue;
            }
        };
        if known.replace(value).is_some() {
            return Err(shape::twice(&name));
        }
    }
    check_schemas(schemas.as_ref())?;
    let Some(Value::Array(operations)) = operations.filter(|value| *value != Value::Array(vec![]))
    else {
        return Err(Fault::NoOperations.into());
    };
    if operations.len() > MAX_OPERATIONS {
        return Err(Fault::BulkTooMany { count: operations.len(), most: MAX_OPERATIONS }.into());
    }
    let fail_on_errors = limit(fail_on_errors)?;
    let read =
        operations.into_iter().map(|operation| read(registry, operation, &reading)).collect();
    Ok(Request { fail_on_errors, operations: linked(read), forgiven: reading.forgiven() })
}

fn check_schemas(schemas: Option<&Value>) -> Result<(), Error> {
    let is_ours =
        |urn: &Value| urn.as_str().is_some_and(|urn| urn.eq_ignore_ascii_case(urn::BULK_REQUEST));
    if schemas.and_then(Value::as_array).is_some_and(|urns| urns.iter().any(is_ours)) {
        return Ok(());
    }
    Err(Fault::SchemasLack { urn: urn::BULK_REQUEST.to_owned() }.into())
}

/// `failOnErrors`. Zero, which some clients send for "not set", is not set.
fn limit(value: Option<Value>) -> Result<Option<usize>, Error> {
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Number(number)) if number.as_u64().is_some() => Ok(number
            .as_u64()
            .map(|number| usize::try_from(number).unwrap_or(usize::MAX))
            .filter(|number| *number > 0)),
        Some(_) => Err(Fault::FailOnErrors.into()),
    }
}

/// An operation, as far as it can be read without the others.
fn read(registry: &Registry, operation: Value, reading: &Reading) -> (Sent, Result<Action, Error>) {
    let mut sent = Sent::default();
    let action = members(operation, reading).and_then(|members| {
        let Members { method, bulk_id, version, path, data } = members;
        // First all that the answer repeats, so that it does even where something is wrong.
        let (bulk_id, path) = (text("bulkId", bulk_id), text("path", path));
        sent.bulk_id = bulk_id.clone().ok().flatten();
        sent.path = path.clone().ok().flatten();
        let method =
            text("method", method)?.ok_or_else(|| Fault::BulkMethod { method: String::new() })?;
        let upper = method.to_ascii_uppercase();
        let exact = method == upper || reading.forgives(Leniency::KeywordCase);
        let known = Method::read(&upper).filter(|_| exact);
        sent.method = Some(if known.is_some() { upper } else { shortened(&method) });
        let method = known.ok_or_else(|| Fault::BulkMethod { method: shortened(&method) })?;
        let bulk_id = bulk_id?;
        if method == Method::Post && bulk_id.is_none() {
            return Err(Fault::NoBulkId.into());
        }
        let path = path?.ok_or(Fault::NoBulkPath)?;
        let (kind, subject) = address(registry, method, &path)?;
        let version = text("version", version)?.filter(|_| method != Method::Post);
        let data = match (method, data) {
            (Method::Delete, _) => Value::Null,
            (_, None | Some(Value::Null)) => {
                return Err(Fault::NoData.into());
            }
            (Method::Patch, Some(data)) => patch(data),
            (_, Some(data)) => data,
        };
        Ok(Action { kind, method, subject, version, data })
    });
    (sent, action)
}

/// The body of a PATCH as one of its own. The example of RFC 7644 §3.7.3 leaves out what says that it is
/// one.
fn patch(data: Value) -> Value {
    let mut body = match data {
        Value::Object(body) => body,
        Value::Array(_) => Map::from_iter([("Operations".to_owned(), data)]),
        other => return other,
    };
    if !body.keys().any(|name| name.eq_ignore_ascii_case("schemas")) {
        body.insert("schemas".to_owned(), Value::Array(vec![urn::PATCH_OP.into()]));
    }
    Value::Object(body)
}

#[derive(Default)]
struct Members {
    method: Option<Value>,
    bulk_id: Option<Value>,
    version: Option<Value>,
    path: Option<Value>,
    data: Option<Value>,
}

/// The members of an operation, whose names have no case (RFC 7643 §2.1).
fn members(operation: Value, reading: &Reading) -> Result<Members, Error> {
    let Value::Object(operation) = operation else {
        return Err(Fault::NotAnObject { what: "an operation".to_owned() }.into());
    };
    let mut members = Members::default();
    for (name, value) in operation {
        let known = match name.to_ascii_lowercase().as_str() {
            "method" => &mut members.method,
            "bulkid" => &mut members.bulk_id,
            "version" => &mut members.version,
            "path" => &mut members.path,
            "data" => &mut members.data,
            _ => {
                unknown_member("an operation", &name, reading)?;
                continue;
            }
        };
        if known.replace(value).is_some() {
            return Err(shape::twice(&name));
        }
    }
    Ok(members)
}

/// Text that is there. Empty text is not.
fn text(name: &str, value: Option<Value>) -> Result<Option<String>, Error> {
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text).filter(|text| !text.is_empty())),
        Some(_) => Err(Fault::ParameterShape { name: name.to_owned(), what: "a string" }.into()),
    }
}

/// What a path names: a resource type, and a resource unless the method makes one.
fn address(
    registry: &Registry,
    method: Method,
    path: &str,
) -> Result<(Arc<ResourceType>, Option<String>), Error> {
    let shown = || shortened(path);
    let invalid = || Fault::BulkPathShape { path: shown() };
    if path.contains(['?', '#']) {
        return Err(invalid().into());
    }
    let trimmed = path.strip_prefix('/').unwrap_or(path);
    let trimmed = trimmed.strip_suffix('/').unwrap_or(trimmed);
    let (endpoint, subject) = match trimmed.split_once('/') {
        None => (trimmed, None),
        Some((endpoint, subject)) => (endpoint, Some(subject)),
    };
    if OTHERS.iter().any(|other| other.eq_ignore_ascii_case(endpoint)) {
        return Err(Fault::BulkPathReserved { path: shown() }.into());
    }
    let unknown = || Fault::BulkPathUnknown { path: shown() };
    let kind = registry.at(endpoint).cloned().ok_or_else(unknown)?;
    let subject = subject.map(|subject| percent_decode_str(subject).decode_utf8_lossy());
    match (method, subject) {
        (Method::Post, None) => Ok((kind, None)),
        (Method::Put | Method::Patch | Method::Delete, Some(subject)) if !subject.is_empty() => {
            if subject.contains('/') && !subject.starts_with(PREFIX) {
                return Err(invalid().into());
            }
            Ok((kind, Some(subject.into_owned())))
        }
        _ => Err(Fault::BulkPathMethod { path: shown(), method: method.as_str() }.into()),
    }
}

/// The operations with the POSTs that each refers to.
fn linked(read: Vec<(Sent, Result<Action, Error>)>) -> Vec<Operation> {
    let mut declared: HashMap<String, Declared> = HashMap::new();
    let mut again = BTreeSet::new();
    for (at, (sent, _)) in read.iter().enumerate() {
        let Some(bulk_id) = sent.bulk_id.as_ref().filter(|_| is_post(sent)) else { continue };
        if declared.insert(bulk_id.clone(), Declared::At(at)).is_some() {
            declared.insert(bulk_id.clone(), Declared::Twice);
            again.insert(at);
        }
    }
    let mut operations = Vec::with_capacity(read.len());
    for (at, (sent, action)) in read.into_iter().enumerate() {
        let mut operation = Operation { sent, action, needs: Vec::new(), members: Vec::new() };
        if again.contains(&at) {
            let bulk_id = shortened(operation.sent.bulk_id.as_deref().unwrap_or_default());
            operation.action = Err(Fault::BulkIdTaken { bulk_id }.into());
        }
        if let Ok(action) = &operation.action {
            match needs(action, &declared) {
                Ok((needs, members)) => (operation.needs, operation.members) = (needs, members),
                Err(error) => operation.action = Err(error),
            }
        }
        operations.push(operation);
    }
    operations
}

fn is_post(sent: &Sent) -> bool {
    sent.method.as_deref() == Some("POST")
}

/// The POSTs that an action refers to, and which of them are to be members.
fn needs(
    action: &Action,
    declared: &HashMap<String, Declared>,
) -> Result<(Vec<usize>, Vec<usize>), Error> {
    let (mut needs, mut members) = (BTreeSet::new(), BTreeSet::new());
    let mut found = reference::all(&action.data, action.kind.has_members());
    let subject = action.subject.as_deref().and_then(|subject| subject.strip_prefix(PREFIX));
    found.extend(subject.map(|bulk_id| Reference { bulk_id, member: false }));
    for Reference { bulk_id, member } in found {
        match declared.get(bulk_id) {
            Some(Declared::At(at)) => {
                needs.insert(*at);
                if member {
                    members.insert(*at);
                }
            }
            Some(Declared::Twice) => {
                return Err(Fault::BulkIdAmbiguous { bulk_id: shortened(bulk_id) }.into());
            }
            None => return Err(Fault::BulkIdUnknown { bulk_id: shortened(bulk_id) }.into()),
        }
    }
    Ok((needs.into_iter().collect(), members.into_iter().collect()))
}
