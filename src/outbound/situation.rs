//! What is true now for one object and one app: everything that a plan depends on, read at once.

use super::application::Application;
use super::engine::Engine;
use super::plan::{Link, Origin, Situation, Standing};
use crate::adapters::adapter::RemoteId;
use crate::id::ResourceId;
use crate::mapping::compiled::Mapping;
use crate::mapping::field::Kind;
use crate::mapping::record::{Desired, Misfit, Record};
use crate::scim::filter::Condition;
use crate::scim::schema::{Registry, ResourceType};
use crate::store::links::LinkRow;
use crate::store::members::Membership;
use crate::store::resources::Stored;
use crate::store::{self, Reader};
use serde_json::{Map, Value, json};
use std::collections::HashMap;

/// Reads the situation of one object.
///
/// # Errors
/// The store's.
pub(super) async fn read(
    engine: &Engine,
    application: &Application,
    kind: Kind,
    resource: ResourceId,
) -> store::Result<Situation> {
    let app = application.row.id;
    let registry = std::sync::Arc::clone(&application.registry);
    let base = engine.base_url().to_owned();
    let scope = application.scope.clone();
    let reads_groups = application.mapping.reads_groups();
    let (present, link) = engine
        .store()
        .read(application.organization, move |reader| {
            let link = reader.link(app, resource)?;
            let Some(stored) = reader.resource(kind.as_str(), resource)? else {
                return Ok((None, link));
            };
            let in_scope = in_scope(reader, &registry, kind, &stored, scope.as_ref())?;
            let complete = complete(reader, &registry, kind, &stored, &base, reads_groups)?;
            Ok((Some((complete, in_scope)), link))
        })
        .await?;
    Ok(judge(application, kind, present.as_ref(), link))
}

/// Whether a resource belongs to an app's scope. Scopes are about people.
fn in_scope(
    reader: &mut Reader<'_>,
    registry: &Registry,
    kind: Kind,
    stored: &Stored,
    scope: Option<&Condition>,
) -> store::Result<bool> {
    match (kind, scope, registry.named(kind.as_str())) {
        (Kind::User, Some(condition), Some(users)) => reader.meets(users, stored, condition),
        _ => Ok(true),
    }
}

/// The complete resource, as mappings read it.
pub(super) fn complete(
    reader: &mut Reader<'_>,
    registry: &Registry,
    kind: Kind,
    stored: &Stored,
    base: &str,
    with_groups: bool,
) -> store::Result<Map<String, Value>> {
    let Some(definition) = registry.named(kind.as_str()) else {
        return Ok(stored.attributes.clone());
    };
    let mut groups = HashMap::new();
    if with_groups && kind == Kind::User {
        groups = reader.groups_of(&[stored.id])?;
    }
    Ok(completed(definition, stored, base, groups.remove(&stored.id)))
}

/// The complete resource with memberships that were read before.
pub(super) fn completed(
    definition: &ResourceType,
    stored: &Stored,
    base: &str,
    groups: Option<Vec<Membership>>,
) -> Map<String, Value> {
    let mut complete = stored.complete(definition, base);
    let groups: Vec<Value> = groups
        .unwrap_or_default()
        .into_iter()
        .map(|membership| {
            json!({
                "value": membership.group.to_string(),
                "display": membership.display,
                "type": if membership.indirect { "indirect" } else { "direct" },
            })
        })
        .collect();
    if !groups.is_empty() {
        complete.insert("groups".into(), groups.into());
    }
    complete
}

/// Puts together what was read; pure.
pub(super) fn judge(
    application: &Application,
    kind: Kind,
    present: Option<&(Map<String, Value>, bool)>,
    link: Option<LinkRow>,
) -> Situation {
    let standing = match present {
        None => Standing::Deleted,
        Some((_, false)) => Standing::OutOfScope,
        Some((resource, true)) => match resource.get("active") {
            Some(Value::Bool(false)) if kind == Kind::User => Standing::Deactivated,
            _ => Standing::Member,
        },
    };
    let desired = match (standing, present) {
        (Standing::Member, Some((resource, _))) => {
            desired(&application.mapping, kind, resource, link.is_none())
        }
        _ => Desired::default(),
    };
    Situation {
        kind,
        standing,
        desired,
        link: link.map(remembered),
        found: None,
        match_fields: application.match_fields(kind),
        policy: application.policy,
        can_deactivate: true,
    }
}

/// What a mapping desires. An account cannot be made without the app's mandatory fields, so nobody
/// need ask the app.
pub(super) fn desired(
    mapping: &Mapping,
    kind: Kind,
    resource: &Map<String, Value>,
    is_new: bool,
) -> Desired {
    let mut desired = mapping.desired(kind, resource);
    if is_new {
        let unmapped = mapping.unmapped_mandatory(kind);
        desired.problems.extend(unmapped.into_iter().map(|field| Misfit {
            detail: format!("The app's mandatory field {field} is not mapped."),
            remedy: "Map it to a profile field or a hardcoded value.".into(),
            field,
        }));
    }
    desired
}

fn remembered(row: LinkRow) -> Link {
    Link {
        remote: row.remote_id.map(RemoteId),
        active: row.state != "deactivated",
        origin: if row.origin == "created" { Origin::Created } else { Origin::Adopted },
        record: Record(row.record.into_iter().collect()),
    }
}
